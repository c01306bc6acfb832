"""Files of gzipped JSON lines in folders by application and hour, as Hive, Spark and DuckDB read.

A file is there completely or not at all, and its name follows from the records in it, so that what
is sent twice is written once. The root is never made anew while records are sent: it may be a disk
that is not there at the moment.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pinpoint_kit.destinations.members import data_of
from pinpoint_kit.destinations.parameters import checked_number
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.records.destination import Unavailable
from pinpoint_kit.system.atomic_files import atomic_file, flush_folder, remove_drafts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.records.destination import Refused, StreamRecord

__all__ = ["Files"]

_MOST_RECORDS = 10_000
_HIGHEST_RECORDS = 1_000_000
_MOST_BYTES = 64_000_000
_MOST_RECORD_BYTES = 16_000_000
_HOUR_MS = 3_600_000
#: A name of a folder may have 255 bytes.
_MOST_NAME_BYTES = 200
#: Names sort as their records do, up to so many digits.
_DIGITS = 12
_PLAIN = re.compile(r"[^\w-]", re.ASCII)
#: As gzip has it: 5 µs a record; the lowest takes half of that, and files that are a fifth larger.
_LEVEL = 6


class Files:
    r"""A folder of NDJSON files, compressed with gzip.

    Files are named `app=ID/year=Y/month=M/day=D/hour=H/FIRST-LAST.ndjson.gz`, by the hour (UTC) in
    which events arrived and the numbers of the first and the last record. Each is flushed to the
    disk before it gets its name, and only its owner can read it (mode 0600, folders 0700). Readers
    that leave out names with a dot in front, as all of them do, see no half of a file. One call of
    `send` writes one file for each hour in it. Safe for several threads.

    Args:
        folder: where the files go. It is made, unless its parent folder is missing.
        event_id: add a member `event_id` to each record; Pinpoint's own have none.
        most_records: the most records of one file, from 1 to 1,000,000.

    Raises:
        ConfigurationError: the folder cannot be used.

    Examples:
        >>> from pinpoint_kit.destinations import StreamRecord
        >>> files = Files("events")
        >>> record = StreamRecord(1, "device-1", "e-1", "device-1", 1487973802507, b"{}\n")
        >>> files.send("shop", [record])
        [None]
        >>> [path.name for path in Path("events").rglob("*.gz")]
        ['000000000001-000000000001.ndjson.gz']
    """

    keeps_order = True  # a call is written as a whole, or is repeated

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        event_id: bool = False,
        most_records: int = _MOST_RECORDS,
    ) -> None:
        self._folder = Path(os.path.abspath(folder))  # noqa: PTH100 -- links are kept
        self._event_id = event_id
        self._most_records = checked_number("most_records", most_records, 1, _HIGHEST_RECORDS)
        #: Applications whose drafts of an earlier process are gone.
        self._tidied: set[str] = set()
        with suppress(FileExistsError):
            self._make_root()
        effective = os.access in os.supports_effective_ids
        if not self._folder.is_dir() or not os.access(
            self._folder, os.W_OK | os.X_OK, effective_ids=effective
        ):
            raise ConfigurationError(
                f"{self._folder} cannot be written: name a folder that this user may write to"
            )

    def __repr__(self) -> str:
        return f"<Files {self.name}>"

    @property
    def name(self) -> str:
        """What status and logs call it."""
        return f"file://{quote(os.fsencode(self._folder))}"

    @property
    def most_records(self) -> int:
        """The most records of one file."""
        return self._most_records

    @property
    def most_bytes(self) -> int:
        """The most bytes of one call, before they are compressed."""
        return _MOST_BYTES

    @property
    def most_record_bytes(self) -> int:
        """The most bytes of one record."""
        return _MOST_RECORD_BYTES

    def send(self, application_id: str, records: Sequence[StreamRecord]) -> list[Refused | None]:
        """Write records, in their order, and say of each what became of it.

        The same records again write nothing more: after an error, files of the first hours may be
        there, and are found again.

        Args:
            application_id: whose stream it is.
            records: the records.

        Returns:
            None for each record.

        Raises:
            Unavailable: the disk is full, or the folder cannot be written.
        """
        hours: dict[int, list[StreamRecord]] = {}
        for record in records:
            hours.setdefault(record.arrived // _HOUR_MS, []).append(record)
        try:
            for hour, within in hours.items():
                self._write(application_id, hour, within)
        except OSError as error:
            raise Unavailable(f"{self.name}: {error.strerror or type(error).__name__}") from error
        self._tidied.add(application_id)
        return [None] * len(records)

    def close(self) -> None:
        """Do nothing: nothing is open between two calls."""

    def _make_root(self) -> None:
        try:
            self._folder.mkdir(mode=0o700)
        except FileExistsError:
            raise
        except OSError as error:
            raise ConfigurationError(
                f"{self._folder} cannot be made ({error.strerror}): name a folder whose parent is"
                " there"
            ) from error
        flush_folder(self._folder.parent)

    def _write(self, application_id: str, hour: int, records: Sequence[StreamRecord]) -> None:
        lines = b"".join(data_of(record, event_id=self._event_id) for record in records)
        folder = self._folder_of(application_id, hour)
        name = f"{records[0].number:0{_DIGITS}}-{records[-1].number:0{_DIGITS}}"
        path = folder / f"{name}.ndjson.gz"
        if application_id not in self._tidied:
            remove_drafts(path)  # of the call that a crash ended: it comes first again
        if _holds(path, lines):
            return
        if os.path.lexists(path):
            # Another store has written these numbers of this application: both are kept.
            path = folder / f"{name}-{hashlib.sha256(lines).hexdigest()[:16]}.ndjson.gz"
        with atomic_file(path, replace=True) as draft:
            # Without the time: the same records are the same bytes.
            draft.write_bytes(gzip.compress(lines, _LEVEL, mtime=0))

    def _folder_of(self, application_id: str, hour: int) -> Path:
        """Return the folder of an hour; make it below the root, and never the root itself."""
        at = time.gmtime(hour * _HOUR_MS // 1_000)
        folder = self._folder
        for name in (
            f"app={_escaped(application_id)}",
            f"year={at.tm_year:04}",
            f"month={at.tm_mon:02}",
            f"day={at.tm_mday:02}",
            f"hour={at.tm_hour:02}",
        ):
            child = folder / name
            try:
                child.mkdir(mode=0o700)
            except FileExistsError:
                pass
            else:
                flush_folder(folder)
            folder = child
        return folder


def _holds(path: Path, lines: bytes) -> bool:
    """Return whether a file has these lines already; another gzip may have packed them."""
    try:
        with gzip.open(path) as file:
            return file.read(len(lines) + 1) == lines
    except (FileNotFoundError, IsADirectoryError, EOFError, gzip.BadGzipFile, zlib.error):
        return False


def _escaped(application_id: str) -> str:
    """Return an application's id as Hive writes it in a path; a hash where it is too long.

    Ids of the engine are hexadecimal; any other text stays below its folder, too.
    """
    escaped = _PLAIN.sub(
        lambda sign: "".join(f"%{byte:02X}" for byte in sign[0].encode("utf-8", "surrogatepass")),
        application_id,
    )
    if len(escaped) <= _MOST_NAME_BYTES:
        return escaped
    return hashlib.sha256(application_id.encode("utf-8", "surrogatepass")).hexdigest()

"""Where endpoints come from: files of an export, objects in S3, or a client's own endpoints.

Files are read line by line, from any line on, compressed or not. What a line is wrong in is said
with it; what a right one means belongs elsewhere.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from contextlib import closing
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

import attrs

from pinpoint_kit.errors import ConfigurationError, InvalidTypeError, PinpointKitError
from pinpoint_kit.objects import Objects, StoredObject
from pinpoint_kit.records.lines import Lines
from pinpoint_kit.records.rows import CsvRows, HeaderError, JsonRows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.records.rows import Rows

__all__ = [
    "DAMAGED",
    "ClientSource",
    "FileSource",
    "Position",
    "Source",
    "Taker",
    "local_files",
    "open_source",
    "stored_objects",
]

DAMAGED = "the file is damaged or is no text: nothing behind this line was read"
_AT_ONCE = 250
_BUFFER_BYTES = 256 * 1024
_GZIP = b"\x1f\x8b"
_SUFFIXES = frozenset({".csv", ".json", ".jsonl", ".ndjson", ""})


class Taker(Protocol):
    """Takes what is read, line by line."""

    def endpoint(
        self, file: int, line: int, members: dict[str, Any], content: bytes | None
    ) -> None:
        """Take an endpoint.

        Args:
            file: which of the source's files.
            line: its line there, from 1.
            members: its JSON, read.
            content: its JSON, if the source has it.
        """

    def bad(self, file: int, line: int, reason: str) -> None:
        """Take a line that cannot be read, and why."""


@attrs.frozen
class Position:
    """How far a source was read: a file, a byte of its content, and a line."""

    file: int = 0
    offset: int = 0
    line: int = 0


class Source(Protocol):
    """What has endpoints."""

    @property
    def names(self) -> Sequence[str]:
        """What the report calls its files."""

    @property
    def signature(self) -> list[object]:
        """JSON that changes when the source does, as far as that can be seen."""

    @property
    def is_resumable(self) -> bool:
        """Whether it can be read from a position on."""

    def read(self, position: Position, taker: Taker) -> Iterator[Position]:
        """Read from a position on; each step hands over some rows, and yields what is behind."""


class SourceFile(Protocol):
    """One file."""

    @property
    def name(self) -> str:
        """Its path below the source."""

    @property
    def version(self) -> str:
        """Changes when the content does."""

    def open(self) -> BinaryIO:
        """Open it at its beginning."""


@attrs.frozen
class _LocalFile:
    path: Path
    name: str
    version: str

    def open(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise ConfigurationError(
                f"{self.path} cannot be read ({error.strerror}): check the file"
            ) from None


@attrs.frozen
class _StoredFile:
    objects: Objects
    found: StoredObject
    name: str

    @property
    def version(self) -> str:
        return f"{self.found.size}-{self.found.version}"

    def open(self) -> BinaryIO:
        return self.objects.read(self.found)


def local_files(path: Path, *, without: Path) -> FileSource:
    """Return the file, or all files in the folder and its subfolders.

    Args:
        path: a file or a folder.
        without: a folder whose files are not taken.

    Raises:
        ConfigurationError: there is nothing to read.
    """
    if path.is_file():
        return FileSource([_local_file(path, path.name)])
    if not path.is_dir():
        raise ConfigurationError(f"there is no file or folder {path}: check the path")
    excluded = without.resolve()
    found = [
        _local_file(entry, entry.relative_to(path).as_posix())
        for entry in sorted(path.rglob("*"))
        if entry.is_file()
        and _is_wanted(entry.relative_to(path).as_posix())
        and excluded not in entry.resolve().parents
    ]
    if not found:
        raise ConfigurationError(f"there is no file with endpoints in {path}: check the path")
    return FileSource(found)


def stored_objects(objects: Objects, url: str) -> FileSource:
    """Return the objects whose URLs begin so.

    Raises:
        ValidationError: it is no URL of S3.
        ConfigurationError: there is no such object.
        ServiceError: S3 refuses.
        TransportError: no answer came.
    """
    top = url.rpartition("/")[0] + "/"
    found = [
        _StoredFile(objects, each, each.url[len(top) :])
        for each in objects.find(url)
        if not each.url.endswith("/") and (each.url == url or _is_wanted(each.url[len(top) :]))
    ]
    if not found:
        raise ConfigurationError(f"there is no object with endpoints at {url}: check the prefix")
    return FileSource(found)


def _local_file(path: Path, name: str) -> _LocalFile:
    status = path.stat()
    return _LocalFile(path, name, f"{status.st_size}-{status.st_mtime_ns}")


def _is_wanted(name: str) -> bool:
    path = PurePosixPath(name)
    if any(part.startswith((".", "_")) for part in path.parts):
        return False
    return PurePosixPath(path.name.removesuffix(".gz")).suffix.lower() in _SUFFIXES


class FileSource:
    """Files with an endpoint a line.

    Args:
        files: the files, in their order.
    """

    is_resumable = True

    def __init__(self, files: Sequence[SourceFile]) -> None:
        self._files = list(files)

    @property
    def names(self) -> Sequence[str]:
        """As in `Source`."""
        return [file.name for file in self._files]

    @property
    def signature(self) -> list[object]:
        """As in `Source`."""
        return [[file.name, file.version] for file in self._files]

    def read(self, position: Position, taker: Taker) -> Iterator[Position]:
        """As in `Source`."""
        for number in range(position.file, len(self._files)):
            start = position if number == position.file else Position(number)
            yield from self._read(start, taker)

    def _read(self, start: Position, taker: Taker) -> Iterator[Position]:
        number = start.file
        file = self._files[number]
        line = start.line
        try:
            with closing(_opened(file)) as stream:
                rows = _rows(stream, _is_csv(file.name), start, _Maker(number, taker))
                while not rows.is_at_end:
                    rows.read(_AT_ONCE)
                    line = rows.lines.number
                    yield Position(number, rows.lines.offset, line)
                return
        except HeaderError as error:
            taker.bad(number, 1, str(error))
        except (EOFError, zlib.error, gzip.BadGzipFile):
            taker.bad(number, line + 1, DAMAGED)
        except PinpointKitError:
            raise
        except OSError as error:
            raise ConfigurationError(
                f"{file.name} cannot be read to its end ({error.strerror}): try again"
            ) from None
        yield Position(number + 1)


class _Maker:
    """Hands over what the readers find."""

    def __init__(self, file: int, taker: Taker) -> None:
        self._file = file
        self._taker = taker

    def endpoint(self, line: int, members: dict[str, Any], content: bytes | None = None) -> None:
        self._taker.endpoint(self._file, line, members, content)

    def users(self, line: int, user_ids: Sequence[str]) -> None:
        if len(user_ids) == 1:
            self.endpoint(line, {"User": {"UserId": user_ids[0]}})
        else:
            self.bad(line, "is a list of users: give endpoints")

    def bad(self, line: int, reason: str, column: str = "") -> None:
        self._taker.bad(self._file, line, f"{column} {reason}" if column else reason)


def _is_csv(name: str) -> bool:
    return name.lower().removesuffix(".gz").endswith(".csv")


def _rows(stream: BinaryIO, is_csv: bool, start: Position, maker: _Maker) -> Rows[None]:  # noqa: FBT001 -- private
    lines = Lines(stream)
    if is_csv:
        header = CsvRows.header(lines)
        if start.offset:
            _skip(stream, start.offset - lines.offset)
            lines = Lines(stream, offset=start.offset, number=start.line)
        return CsvRows(lines, maker, header)
    if start.offset:
        _skip(stream, start.offset)
        lines = Lines(stream, offset=start.offset, number=start.line)
    return JsonRows(lines, maker, has_users=False)


def _skip(stream: BinaryIO, count: int) -> None:
    while count > 0 and (content := stream.read(min(count, _BUFFER_BYTES))):
        count -= len(content)


def _opened(file: SourceFile) -> BinaryIO:
    """Open a file, decompressed when it is compressed, whatever its name."""
    raw = file.open()
    buffered = cast(
        "io.BufferedReader",
        raw if hasattr(raw, "peek") else io.BufferedReader(cast("io.RawIOBase", raw)),
    )
    if buffered.peek(len(_GZIP))[: len(_GZIP)] != _GZIP:
        return cast("BinaryIO", buffered)
    return cast("BinaryIO", _Unpacked(gzip.GzipFile(fileobj=buffered), buffered))


class _Unpacked(io.BufferedReader):
    """The content of a compressed file; closing it closes the file, too."""

    def __init__(self, unpacked: gzip.GzipFile, raw: io.BufferedReader) -> None:
        super().__init__(cast("io.RawIOBase", unpacked), _BUFFER_BYTES)
        self._file = raw

    def close(self) -> None:
        super().close()
        self._file.close()


class ClientSource:
    """The endpoints of a client's application, or of a segment of it.

    Args:
        pinpoint: the client; it stays the caller's.
        segment: the id of a segment, None for all endpoints.
    """

    is_resumable = False

    def __init__(self, pinpoint: Pinpoint, segment: str | None) -> None:
        self._pinpoint = pinpoint
        self._segment = segment

    @property
    def names(self) -> Sequence[str]:
        """As in `Source`."""
        return ["endpoints" if self._segment is None else f"segment {self._segment}"]

    @property
    def signature(self) -> list[object]:
        """As in `Source`: which application, and which segment; what is in it may change."""
        return ["application", self._pinpoint.application_id, self._segment]

    def read(self, position: Position, taker: Taker) -> Iterator[Position]:
        """As in `Source`, but always from the beginning."""
        del position
        for number, members in enumerate(self._endpoints(), start=1):
            taker.endpoint(0, number, members, None)
            if number % _AT_ONCE == 0:
                yield Position(0, 0, number)
        yield Position(1)

    def _endpoints(self) -> Iterable[dict[str, Any]]:
        if self._segment is None:
            found = self._pinpoint.endpoints.scan()
        else:
            found = self._pinpoint.segments.members(self._segment)
        return (each.to_dict() for each in found)


def is_url(source: str | os.PathLike[str]) -> bool:
    """Whether a source is named by a URL."""
    return isinstance(source, str) and "://" in source


def open_source(source: object, folder: Path, segment: str | None) -> Source:
    """Return what reads a source, as `convert` takes it.

    Raises:
        ConfigurationError: there is nothing to read, or a segment of files is wanted.
        InvalidTypeError: it is neither a place nor a client.
    """
    if isinstance(source, (str, os.PathLike)):
        if segment is not None:
            raise ConfigurationError("segment is for a client: files have no segments to choose")
        if not is_url(source):
            return local_files(Path(source), without=folder)
        if isinstance(source, str) and source.lower().startswith("s3://"):
            from pinpoint_kit.doors import open_objects  # noqa: PLC0415 -- loads botocore

            return stored_objects(open_objects(), source)
        raise ConfigurationError(
            "the source is no path and no s3:// URL: for endpoints of a database or server, pass"
            " what pinpoint_kit.connect(URL) returns"
        )
    if not hasattr(source, "endpoints"):
        raise InvalidTypeError(
            f"expected a path, an s3:// URL or a client, got {type(source).__name__}", "$.source"
        )
    return ClientSource(cast("Pinpoint", source), segment)

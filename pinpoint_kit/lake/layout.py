"""Where a lake's files are, and the manifest that says which of them are meant.

    LAKE/lake.json                                        the manifest
    LAKE/events/event_date=2026-11-30/FIRST-LAST-STEP.parquet
    LAKE/endpoints/STEP.parquet   LAKE/users/STEP.parquet

Files are never changed: a new one gets another name, the manifest is replaced as a whole, and then
the old ones are deleted. So whoever reads by the manifest sees one state, or misses a file and
reads the manifest again; whoever reads the folders sees each event once, but for the moments
between. Files and folders are for this user only. What is in a file belongs to schema.py.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.system.atomic_files import atomic_file, remove_drafts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["MANIFEST", "Layout", "Manifest", "Part", "folder_of"]

MANIFEST = "lake.json"
_FORMAT = 1
_WORK = ".work"
_LOCK = ".lock"
_EVENT_FILE = re.compile(r"\d{12,}-\d{12,}-\d{6,}\.parquet")
_OTHER_FILE = re.compile(r"\d{6,}\.parquet")
_DAY = re.compile(r"event_date=\d{4}-\d{2}-\d{2}")
#: A URL, also as `Path` writes it, with one slash; a drive has one letter.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def folder_of(path: str | os.PathLike[str]) -> Path:
    """Return the folder that a lake is in.

    Raises:
        ConfigurationError: it is a URL.
    """
    if _URL.match(os.fspath(path)):
        raise ConfigurationError(
            "a lake is exported to a folder, and read from one without spark=session: copy it from"
            " or to S3, as by `aws s3 sync --delete`"
        )
    return Path(path).absolute()


@attrs.frozen
class Part:
    """A file of events.

    Attributes:
        day: its date, `YYYY-MM-DD` in UTC.
        first: above this number of the store are its events.
        last: and up to this one.
        step: the step that wrote it.
        rows: how many events it has.
        size: bytes.
    """

    day: str
    first: int
    last: int
    step: int
    rows: int
    size: int

    @property
    def name(self) -> str:
        """Its path within the lake."""
        numbers = f"{self.first:012d}-{self.last:012d}-{self.step:06d}"
        return f"events/event_date={self.day}/{numbers}.parquet"


@attrs.frozen
class Manifest:
    """Which files a lake consists of.

    Attributes:
        lake: the lake's id, by which the store knows it.
        application: the application's id.
        step: how many steps of exports are complete.
        last_change: the last removal of a person that is applied, as the store counts them.
        exported: when the last step was read from the store, milliseconds since 1970.
        parts: the files of events.
        endpoints: the file of endpoints; None before the first export is complete.
        users: the file of users.
    """

    lake: str
    application: str
    step: int = 0
    last_change: int = 0
    exported: int = 0
    parts: tuple[Part, ...] = ()
    endpoints: str | None = None
    users: str | None = None

    @property
    def files(self) -> Mapping[str, Sequence[str]]:
        """The files of each table, as paths within the lake."""
        return {
            "events": [part.name for part in self.parts],
            "endpoints": [self.endpoints] if self.endpoints else [],
            "users": [self.users] if self.users else [],
        }

    @property
    def names(self) -> set[str]:
        """All files, as paths within the lake."""
        return set(chain.from_iterable(self.files.values()))

    @property
    def rows(self) -> int:
        """How many events there are."""
        return sum(part.rows for part in self.parts)


class Layout:
    """The folder of a lake, to be written. One process at a time may hold it.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def work(self) -> Path:
        """A folder for what is not complete yet, which nobody reads."""
        return self.path / _WORK

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder if there is none, and keep other exports from it.

        Raises:
            ConfigurationError: it cannot be used, holds something else, or is being exported to.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (self.path / MANIFEST).exists():
                self._check_empty()
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise ConfigurationError(
                f"{self.path} cannot be written ({error.strerror}): name a folder of this user"
            ) from None
        try:
            if not _lock(descriptor):
                raise ConfigurationError(
                    f"another export to {self.path} runs: wait for it, or leave it to that one"
                )
            self._tidy()
            yield
        finally:
            shutil.rmtree(self.work, ignore_errors=True)
            os.close(descriptor)

    def load(self) -> Manifest | None:
        """Return the manifest, None when nothing was exported yet.

        Raises:
            ConfigurationError: it cannot be read.
        """
        return load(self.path)

    def save(self, manifest: Manifest) -> None:
        """Replace the manifest; what it names must be there."""
        with atomic_file(self.path / MANIFEST, replace=True) as draft:
            draft.write_text(json.dumps(_encoded(manifest), separators=(",", ":")))

    def place(self, draft: Path, name: str) -> None:
        """Give a finished file of `work` its name in the lake; it is on the disk afterwards."""
        target = self.path / name
        for folder in reversed(target.relative_to(self.path).parents[:-1]):
            (self.path / folder).mkdir(mode=0o700, exist_ok=True)
        draft.chmod(0o600)
        _flush(draft)
        draft.replace(target)
        _flush(target.parent)

    def remove(self, names: Sequence[str]) -> None:
        """Delete files that the manifest no longer names, and folders that are empty then."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)
            with suppress(OSError):
                (self.path / name).parent.rmdir()

    def remove_unnamed(self, manifest: Manifest) -> None:
        """Delete what an interrupted export has left: files of ours that are not meant."""
        known = manifest.names
        found = [
            *(
                path
                for day in self._entries("events")
                if _DAY.fullmatch(day.name)
                for path in day.iterdir()
                if _EVENT_FILE.fullmatch(path.name)
            ),
            *(
                path
                for folder in ("endpoints", "users")
                for path in self._entries(folder)
                if _OTHER_FILE.fullmatch(path.name)
            ),
        ]
        names = (path.relative_to(self.path).as_posix() for path in found)
        self.remove([name for name in names if name not in known])

    def _entries(self, folder: str) -> list[Path]:
        path = self.path / folder
        return list(path.iterdir()) if path.is_dir() else []

    def _check_empty(self) -> None:
        others = [p.name for p in self.path.iterdir() if p.name not in {_LOCK, _WORK}]
        others = [name for name in others if not name.startswith(f".{MANIFEST}")]
        if others:
            raise ConfigurationError(
                f"{self.path} is no lake, and not empty (it has {min(others)}): name an empty"
                " folder, or one that does not exist"
            )

    def _tidy(self) -> None:
        """Remove what a killed export has left, which may be of people who are erased by now."""
        remove_drafts(self.path / MANIFEST)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(mode=0o700)


def load(path: Path) -> Manifest | None:
    """Return a lake's manifest, None when there is none.

    Raises:
        ConfigurationError: it cannot be read, or is of a newer release.
    """
    try:
        text = (path / MANIFEST).read_text("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path / MANIFEST} cannot be read ({type(error).__name__}): see who owns the lake"
        ) from None
    return decoded(text, str(path / MANIFEST))


def decoded(text: str, place: str) -> Manifest:
    """Return the manifest that a text is.

    Raises:
        ConfigurationError: it is none, or of a newer release.
    """
    try:
        content: dict[str, Any] = json.loads(text)
        version = content["format"]
        if version == _FORMAT:
            parts = tuple(Part(*part) for part in content["parts"])
            names = {field.name for field in attrs.fields(Manifest)}
            return Manifest(**{k: v for k, v in content.items() if k in names} | {"parts": parts})
    except (ValueError, KeyError, TypeError):
        raise ConfigurationError(
            f"{place} is no manifest of a lake: restore it, or export into an empty folder"
        ) from None
    raise ConfigurationError(
        f"{place} has format {version}, of a newer release: use that release, or a newer one"
    )


def _encoded(manifest: Manifest) -> dict[str, object]:
    content = attrs.asdict(manifest, recurse=False)
    content["parts"] = [list(attrs.astuple(part)) for part in manifest.parts]
    return {"format": _FORMAT, **content}


def _flush(path: Path) -> None:
    with suppress(OSError):  # folders cannot be opened everywhere
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file until it is closed; true where the system has no such locks."""
    try:
        import fcntl  # noqa: PLC0415 -- where there is none, exports are not kept apart
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

"""Where jobs read from and write to: the protocol, the local disk, and the choice by scheme.

An engine is handed what it may use; without anything it may use nothing, because whoever may
create a job could otherwise read and write whatever this process can. Other kinds of places
(`s3://`) implement the same protocol outside of the engine. What stands in a file does not belong
here.
"""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

import attrs

from pinpoint_kit.system.atomic_files import atomic_file, remove_drafts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "NO_FILES",
    "ByScheme",
    "File",
    "Files",
    "FilesError",
    "ForbiddenLocationError",
    "LocalFiles",
]


#: By what a server is given places, for the texts of `ForbiddenLocationError`.
_OPTIONS = {"s3": "--bucket NAME", "file": "--files DIR"}


class FilesError(Exception):
    """A place cannot be used. The text says why, and names neither the place nor any data.

    Attributes:
        is_passing: True when it may work when it is tried again.
    """

    def __init__(self, text: str, *, is_passing: bool = False) -> None:
        super().__init__(text)
        self.is_passing = is_passing


class ForbiddenLocationError(FilesError):
    """The place may be there, but this engine was not allowed to use it."""


@attrs.frozen
class File:
    """One file that was found.

    Attributes:
        url: what to open it by.
        name: what it is called below the place that was asked for; "" when it is that place.
        size: in bytes.
        version: changes when the content does.
    """

    url: str = attrs.field(repr=False)
    name: str = attrs.field(repr=False)
    size: int
    version: str


class Files(Protocol):
    """Places that are named by URLs. Each method may block, and may raise `FilesError`."""

    def check(self, url: str) -> None:
        """Raise `FilesError` when the URL is malformed or not allowed; look at nothing else."""

    def find(self, url: str) -> Iterator[File]:
        """Return the file, or all files in the folder and its subfolders, or with the prefix."""

    def read(self, file: File, offset: int) -> BinaryIO:
        """Open a file that was found, at that byte; one that has changed since is refused."""

    def check_unchanged(self, file: File) -> None:
        """Raise `FilesError` when what is read since `read` may be another file's by now."""

    def write(self, url: str, content: BinaryIO) -> None:
        """Write a whole file, from one that can be read again from its begin.

        It is there at once and completely, or not at all. What a writer that was killed has left
        of the same file goes.
        """

    def tidy(self, url: str) -> None:
        """Remove what writers that were killed have left of a file; not the file itself."""

    def join(self, prefix: str, name: str) -> str:
        """Return the URL of a plain name (with slashes) below a folder."""


class ByScheme:
    """Several kinds of places, told apart by how their URLs begin."""

    def __init__(self, by_scheme: Mapping[str, Files]) -> None:
        self._by_scheme = dict(by_scheme)

    def check(self, url: str) -> None:
        """As in `Files`."""
        self._of(url).check(url)

    def find(self, url: str) -> Iterator[File]:
        """As in `Files`."""
        return self._of(url).find(url)

    def read(self, file: File, offset: int) -> BinaryIO:
        """As in `Files`."""
        return self._of(file.url).read(file, offset)

    def check_unchanged(self, file: File) -> None:
        """As in `Files`."""
        self._of(file.url).check_unchanged(file)

    def write(self, url: str, content: BinaryIO) -> None:
        """As in `Files`."""
        self._of(url).write(url, content)

    def tidy(self, url: str) -> None:
        """As in `Files`."""
        self._of(url).tidy(url)

    def join(self, prefix: str, name: str) -> str:
        """As in `Files`."""
        return self._of(prefix).join(prefix, name)

    def _of(self, url: str) -> Files:
        scheme, mark, _ = url.partition("://")
        scheme = scheme.lower()
        if not mark or scheme not in _OPTIONS:
            raise FilesError("must be of the form s3://BUCKET/KEY or file:///PATH")
        files = self._by_scheme.get(scheme)
        if files is None:
            raise ForbiddenLocationError(
                f"this engine was not given any {scheme}:// places to use;"
                f" `pinpoint-kit serve {_OPTIONS[scheme]}` allows some"
            )
        return files


#: For an engine that may use no files.
NO_FILES = ByScheme({})


class LocalFiles:
    """The disk of this machine: `file:///PATH`, percent-encoded.

    Args:
        roots: the folders to stay in, after links are followed. None allows the whole disk.
    """

    def __init__(self, roots: Sequence[str | os.PathLike[str]] | None = None) -> None:
        self._roots = None if roots is None else [os.path.realpath(root) for root in roots]

    def check(self, url: str) -> None:
        """As in `Files`."""
        self._path(url)

    def find(self, url: str) -> Iterator[File]:
        """As in `Files`; in the order of their paths."""
        path = self._path(url)
        with _explained():
            if path.is_dir():
                yield from self._below(path, path)
            elif path.exists() and not url.endswith("/"):
                yield from self._file(path, "")
            elif path.parent.is_dir() and not url.endswith("/"):
                for entry in sorted(path.parent.iterdir()):
                    if not entry.name.startswith(path.name):
                        continue
                    if entry.is_dir():
                        yield from self._below(entry, path.parent)
                    else:
                        yield from self._file(entry, entry.name)

    def read(self, file: File, offset: int) -> BinaryIO:
        """As in `Files`."""
        path = self._path(file.url)
        with _explained():
            stream = path.open("rb")
            is_same = _version(os.fstat(stream.fileno())) == file.version
            if is_same:
                stream.seek(offset)
                return stream
            stream.close()
        raise _changed()

    def check_unchanged(self, file: File) -> None:
        """As in `Files`; a file that was replaced or removed has changed, too."""
        path = self._path(file.url)
        with _explained():
            try:
                is_same = _version(path.stat()) == file.version
            except FileNotFoundError:
                is_same = False
        if not is_same:
            raise _changed()

    def write(self, url: str, content: BinaryIO) -> None:
        """As in `Files`; for this user only, because endpoints are personal data.

        Two that write the same file have a draft each, so that nothing gets mixed. Each takes the
        other's for one that was left over; whose draft is gone writes it again.
        """
        path = self._path(url)
        with _explained():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            remove_drafts(path)
            for tries in range(_MOST_DRAFTS, 0, -1):
                content.seek(0)
                try:
                    with atomic_file(path, replace=True) as draft, draft.open("wb") as stream:
                        shutil.copyfileobj(content, stream)
                except FileNotFoundError:
                    if tries == 1:
                        raise
                else:
                    return

    def tidy(self, url: str) -> None:
        """As in `Files`."""
        path = self._path(url)
        with _explained():
            remove_drafts(path)

    def join(self, prefix: str, name: str) -> str:
        """As in `Files`."""
        return f"{prefix.rstrip('/')}/{quote(name)}"

    def _below(self, folder: Path, top: Path) -> Iterator[File]:
        for entry in sorted(folder.iterdir()):
            if entry.is_dir():
                if not entry.is_symlink():  # a link upwards would never end
                    yield from self._below(entry, top)
            else:
                yield from self._file(entry, entry.relative_to(top).as_posix())

    def _file(self, path: Path, name: str) -> Iterator[File]:
        """Return the file, unless it is a pipe, a device, or a link that leads out of the roots."""
        if path.is_file() and self._is_allowed(path):
            status = path.stat()
            yield File(path.as_uri(), name, status.st_size, _version(status))

    def _path(self, url: str) -> Path:
        parts = urlsplit(url)
        path = unquote(parts.path, errors="surrogateescape")  # a name need not be UTF-8
        if parts.scheme.lower() != "file" or parts.netloc not in {"", "localhost"}:
            raise FilesError("must be of the form file:///PATH, with three slashes")
        if parts.query or parts.fragment or "\0" in path or not path.startswith("/"):
            raise FilesError("must be of the form file:///PATH, percent-encoded")
        found = Path(url2pathname(parts.path) if os.name == "nt" else path)
        if not self._is_allowed(found):
            raise ForbiddenLocationError(
                "this engine was not given that place to use;"
                " `pinpoint-kit serve --files DIR` allows a folder"
            )
        return found

    def _is_allowed(self, path: Path) -> bool:
        if self._roots is None:
            return True
        real = Path(os.path.realpath(path))
        return any(real.is_relative_to(root) for root in self._roots)


_MOST_DRAFTS = 3


def _changed() -> FilesError:
    return FilesError("the file has changed since the job began")


def _version(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ino}"


_REASONS = {
    errno.EACCES: "this process has no right to use it",
    errno.EPERM: "this process has no right to use it",
    errno.EROFS: "it cannot be written to",
    errno.ENOENT: "there is no such file or folder",
    errno.ENOTDIR: "a file stands where a folder is needed",
    errno.ENOSPC: "the disk is full",
}


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = _REASONS.get(error.errno or 0) or error.strerror or type(error).__name__
        raise FilesError(text) from None

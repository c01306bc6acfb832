"""`atomic_file`: a file that is there completely or not at all. The only place that writes so.

The content goes into a draft beside the file: made exclusively, for this user only. Its name
becomes the file's when all is on the disk. What is written, and how an error is worded, is the
caller's business.
"""

from __future__ import annotations

import errno
import hashlib
import os
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["atomic_file", "drafts", "flush_folder", "remove_drafts"]

_SUFFIX = ".part"
#: A file system takes names of 255 bytes; beyond so many a draft is named by a hash.
_LONGEST_NAME = 200


@contextmanager
def atomic_file(path: Path, *, replace: bool, draft: Path | None = None) -> Iterator[Path]:
    """Lend the path of an empty draft, and give it the name `path` when the block has ended.

    The draft is flushed to the disk first, and its new name after that. Anything that ends the
    block early (any exception) removes the draft and leaves `path` as it was. A killed process
    leaves the draft: see `remove_drafts`.

    Args:
        path: the file. A link is replaced, not followed.
        replace: take the place of a file that is there; otherwise that file stays, whenever it
            came.
        draft: the name of the draft, in the same folder. Two writers who agree on it exclude each
            other. A hidden name that nobody else has when None.

    Yields:
        The draft: an empty file, mode 600.

    Raises:
        FileExistsError: `path` is there and `replace` is False, or `draft` is there; its
            `filename` says which.
        OSError: the file system refuses.
    """
    if not replace:
        with suppress(FileNotFoundError):
            os.lstat(path)
            raise _exists(path)
    made = _make(path, draft)
    try:
        yield made
        _flush(made)
        if replace:
            made.replace(path)
        else:
            _name(made, path)
    finally:
        with suppress(OSError):  # it has its new name, or another process has tidied up
            made.unlink()
    flush_folder(path.parent)


def remove_drafts(path: Path) -> None:
    """Remove what killed processes have left of a file: drafts that had no name of their own.

    A draft that another process is writing at this moment goes, too; its writer is told by
    FileNotFoundError.
    """
    prefix = _prefix(path)
    with suppress(FileNotFoundError):  # no folder, or somebody else was faster
        for entry in path.parent.iterdir():
            if entry.name.startswith(prefix) and entry.name.endswith(_SUFFIX):
                entry.unlink(missing_ok=True)


def drafts(folder: Path, names: str) -> list[Path]:
    """Return what killed processes have left of files of a folder, whatever their contents.

    Args:
        folder: where the files would be.
        names: a pattern of their names, as `Path.glob` takes it; not of very long ones.
    """
    return [*folder.glob(f".{names}.*{_SUFFIX}")]


def _make(path: Path, draft: Path | None) -> Path:
    if draft is None:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path), suffix=_SUFFIX)
        os.close(descriptor)
        return path.with_name(os.path.basename(name))  # noqa: PTH119 -- a str
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return draft


def _prefix(path: Path) -> str:
    """Name the file, for `remove_drafts`; the dot keeps readers of folders from taking drafts."""
    name = os.fsencode(path.name)
    known = path.name if len(name) <= _LONGEST_NAME else hashlib.sha256(name).hexdigest()
    return f".{known}."


def _name(draft: Path, path: Path) -> None:
    """Give a draft its name, unless another file has taken it meanwhile."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        raise _exists(path) from None
    except OSError:  # a file system without links
        if os.path.lexists(path):
            raise _exists(path) from None
        draft.rename(path)


def _exists(path: Path) -> FileExistsError:
    return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR)  # Windows flushes only what may be written
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Make a new name survive power loss, where folders can be opened."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

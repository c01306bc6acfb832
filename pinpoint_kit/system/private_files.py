"""`private_text`: the text of a file that holds secrets. The only place that reads such files.

Everything is asked of the file that was opened, not of its name, so that nobody can put another one
there in between. What the text means, and what an error is called, is the caller's business.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MOST_BYTES", "PrivateFileError", "is_private", "private_text"]

#: The largest file that is read, far above any that somebody writes.
MOST_BYTES = 1_000_000
_O_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
_O_BINARY: int = getattr(os, "O_BINARY", 0)


class PrivateFileError(Exception):
    """The file cannot be used; the message says why and what to do, with the path, and no more."""


def private_text(path: Path) -> str:
    """Return the text of a file that only its owner can read.

    It never waits: a pipe is refused, whether or not somebody writes into it. Links are followed,
    and it is the file at their end that counts.

    Args:
        path: the file, UTF-8, with or without a byte order mark, of at most `MOST_BYTES`.

    Raises:
        PrivateFileError: it cannot be read, is no file, is too large or is no text, or others than
            its owner can read or write it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | _O_NONBLOCK | _O_BINARY)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise PrivateFileError(f"{path} is no file: name one, not a folder or a pipe")
            if not is_private(found):
                raise PrivateFileError(
                    f"{path} holds secrets, and others can read it: chmod 600 it, and replace its"
                    " secrets if others may have read them"
                )
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                content = file.read(MOST_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise PrivateFileError(
            f"{path} cannot be read ({error.strerror}): name a file that this user owns"
        ) from None
    if len(content) > MOST_BYTES:
        raise PrivateFileError(f"{path} is larger than {MOST_BYTES} bytes: name another file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PrivateFileError(f"{path} is no UTF-8 text: write it again") from None


def is_private(found: os.stat_result) -> bool:
    """Return whether only the owner can read or write a file; always true where modes are none."""
    return os.name != "posix" or not stat.S_IMODE(found.st_mode) & (stat.S_IRWXG | stat.S_IRWXO)

"""What SQLite's own errors mean, and turning its write-ahead log on. Facts of SQLite, no tables.

The engine's store and the spool both stand on SQLite files, by different drivers: the error is any
exception that carries SQLite's text, and statements run by a function that the caller gives.
"""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Fault", "Kind", "fault_of", "turn_wal_on"]

Kind: TypeAlias = Literal[
    "full",
    "locked",
    "read_only",
    "foreign",
    "corrupt",
    "unopened",
    "no_table",
    "io",
    "too_large",
    "unknown",
]


@attrs.frozen
class Fault:
    """What an error of SQLite means.

    Attributes:
        kind: which it is. `foreign` is a file that is no SQLite database.
        is_permanent: True when it lasts until somebody fixes it.
    """

    kind: Kind
    is_permanent: bool
    _text: str

    def sentence(self, subject: str) -> str:
        """Return the cause and what to do, without SQL and without data.

        Args:
            subject: what to call the file: "the database", "the spool".
        """
        return self._text.format(subject)


_LOCKED = Fault(
    "locked",
    is_permanent=False,
    text="another process has locked {} for too long; try again",
)
_READ_ONLY = Fault(
    "read_only",
    is_permanent=True,
    text="{} is read-only; give this process the right to write its file, or mount its file system"
    " for writing",
)
#: A part of SQLite's own text -> what it means. The first that fits counts.
_FAULTS = {
    "full": Fault(
        "full", is_permanent=False, text="the disk or {} is full; make room, then try again"
    ),
    "locked": _LOCKED,
    "busy": _LOCKED,
    "readonly": _READ_ONLY,
    "read-only": _READ_ONLY,
    "not a database": Fault(
        "foreign",
        is_permanent=True,
        text="the file is not a SQLite database; name another file",
    ),
    "malformed": Fault(
        "corrupt",
        is_permanent=True,
        text="{} file is corrupt; restore it from a backup or name another file",
    ),
    # Also when the process has too many files open, which passes.
    "unable to open": Fault(
        "unopened",
        is_permanent=False,
        text="{} file cannot be opened; check that it exists, its rights, and that its file system"
        " is not read-only",
    ),
    "no such table": Fault(
        "no_table", is_permanent=True, text="{} lacks our tables; name another file"
    ),
    "i/o error": Fault(
        "io",
        is_permanent=False,
        text="the disk reported an I/O error; check the disk, then try again",
    ),
    "too big": Fault(
        "too_large", is_permanent=True, text="one item is larger than SQLite can store"
    ),
}


def fault_of(error: BaseException | None) -> Fault:
    """Return what an error means; any other one shows its type only."""
    text = str(error).lower()
    for part, fault in _FAULTS.items():
        if part in text:
            return fault
    name = type(error).__name__
    return Fault("unknown", is_permanent=False, text=f"{{}} failed ({name}); try again")


def turn_wal_on(run: Callable[[str], object], *, timeout_s: float, pause_s: float = 0.05) -> None:
    """Turn the write-ahead log on; the file keeps it.

    That needs the file alone for a moment, and SQLite does not wait for that by itself.

    Args:
        run: runs a statement to its end. Its error, or what that wraps as `orig`, is the driver's.
        timeout_s: how many seconds to try again while another process has locked the file.
        pause_s: how many seconds to wait in between.

    Raises:
        Exception: what `run` raised at last.
    """
    until = time.monotonic() + timeout_s
    while not _has_turned_wal_on(run, is_last=time.monotonic() >= until):
        time.sleep(pause_s)


def _has_turned_wal_on(run: Callable[[str], object], *, is_last: bool) -> bool:
    try:
        run("PRAGMA journal_mode=WAL")
    except Exception as error:
        cause = getattr(error, "orig", error)
        if is_last or not isinstance(cause, sqlite3.OperationalError) or "locked" not in str(cause):
            raise
        return False
    return True

"""The spool's file: opening, making and checking it, and what its errors are called.

What is in the file and why it is set up so:
- WAL with `synchronous=NORMAL`: a commit is in the kernel's hands when it returns, so it survives
  the process; only power loss may take the last commits, never the file. `fsync=True` is FULL.
- `secure_delete`: a removed row is overwritten, not just unlinked. Old pages also lie in the WAL
  until a checkpoint truncates it, which `Spool` sees to.
- No automatic checkpoints: they run on whichever thread commits, and SQLite 3.7.0 to 3.51.2 may
  corrupt a file when a PASSIVE checkpoint meets another process's commit (sqlite.org/wal.html,
  "The WAL-Reset Bug"). Ours are TRUNCATE ones, which shut writers out, outside the hot path.
- Opening happens under `<path>.lock`, so that a file is made, or rescued, by one process only.
  The database is never opened by hand: closing such a descriptor drops this process's locks.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pinpoint_kit.delivery.spool import salvage as spool_salvage
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "SpoolError",
    "SpoolFullError",
    "explain",
    "identify",
    "is_corruption",
    "open_spool",
    "rescue",
    "resolve",
    "seconds_until",
    "set_busy_timeout",
    "transaction",
]

APPLICATION_ID = 0x504B5351  # "PKSQ"
_APPLICATION_ID_AT = 68
VERSION = 1
#: How long a statement waits for another process. Recording waits with it, so not for long.
BUSY_S = 5.0
#: How long opening waits for another process that makes or rescues the file.
_OPEN_S = 120.0
_WAL_PAUSE_S = 0.01

_TABLES = (
    """CREATE TABLE owners (
        number INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL, machine TEXT NOT NULL,
        pid INTEGER NOT NULL, beat REAL NOT NULL, heir INTEGER)""",
    """CREATE TABLE queue (
        seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, endpoint_id TEXT NOT NULL,
        item_id TEXT NOT NULL, recorded_at REAL NOT NULL, tries INTEGER NOT NULL,
        body BLOB NOT NULL, endpoint BLOB NOT NULL)""",
    """CREATE TABLE dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, endpoint_id TEXT NOT NULL,
        item_id TEXT NOT NULL, recorded_at REAL NOT NULL, tries INTEGER NOT NULL,
        body BLOB NOT NULL, endpoint BLOB NOT NULL, reason TEXT NOT NULL, message TEXT NOT NULL,
        died_at REAL NOT NULL, size INTEGER NOT NULL)""",
    # Whose items these are: at most one row.
    "CREATE TABLE purpose (value TEXT NOT NULL)",
    "CREATE TABLE totals (dead_bytes INTEGER NOT NULL)",
    "INSERT INTO totals VALUES (0)",
    """CREATE TRIGGER dead_added AFTER INSERT ON dead BEGIN
        UPDATE totals SET dead_bytes = dead_bytes + NEW.size; END""",
    """CREATE TRIGGER dead_removed AFTER DELETE ON dead BEGIN
        UPDATE totals SET dead_bytes = dead_bytes - OLD.size; END""",
)


class SpoolError(Exception):
    """The spool could not do it now; nothing was changed. Not public: delivery handles it.

    Attributes:
        reason: `full`, `locked`, `io`, `readonly`, `corrupt`, `too_large`, `closed`, `forked`
            or `failed`.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message, reason)
        self.message = message
        self.reason = reason

    def __str__(self) -> str:
        return self.message


class SpoolFullError(SpoolError):
    """The item does not fit under `max_bytes`."""


_EXPLANATIONS = (
    ("full", "full", "the disk is full; make room"),
    ("locked", "locked", "another process has locked the spool for too long"),
    ("busy", "locked", "another process has locked the spool for too long"),
    ("readonly", "readonly", "the spool is read-only; give this process the right to write it"),
    ("malformed", "corrupt", "the spool is corrupt"),
    ("not a database", "corrupt", "the spool is corrupt"),
    ("i/o error", "io", "the disk reported an I/O error; check the disk"),
    (
        "unable to open",
        "io",
        "the spool cannot be opened; check its directory, its rights, and its file system",
    ),
    ("too big", "too_large", "one item is larger than SQLite can store"),
)


def explain(error: sqlite3.Error) -> SpoolError:
    """Return the error in our words, without SQL and without data."""
    text = str(error).lower()
    for mark, reason, sentence in _EXPLANATIONS:
        if mark in text:
            return SpoolError(sentence, reason)
    return SpoolError(f"the spool failed ({type(error).__name__})", "failed")


def is_corruption(error: sqlite3.Error) -> bool:
    """Return true when the file itself is damaged."""
    return explain(error).reason == "corrupt"


def resolve(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path, links followed: neither chdir nor a rescue changes its meaning.

    Raises:
        StoreError: no file can be there.
    """
    resolved = Path(path).resolve()
    if resolved.is_dir():
        raise StoreError(f"The spool {resolved} is a directory; name a file in it")
    if resolved.exists() and not resolved.is_file():
        raise StoreError(f"The spool {resolved} is no file, but a pipe or a device; name a file")
    if not resolved.parent.is_dir():
        raise StoreError(f"The directory {resolved.parent} of the spool does not exist; make it")
    return resolved


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit at the end; any error undoes all of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def open_spool(
    path: Path,
    *,
    fsync: bool,
    tell: Callable[[str], None],
    deadline: float | None = None,
    may_repair: bool = True,
) -> tuple[sqlite3.Connection, tuple[int, int]]:
    """Open the file; make it when it is missing, rescue its rows when it is corrupt.

    Args:
        path: the file.
        fsync: whether a commit waits for the disk.
        tell: takes lines for the log.
        deadline: until when to wait for other processes, in monotonic seconds; as long as making
            or rescuing the file may take unless given.
        may_repair: whether to repair what is damaged, which takes as long as it takes.

    Returns:
        The connection, and device and inode of the file.

    Raises:
        StoreError: it cannot be used, or is not ours; the message says what to do.
        SpoolError: it is `locked` for too long, or its `io` fails.
    """
    try:
        with _alone(path, time.monotonic() + _OPEN_S if deadline is None else deadline):
            if may_repair:
                spool_salvage.resume(path, _make, tell)
                _check_wal(path, tell)
            elif spool_salvage.is_under_way(path):
                raise SpoolError("the spool is being rescued", "corrupt")
            try:
                db = _connect(path, fsync=fsync, deadline=deadline)
            except sqlite3.DatabaseError as error:
                if not may_repair or not (is_corruption(error) and _is_ours(path)):
                    raise
                spool_salvage.salvage(path, _make, tell)
                db = _connect(path, fsync=fsync, deadline=deadline)
            return db, identify(path)
    except StoreError as error:
        raise StoreError(f"The spool {path}: {error}") from None
    except sqlite3.Error as error:
        known = explain(error)
        if known.reason == "corrupt":
            known.message = "the file is not a spool; name another file, or move this one away"
        raise SpoolError(f"The spool {path}: {known}", known.reason) from None
    except OSError as error:
        raise SpoolError(
            f"The spool {path}: {error.strerror}; check its directory and rights", "io"
        ) from None


def rescue(
    path: Path, identity: tuple[int, int], tell: Callable[[str], None], *, deadline: float
) -> None:
    """Move a corrupt file aside and salvage it, unless another process has done so already.

    Args:
        path: the file.
        identity: device and inode of the file that was found corrupt.
        tell: takes lines for the log.
        deadline: until when to wait for other processes, in monotonic seconds.
    """
    with _alone(path, deadline):
        spool_salvage.resume(path, _make, tell)
        if identity == identify(path):
            spool_salvage.salvage(path, _make, tell)


def seconds_until(deadline: float) -> float:
    """Return how long one may still wait; the deadline is in monotonic seconds."""
    return max(0.0, deadline - time.monotonic())


def set_busy_timeout(db: sqlite3.Connection, seconds: float) -> None:
    """Say how long each statement waits for another process."""
    db.execute(f"PRAGMA busy_timeout={1000 * seconds:.0f}").fetchall()


def identify(path: Path) -> tuple[int, int]:
    """Device and inode of what is at this path now; (0, 0) for nothing."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


@contextmanager
def _alone(path: Path, deadline: float) -> Iterator[None]:
    """Hold `<path>.lock`: SQLite's own locking, so that it works everywhere and dies with us."""
    lock = path.with_name(path.name + ".lock")
    _touch(lock)
    timeout = seconds_until(deadline)
    with closing(sqlite3.connect(lock, timeout=timeout, isolation_level=None)) as db:
        try:
            db.execute("BEGIN EXCLUSIVE")
        except sqlite3.DatabaseError as error:
            if not is_corruption(error):
                raise
            raise StoreError(  # it may be anybody's, so it is left as it is
                f"{lock.name} beside it must be empty, and has content: move that file away, or"
                " name another file for the spool"
            ) from None
        yield


def _touch(path: Path) -> None:
    """Make an empty file that only its owner can read; SQLite's side files take its rights."""
    if not path.exists():
        with suppress(FileExistsError):  # another process was faster
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _connect(
    path: Path, *, fsync: bool = False, deadline: float | None = None
) -> sqlite3.Connection:
    _touch(path)
    until = time.monotonic() + BUSY_S if deadline is None else deadline
    db = sqlite3.connect(
        path, timeout=seconds_until(until), isolation_level=None, check_same_thread=False
    )
    db.text_factory = _text
    try:
        _check(db, until)
        db.execute(f"PRAGMA synchronous={'FULL' if fsync else 'NORMAL'}")
        db.execute("PRAGMA secure_delete=ON").fetchall()
        db.execute("PRAGMA wal_autocheckpoint=0").fetchall()
        db.execute("PRAGMA temp_store=MEMORY")
        set_busy_timeout(db, seconds_until(until))
        with transaction(db):
            if not db.execute("PRAGMA user_version").fetchone()[0]:
                for statement in _TABLES:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={VERSION}")
                db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            # A read-only file shows itself only by a write.
            db.execute("UPDATE totals SET dead_bytes = dead_bytes")
    except BaseException:
        db.close()
        raise
    return db


def _text(value: bytes) -> str | bytes:
    """Return a text as it was stored.

    Damaged bytes stay bytes, so that no reading fails for them.
    """
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value


def _make(path: Path) -> sqlite3.Connection:
    """Return a fresh spool for salvaged rows: on disk before the damaged file is given up."""
    return _connect(path, fsync=True)


def _check(db: sqlite3.Connection, deadline: float) -> None:
    """Refuses foreign and newer files before anything is changed; then turns WAL on."""
    if db.execute("PRAGMA page_count").fetchone()[0]:
        if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreError("the file belongs to another program; name another file")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StoreError(
                f"its version is {version}, and this release knows {VERSION} at most; "
                "upgrade pinpoint-kit or name another file"
            )
        # Reads the tables' definitions: a damaged first page shows itself here, not later.
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    else:
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
    if _turn_wal_on(db, deadline) != "wal":
        raise StoreError("its file system lacks what SQLite's WAL needs; use a local disk")


def _turn_wal_on(db: sqlite3.Connection, deadline: float) -> str:
    """Needs the file for a moment alone, for which SQLite does not wait by itself."""
    while True:
        try:
            return str(db.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:  # noqa: PERF203 -- it is a wait
            if explain(error).reason != "locked" or time.monotonic() > deadline:
                raise
            time.sleep(_WAL_PAUSE_S)


def _is_ours(path: Path) -> bool:
    """Return true when the header still says so, whatever else is damaged."""
    # SQLite reads nothing of a file that is too short. Closing a file of our own would drop the
    # locks of this process on it, so it stays open: it is a rare one, and is put aside now.
    descriptor = os.open(path, os.O_RDONLY)
    _kept_open.append(descriptor)
    return os.pread(descriptor, 4, _APPLICATION_ID_AT) == APPLICATION_ID.to_bytes(4, "big")


_kept_open: list[int] = []


def _check_wal(path: Path, tell: Callable[[str], None]) -> None:
    """Rescues what SQLite would pass over: it takes damage in the WAL for the end of it.

    Only who opens the file first can tell, and need to: SQLite has read the WAL for all others.
    """
    wal = path.with_name(path.name + "-wal")
    if not (path.exists() and wal.exists() and wal.stat().st_size):
        return
    if not path.stat().st_size:  # SQLite would delete the WAL of an empty file
        spool_salvage.put_aside(path)
        spool_salvage.resume(path, _make, tell)
        return
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as db:
        try:
            db.execute("PRAGMA locking_mode=EXCLUSIVE").fetchall()
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
            frames = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
        except sqlite3.Error:
            return  # others have it open, or it is damaged in a way that shows itself
        if not spool_salvage.has_more_commits(path, frames):
            return
        spool_salvage.put_aside(path)
    spool_salvage.resume(path, _make, tell)

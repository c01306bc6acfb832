"""`SpoolFile`: the connection under a `Spool`, and everything that may happen to its file.

One connection, used in turns, opened when it is first needed. An action that meets a corrupt
file is repeated after the rescue; one that went into a file which was moved away or deleted
meanwhile is repeated in the new one. What a row is stands in spool/spool.py.

Forks: SQLite keeps per-process state about open files that a child inherits and that lies there
(sqlite.org/howtocorrupt.html, 2.6), even when the child opens a connection of its own. So the
connection is closed before a fork and opened again by whoever needs it. A fork that Python does
not announce leaves a child that must not touch the file: it gets a `SpoolError`.
"""

from __future__ import annotations

import logging
import math
import os
import sqlite3
import time
import uuid
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from pinpoint_kit.delivery.spool import schema as spool_schema
from pinpoint_kit.delivery.spool.owners import Owners, Range
from pinpoint_kit.delivery.spool.schema import SpoolError, SpoolFullError
from pinpoint_kit.errors import StoreError
from pinpoint_kit.system import forks
from pinpoint_kit.system.turns import NoTurnError, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COMMIT_BYTES", "ROW_BYTES", "SIZE", "SpoolFile"]

T = TypeVar("T")

#: What a row takes beside its body, estimated until the file is measured again.
ROW_BYTES = 120
#: What a commit adds to the WAL beside its data: it writes whole pages.
COMMIT_BYTES = 6000
#: SQL for the bytes of an item.
SIZE = "length(body) + length(endpoint)"
#: The background checkpoints from the first size on; recording does at the second.
_CHECKPOINT_BYTES, _CHECKPOINT_AT_ONCE_BYTES = 16_000_000, 48_000_000
_CHECKPOINT_WAIT_S = 0.5
#: The pauses between two looks whether another process has written what it writes.
_LEAST_PAUSE_S, _MOST_PAUSE_S = 0.00005, 0.005
#: Space is given back to the disk when more pages than this are free, so many at a time.
_FREE_PAGES, _VACUUM_PAGES = 1024, 256
#: So much is removed before one looks for free pages: recording waits meanwhile.
_UNTIDY_BYTES = _VACUUM_PAGES * 2048
#: The part of max_bytes that may be filled before the file is measured again.
_MEASURE_SHARE = 100
_ATTEMPTS = 3
_FORK_WAIT_S = 5.0


class _ForkingError(Exception):
    """The process is about to fork: nobody may open the file now."""


class SpoolFile:
    """A spool's file as one owner sees it; see `Spool` for the arguments."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        fsync: bool = False,
        max_bytes: int = 1_000_000_000,
        lease: float = 10.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = spool_schema.resolve(path)
        self._name = str(self.path)
        self._fsync = fsync
        self._max_bytes = max_bytes
        self._lease = lease
        self._clock = clock
        #: Seconds that an action waits for other threads and processes.
        self.patience = spool_schema.BUSY_S
        #: What is damaged is repaired by whoever finds it, which takes as long as it takes.
        self.may_repair = True
        self._is_closed = False
        self._begin()
        _spools.add(self)
        forks.watch(
            self,
            forks.Layer.STORAGE,
            before=SpoolFile.before_fork,
            after_in_parent=SpoolFile.after_fork_in_parent,
            after_in_child=SpoolFile.after_fork,
        )
        # Errors show here and now. The connection is opened again at first use: a server that
        # forks its workers after this, in whatever way, forks without one.
        try:
            spool_schema.open_spool(self.path, fsync=fsync, tell=self._notes.append)[0].close()
        except SpoolError as error:
            raise StoreError(str(error)) from None
        self._log_notes()

    def _begin(self) -> None:
        """Return the state of an owner that has not done anything yet."""
        #: Who uses the connection.
        self._turn = Turn()
        self._is_forking = False
        #: Until when the action waits for other processes; and whether it repairs what is damaged.
        self._deadline = 0.0
        self._is_urgent = False
        #: After this nothing in here waits any more, whatever its patience.
        self._end = math.inf
        self._pid = os.getpid()
        self._db: sqlite3.Connection | None = None
        self._identity = (0, 0)
        self._owners = Owners(self._lease, self._clock, _numbers_here)
        self._mine = Range(0)
        self._token = uuid.uuid4().hex
        self._next = 0
        self._beat_at = 0.0
        self._count = 0
        self._bytes = 0
        self._room = 0
        self._written = 0
        self._untidy = 0
        self._has_removed = False
        #: Lines for the log, kept until no lock is held: a log handler may record events.
        self._notes: list[str] = []

    def end_by(self, deadline: float) -> None:
        """Wait for no thread and no process after that time, in whatever is under way here, too.

        Args:
            deadline: monotonic seconds.
        """
        self._end = deadline

    def close(self) -> None:
        """Give up the remaining rows and close the file. Idempotent; never raises.

        Where a lock held elsewhere prevents the first, other processes take the rows over once
        this one has ended, or its lease is over.
        """
        if self._is_closed:
            return
        self.may_repair = False
        if self._mine.number and os.getpid() == self._pid:
            with suppress(SpoolError):
                self._run(self._leave)
        self._is_closed = True
        # Where somebody else is stuck in there, the connection goes with the last who uses it.
        with suppress(NoTurnError):
            self._turn.run(self._disconnect, self._seconds_until(time.monotonic() + self.patience))
        _spools.discard(self)
        forks.forget(self)

    def _leave(self, db: sqlite3.Connection) -> None:
        self._owners.remove(db, self._mine)
        if self._has_removed:
            self._checkpoint(db)

    def _seconds_until(self, deadline: float) -> float:
        """Return how long one may still wait."""
        return spool_schema.seconds_until(min(deadline, self._end))

    @property
    def lease(self) -> float:
        """Seconds without a sign of life after which other processes adopt the rows."""
        return self._lease

    # Running actions. What is below the next two is in the turn.

    def _run(
        self,
        action: Callable[[sqlite3.Connection], T],
        after: Callable[[T], None] | None = None,
    ) -> T:
        """Run an action in a turn, then `after` with its result: what it changes here."""

        def attempt() -> T:
            result = self._attempt(action)
            if after is not None:
                after(result)
            return result

        return self._in_turn(attempt)

    def _in_turn(self, action: Callable[[], T], patience: float | None = None) -> T:
        """Call it when nobody else uses the connection.

        Args:
            action: what to do.
            patience: seconds to wait for threads and processes, and not to repair anything; the
                spool's own unless given.

        Raises:
            SpoolError: `locked`: another one uses it for longer than that, or this thread does.
        """
        wait_s = self.patience if patience is None else patience
        deadline = time.monotonic() + wait_s

        def act() -> T:
            if self._is_forking:
                raise _ForkingError
            self._deadline = deadline
            self._is_urgent = patience is not None or not self.may_repair
            return action()

        try:
            while True:
                try:
                    return self._turn.run(act, self._seconds_until(deadline))
                except _ForkingError:
                    if not self._seconds_until(deadline):
                        raise NoTurnError from None
                time.sleep(_LEAST_PAUSE_S)
        except NoTurnError:
            raise SpoolError("another thread uses the spool for too long", "locked") from None
        finally:
            if self._notes:
                self._log_notes()

    def _log_notes(self) -> None:
        while self._notes:
            logging.getLogger("pinpoint_kit.delivery").warning("%s", self._notes.pop())

    def _attempt(self, action: Callable[[sqlite3.Connection], T]) -> T:
        for _ in range(_ATTEMPTS):
            try:
                result = self._wait_for_others(action)
            except OverflowError:
                raise SpoolError("one item is larger than SQLite can store", "too_large") from None
            except sqlite3.Error as error:
                if not spool_schema.is_corruption(error) or self._is_urgent:
                    raise spool_schema.explain(error) from None
                self._rescue()
                continue
            if spool_schema.identify(self.path) == self._identity:
                return result
            self._disconnect()
        raise SpoolError("the spool is corrupt, and was again after a rescue", "corrupt")

    def _wait_for_others(self, action: Callable[[sqlite3.Connection], T]) -> T:
        """Run the action, again and again while another process writes.

        Others write for some 50 microseconds. SQLite's own wait begins with a whole millisecond.
        """
        pause = _LEAST_PAUSE_S
        while True:
            try:
                return action(self._connection())
            except sqlite3.OperationalError as error:
                is_late = not self._seconds_until(self._deadline)
                if spool_schema.explain(error).reason != "locked" or is_late:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _MOST_PAUSE_S)

    def _make_ready(self, size: int, now: float) -> None:
        """Return what must hold before something is added; nearly always it does.

        Raises:
            SpoolFullError: `size` bytes more do not fit.
        """
        if self._db is None or self._pid != os.getpid():
            self._attempt(_nothing)
        if not 0 <= now - self._beat_at <= self._lease / 3:
            self._attempt(self._beat)
        if self._written > _CHECKPOINT_AT_ONCE_BYTES:
            self._attempt(self._checkpoint)
        if size > self._room:
            free = self._attempt(self._measure)
            if size > free:
                raise SpoolFullError(
                    f"the spool is full: {self._max_bytes - free} of {self._max_bytes} bytes are"
                    f" used and {size} more are needed; raise max_bytes, or replay or purge dead"
                    " letters",
                    "full",
                )
            self._room = max(self._room, size)

    # Connection

    def _connection(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            self._abandon()
        if self._is_closed:
            raise SpoolError("the spool was closed", "closed")
        return self._connect() if self._db is None else self._db

    def _connect(self) -> sqlite3.Connection:
        if spool_schema.identify(self.path) in _inherited:
            raise SpoolError(
                "this process was forked without Python's knowledge while the spool was open;"
                " connect after the fork",
                "forked",
            )
        before = self._identity
        try:
            db, self._identity = spool_schema.open_spool(
                self.path,
                fsync=self._fsync,
                tell=self._notes.append,
                deadline=min(self._deadline, self._end),
                may_repair=not self._is_urgent,
            )
        except StoreError as error:
            raise SpoolError(str(error), "io") from None
        try:
            spool_schema.set_busy_timeout(db, self._seconds_until(self._deadline))
            self._begin_in(db, is_same=self._identity == before)
        except BaseException:
            db.close()
            raise
        # Last: one that an interruption left half begun would wait for others as opening may.
        self._db = db
        return db

    def _begin_in(self, db: sqlite3.Connection, *, is_same: bool) -> None:
        """Becomes, or stays, an owner in a file that was just opened."""
        if not self._mine.number:
            self._register(db)
        else:
            self._beat(db)
            if not is_same:
                self._recount(db)
        self._measure(db)
        spool_schema.set_busy_timeout(db, 0)

    def _disconnect(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _rescue(self) -> None:
        identity = self._identity
        self._disconnect()
        try:
            deadline = min(self._deadline, self._end)
            spool_schema.rescue(self.path, identity, self._notes.append, deadline=deadline)
        except (OSError, sqlite3.Error, StoreError):
            raise SpoolError(
                "the spool is corrupt and could not be moved aside", "corrupt"
            ) from None

    # Owner

    def _register(self, db: sqlite3.Connection) -> None:
        self._mine = self._owners.register(db, self._token)
        self._next = self._mine.base + 1
        self._beat_at = self._clock()
        self._count = self._bytes = 0

    def _beat(self, db: sqlite3.Connection) -> None:
        is_ours, was_so = self._owners.renew(db, self._mine, self._token)
        self._beat_at = self._clock()
        self._written += COMMIT_BYTES
        if not is_ours:  # another file than the one we registered in
            self._register(db)
        elif not was_so:
            self._recount(db)

    def _recount(self, db: sqlite3.Connection) -> None:
        self._count, self._bytes = db.execute(
            f"SELECT count(*), coalesce(sum({SIZE}), 0) FROM queue WHERE seq > ? AND seq <= ?",  # noqa: S608 -- ours
            (self._mine.base, self._mine.last),
        ).fetchone()

    def _allocate(self) -> int:
        seq = self._next
        self._next = seq + 1
        return seq

    # Housekeeping

    def _measure(self, db: sqlite3.Connection) -> int:
        """Return the free bytes under `max_bytes`."""
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        free = db.execute("PRAGMA freelist_count").fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
        room = int(self._max_bytes - (pages - free) * size)
        self._room = min(room, self._max_bytes // _MEASURE_SHARE)
        return room

    def _tidy_when_due(self) -> None:
        """After something was removed, without the lock: only what must not be disturbed has it.

        What goes wrong here must not make the removal look undone.
        """
        if self._untidy > _UNTIDY_BYTES or self._wants_checkpoint(in_full=False):
            with suppress(SpoolError):
                self._write_wal_out(in_full=False)
                self._run(lambda db: self._tidy(db, in_full=False))

    def _tidy(self, db: sqlite3.Connection, *, in_full: bool) -> None:
        """Shrinks file and WAL when there is reason to, and measures.

        Args:
            db: the connection.
            in_full: take removed content out of the WAL even when that is small.
        """
        self._untidy = 0
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        free = db.execute("PRAGMA freelist_count").fetchone()[0]
        if free > max(_FREE_PAGES, pages // 2):
            # Not execute: it stops at this statement's first row, which is one page.
            db.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES})")
            self._written += _VACUUM_PAGES * 4096
        if self._wants_checkpoint(in_full=in_full):
            self._checkpoint(db)
        self._measure(db)

    def _wants_checkpoint(self, *, in_full: bool) -> bool:
        return self._written > _CHECKPOINT_BYTES or (in_full and self._has_removed)

    def _write_wal_out(self, *, in_full: bool) -> None:
        """Has the disk take the WAL while others record, so that a checkpoint is shorter.

        Without the lock. The WAL has no locks on it that closing it here could drop: those are on
        the database and on the `-shm` file.
        """
        if self._wants_checkpoint(in_full=in_full) and hasattr(os, "fdatasync"):
            with suppress(OSError):  # the checkpoint does it, too, and says what is wrong
                wal = os.open(f"{self._name}-wal", os.O_RDWR)
                try:
                    os.fdatasync(wal)
                finally:
                    os.close(wal)

    def _checkpoint(self, db: sqlite3.Connection) -> None:
        """Move the WAL into the file and empties it. Gives up soon when somebody reads."""
        spool_schema.set_busy_timeout(db, min(_CHECKPOINT_WAIT_S, self._seconds_until(math.inf)))
        try:
            is_busy = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        finally:
            spool_schema.set_busy_timeout(db, 0)
        self._written = 0
        self._has_removed = bool(is_busy and self._has_removed)

    # Forks

    def before_fork(self) -> None:
        """Close the connection and keeps others out until after the fork; run by a hook."""
        self._is_forking = True  # first: nobody opens it again
        with suppress(NoTurnError):
            self._turn.run(self._disconnect, _FORK_WAIT_S)

    def after_fork_in_parent(self) -> None:
        """Lets others in again; run by a hook. Rows and seqs stay this owner's."""
        self._is_forking = False

    def after_fork(self) -> None:
        """Make the child a new owner without rows; run by a hook, harmless when run again."""
        if self._pid != os.getpid():
            self._abandon()

    def _abandon(self) -> None:
        """Start anew in a child. A connection that is open here is the parent's: never close."""
        inherited, identity = self._db, self._identity
        self._begin()
        if inherited is not None:
            _inherited[identity] = inherited
            with suppress(ImportError):
                import ctypes  # noqa: PLC0415 -- for this one rare case

                # One reference more, so that not even the end of the interpreter closes it.
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))


def _nothing(_: sqlite3.Connection) -> None:
    """Open the connection, no more."""


_spools: weakref.WeakSet[SpoolFile] = weakref.WeakSet()
_inherited: dict[tuple[int, int], sqlite3.Connection] = {}


def _numbers_here() -> set[int]:
    return {spool._mine.number for spool in list(_spools)}  # noqa: SLF001 -- same module

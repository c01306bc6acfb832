"""`Store`: one open database, its transactions, and the checks when it is opened.

A transaction of `write` is applied as a whole or not at all, and is durable when it returns, but
for one of many that asks for less.
Several threads and several processes may use one database. Which rows are read or written is the
business of the resources' own files; what a database needs of its own belongs to storage/dialects,
its tables to storage/upgrades.py.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from pinpoint_kit.engine.storage.dialects.known import dialect_of
from pinpoint_kit.engine.storage.gate import Gate
from pinpoint_kit.engine.storage.queries import QUERY_TIMEOUT_S, LongReads
from pinpoint_kit.engine.storage.upgrades import bring_up_to_date, check_owner
from pinpoint_kit.engine.wire.refusals import ApiError, internal_error
from pinpoint_kit.errors import StoreError
from pinpoint_kit.system import forks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from sqlalchemy import Connection, Engine

    from pinpoint_kit.engine.storage.dialects.dialect import Dialect, Explanation

__all__ = ["BUSY_TIMEOUT_S", "Store"]

#: How long a write waits for another one. Below botocore's read timeout of 60 s.
BUSY_TIMEOUT_S = 30.0
_SHUT_TIMEOUT_S = 5.0


class Store:
    """An open database with our schema. Use from any thread; `close` it when done."""

    def __init__(self, dialect: Dialect, *, busy_timeout: float) -> None:
        self._dialect = dialect
        self._in_memory = dialect.is_in_memory
        self._engine = dialect.connect(busy_timeout)
        self._bulk = self._deferred = self._engine
        if not self._in_memory:
            # Connections of their own, so that no other write can come by one.
            self._deferred = dialect.connect(busy_timeout, waits=False)
            self._bulk = dialect.connect(busy_timeout, bulk=True)
        self._has_bulk = self._leaves_log = False
        self._busy_timeout = busy_timeout
        self._is_closed = False
        self._renew_locks()
        forks.watch(
            self,
            forks.Layer.STORAGE,
            before=Store._before_fork,
            after_in_parent=Store._after_fork_in_parent,
            after_in_child=Store._after_fork_in_child,
        )

    @classmethod
    def open(
        cls, url: str, *, busy_timeout: float = BUSY_TIMEOUT_S, to_fill: bool = False
    ) -> Store:
        """Open the database, making or upgrading its tables.

        Args:
            url: the database.
            busy_timeout: how many seconds a write waits for another one.
            to_fill: a copy into it is to begin or to go on; before that has finished, nobody else
                can open it.

        Raises:
            StoreError: it cannot be used; the message says why and what to do.
        """
        dialect = dialect_of(url)
        dialect.prepare_location()
        store = cls(dialect, busy_timeout=busy_timeout)
        try:
            store._set_up(to_fill=to_fill)
        except BaseException as error:
            store.close()
            if isinstance(error, DBAPIError):
                raise StoreError(f"{store.name}: {store.explain(error).sentence}") from None
            if isinstance(error, StoreError):
                raise StoreError(f"{store.name}: {error}") from None
            raise
        return store

    @property
    def name(self) -> str:
        """What to call it in a message: "The database FILE"."""
        return f"The database {self._dialect.label}"

    @property
    def is_in_memory(self) -> bool:
        """Whether the database has no files, and goes with this process."""
        return self._in_memory

    @property
    def overwrites_remnants(self) -> bool:
        """Whether `overwrite_remnants` can take what deletions leave out of the files."""
        return self._dialect.overwrites_remnants

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lend a connection for reading; each statement sees the latest state."""
        with (
            self._entered(exclusive=self._in_memory),
            self._connected(self._engine) as connection,
        ):
            yield connection

    def settled(self, table: str) -> int | None:
        """Wait until no row of a table can appear any more below a number, and return that.

        Returns:
            The number; readers that page by numbers stop there. None where nothing needs it.
        """
        if self._dialect.has_one_writer:
            return None
        with self.read() as connection:
            return self._dialect.settle(connection, table)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Lend a connection for reading whose statements all see one state, for as long as wanted.

        It holds up no writer of a file. What others write and delete meanwhile stays in the
        database's files until it ends.
        """
        with self.read() as connection:
            self._dialect.begin_snapshot(connection)
            yield connection

    @contextmanager
    def long_read(self, deadline_s: float = QUERY_TIMEOUT_S) -> Iterator[Connection]:
        """Lend a connection for queries that may take long: few at once, and until a deadline.

        All of them see one state of the database. They hold up no writer of a file; in memory,
        where one thread is inside at a time, they do.

        Args:
            deadline_s: seconds for all, waiting included. At the end the database stops the query.

        Raises:
            ApiError: 503, when it was not this query's turn in time, or the time was over.
        """
        with (
            self._long_reads.turn(deadline_s, self._move_log_beside) as end,
            self.read() as connection,
        ):
            self._dialect.stop_at(connection, end)
            self._dialect.begin_snapshot(connection)
            try:
                yield connection
            finally:
                self._dialect.stop_at(connection, None)

    def read_beside(self, listener: Callable[[bool], object]) -> None:
        """Be one that reads, beside a process that writes: see `Engine.read_beside`."""
        self._leaves_log = True
        self._long_reads.listen(listener)

    def note_reads_beside(self, are_running: bool) -> None:  # noqa: FBT001 -- all that it says
        """Note whether long queries run in the process that reads beside this one."""
        self._long_reads.note_beside(are_running)

    @contextmanager
    def write(
        self, *, waits: bool = True, bulk: bool = False, is_shared: bool = False
    ) -> Iterator[Connection]:
        """Lend a connection inside a transaction: committed at the end, undone by any error.

        Args:
            waits: it is on the disk when this returns. Otherwise power loss may undo it until a
                write that waits has followed, or `move_log`. Nobody may have been told that it is
                stored, and nothing have been done outside for it, before that.
            bulk: it is one of many that write all over the indexes, and does not wait.
            is_shared: others may write at the same time, where the database can do that: the block
                claims by `claim` what it reads, decides about and writes. Without, it is alone.
        """
        engine = self._bulk if bulk else self._engine if waits else self._deferred
        self._has_bulk |= bulk
        exclusive = self._dialect.has_one_writer
        with (
            self._entered(exclusive=exclusive),
            self._begun(engine, is_shared=is_shared) as connection,
        ):
            yield connection
            try:
                connection.commit()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                raise internal_error(
                    "The connection to the database was lost while the change was being stored:"
                    " look whether it is there, or send it again"
                ) from None

    def claim(
        self, connection: Connection, app: int, names: Collection[tuple[str, str]] | None
    ) -> None:
        """Keep others from a part of an application until the commit; see `Dialect.claim`."""
        self._dialect.claim(connection, app, names)

    @property
    def most_names(self) -> int:
        """How many endpoints a transaction claims one by one; see `Dialect.most_names`."""
        return self._dialect.most_names

    def may_repeat(self, error: DBAPIError) -> bool:
        """Tell whether an error left nothing stored, and the same may succeed when done again."""
        return self._dialect.may_repeat(error)

    def move_log(self) -> None:
        """Move the write-ahead log into the database's file, most of it while others write.

        Else one of the next writes does it, some 16 MB at a time, and all others wait for that. It
        is for those who write much; what goes wrong here, the next write does.
        """
        if self._in_memory:
            return
        # What comes meanwhile is moved by the second turn, and the log then begins anew.
        self._move_log(exclusive=False)
        self._move_log(exclusive=self._dialect.has_one_writer)

    def _move_log_beside(self) -> None:
        """Move most of the log, and hold up nobody; the next commits move the rest."""
        for _ in range(2):
            self._move_log(exclusive=False)

    def _move_log(self, *, exclusive: bool) -> None:
        with (
            suppress(DBAPIError, ApiError),
            self._entered(exclusive=exclusive),
            self._connected(self._engine) as connection,
        ):
            self._dialect.move_log(connection)

    def end_bulk(self) -> None:
        """Free what `write(bulk=True)` has kept open, much of it memory."""
        if self._has_bulk and not self._in_memory:
            self._has_bulk = False
            with self._entered(exclusive=False):
                self._bulk.dispose()

    def scrub(self) -> None:
        """Take deleted data out of side files of the database, as far as possible now.

        The deletion itself is stored already, so nothing that goes wrong here may refuse it.
        """
        with (
            suppress(DBAPIError, ApiError),
            self._entered(exclusive=self._dialect.has_one_writer),
            self._connected(self._engine) as connection,
        ):
            self._dialect.scrub(connection)

    def overwrite_remnants(self, after: int, seconds: float) -> int | None:
        """Go on overwriting what deletions have left in the files; see `Dialect`.

        Raises:
            ApiError: the store is closed, or has been in use for too long.
            DBAPIError: the database cannot do it.
            OSError: the system refuses.
        """
        with (
            self._entered(exclusive=self._dialect.has_one_writer),
            self._connected(self._engine) as connection,
        ):
            return self._dialect.overwrite_remnants(connection, after, seconds)

    def explain(self, error: DBAPIError) -> Explanation:
        """Return what an error of this database means and what to do."""
        return self._dialect.explain(error)

    def close(self, timeout: float = _SHUT_TIMEOUT_S) -> None:
        """Wait for running requests, then close every connection. Closing again does nothing.

        Args:
            timeout: seconds to wait; a request that takes longer closes its own connection.
        """
        self._is_closed = True
        self._gate.shut(timeout)
        self._dispose()
        self._gate.open()  # whoever waited finds the store closed
        forks.forget(self)

    @contextmanager
    def _entered(self, *, exclusive: bool) -> Iterator[None]:
        forks.check()
        with ExitStack() as stack:
            stack.enter_context(self._gate.passing())
            if self._is_closed:
                raise internal_error("The engine is closed; open it again")
            if exclusive:
                # Threads of one process queue here, in order; only processes meet in the database.
                if not self._writer.acquire(timeout=self._busy_timeout):
                    raise internal_error(
                        "Another thread has locked the database for too long; try again"
                    )
                stack.callback(self._writer.release)
            yield

    def _connected(self, engine: Engine) -> Connection:
        """Return a connection of a pool, to be closed."""
        try:
            return engine.connect()
        except PoolTimeoutError:
            raise internal_error(
                "All connections to the database have been in use for too long; try again"
            ) from None

    def _begun(self, engine: Engine, *, is_shared: bool) -> Connection:
        """Return a connection, to be closed, in a transaction that writes."""
        connection = self._connected(engine)
        try:
            # A commit would begin to move it as soon as they end, and all writers wait for that.
            reads = self._long_reads
            self._dialect.set_log(
                connection,
                is_moved=not (reads.are_running or self._leaves_log),
                is_kept=reads.are_expected,
            )
            self._dialect.begin_write(connection, is_shared=is_shared)
        except BaseException as error:
            connection.close()
            if not (isinstance(error, DBAPIError) and error.connection_invalidated):
                raise
        else:
            return connection
        # An idle connection was lost, and with it all others of the pool: take a new one.
        connection = self._connected(engine)
        try:
            self._dialect.begin_write(connection, is_shared=is_shared)
        except BaseException:
            connection.close()
            raise
        return connection

    def _dispose(self, *, close: bool = True) -> None:
        """Forget all connections, and close those that nobody uses."""
        for engine in (self._engine, self._deferred, self._bulk):
            engine.dispose(close=close)

    def _renew_locks(self) -> None:
        self._gate = Gate()
        self._writer = threading.Lock()
        self._long_reads = LongReads(self._dialect)

    def _set_up(self, *, to_fill: bool) -> None:
        with self.read() as connection:
            check_owner(self._dialect, connection)
            self._dialect.prepare(connection)
        with self.write() as connection:
            bring_up_to_date(self._dialect, connection, to_fill=to_fill)

    def _before_fork(self) -> None:
        # Nobody may be inside while memory is copied, and no file or socket may be open.
        self._gate.shut(_SHUT_TIMEOUT_S)
        if not self._in_memory:
            self._dispose()

    def _after_fork_in_parent(self) -> None:
        self._gate.open()

    def _after_fork_in_child(self) -> None:
        # A connection that could not be closed in time belongs to the parent: forget it.
        self._renew_locks()
        if not self._in_memory:
            self._dispose(close=False)

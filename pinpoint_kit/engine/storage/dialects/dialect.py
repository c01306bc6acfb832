"""`Dialect`: what a database must do for the engine, and what its errors mean.

The store stands on this protocol alone. Beside it, statements.py and expressions.py write SQL that
databases spell differently, ddl.py what tables want, and assumptions.py says what the engine takes
for granted of every database. No database is named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine
    from sqlalchemy.exc import DBAPIError

__all__ = ["Dialect", "Explanation"]


@attrs.frozen
class Explanation:
    """What a database error means.

    Attributes:
        sentence: the cause and what to do, without SQL and without data.
        is_permanent: True when it lasts until somebody fixes it, so that repeating the request
            is of no use.
    """

    sentence: str
    is_permanent: bool


class Dialect(Protocol):
    """One database of one kind: how to reach it, and everything in which kinds differ."""

    @property
    def label(self) -> str:
        """What to call the database in a message, without a password."""

    @property
    def is_in_memory(self) -> bool:
        """Whether it is gone with this process, and is its alone.

        It has one connection then: one thread at a time may be inside, and a fork keeps it.
        """

    @property
    def has_one_writer(self) -> bool:
        """Whether writers exclude each other. Threads of a process queue for it in the store."""

    def prepare_location(self) -> None:
        """Check and make what must be there before connecting.

        Raises:
            StoreError: the location cannot hold a database.
        """

    def connect(self, busy_timeout: float, *, bulk: bool = False) -> Engine:
        """Return a SQLAlchemy engine with this package's settings; it has not connected yet.

        Args:
            busy_timeout: how many seconds a write waits for another one.
            bulk: for many transactions that write all over the indexes. They need not wait for the
                disk: a crash of the process must lose nothing, but power loss may undo what no
                transaction of another connection has followed.
        """

    def prepare(self, connection: Connection) -> None:
        """Make the database ready for several processes, before its tables are looked at."""

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin a transaction that only reads, and in which all statements see one state."""

    def begin_write(self, connection: Connection) -> None:
        """Begin a transaction that holds the right to write from the start."""

    def stop_at(self, connection: Connection, end: float | None) -> None:
        """Have the database stop the statements of a connection at a moment.

        Args:
            connection: the connection, which is inside no statement now.
            end: the moment, by the monotonic clock; None lets statements run on again.
        """

    def was_stopped(self, error: DBAPIError) -> bool:
        """Tell whether an error says that a statement was stopped because of `stop_at`."""

    def columns(self, connection: Connection, tables: Sequence[str]) -> set[tuple[str, str]]:
        """Return which columns some tables have, as (table, column)."""

    def scrub(self, connection: Connection) -> None:
        """Take deleted data out of what lies beside the tables, as far as possible right now."""

    def overwrite_remnants(self, connection: Connection, after: int, seconds: float) -> int | None:
        """Go on overwriting what deletions have left in the database's files, in no row.

        Readers and writers of other connections go on, but for waits of about `seconds`.

        Args:
            connection: a connection in no transaction, which is not used afterwards.
            after: what the call before has returned, 0 to begin.
            seconds: about how long to work.

        Returns:
            Where to go on; the same as `after` when others use the database too much right now.
            None when no value is left of what was deleted before the call with 0.

        Raises:
            DBAPIError: the database cannot do it.
            OSError: the system refuses.
        """

    def check_copyable(self) -> None:
        """Check that there is something for `copy` to copy, before connecting.

        Raises:
            StoreError: there is no database here, or it is of a kind that cannot be copied.
        """

    def copy(self, connection: Connection, path: Path) -> None:
        """Copy all that a connection sees at this moment into an empty file, and check the copy.

        Raises:
            StoreError: the copy cannot be written, or is damaged.
        """

    def explain(self, error: DBAPIError) -> Explanation:
        """Return what a database error means and what to do."""

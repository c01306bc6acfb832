"""`Dialect`: what a database must do for the engine, and what its errors mean.

The store stands on this protocol alone. Beside it, statements.py and expressions.py write SQL that
databases spell differently, ddl.py what tables want, and assumptions.py says what the engine takes
for granted of every database. No database is named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.exc import DBAPIError

__all__ = ["CheckUp", "Dialect", "Explanation"]


@attrs.frozen
class Explanation:
    """What a database error means.

    Attributes:
        sentence: the cause and what to do, without SQL and without data.
        is_permanent: True when it lasts until somebody fixes it, so that repeating the request
            is of no use.
        is_refusal: True when it is the content of the request that the database cannot hold.
        lacks_right: True when the role may not do what was asked.
    """

    sentence: str
    is_permanent: bool
    is_refusal: bool = False
    lacks_right: bool = False


@attrs.frozen
class CheckUp:
    """What is to be known of a database before it is opened.

    Attributes:
        text: its kind and version, and what the role may do, for the operator.
        may_make_tables: whether opening it can make the tables.
    """

    text: str
    may_make_tables: bool


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

    @property
    def overwrites_remnants(self) -> bool:
        """Whether the engine can take what deletions leave in files out of them."""

    @property
    def most_names(self) -> int:
        """How many endpoints a transaction may claim one by one; with more it claims them all."""

    def prepare_location(self) -> None:
        """Check and make what must be there before connecting.

        Raises:
            StoreError: the location cannot hold a database.
        """

    def connect(self, busy_timeout: float, *, waits: bool = True, bulk: bool = False) -> Engine:
        """Return a SQLAlchemy engine with this package's settings; it has not connected yet.

        Args:
            busy_timeout: how many seconds a write waits for another one.
            waits: for transactions that wait for the disk. Of others a crash of the process must
                lose nothing, but power loss may undo what none that waits has followed.
            bulk: for many transactions that write all over the indexes, and need not wait.
        """

    def prepare(self, connection: Connection) -> None:
        """Make the database ready for several processes, before its tables are looked at."""

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin a transaction that only reads, and in which all statements see one state."""

    def begin_write(self, connection: Connection, *, is_shared: bool = False) -> None:
        """Begin a transaction that holds the right to write from the start.

        Args:
            connection: a connection in no transaction.
            is_shared: others may write at the same time: the transaction claims what it touches.
                Where writers exclude each other anyway it makes no difference.
        """

    def claim(
        self, connection: Connection, app: int, names: Iterable[tuple[str, str]] | None
    ) -> None:
        """Keep others from endpoints, users and addresses of an application until the commit.

        What is claimed must be read afterwards. A transaction claims endpoints before users and
        addresses, each kind at most once.

        Args:
            connection: a transaction that was begun as shared.
            app: the number of the application.
            names: a kind and a value each; none for the bare right to write there, None for all
                that the application has.
        """

    def settle(self, connection: Connection, table: str) -> int | None:
        """Wait for every transaction that may still commit a number which was given out before.

        Args:
            connection: a connection in no transaction.
            table: one of `NUMBERED` in storage/dialects/ddl.py.

        Returns:
            The last number given out: from now on no row appears up to there. None where numbers
            are committed in their order anyway.
        """

    def may_repeat(self, error: DBAPIError) -> bool:
        """Tell whether an error left nothing stored, and the same may succeed when done again."""

    def stop_at(self, connection: Connection, end: float | None) -> None:
        """Have the database stop the statements of a connection at a moment.

        Args:
            connection: the connection, which is inside no statement now.
            end: the moment, by the monotonic clock; None lets statements run on again.
        """

    def was_stopped(self, error: DBAPIError) -> bool:
        """Tell whether an error says that a statement was stopped because of `stop_at`."""

    def check_ready(self, connection: Connection) -> None:
        """Check that the database can be used at all.

        Raises:
            StoreError: it cannot.
        """

    def grants(self, role: str) -> Sequence[str]:
        """Return the statements that let a role use the tables."""

    def check_up(self, connection: Connection) -> CheckUp:
        """Return what to know of the database and the rights in it."""

    def tables(self, connection: Connection) -> set[str]:
        """Return the names of all tables where ours are."""

    def foreign(self, names: Collection[str], ours: Collection[str]) -> str:
        """Return why our tables cannot be made beside those of another program, "" if they can.

        Args:
            names: the tables that are there.
            ours: the tables that will be made.
        """

    def make_place(self, connection: Connection) -> None:
        """Make what the tables are in, inside the transaction that makes them."""

    def run(self, connection: Connection, statements: Sequence[str]) -> None:
        """Run statements that have no parameters and return nothing, as one where that is faster.

        Args:
            connection: inside a transaction.
            statements: what to run, in order, each without its semicolon.
        """

    def columns(self, connection: Connection, tables: Sequence[str]) -> set[tuple[str, str]]:
        """Return which columns some tables have, as (table, column)."""

    @property
    def log_bytes(self) -> int:
        """How long the log beside the tables is that `move_log` moves; 0 where it does nothing."""

    @property
    def most_log_bytes(self) -> int:
        """How long it may be when a query begins that takes long, and so lets it grow."""

    def set_log(self, connection: Connection, *, is_moved: bool, is_kept: bool) -> None:
        """Say what the commits of a connection do with the log.

        Args:
            connection: the connection, in no transaction.
            is_moved: whether a commit moves a long log, which all writers wait for.
            is_kept: whether it may stay as long as `most_log_bytes` when it begins anew.
        """

    def move_log(self, connection: Connection) -> None:
        """Move what a log beside the tables holds into them; others may read and write meanwhile.

        Afterwards what was committed before survives power loss.
        """

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

    def check_exists(self) -> None:
        """Check, before connecting, that connecting finds a database and does not make one.

        Raises:
            StoreError: there is none to be read.
        """

    def last_number(self, connection: Connection, table: Table) -> int:
        """Return the last number that was given to a row of a table with numbers; 0 without any.

        Its row may be gone.
        """

    def number_after(self, connection: Connection, table: Table, number: int) -> None:
        """Have the next row of a table get a number above this one, where that is promised.

        Args:
            connection: a write transaction.
            table: a table with numbers, whose rows have come with theirs.
            number: at least 1.
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

"""`Sqlite`: the engine's database in a file, or in memory. It puts this folder together."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import attrs
from sqlalchemy import URL, inspect

from pinpoint_kit.engine.storage.dialects.dialect import CheckUp, Explanation
from pinpoint_kit.engine.storage.dialects.sqlite import (
    backup,
    connections,
    expressions,  # noqa: F401 -- its compilers register themselves
    locations,
    numbers,
    remnants,
)
from pinpoint_kit.system.sqlite_files import fault_of, turn_wal_on

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.exc import DBAPIError

__all__ = ["Sqlite"]

#: How long opening waits for a moment in which nobody else uses the file.
_WAL_TIMEOUT_S = 5.0


@attrs.frozen
class Sqlite:
    """A SQLite database; see `Dialect`.

    Attributes:
        url: `sqlite:///FILE`, or one of a database in memory.
    """

    url: URL
    _log: str = attrs.field(init=False, repr=False, eq=False)

    @_log.default
    def _beside(self) -> str:
        # As SQLite has it: links followed, and the directory that is the current one now.
        return f"{os.path.realpath(self.url.database or '')}-wal"

    @property
    def label(self) -> str:
        """The file, or "in memory"."""
        return self.url.database or "in memory"

    @property
    def is_in_memory(self) -> bool:
        """Whether it lives in this process only."""
        return locations.is_in_memory(self.url)

    @property
    def has_one_writer(self) -> bool:
        """True: SQLite has one lock for writing."""
        return True

    @property
    def overwrites_remnants(self) -> bool:
        """True: what no row uses is zeroed."""
        return True

    @property
    def most_names(self) -> int:
        """Any number: nothing is claimed."""
        return sys.maxsize

    def prepare_location(self) -> None:
        """Check the file's folder, and make a new file for this user only."""
        if not self.is_in_memory:
            locations.check_location(self.url)
            locations.make_private(self.url)

    def connect(self, busy_timeout: float, *, waits: bool = True, bulk: bool = False) -> Engine:
        """Return an engine; in memory it has one connection."""
        return connections.connect(self.url, busy_timeout, waits=waits and not bulk, bulk=bulk)

    def prepare(self, connection: Connection) -> None:
        """Turn WAL on; it stays so."""
        turn_wal_on(
            lambda sql: connection.exec_driver_sql(sql).fetchall(), timeout_s=_WAL_TIMEOUT_S
        )

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin a transaction; its first statement fixes what all see."""
        connection.exec_driver_sql("BEGIN")

    def begin_write(self, connection: Connection, *, is_shared: bool = False) -> None:  # noqa: ARG002 -- see Dialect
        """Begin a transaction that is the only writing one."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    def claim(
        self, connection: Connection, app: int, names: Iterable[tuple[str, str]] | None
    ) -> None:
        """Do nothing: the transaction is the only writing one."""

    def settle(self, connection: Connection, table: str) -> int | None:  # noqa: ARG002 -- see Dialect
        """Return None: the only writer numbers and commits."""
        return None

    def may_repeat(self, error: DBAPIError) -> bool:  # noqa: ARG002 -- see Dialect
        """Return False: nothing is undone for others."""
        return False

    def stop_at(self, connection: Connection, end: float | None) -> None:
        """Have SQLite ask for the time while it runs a statement."""
        connections.stop_at(connection, end)

    def was_stopped(self, error: DBAPIError) -> bool:
        """Return whether SQLite says so; nothing else interrupts it."""
        return "interrupted" in str(error.orig)

    def check_ready(self, connection: Connection) -> None:
        """Do nothing: the library is as old as Python."""

    def grants(self, role: str) -> Sequence[str]:  # noqa: ARG002 -- see Dialect
        """Return nothing: a file has no roles."""
        return ()

    def check_up(self, connection: Connection) -> CheckUp:
        """Return the version of the library."""
        version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
        return CheckUp(f"SQLite {version}", may_make_tables=True)

    def tables(self, connection: Connection) -> set[str]:
        """Return the tables of the file."""
        return set(inspect(connection).get_table_names())

    def foreign(self, names: Collection[str], ours: Collection[str]) -> str:  # noqa: ARG002 -- see Dialect
        """Refuse a file with any table: a file has one owner."""
        return "the file belongs to another program; name another file" if names else ""

    def make_place(self, connection: Connection) -> None:
        """Do nothing: the file is there."""

    def run(self, connection: Connection, statements: Sequence[str]) -> None:
        """Run one after the other: the driver would commit before it runs several as one."""
        for statement in statements:
            connection.exec_driver_sql(statement)

    def columns(self, connection: Connection, tables: Sequence[str]) -> set[tuple[str, str]]:
        """Return the columns by one query, for speed."""
        return connections.columns(connection, tables)

    @property
    def log_bytes(self) -> int:
        """How long the write-ahead log is."""
        if self.is_in_memory:
            return 0
        try:
            return os.stat(self._log).st_size  # noqa: PTH116 -- often, and faster
        except OSError:
            return 0

    @property
    def most_log_bytes(self) -> int:
        """See there."""
        return connections.MOST_LOG_BYTES

    def set_log(self, connection: Connection, *, is_moved: bool, is_kept: bool) -> None:
        """Set the automatic checkpoints of a connection, and its limit of the log."""
        if not self.is_in_memory:
            connections.set_log(connection, is_moved=is_moved, is_kept=is_kept)

    def move_log(self, connection: Connection) -> None:
        """Checkpoint as far as nobody has to wait."""
        connections.move_log(connection)

    def scrub(self, connection: Connection) -> None:
        """Empty the write-ahead log, if nobody is using it right now."""
        connections.scrub(connection)

    def overwrite_remnants(self, connection: Connection, after: int, seconds: float) -> int | None:
        """Zero what no row uses; in memory there is no file."""
        return None if self.is_in_memory else remnants.overwrite(connection, after, seconds)

    def check_exists(self) -> None:
        """Check that the file is there."""
        locations.check_copyable(self.url)

    def last_number(self, connection: Connection, table: Table) -> int:
        """Return the number from SQLite's own table, or the highest."""
        return numbers.last(connection, table)

    def number_after(self, connection: Connection, table: Table, number: int) -> None:
        """Note the number where numbers of deleted rows are not used again."""
        numbers.go_on_after(connection, table, number)

    def check_copyable(self) -> None:
        """Check that the file is there."""
        locations.check_copyable(self.url)

    def copy(self, connection: Connection, path: Path) -> None:
        """Copy by SQLite's own backup."""
        backup.copy(connection, path)

    def explain(self, error: DBAPIError) -> Explanation:
        """Return what SQLite's own text means."""
        fault = fault_of(error.orig)
        return Explanation(fault.sentence("the database"), fault.is_permanent)

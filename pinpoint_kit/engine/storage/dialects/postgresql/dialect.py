"""`Postgresql`: the engine's database on a server, for many machines. It puts this folder together.

Which locks make it correct under concurrency, and why these, stands in locks.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from sqlalchemy.schema import CreateSchema

from pinpoint_kit.engine.storage.dialects.dialect import CheckUp
from pinpoint_kit.engine.storage.dialects.postgresql import (
    connections,
    expressions,  # noqa: F401 -- its compilers register themselves
    faults,
    locations,
    locks,
    numbers,
)
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.exc import DBAPIError

    from pinpoint_kit.engine.storage.dialects.dialect import Explanation

__all__ = ["Postgresql"]

#: Older ones get no corrections any more, and are not tested.
_OLDEST = 140_000


@attrs.frozen
class Postgresql:
    """A PostgreSQL database; see `Dialect`."""

    location: locations.Location

    @classmethod
    def of(cls, url: str) -> Postgresql:
        """Return the database that a URL names."""
        return cls(locations.parse(url))

    @property
    def label(self) -> str:
        """Hosts, database and schema."""
        return self.location.label

    @property
    def is_in_memory(self) -> bool:
        """False: it is a server's."""
        return False

    @property
    def has_one_writer(self) -> bool:
        """False: writers meet in the locks of locks.py."""
        return False

    @property
    def overwrites_remnants(self) -> bool:
        """False: dead versions of rows are VACUUM's, and the write-ahead log is the server's."""
        return False

    @property
    def most_names(self) -> int:
        """How many locks of one kind of thing fit beside those of all other connections."""
        return 12

    def prepare_location(self) -> None:
        """Do nothing: the server is there or not."""

    def connect(self, busy_timeout: float, *, waits: bool = True, bulk: bool = False) -> Engine:
        """Return an engine with a bounded pool."""
        return connections.connect(self.location, busy_timeout, waits=waits and not bulk)

    def prepare(self, connection: Connection) -> None:
        """Check the server.

        Raises:
            StoreError: it is too old, or its database cannot hold every text.
        """
        self.check_ready(connection)

    def grants(self, role: str) -> Sequence[str]:
        """Return what gives a role the rights to read and write, and to page and copy numbers."""
        schema, name = connections.quoted(self.location.schema), connections.quoted(role)
        return (
            f"GRANT USAGE ON SCHEMA {schema} TO {name};",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name};",
            f"GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA {schema} TO {name};",
        )

    def check_ready(self, connection: Connection) -> None:
        """Check the server's version, and the encoding of the database.

        Raises:
            StoreError: it is too old, or its database cannot hold every text.
        """
        version, encoding = connection.exec_driver_sql(
            "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
        ).one()
        if version < _OLDEST:
            raise StoreError(
                f"the server is PostgreSQL {version // 10_000}; upgrade it to {_OLDEST // 10_000}"
                " or later"
            )
        if encoding != "UTF8":
            raise StoreError(
                f"the database has the encoding {encoding}; make one with ENCODING 'UTF8'"
            )

    def check_up(self, connection: Connection) -> CheckUp:
        """Return the server's version, and what the role may do."""
        schema = self.location.schema
        version, is_replica, creates = connection.exec_driver_sql(
            "SELECT current_setting('server_version'), pg_is_in_recovery(),"
            " coalesce((SELECT has_schema_privilege(n.oid, 'CREATE')"
            " FROM pg_catalog.pg_namespace AS n WHERE n.nspname = %s),"
            " has_database_privilege(current_database(), 'CREATE'))",
            (schema,),
        ).one()
        may = "may make tables" if creates else "may not make tables"
        kind = "a replica, which takes no writes" if is_replica else f"the role {may}"
        text = f"PostgreSQL {version.partition(' ')[0]}, schema {schema}, {kind}"
        return CheckUp(text, may_make_tables=creates and not is_replica)

    def tables(self, connection: Connection) -> set[str]:
        """Return the tables of the schema."""
        return connections.tables(connection, self.location.schema)

    def foreign(self, names: Collection[str], ours: Collection[str]) -> str:
        """Refuse a schema only where a table of another program has one of our names."""
        taken = sorted(set(names) & set(ours))
        if not taken:
            return ""
        return (
            f"the schema {self.location.schema} has tables of another program ({taken[0]}); name"
            " another schema with ?schema=NAME"
        )

    def make_place(self, connection: Connection) -> None:
        """Make the schema, for which one that is there needs no right."""
        if not connections.has_schema(connection, self.location.schema):
            connection.execute(CreateSchema(self.location.schema))

    def run(self, connection: Connection, statements: Sequence[str]) -> None:
        """Run them in one message to the server."""
        connections.run(connection, ";\n".join(statements))

    def begin_snapshot(self, connection: Connection) -> None:
        """Begin a transaction whose first statement fixes what all see."""
        connections.run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")

    def begin_write(self, connection: Connection, *, is_shared: bool = False) -> None:
        """Begin a transaction with the schema's lock."""
        taken = locks.write_locks(self.location.schema, is_shared=is_shared)
        connections.begin(connection, taken)

    def claim(
        self, connection: Connection, app: int, names: Iterable[tuple[str, str]] | None
    ) -> None:
        """Take locks inside an application."""
        locks.claim(connection, self.location.schema, app, names)

    def settle(self, connection: Connection, table: str) -> int | None:
        """Wait for transactions that have drawn numbers."""
        return locks.settle(connection, self.location.schema, table)

    def stop_at(self, connection: Connection, end: float | None) -> None:
        """Have the server end each statement by then."""
        connections.stop_at(connection, end)

    def was_stopped(self, error: DBAPIError) -> bool:
        """Return whether the server has cancelled a statement."""
        return faults.is_stopped(error)

    def columns(self, connection: Connection, tables: Sequence[str]) -> set[tuple[str, str]]:
        """Return the columns from the catalog."""
        return connections.columns(connection, self.location.schema, tables)

    @property
    def log_bytes(self) -> int:
        """The server's log is its own."""
        return 0

    @property
    def most_log_bytes(self) -> int:
        """The server's log is its own."""
        return 0

    def set_log(self, connection: Connection, *, is_moved: bool, is_kept: bool) -> None:
        """Do nothing: the server's log is its own."""

    def move_log(self, connection: Connection) -> None:
        """Do nothing: the server does it by itself."""

    def scrub(self, connection: Connection) -> None:
        """Do nothing: see `overwrites_remnants`."""

    def overwrite_remnants(self, connection: Connection, after: int, seconds: float) -> int | None:  # noqa: ARG002 -- see Dialect
        """Do nothing: see `overwrites_remnants`."""
        return after

    def check_exists(self) -> None:
        """Do nothing: connecting never makes a database."""

    def last_number(self, connection: Connection, table: Table) -> int:
        """Return what the table's sequence has given out."""
        return numbers.last(connection, self.location.schema, table)

    def number_after(self, connection: Connection, table: Table, number: int) -> None:
        """Set the table's sequence."""
        numbers.go_on_after(connection, self.location.schema, table, number)

    def check_copyable(self) -> None:
        """Refuse: a server has its own backups."""
        raise StoreError("a PostgreSQL database is not a file; copy it with pg_dump")

    def copy(self, connection: Connection, path: Path) -> None:  # noqa: ARG002 -- see Dialect
        """Refuse: a server has its own backups."""
        self.check_copyable()

    def explain(self, error: DBAPIError) -> Explanation:
        """Return what SQLSTATE or libpq say."""
        return faults.explain(error)

    def may_repeat(self, error: DBAPIError) -> bool:
        """Return whether the server has undone the transaction for another one, or is gone."""
        return faults.may_repeat(error)

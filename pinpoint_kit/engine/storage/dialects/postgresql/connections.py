"""Connections to PostgreSQL: their settings, and beginning transactions.

Nothing is kept in a session, so that PgBouncer may hand every transaction to another one: settings
are `SET LOCAL`, locks end with their transaction, and no statement is prepared by name. The driver
is in autocommit mode, and every BEGIN is ours. READ COMMITTED is the isolation of writes, whose
locks come first; a long read is REPEATABLE READ, which sees one state and never fails for it.
"""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import create_engine, event
from sqlalchemy.pool import QueuePool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection

    from pinpoint_kit.engine.storage.dialects.postgresql.locations import Location

__all__ = ["begin", "columns", "connect", "has_schema", "quoted", "run", "stop_at", "tables"]

#: What libpq is told unless the URL or the environment says so: to give up, and to find out that a
#: server is gone.
_DEFAULTS: dict[str, object] = {
    "connect_timeout": 10,
    "fallback_application_name": "pinpoint-kit",
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
_POOL_SIZE = 5
_MOST_MORE = 15
#: Marks of a connection, in its own dict.
_WAITS = "pinpoint_waits"
_END = "pinpoint_end"
_BUSY = "pinpoint_busy_ms"


def connect(location: Location, busy_timeout: float, *, waits: bool = True) -> Engine:
    """Return a SQLAlchemy engine with this package's settings; it has not connected yet.

    Args:
        location: the database.
        busy_timeout: how many seconds a statement waits for a lock, and a thread for a connection.
        waits: whether commits wait for the disk (`synchronous_commit`).
    """
    engine = create_engine(
        "postgresql+psycopg://",
        poolclass=QueuePool,
        pool_size=_POOL_SIZE,
        max_overflow=_MOST_MORE,
        pool_timeout=busy_timeout,
        pool_use_lifo=True,  # what is not needed any more is closed by the server or a proxy
        isolation_level="AUTOCOMMIT",
        paramstyle="format",
        hide_parameters=True,
        use_native_hstore=False,
        execution_options={"schema_translate_map": {None: location.schema}},
    )

    def open_(_dialect: object, _record: object, arguments: list[Any], named: Any) -> None:  # noqa: ANN401 -- SQLAlchemy's
        missing = {name: value for name, value in _DEFAULTS.items() if name not in location.parts}
        arguments[:] = [location.conninfo]
        named.update(missing, prepare_threshold=None)

    def configure(connection: DBAPIConnection, record: Any) -> None:  # noqa: ANN401 -- as above
        record.info[_WAITS] = waits
        record.info[_BUSY] = max(1, int(busy_timeout * 1000))
        _read_numbers_as_numbers(connection)

    event.listen(engine, "do_connect", open_)
    event.listen(engine, "connect", configure)
    event.listen(engine, "before_cursor_execute", _limit)
    return engine


def quoted(name: str) -> str:
    """Return a name as it stands in SQL."""
    return '"' + name.replace('"', '""') + '"'


def run(connection: Connection, sql: str) -> None:
    """Run statements without parameters in one message to the server."""
    connection.exec_driver_sql(sql, execution_options={"no_parameters": True})


def begin(connection: Connection, locks: str) -> None:
    """Begin a transaction that writes.

    Args:
        connection: a connection in no transaction.
        locks: what takes the locks, an expression.
    """
    settings = [f"set_config('lock_timeout', '{connection.info[_BUSY]}', true)"]
    if not connection.info[_WAITS]:
        settings.append("set_config('synchronous_commit', 'off', true)")
    run(connection, f"BEGIN; SELECT {', '.join(settings)}; SELECT {locks}")


def stop_at(connection: Connection, end: float | None) -> None:
    """Have each statement of a transaction end at a moment by the monotonic clock; None: never."""
    if connection.invalidated:
        return
    if end is None:
        connection.info.pop(_END, None)
    else:
        connection.info[_END] = end


def _limit(connection: Connection, cursor: Any, statement: str, *_: object) -> None:  # noqa: ANN401 -- a driver's
    """Tell the server how long a statement of a long read may still take."""
    end = connection.info.get(_END)
    if end is not None and not statement.startswith("BEGIN"):
        left = max(1, int((end - time.monotonic()) * 1000))
        cursor.connection.execute(f"SET LOCAL statement_timeout = {left}")


def has_schema(connection: Connection, schema: str) -> bool:
    """Return whether there is a schema of this name."""
    found = connection.exec_driver_sql(
        "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = %s", (schema,)
    )
    return found.first() is not None


def tables(connection: Connection, schema: str) -> set[str]:
    """Return the names of all tables of a schema."""
    rows = connection.exec_driver_sql(
        "SELECT c.relname FROM pg_catalog.pg_class AS c"
        " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relkind IN ('r', 'p', 'v', 'm', 'f')",
        (schema,),
    )
    return {row[0] for row in rows}


def columns(connection: Connection, schema: str, names: Sequence[str]) -> set[tuple[str, str]]:
    """Return which columns some tables have, as (table, column)."""
    rows = connection.exec_driver_sql(
        "SELECT c.relname, a.attname FROM pg_catalog.pg_attribute AS a"
        " JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid"
        " JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname = %s AND c.relname = ANY(%s) AND a.attnum > 0 AND NOT a.attisdropped",
        (schema, list(names)),
    )
    return {(table, column) for table, column in rows}


def _read_numbers_as_numbers(connection: DBAPIConnection) -> None:
    """Read NUMERIC, which sums of BIGINT have, as an integer, or as a float where it is none."""
    loaders: Any = import_module("psycopg.adapt")

    class Number(loaders.Loader):  # type: ignore[misc] # loaded when used
        def load(self, data: Any) -> int | float:  # noqa: ANN401 -- bytes, in a buffer of the driver
            text = bytes(data).decode()
            return int(text) if text.lstrip("-").isdigit() else float(text)

    cast("Any", connection).adapters.register_loader("numeric", Number)

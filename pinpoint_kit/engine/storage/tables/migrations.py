"""The version of the tables, and how older versions become this one.

What a table looks like belongs to the file of its family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, Table, func, inspect, literal, select, update

from pinpoint_kit.engine.storage.tables.endpoints import (
    ADDRESSES,
    ENDPOINTS,
    ENDPOINTS_BY_CREATION,
    USERS,
)
from pinpoint_kit.engine.storage.tables.events import (
    EVENTS,
    EVENTS_BY_TIME,
    EVENTS_BY_TYPE,
    REMEMBERED,
)
from pinpoint_kit.engine.storage.tables.jobs import JOBS
from pinpoint_kit.engine.storage.tables.metadata import METADATA
from pinpoint_kit.engine.storage.tables.streams import EVENT_STREAMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Connection

__all__ = ["MIGRATIONS", "VERSION"]

#: Raise it with every change of a table, and add the step to `MIGRATIONS`.
VERSION = 9


def add_columns(connection: Connection, table: Table, names: Iterable[str]) -> None:
    """Add columns that may be NULL to a table; those that are there already stay."""
    known = _columns(connection, table)
    prepare = connection.dialect.identifier_preparer
    for name in names:
        if name not in known:
            kind = table.c[name].type.compile(connection.dialect)
            column = f"{prepare.quote(name)} {kind}"
            connection.exec_driver_sql(
                f"ALTER TABLE {_formatted(connection, table)} ADD COLUMN {column}"
            )


def _schema(connection: Connection) -> str | None:
    """Return where the tables are, None where that is not said."""
    schemas = connection.get_execution_options().get("schema_translate_map") or {}
    return schemas.get(None)


def _columns(connection: Connection, table: Table) -> set[str]:
    found = inspect(connection).get_columns(table.name, schema=_schema(connection))
    return {column["name"] for column in found}


def _formatted(connection: Connection, table: Table) -> str:
    """Return the table's name, with that of its schema, as it stands in SQL."""
    quote = connection.dialect.identifier_preparer.quote
    schema = _schema(connection)
    return quote(table.name) if schema is None else f"{quote(schema)}.{quote(table.name)}"


def _add_tables(connection: Connection) -> None:
    METADATA.create_all(connection)  # those that are not there


def _index_addresses_anew(connection: Connection) -> None:
    ADDRESSES.drop(connection, checkfirst=True)
    ADDRESSES.create(connection)


def _remember_endpoints(connection: Connection) -> None:
    add_columns(connection, EVENTS, REMEMBERED)
    add_columns(connection, USERS, ("created",))
    # Users without attributes had no row. The oldest endpoint of a user says when the id came up.
    first = (
        select(
            ENDPOINTS.c.app, ENDPOINTS.c.user_id, literal("{}"), func.min(ENDPOINTS.c.creation_date)
        )
        .where(ENDPOINTS.c.user_id.is_not(None))
        .group_by(ENDPOINTS.c.app, ENDPOINTS.c.user_id)
    )
    known = select(USERS.c.user_id).where(
        USERS.c.app == ENDPOINTS.c.app, USERS.c.user_id == ENDPOINTS.c.user_id
    )
    oldest = (
        select(func.min(ENDPOINTS.c.creation_date))
        .where(ENDPOINTS.c.app == USERS.c.app, ENDPOINTS.c.user_id == USERS.c.user_id)
        .scalar_subquery()
    )
    connection.execute(update(USERS).values(created=oldest))
    connection.execute(
        USERS.insert().from_select(
            ["app", "user_id", "attributes", "created"], first.where(~known.exists())
        )
    )


def _lease_work(connection: Connection) -> None:
    """Make the table of leases, and the jobs without columns for their own."""
    _add_tables(connection)
    _rebuild(connection, JOBS)


def _count_events(connection: Connection) -> None:
    """Make the table of saved funnels, and the indexes that numbers are read by."""
    _add_tables(connection)
    for index in (EVENTS_BY_TYPE, EVENTS_BY_TIME, ENDPOINTS_BY_CREATION):
        index.drop(connection, checkfirst=True)
        index.create(connection)


def _forward_streams(connection: Connection) -> None:
    """Make the tables of the stream backlog and of lakes."""
    _add_tables(connection)
    add_columns(connection, EVENT_STREAMS, ("since",))


def _rebuild(connection: Connection, table: Table) -> None:
    """Make a table anew with the columns that it has now; DROP COLUMN is too new for some."""
    known = _columns(connection, table)
    kept = [column for column in table.columns if column.name in known]
    prepare = connection.dialect.identifier_preparer
    before = Table(f"{table.name}_before", MetaData(), *(Column(each.name) for each in kept))
    for index in table.indexes:
        index.drop(connection, checkfirst=True)
    connection.exec_driver_sql(
        f"ALTER TABLE {_formatted(connection, table)} RENAME TO {prepare.format_table(before)}"
    )
    table.create(connection)
    connection.execute(
        table.insert().from_select([each.name for each in kept], select(*before.columns))
    )
    before.drop(connection)


#: `MIGRATIONS[n]` changes a database of version n into one of version n + 1, in the transaction
#: in which it is opened.
MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {
    1: _add_tables,
    2: _index_addresses_anew,
    3: _remember_endpoints,
    4: _lease_work,
    5: _count_events,
    6: _forward_streams,
    7: _add_tables,  # messages, campaigns, journeys
    8: _add_tables,  # opt-outs of addresses
}

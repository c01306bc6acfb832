"""Making the tables of a new database, checking those of an old one, and upgrading them.

What a version is and how it becomes the next one stands in storage/tables/migrations.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.storage import filling
from pinpoint_kit.engine.storage.making import making
from pinpoint_kit.engine.storage.tables import migrations
from pinpoint_kit.engine.storage.tables.metadata import META, METADATA
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.storage.dialects.dialect import Dialect

__all__ = ["bring_up_to_date", "check_current", "check_owner"]

_COLUMNS = {
    (name, column.name) for name, table in METADATA.tables.items() for column in table.columns
}


def check_owner(dialect: Dialect, connection: Connection) -> bool:
    """Return whether the tables are there; a database with others in their way is refused."""
    names = dialect.tables(connection)
    if META.name in names:
        return True
    problem = dialect.foreign(names, METADATA.tables.keys())
    if problem:
        raise StoreError(problem)
    return False


def check_current(connection: Connection) -> None:
    """Check that tables that are there can be read as they are, without changing them.

    Raises:
        StoreError: they are of another version, or a copy into them has not finished.
    """
    filling.check_filled(connection)
    version = _version(connection)
    if version > migrations.VERSION:
        raise StoreError(_too_new(version))
    if version < migrations.VERSION:
        raise StoreError(
            f"its schema version is {version}, and this release's is {migrations.VERSION}: start"
            " `pinpoint-kit serve` of this release on it once, which upgrades it, or on a backup"
        )


def bring_up_to_date(dialect: Dialect, connection: Connection, *, to_fill: bool = False) -> None:
    """Make, check or upgrade the tables, inside a write transaction.

    Args:
        dialect: the kind of database.
        connection: the transaction.
        to_fill: a copy into the tables is to begin or to go on; nobody else is let in before it
            has finished.
    """
    if not check_owner(dialect, connection):
        dialect.make_place(connection)
        schemas = connection.get_execution_options().get("schema_translate_map") or {}
        dialect.run(connection, making(connection.dialect, schemas.get(None)))
        connection.execute(
            META.insert(), {"name": "schema_version", "value": str(migrations.VERSION)}
        )
        return
    if to_fill and filling.pending(connection) is not None:
        return
    filling.check_filled(connection)
    version = _version(connection)
    if version > migrations.VERSION:
        raise StoreError(_too_new(version))
    try:
        for step in range(version, migrations.VERSION):
            migrations.MIGRATIONS[step](connection)
    except DBAPIError as error:
        if not dialect.explain(error).lacks_right:
            raise
        raise StoreError(
            f"its schema version is {version}, and this release's is {migrations.VERSION}: only the"
            " role that owns the tables may upgrade them; open it with that role once, for example"
            " by `pinpoint-kit application list --url URL`"
        ) from None
    _check_columns(dialect, connection, version)
    # Written even when it is the same: a read-only database shows itself only by a write.
    connection.execute(
        META.update().where(META.c.name == "schema_version").values(value=str(migrations.VERSION))
    )


def _version(connection: Connection) -> int:
    value = connection.execute(select(META.c.value).where(META.c.name == "schema_version")).scalar()
    if value is None or not value.isdecimal():
        raise StoreError("the schema version is missing; restore a backup or name another file")
    return int(value)


def _too_new(version: int) -> str:
    return (
        f"its schema version is {version}, and this release knows {migrations.VERSION} at most;"
        " upgrade pinpoint-kit or name another file"
    )


def _check_columns(dialect: Dialect, connection: Connection, version: int) -> None:
    """Refuse a file that lacks a part of the version that it says: requests would fail later.

    Args:
        dialect: its kind of database.
        connection: inside the transaction that has upgraded it.
        version: what it said before that.
    """
    missing = _COLUMNS - dialect.columns(connection, list(METADATA.tables))
    if missing:
        raise StoreError(
            f"its schema version is {version}, but columns of it are missing"
            f" ({len(missing)}, such as {'.'.join(min(missing))}): it was made by an unreleased"
            " pinpoint-kit or is damaged; restore a backup or name another file"
        )

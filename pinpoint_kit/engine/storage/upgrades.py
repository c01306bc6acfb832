"""Making the tables of a new database, checking those of an old one, and upgrading them.

What a version is and how it becomes the next one stands in storage/tables/migrations.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from pinpoint_kit.engine.storage.tables import migrations
from pinpoint_kit.engine.storage.tables.metadata import META, METADATA
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.storage.dialects.dialect import Dialect

__all__ = ["bring_up_to_date", "check_owner"]

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


def bring_up_to_date(dialect: Dialect, connection: Connection) -> None:
    """Make, check or upgrade the tables, inside a write transaction."""
    if not check_owner(dialect, connection):
        dialect.make_place(connection)
        METADATA.create_all(connection)
        connection.execute(
            META.insert(), {"name": "schema_version", "value": str(migrations.VERSION)}
        )
        return
    value = connection.execute(select(META.c.value).where(META.c.name == "schema_version")).scalar()
    if value is None or not value.isdecimal():
        raise StoreError("the schema version is missing; restore a backup or name another file")
    version = int(value)
    if version > migrations.VERSION:
        raise StoreError(
            f"its schema version is {version}, and this release knows {migrations.VERSION} at"
            " most; upgrade pinpoint-kit or name another file"
        )
    for step in range(version, migrations.VERSION):
        migrations.MIGRATIONS[step](connection)
    _check_columns(dialect, connection, version)
    # Written even when it is the same: a read-only database shows itself only by a write.
    connection.execute(
        META.update().where(META.c.name == "schema_version").values(value=str(migrations.VERSION))
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

"""The note that a copy into this database has not finished: nobody serves it until it has.

It is written before the first row and goes after the last check. The schema version is away for as
long, so that releases that do not know the note refuse the database as well. What the note says
belongs to the room `copying`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from pinpoint_kit.engine.storage.tables import migrations
from pinpoint_kit.engine.storage.tables.metadata import META
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["begin", "check_filled", "end", "pending", "save"]

_NAME = "copy"
_VERSION = "schema_version"


def pending(connection: Connection) -> str | None:
    """Return what the note says; None when no copy is unfinished."""
    return connection.execute(select(META.c.value).where(META.c.name == _NAME)).scalar()


def check_filled(connection: Connection) -> None:
    """Refuse a database with a part of what a copy brings.

    Raises:
        StoreError: a copy into it has not finished.
    """
    if pending(connection) is not None:
        raise StoreError(
            "a copy into it has not finished; run the same `pinpoint-kit copy` again, which goes"
            " on with it, or name another database"
        )


def begin(connection: Connection, note: str) -> None:
    """Write the note, in a write transaction that has found the database empty."""
    connection.execute(delete(META).where(META.c.name == _VERSION))
    connection.execute(insert(META).values(name=_NAME, value=note))


def save(connection: Connection, note: str) -> None:
    """Write what has been done, in the transaction that does it."""
    connection.execute(update(META).where(META.c.name == _NAME).values(value=note))


def end(connection: Connection) -> None:
    """Remove the note: the database is whole, and may be served."""
    connection.execute(delete(META).where(META.c.name == _NAME))
    connection.execute(insert(META).values(name=_VERSION, value=str(migrations.VERSION)))

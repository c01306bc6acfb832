"""What tables and indexes want of a database of its own, as SQLAlchemy arguments.

Each database reads the arguments that begin with its name and ignores the others, so that a table
is declared once. No table belongs here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Index, Integer, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Column

__all__ = [
    "NUMBERED",
    "NUMBERS_ARE_NOT_REUSED",
    "ROWS_LIE_IN_KEY_ORDER",
    "ROW_NUMBER",
    "TEXT",
    "partial_index",
]

#: A text that is compared by code points, with case; SQLite does so anyway.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")

#: A number that the database gives out. BIGINT would not be SQLite's rowid; INTEGER is, with 64
#: bits all the same.
ROW_NUMBER = BigInteger().with_variant(Integer, "sqlite")

#: Tables to which many clients add rows at once, and whose readers page by `number`; see
#: `Dialect.settle`.
NUMBERED = ("endpoints", "events", "messages", "stream_backlog")

#: The number of a deleted row is never given out again (PostgreSQL never does that).
NUMBERS_ARE_NOT_REUSED: Mapping[str, Any] = MappingProxyType({"sqlite_autoincrement": True})

#: The table is its primary key's index, for tables that are nothing but a key.
ROWS_LIE_IN_KEY_ORDER: Mapping[str, Any] = MappingProxyType({"sqlite_with_rowid": False})


def partial_index(name: str, present: Column[Any], *columns: Column[Any]) -> Index:
    """Add an index that holds only the rows in which `present` has a value."""
    condition = present.is_not(None)
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)

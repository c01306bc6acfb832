"""The version of the tables, and how older versions become this one.

What a table looks like belongs to the file of its family.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.storage.tables.endpoints import ADDRESSES
from pinpoint_kit.engine.storage.tables.metadata import METADATA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

__all__ = ["MIGRATIONS", "VERSION"]

#: Raise it with every change of a table, and add the step to `MIGRATIONS`.
VERSION = 3


def _add_tables(connection: Connection) -> None:
    METADATA.create_all(connection)  # those that are not there


def _index_addresses_anew(connection: Connection) -> None:
    ADDRESSES.drop(connection, checkfirst=True)
    ADDRESSES.create(connection)


#: `MIGRATIONS[n]` changes a database of version n into one of version n + 1, in the transaction
#: in which it is opened.
MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {
    1: _add_tables,
    2: _index_addresses_anew,
}

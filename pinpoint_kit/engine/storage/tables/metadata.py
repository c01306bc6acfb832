"""What all tables have in common: their `MetaData`, and the table that says their version.

No table of a family belongs here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, MetaData, Table

from pinpoint_kit.engine.storage.dialects.ddl import TEXT

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["META", "METADATA", "OF_THIS_DATABASE"]

METADATA = MetaData()

#: The `info` of a table whose rows are about this database, or about processes that have it open,
#: and mean nothing in another one. Every other table is copied with the rest.
OF_THIS_DATABASE: Mapping[str, Any] = MappingProxyType({"of_this_database": True})

META = Table(
    "pinpoint_meta",
    METADATA,
    Column("name", TEXT, primary_key=True),
    Column("value", TEXT, nullable=False),
    info=dict(OF_THIS_DATABASE),
)

"""What all tables have in common: their `MetaData`, and the table that says their version.

No table of a family belongs here.
"""

from __future__ import annotations

from sqlalchemy import Column, MetaData, Table

from pinpoint_kit.engine.storage.dialects.ddl import TEXT

__all__ = ["META", "METADATA"]

METADATA = MetaData()

META = Table(
    "pinpoint_meta",
    METADATA,
    Column("name", TEXT, primary_key=True),
    Column("value", TEXT, nullable=False),
)

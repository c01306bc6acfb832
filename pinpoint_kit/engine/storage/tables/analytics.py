"""The table of saved funnels.

Columns and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from pinpoint_kit.engine.storage.dialects.ddl import ROW_NUMBER, TEXT
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["FUNNELS"]

FUNNELS = Table(
    "funnels",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("id", TEXT, nullable=False, unique=True),
    Column("name", TEXT, nullable=False),
    Column("arguments", TEXT, nullable=False),  # JSON: of the metric `funnel`
    Column("created", BigInteger, nullable=False),
)

Index("funnels_by_app", FUNNELS.c.app, FUNNELS.c.number)

"""The table of event streams.

Columns and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table

from pinpoint_kit.engine.storage.dialects.ddl import TEXT
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["EVENT_STREAMS"]

EVENT_STREAMS = Table(
    "event_streams",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("destination", TEXT, nullable=False),  # ARNs as they were sent
    Column("role", TEXT, nullable=False),
    Column("modified", BigInteger, nullable=False),
)

"""The table of journeys, which are kept and given back and do not run.

Columns, indexes and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from pinpoint_kit.engine.storage.dialects.ddl import ROW_NUMBER, TEXT
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["JOURNEYS"]

JOURNEYS = Table(
    "journeys",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("id", TEXT, nullable=False, unique=True),
    Column("state", TEXT, nullable=False),  # DRAFT, ACTIVE, PAUSED or CANCELLED
    Column("definition", TEXT, nullable=False),  # JSON: the members as they were sent
    Column("run", TEXT),  # the id of its run; NULL until it is published
    Column("published", BigInteger),  # when it was
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
)

Index("journeys_by_app", JOURNEYS.c.app, JOURNEYS.c.number)

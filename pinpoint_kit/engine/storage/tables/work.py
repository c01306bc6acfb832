"""The table of leases: which process works on what.

Columns and what they mean; no statement. A row is as short-lived as the task that it is of.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table

from pinpoint_kit.engine.storage.dialects.ddl import TEXT
from pinpoint_kit.engine.storage.tables.metadata import METADATA, OF_THIS_DATABASE

__all__ = ["LEASES"]

LEASES = Table(
    "leases",
    METADATA,
    Column("worker", TEXT, primary_key=True),  # whose task, for example import-jobs
    Column("key", TEXT, primary_key=True),  # which of its tasks
    Column("holder", TEXT, nullable=False),  # the engine that works on it
    Column("held_until", BigInteger, nullable=False),
    info=dict(OF_THIS_DATABASE),
)

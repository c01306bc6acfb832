"""The table of leases: which process works on what.

Columns and what they mean; no statement. A row is as short-lived as the task that it is of.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table, Text

from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["LEASES"]

LEASES = Table(
    "leases",
    METADATA,
    Column("worker", Text, primary_key=True),  # whose task, for example import-jobs
    Column("key", Text, primary_key=True),  # which of its tasks
    Column("holder", Text, nullable=False),  # the engine that works on it
    Column("held_until", BigInteger, nullable=False),
)

"""Tables of the lakes that an application is exported to, and of what they still have to remove.

Columns and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from pinpoint_kit.engine.storage.dialects.ddl import NUMBERS_ARE_NOT_REUSED, ROW_NUMBER, TEXT
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["LAKES", "LAKE_CHANGES"]

LAKES = Table(
    "lakes",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("id", TEXT, nullable=False, unique=True),  # stands in the lake, too
    Column("secret", TEXT, nullable=False),  # the key of the hashes in lake_changes
    Column("place", TEXT, nullable=False),  # where it was last exported to, for people
    Column("step", BigInteger, nullable=False),  # how many steps of exports are complete
    Column("cursor", BigInteger, nullable=False),  # events.number that is exported up to
    Column("reaching", BigInteger, nullable=False),  # the same when the present step is complete
    Column("changes", BigInteger, nullable=False),  # lake_changes.number that is applied up to
    Column("exported", BigInteger),  # when the last step was complete
    **NUMBERS_ARE_NOT_REUSED,
)

#: Removals of persons that a lake has not applied yet. Ids stand in it as hashes.
LAKE_CHANGES = Table(
    "lake_changes",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("lake", BigInteger, nullable=False),
    Column("kind", TEXT, nullable=False),  # erase or forget
    Column("of", TEXT, nullable=False),  # endpoint or user
    Column("hash", TEXT, nullable=False),
    Column("pseudonym", TEXT),  # the id that the endpoint's events have instead
    **NUMBERS_ARE_NOT_REUSED,
)

Index("lakes_by_app", LAKES.c.app)
Index("lake_changes_by_lake", LAKE_CHANGES.c.lake, LAKE_CHANGES.c.number)

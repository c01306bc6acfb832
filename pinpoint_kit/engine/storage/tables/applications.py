"""Tables of applications and of the tags on whatever has an ARN.

Columns, indexes and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Table

from pinpoint_kit.engine.storage.dialects.ddl import NUMBERS_ARE_NOT_REUSED, ROW_NUMBER, TEXT
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["APPS", "TAGS"]

APPS = Table(
    "apps",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("id", TEXT, nullable=False, unique=True),
    Column("name", TEXT, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("settings", TEXT),  # JSON as UpdateApplicationSettings sent it
    Column("settings_modified", BigInteger),
    Column("removed_attributes", TEXT),  # JSON: attribute type -> patterns of RemoveAttributes
    **NUMBERS_ARE_NOT_REUSED,  # the number of a deleted application is not used again
)

TAGS = Table(
    "tags",
    METADATA,
    Column("resource", TEXT, primary_key=True),  # the ARN's last part: apps/ID, templates/NAME/TYPE
    Column("name", TEXT, primary_key=True),
    Column("value", TEXT, nullable=False),
)

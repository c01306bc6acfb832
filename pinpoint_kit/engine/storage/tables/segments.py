"""Tables of segments, of their versions and of what imported ones list.

Columns, indexes and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table

from pinpoint_kit.engine.storage.dialects.ddl import (
    NUMBERS_ARE_NOT_REUSED,
    ROW_NUMBER,
    ROWS_LIE_IN_KEY_ORDER,
    TEXT,
)
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["SEGMENTS", "SEGMENT_ENDPOINTS", "SEGMENT_USERS", "SEGMENT_VERSIONS"]

SEGMENTS = Table(
    "segments",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("id", TEXT, nullable=False, unique=True),
    Column("type", TEXT, nullable=False),  # DIMENSIONAL or IMPORT
    Column("created", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),  # the newest
    **NUMBERS_ARE_NOT_REUSED,  # the number of a deleted segment is not used again
)

SEGMENT_VERSIONS = Table(
    "segment_versions",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", TEXT),
    Column("definition", TEXT, nullable=False),  # JSON: the members that say who belongs to it
    Column("modified", BigInteger, nullable=False),
)

#: What imported segments list. They have one list for all of their versions.
SEGMENT_ENDPOINTS = Table(
    "segment_endpoints",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("endpoint", BigInteger, primary_key=True, autoincrement=False),  # endpoints.number
    **ROWS_LIE_IN_KEY_ORDER,
)

SEGMENT_USERS = Table(
    "segment_users",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", TEXT, primary_key=True),
    **ROWS_LIE_IN_KEY_ORDER,
)

Index("segments_by_app", SEGMENTS.c.app, SEGMENTS.c.number)

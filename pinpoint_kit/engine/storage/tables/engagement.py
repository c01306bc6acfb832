"""Tables of channels, templates and recommenders.

Columns and what they mean; no statement. Templates and recommenders belong to the
account: they have no column `app`.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Table, UniqueConstraint

from pinpoint_kit.engine.storage.dialects.ddl import ROW_NUMBER, TEXT
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["CHANNELS", "RECOMMENDERS", "TEMPLATES", "TEMPLATE_VERSIONS"]

CHANNELS = Table(
    "channels",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", TEXT, primary_key=True),  # as in paths: apns_voip
    Column("settings", TEXT, nullable=False),  # JSON: members of its answers; no secrets
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
)

# Templates belong to the account: no column names an application.
TEMPLATES = Table(
    "templates",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("name", TEXT, nullable=False),
    Column("kind", TEXT, nullable=False),  # EMAIL, INAPP, PUSH, SMS, VOICE
    Column("active", Integer, nullable=False),  # a version
    Column("made", Integer, nullable=False),  # versions so far, the deleted ones too
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    UniqueConstraint("name", "kind"),
)

TEMPLATE_VERSIONS = Table(
    "template_versions",
    METADATA,
    Column("template", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", TEXT, nullable=False),  # JSON: the members as they were sent
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
)

RECOMMENDERS = Table(
    "recommenders",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("id", TEXT, nullable=False, unique=True),
    Column("content", TEXT, nullable=False),  # JSON: the members as they were sent
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
)

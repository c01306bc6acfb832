"""The table of events.

Columns, indexes and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, Text, UniqueConstraint

from pinpoint_kit.engine.storage.dialects.ddl import ROW_NUMBER, partial_index
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["EVENTS", "REMEMBERED"]

#: What an event keeps of its endpoint as it was when the event arrived, by the names that the
#: columns of `endpoints` have. An event that is older than these columns has NULL.
REMEMBERED = ("platform", "app_version", "make", "model", "locale", "country", "timezone")

EVENTS = Table(
    "events",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("endpoint", Text, nullable=False),  # as in endpoints.endpoint; needs no row there
    Column("user_id", Text),  # the endpoint's user when the event arrived
    Column("arrival", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("session_id", Text),
    Column("session_start", BigInteger),
    Column("session_stop", BigInteger),
    Column("session_duration", BigInteger),  # milliseconds
    Column("app_package_name", Text),
    Column("app_title", Text),
    Column("app_version_code", Text),
    Column("client_sdk_version", Text),
    Column("sdk_name", Text),
    Column("attributes", Text),  # JSON: name -> string
    Column("metrics", Text),  # JSON: name -> number
    *(Column(name, Text) for name in REMEMBERED),
    UniqueConstraint("app", "endpoint", "event_id"),
)

Index("events_by_type", EVENTS.c.app, EVENTS.c.type, EVENTS.c.timestamp)
Index("events_by_endpoint", EVENTS.c.app, EVENTS.c.endpoint, EVENTS.c.timestamp)
partial_index(
    "events_by_user", EVENTS.c.user_id, EVENTS.c.app, EVENTS.c.user_id, EVENTS.c.timestamp
)
partial_index("events_by_session", EVENTS.c.session_id, EVENTS.c.app, EVENTS.c.session_id)

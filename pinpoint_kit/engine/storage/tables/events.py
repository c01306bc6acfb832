"""The table of events.

Columns, indexes and what they mean; no statement.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table, UniqueConstraint

from pinpoint_kit.engine.storage.dialects.ddl import ROW_NUMBER, TEXT, partial_index
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = ["EVENTS", "EVENTS_BY_TIME", "EVENTS_BY_TYPE", "REMEMBERED"]

#: What an event keeps of its endpoint as it was when the event arrived, by the names that the
#: columns of `endpoints` have. An event that is older than these columns has NULL.
REMEMBERED = ("platform", "app_version", "make", "model", "locale", "country", "timezone")

EVENTS = Table(
    "events",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("endpoint", TEXT, nullable=False),  # as in endpoints.endpoint; needs no row there
    Column("user_id", TEXT),  # the endpoint's user when the event arrived
    Column("arrival", BigInteger, nullable=False),
    Column("event_id", TEXT, nullable=False),
    Column("type", TEXT, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("session_id", TEXT),
    Column("session_start", BigInteger),
    Column("session_stop", BigInteger),
    Column("session_duration", BigInteger),  # milliseconds
    Column("app_package_name", TEXT),
    Column("app_title", TEXT),
    Column("app_version_code", TEXT),
    Column("client_sdk_version", TEXT),
    Column("sdk_name", TEXT),
    Column("attributes", TEXT),  # JSON: name -> string
    Column("metrics", TEXT),  # JSON: name -> number
    *(Column(name, TEXT) for name in REMEMBERED),
    UniqueConstraint("app", "endpoint", "event_id"),
)

# With who had it, so that counting distinct endpoints and users reads nothing but the index.
EVENTS_BY_TYPE = Index(
    "events_by_type",
    EVENTS.c.app,
    EVENTS.c.type,
    EVENTS.c.timestamp,
    EVENTS.c.endpoint,
    EVENTS.c.user_id,
)
EVENTS_BY_TIME = Index("events_by_time", EVENTS.c.app, EVENTS.c.timestamp)
Index("events_by_endpoint", EVENTS.c.app, EVENTS.c.endpoint, EVENTS.c.timestamp)
partial_index(
    "events_by_user", EVENTS.c.user_id, EVENTS.c.app, EVENTS.c.user_id, EVENTS.c.timestamp
)
partial_index("events_by_session", EVENTS.c.session_id, EVENTS.c.app, EVENTS.c.session_id)

"""The tables, their version, and how older versions become this one.

Portable SQLAlchemy Core: nothing here depends on SQLite. What segments and analytics ask about
stands in columns of its own; maps with free keys are JSON text, NULL when empty. It has to be as
`body.encode` writes it, because segments search its characters. Applications are numbered, because
their number stands in every index. Instants are integer milliseconds since 1970 (UTC).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

from pinpoint_kit.engine.storage.dialects.sqlite import partial_index

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

__all__ = [
    "DEMOGRAPHIC",
    "LOCATION",
    "METADATA",
    "MIGRATIONS",
    "VERSION",
    "apps",
    "channels",
    "endpoints",
    "event_streams",
    "events",
    "job_files",
    "jobs",
    "meta",
    "recommenders",
    "segment_endpoints",
    "segment_users",
    "segment_versions",
    "segments",
    "tags",
    "template_versions",
    "templates",
    "users",
]

#: Raise it with every change of a table, and add the step to `MIGRATIONS`.
VERSION = 3

METADATA = MetaData()


def _add_tables(connection: Connection) -> None:
    METADATA.create_all(connection)  # those that are not there


def _index_addresses_anew(connection: Connection) -> None:
    _ADDRESSES.drop(connection, checkfirst=True)
    _ADDRESSES.create(connection)


#: `MIGRATIONS[n]` changes a database of version n into one of version n + 1, in the transaction
#: in which it is opened.
MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {
    1: _add_tables,
    2: _index_addresses_anew,
}

# BIGINT would not be SQLite's rowid; this is a 64-bit integer there all the same.
_RowNumber = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "pinpoint_meta",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

apps = Table(
    "apps",
    METADATA,
    Column("number", _RowNumber, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("settings", Text),  # JSON as UpdateApplicationSettings sent it
    Column("settings_modified", BigInteger),
    Column("removed_attributes", Text),  # JSON: attribute type -> patterns of RemoveAttributes
    sqlite_autoincrement=True,  # the number of a deleted application is not used again
)

tags = Table(
    "tags",
    METADATA,
    Column("resource", Text, primary_key=True),  # the ARN's last part: apps/ID, templates/NAME/TYPE
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

#: Demographic and Location members, and the columns of `endpoints` that hold them.
DEMOGRAPHIC = {
    "AppVersion": "app_version",
    "Locale": "locale",
    "Make": "make",
    "Model": "model",
    "ModelVersion": "model_version",
    "Platform": "platform",
    "PlatformVersion": "platform_version",
    "Timezone": "timezone",
}
LOCATION = {
    "City": "city",
    "Country": "country",
    "Latitude": "latitude",
    "Longitude": "longitude",
    "PostalCode": "postal_code",
    "Region": "region",
}

endpoints = Table(
    "endpoints",
    METADATA,
    Column("number", _RowNumber, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("endpoint", Text, nullable=False),  # the id in lower case: what ids are compared by
    Column("id", Text, nullable=False),  # as first written
    Column("channel_type", Text),
    Column("address", Text),
    Column("status", Text, nullable=False),
    Column("opt_out", Text, nullable=False),
    Column("effective_date", BigInteger, nullable=False),
    Column("creation_date", BigInteger, nullable=False),
    Column("cohort", Integer, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("user_id", Text),
    Column("user_attributes", Text),  # JSON, only while there is no user id to keep them under
    Column("attributes", Text),  # JSON: name -> list of strings
    Column("metrics", Text),  # JSON: name -> number
    *(Column(name, Text) for name in DEMOGRAPHIC.values()),
    *(
        Column(name, Float if name in {"latitude", "longitude"} else Text)
        for name in LOCATION.values()
    ),
    UniqueConstraint("app", "endpoint"),
)

users = Table(
    "users",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", Text, primary_key=True),
    Column("attributes", Text, nullable=False),  # JSON: name -> list of strings
)

events = Table(
    "events",
    METADATA,
    Column("number", _RowNumber, primary_key=True),
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
    UniqueConstraint("app", "endpoint", "event_id"),
)

segments = Table(
    "segments",
    METADATA,
    Column("number", _RowNumber, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),  # DIMENSIONAL or IMPORT
    Column("created", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),  # the newest
    sqlite_autoincrement=True,  # the number of a deleted segment is not used again
)

segment_versions = Table(
    "segment_versions",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", Text),
    Column("definition", Text, nullable=False),  # JSON: the members that say who belongs to it
    Column("modified", BigInteger, nullable=False),
)

#: What imported segments list. They have one list for all of their versions.
segment_endpoints = Table(
    "segment_endpoints",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("endpoint", BigInteger, primary_key=True, autoincrement=False),  # endpoints.number
    sqlite_with_rowid=False,
)
segment_users = Table(
    "segment_users",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", Text, primary_key=True),
    sqlite_with_rowid=False,
)

event_streams = Table(
    "event_streams",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("destination", Text, nullable=False),  # ARNs as they were sent
    Column("role", Text, nullable=False),
    Column("modified", BigInteger, nullable=False),
)

channels = Table(
    "channels",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, primary_key=True),  # as in paths: apns_voip
    Column("settings", Text, nullable=False),  # JSON: members of its answers; no secrets
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
)

# Templates belong to the account: no column names an application.
templates = Table(
    "templates",
    METADATA,
    Column("number", _RowNumber, primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),  # EMAIL, INAPP, PUSH, SMS, VOICE
    Column("active", Integer, nullable=False),  # a version
    Column("made", Integer, nullable=False),  # versions so far, the deleted ones too
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    UniqueConstraint("name", "kind"),
)

template_versions = Table(
    "template_versions",
    METADATA,
    Column("template", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("content", Text, nullable=False),  # JSON: the members as they were sent
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
)

recommenders = Table(
    "recommenders",
    METADATA,
    Column("number", _RowNumber, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("content", Text, nullable=False),  # JSON: the members as they were sent
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
)

jobs = Table(
    "jobs",
    METADATA,
    Column("number", _RowNumber, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("completed", BigInteger),
    Column("definition", Text, nullable=False),  # JSON as it is shown
    Column("segment", Text),  # the id of the segment that it fills or writes out
    Column("makes_segment", Boolean, nullable=False),  # the segment was made for this job
    Column("total_pieces", Integer, nullable=False),
    Column("completed_pieces", Integer, nullable=False),
    Column("failed_pieces", Integer, nullable=False),
    Column("processed", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("failures", Text),  # JSON: the first texts
    Column("position", Text, nullable=False),  # JSON: where its work goes on
    Column("open", Integer),  # 1 until it has ended
    Column("holder", Text),  # the engine that works on it
    Column("held_until", BigInteger, nullable=False),
)

job_files = Table(
    "job_files",
    METADATA,
    Column("app", BigInteger, nullable=False),
    Column("job", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("url", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
)


Index("jobs_by_type", jobs.c.app, jobs.c.type, jobs.c.number)
partial_index("jobs_by_segment", jobs.c.segment, jobs.c.app, jobs.c.segment, jobs.c.number)
partial_index("jobs_open", jobs.c.open, jobs.c.number)
Index("job_files_by_app", job_files.c.app)
Index("events_by_type", events.c.app, events.c.type, events.c.timestamp)
Index("events_by_endpoint", events.c.app, events.c.endpoint, events.c.timestamp)
Index("segments_by_app", segments.c.app, segments.c.number)
# Rows without a value need no place in an index on it.
partial_index("endpoints_by_user", endpoints.c.user_id, endpoints.c.app, endpoints.c.user_id)
# With the status, because one address may have any number of endpoints, and one that is active.
_ADDRESSES = partial_index(
    "endpoints_by_address",
    endpoints.c.address,
    endpoints.c.app,
    endpoints.c.address,
    endpoints.c.channel_type,
    endpoints.c.status,
)
partial_index(
    "events_by_user", events.c.user_id, events.c.app, events.c.user_id, events.c.timestamp
)
partial_index("events_by_session", events.c.session_id, events.c.app, events.c.session_id)

"""Tables of event streams: the backlog of records, and how far each destination has come.

Columns, indexes and what they mean; no statement. What a destination has taken follows from its
cursor alone, so that the backlog is written once for all of them.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, Table

from pinpoint_kit.engine.storage.dialects.ddl import (
    NUMBERS_ARE_NOT_REUSED,
    ROW_NUMBER,
    TEXT,
    partial_index,
)
from pinpoint_kit.engine.storage.tables.metadata import METADATA

__all__ = [
    "EVENT_STREAMS",
    "STREAM_BACKLOG",
    "STREAM_CURSORS",
    "STREAM_DEAD_LETTERS",
    "STREAM_LOSSES",
    "STREAM_REPLAYS",
]

EVENT_STREAMS = Table(
    "event_streams",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("destination", TEXT, nullable=False),  # ARNs as they were sent
    Column("role", TEXT, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("since", BigInteger),  # its rows of the backlog have higher numbers; NULL is 0
)

#: The backlog: records that some destination has yet to take, those of one request in one row. A
#: number must not come again, or a cursor would pass it by.
STREAM_BACKLOG = Table(
    "stream_backlog",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("arrival", BigInteger, nullable=False),  # of the events, as in `events`, if not `again`
    Column("again", Integer),  # 1: sent once more, and the events are of several arrivals
    Column("destination", TEXT),  # for this one alone; NULL is for all
    Column("count", Integer, nullable=False),  # records that are in it
    Column("heads", TEXT, nullable=False),  # JSON: whose each record is; null for one that is gone
    Column("records", TEXT, nullable=False),  # a line each, see streams/rows.py
    **NUMBERS_ARE_NOT_REUSED,
)

#: How far a destination has come with the records of an application.
STREAM_CURSORS = Table(
    "stream_cursors",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("destination", TEXT, primary_key=True),  # its name
    Column("claim", TEXT, nullable=False),  # what it was given for: an ARN, an application
    Column("is_standing", Integer, nullable=False),  # 1: records are made for it without a stream
    Column("prefix", BigInteger, nullable=False),  # all records up to this number are done with
    Column("top", BigInteger, nullable=False),  # the highest number that was looked at
    Column("state", TEXT, nullable=False),  # JSON: what is not done up to there, and on its way
    Column("until", BigInteger),  # the last row that is for it; NULL while its stream is there
    Column("gaps", TEXT, nullable=False),  # JSON: first and last rows that are not for it
    Column("paused", Integer, nullable=False),
    Column("due", BigInteger, nullable=False),  # nothing is sent before
    Column("retry_due", BigInteger, nullable=False),  # nothing that was refused is sent before
    Column("failures", Integer, nullable=False),  # calls in a row of which nothing was taken
    Column("error_code", TEXT),  # of the last refusal or failure
    Column("error_message", TEXT),
    Column("error_at", BigInteger),
    Column("sent", BigInteger, nullable=False),  # records that were acknowledged
    Column("refused", BigInteger, nullable=False),  # times that single records were refused
    Column("failed", BigInteger, nullable=False),  # calls of which nothing was taken
    Column("repeated", BigInteger, nullable=False),  # records of calls that a crash interrupted
    Column("rate", Float, nullable=False),  # records a second, at `sent_at`
    Column("sent_at", BigInteger),
    Column("seen_at", BigInteger, nullable=False),  # when an engine had the destination
)

STREAM_DEAD_LETTERS = Table(
    "stream_dead_letters",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("destination", TEXT, nullable=False),
    Column("endpoint", TEXT, nullable=False),
    Column("user_id", TEXT),
    Column("event_id", TEXT, nullable=False),
    Column("arrival", BigInteger, nullable=False),
    Column("record", TEXT, nullable=False),
    Column("code", TEXT, nullable=False),
    Column("message", TEXT, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("given_up", BigInteger, nullable=False),
    **NUMBERS_ARE_NOT_REUSED,  # a token of a page must not skip one
)

#: What never reached a destination and is gone. "" is the destination of a stream without one.
STREAM_LOSSES = Table(
    "stream_losses",
    METADATA,
    Column("app", BigInteger, primary_key=True, autoincrement=False),
    Column("destination", TEXT, primary_key=True),
    Column("reason", TEXT, primary_key=True),
    Column("records", BigInteger, nullable=False),
)

#: Old events that are still to be put into the backlog once more.
STREAM_REPLAYS = Table(
    "stream_replays",
    METADATA,
    Column("number", ROW_NUMBER, primary_key=True),
    Column("app", BigInteger, nullable=False),
    Column("destination", TEXT),  # NULL is for all
    Column("since", BigInteger, nullable=False),  # by arrival, included
    Column("until", BigInteger, nullable=False),  # not included
    Column("position", BigInteger, nullable=False),  # events.number, done up to there
    Column("last", BigInteger, nullable=False),  # events.number, the last one to look at
)

#: With all that is summed up: how many records wait, and since when.
Index(
    "stream_backlog_by_app",
    STREAM_BACKLOG.c.app,
    STREAM_BACKLOG.c.number,
    STREAM_BACKLOG.c.count,
    STREAM_BACKLOG.c.arrival,
)
Index("stream_backlog_by_arrival", STREAM_BACKLOG.c.app, STREAM_BACKLOG.c.arrival)
partial_index("stream_backlog_again", STREAM_BACKLOG.c.again, STREAM_BACKLOG.c.app)
Index("stream_dead_letters_by_app", STREAM_DEAD_LETTERS.c.app, STREAM_DEAD_LETTERS.c.number)
Index("stream_dead_letters_by_endpoint", STREAM_DEAD_LETTERS.c.app, STREAM_DEAD_LETTERS.c.endpoint)
partial_index(
    "stream_dead_letters_by_user",
    STREAM_DEAD_LETTERS.c.user_id,
    STREAM_DEAD_LETTERS.c.app,
    STREAM_DEAD_LETTERS.c.user_id,
)

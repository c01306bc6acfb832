"""How event streams fare: what waits for each destination, and how quickly it takes it.

Only reading belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs
from sqlalchemy import func, select

from pinpoint_kit.engine.storage.tables.streams import (
    EVENT_STREAMS,
    STREAM_BACKLOG,
    STREAM_CURSORS,
    STREAM_LOSSES,
)
from pinpoint_kit.engine.streams import backlog, cursors, letters
from pinpoint_kit.engine.streams.cursors import Cursor
from pinpoint_kit.engine.streams.rows import row_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection


__all__ = ["Lag", "Status", "lags", "of_app"]

_ROWS = STREAM_BACKLOG
#: A destination that no engine has shown for so long is nobody's.
_GONE_MS = 180_000

State: TypeAlias = Literal["UNCLAIMED", "PAUSED", "FAILING", "FORWARDING", "IDLE", "REMOVED"]


@attrs.frozen
class Lag:
    """What waits: how many records, and since when the oldest, milliseconds since 1970."""

    records: int
    oldest: int | None

    def seconds(self, now: int) -> float:
        """Return how long the oldest record has waited."""
        return 0.0 if self.oldest is None else max(0.0, (now - self.oldest) / 1000)


@attrs.frozen
class Status:
    """One destination of an application, or a stream that has none.

    Attributes:
        destination: its name; None for streams that nobody has claimed.
        cursor: None for these, and for a destination that is gone.
        claim: what the destination was given for; "" for what is gone.
    """

    destination: str | None
    cursor: Cursor | None
    claim: str
    state: State
    lag: Lag
    lost: int
    dead_letters: int


def of_app(connection: Connection, app: int, now: int) -> Sequence[Status]:
    """Return the state of all destinations of an application."""
    known = cursors.of_app(connection, app)
    dead = letters.counts(connection, app)
    lost = _lost(connection, app)
    found = [
        Status(
            cursor.destination,
            cursor,
            cursor.claim,
            _state(cursor, lag, now),
            lag,
            lost.get(cursor.destination, 0),
            dead.get(cursor.destination, 0),
        )
        for cursor in known
        for lag in [_lag(connection, cursor)]
    ]
    stream = connection.execute(
        select(EVENT_STREAMS.c.destination, EVENT_STREAMS.c.since).where(EVENT_STREAMS.c.app == app)
    ).first()
    shown = {cursor.destination for cursor in known}
    if stream is not None and not cursors.is_claimed(known, stream[0]):
        lag = _waiting(connection, app, (stream[1] or 0) + 1, None)
        found.append(Status(None, None, stream[0], "UNCLAIMED", lag, lost.get("", 0), 0))
        shown.add("")
    for name in sorted((lost.keys() | dead.keys()) - shown):
        of_it = lost.get(name, 0), dead.get(name, 0)
        found.append(Status(name or None, None, "", "REMOVED", Lag(0, None), *of_it))
    return found


def lags(connection: Connection) -> Mapping[str, Lag]:
    """Return what waits for each destination, over all applications."""
    found: dict[str, Lag] = {}
    for row in connection.execute(select(*STREAM_CURSORS.columns)):
        cursor = cursors.Cursor(*row)
        lag, before = _lag(connection, cursor), found.get(cursor.destination)
        if before is not None:
            oldest = [each for each in (lag.oldest, before.oldest) if each is not None]
            lag = Lag(lag.records + before.records, min(oldest, default=None))
        found[cursor.destination] = lag
    return found


def _state(cursor: Cursor, lag: Lag, now: int) -> State:
    if now - cursor.seen_at > _GONE_MS:
        return "UNCLAIMED"
    if cursor.paused:
        return "PAUSED"
    if cursor.failures:
        return "FAILING"
    return "FORWARDING" if lag.records else "IDLE"


def _lag(connection: Connection, cursor: Cursor) -> Lag:
    progress = cursor.progress
    first = row_of(progress.top + 1)
    waiting = _waiting(connection, cursor.app, first, cursor.until, cursor.skipped)
    counted = [*backlog.rows_by_number(connection, cursor.app, [first])] if first else []
    done = sum(record.number <= progress.top for row in counted for record in row.records())
    records = waiting.records - done + len(progress.open)
    oldest = waiting.oldest if waiting.records > done else None
    if progress.open:
        of_open = [*backlog.rows_by_number(connection, cursor.app, [row_of(min(progress.open))])]
        oldest = min([row.arrival for row in of_open], default=oldest)
    return Lag(records, oldest)


def _waiting(
    connection: Connection,
    app: int,
    first: int,
    last: int | None,
    skipped: Sequence[tuple[int, int]] = (),
) -> Lag:
    """Return what the rows from one on hold, without some."""
    statement = select(func.coalesce(func.sum(_ROWS.c.count), 0), func.min(_ROWS.c.arrival)).where(
        _ROWS.c.app == app, _ROWS.c.number >= first
    )
    if last is not None:
        statement = statement.where(_ROWS.c.number <= last)
    for gap in skipped:
        statement = statement.where(~_ROWS.c.number.between(*gap))
    records, oldest = connection.execute(statement).one()
    return Lag(int(records), oldest)


def _lost(connection: Connection, app: int) -> Mapping[str, int]:
    statement = (
        select(STREAM_LOSSES.c.destination, func.sum(STREAM_LOSSES.c.records))
        .where(STREAM_LOSSES.c.app == app)
        .group_by(STREAM_LOSSES.c.destination)
    )
    return {name: int(records) for name, records in connection.execute(statement)}

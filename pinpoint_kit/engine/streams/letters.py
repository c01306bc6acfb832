"""Dead letters of streams: records that a destination has refused for good.

They stay until somebody has them sent again or discards them. What makes a record one belongs to
streams/progress.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import bindparam, delete, func, insert, select

from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.streams import STREAM_DEAD_LETTERS
from pinpoint_kit.engine.streams import backlog, cursors
from pinpoint_kit.engine.streams.rows import Head, first_of, row_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection, Select

    from pinpoint_kit.engine.streams.progress import GivenUp

__all__ = [
    "DeadLetter",
    "bury",
    "counts",
    "destinations",
    "discard",
    "expire",
    "find",
    "has_older",
    "limit",
    "retry",
]

_LETTERS = STREAM_DEAD_LETTERS
#: What a destination says is kept up to here; it is not ours, and could be of any length.
_MOST_CHARS = 500
_USER_OF = Statement(
    select(EVENTS.c.user_id)
    .where(EVENTS.c.app == bindparam("app_"))
    .where(EVENTS.c.endpoint == bindparam("endpoint_"))
    .where(EVENTS.c.event_id == bindparam("event_id_")),
    "app_",
    "endpoint_",
    "event_id_",
)


@attrs.frozen
class DeadLetter:
    """A row, in the order of the columns."""

    number: int
    app: int
    destination: str
    endpoint: str = attrs.field(repr=False)
    user_id: str | None = attrs.field(repr=False)
    event_id: str
    arrival: int
    record: str = attrs.field(repr=False)
    code: str
    message: str
    attempts: int
    given_up: int


def bury(
    connection: Connection, app: int, destination: str, given_up: Sequence[GivenUp], now: int
) -> int:
    """Keep records that are given up, as far as they are still in the backlog.

    They are read here again: what was erased since must not come back.

    Args:
        connection: a write transaction.
        app: the application.
        destination: which has refused them.
        given_up: the records and why.
        now: milliseconds since 1970.

    Returns:
        How many are kept.
    """
    by_number = {each.number: each for each in given_up}
    found = []
    for row in backlog.rows_by_number(connection, app, sorted({*map(row_of, by_number)})):
        for record in row.records():
            why = by_number.get(record.number)
            if why is None:
                continue
            users = _USER_OF.rows(connection, app, record.endpoint_id, record.event_id)
            head = row.head(record.number - first_of(row.number))
            user_id = users[0][0] if users else head.user_id if head else None
            found.append(
                {
                    "app": app,
                    "destination": destination,
                    "endpoint": record.endpoint_id,
                    "user_id": user_id,
                    "event_id": record.event_id,
                    "arrival": record.arrived,
                    "record": record.data.decode(),
                    "code": why.code[:_MOST_CHARS],
                    "message": why.message[:_MOST_CHARS],
                    "attempts": why.attempts,
                    "given_up": now,
                }
            )
    if found:
        connection.execute(insert(_LETTERS), found)
    return len(found)


def find(
    connection: Connection, app: int, *, destination: str | None, after: int, most: int
) -> Sequence[DeadLetter]:
    """Return dead letters in the order in which they became some."""
    statement = select(*_LETTERS.columns).where(_LETTERS.c.app == app, _LETTERS.c.number > after)
    if destination is not None:
        statement = statement.where(_LETTERS.c.destination == destination)
    rows = connection.execute(statement.order_by(_LETTERS.c.number).limit(most))
    return [DeadLetter(*row) for row in rows]


def counts(connection: Connection, app: int) -> dict[str, int]:
    """Return how many dead letters each destination has."""
    statement = select(_LETTERS.c.destination, func.count()).where(_LETTERS.c.app == app)
    found = connection.execute(statement.group_by(_LETTERS.c.destination))
    return {row[0]: row[1] for row in found}


def destinations(
    connection: Connection, app: int, destination: str | None, numbers: Collection[int] | None
) -> set[str]:
    """Return whose the dead letters are that a request means; see `retry`."""
    statement = _meant(select(_LETTERS.c.destination), app, destination, numbers)
    return {*connection.execute(statement.distinct()).scalars()}


def _meant(
    statement: Select[Any],
    app: int,
    destination: str | None,
    numbers: Collection[int] | None,
) -> Select[Any]:
    statement = statement.where(_LETTERS.c.app == app)
    if destination is not None:
        statement = statement.where(_LETTERS.c.destination == destination)
    if numbers is not None:
        statement = statement.where(_LETTERS.c.number.in_(sorted(numbers)))
    return statement


def _some(
    connection: Connection,
    app: int,
    destination: str | None,
    numbers: Collection[int] | None,
    most: int,
) -> Sequence[DeadLetter]:
    statement = _meant(select(*_LETTERS.columns), app, destination, numbers)
    rows = connection.execute(statement.order_by(_LETTERS.c.number).limit(most))
    return [DeadLetter(*row) for row in rows]


def retry(  # noqa: PLR0913 -- a transaction, and what is meant
    connection: Connection,
    app: int,
    destination: str | None,
    numbers: Collection[int] | None,
    *,
    most: int,
    now: int,
) -> int:
    """Put dead letters into the backlog once more, each for its own destination.

    Args:
        connection: a write transaction.
        app: the application.
        destination: of whom; None for all.
        numbers: which; None for all.
        most: how many at most, the oldest first.
        now: milliseconds since 1970.

    Returns:
        How many.
    """
    found = _some(connection, app, destination, numbers, most)
    by_destination: dict[str, list[tuple[Head, str]]] = {}
    for each in found:
        head = Head(each.endpoint, each.event_id, each.arrival, each.user_id)
        by_destination.setdefault(each.destination, []).append((head, each.record))
    for name, records in by_destination.items():
        backlog.add(connection, app, name, records, now)
    _delete(connection, found)
    return len(found)


def discard(
    connection: Connection,
    app: int,
    destination: str | None,
    numbers: Collection[int] | None,
    *,
    most: int,
) -> int:
    """Delete dead letters, and count them as lost; see `retry`."""
    found = _some(connection, app, destination, numbers, most)
    _count(connection, found, "discarded")
    _delete(connection, found)
    return len(found)


def limit(connection: Connection, app: int, most: int) -> int:
    """Delete the oldest dead letters of an application above a number; return how many."""
    total = sum(counts(connection, app).values())
    if total <= most:
        return 0
    found = _some(connection, app, None, None, min(total - most, 1_000))
    _count(connection, found, "dead-letters-full")
    _delete(connection, found)
    return len(found)


def has_older(connection: Connection, app: int, before: int) -> bool:
    """Return whether events of dead letters arrived before a moment."""
    older = (_LETTERS.c.app == app) & (_LETTERS.c.arrival < before)
    return connection.execute(select(_LETTERS.c.number).where(older).limit(1)).first() is not None


def expire(connection: Connection, app: int, before: int) -> int:
    """Delete dead letters of events that arrived before a moment, some at once; return how many.

    Args:
        connection: a write transaction.
        app: the application.
        before: milliseconds since 1970.
    """
    older = (_LETTERS.c.app == app) & (_LETTERS.c.arrival < before)
    rows = connection.execute(select(*_LETTERS.columns).where(older).limit(1_000))
    found = [DeadLetter(*row) for row in rows]
    if found:
        _count(connection, found, "too-old")
        _delete(connection, found)
    return len(found)


def _count(connection: Connection, letters: Sequence[DeadLetter], reason: str) -> None:
    for name in {each.destination for each in letters}:
        count = sum(each.destination == name for each in letters)
        cursors.count_loss(connection, letters[0].app, name, reason, count)


_DELETE = Statement(delete(_LETTERS).where(_LETTERS.c.number == bindparam("number_")), "number_")


def _delete(connection: Connection, letters: Sequence[DeadLetter]) -> None:
    _DELETE.run_many(connection, [(each.number,) for each in letters])

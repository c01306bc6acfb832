"""The rows of `events`: adding and counting them, and taking a person out of them.

An event is kept once per (endpoint id, event id). Deleting an endpoint or a user leaves their
events countable, by type, time and number, but nameless; only erasure takes them as a whole. What a
request may hold belongs to events/parsing.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, exists, func, literal, null, or_, select, update

from pinpoint_kit.engine.events.parsing import COLUMNS
from pinpoint_kit.engine.storage.dialects.statements import insert_ignoring
from pinpoint_kit.engine.storage.statements import BulkInsert, Row, Statement, padded
from pinpoint_kit.engine.storage.tables.applications import APPS
from pinpoint_kit.engine.storage.tables.events import EVENTS, REMEMBERED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from pinpoint_kit.engine.context import Context, Person

__all__ = ["EventData", "add", "app_with_older", "count", "remove_older", "unknown"]

_ROW = ("app", "endpoint", "user_id", "arrival", *REMEMBERED, *COLUMNS)
_ENDPOINT = _ROW.index("endpoint")
_EVENT_ID = _ROW.index("event_id")
_INSERT = BulkInsert(lambda dialect: insert_ignoring(dialect, EVENTS), *_ROW)
#: Sizes of IN lists: each size is a statement of its own, compiled once.
_SIZES = (1, 10, 100)
_KNOWN = {
    size: Statement(
        select(EVENTS.c.event_id)
        .where(EVENTS.c.app == bindparam("app_"))
        .where(EVENTS.c.endpoint == bindparam("endpoint_"))
        .where(EVENTS.c.event_id.in_([bindparam(f"value_{n}") for n in range(size)])),
        "app_",
        "endpoint_",
        *(f"value_{n}" for n in range(size)),
    )
    for size in _SIZES
}


def _by(column: str) -> ColumnElement[bool]:
    return (EVENTS.c.app == bindparam("app_")) & (EVENTS.c[column] == bindparam("value_"))


_COUNT = {
    column: Statement(
        select(EVENTS.c.endpoint, func.count()).where(_by(column)).group_by(EVENTS.c.endpoint),
        "app_",
        "value_",
    )
    for column in ("endpoint", "user_id")
}
_DELETE = {
    column: Statement(delete(EVENTS).where(_by(column)), "app_", "value_")
    for column in ("endpoint", "user_id")
}
#: What of an event can name a person: session ids begin with a part of the endpoint's id, and
#: attributes are free text. Metrics are numbers.
#: What is remembered of the endpoint, put together, can tell a device from all others.
_NAMELESS = dict.fromkeys(("user_id", "session_id", "attributes", *REMEMBERED), null())
_FORGET_ENDPOINT = Statement(
    update(EVENTS)
    .values(endpoint=bindparam("pseudonym_"), **_NAMELESS)
    .where(EVENTS.c.app == bindparam("app_"))
    .where(EVENTS.c.endpoint == bindparam("endpoint_")),
    "pseudonym_",
    "app_",
    "endpoint_",
)
#: From before an endpoint of the user went to another one.
_FORGET_USER = Statement(update(EVENTS).values(**_NAMELESS).where(_by("user_id")), "app_", "value_")


def add(connection: Connection, rows: Sequence[Row]) -> int:
    """Store events; those that are there already stay as they are.

    Args:
        connection: a write transaction.
        rows: application, endpoint, user and arrival, what is remembered of the endpoint, and
            then an `EventRow`.

    Returns:
        How many were not there.
    """
    return _INSERT.run(connection, rows)


def unknown(connection: Connection, rows: Sequence[Row]) -> list[int]:
    """Return the positions of those rows that `add` would really store."""
    by_endpoint: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        by_endpoint.setdefault((row[0], row[_ENDPOINT]), []).append(row[_EVENT_ID])
    known = {
        (app, endpoint, found[0])
        for (app, endpoint), event_ids in by_endpoint.items()
        for part in padded(event_ids, _SIZES)
        for found in _KNOWN[len(part)].rows(connection, app, endpoint, *part)
    }
    new = []
    for position, row in enumerate(rows):
        key = row[0], row[_ENDPOINT], row[_EVENT_ID]
        if key not in known:
            known.add(key)
            new.append(position)
    return new


def count(connection: Connection, application_id: str) -> int:
    """Return how many events an application has; none when there is no such application."""
    statement = (
        select(func.count())
        .select_from(EVENTS.join(APPS, APPS.c.number == EVENTS.c.app))
        .where(APPS.c.id == application_id)
    )
    return connection.execute(statement).scalar_one()


def app_with_older(connection: Connection, before: int, now: int) -> int | None:
    """Return the number of an application that has an event from before a moment.

    An event is of its `timestamp`. One that says it is of the future is of its arrival, so that a
    device whose clock is wrong leaves nothing for ever.

    Args:
        connection: where to look.
        before: the moment, milliseconds since 1970.
        now: the same of the present.
    """
    is_there = or_(*(exists().where(each) for each in _older(APPS.c.number, before, now)))
    statement = select(APPS.c.number).where(is_there).order_by(APPS.c.number).limit(1)
    return connection.execute(statement).scalar()


def remove_older(connection: Connection, app: int, before: int, now: int, most: int) -> int:
    """Delete events of an application from before a moment, see `app_with_older`.

    Args:
        connection: a write transaction.
        app: the application.
        before: the moment, milliseconds since 1970.
        now: the same of the present.
        most: how many to delete at most, the oldest first.

    Returns:
        How many were deleted.
    """
    removed = 0
    for condition in _older(literal(app), before, now):
        if removed < most:
            oldest = select(EVENTS.c.number).where(condition).order_by(EVENTS.c.timestamp)
            some = EVENTS.c.number.in_(oldest.limit(most - removed))
            removed += connection.execute(delete(EVENTS).where(some)).rowcount
    return removed


def _older(app: ColumnElement[int], before: int, now: int) -> Sequence[ColumnElement[bool]]:
    """Return the conditions by one of which an event is old, each a range of an index."""
    is_of_app = EVENTS.c.app == app
    return (
        is_of_app & (EVENTS.c.timestamp < before),
        is_of_app & (EVENTS.c.timestamp > now) & (EVENTS.c.arrival < before),
    )


class EventData:
    """What events hold of a person."""

    def held(self, connection: Connection, person: Person) -> Mapping[str, int]:
        """Return how many events are of the endpoints or users, each counted once."""
        counts: dict[str, int] = {}
        for user_id in person.user_ids:
            counts.update(map(tuple, _COUNT["user_id"].rows(connection, person.app, user_id)))
        for key in person.keys:  # all of an endpoint's events, whoever its user was
            counts.update(map(tuple, _COUNT["endpoint"].rows(connection, person.app, key)))
        return {"Events": sum(counts.values())}

    def erase(self, context: Context, connection: Connection, person: Person) -> None:
        """Delete the events of the endpoints and users; what else names the users goes nameless."""
        _DELETE["endpoint"].run_many(connection, [(person.app, key) for key in person.keys])
        _DELETE["user_id"].run_many(connection, [(person.app, user) for user in person.user_ids])
        self.forget(context, connection, person)

    def forget(self, context: Context, connection: Connection, person: Person) -> None:  # noqa: ARG002 -- see PersonData
        """Take the endpoints and the users without any out of their events.

        The events of one endpoint stay together, under its pseudonym.
        """
        _FORGET_ENDPOINT.run_many(
            connection, [(person.pseudonyms[key], person.app, key) for key in person.keys]
        )
        _FORGET_USER.run_many(connection, [(person.app, user_id) for user_id in person.orphans])

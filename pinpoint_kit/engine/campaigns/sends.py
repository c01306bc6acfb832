"""Whom campaigns have targeted, and which events wait to start one: rows, caps, and a person's.

A row of a send is written in the transaction in which its run goes on, so nobody is in it twice.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, delete, func, insert, select, update

from pinpoint_kit.engine.campaigns import activities
from pinpoint_kit.engine.storage.statements import BulkInsert, Lookup, Statement, padded
from pinpoint_kit.engine.storage.tables.campaigns import CAMPAIGN_SENDS, CAMPAIGN_TRIGGERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Context, Person

__all__ = ["PENDING", "Send", "SendData", "add", "caps", "known", "settle"]

#: A send whose message a transport has yet to take.
PENDING = "PENDING"
#: What counts as a message for the daily cap, and what for the total cap beside that: whom a run
#: has tried to reach.
_SENT = ("SUCCESS", PENDING)
_TARGETED = (
    *_SENT,
    "QUIET_TIME",
    "HOOK_FAILURE",
    "CUSTOM_DELIVERY_FAILURE",
    "FAILURE",
    "FAILURE_PERMANENT",
    "TRANSIENT_FAILURE",
    "THROTTLED",
    "UNSUPPORTED_CHANNEL",
    "UNKNOWN",
)
_DAY_MS = 86_400_000
_LISTS = (1, 10, 100, 500)

_ROWS, _TRIGGERS = CAMPAIGN_SENDS, CAMPAIGN_TRIGGERS


class Send(NamedTuple):
    """One endpoint of a run, or of an event, and what became of it."""

    activity: int
    endpoint: str
    event_id: str
    app: int
    campaign: int
    at: int
    status: str
    message: int | None


_INSERT = BulkInsert(lambda _: insert(_ROWS), *Send._fields)
_KNOWN = {
    size: Statement(
        select(_ROWS.c.endpoint, _ROWS.c.event_id)
        .where(_ROWS.c.activity == bindparam("activity_"))
        .where(_ROWS.c.endpoint.in_([bindparam(f"endpoint_{n}") for n in range(size)])),
        "activity_",
        *(f"endpoint_{n}" for n in range(size)),
    )
    for size in _LISTS
}
_OF_ENDPOINTS = Lookup(
    select(
        *(
            _ROWS.c[name]
            for name in ("endpoint", "campaign", "at", "status", "activity", "event_id")
        )
    ),
    _ROWS.c.endpoint,
)
_SETTLE = Statement(
    update(_ROWS)
    .values(status=bindparam("status_"))
    .where(_ROWS.c.activity == bindparam("activity_"))
    .where(_ROWS.c.endpoint == bindparam("endpoint_"))
    .where(_ROWS.c.event_id == bindparam("event_")),
    "status_",
    "activity_",
    "endpoint_",
    "event_",
)


def add(connection: Connection, rows: Sequence[Send]) -> None:
    """Store sends; none of them is there yet."""
    _INSERT.run(connection, rows)


def known(connection: Connection, activity: int, keys: Sequence[str]) -> set[tuple[str, str]]:
    """Return which of some endpoints a run has dealt with, each with the event's id or ""."""
    return {
        (row[0], row[1])
        for part in padded(keys, _LISTS)
        for row in _KNOWN[len(part)].rows(connection, activity, *part)
    }


def settle(connection: Connection, rows: Sequence[Send]) -> None:
    """Store the statuses of sends that were `PENDING`."""
    _SETTLE.run_many(
        connection, [(row.status, row.activity, row.endpoint, row.event_id) for row in rows]
    )


def caps(
    connection: Connection, app: int, campaign: int, keys: Sequence[str], now: int
) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return how often endpoints were targeted by a campaign, and sent to by all within a day."""
    total: Counter[str] = Counter()
    daily: Counter[str] = Counter()
    # Of events, one step may store several sends of an endpoint: each row is one, by its whole key.
    for endpoint, number, at, status, _, _ in set(_OF_ENDPOINTS.rows(connection, app, keys)):
        total[endpoint] += number == campaign and status in _TARGETED
        daily[endpoint] += at > now - _DAY_MS and status in _SENT
    return total, daily


class SendData:
    """What campaigns hold of a person: that they were targeted, and events that wait."""

    def held(self, connection: Connection, person: Person) -> Mapping[str, int]:
        """Return how many sends there are, and events that wait to start a campaign."""
        return {
            "CampaignSends": sum(
                statement.rows(connection, person.app, key)[0][0]
                for statement in _COUNT
                for key in person.keys
            )
        }

    def erase(self, context: Context, connection: Connection, person: Person) -> None:  # noqa: ARG002 -- see PersonData
        """Remove the rows of the endpoints, and what runs keep of their events."""
        waiting: dict[int, set[int]] = {}
        for key in person.keys:
            for activity, message in _WAITING.rows(connection, person.app, key):
                waiting.setdefault(activity, set()).add(message)
        for activity, messages in waiting.items():
            activities.forget_events(connection, activity, messages)
        for statement in _DELETE:
            statement.run_many(connection, [(person.app, key) for key in person.keys])

    def forget(self, context: Context, connection: Connection, person: Person) -> None:
        """Remove the rows of the endpoints: runs keep their counts."""
        self.erase(context, connection, person)


_COUNT = tuple(
    Statement(
        select(func.count())
        .select_from(table)
        .where(table.c.app == bindparam("app_"), table.c.endpoint == bindparam("endpoint_")),
        "app_",
        "endpoint_",
    )
    for table in (_ROWS, _TRIGGERS)
)
#: Messages that wait for a transport.
_WAITING = Statement(
    select(_ROWS.c.activity, _ROWS.c.message)
    .where(_ROWS.c.app == bindparam("app_"), _ROWS.c.endpoint == bindparam("endpoint_"))
    .where(_ROWS.c.status == PENDING, _ROWS.c.message.is_not(None)),
    "app_",
    "endpoint_",
)
_DELETE = tuple(
    Statement(
        delete(table).where(
            table.c.app == bindparam("app_"), table.c.endpoint == bindparam("endpoint_")
        ),
        "app_",
        "endpoint_",
    )
    for table in (_ROWS, _TRIGGERS)
)

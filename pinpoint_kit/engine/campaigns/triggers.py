"""Events that start campaigns: which events a campaign waits for, and those that wait for it.

Matching happens in the transaction that records an event, and only notes that there is something
to do; who gets what is decided by the campaign's worker.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import orjson
from sqlalchemy import bindparam, delete, insert, literal, select

from pinpoint_kit.engine.campaigns import store
from pinpoint_kit.engine.segments.dates import fits, moments_of
from pinpoint_kit.engine.storage.statements import BulkInsert, Statement
from pinpoint_kit.engine.storage.tables.campaigns import CAMPAIGN_TRIGGERS, CAMPAIGNS
from pinpoint_kit.engine.wire.refusals import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.campaigns.definition import Members
    from pinpoint_kit.engine.campaigns.store import Campaign
    from pinpoint_kit.engine.context import Application, Context, RecordedEvent, Wanted

__all__ = ["Trigger", "TriggerHook", "matches", "remove", "waiting"]

_ROWS = CAMPAIGN_TRIGGERS
_COLUMNS = ("app", "campaign", "endpoint", "event_id", "at")
_INSERT = BulkInsert(lambda _: insert(_ROWS), *_COLUMNS)
_WANTED = Statement(
    select(literal(1))
    .select_from(CAMPAIGNS)
    .where(CAMPAIGNS.c.triggers.is_not(None))
    .where(CAMPAIGNS.c.app == bindparam("app_"))
    .limit(literal(1)),
    "app_",
)
_WAITING = Statement(
    select(_ROWS.c.number, _ROWS.c.endpoint, _ROWS.c.event_id, _ROWS.c.at)
    .where(_ROWS.c.campaign == bindparam("campaign_"))
    .order_by(_ROWS.c.number)
    .limit(bindparam("most_")),
    "campaign_",
    "most_",
)
_REMOVE = Statement(delete(_ROWS).where(_ROWS.c.number == bindparam("number_")), "number_")

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "EQUAL": lambda value, wanted: value == wanted,
    "GREATER_THAN": lambda value, wanted: value > wanted,
    "GREATER_THAN_OR_EQUAL": lambda value, wanted: value >= wanted,
    "LESS_THAN": lambda value, wanted: value < wanted,
    "LESS_THAN_OR_EQUAL": lambda value, wanted: value <= wanted,
}


class Trigger(NamedTuple):
    """An event that waits for a campaign."""

    number: int
    endpoint: str
    event_id: str
    at: int

    def __repr__(self) -> str:
        """Show what names nobody."""
        return f"Trigger(number={self.number})"


class TriggerHook:
    """Notes events that start campaigns."""

    def wanted(self, context: Context, connection: Connection, app: Application) -> Wanted:  # noqa: ARG002 -- see EventHook
        """Return whether a campaign of the application waits for events."""
        return "events" if _WANTED.rows(connection, app.number) else "nothing"

    def __call__(
        self,
        context: Context,  # noqa: ARG002 -- see EventHook
        connection: Connection,
        events: Sequence[RecordedEvent],
    ) -> bool:
        """Note the events that match, each once for each campaign; return whether there are any."""
        app = events[0].app
        rows = []
        for campaign in store.awaiting(connection, app):
            rows += [
                (app, campaign.number, event.endpoint, event.event_id, event.arrival)
                for event in events
                if _is_awaited(campaign, event)
            ]
        _INSERT.run(connection, rows)
        return bool(rows)


def waiting(connection: Connection, campaign: int, most: int) -> list[Trigger]:
    """Return the events that wait for a campaign, the oldest first."""
    return [Trigger(*row) for row in _WAITING.rows(connection, campaign, most)]


def remove(connection: Connection, done: Sequence[Trigger]) -> None:
    """Remove events that a campaign has dealt with."""
    _REMOVE.run_many(connection, [(trigger.number,) for trigger in done])


def matches(event_filter: Members, event: RecordedEvent) -> bool:
    """Return whether an event is one that an event filter describes: each part of it."""
    dimensions = cast("Mapping[str, Mapping[str, object]]", event_filter["Dimensions"])
    kind = dimensions["EventType"]
    is_listed = event.type in cast("list[str]", kind["Values"])
    if is_listed == (kind.get("DimensionType") == "EXCLUSIVE"):
        return False
    attributes = cast("Mapping[str, Members]", dimensions.get("Attributes", {}))
    metrics = cast("Mapping[str, Members]", dimensions.get("Metrics", {}))
    given: Mapping[str, str] = orjson.loads(event.attributes) if event.attributes else {}
    numbers: Mapping[str, float] = orjson.loads(event.metrics) if event.metrics else {}
    return all(_has_attribute(rule, given.get(name)) for name, rule in attributes.items()) and all(
        _has_metric(rule, numbers.get(name)) for name, rule in metrics.items()
    )


def _is_awaited(campaign: Campaign, event: RecordedEvent) -> bool:
    definition = campaign.definition
    calendar = definition.calendar(campaign.plan.anchor)
    if event.arrival < calendar.begins(calendar.start) or not campaign.has_segment:
        return False
    if calendar.end is not None and event.arrival > calendar.end:
        return False
    return matches(definition.event_filter, event)


def _has_attribute(rule: Members, value: str | None) -> bool:
    how, values = rule.get("AttributeType", "INCLUSIVE"), cast("list[str]", rule["Values"])
    if how == "EXCLUSIVE":
        return value not in values
    if value is None:
        return False
    if how == "CONTAINS":
        return any(wanted in value for wanted in values)
    if how == "INCLUSIVE":
        return value in values
    try:
        wanted = moments_of(str(how), values, "")
    except ApiError:
        return False  # earlier releases took what is no date
    return fits(str(how), value, wanted)


def _has_metric(rule: Members, value: float | None) -> bool:
    compare = _COMPARISONS[cast("str", rule["ComparisonOperator"])]
    return value is not None and compare(value, float(cast("float", rule["Value"])))

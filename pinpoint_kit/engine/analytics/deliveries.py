"""What became of messages, counted by the database: sent, bounced, opened, clicked, in groups.

Of a message counts when it was made, as in the service's event stream, where all events of a
message have the time at which it was sent. The names and formulas of KPIs stand in message_kpis.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import orjson
from sqlalchemy import Integer, and_, case, cast, distinct, func, literal_column, select

from pinpoint_kit.engine.storage.dialects.expressions import metric
from pinpoint_kit.engine.storage.tables.campaigns import (
    CAMPAIGN_ACTIVITIES,
    CAMPAIGN_SENDS,
    CAMPAIGNS,
)
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.messages import MESSAGE_OUTCOMES, MESSAGES
from pinpoint_kit.engine.wire.refusals import not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection

__all__ = [
    "PUSH",
    "Counts",
    "PushOpen",
    "Sms",
    "Span",
    "campaign_number",
    "counted",
    "ids_of",
    "push_opens",
    "require_campaign",
    "sms_of",
    "statuses_of",
]

#: The channels of notifications.
PUSH = ("ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM", "PUSH")
_OPENED_NOTIFICATION = "_campaign.opened_notification"
_DAY_MS = 86_400_000
#: What a message is once it was handed over.
_SENT = "SUCCESSFUL"
#: How the detail of a bounce says that the address exists; reports in which it is missing are of
#: a bounce for good.
_IS_SOFT = '%"BounceType":"Transient"%'

_ROWS, _OUTCOMES = MESSAGES.c, MESSAGE_OUTCOMES.c


@attrs.frozen
class Span:
    """Which messages are meant.

    Attributes:
        app: the number of the application.
        start: the first instant, milliseconds since 1970.
        end: the instant after the last.
        kinds: `direct`, `otp`, `campaign`.
        channels: the channel types; None for all.
        campaign: the number of a campaign; None for any.
    """

    app: int
    start: int
    end: int
    kinds: Sequence[str]
    channels: Sequence[str] | None = None
    campaign: int | None = None

    @property
    def condition(self) -> ColumnElement[bool]:
        """The same of the table of messages."""
        wanted = [
            _ROWS.app == self.app,
            _ROWS.created >= self.start,
            _ROWS.created < self.end,
            _ROWS.kind.in_(self.kinds),
        ]
        if self.channels is not None:
            wanted.append(_ROWS.channel.in_(self.channels))
        if self.campaign is not None:
            wanted.append(_ROWS.campaign == self.campaign)
        return and_(*wanted)


class Counts(NamedTuple):
    """What became of the messages of a group.

    Attributes:
        attempted: messages.
        sent: those that were handed over.
        hard: those of them that bounced for good.
        soft: those that bounced for now.
        opened: messages that were opened.
        clicked: messages in which something was clicked.
        complained: messages that were called spam.
        opted_out: messages after which somebody has opted out.
        opens: how often any was opened.
        clicks: how often anything was clicked.
        reached: recipients of what was sent and did not bounce for good, each once.
        openers: recipients who have opened one, each once.
        clickers: recipients who have clicked, each once.
    """

    attempted: int
    sent: int
    hard: int
    soft: int
    opened: int
    clicked: int
    complained: int
    opted_out: int
    opens: int
    clicks: int
    reached: int
    openers: int
    clickers: int

    @property
    def delivered(self) -> int:
        """What was sent and did not bounce for good."""
        return self.sent - self.hard


class Sms(NamedTuple):
    """Text messages to one number with one fate."""

    address: str
    day: int
    status: str
    is_bounced: int
    messages: int
    parts: int


class PushOpen(NamedTuple):
    """A notification that was opened, as a client has reported it."""

    campaign: str
    activity: str
    day: int
    times: int


#: As text: PostgreSQL takes an expression with a parameter for another one when it groups.
_DAY: ColumnElement[int] = literal_column(str(_DAY_MS), Integer)
_YES: ColumnElement[int] = literal_column("1", Integer)
_NO: ColumnElement[int] = literal_column("0", Integer)

#: What messages can be grouped by.
_GROUPS: Mapping[str, ColumnElement[Any]] = {
    "activity": _ROWS.activity,
    "campaign": _ROWS.campaign,
    "day": _ROWS.created - _ROWS.created % _DAY,
    "treatment": _ROWS.treatment,
}


def counted(
    connection: Connection, span: Span, *by: str
) -> list[tuple[tuple[int | None, ...], Counts]]:
    """Return what became of messages, in groups; no group without messages.

    Args:
        connection: where to look.
        span: which messages.
        by: `campaign`, `activity`, `treatment`, `day` (its first millisecond); all together
            without any.
    """
    groups = [_GROUPS[name] for name in by]
    is_soft = and_(_OUTCOMES.outcome == "bounced", _OUTCOMES.detail.like(_IS_SOFT))
    is_bounce = _OUTCOMES.outcome == "bounced"
    fates = (
        select(
            _OUTCOMES.message,
            _times(_OUTCOMES.outcome == "opened").label("opens"),
            _times(_OUTCOMES.outcome == "clicked").label("clicks"),
            _times(_OUTCOMES.outcome == "complained").label("complaints"),
            _times(_OUTCOMES.outcome == "opted_out").label("opt_outs"),
            _times(is_bounce).label("bounces"),
            _times(is_soft).label("softs"),
        )
        .where(_OUTCOMES.app == span.app, _OUTCOMES.at >= span.start)
        .group_by(_OUTCOMES.message)
        .subquery()
    )
    fate = fates.c
    who = func.coalesce(_ROWS.endpoint, _ROWS.address)
    is_sent = _ROWS.status == _SENT
    is_hard = and_(is_sent, fate.bounces > func.coalesce(fate.softs, 0))
    is_here = and_(is_sent, func.coalesce(fate.bounces - fate.softs, 0) <= 0)
    statement = (
        select(
            *groups,
            func.count(),
            _times(is_sent),
            _times(is_hard),
            _times(and_(is_sent, fate.softs > 0, fate.bounces == fate.softs)),
            _times(fate.opens > 0),
            _times(fate.clicks > 0),
            _times(fate.complaints > 0),
            _times(fate.opt_outs > 0),
            func.coalesce(func.sum(fate.opens), 0),
            func.coalesce(func.sum(fate.clicks), 0),
            func.count(distinct(case((is_here, who)))),
            func.count(distinct(case((fate.opens > 0, who)))),
            func.count(distinct(case((fate.clicks > 0, who)))),
        )
        .select_from(MESSAGES.outerjoin(fates, fate.message == _ROWS.number))
        .where(span.condition)
        .group_by(*groups)
        .order_by(*groups)
    )
    found = []
    for row in connection.execute(statement):
        key, counts = tuple(row)[: len(by)], [int(count) for count in tuple(row)[len(by) :]]
        if counts[0]:
            found.append((key, Counts(*counts)))
    return found


def sms_of(connection: Connection, span: Span) -> list[Sms]:
    """Return text messages by number and fate; how many parts they have taken is in their text."""
    bounced = (
        select(_OUTCOMES.message)
        .where(_OUTCOMES.app == span.app, _OUTCOMES.at >= span.start)
        .where(_OUTCOMES.outcome == "bounced")
        .distinct()
        .subquery()
    )
    day = _GROUPS["day"]
    is_bounced = case((bounced.c.message.is_not(None), _YES), else_=_NO)
    parts = func.coalesce(cast(metric(_ROWS.content, "Parts"), Integer), 1)
    statement = (
        select(_ROWS.address, day, _ROWS.status, is_bounced, func.count(), func.sum(parts))
        .select_from(MESSAGES.outerjoin(bounced, bounced.c.message == _ROWS.number))
        .where(span.condition)
        .group_by(_ROWS.address, day, _ROWS.status, is_bounced)
    )
    return [
        Sms(address, first, status, is_back, count, int(total))
        for address, first, status, is_back, count, total in connection.execute(statement)
    ]


def push_opens(connection: Connection, span: Span, campaign_id: str | None) -> list[PushOpen]:
    """Return the notifications that clients have reported as opened.

    Args:
        connection: where to look.
        span: when; a client reports when it happened.
        campaign_id: the campaign; None for any.
    """
    events = EVENTS.c
    day = events.timestamp - events.timestamp % _DAY
    statement = (
        select(events.attributes, day, func.count())
        .where(events.app == span.app, events.type == _OPENED_NOTIFICATION)
        .where(events.timestamp >= span.start, events.timestamp < span.end)
        .group_by(events.attributes, day)
    )
    found = []
    for text, first, count in connection.execute(statement):
        attributes: dict[str, str] = orjson.loads(text) if text else {}
        campaign = attributes.get("campaign_id", "")
        if campaign and campaign_id in {None, campaign}:
            activity = attributes.get("campaign_activity_id", "")
            found.append(PushOpen(campaign, activity, first, count))
    return found


def campaign_number(connection: Connection, app: int, campaign_id: str) -> int | None:
    """Return what tables call a campaign by, None when there is none."""
    return connection.execute(
        select(CAMPAIGNS.c.number).where(CAMPAIGNS.c.app == app, CAMPAIGNS.c.id == campaign_id)
    ).scalar()


def require_campaign(connection: Connection, app: int, campaign_id: str) -> int:
    """Return what tables call a campaign by.

    Raises:
        ApiError: there is none.
    """
    number = campaign_number(connection, app, campaign_id)
    if number is None:
        raise not_found("Campaign not found")
    return number


def ids_of(connection: Connection, app: int) -> tuple[Mapping[int, str], Mapping[int, str]]:
    """Return the ids of an application's campaigns, and of their runs, by their numbers."""
    campaigns, runs = CAMPAIGNS.c, CAMPAIGN_ACTIVITIES.c
    by_number = connection.execute(
        select(campaigns.number, campaigns.id).where(campaigns.app == app)
    )
    by_run = connection.execute(select(runs.number, runs.id).where(runs.app == app))
    return {row[0]: row[1] for row in by_number}, {row[0]: row[1] for row in by_run}


def statuses_of(connection: Connection, campaign: int) -> Mapping[str, int]:
    """Return how many endpoints the runs of a campaign have given each status."""
    sends, runs = CAMPAIGN_SENDS.c, CAMPAIGN_ACTIVITIES.c
    statement = (
        select(sends.status, func.count())
        .select_from(CAMPAIGN_SENDS.join(CAMPAIGN_ACTIVITIES, runs.number == sends.activity))
        .where(runs.campaign == campaign)
        .group_by(sends.status)
        .order_by(sends.status)
    )
    return {row[0]: row[1] for row in connection.execute(statement)}


def _times(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

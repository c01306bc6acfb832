"""`Activity`: a stored run of one treatment, with how far it is and what it has counted.

What a run does, and which there are to be, belongs to the worker.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

import attrs
import orjson
from sqlalchemy import bindparam, insert, select, update

from pinpoint_kit.engine.storage.statements import Row, Statement
from pinpoint_kit.engine.storage.tables.campaigns import CAMPAIGN_ACTIVITIES
from pinpoint_kit.engine.wire import instants

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.campaigns.store import Campaign
    from pinpoint_kit.engine.context import Context

__all__ = [
    "SUCCESSFUL",
    "TOTAL",
    "Activity",
    "add",
    "again",
    "end",
    "forget_events",
    "left_over",
    "listed",
    "new",
    "open_of",
    "rendered",
    "save",
]

_ROWS = CAMPAIGN_ACTIVITIES
#: What is counted of a run, and is no execution metric.
TOTAL, SUCCESSFUL = "total", "successful"


@attrs.frozen
class Activity:
    """A run of one treatment.

    Attributes:
        number: what other tables call it by.
        version: of the campaign.
        scheduled: when it was to begin, milliseconds since 1970. So are the other instants.
        state: `PENDING` to `COMPLETED`.
        result: `SUCCESS` or `FAIL` once it has ended.
        position: where its work goes on.
        counts: execution metrics by their names, and `total` and `successful`.
    """

    number: int
    app: int
    campaign: int
    id: str
    treatment: int
    version: int
    scheduled: int
    started: int | None
    ended: int | None
    state: str
    result: str | None
    position: Mapping[str, object] = attrs.field(repr=False)
    counts: Mapping[str, int] = attrs.field(repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.ended is None

    @property
    def has_waiting(self) -> bool:
        """Whether messages of it wait for a transport."""
        return bool(self.position.get("sending"))

    @property
    def total(self) -> int:
        """How many endpoints it has tried to reach."""
        return self.counts.get(TOTAL, 0)

    @property
    def successful(self) -> int:
        """How many endpoints were sent something."""
        return self.counts.get(SUCCESSFUL, 0)

    def counted(self, changes: Mapping[str, int]) -> Activity:
        """Return it with some counts added."""
        counts = dict(self.counts)
        for name, count in changes.items():
            if count:
                counts[name] = counts.get(name, 0) + count
        return attrs.evolve(self, counts=counts)

    def ended_with(self, state: str, now: int) -> Activity:
        """Return it ended: a failure when somebody was to be reached, and nobody was."""
        result = "FAIL" if self.total and not self.successful else "SUCCESS"
        return attrs.evolve(self, state=state, ended=now, result=result)


_BY_CAMPAIGN = select(*(column for column in _ROWS.c if column.name != "open")).where(
    _ROWS.c.campaign == bindparam("campaign_")
)
_BY_CAMPAIGN_OPEN = _BY_CAMPAIGN.where(_ROWS.c.open.is_not(None)).order_by(_ROWS.c.number)
_OPEN = Statement(_BY_CAMPAIGN_OPEN.where(_ROWS.c.ended.is_(None)), "campaign_")
_LEFT_OVER = Statement(_BY_CAMPAIGN_OPEN.where(_ROWS.c.ended.is_not(None)), "campaign_")
_CURRENT = Statement(
    _BY_CAMPAIGN.where(_ROWS.c.number == bindparam("number_")), "campaign_", "number_"
)
_LISTED = Statement(
    _BY_CAMPAIGN.where(_ROWS.c.number < bindparam("before_"))
    .order_by(_ROWS.c.number.desc())
    .limit(bindparam("most_")),
    "campaign_",
    "before_",
    "most_",
)
_SAVED = ("started", "ended", "state", "result", "position", "counts", "open")
_SAVE = Statement(
    update(_ROWS)
    .values({name: bindparam(f"{name}_") for name in _SAVED})
    .where(_ROWS.c.number == bindparam("number_")),
    *(f"{name}_" for name in _SAVED),
    "number_",
)


_POSITION = Statement(
    select(_ROWS.c.position).where(_ROWS.c.number == bindparam("number_")), "number_"
)
_SAVE_POSITION = Statement(
    update(_ROWS)
    .values(position=bindparam("position_"))
    .where(_ROWS.c.number == bindparam("number_")),
    "position_",
    "number_",
)


def open_of(connection: Connection, campaign: int) -> list[Activity]:
    """Return the runs of a campaign that have not ended, the oldest first."""
    return [_activity(row) for row in _OPEN.rows(connection, campaign)]


def left_over(connection: Connection, campaign: int) -> list[Activity]:
    """Return the runs of a campaign that have ended while messages waited for a transport."""
    return [_activity(row) for row in _LEFT_OVER.rows(connection, campaign)]


def again(connection: Connection, activity: Activity) -> Activity | None:
    """Return a run as it is now; None when it is gone."""
    rows = _CURRENT.rows(connection, activity.campaign, activity.number)
    return _activity(rows[0]) if rows else None


def listed(connection: Connection, campaign: int, before: int, most: int) -> list[Activity]:
    """Return the runs of a campaign, the newest first, those before a number."""
    return [_activity(row) for row in _LISTED.rows(connection, campaign, before, most)]


def new(  # noqa: PLR0913 -- the parts of a run
    context: Context,
    campaign: Campaign,
    treatment: int,
    scheduled: int,
    position: Mapping[str, object],
    *,
    now: int,
) -> Activity:
    """Return a run that is not stored yet."""
    return Activity(
        number=0,  # given out when it is stored
        app=campaign.app,
        campaign=campaign.number,
        id=context.new_id(),
        treatment=treatment,
        version=campaign.version,
        scheduled=scheduled,
        started=now,
        ended=None,
        state="RUNNING",
        result=None,
        position=position,
        counts={},
    )


def add(connection: Connection, activity: Activity) -> Activity:
    """Store a new run, and return it with its number."""
    connection.execute(
        insert(_ROWS).values(
            app=activity.app,
            campaign=activity.campaign,
            id=activity.id,
            treatment=activity.treatment,
            version=activity.version,
            scheduled=activity.scheduled,
            **_changing(activity),
        )
    )
    number = connection.execute(select(_ROWS.c.number).where(_ROWS.c.id == activity.id)).scalar()
    return attrs.evolve(activity, number=cast("int", number))


def save(connection: Connection, activity: Activity) -> None:
    """Store what has changed of a run."""
    _SAVE.run_many(connection, [(*_changing(activity).values(), activity.number)])


def end(connection: Connection, campaign: int, state: str, now: int) -> bool:
    """End the runs of a campaign that are under way.

    Returns:
        Whether messages of them wait for a transport: the campaign's worker has to give them up. It
        alone knows whether a transport is taking some of them now.
    """
    under_way = open_of(connection, campaign)
    for activity in under_way:
        save(connection, activity.ended_with(state, now))
    return any(activity.has_waiting for activity in under_way)


def forget_events(connection: Connection, number: int, messages: Collection[int]) -> None:
    """Take out of a run's row the ids of the events that have started some messages.

    Args:
        connection: a write transaction.
        number: the run's.
        messages: the numbers of messages that wait for a transport.
    """
    for text in _POSITION.rows(connection, number):
        position = orjson.loads(text[0])
        position["sending"] = [
            (message, "" if message in messages else event_id)
            for message, event_id in position.get("sending", ())
        ]
        _SAVE_POSITION.run_many(connection, [(orjson.dumps(position).decode(), number)])


def rendered(activity: Activity, application_id: str, campaign_id: str) -> dict[str, object]:
    """Return an ActivityResponse."""
    zones = cast("Mapping[str, int]", activity.position.get("zones", {}))
    is_done = activity.state == "COMPLETED"
    total = max(1, zones.get("total", 1))
    answer: dict[str, object] = {
        "ApplicationId": application_id,
        "CampaignId": campaign_id,
        "ExecutionMetrics": {
            name: str(count) for name, count in activity.counts.items() if name.isupper()
        },
        "Id": activity.id,
        "ScheduledStart": instants.from_ms(activity.scheduled),
        "State": activity.state,
        "SuccessfulEndpointCount": activity.successful,
        "TimezonesCompletedCount": zones.get("done", int(is_done)),
        "TimezonesTotalCount": total,
        "TotalEndpointCount": activity.total,
        "TreatmentId": str(activity.treatment),
    }
    if activity.started is not None:
        answer["Start"] = instants.from_ms(activity.started)
    if activity.ended is not None:
        answer["End"] = instants.from_ms(activity.ended)
    if activity.result is not None:
        answer["Result"] = activity.result
    return answer


def _changing(activity: Activity) -> dict[str, object]:
    return {
        "started": activity.started,
        "ended": activity.ended,
        "state": activity.state,
        "result": activity.result,
        "position": orjson.dumps(activity.position).decode(),
        "counts": orjson.dumps(activity.counts).decode(),
        "open": 1 if activity.is_open or activity.has_waiting else None,
    }


def _activity(row: Row) -> Activity:
    *head, position, counts = row
    values = (*head, orjson.loads(position), orjson.loads(counts))
    return Activity(*values)

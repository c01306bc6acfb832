"""`Campaign`: a stored campaign at one of its versions, and the statements that keep both.

Versions are never changed. Its runs stand in activities.py, whom they have targeted in sends.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import orjson
from sqlalchemy import Select, and_, bindparam, delete, func, insert, literal, select, update

from pinpoint_kit.engine.campaigns import states
from pinpoint_kit.engine.campaigns.definition import IN_APP, ON_EVENT, Definition
from pinpoint_kit.engine.campaigns.plan import Plan
from pinpoint_kit.engine.campaigns.states import CampaignStatus
from pinpoint_kit.engine.storage.statements import Row, Statement
from pinpoint_kit.engine.storage.tables.campaigns import (
    CAMPAIGN_ACTIVITIES,
    CAMPAIGN_SENDS,
    CAMPAIGN_TRIGGERS,
    CAMPAIGN_VERSIONS,
    CAMPAIGNS,
)
from pinpoint_kit.engine.storage.tables.segments import SEGMENTS
from pinpoint_kit.engine.storage.versioned import Versioned
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.work.leases import LostError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Context

__all__ = [
    "KEPT_MS",
    "Campaign",
    "add",
    "add_version",
    "awaiting",
    "count_active",
    "deleted",
    "due",
    "find",
    "forget_triggers",
    "listed",
    "load",
    "new",
    "remove_some",
    "running",
    "save",
    "triggered",
    "versions",
]

_VERSIONS = CAMPAIGN_VERSIONS
#: For how long a campaign that was deleted can be read.
KEPT_MS = 7 * 86_400_000


@attrs.frozen
class Campaign:
    """A campaign at one version. `number` is what other tables call it by.

    Attributes:
        app: the number of its application.
        stored_status: what it was when it was last written; see `status`.
        newest: its newest version.
        created: when it was made, milliseconds since 1970. So are the other instants.
        modified: when it was last changed, paused or resumed.
        removed: when it was deleted, None unless it was.
        plan: when it runs next.
        due: when its worker has something to do, None for never.
        version: the version that this is.
        version_modified: when this version was made.
        has_segment: whether its segment is there.
    """

    number: int
    app: int
    id: str
    stored_status: CampaignStatus
    newest: int
    created: int
    modified: int
    removed: int | None
    plan: Plan = attrs.field(repr=False)
    due: int | None
    version: int
    definition: Definition = attrs.field(repr=False)
    version_modified: int
    has_segment: bool

    @property
    def status(self) -> CampaignStatus:
        """What it is now: `DELETED` as soon as its segment is."""
        return states.shown(self.stored_status, has_segment=self.has_segment)

    @property
    def waits_for_events(self) -> bool:
        """Whether recorded events may start it, now or once it has begun."""
        is_on = self.stored_status in {"SCHEDULED", "EXECUTING"}
        return is_on and self.definition.frequency == ON_EVENT

    @property
    def next_due(self) -> int | None:
        """When there is something to do of a campaign that has no run under way, None for never."""
        if self.stored_status in {"PAUSED", *states.ENDED}:
            return None
        if self.stored_status == "EXECUTING" and self.definition.frequency in {ON_EVENT, IN_APP}:
            return self.definition.calendar(self.plan.anchor).end
        return self.plan.due

    def row(self) -> dict[str, object]:
        """Return the columns that change."""
        return {
            "status": self.stored_status,
            "version": self.newest,
            "modified": self.modified,
            "removed": self.removed,
            "segment": self.definition.segment[0],
            "triggers": 1 if self.waits_for_events else None,
            "state": self.plan.text(),
            "due": self.due,
        }


def _select() -> Select[tuple[object, ...]]:
    joined = CAMPAIGNS.join(_VERSIONS, _VERSIONS.c.campaign == CAMPAIGNS.c.number).outerjoin(
        SEGMENTS, and_(SEGMENTS.c.id == CAMPAIGNS.c.segment, SEGMENTS.c.app == CAMPAIGNS.c.app)
    )
    return select(
        CAMPAIGNS.c.number,
        CAMPAIGNS.c.app,
        CAMPAIGNS.c.id,
        CAMPAIGNS.c.status,
        CAMPAIGNS.c.version,
        CAMPAIGNS.c.created,
        CAMPAIGNS.c.modified,
        CAMPAIGNS.c.removed,
        CAMPAIGNS.c.state,
        CAMPAIGNS.c.due,
        _VERSIONS.c.version,
        _VERSIONS.c.definition,
        _VERSIONS.c.modified,
        SEGMENTS.c.number,
    ).select_from(joined)


_IS_NEWEST = _VERSIONS.c.version == CAMPAIGNS.c.version
_OF_APP = _select().where(CAMPAIGNS.c.app == bindparam("app_"))
_BY_VERSION = Versioned(_OF_APP, CAMPAIGNS, _VERSIONS, "Campaign")
_BY_NUMBER = Statement(
    _select().where(_IS_NEWEST).where(CAMPAIGNS.c.number == bindparam("number_")), "number_"
)
#: Newest first, those before a number; a campaign that was deleted is not listed.
_LISTED = Statement(
    _OF_APP.where(_IS_NEWEST)
    .where(CAMPAIGNS.c.removed.is_(None))
    .where(CAMPAIGNS.c.number < bindparam("before_"))
    .order_by(CAMPAIGNS.c.number.desc())
    .limit(bindparam("most_")),
    "app_",
    "before_",
    "most_",
)
_DUE = Statement(
    select(CAMPAIGNS.c.number, CAMPAIGNS.c.due)
    .where(CAMPAIGNS.c.due.is_not(None))
    .order_by(CAMPAIGNS.c.due)
    .limit(bindparam("most_")),
    "most_",
)
_AWAITING = Statement(
    _OF_APP.where(_IS_NEWEST).where(CAMPAIGNS.c.triggers.is_not(None)).order_by(CAMPAIGNS.c.number),
    "app_",
)
#: In the order of `Campaign.row`.
_SAVED = ("status", "version", "modified", "removed", "segment", "triggers", "state", "due")
_SAVE = Statement(
    update(CAMPAIGNS)
    .values({name: bindparam(f"{name}_") for name in _SAVED})
    .where(CAMPAIGNS.c.number == bindparam("number_")),
    *(f"{name}_" for name in _SAVED),
    "number_",
)
#: Campaigns for which events wait.
_TRIGGERED = Statement(
    select(CAMPAIGNS.c.number)
    .where(CAMPAIGNS.c.triggers.is_not(None))
    .where(
        select(literal(1))
        .select_from(CAMPAIGN_TRIGGERS)
        .where(CAMPAIGN_TRIGGERS.c.campaign == CAMPAIGNS.c.number)
        .exists()
    )
    .limit(bindparam("most_")),
    "most_",
)


def find(
    connection: Connection, app: int, campaign_id: str, version: int | None = None
) -> Campaign:
    """Return a campaign at a version, the newest unless said.

    Raises:
        ApiError: there is none.
    """
    return _campaign(_BY_VERSION.find(connection, app, campaign_id, version))


def load(connection: Connection, number: int) -> Campaign:
    """Return a campaign at its newest version.

    Raises:
        LostError: it is gone.
    """
    rows = _BY_NUMBER.rows(connection, number)
    if not rows:
        raise LostError
    return _campaign(rows[0])


def running(connection: Connection, campaign: Campaign) -> Campaign:
    """Return a campaign again, in the transaction that stores a step of a run of it.

    Raises:
        LostError: it may not go on: it is gone, was deleted, or has another version.
    """
    current = load(connection, campaign.number)
    if current.status != "EXECUTING" or current.version != campaign.version:
        raise LostError
    return current


def listed(connection: Connection, app: int, before: int, most: int) -> list[Campaign]:
    """Return campaigns that were not deleted, the newest first, those before a number."""
    return [_campaign(row) for row in _LISTED.rows(connection, app, before, most)]


def versions(
    connection: Connection, app: int, campaign_id: str, after: int, most: int
) -> list[Campaign]:
    """Return a campaign at its versions, the oldest first, those after a version."""
    rows = _BY_VERSION.versions(connection, app, campaign_id, after, most)
    return [_campaign(row) for row in rows]


def due(connection: Connection, most: int) -> list[tuple[int, int]]:
    """Return the campaigns for which there is something to do at an hour, and when."""
    return [(row[0], row[1]) for row in _DUE.rows(connection, most)]


def triggered(connection: Connection, most: int) -> list[int]:
    """Return the campaigns for which events wait."""
    return [row[0] for row in _TRIGGERED.rows(connection, most)]


def awaiting(connection: Connection, app: int) -> list[Campaign]:
    """Return the campaigns of an application that recorded events may start, the oldest first."""
    return [_campaign(row) for row in _AWAITING.rows(connection, app)]


def count_active(connection: Connection, app: int | None = None) -> int:
    """Return how many campaigns are active; with an application, those of its that await events."""
    counting = select(func.count()).select_from(CAMPAIGNS)
    if app is None:
        counting = counting.where(CAMPAIGNS.c.status.in_(states.ACTIVE))
    else:
        counting = counting.where(CAMPAIGNS.c.triggers.is_not(None), CAMPAIGNS.c.app == app)
    return connection.execute(counting).scalar_one()


def new(context: Context, app: App, definition: Definition, plan: Plan, now: int) -> Campaign:
    """Return a campaign at its first version, which is not stored yet."""
    return Campaign(
        number=0,  # given out when it is stored
        app=app.number,
        id=context.new_id(),
        stored_status="PAUSED" if definition.is_paused else "SCHEDULED",
        newest=1,
        created=now,
        modified=now,
        removed=None,
        plan=plan,
        due=None if definition.is_paused else plan.due,
        version=1,
        definition=definition,
        version_modified=now,
        has_segment=True,
    )


def add(connection: Connection, campaign: Campaign) -> Campaign:
    """Store a new campaign at its first version, and return it with its number."""
    connection.execute(
        insert(CAMPAIGNS).values(
            app=campaign.app, id=campaign.id, created=campaign.created, **campaign.row()
        )
    )
    number = connection.execute(
        select(CAMPAIGNS.c.number).where(CAMPAIGNS.c.id == campaign.id)
    ).scalar_one()
    stored = attrs.evolve(campaign, number=number)
    _add_version(connection, stored)
    return stored


def add_version(connection: Connection, campaign: Campaign) -> None:
    """Store a further version of a campaign, from now on the newest."""
    _add_version(connection, campaign)
    save(connection, campaign)


def save(connection: Connection, campaign: Campaign) -> None:
    """Store what has changed of a campaign but for its definition."""
    _SAVE.run_many(connection, [(*campaign.row().values(), campaign.number)])


def deleted(connection: Connection, campaign: Campaign, now: int) -> Campaign:
    """Store that a campaign was deleted, and return it so; events do not start it any more."""
    forget_triggers(connection, campaign.number)
    after = attrs.evolve(
        campaign, stored_status="DELETED", removed=now, modified=now, due=now + KEPT_MS
    )
    save(connection, after)
    return after


def forget_triggers(connection: Connection, campaign: int) -> None:
    """Delete the events that wait for a campaign."""
    connection.execute(delete(CAMPAIGN_TRIGGERS).where(CAMPAIGN_TRIGGERS.c.campaign == campaign))


def remove_some(connection: Connection, campaign: Campaign, most: int) -> bool:
    """Delete some rows of a campaign that is gone; return whether that was all."""
    sends = CAMPAIGN_SENDS
    numbers = select(CAMPAIGN_ACTIVITIES.c.number).where(
        CAMPAIGN_ACTIVITIES.c.campaign == campaign.number
    )
    for number in connection.execute(numbers).scalars().all():
        keys = (
            select(sends.c.endpoint)
            .where(sends.c.activity == number)
            .order_by(sends.c.endpoint)
            .limit(most)
        )
        last = connection.execute(select(func.max(keys.subquery().c.endpoint))).scalar()
        if last is not None:
            connection.execute(
                delete(sends).where(sends.c.activity == number, sends.c.endpoint <= last)
            )
            return False
    for table in (CAMPAIGN_ACTIVITIES, CAMPAIGN_TRIGGERS, CAMPAIGN_VERSIONS):
        connection.execute(delete(table).where(table.c.campaign == campaign.number))
    connection.execute(delete(CAMPAIGNS).where(CAMPAIGNS.c.number == campaign.number))
    return True


def _add_version(connection: Connection, campaign: Campaign) -> None:
    connection.execute(
        insert(_VERSIONS).values(
            app=campaign.app,
            campaign=campaign.number,
            version=campaign.version,
            definition=body.encode(campaign.definition.members),
            modified=campaign.version_modified,
        )
    )


def _campaign(row: Row) -> Campaign:
    *head, state, due_at, version, definition, modified, segment = row
    values = (
        *head,
        Plan.of(state),
        due_at,
        version,
        Definition(orjson.loads(definition)),
        modified,
        segment is not None,
    )
    return Campaign(*values)

"""GetInAppMessages: the in-app messages that an app may show to an endpoint now.

The app decides when: it is given the event filter, the quiet time and the caps. What it has shown
it reports by events, as Amplify does; a campaign whose caps are reached is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
import orjson
from sqlalchemy import bindparam, case, func, select

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.campaigns import store
from pinpoint_kit.engine.campaigns.definition import IN_APP
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.engagement import template_rows
from pinpoint_kit.engine.segments import sources
from pinpoint_kit.engine.segments.sql import condition
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.wire.refusals import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.campaigns.definition import Members, Treatment
    from pinpoint_kit.engine.campaigns.store import Campaign
    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.endpoints.state import EndpointState

__all__ = ["DISPLAYED", "get_in_app_messages"]

#: What an app reports when it has shown a message; Amplify's name, and its attribute.
DISPLAYED = "_inapp.message_displayed"
_CAMPAIGN = "campaign_id"
_DAY_MS = 86_400_000
_PAGE = 100
_FIRST = 2**62  # before the newest campaign
#: The least urgent priority that a campaign can have is 5.
_NO_PRIORITY = 6
#: The members of an in-app message; a campaign's own has a `Body` besides.
_MEMBERS = ("Content", "CustomConfig", "Layout")

_SHOWN = Statement(
    select(
        EVENTS.c.attributes,
        EVENTS.c.session_id,
        func.count(),
        func.sum(case((EVENTS.c.timestamp > bindparam("since_"), 1), else_=0)),
    )
    .where(EVENTS.c.app == bindparam("app_"), EVENTS.c.endpoint == bindparam("endpoint_"))
    .where(EVENTS.c.type == DISPLAYED)
    .group_by(EVENTS.c.attributes, EVENTS.c.session_id),
    "since_",
    "app_",
    "endpoint_",
)
_LATEST_SESSION = Statement(
    select(EVENTS.c.session_id)
    .where(EVENTS.c.app == bindparam("app_"), EVENTS.c.endpoint == bindparam("endpoint_"))
    .where(EVENTS.c.session_id.is_not(None))
    .order_by(EVENTS.c.timestamp.desc(), EVENTS.c.number.desc())
    .limit(1),
    "app_",
    "endpoint_",
)


@attrs.define
class _Shown:
    """How often messages were shown to an endpoint.

    Attributes:
        daily: any message, within a day.
        total: those of each campaign, by its id.
        session: the same in the endpoint's latest session.
    """

    daily: int = 0
    total: dict[str, int] = attrs.field(factory=dict)
    session: dict[str, int] = attrs.field(factory=dict)

    def reaches(self, campaign: Campaign) -> bool:
        """Return whether a cap of a campaign is reached; 0 is no cap."""
        counts = {
            "Daily": self.daily,
            "Session": self.session.get(campaign.id, 0),
            "Total": self.total.get(campaign.id, 0),
        }
        return any(0 < campaign.definition.limit(name) <= count for name, count in counts.items())


def get_in_app_messages(context: Context, call: Call) -> object:
    """GetInAppMessages, the most urgent first, and of those the newest."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        state, _ = reader.require(connection, app.number, call.labels["endpoint-id"])
        if state.status != "ACTIVE" or state.opt_out == "ALL":
            return {"InAppMessageCampaigns": []}
        found = list(_messages(connection, app, state, call.now))
    found.sort(key=lambda message: cast("int", message.get("Priority", _NO_PRIORITY)))
    return {"InAppMessageCampaigns": found}


def _messages(
    connection: Connection, app: App, state: EndpointState, now: int
) -> Iterator[dict[str, object]]:
    shown: _Shown | None = None
    for campaign in _running(connection, app.number, now):
        treatment = _treatment(campaign, state.cohort)
        if treatment is None or not _is_member(connection, app, campaign, state, now):
            continue
        content = _content(connection, treatment)
        if content is None:
            continue
        shown = shown or _shown(connection, state, now)
        if not shown.reaches(campaign):
            yield _rendered(campaign, treatment, content)


def _running(connection: Connection, app: int, now: int) -> Iterator[Campaign]:
    """Yield the campaigns whose in-app messages may be shown now, the newest first."""
    before = _FIRST
    while True:
        page = store.listed(connection, app, before, _PAGE)
        for campaign in page:
            definition = campaign.definition
            if definition.frequency != IN_APP or campaign.status not in {"SCHEDULED", "EXECUTING"}:
                continue
            calendar = definition.calendar(campaign.plan.anchor)
            has_begun = calendar.begins(calendar.start) <= now
            if has_begun and (calendar.end is None or now <= calendar.end):
                yield campaign
        if len(page) < _PAGE:
            return
        before = page[-1].number


def _treatment(campaign: Campaign, cohort: int) -> Treatment | None:
    """Return what an endpoint of a cohort gets, None when it is held out."""
    for treatment in campaign.definition.treatments:
        if cohort in treatment.cohorts:
            return treatment
    return None


def _is_member(
    connection: Connection, app: App, campaign: Campaign, state: EndpointState, now: int
) -> bool:
    segment_id, version = campaign.definition.segment
    try:
        segment = sources.require(connection, app, segment_id, version)
    except ApiError:
        return False  # what it builds on is gone
    statement = (
        select(ENDPOINTS.c.number)
        .where(ENDPOINTS.c.app == app.number, ENDPOINTS.c.endpoint == state.endpoint)
        .where(condition(segment.rule, segment, now))
    )
    return connection.execute(statement).first() is not None


def _content(connection: Connection, treatment: Treatment) -> Members | None:
    """Return the message: the campaign's own, else its template's; None when that is gone."""
    own = cast("Members", treatment.messages.get("InAppMessage", {}))
    if own:
        return {name: own[name] for name in _MEMBERS if name in own}
    named = cast("Mapping[str, str]", treatment.templates.get("InAppTemplate", {}))
    template = template_rows.find(connection, named.get("Name", ""), "INAPP")
    if template is None:
        return None
    wanted = named.get("Version")
    number = template.active if wanted is None else template_rows.version_number(wanted)
    for version in template_rows.versions(connection, template):
        if version.number == number:
            return {name: version.content[name] for name in _MEMBERS if name in version.content}
    return None


def _shown(connection: Connection, state: EndpointState, now: int) -> _Shown:
    sessions = _LATEST_SESSION.rows(connection, state.app, state.endpoint)
    latest = sessions[0][0] if sessions else None
    found = _Shown()
    for text, session, count, recent in _SHOWN.rows(
        connection, now - _DAY_MS, state.app, state.endpoint
    ):
        found.daily += int(recent)
        attributes: dict[str, str] = orjson.loads(text) if text else {}
        campaign = attributes.get(_CAMPAIGN)
        if campaign is None:
            continue
        found.total[campaign] = found.total.get(campaign, 0) + count
        if session is not None and session == latest:
            found.session[campaign] = found.session.get(campaign, 0) + count
    return found


def _rendered(campaign: Campaign, treatment: Treatment, content: Members) -> dict[str, object]:
    definition = campaign.definition
    schedule = {
        name: treatment.schedule[member]
        for name, member in (
            ("EndDate", "EndTime"),
            ("EventFilter", "EventFilter"),
            ("QuietTime", "QuietTime"),
        )
        if member in treatment.schedule
    }
    answer: dict[str, object] = {
        "CampaignId": campaign.id,
        "DailyCap": definition.limit("Daily"),
        "InAppMessage": content,
        "Schedule": schedule,
        "SessionCap": definition.limit("Session"),
        "TotalCap": definition.limit("Total"),
        "TreatmentId": str(treatment.number),
    }
    if "Priority" in definition.members:
        answer["Priority"] = definition.members["Priority"]
    return answer

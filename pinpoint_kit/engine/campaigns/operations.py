"""Campaigns: Create, Get, Update and Delete, lists, versions and activities.

What a request may say stands in campaigns/parsing.py, when a campaign runs in campaigns/plan.py
and campaigns/schedule.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

from pinpoint_kit.engine.applications import settings, tags
from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.campaigns import activities, parsing, states, store
from pinpoint_kit.engine.campaigns.definition import IN_APP, ON_EVENT
from pinpoint_kit.engine.campaigns.in_app import get_in_app_messages
from pinpoint_kit.engine.campaigns.plan import Plan, planned
from pinpoint_kit.engine.campaigns.running.workers import workers
from pinpoint_kit.engine.campaigns.sends import SendData
from pinpoint_kit.engine.campaigns.triggers import TriggerHook
from pinpoint_kit.engine.context import Family, Operation
from pinpoint_kit.engine.engagement import template_rows
from pinpoint_kit.engine.segments import sources
from pinpoint_kit.engine.segments.parsing import parse_version
from pinpoint_kit.engine.wire import instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.campaigns.definition import Definition, Members
    from pinpoint_kit.engine.campaigns.states import CampaignStatus
    from pinpoint_kit.engine.campaigns.store import Campaign
    from pinpoint_kit.engine.context import Call, Context

__all__ = ["FAMILY"]

#: Before every number of a campaign or a run: where a list that begins with the newest starts.
_NEWEST = 2**62


def create_campaign(context: Context, call: Call) -> object:
    """CreateCampaign; the application's limits, quiet time and hook are its defaults."""
    with apps.checked_first(context, call.application_id):
        request = dict(call.members())
        tagging = tags.parse(request.pop("tags", None), ".tags", context.limits)
        parsing.check(request, call.now)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        definition = _definition(connection, app, request)
        if definition.is_paused:
            states.check_pause("SCHEDULED", is_immediate=_runs_at_once(definition))
        _check_count(context, connection, app, definition)
        campaign = store.new(context, app, definition, planned(definition, call.now), call.now)
        campaign = store.add(connection, campaign)
        tags.put(connection, _resource(app, campaign), tagging, context.limits)
        answer = _rendered(connection, app, campaign, call.region)
    context.announce_campaigns()
    return answer


def get_campaign(context: Context, call: Call) -> object:
    """GetCampaign, at its newest version."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        return _rendered(connection, app, _find(connection, app, call), call.region)


def get_campaigns(context: Context, call: Call) -> object:
    """GetCampaigns: each at its newest version, the newest first; deleted ones are left out."""
    size = paging.size(call.query)
    before = paging.number(call.query) or _NEWEST
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        return paging.page(
            store.listed(connection, app.number, before, size + 1),
            size,
            lambda campaign: campaign.number,
            lambda campaign: _rendered(connection, app, campaign, call.region),
        )


def get_campaign_version(context: Context, call: Call) -> object:
    """GetCampaignVersion."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        version = parse_version(call.labels["version"])
        return _rendered(connection, app, _find(connection, app, call, version), call.region)


def get_campaign_versions(context: Context, call: Call) -> object:
    """GetCampaignVersions, the oldest first."""
    size = paging.size(call.query)
    after = paging.number(call.query)
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        _find(connection, app, call)
        return paging.page(
            store.versions(connection, app.number, _id(call), after, size + 1),
            size,
            lambda campaign: campaign.version,
            lambda campaign: _rendered(connection, app, campaign, call.region),
        )


def get_campaign_activities(context: Context, call: Call) -> object:
    """GetCampaignActivities: a run of each treatment, the newest first."""
    size = paging.size(call.query)
    before = paging.number(call.query) or _NEWEST
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        campaign = _find(connection, app, call)
        return paging.page(
            activities.listed(connection, campaign.number, before, size + 1),
            size,
            lambda activity: activity.number,
            lambda activity: activities.rendered(activity, app.id, campaign.id),
        )


def update_campaign(context: Context, call: Call) -> object:
    """UpdateCampaign: another definition as a further version, or IsPaused alone."""
    with apps.checked_first(context, call.application_id):
        request = call.members(ignoring=("tags",))
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        before = _find(connection, app, call)
        if request.keys() == {"IsPaused"}:
            after = _paused_or_resumed(before, call.now, is_paused=bool(request["IsPaused"]))
            store.save(connection, after)
        else:
            after = _changed(context, connection, app, before, request, call.now)
            store.add_version(connection, after)
            after = _ended(connection, after, call.now)  # of events, paused so far
        answer = _rendered(connection, app, after, call.region)
    context.announce_campaigns()
    return answer


def delete_campaign(context: Context, call: Call) -> object:
    """DeleteCampaign: nothing more is sent; it can be read for a week as `DELETED`."""
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        campaign = _find(connection, app, call)
        if campaign.removed is None:
            campaign = store.deleted(connection, campaign, call.now)
            campaign = _ended(connection, campaign, call.now)
        answer = _rendered(connection, app, campaign, call.region)
    context.announce_campaigns()
    return answer


def _ended(connection: Connection, campaign: Campaign, now: int) -> Campaign:
    """End the runs of a campaign; return it with something to do if messages of them wait."""
    if not activities.end(connection, campaign.number, "CANCELLED", now):
        return campaign
    after = attrs.evolve(campaign, due=now)
    store.save(connection, after)
    return after


def _definition(connection: Connection, app: App, request: Members) -> Definition:
    """Return what a request defines, once everything that it names is there."""
    version = cast("int | None", request.get("SegmentVersion"))
    segment = sources.require(connection, app, cast("str", request["SegmentId"]), version)
    definition = parsing.parse(request, settings.stored(app), segment.version)
    if definition.frequency == ON_EVENT and segment.is_imported:
        raise bad_request(
            f"A campaign of the frequency {ON_EVENT} needs a segment with dimensions, not an"
            " imported one",
            ".SegmentId",
        )
    for name, kind, wanted in parsing.templates_of(request):
        template = template_rows.require(connection, name, kind)
        if wanted:
            number = template_rows.version_number(wanted)
            template_rows.version_at(connection, template, number)
    return definition


def _check_count(
    context: Context, connection: Connection, app: App, definition: Definition
) -> None:
    if store.count_active(connection) >= context.limits.max_campaigns:
        raise bad_request("Too many active campaigns")
    most = context.limits.max_event_campaigns
    if definition.frequency == ON_EVENT and store.count_active(connection, app.number) >= most:
        raise bad_request(f"Too many active campaigns of the frequency {ON_EVENT}")


def _paused_or_resumed(campaign: Campaign, now: int, *, is_paused: bool) -> Campaign:
    if is_paused:
        definition = campaign.definition
        is_of_events = definition.frequency in {ON_EVENT, IN_APP}
        states.check_pause(
            campaign.status,
            is_immediate=_runs_at_once(definition),
            is_of_events=is_of_events,
        )
        return attrs.evolve(campaign, stored_status="PAUSED", due=None, modified=now)
    if campaign.status != "PAUSED":
        return campaign
    after = _going_on(campaign, campaign.plan.resumed(campaign.definition, now), now)
    # Messages may have waited for a transport when it was paused: its worker sees.
    return attrs.evolve(after, due=now)


def _runs_at_once(definition: Definition) -> bool:
    """Return whether its run begins when it is made; one that waits for events can be paused."""
    return definition.is_immediate and definition.frequency not in {ON_EVENT, IN_APP}


def _changed(  # noqa: PLR0913, PLR0917 -- a request and what it changes
    context: Context,
    connection: Connection,
    app: App,
    before: Campaign,
    request: Members,
    now: int,
) -> Campaign:
    """Return a further version of a campaign."""
    states.check_change(before.status)
    start = cast("str", before.definition.schedule["StartTime"])
    parsing.check(request, now, unchanged_start=start)
    definition = _definition(connection, app, request)
    if before.stored_status not in states.ACTIVE:
        _check_count(context, connection, app, definition)
    goes_on = start == definition.schedule["StartTime"] and before.stored_status in {
        "PENDING_NEXT_RUN",
        "PAUSED",
    }
    plan = planned(definition, now, before.plan if goes_on else None)
    after = attrs.evolve(
        before,
        newest=before.newest + 1,
        version=before.newest + 1,
        definition=definition,
        version_modified=now,
        has_segment=True,
    )
    if not definition.is_paused:
        return _going_on(after, plan, now)
    status: CampaignStatus = before.status
    states.check_pause(
        "SCHEDULED" if status == "INVALID" else status, is_immediate=_runs_at_once(definition)
    )
    return attrs.evolve(after, stored_status="PAUSED", plan=plan, due=None, modified=now)


def _going_on(campaign: Campaign, plan: Plan, now: int) -> Campaign:
    """Return a campaign that is not paused, or not any more."""
    after = attrs.evolve(campaign, stored_status=plan.status, plan=plan, modified=now)
    return attrs.evolve(after, due=after.next_due)


def _find(connection: Connection, app: App, call: Call, version: int | None = None) -> Campaign:
    campaign = store.find(connection, app.number, _id(call), version)
    if campaign.removed is not None and campaign.removed + store.KEPT_MS <= call.now:
        raise not_found("Campaign not found")
    return campaign


def _id(call: Call) -> str:
    return call.labels["campaign-id"]


def _resource(app: App, campaign: Campaign) -> str:
    return tags.campaign_resource(app.id, campaign.id)


def _rendered(
    connection: Connection, app: App, campaign: Campaign, region: str
) -> dict[str, object]:
    resource = _resource(app, campaign)
    members = campaign.definition.members
    treatments = [
        {**each, "State": _state(campaign, number)}
        for number, each in enumerate(
            cast("list[Mapping[str, object]]", members["AdditionalTreatments"]), 1
        )
    ]
    answer: dict[str, object] = {
        **members,
        "AdditionalTreatments": treatments,
        "ApplicationId": app.id,
        "Arn": tags.arn(resource, region),
        "CreationDate": instants.from_ms(campaign.created),
        "Id": campaign.id,
        "IsPaused": campaign.status == "PAUSED",
        "LastModifiedDate": instants.from_ms(max(campaign.modified, campaign.version_modified)),
        "State": {"CampaignStatus": campaign.status},
        "Version": campaign.version,
        "tags": tags.of(connection, resource),
    }
    if treatments:
        answer["DefaultState"] = _state(campaign, 0)
    return answer


def _state(campaign: Campaign, treatment: int) -> dict[str, object]:
    """Return the state of a treatment: the campaign's, unless that is made of the treatments'."""
    status = campaign.status
    if status in {"EXECUTING", "PENDING_NEXT_RUN"}:
        status = campaign.plan.statuses.get(treatment, status)
    return {"CampaignStatus": status}


FAMILY = Family(
    name="campaigns",
    operations={
        "CreateCampaign": Operation(
            create_campaign, note="messages go to the outbox, or to the operator's transports"
        ),
        "DeleteCampaign": Operation(delete_campaign),
        "GetCampaign": Operation(get_campaign),
        "GetCampaignActivities": Operation(get_campaign_activities),
        "GetCampaignVersion": Operation(get_campaign_version),
        "GetCampaignVersions": Operation(get_campaign_versions),
        "GetCampaigns": Operation(get_campaigns),
        "GetInAppMessages": Operation(
            get_in_app_messages, note="caps count what the app reports as shown"
        ),
        "UpdateCampaign": Operation(update_campaign),
    },
    held_of_person=SendData(),
    on_events=TriggerHook(),
    workers=workers,
    lane="campaigns",
)

"""Journeys: created, read, updated, published, paused, cancelled and deleted. They do not run.

What a journey may say stands in journeys/parsing.py, what a published one reports in
journeys/metrics.py.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import attrs

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.context import Family, Operation
from pinpoint_kit.engine.engagement import template_rows
from pinpoint_kit.engine.journeys import metrics, store
from pinpoint_kit.engine.journeys.parsing import (
    WRITABLE,
    check,
    check_complete,
    segments_of,
    templates_of,
)
from pinpoint_kit.engine.segments import store as segments
from pinpoint_kit.engine.wire import instants, paging
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request, conflict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.journeys.store import Journey

__all__ = ["FAMILY"]

_ACTIVE, _DRAFT = "ACTIVE", "DRAFT"
#: What the service sets itself.
_OURS = ("CreationDate", "LastModifiedDate")
#: State -> the states that UpdateJourneyState may give it.
_CHANGES = {
    "DRAFT": ("ACTIVE",),
    "ACTIVE": ("PAUSED", "CANCELLED"),
    "PAUSED": ("ACTIVE", "CANCELLED"),
    "CANCELLED": (),
}
#: Members that stay as they are while a journey is published.
_FIXED = ("Activities", "StartActivity", "StartCondition")


def create_journey(context: Context, call: Call) -> object:
    """CreateJourney: a draft, or a journey that is published at once."""
    with apps.checked_first(context, call.application_id):
        members, state = _read(call)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        journey = store.new(context, app, _DRAFT, members, call.now)
        _check_references(connection, journey)
        if state == _ACTIVE:
            journey = _published(context, connection, journey, call.now)
        store.add(connection, journey)
        return _rendered(app, journey)


def get_journey(context: Context, call: Call) -> object:
    """GetJourney."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        return _rendered(app, store.find(connection, app.number, _id(call)))


def list_journeys(context: Context, call: Call) -> object:
    """ListJourneys, in the order of creation."""
    size = paging.size(call.query)
    after = paging.number(call.query)
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        found = store.listed(connection, app.number, after, size + 1)
    return paging.page(
        found, size, lambda journey: journey.number, lambda journey: _rendered(app, journey)
    )


def update_journey(context: Context, call: Call) -> object:
    """UpdateJourney: as a whole. The service refuses one without State."""
    with apps.checked_first(context, call.application_id):
        members, state = _read(call)
        if state is None:
            raise bad_request("Missing State")
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        before = store.find(connection, app.number, _id(call))
        _check_change(before, members, state)
        after = attrs.evolve(before, members=members, modified=call.now)
        _check_references(connection, after)
        if state == _ACTIVE:
            after = _published(context, connection, after, call.now)
        store.save(connection, after)
        return _rendered(app, after)


def update_journey_state(context: Context, call: Call) -> object:
    """UpdateJourneyState: pauses, resumes and cancels; a draft becomes ACTIVE."""
    with apps.checked_first(context, call.application_id):
        state = cast("str | None", call.members().get("State"))
        if state is None:
            raise bad_request("Missing State")
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        before = store.find(connection, app.number, _id(call))
        allowed = _CHANGES[before.state]
        if state not in allowed:
            may = f"to {' or '.join(allowed)} only" if allowed else "no more"
            raise bad_request(f"A journey that is {before.state} can be changed {may}", ".State")
        after = attrs.evolve(before, state=state, modified=call.now)
        if before.state == _DRAFT:
            after = _published(context, connection, before, call.now)
        store.save(connection, after)
        return _rendered(app, after)


def delete_journey(context: Context, call: Call) -> object:
    """DeleteJourney: answer with what was deleted."""
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        journey = store.find(connection, app.number, _id(call))
        store.remove(connection, journey)
    context.store.scrub()
    return _rendered(app, journey)


def _read(call: Call) -> tuple[Mapping[str, object], str | None]:
    """Return the members of a request as they are stored, and the state that it asks for."""
    request = call.members(ignoring=_OURS)
    check(request)
    state = cast("str | None", request.pop("State", None))
    if state == _ACTIVE:
        check_complete(request)
    return request, state


def _check_change(before: Journey, members: Mapping[str, object], state: str) -> None:
    """Refuse what a published journey does not let be changed.

    Raises:
        ApiError: 409, as the service model has it for this operation alone.
    """
    if before.state not in WRITABLE:
        raise conflict(
            f"The journey is {before.state}; UpdateJourney changes one that is DRAFT or ACTIVE"
        )
    if before.state == _ACTIVE and state == _DRAFT:
        raise conflict("The journey is ACTIVE and cannot be a DRAFT again; cancel it")
    if before.state == _ACTIVE:
        for name in _FIXED:
            if members.get(name) != before.members.get(name):
                raise conflict(f"The journey is ACTIVE; its {name} cannot be changed")


def _check_references(connection: Connection, journey: Journey) -> None:
    """Refuse segments and templates that do not exist."""
    for segment_id, path in segments_of(journey.members):
        with _placed("names a segment that does not exist", path):
            segments.find(connection, journey.app, segment_id)
    for name, kind, version, path in templates_of(journey.members):
        template = template_rows.find(connection, name, kind)
        if template is None:
            raise bad_request("names a template that does not exist", path)
        if version is not None:
            with _placed("names a template in a version that does not exist", path):
                number = template_rows.version_number(version)
                template_rows.version_at(connection, template, number)


@contextmanager
def _placed(text: str, path: str) -> Iterator[None]:
    """Refuse with a place what the block does not find."""
    try:
        yield
    except ApiError:
        raise bad_request(text, path) from None


def _published(context: Context, connection: Connection, journey: Journey, now: int) -> Journey:
    """Return a journey that is ACTIVE, with a run that waits to begin."""
    check_complete(journey.members)
    if journey.state != _DRAFT:
        return journey
    _check_references(connection, journey)
    return attrs.evolve(journey, state=_ACTIVE, run=context.new_id(), published=now, modified=now)


def _id(call: Call) -> str:
    return call.labels["journey-id"]


def _rendered(app: App, journey: Journey) -> dict[str, object]:
    return {
        **journey.members,
        "ApplicationId": app.id,
        "CreationDate": instants.from_ms(journey.created),
        "Id": journey.id,
        "LastModifiedDate": instants.from_ms(journey.modified),
        "State": journey.state,
        "tags": {},
    }


_NO_RUN = "kept, checked and given back; journeys do not run"
_NOTHING = "zero: journeys do not run"

FAMILY = Family(
    name="journeys",
    operations={
        "CreateJourney": Operation(create_journey, "partial", _NO_RUN),
        "DeleteJourney": Operation(delete_journey),
        "GetJourney": Operation(get_journey),
        "GetJourneyExecutionActivityMetrics": Operation(
            metrics.get_activity_metrics, "partial", _NOTHING
        ),
        "GetJourneyExecutionMetrics": Operation(metrics.get_metrics, "partial", _NOTHING),
        "GetJourneyRunExecutionActivityMetrics": Operation(
            metrics.get_run_activity_metrics, "partial", _NOTHING
        ),
        "GetJourneyRunExecutionMetrics": Operation(metrics.get_run_metrics, "partial", _NOTHING),
        "GetJourneyRuns": Operation(
            metrics.get_runs, "partial", "one run, which never begins: journeys do not run"
        ),
        "ListJourneys": Operation(list_journeys),
        "UpdateJourney": Operation(update_journey, "partial", _NO_RUN),
        "UpdateJourneyState": Operation(update_journey_state, "partial", _NO_RUN),
    },
    held_of_person=None,
)

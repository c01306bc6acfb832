"""What a journey reports: one run that waits to begin, and zero for everything that is counted.

Journeys do not run here, so these answers are true and of the service's shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.journeys import store
from pinpoint_kit.engine.journeys.activities import Members, branches_of, metric_type_of
from pinpoint_kit.engine.wire import instants, paging
from pinpoint_kit.engine.wire.refusals import not_found

if TYPE_CHECKING:
    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.journeys.store import Journey

__all__ = [
    "get_activity_metrics",
    "get_metrics",
    "get_run_activity_metrics",
    "get_run_metrics",
    "get_runs",
]

#: "Journey execution metrics" of the developer guide.
_METRICS = (
    "ACTIVE_ENDPOINT_REJECTED",
    "CANCELLED",
    "ENDPOINT_ACTIVE",
    "ENDPOINT_ENTERED",
    "ENDPOINT_LEFT",
    "REENTRY_CAP_EXCEEDED",
)
#: The kinds whose metrics the guide names: how many went down each branch.
_SPLITS = ("MULTI_CONDITIONAL_SPLIT", "RANDOM_SPLIT")


def get_runs(context: Context, call: Call) -> object:
    """GetJourneyRuns: the run of a published journey."""
    size, after = paging.size(call.query), paging.number(call.query)
    journey = _journey(context, call)
    runs = [journey] if journey.run is not None and after < 1 else []
    return paging.page(runs, size, lambda _: 1, _run)


def get_metrics(context: Context, call: Call) -> object:
    """GetJourneyExecutionMetrics."""
    return _answer(call, _journey(context, call), dict.fromkeys(_METRICS, "0"))


def get_activity_metrics(context: Context, call: Call) -> object:
    """GetJourneyExecutionActivityMetrics."""
    return _of_activity(call, _journey(context, call))


def get_run_metrics(context: Context, call: Call) -> object:
    """GetJourneyRunExecutionMetrics."""
    journey = _with_run(context, call)
    return {**_answer(call, journey, dict.fromkeys(_METRICS, "0")), "RunId": journey.run}


def get_run_activity_metrics(context: Context, call: Call) -> object:
    """GetJourneyRunExecutionActivityMetrics."""
    journey = _with_run(context, call)
    return {**_of_activity(call, journey), "RunId": journey.run}


def _journey(context: Context, call: Call) -> Journey:
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        return store.find(connection, app.number, call.labels["journey-id"])


def _with_run(context: Context, call: Call) -> Journey:
    journey = _journey(context, call)
    if journey.run is None or journey.run != call.labels["run-id"]:
        raise not_found("Journey run not found")
    return journey


def _run(journey: Journey) -> dict[str, object]:
    return {
        "CreationTime": instants.from_ms(cast("int", journey.published)),
        "LastUpdateTime": instants.from_ms(journey.modified),
        "RunId": journey.run,
        "Status": "CANCELLED" if journey.state == "CANCELLED" else "SCHEDULED",
    }


def _of_activity(call: Call, journey: Journey) -> dict[str, object]:
    activities = cast("dict[str, Members]", journey.members.get("Activities", {}))
    activity_id = call.labels["journey-activity-id"]
    activity = activities.get(activity_id)
    if activity is None:
        raise not_found("Journey activity not found")
    kind, counts = metric_type_of(activity), {}
    if kind in _SPLITS:
        branches = range(1, len(branches_of(activity)) + 1)
        counts = {f"Branch_{number}": "0" for number in branches}
    return {
        **_answer(call, journey, counts),
        "ActivityType": kind,
        "JourneyActivityId": activity_id,
    }


def _answer(call: Call, journey: Journey, counts: dict[str, str]) -> dict[str, object]:
    return {
        "ApplicationId": call.application_id,
        "JourneyId": journey.id,
        "LastEvaluatedTime": instants.from_ms(call.now),
        "Metrics": counts,
    }

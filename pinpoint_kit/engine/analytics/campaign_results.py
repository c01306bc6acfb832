"""GetCampaignResults, an operation of our own: what came of each run of a campaign, and its people.

The service's KPIs give the same for 31 days at most, a number at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.analytics import deliveries
from pinpoint_kit.engine.analytics.deliveries import Counts, Span
from pinpoint_kit.engine.applications import store as apps

if TYPE_CHECKING:
    from pinpoint_kit.engine.context import Call, Context

__all__ = ["get_campaign_results"]

_FOR_EVER = 2**62


def get_campaign_results(context: Context, call: Call) -> object:
    """GetCampaignResults: of all time, by run and treatment."""
    campaign_id = call.labels["campaign-id"]
    with context.store.long_read() as connection:
        app = apps.require(connection, call.application_id)
        number = deliveries.require_campaign(connection, app.number, campaign_id)
        span = Span(app.number, 0, _FOR_EVER, ("campaign",), campaign=number)
        found = deliveries.counted(connection, span, "activity", "treatment")
        statuses = deliveries.statuses_of(connection, number)
        _, runs = deliveries.ids_of(connection, app.number)
    return {
        "CampaignId": campaign_id,
        "Runs": [
            _run(runs.get(activity or 0, ""), treatment or 0, counts)
            for (activity, treatment), counts in found
        ],
        "Statuses": statuses,
    }


def _run(activity_id: str, treatment: int, counts: Counts) -> dict[str, object]:
    return {
        "ActivityId": activity_id,
        "TreatmentId": str(treatment),
        "Attempted": counts.attempted,
        "Sent": counts.sent,
        "Delivered": counts.delivered,
        "Bounced": counts.hard,
        "Opened": counts.opened,
        "Clicked": counts.clicked,
        "Complained": counts.complained,
        "OptedOut": counts.opted_out,
    }

"""What answers this family's operations, by the operation's name: loaded when the first is asked.

Everything that needs metrics/ is reached from here, and only from here. GetMetric is here; what a
metric is stands in metrics/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.analytics import funnels, kpis
from pinpoint_kit.engine.analytics.asking import measured
from pinpoint_kit.engine.analytics.campaign_results import get_campaign_results
from pinpoint_kit.engine.analytics.finding import find_events
from pinpoint_kit.engine.analytics.people import create_metric_segment
from pinpoint_kit.engine.wire import body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.engine.context import Call, Context, Handler

__all__ = ["ANSWERS"]


def get_metric(context: Context, call: Call) -> object:
    """GetMetric: a metric by its name, with its arguments in the body."""
    arguments = body.parse_object(call.body) if call.body.strip() else {}
    return measured(context, call, call.labels["metric-name"], arguments).to_json()


ANSWERS: Mapping[str, Handler] = {
    "CreateFunnel": funnels.create_funnel,
    "CreateMetricSegment": create_metric_segment,
    "DeleteFunnel": funnels.delete_funnel,
    "FindEvents": find_events,
    "GetApplicationDateRangeKpi": kpis.get_application_kpi,
    "GetCampaignDateRangeKpi": kpis.get_campaign_kpi,
    "GetCampaignResults": get_campaign_results,
    "GetJourneyDateRangeKpi": kpis.get_journey_kpi,
    "GetMetric": get_metric,
    "ListFunnels": funnels.list_funnels,
}

"""The family of numbers: KPIs, metrics with arguments, stored events, funnels, people behind them.

GetMetric is here; what a metric is stands in metrics/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.analytics import funnels, kpis
from pinpoint_kit.engine.analytics.asking import measured
from pinpoint_kit.engine.analytics.finding import find_events
from pinpoint_kit.engine.analytics.people import create_metric_segment
from pinpoint_kit.engine.context import Family, Operation
from pinpoint_kit.engine.wire import body

if TYPE_CHECKING:
    from pinpoint_kit.engine.context import Call, Context

__all__ = ["FAMILY"]

_OWN_NAMES = "Pinpoint's names have no rows while nothing is sent; names of ours give app analytics"


def get_metric(context: Context, call: Call) -> object:
    """GetMetric: a metric by its name, with its arguments in the body."""
    arguments = body.parse_object(call.body) if call.body.strip() else {}
    return measured(context, call, call.labels["metric-name"], arguments).to_json()


FAMILY = Family(
    name="analytics",
    operations={
        "GetApplicationDateRangeKpi": Operation(kpis.get_application_kpi, "emulated", _OWN_NAMES),
        "GetCampaignDateRangeKpi": Operation(
            kpis.get_campaign_kpi, "partial", "no rows: there are no campaigns yet"
        ),
        "GetJourneyDateRangeKpi": Operation(
            kpis.get_journey_kpi, "partial", "no rows: there are no journeys yet"
        ),
    },
    extensions={
        "CreateFunnel": funnels.create_funnel,
        "CreateMetricSegment": create_metric_segment,
        "DeleteFunnel": funnels.delete_funnel,
        "FindEvents": find_events,
        "GetMetric": get_metric,
        "ListFunnels": funnels.list_funnels,
    },
    held_of_person=None,
    long_reads=frozenset(
        {"CreateMetricSegment", "FindEvents", "GetApplicationDateRangeKpi", "GetMetric"}
    ),
)

"""The family of numbers: KPIs, metrics with arguments, stored events, funnels, people behind them.

What answers is loaded with the first request for it: a program that only records needs neither
the metrics nor their SQL, and starts without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.context import Family, Operation

if TYPE_CHECKING:
    from pinpoint_kit.engine.context import Call, Context, Handler

__all__ = ["FAMILY"]

_OWN_NAMES = "Pinpoint's names count messages of the outbox; names of ours give app analytics"


def _handler(operation: str) -> Handler:
    def answer(context: Context, call: Call) -> object:
        from pinpoint_kit.engine.analytics.answers import ANSWERS  # noqa: PLC0415 -- loads metrics/

        return ANSWERS[operation](context, call)

    return answer


FAMILY = Family(
    name="analytics",
    operations={
        "GetApplicationDateRangeKpi": Operation(
            _handler("GetApplicationDateRangeKpi"), "emulated", _OWN_NAMES
        ),
        "GetCampaignDateRangeKpi": Operation(
            _handler("GetCampaignDateRangeKpi"),
            "emulated",
            "from the messages of the outbox and what was reported of them; prices are 0",
        ),
        "GetJourneyDateRangeKpi": Operation(
            _handler("GetJourneyDateRangeKpi"), "partial", "no rows: journeys do not run"
        ),
    },
    extensions={
        name: _handler(name)
        for name in (
            "CreateFunnel",
            "CreateMetricSegment",
            "DeleteFunnel",
            "FindEvents",
            "GetCampaignResults",
            "GetMetric",
            "ListFunnels",
        )
    },
    held_of_person=None,
    long_reads=frozenset(
        {
            "CreateMetricSegment",
            "FindEvents",
            "GetApplicationDateRangeKpi",
            "GetCampaignDateRangeKpi",
            "GetCampaignResults",
            "GetMetric",
        }
    ),
)

"""`present`: from a plain answer of metrics/ to the result that shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.analytics.results.cohorts import CohortTable
from pinpoint_kit.analytics.results.distribution import Distribution
from pinpoint_kit.analytics.results.funnel import Funnel
from pinpoint_kit.analytics.results.heat_map import HeatMap
from pinpoint_kit.analytics.results.money import MoneySeries
from pinpoint_kit.analytics.results.overview import Overview
from pinpoint_kit.analytics.results.series import Series
from pinpoint_kit.analytics.results.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.analytics.results.base import Result
    from pinpoint_kit.metrics.results import Result as Answer

__all__ = ["present"]

_BY_KIND: dict[str, Any] = {  # Any: each takes the answer of its own kind
    "series": Series,
    "money": MoneySeries,
    "distribution": Distribution,
    "heat_map": HeatMap,
    "cohorts": CohortTable,
    "funnel": Funnel,
    "timeline": Timeline,
    "overview": Overview,
}


def present(answer: Answer, arguments: Mapping[str, object]) -> Result:
    """Give the result that shows an answer.

    Args:
        answer: what metrics/ found.
        arguments: what was asked.
    """
    made: Result = _BY_KIND[answer.kind](about=answer.about, arguments=arguments, answer=answer)
    return made

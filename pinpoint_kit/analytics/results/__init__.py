"""What the verbs of analytics return: numbers as rows, with totals, charts, tables and frames."""

from pinpoint_kit.analytics.results.base import Result, Row
from pinpoint_kit.analytics.results.cohorts import CohortTable
from pinpoint_kit.analytics.results.distribution import Distribution
from pinpoint_kit.analytics.results.funnel import Funnel
from pinpoint_kit.analytics.results.heat_map import HeatMap
from pinpoint_kit.analytics.results.money import MoneySeries
from pinpoint_kit.analytics.results.overview import Overview
from pinpoint_kit.analytics.results.presenting import present
from pinpoint_kit.analytics.results.series import Series
from pinpoint_kit.analytics.results.timeline import Timeline, TimelineEntry

__all__ = [
    "CohortTable",
    "Distribution",
    "Funnel",
    "HeatMap",
    "MoneySeries",
    "Overview",
    "Result",
    "Row",
    "Series",
    "Timeline",
    "TimelineEntry",
    "present",
]

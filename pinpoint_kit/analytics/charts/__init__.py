"""Pictures of numbers as SVG: for notebooks and pages, in light and dark, without JavaScript.

Charts take plain labels and numbers and give text. They know no metric, no client and no page;
what is shown where is decided by whoever calls them. Every colour has a contrast of at least 3 to
white and to the usual dark backgrounds, and text takes the colour of the text around it, so one
picture serves both. No style attributes: a strict content security policy allows all of it.
"""

from pinpoint_kit.analytics.charts.bars import bar_chart
from pinpoint_kit.analytics.charts.cohorts import cohort_triangle
from pinpoint_kit.analytics.charts.figures import STYLE, data_table, figure
from pinpoint_kit.analytics.charts.funnels import funnel_chart
from pinpoint_kit.analytics.charts.grids import heat_map
from pinpoint_kit.analytics.charts.lines import line_chart, line_charts
from pinpoint_kit.analytics.charts.numbers import format_number
from pinpoint_kit.analytics.charts.sparklines import sparkline
from pinpoint_kit.analytics.charts.svg import COLOURS

__all__ = [
    "COLOURS",
    "STYLE",
    "bar_chart",
    "cohort_triangle",
    "data_table",
    "figure",
    "format_number",
    "funnel_chart",
    "heat_map",
    "line_chart",
    "line_charts",
    "sparkline",
]

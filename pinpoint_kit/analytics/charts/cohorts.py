"""Cohorts that come back: a row a cohort, a column a day after, the darker the more came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.analytics.charts.grids import shade
from pinpoint_kit.analytics.charts.numbers import format_number
from pinpoint_kit.analytics.charts.svg import ACCENT, clipped, drawing, element, text_of
from pinpoint_kit.models.display.counting import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["cohort_triangle"]

_WIDTH = 720
_LEFT = 130
_CELL = 22
_TOP = 22
#: Narrower cells have no room for their figure.
_FIGURE_WIDTH = 34
#: On cells darker than this, figures stand in white.
_DARK = 0.85


def cohort_triangle(title: str, cohorts: Sequence[tuple[str, int, Sequence[float | None]]]) -> str:
    """Draw a cohort table as SVG.

    Args:
        title: what is shown; it begins the summary for screen readers.
        cohorts: the name of each cohort, its size, and the share (0 to 1) that came back on each
            day after; None where that day is not over yet, which leaves the cell empty.

    Examples:
        >>> "50 %" in cohort_triangle("Retention", [("1 Oct", 4, [1.0, 0.5])])
        True
    """
    days = max((len(shares) for _, _, shares in cohorts), default=0)
    width = (_WIDTH - _LEFT) / max(1, days)
    every = max(1, -(-days // 15))
    parts = [
        element(
            "text",
            str(day),
            x=_LEFT + width * (day + 0.5),
            y=14,
            text_anchor="middle",
            fill_opacity=".75",
        )
        for day in range(0, days, every)
    ]
    for line, (name, size, shares) in enumerate(cohorts):
        y = _TOP + line * _CELL
        label = f"{clipped(name, 12)} ({format_number(size, is_brief=True)})"
        parts.append(element("text", text_of(label), x=_LEFT - 8, y=y + 15, text_anchor="end"))
        for day, share in enumerate(shares):
            if share is not None:
                parts.append(_cell(f"{name}, day {day}", share, _LEFT + width * day, y, width))
    summary = f"{title}: {counted(len(cohorts), 'cohort')}, {counted(days, 'day')}"
    return drawing(_WIDTH, _TOP + max(1, len(cohorts)) * _CELL, summary, *parts)


def _cell(place: str, share: float, x: float, y: float, width: float) -> str:
    shown = format_number(share, unit="%")
    box = element(
        "rect",
        element("title", f"{text_of(place)}: {shown}"),
        x=x + 1,
        y=y + 1,
        width=width - 2,
        height=_CELL - 2,
        rx=2,
        fill=ACCENT,
        fill_opacity=shade(share),
    )
    if width < _FIGURE_WIDTH:
        return box
    return box + element(
        "text",
        f"{round(share * 100)} %",
        x=x + width / 2,
        y=y + 15,
        text_anchor="middle",
        font_size=10,
        fill="#ffffff" if share > _DARK else "currentColor",
        pointer_events="none",
    )

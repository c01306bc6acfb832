"""Values of categories: a horizontal bar each, longest names and all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.analytics.charts.numbers import Number, format_number
from pinpoint_kit.analytics.charts.svg import ACCENT, REST, clipped, drawing, element, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["bar_chart"]

_WIDTH = 720
_ROW = 26
_NAMES = 170
_VALUES = 110
_NAME_CHARS = 23


def bar_chart(
    title: str,
    rows: Sequence[tuple[str, Number | None]],
    *,
    unit: str = "",
    rest: str | None = None,
) -> str:
    """Draw the values of categories as SVG, in the order given.

    Args:
        title: what is shown; it begins the summary for screen readers.
        rows: names and values of 0 or more; None where a value is not known.
        unit: `%` for ratios, or a word.
        rest: the name of the row that stands for the rest, drawn in grey.

    Examples:
        >>> "iOS" in bar_chart("Platforms", [("iOS", 12), ("Android", 30)])
        True
    """
    top = max((float(value) for _, value in rows if value is not None), default=0.0) or 1.0
    room = _WIDTH - _NAMES - _VALUES
    parts = []
    for index, (name, value) in enumerate(rows):
        y = index * _ROW
        shown = format_number(value, unit=unit)
        length = room * float(value) / top if value else 0.0
        parts.append(
            element(
                "g",
                element("title", f"{text_of(name)}: {text_of(shown)}"),
                element(
                    "text",
                    text_of(clipped(name, _NAME_CHARS)),
                    x=_NAMES - 8,
                    y=y + 17,
                    text_anchor="end",
                ),
                element(
                    "rect",
                    x=_NAMES,
                    y=y + 4,
                    width=max(length, 1.0),
                    height=_ROW - 8,
                    rx=2,
                    fill=REST if name == rest else ACCENT,
                ),
                element(
                    "text", text_of(shown), x=_NAMES + length + 6, y=y + 17, fill_opacity=".75"
                ),
            )
        )
    most = ", ".join(f"{name} {format_number(value, unit=unit)}" for name, value in rows[:5])
    return drawing(_WIDTH, max(_ROW, len(rows) * _ROW), f"{title}: {most or 'no values'}", *parts)

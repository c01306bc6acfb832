"""Two dimensions at once: a field of cells, the darker the more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.analytics.charts.numbers import Number, format_number
from pinpoint_kit.analytics.charts.svg import ACCENT, clipped, drawing, element, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["heat_map", "shade"]

_WIDTH = 720
_LEFT = 90
_CELL = 24
_TOP = 22
_FAINTEST = 0.06
_NAME_CHARS = 14


def shade(share: float) -> str:
    """Give the opacity of a cell from its share of the highest value, 0 to 1."""
    return f"{_FAINTEST + (1 - _FAINTEST) * max(0.0, min(1.0, share)):.2f}"


def heat_map(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[Number | None]],
    *,
    unit: str = "",
) -> str:
    """Draw a field of values as SVG, for example weekdays by hours.

    Args:
        title: what is shown; it begins the summary for screen readers.
        rows: the names of the rows.
        columns: the names of the columns.
        values: for each row a value for each column, 0 or more; None where it is not known.
        unit: a word behind each number.

    Examples:
        >>> heat_map("Sessions", ["Mon"], ["0", "1"], [[2, 7]]).count("<rect")
        2
    """
    top = max((float(v) for row in values for v in row if v is not None), default=0.0) or 1.0
    width = (_WIDTH - _LEFT) / max(1, len(columns))
    parts = []
    for index, name in enumerate(columns):
        parts.append(
            element(
                "text",
                text_of(clipped(name, 6)),
                x=_LEFT + width * (index + 0.5),
                y=14,
                text_anchor="middle",
                fill_opacity=".75",
            )
        )
    for line, (name, row) in enumerate(zip(rows, values, strict=True)):
        y = _TOP + line * _CELL
        label = text_of(clipped(name, _NAME_CHARS))
        parts.append(element("text", label, x=_LEFT - 8, y=y + 16, text_anchor="end"))
        for column, value in enumerate(row):
            shown = f"{name}, {columns[column]}: {format_number(value, unit=unit)}"
            parts.append(
                element(
                    "rect",
                    element("title", text_of(shown)),
                    x=_LEFT + width * column + 1,
                    y=y + 1,
                    width=width - 2,
                    height=_CELL - 2,
                    rx=2,
                    fill=ACCENT,
                    fill_opacity=shade(float(value or 0) / top),
                )
            )
    return drawing(_WIDTH, _TOP + len(rows) * _CELL, _summary(title, rows, columns, values), *parts)


def _summary(
    title: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[Number | None]],
) -> str:
    cells = [
        (float(value), f"{rows[line]}, {columns[column]}")
        for line, row in enumerate(values)
        for column, value in enumerate(row)
        if value
    ]
    if not cells:
        return f"{title}: no values"
    most, where = max(cells)
    return f"{title}: most at {where} ({format_number(most)})"

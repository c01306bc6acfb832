"""Values over time: a line a series, with gaps where a value is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.analytics.charts.numbers import Number, format_number, ticks
from pinpoint_kit.analytics.charts.svg import COLOURS, REST, clipped, drawing, element, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["line_chart"]

_WIDTH = 720
_HEIGHT = 240
_LEFT = 52
_RIGHT = 12
_TOP = 14
_BOTTOM = 26
_LEGEND = 20
_LABELS = 7
_LABEL_CHARS = 24
#: Points are drawn as dots, too, while there is room between them.
_MOST_DOTS = 32
_CHAR = 6.6


@attrs.frozen
class _Frame:
    """Where the drawing area lies, and the scale in it."""

    count: int
    top: float
    offset: int

    def x(self, index: int) -> float:
        span = _WIDTH - _LEFT - _RIGHT
        return _LEFT + span * (index + 0.5) / max(1, self.count)

    def y(self, value: float) -> float:
        span = _HEIGHT - _TOP - _BOTTOM
        return self.offset + _TOP + span * (1 - value / self.top)

    @property
    def step(self) -> float:
        return (_WIDTH - _LEFT - _RIGHT) / max(1, self.count)


def line_chart(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Number | None]],
    *,
    unit: str = "",
    rest: str | None = None,
) -> str:
    """Draw values over time as SVG.

    Args:
        title: what is shown; it begins the summary for screen readers.
        labels: one for each point of time, in order.
        series: the values by name, one for each label; None where a value is not known or not
            complete yet, which leaves a gap.
        unit: `%` for ratios, or a word.
        rest: the name of the series that stands for the rest, drawn in grey.

    Examples:
        >>> "<svg" in line_chart("Active", ["1 Oct", "2 Oct"], {"endpoints": [3, 5]})
        True
    """
    known = [float(value) for values in series.values() for value in values if value is not None]
    is_whole = all(value.is_integer() for value in known) and unit != "%"
    marks = ticks(max(known, default=0.0), is_whole=is_whole)
    has_legend = len(series) > 1
    offset = _LEGEND if has_legend else 0
    frame = _Frame(len(labels), marks[-1], offset)
    colours = _colours(list(series), rest)
    return drawing(
        _WIDTH,
        _HEIGHT + offset,
        _summary(title, labels, series, unit),
        _legend(colours) if has_legend else "",
        *(_mark(frame, mark, unit) for mark in marks),
        *_dates(frame, labels),
        *(_series(frame, values, colours[name]) for name, values in series.items()),
        *_hovers(frame, labels, series, unit),
    )


def _colours(names: Sequence[str], rest: str | None) -> dict[str, str]:
    others = [name for name in names if name != rest]
    found = {name: COLOURS[index % len(COLOURS)] for index, name in enumerate(others)}
    return {name: found.get(name, REST) for name in names}


def _summary(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Number | None]],
    unit: str,
) -> str:
    span = f"{labels[0]} to {labels[-1]}" if labels else "no days"
    parts = []
    for name, values in series.items():
        known = [value for value in values if value is not None]
        if known:
            low = format_number(min(known), unit=unit)
            high = format_number(max(known), unit=unit)
            parts.append(f"{name} from {low} to {high}")
    return f"{title}, {span}: {'; '.join(parts) or 'no values'}"


def _legend(colours: Mapping[str, str]) -> str:
    parts, left = [], float(_LEFT)
    for name, colour in colours.items():
        label = clipped(name, _LABEL_CHARS)
        if left + _CHAR * len(label) > _WIDTH:
            break  # the table beside the picture names all of them
        parts.append(element("rect", x=left, y=4, width=10, height=10, rx=2, fill=colour))
        parts.append(element("text", text_of(label), x=left + 15, y=13))
        left += 34 + _CHAR * len(label)
    return element("g", *parts)


def _mark(frame: _Frame, value: float, unit: str) -> str:
    y = frame.y(value)
    line = element(
        "line",
        x1=_LEFT,
        x2=_WIDTH - _RIGHT,
        y1=y,
        y2=y,
        stroke="currentColor",
        stroke_opacity=".35" if value == 0 else ".12",
    )
    text = format_number(value, unit=unit if unit == "%" else "", is_brief=True)
    return line + element(
        "text", text_of(text), x=_LEFT - 6, y=y + 4, text_anchor="end", fill_opacity=".75"
    )


def _dates(frame: _Frame, labels: Sequence[str]) -> list[str]:
    every = max(1, -(-len(labels) // _LABELS))
    return [
        element(
            "text",
            text_of(clipped(label, 12)),
            x=frame.x(index),
            y=frame.offset + _HEIGHT - 8,
            text_anchor="middle",
            fill_opacity=".75",
        )
        for index, label in enumerate(labels)
        if index % every == 0
    ]


def _series(frame: _Frame, values: Sequence[Number | None], colour: str) -> str:
    path, is_open, dots = [], False, []
    for index, value in enumerate(values):
        if value is None:
            is_open = False
            continue
        x, y = frame.x(index), frame.y(float(value))
        path.append(f"{'L' if is_open else 'M'}{x:.1f} {y:.1f}")
        before = values[index - 1] if index else None
        after = values[index + 1] if index + 1 < len(values) else None
        if len(values) <= _MOST_DOTS or (before is None and after is None):
            dots.append(element("circle", cx=x, cy=y, r=2.5, fill=colour))
        is_open = True
    line = element(
        "path",
        d="".join(path),
        fill="none",
        stroke=colour,
        stroke_width=2,
        stroke_linejoin="round",
        stroke_linecap="round",
    )
    return (line if path else "") + "".join(dots)


def _hovers(
    frame: _Frame,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Number | None]],
    unit: str,
) -> list[str]:
    """One invisible column for each point of time, whose title is what the mouse shows."""
    found = []
    for index, label in enumerate(labels):
        lines = [
            f"{name}: {format_number(values[index], unit=unit)}" for name, values in series.items()
        ]
        found.append(
            element(
                "rect",
                element("title", text_of(label) + "\n" + "\n".join(map(text_of, lines))),
                class_="pk-hover",
                x=frame.x(index) - frame.step / 2,
                y=frame.offset + _TOP,
                width=frame.step,
                height=_HEIGHT - _TOP - _BOTTOM,
                fill_opacity=0,
            )
        )
    return found

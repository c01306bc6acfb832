"""Values over time: a line a series, with gaps where a value is not known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from pinpoint_kit.analytics.charts.numbers import Number, format_number, ticks
from pinpoint_kit.analytics.charts.svg import (
    COLOURS,
    REST,
    clipped,
    drawing,
    element,
    rounded,
    text_of,
)

__all__ = ["line_chart", "line_charts"]

_WIDTH = 720
_HEIGHT = 240
_LEFT = 52
_RIGHT = 12
_TOP = 14
_BOTTOM = 26
_LEGEND = 20
_HEADING = 34
_LABELS = 7
_LABEL_CHARS = 24
_LEGEND_CHARS = 60
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


def line_chart(  # noqa: PLR0913 -- what a chart shows
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Number | None]],
    *,
    unit: str = "",
    rest: str | None = None,
    open_from: int | None = None,
) -> str:
    """Draw values over time as SVG.

    Args:
        title: what is shown; it begins the summary for screen readers.
        labels: one for each point of time, in order.
        series: the values by name, one for each label; None where a value is not known, which
            leaves a gap.
        unit: `%` for ratios, or a word.
        rest: the name of the series that stands for the rest, drawn in grey.
        open_from: the place of the first label that is not over yet: what leads there is dashed.

    Examples:
        >>> "<svg" in line_chart("Active", ["1 Oct", "2 Oct"], {"endpoints": [3, 5]})
        True
    """
    chart = _Chart(labels, series, unit, rest, open_from)
    return drawing(_WIDTH, chart.height, _summary(title, labels, series, unit), *chart.parts())


def line_charts(
    title: str,
    labels: Sequence[str],
    charts: Mapping[str, Mapping[str, Sequence[Number | None]]],
    *,
    rest: str | None = None,
    open_from: int | None = None,
) -> str:
    """Draw what cannot share a scale, such as currencies, as one line chart below the other.

    Args:
        title: as for `line_chart`.
        labels: as for `line_chart`.
        charts: the series of each chart, by what is written over it.
        rest: as for `line_chart`.
        open_from: as for `line_chart`.
    """
    parts, top = [], 0
    for name, series in charts.items():
        chart = _Chart(labels, series, "", rest, open_from)
        label = text_of(clipped(name, _LEGEND_CHARS))
        heading = element("text", label, x=_LEFT, y=top + 22, font_weight=600)
        inside = element("g", *chart.parts(), transform=f"translate(0 {top + _HEADING})")
        parts += [heading, inside]
        top += chart.height + _HEADING
    summaries = [_summary(name, labels, series, "") for name, series in charts.items()]
    return drawing(_WIDTH, top, f"{title}: {'; '.join(summaries)}", *parts)


@attrs.frozen
class _Chart:
    """A chart, as far as it does not stand in a drawing yet."""

    labels: Sequence[str]
    series: Mapping[str, Sequence[Number | None]]
    unit: str
    rest: str | None
    open_from: int | None

    @property
    def height(self) -> int:
        return _HEIGHT + (_LEGEND if len(self.series) > 1 else 0)

    def parts(self) -> list[str]:
        known = [float(v) for values in self.series.values() for v in values if v is not None]
        is_whole = all(value.is_integer() for value in known) and self.unit != "%"
        marks = ticks(max(known, default=0.0), is_whole=is_whole)
        frame = _Frame(len(self.labels), marks[-1], self.height - _HEIGHT)
        colours = _colours(list(self.series), self.rest)
        end = len(self.labels) if self.open_from is None else self.open_from
        return [
            _legend(colours) if len(self.series) > 1 else "",
            _rules(frame, marks),
            _marks(frame, marks, self.unit),
            _dates(frame, self.labels),
            *(_series(frame, values, colours[n], end) for n, values in self.series.items()),
            element(
                "g",
                *_hovers(frame, self.labels, self.series, self.unit, end),
                class_="pk-hover",
                fill_opacity=0,
            ),
        ]


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
    return element("g", *parts, class_="pk-legend")


def _rules(frame: _Frame, values: Sequence[float]) -> str:
    """Draw the line of 0, and fainter ones above it."""
    width = _WIDTH - _RIGHT - _LEFT
    found = {value: f"M{_LEFT} {rounded(frame.y(value))}h{width}" for value in values}
    zero = found.pop(0, "")
    return element(
        "g",
        element("path", d=zero, stroke_opacity=".35"),
        element("path", d="".join(found.values()), stroke_opacity=".12"),
        stroke="currentColor",
    )


def _marks(frame: _Frame, values: Sequence[float], unit: str) -> str:
    texts = [
        element(
            "text",
            text_of(format_number(value, unit=unit if unit == "%" else "", is_brief=True)),
            x=_LEFT - 6,
            y=frame.y(value) + 4,
        )
        for value in values
    ]
    return element("g", *texts, text_anchor="end", fill_opacity=".75")


def _dates(frame: _Frame, labels: Sequence[str]) -> str:
    every = max(1, -(-len(labels) // _LABELS))
    y = frame.offset + _HEIGHT - 8
    texts = [
        element("text", text_of(clipped(label, 12)), x=frame.x(index), y=y)
        for index, label in enumerate(labels)
        if index % every == 0
    ]
    return element("g", *texts, class_="pk-dates", text_anchor="middle", fill_opacity=".75")


def _series(frame: _Frame, values: Sequence[Number | None], colour: str, end: int) -> str:
    """Draw a line, dashed towards what is not over yet, from `end` on."""
    over: list[str] = []
    still: list[str] = []
    dots: list[str] = []
    full: list[str] = []
    last = ""
    for index, value in enumerate(values):
        if value is None:
            last = ""
            continue
        x, y = frame.x(index), frame.y(float(value))
        here = f"{rounded(x)} {rounded(y)}"
        path = still if index >= end else over
        path.append(
            f"M{last}L{here}" if last and path is still else f"{'L' if last else 'M'}{here}"
        )
        before = values[index - 1] if index else None
        after = values[index + 1] if index + 1 < len(values) else None
        if index >= end:
            dots.append(
                element("circle", cx=x, cy=y, r=2.5, fill="none", stroke=colour, stroke_width=1.5)
            )
        elif len(values) <= _MOST_DOTS or (before is None and after is None):
            full.append(
                f"M{here}h0"
            )  # a line of no length with round ends: short, as there are many
        last = here
    return (
        _line(over, colour)
        + _line(still, colour, stroke_dasharray="4 4")
        + _dots(full, colour)
        + "".join(dots)
    )


def _dots(path: Sequence[str], colour: str) -> str:
    if not path:
        return ""
    return element(
        "path",
        d="".join(path),
        stroke=colour,
        stroke_width=5,
        stroke_linecap="round",
        class_="pk-dots",
    )


def _line(path: Sequence[str], colour: str, **how: str) -> str:
    if not path:
        return ""
    return element(
        "path",
        d="".join(path),
        fill="none",
        stroke=colour,
        stroke_width=2,
        stroke_linejoin="round",
        stroke_linecap="round",
        **how,
    )


def _hovers(
    frame: _Frame,
    labels: Sequence[str],
    series: Mapping[str, Sequence[Number | None]],
    unit: str,
    end: int,
) -> list[str]:
    """One invisible column for each point of time, whose title is what the mouse shows.

    They are most of a page of charts, so each is as short as can be.
    """
    found = []
    top, height = frame.offset + _TOP, _HEIGHT - _TOP - _BOTTOM
    for index, label in enumerate(labels):
        when = label if index < end else f"{label}, not over yet"
        lines = [
            f"{name}: {format_number(values[index], unit=unit)}" for name, values in series.items()
        ]
        found.append(
            element(
                "path",
                element("title", text_of(when) + "\n" + "\n".join(map(text_of, lines))),
                d=f"M{rounded(frame.x(index) - frame.step / 2)} {top}"
                f"v{height}h{rounded(frame.step)}V{top}",
            )
        )
    return found

"""How many get from step to step: a bar a step, and what is lost between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.analytics.charts.numbers import format_number
from pinpoint_kit.analytics.charts.svg import ACCENT, clipped, drawing, element, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["funnel_chart"]

_WIDTH = 720
_ROW = 52
_NAMES = 190
_BAR = 26
_VALUES = 150
_NAME_CHARS = 28


def funnel_chart(title: str, steps: Sequence[tuple[str, int]]) -> str:
    """Draw a funnel as SVG.

    Args:
        title: what is shown; it begins the summary for screen readers.
        steps: the name of each step and how many reached it, in order.

    Examples:
        >>> "40 %" in funnel_chart("Purchase", [("page_view", 10), ("purchase", 4)])
        True
    """
    first = steps[0][1] if steps else 0
    room = _WIDTH - _NAMES - _VALUES
    parts = []
    for index, (name, count) in enumerate(steps):
        y = index * _ROW
        share = count / first if first else 0.0
        label = text_of(clipped(name, _NAME_CHARS))
        parts.append(element("text", label, x=_NAMES - 8, y=y + 18, text_anchor="end"))
        parts.append(_bar(name, count, share, room, y))
        if index:
            parts.append(_loss(steps[index - 1][1], count, y))
    whole = ", ".join(f"{name} {format_number(count)}" for name, count in steps)
    height = max(_ROW, len(steps) * _ROW - (_ROW - _BAR))
    return drawing(_WIDTH, height, f"{title}: {whole or 'no steps'}", *parts)


def _bar(name: str, count: int, share: float, room: int, y: int) -> str:
    shown = f"{format_number(count)} · {format_number(share, unit='%')}"
    return element(
        "g",
        element("title", f"{text_of(name)}: {text_of(shown)}"),
        element(
            "rect", x=_NAMES, y=y, width=room, height=_BAR, rx=3, fill=ACCENT, fill_opacity=".12"
        ),
        element(
            "rect",
            x=_NAMES,
            y=y,
            width=room * min(max(share, 0.002), 1.0),
            height=_BAR,
            rx=3,
            fill=ACCENT,
        ),
        element("text", text_of(shown), x=_NAMES + room + 8, y=y + 18),
    )


def _loss(before: int, count: int, y: int) -> str:
    lost = before - count
    share = lost / before if before else 0.0
    text = f"↓ {format_number(lost)} dropped off ({format_number(share, unit='%')})"
    if lost < 0:  # who clicks need not have been seen to open
        text = f"↑ {format_number(-lost)} more"
    return element("text", text_of(text), x=_NAMES + 4, y=y - 8, font_size=11, fill_opacity=".75")

"""SVG as text: elements, escaping, colours, and the frame that every chart has.

The only file that knows how SVG is written.
"""

from __future__ import annotations

import re
from html import escape
from typing import TypeAlias

__all__ = [
    "ACCENT",
    "COLOURS",
    "REST",
    "Attribute",
    "clipped",
    "drawing",
    "element",
    "rounded",
    "text_of",
]

Attribute: TypeAlias = str | int | float | None

ACCENT = "#2f7ebc"
#: The colour of "the rest".
REST = "#808080"
#: One for each series; contrast at least 3 to white and to #2b2b2b.
COLOURS = (
    *(ACCENT, "#c95f12", "#12876f", "#8d6cc0", "#d1478c", "#7a8a1f"),
    *("#d64545", "#b07d00", "#a86f4b", "#0f8fb3"),
)

#: Control characters, and marks that change the direction of the text behind them.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufffe\uffff]")
_ELLIPSIS = "…"


def text_of(text: object) -> str:
    """Escape a text, without the characters that could change what stands around it."""
    return escape(_UNSAFE.sub("\N{REPLACEMENT CHARACTER}", str(text)))


def clipped(text: str, most: int) -> str:
    """Cut a label to `most` characters; the whole of it belongs into a title or a table."""
    return text if len(text) <= most else text[: most - 1] + _ELLIPSIS


def rounded(value: float) -> str:
    """Write a number in tenths, as fine as a screen shows."""
    return f"{value:.1f}".removesuffix(".0")


def element(name: str, *children: str, **attributes: Attribute) -> str:
    """Write one element.

    Args:
        name: its name.
        children: what is inside, as finished markup.
        attributes: `_` stands for `-`, a trailing `_` keeps off a keyword; None leaves one out;
            numbers are rounded to tenths, as fine as a screen shows.
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None:
            continue
        shown = rounded(value) if isinstance(value, float) else str(value)
        parts.append(f'{key.rstrip("_").replace("_", "-")}="{text_of(shown)}"')
    head = " ".join(parts)
    return f"<{head}>{''.join(children)}</{name}>" if children else f"<{head}/>"


def drawing(width: int, height: int, summary: str, *children: str) -> str:
    """Write the picture; `summary` is what a screen reader says in its place."""
    return element(
        "svg",
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width} {height}",
        width="100%",
        role="img",
        aria_label=summary,
        class_="pk-chart",
        font_family="system-ui, sans-serif",
        font_size=12,
        fill="currentColor",
    )

"""Values as one line of text, for reprs and terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.analytics.charts.numbers import Number

__all__ = ["sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_UNKNOWN = "·"


def sparkline(values: Sequence[Number | None], *, width: int = 60) -> str:
    """Draw values as blocks, scaled from 0 to the highest.

    Args:
        values: numbers of 0 or more; None, which is drawn as a dot, where one is not known.
        width: at most so many characters; of more values, neighbours share one as their mean.

    Examples:
        >>> sparkline([0, 1, 4, None, 8])
        '▁▂▅·█'
    """
    shown = _squeezed(values, width)
    top = max((value for value in shown if value is not None), default=0.0) or 1.0
    return "".join(
        _UNKNOWN if value is None else _BLOCKS[round(max(0.0, value) / top * (len(_BLOCKS) - 1))]
        for value in shown
    )


def _squeezed(values: Sequence[Number | None], width: int) -> list[float | None]:
    count = len(values)
    if count <= width:
        return [None if value is None else float(value) for value in values]
    found: list[float | None] = []
    for index in range(width):
        group = values[index * count // width : (index + 1) * count // width]
        known = [float(value) for value in group if value is not None]
        found.append(sum(known) / len(known) if known else None)
    return found

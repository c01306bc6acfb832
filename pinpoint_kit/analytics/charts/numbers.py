"""Numbers and axes: what a figure looks like as text, and where the lines of a scale lie."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TypeAlias

__all__ = ["Number", "format_number", "ticks"]

Number: TypeAlias = int | float | Decimal

_THOUSANDS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_DIGITS = 3
#: A scale of less than this is drawn as one of nothing.
_LEAST = 1e-9
#: Above this, whole numbers are told apart by their first digits.
_PRECISE = 100


def format_number(value: Number | None, *, unit: str = "", is_brief: bool = False) -> str:
    """Format a number for people.

    Args:
        value: the number; None is shown as a dash, which says "not known".
        unit: `%` for ratios from 0 to 1, any other word behind the number.
        is_brief: whether to shorten it for an axis, as in `12.5k`.

    Examples:
        >>> format_number(1234567), format_number(1234567, is_brief=True)
        ('1,234,567', '1.23M')
        >>> format_number(0.4567, unit="%"), format_number(None)
        ('45.7 %', '—')
    """
    if value is None:
        return "—"
    if unit == "%":
        return f"{_plain(float(value) * 100)} %"
    text = _brief(float(value)) if is_brief else _plain(value)
    return f"{text} {unit}" if unit else text


def _plain(value: Number) -> str:
    if isinstance(value, Decimal):
        cents = value.quantize(Decimal("0.01")) if value.is_finite() else value
        return f"{cents if cents == value else value.normalize():,f}"
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    digits = 1 if abs(value) >= 1 else _DIGITS
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") or "0"


def _brief(value: float) -> str:
    for size, letter in _THOUSANDS:
        if abs(value) >= size:
            return f"{value / size:.{_DIGITS}g}{letter}"
    return f"{value:.{_DIGITS}g}"


def ticks(top: float, *, most: int = 4, is_whole: bool = False) -> list[float]:
    """Find round values from 0 to at least `top` for the lines of a scale.

    Args:
        top: the highest value that is drawn, 0 or more.
        most: at most so many steps.
        is_whole: whether steps between whole numbers mean nothing.

    Examples:
        >>> ticks(87)
        [0.0, 25.0, 50.0, 75.0, 100.0]
        >>> ticks(2, is_whole=True)
        [0.0, 1.0, 2.0]
    """
    if top < _LEAST or not math.isfinite(top):
        top = 1.0
    rough = top / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough * (1 - 1e-9))
    if is_whole:
        step = max(1.0, float(math.ceil(step)))
    count = max(1, math.ceil(top / step - 1e-9))
    return [round(step * index, 12) for index in range(count + 1)]

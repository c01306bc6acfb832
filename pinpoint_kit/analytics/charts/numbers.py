"""Numbers and axes: what a figure looks like as text, and where the lines of a scale lie."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TypeAlias

__all__ = ["Number", "format_number", "ticks"]

Number: TypeAlias = int | float | Decimal

_THOUSANDS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
_DIGITS = 3
#: What arithmetic with floats leaves behind so many decimals is no part of a number.
_MOST_DECIMALS = 9
#: Money has two, and more where it has more.
_CENTS = 2
#: Floats hold all whole numbers up to there; above it, their last digits mean nothing.
_EXACT = 2**53
#: A scale of less than this is drawn as one of nothing.
_LEAST = 1e-9


def format_number(value: Number | None, *, unit: str = "", is_brief: bool = False) -> str:
    """Format a number for people.

    Whole numbers and money have all their digits. What lies between whole numbers is rounded: to
    one decimal from 10 on, and from 1 % on; to two from 1 on; to three below. Rounding neither
    makes 10 of 9.996, nor 100 % of a share that is less, nor 0 of something: such a number has more
    decimals, up to nine. Only on an axis it may, where 999,999 is `1M`.

    Args:
        value: the number; None is shown as a dash, which says "not known".
        unit: `%` for ratios from 0 to 1, any other word behind the number.
        is_brief: whether to shorten it to three digits for an axis, as in `12.5k`.

    Examples:
        >>> format_number(1234567), format_number(1234567, is_brief=True)
        ('1,234,567', '1.23M')
        >>> format_number(9.99), format_number(9.996), format_number(12.345)
        ('9.99', '9.996', '12.3')
        >>> format_number(0.4567, unit="%"), format_number(0.9996, unit="%"), format_number(None)
        ('45.7 %', '99.96 %', '—')
    """
    if value is None:
        return "—"
    if unit == "%":
        return f"{_rounded(float(value) * 100, decimals=1)} %"
    if is_brief:
        text = _brief(float(value))
    elif isinstance(value, Decimal):
        text = _money(value)
    else:
        text = f"{value:,}" if isinstance(value, int) else _rounded(value, decimals=2)
    return f"{text} {unit}" if unit else text


def _money(value: Decimal) -> str:
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int):  # no number, or an infinite one
        return str(value)
    decimals = max(_CENTS, -exponent)
    text = f"{value:,.{decimals}f}"
    return text[: len(text) - decimals + _CENTS] + text[len(text) - decimals + _CENTS :].rstrip("0")


def _rounded(value: float, decimals: int) -> str:
    """Round a number; to so many decimals from 1 on."""
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= _EXACT:
        return f"{value:.{_DIGITS}g}"
    if value.is_integer():
        return f"{int(value):,}"
    if abs(value) >= 10:  # noqa: PLR2004 -- one digit more before the point
        decimals = 1
    elif abs(value) < 1:
        decimals = _DIGITS
    top = next(10.0**n for n in range(17) if abs(value) < 10.0**n)
    for more in range(decimals, _MOST_DECIMALS + 1):
        text = f"{abs(value):,.{more}f}".rstrip("0").rstrip(".")
        if 0 < float(text.replace(",", "")) < top:
            break
    return f"-{text}" if value < 0 and text != "0" else text


def _brief(value: float) -> str:
    for size, letter in _THOUSANDS:
        # From 999.5 on, three digits are a thousand, and so one of the next size.
        if size * 0.9995 <= abs(value) < _THOUSANDS[0][0] * 999.5:
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

"""Everyday values as what Pinpoint takes: texts, numbers and instants.

One table of conversions for all that a program hands over loosely: what `record` is given, and
the cells of rows and data frames. Models check instead of converting. Nothing here knows a limit
or a wire name.

| given | in attributes | in metrics |
| --- | --- | --- |
| text | as it is | the number that it writes |
| `True`, `False` | `true`, `false` | 1, 0 |
| int, float, `Decimal`, `Fraction` | plain digits | the number |
| `UUID`, IP address, path | its text | |
| member of an `Enum` | its value, converted | its value, converted |
| datetime, date | ISO 8601 with `Z`; naive is UTC | |
| `None` | left out | left out |
| NaN, infinity, NaT | left out, and counted | left out, and counted |
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import math
import numbers
import pathlib
import re
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from uuid import UUID

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.base import instant, iso

if TYPE_CHECKING:
    from fractions import Fraction

__all__ = [
    "UNUSABLE",
    "AttributeValue",
    "Id",
    "MetricValue",
    "Moment",
    "Unusable",
    "attribute_text",
    "id_text",
    "metric_number",
    "moment",
]

#: What the value of an attribute may be.
AttributeValue: TypeAlias = (
    "str | bool | int | float | Decimal | Fraction | UUID | Enum | dt.date | ipaddress.IPv4Address"
    " | ipaddress.IPv6Address | pathlib.PurePath | None"
)
#: What the value of a metric may be.
MetricValue: TypeAlias = "bool | int | float | Decimal | Fraction | str | Enum | None"
#: What an id may be.
Id: TypeAlias = "str | int | UUID"
#: An instant: a datetime or a date, ISO 8601 text, seconds or milliseconds since 1970.
Moment: TypeAlias = "dt.datetime | dt.date | str | int | float"


class _Kind(Enum):
    UNUSABLE = "unusable"


#: The value exists but is not a number or an instant that JSON could hold: leave it out, count it.
UNUSABLE: Final = _Kind.UNUSABLE
Unusable: TypeAlias = Literal[_Kind.UNUSABLE]

_TEXTUAL = (UUID, ipaddress.IPv4Address, ipaddress.IPv6Address, pathlib.PurePath)
#: Larger numbers have more digits than any attribute may hold.
_MOST_DIGITS = 1_000
_MOST_BITS = 3_000
#: From here on, a number means milliseconds: as seconds it is the year 5138, as milliseconds 1973.
_FIRST_MS = 100_000_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
#: Seconds or milliseconds since 1970, written as text: 10 or 13 digits.
_EPOCH_TEXT = re.compile(r"\d{10}(?:\.\d+|\d{3})?")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)


def attribute_text(  # noqa: PLR0911 -- one line for each row of the table
    value: object, path: str
) -> str | Unusable | None:
    """Return the text of an attribute's value.

    Args:
        value: what was given; see the table above.
        path: where it stands, for the error.

    Returns:
        The text; None for None; `UNUSABLE` for NaN, infinity and NaT.

    Raises:
        InvalidTypeError: it is none of the types of the table.

    Examples:
        >>> [attribute_text(value, "$") for value in (True, 1e-7, Decimal("1E3"))]
        ['true', '0.0000001', '1000']
    """
    kind = type(value)
    if kind is str or value is None:
        return value  # type: ignore[return-value]  # mypy does not narrow by `type`
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, Enum):
        return attribute_text(value.value, path)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, dt.date):
        return _instant_text(value, path)
    if isinstance(value, (numbers.Number, Decimal)):
        return _digits(value, path)
    if isinstance(value, _TEXTUAL):
        return str(value)
    plain = _unboxed(value)
    if plain is not value:
        return attribute_text(plain, path)
    raise InvalidTypeError(
        f"expected text, a number, a date or the like, got {_name(value)}: convert it with str()",
        path,
    )


def _instant_text(value: dt.date, path: str) -> str | Unusable:
    if value != value:  # noqa: PLR0124 -- pandas' NaT, which is a datetime that equals nothing
        return UNUSABLE
    return iso(moment(value, path))


def _digits(value: object, path: str) -> str | Unusable:
    """Return a number without an exponent."""
    if isinstance(value, Decimal):
        if not value.is_finite():
            return UNUSABLE
        return format(value, "f") if abs(value.adjusted()) < _MOST_DIGITS else UNUSABLE
    if isinstance(value, numbers.Integral):
        number = int(value)
        return str(number) if number.bit_length() < _MOST_BITS else UNUSABLE
    real = _real(value, path)
    if real is UNUSABLE:
        return UNUSABLE
    text = repr(real)
    return format(Decimal(text), "f") if "e" in text else text


def metric_number(value: object, path: str) -> float | Unusable | None:
    """Return the number of a metric's value.

    Args:
        value: what was given; see the table above.
        path: where it stands, for the error.

    Returns:
        A finite 64-bit float; None for None; `UNUSABLE` for what no such float can hold.

    Raises:
        InvalidTypeError: it is none of the types of the table.
        ValidationError: it is text that writes no number.

    Examples:
        >>> metric_number("9.99", "$"), metric_number(True, "$"), metric_number(Decimal(2), "$")
        (9.99, 1.0, 2.0)
    """
    if type(value) is float and -math.inf < value < math.inf:
        return value
    if value is None:
        return None
    if isinstance(value, Enum):
        return metric_number(value.value, path)
    if isinstance(value, str):
        return _written(value, path)
    return _real(value, path)


def _written(text: str, path: str) -> float | Unusable:
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return _real(float(text), path)
    if _NO_NUMBER.fullmatch(text):
        return UNUSABLE
    raise ValidationError("is text that writes no number: pass a number", path, "not_a_number")


def _real(value: object, path: str) -> float | Unusable:
    try:
        number = float(value)  # type: ignore[arg-type]  # what is no number raises a TypeError
    except (TypeError, ValueError):
        raise InvalidTypeError(f"expected a number, got {_name(value)}: pass a float", path) from (
            None
        )
    except OverflowError:
        return UNUSABLE
    return number if math.isfinite(number) else UNUSABLE


def id_text(value: object, path: str) -> str:
    """Return an id as text.

    Args:
        value: text, a whole number, a UUID, or a member of an `Enum` that has one of these.
        path: where it stands, for the error.

    Raises:
        InvalidTypeError: it is something else.
    """
    if type(value) is str:  # the usual case
        return value
    if isinstance(value, Enum):
        return id_text(value.value, path)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(int(value))
    raise InvalidTypeError(f"expected an id as text, got {_name(value)}: pass a str", path)


def moment(value: object, path: str) -> dt.datetime:
    """Return an aware UTC datetime of whole milliseconds.

    Args:
        value: a datetime (naive is UTC), a date (its midnight in UTC), ISO 8601 text, or seconds
            or milliseconds since 1970, told apart by size: from 100,000,000,000 on, milliseconds.
        path: where it stands, for the error.

    Raises:
        InvalidTypeError: it is something else.
        ValidationError: it is no instant of the years 1 to 9999.

    Examples:
        >>> moment(1_793_361_600, "$") == moment("1793361600000", "$")
        True
        >>> moment(dt.date(2026, 10, 30), "$").isoformat()
        '2026-10-30T00:00:00+00:00'
    """
    field = path.removeprefix("$.")
    value = _unboxed(value)
    if isinstance(value, str) and _EPOCH_TEXT.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, dt.datetime):
        if value != value:  # noqa: PLR0124 -- pandas' NaT
            raise ValidationError("is no instant (NaT): leave it out", path)
        # Without the subclass, whose own arithmetic may differ (pandas keeps nanoseconds).
        value = value if type(value) is dt.datetime else _plain(value)
    elif isinstance(value, dt.date):
        value = dt.datetime.combine(value, dt.time(), dt.timezone.utc)
    elif isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        value = _since_1970(float(value), path)
    found = instant(value, field)  # type: ignore[arg-type]  # it says what is wrong with others
    if found is None:
        raise InvalidTypeError("expected an instant, got None: leave it out", path)
    return found


def _plain(value: dt.datetime) -> dt.datetime:
    return dt.datetime.combine(value.date(), value.timetz()).replace(fold=value.fold)


def _since_1970(number: float, path: str) -> dt.datetime:
    try:
        ms = number if abs(number) >= _FIRST_MS else number * 1000
        return _EPOCH + dt.timedelta(milliseconds=math.floor(ms))
    except (OverflowError, ValueError):
        raise ValidationError(
            "is outside of the years 1 to 9999: pass seconds or milliseconds since 1970", path
        ) from None


def _unboxed(value: object) -> object:
    """Return what a scalar of NumPy holds, as Python's own type; other values as they are."""
    if not type(value).__module__.startswith("numpy"):
        return value
    if hasattr(value, "astype") and type(value).__name__ == "datetime64":
        value = value.astype("datetime64[ms]")
    return value.item() if hasattr(value, "item") else value


def _name(value: object) -> str:
    return type(value).__name__

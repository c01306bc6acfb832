"""The helpers of numbers. All reckon in decimals, so that 0.1 and 0.2 make 0.3."""

from __future__ import annotations

import decimal
from decimal import Decimal

from pinpoint_kit.templating.bounds import MAX_DIGITS
from pinpoint_kit.templating.helpers.arguments import Given, Helper, number, text
from pinpoint_kit.templating.rendering import Refusal
from pinpoint_kit.templating.values import is_empty

__all__ = ["HELPERS"]

#: Enough for a product of two numbers of the longest kind.
_CONTEXT = decimal.Context(prec=4 * MAX_DIGITS, rounding=decimal.ROUND_HALF_UP)
_LARGEST = Decimal(10) ** MAX_DIGITS
_SMALLEST = Decimal(1).scaleb(-MAX_DIGITS)
#: What the guide's example of a quotient shows.
_QUOTIENT = Decimal(1).scaleb(-8)
_WHOLE = Decimal(1)
_HALF = Decimal("0.5")


def _result(value: Decimal) -> Decimal:
    if abs(value) >= _LARGEST:
        raise Refusal(f"makes a number of more than {MAX_DIGITS} digits")
    return _CONTEXT.quantize(value, _SMALLEST).normalize(_CONTEXT)


def _add(given: Given) -> Decimal:
    return _result(_CONTEXT.add(number(given, 0), number(given, 1)))


def _subtract(given: Given) -> Decimal:
    return _result(_CONTEXT.subtract(number(given, 0), number(given, 1)))


def _multiply(given: Given) -> Decimal:
    return _result(_CONTEXT.multiply(number(given, 0), number(given, 1)))


def _divisor(given: Given) -> Decimal:
    found = number(given, 1)
    if not found:
        raise Refusal("is 0, and nothing can be divided by it", 1)
    return found


def _divide(given: Given) -> Decimal:
    quotient = _result(_CONTEXT.divide(number(given, 0), _divisor(given)))
    return _CONTEXT.quantize(quotient, _QUOTIENT).normalize(_CONTEXT)


def _modulo(given: Given) -> Decimal:
    """Return the remainder; it has the sign of what is divided."""
    one, other = number(given, 0), _divisor(given)
    quotient = _CONTEXT.divide(one, other)
    if abs(quotient) >= _LARGEST:
        raise Refusal(f"makes a number of more than {MAX_DIGITS} digits")
    return _result(_CONTEXT.remainder(one, other))


def _ceiling(given: Given) -> Decimal:
    return number(given, 0).to_integral_value(decimal.ROUND_CEILING)


def _floor(given: Given) -> Decimal:
    return number(given, 0).to_integral_value(decimal.ROUND_FLOOR)


def _round(given: Given) -> Decimal:
    """Round to the nearest whole number; a half goes up, as in Java."""
    return _CONTEXT.add(number(given, 0), _HALF).to_integral_value(decimal.ROUND_FLOOR)


def _inflect(given: Given) -> str:
    """Return the word for one or for several, with the number before it when asked for."""
    count = number(given, 0)
    word = text(given, 1) if count == 1 else text(given, 2)
    if is_empty(given.options.get("includeCount")):
        return word
    return f"{format(count.normalize(_CONTEXT), 'f')} {word}"


def _ordinalize(given: Given) -> str:
    count = number(given, 0)
    if count != count.to_integral_value():
        raise Refusal("must be a whole number", 0)
    digits = format(count.to_integral_value(), "f")
    if digits[-2:] in {"11", "12", "13"}:
        return digits + "th"
    return digits + {"1": "st", "2": "nd", "3": "rd"}.get(digits[-1], "th")


HELPERS = {
    "add": Helper(_add, 2, 2),
    "ceiling": Helper(_ceiling, 1, 1),
    "divide": Helper(_divide, 2, 2),
    "floor": Helper(_floor, 1, 1),
    "inflect": Helper(_inflect, 3, 3, frozenset({"includeCount"})),
    "modulo": Helper(_modulo, 2, 2),
    "multiply": Helper(_multiply, 2, 2),
    "ordinalize": Helper(_ordinalize, 1, 1),
    "round": Helper(_round, 1, 1),
    "subtract": Helper(_subtract, 2, 2),
}

"""The helpers that answer yes or no: eq, neq, gt, gte, lt, lte, and, or, not, if, unless."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import attrs

from pinpoint_kit.templating.bounds import MAX_VALUES
from pinpoint_kit.templating.rendering import Refusal
from pinpoint_kit.templating.values import Value, is_empty, is_missing, single

__all__ = ["CONDITIONS", "Condition"]

_NUMBERS = (int, float, Decimal)


@attrs.frozen
class Condition:
    """A helper that holds or not: as a block, or as a value with `yes=` and `no=`."""

    holds: Callable[[Sequence[Value]], bool]
    least: int
    most: int


def _is_number(value: Value) -> bool:
    return isinstance(value, _NUMBERS) and not isinstance(value, bool)


def _decimal(value: Value) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def _eq(args: Sequence[Value]) -> bool:
    """Compare text with text and number with number: "7" is not 7."""
    one, other = single(args[0]), single(args[1])
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if _is_number(one) and _is_number(other):
        return _decimal(one) == _decimal(other)
    return one == other or (is_missing(one) and is_missing(other))


def _compared(args: Sequence[Value]) -> int:
    """Return -1, 0 or 1; two texts compare as text, so that "9" is greater than "17"."""
    one, other = single(args[0]), single(args[1])
    for place, value in enumerate((one, other)):
        if is_missing(value):
            raise Refusal("has no value: give it a default, or ask with if", place)
    if isinstance(one, str) and isinstance(other, str):
        return (one > other) - (one < other)
    if isinstance(one, bool) and isinstance(other, bool):
        return one - other
    if _is_number(one) and _is_number(other):
        first, second = _decimal(one), _decimal(other)
        return (first > second) - (first < second)
    raise Refusal("cannot be compared: both must be texts, or both numbers", 0)


def _all(args: Sequence[Value]) -> bool:
    return not any(map(is_empty, args))


def _any(args: Sequence[Value]) -> bool:
    return not all(map(is_empty, args))


CONDITIONS = {
    "and": Condition(_all, 2, MAX_VALUES),
    "eq": Condition(_eq, 2, 2),
    "gt": Condition(lambda args: _compared(args) > 0, 2, 2),
    "gte": Condition(lambda args: _compared(args) >= 0, 2, 2),
    "if": Condition(lambda args: not is_empty(args[0]), 1, 1),
    "lt": Condition(lambda args: _compared(args) < 0, 2, 2),
    "lte": Condition(lambda args: _compared(args) <= 0, 2, 2),
    "neq": Condition(lambda args: not _eq(args), 2, 2),
    "not": Condition(lambda args: is_empty(args[0]), 1, 1),
    "or": Condition(_any, 2, MAX_VALUES),
    "unless": Condition(lambda args: is_empty(args[0]), 1, 1),
}

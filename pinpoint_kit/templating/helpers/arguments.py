"""How helpers read their arguments. A list of one counts as its item."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

import attrs

from pinpoint_kit.templating.bounds import MAX_DIGITS
from pinpoint_kit.templating.rendering import Refusal
from pinpoint_kit.templating.values import Layers, Value, is_list, is_missing, printed, single

__all__ = [
    "Given",
    "Helper",
    "HelperFunction",
    "number",
    "text",
    "text_option",
    "whole",
]

_NUMBER = re.compile(rf"[+-]?[0-9]{{1,{MAX_DIGITS}}}(?:\.[0-9]{{1,{MAX_DIGITS}}})?")
_LARGEST = Decimal(10) ** MAX_DIGITS


@attrs.frozen
class Given:
    """What a helper is given.

    Attributes:
        args: the values, in their order.
        options: the values with a name: `size=19`.
        now: gives the time of the rendering, aware.
    """

    args: Sequence[Value]
    options: Mapping[str, Value]
    now: dt.datetime

    def arg(self, place: int, default: Value = None) -> Value:
        """Return an argument, a list of one as its item."""
        return single(self.args[place]) if place < len(self.args) else default


class HelperFunction(Protocol):
    """Makes a value of what a helper is given."""

    def __call__(self, given: Given, /) -> Value:
        """Return the value.

        Raises:
            Refusal: it cannot be made of these arguments.
        """


@attrs.frozen
class Helper:
    """A helper that gives a value.

    Attributes:
        function: makes it.
        least: arguments that it needs.
        most: arguments that it takes.
        options: names that it takes.
    """

    function: HelperFunction
    least: int
    most: int
    options: frozenset[str] = frozenset()


def text(given: Given, place: int) -> str:
    """Return an argument as text.

    Raises:
        Refusal: it has no value, or is a map or a list of several.
    """
    value = given.arg(place)
    if is_missing(value):
        raise Refusal("has no value: give it a default, or ask with if", place)
    if isinstance(value, (Mapping, Layers)) or is_list(value):
        raise Refusal("is not a single value: name a part of it, such as .[0]", place)
    return printed(value)


def text_option(given: Given, name: str, default: str) -> str:
    """Return an option as text."""
    value = single(given.options.get(name))
    return default if value is None else printed(value)


def number(given: Given, place: int) -> Decimal:
    """Return an argument as a number; texts of digits count.

    Raises:
        Refusal: it is none.
    """
    value = given.arg(place)
    if isinstance(value, bool) or is_missing(value):
        raise Refusal("has no number: give it a default, or ask with if", place)
    if isinstance(value, Decimal):
        return value
    if isinstance(value, (int, float)):
        found = Decimal(repr(value))
        if not found.is_finite() or abs(found) >= _LARGEST:
            raise Refusal(f"is no number of at most {MAX_DIGITS} digits", place)
        return found
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    raise Refusal(f"is no number of at most {MAX_DIGITS} digits, such as 7 or 2.5", place)


def whole(value: Value, place: int, least: int, most: int) -> int:
    """Return a value as a whole number within bounds; `place` is whose argument it is.

    Raises:
        Refusal: it is none.
    """
    value = single(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
        inside = least <= value <= most
        if inside and value == int(value):
            return int(value)
    raise Refusal(f"must be a whole number from {least} to {most}", place)

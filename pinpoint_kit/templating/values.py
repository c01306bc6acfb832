"""What a value is: a text, a number, true or false, null, a list, or a map. Nothing else exists.

Only keys of maps and places of lists are ever looked up, never attributes of Python's objects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias, TypeGuard

__all__ = [
    "Layers",
    "Value",
    "escaped",
    "is_empty",
    "is_list",
    "is_missing",
    "member",
    "printed",
    "single",
    "walk",
]

#: `object`, since JSON's values nest.
Value: TypeAlias = object

_has_special = re.compile("[&<>\"'`=]").search
#: The ampersand first, since the others make some.
_ENTITIES = (
    ("&", "&amp;"),
    ("<", "&lt;"),
    (">", "&gt;"),
    ('"', "&quot;"),
    ("'", "&#x27;"),
    ("`", "&#x60;"),
    ("=", "&#x3D;"),
)
_PLACE = re.compile("[0-9]{1,9}")


class Layers:
    """Several maps as one: what the first does not have is looked up in the next."""

    __slots__ = ("maps",)

    def __init__(self, maps: tuple[Mapping[str, Value], ...]) -> None:
        self.maps = maps

    def find(self, names: tuple[str, ...]) -> Value:
        """Return the first value that is not missing; maps of the same name stay layers."""
        if not names:
            return self
        maps: list[Mapping[str, Value]] = []
        for layer in self.maps:
            value = walk(layer, names)
            if value is None:
                continue
            kind = value.__class__
            if kind is list:
                if not value:
                    continue
            elif kind is not str and isinstance(value, Mapping):
                maps.append(value)
                continue
            if not maps:
                return value
        if len(maps) > 1:
            return Layers(tuple(maps))
        return maps[0] if maps else None

    def merged(self) -> dict[str, Value]:
        """Return one map, in which the first layer wins."""
        found: dict[str, Value] = {}
        for layer in reversed(self.maps):
            found.update(layer)
        return found


def walk(value: Value, names: tuple[str, ...]) -> Value:
    """Return what a path leads to, None where it leads nowhere."""
    for name in names:
        if type(value) is dict:
            value = value.get(name)
        elif type(value) is list and name == "0":
            value = value[0] if value else None
        elif value is None:
            return None
        else:
            value = member(value, name)
    return value


def member(value: Value, name: str) -> Value:
    """Return one member, None when there is none. A text counts as a list of itself."""
    if is_list(value):
        if name == "length":
            return len(value)
        place = int(name) if _PLACE.fullmatch(name) else len(value)
        return value[place] if place < len(value) else None
    if isinstance(value, str):
        return value if name == "0" else None
    if isinstance(value, Layers):
        return value.find((name,))
    return value.get(name) if isinstance(value, Mapping) else None


def is_list(value: Value) -> TypeGuard[list[Value]]:
    """Whether a value is a list."""
    return isinstance(value, (list, tuple))


def is_missing(value: Value) -> bool:
    """Whether there is no value: null, or a list without items."""
    return value is None or value == []


def is_empty(value: Value) -> bool:
    """Whether `if` takes a value for false: null, "", an empty list, false, 0."""
    return not value and not isinstance(value, (Mapping, Layers))


def single(value: Value) -> Value:
    """Return the item of a list of one, other values as they are."""
    while is_list(value) and len(value) == 1:
        value = value[0]
    return value


def printed(value: Value) -> str:  # noqa: PLR0911 -- one for each kind of value
    """Return a value as a message shows it.

    The items of a list are joined by commas, so that a list of one shows its item. Null and maps
    show nothing.
    """
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, (Mapping, Layers)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (float, Decimal)):
        return _number(value)
    if is_list(value):
        return ",".join([printed(item) for item in value])
    return ""


def escaped(text: str) -> str:
    """Return a text for HTML, with the entities that Handlebars uses."""
    if text.isalnum() or not _has_special(text):
        return text
    for character, entity in _ENTITIES:
        if character in text:
            text = text.replace(character, entity)
    return text


def _number(value: float | Decimal) -> str:
    """In plain digits, without a point where it is whole."""
    number = Decimal(repr(value)) if isinstance(value, float) else value
    if not number.is_finite():
        return ""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text

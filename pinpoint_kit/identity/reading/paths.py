"""Where a value stands in a record: `actor.id`, `events.0.name`, `target[type=User].id`.

A missing, null or wrongly typed member on the way is no error: the value is missing. A member is
found in lower case too, because log pipelines often write all names so.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.reading.values import text

__all__ = ["Find", "Path", "Paths", "compiled", "finder", "first_text", "value_at"]

#: One step: the name, the name in lower case, and a condition on the items of a list.
_Step: TypeAlias = tuple[str, str, tuple[str, str] | None]
Path: TypeAlias = tuple[_Step, ...]
#: Alternatives, best first.
Paths: TypeAlias = tuple[Path, ...]
#: Finds the text of a field in a record.
Find: TypeAlias = Callable[[object], "str | None"]

_STEP = re.compile(r"(?P<name>[^.\[\]=]+)(?:\[(?P<member>[^=\]]+)=(?P<value>[^\]]+)\])?")
#: Items of a list that a condition looks at.
_MOST_ITEMS = 100


def compiled(paths: str | tuple[str, ...]) -> Paths:
    """Return the paths in the form that the look-up takes.

    Args:
        paths: one path, or alternatives, best first.

    Raises:
        ConfigurationError: a path is malformed.
    """
    alternatives = (paths,) if isinstance(paths, str) else paths
    return tuple(_compiled(path) for path in alternatives)


def _compiled(path: str) -> Path:
    steps: list[_Step] = []
    for part in path.split("."):
        found = _STEP.fullmatch(part)
        if found is None:
            raise ConfigurationError(
                f"path {path!r} is malformed at {part!r}: write names with dots between them, such"
                " as actor.id or target[type=User].id"
            )
        name, member, value = found.group("name", "member", "value")
        steps.append((name, name.lower(), None if member is None else (member, value)))
    return tuple(steps)


def value_at(record: object, path: Path) -> object:
    """Return what stands at the path; None when nothing does."""
    value = record
    for name, lower, condition in path:
        if type(value) is dict or isinstance(value, Mapping):  # the first look is the cheap one
            found = value.get(name)
            value = value.get(lower) if found is None else found
        elif type(value) is list and name.isdecimal() and len(name) < 4:  # noqa: PLR2004 -- a small index
            index = int(name)
            value = value[index] if index < len(value) else None
        else:
            return None
        if condition is not None:
            value = _matching(value, condition)
    return value


def _matching(value: object, condition: tuple[str, str]) -> object:
    member, wanted = condition
    for item in value[:_MOST_ITEMS] if type(value) is list else (value,):
        if isinstance(item, Mapping):
            found = item.get(member)
            if (item.get(member.lower()) if found is None else found) == wanted:
                return item
    return None


def first_text(record: object, paths: Paths) -> str | None:
    """Return the first alternative that says something, as text."""
    for path in paths:
        found = text(value_at(record, path))
        if found is not None:
            return found
    return None


@functools.cache
def finder(paths: Paths) -> Find:
    """Return `first_text` for these paths, quicker for records of plain objects."""
    (path, *others) = paths
    names = [(name, lower) for name, lower, _ in path]
    if others or any(condition is not None for _, _, condition in path):
        return functools.partial(first_text, paths=paths)
    if len(names) == 1:
        return _finder_of_member(paths, *names[0])
    return _finder_of_path(paths, names)


def _finder_of_path(paths: Paths, names: Sequence[tuple[str, str]]) -> Find:
    (first, first_lower), *between, (last, last_lower) = names

    def found(record: object) -> str | None:
        if type(record) is not dict:
            return None if record is None else first_text(record, paths)
        place = record.get(first)
        if place is None:
            place = record.get(first_lower)
        for name, lower in between:
            if type(place) is not dict:
                return None if place is None else first_text(record, paths)
            inner = place.get(name)
            place = place.get(lower) if inner is None else inner
        if type(place) is not dict:
            return None if place is None else first_text(record, paths)
        value = place.get(last)
        if value is None:
            value = place.get(last_lower)
        return None if value is None else text(value)

    return found


def _finder_of_member(paths: Paths, name: str, lower: str) -> Find:
    def found(record: object) -> str | None:
        if type(record) is not dict:
            return None if record is None else first_text(record, paths)
        value = record.get(name)
        if value is None:
            value = record.get(lower)
        return None if value is None else text(value)

    return found

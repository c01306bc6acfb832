"""Which attribute or metric of a line has a problem, told by its position instead of its name.

Names are the caller's own and may hold anything, so they are not printed; "attribute 3 of 30" is
found in the line all the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pinpoint_kit.models.base import path_to

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["with_position"]

_EVENT = (("Attributes", "attribute"), ("Metrics", "metric"))
_ENDPOINT = (*_EVENT, ("User.UserAttributes", "user attribute"))
_INDEX = re.compile(r"\[(\d+)\]")


def with_position(problem: object, members: Mapping[str, Any]) -> str:
    """Return the text of a problem, with a position in place of the name that it ends with.

    Args:
        problem: an error or its text, `... @ $.Attributes.NAME`.
        members: the event as PutEvents has it, with `Endpoint` beside.

    Returns:
        `... @ $.Attributes (attribute 3 of 30)`, or the text as it was when the name is not found,
        or stands for several: long names are shortened where a problem names them.
    """
    message, at, path = str(problem).partition(" @ $")
    found = [place for place in _places(f"${path}", members) if at]
    return f"{message} @ {found[0]}" if len(found) == 1 else str(problem)


def _places(path: str, members: Mapping[str, Any]) -> Iterator[str]:
    for member, word in _EVENT:
        prefixes = {f"$.{member}", f"$.{member.lower()}"}
        yield from _places_in(path, prefixes, members.get(member), f"$.{member}", word)
    endpoint = members.get("Endpoint")
    if not isinstance(endpoint, Mapping):
        return
    for member, word in _ENDPOINT:
        holder: object = endpoint
        for part in member.split("."):
            holder = holder.get(part) if isinstance(holder, Mapping) else None
        own = member.replace("User.User", "user.").lower()  # checks name the model's fields
        shown = f"$.Endpoint.{member}"
        yield from _places_in(path, {shown, f"$.{own}", f"$.endpoint.{own}"}, holder, shown, word)


def _places_in(
    path: str, prefixes: set[str], names: object, shown: str, word: str
) -> Iterator[str]:
    if not isinstance(names, Mapping):
        return
    for number, name in enumerate(names, start=1):
        for prefix in prefixes:
            located = path_to(prefix, name)
            if path.startswith(located):
                rest = path[len(located) :]
                index = _INDEX.fullmatch(rest)
                if index or not rest:
                    value = f", value {int(index[1]) + 1}" if index else ""
                    yield f"{shown} ({word} {number} of {len(names)}{value})"

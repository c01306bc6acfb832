"""RemoveAttributes: names, or patterns of names, that an application captures no longer.

Stored values stay; later writes of matching names are left out. Which maps of an endpoint a type
means is said here once.
"""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import update

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.storage.tables.applications import APPS
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.engine.context import Call, Context

__all__ = ["CUSTOM", "METRIC", "USER", "captured", "remove_attributes"]

CUSTOM = "endpoint-custom-attributes"
METRIC = "endpoint-metric-attributes"
USER = "endpoint-user-attributes"
_TYPES = (CUSTOM, METRIC, USER)

#: More patterns than this are refused: each is tried on every later write.
_MAX_PATTERNS = 250

_T = TypeVar("_T")


def remove_attributes(context: Context, call: Call) -> object:
    """RemoveAttributes: add to the patterns and answer with all of this type."""
    kind = call.labels["attribute-type"]
    with apps.checked_first(context, call.application_id):
        if kind not in _TYPES:
            raise bad_request(f"The attribute type must be one of {', '.join(_TYPES)}")
        wanted = _patterns(body.parse_object(call.body), context.limits.max_endpoint_name_chars)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        removed = app.removed_patterns()
        patterns = list(dict.fromkeys([*removed.get(kind, ()), *wanted]))
        if len(patterns) > _MAX_PATTERNS:
            raise bad_request(f"An application has at most {_MAX_PATTERNS} patterns of a type")
        removed[kind] = patterns
        connection.execute(
            update(APPS)
            .where(APPS.c.number == app.number)
            .values(removed_attributes=body.encode(removed))
        )
    return {"ApplicationId": app.id, "AttributeType": kind, "Attributes": patterns}


def captured(values: Mapping[str, _T], patterns: list[str]) -> dict[str, _T]:
    """Return the values whose names match no pattern. Clearing (`[]`) always passes."""
    matches = _matcher(tuple(patterns)).fullmatch
    return {
        name: value
        for name, value in values.items()
        if value == [] or not (name in patterns or matches(name))
    }


def _patterns(request: Mapping[str, object], max_chars: int) -> list[str]:
    values = request.get("Blacklist")
    if values is None:
        return []
    if not isinstance(values, list):
        raise bad_request("must be a list of strings", ".Blacklist")
    for position, value in enumerate(values):
        if not isinstance(value, str) or not 0 < len(value) <= max_chars:
            raise bad_request(
                f"must be a string of 1 to {max_chars} characters", f".Blacklist[{position}]"
            )
    return values


@lru_cache(maxsize=64)
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)) or r"(?!)")

"""The activities of a journey: of which kind each is, and where it leads.

Pure functions of the JSON, which fits the service model already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias, cast

from pinpoint_kit.engine.wire.refusals import bad_request

__all__ = ["KINDS", "Members", "branches_of", "kind_of", "metric_type_of", "steps_of"]

#: JSON as the service model shapes it.
Members: TypeAlias = Mapping[str, object]

#: The members of an activity that say what it does, and what metrics call it.
KINDS = {
    "CUSTOM": "CUSTOM",
    "ConditionalSplit": "CONDITIONAL_SPLIT",
    "ContactCenter": "CONTACT_CENTER",
    "EMAIL": "MESSAGE",
    "Holdout": "HOLDOUT",
    "MultiCondition": "MULTI_CONDITIONAL_SPLIT",
    "PUSH": "MESSAGE",
    "RandomSplit": "RANDOM_SPLIT",
    "SMS": "MESSAGE",
    "Wait": "WAIT",
}
#: The members that name the activity that comes next.
_NEXT = ("DefaultActivity", "FalseActivity", "NextActivity", "TrueActivity")


def kind_of(activity: Members, path: str) -> str:
    """Return which kind an activity is of.

    Raises:
        ApiError: it is of none, or of several.
    """
    found = [kind for kind in KINDS if kind in activity]
    if len(found) != 1:
        raise bad_request(f"must have exactly one of {', '.join(KINDS)}", path)
    return found[0]


def metric_type_of(activity: Members) -> str:
    """Return what metrics call the kind of a stored activity."""
    return KINDS[kind_of(activity, "")]


def branches_of(activity: Members) -> Sequence[Members]:
    """Return the branches of a stored activity that splits; there are none in others."""
    settings = cast("Members", activity[kind_of(activity, "")])
    return cast("Sequence[Members]", settings.get("Branches", ()))


def steps_of(settings: Members, path: str) -> Iterator[tuple[str, str]]:
    """Yield each activity that comes next, and the place that names it.

    Args:
        settings: those of an activity, under its kind.
        path: where they stand.
    """
    yield from _named(settings, path)
    branches = cast("Sequence[Members]", settings.get("Branches", ()))
    for position, branch in enumerate(branches):
        yield from _named(branch, f"{path}.Branches[{position}]")


def _named(source: Members, path: str) -> Iterator[tuple[str, str]]:
    for member in _NEXT:
        if source.get(member):
            yield cast("str", source[member]), f"{path}.{member}"

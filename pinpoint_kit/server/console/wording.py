"""A segment's definition in words, and the parts of it that an endpoint meets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinpoint_kit.models.segments.dimension import SegmentDimensions, SetDimension
    from pinpoint_kit.models.segments.explanation import Criterion
    from pinpoint_kit.models.segments.segment import Segment, SegmentGroup

__all__ = ["words_of", "words_of_criterion"]

_JOINED = {"ALL": " and ", "ANY": " or "}
_DURATIONS = {"HR_24": "24 hours", "DAY_7": "7 days", "DAY_14": "14 days", "DAY_30": "30 days"}
_COMPARED = {
    "GREATER_THAN": "above",
    "GREATER_THAN_OR_EQUAL": "at least",
    "LESS_THAN": "below",
    "LESS_THAN_OR_EQUAL": "at most",
    "EQUAL": "equal to",
}
_MATCHED = {
    "INCLUSIVE": "is",
    "EXCLUSIVE": "is not",
    "CONTAINS": "contains",
    "BEFORE": "is before",
    "AFTER": "is after",
    "ON": "is on",
    "BETWEEN": "is between",
}
_PARTS = {
    "Attributes": "attribute",
    "Behavior": "",
    "Demographic": "",
    "Dimensions": "",
    "Groups": "group",
    "Location": "",
    "Metrics": "metric",
    "SegmentGroups": "",
    "UserAttributes": "user attribute",
}
#: A part of a path: a name in brackets, a place in a list, a plain name.
_PART = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[([0-9]+)\]|([^.\[\]$]+)')
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def words_of(segment: Segment, names: Mapping[str, str]) -> str:
    """Say who is in a segment.

    Args:
        segment: the segment.
        names: the names of segments by their ids.
    """
    if segment.import_definition is not None:
        return "a fixed list of endpoints"
    if segment.segment_groups is not None:
        groups = segment.segment_groups
        parts = [f"({_group(group, names)})" for group in groups.groups or ()]
        return _combined(parts, _name(groups.include)) or "everyone"
    if segment.dimensions is not None:
        return _dimensions(segment.dimensions) or "everyone"
    return "everyone"


def words_of_criterion(criterion: Criterion) -> dict[str, object]:
    """Return which part of a definition a criterion is, what it asks for, and whether it is met."""
    words, is_named = [], False
    for quoted, place, name in _PART.findall(criterion.path):
        if quoted or is_named:
            words.append(quoted or name or place)
        elif place:
            words.append(str(int(place) + 1))
        else:
            words.append(_PARTS.get(name, _CAPITAL.sub(" ", name).lower()))
        is_named = name in {"Attributes", "Metrics", "UserAttributes"}
    head, _, rest = criterion.text.partition(" ")
    asked = {**_MATCHED, **_COMPARED}.get(head, head)
    return {
        "part": " ".join(word for word in words if word) or "the whole segment",
        "text": f"{asked} {_DURATIONS.get(rest, rest)}".strip(),
        "is_met": criterion.is_met,
    }


def _group(group: SegmentGroup, names: Mapping[str, str]) -> str:
    sources = [f"in “{names.get(source.id, source.id)}”" for source in group.source_segments or ()]
    found = [_dimensions(each) or "everyone" for each in group.dimensions or ()]
    parts = [
        _combined(sources, _name(group.source_type)),
        _combined(found, _name(group.type)),
    ]
    return " and ".join(part for part in parts if part) or "everyone"


def _combined(parts: list[str], how: str) -> str:
    if how == "NONE" and parts:
        return f"none of: {', '.join(parts)}"
    return _JOINED.get(how, " and ").join(parts)


def _dimensions(dimensions: SegmentDimensions) -> str:
    return " and ".join(_parts(dimensions))


def _parts(dimensions: SegmentDimensions) -> Iterator[str]:
    for kind, attributes in (
        ("attribute", dimensions.attributes),
        ("user attribute", dimensions.user_attributes),
    ):
        for name, wanted in (attributes or {}).items():
            yield f"{kind} {name} {_match(_name(wanted.attribute_type))} {_any(wanted.values)}"
    for name, metric in (dimensions.metrics or {}).items():
        compared = _COMPARED.get(_name(metric.comparison_operator), "compared with")
        yield f"metric {name} {compared} {metric.value:g}"
    recency = dimensions.behavior.recency if dimensions.behavior else None
    if recency is not None:
        verb = "active" if _name(recency.recency_type) == "ACTIVE" else "not active"
        yield f"{verb} in the last {_DURATIONS.get(_name(recency.duration), '?')}"
    for part in (dimensions.demographic, dimensions.location):
        for name, value in attrs.asdict(part, recurse=False).items() if part else ():
            if hasattr(value, "dimension_type"):
                yield f"{name.replace('_', ' ')} {_set(value)}"
            elif hasattr(value, "range_in_kilometers"):
                yield f"within {value.range_in_kilometers or 0:g} km of a point"


def _set(wanted: SetDimension) -> str:
    return f"{_match(_name(wanted.dimension_type))} {_any(wanted.values)}"


def _match(kind: str) -> str:
    return _MATCHED.get(kind, "is")


def _any(values: tuple[str, ...] | None) -> str:
    return " or ".join(values or ()) or "anything"


def _name(member: object) -> str:
    return str(getattr(member, "value", "") or "")

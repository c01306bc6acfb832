"""From segments to segment definitions, with what these cannot say.

A definition that leaves a condition out may mean more people than the segment did. So only whole
ones are definitions; the others are listed apart, with what is missing in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from pinpoint_kit.migration.customer_profiles.mapping.members import text_of
from pinpoint_kit.migration.customer_profiles.mapping.names import attribute_name

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Segments", "convert_segments"]

_ATTRIBUTE_TYPES = frozenset(
    {"INCLUSIVE", "EXCLUSIVE", "CONTAINS", "BEFORE", "AFTER", "ON", "BETWEEN"}
)
_COMPARISONS = {
    "GREATER_THAN": "GREATER_THAN",
    "LESS_THAN": "LESS_THAN",
    "GREATER_THAN_OR_EQUAL": "GREATER_THAN_OR_EQUAL",
    "LESS_THAN_OR_EQUAL": "LESS_THAN_OR_EQUAL",
    "EQUAL": "EQUAL",
}
_DEMOGRAPHIC = ("AppVersion", "Make", "Model", "Platform")
_INCLUDES = ("ALL", "ANY", "NONE")
_MAX_VALUES = 50
_MAX_VALUE_CHARS = 255
_MAX_NAME_CHARS = 64
_OTHERS = re.compile(r"[^A-Za-z0-9_-]+")
#: Whom a condition of nobody in particular is true for.
_EVERYONE: dict[str, object] = {
    "ProfileAttributes": {"ProfileType": {"DimensionType": "INCLUSIVE", "Values": ["PROFILE"]}}
}


@attrs.frozen(kw_only=True)
class Segments:
    """What became of segments.

    Args:
        definitions: requests of CreateSegmentDefinition but for the domain; those that others
            build on come first.
        incomplete: the same of segments of which a part is missing.
        notes: what is missing or different: the segment, its part, and why.
    """

    definitions: Sequence[dict[str, object]]
    incomplete: Sequence[dict[str, object]]
    notes: Sequence[str]


@attrs.define
class _Converted:
    """One segment on its way."""

    segment: dict[str, Any]
    name: str
    label: str
    groups: dict[str, object] = attrs.field(factory=dict)
    sources: list[str] = attrs.field(factory=list)
    notes: list[str] = attrs.field(factory=list)
    is_whole: bool = True

    def lose(self, part: str, reason: str) -> None:
        """Note a part that is missing, without which the definition means something else."""
        self.is_whole = False
        self.note(part, reason)

    def note(self, part: str, reason: str) -> None:
        """Note a part that is different."""
        self.notes.append(f"segment {self.label}: {part}: {reason}")


def convert_segments(segments: Iterable[dict[str, Any]], *, multiple: Collection[str]) -> Segments:
    """Convert segments.

    Args:
        segments: as GetSegment answers.
        multiple: names of attributes of which some profiles have several values.
    """
    ordered = sorted(segments, key=lambda each: (_text(each, "Name"), _text(each, "Id")))
    by_id: dict[str, _Converted] = {}
    names: set[str] = set()
    for number, segment in enumerate(ordered):
        key = _text(segment, "Id") or f"#{number}"
        label = _text(segment, "Name") or key
        name = _unique_name(label, key, names)
        by_id[key] = _Converted(segment, name, label)
    for converted in by_id.values():
        _convert(converted, by_id, multiple)
    _settle(by_id)
    notes = [note for each in by_id.values() for note in each.notes]
    done = _ordered(by_id)
    return Segments(
        definitions=[_request(each) for each in done if each.is_whole],
        incomplete=[_request(each) for each in done if not each.is_whole],
        notes=notes,
    )


def _text(members: dict[str, Any], name: str) -> str:
    return text_of(members.get(name)) or ""


def _unique_name(label: str, key: str, names: set[str]) -> str:
    plain = _OTHERS.sub("-", label).strip("-")[:_MAX_NAME_CHARS] or "segment"
    name, number = plain, 1
    if name in names:
        name = f"{plain[:43]}-{_OTHERS.sub('-', key)[:20]}"
    while name in names:
        number += 1
        name = f"{plain[:50]}-{number}"
    names.add(name)
    return name


def _request(converted: _Converted) -> dict[str, object]:
    return {
        "SegmentDefinitionName": converted.name,
        "DisplayName": converted.label[:_MAX_VALUE_CHARS],
        "Description": f"Pinpoint segment {_text(converted.segment, 'Id')}".strip(),
        "SegmentGroups": converted.groups,
    }


def _settle(by_id: dict[str, _Converted]) -> None:
    """Find what builds on a segment that is not whole: it is not whole either."""
    changed = True
    while changed:
        changed = False
        for each in by_id.values():
            missing = [key for key in each.sources if not by_id[key].is_whole]
            if each.is_whole and missing:
                label = by_id[missing[0]].label
                each.lose("SourceSegments", f"builds on {label}, which is incomplete")
                changed = True


def _ordered(by_id: dict[str, _Converted]) -> list[_Converted]:
    """Return the segments, those that others build on first."""
    found: list[_Converted] = []
    left = dict(by_id)
    while left:
        ready = [key for key, each in left.items() if not set(each.sources) & (left.keys() - {key})]
        found += [left.pop(key) for key in ready or list(left)]  # a ring: in any order
    return found


def _convert(into: _Converted, by_id: dict[str, _Converted], multiple: Collection[str]) -> None:
    segment = into.segment
    if segment.get("SegmentType") == "IMPORT" or segment.get("ImportDefinition"):
        into.lose("ImportDefinition", "is a list of endpoints: upload it with CreateUploadJob")
        return
    definition = segment.get("SegmentGroups")
    if isinstance(definition, dict) and isinstance(definition.get("Groups"), list):
        include = definition.get("Include")
        groups = [each for each in definition["Groups"] if isinstance(each, dict)]
    else:
        include = "ALL"
        dimensions = segment.get("Dimensions")
        groups = [{"Dimensions": [dimensions] if isinstance(dimensions, dict) else []}]
    if include not in _INCLUDES:
        include = "ALL"
    into.groups = {
        "Groups": [_group(into, each, by_id, multiple) for each in groups],
        "Include": include,
    }


def _group(
    into: _Converted,
    group: dict[str, Any],
    by_id: dict[str, _Converted],
    multiple: Collection[str],
) -> dict[str, object]:
    kind = group.get("Type") if group.get("Type") in _INCLUDES else "ALL"
    found: list[dict[str, object]] = []
    is_everyone = False
    given = [each for each in group.get("Dimensions") or () if isinstance(each, dict)]
    for dimensions in given:
        conditions = _conditions(into, dimensions, multiple)
        if not conditions:
            is_everyone = True
        elif kind == "ALL":
            found += [_dimension([each]) for each in conditions]
        else:
            if len(conditions) > 1:
                into.note("Dimensions", "conditions that must hold together share a dimension")
            found.append(_dimension(conditions))
    if is_everyone and kind != "ALL":
        found = [_EVERYONE]  # one of them is true for everyone
    sources = _sources(into, group, by_id)
    if not found and not sources:
        found = [_EVERYONE]
    converted: dict[str, object] = {}
    if found:
        converted |= {"Dimensions": found, "Type": kind}
    if sources:
        source_type = group.get("SourceType")
        converted["SourceSegments"] = sources
        converted["SourceType"] = source_type if source_type in _INCLUDES else "ALL"
    return converted


def _sources(
    into: _Converted, group: dict[str, Any], by_id: dict[str, _Converted]
) -> list[dict[str, str]]:
    found = []
    for source in group.get("SourceSegments") or ():
        key = _text(source, "Id") if isinstance(source, dict) else ""
        if key not in by_id:
            into.lose("SourceSegments", "builds on a segment that is not among those given")
            continue
        if source.get("Version") is not None:
            into.note("SourceSegments", "a version is fixed: definitions have none")
        into.sources.append(key)
        found.append({"SegmentDefinitionName": by_id[key].name})
    return found


#: Where a condition goes below ProfileAttributes, and the condition.
_Condition = tuple[tuple[str, ...], dict[str, object]]


def _dimension(conditions: Iterable[_Condition]) -> dict[str, object]:
    attributes: dict[str, Any] = {}
    for path, condition in conditions:
        target = attributes
        for step in path[:-1]:
            target = target.setdefault(step, {})
        target[path[-1]] = condition
    return {"ProfileAttributes": attributes}


def _conditions(
    into: _Converted, dimensions: dict[str, Any], multiple: Collection[str]
) -> list[_Condition]:
    found: list[_Condition] = []
    for member, value in dimensions.items():
        if not value:
            continue
        if member == "Behavior":
            into.lose(
                "Behavior.Recency",
                "needs events: make a calculated attribute of them in Customer Profiles",
            )
        elif member not in _MEMBERS:
            into.lose(member, "is no dimension of Pinpoint")
        elif not isinstance(value, dict):
            into.lose(member, "is no object")
        else:
            for name, each in value.items():
                found += _MEMBERS[member](into, name, each, multiple)
    return found


def _attribute(
    into: _Converted, name: str, value: object, multiple: Collection[str]
) -> list[_Condition]:
    path = ("Attributes", attribute_name(name))
    return _values(into, f"Attributes.{name}", path, value, multiple)


def _user_attribute(
    into: _Converted, name: str, value: object, multiple: Collection[str]
) -> list[_Condition]:
    path = ("Attributes", attribute_name(f"User_{name}"))
    return _values(into, f"UserAttributes.{name}", path, value, multiple)


def _location(
    into: _Converted, name: str, value: object, multiple: Collection[str]
) -> list[_Condition]:
    del multiple  # an address has one country
    if name == "Country":
        return _values(into, "Location.Country", ("Address", "Country"), value, ())
    if value:
        into.lose(f"Location.{name}", "no distance can be asked for")
    return []


def _demographic(
    into: _Converted, name: str, value: object, multiple: Collection[str]
) -> list[_Condition]:
    if name in _DEMOGRAPHIC:
        path = ("Attributes", f"Demographic_{name}")
        return _values(into, f"Demographic.{name}", path, value, multiple)
    if name == "Channel":
        into.note(
            "Demographic.Channel",
            "asks for the channel of a profile's only endpoint: those with several have"
            " pinpoint_ChannelType_0, pinpoint_ChannelType_1, …",
        )
        path = ("Attributes", "pinpoint_ChannelType")
        if isinstance(value, dict) and value.get("DimensionType") == "EXCLUSIVE":
            into.lose("Demographic.Channel", "excludes nobody who has several endpoints")
        return _values(into, "Demographic.Channel", path, value, ())
    if value:
        into.lose(f"Demographic.{name}", "is no member of an endpoint")
    return []


def _values(
    into: _Converted,
    part: str,
    path: tuple[str, ...],
    value: object,
    multiple: Collection[str],
) -> list[_Condition]:
    if not isinstance(value, dict):
        if value is not None:
            into.lose(part, "is no object")
        return []
    kind = value.get("AttributeType") or value.get("DimensionType") or "INCLUSIVE"
    given = value.get("Values")
    values = [text_of(each) for each in given] if isinstance(given, list) else []
    if kind not in _ATTRIBUTE_TYPES:
        into.lose(part, "is compared in a way that Pinpoint does not have")
        return []
    if not values or len(values) > _MAX_VALUES:
        into.lose(part, f"has {len(values)} values: 1 to {_MAX_VALUES} can be said")
        return []
    if any(not text or len(text) > _MAX_VALUE_CHARS for text in values):
        into.lose(part, f"has a value that is empty or longer than {_MAX_VALUE_CHARS} characters")
        return []
    if path[-1] in multiple:
        reason = f"some profiles have several values, {path[-1]}_0 and on, which are not asked for"
        if kind == "EXCLUSIVE":
            into.lose(part, f"{reason}: it would not exclude these")
        else:
            into.note(part, reason)
    condition: dict[str, object] = {"DimensionType": kind, "Values": values}
    return [(path, condition)]


def _metric(
    into: _Converted, name: str, value: object, multiple: Collection[str]
) -> list[_Condition]:
    part = f"Metrics.{name}"
    operator = (
        _COMPARISONS.get(value.get("ComparisonOperator", "")) if isinstance(value, dict) else None
    )
    number = value.get("Value") if isinstance(value, dict) else None
    if operator is None or isinstance(number, bool) or not isinstance(number, (int, float)):
        into.lose(part, "is no comparison with a number")
        return []
    base = attribute_name(f"Metrics_{name}")
    if base in multiple:
        into.note(part, f"some profiles have several values, {base}_0 and on")
    into.note(part, "is compared with an attribute, which is text in Customer Profiles")
    condition: dict[str, object] = {"DimensionType": operator, "Values": [text_of(number)]}
    return [(("Attributes", base), condition)]


_MEMBERS: dict[str, Callable[[_Converted, str, object, Collection[str]], list[_Condition]]] = {
    "Attributes": _attribute,
    "UserAttributes": _user_attribute,
    "Metrics": _metric,
    "Demographic": _demographic,
    "Location": _location,
}

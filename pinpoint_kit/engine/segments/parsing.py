"""From the JSON of a segment's definition to its rules, and what the model says in words only.

A pure function. The JSON fits the service model already; checked here are ranges, dates, and what
needs each other. Absent `Type`, `SourceType`, `Include` mean ALL; absent `AttributeType` and
`DimensionType` mean INCLUSIVE. How much a definition may hold stands in segments/rules.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar, cast

from pinpoint_kit.engine.segments.dates import DATES, moments_of
from pinpoint_kit.engine.segments.rules import (
    ROOT,
    Combination,
    How,
    ImportedRule,
    ListRule,
    NearRule,
    NumberRule,
    RecencyRule,
    Rule,
    SourceRule,
    TextRule,
)
from pinpoint_kit.engine.wire.body import json_step
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request

__all__ = ["check_attributes_and_metrics", "parse", "parse_version"]

_VERSION = re.compile(r"[1-9][0-9]{0,8}")

#: JSON as the service model shapes it.
_Object: TypeAlias = Mapping[str, object]
_T = TypeVar("_T")

#: Members of Demographic, and the columns of `endpoints` that they ask about. Nothing that the
#: service knows of an endpoint is a device type.
_DEMOGRAPHIC = {
    "AppVersion": "app_version",
    "Channel": "channel_type",
    "DeviceType": None,
    "Make": "make",
    "Model": "model",
    "Platform": "platform",
}
#: How a metric is compared.
_COMPARISONS = (
    "EQUAL",
    "GREATER_THAN",
    "GREATER_THAN_OR_EQUAL",
    "LESS_THAN",
    "LESS_THAN_OR_EQUAL",
)
_MAX_LATITUDE = 90
_MAX_LONGITUDE = 180


def parse(definition: _Object) -> Rule:
    """Return what a definition says.

    Args:
        definition: `Dimensions`, `SegmentGroups`, `ImportDefinition` or none of them.

    Raises:
        ApiError: something in it has no meaning.
    """
    if "ImportDefinition" in definition:
        return ImportedRule(ROOT, "imported endpoints and users")
    if "SegmentGroups" in definition:
        return _groups(_member(definition, "SegmentGroups"))
    dimensions = _dimensions(_member(definition, "Dimensions"), f"{ROOT}.Dimensions")
    return Combination(ROOT, "all dimensions", "ALL", dimensions)


def check_attributes_and_metrics(source: _Object, path: str) -> None:
    """Check the `Attributes` and `Metrics` of a filter of events, which say what a segment's do.

    Args:
        source: what has these members, as the service model shapes it.
        path: where it stands, from the root of the request on.

    Raises:
        ApiError: something in it has no meaning.
    """
    for _ in _map(source, "Attributes", path, lambda *found: _list_rule(*found, is_of_user=False)):
        pass
    for _ in _map(source, "Metrics", path, _number_rule):
        pass


def _groups(source: _Object) -> Rule:
    include = cast("How", source.get("Include", "ALL"))
    groups = tuple(
        _group(group, f"{ROOT}.SegmentGroups.Groups[{position}]")
        for position, group in enumerate(_list(source, "Groups"))
    )
    return Combination(ROOT, f"Include {include}", include, groups)


def _group(source: _Object, path: str) -> Rule:
    """Return the rule of a group: its base, narrowed by its dimensions."""
    source_type = cast("How", source.get("SourceType", "ALL"))
    type_ = cast("How", source.get("Type", "ALL"))
    sources = tuple(
        _source(reference, f"{path}.SourceSegments[{position}]")
        for position, reference in enumerate(_list(source, "SourceSegments"))
    )
    entries = tuple(
        Combination("", "", "ALL", _dimensions(entry, f"{path}.Dimensions[{position}]"))
        for position, entry in enumerate(_list(source, "Dimensions"))
    )
    return Combination(
        path,
        f"SourceType {source_type}, Type {type_}",
        "ALL",
        (Combination("", "", source_type, sources), Combination("", "", type_, entries)),
    )


def _source(source: _Object, path: str) -> Rule:
    version = cast("int | None", source.get("Version"))
    if version is not None and version < 1:
        raise _refused("must be 1 or more", f"{path}.Version")
    segment_id = cast("str", source["Id"])
    text = f"segment {segment_id}" + (f", version {version}" if version else "")
    return SourceRule(path, text, segment_id, version)


def _dimensions(source: _Object, path: str) -> tuple[Rule, ...]:
    """All dimensions of one SegmentDimensions; each has to be met."""
    rules = [
        *_map(source, "Attributes", path, lambda *found: _list_rule(*found, is_of_user=False)),
        *_behavior(_member(source, "Behavior"), f"{path}.Behavior"),
        *_demographic(_member(source, "Demographic"), f"{path}.Demographic"),
        *_location(_member(source, "Location"), f"{path}.Location"),
        *_map(source, "Metrics", path, _number_rule),
        *_map(source, "UserAttributes", path, lambda *found: _list_rule(*found, is_of_user=True)),
    ]
    return tuple(rules)


def _list_rule(name: str, source: _Object, path: str, *, is_of_user: bool) -> Rule:
    how = cast("str", source.get("AttributeType", "INCLUSIVE"))
    values = _values(source, path)
    where = f"{path}.Values".removeprefix(ROOT)
    moments = moments_of(how, values, where) if how in DATES else ()
    return ListRule(path, _listed(how, values), how, values, name, is_of_user, moments)


def _number_rule(name: str, source: _Object, path: str) -> Rule:
    comparison = cast("str", source["ComparisonOperator"])
    if comparison not in _COMPARISONS:
        raise _refused(f"must be one of {', '.join(_COMPARISONS)}", f"{path}.ComparisonOperator")
    value = float(cast("float", source["Value"]))
    return NumberRule(path, f"{comparison} {value}", name, comparison, value)


def _behavior(source: _Object, path: str) -> Iterator[Rule]:
    recency = _member(source, "Recency")
    if recency:
        kind, duration = cast("str", recency["RecencyType"]), cast("str", recency["Duration"])
        yield RecencyRule(f"{path}.Recency", f"{kind} {duration}", kind, duration)


def _demographic(source: _Object, path: str) -> Iterator[Rule]:
    for member, column in _DEMOGRAPHIC.items():
        yield from _set(source, member, path, column)


def _location(source: _Object, path: str) -> Iterator[Rule]:
    yield from _set(source, "Country", path, "country")
    point = _member(source, "GPSPoint")
    if point:
        yield _near(point, f"{path}.GPSPoint")


def _near(source: _Object, path: str) -> Rule:
    coordinates = _member(source, "Coordinates")
    latitude = float(cast("float", coordinates["Latitude"]))
    longitude = float(cast("float", coordinates["Longitude"]))
    kilometers = source.get("RangeInKilometers")
    if abs(latitude) > _MAX_LATITUDE:
        raise _refused("must be from -90 to 90", f"{path}.Coordinates.Latitude")
    if abs(longitude) > _MAX_LONGITUDE:
        raise _refused("must be from -180 to 180", f"{path}.Coordinates.Longitude")
    if kilometers is None:
        raise _refused("Missing RangeInKilometers", path)
    if cast("float", kilometers) < 0:
        raise _refused("must be 0 or more", f"{path}.RangeInKilometers")
    kilometers = float(cast("float", kilometers))
    text = f"within {kilometers} km of {latitude}, {longitude}"
    return NearRule(path, text, latitude, longitude, kilometers)


def _set(source: _Object, member: str, path: str, column: str | None) -> Iterator[Rule]:
    found = _member(source, member)
    if found:
        how = cast("str", found.get("DimensionType", "INCLUSIVE"))
        where = f"{path}.{member}"
        values = _values(found, where)
        yield TextRule(where, _listed(how, values), how, values, column)


def _values(source: _Object, path: str) -> tuple[str, ...]:
    values = tuple(cast("list[str]", source["Values"]))
    if not values:
        raise _refused("must have at least one value", f"{path}.Values")
    return values


def _listed(how: str, values: Sequence[str]) -> str:
    return f"{how} {', '.join(values)}"


def _map(
    source: _Object, member: str, path: str, make: Callable[[str, _Object, str], _T]
) -> Iterator[_T]:
    found = cast("Mapping[str, _Object]", source.get(member, {}))
    for position, (name, value) in enumerate(found.items()):
        yield make(name, value, f"{path}.{member}{json_step(name, position)}")


def _member(source: _Object, name: str) -> _Object:
    return cast("_Object", source.get(name, {}))


def _list(source: _Object, name: str) -> list[_Object]:
    return cast("list[_Object]", source.get(name, []))


def _refused(text: str, path: str) -> ApiError:
    return bad_request(text, path.removeprefix(ROOT))


def parse_version(text: str) -> int:
    """Return the version that a path or a query names.

    Raises:
        ApiError: it is no positive whole number.
    """
    if _VERSION.fullmatch(text) is None:
        raise bad_request("The version must be a positive whole number")
    return int(text)

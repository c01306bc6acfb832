"""Who belongs to a segment, decided slowly and plainly in Python: what the engine is held to.

It reads endpoints as GetEndpoint shows them and definitions as GetSegment shows them, and shares no
code with the engine. Where the engine asks SQL, this loops.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Person", "World", "belongs"]

Json: TypeAlias = Mapping[str, Any]

PUSH = {"PUSH", "GCM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "ADM", "BAIDU"}
DURATIONS = {"HR_24": 1, "DAY_7": 7, "DAY_14": 14, "DAY_30": 30}
EARTH_KM = 6371.0088
MILLIMETRE_KM = 1e-6


@attrs.frozen
class Person:
    """An endpoint as GetEndpoint shows it, and the time of its last event."""

    endpoint: Json
    last_event: datetime | None = None

    @property
    def last_active(self) -> datetime:
        """When it was last updated or had an event."""
        updated = parse(self.endpoint["EffectiveDate"])
        assert updated is not None
        return max(updated, self.last_event or updated)


@attrs.frozen
class World:
    """What a definition may refer to.

    Attributes:
        now: the time of evaluation.
        segments: definitions by id and version; version None is the newest.
        endpoint_lists: ids of imported endpoints, in lower case, by segment id.
        user_lists: imported user ids, by segment id.
    """

    now: datetime
    segments: Mapping[tuple[str, int | None], Json] = attrs.field(factory=dict)
    endpoint_lists: Mapping[str, set[str]] = attrs.field(factory=dict)
    user_lists: Mapping[str, set[str]] = attrs.field(factory=dict)


def belongs(person: Person, definition: Json, world: World) -> bool:
    """Return whether an endpoint belongs to a segment."""
    if "SegmentGroups" in definition:
        groups = definition["SegmentGroups"]
        return combine(
            groups.get("Include", "ALL"),
            [in_group(person, group, world) for group in groups.get("Groups", [])],
        )
    return meets(person, definition.get("Dimensions", {}), world)


def combine(how: str, answers: Iterable[bool]) -> bool:
    """ALL, ANY or NONE; where nothing is asked, everybody is meant."""
    given = list(answers)
    if not given:
        return True
    if how == "NONE":
        return not any(given)
    return all(given) if how == "ALL" else any(given)


def in_group(person: Person, group: Json, world: World) -> bool:
    """Return the base of the group, narrowed by its dimensions."""
    sources = [in_source(person, source, world) for source in group.get("SourceSegments", [])]
    entries = [meets(person, entry, world) for entry in group.get("Dimensions", [])]
    return combine(group.get("SourceType", "ALL"), sources) and combine(
        group.get("Type", "ALL"), entries
    )


def in_source(person: Person, source: Json, world: World) -> bool:
    """Membership in another segment."""
    segment_id = source["Id"]
    if segment_id in world.endpoint_lists:
        user_id = person.endpoint["User"].get("UserId")
        return (
            person.endpoint["Id"].lower() in world.endpoint_lists[segment_id]
            or user_id in world.user_lists[segment_id]
        )
    return belongs(person, world.segments[segment_id, source.get("Version")], world)


def meets(person: Person, dimensions: Json, world: World) -> bool:
    """Every single dimension has to be met."""
    endpoint = person.endpoint
    answers = [
        *compare_lists(endpoint["Attributes"], dimensions.get("Attributes", {})),
        *compare_lists(
            endpoint["User"].get("UserAttributes", {}), dimensions.get("UserAttributes", {})
        ),
        *compare_numbers(endpoint["Metrics"], dimensions.get("Metrics", {})),
        *compare_texts(endpoint, dimensions.get("Demographic", {})),
        *compare_place(endpoint["Location"], dimensions.get("Location", {})),
    ]
    recency = dimensions.get("Behavior", {}).get("Recency")
    if recency:
        since = world.now - timedelta(days=DURATIONS[recency["Duration"]])
        answers.append((person.last_active >= since) == (recency["RecencyType"] == "ACTIVE"))
    return all(answers)


def compare_lists(stored: Json, asked: Json) -> Iterable[bool]:
    """Attributes of the endpoint or of its user."""
    for name, dimension in asked.items():
        how = dimension.get("AttributeType", "INCLUSIVE")
        compare = COMPARE["INCLUSIVE" if how == "EXCLUSIVE" else how]
        found = any(compare(value, dimension["Values"]) for value in stored.get(name, []))
        yield found != (how == "EXCLUSIVE")


def compare_numbers(stored: Json, asked: Json) -> Iterable[bool]:
    """Metrics, as doubles."""
    for name, dimension in asked.items():
        number = stored.get(name)
        yield number is not None and NUMBERS[dimension["ComparisonOperator"]](
            float(number), float(dimension["Value"])
        )


def compare_texts(endpoint: Json, asked: Json) -> Iterable[bool]:
    """Demographic; the channel stands elsewhere, and nobody has a device type."""
    known = {**endpoint["Demographic"], "Channel": endpoint.get("ChannelType"), "DeviceType": None}
    for member, dimension in asked.items():
        wanted = set(dimension["Values"])
        if member == "Channel" and "PUSH" in wanted:
            wanted |= PUSH
        yield (known.get(member) in wanted) == is_inclusive(dimension)


def compare_place(location: Json, asked: Json) -> Iterable[bool]:
    """Country and distance."""
    if "Country" in asked:
        found = location.get("Country") in asked["Country"]["Values"]
        yield found == is_inclusive(asked["Country"])
    if "GPSPoint" in asked:
        point = asked["GPSPoint"]["Coordinates"]
        reach = asked["GPSPoint"]["RangeInKilometers"] + MILLIMETRE_KM
        is_known = "Latitude" in location and "Longitude" in location
        is_on_earth = is_known and abs(location["Latitude"]) <= 90
        yield is_on_earth and kilometers(location, point) <= reach


def is_inclusive(dimension: Json) -> bool:
    """INCLUSIVE unless said."""
    return bool(dimension.get("DimensionType", "INCLUSIVE") == "INCLUSIVE")


def kilometers(here: Json, there: Json) -> float:
    """Return the angle between two unit vectors, times the radius."""
    (x1, y1, z1), (x2, y2, z2) = vector(here), vector(there)
    crossed = math.hypot(y1 * z2 - z1 * y2, z1 * x2 - x1 * z2, x1 * y2 - y1 * x2)
    return EARTH_KM * math.atan2(crossed, x1 * x2 + y1 * y2 + z1 * z2)


def vector(point: Json) -> tuple[float, float, float]:
    """From the centre of the Earth to a point on it."""
    phi, lam = math.radians(point["Latitude"]), math.radians(point["Longitude"])
    return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)


INSTANT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?Z", re.ASCII | re.IGNORECASE
)


def parse(text: str) -> datetime | None:
    """ISO_INSTANT to the microsecond, None for anything else."""
    match = INSTANT.fullmatch(text)
    if match is None:
        return None
    *parts, fraction = match.groups("")
    try:
        whole = datetime(*map(int, parts), tzinfo=timezone.utc)  # type: ignore[arg-type,misc]
    except ValueError:
        return None
    return whole + timedelta(microseconds=int(f"{fraction:0<6}"[:6]))


def asked_date(text: str) -> datetime:
    """Return a date in a definition, which may stand alone for its beginning."""
    date = parse(text) or parse(text + "T00:00:00Z")
    assert date is not None
    return date


def dated(compare: Callable[[datetime, list[datetime]], bool]) -> Callable[[str, list[str]], bool]:
    """Return a comparison of dates; what is no date never fits."""

    def compare_texts(value: str, wanted: list[str]) -> bool:
        date = parse(value)
        return date is not None and compare(date, [asked_date(text) for text in wanted])

    return compare_texts


COMPARE: Mapping[str, Callable[[str, list[str]], bool]] = {
    "INCLUSIVE": lambda value, wanted: value in wanted,
    "CONTAINS": lambda value, wanted: any(part in value for part in wanted),
    "BEFORE": dated(lambda date, wanted: any(date < each for each in wanted)),
    "AFTER": dated(lambda date, wanted: any(date > each for each in wanted)),
    "ON": dated(lambda date, wanted: any(date.date() == each.date() for each in wanted)),
    "BETWEEN": dated(lambda date, wanted: wanted[0] <= date <= wanted[1]),
}
NUMBERS: Mapping[str, Callable[[float, float], bool]] = {
    "EQUAL": lambda number, value: number == value,
    "GREATER_THAN": lambda number, value: number > value,
    "GREATER_THAN_OR_EQUAL": lambda number, value: number >= value,
    "LESS_THAN": lambda number, value: number < value,
    "LESS_THAN_OR_EQUAL": lambda number, value: number <= value,
}

"""A short way to write the definition of a segment: a condition on endpoints.

    >>> from pinpoint_kit import where
    >>> everyone_like_this = where.attribute("plan").is_in("pro", "team") & where.country("PT")
    >>> everyone_like_this &= (where.metric("level") >= 3) & where.active_within(days=7)

Conditions are joined with `&` (both), `|` (either) and `~` (not); put a comparison into
parentheses. Pinpoint has two levels, dimensions inside of groups and groups beside each other:
what fits is written so, exactly, and the rest is refused with a sentence. How it is written is in
segments/grouping.py; nothing is sent from here.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.base import TimestampInput, instant, iso, required_member
from pinpoint_kit.models.endpoint import ChannelType
from pinpoint_kit.models.segments.dimension import (
    AttributeDimension,
    AttributeType,
    ComparisonOperator,
    DimensionType,
    Duration,
    GPSCoordinates,
    GPSPointDimension,
    MetricDimension,
    RecencyDimension,
    RecencyType,
    SegmentBehaviors,
    SegmentDemographics,
    SegmentDimensions,
    SegmentLocation,
    SetDimension,
)
from pinpoint_kit.models.segments.grouping import Condition, Filter, Source
from pinpoint_kit.models.segments.segment import Segment, SegmentReference

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "AttributeName",
    "Condition",
    "MetricName",
    "active_within",
    "app_version",
    "attribute",
    "channel",
    "country",
    "inactive_for",
    "make",
    "metric",
    "model",
    "near",
    "platform",
    "segment",
    "user_attribute",
]


def __dir__() -> list[str]:
    """Return what a shell completes: the conditions, and nothing that this module imports."""
    return sorted(__all__)


_DURATIONS = {1: Duration.HR_24, 7: Duration.DAY_7, 14: Duration.DAY_14, 30: Duration.DAY_30}


@attrs.frozen(eq=False)
class AttributeName:
    """A custom attribute, which one of the methods makes a condition of."""

    _name: str = attrs.field(repr=False)
    _is_of_user: bool = False

    def is_in(self, *values: str) -> Condition:
        """One of its values is one of these, letter by letter."""
        return self._condition(AttributeType.INCLUSIVE, values, AttributeType.EXCLUSIVE)

    def contains(self, *parts: str) -> Condition:
        """One of its values contains one of these; upper and lower case differ."""
        return self._condition(AttributeType.CONTAINS, parts)

    def before(self, moment: TimestampInput) -> Condition:
        """One of its values is an instant before this one."""
        return self._condition(AttributeType.BEFORE, (_instant(moment),))

    def after(self, moment: TimestampInput) -> Condition:
        """One of its values is an instant after this one."""
        return self._condition(AttributeType.AFTER, (_instant(moment),))

    def on(self, day: dt.date | TimestampInput) -> Condition:
        """One of its values is an instant on this day, in UTC."""
        return self._condition(AttributeType.ON, (_instant(day),))

    def between(self, start: TimestampInput, end: TimestampInput) -> Condition:
        """One of its values is an instant from the one to the other, both included.

        Raises:
            ValidationError: the end is before the start.
        """
        first, last = _instant(start), _instant(end)
        if last < first:  # both have Pinpoint's own form, which sorts by time
            raise ValidationError("ends before it begins: give the first instant first", "$.values")
        return self._condition(AttributeType.BETWEEN, (first, last))

    def _condition(
        self,
        kind: AttributeType,
        values: tuple[str, ...],
        opposite: AttributeType | None = None,
    ) -> Condition:
        _require(values)

        def dimensions(kind: AttributeType) -> SegmentDimensions:
            by_name = {self._name: AttributeDimension(values=values, attribute_type=kind)}
            if self._is_of_user:
                return SegmentDimensions(user_attributes=by_name)
            return SegmentDimensions(attributes=by_name)

        return Filter(dimensions(kind), dimensions(opposite) if opposite else None)


@attrs.frozen(eq=False)
class MetricName:
    """A custom metric, which a comparison with a number makes a condition of."""

    _name: str = attrs.field(repr=False)

    def __gt__(self, number: float) -> Condition:
        return self._condition(ComparisonOperator.GREATER_THAN, number)

    def __ge__(self, number: float) -> Condition:
        return self._condition(ComparisonOperator.GREATER_THAN_OR_EQUAL, number)

    def __lt__(self, number: float) -> Condition:
        return self._condition(ComparisonOperator.LESS_THAN, number)

    def __le__(self, number: float) -> Condition:
        return self._condition(ComparisonOperator.LESS_THAN_OR_EQUAL, number)

    def __eq__(self, number: float) -> Condition:  # type: ignore[override]  # a condition, no truth
        return self._condition(ComparisonOperator.EQUAL, number)

    def __ne__(self, number: float) -> Condition:  # type: ignore[override]  # as above
        return ~(self == number)

    __hash__ = None  # type: ignore[assignment]  # nothing can be found by a condition

    def _condition(self, operator: ComparisonOperator, number: float) -> Condition:
        dimension = MetricDimension(comparison_operator=operator, value=number)
        return Filter(SegmentDimensions(metrics={self._name: dimension}))


def attribute(name: str) -> AttributeName:
    """Refer to a custom attribute of endpoints.

    Args:
        name: case-sensitive.

    Examples:
        >>> attribute("interests").is_in("music", "travel").definition()
        SegmentDimensions(attributes=<1>)
    """
    return AttributeName(name)


def user_attribute(name: str) -> AttributeName:
    """Refer to an attribute of users.

    Args:
        name: case-sensitive.
    """
    return AttributeName(name, is_of_user=True)


def metric(name: str) -> MetricName:
    """Refer to a custom metric; compare it in parentheses. Without it, nothing matches.

    Args:
        name: case-sensitive.

    Examples:
        >>> ((metric("level") >= 3) & (metric("losses") == 0)).definition()
        SegmentDimensions(metrics=<2>)
    """
    return MetricName(name)


def country(*codes: str) -> Condition:
    """Match endpoints in one of these countries.

    Args:
        *codes: as the endpoints have them, mostly two letters.
    """
    return _set(codes, lambda found: SegmentDimensions(location=SegmentLocation(country=found)))


def near(*, latitude: float, longitude: float, kilometers: float) -> Condition:
    """Match endpoints near a point. Stored coordinates have one decimal, about 11 km.

    Args:
        latitude: degrees.
        longitude: degrees.
        kilometers: how far away an endpoint may be.
    """
    point = GPSPointDimension(
        coordinates=GPSCoordinates(latitude=latitude, longitude=longitude),
        range_in_kilometers=kilometers,
    )
    return Filter(SegmentDimensions(location=SegmentLocation(gps_point=point)))


def channel(*types: ChannelType | str) -> Condition:
    """Match endpoints that are reached by one of these channels.

    Args:
        *types: channel types; PUSH stands for every kind of push notification.
    """
    names = tuple(required_member(ChannelType, value, "channel").value for value in types)
    return _device(names, lambda wanted: SegmentDemographics(channel=wanted))


def platform(*names: str) -> Condition:
    """Match devices with one of these operating systems."""
    return _device(names, lambda wanted: SegmentDemographics(platform=wanted))


def app_version(*versions: str) -> Condition:
    """Match apps with one of these versions."""
    return _device(versions, lambda wanted: SegmentDemographics(app_version=wanted))


def make(*names: str) -> Condition:
    """Match devices of one of these manufacturers."""
    return _device(names, lambda wanted: SegmentDemographics(make=wanted))


def model(*names: str) -> Condition:
    """Match devices that are one of these models."""
    return _device(names, lambda wanted: SegmentDemographics(model=wanted))


def active_within(*, days: int) -> Condition:
    """Match endpoints that were active in the last days.

    Args:
        days: 1, 7, 14 or 30; Pinpoint knows no others.

    Raises:
        ValidationError: it is another number.
    """
    return _recency(days, RecencyType.ACTIVE)


def inactive_for(*, days: int) -> Condition:
    """Match endpoints that were not active in the last days.

    Args:
        days: 1, 7, 14 or 30; Pinpoint knows no others.

    Raises:
        ValidationError: it is another number.
    """
    return _recency(days, RecencyType.INACTIVE)


def segment(which: Segment | str, *, version: int | None = None) -> Condition:
    """Match endpoints in another segment.

    Args:
        which: the segment, or its id.
        version: a version of it; the latest unless given.
    """
    segment_id = which.id if isinstance(which, Segment) else which
    return Source(SegmentReference(id=segment_id, version=version))


def _set(
    values: tuple[str, ...], dimensions: Callable[[SetDimension], SegmentDimensions]
) -> Condition:
    _require(values)
    wanted, unwanted = (
        dimensions(SetDimension(values=values, dimension_type=kind))
        for kind in (DimensionType.INCLUSIVE, DimensionType.EXCLUSIVE)
    )
    return Filter(wanted, unwanted)


def _device(
    values: tuple[str, ...], demographic: Callable[[SetDimension], SegmentDemographics]
) -> Condition:
    return _set(values, lambda wanted: SegmentDimensions(demographic=demographic(wanted)))


def _recency(days: int, kind: RecencyType) -> Condition:
    if days not in _DURATIONS:
        raise ValidationError("Pinpoint knows 1, 7, 14 and 30 days only: use one of them", "$.days")
    recency = RecencyDimension(duration=_DURATIONS[days], recency_type=kind)
    return Filter(SegmentDimensions(behavior=SegmentBehaviors(recency=recency)))


def _require(values: tuple[str, ...]) -> None:
    if not values:
        raise ValidationError("has no values: give at least one", "$.values")
    if any(isinstance(value, (list, tuple, set, frozenset)) for value in values):
        raise InvalidTypeError("expected texts: write is_in(*values) for a list", "$.values")


def _instant(value: dt.date | TimestampInput) -> str:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time(), dt.timezone.utc)
    found = instant(value, "values")
    if found is None:
        raise InvalidTypeError("expected an instant, got None: give it", "$.values")
    return iso(found)

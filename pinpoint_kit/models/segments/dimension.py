"""Dimensions: the filters that a dynamic segment is made of, under Pinpoint's own names.

Values only. How filters are combined is in segments/segment.py, and the short way to write them in
segments/where.py; what they match is the business of whoever evaluates them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    enum_member,
    extra_field,
    finite_number,
    models_by_name,
    optional_model,
    private,
    required_member,
    required_model,
    required_number,
    text_list,
)

__all__ = [
    "AttributeDimension",
    "AttributeType",
    "ComparisonOperator",
    "DimensionType",
    "Duration",
    "GPSCoordinates",
    "GPSPointDimension",
    "MetricDimension",
    "RecencyDimension",
    "RecencyType",
    "SegmentBehaviors",
    "SegmentDemographics",
    "SegmentDimensions",
    "SegmentLocation",
    "SetDimension",
]


class AttributeType(str, Enum):
    """How the values of an attribute are compared; INCLUSIVE when a dimension does not say."""

    INCLUSIVE = "INCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"
    CONTAINS = "CONTAINS"
    BEFORE = "BEFORE"
    AFTER = "AFTER"
    ON = "ON"
    BETWEEN = "BETWEEN"


class DimensionType(str, Enum):
    """Whether the values are wanted or unwanted; INCLUSIVE when a dimension does not say."""

    INCLUSIVE = "INCLUSIVE"
    EXCLUSIVE = "EXCLUSIVE"


class ComparisonOperator(str, Enum):
    """How a metric is compared."""

    GREATER_THAN = "GREATER_THAN"
    GREATER_THAN_OR_EQUAL = "GREATER_THAN_OR_EQUAL"
    LESS_THAN = "LESS_THAN"
    LESS_THAN_OR_EQUAL = "LESS_THAN_OR_EQUAL"
    EQUAL = "EQUAL"


class Duration(str, Enum):
    """How far back recency looks: a day, or 7, 14 or 30 days."""

    HR_24 = "HR_24"
    DAY_7 = "DAY_7"
    DAY_14 = "DAY_14"
    DAY_30 = "DAY_30"


class RecencyType(str, Enum):
    """Whether the endpoint was active in that time, or was not."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


def _values(value: Sequence[str] | str) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    return tuple(text_list(texts, "$.values"))


def _attribute_type(value: AttributeType | str | None) -> AttributeType | None:
    return enum_member(AttributeType, value, "attribute_type")


def _dimension_type(value: DimensionType | str | None) -> DimensionType | None:
    return enum_member(DimensionType, value, "dimension_type")


def _comparison_operator(value: ComparisonOperator | str) -> ComparisonOperator:
    return required_member(ComparisonOperator, value, "comparison_operator")


def _duration(value: Duration | str) -> Duration:
    return required_member(Duration, value, "duration")


def _recency_type(value: RecencyType | str) -> RecencyType:
    return required_member(RecencyType, value, "recency_type")


def _value(value: float) -> float:
    return required_number(value, "value")


def _latitude(value: float) -> float:
    return required_number(value, "latitude")


def _longitude(value: float) -> float:
    return required_number(value, "longitude")


def _range(value: float | None) -> float | None:
    return finite_number(value, "range_in_kilometers")


@attrs.frozen(kw_only=True, repr=False)
class AttributeDimension(Model):
    """A filter by the values of one custom attribute, of an endpoint or of a user.

    Args:
        values: the values; any of them is enough. One string stands for a list of one. Up to
            100 characters each. For BEFORE, AFTER, ON and BETWEEN: ISO 8601 instants.
        attribute_type: how they are compared.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the attribute type is not known.

    Source: AttributeDimension of the service model.
    """

    values: tuple[str, ...] = private(converter=_values)
    attribute_type: AttributeType | None = attrs.field(default=None, converter=_attribute_type)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class SetDimension(Model):
    """A filter by the values of a standard attribute, such as the platform or the country.

    Args:
        values: the values; any of them is enough. One string stands for a list of one.
        dimension_type: whether they are wanted or unwanted.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the dimension type is not known.

    Source: SetDimension of the service model.
    """

    values: tuple[str, ...] = private(converter=_values)
    dimension_type: DimensionType | None = attrs.field(default=None, converter=_dimension_type)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class MetricDimension(Model):
    """A filter by one custom metric.

    Args:
        comparison_operator: how the metric is compared with the value.
        value: a finite number.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the operator is not known, or the value is not finite.

    Source: MetricDimension of the service model.
    """

    comparison_operator: ComparisonOperator = attrs.field(converter=_comparison_operator)
    value: float = attrs.field(converter=_value)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class RecencyDimension(Model):
    """A filter by when the endpoint was last active.

    Args:
        duration: how far back to look.
        recency_type: whether it was active in that time, or was not.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the duration or the type is not known.

    Source: RecencyDimension of the service model.
    """

    duration: Duration = attrs.field(converter=_duration)
    recency_type: RecencyType = attrs.field(converter=_recency_type)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class GPSCoordinates(Model):
    """A point on the earth.

    Args:
        latitude: degrees.
        longitude: degrees.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: a value is not finite.
    """

    latitude: float = attrs.field(converter=_latitude)
    longitude: float = attrs.field(converter=_longitude)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class GPSPointDimension(Model):
    """A filter by the distance from a point.

    Stored coordinates of endpoints have one decimal, which is about 11 km: smaller ranges say
    little.

    Args:
        coordinates: the point.
        range_in_kilometers: how far away an endpoint may be.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the range is not finite.

    Source: GPSPointDimension of the service model.
    """

    coordinates: GPSCoordinates = attrs.field(validator=required_model(GPSCoordinates))
    range_in_kilometers: float | None = attrs.field(default=None, converter=_range)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class SegmentBehaviors(Model):
    """Filters by what endpoints did.

    Args:
        recency: when they were last active.
        extra: members that the service sent and this version does not know.
    """

    recency: RecencyDimension | None = attrs.field(
        default=None, validator=optional_model(RecencyDimension)
    )
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class SegmentDemographics(Model):
    """Filters by the device and its software.

    Args:
        app_version: version of the app.
        channel: names of channel types, for example `EMAIL`.
        device_type: the type of device. Endpoints have no such member.
        make: manufacturer.
        model: model.
        platform: operating system.
        extra: members that the service sent and this version does not know.
    """

    app_version: SetDimension | None = attrs.field(
        default=None, validator=optional_model(SetDimension)
    )
    channel: SetDimension | None = attrs.field(default=None, validator=optional_model(SetDimension))
    device_type: SetDimension | None = attrs.field(
        default=None, validator=optional_model(SetDimension)
    )
    make: SetDimension | None = attrs.field(default=None, validator=optional_model(SetDimension))
    model: SetDimension | None = attrs.field(default=None, validator=optional_model(SetDimension))
    platform: SetDimension | None = attrs.field(
        default=None, validator=optional_model(SetDimension)
    )
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class SegmentLocation(Model):
    """Filters by where endpoints are.

    Args:
        country: two-letter codes.
        gps_point: the distance from a point.
        extra: members that the service sent and this version does not know.
    """

    country: SetDimension | None = attrs.field(default=None, validator=optional_model(SetDimension))
    gps_point: GPSPointDimension | None = attrs.field(
        default=None, validator=optional_model(GPSPointDimension)
    )
    extra: dict[str, JsonValue] = extra_field()


def _attributes(
    value: Mapping[str, AttributeDimension] | None,
) -> Mapping[str, AttributeDimension] | None:
    return models_by_name(AttributeDimension, value, "attributes")


def _user_attributes(
    value: Mapping[str, AttributeDimension] | None,
) -> Mapping[str, AttributeDimension] | None:
    return models_by_name(AttributeDimension, value, "user_attributes")


def _metrics(value: Mapping[str, MetricDimension] | None) -> Mapping[str, MetricDimension] | None:
    return models_by_name(MetricDimension, value, "metrics")


@attrs.frozen(kw_only=True, repr=False)
class SegmentDimensions(Model):
    """Filters of which all must match; without any, every endpoint matches.

    At most 100 filters and 100 values in one segment.

    Args:
        attributes: custom attribute -> filter.
        user_attributes: user attribute -> filter.
        metrics: custom metric -> filter.
        behavior: when endpoints were last active.
        demographic: the device and its software.
        location: where endpoints are.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.

    Source: SegmentDimensions of the service model; User Guide, "Building segments".
    """

    attributes: Mapping[str, AttributeDimension] | None = attrs.field(
        default=None, converter=_attributes
    )
    user_attributes: Mapping[str, AttributeDimension] | None = attrs.field(
        default=None, converter=_user_attributes
    )
    metrics: Mapping[str, MetricDimension] | None = attrs.field(default=None, converter=_metrics)
    behavior: SegmentBehaviors | None = attrs.field(
        default=None, validator=optional_model(SegmentBehaviors)
    )
    demographic: SegmentDemographics | None = attrs.field(
        default=None, validator=optional_model(SegmentDemographics)
    )
    location: SegmentLocation | None = attrs.field(
        default=None, validator=optional_model(SegmentLocation)
    )
    extra: dict[str, JsonValue] = extra_field()

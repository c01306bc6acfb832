"""When a campaign runs, for how many, and what starts it. Values only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import attrs

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    enum_member,
    extra_field,
    instant,
    iso,
    models_by_name,
    optional_count,
    optional_flag,
    optional_model,
    optional_text,
    required_member,
    required_model,
)
from pinpoint_kit.models.segments.dimension import (
    AttributeDimension,
    MetricDimension,
    SetDimension,
)

__all__ = [
    "CampaignLimits",
    "EventDimensions",
    "EventFilter",
    "FilterType",
    "Frequency",
    "QuietTime",
    "Schedule",
]

#: The start of a campaign that runs as soon as it exists.
IMMEDIATE = "IMMEDIATE"

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_MAX_CAP = 100
_MAX_RATE = 20_000
_MIN_DURATION = 60


class Frequency(str, Enum):
    """How often a campaign runs, or what starts it."""

    ONCE = "ONCE"
    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"
    EVENT = "EVENT"
    IN_APP_EVENT = "IN_APP_EVENT"


class FilterType(str, Enum):
    """Whose events are meant: those of the service, or those of endpoints."""

    SYSTEM = "SYSTEM"
    ENDPOINT = "ENDPOINT"


def _frequency(value: Frequency | str | None) -> Frequency | None:
    return enum_member(Frequency, value, "frequency")


def _filter_type(value: FilterType | str) -> FilterType:
    return required_member(FilterType, value, "filter_type")


def _clock_time(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    optional_text(instance, attribute, value)
    if isinstance(value, str) and _CLOCK.fullmatch(value) is None:
        raise ValidationError("is not a time of day: write it like 22:30", f"$.{attribute.name}")


@attrs.frozen(kw_only=True, repr=False)
class QuietTime(Model):
    """Hours in which nobody gets a message, in the time zone of each endpoint.

    An endpoint without a valid `Demographic.timezone` gets it at any time.

    Args:
        start: when it begins, such as `22:00`. Later than `end` means over midnight.
        end: when it ends, such as `07:30`; the minute itself belongs to it.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: a value is no time of day.

    Source: QuietTime of the service model.
    """

    start: str | None = attrs.field(default=None, validator=_clock_time)
    end: str | None = attrs.field(default=None, validator=_clock_time)
    extra: dict[str, JsonValue] = extra_field()


def _event_type(value: SetDimension | str | None) -> object:
    return SetDimension(values=(value,)) if isinstance(value, str) else value


def _attributes(
    value: Mapping[str, AttributeDimension] | None,
) -> Mapping[str, AttributeDimension] | None:
    return models_by_name(AttributeDimension, value, "attributes")


def _metrics(value: Mapping[str, MetricDimension] | None) -> Mapping[str, MetricDimension] | None:
    return models_by_name(MetricDimension, value, "metrics")


@attrs.frozen(kw_only=True, repr=False)
class EventDimensions(Model):
    """What an event must be like; all of it has to match.

    Args:
        event_type: its type; a text stands for itself.
        attributes: name -> what the attribute must be.
        metrics: name -> what the metric must be.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.

    Source: EventDimensions of the service model.
    """

    event_type: SetDimension | None = attrs.field(
        default=None, converter=_event_type, validator=optional_model(SetDimension)
    )
    attributes: Mapping[str, AttributeDimension] | None = attrs.field(
        default=None, converter=_attributes
    )
    metrics: Mapping[str, MetricDimension] | None = attrs.field(default=None, converter=_metrics)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class EventFilter(Model):
    """The events that start a campaign, or show its in-app message.

    Args:
        dimensions: what they are like.
        filter_type: ENDPOINT for events that endpoints report, SYSTEM for those of the service.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the filter type is not known.

    Source: CampaignEventFilter of the service model.
    """

    dimensions: EventDimensions = attrs.field(validator=required_model(EventDimensions))
    filter_type: FilterType = attrs.field(converter=_filter_type)
    extra: dict[str, JsonValue] = extra_field()


def _time_text(value: TimestampInput, field: str) -> str:
    """Return an instant as text; of text, which may say a time zone, the text itself."""
    moment = instant(value, field)
    if moment is None:
        raise InvalidTypeError(
            f"expected an instant or {IMMEDIATE}, got None: give it", f"$.{field}"
        )
    return value if isinstance(value, str) else iso(moment)


def _start_time(value: TimestampInput) -> str:
    return IMMEDIATE if value == IMMEDIATE else _time_text(value, "start_time")


def _end_time(value: TimestampInput | None) -> str | None:
    return None if value is None else _time_text(value, "end_time")


@attrs.frozen(kw_only=True, repr=False)
class Schedule(Model):
    """When a campaign runs.

    Args:
        start_time: the first run: an instant, or `IMMEDIATE`. Of text, the service sees the text.
        end_time: after this instant nothing is sent; for ever unless given.
        frequency: how often it runs; ONCE unless given.
        is_local_time: whether a run begins at the same time of day in each endpoint's time zone.
        timezone: with `is_local_time`: the offset in which `start_time` is meant, such as `UTC+01`.
        quiet_time: hours in which nobody gets a message.
        event_filter: with EVENT and IN_APP_EVENT: which events are meant.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: a time is no instant, or the frequency is not known.

    Source: Schedule of the service model.
    """

    start_time: str = attrs.field(converter=_start_time)
    end_time: str | None = attrs.field(default=None, converter=_end_time)
    frequency: Frequency | None = attrs.field(default=None, converter=_frequency)
    is_local_time: bool | None = attrs.field(default=None, validator=optional_flag)
    timezone: str | None = attrs.field(default=None, validator=optional_text)
    quiet_time: QuietTime | None = attrs.field(default=None, validator=optional_model(QuietTime))
    event_filter: EventFilter | None = attrs.field(
        default=None, validator=optional_model(EventFilter)
    )
    extra: dict[str, JsonValue] = extra_field()


def _within(least: int, most: int | None) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Return a validator: not given, 0 for no limit, or a number in between."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        optional_count(instance, attribute, value)
        number = value if isinstance(value, int) else 0
        if number and (number < least or (most is not None and number > most)):
            bounds = f"at least {least}" if most is None else f"from {least} to {most}"
            raise ValidationError(f"must be {bounds}, or 0 for no limit", f"$.{attribute.name}")

    return check


@attrs.frozen(kw_only=True, repr=False)
class CampaignLimits(Model):
    """How much a campaign may send; 0 is no limit. What is not given is the application's.

    Args:
        daily: messages to one endpoint in 24 hours, over all campaigns; at most 100.
        total: messages to one endpoint over all runs of the campaign; at most 100.
        session: in-app messages to one endpoint in one session.
        messages_per_second: how fast it sends; 1 to 20,000.
        maximum_duration: seconds after the scheduled start in which it sends; at least 60.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: a value is out of its range.

    Source: CampaignLimits of the service model.
    """

    daily: int | None = attrs.field(default=None, validator=_within(1, _MAX_CAP))
    total: int | None = attrs.field(default=None, validator=_within(1, _MAX_CAP))
    session: int | None = attrs.field(default=None, validator=_within(1, None))
    messages_per_second: int | None = attrs.field(default=None, validator=_within(1, _MAX_RATE))
    maximum_duration: int | None = attrs.field(default=None, validator=_within(_MIN_DURATION, None))
    extra: dict[str, JsonValue] = extra_field()

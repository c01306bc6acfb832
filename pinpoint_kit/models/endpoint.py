"""An endpoint: one place where a person can be reached, and what is known about it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import Enum

import attrs

from pinpoint_kit.models.base import (
    AttributeLists,
    AttributeListsInput,
    JsonValue,
    Model,
    TimestampInput,
    attribute_lists,
    detail,
    enum_member,
    extra_field,
    finite_number,
    instant,
    metric_values,
    optional_model,
    optional_text,
    private,
)
from pinpoint_kit.models.user import User

__all__ = ["ChannelType", "Demographic", "Endpoint", "EndpointStatus", "Location", "OptOut"]


class ChannelType(str, Enum):
    """The channel by which an endpoint is reached."""

    PUSH = "PUSH"
    GCM = "GCM"
    APNS = "APNS"
    APNS_SANDBOX = "APNS_SANDBOX"
    APNS_VOIP = "APNS_VOIP"
    APNS_VOIP_SANDBOX = "APNS_VOIP_SANDBOX"
    ADM = "ADM"
    SMS = "SMS"
    VOICE = "VOICE"
    EMAIL = "EMAIL"
    BAIDU = "BAIDU"
    CUSTOM = "CUSTOM"
    IN_APP = "IN_APP"


class OptOut(str, Enum):
    """Whether the person refuses messages at this endpoint."""

    ALL = "ALL"
    NONE = "NONE"


class EndpointStatus(str, Enum):
    """Whether messages can reach the endpoint; every update without it sets ACTIVE."""

    ACTIVE = "ACTIVE"
    INACTIVE = "INACTIVE"


def _channel_type(value: ChannelType | str | None) -> ChannelType | None:
    return enum_member(ChannelType, value, "channel_type")


def _opt_out(value: OptOut | str | None) -> OptOut | None:
    return enum_member(OptOut, value, "opt_out")


def _endpoint_status(value: EndpointStatus | str | None) -> EndpointStatus | None:
    return enum_member(EndpointStatus, value, "endpoint_status")


def _effective_date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "effective_date")


def _creation_date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "creation_date")


def _latitude(value: float | None) -> float | None:
    return finite_number(value, "latitude")


def _longitude(value: float | None) -> float | None:
    return finite_number(value, "longitude")


def _attributes(value: AttributeListsInput | None) -> AttributeLists | None:
    return attribute_lists(value)


@attrs.frozen(kw_only=True, repr=False)
class Demographic(Model):
    """The device and its software.

    Args:
        app_version: version of the app, for example `1.0`.
        locale: for example `en_US`.
        make: manufacturer, for example `apple`.
        model: for example `iPhone`.
        model_version: version of the model.
        platform: operating system, for example `ios` or `android`.
        platform_version: version of the operating system.
        timezone: tz database name, for example `America/Los_Angeles`.
        extra: members that the service sent and this version does not know.
    """

    app_version: str | None = attrs.field(default=None, validator=optional_text)
    locale: str | None = attrs.field(default=None, validator=optional_text)
    make: str | None = attrs.field(default=None, validator=optional_text)
    model: str | None = attrs.field(default=None, validator=optional_text)
    model_version: str | None = attrs.field(default=None, validator=optional_text)
    platform: str | None = attrs.field(default=None, validator=optional_text)
    platform_version: str | None = attrs.field(default=None, validator=optional_text)
    timezone: str | None = attrs.field(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class Location(Model):
    """Where the endpoint is.

    Args:
        city: city.
        country: two-letter code, ISO 3166-1 alpha-2.
        latitude: degrees. The service rounds it to one decimal (about 11 km) when it stores it.
        longitude: degrees, rounded likewise.
        postal_code: postal or ZIP code.
        region: state or region.
        extra: members that the service sent and this version does not know.
    """

    city: str | None = private(default=None, validator=optional_text)
    country: str | None = attrs.field(default=None, validator=optional_text)
    latitude: float | None = private(default=None, converter=_latitude)
    longitude: float | None = private(default=None, converter=_longitude)
    postal_code: str | None = private(default=None, validator=optional_text)
    region: str | None = private(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class Endpoint(Model):
    """One destination and what is known about it.

    A field that is `None` is "not given": an update sends only what was given and leaves the
    rest as it is. An attribute with `[]` as its values is cleared.

    Args:
        id: case-insensitive id, should be a GUID; may not hold `$`, `{` or `}`. May be left
            out where the call names the endpoint already (`events`, `auth`).
        channel_type: the channel; needed together with `address` or not at all.
        address: device token, e-mail address, or E.164 phone number.
        attributes: custom attributes, name -> values. A value list replaces the stored one.
            Names up to 50 characters, values up to 100, up to 50 values an attribute.
        metrics: custom numbers, name -> finite float.
        demographic: the device.
        location: where it is.
        user: the person.
        opt_out: `ALL` refuses every message. The service's default is `NONE`.
        endpoint_status: `ACTIVE` unless set otherwise; any update without it sets `ACTIVE`.
        effective_date: when this data was last right; the time of the update by default.
        request_id: the id of the latest update; made by the service by default.
        application_id: set by the service, never sent.
        cohort_id: `"0"` to `"99"`, set by the service, never sent.
        creation_date: set by the service, never sent.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: a value is not possible, for example an unknown channel type.

    Source: EndpointRequest and EndpointResponse of the service model; Developer Guide,
    "Adding endpoints".

    Examples:
        >>> Endpoint(id="device-1", attributes={"plan": "pro"}).attributes
        {'plan': ['pro']}
    """

    id: str | None = attrs.field(default=None, validator=optional_text)
    channel_type: ChannelType | None = attrs.field(default=None, converter=_channel_type)
    address: str | None = private(default=None, validator=optional_text)
    attributes: AttributeLists | None = attrs.field(default=None, converter=_attributes)
    metrics: Mapping[str, float] | None = attrs.field(default=None, converter=metric_values)
    demographic: Demographic | None = attrs.field(
        default=None, validator=optional_model(Demographic)
    )
    location: Location | None = attrs.field(default=None, validator=optional_model(Location))
    user: User | None = attrs.field(default=None, validator=optional_model(User))
    opt_out: OptOut | None = attrs.field(default=None, converter=_opt_out)
    endpoint_status: EndpointStatus | None = attrs.field(default=None, converter=_endpoint_status)
    effective_date: dt.datetime | None = attrs.field(default=None, converter=_effective_date)
    request_id: str | None = detail(default=None, validator=optional_text)
    application_id: str | None = detail(default=None, validator=optional_text)
    cohort_id: str | None = detail(default=None, validator=optional_text)
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_creation_date)
    extra: dict[str, JsonValue] = extra_field()

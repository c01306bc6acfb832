"""An event as it is stored: what was recorded, who it belongs to, and when it arrived."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    extra_field,
    instant,
    metric_values,
    optional_model,
    optional_text,
    private,
    required_text,
    text_values,
)
from pinpoint_kit.models.endpoint import Endpoint
from pinpoint_kit.models.event import Session

__all__ = ["StoredEvent"]


def _timestamp(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "timestamp")


def _arrival_timestamp(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "arrival_timestamp")


@attrs.frozen(kw_only=True, repr=False)
class StoredEvent(Model):
    """An event that our engine or server has stored.

    Its repr and its table in a notebook hide the user, the attributes and the session; `show()`
    shows all of it.

    Args:
        id: the event's id, unique within its endpoint.
        endpoint_id: the endpoint's id, in lower case.
        user_id: the user that the endpoint had when the event arrived; None: there was none.
        type: the event type.
        timestamp: when it happened.
        arrival_timestamp: when it arrived.
        session: the session that it belongs to.
        attributes: name -> text.
        metrics: name -> number.
        endpoint: what the event remembers of its endpoint as it was on arrival: platform, app
            version, make, model, locale, time zone and country.
        app_title: as it came with the event.
        app_package_name: as above.
        app_version_code: as above.
        client_sdk_version: as above.
        sdk_name: as above.
        extra: members that the server sent and this version does not know.
    """

    id: str = attrs.field(validator=required_text)
    endpoint_id: str = private(validator=required_text)
    user_id: str | None = private(default=None, validator=optional_text)
    type: str = attrs.field(validator=required_text)
    timestamp: dt.datetime | None = attrs.field(default=None, converter=_timestamp)
    arrival_timestamp: dt.datetime | None = attrs.field(default=None, converter=_arrival_timestamp)
    session: Session | None = private(default=None, validator=optional_model(Session))
    attributes: Mapping[str, str] | None = attrs.field(default=None, converter=text_values)
    metrics: Mapping[str, float] | None = attrs.field(default=None, converter=metric_values)
    endpoint: Endpoint | None = attrs.field(default=None, validator=optional_model(Endpoint))
    app_title: str | None = attrs.field(default=None, validator=optional_text)
    app_package_name: str | None = attrs.field(default=None, validator=optional_text)
    app_version_code: str | None = attrs.field(default=None, validator=optional_text)
    client_sdk_version: str | None = attrs.field(default=None, validator=optional_text)
    sdk_name: str | None = attrs.field(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()

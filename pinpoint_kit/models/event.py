"""An event, the session it may belong to, and the service's answer to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import attrs

from pinpoint_kit.errors import BadRequest, ServiceError
from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    extra_field,
    instant,
    metric_values,
    optional_milliseconds,
    optional_model,
    optional_text,
    private,
    required_text,
    text_values,
)

__all__ = ["Event", "EventResult", "ImportRefusal", "Session"]

ACCEPTED = 202


def _timestamp(value: TimestampInput | None) -> dt.datetime | None:
    return None if value is None else instant(value, "timestamp")


def _start_timestamp(value: TimestampInput | None) -> dt.datetime | None:
    return None if value is None else instant(value, "start_timestamp")


def _stop_timestamp(value: TimestampInput | None) -> dt.datetime | None:
    return None if value is None else instant(value, "stop_timestamp")


def _pause_timestamp(value: TimestampInput | None) -> dt.datetime | None:
    return None if value is None else instant(value, "pause_timestamp")


@attrs.frozen(kw_only=True, repr=False)
class Session(Model):
    """A session, as a plain value: hand it to another process and attach it there.

    Args:
        id: the session's id.
        start_timestamp: when it began.
        stop_timestamp: when it ended; `None` while it is open.
        duration_ms: from start to stop (or pause) in milliseconds; `None` while it is open.
        endpoint_id: the endpoint that the session belongs to. Events do not repeat it.
        pause_timestamp: when it was paused; `None` while it is not. Events do not carry it.
        extra: members that the service sent and this version does not know.

    Source: Session of the service model.
    """

    id: str = attrs.field(validator=required_text)
    start_timestamp: dt.datetime | None = attrs.field(default=None, converter=_start_timestamp)
    stop_timestamp: dt.datetime | None = attrs.field(default=None, converter=_stop_timestamp)
    duration_ms: int | None = attrs.field(default=None, validator=optional_milliseconds)
    endpoint_id: str | None = attrs.field(default=None, validator=optional_text)
    pause_timestamp: dt.datetime | None = attrs.field(default=None, converter=_pause_timestamp)
    extra: dict[str, JsonValue] = extra_field()


def _texts_of_app(event: Event, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate what says where an event comes from: five texts that few events have."""
    if (
        value is not None
        or event.app_package_name is not None
        or event.app_title is not None
        or event.app_version_code is not None
        or event.client_sdk_version is not None
    ):
        del attribute
        for field in attrs.fields(Event):
            if field.name in _OF_APP:
                optional_text(event, field, getattr(event, field.name))


_OF_APP = frozenset(
    {"app_package_name", "app_title", "app_version_code", "client_sdk_version", "sdk_name"}
)


@attrs.frozen(kw_only=True, repr=False)
class Event(Model):
    """Something that happened at an endpoint.

    Args:
        type: the event type, for example `level_up` or `_userauth.sign_in`.
        id: the event id; made when the event is recorded unless given. The same id at the same
            endpoint counts once.
        timestamp: when it happened; the time of recording unless given. Naive counts as UTC.
        attributes: name -> text, at most 200 characters each.
        metrics: name -> finite float. At most 40 names in attributes and metrics together,
            each up to 50 characters.
        session: the session it belongs to.
        app_package_name: for example `com.example.shop`.
        app_title: the app's title.
        app_version_code: for example `3.2.0`.
        client_sdk_version: version of the client.
        sdk_name: name of the client.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the type is empty, the timestamp is none, or a metric is not finite.

    Source: Event of the service model; Developer Guide, Quotas.

    Examples:
        >>> Event(type="level_up", metrics={"n": 7}).metrics
        {'n': 7.0}
    """

    type: str = attrs.field(validator=required_text)
    id: str | None = attrs.field(default=None, validator=optional_text)
    timestamp: dt.datetime | None = attrs.field(default=None, converter=_timestamp)
    attributes: Mapping[str, str] | None = attrs.field(default=None, converter=text_values)
    metrics: Mapping[str, float] | None = attrs.field(default=None, converter=metric_values)
    session: Session | None = attrs.field(default=None, validator=optional_model(Session))
    app_package_name: str | None = None
    app_title: str | None = None
    app_version_code: str | None = None
    client_sdk_version: str | None = None
    sdk_name: str | None = attrs.field(default=None, validator=_texts_of_app)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class EventResult(Model):
    """What became of one event.

    Args:
        endpoint_id: the endpoint it was sent for.
        event_id: the event.
        status_code: 202 accepted, 400 refused; 413 when it can never fit into a request.
        message: the service's text, `Accepted` or the reason.
        endpoint_status_code: the answer to the endpoint data that went with it, if any came.
        endpoint_message: the text to that.
        request_id: the id of the request that carried it.
    """

    endpoint_id: str
    event_id: str
    status_code: int
    message: str = ""
    endpoint_status_code: int | None = None
    endpoint_message: str | None = private(default=None)
    request_id: str = ""

    @property
    def is_accepted(self) -> bool:
        """True when the service has taken the event."""
        return self.status_code == ACCEPTED

    def raise_for_status(self) -> EventResult:
        """Return self when accepted.

        Raises:
            BadRequest: the event was refused for its content.
            ServiceError: it was not taken for another reason.
        """
        if self.is_accepted:
            return self
        cls = BadRequest if self.status_code == 400 else ServiceError  # noqa: PLR2004 -- HTTP
        raise cls(
            f"event refused: {self.message}",
            status=self.status_code,
            request_id=self.request_id,
            operation="PutEvents",
        )


@attrs.frozen(kw_only=True, repr=False)
class ImportRefusal(Model):
    """Something that `events.import_many` could not store.

    Args:
        index: the place of its item in what was given, from 0.
        event_id: the event that was refused; None when it is the endpoint, and with it the item.
        message: why.
    """

    index: int
    event_id: str | None = None
    message: str = private(default="")

"""From one event of a PutEvents request to one row, or to a refusal.

Pure and on the hot path: each event is walked once, and its attributes are encoded once. No SQL;
what is known only in the transaction (application, endpoint, user) is added in
events/operations.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import orjson

from pinpoint_kit.engine.wire import instants
from pinpoint_kit.engine.wire.body import as_object, json_step, optional_instant, optional_text
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinpoint_kit.limits import Limits

__all__ = ["COLUMNS", "EventRow", "parse_event"]

#: The columns of `events` that an event fills by itself, in the order of an `EventRow`.
COLUMNS = (
    "event_id",
    "type",
    "timestamp",
    "session_id",
    "session_start",
    "session_stop",
    "session_duration",
    "app_package_name",
    "app_title",
    "app_version_code",
    "client_sdk_version",
    "sdk_name",
    "attributes",
    "metrics",
)
#: A tuple, because the driver takes rows so; a class would be unpacked again for each event.
EventRow: TypeAlias = tuple[object, ...]

_TEXTS = ("AppPackageName", "AppTitle", "AppVersionCode", "ClientSdkVersion", "SdkName")
_TEXT_OR_NONE = frozenset({str, type(None)})
_VERSION = _TEXTS.index("ClientSdkVersion")
_NO_SESSION = (None, None, None, None)
_MAX_DURATION_MS = 2**63 - 1


def parse_event(event_id: str, value: object, limits: Limits, *, sized: bool) -> EventRow:
    """Return the row of an event; members that are unknown or null count as not given.

    Args:
        event_id: the event's key in the request.
        value: the event's JSON.
        limits: what it must keep to.
        sized: whether its size must be looked at: false when the whole request is smaller.

    Raises:
        ApiError: the event is not valid.
    """
    if not event_id:
        raise bad_request("An event id must not be empty")
    source = value if type(value) is dict else as_object(value, "")
    if sized:
        _check_size(source, limits.max_event_bytes)
    event_type = source.get("EventType")
    if type(event_type) is not str:
        event_type = optional_text(source, "EventType")
    if not event_type:
        raise bad_request("Missing EventType")
    timestamp = _required_instant(source, "Timestamp", "")
    attributes = _attributes(source.get("Attributes"), limits)
    metrics = _metrics(source.get("Metrics"), limits)
    if len(attributes) + len(metrics) > limits.max_event_keys:
        raise bad_request(f"has more than {limits.max_event_keys} attribute and metric keys", "")
    texts: Sequence[object] = tuple(map(source.get, _TEXTS))
    if not _TEXT_OR_NONE.issuperset(map(type, texts)):  # one look at all of them
        texts = [optional_text(source, name) for name in _TEXTS]
    if texts[_VERSION] == "":
        raise bad_request("must not be empty; leave it out instead", ".ClientSdkVersion")
    session = source.get("Session")
    return (
        event_id,
        event_type,
        timestamp,
        *(_NO_SESSION if session is None else _session(session)),
        *texts,
        orjson.dumps(attributes).decode() if attributes else None,
        orjson.dumps(metrics).decode() if metrics else None,
    )


def _check_size(source: Mapping[str, object], max_bytes: int) -> None:
    try:
        size = len(orjson.dumps(source))
    except orjson.JSONEncodeError:
        raise bad_request("is nested too deep", "") from None
    if size > max_bytes:
        raise bad_request(f"is larger than {max_bytes} bytes", "")


def _required_instant(source: Mapping[str, object], name: str, path: str) -> int:
    text = source.get(name)
    instant = instants.recent_ms(text) if type(text) is str else None  # the usual case
    if instant is None:
        instant = optional_instant(source, name, path)
    if instant is None:
        raise bad_request(f"Missing {path.lstrip('.')}{'.' if path else ''}{name}")
    return instant


def _attributes(value: object, limits: Limits) -> Mapping[str, object]:
    if not value and (value is None or value == {}):
        return {}
    attributes = as_object(value, ".Attributes")
    max_key, max_value = limits.max_event_key_chars, limits.max_event_value_chars
    has_null = False
    for key, text in attributes.items():
        if type(text) is str and len(text) <= max_value and len(key) <= max_key:
            continue
        if text is None:
            has_null = True
            continue
        where = ".Attributes" + json_step(key, list(attributes).index(key))
        if type(text) is not str:
            raise bad_request("must be a string", where)
        if len(text) > max_value:
            raise bad_request(f"is longer than {max_value} characters", where)
        raise bad_request(f"the key is longer than {max_key} characters", where)
    return _without_nulls(attributes) if has_null else attributes


def _metrics(value: object, limits: Limits) -> Mapping[str, object]:
    if not value and (value is None or value == {}):
        return {}
    metrics = as_object(value, ".Metrics")
    max_key = limits.max_event_key_chars
    has_null = False
    for key, number in metrics.items():
        if (type(number) is float or type(number) is int) and len(key) <= max_key:
            continue
        if number is None:
            has_null = True
            continue
        where = ".Metrics" + json_step(key, list(metrics).index(key))
        if len(key) > max_key:
            raise bad_request(f"the key is longer than {max_key} characters", where)
        raise bad_request("must be a number", where)
    return _without_nulls(metrics) if has_null else metrics


def _without_nulls(values: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}


def _session(value: object) -> tuple[object, ...]:
    session = value if type(value) is dict else as_object(value, ".Session")
    session_id = session.get("Id")
    if type(session_id) is not str:
        session_id = optional_text(session, "Id", ".Session")
    if not session_id:
        raise bad_request("Missing Session.Id")
    duration = session.get("Duration")
    if duration is not None and (
        type(duration) is not int or not 0 <= duration <= _MAX_DURATION_MS
    ):
        raise bad_request(
            "must be a whole number of milliseconds, not below 0", ".Session.Duration"
        )
    start = _required_instant(session, "StartTimestamp", ".Session")
    stop = None
    if "StopTimestamp" in session:
        stop = optional_instant(session, "StopTimestamp", ".Session")
    if stop is not None and duration is None:
        raise bad_request("Session start and stop timestamp's exist but duration is null")
    return session_id, start, stop, duration

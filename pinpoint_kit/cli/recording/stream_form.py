"""Records of Pinpoint's event stream, as pipelines have them, in the form of PutEvents.

What PutEvents has no member for (`arrival_timestamp`, `awsAccountId`, `client_context`, `facets`
and so on) is left out. The mapping stands in docs/how-to/command-line.md.

Source: Developer Guide, "Event streams: app events"; records of version 3.1 carry `endpoint`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from pinpoint_kit.errors import InvalidTypeError, ValidationError

__all__ = ["is_stream_record", "to_put_events"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def is_stream_record(line: Mapping[str, Any]) -> bool:
    """Whether this is a record of the event stream."""
    return "event_type" in line and "EventType" not in line


def to_put_events(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with the members of PutEvents, `EndpointId` and `Endpoint`.

    Raises:
        ValidationError: a part is not what the event stream writes.
    """
    application = _part(record, "application")
    sdk = _part(application, "sdk", "$.application")
    client_id = _part(record, "client").get("client_id")
    if not client_id:
        raise ValidationError("misses client.client_id: give it", "$")
    line = {
        "EndpointId": client_id,
        "EventType": record["event_type"],
        "Timestamp": _instant(record.get("event_timestamp"), "$.event_timestamp"),
        "Attributes": record.get("attributes"),
        "Metrics": record.get("metrics"),
        "Session": _session(_part(record, "session")),
        "AppPackageName": application.get("package_name"),
        "AppTitle": application.get("title"),
        "AppVersionCode": application.get("version_code"),
        "SdkName": sdk.get("name"),
        "ClientSdkVersion": sdk.get("version"),
        "Endpoint": _part(record, "endpoint") or _endpoint(_part(record, "device")),
    }
    return {name: value for name, value in line.items() if value not in (None, "")}


def _session(session: Mapping[str, Any]) -> dict[str, Any] | None:
    if not session.get("session_id"):
        return None
    return {
        "Id": session["session_id"],
        "StartTimestamp": _instant(session.get("start_timestamp"), "$.session.start_timestamp"),
        "StopTimestamp": _instant(session.get("stop_timestamp"), "$.session.stop_timestamp"),
    }


def _endpoint(device: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the device as the endpoint's Demographic; None when nothing is said of it."""
    platform = _part(device, "platform", "$.device")
    demographic = {
        "Locale": _part(device, "locale", "$.device").get("code"),
        "Make": device.get("make"),
        "Model": device.get("model"),
        "Platform": platform.get("name"),
        "PlatformVersion": platform.get("version"),
    }
    given = {name: value for name, value in demographic.items() if value}
    return {"Demographic": given} if given else None


def _part(record: Mapping[str, Any], name: str, path: str = "$") -> Mapping[str, Any]:
    value = record.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidTypeError(f"expected an object, got {type(value).__name__}", f"{path}.{name}")
    return value


def _instant(value: object, path: str) -> str | None:
    """Milliseconds since 1970, or ISO 8601 text as it is."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidTypeError("expected milliseconds since 1970, or ISO 8601 text", path)
    try:
        return (_EPOCH + dt.timedelta(milliseconds=value)).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError) as error:
        raise ValidationError("is outside of the years 1 to 9999", path) from error

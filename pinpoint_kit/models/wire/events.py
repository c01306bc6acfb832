"""Events as PutEvents carries them, encoded once: what every record call runs through.

Written for speed. The names and values of members are the codec's matter.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import attrs
import orjson

from pinpoint_kit.models.base import JsonValue, iso
from pinpoint_kit.models.event import Event, Session
from pinpoint_kit.models.wire.codec import REQUEST, encode

__all__ = [
    "Members",
    "encode_simple_event",
    "encode_usual_event",
    "event_body",
    "event_fragment",
    "event_members",
    "event_parts",
    "stamp",
]

_SESSION = REQUEST.get_unstructure_hook(Session)
_EVENT = REQUEST.get_unstructure_hook(Event)  # looked up once: every record call needs it


def event_body(
    event: Event, attributes: Mapping[str, str] | None, metrics: Mapping[str, float] | None
) -> dict[str, JsonValue]:
    """Return the members that PutEvents has for one event, with these attributes and metrics.

    The time of the event is not always among them: `event_fragment` sets it.
    """
    if (
        event.app_title is None
        and event.app_package_name is None
        and event.app_version_code is None
        and event.client_sdk_version is None
        and event.sdk_name is None
        and not event.extra
    ):  # nearly every event
        return event_parts(event.type, attributes, metrics, event.session)
    body: dict[str, JsonValue] = _EVENT(event)
    if attributes is not event.attributes and attributes is not None:
        body["Attributes"] = attributes
    if metrics is not event.metrics and metrics is not None:
        body["Metrics"] = metrics
    return body


def event_parts(
    event_type: str,
    attributes: Mapping[str, str] | None,
    metrics: Mapping[str, float] | None,
    session: Session | None,
) -> dict[str, JsonValue]:
    """Return what `event_body` gives for an event of these parts, without making the event."""
    body: dict[str, JsonValue] = {"EventType": event_type}
    if attributes is not None:
        body["Attributes"] = attributes
    if metrics is not None:
        body["Metrics"] = metrics
    if session is not None:
        body["Session"] = _session(session)
    return body


def _session(session: Session) -> dict[str, JsonValue]:
    """Return the members of a session; most are open, and have only two."""
    start = session.start_timestamp
    if (
        start is None
        or session.stop_timestamp is not None
        or session.duration_ms is not None
        or session.extra
    ):
        members: dict[str, JsonValue] = _SESSION(session)
        return members
    return {"Id": session.id, "StartTimestamp": iso(start)}


@attrs.frozen
class Members:
    """The members that a client adds to every event that does not have them itself."""

    values: Mapping[str, JsonValue] = attrs.field(factory=dict)
    #: The same, encoded once: what stands before the closing brace of an event.
    tail: bytes = b"}"


def event_members(
    *,
    app_title: str | None = None,
    app_package_name: str | None = None,
    app_version_code: str | None = None,
    client_sdk_version: str | None = None,
    sdk_name: str | None = None,
) -> Members:
    """Return the members that a client adds to every event, for `event_fragment`.

    Raises:
        InvalidTypeError: one of them is not text.
        ValidationError: one of them cannot be written in UTF-8.
    """
    values: dict[str, JsonValue] = _EVENT(
        Event(
            type="defaults",
            app_title=app_title,
            app_package_name=app_package_name,
            app_version_code=app_version_code,
            client_sdk_version=client_sdk_version,
            sdk_name=sdk_name,
        )
    )
    del values["EventType"]
    return Members(values, b"," + encode(values)[1:] if values else b"}")


def event_fragment(
    body: dict[str, JsonValue], event_id: str, timestamp: str, members: Members
) -> bytes:
    """`"id":{…}`: one event as it stands inside of a PutEvents request, encoded once.

    Args:
        body: what `event_body` or `event_parts` gave; it is used up.
        event_id: its id.
        timestamp: when it happened.
        members: the client's own members.

    Raises:
        ValidationError: the event cannot be written as JSON in UTF-8.
    """
    body["Timestamp"] = timestamp
    if members.values.keys().isdisjoint(body):
        return encode({event_id: body})[1:-2] + members.tail
    return encode({event_id: {**members.values, **body}})[1:-1]


def encode_simple_event(  # noqa: PLR0913, PLR0917 -- the parts of an event; by place, which is faster
    event_type: str,
    attributes: Mapping[str, str] | None,
    metrics: Mapping[str, float] | None,
    session: Session | None,
    event_id: str,
    now: float,
    members: Members,
) -> bytes:
    """Return what `event_parts` and `event_fragment` make of checked parts, in fewer steps.

    Raises:
        TypeError: it cannot be encoded; those two say why.
    """
    body: dict[str, Any] = {"EventType": event_type}
    if attributes is not None:
        body["Attributes"] = attributes
    if metrics is not None:
        body["Metrics"] = metrics
    if session is not None:
        body["Session"] = _encoded_session(session)
    body["Timestamp"] = stamp(now)
    return orjson.dumps({event_id: body})[1:-2] + members.tail


def encode_usual_event(event: Event, event_id: str, members: Members) -> bytes | None:
    """Return what `event_body` and `event_fragment` make of an event, in fewer steps.

    Its attributes must be texts; None for an event with parts that few have, or without a time.

    Raises:
        TypeError: it cannot be encoded; those two say why.
    """
    at = event.timestamp
    if (
        at is None
        or event.metrics is not None
        or event.app_title is not None
        or event.app_package_name is not None
        or event.app_version_code is not None
        or event.client_sdk_version is not None
        or event.sdk_name is not None
        or event.extra
    ):
        return None
    body: dict[str, Any] = {"EventType": event.type}
    if event.attributes is not None:
        body["Attributes"] = event.attributes
    if event.session is not None:
        body["Session"] = _session(event.session)
    body["Timestamp"] = iso(at)
    return orjson.dumps({event_id: body})[1:-2] + members.tail


def _encoded_session(session: Session) -> orjson.Fragment:
    """Return a session as each of its events has it; it is encoded once."""
    known = _encoded_sessions.get(id(session))
    if known is not None and not session.extra:  # `extra` is the one part that may change
        return known[1]
    fragment = orjson.Fragment(orjson.dumps(_SESSION(session)))
    if len(_encoded_sessions) >= _MOST_SESSIONS:
        _encoded_sessions.clear()
    _encoded_sessions[id(session)] = session, fragment
    return fragment


_MOST_SESSIONS = 1024
#: By identity, which is the session's as long as it is held here.
_encoded_sessions: dict[int, tuple[Session, orjson.Fragment]] = {}


def stamp(now: float) -> str:
    """`iso` of seconds since the epoch; the text of a second is made once in that second."""
    global _second  # noqa: PLW0603 -- a cache of one entry, replaced as a whole
    whole = now // 1.0
    known, text = _second
    if known != whole:
        at = dt.datetime.fromtimestamp(whole, dt.timezone.utc)
        text = at.strftime("%Y-%m-%dT%H:%M:%S.")
        _second = (whole, text)
    return text + _MILLISECONDS[int((now - whole) * 1000)]


_second: tuple[float, str] = (-1.0, "")
_MILLISECONDS = [f"{number:03d}Z" for number in range(1000)]

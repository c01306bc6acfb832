"""Records of Pinpoint's event stream: written from recorded events, and read into PutEvents' form.

One JSON object a record, compact, with a newline at its end; times are milliseconds since 1970.
Members stand in the order in which the guide prints them, and what is not known is left out, but
for the objects `sdk`, `platform`, `session`, `attributes` and `metrics`, which are always there.
Pure, and on the hot path: what events of one request have in common is encoded once.

Sources: Developer Guide, "Event streams: app events" (version 3.0); the members `endpoint` and
`awsAccountId` of version 3.1 are those of real records.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import attrs
import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "MOST_KEY_CHARS",
    "RecordError",
    "RecordWriter",
    "Seen",
    "StreamForm",
    "WrittenEvent",
    "is_stream_record",
    "key_of",
    "nameless",
    "to_put_events",
]

#: Kinesis takes partition keys of 1 to 256 characters (API reference, PutRecordsRequestEntry).
MOST_KEY_CHARS = 256
#: Texts of each kind that a writer keeps.
_MOST_KEPT = 1_000
_K = TypeVar("_K")
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


@attrs.frozen(kw_only=True)
class StreamForm:
    """How records look.

    Attributes:
        version: `3.0`, as the guide prints app events, or `3.1`, which adds `endpoint` and
            `awsAccountId`.
        endpoint: what a record has of its endpoint in `endpoint`: nothing; `official`, as
            GetEndpoint shows it, without the address; or `full`, with it. `official` with 3.1 and
            `none` with 3.0 unless given.
        account_id: the account in `awsAccountId`.
        messages: records of e-mail and SMS: `3.1`, or `2018`, as the guide printed them then.
    """

    version: Literal["3.0", "3.1"] = attrs.field(default="3.0")
    endpoint: Literal["none", "official", "full"] = attrs.field()
    account_id: str = attrs.field(default="000000000000")
    messages: Literal["3.1", "2018"] = attrs.field(default="3.1")

    @endpoint.default
    def _endpoint_of_version(self) -> Literal["none", "official"]:
        return "official" if self.version == "3.1" else "none"

    @version.validator
    def _check_version(self, _: object, value: str) -> None:
        if value not in {"3.0", "3.1"}:
            raise ValueError(f"version {value!r} of stream records: give '3.0' or '3.1'")

    @endpoint.validator
    def _check_endpoint(self, _: object, value: str) -> None:
        if value not in {"none", "official", "full"}:
            raise ValueError(
                f"endpoint {value!r} of stream records: give 'none', 'official' or 'full'"
            )

    @account_id.validator
    def _check_account_id(self, _: object, value: str) -> None:
        if not re.fullmatch("[0-9]{12}", value):
            raise ValueError(f"account_id {value!r} of stream records: give 12 digits")

    @messages.validator
    def _check_messages(self, _: object, value: str) -> None:
        if value not in {"3.1", "2018"}:
            raise ValueError(f"messages {value!r} of stream records: give '3.1' or '2018'")


class Seen(Protocol):
    """What a record says of its endpoint's device, as the endpoint was when the event arrived."""

    @property
    def id(self) -> str:
        """The endpoint's id, as it was first written."""

    @property
    def platform(self) -> str | None:
        """Such as `ios`."""

    @property
    def platform_version(self) -> str | None:
        """The version of the platform."""

    @property
    def app_version(self) -> str | None:
        """The version of the app that its users see."""

    @property
    def make(self) -> str | None:
        """Such as `Apple`."""

    @property
    def model(self) -> str | None:
        """Such as `iPhone`."""

    @property
    def locale(self) -> str | None:
        """Such as `en_US`."""


class WrittenEvent(Protocol):
    """An event that is written as a record. Instants are milliseconds since 1970."""

    @property
    def type(self) -> str:
        """The event type."""

    @property
    def timestamp(self) -> int:
        """When it happened."""

    @property
    def arrival(self) -> int:
        """When it arrived."""

    @property
    def session_id(self) -> str | None:
        """The session, if there is one."""

    @property
    def session_start(self) -> int | None:
        """When the session began."""

    @property
    def session_stop(self) -> int | None:
        """When the session ended."""

    @property
    def app_package_name(self) -> str | None:
        """The package."""

    @property
    def app_title(self) -> str | None:
        """The title."""

    @property
    def app_version_code(self) -> str | None:
        """The internal version."""

    @property
    def client_sdk_version(self) -> str | None:
        """The version of the SDK."""

    @property
    def sdk_name(self) -> str | None:
        """The SDK."""

    @property
    def attributes(self) -> str | None:
        """JSON, None for none."""

    @property
    def metrics(self) -> str | None:
        """JSON, None for none."""


#: What a record takes of an event, what of it its application's part is made of, and its device's.
_of = attrgetter(
    *("type", "timestamp", "arrival", "session_id", "session_start", "session_stop"),
    *("attributes", "metrics"),
)
_named = attrgetter(
    "app_package_name", "sdk_name", "client_sdk_version", "app_title", "app_version_code"
)
_makes = attrgetter("locale", "make", "model", "platform", "platform_version")


class RecordWriter:
    """Writes the records of one application. It keeps what events have in common; any thread.

    Args:
        application_id: the application.
        form: how records look.
        is_replay: the events are old, and sent once more: their records say `"replayed": true`.
    """

    def __init__(self, application_id: str, form: StreamForm, *, is_replay: bool = False) -> None:
        self._form = form
        self._head = f'"event_version":"{form.version}","application":{{"app_id":'
        self._head += _text(application_id)
        self._end = ',"replayed":true}\n' if is_replay else "}\n"
        self._types: dict[str, str] = {}
        self._applications: dict[tuple[str | None, ...], str] = {}
        self._devices: dict[tuple[str | None, ...], str] = {}
        self._tail = self._tail_of(None)

    @property
    def wants_endpoints(self) -> bool:
        """Whether records have more of their endpoint than what `Seen` has."""
        return self._form.endpoint != "none"

    def common(self, event: WrittenEvent, seen: Seen) -> tuple[str, str]:
        """Return two parts of a record that those of other events of its application mostly share.

        What is kept of many records can leave them out.
        """
        return self._application(_named(event), seen.app_version), self._device(_makes(seen))

    def write(
        self, event: WrittenEvent, seen: Seen, shown: Mapping[str, object] | None = None
    ) -> str:
        """Return the record of an event.

        Args:
            event: the event.
            seen: the endpoint's device.
            shown: the endpoint as GetEndpoint shows it, where `wants_endpoints`; None when there
                is none.
        """
        return self.write_all([(event, seen, shown)])[0]

    def write_all(
        self,
        events: Iterable[tuple[WrittenEvent, Seen, Mapping[str, object] | None]],
        short: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Return the records of events.

        Those of one request mostly have the same session, application and device: what is made of
        them is made again only where they change.

        Args:
            events: each with its endpoint's device and what is shown of that, see `write`.
            short: what to write in the place of parts that `common` has returned.
        """
        lines = []
        types, named_text, seen_text = self._types, "", ""
        last_named = last_makes = last_session = last_seen = last_version = None
        device, session, short = "", "{}", short or {}
        for event, seen, shown in events:
            kind, timestamp, arrival, session_id, start, stop, attributes, metrics = _of(event)
            named = _named(event)
            version = seen.app_version
            if named != last_named or version != last_version:
                last_named, last_version = named, version
                named_text = self._application(named, version)
                named_text = short.get(named_text, named_text)
            if seen is not last_seen:
                last_seen, seen_text = seen, _text(seen.id)
                makes = _makes(seen)
                if makes != last_makes:
                    last_makes, device = makes, self._device(makes)
                    device = short.get(device, device)
            if (at := (session_id, start, stop)) != last_session:
                last_session = at
                session = "{}" if session_id is None else _session_of(session_id, start, stop)
            name = types.get(kind) or _kept(types, kind, _text(kind))
            tail = self._tail if shown is None else self._tail_of(shown)
            lines.append(
                f'{{"event_type":{name},"event_timestamp":{timestamp},'
                f'"arrival_timestamp":{arrival},{named_text}{seen_text}{device}"session":{session},'
                f'"attributes":{attributes or "{}"},"metrics":{metrics or "{}"}{tail}'
            )
        return lines

    def _application(self, named: tuple[str | None, ...], version: str | None) -> str:
        """Return the application's part of a record, up to the endpoint's id."""
        key = (*named, version)
        return self._applications.get(key) or _kept(
            self._applications, key, self._head + _application_part(key)
        )

    def _device(self, makes: tuple[str | None, ...]) -> str:
        """Return the device's part of a record, from behind the endpoint's id up to the session."""
        return self._devices.get(makes) or _kept(self._devices, makes, _device_part(*makes))

    def _tail_of(self, shown: Mapping[str, object] | None) -> str:
        """Return what stands behind the metrics."""
        form, tail = self._form, ""
        if shown is not None and form.endpoint != "none":
            kept = shown
            if form.endpoint == "official":
                kept = {name: value for name, value in shown.items() if name != "Address"}
            tail = f',"endpoint":{orjson.dumps(kept).decode()}'
        if form.version == "3.1":
            tail += f',"awsAccountId":{_text(form.account_id)}'
        return tail + self._end


def _kept(texts: dict[_K, str], key: _K, text: str) -> str:
    """Keep a text for the next event; the keys come from clients, so there is an end to it."""
    if len(texts) >= _MOST_KEPT:
        texts.clear()
    texts[key] = text
    return text


def _text(value: str) -> str:
    return orjson.dumps(value).decode()


def _members(pairs: Sequence[tuple[str, str | None]]) -> str:
    """Return the members of an object whose values are known."""
    return ",".join(f'"{name}":{_text(value)}' for name, value in pairs if value is not None)


def _application_part(named: Sequence[str | None]) -> str:
    """Return what follows `app_id`, up to the client."""
    package, sdk, sdk_version, title, code, version = named
    parts = [
        _members([("package_name", package)]),
        f'"sdk":{{{_members([("name", sdk), ("version", sdk_version)])}}}',
        _members([("title", title), ("version_name", version), ("version_code", code)]),
    ]
    return "," + ",".join(filter(None, parts)) + '},"client":{"client_id":'


def _device_part(
    locale: str | None,
    make: str | None,
    model: str | None,
    platform: str | None,
    platform_version: str | None,
) -> str:
    """Return what follows `client_id`, up to the session."""
    parts = [_members([("make", make), ("model", model)])]
    if locale is not None:
        language, _, country = locale.replace("-", "_").partition("_")
        members = _members(
            [("code", locale), ("country", country or None), ("language", language or None)]
        )
        parts.insert(0, f'"locale":{{{members}}}')
    named = _members([("name", platform), ("version", platform_version)])
    parts.append(f'"platform":{{{named}}}')
    return f'}},"device":{{{",".join(filter(None, parts))}}},'


def _session_of(session_id: str, start: int | None, stop: int | None) -> str:
    if stop is None and start is not None:  # the usual case, in one go
        return f'{{"session_id":{_text(session_id)},"start_timestamp":{start}}}'
    times = "" if start is None else f',"start_timestamp":{start}'
    times += "" if stop is None else f',"stop_timestamp":{stop}'
    return f'{{"session_id":{_text(session_id)}{times}}}'


def key_of(endpoint_id: str) -> str:
    """Return the partition key of an endpoint: its id, or the SHA-256 of one that is too long."""
    if len(endpoint_id) <= MOST_KEY_CHARS:
        return endpoint_id
    return hashlib.sha256(endpoint_id.encode("utf-8", "surrogatepass")).hexdigest()


def nameless(record: str, pseudonym: str) -> str:
    """Return a record without what names a person: type, times, application and metrics stay.

    Args:
        record: the record.
        pseudonym: the id to have in the place of the endpoint's.
    """
    members: dict[str, Any] = orjson.loads(record)
    members["client"] = {"client_id": pseudonym}
    members["device"] = {"platform": {}}
    members["session"] = {}
    members["attributes"] = {}
    members.pop("endpoint", None)
    application = {**members.get("application", {})}
    application.pop("version_name", None)
    members["application"] = application
    return orjson.dumps(members).decode() + "\n"


class RecordError(ValueError):
    """A record is not one that the event stream writes.

    Attributes:
        path: where, such as `$.session`.
        is_of_type: whether the type of a value is wrong.
    """

    def __init__(self, message: str, path: str, *, is_of_type: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.is_of_type = is_of_type


def is_stream_record(line: Mapping[str, Any]) -> bool:
    """Whether this is a record of the event stream."""
    return "event_type" in line and "EventType" not in line


def to_put_events(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with the members of PutEvents, `EndpointId` and `Endpoint`.

    What PutEvents has no member for (`arrival_timestamp`, `awsAccountId`, `client_context`,
    `facets` and so on) is left out.

    Raises:
        RecordError: a part is not what the event stream writes.
    """
    application = _part(record, "application")
    sdk = _part(application, "sdk", "$.application")
    client_id = _part(record, "client").get("client_id")
    if not client_id:
        raise RecordError("misses client.client_id: give it", "$")
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
        raise RecordError(
            f"expected an object, got {type(value).__name__}", f"{path}.{name}", is_of_type=True
        )
    return value


def _instant(value: object, path: str) -> str | None:
    """Milliseconds since 1970, or ISO 8601 text as it is."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RecordError(
            "expected milliseconds since 1970, or ISO 8601 text", path, is_of_type=True
        )
    try:
        return (_EPOCH + dt.timedelta(milliseconds=value)).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError) as error:
        raise RecordError("is outside of the years 1 to 9999", path) from error

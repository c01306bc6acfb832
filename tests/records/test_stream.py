"""Records of the event stream: written byte for byte as the guide prints them, and read back."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.records.stream import (
    RecordError,
    RecordWriter,
    StreamForm,
    is_stream_record,
    key_of,
    nameless,
    to_put_events,
)

SAMPLES = Path(__file__).parents[1] / "data" / "streams"


class Seen(NamedTuple):
    """An endpoint's device."""

    id: str = "m3n4o5p6-a1b2-c3d4-e5f6-g7h8i9j0k1l2"
    platform: str | None = None
    platform_version: str | None = None
    app_version: str | None = None
    make: str | None = None
    model: str | None = None
    locale: str | None = None


class Event(NamedTuple):
    """An event."""

    type: str = "level_up"
    timestamp: int = 1
    arrival: int = 2
    session_id: str | None = None
    session_start: int | None = None
    session_stop: int | None = None
    app_package_name: str | None = None
    app_title: str | None = None
    app_version_code: str | None = None
    client_sdk_version: str | None = None
    sdk_name: str | None = None
    attributes: str | None = None
    metrics: str | None = None


PHONE = Seen(
    platform="android",
    platform_version="10.10",
    app_version="1.0",
    make="generic web browser",
    model="Unknown",
    locale="en_US",
)
STOP = Event(
    type="_session.stop",
    timestamp=1487973802507,
    arrival=1487973803515,
    session_id="f549dea9-1090-945d-c3d1-e496780baac5",
    session_start=1487973202531,
    session_stop=1487973802507,
    app_package_name="main.page",
    app_title="title",
    app_version_code="1",
    client_sdk_version="0.9.1:2.4.8",
    sdk_name="aws-sdk-mobile-analytics-js",
)
APP = "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6"


def sample(name: str) -> Any:
    """Return a sample of the guide."""
    return json.loads((SAMPLES / f"{name}.json").read_text())


def compact(value: object) -> str:
    """Return JSON as records have it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False) + "\n"


@pytest.mark.parametrize("name", ["app-event-3.0", "email-event-3.0"])
def test_a_record_has_the_bytes_of_the_guide(name: str) -> None:
    """All but the Cognito ids, for which PutEvents has no member, stands where the guide has it."""
    expected = sample(name)
    del expected["application"]["cognito_identity_pool_id"]
    del expected["client"]["cognito_id"]
    event = STOP._replace(type=expected["event_type"])
    assert RecordWriter(APP, StreamForm()).write(event, PHONE) == compact(expected)


def test_what_is_not_known_is_left_out() -> None:
    """A bare event has no member without a value, and the objects that are always there."""
    record = RecordWriter("a", StreamForm()).write(Event(), Seen("d"))
    assert record == (
        '{"event_type":"level_up","event_timestamp":1,"arrival_timestamp":2,"event_version":"3.0",'
        '"application":{"app_id":"a","sdk":{}},"client":{"client_id":"d"},'
        '"device":{"platform":{}},"session":{},"attributes":{},"metrics":{}}\n'
    )


def test_version_31_has_the_endpoint_and_the_account() -> None:
    """3.1 adds the endpoint without its address, and with it only where that is asked for."""
    shown = {"Id": "d", "Address": "a@example.com", "OptOut": "NONE"}
    form = StreamForm(version="3.1", account_id="111122223333")
    record = json.loads(RecordWriter("a", form).write(Event(), Seen("d"), shown))
    assert list(record)[-2:] == ["endpoint", "awsAccountId"]
    assert record["event_version"] == "3.1"
    assert record["endpoint"] == {"Id": "d", "OptOut": "NONE"}
    assert record["awsAccountId"] == "111122223333"
    full = StreamForm(version="3.1", endpoint="full")
    assert json.loads(RecordWriter("a", full).write(Event(), Seen("d"), shown))["endpoint"] == shown
    none = StreamForm(version="3.1", endpoint="none")
    assert "endpoint" not in json.loads(RecordWriter("a", none).write(Event(), Seen("d"), shown))
    assert "endpoint" not in json.loads(RecordWriter("a", form).write(Event(), Seen("d"), None))


def test_each_record_has_its_own_endpoint() -> None:
    """What a writer keeps from one record is not mixed up with the next one's."""
    writer = RecordWriter("a", StreamForm(version="3.1"))
    records = [
        json.loads(writer.write(Event(type=kind), Seen(kind, app_version=kind), {"Id": kind}))
        for kind in ("x", "y", "x")
    ]
    for record, kind in zip(records, "xyx", strict=True):
        assert record["event_type"] == record["client"]["client_id"] == kind
        assert record["endpoint"] == {"Id": kind}
        assert record["application"]["version_name"] == kind


def test_a_replayed_record_says_so() -> None:
    """Nothing else tells it from one that is sent for the first time."""
    once = json.loads(RecordWriter("a", StreamForm()).write(STOP, PHONE))
    again = json.loads(RecordWriter("a", StreamForm(), is_replay=True).write(STOP, PHONE))
    assert again == {**once, "replayed": True}


@pytest.mark.parametrize(
    ("locale", "parts"),
    [
        ("en_US", {"code": "en_US", "country": "US", "language": "en"}),
        ("de-AT", {"code": "de-AT", "country": "AT", "language": "de"}),
        ("fr", {"code": "fr", "language": "fr"}),
    ],
)
def test_a_locale_is_taken_apart(locale: str, parts: dict[str, str]) -> None:
    """Language and country come from the code, with either sign between them."""
    record = RecordWriter("a", StreamForm()).write(Event(), Seen("d", locale=locale))
    assert json.loads(record)["device"]["locale"] == parts


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
_MAYBE = st.none() | _TEXT


@given(
    event=st.builds(
        Event,
        type=_TEXT,
        timestamp=st.integers(0, 4_000_000_000_000),
        session_id=_MAYBE,
        session_start=st.none() | st.just(5),
        session_stop=st.none() | st.just(6),
        app_title=_MAYBE,
        sdk_name=_MAYBE,
        attributes=st.none() | st.dictionaries(_TEXT, _TEXT, min_size=1).map(json.dumps),
        metrics=st.none(),
    ),
    seen=st.builds(Seen, id=_TEXT, platform=_MAYBE, make=_MAYBE, locale=_MAYBE),
)
def test_what_is_written_is_read_back(event: Event, seen: Seen) -> None:
    """Any event comes back with its members; a record is one line."""
    record = RecordWriter("a", StreamForm()).write(event, seen)
    assert record.endswith("\n")
    assert "\n" not in record[:-1]
    members = json.loads(record)
    assert is_stream_record(members)
    read = to_put_events(members)
    assert (read["EndpointId"], read["EventType"]) == (seen.id, event.type)
    assert read.get("Attributes") == json.loads(event.attributes or "{}")
    assert read.get("Session", {}).get("Id") == event.session_id
    assert read.get("AppTitle") == event.app_title
    demographic = read.get("Endpoint", {}).get("Demographic", {})
    assert demographic.get("Make") == seen.make
    assert demographic.get("Locale") == seen.locale


@pytest.mark.parametrize(
    ("record", "path"),
    [
        ({"event_type": "x"}, "$"),
        ({"event_type": "x", "client": []}, "$.client"),
        ({"event_type": "x", "client": {"client_id": "d"}, "event_timestamp": True},
         "$.event_timestamp"),
        ({"event_type": "x", "client": {"client_id": "d"}, "event_timestamp": 1e300},
         "$.event_timestamp"),
        (sample("sms-event-2018"), "$"),
    ],
)  # fmt: skip
def test_what_is_no_app_event_is_refused_with_its_place(record: Any, path: str) -> None:
    """The SMS event of 2018 names no client, and so cannot be an event of PutEvents."""
    with pytest.raises(RecordError) as caught:
        to_put_events(record)
    assert caught.value.path == path


def test_a_key_is_the_endpoint_or_its_digest() -> None:
    """256 characters are what Kinesis takes."""
    assert key_of("d" * 256) == "d" * 256
    assert key_of("ä" * 257) == hashlib.sha256(("ä" * 257).encode()).hexdigest()


def test_a_nameless_record_names_nobody() -> None:
    """Type, times, application and metrics stay; all that could be a person's goes."""
    event = STOP._replace(attributes='{"mail":"secret"}', metrics='{"n":1}')
    shown = {"Id": "secret", "User": {"UserId": "secret"}}
    writer = RecordWriter(APP, StreamForm(version="3.1"))
    written = writer.write(event, Seen("secret", make="secret", app_version="secret"), shown)
    record = nameless(written, "deleted-1")
    assert "secret" not in record
    assert event.session_id is not None
    assert event.session_id not in record
    members = json.loads(record)
    assert members["client"] == {"client_id": "deleted-1"}
    assert (members["event_type"], members["metrics"]) == ("_session.stop", {"n": 1})
    assert record.endswith("\n")

"""PutEvents: what is stored, what each item is answered, and what refuses the whole request."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.storage.tables.events import REMEMBERED
from pinpoint_kit.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire

ACCEPTED = {"StatusCode": 202, "Message": "Accepted"}
EVENT: dict[str, Any] = {"EventType": "level_up", "Timestamp": "2026-01-01T00:00:00.123Z"}
FULL: dict[str, Any] = {
    "AppPackageName": "org.shop", "AppTitle": "Shop", "AppVersionCode": "7",
    "Attributes": {"level": "seven", "empty": ""}, "ClientSdkVersion": "1.2",
    "EventType": "_session.stop", "Metrics": {"n": 7, "x": 1.5}, "SdkName": "kit",
    "Session": {
        "Id": "s-1", "StartTimestamp": "2026-01-01T00:00:00Z",
        "StopTimestamp": "2026-01-01T00:01:00+01:00", "Duration": 60000,
    },
    "Timestamp": "2018-05-07T19:03:29.963Z",
}  # fmt: skip


def test_the_answer_has_one_entry_per_item(wire: Wire) -> None:
    """Endpoint ids and event ids come back as they were written, each with its own answer."""
    answer = wire.put_events({"Device-1": {"Endpoint": {}, "Events": {"a": EVENT, "b": EVENT}}})
    assert answer.status == 202
    assert answer.json == {"Results": {"Device-1": {
        "EndpointItemResponse": ACCEPTED, "EventsItemResponse": {"a": ACCEPTED, "b": ACCEPTED},
    }}}  # fmt: skip


def test_events_are_stored_in_columns(wire: Wire) -> None:
    """Times are integer milliseconds UTC; attributes and metrics are JSON."""
    wire.put_events({"Device-1": {"Endpoint": {"User": {"UserId": "u"}}, "Events": {"e": FULL}}})
    (row,) = wire.events()
    assert json.loads(row.pop("attributes")) == FULL["Attributes"]
    assert row.pop("metrics") == '{"n":7,"x":1.5}'
    assert row == {
        "number": 1, "app": 1, "endpoint": "device-1", "user_id": "u", "arrival": 1767323045678,
        "event_id": "e", "type": "_session.stop", "timestamp": 1525719809963, "session_id": "s-1",
        "session_start": 1767225600000, "session_stop": 1767222060000, "session_duration": 60000,
        "app_package_name": "org.shop", "app_title": "Shop", "app_version_code": "7",
        "client_sdk_version": "1.2", "sdk_name": "kit",
        **dict.fromkeys(REMEMBERED),
    }  # fmt: skip


DEVICE = {
    "Demographic": {
        "Platform": "ios", "AppVersion": "3.1", "Make": "apple", "Model": "x", "Locale": "de_DE",
        "Timezone": "Europe/Berlin",
    },
    "Location": {"Country": "DE"},
}  # fmt: skip


def remembered(wire: Wire) -> list[tuple[str | None, ...]]:
    """Return what each stored event keeps of its endpoint."""
    return [tuple(row[name] for name in REMEMBERED) for row in wire.events()]


def test_an_event_remembers_its_endpoint_as_it_was(wire: Wire) -> None:
    """Of the same request, of an earlier one, and not of a later one."""
    old = ("ios", "3.1", "apple", "x", "de_DE", "DE", "Europe/Berlin")
    wire.put_events({"device-1": {"Endpoint": DEVICE, "Events": {"a": EVENT}}})
    wire.put_events({"device-1": {"Endpoint": {}, "Events": {"b": EVENT}}})
    wire.update("device-1", Demographic={"Platform": "android", "Make": ""}, Location={})
    wire.put_events({"device-1": {"Endpoint": {}, "Events": {"c": EVENT}}})
    wire.put_events({"device-2": {"Endpoint": {}, "Events": {"d": EVENT}}})
    assert remembered(wire)[:2] == [old, old]
    assert remembered(wire)[2][0] == "android"
    assert remembered(wire)[3] == (None,) * len(REMEMBERED)


def test_a_refused_endpoint_is_remembered_as_it_is_stored(wire: Wire) -> None:
    """What was refused is in no event."""
    wire.update("device-1", **DEVICE)
    bad = {"Demographic": {"Platform": "other"}, "Attributes": {"a": 1}}
    wire.put_events({"device-1": {"Endpoint": bad, "Events": {"a": EVENT}}})
    assert remembered(wire)[0][0] == "ios"


def test_an_anonymous_event_remembers_nothing(wire: Wire) -> None:
    """Put together, what is remembered can tell one device from all others."""
    wire.put_events({"device-1": {"Endpoint": DEVICE, "Events": {"a": EVENT}}})
    assert wire.send("DELETE", wire.endpoint_path("device-1")).status == 202
    assert remembered(wire) == [(None,) * len(REMEMBERED)]


def test_users_have_a_time_of_creation(wire: Wire, clock: Clock) -> None:
    """When their id came up first, also without attributes; later updates leave it."""
    start = wire.put_events({"d": {"Endpoint": {"User": {"UserId": "u"}}, "Events": {"a": EVENT}}})
    assert start.status == 202
    first = wire.events()[0]["arrival"]
    clock.advance(5)
    wire.update("d", User={"UserId": "u", "UserAttributes": {"x": ["1"]}})
    wire.update("e", User={"UserId": "v"})
    assert wire.rows("SELECT user_id, created FROM users ORDER BY user_id") == [
        {"user_id": "u", "created": first},
        {"user_id": "v", "created": first + 5_000},
    ]


def test_an_event_is_kept_once(wire: Wire, clock: Clock) -> None:
    """The same event id of the same endpoint, sent again, is accepted and kept once."""
    wire.put_event(EVENT)
    clock.advance(1)
    assert wire.put_event({**EVENT, "EventType": "other"}) == ACCEPTED
    wire.put_events({"DEVICE-1": {"Endpoint": {}, "Events": {"event-1": EVENT, "Event-1": EVENT}}})
    wire.put_events({"device-2": {"Endpoint": {}, "Events": {"event-1": EVENT}}})
    assert [(row["endpoint"], row["event_id"]) for row in wire.events()] == [
        ("device-1", "event-1"), ("device-1", "Event-1"), ("device-2", "event-1")
    ]  # fmt: skip
    assert wire.events()[0]["type"] == "level_up"
    assert wire.engine.count_events(wire.app) == 3
    assert wire.engine.count_events("nothing") == 0


def test_the_endpoint_part_is_an_update(wire: Wire) -> None:
    """It creates and merges exactly as UpdateEndpoint does."""
    wire.put_event(EVENT, {"ChannelType": "EMAIL", "Address": "a@b", "Attributes": {"a": ["1"]}})
    wire.put_event(EVENT, {"Attributes": {"b": "2"}, "Location": {"Latitude": 47.61}})
    got = wire.get("device-1")
    assert got["Attributes"] == {"a": ["1"], "b": ["2"]}
    assert got["Location"] == {"Latitude": 47.6}
    assert got["Address"] == "a@b"


def test_an_empty_endpoint_part_creates_but_never_changes(wire: Wire, clock: Clock) -> None:
    """`Endpoint: {}` makes an unknown endpoint; a known one is left as it is, inactive or not."""
    wire.put_event(EVENT)
    assert wire.get("device-1")["EndpointStatus"] == "ACTIVE"
    wire.update("device-1", EndpointStatus="INACTIVE", User={"UserId": "u"})
    before = wire.get("device-1")
    clock.advance(5)
    empties: list[object] = [{}, {"Address": None}, {"Unknown": 1}, {"User": {}, "Location": {}}]
    for empty in empties:
        wire.put_events({"device-1": {"Endpoint": empty, "Events": {str(empty): EVENT}}})
    assert wire.get("device-1") == before
    assert {row["user_id"] for row in wire.events()[1:]} == {"u"}


def test_events_carry_the_user_of_their_time(wire: Wire) -> None:
    """An event keeps the endpoint's user as it was after the merge, whoever comes later."""
    for user, event in [("u", "1"), ("v", "2")]:
        item = {"Endpoint": {"User": {"UserId": user}}, "Events": {event: EVENT}}
        wire.put_events({"e": item})
    assert [row["user_id"] for row in wire.events()] == ["u", "v"]


def test_a_refused_endpoint_part_keeps_its_events(wire: Wire) -> None:
    """The endpoint answers 400, its events are recorded, and nothing of it is merged."""
    wire.update("known", User={"UserId": "u"})
    before = wire.get("known")
    answer = wire.put_events({
        "known": {"Endpoint": {"Address": "a@b", "User": {"UserId": "v"}}, "Events": {"1": EVENT}},
        "new": {"Endpoint": {"Attributes": {"a": ["v" * 101]}}, "Events": {"2": EVENT}},
        "odd": {"Endpoint": [], "Events": {"3": EVENT}},
        "none": {"Events": {"4": EVENT}},
        "fine": {"Endpoint": {}, "Events": {"5": EVENT}},
    })  # fmt: skip
    assert answer.status == 202
    answers = {
        name: result["EndpointItemResponse"] for name, result in answer.json["Results"].items()
    }
    assert answers == {
        "known": {"StatusCode": 400, "Message": "Missing ChannelType"},
        "new": {"StatusCode": 400, "Message":
                "is longer than 100 characters @ $.BatchItem[1].Endpoint.Attributes.a[0]"},
        "odd": {"StatusCode": 400, "Message": "must be a JSON object @ $.BatchItem[2].Endpoint"},
        "none": {"StatusCode": 400, "Message": "Missing Endpoint"},
        "fine": ACCEPTED,
    }  # fmt: skip
    assert [(row["event_id"], row["user_id"]) for row in wire.events()] == [
        ("1", "u"), ("2", None), ("3", None), ("4", None), ("5", None)
    ]  # fmt: skip
    assert wire.get("known") == before
    assert [row["id"] for row in wire.rows("SELECT id FROM endpoints")] == ["known", "fine"]


def test_an_illegal_endpoint_id_refuses_its_events(wire: Wire) -> None:
    """Events cannot be kept under an id that no endpoint can have."""
    answer = wire.put_events(
        {"{x}": {"Endpoint": {}, "Events": {"1": EVENT}}, "": {"Endpoint": {}}}
    )
    refused = {"StatusCode": 400, "Message": "An endpoint id must not contain $, { or }"}
    assert answer.json["Results"]["{x}"] == {
        "EndpointItemResponse": refused, "EventsItemResponse": {"1": refused}
    }  # fmt: skip
    assert answer.json["Results"][""]["EndpointItemResponse"]["StatusCode"] == 400
    assert wire.events() == []


def test_endpoints_without_events(wire: Wire) -> None:
    """An item without events still updates its endpoint."""
    answer = wire.put_events({"a": {"Endpoint": {}}, "b": {"Endpoint": {}, "Events": None}})
    assert answer.json["Results"]["a"] == {
        "EndpointItemResponse": ACCEPTED, "EventsItemResponse": {}
    }  # fmt: skip
    assert wire.get("b")["Id"] == "b"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"EventType": None}, "Missing EventType"),
        ({"EventType": ""}, "Missing EventType"),
        ({"EventType": 5}, "must be a string @ $.BatchItem[0].Events[0].EventType"),
        ({"Timestamp": None}, "Missing Timestamp"),
        ({"Timestamp": 1525719809963}, "must be a string @ $.BatchItem[0].Events[0].Timestamp"),
        ({"Session": {}}, "Missing Session.Id"),
        ({"Session": {"Id": "s"}}, "Missing Session.StartTimestamp"),
        ({"Session": {"StartTimestamp": "2026-01-01T00:00:00Z"}}, "Missing Session.Id"),
        ({"Session": {"Id": "s", "StartTimestamp": "2026-01-01T00:00:00Z",
                      "StopTimestamp": "2026-01-01T00:01:00Z"}},
         "Session start and stop timestamp's exist but duration is null"),
        ({"Session": "s"}, "must be a JSON object @ $.BatchItem[0].Events[0].Session"),
        ({"ClientSdkVersion": ""},
         "must not be empty; leave it out instead @ $.BatchItem[0].Events[0].ClientSdkVersion"),
        ({"SdkName": 1}, "must be a string @ $.BatchItem[0].Events[0].SdkName"),
        ({"Attributes": {"a": 1}}, "must be a string @ $.BatchItem[0].Events[0].Attributes.a"),
        ({"Attributes": {"a": ["x"]}}, "must be a string @ $.BatchItem[0].Events[0].Attributes.a"),
        ({"Attributes": {"me@x.y": "v" * 201}},
         "is longer than 200 characters @ $.BatchItem[0].Events[0].Attributes[0]"),
        ({"Attributes": {"n" * 51: "v"}},
         "the key is longer than 50 characters @ $.BatchItem[0].Events[0].Attributes[0]"),
        ({"Attributes": []}, "must be a JSON object @ $.BatchItem[0].Events[0].Attributes"),
        ({"Metrics": {"a": "1"}}, "must be a number @ $.BatchItem[0].Events[0].Metrics.a"),
        ({"Metrics": {"a": True}}, "must be a number @ $.BatchItem[0].Events[0].Metrics.a"),
        ({"Metrics": {"n" * 51: 1}},
         "the key is longer than 50 characters @ $.BatchItem[0].Events[0].Metrics[0]"),
        ({"Metrics": 0}, "must be a JSON object @ $.BatchItem[0].Events[0].Metrics"),
        ({"Attributes": {f"a{n}": "" for n in range(21)},
          "Metrics": {f"m{n}": 1 for n in range(20)}},
         "has more than 40 attribute and metric keys @ $.BatchItem[0].Events[0]"),
    ],
)  # fmt: skip
def test_refused_events(wire: Wire, change: dict[str, Any], message: str) -> None:
    """A refused event says why, is not stored, and takes nothing else down."""
    assert wire.put_event({**EVENT, **change}) == {"StatusCode": 400, "Message": message}
    assert wire.events() == []
    assert wire.get("device-1")["Id"] == "device-1"


@pytest.mark.parametrize("timestamp", ["soon", "", "2018-13-01T00:00:00Z", "1525719809963"])
def test_a_timestamp_is_iso_8601(wire: Wire, timestamp: str) -> None:
    """A text that is no date is refused with an example of one, and is not quoted."""
    answer = wire.put_event({**EVENT, "Timestamp": timestamp})
    expected = "must be an ISO 8601 date and time such as 2018-05-07T19:03:29.963Z"
    assert answer["Message"] == f"{expected} @ $.BatchItem[0].Events[0].Timestamp"


@pytest.mark.parametrize("duration", ["60", 1.5, -1, True, 2**63, []])
def test_a_duration_is_whole_milliseconds(wire: Wire, duration: object) -> None:
    """Anything but a whole number that fits 64 bits is refused."""
    session = {"Id": "s", "StartTimestamp": "2026-01-01T00:00:00Z", "Duration": duration}
    answer = wire.put_event({**EVENT, "Session": session})
    assert answer["StatusCode"] == 400
    assert answer["Message"].endswith(".Session.Duration")


@pytest.mark.parametrize("event", [None, [], "x", 5])
def test_an_event_that_is_no_object_is_refused_alone(wire: Wire, event: object) -> None:
    """An event of the wrong type does not refuse the request."""
    assert wire.put_event(event)["StatusCode"] == 400


@pytest.mark.parametrize(
    "change",
    [
        {"Attributes": None, "Metrics": None, "Session": None, "SdkName": None},
        {"Attributes": {"a": None, "b": "x"}, "Metrics": {"a": None, "b": 1}},
        {"Attributes": {"a": "v" * 200}, "Unknown": {"x": [1]}},
        {"Attributes": {f"a{n}": "" for n in range(20)},
         "Metrics": {f"m{n}": 1 for n in range(20)}},
        {"Metrics": {"a": 2**64 - 1, "b": -1.5e300, "c": 10**30}},
        {"EventType": "漢字 😀 '; DROP TABLE events; --"},
    ],
)  # fmt: skip
def test_accepted_events(wire: Wire, change: dict[str, Any]) -> None:
    """Null members count as absent, limits are inclusive, unknown members are ignored."""
    assert wire.put_event({**EVENT, **change}) == ACCEPTED
    assert len(wire.events()) == 1


def test_an_empty_event_id_is_refused(wire: Wire) -> None:
    """Events without an id would be taken for repetitions of each other."""
    answer = wire.put_events({"e": {"Endpoint": {}, "Events": {"": EVENT}}})
    result = answer.json["Results"]["e"]["EventsItemResponse"][""]
    assert result == {"StatusCode": 400, "Message": "An event id must not be empty"}


def test_more_than_100_events_refuse_the_request(wire: Wire) -> None:
    """The events of all endpoints count together; 100 are fine."""
    items = {
        f"e{n}": {"Endpoint": {}, "Events": {str(i): EVENT for i in range(50)}} for n in range(2)
    }
    assert wire.put_events(items).status == 202
    items["e2"] = {"Endpoint": {}, "Events": {"1": EVENT}}
    answer = wire.put_events(items)
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert "101" in answer.message
    assert wire.engine.count_events(wire.app) == 100


def test_sizes(make_wire: Callable[..., Wire]) -> None:
    """A request has at most 4 MB (413), an event 1,000 KB (400 for the event)."""
    wire = make_wire(limits=Limits(max_event_bytes=1000, max_event_request_bytes=5000))
    large = {**EVENT, "AppTitle": "x" * 1000}
    items = {"e": {"Endpoint": {}, "Events": {"large": large, "small": EVENT}}}
    answers = wire.put_events(items).json["Results"]["e"]["EventsItemResponse"]
    assert answers["small"] == ACCEPTED
    assert answers["large"] == {
        "StatusCode": 400, "Message": "is larger than 1000 bytes @ $.BatchItem[0].Events[0]"
    }  # fmt: skip
    deep: object = []
    for _ in range(500):
        deep = [deep]
    assert wire.put_event({**EVENT, "Unknown": deep})["StatusCode"] == 400
    answer = wire.put_events({"e": {"Endpoint": {}, "Events": {"1": {"x": "x" * 5000}}}})
    assert (answer.status, answer.code) == (413, "PayloadTooLargeException")


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({}, "Missing BatchItem"),
        ({"BatchItem": None}, "Missing BatchItem"),
        ({"BatchItem": []}, "must be a JSON object @ $.BatchItem"),
        ({"BatchItem": {"me@example.com": []}}, "must be a JSON object @ $.BatchItem[0]"),
        ({"BatchItem": {"me@example.com": {"Endpoint": {}, "Events": []}}},
         "must be a JSON object @ $.BatchItem[0].Events"),
        ([], "must be a JSON object @ $"),
    ],
)  # fmt: skip
def test_malformed_requests(wire: Wire, payload: object, message: str) -> None:
    """What has no items to answer refuses the request as a whole, without naming anybody."""
    answer = wire.post(f"/v1/apps/{wire.app}/events", payload)
    assert (answer.status, answer.message) == (400, message)


def test_an_empty_batch_is_accepted(wire: Wire) -> None:
    """Nothing to do is no error."""
    assert wire.put_events({}).json == {"Results": {}}


def test_the_beacon_path(wire: Wire) -> None:
    """The undocumented sibling path that browsers' beacons use takes the same body."""
    body = {"BatchItem": {"e": {"Endpoint": {}, "Events": {"1": EVENT}}}}
    answer = wire.post(f"/v1/apps/{wire.app}/events/legacy", body)
    assert answer.status == 202
    assert wire.engine.count_events(wire.app) == 1


def test_deleting_an_endpoint_keeps_its_events(wire: Wire) -> None:
    """Analytics outlive the audience, as at the service."""
    wire.put_event(EVENT)
    wire.send("DELETE", wire.endpoint_path("device-1"))
    assert wire.engine.count_events(wire.app) == 1


@pytest.mark.sqlite_only("reads its query plans")
def test_questions_of_analytics_use_an_index(wire: Wire) -> None:
    """Events are found by type, endpoint, user and session without reading all of them."""
    for column in ("type", "endpoint", "user_id", "session_id"):
        time = "" if column == "session_id" else " AND timestamp > 5"
        sql = f"SELECT 1 FROM events WHERE app = 1 AND {column} = 'x'{time}"  # noqa: S608 -- fixed
        (step,) = wire.rows(f"EXPLAIN QUERY PLAN {sql}")
        assert "USING INDEX events_by" in step["detail"] or "COVERING INDEX" in step["detail"]
        assert "(app=? AND " in step["detail"]

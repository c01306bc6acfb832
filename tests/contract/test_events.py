"""PutEvents: an answer for every endpoint and every event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.doors import Door

ACCEPTED = {"StatusCode": 202, "Message": "Accepted"}
EVENT = {"EventType": "level_up", "Timestamp": "2026-01-02T03:04:05.678Z"}


def put(client: Any, app: str, batch: dict[str, Any]) -> Any:
    """Send a batch and return the results by endpoint id."""
    answer = client.put_events(ApplicationId=app, EventsRequest={"BatchItem": batch})
    return answer["EventsResponse"]["Results"]


def put_one(door: Door, app: str, event: dict[str, Any]) -> Any:
    """Send one event as it is, unseen by botocore's own checks, and return its answer."""
    batch = {"e": {"Endpoint": {}, "Events": {"one": event}}}
    answer = door.send("POST", f"/v1/apps/{app}/events", {"BatchItem": batch})
    assert answer.status == 202
    return answer.json["Results"]["e"]["EventsItemResponse"]["one"]


def get(client: Any, app: str, endpoint_id: str) -> Any:
    """Read an endpoint."""
    return client.get_endpoint(ApplicationId=app, EndpointId=endpoint_id)["EndpointResponse"]


def test_put_events_answers_202_item_by_item(client: Any, app: str) -> None:
    """Endpoint ids are the keys; each endpoint and each event says `Accepted`."""
    batch = {
        "a": {"Endpoint": {"Metrics": {"n": 1.0}}, "Events": {"1": EVENT, "2": EVENT}},
        "b": {"Endpoint": {}, "Events": {"1": EVENT}},
    }
    answer = client.put_events(ApplicationId=app, EventsRequest={"BatchItem": batch})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["EventsResponse"]["Results"] == {
        "a": {
            "EndpointItemResponse": ACCEPTED,
            "EventsItemResponse": {"1": ACCEPTED, "2": ACCEPTED},
        },
        "b": {"EndpointItemResponse": ACCEPTED, "EventsItemResponse": {"1": ACCEPTED}},
    }


def test_the_body_of_the_answer_is_not_wrapped(door: Door, app: str) -> None:
    """On the wire the answer is `{"Results": …}` without an outer member."""
    batch = {"e": {"Endpoint": {}, "Events": {"1": EVENT}}}
    answer = door.send("POST", f"/v1/apps/{app}/events", {"BatchItem": batch})
    assert answer.json.keys() == {"Results"}


def test_the_endpoint_part_updates_the_endpoint(client: Any, app: str) -> None:
    """Endpoint data of an event merges as UpdateEndpoint does."""
    client.update_endpoint(
        ApplicationId=app, EndpointId="e", EndpointRequest={"Attributes": {"a": ["1"]}}
    )
    part = {"Attributes": {"b": ["2"]}, "User": {"UserId": "u"}}
    put(client, app, {"e": {"Endpoint": part, "Events": {"1": EVENT}}})
    got = get(client, app, "e")
    assert (got["Attributes"], got["User"]["UserId"]) == ({"a": ["1"], "b": ["2"]}, "u")


def test_an_empty_endpoint_part_is_fine(client: Any, app: str) -> None:
    """Browsers send `Endpoint: {}` with every event; the endpoint is there afterwards."""
    results = put(client, app, {"e": {"Endpoint": {}, "Events": {"1": EVENT}}})
    assert results["e"]["EndpointItemResponse"] == ACCEPTED
    assert get(client, app, "e")["Id"] == "e"


def test_a_refused_endpoint_part_does_not_refuse_its_events(client: Any, app: str) -> None:
    """The endpoint answers 400 with the reason, its events 202, other endpoints 202."""
    results = put(
        client,
        app,
        {
            "bad": {"Endpoint": {"ChannelType": "EMAIL"}, "Events": {"1": EVENT}},
            "good": {"Endpoint": {}, "Events": {"1": EVENT}},
        },
    )
    refused = results["bad"]["EndpointItemResponse"]
    assert (refused["StatusCode"], refused["Message"]) == (400, "Missing Address")
    assert results["bad"]["EventsItemResponse"] == {"1": ACCEPTED}
    assert results["good"]["EndpointItemResponse"] == ACCEPTED


def test_a_16th_endpoint_is_refused_as_an_item(client: Any, app: str) -> None:
    """Clients look for the beginning of the text."""
    items = [{"Id": f"e{i}", "User": {"UserId": "u"}} for i in range(15)]
    client.update_endpoints_batch(ApplicationId=app, EndpointBatchRequest={"Item": items})
    part = {"ChannelType": "SMS", "Address": "+16145550100", "User": {"UserId": "u"}}
    results = put(client, app, {"new": {"Endpoint": part, "Events": {"1": EVENT}}})
    answer = results["new"]["EndpointItemResponse"]
    assert answer["StatusCode"] == 400
    assert answer["Message"].startswith("Exceeded maximum endpoint per user count")


@pytest.mark.parametrize(
    "change",
    [
        {"EventType": None},
        {"EventType": ""},
        {"Timestamp": None},
        {"Timestamp": "yesterday"},
        {"ClientSdkVersion": ""},
        {"Attributes": {"k": "v" * 201}},
        {"Attributes": {"k" * 51: "v"}},
        {"Attributes": {f"k{i}": "v" for i in range(40)}, "Metrics": {"one more": 1.0}},
        {"Session": {"Id": "s"}},
        {"Metrics": {"m": "not a number"}},
    ],
    ids="-".join,
)
def test_a_bad_event_is_refused_alone(door: Door, app: str, change: dict[str, Any]) -> None:
    """A bad event answers 400 with a reason; the good one beside it answers 202."""
    events = {"bad": {**EVENT, **change}, "good": EVENT}
    batch = {"e": {"Endpoint": {}, "Events": events}}
    answer = door.send("POST", f"/v1/apps/{app}/events", {"BatchItem": batch})
    results = answer.json["Results"]["e"]["EventsItemResponse"]
    assert answer.status == 202
    assert results["good"] == ACCEPTED
    assert results["bad"]["StatusCode"] == 400
    assert results["bad"]["Message"] not in {"", "Accepted"}


@pytest.mark.parametrize(
    "change",
    [
        {"Attributes": {"k": "v" * 200, "empty": ""}, "Metrics": {"m": 1}},
        {"Attributes": dict.fromkeys(map(str, range(20)), "v"),
         "Metrics": dict.fromkeys(map(str, range(20, 40)), 0.5)},
        {"AppPackageName": "p", "AppTitle": "t", "AppVersionCode": "1", "SdkName": "s"},
        {"ClientSdkVersion": None},
        {"Session": {"Id": "s", "StartTimestamp": "2026-01-02T03:04:05.000Z"}},
        {"Session": {"Id": "s", "StartTimestamp": "2026-01-02T03:04:05.000Z", "Duration": 1500,
                     "StopTimestamp": "2026-01-02T03:04:06.500Z"}},
        {"Timestamp": "2023-01-01T10:00:00.123456"},
        {"Timestamp": "2015-03-19T17:32:40.577Z"},
        {"Timestamp": "2026-01-02T03:04:05+01:00"},
        {"Mood": "good"},
    ],
    ids="-".join,
)  # fmt: skip
def test_what_clients_send_is_accepted(door: Door, app: str, change: dict[str, Any]) -> None:
    """Limits themselves, empty values, old and naive timestamps and unknown members are fine."""
    assert put_one(door, app, {**EVENT, **change}) == ACCEPTED


def test_the_same_event_again_is_accepted_again(client: Any, app: str) -> None:
    """A client that had no answer sends again, and is told the same."""
    batch = {"e": {"Endpoint": {}, "Events": {"1": EVENT}}}
    assert put(client, app, batch) == put(client, app, batch)


def test_100_events_are_the_most_of_all_endpoints_together(client: Any, app: str) -> None:
    """A hundred are accepted, 101 are a BadRequestException, however they are spread."""
    half = {str(i): EVENT for i in range(50)}
    batch = {name: {"Endpoint": {}, "Events": half} for name in ("a", "b")}
    results = put(client, app, batch)
    assert sum(len(result["EventsItemResponse"]) for result in results.values()) == 100
    batch["c"] = {"Endpoint": {}, "Events": {"one more": EVENT}}
    with pytest.raises(client.exceptions.BadRequestException):
        put(client, app, batch)


def test_over_4_megabytes_are_too_large(door: Door, app: str) -> None:
    """A larger request answers 413 PayloadTooLargeException."""
    body = b'{"BatchItem": {}, "Padding": "' + b"x" * 4_000_000 + b'"}'
    answer = door.send("POST", f"/v1/apps/{app}/events", body=body)
    assert (answer.status, answer.code) == (413, "PayloadTooLargeException")


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"{}", b'{"BatchItem": []}'])
def test_a_body_without_a_batch_is_refused(door: Door, app: str, body: bytes) -> None:
    """What cannot be answered item by item is a 400 for the request."""
    answer = door.send("POST", f"/v1/apps/{app}/events", body=body)
    assert (answer.status, answer.code) == (400, "BadRequestException")


def test_the_application_is_looked_for_first(door: Door) -> None:
    """Nonsense for an unknown application is a NotFoundException, as AWS's own tests expect."""
    answer = door.send("POST", "/v1/apps/test/events", body=b"nonsense")
    assert (answer.status, answer.code) == (404, "NotFoundException")


def test_beacons_have_a_path_of_their_own(door: Door, app: str) -> None:
    """Browsers' beacons post the same body to `/events/legacy`, as plain text."""
    batch = {"e": {"Endpoint": {}, "Events": {"1": EVENT}}}
    answer = door.send(
        "POST",
        f"/v1/apps/{app}/events/legacy",
        {"BatchItem": batch},
        headers={"content-type": "text/plain;charset=UTF-8"},
        operation="PutEvents",
    )
    assert answer.json["Results"]["e"]["EventsItemResponse"] == {"1": ACCEPTED}

"""`events.import_many`: endpoints with their events of the past."""

from __future__ import annotations

import boto3
import pytest

import pinpoint_kit as pk
from pinpoint_kit import ConfigurationError, Endpoint, Event, InvalidTypeError, ValidationError
from pinpoint_kit.testing import Fault, FaultyPinpoint

WHEN = "2024-08-13T15:58:20Z"


def event(event_id: str, **members: object) -> Event:
    """Return an event of the past."""
    return Event(type="level_up", id=event_id, timestamp=WHEN, **members)  # type: ignore[arg-type]


def found(pinpoint: pk.Pinpoint) -> list[str]:
    """Return the ids of the stored events, in the order of arrival."""
    return [each.id for each in pinpoint.events.find(is_newest_first=False)]


def test_endpoints_and_events_are_stored() -> None:
    """With what the client puts on every event, as by `put_many`."""
    with pk.connect("sqlite://", app_title="Shop") as pinpoint:
        pinpoint.events.set_defaults(attributes={"region": "north"})
        endpoint = Endpoint(user=pk.User(id="u-1"), attributes={"plan": "pro"})
        refused = pinpoint.events.import_many(
            [("d-1", endpoint, [event("a"), event("b")]), (7, None, [event("c")])]
        )
        assert refused == []
        stored = pinpoint.events.find(endpoint_id="d-1", limit=1).to_list()[0]
        assert (stored.user_id, stored.app_title) == ("u-1", "Shop")
        assert stored.attributes == {"region": "north"}
        assert sorted(found(pinpoint)) == ["a", "b", "c"]
        assert pinpoint.endpoints.get("7").user == pk.User()


def test_what_is_refused_is_named() -> None:
    """By the place of the item, and the event unless it is the endpoint."""
    long = event("b", attributes={f"k{n}": "" for n in range(41)})
    with pk.connect("sqlite://", invalid="reject") as pinpoint:
        refused = pinpoint.events.import_many(
            [
                ("d-1", None, [event("a"), long]),
                ("d-2", Endpoint(address="somewhere"), [event("c")]),
                ("d-3", None, [event("d")]),
            ]
        )
        assert [(each.index, each.event_id) for each in refused] == [(0, "b"), (1, None)]
        assert refused[1].message.startswith("Missing ChannelType")
        assert "somewhere" not in repr(refused)
        assert sorted(found(pinpoint)) == ["a", "d"]


def test_items_go_out_in_as_few_requests_as_the_limits_allow() -> None:
    """1,000 events a request, and no more bytes than the engine takes; places stay right."""
    small = pk.Limits(max_event_request_bytes=20_000)
    for limits, requests in ((pk.Limits(), range(3, 4)), (small, range(10, 20))):
        sent: list[pk.SentRequest] = []
        with pk.connect("sqlite://", limits=limits) as pinpoint:
            pinpoint.observe(sent.append)
            items = [(f"d-{n}", None, [event(f"a-{n}"), event(f"b-{n}")]) for n in range(1_001)]
            wrong = ("d-w", Endpoint(address="x"), [event("w")])
            refused = pinpoint.events.import_many([*items, wrong])
            count = [each.operation for each in sent].count("ImportEvents")
            assert count in requests
            assert [each.index for each in refused] == [1_001]


def test_what_follows_a_refused_endpoint_is_refused_in_later_requests_too() -> None:
    """Its events would be stored without the user that they belong to."""
    wrong = Endpoint(address="x")
    with pk.connect("sqlite://", limits=pk.Limits(max_event_request_bytes=2_000)) as pinpoint:
        fine = [(f"d-{n}", None, [event(f"a-{n}")]) for n in range(20)]
        refused = pinpoint.events.import_many(
            [("D-w", wrong, [event("w")]), *fine, ("d-W", None, [event("later")])]
        )
        assert [(each.index, each.event_id) for each in refused] == [(0, None), (21, None)]
        assert refused[0].message == refused[1].message
        assert sorted(found(pinpoint)) == sorted(f"a-{n}" for n in range(20))


def test_an_item_that_fits_into_no_request_is_an_error() -> None:
    """What was sent before stays."""
    with pk.connect("sqlite://", limits=pk.Limits(max_event_request_bytes=2_000)) as pinpoint:
        many = [event(str(n)) for n in range(100)]
        with pytest.raises(ValidationError, match="100 events") as caught:
            pinpoint.events.import_many([("d-1", None, many)])
        assert caught.value.path == "$[0]"


def test_what_is_no_item_is_an_error() -> None:
    """With its place."""
    with (
        pk.connect("sqlite://") as pinpoint,
        pytest.raises(InvalidTypeError, match=r"expected \(endpoint id, endpoint, events\)"),
    ):
        pinpoint.events.import_many([("d-1", [event("a")])])  # type: ignore[list-item]


def test_a_strict_client_raises() -> None:
    """Before anything is sent."""
    with pk.connect("sqlite://", strict=True, invalid="reject") as pinpoint:
        long = event("b", attributes={f"k{n}": "" for n in range(41)})
        with pytest.raises(ValidationError):
            pinpoint.events.import_many([("d-1", None, [event("a"), long])])
        assert found(pinpoint) == []


def test_the_hosted_service_cannot_do_it() -> None:
    """The error says what can; nothing is sent."""
    client = boto3.client(
        "pinpoint", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with (
        pk.Pinpoint(client, "app") as pinpoint,
        pytest.raises(ConfigurationError, match=r"events\.put_many"),
    ):
        pinpoint.events.import_many([("d-1", None, [event("a")])])


def test_no_answer_is_tried_again(faulty_pinpoint: FaultyPinpoint) -> None:
    """The same lines a second time add nothing."""
    with faulty_pinpoint.connect() as pinpoint:
        faulty_pinpoint.script([Fault.reset_after(), Fault.refused(503)], operation="ImportEvents")
        assert pinpoint.events.import_many([("d-1", None, [event("a")])]) == []
        assert found(pinpoint) == ["a"]

"""ImportEvents: endpoints with their events, a line each, many in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from pinpoint_kit.limits import MOST_IMPORTED_EVENTS, Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Answer, Wire

EVENT: dict[str, Any] = {"EventType": "level_up", "Timestamp": "2026-01-01T00:00:00.123Z"}
WRONG: dict[str, Any] = {"Timestamp": "2026-01-01T00:00:00.123Z"}


def line(endpoint_id: str, *event_ids: str, **members: object) -> dict[str, object]:
    """Return a line with such events."""
    return {"Id": endpoint_id, "Events": dict.fromkeys(event_ids, EVENT), **members}


def load(wire: Wire, *lines: object) -> Answer:
    """Import lines."""
    body = b"\n".join(each if isinstance(each, bytes) else orjson.dumps(each) for each in lines)
    return wire.send("POST", f"/pinpoint-kit/v1/apps/{wire.app}/events/import", body)


def stored(wire: Wire) -> list[tuple[str, str, str | None]]:
    """Return endpoint, event id and user of all events, in the order of arrival."""
    return [(row["endpoint"], row["event_id"], row["user_id"]) for row in wire.events()]


def user(user_id: str) -> dict[str, object]:
    """Return an endpoint's data with a user."""
    return {"User": {"UserId": user_id}}


def test_lines_are_stored_in_their_order(wire: Wire) -> None:
    """Each event has the user that its endpoint had at that line; the answer is short."""
    answer = load(
        wire,
        line("D-1", "a", Endpoint=user("u-1")),
        line("d-2", "b"),
        line("d-1", "c", "d"),
        line("d-1", "e", Endpoint=user("u-2")),
    )
    assert (answer.status, answer.json) == (200, {"Lines": 4, "Refused": []})
    assert stored(wire) == [
        ("d-1", "a", "u-1"),
        ("d-2", "b", None),
        ("d-1", "c", "u-1"),
        ("d-1", "d", "u-1"),
        ("d-1", "e", "u-2"),
    ]
    assert wire.get("d-1")["Id"] == "D-1"
    assert wire.get("d-2")["EndpointStatus"] == "ACTIVE"


def test_importing_again_adds_nothing(wire: Wire) -> None:
    """An event is kept once per endpoint and event id."""
    for _ in range(2):
        assert load(wire, line("d-1", "a", "b")).json["Refused"] == []
    assert len(stored(wire)) == 2


def test_a_refused_endpoint_takes_its_events_with_it(
    make_wire: Callable[..., Wire],
) -> None:
    """Also those of later lines; other endpoints are not concerned."""
    wire = make_wire(limits=Limits(max_endpoints_per_user=1))
    text = "Exceeded maximum endpoint per user count: 1"
    answer = load(
        wire,
        line("d-1", "a", Endpoint=user("u")),
        line("d-2", "b", Endpoint=user("u")),
        line("d-2", "c"),
        line("d-3", "d"),
    )
    assert answer.json["Refused"] == [
        {"Line": 1, "StatusCode": 400, "Message": text},
        {"Line": 2, "StatusCode": 400, "Message": text},
    ]
    assert [event_id for _, event_id, _ in stored(wire)] == ["a", "d"]


@pytest.mark.parametrize(
    ("endpoint_id", "endpoint"),
    [
        ("d-1", {"Attributes": 7}),
        ("d-1", {"Address": "x"}),
        ("$", {}),
        ("d-1", {"OptOut": 7}),
    ],
)
def test_what_cannot_be_an_endpoint_is_refused_by_itself(
    wire: Wire, endpoint_id: str, endpoint: object
) -> None:
    """The answer names the line; the next one is stored."""
    answer = load(wire, line(endpoint_id, "a", Endpoint=endpoint), line("d-2", "b"))
    assert [(each["Line"], each["StatusCode"]) for each in answer.json["Refused"]] == [(0, 400)]
    assert [event_id for _, event_id, _ in stored(wire)] == ["b"]


def test_a_refused_event_takes_nothing_else_down(wire: Wire) -> None:
    """It is named with its place; the others of the line are stored."""
    events = {"a": EVENT, "b": WRONG, "c": {**EVENT, "Attributes": {"x": 1}}}
    answer = load(wire, {"Id": "d-1", "Events": events})
    place = "$.Line[0].Events[2].Attributes.x"
    assert answer.json["Refused"] == [
        {"Line": 0, "EventId": "b", "StatusCode": 400, "Message": "Missing EventType"},
        {"Line": 0, "EventId": "c", "StatusCode": 400, "Message": f"must be a string @ {place}"},
    ]
    assert [event_id for _, event_id, _ in stored(wire)] == ["a"]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        ([line("d", "a"), b"{"], "The body is not valid JSON"),
        ([line("d", "a"), b"7"], "must be a JSON object @ $.Line[1]"),
        ([line("d", "a"), {"Events": {}}], "Missing Id @ $.Line[1]"),
        ([line("d", "a"), {"Id": 7}], "must be a string @ $.Line[1].Id"),
        ([line("d", "a"), {"Id": "d", "Events": 7}], "must be a JSON object @ $.Line[1].Events"),
        ([{"Id": f"d-{n}"} for n in range(MOST_IMPORTED_EVENTS + 1)], "more than 1000 events"),
        ([line("d", *map(str, range(MOST_IMPORTED_EVENTS + 1)))], "more than 1000 events"),
    ],
    ids=["cut off", "number", "no id", "id", "events", "lines", "many events"],
)
def test_a_malformed_request_stores_nothing(wire: Wire, lines: list[object], text: str) -> None:
    """It is refused as a whole, with the place."""
    answer = load(wire, *lines)
    assert answer.status == 400
    assert text in answer.json["Message"]
    assert stored(wire) == []


def test_a_request_is_as_long_as_one_of_put_events(make_wire: Callable[..., Wire]) -> None:
    """A longer one is refused with 413."""
    wire = make_wire(limits=Limits(max_event_bytes=400, max_event_request_bytes=500))
    assert load(wire, *[line("d", str(n)) for n in range(10)]).status == 413


def test_u_0000_is_refused(wire: Wire) -> None:
    """Where it stands, as by PutEvents."""
    answer = load(wire, line("d-1", "a\0"), line("d-2", "b"))
    assert [each["EventId"] for each in answer.json["Refused"]] == ["a\0"]
    assert [event_id for _, event_id, _ in stored(wire)] == ["b"]


def test_no_application_is_404(wire: Wire) -> None:
    """As by every operation."""
    body = orjson.dumps(line("d", "a"))
    assert wire.send("POST", "/pinpoint-kit/v1/apps/none/events/import", body).status == 404

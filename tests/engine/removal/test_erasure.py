"""Deletion and EraseData: what goes, what stays, and that it is gone from the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.storage import statements
from tests.engine.conftest import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Answer

PERSON = "person-who-leaves@example.com"
AT = "2026-01-02T03:04:05.678Z"


def event(session: str = "", **attributes: str) -> dict[str, Any]:
    """One event with everything that could name somebody."""
    made = {"EventType": "t", "Timestamp": AT, "Attributes": attributes, "Metrics": {"n": 1.5}}
    return {**made, "Session": {"Id": session, "StartTimestamp": AT}} if session else made


def put(wire: Wire, endpoint_id: str, event_id: str, **attributes: str) -> None:
    """Send one event of an endpoint."""
    made = event(f"{PERSON[:8]}-1", **attributes)
    answer = wire.put_events({endpoint_id: {"Endpoint": {}, "Events": {event_id: made}}})
    assert answer.status == 202


def person(wire: Wire, *endpoint_ids: str, user: str = PERSON) -> None:
    """Store endpoints of one user, each with an event."""
    for endpoint_id in endpoint_ids:
        user_data = {"UserId": user, "UserAttributes": {"name": [f"{user} name"]}}
        address = {"Address": f"{endpoint_id}@{PERSON}", "ChannelType": "EMAIL"}
        wire.update(endpoint_id, User=user_data, **address, Attributes={"a": [PERSON]})
        put(wire, endpoint_id, "event-1", note=PERSON)


def erase(wire: Wire, **members: object) -> Answer:
    """Call EraseData."""
    return wire.post(f"/pinpoint-kit/v1/apps/{wire.app}/erasures", members)


def traces(url: str) -> list[str]:
    """Return the files of the database in which the person can still be read."""
    path = Path(url.removeprefix("sqlite:///"))
    mark = PERSON.encode()[:8]
    return [file.name for file in path.parent.glob(path.name + "*") if mark in file.read_bytes()]


@pytest.mark.parametrize("by_user", [True, False])
def test_a_deletion_leaves_nothing_personal_in_the_file(
    make_wire: Callable[..., Wire], file_url: str, *, by_user: bool
) -> None:
    """After the last endpoint of a user is deleted, no file holds a value of theirs."""
    wire = make_wire(file_url)
    wire.update("other", Attributes={"kept": ["yes"]})
    person(wire, f"{PERSON}-1", f"{PERSON}-2")
    assert traces(file_url)
    if by_user:
        wire.user(PERSON, "DELETE")
    else:
        for number in (1, 2):
            wire.send("DELETE", wire.endpoint_path(f"{PERSON}-{number}"))
    assert traces(file_url) == []
    assert wire.get("other")["Attributes"] == {"kept": ["yes"]}


def test_events_of_a_deleted_endpoint_stay_countable(wire: Wire) -> None:
    """They keep type, time and numbers, together under an id that says nothing."""
    person(wire, "a", "b")
    put(wire, "a", "event-2")
    wire.send("DELETE", wire.endpoint_path("A"))
    gone = [row for row in wire.events() if row["endpoint"] != "b"]
    assert len(gone) == 2
    assert len({row["endpoint"] for row in gone}) == 1
    for row in gone:
        assert row["endpoint"].startswith("deleted-")
        assert (row["user_id"], row["session_id"], row["attributes"]) == (None, None, None)
        assert (row["type"], row["metrics"]) == ("t", '{"n":1.5}')
        assert row["timestamp"] is not None
    (kept,) = [row for row in wire.events() if row["endpoint"] == "b"]
    assert kept["user_id"] == PERSON


def test_events_from_an_earlier_user_of_an_endpoint_lose_the_name(wire: Wire) -> None:
    """When a user is gone, so is the user id on events of endpoints that went to others."""
    person(wire, "handed-on", "last")
    wire.update("handed-on", User={"UserId": "heir"})
    wire.send("DELETE", wire.endpoint_path("last"))
    assert PERSON not in str(wire.events())
    assert wire.get("handed-on")["User"]["UserId"] == "heir"


def test_an_endpoint_that_comes_back_begins_anew(wire: Wire) -> None:
    """A deleted endpoint may be made again; its old events are not its own any more."""
    person(wire, "a")
    wire.send("DELETE", wire.endpoint_path("a"))
    person(wire, "a")
    assert [row["endpoint"] == "a" for row in wire.events()] == [False, True]


SPELT = {
    "exact": ("EMAIL", "ana@example.com"),
    "case": ("EMAIL", "Ana@EXAMPLE.com"),
    "named": ("EMAIL", "Ana <ana@example.com>"),
    "other": ("EMAIL", "nana@example.com"),
    "custom": ("CUSTOM", "Ana@example.com"),
    "sms": ("SMS", "+12065550100"),
    "voice": ("VOICE", "001 (206) 555-0100"),
    "sms-of-another": ("SMS", "+12065550101"),
    "token": ("GCM", "Ana@example.com 12065550100"),
}


@pytest.mark.parametrize(
    ("address", "gone"),
    [
        ("ana@example.com", {"exact", "case", "named"}),
        (" ANA@example.com", {"exact", "case", "named"}),
        ("Ana@example.com", {"exact", "case", "named", "custom"}),
        ("12065550100", {"sms", "voice"}),
        ("+1 206 555-0100", {"sms", "voice"}),
        ("Ana@example.com 12065550100", {"token"}),
        ("nobody@example.com", set()),
    ],
)
def test_an_address_is_erased_in_any_spelling(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, address: str, gone: set[str]
) -> None:
    """Of e-mail and telephone numbers; addresses of other channels are compared as they are."""
    monkeypatch.setattr(statements, "_PAGE", 2)
    for endpoint_id, (channel, stored) in SPELT.items():
        wire.update(endpoint_id, ChannelType=channel, Address=stored)
    other = Wire(wire.engine)
    other.update("elsewhere", ChannelType="EMAIL", Address="ana@example.com")
    report = erase(wire, Address=address, DryRun=True).json
    assert set(report["EndpointIds"]) == gone
    assert erase(wire, Address=address).json["EndpointIds"] == report["EndpointIds"]
    left = {row["id"] for row in wire.rows("SELECT id FROM endpoints")}
    assert left == {*SPELT, "elsewhere"} - gone


@pytest.mark.parametrize(
    ("members", "endpoints", "events"),
    [
        ({"UserId": PERSON}, ["a", "b"], 3),
        ({"EndpointId": "A"}, ["a"], 2),
        ({"Address": f"b@{PERSON}"}, ["b"], 1),
        ({"UserId": "nobody"}, [], 0),
    ],
)
def test_erasure_reports_and_removes(
    wire: Wire, members: dict[str, str], endpoints: list[str], events: int
) -> None:
    """A dry run reports the same as the erasure and changes nothing; the second finds nothing."""
    person(wire, "a", "b")
    put(wire, "a", "event-2")
    person(wire, "c", user="other")
    before = wire.dump()
    dry = erase(wire, **members, DryRun=True)
    assert wire.dump() == before
    done = erase(wire, **members)
    assert done.json == {
        "DryRun": False,
        "EndpointIds": endpoints,
        "UserIds": [PERSON] if endpoints else [],
        "KeptUserIds": [PERSON] if len(endpoints) == 1 else [],
        "Events": events,
        "Messages": 0,
        "OneTimePasswords": 0,
        "OptOuts": 0,
        "CampaignSends": 0,
        "SegmentEntries": 0,
        "StreamDeadLetters": 0,
        "StreamRecords": 0,
        "ValuesGone": wire.engine._store.overwrites_remnants,
        "Copies": [],
    }
    assert dry.json == {**done.json, "DryRun": True}
    assert len(wire.events()) == 4 - events
    again = erase(wire, **members).json
    assert (again["EndpointIds"], again["Events"]) == ([], 0)


def test_erasure_leaves_nothing_in_the_file(make_wire: Callable[..., Wire], file_url: str) -> None:
    """After the erasure of a user no file holds a value of theirs."""
    wire = make_wire(file_url)
    person(wire, f"{PERSON}-1", f"{PERSON}-2")
    erase(wire, UserId=PERSON)
    assert traces(file_url) == []
    assert wire.events() == []


def test_events_without_an_endpoint_are_erased(wire: Wire) -> None:
    """An endpoint id may have events and no endpoint, and a user events of other endpoints."""
    refused = {"Endpoint": {"Address": "x"}, "Events": {"e": event()}}
    wire.put_events({"only-events": refused})
    assert erase(wire, EndpointId="only-events").json["Events"] == 1
    person(wire, "handed-on", "last")
    wire.update("handed-on", User={"UserId": "heir"})
    assert erase(wire, UserId=PERSON).json["Events"] == 2
    assert wire.events() == []


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"UserId": ""},
        {"UserId": "u", "Address": "a"},
        {"UserId": 1},
        {"EndpointId": "${x}"},
        {"UserId": "u", "DryRun": "yes"},
    ],
)
def test_an_unclear_erasure_is_refused(wire: Wire, members: dict[str, object]) -> None:
    """Exactly one person, and nothing is done when it is not clear who."""
    person(wire, "a")
    before = wire.dump()
    assert erase(wire, **members).status == 400
    assert wire.dump() == before


def test_an_erasure_in_no_application(wire: Wire) -> None:
    """A missing application is said to be missing, whatever else is wrong."""
    answer = wire.post("/pinpoint-kit/v1/apps/nothing/erasures", {})
    assert answer.message == "Application not found"

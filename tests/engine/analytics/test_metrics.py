"""GetMetric, saved funnels, and the people behind a number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.metrics import DEFINITIONS
from pinpoint_kit.metrics.results import from_json

if TYPE_CHECKING:
    from tests.engine.conftest import Answer, Wire

STEPS: dict[str, object] = {"steps": [{"type": "view"}, {"type": "buy"}]}


def metric(wire: Wire, name: str, **arguments: object) -> Answer:
    """Ask for a metric."""
    return wire.post(f"/pinpoint-kit/v1/apps/{wire.app}/metrics/{name}", arguments)


@pytest.fixture
def shop(wire: Wire) -> Wire:
    """Two devices of two users; one views and buys, the other views."""

    def item(user: str, channel: str, *kinds: str) -> dict[str, Any]:
        events = {
            kind: {"EventType": kind, "Timestamp": f"2026-01-01T00:00:0{n}Z"}
            for n, kind in enumerate(kinds)
        }
        return {"Endpoint": {"User": {"UserId": user}, "ChannelType": channel}, "Events": events}

    wire.put_events({"A": item("u", "GCM", "view", "buy"), "B": item("v", "APNS", "view")})
    return wire


@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_every_metric_answers(shop: Wire, name: str) -> None:
    """With the days of the store, as an object that becomes a result again."""
    arguments: dict[str, dict[str, object]] = {
        "funnel": STEPS,
        "timeline": {"endpoint_id": "A"},
        "demographics": {"by": "platform"},
        "event_metrics": {"metric": "level"},
    }
    answer = metric(shop, name, first="2025-12-30", last="2026-01-02", **arguments.get(name, {}))
    assert answer.status == 200, answer.json
    assert from_json(answer.json).about.metric == name


def test_a_timeline_takes_the_id_as_written(shop: Wire) -> None:
    """Ids of endpoints are compared without regard to letters."""
    answer = metric(shop, "timeline", endpoint_id="a", first="2026-01-01", last="2026-01-01")
    assert [entry["type"] for entry in answer.json["entries"]] == ["buy", "view"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("nothing", {}, "unknown metric"),
        ("active", {"windows": 1}, "unknown argument of active"),
        ("active", {"zone": "Mars/Base"}, "$.zone"),
        ("active", {"where": {"color": "x"}}, "$.where"),
        ("funnel", {"steps": []}, "$.steps"),
        ("timeline", {}, "pass endpoint_id or user_id"),
    ],
)
def test_wrong_questions_are_refused(
    wire: Wire, name: str, arguments: dict[str, object], message: str
) -> None:
    """400, with the place and what there is instead."""
    answer = metric(wire, name, **arguments)
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert message in answer.message


def test_a_missing_application_wins(wire: Wire) -> None:
    """Whatever the question is."""
    answer = wire.post("/pinpoint-kit/v1/apps/x/metrics/nothing", {})
    assert answer.message == "Application not found"


def funnels(wire: Wire) -> str:
    """Return the path of the saved funnels."""
    return f"/pinpoint-kit/v1/apps/{wire.app}/funnels"


def test_funnels_are_saved_listed_and_deleted(wire: Wire) -> None:
    """Their arguments come back as they were given."""
    made = [wire.post(funnels(wire), {"Name": name, "Arguments": STEPS}).json for name in "ab"]
    listed = wire.send("GET", funnels(wire)).json["Item"]
    assert listed == made
    assert listed[0]["Arguments"] == STEPS
    gone = wire.send("DELETE", f"{funnels(wire)}/{made[0]['Id']}")
    assert gone.json == made[0]
    assert wire.send("GET", funnels(wire)).json["Item"] == made[1:]
    assert wire.send("DELETE", f"{funnels(wire)}/{made[0]['Id']}").status == 404


def test_funnels_go_with_their_application(wire: Wire) -> None:
    """As everything does that belongs to it."""
    wire.post(funnels(wire), {"Name": "a", "Arguments": STEPS})
    wire.send("DELETE", f"/v1/apps/{wire.app}")
    assert wire.rows("SELECT * FROM funnels") == []


@pytest.mark.parametrize(
    "members",
    [
        {"Arguments": STEPS},
        {"Name": "", "Arguments": STEPS},
        {"Name": "x" * 65, "Arguments": STEPS},
        {"Name": "x"},
        {"Name": "x", "Arguments": {"steps": []}},
        {"Name": "x", "Arguments": {**STEPS, "where": {"user_id": "u"}}},
        {"Name": "x", "Arguments": {"steps": [{"type": "a", "where": {"session_id": "s"}}, "b"]}},
    ],
)
def test_funnels_that_cannot_be_kept(wire: Wire, members: dict[str, object]) -> None:
    """Without a name, of no steps, or about one person, whose data would outlast an erasure."""
    assert wire.post(funnels(wire), members).status == 400
    assert wire.rows("SELECT * FROM funnels") == []


def people(wire: Wire, name: str, **members: object) -> Answer:
    """Make a segment of the people behind a number."""
    return wire.post(f"/pinpoint-kit/v1/apps/{wire.app}/metrics/{name}/segments", members)


def members_of(wire: Wire, segment: str) -> list[str]:
    """Return the ids of the endpoints in a segment."""
    path = f"/pinpoint-kit/v1/apps/{wire.app}/segments/{segment}/members"
    return [item["Id"] for item in wire.send("GET", path).json["Item"]]


@pytest.mark.parametrize("actor", ["endpoint", "user"])
def test_the_people_behind_a_step_of_a_funnel(shop: Wire, actor: str) -> None:
    """A segment of those who got so far; of users, all of their endpoints."""
    days = {"first": "2026-01-01", "last": "2026-01-01", "actor": actor}
    made = people(shop, "funnel", Name="buyers", Arguments={**STEPS, **days}, Point={"step": 2})
    assert made.status == 200, made.json
    assert made.json["Size"] == 1
    assert members_of(shop, made.json["SegmentId"]) == ["A"]
    segment = shop.send("GET", f"/v1/apps/{shop.app}/segments/{made.json['SegmentId']}").json
    assert segment["Name"] == "buyers"
    assert segment["SegmentType"] == "IMPORT"
    assert segment["ImportDefinition"]["ChannelCounts"] == {"GCM": 1}


def test_the_segment_stays_when_the_number_changes(shop: Wire) -> None:
    """It is a list, not a rule."""
    days = {"first": "2026-01-01", "last": "2026-01-01"}
    made = people(shop, "active", Name="x", Arguments=days)
    event = {"EventType": "view", "Timestamp": "2026-01-01T00:00:00Z"}
    shop.put_events({"C": {"Endpoint": {}, "Events": {"e": event}}})
    assert members_of(shop, made.json["SegmentId"]) == ["A", "B"]


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("active", {}),
        ("active", {"Name": "x", "Point": {"moon": 1}}),
        ("heat_map", {"Name": "x"}),
        ("nothing", {"Name": "x"}),
    ],
)
def test_nobody_stands_behind_it(wire: Wire, name: str, members: dict[str, object]) -> None:
    """Then there is no segment."""
    assert people(wire, name, **members).status == 400
    assert wire.rows("SELECT * FROM segments") == []

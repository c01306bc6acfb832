"""CountSegmentMembers, ListSegmentMembers and ExplainSegmentMembership on the wire.

Who belongs to a segment is the subject of test_segment_evaluation.py.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.segments import members as segment_members
from pinpoint_kit.engine.segments import sources
from pinpoint_kit.engine.segments.sql import listed_numbers
from pinpoint_kit.engine.storage.dialects.sqlite import connections
from tests.engine.segments.test_segments import BASE, imported, made, on, path, update

if TYPE_CHECKING:
    from tests.engine.conftest import Answer, Clock, Wire

PRO = {"Attributes": {"plan": ["pro"]}}


def ask(wire: Wire, what: str, segment_id: str, **query: str) -> Answer:
    """Call an operation of our own."""
    own = f"/pinpoint-kit/v1/apps/{wire.app}/segments/{quote(segment_id)}/{what}"
    return wire.send("GET", own, query=urlencode(query))


def ids(wire: Wire, segment_id: str, **query: str) -> list[str]:
    """Return the ids of the members on one page."""
    answer = ask(wire, "members", segment_id, **query)
    assert answer.status == 200, answer.json
    return [item["Id"] for item in answer.json["Item"]]


def criteria(wire: Wire, segment_id: str, endpoint_id: str) -> list[tuple[str, str, bool]]:
    """Return what an explanation says of each part."""
    answer = ask(wire, f"explanations/{quote(endpoint_id, safe='')}", segment_id)
    assert answer.status == 200, answer.json
    return [(row["Path"], row["Text"], row["IsMet"]) for row in answer.json["Criteria"]]


def test_members_are_listed_as_get_shows_them(wire: Wire) -> None:
    """Each item is what GetEndpoint answers, in the order of creation."""
    wire.batch({"Id": "b", **PRO}, {"Id": "c"}, {"Id": "A", **PRO, "User": {"UserId": "u"}})
    segment_id = made(wire, Dimensions=BASE)
    assert ask(wire, "members", segment_id).json == {"Item": [wire.get("b"), wire.get("A")]}
    assert ask(wire, "count", segment_id).json == {
        "SegmentId": segment_id,
        "Version": 1,
        "Count": 2,
    }


def pages(wire: Wire, segment_id: str, size: int) -> list[str]:
    """Return the ids of all pages."""
    found, query = [], {"page-size": str(size)}
    while True:
        answer = ask(wire, "members", segment_id, **query).json
        found += [item["Id"] for item in answer["Item"]]
        if "NextToken" not in answer:
            return found
        query["token"] = answer["NextToken"]


@pytest.mark.parametrize("is_few", [True, False])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_pages_hold_every_member_once(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, size: int, *, is_few: bool
) -> None:
    """Pages of any size hold all members and nobody else, whichever way they are found."""
    monkeypatch.setattr(segment_members, "_are_few", lambda *_: is_few)
    wire.batch(*({"Id": name, **PRO} for name in "dbac"), *({"Id": f"{name}x"} for name in "abcd"))
    for segment_id in (made(wire, Dimensions=BASE), imported(wire, tuple("abcd"))):
        assert pages(wire, segment_id, size) == ["d", "b", "a", "c"]
        assert ask(wire, "count", segment_id).json["Count"] == 4


def test_a_page_stays_right_while_endpoints_go(wire: Wire) -> None:
    """The endpoint at which a page ended may be deleted before the next one is read."""
    wire.batch(*({"Id": name} for name in "abc"))
    segment_id = made(wire)
    token = ask(wire, "members", segment_id, **{"page-size": "1"}).json["NextToken"]
    wire.send("DELETE", wire.endpoint_path("a"))
    assert ids(wire, segment_id, token=token) == ["b", "c"]


def test_a_version_can_be_asked_about(wire: Wire) -> None:
    """The newest version counts unless the query names another."""
    wire.batch({"Id": "a", **PRO}, {"Id": "b"})
    segment_id = made(wire, Dimensions=BASE)
    update(wire, segment_id, Dimensions={})
    assert ids(wire, segment_id) == ["a", "b"]
    assert ids(wire, segment_id, version="1") == ["a"]
    assert ask(wire, "count", segment_id, version="1").json["Version"] == 1
    assert ask(wire, "count", segment_id).json == {
        "SegmentId": segment_id,
        "Version": 2,
        "Count": 2,
    }
    explained = ask(wire, "explanations/b", segment_id, version="1").json
    assert (explained["Version"], explained["IsMember"]) == (1, False)


@pytest.mark.parametrize(
    ("what", "query", "status", "message"),
    [
        ("count", {"version": "3"}, 404, "Segment version not found"),
        ("count", {"version": "x"}, 400, "The version must be a positive whole number"),
        ("members", {"version": "0"}, 400, "The version must be a positive whole number"),
        ("members", {"page-size": "0"}, 400, "page-size must be a positive whole number"),
        ("members", {"token": "%"}, 400, "token must be the NextToken of an earlier answer"),
        ("explanations/nobody", {}, 404, "Endpoint not found"),
        ("explanations/a%24", {}, 400, "An endpoint id must not contain $, { or }"),
    ],
)
def test_odd_questions_are_refused(
    wire: Wire, what: str, query: dict[str, str], status: int, message: str
) -> None:
    """What is missing or malformed is said."""
    answer = ask(wire, what, made(wire), **query)
    assert (answer.status, answer.message) == (status, message)


@pytest.mark.parametrize("what", ["count", "members", "explanations/a"])
def test_an_unknown_segment_is_not_found(wire: Wire, what: str) -> None:
    """Neither in this application nor in one that is not there."""
    assert ask(wire, what, "nobody").message == "Segment not found"
    other = f"/pinpoint-kit/v1/apps/nothing/segments/x/{what}"
    assert wire.send("GET", other).message == "Application not found"


def test_applications_do_not_mix(wire: Wire) -> None:
    """Endpoints, users and events of another application do not count."""
    other = wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    endpoint = {
        **PRO,
        "User": {"UserId": "u", "UserAttributes": {"x": ["1"]}},
        "EffectiveDate": "2001-01-01T00:00:00Z",
    }
    wire.put(f"/v1/apps/{other}/endpoints/a", endpoint)
    event = {"EventType": "x", "Timestamp": "2026-01-02T00:00:00Z"}
    events = {"BatchItem": {"a": {"Endpoint": {}, "Events": {"e": event}}}}
    assert wire.post(f"/v1/apps/{other}/events", events).status == 202
    wire.update("a", User={"UserId": "u"}, EffectiveDate="2001-01-01T00:00:00Z")
    recent = {"Recency": {"Duration": "DAY_7", "RecencyType": "ACTIVE"}}
    for dimensions in (BASE, {"UserAttributes": {"x": {"Values": ["1"]}}}, {"Behavior": recent}):
        assert ids(wire, made(wire, Dimensions=dimensions)) == []
    assert ids(wire, made(wire)) == ["a"]


def test_small_applications_are_counted_too(wire: Wire) -> None:
    """A few endpoints among many of another application."""
    other = wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    items = [{"Id": f"e{number}", **PRO} for number in range(40)]
    assert wire.put(f"/v1/apps/{other}/endpoints", {"Item": items}).status == 202
    wire.batch({"Id": "a", **PRO}, {"Id": "b"})
    assert ask(wire, "count", made(wire, Dimensions=BASE)).json["Count"] == 1
    empty = wire.post("/v1/apps", {"Name": "empty"}).json["Id"]
    segment = wire.post(f"/v1/apps/{empty}/segments", {}).json
    counted = wire.send("GET", f"/pinpoint-kit/v1/apps/{empty}/segments/{segment['Id']}/count")
    assert counted.json["Count"] == 0


def test_a_segment_is_dynamic(wire: Wire, clock: Clock) -> None:
    """Members change with the endpoints, with the user's other endpoints and with time."""
    dimensions = {
        "UserAttributes": {"plan": {"Values": ["pro"]}},
        "Behavior": {"Recency": {"Duration": "HR_24", "RecencyType": "ACTIVE"}},
    }
    segment_id = made(wire, Dimensions=dimensions)
    wire.update("a", User={"UserId": "u"})
    assert ids(wire, segment_id) == []
    wire.update("b", User={"UserId": "u", "UserAttributes": {"plan": ["pro"]}})
    assert ids(wire, segment_id) == ["a", "b"]
    clock.advance(86_400)
    assert ids(wire, segment_id) == ["a", "b"]
    clock.advance(0.001)
    assert ids(wire, segment_id) == []
    wire.put_event({"EventType": "x", "Timestamp": "2026-01-03T00:00:00Z"})  # of device-1
    event = {"EventType": "x", "Timestamp": "2026-01-03T00:00:00Z"}
    wire.put_events({"A": {"Endpoint": {}, "Events": {"e": event}}})
    assert ids(wire, segment_id) == ["a"]


def test_sources_count_at_their_newest_version_unless_pinned(wire: Wire) -> None:
    """A pinned source stays what it was."""
    wire.batch({"Id": "a", **PRO}, {"Id": "b"})
    base = made(wire, Dimensions=BASE)
    pinned, loose = made(wire, **on((base, 1))), made(wire, **on(base))
    update(wire, base, Dimensions={})
    assert ids(wire, pinned) == ["a"]
    assert ids(wire, loose) == ["a", "b"]


def test_a_deleted_source_makes_a_segment_unusable(wire: Wire) -> None:
    """It is refused rather than evaluated without the source, and can still be read and mended."""
    base = made(wire, Dimensions=BASE)
    middle = made(wire, **on(base, SourceType="NONE"))
    top = made(wire, **on(middle))
    wire.send("DELETE", path(wire, base))
    for segment_id in (middle, top):
        for what in ("count", "members", "explanations/a"):
            answer = ask(wire, what, segment_id)
            assert (answer.status, answer.message) == (
                400,
                "names a segment or a version that does not exist @ "  # noqa: ISC003 -- one text
                + "$.SegmentGroups.Groups[0].SourceSegments[0]",
            )
        assert wire.send("GET", path(wire, segment_id)).status == 200
    assert update(wire, top, Name="still unusable").status == 400
    assert update(wire, middle, Dimensions={}).status == 200
    assert ask(wire, "count", top).json["Count"] == 0


def test_a_list_follows_the_users(wire: Wire) -> None:
    """A listed user stands for the endpoints that the user has at the moment."""
    wire.batch({"Id": "a"}, {"Id": "b", "User": {"UserId": "u"}})
    segment_id = imported(wire, ("a",), ("u", "later"))
    assert ids(wire, segment_id) == ["a", "b"]
    wire.update("c", User={"UserId": "later"})
    wire.update("b", User={"UserId": "v"})
    wire.send("DELETE", wire.endpoint_path("a"))
    assert ids(wire, segment_id) == ["c"]
    wire.update("new")  # may get the number of the deleted one
    assert ids(wire, segment_id) == ["c"]
    assert ask(wire, "count", segment_id).json["Count"] == 1
    assert criteria(wire, segment_id, "c") == [("$", "imported endpoints and users", True)]


def test_every_part_is_explained(wire: Wire) -> None:
    """Dimensions and sources in the order of the definition, then their group, then the whole."""
    base = made(wire, Dimensions=BASE)
    wire.update("A", **PRO, Metrics={"n": 3}, ChannelType="EMAIL", Address="a@example.com")
    coordinates = {"Latitude": 38.7, "Longitude": -9.1}
    entries = [
        {
            "Attributes": {
                "plan": {"Values": ["pro", "free"]},
                "a b": {"AttributeType": "BEFORE", "Values": ["2026-01-01"]},
            },
            "Behavior": {"Recency": {"Duration": "DAY_7", "RecencyType": "INACTIVE"}},
        },
        {
            "Demographic": {"Channel": {"DimensionType": "EXCLUSIVE", "Values": ["SMS"]}},
            "Location": {"GPSPoint": {"Coordinates": coordinates, "RangeInKilometers": 10}},
            "Metrics": {"n": {"ComparisonOperator": "GREATER_THAN", "Value": 2}},
            "UserAttributes": {"x": {"Values": [""]}},
        },
    ]
    references = [{"Id": base}, {"Id": base, "Version": 1}]
    groups = [
        {"Dimensions": entries, "Type": "ANY", "SourceSegments": references, "SourceType": "ALL"},
        {"Dimensions": [{"Location": {"Country": {"Values": ["PT"]}}}]},
    ]
    segment_id = made(wire, SegmentGroups={"Groups": groups, "Include": "NONE"})
    first = "$.SegmentGroups.Groups[0]"
    assert criteria(wire, segment_id, "a") == [
        (f"{first}.SourceSegments[0]", f"segment {base}", True),
        (f"{first}.SourceSegments[1]", f"segment {base}, version 1", True),
        (f"{first}.Dimensions[0].Attributes.plan", "INCLUSIVE pro, free", True),
        (f'{first}.Dimensions[0].Attributes["a b"]', "BEFORE 2026-01-01", False),
        (f"{first}.Dimensions[0].Behavior.Recency", "INACTIVE DAY_7", False),
        (f"{first}.Dimensions[1].Demographic.Channel", "EXCLUSIVE SMS", True),
        (f"{first}.Dimensions[1].Location.GPSPoint", "within 10.0 km of 38.7, -9.1", False),
        (f"{first}.Dimensions[1].Metrics.n", "GREATER_THAN 2.0", True),
        (f"{first}.Dimensions[1].UserAttributes.x", "INCLUSIVE ", False),
        (first, "SourceType ALL, Type ANY", False),
        ("$.SegmentGroups.Groups[1].Dimensions[0].Location.Country", "INCLUSIVE PT", False),
        ("$.SegmentGroups.Groups[1]", "SourceType ALL, Type ALL", False),
        ("$", "Include NONE", True),
    ]
    answer = ask(wire, "explanations/a", segment_id).json
    assert (answer["SegmentId"], answer["Version"]) == (segment_id, 1)
    assert (answer["EndpointId"], answer["IsMember"]) == ("A", True)


def test_plain_dimensions_are_explained(wire: Wire) -> None:
    """Without groups there are the dimensions and the whole."""
    wire.update("a")
    assert criteria(wire, made(wire, Dimensions=BASE), "a") == [
        ("$.Dimensions.Attributes.plan", "INCLUSIVE pro", False),
        ("$", "all dimensions", False),
    ]
    assert criteria(wire, made(wire), "a") == [("$", "all dimensions", True)]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plan", ".plan"),
        ("first name", '["first name"]'),
        ("prénom", '["prénom"]'),
        ('a"]b', r'["a\"]b"]'),
        ("a[0]", '["a[0]"]'),
        ("", '[""]'),
        ("a\nb", r'["a\nb"]'),
    ],
)
def test_explanations_name_their_attributes(wire: Wire, name: str, shown: str) -> None:
    """Each attribute and metric is named, whatever its name is, on a line of its own."""
    wire.update("a")
    dimensions = {
        "Attributes": {"other": {"Values": ["x"]}, name: {"Values": ["x"]}},
        "UserAttributes": {name: {"Values": ["x"]}},
        "Metrics": {name: {"ComparisonOperator": "EQUAL", "Value": 1}},
    }
    assert [path for path, _, _ in criteria(wire, made(wire, Dimensions=dimensions), "a")] == [
        "$.Dimensions.Attributes.other",
        f"$.Dimensions.Attributes{shown}",
        f"$.Dimensions.Metrics{shown}",
        f"$.Dimensions.UserAttributes{shown}",
        "$",
    ]


def test_the_largest_segments_can_be_evaluated(wire: Wire) -> None:
    """All that is allowed at once does not overstrain the database: wide, deep and both."""
    wire.update("a", Metrics={"m99": 1})
    metrics = [
        {"Metrics": {f"m{number}": {"ComparisonOperator": "EQUAL", "Value": 1}}}
        for number in range(100)
    ]
    wide = made(wire, SegmentGroups={"Groups": [{"Dimensions": metrics, "Type": "ANY"}]})
    assert ids(wire, wide) == ["a"]
    segment_id = wide
    for depth, copies in enumerate((2, 2, 1, 1)):  # each is whoever is not in the one before
        groups = [{"SourceSegments": [{"Id": segment_id}], "SourceType": "NONE"}] * copies
        segment_id = made(wire, SegmentGroups={"Groups": groups, "Include": "ANY"})
        assert ids(wire, segment_id) == (["a"] if depth % 2 else [])
        assert ask(wire, "count", segment_id).json["Count"] == depth % 2
    assert criteria(wire, segment_id, "a")[-1] == ("$", "Include ANY", True)


@pytest.mark.sqlite_only("reads its query plans")
def test_a_list_is_counted_without_the_audience(wire: Wire) -> None:
    """What it costs to count a list grows with the list: no step reads all endpoints."""
    wire.batch({"Id": "a"}, {"Id": "b", "User": {"UserId": "u"}}, {"Id": "c"})
    segment_id = imported(wire, ("a", "b"), ("u",))
    assert ask(wire, "count", segment_id).json["Count"] == 2
    with wire.engine._context.store.read() as connection:
        app = apps.require(connection, wire.app)
        statement = listed_numbers(sources.require(connection, app, segment_id))
        sql = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]
    assert [step for step in steps if step.startswith("SCAN")] == []


class PlainConnection(sqlite3.Connection):
    """A connection to a SQLite that was built without the mathematical functions."""

    lacking = frozenset({"sin", "cos"})

    def cursor(self, *_: Any, **__: Any) -> Any:
        """Return a cursor that does not know them until they are made."""
        lacking = self.lacking

        class Cursor(sqlite3.Cursor):
            def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:  # type: ignore[override]
                if any(name in sql for name in lacking):
                    raise sqlite3.OperationalError("no such function")
                return super().execute(sql, *arguments)

        return super().cursor(Cursor)


def test_a_sqlite_without_mathematics_gets_it() -> None:
    """Sines and cosines are made where they are lacking."""
    connection = sqlite3.connect(":memory:", factory=PlainConnection)
    created = []
    connection.create_function = lambda name, *_, **__: created.append(name)  # type: ignore[method-assign]
    connections.configure(connection, None)  # type: ignore[arg-type]
    assert {"sin", "cos"} <= set(created)
    connection.close()

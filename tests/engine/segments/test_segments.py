"""Segments on the wire: what is refused, what an update keeps, what they may build on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import event

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.segments import imported as imports
from pinpoint_kit.engine.segments import parsing, sources, store
from pinpoint_kit.engine.wire.refusals import ApiError
from pinpoint_kit.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinpoint_kit.engine.segments.rules import Rule
    from tests.engine.conftest import Answer, Clock, Wire

BASE = {"Attributes": {"plan": {"Values": ["pro"]}}}


def path(wire: Wire, segment_id: str = "", *more: str) -> str:
    """Return the path of the segments, or of one of them."""
    return "/".join(filter(None, [f"/v1/apps/{wire.app}/segments", segment_id, *more]))


def create(wire: Wire, **members: Any) -> Answer:
    """Send a CreateSegment."""
    return wire.post(path(wire), members)


def made(wire: Wire, **members: Any) -> str:
    """Return the id of a new segment."""
    answer = create(wire, **members)
    assert answer.status == 201, answer.json
    segment_id: str = answer.json["Id"]
    return segment_id


def update(wire: Wire, segment_id: str, **members: Any) -> Answer:
    """Send an UpdateSegment."""
    return wire.put(path(wire, segment_id), members)


def on(*sources: str | tuple[str, int], **group: Any) -> dict[str, Any]:
    """Return a definition that builds on other segments."""
    references = [
        {"Id": source} if isinstance(source, str) else {"Id": source[0], "Version": source[1]}
        for source in sources
    ]
    return {"SegmentGroups": {"Groups": [{"SourceSegments": references, **group}]}}


def imported(wire: Wire, keys: tuple[str, ...] = (), users: tuple[str, ...] = ()) -> str:
    """Return the id of a segment as an import job makes it."""
    with wire.engine._context.store.write() as connection:
        app = apps.require(connection, wire.app)
        definition = {
            "Format": "CSV",
            "S3Url": "s3://bucket/key",
            "RoleArn": "arn:aws:iam::1:role/r",
        }
        segment = imports.create_imported(
            connection, wire.engine._context, app, "imported", definition, 1_000
        )
        imports.add_members(connection, segment, keys, users)
        imports.finish_import(connection, segment, len(keys), {"EMAIL": len(keys)}, 2_000)
    return segment.id


def attributes(how: str, *values: object) -> dict[str, Any]:
    """Return a definition with one attribute."""
    return {"Dimensions": {"Attributes": {"a": {"AttributeType": how, "Values": values}}}}


def near(latitude: float, longitude: float, kilometers: float) -> dict[str, Any]:
    """Dimensions with a point and a range."""
    coordinates = {"Latitude": latitude, "Longitude": longitude}
    return {"Location": {"GPSPoint": {"Coordinates": coordinates, "RangeInKilometers": kilometers}}}


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"Dimensions": {}, "SegmentGroups": {}}, "Give Dimensions or SegmentGroups, not both", ""),
    ({"Name": 7}, "must be a string", ".Name"),
    ({"Dimensions": []}, "must be a JSON object", ".Dimensions"),
    (
        {"tags": {"aws:x": "y"}},
        "a tag key has 1 to 128 characters and no prefix aws:",
        ".tags[0]",
    ),
    (
        {"Dimensions": {"Attributes": {"plan": {}}}},
        "Missing Values",
        ".Dimensions.Attributes.plan",
    ),
    (attributes("ON", 7), "must be a string", ".Dimensions.Attributes.a.Values[0]"),
    (
        attributes("LIKE", "x"),
        "must be one of INCLUSIVE, EXCLUSIVE, CONTAINS, BEFORE, AFTER, ON, BETWEEN",
        ".Dimensions.Attributes.a.AttributeType",
    ),
    (
        attributes("BETWEEN", "2026-01-01"),
        "must be two dates for BETWEEN, the earlier one first",
        ".Dimensions.Attributes.a.Values",
    ),
    (
        attributes("BETWEEN", "2026-01-01T00:00:00.000000001Z", "2026-01-01"),
        "must be two dates for BETWEEN, the earlier one first",
        ".Dimensions.Attributes.a.Values",
    ),
    *(
        (attributes(how), "must have at least one value", ".Dimensions.Attributes.a.Values")
        for how in ("INCLUSIVE", "EXCLUSIVE", "CONTAINS", "BEFORE", "AFTER", "ON")
    ),
    (
        {"Dimensions": {"UserAttributes": {"a": {"Values": []}}}},
        "must have at least one value",
        ".Dimensions.UserAttributes.a.Values",
    ),
    (
        {"Dimensions": {"Demographic": {"Make": {"DimensionType": "EXCLUSIVE", "Values": []}}}},
        "must have at least one value",
        ".Dimensions.Demographic.Make.Values",
    ),
    (
        {"Dimensions": {"Location": {"Country": {"Values": []}}}},
        "must have at least one value",
        ".Dimensions.Location.Country.Values",
    ),
    (
        attributes("ON", "2026-01-01", "2026-02-30"),
        "must be a date and time in UTC such as 2018-05-07T00:00:00Z, or a date",
        ".Dimensions.Attributes.a.Values[1]",
    ),
    (
        {"Dimensions": {"UserAttributes": {"a b": {"AttributeType": "AFTER", "Values": ["x"]}}}},
        "must be a date and time in UTC such as 2018-05-07T00:00:00Z, or a date",
        ".Dimensions.UserAttributes[0].Values[0]",
    ),
    (
        {"Dimensions": {"Metrics": {"n": {"ComparisonOperator": "=", "Value": 1}}}},
        (
            "must be one of EQUAL, GREATER_THAN, GREATER_THAN_OR_EQUAL, LESS_THAN, "
            "LESS_THAN_OR_EQUAL"
        ),
        ".Dimensions.Metrics.n.ComparisonOperator",
    ),
    (
        {"Dimensions": {"Metrics": {"n": {"ComparisonOperator": "EQUAL", "Value": "1"}}}},
        "must be a number",
        ".Dimensions.Metrics.n.Value",
    ),
    (
        {"Dimensions": {"Behavior": {"Recency": {"Duration": "DAY_7"}}}},
        "Missing RecencyType",
        ".Dimensions.Behavior.Recency",
    ),
    (
        {"Dimensions": {"Behavior": {"Recency": {"Duration": "DAY_8", "RecencyType": "ACTIVE"}}}},
        "must be one of HR_24, DAY_7, DAY_14, DAY_30",
        ".Dimensions.Behavior.Recency.Duration",
    ),
    (
        {"Dimensions": {"Location": {"GPSPoint": {}}}},
        "Missing Coordinates",
        ".Dimensions.Location.GPSPoint",
    ),
    (
        {
            "Dimensions": {
                "Location": {"GPSPoint": {"Coordinates": {"Latitude": 1, "Longitude": 2}}}
            }
        },
        "Missing RangeInKilometers",
        ".Dimensions.Location.GPSPoint",
    ),
    (
        {"SegmentGroups": {"Groups": [{}, {"Dimensions": [near(90.1, 0, 1)]}]}},
        "must be from -90 to 90",
        ".SegmentGroups.Groups[1].Dimensions[0].Location.GPSPoint.Coordinates.Latitude",
    ),
    (
        {"Dimensions": near(0, -181, 1)},
        "must be from -180 to 180",
        ".Dimensions.Location.GPSPoint.Coordinates.Longitude",
    ),
    (
        {"Dimensions": near(0, 0, -1)},
        "must be 0 or more",
        ".Dimensions.Location.GPSPoint.RangeInKilometers",
    ),
    (
        {"SegmentGroups": {"Include": "SOME"}},
        "must be one of ALL, ANY, NONE",
        ".SegmentGroups.Include",
    ),
    (
        {"SegmentGroups": {"Groups": [{"SourceSegments": [{"Version": 1}]}]}},
        "Missing Id",
        ".SegmentGroups.Groups[0].SourceSegments[0]",
    ),
    (on(("x", 0)), "must be 1 or more", ".SegmentGroups.Groups[0].SourceSegments[0].Version"),
    (
        on("nobody"),
        "names a segment or a version that does not exist",
        ".SegmentGroups.Groups[0].SourceSegments[0]",
    ),
]


@pytest.mark.parametrize(("members", "text", "place"), REFUSED)
def test_what_has_no_meaning_is_refused(
    wire: Wire, members: dict[str, Any], text: str, place: str
) -> None:
    """A definition that could not be evaluated is a 400 with its place, and nothing is stored."""
    before = wire.dump()
    answer = create(wire, **members)
    assert (answer.status, answer.message) == (400, f"{text} @ ${place}" if place else text)
    assert wire.dump() == before


def test_unknown_members_and_nulls_are_left_out(wire: Wire) -> None:
    """What the service model does not know is not stored."""
    answer = create(
        wire, Name=None, Dimensions={"Metrics": None, "Size": 3, **BASE}, SegmentGroups=None, x=1
    )
    assert (answer.status, answer.json["Dimensions"]) == (201, BASE)
    assert "Name" not in answer.json


@pytest.mark.parametrize(
    ("values", "status"), [(100, 201), (101, 400)], ids=["a hundred", "one more"]
)
def test_a_segment_has_a_hundred_values(wire: Wire, values: int, status: int) -> None:
    """Values are counted over all dimensions, of all groups."""
    listed = [f"v{number}" for number in range(values - 1)]
    groups = [
        {"Dimensions": [{"Attributes": {"a": {"Values": listed}}}]},
        {"Dimensions": [{"Demographic": {"Make": {"Values": ["x"]}}}]},
    ]
    answer = create(wire, SegmentGroups={"Groups": groups})
    assert answer.status == status
    if status == 400:
        assert answer.message == "The dimensions have 101 values in all; they may have 100"


def test_a_segment_has_a_hundred_dimensions(wire: Wire) -> None:
    """Dimensions are counted over all groups, and the 101st is refused."""
    metrics = {f"m{number}": {"ComparisonOperator": "EQUAL", "Value": 1} for number in range(99)}
    recency = {"Recency": {"Duration": "DAY_7", "RecencyType": "ACTIVE"}}
    groups = [{"Dimensions": [{"Metrics": metrics}]}, {"Dimensions": [{"Behavior": recency}]}]
    assert create(wire, SegmentGroups={"Groups": groups}).status == 201
    answer = create(wire, SegmentGroups={"Groups": [*groups, groups[1]]})
    assert answer.message == "The segment has 101 dimensions; it may have 100"


def test_a_value_has_a_hundred_characters(wire: Wire) -> None:
    """Characters are counted, not bytes; a longer value is refused with its place."""
    dimension = {"Location": {"Country": {"Values": ["PT", "é" * 100]}}}
    assert create(wire, Dimensions=dimension).status == 201
    dimension["Location"]["Country"]["Values"][1] += "é"
    answer = create(wire, Dimensions=dimension)
    assert answer.message == (
        "is longer than 100 characters @ $.Dimensions.Location.Country.Values[1]"
    )


def test_limits_can_be_replaced(make_wire: Callable[..., Wire]) -> None:
    """The engine obeys the limits that it was opened with."""
    wire = make_wire(limits=Limits(max_segment_values=1))
    assert create(wire, Dimensions=BASE).status == 201
    both = {"Attributes": {"plan": {"Values": ["pro", "free"]}}}
    assert create(wire, Dimensions=both).status == 400


def test_members_that_are_not_sent_stay(wire: Wire, clock: Clock) -> None:
    """A new name alone does not widen the segment; a definition replaces the one that was."""
    segment_id = made(wire, Name="a", Dimensions=BASE)
    clock.advance(60)
    renamed = update(wire, segment_id, Name="b").json
    assert (renamed["Name"], renamed["Dimensions"]) == ("b", BASE)
    assert renamed["CreationDate"] == "2026-01-02T03:04:05.678Z"
    assert renamed["LastModifiedDate"] == "2026-01-02T03:05:05.678Z"
    assert update(wire, segment_id, Dimensions={}).json["Dimensions"] == {}
    grouped = update(wire, segment_id, SegmentGroups={"Groups": []}).json
    assert (grouped["Name"], grouped["Version"]) == ("b", 4)
    assert "Dimensions" not in grouped


def test_a_refused_update_makes_no_version(wire: Wire) -> None:
    """An update is applied as a whole or not at all."""
    segment_id = made(wire, Dimensions=BASE)
    before = wire.dump()
    assert update(wire, segment_id, **on("nobody")).status == 400
    assert wire.dump() == before


@pytest.mark.parametrize("version", ["0", "-1", "x", "1.0", "9999999999"])
def test_odd_versions_are_refused(wire: Wire, version: str) -> None:
    """A version in a path is a positive whole number."""
    segment_id = made(wire)
    assert wire.send("GET", path(wire, segment_id, "versions", version)).status == 400


def test_unknown_segments_and_versions_are_told_apart(wire: Wire) -> None:
    """404 says which of the two is missing."""
    segment_id = made(wire)
    missing = wire.send("GET", path(wire, segment_id, "versions", "2"))
    assert (missing.status, missing.message) == (404, "Segment version not found")
    nobody = wire.send("GET", path(wire, "nobody", "versions", "1"))
    assert (nobody.status, nobody.message) == (404, "Segment not found")
    assert update(wire, "nobody", Name="a").message == "Segment not found"


def test_versions_are_listed_in_pages(wire: Wire) -> None:
    """The oldest first, any number a page."""
    segment_id = made(wire, Name="1")
    for number in range(2, 6):
        update(wire, segment_id, Name=str(number))
    names, query = [], {"page-size": "2"}
    while True:
        page = wire.send("GET", path(wire, segment_id, "versions"), query=urlencode(query)).json
        names.append([item["Name"] for item in page["Item"]])
        if "NextToken" not in page:
            break
        query["token"] = page["NextToken"]
    assert names == [["1", "2"], ["3", "4"], ["5"]]


def test_other_applications_have_their_own(wire: Wire) -> None:
    """A segment is found in its own application only, and goes with it."""
    before = wire.dump()
    other = wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    theirs = wire.post(f"/v1/apps/{other}/segments", {"tags": {"a": "b"}}).json
    assert wire.send("GET", path(wire, theirs["Id"])).status == 404
    assert wire.send("GET", path(wire)).json == {"Item": []}
    assert create(wire, **on(theirs["Id"])).status == 400
    assert wire.send("DELETE", f"/v1/apps/{other}").status == 200
    assert wire.dump() == before
    assert wire.post(f"/v1/apps/{other}/segments", {"Name": 7}).message == "Application not found"


def test_the_versions_that_sources_name_must_exist(wire: Wire) -> None:
    """A reference may pin a version that there is."""
    base = made(wire, Dimensions=BASE)
    assert create(wire, **on((base, 1))).status == 201
    assert create(wire, **on((base, 2))).status == 400


def test_a_segment_cannot_build_on_itself(wire: Wire) -> None:
    """Neither directly nor by way of others; an earlier version of itself is another segment."""
    text = "A segment must not build on itself, not even by way of others"
    base = made(wire, Dimensions=BASE)
    middle = made(wire, **on(base))
    top = made(wire, **on(middle))
    for source in (base, middle, top):
        assert update(wire, base, **on(source)).message == text
    assert update(wire, base, **on((base, 1))).json["Version"] == 2
    assert update(wire, base, **on((base, 1), (base, 2))).json["Version"] == 3


def test_segments_build_on_others_five_deep(wire: Wire) -> None:
    """A chain of five is fine, one of six is refused."""
    segment_id = made(wire)
    for _ in range(4):
        segment_id = made(wire, **on(segment_id))
    answer = create(wire, **on(segment_id))
    assert answer.message == (
        "A segment may build on others 5 deep, and have 500 "
        "dimensions, groups and sources together with them"
    )


def test_everything_together_is_bounded(wire: Wire) -> None:
    """Sources count as often as they are named, so that what is evaluated stays small."""
    metrics = {f"m{number}": {"ComparisonOperator": "EQUAL", "Value": 1} for number in range(100)}
    base = made(wire, Dimensions={"Metrics": metrics})
    assert create(wire, **on(*[base] * 4)).status == 201
    assert create(wire, **on(*[base] * 5)).status == 400


def test_an_import_has_a_segment(wire: Wire) -> None:
    """A segment of an import shows its ImportDefinition, with the numbers when it has ended."""
    wire.batch({"Id": "a"}, {"Id": "B"})
    segment = wire.send("GET", path(wire, imported(wire, ("a", "b"), ("u",)))).json
    assert (segment["SegmentType"], segment["Name"], segment["Version"]) == (
        "IMPORT",
        "imported",
        1,
    )
    assert segment["ImportDefinition"] == {
        "Format": "CSV",
        "S3Url": "s3://bucket/key",
        "RoleArn": "arn:aws:iam::1:role/r",
        "ExternalId": "000000000000",
        "Size": 2,
        "ChannelCounts": {"EMAIL": 2},
    }
    assert segment["LastModifiedDate"] == "1970-01-01T00:00:02.000Z"


def test_an_imported_segment_can_only_be_renamed(wire: Wire) -> None:
    """It has a list and no dimensions."""
    segment_id = imported(wire)
    answer = update(wire, segment_id, Dimensions=BASE)
    assert answer.message == ("An imported segment has no dimensions; only its name can be changed")
    renamed = update(wire, segment_id, Name="new").json
    assert (renamed["Name"], renamed["Version"]) == ("new", 2)
    assert renamed["ImportDefinition"]["Format"] == "CSV"


def test_an_imported_segment_is_the_only_source_of_its_group(wire: Wire) -> None:
    """Alone it may be a source; together with others it is refused."""
    listed, base = imported(wire), made(wire, Dimensions=BASE)
    assert create(wire, **on(listed)).status == 201
    answer = create(wire, **on(base, listed))
    assert answer.message == (
        "an imported segment must be the only source of its group @ "
        "$.SegmentGroups.Groups[0].SourceSegments[1]"
    )


def test_an_import_whose_segment_is_deleted_adds_nothing(wire: Wire) -> None:
    """A job that goes on learns it at the end, and leaves no list behind."""
    wire.update("a")
    before = wire.dump()
    segment_id = imported(wire)
    with wire.engine._context.store.read() as connection:
        app = apps.require(connection, wire.app)
        segment = sources.require(connection, app, segment_id)
    wire.send("DELETE", path(wire, segment_id))
    with wire.engine._context.store.write() as connection:
        imports.add_members(connection, segment, ["a"], ["u"])
        with pytest.raises(ApiError, match="Segment not found"):
            imports.finish_import(connection, segment, 1, {}, 0)
    assert wire.dump() == before


def lists(wire: Wire) -> tuple[list[Any], list[Any]]:
    """Return what is on the lists."""
    return (
        [row["endpoint"] for row in wire.rows("SELECT endpoint FROM segment_endpoints ORDER BY 1")],
        [row["user_id"] for row in wire.rows("SELECT user_id FROM segment_users ORDER BY 1")],
    )


def test_a_list_is_written_by_few_statements(wire: Wire) -> None:
    """A piece of an import costs no statement a row, whatever the database."""
    keys = [f"e{number}" for number in range(300)]
    users = [f"u{number}" for number in range(300)]
    for start in range(0, len(keys), 100):
        wire.batch(*({"Id": key} for key in keys[start : start + 100]))
    segment_id = imported(wire)
    ran: list[int] = []

    def count(*seen: Any) -> None:
        *_, parameters, _context, is_many = seen
        ran.append(len(parameters) if is_many else 1)

    with wire.engine._context.store.write() as connection:
        segment = sources.require(connection, apps.require(connection, wire.app), segment_id)
        event.listen(connection, "before_cursor_execute", count)
        imports.add_members(connection, segment, keys, users)
        event.remove(connection, "before_cursor_execute", count)
    assert [len(listed) for listed in lists(wire)] == [300, 300]
    assert sum(ran) < 30


def test_deleted_endpoints_are_off_the_lists(wire: Wire) -> None:
    """An endpoint's deletion takes it off every list, and a user with the last endpoint."""
    wire.batch({"Id": "a", "User": {"UserId": "u"}}, {"Id": "b", "User": {"UserId": "u"}})
    imported(wire, ("a", "b", "a", "unknown"), ("u", "later"))
    assert lists(wire) == ([1, 2], ["later", "u"])
    wire.send("DELETE", wire.endpoint_path("A"))
    assert lists(wire) == ([2], ["later", "u"])
    wire.user("u", "DELETE")
    assert lists(wire) == ([], ["later"])


def test_erasure_takes_users_off_the_lists(wire: Wire) -> None:
    """Also a user who has no endpoint."""
    imported(wire, (), ("u", "v"))
    wire.post(f"/pinpoint-kit/v1/apps/{wire.app}/erasures", {"UserId": "u"})
    assert lists(wire) == ([], ["v"])


def test_a_deleted_segment_leaves_no_list(wire: Wire) -> None:
    """DeleteSegment removes versions, list and tags, of this segment only."""
    wire.update("a")
    kept = imported(wire, ("a",), ("u",))
    before = wire.dump()
    segment_id = imported(wire, ("a",), ("u",))
    update(wire, segment_id, Name="x")
    wire.send("DELETE", path(wire, segment_id))
    assert wire.dump() == before
    assert wire.send("GET", path(wire, kept)).status == 200


def test_a_definition_is_parsed_once(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluating a segment with one source parses two definitions; showing it parses none."""
    parsed: list[object] = []
    parse = parsing.parse

    def counted(members: Mapping[str, object]) -> Rule:
        parsed.append(members)
        return parse(members)

    monkeypatch.setattr(store, "parse", counted)
    base = f"/v1/apps/{wire.app}/segments"

    def parses(method: str, path: str, payload: object = None) -> int:
        before = len(parsed)
        body = b"" if payload is None else json.dumps(payload).encode()
        assert wire.send(method, path, body).status in {200, 201}
        return len(parsed) - before

    source = wire.post(base, {"Dimensions": {}}).json["Id"]
    group = {"SourceSegments": [{"Id": source}]}
    segment = wire.post(base, {"SegmentGroups": {"Groups": [group]}}).json["Id"]
    wire.update("d", Address="a@example.com", ChannelType="EMAIL")
    extension = f"/pinpoint-kit/v1/apps/{wire.app}/segments/{segment}"
    assert parses("POST", base, {"Dimensions": {}}) == 1
    assert parses("GET", base) == 0
    assert parses("GET", f"{extension}/count") == 2
    assert parses("GET", f"{extension}/explanations/d") == 2

"""Segments: definitions there and back, versions, members, and why somebody is one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit import SegmentDimensions, SegmentGroupList, where
from pinpoint_kit.errors import (
    BadRequest,
    ConfigurationError,
    InvalidTypeError,
    NotFound,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from botocore.stub import Stubber

PROS = where.attribute("plan").is_in("pro", "team") & (where.metric("level") >= 3)


@pytest.fixture
def pinpoint() -> Iterator[pk.Pinpoint]:
    """Give an engine in memory, with four people."""
    with pk.connect("sqlite://", application="shop") as client:
        client.endpoints.update_many(
            pk.Endpoint(
                id=name,
                channel_type="EMAIL",
                address=f"{name}@example.com",
                attributes={"plan": [plan]},
                metrics={"level": level},
                location=pk.Location(country=country),
            )
            for name, plan, level, country in (
                ("ana", "pro", 7, "PT"),
                ("ben", "team", 3, "DE"),
                ("eva", "pro", 1, "PT"),
                ("kim", "free", 9, "PT"),
            )
        )
        yield client


@pytest.mark.parametrize("name", [{}, {"Name": ""}], ids=["none", "empty"])
def test_a_segment_without_a_name_is_defined_anew(
    pinpoint: pk.Pinpoint, name: dict[str, str]
) -> None:
    """A name that the caller did not give is not asked for, and stays as it is."""
    answer = pinpoint.call("CreateSegment", WriteSegmentRequest={"Dimensions": {}, **name})
    segment_id = answer["SegmentResponse"]["Id"]
    changed = pinpoint.segments.update(segment_id, where=PROS)
    assert (changed.name, changed.version, changed.dimensions) == (
        name.get("Name"),
        2,
        PROS.definition(),
    )
    with pytest.raises(ValidationError, match=r"name the segment @ \$\.name"):
        pinpoint.segments.update(segment_id, name=" ")


def test_an_imported_segment_without_a_name_says_why_it_has_no_condition(
    pinpoint: pk.Pinpoint, tmp_path: Path
) -> None:
    """The reason is the service's: it has no dimensions."""
    (tmp_path / "p.csv").write_text("Id,ChannelType,Address\nx,SMS,+1\n")
    job = pinpoint.jobs.import_endpoints(tmp_path / "p.csv", define_segment=True)
    pinpoint.jobs.wait(job, timeout=60)
    assert job.definition is not None
    assert job.definition.segment_id is not None
    with pytest.raises(BadRequest, match="An imported segment has no dimensions"):
        pinpoint.segments.update(job.definition.segment_id, where=PROS)


@pytest.fixture
def hosted(stub: Stubber) -> Iterator[pk.Pinpoint]:
    """Give a service without operations of our own."""
    with pk.Pinpoint(stub.client, "a") as pinpoint:
        yield pinpoint


def test_the_life_of_a_segment(pinpoint: pk.Pinpoint) -> None:
    """Create, read, rename, define anew, look at each version, delete; then it is gone."""
    first = pinpoint.segments.create("pros", PROS, tags={"team": "a"})
    assert (first.name, first.version, first.dimensions) == ("pros", 1, PROS.definition())
    assert first.segment_type is pk.SegmentType.DIMENSIONAL
    assert pinpoint.segments.get(first) == pinpoint.segments.get(first.id) == first
    renamed = pinpoint.segments.update(first, name="professionals")
    assert (renamed.name, renamed.version) == ("professionals", 2)
    assert renamed.dimensions == first.dimensions
    grown = pinpoint.segments.update(first.id, where=PROS | where.country("PT"))
    assert (grown.name, grown.version, grown.dimensions) == ("professionals", 3, None)
    assert isinstance(grown.segment_groups, SegmentGroupList)
    kept = pinpoint.segments.update(first, name="x")
    assert kept.segment_groups == grown.segment_groups
    assert sorted(s.version or 0 for s in pinpoint.segments.versions(first)) == [1, 2, 3, 4]
    assert pinpoint.segments.get(first, version=2) == renamed
    assert [segment.id for segment in pinpoint.segments.list()] == [first.id]
    assert pinpoint.segments.delete(first).id == first.id
    for call in (
        pinpoint.segments.get,
        pinpoint.segments.delete,
        pinpoint.segments.versions,
        pinpoint.segments.count,
        pinpoint.segments.members,
        lambda segment: pinpoint.segments.update(segment, name="y"),
    ):
        with pytest.raises(NotFound):
            call(first)


def test_plain_models_define_a_segment_too(pinpoint: pk.Pinpoint) -> None:
    """A definition goes out and comes back as it was; an empty one is everyone."""
    everyone = pinpoint.segments.create("all", SegmentDimensions())
    assert pinpoint.segments.count(everyone) == 4
    definition = SegmentGroupList(
        groups=(
            pk.SegmentGroup(
                source_segments=(pk.SegmentReference(id=everyone.id),),
                source_type=pk.SourceType.ALL,
                dimensions=(SegmentDimensions(),),
                type=pk.GroupType.ALL,
            ),
        ),
        include=pk.Include.ALL,
    )
    assert pinpoint.segments.create("built", definition).segment_groups == definition


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (PROS, ["ana", "ben"]),
        (~where.attribute("plan").is_in("free") & where.country("PT"), ["ana", "eva"]),
        (where.country("DE") | (where.metric("level") > 8), ["ben", "kim"]),
        (~(where.metric("level") > 5) & where.channel("EMAIL"), ["ben", "eva"]),
        (where.active_within(days=1), ["ana", "ben", "eva", "kim"]),
        (where.inactive_for(days=1), []),
        (where.attribute("plan").is_in("none"), []),
    ],
)
def test_conditions_find_who_fulfils_them(
    pinpoint: pk.Pinpoint, condition: pk.Condition, expected: list[str]
) -> None:
    """Members, count and explanations agree."""
    segment = pinpoint.segments.create("s", condition)
    members = pinpoint.segments.members(segment).to_list()
    assert sorted(member.id or "" for member in members) == expected
    assert all(member == pinpoint.endpoints.get(member.id or "") for member in members)
    assert pinpoint.segments.count(segment) == len(expected)
    found = [
        name
        for name in ("ana", "ben", "eva", "kim")
        if pinpoint.segments.explain(name, segment).is_member
    ]
    assert found == expected


def test_a_segment_builds_on_others(pinpoint: pk.Pinpoint) -> None:
    """Source segments, a version of one of them, and what is refused about them."""
    base = pinpoint.segments.create("base", where.country("PT"))
    pinpoint.segments.update(base, where=where.country("DE"))
    now = pinpoint.segments.create("now", where.segment(base))
    then = pinpoint.segments.create("then", where.segment(base, version=1) & PROS)
    assert [member.id for member in pinpoint.segments.members(now)] == ["ben"]
    assert [member.id for member in pinpoint.segments.members(then)] == ["ana"]
    assert pinpoint.segments.count(base, version=1) == 3
    with pytest.raises((BadRequest, NotFound)):
        pinpoint.segments.create("of nothing", where.segment("0" * 32))


def test_members_come_over_pages(pinpoint: pk.Pinpoint) -> None:
    """More than a page holds, each once."""
    pinpoint.endpoints.update_many(
        pk.Endpoint(id=f"e-{n:04}", attributes={"plan": ["bulk"]}) for n in range(1_050)
    )
    bulk = pinpoint.segments.create("bulk", where.attribute("plan").is_in("bulk"))
    found = [member.id or "" for member in pinpoint.segments.members(bulk)]
    assert sorted(found) == [f"e-{n:04}" for n in range(1_050)]


def test_an_explanation_says_why(pinpoint: pk.Pinpoint) -> None:
    """Each part of the definition has its line, and no data of the endpoint is in it."""
    segment = pinpoint.segments.create("pros", PROS & where.country("PT"))
    found = pinpoint.segments.explain("EVA", segment)
    assert (found.segment_id, found.version, found.is_member) == (segment.id, 1, False)
    met = {criterion.path: criterion.is_met for criterion in found.criteria}
    assert met["$"] is False
    assert sorted(met.values()) == [False, False, True, True]
    text = str(found)
    assert text.splitlines()[0].endswith(f"is not in segment {segment.id} (version 1)")
    assert "eva@example.com" not in text
    assert "<table>" in found._repr_html_()
    assert pinpoint.segments.explain("ana", segment).is_member
    for endpoint_id, which in (("nobody", segment.id), ("ana", "0" * 32)):
        with pytest.raises(NotFound):
            pinpoint.segments.explain(endpoint_id, which)


@pytest.mark.parametrize(
    ("name", "definition"),
    [
        ("", PROS),
        (" ", PROS),
        ("s", where.attribute("plan").is_in(*["x"] * 101)),
        ("s", where.attribute("plan").is_in("x" * 101)),
        ("s", (where.segment("a") | PROS) & (where.segment("b") | where.country("PT"))),
    ],
)
def test_what_is_refused_before_sending(
    pinpoint: pk.Pinpoint, name: str, definition: pk.Condition
) -> None:
    """A limit, a third level, or no name: nothing is sent, and nothing is half-done."""
    with pytest.raises(ValidationError):
        pinpoint.segments.create(name, definition)
    assert pinpoint.segments.list() == []


@pytest.mark.parametrize(
    ("name", "definition"),
    [(5, PROS), (None, PROS), ("s", True), ("s", None), ("s", {}), ("s", where.metric("n"))],
)
def test_wrong_types(pinpoint: pk.Pinpoint, name: Any, definition: Any) -> None:
    """What is no condition is told what to write."""
    with pytest.raises(InvalidTypeError):
        pinpoint.segments.create(name, definition)


def test_updates_that_say_nothing(pinpoint: pk.Pinpoint) -> None:
    """An update needs a change, and an id; versions are whole numbers."""
    with pytest.raises(ValidationError, match="names no change"):
        pinpoint.segments.update("s")
    for call in (pinpoint.segments.get, pinpoint.segments.delete, pinpoint.segments.count):
        for segment in ("", "..", 5, None):
            with pytest.raises(ValidationError):
                call(segment)  # type: ignore[arg-type]  # the point
    for version in ("1", True, 1.0):
        with pytest.raises(InvalidTypeError):
            pinpoint.segments.count("s", version=version)  # type: ignore[arg-type]  # the point


def test_elsewhere_a_place_for_an_export_is_needed(hosted: pk.Pinpoint) -> None:
    """Who is in a segment is answered by an export job; why, not at all."""
    for ask in (hosted.segments.members, hosted.segments.count):
        with pytest.raises(ConfigurationError, match=r"give export_to=.*role_arn"):
            ask("s")
    with pytest.raises(ConfigurationError, match="connect to the engine"):
        hosted.segments.explain("e", "s")


def test_the_requests_are_pinpoints_own(hosted: pk.Pinpoint, stub: Stubber) -> None:
    """Lists page themselves; an update that gives all reads nothing first."""
    shown = {
        "ApplicationId": "a",
        "Arn": "arn",
        "CreationDate": "2020-01-01T00:00:00.000Z",
        "Id": "s",
        "SegmentType": "DIMENSIONAL",
    }
    first = {"ApplicationId": "a", "PageSize": "100"}
    stub.add_response(
        "get_segments", {"SegmentsResponse": {"Item": [shown], "NextToken": "t"}}, first
    )
    stub.add_response(
        "get_segments", {"SegmentsResponse": {"Item": [shown]}}, {**first, "Token": "t"}
    )
    assert [segment.id for segment in hosted.segments.list()] == ["s", "s"]
    country = {"Location": {"Country": {"DimensionType": "INCLUSIVE", "Values": ["PT"]}}}
    stub.add_response(
        "update_segment",
        {"SegmentResponse": shown},
        {
            "ApplicationId": "a",
            "SegmentId": "s",
            "WriteSegmentRequest": {"Name": "n", "Dimensions": country},
        },
    )
    assert hosted.segments.update("s", name="n", where=where.country("PT")).id == "s"

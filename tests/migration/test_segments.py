"""Segments become definitions that the service model takes, or are listed with what is missing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber

from pinpoint_kit.migration.customer_profiles import convert
from pinpoint_kit.migration.customer_profiles.segments import convert_segments
from tests.migration.outputs import write_lines

if TYPE_CHECKING:
    from pathlib import Path


def _segment(name: str, **members: Any) -> dict[str, Any]:
    return {"Id": f"id-{name}", "Name": name, "SegmentType": "DIMENSIONAL", **members}


ALL = _segment(
    "All kinds!",
    Dimensions={
        "Attributes": {"plan": {"AttributeType": "INCLUSIVE", "Values": ["pro", "team"]}},
        "UserAttributes": {"first name": {"AttributeType": "CONTAINS", "Values": ["an"]}},
        "Metrics": {"level": {"ComparisonOperator": "GREATER_THAN", "Value": 3.0}},
        "Demographic": {"Platform": {"DimensionType": "EXCLUSIVE", "Values": ["ios"]}},
        "Location": {"Country": {"DimensionType": "INCLUSIVE", "Values": ["PT"]}},
        "Behavior": {},
    },
)


def _attributes(condition: dict[str, Any]) -> dict[str, Any]:
    return {"ProfileAttributes": {"Attributes": condition}}


def test_dimensions_become_conditions() -> None:
    """Each dimension of Pinpoint has its place, and all of them must hold."""
    made = convert_segments([ALL], multiple=())
    (request,) = made.definitions
    assert request["SegmentDefinitionName"] == "All-kinds"
    assert request["DisplayName"] == "All kinds!"
    inclusive = {"DimensionType": "INCLUSIVE", "Values": ["pro", "team"]}
    assert request["SegmentGroups"] == {
        "Include": "ALL",
        "Groups": [
            {
                "Type": "ALL",
                "Dimensions": [
                    _attributes({"plan": inclusive}),
                    _attributes(
                        {"User_first_name": {"DimensionType": "CONTAINS", "Values": ["an"]}}
                    ),
                    _attributes(
                        {"Metrics_level": {"DimensionType": "GREATER_THAN", "Values": ["3"]}}
                    ),
                    _attributes(
                        {"Demographic_Platform": {"DimensionType": "EXCLUSIVE", "Values": ["ios"]}}
                    ),
                    {
                        "ProfileAttributes": {
                            "Address": {"Country": {"DimensionType": "INCLUSIVE", "Values": ["PT"]}}
                        }
                    },
                ],
            }
        ],
    }


@pytest.mark.parametrize(
    ("members", "part"),
    [
        ({"SegmentType": "IMPORT", "ImportDefinition": {"Size": 3}}, "ImportDefinition"),
        ({"Dimensions": {"Behavior": {"Recency": {"Duration": "HR_24"}}}}, "Behavior.Recency"),
        (
            {"Dimensions": {"Location": {"GPSPoint": {"RangeInKilometers": 3}}}},
            "Location.GPSPoint",
        ),
        ({"Dimensions": {"Demographic": {"DeviceType": {"Values": ["TV"]}}}}, "DeviceType"),
        ({"Dimensions": {"Attributes": {"a": {"Values": ["x"] * 51}}}}, "51 values"),
        ({"Dimensions": {"Attributes": {"a": {"Values": [""]}}}}, "empty"),
        ({"Dimensions": {"Attributes": {"a": 7}}}, "Attributes.a"),
        (
            {"Dimensions": {"Metrics": {"m": {"ComparisonOperator": "NEAR", "Value": 1}}}},
            "Metrics.m",
        ),
        ({"Dimensions": {"Odd": {"a": 1}}}, "Odd"),
        ({"SegmentGroups": {"Groups": [{"SourceSegments": [{"Id": "gone"}]}]}}, "SourceSegments"),
        (
            {"Dimensions": {"Attributes": {"m": {"AttributeType": "EXCLUSIVE", "Values": ["x"]}}}},
            "exclude",
        ),
    ],
)
def test_what_cannot_be_said_is_no_definition(members: dict[str, Any], part: str) -> None:
    """A segment of which a part is missing would mean other people: it is listed apart."""
    made = convert_segments([_segment("s", **members)], multiple={"m"})
    assert made.definitions == []
    assert len(made.incomplete) == 1
    assert part in made.notes[0]


def test_groups_and_sources_keep_their_logic() -> None:
    """Types and Include stay; a source is named, and comes before what builds on it."""
    base = _segment("zz base", Dimensions={"Attributes": {"a": {"Values": ["1"]}}})
    built = _segment(
        "built",
        SegmentGroups={
            "Include": "ANY",
            "Groups": [
                {
                    "Type": "NONE",
                    "SourceType": "ANY",
                    "SourceSegments": [{"Id": "id-zz base", "Version": 2}],
                    "Dimensions": [{"Attributes": {"b": {"Values": ["2"]}}}],
                },
                {"Type": "ANY", "Dimensions": [{}]},
            ],
        },
    )
    made = convert_segments([built, base], multiple=())
    assert [each["DisplayName"] for each in made.definitions] == ["zz base", "built"]
    groups: Any = made.definitions[1]["SegmentGroups"]
    assert groups["Include"] == "ANY"
    assert groups["Groups"][0]["SourceSegments"] == [{"SegmentDefinitionName": "zz-base"}]
    assert (groups["Groups"][0]["Type"], groups["Groups"][0]["SourceType"]) == ("NONE", "ANY")
    assert groups["Groups"][1]["Dimensions"][0]["ProfileAttributes"]["ProfileType"]
    assert any("version" in note for note in made.notes)


def test_what_builds_on_an_incomplete_segment_is_incomplete() -> None:
    """Through any number of steps, rings included."""
    lost = _segment("lost", Dimensions={"Behavior": {"Recency": {"Duration": "DAY_7"}}})
    steps = [
        _segment(f"s{n}", SegmentGroups={"Groups": [{"SourceSegments": [{"Id": source}]}]})
        for n, source in enumerate(["id-lost", "id-s0", "id-s1", "id-s3"])
    ]
    made = convert_segments([*reversed(steps), lost], multiple=())
    assert [each["DisplayName"] for each in made.definitions] == ["s3"]
    assert len(made.incomplete) == 4


def test_names_are_unique() -> None:
    """Two segments of one name, or of names that look the same, have names of their own."""
    made = convert_segments(
        [
            {**_segment("a b"), "Id": "1"},
            {**_segment("a b"), "Id": "2"},
            _segment("a-b"),
            _segment("!"),
        ],
        multiple=(),
    )
    names = [each["SegmentDefinitionName"] for each in made.definitions]
    assert len(set(names)) == 4


def test_the_service_model_takes_the_definitions() -> None:
    """Botocore finds nothing wrong with them."""
    client = boto3.client(
        "customer-profiles",
        region_name="eu-west-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
    )
    with Stubber(client) as stub:
        for request in convert_segments([ALL, _segment("x" * 300)], multiple=()).definitions:
            stub.add_response(
                "create_segment_definition",
                {"SegmentDefinitionName": request["SegmentDefinitionName"]},
            )
            client.create_segment_definition(DomainName="shop", **request)


def test_segments_are_read_from_files_in_any_wrapping(tmp_path: Path) -> None:
    """Answers of get-segment and get-segments, whole or a line each; what is none is noted."""
    folder = tmp_path / "segments"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps({"SegmentResponse": ALL}, indent=2))
    (folder / "many.json").write_text(
        json.dumps({"SegmentsResponse": {"Item": [_segment("b"), _segment("c")]}})
    )
    (folder / "array.json").write_text(json.dumps([_segment("d")]))
    (folder / "odd.json").write_text('{"Odd": 1}\n{"broken"')
    source = write_lines(tmp_path / "endpoints.json", {"Id": "1"})
    report = convert(source, tmp_path / "out", segments=folder)
    assert report.segments == 4
    assert [note for note in report.not_expressible if "odd.json" in note] == [
        "odd.json: line 1: is no segment",
        "odd.json: line 2: is not valid JSON",
    ]
    assert len(json.loads((tmp_path / "out" / "segments.json").read_bytes())["definitions"]) == 4

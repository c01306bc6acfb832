"""Segments: kept with all their versions, listed, tagged, deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.doors import Door

#: What the guide's Java sample builds.
GUIDE = {
    "Attributes": {"Team": {"AttributeType": "INCLUSIVE", "Values": ["Lakers"]}},
    "Behavior": {"Recency": {"Duration": "DAY_30", "RecencyType": "ACTIVE"}},
    "Demographic": {},
    "Location": {},
}
PRO = {"UserAttributes": {"plan": {"Values": ["pro"]}}}


def create(client: Any, app: str, **members: Any) -> dict[str, Any]:
    """Return a new segment."""
    answer = client.create_segment(ApplicationId=app, WriteSegmentRequest=members)
    segment: dict[str, Any] = answer["SegmentResponse"]
    return segment


def test_the_segment_of_the_guide(client: Any, app: str) -> None:
    """CreateSegment answers 201 with the segment, its id and its first version."""
    answer = client.create_segment(
        ApplicationId=app, WriteSegmentRequest={"Name": "MySegment", "Dimensions": GUIDE}
    )
    segment = answer["SegmentResponse"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (segment["Name"], segment["Dimensions"]) == ("MySegment", GUIDE)
    assert (segment["SegmentType"], segment["Version"]) == ("DIMENSIONAL", 1)
    assert (segment["ApplicationId"], len(segment["Id"])) == (app, 32)
    assert segment["Arn"].endswith(f":apps/{app}/segments/{segment['Id']}")
    assert segment["CreationDate"] == segment["LastModifiedDate"]
    got = client.get_segment(ApplicationId=app, SegmentId=segment["Id"])["SegmentResponse"]
    assert got == segment


def test_groups_are_kept_as_they_were_sent(client: Any, app: str) -> None:
    """A segment may be built of groups, on other segments."""
    base = create(client, app, Name="base", Dimensions=PRO)
    groups = {
        "Include": "ANY",
        "Groups": [
            {
                "Dimensions": [GUIDE, PRO],
                "SourceSegments": [{"Id": base["Id"], "Version": 1}],
                "SourceType": "ANY",
                "Type": "NONE",
            },
            {},
        ],
    }
    assert create(client, app, SegmentGroups=groups)["SegmentGroups"] == groups


def test_an_update_is_a_further_version(client: Any, app: str) -> None:
    """UpdateSegment answers 200 with the next version; the earlier ones stay as they were."""
    first = create(client, app, Name="old", Dimensions=GUIDE)
    place = {"ApplicationId": app, "SegmentId": first["Id"]}
    answer = client.update_segment(
        **place, WriteSegmentRequest={"Name": "new", "SegmentGroups": {"Groups": []}}
    )
    second = answer["SegmentResponse"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert (second["Version"], second["Name"]) == (2, "new")
    assert "Dimensions" not in second
    assert client.get_segment(**place)["SegmentResponse"] == second
    for version, expected in (("1", first), ("2", second)):
        got = client.get_segment_version(**place, Version=version)["SegmentResponse"]
        assert got == expected
    listed = client.get_segment_versions(**place)["SegmentsResponse"]
    assert listed["Item"] == [first, second]


def test_tags_of_creation(client: Any, app: str) -> None:
    """Tags are given back with the segment and can be changed by its ARN only."""
    segment = create(client, app, Name="a", tags={"stage": "test"})
    assert segment["tags"] == {"stage": "test"}
    client.tag_resource(ResourceArn=segment["Arn"], TagsModel={"tags": {"team": "b"}})
    updated = client.update_segment(
        ApplicationId=app,
        SegmentId=segment["Id"],
        WriteSegmentRequest={"Name": "b", "tags": {"never": "kept"}},
    )["SegmentResponse"]
    assert updated["tags"] == {"stage": "test", "team": "b"}
    listed = client.list_tags_for_resource(ResourceArn=segment["Arn"])["TagsModel"]["tags"]
    assert listed == updated["tags"]


def test_segments_are_listed_in_pages(client: Any, app: str) -> None:
    """GetSegments shows each segment once, at its newest version."""
    made = [create(client, app, Name=f"segment {number}") for number in range(3)]
    made[1] = client.update_segment(
        ApplicationId=app, SegmentId=made[1]["Id"], WriteSegmentRequest={"Name": "changed"}
    )["SegmentResponse"]
    first = client.get_segments(ApplicationId=app, PageSize="2")["SegmentsResponse"]
    assert first["Item"] == made[:2]
    second = client.get_segments(ApplicationId=app, PageSize="2", Token=first["NextToken"])
    assert second["SegmentsResponse"] == {"Item": made[2:]}


def test_delete_segment_answers_with_what_it_deleted(client: Any, app: str) -> None:
    """The deleted segment is given back once more; then it and its versions are not found."""
    segment = create(client, app, Name="short-lived", tags={"a": "b"})
    place = {"ApplicationId": app, "SegmentId": segment["Id"]}
    assert client.delete_segment(**place)["SegmentResponse"] == segment
    for call in (client.get_segment, client.get_segment_versions, client.delete_segment):
        with pytest.raises(client.exceptions.NotFoundException):
            call(**place)
    with pytest.raises(client.exceptions.NotFoundException):
        client.list_tags_for_resource(ResourceArn=segment["Arn"])
    assert client.get_segments(ApplicationId=app)["SegmentsResponse"]["Item"] == []


def test_dimensions_and_groups_exclude_each_other(door: Door, app: str) -> None:
    """A request has Dimensions or SegmentGroups, not both."""
    with pytest.raises(door.client.exceptions.BadRequestException):
        create(door.client, app, Dimensions=GUIDE, SegmentGroups={"Groups": []})

"""Tags of a resource: added, listed, removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.doors import Door

pytestmark = pytest.mark.at_moto


@pytest.fixture
def arn(client: Any, app: str) -> str:
    """Give the ARN of an application without tags."""
    found: str = client.get_app(ApplicationId=app)["ApplicationResponse"]["Arn"]
    return found


def tags(client: Any, arn: str) -> dict[str, str]:
    """Return the tags of a resource."""
    listed: dict[str, str] = client.list_tags_for_resource(ResourceArn=arn)["TagsModel"]["tags"]
    return listed


def test_a_resource_without_tags_has_an_empty_map(client: Any, arn: str) -> None:
    """`tags` is a required member of the answer, also when there are none."""
    assert tags(client, arn) == {}


def test_tag_resource_adds_and_replaces(client: Any, arn: str) -> None:
    """New keys are added, known ones get the new value, the others stay."""
    client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"stage": "test", "team": "a"}})
    client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"team": "b", "cost": "1"}})
    assert tags(client, arn) == {"stage": "test", "team": "b", "cost": "1"}


def test_untag_resource_removes_the_named_keys(client: Any, arn: str) -> None:
    """Keys go as repeated query parameters; a key that is not there is no error."""
    client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"a": "1", "b": "2", "c&d": "3"}})
    client.untag_resource(ResourceArn=arn, TagKeys=["a", "c&d", "never"])
    assert tags(client, arn) == {"b": "2"}


def test_tagging_answers_204_without_a_body(door: Door, arn: str) -> None:
    """TagResource and UntagResource answer 204."""
    tagged = door.client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"a": "1"}})
    untagged = door.client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    with door.unlike_moto("it answers 200"):
        assert tagged["ResponseMetadata"]["HTTPStatusCode"] == 204
        assert untagged["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_tags_of_creation_are_listed(client: Any) -> None:
    """What CreateApp was given with `tags` is listed for its ARN."""
    created = client.create_app(CreateApplicationRequest={"Name": "shop", "tags": {"stage": "x"}})
    assert tags(client, created["ApplicationResponse"]["Arn"]) == {"stage": "x"}


def test_the_resource_must_be_there(door: Door) -> None:
    """Tags of an application that nobody has are not found."""
    arn = "arn:aws:mobiletargeting:us-east-1:123456789012:apps/" + "0" * 32
    with (
        door.unlike_moto("it keeps tags for any text"),
        pytest.raises(door.client.exceptions.NotFoundException),
    ):
        tags(door.client, arn)


def test_tags_go_with_their_application(door: Door, app: str, arn: str) -> None:
    """After DeleteApp its tags are not found either."""
    door.client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"a": "1"}})
    door.client.delete_app(ApplicationId=app)
    with (
        door.unlike_moto("it keeps the tags"),
        pytest.raises(door.client.exceptions.NotFoundException),
    ):
        tags(door.client, arn)

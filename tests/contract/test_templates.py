"""Message templates of the five types: kept with their versions, and used for no message."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from botocore import xform_name

if TYPE_CHECKING:
    from tests.contract.doors import Door

_NUMBERS = itertools.count(1)


@attrs.frozen
class Kind:
    """A type of templates: how operations and members are spelled, and what one may hold.

    Attributes:
        name: as in `CreateInAppTemplate`.
        member: as in `SMSTemplateRequest` and `SMSTemplateResponse`.
        created: the wrapper of the answer to a creation.
        content: what a template is made with.
    """

    name: str
    member: str
    content: dict[str, Any]
    created: str = "CreateTemplateMessageBody"


KINDS = [
    Kind("Email", "EmailTemplate", {"Subject": "Hello", "TextPart": "text", "HtmlPart": "<p/>"}),
    Kind("InApp", "InAppTemplate", {"Layout": "OVERLAYS"}, "TemplateCreateMessageBody"),
    Kind("Push", "PushNotificationTemplate", {"Default": {"Title": "Hello", "Body": "text"}}),
    Kind("Sms", "SMSTemplate", {"Body": "text", "DefaultSubstitutions": '{"name": "you"}'}),
    Kind("Voice", "VoiceTemplate", {"Body": "text", "LanguageCode": "en-US"}),
]
SMS = KINDS[3]


class Templates:
    """The templates of one name, which no other test has."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.name = f"contract-{next(_NUMBERS)}"

    def _call(self, verb: str, kind: Kind, **parameters: object) -> Any:
        operation = getattr(self.client, xform_name(f"{verb}{kind.name}Template"))
        return operation(TemplateName=self.name, **parameters)

    def create(self, kind: Kind = SMS, **more: object) -> Any:
        request = {f"{kind.member}Request": {**kind.content, **more}}
        return self._call("Create", kind, **request)[kind.created]

    def get(self, kind: Kind = SMS, **query: str) -> Any:
        return self._call("Get", kind, **query)[f"{kind.member}Response"]

    def update(self, content: dict[str, Any], kind: Kind = SMS, **query: object) -> Any:
        request = {f"{kind.member}Request": content}
        return self._call("Update", kind, **request, **query)["MessageBody"]

    def delete(self, kind: Kind = SMS, **query: str) -> Any:
        return self._call("Delete", kind, **query)["MessageBody"]

    def activate(self, version: str) -> Any:
        return self.client.update_template_active_version(
            TemplateName=self.name,
            TemplateType="SMS",
            TemplateActiveVersionRequest={"Version": version},
        )["MessageBody"]

    def versions(self) -> list[str]:
        answer = self.client.list_template_versions(TemplateName=self.name, TemplateType="SMS")
        return [item["Version"] for item in answer["TemplateVersionsResponse"]["Item"]]

    def listed(self, **query: str) -> list[str]:
        answer = self.client.list_templates(Prefix=self.name, **query)
        return [item["TemplateType"] for item in answer["TemplatesResponse"]["Item"]]


@pytest.fixture
def templates(client: Any) -> Templates:
    """Templates of a new name."""
    return Templates(client)


of_each = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@of_each
def test_a_template_that_nobody_made_is_not_found(templates: Templates, kind: Kind) -> None:
    """There is nothing to get, to change or to delete."""
    not_found = templates.client.exceptions.NotFoundException
    with pytest.raises(not_found):
        templates.get(kind)
    with pytest.raises(not_found):
        templates.update(kind.content, kind)
    with pytest.raises(not_found):
        templates.delete(kind)
    assert templates.listed() == []


@of_each
def test_a_template_is_given_back_as_it_was_sent(templates: Templates, kind: Kind) -> None:
    """The creation answers with the ARN; the template has name, type, first version and tags."""
    made = templates.create(kind, tags={"stage": "test"})
    template = templates.get(kind)
    assert made["Message"] == "Created"
    assert made["Arn"].endswith(f":templates/{templates.name}/{kind.name.upper()}")
    assert template["Arn"] == made["Arn"]
    assert {name: template[name] for name in kind.content} == kind.content
    assert (template["TemplateName"], template["TemplateType"], template["Version"]) == (
        templates.name,
        kind.name.upper(),
        "1",
    )
    assert template["tags"] == {"stage": "test"}
    assert templates.listed() == templates.listed(TemplateType=kind.name.upper())
    assert templates.listed() == [kind.name.upper()]


@of_each
def test_an_update_overwrites_the_content(templates: Templates, kind: Kind) -> None:
    """What the update does not send is gone."""
    templates.create(kind)
    assert templates.update({"TemplateDescription": "new"}, kind)["Message"] == "Accepted"
    template = templates.get(kind)
    assert template["TemplateDescription"] == "new"
    assert template["Version"] == "1"
    assert kind.content.keys() & template.keys() == set()


@of_each
def test_a_deleted_template_is_gone(templates: Templates, kind: Kind) -> None:
    """It is not found afterwards, and the name is free."""
    templates.create(kind)
    assert templates.delete(kind)["Message"] == "Accepted"
    with pytest.raises(templates.client.exceptions.NotFoundException):
        templates.get(kind)
    templates.create(kind)


def test_a_name_that_is_taken_is_refused(templates: Templates) -> None:
    """A template cannot be made twice."""
    templates.create()
    with pytest.raises(templates.client.exceptions.BadRequestException):
        templates.create(Body="other")
    assert templates.get()["Body"] == SMS.content["Body"]


def test_versions(templates: Templates) -> None:
    """A version is added on request, read by its number, and deleted by it."""
    templates.create()
    templates.update({"Body": "two"}, CreateNewVersion=True)
    assert templates.versions() == ["2", "1"]
    assert templates.get(Version="2")["Body"] == "two"
    templates.update({"Body": "two!"}, CreateNewVersion=False, Version="2")
    assert templates.get(Version="2")["Body"] == "two!"
    with pytest.raises(templates.client.exceptions.BadRequestException):
        templates.update({"Body": "one!"}, Version="1")
    templates.delete(Version="2")
    assert templates.versions() == ["1"]
    with pytest.raises(templates.client.exceptions.NotFoundException):
        templates.get(Version="2")


def test_the_active_version_is_read_by_default(templates: Templates) -> None:
    """It stays the first one until another is named."""
    templates.create()
    templates.update({"Body": "two"}, CreateNewVersion=True)
    assert templates.get()["Version"] == "1"
    assert templates.activate("latest")["Message"] == "Accepted"
    assert templates.get()["Version"] == "2"
    templates.activate("1")
    assert templates.get()["Version"] == "1"
    with pytest.raises(templates.client.exceptions.NotFoundException):
        templates.activate("3")


def test_tags_of_a_template(templates: Templates, door: Door) -> None:
    """They are managed by the template's ARN, and updates ignore theirs."""
    arn = templates.create(tags={"a": "b"})["Arn"]
    templates.update({"tags": {"c": "d"}})
    door.client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"e": "f"}})
    door.client.untag_resource(ResourceArn=arn, TagKeys=["a"])
    tags = door.client.list_tags_for_resource(ResourceArn=arn)["TagsModel"]["tags"]
    assert tags == templates.get()["tags"] == {"e": "f"}

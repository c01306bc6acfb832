"""PreviewTemplate: what recipients would get of a template, rendered and not sent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.messages.kit import Sender

if TYPE_CHECKING:
    from tests.engine.conftest import Answer, Clock, Wire

EMAIL = {
    "Subject": "Hello {{User.UserAttributes.Name.[0]}}",
    "HtmlPart": "<p>{{User.UserAttributes.Name.[0]}}</p>",
    "TextPart": "{{#if Attributes.plan}}{{Attributes.plan}}{{else}}no plan{{/if}} {{promo}}",
    "Headers": [{"Name": "X-Id", "Value": "{{Id}}"}],
    "DefaultSubstitutions": '{"User.UserAttributes.Name": "you & me", "promo": "LATER"}',
}
ADA = {
    "Address": "ada@example.com",
    "ChannelType": "EMAIL",
    "Attributes": {"plan": ["pro"]},
    "User": {"UserId": "u-1", "UserAttributes": {"Name": ["Ada <3"]}},
}


def preview(wire: Wire, **members: object) -> Answer:
    """Ask for a preview."""
    body = {"TemplateType": "EMAIL", **members}
    return wire.post(f"/pinpoint-kit/v1/apps/{wire.app}/templates/preview", body)


def parts(answer: Answer) -> Any:
    """Return the texts of an answer with one recipient."""
    assert answer.status == 200, answer.json
    (item,) = answer.json["Item"]
    return item["Parts"]


@pytest.fixture
def stored(wire: Wire) -> Wire:
    """Give an engine with a template and an endpoint."""
    assert wire.post("/v1/templates/welcome/email", EMAIL).status == 201
    assert wire.put(f"/v1/apps/{wire.app}/endpoints/e-1", ADA).status == 202
    return wire


def test_a_stored_template_for_a_stored_endpoint(stored: Wire) -> None:
    """Every text is rendered; values are escaped in the HTML alone."""
    answer = preview(stored, TemplateName="welcome", EndpointId="e-1")
    assert parts(answer) == {
        "Subject": "Hello Ada <3",
        "HtmlPart": "<p>Ada &lt;3</p>",
        "TextPart": "pro LATER",
        "Headers.X-Id": "e-1",
    }
    (item,) = answer.json["Item"]
    assert (item["EndpointId"], item["ChannelType"]) == ("e-1", "EMAIL")
    assert [answer.json[name] for name in ("TemplateName", "TemplateType", "Version")] == [
        *("welcome", "EMAIL", "1"),
    ]


def test_without_a_recipient_the_defaults_show(stored: Wire) -> None:
    """The template's defaults stand in, a message's before them, and substitutions win."""
    assert parts(preview(stored, TemplateName="welcome"))["Subject"] == "Hello you & me"
    given = {"DefaultSubstitutions": {"promo": ["NOW"]}, "EndpointId": "e-1"}
    found = parts(preview(stored, TemplateName="welcome", **given))
    assert found["TextPart"] == "pro NOW"
    own = {"Substitutions": {"User.UserAttributes.Name": ["Augusta"]}, "EndpointId": "e-1"}
    assert parts(preview(stored, TemplateName="welcome", **own))["Subject"] == "Hello Augusta"


def test_a_user_is_all_of_the_persons_endpoints_of_the_channel(stored: Wire) -> None:
    """Each endpoint that the type is for has an item; a user with none is refused."""
    for name, channel in (("e-2", "EMAIL"), ("s-1", "SMS")):
        endpoint = {"ChannelType": channel, "Address": name, "User": {"UserId": "u-1"}}
        stored.put(f"/v1/apps/{stored.app}/endpoints/{name}", endpoint)
    found = preview(stored, TemplateName="welcome", UserId="u-1").json["Item"]
    assert [item["EndpointId"] for item in found] == ["e-1", "e-2"]
    content = {"Content": {"Body": "x"}, "TemplateType": "VOICE"}
    assert preview(stored, UserId="u-1", **content).status == 400
    assert preview(stored, UserId="nobody", **content).status == 404


def test_versions(stored: Wire) -> None:
    """The active version unless another one is named."""
    body = b'{"Subject": "second"}'
    query = "create-new-version=true"
    stored.send("PUT", "/v1/templates/welcome/email", body, query=query)
    assert parts(preview(stored, TemplateName="welcome"))["Subject"] == "Hello you & me"
    answer = preview(stored, TemplateName="welcome", Version="2")
    assert (parts(answer), answer.json["Version"]) == ({"Subject": "second"}, "2")
    assert preview(stored, TemplateName="welcome", Version="3").status == 404


def test_given_content_for_a_given_endpoint(wire: Wire) -> None:
    """Nothing needs to be stored."""
    found = preview(
        wire,
        TemplateType="SMS",
        Content={"Body": "Hi {{Id}} {{Metrics.visits}}"},
        Endpoint={"Id": "x", "Metrics": {"visits": 3.0}},
    )
    assert parts(found) == {"Body": "Hi x 3"}
    assert "Version" not in found.json


PUSH = {
    "Default": {"Action": "URL", "Title": "T {{Id}}", "Body": "B {{Id}}"},
    "GCM": {"Body": "G {{Id}}", "Sound": "{{"},
    "APNS": {"MediaUrl": "https://x/{{Id}}"},
}


def test_a_push_template_shows_what_the_channel_gets(wire: Wire) -> None:
    """What the platform's part does not say comes from the default; without a channel, all."""
    asked = {"TemplateType": "PUSH", "Content": PUSH}
    found = parts(preview(wire, **asked, Endpoint={"Id": "1", "ChannelType": "GCM"}))
    assert found == {"Title": "T 1", "Body": "G 1"}
    found = parts(preview(wire, **asked, Endpoint={"Id": "1", "ChannelType": "APNS_SANDBOX"}))
    assert found == {"Title": "T 1", "Body": "B 1", "MediaUrl": "https://x/1"}
    assert parts(preview(wire, **asked, Endpoint={"Id": "1"})) == {
        "Default.Title": "T 1", "Default.Body": "B 1", "APNS.MediaUrl": "https://x/1",
        "GCM.Body": "G 1",
    }  # fmt: skip


def test_an_empty_text_of_a_platform_says_nothing(wire: Wire) -> None:
    """The default counts, as in a message."""
    content = {"Default": {"Title": "T", "Body": "B"}, "GCM": {"Title": "", "Body": "G"}}
    endpoint = {"Id": "1", "ChannelType": "GCM", "Address": "token"}
    shown = parts(preview(wire, TemplateType="PUSH", Content=content, Endpoint=endpoint))
    sender = Sender(wire)
    sender.enable("gcm")
    sender.template("push", "hello", **content)
    named = {"PushTemplate": {"Name": "hello"}}
    sender.result("token", "GCM", MessageConfiguration={}, TemplateConfiguration=named)
    sent = sender.outbox()[0]["Content"]
    assert shown == {"Title": sent["Title"], "Body": sent["Body"]} == {"Title": "T", "Body": "G"}


def test_in_app_templates_take_no_variables(wire: Wire) -> None:
    """Their texts are shown as they are."""
    content = {
        "Content": [
            {
                "HeaderConfig": {"Header": "Hi {{Id}}"},
                "BodyConfig": {"Body": "b"},
                "PrimaryBtn": {"DefaultConfig": {"Text": "Go"}},
            }
        ]
    }
    assert parts(preview(wire, TemplateType="INAPP", Content=content)) == {
        "Content[0].HeaderConfig.Header": "Hi {{Id}}",
        "Content[0].BodyConfig.Body": "b",
        "Content[0].PrimaryBtn.DefaultConfig.Text": "Go",
    }


def test_now_is_the_time_of_the_request(wire: Wire, clock: Clock) -> None:
    """The engine's clock is what `now` prints."""
    content = {"Subject": "{{now 'yyyy-MM-dd HH:mm:ss'}}"}
    shown = parts(preview(wire, Content=content))["Subject"]
    assert shown == f"{clock.now:%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    ("members", "status", "text"),
    [
        ({}, 400, "TemplateName or Content"),
        ({"TemplateName": "a", "Content": {}}, 400, "TemplateName or Content"),
        ({"TemplateName": "none"}, 404, "Template not found"),
        ({"Content": {}, "EndpointId": "none"}, 404, "Endpoint not found"),
        ({"Content": {}, "EndpointId": "a", "UserId": "b"}, 400, "one of EndpointId"),
        ({"Content": {}, "TemplateType": "FAX"}, 400, "type"),
        ({"Content": {}, "Other": 1}, 400, "unknown member"),
        ({"Content": []}, 400, ".Content"),
        ({"Content": {"Subject": "{{upper Id}}"}}, 400, "Subject: upper: Id has no value"),
        ({"Content": {"Subject": "a\n {{#if}}"}}, 400, "Subject: .* line 2, column 2"),
        ({"Content": {"DefaultSubstitutions": "[]"}}, 400, "JSON object"),
    ],
)
def test_refusals(wire: Wire, members: dict[str, object], status: int, text: str) -> None:
    """What cannot be previewed is refused with its reason, and the place of an error."""
    answer = preview(wire, **members)
    assert answer.status == status
    assert re.search(text, answer.json["Message"])


def test_an_unknown_application_is_not_found(wire: Wire) -> None:
    """The application is looked for before the body is read."""
    answer = wire.post(f"/pinpoint-kit/v1/apps/{'0' * 32}/templates/preview", {"Other": 1})
    assert answer.status == 404

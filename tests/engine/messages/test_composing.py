"""What each channel makes of a message, and which of several texts and values counts."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.messages.composing import Composer, Failure
from pinpoint_kit.engine.messages.content import Content

if TYPE_CHECKING:
    from tests.engine.messages.kit import Sender

CAMPAIGN = {"campaign_id": "c", "campaign_activity_id": "a", "treatment_id": "0"}


def composed(configuration: dict[str, Any], channel: str, **options: Any) -> Content | Failure:
    """Return what a configuration makes, without templates."""
    composer = Composer({"EMAIL": {"FromAddress": "shop@example.com"}}, configuration, {}, 0)
    return composer.compose({"Address": "x", "ChannelType": channel}, channel, **options)


def content(configuration: dict[str, Any], channel: str, **options: Any) -> Content:
    """Return the same where it is a message."""
    found = composed(configuration, channel, **options)
    assert isinstance(found, Content), found
    return found


def payload(configuration: dict[str, Any], channel: str, **options: Any) -> Any:
    """Return the payload of a push message."""
    return json.loads(content(configuration, channel, **options).payload)


def test_the_message_of_a_channel_wins_over_the_default() -> None:
    """And members that it does not have come from there."""
    configuration = {
        "DefaultMessage": {"Body": "default"},
        "DefaultPushNotificationMessage": {"Title": "push title", "Body": "push"},
        "SMSMessage": {"Body": "sms", "MessageType": "PROMOTIONAL", "SenderId": "SHOP"},
        "GCMMessage": {"Body": "gcm"},
    }
    sms = content(configuration, "SMS")
    assert (sms.body, sms.message_type, sms.sender, sms.parts) == ("sms", "PROMOTIONAL", "SHOP", 1)
    assert content(configuration, "EMAIL").body == "default"
    assert content(configuration, "VOICE").body == "default"
    gcm, adm = content(configuration, "GCM"), content(configuration, "ADM")
    assert (gcm.title, gcm.body) == ("push title", "gcm")
    assert (adm.title, adm.body) == ("push title", "push")


def test_an_email_in_parts() -> None:
    """Subject, text, HTML, sender, answers and headers are those of the message."""
    made = content(
        {
            "EmailMessage": {
                "FromAddress": "other@example.com",
                "ReplyToAddresses": ["a@example.com", "b@example.com"],
                "SimpleEmail": {
                    "Subject": {"Data": "S"},
                    "TextPart": {"Data": "T"},
                    "HtmlPart": {"Data": "<p>H"},
                    "Headers": [{"Name": "X-Shop", "Value": "1"}],
                },
            }
        },
        "EMAIL",
    )
    assert (made.title, made.body, made.html) == ("S", "T", "<p>H")
    assert made.sender == "other@example.com"
    assert made.headers == {"X-Shop": "1", "Reply-To": "a@example.com, b@example.com"}


def test_an_email_of_a_campaign() -> None:
    """Its members have other names."""
    members = {"Title": "S", "Body": "T", "HtmlBody": "<p>H"}
    made = content({"EmailMessage": members}, "EMAIL")
    assert (made.title, made.body, made.html) == ("S", "T", "<p>H")
    assert made.sender == "shop@example.com"


def test_a_subject_is_one_line() -> None:
    """Blocks over several lines and values with line ends make blanks, in an override, too."""
    subject = "{{#if Address}}\nNews for\n{{Attributes.name}}\n{{/if}}"
    configuration = {
        "EmailMessage": {
            "SimpleEmail": {"Subject": {"Data": subject}, "TextPart": {"Data": "T"}},
            "Substitutions": {"Attributes.name": ["Ana\r\nBcc: all@example.com"]},
        }
    }
    assert content(configuration, "EMAIL").title == "News for Ana Bcc: all@example.com"
    assert content(configuration, "EMAIL", title="own\ntitle ").title == "own title"
    assert (
        content({"GCMMessage": {"Title": "two\nlines", "Body": "b"}}, "GCM").title == "two\nlines"
    )


def test_a_header_with_a_line_end_in_a_value_fails() -> None:
    """Of this recipient; the failure says where, and nothing of the value."""
    for members in (
        {"SimpleEmail": {"Headers": [{"Name": "X-Name", "Value": "{{Attributes.name}}"}]}},
        {"ReplyToAddresses": ["{{Attributes.name}}@example.com"]},
    ):
        message = {**members, "Substitutions": {"Attributes.name": ["Ana\nBcc: all@example.com"]}}
        configuration = {"EmailMessage": message, "DefaultMessage": {"Body": "b"}}
        failed = composed(configuration, "EMAIL")
        assert isinstance(failed, Failure)
        assert failed.code == 400
        assert failed.text.endswith(": must be one line, without control characters")
        assert failed.text.startswith("MessageConfiguration.EmailMessage.")
        message["Substitutions"] = {"Attributes.name": ["Ana"]}
        assert content(configuration, "EMAIL").headers


def test_an_email_that_was_given_as_mime() -> None:
    """It is taken apart for the outbox, and kept as it is."""
    raw = b"From: a@b.c\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello\r\n"
    data = b64encode(raw).decode()
    made = content({"EmailMessage": {"RawEmail": {"Data": data}}}, "EMAIL")
    assert (made.title, made.body, made.sender) == ("Grüße", "Hello\n", "a@b.c")
    assert made.data["RawEmail"] == data


@pytest.mark.parametrize(
    "raw", [b"", b"\xff\xfe", b"Content-Type: text/plain; charset=x\r\n\r\n\xff"]
)
def test_mime_that_is_broken(raw: bytes) -> None:
    """It makes a message or a failure, never an error."""
    data = {"Data": b64encode(raw).decode()}
    found = composed({"EmailMessage": {"RawEmail": data}}, "EMAIL")
    assert isinstance(found, (Content, Failure))


def test_overrides() -> None:
    """They win over everything; of an e-mail, the HTML would still say the other thing."""
    email = {"SimpleEmail": {"HtmlPart": {"Data": "<p>H"}, "Subject": {"Data": "S"}}}
    made = content({"EmailMessage": email}, "EMAIL", title="own title", body="own")
    assert (made.title, made.body, made.html) == ("own title", "own", "")
    assert content({"SMSMessage": {"Body": "b"}}, "SMS", body="own").body == "own"
    push = content({"GCMMessage": {"Title": "t", "Body": "b"}}, "GCM", title="own title")
    assert (push.title, push.body) == ("own title", "b")


@pytest.mark.parametrize("channel", ["EMAIL", "SMS", "VOICE", "GCM", "APNS", "ADM", "BAIDU"])
def test_a_configuration_without_a_text(channel: str) -> None:
    """It is a failure that says where to give one."""
    found = composed({}, channel)
    assert isinstance(found, Failure)
    assert (found.code, channel in found.text) == (400, True)


def test_android() -> None:
    """Flat names, all texts, as the SDK of AWS reads them."""
    message = {
        "Title": "T", "Body": "B", "Action": "URL", "Url": "https://example.com/",
        "ImageUrl": "https://example.com/i", "SmallImageIconUrl": "https://example.com/s",
        "Data": {"order": "17"}, "TimeToLive": 60, "CollapseKey": "k", "Priority": "high",
    }  # fmt: skip
    made = payload({"GCMMessage": message}, "GCM", context_members={"k": "v"})
    assert made == {
        "data": {
            "pinpoint.notification.title": "T",
            "pinpoint.notification.body": "B",
            "pinpoint.notification.imageUrl": "https://example.com/i",
            "pinpoint.notification.imageSmallIconUrl": "https://example.com/s",
            "pinpoint.notification.silentPush": "0",
            "pinpoint.url": "https://example.com/",
            "pinpoint.campaign.campaign_id": "_DIRECT",
            "pinpoint.jsonBody": '{"order":"17"}',
            "pinpoint": {"k": "v"},
        },
        "time_to_live": 60,
        "collapse_key": "k",
        "priority": "high",
    }


def test_ios() -> None:
    """`aps` for the system, `data.pinpoint` for the app."""
    message = {
        "Title": "T", "Body": "B", "Badge": 0, "Sound": "s", "ThreadId": "t",
        "Action": "DEEP_LINK", "Url": "shop://order/17", "MediaUrl": "https://example.com/m",
    }  # fmt: skip
    made = payload({"APNSMessage": message}, "APNS", context_members={"k": "v"}, campaign=CAMPAIGN)
    assert made == {
        "aps": {
            "alert": {"title": "T", "body": "B"},
            "mutable-content": 1,
            "badge": 0,
            "thread-id": "t",
            "sound": "s",
        },
        "data": {
            "pinpoint": {"k": "v", "campaign": CAMPAIGN, "deeplink": "shop://order/17"},
            "media-url": "https://example.com/m",
        },
    }
    silent = {"SilentPush": True, "Data": {"refresh": "1"}}
    made = payload({"APNSMessage": silent}, "APNS_SANDBOX")
    assert made["aps"] == {"content-available": 1}
    assert made["data"]["pinpoint"]["jsonBody"] == {"refresh": "1"}


def test_other_platforms() -> None:
    """Amazon's devices and Baidu."""
    adm = payload({"ADMMessage": {"Body": "B", "ConsolidationKey": "k", "MD5": "m"}}, "ADM")
    assert (adm["consolidationKey"], adm["md5"]) == ("k", "m")
    assert adm["data"]["pinpoint.notification.body"] == "B"
    baidu = payload({"BaiduMessage": {"Title": "T", "Body": "B"}}, "BAIDU", campaign=CAMPAIGN)
    assert (baidu["title"], baidu["description"]) == ("T", "B")
    assert baidu["custom_content"]["pinpoint.campaign.treatment_id"] == "0"


def test_the_data_of_a_campaign_is_json_text() -> None:
    """It is what the app gets, also where it is no JSON."""
    for text, got in (('{"a": [1]}', {"a": [1]}), ("plain", "plain")):
        made = payload({"DefaultMessage": {"Body": "B", "JsonBody": text}}, "APNS")
        assert made["data"]["pinpoint"]["jsonBody"] == got


def test_raw_content_replaces_everything() -> None:
    """It is the payload, and must be JSON."""
    raw = {"GCMMessage": {"Title": "T", "RawContent": '{"data": {"x": "1"}}'}}
    assert content(raw, "GCM") == Content(payload='{"data": {"x": "1"}}')
    assert content(raw, "GCM", raw='{"y": 2}').payload == '{"y": 2}'
    found = composed(raw, "GCM", raw="{nope")
    assert isinstance(found, Failure)
    assert "RawContent is no JSON" in found.text


def test_values_add_nothing_to_a_payload() -> None:
    """In the raw payload of all, in one recipient's, and in the data of a campaign."""
    hostile = '", "admin": "yes'
    values = {"substitutions": {"x": [hostile]}}
    text = '{"data": {"x": "{{x}}"}}'
    for options in ({}, {"raw": text}):
        made = payload({"GCMMessage": {"RawContent": text}}, "GCM", **options, **values)
        assert made == {"data": {"x": hostile}}
    found = composed({"GCMMessage": {"RawContent": '{"n": {{x}}}'}}, "GCM", **values)
    assert isinstance(found, Failure)
    assert "GCMMessage.RawContent: a value is no JSON by itself" in found.text
    for body, got in (
        (' {"x": "{{x}}"}', {"x": hostile}),
        ("Hi {{x}}", f"Hi {hostile}"),
    ):
        made = payload({"DefaultMessage": {"Body": "B", "JsonBody": body}}, "APNS", **values)
        assert made["data"]["pinpoint"]["jsonBody"] == got


def test_raw_content_is_of_the_message_that_wins() -> None:
    """A message of the channel that says something itself is not replaced by another's payload."""
    raw = {"DefaultMessage": {"RawContent": "{}"}}
    assert content({**raw, "GCMMessage": {"Body": "B"}}, "GCM").body == "B"
    assert content({**raw, "GCMMessage": {"SilentPush": True}}, "GCM").payload != "{}"
    assert content({**raw, "GCMMessage": {"Sound": "s"}}, "GCM").payload == "{}"
    assert content({**raw, "GCMMessage": {"Body": "B"}}, "ADM").payload == "{}"


def test_what_the_push_service_is_told_is_kept() -> None:
    """It is no part of the payload, so it stands beside it."""
    told = {"APNSPushType": "alert", "CollapseId": "{{Address}}", "Priority": "5", "TimeToLive": 60}
    for said in ({"Body": "B"}, {"RawContent": "{}"}):
        found = content({"APNSMessage": {**said, **told}}, "APNS").data
        assert found == {**told, "CollapseId": "x"}
    assert content({"DefaultMessage": {"Body": "B", "TimeToLive": 9}}, "BAIDU").data == {
        "TimeToLive": 9
    }
    assert content({"GCMMessage": {"Body": "B", **told}}, "GCM").data == {}


def test_a_long_sms() -> None:
    """It takes several parts, up to 1,600 characters."""
    assert content({"SMSMessage": {"Body": "a" * 1_600}}, "SMS").parts == 11
    found = composed({"SMSMessage": {"Body": "a" * 1_601}}, "SMS")
    assert isinstance(found, Failure)


def test_content_survives_the_outbox() -> None:
    """What was stored reads as it was."""
    made = Content(title="t", html="<p>", headers={"a": "b"}, data={"Context": {"k": "v"}}, parts=2)
    assert Content.read(made.stored()) == made
    assert Content.read("{}") == Content()
    assert "secret" not in repr(Content(title="secret", body="secret", data={"Otp": "secret"}))


def test_variables(sender: Sender) -> None:
    """A recipient's own value wins, then the endpoint's, the message's and the template's."""
    sender.wire.update(
        "device-1",
        Address="+12065550100",
        ChannelType="SMS",
        Attributes={"city": ["Paris"]},
        User={"UserId": "ann", "UserAttributes": {"Name": ["Ann", "Anna"]}},
    )
    sender.template(
        "sms",
        "greeting",
        Body="{{User.UserAttributes.Name.[0]}} {{Attributes.city}} {{a}} {{b}} {{c}}{{none}}.",
        DefaultSubstitutions=json.dumps(
            {"a": "template", "Attributes.city": "template", "b": "template"}
        ),
    )
    sender.endpoint_result(
        "device-1",
        {"Substitutions": {"c": ["own"]}},
        MessageConfiguration={
            "SMSMessage": {"Substitutions": {"a": ["message"], "c": ["message"]}},
        },
        TemplateConfiguration={"SMSTemplate": {"Name": "greeting"}},
    )
    [message] = sender.outbox()
    assert message["Content"]["Body"] == "Ann Paris message template own."


def test_html_alone_is_escaped(sender: Sender) -> None:
    """A value cannot become part of the page; elsewhere it stays as it is."""
    email = {
        "Subject": {"Data": "{{x}}"}, "TextPart": {"Data": "{{x}}"}, "HtmlPart": {"Data": "{{x}}"},
    }  # fmt: skip
    sender.result(
        "ann@example.com",
        MessageConfiguration={
            "EmailMessage": {"SimpleEmail": email, "Substitutions": {"x": ["<b>&"]}}
        },
    )
    [message] = sender.outbox()
    assert (message["Content"]["Title"], message["Content"]["Body"]) == ("<b>&", "<b>&")
    assert message["Content"]["Html"] == "&lt;b&gt;&amp;"


def test_templates_and_their_versions(sender: Sender) -> None:
    """The active version unless one is named; a message's own text wins over the template."""
    sender.template("email", "t", Subject="one", HtmlPart="<p>one")
    path = "/v1/templates/t/email"
    sender.wire.send(
        "PUT", path, b'{"Subject": "two", "HtmlPart": "<p>two"}', "create-new-version=true"
    )
    for version, subject in ((None, "one"), ("2", "two"), ("latest", "two")):
        named = {"Name": "t", **({"Version": version} if version else {})}
        sender.result(
            "ann@example.com",
            MessageConfiguration={"DefaultMessage": {"Body": "default"}},
            TemplateConfiguration={"EmailTemplate": named},
        )
        content = sender.outbox()[-1]["Content"]
        assert (content["Title"], content["Html"]) == (subject, f"<p>{subject}")
        assert "Body" not in content
    sender.result(
        "ann@example.com",
        MessageConfiguration={"EmailMessage": {"SimpleEmail": {"TextPart": {"Data": "own"}}}},
        TemplateConfiguration={"EmailTemplate": {"Name": "t"}},
    )
    content = sender.outbox()[-1]["Content"]
    assert (content["Title"], content["Body"], "Html" in content) == ("one", "own", False)


def test_a_push_template(sender: Sender) -> None:
    """The platform's part wins over the default one."""
    sender.template("push", "p", Default={"Title": "all", "Body": "all"}, GCM={"Body": "gcm"})
    for channel, body in (("GCM", "gcm"), ("ADM", "all")):
        sender.result(
            "token",
            channel,
            MessageConfiguration={},
            TemplateConfiguration={"PushTemplate": {"Name": "p"}},
        )
        content = sender.outbox()[-1]["Content"]
        assert (content["Title"], content["Body"]) == ("all", body)


@pytest.mark.parametrize(
    ("named", "status"),
    [
        ({"Name": "none"}, 404),
        ({"Name": "t", "Version": "9"}, 404),
        ({"Name": "t", "Version": "x"}, 400),
        ({"Version": "1"}, 400),
    ],
)
def test_templates_that_are_not_there(sender: Sender, named: dict[str, str], status: int) -> None:
    """They refuse the request as a whole."""
    sender.template("sms", "t", Body="b")
    answer = sender.send(
        Addresses={"+12065550100": {"ChannelType": "SMS"}},
        TemplateConfiguration={"SMSTemplate": named},
    )
    assert answer.status == status
    assert sender.outbox() == []


def test_a_text_that_cannot_be_rendered(sender: Sender) -> None:
    """Each recipient fails with the place of the error; the message stays out of the outbox."""
    for text in ("{{#if}}", "{{divide 1 0}}", "{{unclosed"):
        result = sender.result(
            "+12065550100", "SMS", MessageConfiguration={"SMSMessage": {"Body": text}}
        )
        assert (result["DeliveryStatus"], result["StatusCode"]) == ("PERMANENT_FAILURE", 400)
        assert result["StatusMessage"].startswith("MessageConfiguration.SMSMessage.Body: ")
    assert sender.outbox() == []

"""`pinpoint.messages` and `pinpoint.outbox`: what callers write, and what they get."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import boto3
import pytest

import pinpoint_kit as pk
from pinpoint_kit.engagement.outbox import Outbox
from pinpoint_kit.testing import Fault, FaultyPinpoint

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shop() -> Iterator[pk.Pinpoint]:
    """Give a client of an engine in memory, with e-mail and SMS on."""
    with pk.connect("sqlite://", application="shop") as pinpoint:
        pinpoint.messages.enable("EMAIL", from_address="shop@example.com")
        pinpoint.messages.enable("SMS")
        pinpoint.messages.enable("VOICE")
        yield pinpoint


def test_a_text_to_addresses_and_endpoints(shop: pk.Pinpoint) -> None:
    """Results come in the order in which recipients were named; more than 100 are no matter."""
    shop.endpoints.update(
        pk.Endpoint(id="device-1", address="ann@example.com", channel_type="EMAIL")
    )
    addresses = {f"+1206555{n:04}": "SMS" for n in range(150)}
    results = shop.messages.send("Hello", addresses=addresses, endpoints=["device-1", "nobody"])
    assert [result.address for result in results[:150]] == list(addresses)
    assert [result.endpoint_id for result in results[150:]] == ["device-1", "nobody"]
    assert [result.is_sent for result in results[149:]] == [True, True, False]
    assert len({result.message_id for result in results}) == 152
    assert len(shop.outbox.messages()) == 151


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.reset_after(), "UNKNOWN_FAILURE"),
        (Fault.refused(500), "UNKNOWN_FAILURE"),
        (Fault.refused(400), "PERMANENT_FAILURE"),
    ],
)
@pytest.mark.parametrize("verb", ["send", "send_to_users"])
def test_what_was_sent_before_a_failure_is_said(
    faulty_pinpoint: FaultyPinpoint, fault: Fault, status: str, verb: str
) -> None:
    """Whoever sends again needs to know to whom: the first 100 have it, the last 50 have not."""
    retry = pk.RetryPolicy(max_attempts=1)
    with faulty_pinpoint.connect(retry=retry) as pinpoint:
        pinpoint.messages.enable("SMS")
        operation = "SendMessages" if verb == "send" else "SendUsersMessages"
        names = [f"+1206555{n:04}" for n in range(250)]
        if verb == "send":

            def send() -> list[pk.MessageResult]:
                return pinpoint.messages.send("Hello", addresses=dict.fromkeys(names, "SMS"))
        else:
            pinpoint.endpoints.update_many(
                pk.Endpoint(id=name, address=name, channel_type="SMS", user=pk.User(id=name))
                for name in names
            )

            def send() -> list[pk.MessageResult]:
                return pinpoint.messages.send_to_users("Hello", names)

        faulty_pinpoint.script([Fault.none(), fault], operation=operation)
        results = send()
        assert [result.is_sent for result in results] == [True] * 100 + [False] * 150
        assert {result.delivery_status for result in results[100:200]} == {status}
        assert {result.delivery_status for result in results[200:]} == {"TEMPORARY_FAILURE"}
        whom = [result.address if verb == "send" else result.user_id for result in results]
        assert whom == names
        faulty_pinpoint.script([fault], operation=operation)
        with pytest.raises(pk.errors.PinpointKitError):
            send()


def test_a_message_with_all_members(shop: pk.Pinpoint) -> None:
    """Every member reaches its recipient."""
    message = pk.DirectMessage(
        body="Hello {{name}}",
        email=pk.DirectEmail(
            subject="S",
            text="T {{name}}",
            html="<p>{{name}}",
            from_address="a@example.com",
            reply_to=["r@example.com"],
            headers={"X-Shop": "1"},
        ),
        sms=pk.DirectSms(message_type="PROMOTIONAL", sender_id="SHOP", keyword="k"),
        voice=pk.DirectVoice(voice_id="Joanna", language_code="en-US"),
        substitutions={"name": "you"},
    )
    shop.messages.send(
        message,
        addresses={
            "ann@example.com": pk.Recipient(channel_type="EMAIL", substitutions={"name": "<Ann>"}),
            "+12065550100": pk.Recipient(channel_type="SMS", context={"a": "own"}),
            "+12065550111": "VOICE",
        },
        context={"a": "all", "b": "all"},
        trace_id="t-1",
    )
    email, sms, voice = shop.outbox.messages()
    assert (email.subject, email.text, email.html) == ("S", "T <Ann>", "<p>&lt;Ann&gt;")
    assert (email.sender, email.trace_id) == ("a@example.com", "t-1")
    assert email.headers == {"X-Shop": "1", "Reply-To": "r@example.com"}
    assert (sms.body, sms.message_type, sms.sender) == ("Hello you", "PROMOTIONAL", "SHOP")
    assert (sms.context, sms.parts) == ({"a": "own", "b": "all"}, 1)
    assert voice.body == "Hello you"
    assert voice.extra == {"LanguageCode": "en-US", "VoiceId": "Joanna"}


def test_push_messages(outbox: Outbox, pinpoint: pk.Pinpoint) -> None:
    """One message for all platforms; each gets the members that it knows."""
    push = pk.DirectPush(
        title="T", body="B", action="URL", url="https://example.com/", badge=3,
        image_url="https://example.com/i", media_url="https://example.com/m", data={"k": "v"},
        sound="s", time_to_live=60,
    )  # fmt: skip
    own = pk.DirectPush(title="mine", raw_content='{"data": {}}')
    message = pk.DirectMessage(push=push, baidu=own)
    channels = ("GCM", "APNS", "ADM", "BAIDU", "APNS_VOIP_SANDBOX")
    results = pinpoint.messages.send(message, addresses={f"t-{kind}": kind for kind in channels})
    assert [result.is_sent for result in results] == [True] * 5, results
    payloads = {one.channel_type: one.payload for one in outbox.messages()}
    assert '"badge":3' in payloads["APNS"]
    assert '"badge"' not in payloads["GCM"]
    assert "notification.imageUrl" in payloads["GCM"]
    assert payloads["BAIDU"] == '{"data": {}}'


def test_users(shop: pk.Pinpoint) -> None:
    """Each result says whose it is."""
    shop.endpoints.update(
        pk.Endpoint(
            id="device-1", address="a@example.com", channel_type="EMAIL", user=pk.User(id="ann")
        )
    )
    [result] = shop.messages.send_to_users(
        "Hello", {"ann": pk.Recipient(body="own"), "nobody": pk.Recipient()}
    )
    assert (result.user_id, result.endpoint_id, result.address) == (
        "ann",
        "device-1",
        "a@example.com",
    )
    assert shop.outbox.messages(endpoint_id="Device-1")[0].body == "own"


def test_templates(shop: pk.Pinpoint) -> None:
    """Named by their names, or with a version."""
    shop.call("CreateSmsTemplate", TemplateName="t", SMSTemplateRequest={"Body": "one {{n}}"})
    for template in ("t", pk.TemplateReference(name="t", version="1")):
        sms = pk.DirectSms(template=template)
        shop.messages.send(
            pk.DirectMessage(sms=sms, substitutions={"n": "7"}), addresses={"+12065550100": "SMS"}
        )
        assert shop.outbox.messages()[-1].body == "one 7"
    with pytest.raises(pk.errors.NotFound):
        shop.messages.send(
            pk.DirectMessage(sms=pk.DirectSms(template="none")), addresses={"+12065550100": "SMS"}
        )


def test_one_time_passwords(shop: pk.Pinpoint) -> None:
    """The code is in the outbox, and right once."""
    result = shop.messages.send_otp(
        "+12065550100", brand="Shop", reference="log-in", origination="+12065550199", code_length=8
    )
    assert result.is_sent
    message = shop.outbox.wait_for(kind="otp", timeout=0)
    assert message.otp is not None
    assert (len(message.otp), message.otp in message.body) == (8, True)
    assert not shop.messages.verify_otp("+12065550100", "00000000x", reference="log-in")
    assert shop.messages.verify_otp("+12065550100", message.otp, reference="log-in")
    with pytest.raises(pk.errors.BadRequest, match="CodeLength"):
        shop.messages.send_otp(
            "+12065550100", brand="S", reference="r", origination="x", code_length=9
        )


def test_telephone_numbers(shop: pk.Pinpoint) -> None:
    """One that is valid, and one that is not."""
    found = shop.messages.validate_phone("015112345678", country="DE")
    assert (found.e164, found.is_valid, found.phone_type) == ("+4915112345678", True, "MOBILE")
    assert not shop.messages.validate_phone("nonsense").is_valid


def test_reports(shop: pk.Pinpoint) -> None:
    """The message afterwards, with all reports."""
    shop.messages.send("Hello", addresses={"ann@example.com": "EMAIL"})
    [message] = shop.outbox.messages()
    shop.outbox.report(message, "delivered")
    shop.outbox.report(message.id, pk.Outcome.CLICKED, link="https://example.com/")
    after = shop.outbox.report(message, "bounced", permanent=False, reason="full")
    assert after.outcomes == ("delivered", "clicked", "bounced")
    assert after == shop.outbox.get(message)
    assert after.reports is not None
    assert [one.link for one in after.reports] == [None, "https://example.com/", None]
    assert (after.reports[2].bounce_type, after.reports[2].reason) == ("Transient", "full")
    with pytest.raises(pk.ValidationError, match="delivered, bounced"):
        shop.outbox.report(message, "lost")
    with pytest.raises(pk.errors.NotFound):
        shop.outbox.report("none", "delivered")


def test_filters_and_limits(shop: pk.Pinpoint) -> None:
    """The oldest of many; clearing takes the same filters."""
    shop.messages.send("Hello", addresses={f"+1206555{n:04}": "SMS" for n in range(5)})
    shop.messages.send("Hello", addresses={"ann@example.com": "EMAIL"})
    assert [one.address for one in shop.outbox.messages(limit=2)] == [
        "+12065550000",
        "+12065550001",
    ]
    assert len(shop.outbox.messages(channel="SMS", since="2020-01-01")) == 5
    assert list(shop.outbox.messages(limit=0)) == []
    assert list(shop.outbox.messages(until="2020-01-01")) == []
    assert shop.outbox.clear(channel="EMAIL") == 1
    assert shop.outbox.clear() == 5


def test_waiting_asks_less_and_less_often(shop: pk.Pinpoint) -> None:
    """It sleeps between looks, ends at its time, and then says what to do."""
    now, slept = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    outbox = Outbox(
        shop._transport, application_id=shop.application_id, clock=lambda: now[0], sleep=sleep
    )
    with pytest.raises(pk.MessageTimeoutError, match="within 10 seconds") as failed:
        outbox.wait_for(address="ann@example.com")
    assert sum(slept) == pytest.approx(10.0)
    assert len(slept) < 40
    assert max(slept) <= 0.6
    assert isinstance(failed.value, TimeoutError)
    assert failed.value.is_retryable
    assert str(pickle.loads(pickle.dumps(failed.value))) == str(failed.value)  # noqa: S301 -- our own bytes


def test_waiting_gives_the_newest(shop: pk.Pinpoint) -> None:
    """As soon as there is one."""

    def sleep(_: float) -> None:
        shop.messages.send("late", addresses={"a@example.com": "EMAIL"})

    outbox = Outbox(shop._transport, application_id=shop.application_id, sleep=sleep)
    assert outbox.wait_for(address="a@example.com").body == "late"
    shop.messages.send("later", addresses={"a@example.com": "EMAIL"})
    assert outbox.wait_for(address="a@example.com").body == "later"


def test_arguments_that_are_wrong(shop: pk.Pinpoint) -> None:
    """They are refused before anything is sent."""
    messages = shop.messages
    with pytest.raises(pk.ValidationError, match="no recipient"):
        messages.send("Hello")
    with pytest.raises(pk.ValidationError, match="channel_type"):
        messages.send("Hello", addresses={"a@example.com": pk.Recipient()})
    with pytest.raises(pk.errors.InvalidTypeError, match="DirectMessage"):
        messages.send(17, addresses={"a@example.com": "EMAIL"})  # type: ignore[arg-type]
    with pytest.raises(pk.errors.InvalidTypeError, match="list of ids"):
        messages.send_to_users("Hello", "ann")
    with pytest.raises(pk.ValidationError, match="no recipient"):
        messages.send_to_users("Hello", [])
    with pytest.raises(pk.ValidationError, match="keys"):
        messages.enable("GCM")
    with pytest.raises(pk.ValidationError, match="from_address"):
        messages.enable("EMAIL")
    with pytest.raises(pk.ValidationError, match="ChannelType"):
        messages.enable("PIGEON")


def test_opt_outs_are_added_listed_and_lifted(shop: pk.Pinpoint) -> None:
    """More than a request takes; each spelling is one; the list has them as they are compared."""
    numbers = [f"+1 206 555 {number:04}" for number in range(250)]
    assert shop.opt_outs.add(numbers, "SMS") == 250
    assert shop.opt_outs.add(numbers, pk.ChannelType.SMS, reason="bounced") == 0
    assert shop.opt_outs.add("Ann@Example.com", "EMAIL", reason=pk.Outcome.COMPLAINED) == 1
    [result] = shop.messages.send("Hello", addresses={"+12065550249": "SMS"})
    assert (result.delivery_status, result.is_sent) == ("OPT_OUT", False)
    assert [one.address for one in shop.opt_outs.list(limit=2)] == ["+12065550000", "+12065550001"]
    assert len(shop.opt_outs.list()) == 251
    first, following = shop.opt_outs.page(size=200, channel="SMS")
    rest, end = shop.opt_outs.page(size=200, channel="SMS", after=following)
    assert [each.address for each in (*first, *rest)] == [
        each.address for each in shop.opt_outs.list(channel="SMS")
    ]
    assert (len(first), len(rest), end) == (200, 50, None)
    assert shop.opt_outs.list(limit=0) == []
    [found] = shop.opt_outs.list(address="ANN@example.com", channel="EMAIL", reason="complained")
    assert (found.address, found.channel_type, found.reason) == (
        "ann@example.com", "EMAIL", "complained",
    )  # fmt: skip
    assert found.since is not None
    assert "ann@" not in repr(found)
    assert shop.opt_outs.remove("ann@example.com", "EMAIL") == 1
    assert shop.opt_outs.remove(iter(numbers), "SMS") == 250
    assert shop.opt_outs.list() == []


def test_a_report_opts_the_address_out(shop: pk.Pinpoint) -> None:
    """And lifting it has the address sent to again."""
    [sent] = shop.messages.send("Hello", addresses={"ann@example.com": "EMAIL"})
    assert sent.message_id is not None
    shop.outbox.report(sent.message_id, "bounced")
    [again] = shop.messages.send("Hello", addresses={"ann@example.com": "EMAIL"})
    assert again.delivery_status == "OPT_OUT"
    assert shop.opt_outs.remove("ann@example.com", "EMAIL") == 1
    [again] = shop.messages.send("Hello", addresses={"ann@example.com": "EMAIL"})
    assert again.is_sent


def test_mistakes_about_opt_outs(shop: pk.Pinpoint) -> None:
    """Each says what is wrong, without the address."""
    with pytest.raises(pk.ValidationError, match="no reason to send nothing"):
        shop.opt_outs.add("a@example.com", "EMAIL", reason="opened")
    with pytest.raises(pk.ValidationError, match="ChannelType"):
        shop.opt_outs.add("a@example.com", "PIGEON")
    with pytest.raises(pk.errors.InvalidTypeError, match=r"addresses\[1\]"):
        shop.opt_outs.add(["a@example.com", 1], "EMAIL")  # type: ignore[list-item]
    with pytest.raises(pk.errors.BadRequest, match="no telephone number") as refused:
        shop.opt_outs.add("030 1234567", "SMS")
    assert "123" not in str(refused.value)
    assert shop.opt_outs.list() == []


def test_the_hosted_service_has_no_outbox() -> None:
    """One typed error, before anything is sent; the same for opt-outs."""
    client = boto3.client(
        "pinpoint", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    with (
        pk.Pinpoint(client, "0" * 32) as pinpoint,
        pytest.raises(pk.ConfigurationError, match="outbox"),
    ):
        pinpoint.outbox.messages()
    with (
        pk.Pinpoint(client, "0" * 32) as pinpoint,
        pytest.raises(pk.ConfigurationError, match="opt-outs"),
    ):
        pinpoint.opt_outs.list()


def test_every_channel_is_turned_on_and_off(shop: pk.Pinpoint) -> None:
    """With the keys of its platform; a channel that is off may be turned off."""
    keys = {
        "ADM": {"ClientId": "a", "ClientSecret": "b"},
        "APNS": {"Certificate": "a", "PrivateKey": "b"},
        "APNS_SANDBOX": {"BundleId": "a", "TeamId": "b", "TokenKey": "c", "TokenKeyId": "d"},
        "APNS_VOIP": {"BundleId": "a", "TeamId": "b", "TokenKey": "c", "TokenKeyId": "d"},
        "APNS_VOIP_SANDBOX": {"Certificate": "a", "PrivateKey": "b"},
        "BAIDU": {"ApiKey": "a", "SecretKey": "b"},
        "GCM": {"ServiceJson": "{}"},
    }
    for channel, given in keys.items():
        shop.messages.enable(channel, keys=given)
    on = sorted({*keys, "EMAIL", "SMS", "VOICE"})
    assert shop.messages.channels() == dict.fromkeys(on, True)
    for channel in on:
        shop.messages.disable(channel)
        shop.messages.disable(channel)
    assert shop.messages.channels() == {}


@pytest.mark.parametrize("keys", [None, {}, {"TokenKey": "secret"}])
def test_missing_keys_of_a_platform(shop: pk.Pinpoint, keys: dict[str, str] | None) -> None:
    """The error names what is needed, and shows nothing of what was given."""
    with pytest.raises(pk.ValidationError, match="TokenKeyId, or Certificate and PrivateKey") as at:
        shop.messages.enable("APNS", keys=keys)
    assert "secret" not in str(at.value)
    with pytest.raises(pk.ValidationError, match="no messages are sent through IN_APP"):
        shop.messages.enable("IN_APP")

"""Messages go through the operator's transports, and what became of each is said and kept."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit.engine.context import EngagementSettings
from pinpoint_kit.messaging import NotSent, OutgoingMessage, Sent
from pinpoint_kit.transport import ExtensionCall, Transport
from tests.messaging.fake_smtp import FakeSmtp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Scripted:
    """A transport that answers as it is told, and keeps what it got."""

    name = "scripted://"

    def __init__(self, most_messages: int = 100) -> None:
        self.most_messages = most_messages
        self.calls: list[list[OutgoingMessage]] = []
        self.answer: Callable[[OutgoingMessage], Any] = lambda _: Sent("taken")

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[Sent | NotSent]:
        """Answer each."""
        self.calls.append(list(messages))
        return [self.answer(message) for message in messages]

    def close(self) -> None:
        """Do nothing."""


def channels_on(pinpoint: pk.Pinpoint) -> None:
    """Turn on e-mail, SMS and a kind of push."""
    pinpoint.call(
        "UpdateEmailChannel",
        EmailChannelRequest={
            "Enabled": True,
            "FromAddress": "Shop <shop@example.com>",
            "Identity": "arn:aws:ses:us-east-1:111122223333:identity/example.com",
        },
    )
    pinpoint.call("UpdateSmsChannel", SMSChannelRequest={"Enabled": True})
    pinpoint.call("UpdateGcmChannel", GCMChannelRequest={"Enabled": True, "ApiKey": "key"})


def send(pinpoint: pk.Pinpoint, *addresses: str, channel: str = "SMS") -> dict[str, Any]:
    """Send a text to addresses, and return the result of each."""
    answer = pinpoint.call(
        "SendMessages",
        MessageRequest={
            "Addresses": {address: {"ChannelType": channel} for address in addresses},
            "MessageConfiguration": {
                "SMSMessage": {"Body": "Hello", "MessageType": "TRANSACTIONAL"},
                "EmailMessage": {
                    "SimpleEmail": {
                        "Subject": {"Data": "Grüße"},
                        "TextPart": {"Data": "Hello"},
                        "HtmlPart": {"Data": "<p>Hello</p>"},
                    }
                },
                "GCMMessage": {"Body": "Hello", "Title": "Hi", "Action": "OPEN_APP"},
            },
        },
    )
    found: dict[str, Any] = answer["MessageResponse"]["Result"]
    return found


def outbox(pinpoint: pk.Pinpoint) -> list[dict[str, Any]]:
    """Return what is in the outbox."""
    call = ExtensionCall("ListMessages", ("messages", "find"), body={})
    answer = Transport(pinpoint.client).call_extension(pinpoint.application_id, call)
    assert answer is not None
    found: list[dict[str, Any]] = answer["Item"]
    return found


@pytest.fixture
def transport() -> Scripted:
    """Give a transport that takes everything."""
    return Scripted()


@pytest.mark.parametrize(
    ("outcome", "status", "code", "text"),
    [
        (Sent("taken"), "SUCCESSFUL", 200, "taken"),
        (NotSent("busy"), "TEMPORARY_FAILURE", 503, "busy"),
        (NotSent("no", is_permanent=True, code=400), "PERMANENT_FAILURE", 400, "no"),
        (NotSent("slow", code=429), "THROTTLED", 429, "slow"),
    ],
)
def test_outcomes_are_answered_and_kept(
    transport: Scripted, outcome: Sent | NotSent, status: str, code: int, text: str
) -> None:
    """As a MessageResult has them; the outbox says the same."""
    transport.answer = lambda _: outcome
    with pk.connect("sqlite://", application="shop", transports={"SMS": transport}) as pinpoint:
        channels_on(pinpoint)
        (result,) = send(pinpoint, "+15555550100").values()
        (kept,) = outbox(pinpoint)
    seen = (result["DeliveryStatus"], result["StatusCode"], result["StatusMessage"])
    assert seen == (status, code, text)
    (sent,) = transport.calls[0]
    assert (sent.id, sent.channel, sent.body) == (result["MessageId"], "SMS", "Hello")
    assert sent.application_id == pinpoint.application_id
    assert (kept["DeliveryStatus"], kept["StatusCode"], kept["StatusMessage"]) == seen


def test_only_its_channel_goes_to_a_transport(transport: Scripted) -> None:
    """The others stay in the outbox, and so does what is for a simulator of AWS."""
    with pk.connect("sqlite://", application="shop", transports={"SMS": transport}) as pinpoint:
        channels_on(pinpoint)
        send(pinpoint, "ada@example.com", channel="EMAIL")
        send(pinpoint, "token", channel="GCM")
        send(pinpoint, "+14254147755")
        assert transport.calls == []
        assert [each["DeliveryStatus"] for each in outbox(pinpoint)] == ["SUCCESSFUL"] * 3


def test_push_of_all_kinds_goes_to_one_transport(transport: Scripted) -> None:
    """With the payload."""
    with pk.connect("sqlite://", application="shop", transports={"PUSH": transport}) as pinpoint:
        channels_on(pinpoint)
        send(pinpoint, "token", channel="GCM")
    (sent,) = transport.calls[0]
    assert (sent.channel, sent.address) == ("GCM", "token")
    assert "Hello" in sent.payload


def test_a_call_has_no_more_messages_than_the_transport_takes() -> None:
    """The results stay with their addresses."""
    transport = Scripted(most_messages=2)
    transport.answer = lambda message: Sent(message.address[-1])
    with pk.connect("sqlite://", application="shop", transports={"SMS": transport}) as pinpoint:
        channels_on(pinpoint)
        results = send(pinpoint, *(f"+1555555010{number}" for number in range(5)))
    assert [len(call) for call in transport.calls] == [2, 2, 1]
    assert {address[-1]: each["StatusMessage"] for address, each in results.items()} == {
        str(number): str(number) for number in range(5)
    }


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda _: 1 / 0, "scripted://: ZeroDivisionError"),
        (None, "scripted://: it says not of each what became of it"),
        (lambda _: None, "scripted://: it says not of each what became of it"),
    ],
)
def test_a_transport_that_is_broken_is_a_temporary_failure(
    transport: Scripted,
    answer: Any,
    text: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log says where it failed, and nobody's address."""
    if answer is None:
        monkeypatch.setattr(transport, "send", lambda _: [])
    else:
        transport.answer = answer
    with pk.connect("sqlite://", application="shop", transports={"SMS": transport}) as pinpoint:
        channels_on(pinpoint)
        (result,) = send(pinpoint, "+15555550100").values()
    assert (result["DeliveryStatus"], result["StatusMessage"]) == ("TEMPORARY_FAILURE", text)
    assert "5555" not in caplog.text


def test_a_transport_is_called_outside_of_transactions() -> None:
    """It can ask the same database meanwhile, where its message waits; it cannot send one."""
    seen: list[Any] = []

    def function(message: OutgoingMessage) -> None:
        assert message.address == "+15555550100"
        seen.append(outbox(pinpoint)[0]["DeliveryStatus"])
        pinpoint.endpoints.update(pk.Endpoint(id="device-1", address="a", channel_type="GCM"))
        (result,) = send(pinpoint, "+15555550101").values()
        seen.append(result["DeliveryStatus"])

    with pk.connect("sqlite://", application="shop", transports={"SMS": function}) as pinpoint:
        channels_on(pinpoint)
        (result,) = send(pinpoint, "+15555550100").values()
        assert result["DeliveryStatus"] == "SUCCESSFUL"
    assert seen == ["PENDING", "TEMPORARY_FAILURE"]


def test_one_thread_at_a_time_calls_a_transport(transport: Scripted) -> None:
    """Whoever else sends waits."""
    inside, most = [0], [0]

    def answer(_: OutgoingMessage) -> Sent:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.01)
        inside[0] -= 1
        return Sent()

    transport.answer = answer
    with pk.connect("sqlite://", application="shop", transports={"SMS": transport}) as pinpoint:
        channels_on(pinpoint)
        threads = [
            threading.Thread(target=send, args=(pinpoint, f"+1555555010{number}"))
            for number in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [each["DeliveryStatus"] for each in outbox(pinpoint)] == ["SUCCESSFUL"] * 4
    assert most == [1]


def test_real_email_arrives() -> None:
    """From SendMessages to a mailbox, with text and HTML."""
    with FakeSmtp() as server:
        given = {"EMAIL": f"smtp://127.0.0.1:{server.port}"}
        with pk.connect("sqlite://", application="shop", transports=given) as pinpoint:
            channels_on(pinpoint)
            server.refused["no@example.com"] = "550 5.1.1 nobody"
            results = send(pinpoint, "ada@example.com", "no@example.com", channel="EMAIL")
        (got,) = server.emails
    assert got.recipients == ["ada@example.com"]
    assert got.message["Subject"] == "Grüße"
    assert got.message["From"] == "Shop <shop@example.com>"
    assert got.message.get_content_type() == "multipart/alternative"
    assert results["ada@example.com"]["DeliveryStatus"] == "SUCCESSFUL"
    assert results["no@example.com"]["DeliveryStatus"] == "PERMANENT_FAILURE"
    assert results["no@example.com"]["StatusMessage"] == "550 5.1.1 nobody"


def test_an_address_that_a_server_calls_none_gets_nothing_more() -> None:
    """Its endpoints go inactive and it is on the list; other refusals change nothing."""
    answers = {
        "none@example.com": "550 5.1.1 nobody",
        "policy@example.com": "550 5.7.1 you are listed",
        "plain@example.com": "550 no",
        "later@example.com": "450 4.1.1 later",
    }
    with FakeSmtp() as server:
        given = {"EMAIL": f"smtp://127.0.0.1:{server.port}"}
        with pk.connect("sqlite://", application="shop", transports=given) as pinpoint:
            channels_on(pinpoint)
            server.refused.update(answers)
            pinpoint.endpoints.update_many(
                pk.Endpoint(id=address, channel_type="EMAIL", address=address)
                for address in answers
            )
            results = send(pinpoint, *answers, "ada@example.com", channel="EMAIL")
            listed = [(each.address, each.reason) for each in pinpoint.opt_outs.list()]
            states = {
                address: pinpoint.endpoints.get(address).endpoint_status for address in answers
            }
            again = send(pinpoint, "none@example.com", channel="EMAIL")
            kept = {each["Address"]: each for each in outbox(pinpoint)}
        assert len(server.emails) == 1
    assert listed == [("none@example.com", "bounced")]
    assert states == {
        address: "INACTIVE" if address == "none@example.com" else "ACTIVE" for address in answers
    }
    assert results["none@example.com"]["DeliveryStatus"] == "PERMANENT_FAILURE"
    assert again["none@example.com"]["DeliveryStatus"] == "OPT_OUT"
    # It was never sent, so that nothing is taken from what was delivered.
    assert kept["none@example.com"]["Outcomes"] == []


def test_a_one_time_password_goes_by_the_transport(transport: Scripted) -> None:
    """The code is in the text, and the check finds it; who reads the outbox does not."""
    with pk.connect("sqlite://", application="shop", transports={"SMS": transport}) as pinpoint:
        channels_on(pinpoint)
        pinpoint.call(
            "SendOTPMessage",
            SendOTPMessageRequestParameters={
                "BrandName": "Shop",
                "Channel": "SMS",
                "DestinationIdentity": "+15555550100",
                "OriginationIdentity": "+15555550000",
                "ReferenceId": "r",
            },
        )
        ((sent,),) = transport.calls
        code = next(word for word in sent.body.split() if word.isdigit())
        (kept,) = outbox(pinpoint)
        assert (kept["Kind"], kept["DeliveryStatus"]) == ("otp", "SUCCESSFUL")
        assert kept["Content"]["Body"] == sent.body.replace(code, "******")
        assert code not in repr(kept)
        answer = pinpoint.call(
            "VerifyOTPMessage",
            VerifyOTPMessageRequestParameters={
                "DestinationIdentity": "+15555550100",
                "Otp": code,
                "ReferenceId": "r",
            },
        )
    assert answer["VerificationResponse"] == {"Valid": True}


@pytest.mark.parametrize("is_patient", [False, True])
def test_closing_waits_for_what_is_being_sent(transport: Scripted, *, is_patient: bool) -> None:
    """A transport is not closed under a message, unless that takes longer than one would wait."""
    sending, may_end = threading.Event(), threading.Event()
    closed_while_sending: list[bool] = []

    def answer(_: OutgoingMessage) -> Sent:
        sending.set()
        may_end.wait(10)
        sending.clear()
        return Sent()

    transport.answer = answer
    transport.close = lambda: closed_while_sending.append(sending.is_set())  # type: ignore[method-assign]  # watched
    settings = EngagementSettings(transports={"SMS": transport})
    message = OutgoingMessage(id="m", application_id="a", channel="SMS", address="x")
    turn = settings.turns.of(transport)
    thread = threading.Thread(target=lambda: turn.run(lambda: transport.send([message])))
    thread.start()
    assert sending.wait(10)
    if is_patient:
        threading.Timer(0.05, may_end.set).start()
    settings.close(10 if is_patient else 0)
    may_end.set()
    thread.join()
    assert closed_while_sending == [not is_patient]

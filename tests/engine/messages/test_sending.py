"""SendMessages and SendUsersMessages: who gets a message, who does not and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinpoint_kit.limits import Limits
from tests.engine.messages.kit import Sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire

#: More members than a Context may have.
TOO_MANY = dict.fromkeys(map(str, range(51)), "")


def test_a_message_to_an_address(sender: Sender) -> None:
    """It is taken, has an id of 40 characters, and is in the outbox as its recipient sees it."""
    answer = sender.send(Addresses={"ann@example.com": {"ChannelType": "EMAIL"}}).json
    result = answer["Result"]["ann@example.com"]
    assert answer.keys() == {"ApplicationId", "RequestId", "Result"}
    assert len(result["MessageId"]) == 40
    assert result == {
        "DeliveryStatus": "SUCCESSFUL",
        "MessageId": result["MessageId"],
        "StatusCode": 200,
        "StatusMessage": f"MessageId: {result['MessageId']}",
    }
    assert sender.outbox() == [
        {
            "Id": result["MessageId"],
            "CreationDate": "2026-01-02T03:04:05.678Z",
            "ChannelType": "EMAIL",
            "Address": "ann@example.com",
            "Kind": "direct",
            "DeliveryStatus": "SUCCESSFUL",
            "StatusCode": 200,
            "StatusMessage": result["StatusMessage"],
            "Content": {"Body": "Hello", "Sender": "shop@example.com"},
            "Outcomes": [],
        }
    ]


def test_ids_grow_with_the_time(sender: Sender, clock: Clock) -> None:
    """The index of ids grows at its end: random ones would write a page of it for each message."""
    ids, times = [], []
    for _ in range(3):
        ids.append(sender.result("ann@example.com", "EMAIL")["MessageId"])
        times.append(round(clock.now.timestamp() * 1000))
        clock.advance(seconds=1)
    assert [int(each[:12], 16) for each in ids] == times
    assert all(re.fullmatch("[0-9a-f]{40}", each) for each in ids)
    assert len({each[12:] for each in ids}) == 3


def test_push_answers_with_an_empty_status_message(sender: Sender) -> None:
    """As the service does."""
    assert sender.result("token-1", "GCM")["StatusMessage"] == ""


@pytest.mark.parametrize(
    ("channel", "operation"),
    [("EMAIL", "UpdateEmailChannel"), ("APNS_VOIP_SANDBOX", "UpdateApnsVoipSandboxChannel")],
)
def test_a_channel_that_was_never_set(wire: Wire, channel: str, operation: str) -> None:
    """Nothing is sent, and the answer says which call turns the channel on."""
    result = Sender(wire).result("x", channel)
    assert (result["DeliveryStatus"], result["StatusCode"]) == ("PERMANENT_FAILURE", 400)
    assert operation in result["StatusMessage"]
    assert Sender(wire).outbox() == []


def test_a_channel_that_was_turned_off(sender: Sender) -> None:
    """It is like one that was never set, and it comes before all other questions."""
    sender.wire.put(f"/v1/apps/{sender.wire.app}/channels/sms", {"Enabled": False})
    assert "UpdateSmsChannel" in sender.result("not a number", "SMS")["StatusMessage"]


@pytest.mark.parametrize("channel", ["PUSH", "CUSTOM", "IN_APP"])
def test_channels_that_messages_do_not_go_through(sender: Sender, channel: str) -> None:
    """There is no setting that would turn them on; the answer says which there are."""
    text = sender.result("x", channel)["StatusMessage"]
    assert text.startswith(f"No messages are sent through {channel}; give one of ADM, APNS, ")
    assert text.endswith("SMS, VOICE")


@pytest.mark.parametrize(
    ("address", "channel"),
    [
        ("ann", "EMAIL"),
        ("ann@", "EMAIL"),
        ("a@b\r\nBcc: c@d", "EMAIL"),
        ("a@b, c@d", "EMAIL"),
        ("911", "SMS"),
        ("+1 206 555 0100", "SMS"),
        ("\uff0b12065550100", "SMS"),
        ("+12065550100\n", "SMS"),
        ("x" * 5_000, "GCM"),
    ],
)
def test_addresses_that_are_none(sender: Sender, address: str, channel: str) -> None:
    """They are failures of their own, and no answer repeats the address in words."""
    result = sender.result(address, channel)
    assert (result["DeliveryStatus"], result["StatusCode"]) == ("PERMANENT_FAILURE", 400)
    assert address not in result["StatusMessage"]
    assert sender.outbox() == []


def test_an_address_without_a_channel_type(sender: Sender) -> None:
    """It fails, and the others get theirs."""
    addresses = {"a@example.com": {}, "b@example.com": {"ChannelType": "EMAIL"}}
    results = sender.send(Addresses=addresses).json["Result"]
    assert results["a@example.com"]["StatusMessage"] == "Missing ChannelType"
    assert results["b@example.com"]["DeliveryStatus"] == "SUCCESSFUL"


def test_a_message_to_an_endpoint(sender: Sender) -> None:
    """The answer has its address, the outbox its user, and ids are compared without case."""
    sender.wire.update(
        "Device-1", Address="ann@example.com", ChannelType="EMAIL", User={"UserId": "user-1"}
    )
    result = sender.endpoint_result("DEVICE-1")
    assert (result["Address"], result["DeliveryStatus"]) == ("ann@example.com", "SUCCESSFUL")
    [message] = sender.outbox()
    assert (message["EndpointId"], message["UserId"]) == ("device-1", "user-1")


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"FromAddress": "a@example.com\nBcc: b@example.com"}, "FromAddress"),
        ({"FeedbackForwardingAddress": "a@example.com\r"}, "FeedbackForwardingAddress"),
        ({"ReplyToAddresses": ["a@example.com", "b@example.com\n"]}, "ReplyToAddresses[1]"),
        (
            {"SimpleEmail": {"Headers": [{"Name": "X", "Value": "a\nb"}]}},
            "SimpleEmail.Headers[0].Value",
        ),
        (
            {"SimpleEmail": {"Headers": [{"Name": "X\nBcc", "Value": "a"}]}},
            "SimpleEmail.Headers[0].Name",
        ),
        ({"SimpleEmail": {"Headers": [{"Name": "X", "Value": "a"}] * 16}}, "SimpleEmail.Headers"),
    ],
)
def test_headers_with_line_ends_are_refused(
    sender: Sender, members: dict[str, Any], place: str
) -> None:
    """The request is, by a 400 that says where; nobody gets anything."""
    message = {"EmailMessage": members, "DefaultMessage": {"Body": "b"}}
    for answer in (
        sender.send(
            Addresses={"a@example.com": {"ChannelType": "EMAIL"}}, MessageConfiguration=message
        ),
        sender.users(Users={"user-1": {}}, MessageConfiguration=message),
    ):
        assert answer.status == 400
        assert answer.message.endswith(f"@ $.MessageConfiguration.EmailMessage.{place}")
    assert sender.outbox() == []


@pytest.mark.parametrize("endpoint_id", ["nobody", "a${b}", "?"])
def test_an_endpoint_that_is_not_there(sender: Sender, endpoint_id: str) -> None:
    """It is a failure of its own, not of the request."""
    result = sender.endpoint_result(endpoint_id)
    assert (result["DeliveryStatus"], result["StatusCode"]) == ("PERMANENT_FAILURE", 400)
    assert "Address" not in result


def test_who_has_opted_out_or_is_inactive_gets_nothing(sender: Sender) -> None:
    """Both are OPT_OUT; whether somebody at a bare address has opted out is not asked."""
    sender.wire.update("out", Address="o@example.com", ChannelType="EMAIL", OptOut="ALL")
    sender.wire.update(
        "gone", Address="g@example.com", ChannelType="EMAIL", EndpointStatus="INACTIVE"
    )
    assert sender.endpoint_result("out")["DeliveryStatus"] == "OPT_OUT"
    assert sender.endpoint_result("gone")["DeliveryStatus"] == "OPT_OUT"
    assert sender.outbox() == []
    assert sender.result("o@example.com")["DeliveryStatus"] == "SUCCESSFUL"


def test_the_same_address_twice(sender: Sender) -> None:
    """The second is a duplicate, also behind an endpoint; on another channel it is another one."""
    sender.wire.update("device-1", Address="ann@example.com", ChannelType="EMAIL")
    answer = sender.send(
        Addresses={"ann@example.com": {"ChannelType": "EMAIL"}}, Endpoints={"device-1": {}}
    ).json
    assert answer["Result"]["ann@example.com"]["DeliveryStatus"] == "SUCCESSFUL"
    assert answer["EndpointResult"]["device-1"]["DeliveryStatus"] == "DUPLICATE"
    assert len(sender.outbox()) == 1


def test_an_endpoint_without_an_address(sender: Sender) -> None:
    """A push channel may have none yet."""
    sender.wire.update("device-1", ChannelType="GCM")
    assert "no address" in sender.endpoint_result("device-1")["StatusMessage"]
    sender.wire.update("device-2", Attributes={"a": ["b"]})
    assert sender.endpoint_result("device-2")["StatusMessage"] == "Missing ChannelType"


def test_a_message_to_users(sender: Sender) -> None:
    """All their endpoints get it, on their channels; a user without one has an empty result."""
    for name, channel, address in (
        ("mail", "EMAIL", "ann@example.com"),
        ("phone", "SMS", "+12065550100"),
        ("app", "GCM", "token-1"),
    ):
        sender.wire.update(name, ChannelType=channel, Address=address, User={"UserId": "ann"})
    answer = sender.users(Users={"ann": {}, "nobody": {}})
    results = answer.json["Result"]
    assert answer.status == 200
    assert results["nobody"] == {}
    assert {
        name: result["DeliveryStatus"] for name, result in results["ann"].items()
    } == dict.fromkeys(("mail", "phone", "app"), "SUCCESSFUL")
    assert results["ann"]["mail"]["Address"] == "ann@example.com"
    assert {message["UserId"] for message in sender.outbox()} == {"ann"}


def test_as_many_recipients_as_a_request_takes(make_wire: Callable[..., Wire]) -> None:
    """One more is refused as a whole; the limit can be replaced."""
    sender = Sender(make_wire(limits=Limits(max_recipients_per_request=2)))
    sender.enable("email")
    three = {f"{n}@example.com": {"ChannelType": "EMAIL"} for n in range(3)}
    answer = sender.send(Addresses=three)
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert "at most 2" in answer.message
    assert sender.users(Users={"a": {}, "b": {}, "c": {}}).status == 400
    assert sender.outbox() == []


@pytest.mark.parametrize(
    "request_members",
    [
        {},
        {"Addresses": {}},
        {"Addresses": {"a@example.com": {"ChannelType": "PIGEON"}}},
        {"Addresses": []},
        {"Addresses": {"a@example.com": {"ChannelType": "EMAIL", "Context": {"a": 1}}}},
        {"Addresses": {"a@example.com": {"ChannelType": "EMAIL"}}, "MessageConfiguration": None},
        {"Addresses": {"a@b.c": {"ChannelType": "EMAIL"}}, "Context": {"k": "v" * 1_001}},
        {
            "Addresses": {"a@b.c": {"ChannelType": "EMAIL"}},
            "Context": dict.fromkeys(map(str, range(51)), ""),
        },
    ],
)
def test_requests_that_are_refused(sender: Sender, request_members: dict[str, Any]) -> None:
    """400, and nothing is sent."""
    assert sender.send(**request_members).status == 400
    assert sender.outbox() == []


def test_a_missing_application_wins(sender: Sender) -> None:
    """As for every other operation."""
    for path in ("messages", "users-messages", "otp", "verify-otp"):
        assert sender.wire.post(f"/v1/apps/nowhere/{path}", {}).status == 404


def test_context_and_trace_id_go_with_the_message(sender: Sender) -> None:
    """What an address says of its own wins over what the request says."""
    own = {"ChannelType": "SMS", "Context": {"b": "own"}}
    sender.send(Addresses={"+12065550100": own}, Context={"a": "all", "b": "all"}, TraceId="t-1")
    [message] = sender.outbox()
    assert message["Content"]["Data"] == {"Context": {"a": "all", "b": "own"}, "TraceId": "t-1"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    address=st.text(max_size=30),
    channel=st.sampled_from(["EMAIL", "SMS", "GCM", "APNS", "VOICE"]),
    body=st.text(max_size=50),
    values=st.dictionaries(st.text(max_size=10), st.lists(st.text(max_size=10)), max_size=3),
)
def test_whatever_is_sent_is_answered(
    hostile: Sender, address: str, channel: str, body: str, values: dict[str, list[str]]
) -> None:
    """Any texts lead to a result or a refusal, and what is SUCCESSFUL is in the outbox once."""
    configuration = {"DefaultMessage": {"Body": body, "Substitutions": values}}
    answer = hostile.send(
        Addresses={address: {"ChannelType": channel, "Substitutions": values}},
        MessageConfiguration=configuration,
    )
    assert answer.status in {200, 400}
    if answer.status == 200:
        result = answer.json["Result"][address]
        stored = [one for one in hostile.outbox() if one["Id"] == result.get("MessageId")]
        assert len(stored) == (result["DeliveryStatus"] == "SUCCESSFUL")
    hostile.ask("clear", {})


@pytest.fixture
def hostile(shared: Wire) -> Sender:
    """Give a sender that all examples share."""
    made = Sender(shared)
    made.enable()
    return made


def test_a_hundred_recipients(sender: Sender) -> None:
    """They are one request, and stand in the outbox in its order."""
    addresses = {f"{n}@example.com": {"ChannelType": "EMAIL"} for n in range(100)}
    results = sender.send(Addresses=addresses).json["Result"]
    assert [one["Address"] for one in sender.outbox()] == list(addresses) == list(results)

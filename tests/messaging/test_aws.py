"""SMS and push through AWS End User Messaging: the requests, and what answers mean."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from pinpoint_kit.messaging import AwsPush, AwsSms, NotSent, Sent
from tests.messaging.messages import message


def stubbed(service: str) -> tuple[Any, Stubber]:
    """Return a client that answers from a script."""
    client = boto3.client(
        service,  # type: ignore[call-overload]  # one of two
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    return client, Stubber(client)


def test_a_text_message_is_send_text_message() -> None:
    """With what the message says, else with what the transport has."""
    client, stubber = stubbed("pinpoint-sms-voice-v2")
    base = {"DestinationPhoneNumber": "+15555550123", "MessageBody": "Hello"}
    stubber.add_response(
        "send_text_message",
        {"MessageId": "1"},
        {**base, "OriginationIdentity": "SHOP", "ConfigurationSetName": "set"},
    )
    stubber.add_response(
        "send_text_message",
        {"MessageId": "2"},
        {
            **base,
            "OriginationIdentity": "+15555550000",
            "ConfigurationSetName": "set",
            "MessageType": "PROMOTIONAL",
            "DestinationCountryParameters": {"IN_ENTITY_ID": "e", "IN_TEMPLATE_ID": "t"},
        },
    )
    transport = AwsSms(client, origination="SHOP", configuration_set="set")
    assert transport.name == "aws-sms://eu-central-1"
    second = message(
        sender="OTHER",
        origination_number="+15555550000",
        message_type="PROMOTIONAL",
        data={"EntityId": "e", "TemplateId": "t", "TraceId": "x"},
    )
    with stubber:
        assert transport.send([message(), second]) == [Sent("MessageId: 1"), Sent("MessageId: 2")]
    stubber.assert_no_pending_responses()
    transport.close()


@pytest.mark.parametrize(
    ("code", "status", "seen", "is_permanent"),
    [
        ("ThrottlingException", 400, 429, False),
        ("ServiceQuotaExceededException", 402, 429, False),
        ("ValidationException", 400, 400, True),
        ("AccessDeniedException", 403, 403, True),
        ("InternalServerException", 500, 500, False),
    ],
)
def test_refusals_of_a_text_message(
    code: str, status: int, seen: int, *, is_permanent: bool
) -> None:
    """Throttling and faults are temporary."""
    client, stubber = stubbed("pinpoint-sms-voice-v2")
    stubber.add_client_error("send_text_message", code, "no", status)
    with stubber:
        (outcome,) = AwsSms(client).send([message()])
    assert outcome == NotSent(f"{code}: no", is_permanent=is_permanent, code=seen)


def test_what_the_service_could_not_take_is_refused_for_good() -> None:
    """Such as an empty text, which its model refuses before anything is sent."""
    client, _ = stubbed("pinpoint-sms-voice-v2")
    (outcome,) = AwsSms(client).send([message(body="")])
    assert outcome == NotSent(
        "aws-sms://eu-central-1: the message is not valid there", is_permanent=True, code=400
    )


def push(**members: Any) -> Any:
    """Make a message of push."""
    given = {"channel": "GCM", "address": "token-1", "body": "", "payload": '{"data":{}}'}
    return message(**{**given, **members})


def test_push_is_send_messages_by_address() -> None:
    """Each token with its own payload; one that comes twice has a second request."""
    client, stubber = stubbed("pinpoint")
    stubber.add_response(
        "send_messages",
        {
            "MessageResponse": {
                "ApplicationId": "app-1",
                "Result": {
                    "token-1": {"DeliveryStatus": "SUCCESSFUL", "StatusCode": 200},
                    "token-2": {
                        "DeliveryStatus": "PERMANENT_FAILURE",
                        "StatusCode": 410,
                        "StatusMessage": "gone",
                    },
                },
            }
        },
        {
            "ApplicationId": "app-1",
            "MessageRequest": {
                "Addresses": {
                    "token-1": {"ChannelType": "GCM", "RawContent": '{"data":{}}'},
                    "token-2": {"ChannelType": "APNS_SANDBOX", "RawContent": '{"aps":{}}'},
                },
                "MessageConfiguration": {
                    "GCMMessage": {"RawContent": '{"data":{}}'},
                    "APNSMessage": {"RawContent": '{"aps":{}}'},
                },
            },
        },
    )
    stubber.add_response(
        "send_messages",
        {
            "MessageResponse": {
                "ApplicationId": "app-1",
                "Result": {"token-1": {"DeliveryStatus": "THROTTLED", "StatusCode": 429}},
            }
        },
    )
    transport = AwsPush("app-1", client)
    assert transport.name == "aws-push://eu-central-1/app-1"
    sent = [
        push(),
        push(channel="APNS_SANDBOX", address="token-2", payload='{"aps":{}}'),
        push(channel="SMS", address="+15555550123"),
        push(),
    ]
    with stubber:
        outcomes = transport.send(sent)
    stubber.assert_no_pending_responses()
    assert outcomes == [
        Sent(""),
        NotSent("gone", is_permanent=True, code=410),
        NotSent("aws-push://eu-central-1/app-1: takes no SMS", is_permanent=True, code=400),
        NotSent("THROTTLED", code=429),
    ]


def test_a_push_request_that_fails_is_said_of_each() -> None:
    """Nothing is known to have been sent."""
    client, stubber = stubbed("pinpoint")
    stubber.add_client_error("send_messages", "InternalServerErrorException", "no", 500)
    with stubber:
        outcomes = AwsPush("app-1", client).send([push(), push(address="token-2")])
    assert outcomes == [NotSent("InternalServerErrorException: no", code=500)] * 2


def test_what_the_push_service_is_told_goes_with_the_payload() -> None:
    """Messages that say different things of it are different requests."""
    client, stubber = stubbed("pinpoint")
    told = {"APNSPushType": "voip", "CollapseId": "call", "Priority": "10", "TimeToLive": 30}

    def expect(tokens: list[str], beside: dict[str, Any]) -> None:
        of_each = {token: {"DeliveryStatus": "SUCCESSFUL", "StatusCode": 200} for token in tokens}
        address = {"ChannelType": "APNS_VOIP", "RawContent": "{}"}
        stubber.add_response(
            "send_messages",
            {"MessageResponse": {"ApplicationId": "app-1", "Result": of_each}},
            {
                "ApplicationId": "app-1",
                "MessageRequest": {
                    "Addresses": dict.fromkeys(tokens, address),
                    "MessageConfiguration": {"APNSMessage": {"RawContent": "{}", **beside}},
                },
            },
        )

    expect(["a", "c"], told)
    expect(["b"], {"TimeToLive": 60})
    sent = [
        push(channel="APNS_VOIP", payload="{}", address=address, data={**data, "TraceId": "t"})
        for address, data in (("a", told), ("b", {"TimeToLive": 60}), ("c", told))
    ]
    with stubber:
        assert AwsPush("app-1", client).send(sent) == [Sent("")] * 3
    stubber.assert_no_pending_responses()

"""Records of messages: in the backlog of an application with a stream, in the guide's shapes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.records.stream import StreamForm
from tests.engine.messages.kit import Sender
from tests.engine.streams.stream_kit import ARN, STREAM, Fake

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire

AT = 1767323045678  # when the clock stands


@pytest.fixture
def fake() -> Fake:
    """Give a destination that takes everything."""
    return Fake()


def streaming(make_wire: Callable[..., Wire], fake: Fake, **form: Any) -> Sender:
    """Return a sender whose application has a stream."""
    sender = Sender(make_wire(destinations={ARN: fake}, stream_form=StreamForm(**form)))
    sender.enable()
    sender.wire.post(f"/v1/apps/{sender.wire.app}/eventstream", STREAM)
    return sender


def taken(sender: Sender, fake: Fake) -> list[Any]:
    """Forward what waits, and return all records that were taken."""
    while sender.wire.engine.step():
        pass
    return [json.loads(record.data) for record in fake.taken]


def test_an_email_and_what_becomes_of_it(
    make_wire: Callable[..., Wire], fake: Fake, clock: Clock
) -> None:
    """Each event is dated when the message was sent, and says what happened in its own member."""
    sender = streaming(make_wire, fake)
    sender.wire.update("Device-1", Address="ann@example.com", ChannelType="EMAIL")
    email = {"SimpleEmail": {"Subject": {"Data": "S"}, "TextPart": {"Data": "T"}}}
    message_id = sender.endpoint_result(
        "device-1", MessageConfiguration={"EmailMessage": email}, Context={"order": "17"}
    )["MessageId"]
    clock.advance(1)
    for outcome, more in (
        ("delivered", {}),
        ("opened", {"UserAgent": "Mail"}),
        ("clicked", {"Link": "https://example.com/"}),
        ("bounced", {"BounceType": "Transient", "Reason": "full"}),
        ("bounced", {}),
        ("complained", {}),
        ("opted_out", {}),
    ):
        sender.report(message_id, outcome, **more)
    records = taken(sender, fake)
    mail = {
        "message_id": message_id,
        "message_send_timestamp": AT,
        "from_address": "shop@example.com",
        "destination": ["ann@example.com"],
        "headers_truncated": False,
        "headers": [
            {"name": "From", "value": "shop@example.com"},
            {"name": "To", "value": "ann@example.com"},
            {"name": "Subject", "value": "S"},
        ],
        "common_headers": {"from": "shop@example.com", "to": ["ann@example.com"], "subject": "S"},
    }
    assert records[0] == {
        "event_type": "_email.send",
        "event_timestamp": AT,
        "arrival_timestamp": AT,
        "event_version": "3.1",
        "application": {"app_id": sender.wire.app, "sdk": {}},
        "client": {"client_id": "Device-1"},
        "device": {"platform": {}},
        "session": {},
        "attributes": {"feedback": "received"},
        "client_context": {"custom": {"order": "17", "legacy_identifier": sender.wire.app}},
        "awsAccountId": "000000000000",
        "facets": {"email_channel": {"mail_event": {"mail": mail, "send": {}}}},
    }
    facets = [record["facets"]["email_channel"]["mail_event"] for record in records]
    assert [
        (record["event_type"], record["attributes"]["feedback"], *(facet.keys() - {"mail"}))
        for record, facet in zip(records, facets, strict=True)
    ] == [
        ("_email.send", "received", "send"),
        ("_email.delivered", "delivered", "delivery"),
        ("_email.open", "opened", "open"),
        ("_email.click", "https://example.com/", "click"),
        ("_email.softbounce", "softbounce", "bounce"),
        ("_email.hardbounce", "hardbounce", "bounce"),
        ("_email.complaint", "complaint", "complaint"),
        ("_email.unsubscribe", "unsubscribed", "click"),
    ]
    assert {record["event_timestamp"] for record in records} == {AT}
    assert {record["arrival_timestamp"] for record in records[1:]} == {AT + 1_000}
    assert facets[4]["bounce"]["bounced_recipients"][0]["diagnostic_code"] == "full"


def test_an_sms(make_wire: Callable[..., Wire], fake: Fake) -> None:
    """All attributes are texts; a number without an endpoint has a UUID for its client."""
    sender = streaming(make_wire, fake)
    sms = {"Body": "a" * 161, "MessageType": "PROMOTIONAL", "OriginationNumber": "+12065550199"}
    answer = sender.send(
        Addresses={"+12065550142": {"ChannelType": "SMS"}},
        MessageConfiguration={"SMSMessage": sms},
        Context={"order": "17"},
    ).json
    message_id = answer["Result"]["+12065550142"]["MessageId"]
    for outcome in ("delivered", "clicked", "bounced", "opted_out"):
        sender.report(message_id, outcome)
    records = taken(sender, fake)
    assert [(one["event_type"], one["attributes"]["record_status"]) for one in records] == [
        ("_SMS.BUFFERED", "PENDING"),
        ("_SMS.SUCCESS", "DELIVERED"),
        ("_SMS.FAILURE", "UNREACHABLE"),
        ("_SMS.OPTOUT", "OPTED_OUT"),
    ]
    assert records[0]["attributes"] == {
        "sender_request_id": answer["RequestId"],
        "destination_phone_number": "+12065550142",
        "record_status": "PENDING",
        "number_of_message_parts": "2",
        "message_id": message_id,
        "message_type": "Promotional",
        "treatment_id": "0",
        "origination_phone_number": "+12065550199",
        "iso_country_code": "US",
        "customer_context": '{"order":"17"}',
    }
    assert records[0]["metrics"] == {"price_in_millicents_usd": 0.0}
    assert len(records[0]["client"]["client_id"]) == 36


def test_the_forms_of_2018(make_wire: Callable[..., Wire], fake: Fake) -> None:
    """The members of the guide's samples of then, with their types."""
    sender = streaming(make_wire, fake, messages="2018")
    sms_id = sender.result("+12065550142", "SMS")["MessageId"]
    email_id = sender.result("ann@example.com")["MessageId"]
    sender.report(sms_id, "delivered")
    sender.report(email_id, "delivered")
    records = taken(sender, fake)
    sms = next(one for one in records if one["event_type"] == "_SMS.SUCCESS")
    assert list(sms) == [
        "account_id", "event_type", "arrival_timestamp", "timestamp", "timestamp_created",
        "application_key", "unique_id", "attributes", "metrics", "facets", "additional_properties",
    ]  # fmt: skip
    assert sms["attributes"]["number_of_message_parts"] == 1
    assert (sms["attributes"]["record_status"], sms["timestamp_created"]) == ("SUCCESS", str(AT))
    email = next(one for one in records if one["event_type"] == "_email.delivered")
    assert (email["event_version"], email["attributes"], email["metrics"]) == ("3.0", {}, {})
    assert "facets" not in email


def test_push_and_voice_are_not_streamed(make_wire: Callable[..., Wire], fake: Fake) -> None:
    """As in the service, whatever becomes of them."""
    sender = streaming(make_wire, fake)
    for address, channel in (("token", "GCM"), ("+12065550142", "VOICE")):
        message_id = sender.result(address, channel)["MessageId"]
        sender.report(message_id, "delivered")
    assert taken(sender, fake) == []


def test_without_a_stream_there_are_no_records(sender: Sender) -> None:
    """Nothing is written that nobody waits for."""
    message_id = sender.result("ann@example.com")["MessageId"]
    sender.report(message_id, "delivered")
    assert sender.wire.rows("SELECT * FROM stream_backlog") == []


def test_simulators_are_streamed(make_wire: Callable[..., Wire], fake: Fake) -> None:
    """That is what they are for."""
    sender = streaming(make_wire, fake)
    sender.result("complaint@simulator.amazonses.com")
    sender.result("+14254147167", "SMS")
    kinds = [one["event_type"] for one in taken(sender, fake)]
    assert [kind for kind in kinds if kind.startswith("_email")] == [
        "_email.send",
        "_email.delivered",
        "_email.complaint",
    ]
    assert [kind for kind in kinds if kind.startswith("_SMS")] == ["_SMS.BUFFERED", "_SMS.FAILURE"]

"""Records of messages: their bytes, against the guide's samples of 2018 and AWS's own table."""

from __future__ import annotations

import json

from pinpoint_kit.records.message_stream import (
    CampaignNames,
    CampaignSend,
    EmailEvent,
    SmsEvent,
    campaign_record,
    email_record,
    sms_record,
)
from pinpoint_kit.records.stream import StreamForm

APP = "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6"
CAMPAIGN = CampaignNames("c" * 32, "a" * 32, "1")
SMS = SmsEvent(
    type="_SMS.SUCCESS",
    record_status="DELIVERED",
    application_id="AppKey-688037015201",
    client_id="uniqueId-68803701520114087975969",
    message_id="12234sdv",
    request_id="abdfg",
    sent=13425345,
    arrival=2345678,
    address="+12065550142",
    country="US",
    keyword="test",
)
EMAIL = EmailEvent(
    type="_email.delivered",
    feedback="delivered",
    application_id=APP,
    client_id="m3n4o5p6-a1b2-c3d4-e5f6-g7h8i9j0k1l2",
    message_id="m",
    sent=1487973802507,
    arrival=1487973803515,
    address="ann@example.com",
    facet=("delivery", {"recipients": ["ann@example.com"]}),
)


def test_the_sms_of_the_guide_of_2018() -> None:
    """Byte for byte, but for what nobody here knows: its time of creation, and the network."""
    assert sms_record(SMS, StreamForm(messages="2018", account_id="123412341234")) == (
        '{"account_id":"123412341234","event_type":"_SMS.SUCCESS","arrival_timestamp":2345678,'
        '"timestamp":13425345,"timestamp_created":"13425345",'
        '"application_key":"AppKey-688037015201","unique_id":"uniqueId-68803701520114087975969",'
        '"attributes":{"message_id":"12234sdv","sender_request_id":"abdfg",'
        '"number_of_message_parts":1,"record_status":"SUCCESS","message_type":"Transactional",'
        '"keyword":"test","iso_country_code":"US"},"metrics":{"price_in_millicents_usd":0.0},'
        '"facets":{},"additional_properties":{}}\n'
    )


def test_the_email_of_the_guide_of_2018() -> None:
    """Byte for byte, but for what comes from an app and a device, which an e-mail has not."""
    assert email_record(EMAIL, StreamForm(messages="2018")) == (
        '{"event_type":"_email.delivered","event_timestamp":1487973802507,'
        '"arrival_timestamp":1487973803515,"event_version":"3.0",'
        f'"application":{{"app_id":"{APP}","sdk":{{}}}},'
        '"client":{"client_id":"m3n4o5p6-a1b2-c3d4-e5f6-g7h8i9j0k1l2"},'
        '"device":{"platform":{}},"session":{},"attributes":{},"metrics":{}}\n'
    )


def test_the_sms_of_today() -> None:
    """All attributes are texts, those that are not known are left out."""
    record = json.loads(sms_record(SMS, StreamForm()))
    assert record["attributes"] == {
        "sender_request_id": "abdfg",
        "destination_phone_number": "+12065550142",
        "record_status": "DELIVERED",
        "number_of_message_parts": "1",
        "message_id": "12234sdv",
        "message_type": "Transactional",
        "treatment_id": "0",
        "iso_country_code": "US",
    }


def test_messages_of_campaigns_name_them() -> None:
    """In the attributes of both."""
    import attrs  # noqa: PLC0415

    names = {"campaign_id": "c" * 32, "campaign_activity_id": "a" * 32, "treatment_id": "1"}
    email = json.loads(email_record(attrs.evolve(EMAIL, campaign=CAMPAIGN), StreamForm()))
    sms = json.loads(sms_record(attrs.evolve(SMS, campaign=CAMPAIGN), StreamForm()))
    assert email["attributes"] == {"feedback": "delivered", **names}
    assert names.items() <= sms["attributes"].items()


def test_a_campaign_s_record() -> None:
    """The endpoint is JSON text, without address and id; `full` has both."""
    endpoint = {"Id": "e", "Address": "ann@example.com", "ChannelType": "EMAIL", "OptOut": "NONE"}
    send = CampaignSend(
        status="SUCCESS", application_id=APP, endpoint_id="e", campaign=CAMPAIGN, at=1,
        delivery_type="EMAIL", endpoint=endpoint,
    )  # fmt: skip
    record = json.loads(campaign_record(send, StreamForm()))
    assert record == {
        "event_type": "_campaign.send",
        "event_timestamp": 1,
        "arrival_timestamp": 1,
        "event_version": "3.1",
        "application": {"app_id": APP, "sdk": {}},
        "client": {"client_id": "e"},
        "device": {"platform": {}},
        "session": {},
        "attributes": {
            **CAMPAIGN.members,
            "delivery_type": "EMAIL",
            "campaign_type": None,
            "campaign_send_status": "SUCCESS",
        },
        "client_context": {
            "custom": {
                "endpoint": '{"ChannelType":"EMAIL","OptOut":"NONE"}',
                "legacy_identifier": APP,
            }
        },
        "awsAccountId": "000000000000",
    }
    full = json.loads(campaign_record(send, StreamForm(endpoint="full")))
    assert json.loads(full["client_context"]["custom"]["endpoint"]).keys() == endpoint.keys()


def test_reprs_name_nobody() -> None:
    """Neither addresses nor endpoints."""
    send = CampaignSend(
        status="SUCCESS", application_id=APP, endpoint_id="secret", campaign=CAMPAIGN, at=1
    )
    shown = f"{SMS!r}{EMAIL!r}{send!r}"
    for word in ("secret", "ann@", "2065550142", "m3n4o5p6-a1b2", "uniqueId"):
        assert word not in shown

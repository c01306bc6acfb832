"""Records of the event stream about messages: e-mail, SMS, and what campaigns send.

As records/stream.py, which writes those of apps: one compact JSON object a record with a newline at
its end, times in milliseconds since 1970. Pure.

Sources: Developer Guide, "Event streams: email events", "SMS events", "campaign events" (3.1), and
the samples of the guide of 2018, whose form `StreamForm.messages` brings back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
import orjson

if TYPE_CHECKING:
    from pinpoint_kit.records.stream import StreamForm

__all__ = [
    "CampaignNames",
    "CampaignSend",
    "EmailEvent",
    "SmsEvent",
    "campaign_record",
    "email_record",
    "sms_record",
]

_VERSION = "3.1"
_OLD_VERSION = "3.0"
#: What a campaign's record says of the endpoint, as real records do: neither address nor id.
_SHOWN = (
    "ChannelType",
    "EndpointStatus",
    "OptOut",
    "RequestId",
    "EffectiveDate",
    "Demographic",
    "Location",
    "Attributes",
    "Metrics",
    "User",
)


@attrs.frozen
class CampaignNames:
    """Which campaign a message is of, by the ids that its records have.

    Attributes:
        campaign_id: the campaign.
        activity_id: its run.
        treatment_id: `0` for the default treatment, to `4`.
    """

    campaign_id: str
    activity_id: str
    treatment_id: str = "0"

    @property
    def members(self) -> dict[str, str]:
        """The attributes of a record."""
        return {
            "campaign_id": self.campaign_id,
            "treatment_id": self.treatment_id,
            "campaign_activity_id": self.activity_id,
        }


@attrs.frozen(kw_only=True)
class EmailEvent:
    """What has happened to an e-mail.

    Attributes:
        type: `_email.send`, `.delivered`, `.rejected`, `.hardbounce`, `.softbounce`, `.complaint`,
            `.open`, `.click` or `.unsubscribe`.
        feedback: `received`, `delivered`, `opened` and such, or the URL of a click.
        application_id: the application.
        client_id: the endpoint's id, or a UUID for an address without an endpoint.
        message_id: the message.
        sent: when it was sent, milliseconds since 1970: what all its events are dated.
        arrival: when this has happened.
        address: whom it was sent to.
        sender: whom it is from.
        subject: its subject.
        headers: further headers, by name.
        facet: the member of `mail_event` beside `mail`: its name, and what stands in it.
        campaign: the campaign, None for a message that was sent directly.
        context: what the sender has attached.
    """

    type: str
    feedback: str
    application_id: str
    client_id: str = attrs.field(repr=False)
    message_id: str
    sent: int
    arrival: int
    address: str = attrs.field(repr=False)
    sender: str = attrs.field(default="", repr=False)
    subject: str = attrs.field(default="", repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    facet: tuple[str, Mapping[str, object]] = attrs.field(repr=False)
    campaign: CampaignNames | None = None
    context: Mapping[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen(kw_only=True)
class SmsEvent:
    """What has happened to an SMS.

    Attributes:
        type: `_SMS.BUFFERED`, `.SUCCESS`, `.FAILURE` or `.OPTOUT`.
        record_status: such as `PENDING`, `DELIVERED`, `UNREACHABLE` or `OPTED_OUT`.
        application_id: the application.
        client_id: the endpoint's id, or a UUID for a number without an endpoint.
        message_id: the message.
        request_id: the request that has sent it.
        sent: when it was sent, milliseconds since 1970.
        arrival: when this has happened.
        address: the number that it was sent to.
        origination_number: the number that it came from, "" for none.
        country: the country of the number in ISO 3166-1 alpha-2, "" where it is not known.
        message_type: `TRANSACTIONAL` or `PROMOTIONAL`.
        parts: how many parts it took.
        keyword: the program that it belongs to.
        campaign: the campaign, None for a message that was sent directly.
        context: what the sender has attached.
    """

    type: str
    record_status: str
    application_id: str
    client_id: str = attrs.field(repr=False)
    message_id: str
    request_id: str
    sent: int
    arrival: int
    address: str = attrs.field(repr=False)
    origination_number: str = ""
    country: str = ""
    message_type: str = "TRANSACTIONAL"
    parts: int = 1
    keyword: str = ""
    campaign: CampaignNames | None = None
    context: Mapping[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen(kw_only=True)
class CampaignSend:
    """What a campaign has done about one endpoint.

    Attributes:
        status: a `campaign_send_status`, such as `SUCCESS`, `HOLDOUT` or `QUIET_TIME`.
        application_id: the application.
        endpoint_id: the endpoint.
        campaign: the campaign.
        at: when, milliseconds since 1970.
        delivery_type: the channel type, or `CUSTOM`; "" where none was chosen.
        endpoint: the endpoint as GetEndpoint shows it.
    """

    status: str
    application_id: str
    endpoint_id: str = attrs.field(repr=False)
    campaign: CampaignNames
    at: int
    delivery_type: str = ""
    endpoint: Mapping[str, object] = attrs.field(factory=dict, repr=False)


def email_record(event: EmailEvent, form: StreamForm) -> str:
    """Return the record of what has happened to an e-mail."""
    names = {} if event.campaign is None else event.campaign.members
    if form.messages == "2018":
        return _line(
            {
                **_head(event.type, event.sent, event.arrival, _OLD_VERSION, event.application_id),
                "client": {"client_id": event.client_id},
                "device": {"platform": {}},
                "session": {},
                "attributes": names,
                "metrics": {},
            }
        )
    given = [
        ("From", event.sender),
        ("To", event.address),
        ("Subject", event.subject),
        *event.headers.items(),
    ]
    mail = {
        "message_id": event.message_id,
        "message_send_timestamp": event.sent,
        "from_address": event.sender,
        "destination": [event.address],
        "headers_truncated": False,
        "headers": [{"name": name, "value": value} for name, value in given if value],
        "common_headers": {
            "from": event.sender,
            "to": [event.address],
            "subject": event.subject,
        },
    }
    member, members = event.facet
    return _line(
        {
            **_head(event.type, event.sent, event.arrival, _VERSION, event.application_id),
            "client": {"client_id": event.client_id},
            "device": {"platform": {}},
            "session": {},
            "attributes": {"feedback": event.feedback, **names},
            "client_context": {
                "custom": {**event.context, "legacy_identifier": event.application_id}
            },
            "awsAccountId": form.account_id,
            "facets": {"email_channel": {"mail_event": {"mail": mail, member: members}}},
        }
    )


def sms_record(event: SmsEvent, form: StreamForm) -> str:
    """Return the record of what has happened to an SMS."""
    names = (event.campaign or CampaignNames("", "")).members
    if form.messages == "2018":
        return _line(_sms_of_2018(event, form))
    attributes = {
        "sender_request_id": event.request_id,
        "destination_phone_number": event.address,
        "record_status": event.record_status,
        "number_of_message_parts": str(event.parts),
        "message_id": event.message_id,
        "message_type": event.message_type.capitalize(),
        **names,
    }
    attributes["origination_phone_number"] = event.origination_number
    attributes["iso_country_code"] = event.country
    if event.context:
        attributes["customer_context"] = orjson.dumps(event.context).decode()
    kept = {name: value for name, value in attributes.items() if value}
    return _line(
        {
            **_head(event.type, event.sent, event.arrival, _VERSION, event.application_id),
            "client": {"client_id": event.client_id},
            "device": {"platform": {}},
            "session": {},
            "attributes": kept,
            "metrics": {"price_in_millicents_usd": 0.0},
            "awsAccountId": form.account_id,
        }
    )


def campaign_record(send: CampaignSend, form: StreamForm) -> str:
    """Return the `_campaign.send` record of one endpoint."""
    attributes = {
        **send.campaign.members,
        "delivery_type": send.delivery_type or None,
        "campaign_type": None,
        "campaign_send_status": send.status,
    }
    names: Sequence[str] = (*_SHOWN, "Address", "Id") if form.endpoint == "full" else _SHOWN
    shown = {name: send.endpoint[name] for name in names if name in send.endpoint}
    return _line(
        {
            **_head("_campaign.send", send.at, send.at, _VERSION, send.application_id),
            "client": {"client_id": send.endpoint_id},
            "device": {"platform": {}},
            "session": {},
            "attributes": {
                name: value
                for name, value in attributes.items()
                if value is not None or name == "campaign_type"
            },
            "client_context": {
                "custom": {
                    "endpoint": orjson.dumps(shown).decode(),
                    "legacy_identifier": send.application_id,
                }
            },
            "awsAccountId": form.account_id,
        }
    )


def _sms_of_2018(event: SmsEvent, form: StreamForm) -> dict[str, object]:
    status = "SUCCESS" if event.record_status == "DELIVERED" else event.record_status
    attributes: dict[str, object] = {
        "message_id": event.message_id,
        "sender_request_id": event.request_id,
        "number_of_message_parts": event.parts,
        "record_status": status,
        "message_type": event.message_type.capitalize(),
    }
    if event.keyword:
        attributes["keyword"] = event.keyword
    if event.country:
        attributes["iso_country_code"] = event.country
    return {
        "account_id": form.account_id,
        "event_type": event.type,
        "arrival_timestamp": event.arrival,
        "timestamp": event.sent,
        "timestamp_created": str(event.sent),
        "application_key": event.application_id,
        "unique_id": event.client_id,
        "attributes": attributes,
        "metrics": {"price_in_millicents_usd": 0.0},
        "facets": {},
        "additional_properties": {},
    }


def _head(
    kind: str, timestamp: int, arrival: int, version: str, application_id: str
) -> dict[str, object]:
    return {
        "event_type": kind,
        "event_timestamp": timestamp,
        "arrival_timestamp": arrival,
        "event_version": version,
        "application": {"app_id": application_id, "sdk": {}},
    }


def _line(members: Mapping[str, object]) -> str:
    return orjson.dumps(members).decode() + "\n"

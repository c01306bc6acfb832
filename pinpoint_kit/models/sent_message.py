"""What became of messages: the answer for each recipient, and what stands in the outbox."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    extra_field,
    instant,
    models_in_order,
    optional_count,
    optional_text,
    private,
    required_text,
    said_by_others,
    text,
    text_list,
    text_values,
)

__all__ = ["MessageResult", "OutboxMessage", "Outcome", "OutcomeReport", "PhoneNumber"]

_SENT = "SUCCESSFUL"
_INVALID_PHONE_TYPE = "INVALID"


class Outcome(str, Enum):
    """What may become of a message after it was sent."""

    DELIVERED = "delivered"
    BOUNCED = "bounced"
    OPENED = "opened"
    CLICKED = "clicked"
    COMPLAINED = "complained"
    OPTED_OUT = "opted_out"


def _date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "date")


def _headers(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "headers")


def _context(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "context")


def _outcomes(value: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(text_list([] if value is None else list(value), "$.outcomes"))


@attrs.frozen(kw_only=True, repr=False)
class MessageResult(Model):
    """What became of the message to one recipient.

    Args:
        address: the address; None where an endpoint that was named does not exist.
        endpoint_id: the endpoint; None for a message to an address.
        user_id: the user, of a message to users.
        delivery_status: `SUCCESSFUL`, `OPT_OUT`, `DUPLICATE`, `PERMANENT_FAILURE`,
            `TEMPORARY_FAILURE`, `THROTTLED` or `UNKNOWN_FAILURE`.
        status_code: the status of what was asked behind Pinpoint, such as 200 or 400.
        status_message: why there is no message, or the message's id in words.
        message_id: the message; None when there is none.
        updated_token: a device token that is new.
        extra: members that the server sent and this version does not know.
    """

    address: str | None = private(default=None, validator=optional_text)
    endpoint_id: str | None = private(default=None, validator=optional_text)
    user_id: str | None = private(default=None, validator=optional_text)
    delivery_status: str = attrs.field(validator=required_text)
    status_code: int | None = attrs.field(default=None, validator=optional_count)
    status_message: str | None = said_by_others(default=None, validator=optional_text)
    message_id: str | None = attrs.field(default=None, validator=optional_text)
    updated_token: str | None = private(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()

    @property
    def is_sent(self) -> bool:
        """Whether the message was taken."""
        return self.delivery_status == _SENT


@attrs.frozen(kw_only=True, repr=False)
class OutcomeReport(Model):
    """One report of what has become of a message.

    Args:
        outcome: one of the values of `Outcome`.
        date: when it was reported.
        bounce_type: `Permanent` or `Transient`, of a bounce.
        link: what was clicked.
        reason: what the other side said.
        user_agent: of a reader.
        ip_address: of a reader.
        extra: members that the server sent and this version does not know.
    """

    outcome: str = attrs.field(validator=required_text)
    date: dt.datetime | None = attrs.field(default=None, converter=_date)
    bounce_type: str | None = attrs.field(default=None, validator=optional_text)
    link: str | None = private(default=None, validator=optional_text)
    reason: str | None = private(default=None, validator=optional_text)
    user_agent: str | None = private(default=None, validator=optional_text)
    ip_address: str | None = private(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()


def _reports(value: Sequence[OutcomeReport] | None) -> tuple[OutcomeReport, ...] | None:
    return models_in_order(OutcomeReport, value, "reports")


@attrs.frozen(kw_only=True, repr=False)
class OutboxMessage(Model):
    """A message in the outbox, as its recipient sees it. Its repr hides whom it is for and says.

    Args:
        id: its id, as the answer that sent it has it.
        creation_date: when it was sent.
        channel_type: its channel, such as `EMAIL`, `SMS` or `GCM`.
        address: whom it went to.
        endpoint_id: the endpoint, in lower case; None for an address without one.
        user_id: the endpoint's user.
        kind: `direct`, `otp` or `campaign`.
        title: the subject of an e-mail, or the title of a push message; "" without one.
        body: the text.
        html: the HTML of an e-mail; "" without one.
        sender: whom it is from: an address, or a sender id.
        origination_number: the number that an SMS or a call comes from.
        message_type: `TRANSACTIONAL` or `PROMOTIONAL`, of an SMS.
        headers: of an e-mail, by name.
        payload: the JSON of a push message, as the platform's service hands it to an app.
        parts: how many parts an SMS takes.
        otp: the code, of a one-time password that no transport has taken.
        context: what the sender has attached.
        trace_id: the sender's own id.
        campaign_id: the campaign that has sent it.
        treatment_id: the treatment of it.
        activity_id: the run of it.
        delivery_status: as in `MessageResult`, or `PENDING`.
        status_code: as in `MessageResult`.
        status_message: as in `MessageResult`.
        outcomes: what was reported of it, each once, in their order.
        reports: all reports; None in lists.
        extra: members that the server sent and this version does not know.
    """

    id: str = attrs.field(validator=required_text)
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    channel_type: str = attrs.field(default="", validator=text)
    address: str = private(default="", validator=text)
    endpoint_id: str | None = private(default=None, validator=optional_text)
    user_id: str | None = private(default=None, validator=optional_text)
    kind: str = attrs.field(default="", validator=text)
    title: str = private(default="", validator=text)
    body: str = private(default="", validator=text)
    html: str = private(default="", validator=text)
    sender: str = private(default="", validator=text)
    origination_number: str = private(default="", validator=text)
    message_type: str = attrs.field(default="", validator=text)
    headers: Mapping[str, str] | None = private(default=None, converter=_headers)
    payload: str = private(default="", validator=text)
    parts: int | None = attrs.field(default=None, validator=optional_count)
    otp: str | None = private(default=None, validator=optional_text)
    context: Mapping[str, str] | None = private(default=None, converter=_context)
    trace_id: str | None = private(default=None, validator=optional_text)
    campaign_id: str | None = attrs.field(default=None, validator=optional_text)
    treatment_id: str | None = attrs.field(default=None, validator=optional_text)
    activity_id: str | None = attrs.field(default=None, validator=optional_text)
    delivery_status: str = attrs.field(default="", validator=text)
    status_code: int | None = attrs.field(default=None, validator=optional_count)
    status_message: str = said_by_others(default="", validator=text)
    outcomes: tuple[str, ...] = attrs.field(default=(), converter=_outcomes)
    reports: tuple[OutcomeReport, ...] | None = attrs.field(default=None, converter=_reports)
    extra: dict[str, JsonValue] = extra_field()

    @property
    def subject(self) -> str:
        """The title, as e-mail calls it."""
        return self.title

    @property
    def text(self) -> str:
        """The body, as e-mail calls it."""
        return self.body


@attrs.frozen(kw_only=True, repr=False)
class PhoneNumber(Model):
    """What is known of a telephone number.

    Args:
        original_phone_number: as it was asked for.
        original_country_code_iso2: the country that was named with it.
        cleansed_phone_number_e164: in E.164 form, `+` and digits.
        cleansed_phone_number_national: as it is dialled within its country, digits only.
        country: the name of the country.
        country_code_iso2: its code in ISO 3166-1 alpha-2.
        country_code_numeric: its calling code.
        city: where it was registered first.
        county: likewise.
        zip_code: likewise.
        timezone: the time zone there.
        carrier: who runs it.
        phone_type: `MOBILE`, `LANDLINE`, `VOIP`, `INVALID`, `PREPAID` or `OTHER`.
        phone_type_code: the same as a number, 0 to 5.
        extra: members that the server sent and this version does not know.
    """

    original_phone_number: str | None = private(default=None, validator=optional_text)
    original_country_code_iso2: str | None = attrs.field(default=None, validator=optional_text)
    cleansed_phone_number_e164: str | None = private(default=None, validator=optional_text)
    cleansed_phone_number_national: str | None = private(default=None, validator=optional_text)
    country: str | None = attrs.field(default=None, validator=optional_text)
    country_code_iso2: str | None = attrs.field(default=None, validator=optional_text)
    country_code_numeric: str | None = attrs.field(default=None, validator=optional_text)
    city: str | None = private(default=None, validator=optional_text)
    county: str | None = private(default=None, validator=optional_text)
    zip_code: str | None = private(default=None, validator=optional_text)
    timezone: str | None = attrs.field(default=None, validator=optional_text)
    carrier: str | None = attrs.field(default=None, validator=optional_text)
    phone_type: str | None = attrs.field(default=None, validator=optional_text)
    phone_type_code: int | None = attrs.field(default=None, validator=optional_count)
    extra: dict[str, JsonValue] = extra_field()

    @property
    def is_valid(self) -> bool:
        """Whether there can be such a number."""
        return self.phone_type not in {None, _INVALID_PHONE_TYPE}

    @property
    def e164(self) -> str | None:
        """The number in E.164 form; None for one that is not valid."""
        return self.cleansed_phone_number_e164

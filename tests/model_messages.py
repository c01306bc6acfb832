"""One of each model about messages, for the tests that every model has to pass."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pinpoint_kit as pk

if TYPE_CHECKING:
    from pinpoint_kit.models.base import Model

__all__ = ["EXAMPLES", "SHOWN"]

_AT = dt.datetime(2020, 2, 29, 23, 59, 58, 987000, tzinfo=dt.timezone.utc)

EXAMPLES: list[Model] = [
    pk.DirectEmail(subject="s", text="t", html="<p>", reply_to=("r@example.com",), template="t"),
    pk.DirectMessage(body="b", email=pk.DirectEmail(subject="s"), substitutions={"n": ["v"]}),
    pk.DirectPush(title="t", data={"k": "v"}, badge=1, is_silent=True),
    pk.DirectSms(body="b", message_type=pk.MessageType.PROMOTIONAL),
    pk.DirectVoice(body="b", voice_id="v"),
    pk.MessageResult(address="a", delivery_status="SUCCESSFUL", status_code=200, message_id="m"),
    pk.OutboxMessage(
        id="m",
        creation_date=_AT,
        channel_type="SMS",
        address="+12065550100",
        headers={"X-A": "b"},
        outcomes=("delivered",),
        reports=(pk.OutcomeReport(outcome="delivered", date=_AT),),
    ),
    pk.OptedOutAddress(address="a", channel_type="SMS", reason="opted_out", since=_AT),
    pk.OutcomeReport(outcome="clicked", link="https://example.com/"),
    pk.PhoneNumber(phone_type="MOBILE", phone_type_code=0),
    pk.Recipient(channel_type=pk.ChannelType.SMS, substitutions={"n": ["v"]}, context={"k": "v"}),
]

#: Fields whose text a repr may show: none of them is about a person.
SHOWN = {
    *("id", "message_id", "campaign_id", "treatment_id", "activity_id"),
    *("channel_type", "kind", "message_type", "delivery_status", "status_message"),
    *("outcome", "outcomes", "bounce_type"),
    *("sender_id", "keyword", "entity_id", "template_id", "template", "sound"),
    *("language_code", "voice_id"),
    *("country", "country_code_iso2", "country_code_numeric", "original_country_code_iso2"),
    *("timezone", "carrier", "phone_type"),
}

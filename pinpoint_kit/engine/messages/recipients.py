"""Recipients of direct messages: who they are, and why one gets nothing. Pure.

The order in which a recipient is decided about: is its channel on, is its address known, has it
opted out or gone inactive, has its address opted out, was it there before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.engine.messages.rendering.plans import CHANNELS, not_a_channel

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["LISTED", "Recipient", "Refusal", "is_number", "problem_of", "refusal_of"]

_EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
_NUMBER = re.compile(r"\+?[1-9][0-9]{3,14}")
_MAX_ADDRESS_CHARS = 4_096

#: What turns each channel on.
_UPDATES = {
    "ADM": "UpdateAdmChannel",
    "APNS": "UpdateApnsChannel",
    "APNS_SANDBOX": "UpdateApnsSandboxChannel",
    "APNS_VOIP": "UpdateApnsVoipChannel",
    "APNS_VOIP_SANDBOX": "UpdateApnsVoipSandboxChannel",
    "BAIDU": "UpdateBaiduChannel",
    "EMAIL": "UpdateEmailChannel",
    "GCM": "UpdateGcmChannel",
    "SMS": "UpdateSmsChannel",
    "VOICE": "UpdateVoiceChannel",
}
#: What the command that turns a channel on needs, where it is no file with keys.
_OPTIONS = {"EMAIL": " --from ADDRESS", "SMS": "", "VOICE": ""}
#: What is said of an address that is among the opt-outs.
LISTED = "The address is among the opt-outs; `pinpoint-kit opt-out remove` lifts that"


@attrs.frozen(kw_only=True)
class Recipient:
    """One address or endpoint that a request names.

    Attributes:
        channel: its channel type; None where it is not known.
        address: its address; None where it is not known.
        shown: the endpoint as GetEndpoint shows it, or address and channel.
        settings: what the request says of this recipient alone.
        key: the endpoint's id in lower case; None for an address.
        endpoint_id: the endpoint's id as it was first written.
        user_id: the endpoint's user.
        is_out: whether it has opted out, or is inactive.
    """

    channel: str | None
    address: str | None = attrs.field(repr=False)
    shown: Mapping[str, object] = attrs.field(repr=False)
    settings: Mapping[str, object] = attrs.field(repr=False)
    key: str | None = attrs.field(default=None, repr=False)
    endpoint_id: str | None = attrs.field(default=None, repr=False)
    user_id: str | None = attrs.field(default=None, repr=False)
    is_out: bool = False


@attrs.frozen
class Refusal:
    """Why a recipient gets nothing: a DeliveryStatus, a StatusCode and a StatusMessage."""

    status: str
    code: int
    text: str


def refusal_of(
    recipient: Recipient,
    enabled: Collection[str],
    seen: Collection[tuple[str, str]],
    opted_out: Collection[tuple[str, str]],
) -> Refusal | None:
    """Return why a recipient gets nothing, None when it gets its message.

    Args:
        recipient: the recipient.
        enabled: the channels that are on.
        seen: channel and address of those that were decided about before.
        opted_out: channel and address of those that are among the opt-outs.
    """
    channel, address = recipient.channel or "", recipient.address or ""
    problem = _problem_of_channel(channel, enabled) or problem_of(channel, address)
    if problem:
        return Refusal("PERMANENT_FAILURE", 400, problem)
    if recipient.is_out:
        return Refusal("OPT_OUT", 200, "The endpoint has opted out, or is inactive")
    if (channel, address) in opted_out:
        return Refusal("OPT_OUT", 200, LISTED)
    if (channel, address) in seen:
        return Refusal("DUPLICATE", 200, "The address was given twice")
    return None


def problem_of(channel: str, address: str) -> str:
    """Return what is wrong with an address, without the address; "" for nothing."""
    if not address:
        return "The endpoint has no address"
    if len(address) > _MAX_ADDRESS_CHARS:
        return f"The address has more than {_MAX_ADDRESS_CHARS} characters"
    if channel == "EMAIL" and _EMAIL.fullmatch(address) is None:
        return "The address is no e-mail address"
    if channel in {"SMS", "VOICE"} and not is_number(address):
        return "The address is no telephone number in E.164 form, such as +12065550100"
    return ""


def is_number(text: str) -> bool:
    """Return whether a text is a telephone number in E.164 form, with or without its plus sign."""
    return _NUMBER.fullmatch(text) is not None


def _problem_of_channel(channel: str, enabled: Collection[str]) -> str:
    if not channel:
        return "Missing ChannelType"
    if channel not in CHANNELS:
        return not_a_channel(channel)
    if channel not in enabled:
        return (
            f"The {channel} channel is not enabled; call {_UPDATES[channel]}, or run"
            f" `pinpoint-kit message enable {channel}{_OPTIONS.get(channel, ' --keys FILE')}`"
        )
    return ""

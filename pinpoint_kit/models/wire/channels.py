"""Channels as operations spell them: UpdateGcmChannel(GCMChannelRequest=…) is for `GCM`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "CHANNEL_KEYS",
    "channel_operation",
    "channel_request",
    "platform_keys",
    "sending_channel",
]

_WITHOUT_KEYS = ("EMAIL", "SMS", "VOICE")

#: Channel -> the members of its request that are its platform's keys, as alternatives.
CHANNEL_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "ADM": (("ClientId", "ClientSecret"),),
    **dict.fromkeys(
        ("APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX"),
        (("BundleId", "TeamId", "TokenKey", "TokenKeyId"), ("Certificate", "PrivateKey")),
    ),
    "BAIDU": (("ApiKey", "SecretKey"),),
    "GCM": (("ServiceJson",), ("ApiKey",)),
}


def channel_operation(verb: str, kind: str) -> str:
    """Return the name of an operation: `Update` and `APNS_VOIP` are UpdateApnsVoipChannel."""
    return f"{verb}{_camel(kind)}Channel"


def channel_request(kind: str) -> str:
    """Return the parameter of a channel's Update operation: that of `GCM` is GCMChannelRequest."""
    name = _camel(kind)
    for word in ("Adm", "Apns", "Gcm", "Sms"):
        name = name.replace(word, word.upper())
    return f"{name}ChannelRequest"


def sending_channel(kind: str) -> str:
    """Return a channel that messages are sent through.

    Raises:
        ValidationError: it is another one.
    """
    if kind not in _WITHOUT_KEYS and kind not in CHANNEL_KEYS:
        known = ", ".join(sorted((*_WITHOUT_KEYS, *CHANNEL_KEYS)))
        raise ValidationError(
            f"no messages are sent through {kind}: name one of {known}", "$.channel"
        )
    return kind


def platform_keys(kind: str, keys: Mapping[str, str] | None) -> dict[str, str]:
    """Return the keys of a push channel.

    Raises:
        ValidationError: some are missing.
    """
    found = dict(keys or {})
    if not any(found.keys() >= set(names) for names in CHANNEL_KEYS[kind]):
        wanted = ", or ".join(" and ".join(names) for names in CHANNEL_KEYS[kind])
        raise ValidationError(f"{kind} needs the keys of its platform: {wanted}", "$.keys")
    return found


def _camel(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("_"))

"""Messages as SendMessages and SendUsersMessages have them, and as the outbox gives them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.models.sent_message import OutboxMessage
from pinpoint_kit.models.wire.codec import from_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.models.base import JsonValue
    from pinpoint_kit.models.campaigns.message import TemplateReference
    from pinpoint_kit.models.direct_message import (
        DirectEmail,
        DirectMessage,
        DirectPush,
        DirectSms,
        DirectVoice,
        Recipient,
    )

__all__ = [
    "direct_message",
    "message_templates",
    "outbox_message",
    "recipient_request",
]

_PLATFORMS = {
    "APNSMessage": "apns",
    "GCMMessage": "gcm",
    "ADMMessage": "adm",
    "BaiduMessage": "baidu",
}
#: Members of a platform's message.
_PUSH = {
    "Title": "title",
    "Body": "body",
    "Url": "url",
    "ImageUrl": "image_url",
    "ImageIconUrl": "image_icon_url",
    "MediaUrl": "media_url",
    "RawContent": "raw_content",
    "SilentPush": "is_silent",
    "TimeToLive": "time_to_live",
}
#: Members that only iOS has, and those that it has not.
_IOS = frozenset({"MediaUrl", "Badge"})
_NOT_IOS = frozenset({"ImageUrl", "ImageIconUrl", "SmallImageIconUrl"})


def direct_message(message: DirectMessage) -> dict[str, JsonValue]:
    """Return the DirectMessageConfiguration of a message.

    What `push` says beyond the members that all platforms share stands in each platform's own.
    """
    made: dict[str, JsonValue] = {
        "DefaultMessage": _given(Body=message.body, Substitutions=message.substitutions),
        "EmailMessage": _direct_email(message.email),
        "SMSMessage": _sms(message.sms),
        "VoiceMessage": _voice(message.voice),
    }
    for name, field in _PLATFORMS.items():
        made[name] = _platform(getattr(message, field) or message.push, name)
    if message.push is not None:
        shared = _platform(message.push, "")
        names = ("Action", "Body", "Data", "SilentPush", "Title", "Url")
        made["DefaultPushNotificationMessage"] = {
            name: shared[name] for name in names if name in shared
        }
    return {name: members for name, members in made.items() if members}


def message_templates(message: DirectMessage) -> dict[str, JsonValue]:
    """Return the TemplateConfiguration of a message; empty when it names no template."""
    named = {
        "EmailTemplate": message.email and message.email.template,
        "PushTemplate": message.push and message.push.template,
        "SMSTemplate": message.sms and message.sms.template,
        "VoiceTemplate": message.voice and message.voice.template,
    }
    return {name: _reference(template) for name, template in named.items() if template}


def recipient_request(recipient: Recipient) -> dict[str, JsonValue]:
    """Return the AddressConfiguration or EndpointSendConfiguration of a recipient."""
    channel = recipient.channel_type
    return _given(
        ChannelType=None if channel is None else channel.value,
        TitleOverride=recipient.title,
        BodyOverride=recipient.body,
        RawContent=recipient.raw_content,
        Substitutions=recipient.substitutions,
        Context=recipient.context,
    )


def outbox_message(item: Mapping[str, Any]) -> OutboxMessage:
    """Read a message of the outbox, whose content stands in a member of its own."""
    content = {**(item.get("Content") or {})}
    beside = content.pop("Data", None) or {}
    members = {name: value for name, value in item.items() if name != "Content"}
    return from_wire(OutboxMessage, {**beside, **content, **members})


def _given(**members: JsonValue) -> dict[str, JsonValue]:
    return {name: value for name, value in members.items() if value is not None}


def _reference(template: TemplateReference) -> dict[str, JsonValue]:
    return _given(Name=template.name, Version=template.version)


def _headers(email: DirectEmail) -> list[JsonValue] | None:
    if email.headers is None:
        return None
    return [{"Name": name, "Value": value} for name, value in email.headers.items()]


def _direct_email(email: DirectEmail | None) -> dict[str, JsonValue]:
    if email is None:
        return {}
    parts = {"Subject": email.subject, "TextPart": email.text, "HtmlPart": email.html}
    simple: dict[str, JsonValue] = {
        name: {"Charset": "UTF-8", "Data": text} for name, text in parts.items() if text
    }
    headers = _headers(email)
    if headers:
        simple["Headers"] = headers
    return _given(
        FromAddress=email.from_address,
        ReplyToAddresses=None if email.reply_to is None else list(email.reply_to),
        SimpleEmail=simple or None,
    )


def _sms(sms: DirectSms | None) -> dict[str, JsonValue]:
    if sms is None:
        return {}
    return _given(
        Body=sms.body,
        MessageType=None if sms.message_type is None else sms.message_type.value,
        SenderId=sms.sender_id,
        OriginationNumber=sms.origination_number,
        Keyword=sms.keyword,
        EntityId=sms.entity_id,
        TemplateId=sms.template_id,
    )


def _voice(voice: DirectVoice | None) -> dict[str, JsonValue]:
    if voice is None:
        return {}
    return _given(
        Body=voice.body,
        LanguageCode=voice.language_code,
        VoiceId=voice.voice_id,
        OriginationNumber=voice.origination_number,
    )


def _push(message: DirectPush) -> dict[str, JsonValue]:
    members = {name: getattr(message, field) for name, field in _PUSH.items()}
    return _given(Action=None if message.action is None else message.action.value, **members)


def _platform(message: DirectPush | None, name: str) -> dict[str, JsonValue]:
    """Return what SendMessages takes for one platform; for "", all that there is."""
    if message is None:
        return {}
    made = {
        **_push(message),
        **_given(
            Badge=message.badge,
            Data=message.data,
            SmallImageIconUrl=message.small_image_icon_url,
            Sound=message.sound,
        ),
    }
    left_out = _NOT_IOS if name == "APNSMessage" else _IOS
    if name == "ADMMessage":
        left_out |= {"TimeToLive"}
    return made if not name else {key: made[key] for key in made if key not in left_out}

"""A message that is sent directly: what it says on each channel, and for single recipients.

Campaigns have a configuration of their own, see models/campaigns/message.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from pinpoint_kit.models.base import (
    AttributeLists,
    AttributeListsInput,
    JsonValue,
    Model,
    attribute_lists,
    enum_member,
    extra_field,
    optional_count,
    optional_flag,
    optional_model,
    optional_text,
    private,
    text_list,
    text_values,
)
from pinpoint_kit.models.campaigns.message import (
    MessageAction,
    MessageType,
    TemplateReference,
)
from pinpoint_kit.models.endpoint import ChannelType

__all__ = [
    "DirectEmail",
    "DirectMessage",
    "DirectPush",
    "DirectSms",
    "DirectVoice",
    "Recipient",
]


def _message_type(value: MessageType | str | None) -> MessageType | None:
    return enum_member(MessageType, value, "message_type")


def _action(value: MessageAction | str | None) -> MessageAction | None:
    return enum_member(MessageAction, value, "action")


def _channel_type(value: ChannelType | str | None) -> ChannelType | None:
    return enum_member(ChannelType, value, "channel_type")


def _substitutions(value: AttributeListsInput | None) -> AttributeLists | None:
    return attribute_lists(value, "substitutions")


def _headers(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "headers")


def _data(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "data")


def _context(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "context")


def _reply_to(value: str | Sequence[str] | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(text_list([value] if isinstance(value, str) else value, "$.reply_to"))


def _template(value: TemplateReference | str | None) -> TemplateReference | None:
    return TemplateReference(name=value) if isinstance(value, str) else value


@attrs.frozen(kw_only=True, repr=False)
class DirectEmail(Model):
    """What an e-mail says. Texts may have variables: `Hello {{User.UserAttributes.Name}}`.

    Args:
        subject: its subject.
        text: the text for readers without HTML.
        html: the HTML.
        from_address: whom it is from; the channel's address unless given.
        reply_to: one or several addresses for answers.
        headers: further headers, by name, at most 15.
        template: a template, or its name; what the message says itself wins over it.
        extra: members that the server sent and this version does not know.
    """

    subject: str | None = private(default=None, validator=optional_text)
    text: str | None = private(default=None, validator=optional_text)
    html: str | None = private(default=None, validator=optional_text)
    from_address: str | None = private(default=None, validator=optional_text)
    reply_to: Sequence[str] | None = private(default=None, converter=_reply_to)
    headers: Mapping[str, str] | None = private(default=None, converter=_headers)
    template: TemplateReference | None = attrs.field(
        default=None, converter=_template, validator=optional_model(TemplateReference)
    )
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class DirectSms(Model):
    """What an SMS says.

    Args:
        body: its text, at most 1,600 characters; a long one takes several parts.
        message_type: what it is for; TRANSACTIONAL unless given.
        sender_id: the name that it comes from, where a country allows that.
        origination_number: the number that it comes from.
        keyword: the program that it belongs to.
        entity_id: the sender's id in countries that register senders.
        template_id: the text's id there.
        template: a template, or its name; what the message says itself wins over it.
        extra: members that the server sent and this version does not know.
    """

    body: str | None = private(default=None, validator=optional_text)
    message_type: MessageType | None = attrs.field(default=None, converter=_message_type)
    sender_id: str | None = attrs.field(default=None, validator=optional_text)
    origination_number: str | None = private(default=None, validator=optional_text)
    keyword: str | None = attrs.field(default=None, validator=optional_text)
    entity_id: str | None = attrs.field(default=None, validator=optional_text)
    template_id: str | None = attrs.field(default=None, validator=optional_text)
    template: TemplateReference | None = attrs.field(
        default=None, converter=_template, validator=optional_model(TemplateReference)
    )
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class DirectPush(Model):
    """What a push message says, on one platform or on all of them.

    Args:
        title: above the text.
        body: the text.
        action: what a tap does; OPEN_APP unless given.
        url: where a tap leads, with the actions DEEP_LINK and URL.
        image_url: a picture to show, for Android.
        image_icon_url: a large icon, for Android.
        small_image_icon_url: a small icon, for Android.
        media_url: a picture or film, for iOS.
        sound: what to play.
        data: what the app gets beside the text.
        is_silent: whether nothing is shown.
        badge: the number at the app's icon, for iOS.
        time_to_live: how long the platform keeps trying, in seconds.
        raw_content: the whole payload as JSON text, in the place of everything else.
        template: a template, or its name; only in `DirectMessage.push`.
        extra: members that the server sent and this version does not know.
    """

    title: str | None = private(default=None, validator=optional_text)
    body: str | None = private(default=None, validator=optional_text)
    action: MessageAction | None = attrs.field(default=None, converter=_action)
    url: str | None = private(default=None, validator=optional_text)
    image_url: str | None = private(default=None, validator=optional_text)
    image_icon_url: str | None = private(default=None, validator=optional_text)
    small_image_icon_url: str | None = private(default=None, validator=optional_text)
    media_url: str | None = private(default=None, validator=optional_text)
    sound: str | None = attrs.field(default=None, validator=optional_text)
    data: Mapping[str, str] | None = private(default=None, converter=_data)
    is_silent: bool | None = attrs.field(default=None, validator=optional_flag)
    badge: int | None = attrs.field(default=None, validator=optional_count)
    time_to_live: int | None = attrs.field(default=None, validator=optional_count)
    raw_content: str | None = private(default=None, validator=optional_text)
    template: TemplateReference | None = attrs.field(
        default=None, converter=_template, validator=optional_model(TemplateReference)
    )
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class DirectVoice(Model):
    """What a call says.

    Args:
        body: the text that is read out.
        language_code: the language of the voice, such as `en-US`.
        voice_id: the voice.
        origination_number: the number that calls.
        template: a template, or its name; what the message says itself wins over it.
        extra: members that the server sent and this version does not know.
    """

    body: str | None = private(default=None, validator=optional_text)
    language_code: str | None = attrs.field(default=None, validator=optional_text)
    voice_id: str | None = attrs.field(default=None, validator=optional_text)
    origination_number: str | None = private(default=None, validator=optional_text)
    template: TemplateReference | None = attrs.field(
        default=None, converter=_template, validator=optional_model(TemplateReference)
    )
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class DirectMessage(Model):
    """What a message says. `body` serves all channels; what a channel has of its own wins.

    Texts may have variables in double braces, filled in for each recipient.

    Args:
        body: the text for every channel without one of its own.
        email: what an e-mail says.
        sms: what an SMS says.
        push: what a push message says, on all platforms.
        apns: on iOS, in the place of `push`.
        gcm: through Firebase, in the place of `push`.
        adm: on Amazon's devices, in the place of `push`.
        baidu: through Baidu, in the place of `push`.
        voice: what a call says.
        substitutions: name -> value or values, for variables that a recipient has no value for.
        extra: members that the server sent and this version does not know.

    Examples:
        >>> from pinpoint_kit import DirectEmail, DirectMessage
        >>> DirectMessage(body="Your order is on its way", email=DirectEmail(subject="Your order"))
        DirectMessage(body=<hidden>, email=DirectEmail(subject=<hidden>))
    """

    body: str | None = private(default=None, validator=optional_text)
    email: DirectEmail | None = attrs.field(default=None, validator=optional_model(DirectEmail))
    sms: DirectSms | None = attrs.field(default=None, validator=optional_model(DirectSms))
    push: DirectPush | None = attrs.field(default=None, validator=optional_model(DirectPush))
    apns: DirectPush | None = attrs.field(default=None, validator=optional_model(DirectPush))
    gcm: DirectPush | None = attrs.field(default=None, validator=optional_model(DirectPush))
    adm: DirectPush | None = attrs.field(default=None, validator=optional_model(DirectPush))
    baidu: DirectPush | None = attrs.field(default=None, validator=optional_model(DirectPush))
    voice: DirectVoice | None = attrs.field(default=None, validator=optional_model(DirectVoice))
    substitutions: AttributeLists | None = private(default=None, converter=_substitutions)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class Recipient(Model):
    """What is different for one recipient of a message.

    Args:
        channel_type: the channel of an address; endpoints know their own.
        title: in the place of the title or the subject.
        body: in the place of the text.
        raw_content: the whole payload of a push message as JSON text.
        substitutions: name -> value or values; they win over everything else.
        context: name -> text that goes with the message, and into its event-stream records.
        extra: members that the server sent and this version does not know.
    """

    channel_type: ChannelType | None = attrs.field(default=None, converter=_channel_type)
    title: str | None = private(default=None, validator=optional_text)
    body: str | None = private(default=None, validator=optional_text)
    raw_content: str | None = private(default=None, validator=optional_text)
    substitutions: AttributeLists | None = private(default=None, converter=_substitutions)
    context: Mapping[str, str] | None = private(default=None, converter=_context)
    extra: dict[str, JsonValue] = extra_field()

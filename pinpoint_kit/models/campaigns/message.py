"""What a campaign says: a message for each channel, or templates in their place.

Values only. What a template's text means, and which message an endpoint gets, is the business of
whoever sends it.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    enum_member,
    extra_field,
    models_in_order,
    optional_count,
    optional_flag,
    optional_model,
    optional_text,
    private,
    required_text,
)
from pinpoint_kit.models.campaigns.in_app import InAppMessage

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "CustomMessage",
    "EmailMessage",
    "Message",
    "MessageAction",
    "MessageConfiguration",
    "MessageHeader",
    "MessageType",
    "SMSMessage",
    "TemplateConfiguration",
    "TemplateReference",
]

_MAX_HEADERS = 15


class MessageAction(str, Enum):
    """What happens when a notification is tapped."""

    OPEN_APP = "OPEN_APP"
    DEEP_LINK = "DEEP_LINK"
    URL = "URL"


class MessageType(str, Enum):
    """Whether a text message is wanted at once, or advertises something."""

    TRANSACTIONAL = "TRANSACTIONAL"
    PROMOTIONAL = "PROMOTIONAL"


def _action(value: MessageAction | str | None) -> MessageAction | None:
    return enum_member(MessageAction, value, "action")


def _message_type(value: MessageType | str | None) -> MessageType | None:
    return enum_member(MessageType, value, "message_type")


@attrs.frozen(kw_only=True, repr=False)
class Message(Model):
    """A push notification, and what push endpoints get that have no message of their own.

    Args:
        title: its title.
        body: its text. Handlebars such as `{{User.UserAttributes.FirstName}}` are filled in.
        action: what happens when it is tapped; OPEN_APP unless given.
        url: where URL and DEEP_LINK lead.
        image_url: a picture.
        image_icon_url: the icon of the notification.
        image_small_icon_url: its icon in the status bar.
        media_url: a picture or film to show in the notification.
        json_body: data for the app, as JSON text.
        raw_content: the whole payload for the push service as JSON text; it replaces the rest.
        silent_push: whether the app gets it and nothing is shown.
        time_to_live: seconds that the push service keeps it for a device that is away.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the action is not known.

    Source: Message of the service model.
    """

    title: str | None = attrs.field(default=None, validator=optional_text)
    body: str | None = private(default=None, validator=optional_text)
    action: MessageAction | None = attrs.field(default=None, converter=_action)
    url: str | None = attrs.field(default=None, validator=optional_text)
    image_url: str | None = attrs.field(default=None, validator=optional_text)
    image_icon_url: str | None = attrs.field(default=None, validator=optional_text)
    image_small_icon_url: str | None = attrs.field(default=None, validator=optional_text)
    media_url: str | None = attrs.field(default=None, validator=optional_text)
    json_body: str | None = private(default=None, validator=optional_text)
    raw_content: str | None = private(default=None, validator=optional_text)
    silent_push: bool | None = attrs.field(default=None, validator=optional_flag)
    time_to_live: int | None = attrs.field(default=None, validator=optional_count)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class MessageHeader(Model):
    """A header of an e-mail.

    Args:
        name: its name, at most 126 characters.
        value: its value, at most 870 characters.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the name is empty.

    Source: MessageHeader of the service model.
    """

    name: str = attrs.field(validator=required_text)
    value: str | None = private(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()


def _headers(value: Sequence[MessageHeader] | None) -> tuple[MessageHeader, ...] | None:
    headers = models_in_order(MessageHeader, value, "headers")
    if headers is not None and len(headers) > _MAX_HEADERS:
        raise ValidationError(
            f"has {len(headers)} headers, and an e-mail takes {_MAX_HEADERS}: leave some out",
            "$.headers",
        )
    return headers


@attrs.frozen(kw_only=True, repr=False)
class EmailMessage(Model):
    """The e-mail of a campaign.

    Args:
        title: the subject.
        body: the text for programs that show no HTML.
        html_body: the text as HTML.
        from_address: the sender; that of the e-mail channel unless given.
        headers: at most 15.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: there are more than 15 headers.

    Source: CampaignEmailMessage of the service model.
    """

    title: str | None = attrs.field(default=None, validator=optional_text)
    body: str | None = private(default=None, validator=optional_text)
    html_body: str | None = private(default=None, validator=optional_text)
    from_address: str | None = private(default=None, validator=optional_text)
    headers: tuple[MessageHeader, ...] | None = attrs.field(default=None, converter=_headers)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class SMSMessage(Model):
    """The text message of a campaign.

    Args:
        body: its text.
        message_type: TRANSACTIONAL or PROMOTIONAL.
        origination_number: the number it comes from.
        sender_id: the name it comes from, where a country has that.
        entity_id: the id of the sender at a country's regulator.
        template_id: the id of the text at a country's regulator.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the message type is not known.

    Source: CampaignSmsMessage of the service model.
    """

    body: str | None = private(default=None, validator=optional_text)
    message_type: MessageType | None = attrs.field(default=None, converter=_message_type)
    origination_number: str | None = private(default=None, validator=optional_text)
    sender_id: str | None = attrs.field(default=None, validator=optional_text)
    entity_id: str | None = attrs.field(default=None, validator=optional_text)
    template_id: str | None = attrs.field(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class CustomMessage(Model):
    """What a custom channel is given for everybody; see `CustomDelivery`.

    Args:
        data: any text, at most 5 KB.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.

    Source: CampaignCustomMessage of the service model.
    """

    data: str | None = private(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class MessageConfiguration(Model):
    """The messages of a campaign or a treatment; an endpoint gets the one of its channel.

    Args:
        default_message: for push endpoints whose channel has no message here.
        apns_message: for Apple's devices.
        gcm_message: for Firebase.
        adm_message: for Amazon's devices.
        baidu_message: for Baidu.
        email_message: the e-mail.
        sms_message: the text message.
        custom_message: for a custom channel, with `CustomDelivery`.
        in_app_message: for a campaign of `Frequency.IN_APP_EVENT`.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.

    Source: MessageConfiguration of the service model.
    """

    default_message: Message | None = attrs.field(default=None, validator=optional_model(Message))
    apns_message: Message | None = attrs.field(default=None, validator=optional_model(Message))
    gcm_message: Message | None = attrs.field(default=None, validator=optional_model(Message))
    adm_message: Message | None = attrs.field(default=None, validator=optional_model(Message))
    baidu_message: Message | None = attrs.field(default=None, validator=optional_model(Message))
    email_message: EmailMessage | None = attrs.field(
        default=None, validator=optional_model(EmailMessage)
    )
    sms_message: SMSMessage | None = attrs.field(default=None, validator=optional_model(SMSMessage))
    custom_message: CustomMessage | None = attrs.field(
        default=None, validator=optional_model(CustomMessage)
    )
    in_app_message: InAppMessage | None = attrs.field(
        default=None, validator=optional_model(InAppMessage)
    )
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class TemplateReference(Model):
    """A stored template.

    Args:
        name: its name.
        version: a version of it; the one that is active at each run unless given.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the name is empty.

    Source: Template of the service model.
    """

    name: str = attrs.field(validator=required_text)
    version: str | None = attrs.field(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()


def _template(value: TemplateReference | str | None) -> object:
    return TemplateReference(name=value) if isinstance(value, str) else value


@attrs.frozen(kw_only=True, repr=False)
class TemplateConfiguration(Model):
    """The templates of a campaign or a treatment; a name alone stands for its active version.

    Args:
        email_template: for e-mail.
        push_template: for push.
        sms_template: for text messages.
        voice_template: for voice messages; not for campaigns.
        in_app_template: for a campaign of `Frequency.IN_APP_EVENT`.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: a name is empty.

    Source: TemplateConfiguration of the service model.
    """

    email_template: TemplateReference | None = attrs.field(
        default=None, converter=_template, validator=optional_model(TemplateReference)
    )
    push_template: TemplateReference | None = attrs.field(
        default=None, converter=_template, validator=optional_model(TemplateReference)
    )
    sms_template: TemplateReference | None = attrs.field(
        default=None, converter=_template, validator=optional_model(TemplateReference)
    )
    voice_template: TemplateReference | None = attrs.field(
        default=None, converter=_template, validator=optional_model(TemplateReference)
    )
    in_app_template: TemplateReference | None = attrs.field(
        default=None, converter=_template, validator=optional_model(TemplateReference)
    )
    extra: dict[str, JsonValue] = extra_field()

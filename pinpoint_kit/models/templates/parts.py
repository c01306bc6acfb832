"""What templates are made of: their types, and parts of push notifications."""

from __future__ import annotations

from enum import Enum

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    extra_field,
    optional_text,
)

__all__ = ["PushTemplatePart", "TemplateType"]


class TemplateType(str, Enum):
    """What a template is for."""

    EMAIL = "EMAIL"
    INAPP = "INAPP"
    PUSH = "PUSH"
    SMS = "SMS"
    VOICE = "VOICE"


@attrs.frozen(kw_only=True, repr=False)
class PushTemplatePart(Model):
    """What a push template says, for all channels or for one.

    Args:
        title: the title.
        body: the text.
        action: what a tap does: `OPEN_APP`, `DEEP_LINK` or `URL`.
        url: where `URL` leads.
        sound: what is played.
        raw_content: the whole payload, as JSON text; not of the default.
        image_url: a picture; of Android's channels.
        image_icon_url: the icon; of Android's channels.
        small_image_icon_url: the icon in the status bar; of Android's channels.
        media_url: a picture or a video; of APNS.
        extra: members that the service sent and this version does not know.

    Source: AndroidPushNotificationTemplate, APNSPushNotificationTemplate and
    DefaultPushNotificationTemplate of the service model.
    """

    title: str | None = attrs.field(default=None, validator=optional_text)
    body: str | None = attrs.field(default=None, validator=optional_text)
    action: str | None = attrs.field(default=None, validator=optional_text)
    url: str | None = attrs.field(default=None, validator=optional_text)
    sound: str | None = attrs.field(default=None, validator=optional_text)
    raw_content: str | None = attrs.field(default=None, validator=optional_text)
    image_url: str | None = attrs.field(default=None, validator=optional_text)
    image_icon_url: str | None = attrs.field(default=None, validator=optional_text)
    small_image_icon_url: str | None = attrs.field(default=None, validator=optional_text)
    media_url: str | None = attrs.field(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()

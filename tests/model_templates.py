"""One of each model about templates, for the tests that every model has to pass."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pinpoint_kit as pk

if TYPE_CHECKING:
    from pinpoint_kit.models.base import Model

__all__ = ["BY_CLASS", "EXAMPLES", "SHAPES", "SHOWN"]

_AT = dt.datetime(2020, 2, 29, 23, 59, 58, 987000, tzinfo=dt.timezone.utc)

EXAMPLES: list[Model] = [
    pk.EmailTemplate(name="n", headers={"a": "b"}, default_substitutions={"a": "b"}),
    pk.InAppTemplate(name="n", content=[{"BackgroundColor": "#fff"}], custom_config={"a": "b"}),
    pk.PushTemplate(name="n", default=pk.PushTemplatePart(body="b"), version="1"),
    pk.PushTemplatePart(title="t"),
    pk.SMSTemplate(name="n", body="b", creation_date=_AT),
    pk.TemplatePreview(parts={"Body": "b"}, endpoint_id="e"),
    pk.TemplateSummary(name="n", type=pk.TemplateType.SMS, last_modified_date=_AT),
    pk.VoiceTemplate(name="n", voice_id="Joanna"),
]
#: Fields whose text a repr may show: templates are about nobody.
SHOWN = {
    *("name", "subject", "html_part", "text_part", "body", "title", "description", "version"),
    *("arn", "default_substitutions", "recommender_id", "language_code", "voice_id", "layout"),
    *("action", "url", "sound", "raw_content", "image_url", "image_icon_url", "media_url"),
    *("small_image_icon_url", "channel_type"),
}
#: Model -> the shapes of the service model that it stands for.
SHAPES: list[tuple[type[Model], tuple[str, ...]]] = [
    (pk.EmailTemplate, ("EmailTemplateRequest", "EmailTemplateResponse")),
    (pk.InAppTemplate, ("InAppTemplateRequest", "InAppTemplateResponse")),
    (
        pk.PushTemplate,
        ("PushNotificationTemplateRequest", "PushNotificationTemplateResponse"),
    ),
    (
        pk.PushTemplatePart,
        (
            "AndroidPushNotificationTemplate",
            "APNSPushNotificationTemplate",
            "DefaultPushNotificationTemplate",
        ),
    ),
    (pk.SMSTemplate, ("SMSTemplateRequest", "SMSTemplateResponse")),
    (pk.TemplateSummary, ("TemplateResponse", "TemplateVersionResponse")),
    (pk.VoiceTemplate, ("VoiceTemplateRequest", "VoiceTemplateResponse")),
]
#: Members that the class of a model stands for.
BY_CLASS: dict[type[Model], set[str]] = {
    cls: {"TemplateType"}
    for cls in (
        *(pk.EmailTemplate, pk.InAppTemplate, pk.PushTemplate, pk.SMSTemplate, pk.VoiceTemplate),
    )
}

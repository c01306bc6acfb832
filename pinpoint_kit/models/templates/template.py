"""Templates of the five types: what messages are made from.

Values only. What the texts mean is the business of `pinpoint_kit.templating`.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeAlias

import attrs

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    extra_field,
    instant,
    models_in_order,
    optional_model,
    optional_text,
    required_text,
    text_values,
)
from pinpoint_kit.models.campaigns.message import MessageHeader
from pinpoint_kit.models.display.display import DETAIL
from pinpoint_kit.models.templates.parts import PushTemplatePart, TemplateType

__all__ = [
    "AnyTemplate",
    "EmailTemplate",
    "InAppTemplate",
    "PushTemplate",
    "SMSTemplate",
    "VoiceTemplate",
]

_PART = optional_model(PushTemplatePart)


def _date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "date")


def _tags(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "tags")


def _texts(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "custom_config")


def _defaults(value: str | Mapping[str, JsonValue] | None) -> str | None:
    """Convert default substitutions: a map becomes JSON text, as the service keeps them."""
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, Mapping):
        raise InvalidTypeError(
            f"expected a mapping, got {type(value).__name__}: pass a dict, or JSON text",
            "$.default_substitutions",
        )
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        raise ValidationError(
            "holds what JSON cannot: use texts, lists and maps", "$.default_substitutions"
        ) from None


def _headers(
    value: Mapping[str, str] | Sequence[MessageHeader] | None,
) -> tuple[MessageHeader, ...] | None:
    if isinstance(value, Mapping):
        value = [MessageHeader(name=name, value=each) for name, each in value.items()]
    return models_in_order(MessageHeader, value, "headers")


def _content(
    value: Sequence[Mapping[str, JsonValue]] | None,
) -> Sequence[Mapping[str, JsonValue]] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)) or not all(isinstance(one, Mapping) for one in value):
        raise InvalidTypeError("expected a list of mappings: pass a list of dicts", "$.content")
    return list(value)


@attrs.frozen(kw_only=True, repr=False)
class EmailTemplate(Model):
    """A template of emails.

    Args:
        name: 1 to 128 letters, digits, underscores and hyphens, beginning with a letter or digit.
        subject: the subject; it may have variables, as all texts of templates may.
        html_part: the HTML; values are escaped in it.
        text_part: the text for readers without HTML.
        headers: name -> value, at most 15.
        default_substitutions: what stands in for variables without a value: a map, flat
            (`{"User.UserAttributes.Name": "you"}`) or nested, or its JSON text.
        description: what it is for.
        recommender_id: a recommender configuration.
        tags: key -> value, at most 50.
        version: of an answer: which version this is.
        arn: of an answer.
        creation_date: of an answer.
        last_modified_date: of an answer.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the name is empty.

    Source: EmailTemplateRequest and EmailTemplateResponse of the service model.
    """

    type: ClassVar[TemplateType] = TemplateType.EMAIL

    name: str = attrs.field(validator=required_text)
    subject: str | None = attrs.field(default=None, validator=optional_text)
    html_part: str | None = attrs.field(default=None, validator=optional_text)
    text_part: str | None = attrs.field(default=None, validator=optional_text)
    headers: tuple[MessageHeader, ...] | None = attrs.field(
        default=None, converter=_headers, metadata={DETAIL: True}
    )
    default_substitutions: str | None = attrs.field(
        default=None, converter=_defaults, validator=optional_text
    )
    description: str | None = attrs.field(default=None, validator=optional_text)
    recommender_id: str | None = attrs.field(default=None, validator=optional_text)
    tags: Mapping[str, str] | None = attrs.field(default=None, converter=_tags)
    version: str | None = attrs.field(default=None, validator=optional_text)
    arn: str | None = attrs.field(default=None, validator=optional_text)
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    last_modified_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class SMSTemplate(Model):
    """A template of text messages.

    Args:
        name: as for `EmailTemplate`.
        body: the text, at most 1,600 characters.
        default_substitutions: as for `EmailTemplate`.
        description: what it is for.
        recommender_id: a recommender configuration.
        tags: key -> value, at most 50.
        version: of an answer: which version this is.
        arn: of an answer.
        creation_date: of an answer.
        last_modified_date: of an answer.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the name is empty.

    Source: SMSTemplateRequest and SMSTemplateResponse of the service model.
    """

    type: ClassVar[TemplateType] = TemplateType.SMS

    name: str = attrs.field(validator=required_text)
    body: str | None = attrs.field(default=None, validator=optional_text)
    default_substitutions: str | None = attrs.field(
        default=None, converter=_defaults, validator=optional_text
    )
    description: str | None = attrs.field(default=None, validator=optional_text)
    recommender_id: str | None = attrs.field(default=None, validator=optional_text)
    tags: Mapping[str, str] | None = attrs.field(default=None, converter=_tags)
    version: str | None = attrs.field(default=None, validator=optional_text)
    arn: str | None = attrs.field(default=None, validator=optional_text)
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    last_modified_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class VoiceTemplate(Model):
    """A template of voice messages.

    Args:
        name: as for `EmailTemplate`.
        body: the text that is spoken, at most 10,000 characters.
        language_code: the language, for example `en-US`.
        voice_id: a voice of Amazon Polly, for example `Joanna`.
        default_substitutions: as for `EmailTemplate`.
        description: what it is for.
        tags: key -> value, at most 50.
        version: of an answer: which version this is.
        arn: of an answer.
        creation_date: of an answer.
        last_modified_date: of an answer.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the name is empty.

    Source: VoiceTemplateRequest and VoiceTemplateResponse of the service model.
    """

    type: ClassVar[TemplateType] = TemplateType.VOICE

    name: str = attrs.field(validator=required_text)
    body: str | None = attrs.field(default=None, validator=optional_text)
    language_code: str | None = attrs.field(default=None, validator=optional_text)
    voice_id: str | None = attrs.field(default=None, validator=optional_text)
    default_substitutions: str | None = attrs.field(
        default=None, converter=_defaults, validator=optional_text
    )
    description: str | None = attrs.field(default=None, validator=optional_text)
    tags: Mapping[str, str] | None = attrs.field(default=None, converter=_tags)
    version: str | None = attrs.field(default=None, validator=optional_text)
    arn: str | None = attrs.field(default=None, validator=optional_text)
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    last_modified_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class PushTemplate(Model):
    """A template of push notifications.

    Args:
        name: as for `EmailTemplate`.
        default: what all channels get, unless their own part says something else.
        adm: for Amazon Device Messaging.
        apns: for the Apple Push Notification service.
        baidu: for Baidu.
        gcm: for Firebase Cloud Messaging.
        default_substitutions: as for `EmailTemplate`.
        description: what it is for.
        recommender_id: a recommender configuration.
        tags: key -> value, at most 50.
        version: of an answer: which version this is.
        arn: of an answer.
        creation_date: of an answer.
        last_modified_date: of an answer.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the name is empty.

    Source: PushNotificationTemplateRequest and PushNotificationTemplateResponse of the service
    model.
    """

    type: ClassVar[TemplateType] = TemplateType.PUSH

    name: str = attrs.field(validator=required_text)
    default: PushTemplatePart | None = attrs.field(default=None, validator=_PART)
    adm: PushTemplatePart | None = attrs.field(default=None, validator=_PART)
    apns: PushTemplatePart | None = attrs.field(default=None, validator=_PART)
    baidu: PushTemplatePart | None = attrs.field(default=None, validator=_PART)
    gcm: PushTemplatePart | None = attrs.field(default=None, validator=_PART)
    default_substitutions: str | None = attrs.field(
        default=None, converter=_defaults, validator=optional_text
    )
    description: str | None = attrs.field(default=None, validator=optional_text)
    recommender_id: str | None = attrs.field(default=None, validator=optional_text)
    tags: Mapping[str, str] | None = attrs.field(default=None, converter=_tags)
    version: str | None = attrs.field(default=None, validator=optional_text)
    arn: str | None = attrs.field(default=None, validator=optional_text)
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    last_modified_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class InAppTemplate(Model):
    """A template of in-app messages; its texts take no variables.

    Args:
        name: as for `EmailTemplate`.
        content: up to 5 modals, each an `InAppMessageContent` of the service model.
        layout: `BOTTOM_BANNER`, `TOP_BANNER`, `OVERLAYS`, `MOBILE_FEED`, `MIDDLE_BANNER` or
            `CAROUSEL`.
        custom_config: name -> text for the app.
        description: what it is for.
        tags: key -> value, at most 50.
        version: of an answer: which version this is.
        arn: of an answer.
        creation_date: of an answer.
        last_modified_date: of an answer.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the name is empty.

    Source: InAppTemplateRequest and InAppTemplateResponse of the service model.
    """

    type: ClassVar[TemplateType] = TemplateType.INAPP

    name: str = attrs.field(validator=required_text)
    content: Sequence[Mapping[str, JsonValue]] | None = attrs.field(
        default=None, converter=_content
    )
    layout: str | None = attrs.field(default=None, validator=optional_text)
    custom_config: Mapping[str, str] | None = attrs.field(default=None, converter=_texts)
    description: str | None = attrs.field(default=None, validator=optional_text)
    tags: Mapping[str, str] | None = attrs.field(default=None, converter=_tags)
    version: str | None = attrs.field(default=None, validator=optional_text)
    arn: str | None = attrs.field(default=None, validator=optional_text)
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    last_modified_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    extra: dict[str, JsonValue] = extra_field()


#: A template of any type.
AnyTemplate: TypeAlias = EmailTemplate | InAppTemplate | PushTemplate | SMSTemplate | VoiceTemplate

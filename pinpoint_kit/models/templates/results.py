"""What is said of templates: their lists, and what a recipient would get."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    enum_member,
    extra_field,
    instant,
    optional_text,
    private,
    required_text,
    text_values,
)
from pinpoint_kit.models.templates.parts import TemplateType

__all__ = ["TemplatePreview", "TemplateSummary"]


def _date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "date")


def _tags(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "tags")


def _type(value: TemplateType | str | None) -> TemplateType | None:
    return enum_member(TemplateType, value, "type")


@attrs.frozen(kw_only=True, repr=False)
class TemplateSummary(Model):
    """A template or one of its versions, as lists show it.

    Args:
        name: its name.
        type: what it is for.
        version: of a list of templates, the active version; of a list of versions, this one.
        description: what it is for.
        default_substitutions: JSON text.
        arn: of a template.
        tags: key -> value.
        creation_date: when it was made.
        last_modified_date: when it was last changed.
        extra: members that the service sent and this version does not know.

    Source: TemplateResponse and TemplateVersionResponse of the service model.
    """

    name: str = attrs.field(validator=required_text)
    type: TemplateType | None = attrs.field(default=None, converter=_type)
    version: str | None = attrs.field(default=None, validator=optional_text)
    description: str | None = attrs.field(default=None, validator=optional_text)
    default_substitutions: str | None = attrs.field(default=None, validator=optional_text)
    arn: str | None = attrs.field(default=None, validator=optional_text)
    tags: Mapping[str, str] | None = attrs.field(default=None, converter=_tags)
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    last_modified_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    extra: dict[str, JsonValue] = extra_field()


def _parts(value: Mapping[str, str]) -> Mapping[str, str]:
    return text_values(value, "parts") or {}


@attrs.frozen(kw_only=True, repr=False)
class TemplatePreview(Model):
    """What one recipient would get of a template: personal data.

    Args:
        parts: name -> text, by the names of the template's members: `Subject`, `HtmlPart`,
            `TextPart`, `Headers.NAME`, `Body`, `Title`, `GCM.Body` and so on.
        endpoint_id: the recipient, None where there was none.
        channel_type: the recipient's channel, likewise.
        extra: members that the server sent and this version does not know.
    """

    parts: Mapping[str, str] = private(converter=_parts)
    endpoint_id: str | None = private(default=None, validator=optional_text)
    channel_type: str | None = attrs.field(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()

    @property
    def subject(self) -> str:
        """The subject of an email, "" without one."""
        return self.parts.get("Subject", "")

    @property
    def html(self) -> str:
        """The HTML of an email, "" without any."""
        return self.parts.get("HtmlPart", "")

    @property
    def text(self) -> str:
        """The text of an email, "" without any."""
        return self.parts.get("TextPart", "")

    @property
    def title(self) -> str:
        """The title of a push notification, "" without one."""
        return self.parts.get("Title", self.parts.get("Default.Title", ""))

    @property
    def body(self) -> str:
        """The body of a text message, a voice message or a push notification, "" without one."""
        return self.parts.get("Body", self.parts.get("Default.Body", ""))

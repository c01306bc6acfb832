"""An application: what AWS's console called a project."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    extra_field,
    instant,
    required_text,
    text,
    text_values,
)

__all__ = ["Application"]


def _creation_date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "creation_date")


def _tags(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "tags")


@attrs.frozen(kw_only=True, repr=False)
class Application(Model):
    """An application, which owns endpoints and events.

    Args:
        id: 32 lower-case hexadecimal characters.
        name: its name; names need not be unique.
        arn: `arn:aws:mobiletargeting:REGION:ACCOUNT:apps/ID`.
        creation_date: when it was created, if the service says so.
        tags: key -> value, at most 50.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the id is empty, or the creation date is no instant.

    Source: ApplicationResponse of the service model.
    """

    id: str = attrs.field(validator=required_text)
    name: str = attrs.field(default="", validator=text)
    arn: str = attrs.field(default="", validator=text)
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_creation_date)
    tags: Mapping[str, str] | None = attrs.field(default=None, converter=_tags)
    extra: dict[str, JsonValue] = extra_field()

"""An address that gets nothing, whether it has an endpoint or not."""

from __future__ import annotations

import datetime as dt

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    extra_field,
    instant,
    private,
    text,
)

__all__ = ["OptedOutAddress"]


def _date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "date")


@attrs.frozen(kw_only=True, repr=False)
class OptedOutAddress(Model):
    """An address that gets nothing on a channel. Its repr hides the address.

    Args:
        address: the address as addresses are compared: e-mail in lower case, numbers as `+` and
            digits.
        channel_type: the channel, such as `EMAIL`, `SMS` or `GCM`.
        reason: the outcome of a message after which nothing more is sent: `opted_out`, `complained`
            or `bounced`.
        since: when it was reported or added.
        extra: members that the server sent and this version does not know.
    """

    address: str = private(default="", validator=text)
    channel_type: str = attrs.field(default="", validator=text)
    reason: str = attrs.field(default="", validator=text)
    since: dt.datetime | None = attrs.field(default=None, converter=_date)
    extra: dict[str, JsonValue] = extra_field()

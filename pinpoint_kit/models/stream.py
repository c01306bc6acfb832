"""How an event stream fares, and the records that its destinations have refused."""

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
    optional_count,
    optional_flag,
    optional_text,
    private,
    required_number,
    required_text,
    text,
)

__all__ = ["StreamDeadLetter", "StreamStatus"]


def _date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "date")


def _number(value: object) -> float:
    return required_number(value, "number")


@attrs.frozen(kw_only=True, repr=False)
class StreamStatus(Model):
    """How one destination of an application's event stream fares.

    Args:
        destination: its name; None for a stream whose ARN no destination claims, or has claimed.
        claim: what it was given for: the ARN of a stream, or an application's id or name.
        state: `UNCLAIMED` (no running engine has it), `PAUSED`, `FAILING`, `FORWARDING`, `IDLE`, or
            `REMOVED` (it is gone, and has lost records or left dead letters).
        paused: whether it was paused.
        lag_records: records that wait for it.
        lag_seconds: how long the oldest of them has waited.
        oldest_date: since when.
        rate: records a second that it has acknowledged lately, averaged over a minute.
        sent: records that it has acknowledged.
        refused: how often it has refused a single record.
        failed: calls of which it took nothing.
        failures_in_a_row: those since the last success.
        repeated: records that were sent again after a crash, perhaps for the second time.
        lost: records that it will never get: given up from a full backlog, or discarded.
        dead_letters: records that it has refused for good.
        last_error_code: its own word for the last refusal or failure.
        last_error_message: what it said.
        last_error_date: when.
        last_sent_date: when it last acknowledged something.
        next_try_date: until when nothing is sent, after failures.
        extra: members that the server sent and this version does not know.
    """

    destination: str | None = attrs.field(default=None, validator=optional_text)
    claim: str = attrs.field(default="", validator=text)
    state: str = attrs.field(default="", validator=text)
    paused: bool = attrs.field(default=False, validator=optional_flag)
    lag_records: int = attrs.field(default=0, validator=optional_count)
    lag_seconds: float = attrs.field(default=0.0, converter=_number)
    oldest_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    rate: float = attrs.field(default=0.0, converter=_number)
    sent: int = attrs.field(default=0, validator=optional_count)
    refused: int = attrs.field(default=0, validator=optional_count)
    failed: int = attrs.field(default=0, validator=optional_count)
    failures_in_a_row: int = attrs.field(default=0, validator=optional_count)
    repeated: int = attrs.field(default=0, validator=optional_count)
    lost: int = attrs.field(default=0, validator=optional_count)
    dead_letters: int = attrs.field(default=0, validator=optional_count)
    last_error_code: str | None = attrs.field(default=None, validator=optional_text)
    last_error_message: str | None = attrs.field(default=None, validator=optional_text)
    last_error_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    last_sent_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    next_try_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class StreamDeadLetter(Model):
    """A record of an event stream that a destination has refused for good.

    Its repr hides whose it is and the record.

    Args:
        id: what to call it in `Streams.retry` and `Streams.discard`.
        destination: which has refused it.
        endpoint_id: whose event it is, in lower case.
        event_id: the event.
        code: the destination's own word for the reason.
        message: what it said.
        attempts: how often it was sent.
        arrival_timestamp: when the event arrived.
        given_up_date: when it became a dead letter.
        record: the record.
        extra: members that the server sent and this version does not know.
    """

    id: str = attrs.field(validator=required_text)
    destination: str = attrs.field(default="", validator=text)
    endpoint_id: str = private(default="", validator=text)
    event_id: str = attrs.field(default="", validator=text)
    code: str = attrs.field(default="", validator=text)
    message: str = attrs.field(default="", validator=text)
    attempts: int = attrs.field(default=0, validator=optional_count)
    arrival_timestamp: dt.datetime | None = attrs.field(default=None, converter=_date)
    given_up_date: dt.datetime | None = attrs.field(default=None, converter=_date)
    record: Mapping[str, JsonValue] | None = private(default=None)
    extra: dict[str, JsonValue] = extra_field()

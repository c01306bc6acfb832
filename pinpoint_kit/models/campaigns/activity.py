"""Runs of campaigns: what the service calls their activities. Values only."""

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
    optional_text,
    required_text,
    text_values,
)

__all__ = ["Activity"]

_ENDS = frozenset({"CANCELLED", "COMPLETED"})


def _scheduled_start(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "scheduled_start")


def _start(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "start")


def _end(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "end")


def _execution_metrics(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "execution_metrics")


@attrs.frozen(kw_only=True, repr=False)
class Activity(Model):
    """One run of a campaign for one treatment.

    Args:
        id: the run.
        campaign_id: its campaign.
        application_id: its application.
        treatment_id: `0` for the campaign's own messages, `1` to `4` for the others.
        state: PENDING, INITIALIZING, RUNNING, PAUSED, CANCELLED or COMPLETED.
        result: SUCCESS or FAIL, once it has ended.
        scheduled_start: when it had to begin.
        start: when it began.
        end: when it ended.
        successful_endpoint_count: endpoints whose message was sent.
        total_endpoint_count: endpoints that were tried.
        timezones_completed_count: with local time, the time zones that are done.
        timezones_total_count: with local time, the time zones of the segment.
        execution_metrics: why endpoints were left out, name -> number as text.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the id is empty, or a time is no instant.

    Source: ActivityResponse of the service model.
    """

    id: str = attrs.field(validator=required_text)
    campaign_id: str | None = attrs.field(default=None, validator=optional_text)
    application_id: str | None = attrs.field(default=None, validator=optional_text)
    treatment_id: str | None = attrs.field(default=None, validator=optional_text)
    state: str | None = attrs.field(default=None, validator=optional_text)
    result: str | None = attrs.field(default=None, validator=optional_text)
    scheduled_start: dt.datetime | None = attrs.field(default=None, converter=_scheduled_start)
    start: dt.datetime | None = attrs.field(default=None, converter=_start)
    end: dt.datetime | None = attrs.field(default=None, converter=_end)
    successful_endpoint_count: int | None = attrs.field(default=None, validator=optional_count)
    total_endpoint_count: int | None = attrs.field(default=None, validator=optional_count)
    timezones_completed_count: int | None = attrs.field(default=None, validator=optional_count)
    timezones_total_count: int | None = attrs.field(default=None, validator=optional_count)
    execution_metrics: Mapping[str, str] | None = attrs.field(
        default=None, converter=_execution_metrics
    )
    extra: dict[str, JsonValue] = extra_field()

    @property
    def is_finished(self) -> bool:
        """True when it has ended, whether it was completed or cancelled."""
        return self.state in _ENDS

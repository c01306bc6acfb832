"""Import and export jobs."""

from __future__ import annotations

import datetime as dt
from enum import Enum
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    enum_member,
    extra_field,
    instant,
    optional_count,
    optional_flag,
    optional_model,
    optional_text,
    private,
    required_text,
    text_list,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Job", "JobDefinition", "JobFormat", "JobStatus", "JobType"]


class JobStatus(str, Enum):
    """How far a job is."""

    CREATED = "CREATED"
    PREPARING_FOR_INITIALIZATION = "PREPARING_FOR_INITIALIZATION"
    INITIALIZING = "INITIALIZING"
    PROCESSING = "PROCESSING"
    PENDING_JOB = "PENDING_JOB"
    COMPLETING = "COMPLETING"
    COMPLETED = "COMPLETED"
    FAILING = "FAILING"
    FAILED = "FAILED"


class JobType(str, Enum):
    """What a job does."""

    IMPORT = "IMPORT"
    EXPORT = "EXPORT"


class JobFormat(str, Enum):
    """The format of the files that an import job reads."""

    CSV = "CSV"
    JSON = "JSON"


def _job_status(value: JobStatus | str | None) -> JobStatus | None:
    return enum_member(JobStatus, value, "job_status")


def _type(value: JobType | str | None) -> JobType | None:
    return enum_member(JobType, value, "type")


def _format(value: JobFormat | str | None) -> JobFormat | None:
    return enum_member(JobFormat, value, "format")


def _creation_date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "creation_date")


def _completion_date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "completion_date")


def _failures(value: Sequence[str] | None) -> tuple[str, ...]:
    return () if value is None else tuple(text_list(value, "$.failures"))


@attrs.frozen(kw_only=True, repr=False)
class JobDefinition(Model):
    """What a job was asked to do; import and export each fill their own members.

    Args:
        format: import: the format of the files.
        s3_url: import: where the files are.
        s3_url_prefix: export: where the files go.
        role_arn: the role that the service takes for reading or writing.
        define_segment: import: whether to make a segment of the endpoints.
        register_endpoints: import: whether to store the endpoints.
        segment_id: the segment to fill (import) or to write out (export).
        segment_name: import: the name of the new segment.
        segment_version: export: the version of the segment.
        external_id: deprecated by the service.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the format is not known.

    Source: ImportJobResource and ExportJobResource of the service model.
    """

    format: JobFormat | None = attrs.field(default=None, converter=_format)
    s3_url: str | None = attrs.field(default=None, validator=optional_text)
    s3_url_prefix: str | None = attrs.field(default=None, validator=optional_text)
    role_arn: str | None = attrs.field(default=None, validator=optional_text)
    define_segment: bool | None = attrs.field(default=None, validator=optional_flag)
    register_endpoints: bool | None = attrs.field(default=None, validator=optional_flag)
    segment_id: str | None = attrs.field(default=None, validator=optional_text)
    segment_name: str | None = attrs.field(default=None, validator=optional_text)
    segment_version: int | None = attrs.field(default=None, validator=optional_count)
    external_id: str | None = attrs.field(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class Job(Model):
    """An import or export job.

    Args:
        id: the job.
        application_id: its application.
        type: import or export.
        job_status: how far it is.
        definition: what it was asked to do.
        creation_date: when it was created.
        completion_date: when it ended.
        total_pieces: pieces that the work is cut into.
        completed_pieces: pieces done.
        failed_pieces: pieces that failed.
        total_processed: endpoints handled.
        total_failures: endpoints that failed.
        failures: the first 100 failed entries, as text; empty when nothing failed.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the id is empty, or a type, status or date is not possible.

    Source: ImportJobResponse and ExportJobResponse of the service model.
    """

    id: str = attrs.field(validator=required_text)
    application_id: str | None = attrs.field(default=None, validator=optional_text)
    type: JobType | None = attrs.field(default=None, converter=_type)
    job_status: JobStatus | None = attrs.field(default=None, converter=_job_status)
    definition: JobDefinition | None = attrs.field(
        default=None, validator=optional_model(JobDefinition)
    )
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_creation_date)
    completion_date: dt.datetime | None = attrs.field(default=None, converter=_completion_date)
    total_pieces: int | None = attrs.field(default=None, validator=optional_count)
    completed_pieces: int | None = attrs.field(default=None, validator=optional_count)
    failed_pieces: int | None = attrs.field(default=None, validator=optional_count)
    total_processed: int | None = attrs.field(default=None, validator=optional_count)
    total_failures: int | None = attrs.field(default=None, validator=optional_count)
    failures: tuple[str, ...] = private(default=(), converter=_failures)
    extra: dict[str, JsonValue] = extra_field()

    @property
    def is_finished(self) -> bool:
        """True when it has ended, whether it completed or failed."""
        return self.job_status in {JobStatus.COMPLETED, JobStatus.FAILED}

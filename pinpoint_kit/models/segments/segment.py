"""A segment: the definition of a part of the audience, as Pinpoint answers it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    counts_by_name,
    detail,
    enum_member,
    extra_field,
    instant,
    models_in_order,
    optional_count,
    optional_model,
    optional_text,
    required_text,
    text_values,
)
from pinpoint_kit.models.job import JobFormat
from pinpoint_kit.models.segments.dimension import SegmentDimensions

__all__ = [
    "GroupType",
    "ImportDefinition",
    "Include",
    "Segment",
    "SegmentGroup",
    "SegmentGroupList",
    "SegmentReference",
    "SegmentType",
    "SourceType",
]


class SegmentType(str, Enum):
    """How a segment came to be: by dimensions, or by an import job."""

    DIMENSIONAL = "DIMENSIONAL"
    IMPORT = "IMPORT"


class Include(str, Enum):
    """How many of the groups an endpoint must be in; ALL when a list does not say."""

    ALL = "ALL"
    ANY = "ANY"
    NONE = "NONE"


class SourceType(str, Enum):
    """How many of the source segments an endpoint must be in; ALL when a group does not say."""

    ALL = "ALL"
    ANY = "ANY"
    NONE = "NONE"


class GroupType(str, Enum):
    """How many of a group's dimensions must match; ALL when a group does not say."""

    ALL = "ALL"
    ANY = "ANY"
    NONE = "NONE"


def _dimensions(value: Sequence[SegmentDimensions] | None) -> tuple[SegmentDimensions, ...] | None:
    return models_in_order(SegmentDimensions, value, "dimensions")


def _source_type(value: SourceType | str | None) -> SourceType | None:
    return enum_member(SourceType, value, "source_type")


def _group_type(value: GroupType | str | None) -> GroupType | None:
    return enum_member(GroupType, value, "type")


def _include(value: Include | str | None) -> Include | None:
    return enum_member(Include, value, "include")


def _segment_type(value: SegmentType | str | None) -> SegmentType | None:
    return enum_member(SegmentType, value, "segment_type")


def _format(value: JobFormat | str | None) -> JobFormat | None:
    return enum_member(JobFormat, value, "format")


def _creation_date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "creation_date")


def _last_modified_date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "last_modified_date")


def _channel_counts(value: Mapping[str, int] | None) -> Mapping[str, int] | None:
    return counts_by_name(value, "channel_counts")


def _tags(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "tags")


@attrs.frozen(kw_only=True, repr=False)
class SegmentReference(Model):
    """A segment that another one builds on.

    Args:
        id: the segment.
        version: a version of it; the latest unless given.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the id is empty.
    """

    id: str = attrs.field(validator=required_text)
    version: int | None = attrs.field(default=None, validator=optional_count)
    extra: dict[str, JsonValue] = extra_field()


def _source_segments(
    value: Sequence[SegmentReference] | None,
) -> tuple[SegmentReference, ...] | None:
    return models_in_order(SegmentReference, value, "source_segments")


@attrs.frozen(kw_only=True, repr=False)
class SegmentGroup(Model):
    """Endpoints of some segments, narrowed by some dimensions.

    Args:
        source_segments: the segments to begin with; all endpoints unless given. At most one
            imported segment.
        source_type: whether an endpoint must be in all, any or none of them.
        dimensions: filters; each entry matches when all that is in it does.
        type: whether all, any or none of the entries must match.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: a type is not known.

    Source: SegmentGroup of the service model.
    """

    source_segments: tuple[SegmentReference, ...] | None = attrs.field(
        default=None, converter=_source_segments
    )
    source_type: SourceType | None = attrs.field(default=None, converter=_source_type)
    dimensions: tuple[SegmentDimensions, ...] | None = attrs.field(
        default=None, converter=_dimensions
    )
    type: GroupType | None = attrs.field(default=None, converter=_group_type)
    extra: dict[str, JsonValue] = extra_field()


def _groups(value: Sequence[SegmentGroup] | None) -> tuple[SegmentGroup, ...] | None:
    return models_in_order(SegmentGroup, value, "groups")


@attrs.frozen(kw_only=True, repr=False)
class SegmentGroupList(Model):
    """Groups, and how they are combined.

    Args:
        groups: the groups.
        include: whether an endpoint must be in all, any or none of them.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: `include` is not known.

    Source: SegmentGroupList of the service model.
    """

    groups: tuple[SegmentGroup, ...] | None = attrs.field(default=None, converter=_groups)
    include: Include | None = attrs.field(default=None, converter=_include)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class ImportDefinition(Model):
    """Where the endpoints of an imported segment came from.

    Args:
        format: the format of the files.
        s3_url: where the files were.
        role_arn: the role that the service took for reading them.
        size: endpoints that were imported.
        channel_counts: channel type -> endpoints.
        external_id: deprecated by the service.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the format is not known.

    Source: SegmentImportResource of the service model.
    """

    format: JobFormat | None = attrs.field(default=None, converter=_format)
    s3_url: str | None = attrs.field(default=None, validator=optional_text)
    role_arn: str | None = attrs.field(default=None, validator=optional_text)
    size: int | None = attrs.field(default=None, validator=optional_count)
    channel_counts: Mapping[str, int] | None = attrs.field(default=None, converter=_channel_counts)
    external_id: str | None = attrs.field(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class Segment(Model):
    """A segment, with one of: dimensions, groups of them, or what was imported.

    Args:
        id: 32 lower-case hexadecimal characters.
        application_id: its application.
        arn: `arn:aws:mobiletargeting:REGION:ACCOUNT:apps/ID/segments/ID`.
        name: its name; names need not be unique.
        segment_type: by dimensions, or by an import job.
        version: 1 at first; each update makes the next one.
        dimensions: filters of which all must match.
        segment_groups: groups of filters.
        import_definition: where an imported segment came from.
        creation_date: when it was created.
        last_modified_date: when this version was made.
        tags: key -> value.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the id is empty, or a type or date is not possible.

    Source: SegmentResponse of the service model.
    """

    id: str = attrs.field(validator=required_text)
    application_id: str | None = detail(default=None, validator=optional_text)
    arn: str | None = detail(default=None, validator=optional_text)
    name: str | None = attrs.field(default=None, validator=optional_text)
    segment_type: SegmentType | None = attrs.field(default=None, converter=_segment_type)
    version: int | None = attrs.field(default=None, validator=optional_count)
    dimensions: SegmentDimensions | None = attrs.field(
        default=None, validator=optional_model(SegmentDimensions)
    )
    segment_groups: SegmentGroupList | None = attrs.field(
        default=None, validator=optional_model(SegmentGroupList)
    )
    import_definition: ImportDefinition | None = attrs.field(
        default=None, validator=optional_model(ImportDefinition)
    )
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_creation_date)
    last_modified_date: dt.datetime | None = attrs.field(
        default=None, converter=_last_modified_date
    )
    tags: Mapping[str, str] | None = attrs.field(default=None, converter=_tags)
    extra: dict[str, JsonValue] = extra_field()

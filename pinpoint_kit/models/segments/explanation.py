"""Why an endpoint is in a segment, or is not: an answer of our own, which Pinpoint cannot give."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    extra_field,
    models_in_order,
    optional_count,
    private,
    required_flag,
    required_text,
    text,
)
from pinpoint_kit.models.display.display import many_as_html

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Criterion", "SegmentExplanation"]


@attrs.frozen(kw_only=True, repr=False)
class Criterion(Model):
    """One part of a segment's definition, and whether it holds for the endpoint.

    Args:
        path: where it stands in the definition, for example `$.Dimensions.Attributes.plan`, or
            `$.Dimensions.Attributes["first name"]`; `$` is the whole segment.
        text: what it asks for. It holds the definition's values, never the endpoint's.
        is_met: whether it holds.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the path is empty.
    """

    path: str = attrs.field(validator=required_text)
    text: str = private(default="", validator=text)
    is_met: bool = attrs.field(validator=required_flag)
    extra: dict[str, JsonValue] = extra_field()

    def __str__(self) -> str:
        text = f"  {self.text}" if self.text else ""
        return f"{'yes' if self.is_met else 'no ':3} {self.path}{text}"


def _criteria(value: Sequence[Criterion] | None) -> tuple[Criterion, ...]:
    return models_in_order(Criterion, value, "criteria") or ()


@attrs.frozen(kw_only=True, repr=False)
class SegmentExplanation(Model):
    """Why an endpoint is in a segment, or is not; `print` shows it.

    Args:
        segment_id: the segment.
        version: the version of it that was asked.
        endpoint_id: the endpoint.
        is_member: whether the endpoint is in the segment.
        criteria: each part of the definition in its order: dimensions, source segments, groups
            and the whole.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: an id is empty.
    """

    segment_id: str = attrs.field(validator=required_text)
    version: int | None = attrs.field(default=None, validator=optional_count)
    endpoint_id: str = attrs.field(validator=required_text)
    is_member: bool = attrs.field(validator=required_flag)
    criteria: tuple[Criterion, ...] = attrs.field(default=(), converter=_criteria)
    extra: dict[str, JsonValue] = extra_field()

    def __str__(self) -> str:
        return "\n".join([self._verdict, *(f"  {criterion}" for criterion in self.criteria)])

    def _repr_html_(self) -> str:
        return f"<p>{escape(self._verdict)}</p>{many_as_html(self.criteria, is_revealed=True)}"

    @property
    def _verdict(self) -> str:
        verdict = "is in" if self.is_member else "is not in"
        version = "" if self.version is None else f" (version {self.version})"
        return f"{self.endpoint_id} {verdict} segment {self.segment_id}{version}"

"""Segments as requests carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.models.segments.dimension import SegmentDimensions
from pinpoint_kit.models.wire.codec import to_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.models.base import JsonValue
    from pinpoint_kit.models.segments.grouping import Definition

__all__ = ["segment_request"]


def segment_request(
    name: str | None, definition: Definition | None, tags: Mapping[str, str] | None = None
) -> dict[str, JsonValue]:
    """Return the members that CreateSegment and UpdateSegment carry."""
    request: dict[str, JsonValue] = {} if name is None else {"Name": name}
    if definition is not None:
        member = "Dimensions" if isinstance(definition, SegmentDimensions) else "SegmentGroups"
        request[member] = to_wire(definition)
    return {**request, "tags": dict(tags)} if tags else request

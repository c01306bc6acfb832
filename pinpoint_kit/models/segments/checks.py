"""What the service would refuse in the definition of a segment, found before anything is sent.

The checks return the problem as a value. Limits come from `limits.py`; nothing here sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models.base import Model, instant, path_to
from pinpoint_kit.models.segments.dimension import AttributeType, SegmentDimensions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.segments.grouping import Definition

__all__ = ["segment_problem"]

#: How many values BETWEEN takes.
_ENDS = 2


def segment_problem(definition: Definition, limits: Limits) -> ValidationError | None:
    """Why the service would refuse this definition, or None.

    Source: User Guide, "Building segments"; Developer Guide, Quotas, "Segments".
    """
    filters = values = 0
    for path, kind, texts in _filters(definition):
        filters += 1
        if texts is None:
            continue
        values += len(texts)
        problem = _values_problem(path, kind, texts, limits)
        if problem is not None:
            return problem
    for count, most, what in (
        (filters, limits.max_segment_dimensions, "dimensions"),
        (values, limits.max_segment_values, "values"),
    ):
        if count > most:
            return ValidationError(
                f"has {count} {what}, and at most {most} are allowed in one segment: make several"
                " segments, and join them with where.segment(...)",
                "$",
                f"too_many_{what}",
            )
    return None


def _values_problem(
    path: str, kind: AttributeType | None, texts: tuple[str, ...], limits: Limits
) -> ValidationError | None:
    if not texts:
        return ValidationError("has no values: give at least one", path, "no_values")
    if kind is AttributeType.BETWEEN and len(texts) != _ENDS:
        return ValidationError(
            f"has {len(texts)} values, and BETWEEN needs two: give the first and the last instant",
            path,
            "values",
        )
    if kind is AttributeType.BETWEEN and _are_reversed(*texts):
        return ValidationError(
            "ends before it begins: give the first instant first", path, "values"
        )
    for index, text in enumerate(texts):
        if len(text) > limits.max_segment_value_chars:
            return ValidationError(
                f"has {len(text)} characters, and at most {limits.max_segment_value_chars} are"
                " allowed: shorten it",
                f"{path}.values[{index}]",
                "value_too_long",
            )
    return None


def _are_reversed(first: str, last: str) -> bool:
    """Whether both are instants, and in the wrong order; the engine says which text is none."""
    try:
        moments = [instant(text, "values") for text in (first, last)]
    except ValidationError:
        return False
    return moments != sorted(filter(None, moments))


#: Where a filter stands, how it compares, and its values if it has any.
_Filter: TypeAlias = "tuple[str, AttributeType | None, tuple[str, ...] | None]"


def _filters(definition: Definition) -> Iterator[_Filter]:
    if isinstance(definition, SegmentDimensions):
        yield from _of_dimensions(definition, "$")
        return
    for number, group in enumerate(definition.groups or ()):
        for index, dimensions in enumerate(group.dimensions or ()):
            yield from _of_dimensions(dimensions, f"$.groups[{number}].dimensions[{index}]")


def _of_dimensions(dimensions: SegmentDimensions, path: str) -> Iterator[_Filter]:
    for field in ("attributes", "user_attributes"):
        for name, dimension in (getattr(dimensions, field) or {}).items():
            place = path_to(f"{path}.{field}", name)
            yield place, dimension.attribute_type, dimension.values
    for name in dimensions.metrics or {}:
        yield path_to(f"{path}.metrics", name), None, None
    for field in ("behavior", "demographic", "location"):
        container = getattr(dimensions, field)
        if container is None:
            continue
        for part in attrs.fields(type(container)):
            found = getattr(container, part.name)
            if isinstance(found, Model):
                yield f"{path}.{field}.{part.name}", None, getattr(found, "values", None)

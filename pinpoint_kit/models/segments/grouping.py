"""Conditions as a tree, and the one place that writes such a tree on Pinpoint's two levels.

A definition is one SegmentDimensions, or groups: each group is source segments (all, any or none
of them) and dimensions (all, any or none), and an endpoint is in all, any or none of the groups.
A tree is written so when that says exactly the same; nothing is approximated. What the leaves ask
for belongs to segments/where.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, TypeVar, Union

import attrs

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.base import Model
from pinpoint_kit.models.segments.dimension import (
    SegmentBehaviors,
    SegmentDemographics,
    SegmentDimensions,
    SegmentLocation,
)
from pinpoint_kit.models.segments.segment import (
    GroupType,
    Include,
    SegmentGroup,
    SegmentGroupList,
    SegmentReference,
    SourceType,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["Condition", "Definition", "Filter", "Source"]

#: What a segment is defined by.
Definition: TypeAlias = Union[SegmentDimensions, SegmentGroupList]  # noqa: UP007 -- at run time

_M = TypeVar("_M", bound=Model)
_T = TypeVar("_T")


class Condition:
    """What an endpoint must fulfil to be in a segment; the functions of `where` make it."""

    __slots__ = ()

    def definition(self) -> Definition:
        """Return the condition as Pinpoint writes it.

        Raises:
            ValidationError: it does not fit into Pinpoint's two levels.
        """
        tidy = _tidy(self)
        dimensions = _dimensions(tidy)
        if dimensions is not None:
            return dimensions
        found = _joined(tidy, _group) or _joined(_tidy(_distributed(tidy)), _group)
        if found is None:
            raise ValidationError(
                "Pinpoint cannot say this condition: it has groups of filters and joins the groups"
                " once. Make a segment of a part of it, and write where.segment(...) for that part",
                "",
                "condition",
            )
        how, groups = found
        return SegmentGroupList(groups=groups, include=Include(how))

    def __and__(self, other: Condition) -> Condition:
        return _All((*_parts(self, _All), *_parts(_condition(other), _All)))

    def __or__(self, other: Condition) -> Condition:
        return _Any((*_parts(self, _Any), *_parts(_condition(other), _Any)))

    def __invert__(self) -> Condition:
        return self.part if isinstance(self, _Not) else _Not(self)

    def __bool__(self) -> bool:
        raise InvalidTypeError(
            "a condition is neither true nor false: join conditions with & | ~ instead of and, or,"
            " not, and write two comparisons for a range"
        )


@attrs.frozen
class Filter(Condition):
    """A leaf: one dimension, and its exact opposite where Pinpoint has a word for that."""

    dimensions: SegmentDimensions
    opposite: SegmentDimensions | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Source(Condition):
    """A leaf: another segment."""

    reference: SegmentReference


@attrs.frozen
class _All(Condition):
    parts: tuple[Condition, ...]


@attrs.frozen
class _Any(Condition):
    parts: tuple[Condition, ...]


@attrs.frozen
class _Not(Condition):
    part: Condition


def _condition(value: object) -> Condition:
    if not isinstance(value, Condition):
        raise InvalidTypeError(
            f"expected a condition, got {type(value).__name__}: finish it, for example with"
            ' .is_in(...), and put comparisons into parentheses: (where.metric("level") >= 3)'
        )
    return value


def _parts(condition: Condition, kind: type[_All | _Any]) -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, kind) else (condition,)


def _distributed(condition: Condition) -> Condition:
    """Return the same, with the first "either" outside: (a | b) & c is a & c | b & c."""
    if isinstance(condition, _All):
        for part in condition.parts:
            if isinstance(part, _Any) and _group(part) is None:
                others = tuple(other for other in condition.parts if other is not part)
                return _Any(tuple(_flat((choice, *others)) for choice in part.parts))
    return condition


def _flat(parts: tuple[Condition, ...]) -> Condition:
    return _All(tuple(inner for part in parts for inner in _parts(part, _All)))


# Joining, which is the same on each level: dimensions, source segments, groups


def _joined(
    condition: Condition, item: Callable[[Condition], _T | None]
) -> tuple[str, tuple[_T, ...]] | None:
    """Return the condition as all, any or none of as few items as possible, or None."""
    found = ((how, _items(condition, how, item)) for how in ("ALL", "ANY", "NONE"))
    possible = [(how, items) for how, items in found if items is not None]
    return min(possible, key=lambda one: len(one[1]), default=None)


def _items(
    condition: Condition, how: str, item: Callable[[Condition], _T | None]
) -> tuple[_T, ...] | None:
    """Return the items of which an endpoint must match all, any or none; None if impossible."""
    if how == "NONE":
        return _items(~condition, "ANY", item)
    single = item(condition)
    if single is not None:
        return (single,)
    together: list[_T] = []
    for part in _parts_of(condition, how):
        items = _items(part, how, item)
        if items is None:
            return None
        together.extend(items)
    return tuple(together) or None


def _parts_of(condition: Condition, how: str) -> tuple[Condition, ...]:
    """Return what is joined so by the condition; not any of them is: each of them not."""
    same, other = (_All, _Any) if how == "ALL" else (_Any, _All)
    if isinstance(condition, same):
        return condition.parts
    if isinstance(condition, _Not) and isinstance(condition.part, other):
        return tuple(~part for part in condition.part.parts)
    return ()


# Dimensions: filters of which all must match


def _leaf(condition: Condition) -> Filter | None:
    """Return a filter, or the opposite of one, as a filter."""
    if isinstance(condition, Filter):
        return condition
    if isinstance(condition, _Not) and isinstance(condition.part, Filter):
        opposite = condition.part.opposite
        return None if opposite is None else Filter(opposite, condition.part.dimensions)
    return None


def _dimensions(condition: Condition) -> SegmentDimensions | None:
    leaf = _leaf(condition)
    return None if leaf is None else leaf.dimensions


def _tidy(condition: Condition) -> Condition:
    """Return the same, with filters that stand side by side in one, and apart from the rest."""
    if isinstance(condition, _Not):
        opposites = _parts_of(condition, "ALL")
        if opposites and None not in map(_leaf, opposites):
            return _tidy(_All(opposites))
        return ~_tidy(condition.part)
    if isinstance(condition, _Any):
        return _Any(tuple(map(_tidy, condition.parts)))
    if not isinstance(condition, _All):
        return condition
    parts = [_tidy(part) for part in condition.parts]
    leaves = [_leaf(part) for part in parts]
    filters = _packed(leaf for leaf in leaves if leaf is not None)
    rest = [part for part, leaf in zip(parts, leaves, strict=True) if leaf is None]
    sources = [part for part in rest if _joined(part, _reference) is not None]
    core = _all([*filters, *sources])
    if filters and sources and _group(core) is not None:
        return _all([core, *(part for part in rest if part not in sources)])
    return _all([_all(filters), *rest] if filters else rest)


def _all(parts: Sequence[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else _All(tuple(parts))


def _packed(filters: Iterable[Filter]) -> list[Filter]:
    """As few as possible: one SegmentDimensions asks for an attribute once only."""
    packed: list[Filter] = []
    for added in filters:
        for index, other in enumerate(packed):
            merged = _merged(other.dimensions, added.dimensions)
            if merged is not None:
                packed[index] = Filter(merged)
                break
        else:
            packed.append(added)
    return packed


_CONTAINERS = (SegmentBehaviors, SegmentDemographics, SegmentDimensions, SegmentLocation)


def _merged(one: _M, other: _M) -> _M | None:
    """Both in one; None where both ask for the same thing."""
    values: dict[str, object] = {}
    for field in attrs.fields(type(one)):  # type: ignore[arg-type]  # every model is attrs
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if mine is None or theirs is None or mine == theirs:
            values[field.name] = theirs if mine is None else mine
        elif isinstance(mine, Mapping):
            if any(theirs.get(name, item) != item for name, item in mine.items()):
                return None
            values[field.name] = {**mine, **theirs}
        elif isinstance(mine, _CONTAINERS):
            merged = _merged(mine, theirs)
            if merged is None:
                return None
            values[field.name] = merged
        else:
            return None
    return type(one)(**values)


# Groups


def _group(condition: Condition) -> SegmentGroup | None:
    """Return the condition as one group, or None."""
    if isinstance(condition, _All):
        sources = tuple(part for part in condition.parts if _joined(part, _reference))
        filters = tuple(part for part in condition.parts if part not in sources)
        if sources and filters:
            one, other = _group(_all(sources)), _group(_all(filters))
            if one is None or other is None or other.dimensions is None:
                return None
            return attrs.evolve(one, dimensions=other.dimensions, type=other.type)
    filters_found = _joined(condition, _dimensions)
    if filters_found is not None:
        how, dimensions = filters_found
        return SegmentGroup(dimensions=dimensions, type=GroupType(how))
    sources_found = _joined(condition, _reference)
    if sources_found is not None:
        how, references = sources_found
        return SegmentGroup(source_segments=references, source_type=SourceType(how))
    return None


def _reference(condition: Condition) -> SegmentReference | None:
    return condition.reference if isinstance(condition, Source) else None

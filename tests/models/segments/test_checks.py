"""Definitions that the service would refuse, found before anything is sent."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from pinpoint_kit.limits import DEFAULT_LIMITS
from pinpoint_kit.models import (
    AttributeDimension,
    AttributeType,
    MetricDimension,
    SegmentDimensions,
    SegmentGroup,
    SegmentGroupList,
    SegmentLocation,
    SegmentReference,
    SetDimension,
)
from pinpoint_kit.models.segments import where
from pinpoint_kit.models.segments.checks import segment_problem


def attributes(count: int, *values: str, kind: Any = None) -> SegmentDimensions:
    """So many attributes with these values each."""
    return SegmentDimensions(
        attributes={
            f"a{n}": AttributeDimension(values=values, attribute_type=kind) for n in range(count)
        }
    )


@pytest.mark.parametrize(
    "definition",
    [
        SegmentDimensions(),
        SegmentGroupList(),
        SegmentGroupList(groups=(SegmentGroup(),)),
        attributes(100, "x"),
        attributes(1, *["x" * 100] * 100),
        attributes(1, "2020-01-01", "2020-01-02", kind=AttributeType.BETWEEN),
        attributes(1, "2020-01-01", "2020-01-01", kind=AttributeType.BETWEEN),
        attributes(1, "2020-01-01", "soon", kind=AttributeType.BETWEEN),
        (
            where.near(latitude=1, longitude=1, kilometers=1)
            & where.active_within(days=7)
            & (where.metric("n") > 1)
        ).definition(),
    ],
)
def test_what_is_allowed(definition: Any) -> None:
    """The limits themselves are allowed, and so is everyone."""
    assert segment_problem(definition, DEFAULT_LIMITS) is None


@pytest.mark.parametrize(
    ("definition", "reason", "path"),
    [
        (attributes(101, "x"), "too_many_dimensions", "$"),
        (attributes(2, *["x"] * 51), "too_many_values", "$"),
        (attributes(1, "x", "x" * 101), "value_too_long", "$.attributes.a0.values[1]"),
        (attributes(1), "no_values", "$.attributes.a0"),
        (attributes(1, "2020-01-01", kind=AttributeType.BETWEEN), "values", "$.attributes.a0"),
        (
            attributes(1, "2020-01-01T00:00:01Z", "2020-01-01", kind=AttributeType.BETWEEN),
            "values",
            "$.attributes.a0",
        ),
        (
            SegmentDimensions(location=SegmentLocation(country=SetDimension(values=()))),
            "no_values",
            "$.location.country",
        ),
        (
            SegmentDimensions(user_attributes={"p": AttributeDimension(values=("x" * 101,))}),
            "value_too_long",
            "$.user_attributes.p.values[0]",
        ),
        (
            SegmentGroupList(
                groups=(
                    SegmentGroup(source_segments=(SegmentReference(id="s"),)),
                    SegmentGroup(dimensions=(SegmentDimensions(), attributes(1))),
                )
            ),
            "no_values",
            "$.groups[1].dimensions[1].attributes.a0",
        ),
        (
            SegmentGroupList(groups=(SegmentGroup(dimensions=(attributes(30, "x", "y"),)),) * 2),
            "too_many_values",
            "$",
        ),
        (
            SegmentDimensions(
                metrics={
                    f"m{n}": MetricDimension(comparison_operator="EQUAL", value=n)
                    for n in range(101)
                }
            ),
            "too_many_dimensions",
            "$",
        ),
    ],
)
def test_what_is_refused(definition: Any, reason: str, path: str) -> None:
    """The problem says what and where, and holds no value."""
    problem = segment_problem(definition, DEFAULT_LIMITS)
    assert problem is not None
    assert (problem.reason, problem.path) == (reason, path)
    assert "xxx" not in str(problem)


def test_limits_can_be_replaced() -> None:
    """The numbers are those of the limits that are given."""
    limits = attrs.evolve(DEFAULT_LIMITS, max_segment_dimensions=1)
    problem = segment_problem(attributes(2, "x"), limits)
    assert problem is not None
    assert "at most 1 are" in str(problem)

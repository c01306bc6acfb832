"""Conditions: what Pinpoint can say is said exactly, and the rest is refused."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models import (
    ChannelType,
    Condition,
    Segment,
    SegmentDimensions,
    SegmentGroupList,
    wire,
)
from pinpoint_kit.models.segments import where

if TYPE_CHECKING:
    from collections.abc import Callable

PLAN, OTHER = where.attribute("plan").is_in("pro"), where.attribute("plan").contains("x")
COUNTRY, LEVEL = where.country("PT"), where.metric("level") >= 3
ONE, TWO = where.segment("one"), where.segment("two", version=2)


def written(condition: Condition) -> Any:
    """Return the definition as JSON."""
    return wire.to_wire(condition.definition())


# Leaves


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            where.attribute("plan").is_in("pro", "team"),
            {"Attributes": {"plan": {"AttributeType": "INCLUSIVE", "Values": ["pro", "team"]}}},
        ),
        (
            where.user_attribute("plan").contains("p"),
            {"UserAttributes": {"plan": {"AttributeType": "CONTAINS", "Values": ["p"]}}},
        ),
        (
            where.attribute("due").before("2020-01-01"),
            {
                "Attributes": {
                    "due": {"AttributeType": "BEFORE", "Values": ["2020-01-01T00:00:00.000Z"]}
                }
            },
        ),
        (
            where.attribute("due").after(dt.datetime(2020, 1, 1, 12, tzinfo=dt.timezone.utc)),
            {
                "Attributes": {
                    "due": {"AttributeType": "AFTER", "Values": ["2020-01-01T12:00:00.000Z"]}
                }
            },
        ),
        (
            where.attribute("due").on(dt.date(2020, 1, 1)),
            {
                "Attributes": {
                    "due": {"AttributeType": "ON", "Values": ["2020-01-01T00:00:00.000Z"]}
                }
            },
        ),
        (
            where.attribute("due").between("2020-01-01", "2020-01-01T01:00:00+01:00"),
            {
                "Attributes": {
                    "due": {
                        "AttributeType": "BETWEEN",
                        "Values": ["2020-01-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z"],
                    }
                }
            },
        ),
        (
            where.country("PT", "ES"),
            {"Location": {"Country": {"DimensionType": "INCLUSIVE", "Values": ["PT", "ES"]}}},
        ),
        (
            where.near(latitude=38.7, longitude=-9.1, kilometers=50),
            {
                "Location": {
                    "GPSPoint": {
                        "Coordinates": {"Latitude": 38.7, "Longitude": -9.1},
                        "RangeInKilometers": 50.0,
                    }
                }
            },
        ),
        (
            where.active_within(days=1),
            {"Behavior": {"Recency": {"Duration": "HR_24", "RecencyType": "ACTIVE"}}},
        ),
        (
            where.inactive_for(days=30),
            {"Behavior": {"Recency": {"Duration": "DAY_30", "RecencyType": "INACTIVE"}}},
        ),
        *(
            (
                make("a"),
                {"Demographic": {member: {"DimensionType": "INCLUSIVE", "Values": ["a"]}}},
            )
            for make, member in (
                (where.platform, "Platform"),
                (where.app_version, "AppVersion"),
                (where.make, "Make"),
                (where.model, "Model"),
            )
        ),
        (
            where.channel(ChannelType.EMAIL, "SMS"),
            {
                "Demographic": {
                    "Channel": {"DimensionType": "INCLUSIVE", "Values": ["EMAIL", "SMS"]}
                }
            },
        ),
        *(
            (condition, {"Metrics": {"n": {"ComparisonOperator": operator, "Value": 3.0}}})
            for condition, operator in (
                (where.metric("n") > 3, "GREATER_THAN"),
                (where.metric("n") >= 3, "GREATER_THAN_OR_EQUAL"),
                (where.metric("n") < 3, "LESS_THAN"),
                (where.metric("n") <= 3, "LESS_THAN_OR_EQUAL"),
                (where.metric("n") == 3, "EQUAL"),
                (3 < where.metric("n"), "GREATER_THAN"),  # noqa: SIM300 -- the point
            )
        ),
    ],
)
def test_leaves(condition: Condition, expected: Any) -> None:
    """Each function writes the dimension that it is named for."""
    assert written(condition) == expected


def test_not_equal_is_the_opposite_of_equal() -> None:
    """Endpoints without the metric are among those that do not have this value."""
    assert written(where.metric("n") != 3) == written(~(where.metric("n") == 3))


@pytest.mark.parametrize(
    "make",
    [
        where.country,
        lambda: where.attribute("a").is_in(),
        lambda: where.active_within(days=3),
        lambda: where.inactive_for(days=0),
        lambda: where.channel("PIGEON"),
        lambda: where.attribute("a").before("yesterday"),
        lambda: where.attribute("a").between("2020-01-02", "2020-01-01"),
        lambda: where.metric("n") > float("inf"),
        lambda: where.near(latitude=float("inf"), longitude=1, kilometers=1),
        lambda: where.segment(""),
    ],
)
def test_what_cannot_be_meant(make: Callable[[], Condition]) -> None:
    """A value that Pinpoint does not have is refused where it is written."""
    with pytest.raises(ValidationError):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: where.country(5),  # type: ignore[arg-type]  # all of these are the point
        lambda: where.attribute("a").is_in(["b"]),  # type: ignore[arg-type]
        lambda: where.attribute(5).is_in("b"),  # type: ignore[arg-type]
        lambda: where.metric("n") > "3",  # type: ignore[operator]
        lambda: where.metric("n") > True,
        lambda: where.attribute("a").on(None),  # type: ignore[arg-type]
        lambda: where.segment(5),  # type: ignore[arg-type]
        lambda: PLAN & where.metric("n") >= 3,  # type: ignore[operator]  # parentheses are missing
        lambda: PLAN & True,  # type: ignore[operator]
        lambda: PLAN | where.attribute("plan"),  # type: ignore[operator]
        lambda: PLAN and COUNTRY,
        lambda: not PLAN,
        lambda: 1 < where.metric("n") < 3,
    ],
)
def test_wrong_types(make: Callable[[], object]) -> None:
    """Unfinished conditions and Python's own and, or, not are refused, not misunderstood."""
    with pytest.raises(InvalidTypeError):
        make()


def test_a_segment_can_be_given_itself() -> None:
    """A segment stands for its id, in its latest version."""
    assert where.segment(Segment(id="one", version=7)).definition() == ONE.definition()


# Joins


def dimensions(**members: Any) -> dict[str, Any]:
    """One group."""
    return {"Groups": [members], "Include": "ALL"}


@pytest.mark.parametrize(
    ("condition", "shape"),
    [
        (PLAN & COUNTRY & LEVEL, "plain"),
        (~PLAN & ~COUNTRY & LEVEL, "plain"),
        (PLAN | COUNTRY, ["ALL", "ANY 2"]),
        (~(PLAN | COUNTRY), "plain"),
        (~(PLAN | LEVEL), ["ALL", "NONE 2"]),
        (~LEVEL, ["ALL", "NONE 1"]),
        (~~LEVEL, "plain"),
        (PLAN & OTHER, ["ALL", "ALL 2"]),
        (PLAN & OTHER & COUNTRY & LEVEL, ["ALL", "ALL 2"]),
        (~(PLAN & OTHER), ["NONE", "ALL 2"]),
        (LEVEL & ~(where.metric("level") > 5), ["ALL", "ALL 1", "NONE 1"]),
        (ONE & TWO, ["ALL", "of ALL 2"]),
        (ONE | TWO, ["ALL", "of ANY 2"]),
        (~(ONE | TWO), ["ALL", "of NONE 2"]),
        (~ONE & ~TWO, ["ALL", "of NONE 2"]),
        (ONE & PLAN & COUNTRY, ["ALL", "of ALL 1 ALL 1"]),
        ((ONE | TWO) & (PLAN | COUNTRY), ["ALL", "of ANY 2 ANY 2"]),
        (~ONE & ~(PLAN | COUNTRY), ["ALL", "of NONE 1 ALL 1"]),
        (~ONE & ~(PLAN | LEVEL), ["ALL", "of NONE 1 NONE 2"]),
        ((PLAN | COUNTRY) & (LEVEL | OTHER), ["ALL", "ANY 2", "ANY 2"]),
        ((ONE & PLAN) | (TWO & COUNTRY), ["ANY", "of ALL 1 ALL 1", "of ALL 1 ALL 1"]),
        ((ONE & PLAN) | COUNTRY, ["ANY", "of ALL 1 ALL 1", "ALL 1"]),
        (~((ONE & PLAN) | COUNTRY), ["NONE", "of ALL 1 ALL 1", "ALL 1"]),
        (~(ONE & PLAN) & ~COUNTRY, ["NONE", "ALL 1", "of ALL 1 ALL 1"]),
        (~(ONE & PLAN & TWO), ["NONE", "of ALL 2 ALL 1"]),
        ((ONE | PLAN) & COUNTRY, ["ANY", "of ALL 1 ALL 1", "ALL 1"]),
        (((ONE & PLAN) | COUNTRY) & LEVEL, ["ANY", "of ALL 1 ALL 1", "ALL 1"]),
    ],
)
def test_joins(condition: Condition, shape: str | list[str]) -> None:
    """A join takes no more groups than it needs."""
    found = condition.definition()
    if isinstance(found, SegmentDimensions):
        assert shape == "plain"
        return
    texts = []
    for group in found.groups or ():
        words = []
        if group.source_segments is not None and group.source_type is not None:
            words += ["of", group.source_type.value, str(len(group.source_segments))]
        if group.dimensions is not None and group.type is not None:
            words += [group.type.value, str(len(group.dimensions))]
        texts.append(" ".join(words))
    assert found.include is not None
    assert [found.include.value, *texts] == shape


@pytest.mark.parametrize(
    "condition",
    [
        (ONE | PLAN) & (TWO | COUNTRY),
        (((PLAN | COUNTRY) & (LEVEL | OTHER)) | ONE) & TWO,
        ~((ONE | PLAN) & (TWO | COUNTRY)),
    ],
)
def test_a_third_level_is_refused(condition: Condition) -> None:
    """What does not fit is refused with the way out."""
    with pytest.raises(ValidationError, match=r"cannot say this condition.*where\.segment\("):
        condition.definition()


def test_joins_keep_their_values() -> None:
    """Nothing of a join is lost or doubled."""
    assert written(ONE & TWO & ~PLAN & (where.metric("level") >= 3)) == dimensions(
        SourceSegments=[{"Id": "one"}, {"Id": "two", "Version": 2}],
        SourceType="ALL",
        Dimensions=[
            {
                "Attributes": {"plan": {"AttributeType": "EXCLUSIVE", "Values": ["pro"]}},
                "Metrics": {"level": {"ComparisonOperator": "GREATER_THAN_OR_EQUAL", "Value": 3.0}},
            }
        ],
        Type="ALL",
    )


# Against the truth: a definition is worked out by the service's rules and by the condition's own


NAMES = "abcd"
LEAVES: dict[str, Condition] = {
    "a": where.attribute("a").is_in("1"),
    "b": where.metric("b") == 1,
    "c": where.attribute("c").contains("1"),
    "d": where.country("1"),
    "S": where.segment("S"),
    "T": where.segment("T"),
}
TREES = st.recursive(
    st.sampled_from(sorted(LEAVES)).map(lambda name: (name,)),
    lambda inner: st.one_of(
        st.tuples(st.just("~"), inner),
        st.tuples(st.sampled_from("&|"), inner, inner),
        st.tuples(st.sampled_from("&|"), inner, inner, inner),
    ),
    max_leaves=7,
)


def built(tree: tuple[Any, ...]) -> Condition:
    """Return the condition that a tree stands for."""
    head, *rest = tree
    if not rest:
        return LEAVES[head]
    if head == "~":
        return ~built(rest[0])
    first, *others = map(built, rest)
    for other in others:
        first = first & other if head == "&" else first | other
    return first


def truth(tree: tuple[Any, ...], facts: frozenset[str]) -> bool:
    """Whether a tree holds."""
    head, *rest = tree
    if not rest:
        return head in facts
    found = [truth(part, facts) for part in rest]
    return not found[0] if head == "~" else all(found) if head == "&" else any(found)


def evaluated(definition: Any, facts: frozenset[str]) -> bool:
    """Whether JSON of a definition holds, as section 4.2 of the semantics reads it."""
    if "Groups" not in definition:
        return matches(definition, facts)
    groups = [
        joined(group.get("SourceType"), [s["Id"] in facts for s in group.get("SourceSegments", [])])
        and joined(group.get("Type"), [matches(d, facts) for d in group.get("Dimensions", [])])
        for group in definition["Groups"]
    ]
    return joined(definition["Include"], groups)


def joined(how: str | None, found: list[bool]) -> bool:
    """ALL, ANY or NONE of them; nothing asks for nothing."""
    if not found:
        return True
    return {"ALL": all(found), "ANY": any(found), "NONE": not any(found), None: all(found)}[how]


def matches(found: Any, facts: frozenset[str]) -> bool:
    """Whether all filters of one SegmentDimensions match."""
    results = [
        (name in facts) == (dimension["AttributeType"] != "EXCLUSIVE")
        for name, dimension in found.get("Attributes", {}).items()
    ]
    results += [name in facts for name in found.get("Metrics", {})]
    if "Location" in found:
        kind = found["Location"]["Country"]["DimensionType"]
        results.append(("d" in facts) == (kind == "INCLUSIVE"))
    return all(results)


FACTS = [
    frozenset(name for bit, name in enumerate(sorted(LEAVES)) if number >> bit & 1)
    for number in range(2 ** len(LEAVES))
]


@given(TREES)
@settings(max_examples=150)
def test_a_definition_says_what_the_condition_says(tree: tuple[Any, ...]) -> None:
    """For every combination of facts both agree; or the condition is refused."""
    try:
        definition = written(built(tree))
    except ValidationError as error:
        assert error.reason == "condition"  # noqa: PT017 -- the other branch is as right
        return
    wrong = [facts for facts in FACTS if evaluated(definition, facts) != truth(tree, facts)]
    assert wrong == [], json.dumps(definition)


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3), min_size=1, max_size=4))
def test_two_levels_are_never_refused(clauses: list[list[str]]) -> None:
    """Any "all of any of" and any "any of all of" fits, and so does its opposite."""
    for inner, outer in ("&|", "|&"):
        tree = (outer, *((inner, *((name,) for name in clause)) for clause in clauses))
        assert isinstance(built(tree).definition(), (SegmentDimensions, SegmentGroupList))
        assert isinstance((~built(tree)).definition(), (SegmentDimensions, SegmentGroupList))


def test_a_shell_completes_conditions_only() -> None:
    """What the module imports is not among them."""
    assert dir(where) == sorted(where.__all__)
    assert {"attribute", "metric", "segment"} <= set(dir(where))
    assert not {"attrs", "dt", "iso", "instant"} & set(dir(where))

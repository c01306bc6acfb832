"""`Rule`: what a segment's definition says of an endpoint, as a tree of values.

Pure values: segments/parsing.py makes them of JSON, segments/sql.py makes SQL of them, and
membership is explained by them. Here stand also the limits of what a definition may hold.

A rule's path says where it stands in the definition, its text what it asks for. Both hold nothing
but the definition's own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from pinpoint_kit.engine.wire.body import encode
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.limits import Limits

__all__ = [
    "ROOT",
    "Combination",
    "How",
    "ImportedRule",
    "ListRule",
    "NearRule",
    "NumberRule",
    "RecencyRule",
    "Rule",
    "SingleRule",
    "SourceRule",
    "TextRule",
    "ValuesRule",
    "check_limits",
    "walk",
]

How: TypeAlias = Literal["ALL", "ANY", "NONE"]

#: The path of a whole definition.
ROOT = "$"

_CHANNEL = "channel_type"
#: PUSH means whatever is a push channel.
_PUSH = ("PUSH", "ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM")

_DAY_MS = 86_400_000
_DURATIONS_MS = {
    "HR_24": _DAY_MS,
    "DAY_7": 7 * _DAY_MS,
    "DAY_14": 14 * _DAY_MS,
    "DAY_30": 30 * _DAY_MS,
}


@attrs.frozen
class _Rule:
    """One thing that a definition says.

    Attributes:
        path: where, for example `$.Dimensions.Attributes.plan`; "" for a part without a place of
            its own.
        text: what it asks for, for example `INCLUSIVE pro, free`.
    """

    path: str
    text: str

    @property
    def shown_path(self) -> str:
        """The path for who sees the definition anyway: names that `path` leaves out are in it."""
        return self.path


@attrs.frozen
class ValuesRule(_Rule):
    """A rule that lists values, as they were sent."""

    how: str
    values: tuple[str, ...]


@attrs.frozen
class ListRule(ValuesRule):
    """An attribute of the endpoint or of its user; `how` is the `AttributeType`.

    Attributes:
        name: the attribute's name.
        is_of_user: whether it is a user attribute.
        moments: of a date rule, the values in a form that sorts by time.
    """

    name: str
    is_of_user: bool
    moments: tuple[str, ...] = ()

    @property
    def shown_path(self) -> str:
        """As for every rule."""
        return _with_name(self.path, self.name)


@attrs.frozen
class TextRule(ValuesRule):
    """One of the endpoint's own texts: of Demographic, its channel, its country.

    Attributes:
        column: the column of `endpoints`, None for a text that no endpoint has.
    """

    column: str | None

    @property
    def wanted(self) -> tuple[str, ...]:
        """The values to look for."""
        if self.column != _CHANNEL or "PUSH" not in self.values:
            return self.values
        return tuple(dict.fromkeys((*self.values, *_PUSH)))


@attrs.frozen
class NumberRule(_Rule):
    """A metric of the endpoint."""

    name: str
    comparison: str
    value: float

    @property
    def shown_path(self) -> str:
        """As for every rule."""
        return _with_name(self.path, self.name)


@attrs.frozen
class RecencyRule(_Rule):
    """How long ago the endpoint was active: ACTIVE is within the duration, INACTIVE is not."""

    kind: str
    duration: str

    @property
    def duration_ms(self) -> int:
        """The duration in milliseconds."""
        return _DURATIONS_MS[self.duration]


@attrs.frozen
class NearRule(_Rule):
    """How far the endpoint is from a point, at most."""

    latitude: float
    longitude: float
    kilometers: float


@attrs.frozen
class SourceRule(_Rule):
    """Whether the endpoint belongs to another segment.

    Attributes:
        id: the segment's id.
        version: None for the newest.
    """

    id: str
    version: int | None


@attrs.frozen
class ImportedRule(_Rule):
    """Whether the endpoint, or its user, is on the list of an imported segment."""


@attrs.frozen
class Combination(_Rule):
    """Several rules: all, any or none of them must hold. Without rules everybody is meant."""

    how: How
    parts: tuple[Rule, ...]


#: A rule about one thing, which has an SQL condition of its own.
SingleRule: TypeAlias = ListRule | TextRule | NumberRule | RecencyRule | NearRule | ImportedRule
Rule: TypeAlias = SingleRule | SourceRule | Combination


def _with_name(path: str, name: str) -> str:
    """Return the path with its last member's name, quoted as in JSON where it is a position."""
    return f"{path.rpartition('[')[0]}[{encode(name)}]" if path.endswith("]") else path


def walk(rule: Rule) -> Iterator[Rule]:
    """Yield every rule of a tree in the order of the definition, the whole after its parts."""
    if isinstance(rule, Combination):
        for part in rule.parts:
            yield from walk(part)
    yield rule


def check_limits(rule: Rule, limits: Limits) -> None:
    """Check how much a definition may hold.

    Raises:
        ApiError: too many dimensions or values, or one that is too long.
    """
    dimensions = [
        part for part in walk(rule) if not isinstance(part, (Combination, ImportedRule, SourceRule))
    ]
    if len(dimensions) > limits.max_segment_dimensions:
        raise bad_request(
            f"The segment has {len(dimensions)} dimensions; "
            f"it may have {limits.max_segment_dimensions}"
        )
    listing = [part for part in dimensions if isinstance(part, ValuesRule)]
    total = sum(len(part.values) for part in listing)
    if total > limits.max_segment_values:
        raise bad_request(
            f"The dimensions have {total} values in all; they may have {limits.max_segment_values}"
        )
    for part in listing:
        for position, value in enumerate(part.values):
            if len(value) > limits.max_segment_value_chars:
                raise bad_request(
                    f"is longer than {limits.max_segment_value_chars} characters",
                    f"{part.path.removeprefix(ROOT)}.Values[{position}]",
                )

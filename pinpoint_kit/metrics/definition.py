"""What a metric is: its words, its arguments and its work; and the question that is asked of it.

A definition's work is a generator: it yields statements, is sent their rows, and returns a result.
So it opens nothing, and whoever holds the connection runs it (`run`). The words stand in the
docstring of that generator and nowhere else. No metric may be put here.
"""

from __future__ import annotations

import datetime as dt
import inspect
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import attrs
from sqlalchemy import CTE

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.metrics import calendar
from pinpoint_kit.metrics.calendar import Days
from pinpoint_kit.metrics.filters import EVERYTHING, Where
from pinpoint_kit.metrics.groups import Breakdown, Plan
from pinpoint_kit.metrics.relation import Relation, Selected
from pinpoint_kit.metrics.results import About, Result

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pinpoint_kit.metrics.relation import Rows, Statement

__all__ = [
    "COMMON",
    "DEFINITIONS",
    "Argument",
    "Chosen",
    "Definition",
    "Question",
    "Step",
    "choice",
    "define",
    "run",
    "text",
    "whole_number",
]

_R = TypeVar("_R", bound=Result)

MAX_TOP = 50
_DEFAULT_DAYS = 30


@attrs.frozen(kw_only=True)
class Step:
    """A step of a funnel.

    Args:
        type: the event type.
        where: what else must hold of the event.
        name: what to call it; "": the event type.
    """

    type: str
    where: Where = EVERYTHING
    name: str = ""


@attrs.frozen(kw_only=True)
class Question:
    """What is asked: the arguments of all metrics; each metric looks at its own.

    Args:
        definition: the metric that is asked.
        now: the present, in milliseconds since 1970.
        days: the days, in their zone.
        actor: `endpoint` or `user`.
        where: the filters.
        by: the breakdown.
        top: how many values of it are counted by themselves.
        shared: distinct `day`, `part` and `actor` of active days that another question has read,
            of at least the days that this one needs, and with the same filters.
        only: count only what has this value of the breakdown, without a breakdown.
        extra: the metric's own arguments, by name.
    """

    definition: Definition
    now: int
    days: Days
    actor: str = "endpoint"
    where: Where = EVERYTHING
    by: Breakdown | None = None
    top: int = 10
    only: tuple[str | None] | None = None
    shared: CTE | None = attrs.field(default=None, eq=False, repr=False)
    extra: Mapping[str, object] = attrs.field(factory=dict)

    @property
    def today(self) -> int:
        """The number of the day that is not over yet."""
        return calendar.day_of(self.now, self.days.zone)

    @property
    def seen(self) -> Days:
        """Those of the days that have begun: events of the future are not counted yet."""
        return Days(self.days.first, min(self.days.last, self.today), self.days.zone)

    @property
    def about(self) -> About:
        """What a result says of the question."""
        return About(
            metric=self.definition.name,
            title=self.definition.title,
            unit=self.definition.unit,
            zone=self.days.zone.key,
            actor=self.actor,
            first=calendar.date_of(self.days.first),
            last=calendar.date_of(self.days.last),
            by=None if self.by is None else str(self.by),
        )

    def over_all(self) -> Question:
        """Return the same question without its breakdown."""
        return attrs.evolve(self, by=None)

    def about_one(self, chosen: Chosen) -> Question:
        """Return the question about one day, and one value of the breakdown, of this one."""
        days = self.days if chosen.day is None else Days(chosen.day, chosen.day, self.days.zone)
        by = None if chosen.group is None else self.by
        return attrs.evolve(self, days=days, by=by, only=chosen.group)

    def whole(self, name: str) -> int:
        """Return one of the metric's own arguments that is an integer."""
        value = self.extra[name]
        if not isinstance(value, int):
            raise TypeError(f"{name} is no integer")
        return value

    def word(self, name: str) -> str:
        """Return one of the metric's own arguments that is text."""
        return str(self.extra[name])


@attrs.frozen(kw_only=True)
class Chosen:
    """Which number's actors are asked for: a point of a result.

    Args:
        day: the day; None: the whole period.
        group: the value of the breakdown; None: all. A tuple, because None is a value, too.
        step: the step of a funnel, from 1.
        age: days since a cohort's day.
        is_back: of a retention: those who came back (True), or did not (False); None: all.
        count: of a distribution by number: the number.
    """

    day: int | None = None
    group: tuple[str | None] | None = None
    step: int = 1
    age: int = 0
    is_back: bool | None = None
    count: int | None = None

    @classmethod
    def parse(cls, value: object, path: str = "$.point") -> Chosen:
        """Return the point that a JSON object names.

        Raises:
            ValidationError: a member is unknown or malformed.
        """
        if not isinstance(value, Mapping):
            raise ValidationError("expected an object", path, "type")
        known = [field.name for field in attrs.fields(cls)]
        found: dict[str, object] = {}
        for name, content in value.items():
            at = f"{path}.{name}"
            if name == "day":
                found[name] = _date(content, at)
            elif name == "group":
                found[name] = (None if content is None else text(200)(content, at),)
            elif name == "is_back":
                if not isinstance(content, bool):
                    raise ValidationError("expected true or false", at, "type")
                found[name] = content
            elif name in known:
                found[name] = whole_number(0, calendar.MAX_DAYS)(content, at)
            else:
                raise ValidationError(f"unknown member; there are {', '.join(known)}", path)
        return cls(**found)  # type: ignore[arg-type] # checked one by one above


Parse: TypeAlias = Callable[[object, str], object]


@attrs.frozen(kw_only=True)
class Argument:
    """An argument of a metric.

    Args:
        name: its name.
        meaning: what it is, with unit and range.
        parse: from JSON to its value; it raises ValidationError and names the path.
        default: the JSON that is taken when it is left out.
        is_required: whether it must be given.
    """

    name: str
    meaning: str
    parse: Parse
    default: object = None
    is_required: bool = False


def whole_number(least: int, most: int) -> Parse:
    """Return a parser of integers from `least` to `most`."""

    def parse(value: object, path: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValidationError(f"expected a whole number from {least} to {most}", path, "range")
        return value

    return parse


def choice(*words: str) -> Parse:
    """Return a parser of some words."""

    def parse(value: object, path: str) -> str:
        if not isinstance(value, str) or value not in words:
            raise ValidationError(f"unknown value; write {' or '.join(words)}", path, "unknown")
        return value

    return parse


def text(max_chars: int) -> Parse:
    """Return a parser of texts that are not empty."""

    def parse(value: object, path: str) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= max_chars:
            raise ValidationError(f"expected text of 1 to {max_chars} characters", path, "type")
        return value

    return parse


def _date(value: object, path: str) -> int:
    try:
        if isinstance(value, str):
            value = dt.date.fromisoformat(value)
        if type(value) is dt.date and dt.date(1970, 1, 3) <= value < dt.date(9999, 1, 1):
            return calendar.number_of(value)
    except ValueError:
        pass
    raise ValidationError("expected a date such as 2026-10-30, from 1970-01-03 on", path, "type")


def _zone(value: object, path: str) -> ZoneInfo:
    return calendar.find_zone(str(text(100)(value, path)), path)


#: The arguments that all metrics take.
COMMON = (
    Argument(name="first", meaning="the first day, YYYY-MM-DD; 29 days before `last`", parse=_date),
    Argument(name="last", meaning="the last day, included; today", parse=_date),
    Argument(
        name="zone",
        meaning="whose calendar days they are, an IANA name",
        parse=_zone,
        default="UTC",
    ),
    Argument(
        name="actor",
        meaning="who is counted: `endpoint` or `user`",
        parse=choice("endpoint", "user"),
        default="endpoint",
    ),
    Argument(name="where", meaning="filters", parse=Where.parse, default={}),
    Argument(
        name="by",
        meaning="the breakdown, for example `platform` or `attributes.screen`",
        parse=Breakdown.parse,
    ),
    Argument(
        name="top",
        meaning=f"how many of its values to show, 1 to {MAX_TOP}; the others are one rest",
        parse=whole_number(1, MAX_TOP),
        default=10,
    ),
)


@attrs.frozen(kw_only=True)
class Definition:
    """A metric: its words, its arguments, and how it is measured.

    Args:
        name: the name it is asked by.
        title: what to write over it.
        unit: what is counted.
        definition: what it is, in words.
        counted: what is counted when.
        source: where the definition comes from.
        differs: where it differs from Pinpoint's console and from other products, in one line.
        example: the example of its docstring.
        arguments: what it takes besides `COMMON`.
        without: members of `COMMON` that it does not take.
        refuses: filters that mean nothing to it.
        measure: its work.
        actors: the statement of the ids behind one of its numbers; None: it has none.
    """

    name: str
    title: str
    unit: str
    definition: str
    counted: str
    source: str
    differs: str
    example: str
    arguments: tuple[Argument, ...]
    without: tuple[str, ...]
    refuses: tuple[str, ...]
    measure: Callable[[Question, Relation], Plan[Result]] = attrs.field(repr=False)
    actors: Callable[[Question, Relation, Chosen], Selected] | None = attrs.field(repr=False)

    @property
    def takes(self) -> tuple[Argument, ...]:
        """All arguments."""
        return (*(a for a in COMMON if a.name not in self.without), *self.arguments)

    def question(self, arguments: Mapping[str, object], *, now: int) -> Question:
        """Return the question that a JSON object asks.

        Args:
            arguments: by name; null counts as left out.
            now: the present, in milliseconds since 1970.

        Raises:
            ValidationError: an argument is unknown, malformed or missing.
        """
        known = {argument.name: argument for argument in self.takes}
        given = {name: value for name, value in arguments.items() if value is not None}
        if unknown := [name for name in given if name not in known]:
            raise ValidationError(
                f"unknown argument of {self.name}; there are {', '.join(known)}",
                f"$.{unknown[0][:50]}",
                "unknown",
            )
        found: dict[str, object] = {}
        for name, argument in known.items():
            content = given.get(name, argument.default)
            if content is None and argument.is_required:
                raise ValidationError(f"{self.name} needs {argument.meaning}", f"$.{name}")
            found[name] = None if content is None else argument.parse(content, f"$.{name}")
        question = Question(
            definition=self,
            now=now,
            days=_days(found, now),
            **{k: found[k] for k in ("actor", "where", "by", "top") if k in found},  # type: ignore[arg-type] # parsed
            extra={argument.name: found[argument.name] for argument in self.arguments},
        )
        if refused := [name for name in question.where.names if name in self.refuses]:
            raise ValidationError(
                f"{self.name} cannot be filtered by this; leave it out", f"$.where.{refused[0]}"
            )
        return question


def _days(found: Mapping[str, object], now: int) -> Days:
    zone = found.get("zone") or calendar.find_zone("UTC")
    last = found.get("last")
    last = calendar.day_of(now, zone) if last is None else last  # type: ignore[arg-type] # parsed
    first = found.get("first")
    first = last - _DEFAULT_DAYS + 1 if first is None else first  # type: ignore[operator] # as above
    days = Days(first, last, zone)  # type: ignore[arg-type] # as above
    if not days.first <= days.last < days.first + calendar.MAX_DAYS:
        raise ValidationError(
            f"`last` must not be before `first`, and at most {calendar.MAX_DAYS} days after it",
            "$.last",
            "range",
        )
    return days


#: All metrics by name. Modules of this room add theirs; `pinpoint_kit.metrics` has imported all.
DEFINITIONS: dict[str, Definition] = {}

_SECTION = re.compile(r"^(Counted|Source|Differs|Examples):\s*", re.MULTILINE)


def define(  # noqa: PLR0913 -- these are a metric's parts
    *,
    title: str,
    unit: str,
    arguments: tuple[Argument, ...] = (),
    without: tuple[str, ...] = (),
    refuses: tuple[str, ...] = (),
    actors: Callable[[Question, Relation, Chosen], Selected] | None = None,
) -> Callable[[Callable[[Question, Relation], Plan[_R]]], Callable[[Question, Relation], Plan[_R]]]:
    """Return a decorator that adds a metric of the function's name to `DEFINITIONS`.

    Its docstring has the definition, then the sections Counted, Source, Differs and Examples.
    """

    def add(
        measure: Callable[[Question, Relation], Plan[_R]],
    ) -> Callable[[Question, Relation], Plan[_R]]:
        first, *rest = _SECTION.split(inspect.getdoc(measure) or "")  # python -OO has none
        sections = dict(zip(rest[::2], rest[1::2], strict=True))
        words = {name: " ".join(content.split()) for name, content in sections.items()}
        DEFINITIONS[measure.__name__] = Definition(
            name=measure.__name__,
            title=title,
            unit=unit,
            definition=" ".join(first.split()),
            counted=words.get("Counted", ""),
            source=words.get("Source", ""),
            differs=words.get("Differs", ""),
            example=inspect.cleandoc(sections.get("Examples", "")),
            arguments=arguments,
            without=without,
            refuses=refuses,
            measure=measure,
            actors=actors,
        )
        return measure

    return add


def run(plan: Plan[Result], execute: Callable[[Statement], Rows]) -> Result:
    """Return what a plan finds, running its statements.

    Args:
        plan: the work.
        execute: runs a statement and returns all of its rows. All of a plan should see the same
            state of the database: run it in one transaction that only reads.
    """
    try:
        statement = next(plan)
        while True:
            statement = plan.send(execute(statement))
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return] # what the generator returns

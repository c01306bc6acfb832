"""Funnels: who took some steps one after the other.

One pass: events are sorted by actor and time once for each step, and each step carries on the
latest entry from which it was reached in order. Of several entries the latest is always at least
as good, so that an actor counts when any chain fits ("any entry").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from sqlalchemy import CTE, ColumnElement, and_, case, func, not_, or_, select, union_all

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.metrics.answering import groups_of
from pinpoint_kit.metrics.breakdown import (
    actor_of,
    answered,
    find_groups,
    is_acting,
    is_parted,
    partition,
    picked,
)
from pinpoint_kit.metrics.calendar import DAY_MS
from pinpoint_kit.metrics.definition import (
    Argument,
    Chosen,
    Question,
    Step,
    choice,
    define,
    text,
    whole_number,
)
from pinpoint_kit.metrics.dialects import number, once
from pinpoint_kit.metrics.filters import Where
from pinpoint_kit.metrics.groups import ALL, WHOLE, Groups, Plan
from pinpoint_kit.metrics.results import Funnel, FunnelStep, Group, ratio, whole

if TYPE_CHECKING:
    from pinpoint_kit.metrics.relation import Relation, Selected, Statement

__all__ = ["MAX_STEPS", "funnel", "parse_steps"]

MAX_STEPS = 10
_MEMBERS = ("type", "name", "attributes", "metrics")


def parse_steps(value: object, path: str) -> tuple[Step, ...]:
    """Return the steps of a JSON list of objects with `type`, `attributes`, `metrics`, `name`.

    Raises:
        ValidationError: it is no such list, or has fewer than 2 or more than `MAX_STEPS` steps.
    """
    if not isinstance(value, (list, tuple)) or not 2 <= len(value) <= MAX_STEPS:  # noqa: PLR2004 -- said in the text
        raise ValidationError(f"expected a list of 2 to {MAX_STEPS} steps", path, "size")
    found = []
    for index, step in enumerate(value):
        at = f"{path}[{index}]"
        if not isinstance(step, dict):
            raise ValidationError("expected an object with the event type", at, "type")
        if any(name not in _MEMBERS for name in step):
            raise ValidationError(
                f"unknown member of a step; there are {', '.join(_MEMBERS)}", at, "unknown"
            )
        where = {k: v for k, v in step.items() if k in {"attributes", "metrics"} and v is not None}
        kind = str(text(256)(step.get("type"), f"{at}.type"))
        name = step.get("name")
        found.append(
            Step(
                type=kind,
                where=Where.parse(where, at),
                name=kind if name is None else str(text(100)(name, f"{at}.name")),
            )
        )
    return tuple(found)


ARGUMENTS = (
    Argument(
        name="steps",
        meaning=f"2 to {MAX_STEPS} steps, each with `type` and, when wanted, `attributes`,"
        " `metrics` and `name`",
        parse=parse_steps,
        is_required=True,
    ),
    Argument(
        name="window_ms",
        meaning="milliseconds from the first step to the last one, up to 366 days; 0: any time",
        parse=whole_number(0, 366 * DAY_MS),
        default=7 * DAY_MS,
    ),
    Argument(
        name="order",
        meaning="`at_or_after`: a step may have the time of the one before; `after`: it must not",
        parse=choice("at_or_after", "after"),
        default="at_or_after",
    ),
)


def _steps(question: Question) -> tuple[Step, ...]:
    return question.extra["steps"]  # type: ignore[return-value] # parse_steps made it


def _may_overlap(steps: tuple[Step, ...]) -> bool:
    """Whether one event may be two of the steps."""
    return any(
        first.type == second.type and not _are_apart(first, second)
        for index, first in enumerate(steps)
        for second in steps[index + 1 :]
    )


def _are_apart(first: Step, second: Step) -> bool:
    """Whether an attribute must have one value for the one, and another for the other."""
    wanted = {key: set(values) for _, key, values in second.where.maps}
    return any(
        key in wanted and not wanted[key] & set(values) for _, key, values in first.where.maps
    )


def _marked(question: Question, relation: Relation, groups: Groups) -> CTE:
    """Return `part`, `actor`, `moment` of what may be a step, and which step it is: the marks.

    One event is one `step`; where it could be several, it has `is_1`, `is_2` … of 0 or 1.
    """
    steps, window = _steps(question), question.whole("window_ms")
    events = relation.events
    tests = [and_(events.type == step.type, *step.where.of_events(relation)) for step in steps]
    entries_end = number(question.seen.stop_ms if question.seen.last >= question.seen.first else 0)
    tests[0] = and_(tests[0], events.time < entries_end)
    if _may_overlap(steps):
        marks = {
            f"is_{k}": case((test, number(1)), else_=number(0)) for k, test in enumerate(tests, 1)
        }
    else:
        marks = {"step": case(*((test, number(k)) for k, test in enumerate(tests, 1)))}
    ahead = -(-window // DAY_MS) + 1 if window else question.today - question.seen.last
    ahead = max(min(ahead, question.today - question.seen.last), 0)
    rows = once(
        picked(
            question,
            relation,
            groups,
            {"actor": actor_of(question, relation), "moment": events.time, **marks},
            types=list(dict.fromkeys(step.type for step in steps)),
            days=question.seen.reaching(after=ahead),
            conditions=is_acting(question, relation),
        )
    )
    own = [column for column in rows.c if column.name != "day"]
    is_any = [
        rows.c.step.is_not(None) if name == "step" else rows.c[name] == number(1) for name in marks
    ]
    return select(*own).where(or_(*is_any)).cte("marked")


def _with_everything(marked: CTE, mixed: CTE) -> CTE:
    """Return what is marked, and that of actors in several parts once more, as one part."""
    own = [column for column in marked.c if column.name != "part"]
    again = select(number(ALL), *own).where(marked.c.actor.in_(select(mixed.c.actor)))
    return union_all(select(marked.c.part, *own), again).cte("marked_again")


@attrs.frozen
class _Reached:
    """A step: events of an actor and part in their order, and those that took the step.

    Args:
        events: `part`, `actor`, `moment` and the marks.
        entry: for an event that took the step, the latest first step of its chain; NULL for
            others, which may be later steps.
    """

    events: CTE
    entry: ColumnElement[int]

    def actors(self) -> Selected:
        """Return the distinct `part` and `actor` of those who reached the step."""
        own = self.events.c
        return select(own.part, own.actor).where(self.entry.is_not(None)).distinct()


def _is_step(events: CTE, k: int) -> ColumnElement[bool]:
    is_one_step = "step" in events.c
    return events.c.step == number(k) if is_one_step else events.c[f"is_{k}"] == number(1)


def _reached(question: Question, marked: CTE) -> list[_Reached]:
    """Return each step.

    What cannot be part of a longer chain is left out: the next step sorts the less.
    """
    steps, window = _steps(question), question.whole("window_ms")
    found = [_Reached(marked, case((_is_step(marked, 1), marked.c.moment)))]
    for k in range(2, len(steps) + 1):
        events = _candidates(question, found[-1], k)
        in_time: list[ColumnElement[bool]] = [events.c.since.is_not(None)]
        in_time += [events.c.moment - events.c.since <= number(window)] if window else []
        own = [column for column in events.c if column.name != "since"]
        entry = case((_is_step(events, k), events.c.since)).label("entry")
        later = or_(*(_is_step(events, j) for j in range(k, len(steps) + 1)))
        rows = select(*own, entry).where(*in_time, later).cte(f"reached_{k}")
        found.append(_Reached(rows, rows.c.entry))
    return found


def _candidates(question: Question, before: _Reached, k: int) -> CTE:
    """Return events with `since`, the latest entry from which the step before was reached."""
    strictly = question.word("order") == "after" or _may_overlap(_steps(question))
    events = before.events
    latest = func.max(before.entry).over(
        partition_by=partition(question, events),
        order_by=events.c.moment,
        range_=(None, -1 if strictly else 0),
    )
    own = [column for column in events.c if column.name != "entry"]
    return select(*own, latest.label("since")).cte(f"candidate_{k}")


def _statement(question: Question, relation: Relation, groups: Groups) -> Statement:
    """Return the rows (step, part, actors); with a breakdown those of everything, too."""
    marked = _marked(question, relation, groups)
    if is_parted(question):
        return _parted_statement(question, marked)
    found = []
    for k, reached in enumerate(_reached(question, marked), 1):
        who = reached.actors().cte(f"actors_{k}")
        found.append(select(number(k), who.c.part, func.count()).group_by(who.c.part))
    return union_all(*found)


def _parted_statement(question: Question, marked: CTE) -> Statement:
    """Count by part, and over all: only who has events in several parts goes through again.

    Of everybody else the way through everything is that through the own part.
    """
    is_in = func.max(case((_is_step(marked, 1), number(1)), else_=number(0)))
    key = [marked.c.actor, marked.c.part]
    pairs = select(*key, is_in.label("is_in")).group_by(*key).cte("pairs")
    actor = pairs.c.actor
    mixed = select(actor).group_by(actor).having(func.count() > number(1)).cte("mixed")
    entered = pairs.c.is_in == number(1)
    people = select(actor).where(entered).distinct().cte("people")
    found: list[Selected] = [
        select(number(1), pairs.c.part, func.count()).where(entered).group_by(pairs.c.part),
        select(number(1), number(ALL), func.count()).select_from(people),
    ]
    reached = _reached(question, _with_everything(marked, mixed))
    for k, step in enumerate(reached[1:], 2):
        who = step.actors().cte(f"actors_{k}")
        is_part = who.c.part != number(ALL)
        counted = select(number(k), who.c.part, func.count()).group_by(who.c.part)
        is_pure = who.c.actor.not_in(select(mixed.c.actor))
        everybody = select(number(k), number(ALL), func.count()).select_from(who)
        found += [counted.where(is_part), everybody.where(or_(not_(is_part), is_pure))]
    return union_all(*found)


def _behind(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    steps = _steps(question)
    if not 1 <= chosen.step <= len(steps):
        raise ValidationError(f"there are steps 1 to {len(steps)}", "$.point.step", "range")
    asked = question.about_one(chosen)
    reached = _reached(asked, _marked(asked, relation, WHOLE))
    there = reached[chosen.step - 1].actors().cte("there")
    if chosen.is_back is not False:
        return select(there.c.actor.label("actor"))
    before = reached[max(chosen.step - 2, 0)].actors().cte("before")
    return select(before.c.actor.label("actor")).where(before.c.actor.not_in(select(there.c.actor)))


@define(title="Funnel", unit="actors", arguments=ARGUMENTS, actors=_behind)
def funnel(question: Question, relation: Relation) -> Plan[Funnel]:
    """Count the endpoints or users that took the steps in their order within the window.

    Counted: An actor reaches step k when some chain of its events, the first one on a day of the
        period, goes through the steps 1 to k, each at or after the one before and none later than
        `window_ms` after the first; other events may lie between. Any entry counts. When one event
        could be two steps, each must be later than the one before. With a breakdown all events of
        a chain must have the same value.
    Source: ClickHouse, `windowFunnel` in its default mode; Pinpoint User Guide, Funnels.
    Differs: Pinpoint had no window. Mixpanel takes the first entry only and lets steps within two
        seconds change places; PostHog's default window is 14 days, Mixpanel's 7 as here.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("funnel", "a 10-01 view; b 10-01 view; a 10-02 buy; c 10-02 buy",
        ...     steps=[{"type": "view"}, {"type": "buy"}])
        {'view': 2, 'buy': 1}
    """
    steps = _steps(question)
    types = list(dict.fromkeys(step.type for step in steps))
    groups = yield from find_groups(
        question, relation, types=types, conditions=is_acting(question, relation)
    )

    def statement(asked: Question, parts: Groups) -> Statement:
        return _statement(asked, relation, parts)

    table = yield from answered(question, statement, groups, over_all="has")
    named = groups_of(question, groups, (part for _, part in table))
    if question.by is not None and question.only is None:
        named = {ALL: None, **named}
    window = question.whole("window_ms")
    last = question.days.stop_ms + window
    return Funnel(
        about=question.about,
        rows=tuple(
            row
            for part, group in named.items()
            for row in _rows(
                steps,
                [whole(table.get((k, part), (0,))[0]) for k in range(1, len(steps) + 1)],
                group,
            )
        ),
        window_ms=window or None,
        is_complete=bool(window) and last <= question.now,
    )


def _rows(steps: tuple[Step, ...], counts: list[int], group: Group | None) -> list[FunnelStep]:
    found = []
    for index, (step, count) in enumerate(zip(steps, counts, strict=True)):
        before = counts[index - 1] if index else count
        found.append(
            FunnelStep(
                step=index + 1,
                name=step.name,
                count=count,
                rate=ratio(count, counts[0]),
                step_rate=ratio(count, before),
                drop_off=before - count,
                group=group,
            )
        )
    return found

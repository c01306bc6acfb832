"""Funnels: who took some steps one after the other.

One pass: events are sorted by actor and time once for each step, and each step carries on the
latest entry from which it was reached in order. Of several entries the latest is always at least
as good, so that an actor counts when any chain fits ("any entry").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import CTE, ColumnElement, and_, case, false, func, or_, select

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.metrics.answering import groups_of
from pinpoint_kit.metrics.breakdown import (
    actor_of,
    answered,
    find_groups,
    is_acting,
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
from pinpoint_kit.metrics.dialects import number
from pinpoint_kit.metrics.filters import Where
from pinpoint_kit.metrics.groups import ALL, WHOLE, Groups, Plan
from pinpoint_kit.metrics.results import Funnel, FunnelStep, Group, ratio, whole

if TYPE_CHECKING:
    from collections.abc import Callable

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


def _per_actor(question: Question, relation: Relation, groups: Groups) -> CTE:
    """Return `part`, `actor`, and for each step k the latest entry that reached it, `entry_k`."""
    steps, window = _steps(question), question.whole("window_ms")
    events = relation.events
    tests = [and_(events.type == step.type, *step.where.of_events(relation)) for step in steps]
    entries_end = number(question.seen.stop_ms if question.seen.last >= question.seen.first else 0)
    tests[0] = and_(tests[0], events.time < entries_end)
    overlap = _may_overlap(steps)
    if overlap:
        marks = {f"is_{k}": case((test, number(1)), else_=number(0)) for k, test in _counted(tests)}
    else:
        marks = {"step": case(*((test, number(k)) for k, test in _counted(tests)))}
    ahead = -(-window // DAY_MS) + 1 if window else question.today - question.seen.last
    ahead = max(min(ahead, question.today - question.seen.last), 0)
    limit = [events.time < entries_end + number(window)] if window else []
    rows = picked(
        question,
        relation,
        groups,
        {"actor": actor_of(question, relation), "moment": events.time, **marks},
        types=list(dict.fromkeys(step.type for step in steps)),
        days=question.seen.reaching(after=ahead),
        conditions=[*is_acting(question, relation), or_(false(), *tests), *limit],
    ).cte("marked")

    def is_step(source: CTE, k: int) -> ColumnElement[bool]:
        return source.c[f"is_{k}"] == number(1) if overlap else source.c.step == number(k)

    kept = ["part", "actor", "moment", *marks]
    reached = select(
        *(rows.c[name] for name in kept), case((is_step(rows, 1), rows.c.moment)).label("entry_1")
    ).cte("reached_1")
    for k in range(2, len(steps) + 1):
        reached = _next_step(question, reached, k, kept, is_step)
        kept = [*kept, f"entry_{k - 1}"]
    return (
        select(
            reached.c.part,
            reached.c.actor,
            *(func.max(reached.c[f"entry_{k}"]).label(f"entry_{k}") for k, _ in _counted(tests)),
        )
        .group_by(reached.c.part, reached.c.actor)
        .cte("per_actor")
    )


def _next_step(
    question: Question,
    reached: CTE,
    k: int,
    kept: list[str],
    is_step: Callable[[CTE, int], ColumnElement[bool]],
) -> CTE:
    window = question.whole("window_ms")
    strictly = question.word("order") == "after" or _may_overlap(_steps(question))
    before = f"entry_{k - 1}"
    latest = func.max(reached.c[before]).over(
        partition_by=partition(question, reached),
        order_by=reached.c.moment,
        range_=(None, -1 if strictly else 0),
    )
    candidate = select(
        *(reached.c[name] for name in kept), reached.c[before], latest.label("since")
    ).cte(f"candidate_{k}")
    fits = [is_step(candidate, k)]
    fits += [candidate.c.moment - candidate.c.since <= number(window)] if window else []
    return select(
        *(candidate.c[name] for name in kept),
        candidate.c[before],
        case((and_(*fits), candidate.c.since)).label(f"entry_{k}"),
    ).cte(f"reached_{k}")


def _counted(tests: list[ColumnElement[bool]]) -> list[tuple[int, ColumnElement[bool]]]:
    return list(enumerate(tests, 1))


def _behind(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    steps = _steps(question)
    if not 1 <= chosen.step <= len(steps):
        raise ValidationError(f"there are steps 1 to {len(steps)}", "$.point.step", "range")
    found = _per_actor(question.about_one(chosen), relation, WHOLE)
    rows = select(found.c.actor.label("actor"))
    if chosen.is_back is False:
        before = found.c[f"entry_{max(chosen.step - 1, 1)}"]
        return rows.where(before.is_not(None), found.c[f"entry_{chosen.step}"].is_(None))
    return rows.where(found.c[f"entry_{chosen.step}"].is_not(None))


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
        found = _per_actor(asked, relation, parts)
        reached = [func.count(found.c[f"entry_{k}"]) for k in range(1, len(steps) + 1)]
        return select(number(0).label("zero"), found.c.part, *reached).group_by(found.c.part)

    table = yield from answered(question, statement, groups)
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
                steps, [whole(n) for n in table.get((0, part), (0,) * len(steps))], group
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

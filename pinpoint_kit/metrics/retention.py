"""Who comes back: retention by day, the guide's seven-day retention, and tables of cohorts.

Days are calendar days. A number of which some day is not over yet is None. What is read are the
distinct active days of `activity`; nothing is joined with itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
from sqlalchemy import CTE, ColumnElement, and_, case, func, select, true, union_all

from pinpoint_kit.metrics.activity import ACTIVITY, active_days, counting
from pinpoint_kit.metrics.answering import groups_of, series
from pinpoint_kit.metrics.breakdown import answered, find_groups, members, partition, with_whole
from pinpoint_kit.metrics.calendar import Days, date_of
from pinpoint_kit.metrics.definition import (
    Argument,
    Chosen,
    Question,
    choice,
    define,
    whole_number,
)
from pinpoint_kit.metrics.dialects import number
from pinpoint_kit.metrics.groups import WHOLE, Groups, Plan, Table
from pinpoint_kit.metrics.results import Cohort, CohortTable, Series, ratio, whole

if TYPE_CHECKING:
    from pinpoint_kit.metrics.relation import Relation, Rows, Selected, Statement

__all__ = ["cohorts", "retention", "seven_day_retention"]

_WEEK = 7
#: The guide's day is the one after the seven, which begin a day after the first.
_GUIDE_SHIFT = _WEEK + 1

DAYS = Argument(
    name="days",
    meaning="which day after the first counts, 1 to 366",
    parse=whole_number(1, 366),
    default=7,
)
KIND = Argument(
    name="kind",
    meaning="when they must be back: `on` that very day, `within` the days up to it, or"
    " `on_or_after` it",
    parse=choice("on", "within", "on_or_after"),
    default="on",
)
COHORT = Argument(
    name="cohort",
    meaning="who is looked at: all that were `active` on the day, or those `new` on it",
    parse=choice("active", "new"),
    default="active",
)

_MEASURES = {
    "value": lambda row: ratio(whole(row[1]), whole(row[0])),
    "base": lambda row: whole(row[0]),
    "kept": lambda row: whole(row[1]),
}


def _born(
    question: Question, relation: Relation, groups: Groups, *, is_joined: bool = False
) -> CTE:
    """Who was registered in the period: `day`, `part`, `actor`.

    Args:
        question: the question.
        relation: where they are.
        groups: the parts.
        is_joined: whether active days are joined to them. Then their instants are not asked for,
            so that SQLite finds them by their ids, and not all of the period for each active day.
    """
    source = relation.users if question.actor == "user" else relation.endpoints
    seen = question.seen
    conditions = [] if is_joined else seen.condition(source.created)
    rows = members(question, relation, groups, conditions).cte(
        "made_to_join" if is_joined else "made"
    )
    day = seen.day(rows.c.created)
    found = select(day.label("day"), rows.c.part, rows.c.actor)
    if is_joined:
        found = found.where(day >= number(seen.first), day <= number(seen.last))
    return found.cte("born_to_join" if is_joined else "born")


def _returns(  # noqa: PLR0913, PLR0917 -- private; what a return is has these parts
    question: Question,
    relation: Relation,
    groups: Groups,
    cohort: str,
    low: int,
    high: int | None,
) -> CTE:
    """Who is looked at: `day`, `part`, `actor`, and `is_back`: between `low` and `high` days on."""
    ahead = max(question.today - question.seen.last, 0) if high is None else high
    ahead = min(ahead, max(question.today - question.seen.last, 0))
    days = question.seen.reaching(after=ahead)
    if cohort == "active":
        found = with_whole(question, active_days(question, relation, groups, days))
        following = func.count().over(
            partition_by=partition(question, found), order_by=found.c.day, range_=(low, high)
        )
        if (low, high) == (1, high) and high is not None:  # one step on, much cheaper
            after = func.lead(found.c.day).over(
                partition_by=partition(question, found), order_by=found.c.day
            )
            gap = select(
                found.c.day, found.c.part, found.c.actor, (after - found.c.day).label("gap")
            ).cte()
            back = case((gap.c.gap <= number(high), number(1)), else_=number(0))
            source = gap
        else:
            source = select(
                found.c.day, found.c.part, found.c.actor, following.label("later")
            ).cte()
            back = case((source.c.later > number(0), number(1)), else_=number(0))
        return (
            select(source.c.day, source.c.part, source.c.actor, back.label("is_back"))
            .where(source.c.day <= number(question.seen.last))
            .cte()
        )
    return _new_returns(question, relation, groups, days, (low, high))


def _new_returns(
    question: Question,
    relation: Relation,
    groups: Groups,
    days: Days,
    span: tuple[int, int | None],
) -> CTE:
    low, high = span
    born = _born(question, relation, groups)
    joined = _born(question, relation, groups, is_joined=True)
    found = active_days(attrs.evolve(question, by=None), relation, WHOLE, days)
    in_time = [found.c.day >= joined.c.day + number(low)]
    in_time += [found.c.day <= joined.c.day + number(high)] if high is not None else []
    back = (
        select(joined.c.day, joined.c.part, joined.c.actor, number(1).label("is_back"))
        .select_from(found.join(joined, joined.c.actor == found.c.actor))
        .where(*in_time)
    )
    everybody = select(born.c.day, born.c.part, born.c.actor, number(0).label("is_back"))
    both = union_all(everybody, back).cte("with_returns")
    own = [both.c.day, both.c.part, both.c.actor]
    is_back = func.max(both.c.is_back).label("is_back")
    return select(*own, is_back).group_by(*own).cte()


def _measured(
    question: Question, relation: Relation, cohort: str, low: int, high: int | None
) -> Plan[tuple[Groups, Table]]:
    is_new = cohort == "new"
    conditions = _registered(question, relation) if is_new else counting(question, relation)
    groups = yield from find_groups(question, relation, conditions=conditions, of_members=is_new)

    def statement(asked: Question, parts: Groups) -> Statement:
        found = _returns(asked, relation, parts, cohort, low, high)
        return select(found.c.day, found.c.part, func.count(), func.sum(found.c.is_back)).group_by(
            found.c.day, found.c.part
        )

    # Who is new has one value now, so that parts add up; who is active may have had several.
    over_all: Literal["sum", "has"] = "sum" if is_new else "has"
    table = yield from answered(question, statement, groups, over_all=over_all)
    return groups, table


def _registered(question: Question, relation: Relation) -> list[ColumnElement[bool]]:
    source = relation.users if question.actor == "user" else relation.endpoints
    return question.seen.condition(source.created)


def _with_totals(question: Question, table: Table, ready_after: int) -> Table:
    """Add the sums over the days that are complete."""
    found = dict(table)
    for part in {part for _, part in table}:
        sums = [0, 0]
        for day in range(question.days.first, question.days.last + 1):
            if day + ready_after < question.today:
                row = table.get((day, part), (0, 0))
                sums = [sums[0] + whole(row[0]), sums[1] + whole(row[1])]
        found[-1, part] = tuple(sums)
    return found


def _span(question: Question) -> tuple[int, int | None]:
    """Between which days after the first one a return counts."""
    days, kind = question.whole("days"), question.word("kind")
    return {"on": (days, days), "within": (1, days)}.get(kind, (days, None))


def _chosen(found: CTE, chosen: Chosen) -> Selected:
    rows = select(found.c.actor.label("actor")).distinct()
    if chosen.is_back is None:
        return rows
    return rows.where(found.c.is_back == number(int(chosen.is_back)))


def _retained(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    low, high = _span(question)
    asked = question.about_one(chosen)
    return _chosen(_returns(asked, relation, WHOLE, question.word("cohort"), low, high), chosen)


@define(
    title="Retention",
    unit="rate",
    arguments=(DAYS, KIND, COHORT, ACTIVITY),
    actors=_retained,
)
def retention(question: Question, relation: Relation) -> Plan[Series]:
    """Divide those that came back later by all that were active, or new, on each day.

    Counted: `base` is who was active (or new) on the day; `kept` who of them was active again: on
        the day `days` later (`on`), on any of the `days` days that follow (`within`), or on that
        day or any later one so far (`on_or_after`). The total divides the sums over the complete
        days; `average` is the simple mean of the days.
    Source: Mobile Analytics, "Day N retention"; PostHog and Mixpanel, "Retention".
    Differs: Days are calendar days as in Pinpoint, Mobile Analytics and PostHog; Amplitude and
        Mixpanel count 24 hours from each actor's first event unless told otherwise.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("retention", "a 10-01 open; b 10-01 open; a 10-02 open; b 10-03 open", days=1)
        {'2026-10-01': 0.5, '2026-10-02': 0.0, 'total': 0.3333333333333333}
    """
    low, high = _span(question)
    groups, table = yield from _measured(question, relation, question.word("cohort"), low, high)
    ready_after = question.whole("days")
    return series(
        question,
        groups,
        _with_totals(question, table, ready_after),
        _MEASURES,
        nothing=(0, 0),
        is_ratio=True,
        ready_after=ready_after,
    )


def _of_guide(question: Question) -> Question:
    days = question.days
    shifted = Days(days.first - _GUIDE_SHIFT, days.last - _GUIDE_SHIFT, days.zone)
    return attrs.evolve(question, days=shifted)


def _kept_a_week(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    asked = _of_guide(question.about_one(chosen))
    return _chosen(_returns(asked, relation, WHOLE, "active", 1, _WEEK), chosen)


@define(title="Seven-day retention", unit="rate", arguments=(ACTIVITY,), actors=_kept_a_week)
def seven_day_retention(question: Question, relation: Relation) -> Plan[Series]:
    """Divide those active 8 days before a day and again in the 7 days after, by the first.

    Counted: For day d, `base` is who was active on day d-8, and `kept` who of them was active on
        any of the days d-7 to d-1. The total divides the sums of the days; `average` is the simple
        mean, as Pinpoint's console shows it.
    Source: Pinpoint User Guide, Usage: "7-day retention rate", text of 2018-08.
    Differs: It is `retention` with `kind="within"`, shown 8 days later, as Pinpoint's console did;
        Amplitude, Mixpanel and PostHog show retention on the first day.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("seven_day_retention", "a 09-23 open; b 09-23 open; a 09-30 open",
        ...     first="2026-10-01", last="2026-10-01")
        {'2026-10-01': 0.5, 'total': 0.5}
    """
    before = _of_guide(question)
    groups, table = yield from _measured(before, relation, "active", 1, _WEEK)
    shifted = {(day + _GUIDE_SHIFT, part): row for (day, part), row in table.items()}
    return series(
        question,
        groups,
        _with_totals(question, shifted, -1),
        _MEASURES,
        nothing=(0, 0),
        is_ratio=True,
        ready_after=-1,  # it stands when the day begins
    )


def _cohort(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    low, high = _ages(question.word("kind"), chosen.age)
    asked = question.about_one(chosen)
    return _chosen(_returns(asked, relation, WHOLE, "new", low, high), chosen)


def _ages(kind: str, age: int) -> tuple[int, int | None]:
    if kind == "on_or_after":
        return age, None
    return (1 if kind == "within" and age else age), age


@define(
    title="Cohorts",
    unit="actors",
    arguments=(
        attrs.evolve(DAYS, meaning="how many days to follow them, 1 to 366", default=30),
        KIND,
        ACTIVITY,
    ),
    actors=_cohort,
)
def cohorts(question: Question, relation: Relation) -> Plan[CohortTable]:
    """Follow those that were new on each day, and count how many came back on the days after.

    Counted: A cohort is who `new` counts on its day; its column k is who of them was active k days
        later (`on`), on any of the days 1 to k (`within`), or k days later or any time after that
        so far (`on_or_after`). Column 0 is who was active on the day itself. Filters choose the
        members by what they have now, and event filters say which events are a return.
    Source: PostHog, Mixpanel and Amplitude, tables of first-time retention.
    Differs: Pinpoint's console had no cohorts. PostHog, Mixpanel and Amplitude begin with the
        first event, here with the registration; days are calendar days.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("cohorts", "a 10-01 open; b 10-01 open; a 10-02 open", days=1)
        {'2026-10-01': (2, 1), '2026-10-02': (0, 0)}
    """
    groups = yield from find_groups(
        question, relation, conditions=_registered(question, relation), of_members=True
    )
    born = _born(question, relation, groups)
    sizes = yield (select(born.c.day, born.c.part, func.count()).group_by(born.c.day, born.c.part))
    rows = yield _cohort_statement(question, relation, groups)
    return _cohort_table(question, groups, sizes, rows)


def _cohort_statement(question: Question, relation: Relation, groups: Groups) -> Statement:
    """Count members by the age at which they came back: each of them, the first, or the last."""
    most, kind = question.whole("days"), question.word("kind")
    ahead = max(question.today - question.seen.last, 0)
    reach = ahead if kind == "on_or_after" else min(most, ahead)
    born = _born(question, relation, groups, is_joined=True)
    found = active_days(
        attrs.evolve(question, by=None), relation, WHOLE, question.seen.reaching(after=reach)
    )
    age = found.c.day - born.c.day
    joined = found.join(born, and_(found.c.actor == born.c.actor, found.c.day >= born.c.day))
    ages = (
        select(born.c.day, born.c.part, born.c.actor, age.label("age"))
        .select_from(joined)
        .where(true() if kind == "on_or_after" else found.c.day <= born.c.day + number(most))
        .cte("ages")
    )
    if kind != "on":
        which = {
            "within": func.min(case((ages.c.age > number(0), ages.c.age))),
            "on_or_after": func.max(ages.c.age),
        }[kind]
        own = [ages.c.day, ages.c.part, ages.c.actor]
        is_there = func.max(case((ages.c.age == number(0), number(1)), else_=number(0)))
        ages = (
            select(*own, which.label("age"), is_there.label("is_there"))
            .group_by(*own)
            .cte("which_ages")
        )
    key = [ages.c.day, ages.c.part, ages.c.age]
    there = func.count() if kind == "on" else func.sum(ages.c.is_there)
    return select(*key, func.count(), there).group_by(*key)


def _cohort_table(question: Question, groups: Groups, sizes: Rows, rows: Rows) -> CohortTable:
    size_of = {(whole(day), whole(part)): whole(size) for day, part, size in sizes}
    most, kind = question.whole("days"), question.word("kind")
    by_age: dict[tuple[int, int], list[int]] = {key: [0] * (most + 1) for key in size_of}
    for day, part, age, size, there in rows:
        counts = by_age[whole(day), whole(part)]
        if kind == "within":
            counts[0] += whole(there)
            first = most + 1 if age is None else max(whole(age), 1)
            for k in range(first, most + 1):
                counts[k] += whole(size)
        elif kind == "on_or_after":
            for k in range(min(whole(age), most) + 1):
                counts[k] += whole(size)
        else:
            counts[whole(age)] += whole(size)
    found = []
    named = groups_of(question, groups, (part for _, part in size_of))
    for day in range(question.days.first, question.days.last + 1):
        for part, group in named.items():
            size = size_of.get((day, part), 0)
            known = by_age.get((day, part), [0] * (most + 1))
            past = [n if day + k < question.today else None for k, n in enumerate(known)]
            rates = [None if n is None else ratio(n, size) for n in past]
            found.append(
                Cohort(
                    day=date_of(day),
                    size=size,
                    counts=tuple(past),
                    rates=tuple(rates),
                    group=group,
                )
            )
    return CohortTable(
        about=question.about,
        return_kind=kind,
        rows=tuple(found),
        weighted=tuple(_weighted(found, k) for k in range(most + 1)),
        simple=tuple(_simple(found, k) for k in range(most + 1)),
    )


def _weighted(rows: list[Cohort], age: int) -> float | None:
    known = [(row.counts[age], row.size) for row in rows]
    done = [(count, size) for count, size in known if count is not None]
    return ratio(sum(count for count, _ in done), sum(size for _, size in done))


def _simple(rows: list[Cohort], age: int) -> float | None:
    rates = [row.rates[age] for row in rows]
    known = [rate for rate in rates if rate is not None]
    return sum(known) / len(known) if known else None

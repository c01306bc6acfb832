"""Who was active, who is new, and how often people come back to the same thing.

An active day is a calendar day on which an actor had an event that counts. Everything here stands
on the distinct pairs of day and actor, which are read once. The columns are selected in the order
day, actor: rows arrive by day, and SQLite finds duplicates near each other ten times faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import CTE, ColumnElement, and_, case, func, or_, select, union_all

from pinpoint_kit.metrics.answering import groups_of, series
from pinpoint_kit.metrics.breakdown import (
    actor_of,
    answered,
    behind,
    by_day,
    find_groups,
    is_acting,
    is_parted,
    members,
    partition,
    picked,
    with_whole,
)
from pinpoint_kit.metrics.definition import (
    Argument,
    Chosen,
    Question,
    choice,
    define,
    whole_number,
)
from pinpoint_kit.metrics.dialects import number
from pinpoint_kit.metrics.groups import ALL, Groups, Plan, Table
from pinpoint_kit.metrics.results import Distribution, Group, Series, Share, ratio, whole

if TYPE_CHECKING:
    from pinpoint_kit.metrics.calendar import Days
    from pinpoint_kit.metrics.relation import Relation, Selected, Statement

__all__ = [
    "ACTIVITY",
    "SESSION_START",
    "active",
    "active_days",
    "counting",
    "new",
    "on_days",
    "stickiness",
    "sticky_factor",
]

SESSION_START = "_session.start"
#: Event types of the service itself: what it sent, not what somebody did.
SERVICE_PREFIXES = ("_campaign.", "_journey.", "_email.", "_SMS.")

#: What counts as being active.
ACTIVITY = Argument(
    name="activity",
    meaning="what counts: `any` event of the app, or `session`: the start of one",
    parse=choice("any", "session"),
    default="any",
)
WINDOW = Argument(
    name="window",
    meaning="how many days count, 1 to 366: the day itself and those before it",
    parse=whole_number(1, 366),
    default=1,
)


def counting(question: Question, relation: Relation) -> list[ColumnElement[bool]]:
    """Return the conditions under which an event counts as activity of an actor."""
    found = is_acting(question, relation)
    kind = relation.events.type
    if question.extra.get("activity") == "session":
        return [*found, kind == SESSION_START]
    if "event_type" in question.where.names:
        return found  # then any type that is asked for
    own = and_(*(func.substr(kind, 1, len(p)) != p for p in SERVICE_PREFIXES))
    return [*found, or_(func.substr(kind, 1, 1) != "_", own)]


def active_days(
    question: Question, relation: Relation, groups: Groups, days: Days | None = None
) -> CTE:
    """Return the distinct `day`, `part` and `actor` of what counts as activity.

    They come out of `question.shared`, when that has them.
    """
    span = days or question.seen
    if question.shared is not None:
        known = question.shared.c
        within = [known.day >= number(span.first), known.day <= number(span.last)]
        return select(known.day, known.part, known.actor).where(*within).cte()
    rows = picked(
        question,
        relation,
        groups,
        {"actor": actor_of(question, relation)},
        days=span,
        conditions=counting(question, relation),
    )
    return rows.distinct().cte()


def on_days(question: Question, active: CTE) -> Statement:
    """Count the distinct actors of each day by part, and those of the whole period."""
    daily = select(active.c.day, active.c.part, func.count()).group_by(active.c.day, active.c.part)
    return union_all(daily, *_in_period(question, active))


def _in_period(question: Question, active: CTE) -> list[Selected]:
    """Return the distinct actors of the whole period by part, and of all, under the day -1."""
    pairs = (  # grouped, not distinct: SQLite sorts them faster than it looks each of them up
        select(active.c.actor, active.c.part)
        .where(active.c.day >= number(question.days.first))
        .group_by(active.c.actor, active.c.part)
        .cte()
    )
    found = [select(number(-1), pairs.c.part, func.count()).group_by(pairs.c.part)]
    if is_parted(question):
        people = select(pairs.c.actor).distinct().cte()
        found.append(select(number(-1), number(ALL), func.count()).select_from(people))
    return found


@define(
    title="Active endpoints or users",
    unit="actors",
    arguments=(WINDOW, ACTIVITY),
    actors=lambda question, relation, chosen: behind(
        question,
        relation,
        chosen,
        conditions=counting(question, relation),
        before=0 if chosen.day is None else question.whole("window") - 1,
    ),
)
def active(question: Question, relation: Relation) -> Plan[Series]:
    """Count the distinct endpoints or users that were active in the `window` days ending each day.

    Counted: An actor counts once, on every day whose window has one of its events; `_campaign.*`,
        `_journey.*`, `_email.*` and `_SMS.*` are the service's and no activity. The total counts
        each actor of the period once.
    Source: Pinpoint User Guide, Usage: "Daily active endpoints", "Monthly active endpoints".
    Differs: Pinpoint's text counts opened apps (`activity="session"`) in "the previous 30 days";
        here the window includes the day. Mixpanel and PostHog let you choose the event, as here.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("active", "a 10-01 open; a 10-01 open; b 10-01 open; a 10-02 open")
        {'2026-10-01': 2, '2026-10-02': 1, 'total': 2}
    """
    conditions = counting(question, relation)
    groups = yield from find_groups(question, relation, conditions=conditions)
    width = question.whole("window")

    def statement(asked: Question, parts: Groups) -> Statement:
        return _active_statement(asked, relation, parts, width)

    table = yield from answered(question, statement, groups, over_all="has")
    if width > 1:
        table = _carried(table, question, width)
    return series(question, groups, table, {"value": lambda row: whole(row[0])})


def _active_statement(
    question: Question, relation: Relation, groups: Groups, width: int
) -> Statement:
    days = question.seen.reaching(before=width - 1)
    found = active_days(question, relation, groups, days)
    if width > 1:
        return union_all(_rolling(question, found, width), *_in_period(question, found))
    return on_days(question, found)


def _rolling(question: Question, active: CTE, width: int, *, with_daily: bool = False) -> Selected:
    """Return the actors of a rolling window, by the days on which that number changes.

    An active day keeps its actor in the window until the next one, or for `width` days. The running
    sum of who comes and goes is the number; nothing is joined.
    """
    following = func.lead(active.c.day).over(
        partition_by=partition(question, active), order_by=active.c.day
    )
    spans = select(active.c.day, active.c.part, following.label("following")).cte()
    end = spans.c.day + number(width)
    stop = case((spans.c.following < end, spans.c.following), else_=end).label("stop")
    key = [spans.c.day, spans.c.part, stop]
    ends = select(*key, func.count().label("size")).group_by(*key).cte()
    come = select(
        ends.c.day.label("moment"),
        ends.c.part.label("part"),
        ends.c.size.label("change"),
        ends.c.size.label("come"),
    )
    gone = select(ends.c.stop, ends.c.part, -ends.c.size, number(0))
    change = union_all(come, gone).cte()
    daily = (
        select(
            change.c.moment,
            change.c.part,
            func.sum(change.c.change).label("change"),
            func.sum(change.c.come).label("come"),
        )
        .group_by(change.c.moment, change.c.part)
        .cte()
    )
    running = func.sum(daily.c.change).over(partition_by=daily.c.part, order_by=daily.c.moment)
    found = [daily.c.moment, daily.c.part, running.label("inside")]
    return select(*found, daily.c.come) if with_daily else select(*found)


def _carried(table: Table, question: Question, width: int) -> Table:
    """Fill the days on which a rolling number did not change with that of the day before."""
    found: Table = {}
    for part in {part for _, part in table}:
        last: tuple[object, ...] = (0,)
        for day in range(question.days.first - width + 1, question.days.last + 1):
            row = table.get((day, part))
            last = last if row is None else (row[0],)
            found[day, part] = (*last, *((row or (0, 0))[1:]))
        if (-1, part) in table:
            found[-1, part] = table[-1, part]
    return found


@define(
    title="Sticky factor",
    unit="ratio",
    arguments=(
        Argument(
            name="window",
            meaning="days of the wider window, 2 to 366",
            parse=whole_number(2, 366),
            default=30,
        ),
        ACTIVITY,
    ),
    actors=lambda question, relation, chosen: behind(
        question, relation, chosen, conditions=counting(question, relation)
    ),
)
def sticky_factor(question: Question, relation: Relation) -> Plan[Series]:
    """Divide the actors that were active on a day by those active in the 30 days ending that day.

    Counted: As `active` counts them, for 1 day and for `window` days. The total divides the sums
        of both over the days that are over.
    Source: Pinpoint User Guide, Usage: "Sticky factor"; Unity Analytics, DAU per MAU.
    Differs: Pinpoint's 30 days are "the previous" ones, which leaves it open whether the day is
        among them; here it is, so that the factor is never above 1.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("sticky_factor", "a 10-01 open; b 10-01 open; a 10-02 open")
        {'2026-10-01': 1.0, '2026-10-02': 0.5, 'total': 0.75}
    """
    conditions = counting(question, relation)
    groups = yield from find_groups(question, relation, conditions=conditions)
    width = question.whole("window")

    def statement(asked: Question, parts: Groups) -> Statement:
        days = asked.seen.reaching(before=width - 1)
        found = with_whole(asked, active_days(asked, relation, parts, days))
        return _rolling(asked, found, width, with_daily=True)

    rows = yield from answered(question, statement, groups, over_all="has")
    table = _carried(rows, question, width)
    over = range(question.days.first, min(question.days.last + 1, question.today))
    for part in {part for _, part in table}:
        sums = [sum(whole(table[day, part][i]) for day in over) for i in (0, 1)]
        table[-1, part] = tuple(sums)
    return series(
        question,
        groups,
        table,
        {
            "value": lambda row: ratio(whole(row[1]), whole(row[0])),
            "daily": lambda row: whole(row[1]),
            "within": lambda row: whole(row[0]),
        },
        nothing=(0, 0),
        is_ratio=True,
    )


def _days_of(question: Question, relation: Relation, groups: Groups) -> CTE:
    found = with_whole(question, active_days(question, relation, groups))
    return (
        select(found.c.part, found.c.actor, func.count().label("days"))
        .group_by(found.c.part, found.c.actor)
        .cte("days_of")
    )


def _with_days(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    per_actor = _days_of(question.about_one(chosen), relation, Groups(()))
    found = select(per_actor.c.actor.label("actor"))
    return found if chosen.count is None else found.where(per_actor.c.days == chosen.count)


@define(
    title="Stickiness",
    unit="actors",
    arguments=(ACTIVITY,),
    actors=_with_days,
)
def stickiness(question: Question, relation: Relation) -> Plan[Distribution]:
    """Count the actors by the number of days of the period on which they were active.

    Counted: As `active` counts an active day; an actor stands in one row, that of its number of
        active days, and in none when it had none.
    Source: PostHog and Mixpanel, "Stickiness" and "Frequency".
    Differs: Pinpoint's console had no such chart.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("stickiness", "a 10-01 open; a 10-02 open; b 10-01 open; c 10-02 open")
        {'1': 2, '2': 1}
    """
    conditions = counting(question, relation)
    groups = yield from find_groups(question, relation, conditions=conditions)

    def statement(asked: Question, parts: Groups) -> Statement:
        per_actor = _days_of(asked, relation, parts)
        return select(per_actor.c.days, per_actor.c.part, func.count()).group_by(
            per_actor.c.days, per_actor.c.part
        )

    table = yield from answered(question, statement, groups, over_all="has")
    return distribution(question, groups, table)


def distribution(question: Question, groups: Groups, table: Table) -> Distribution:
    """Return how many there are by number and part; of everything first, as in a series."""
    named = groups_of(question, groups, (part for _, part in table))
    broken = question.by is not None and question.only is None
    rows = []
    for part, group in ({ALL: None, **named} if broken else named).items():
        own = {key: whole(row[0]) for (key, p), row in sorted(table.items()) if p == part}
        total = sum(own.values())
        rows += [
            Share(value=Group(value=str(key)), count=count, share=ratio(count, total), group=group)
            for key, count in own.items()
        ]
    total = sum(row.count for row in rows if row.group is None)
    return Distribution(about=question.about, rows=tuple(rows), total=total)


def _newcomers(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    asked = question.about_one(chosen)
    rows = members(asked, relation, Groups(()), _created(asked, relation)).cte("chosen")
    return select(rows.c.actor.label("actor"))


def _created(question: Question, relation: Relation) -> list[ColumnElement[bool]]:
    source = relation.users if question.actor == "user" else relation.endpoints
    return question.seen.condition(source.created)


@define(
    title="New endpoints or users",
    unit="actors",
    refuses=("event_type", "session_id", "attributes", "metrics"),
    actors=_newcomers,
)
def new(question: Question, relation: Relation) -> Plan[Series]:
    """Count the endpoints or users that were registered on each day.

    Counted: An endpoint on the day on which it was created, by a call or by its first event; a
        user on the day on which its id came up first. Filters and breakdowns mean what they have
        now. Those that were deleted are not counted, nor those of whom no date is kept.
    Source: Pinpoint User Guide, Usage: "New endpoints", "New users".
    Differs: Mobile Analytics, Amplitude, Mixpanel and PostHog take the first event or session;
        here as in Pinpoint the registration counts, with or without an event.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("new", "a 10-01 open; b 10-02 open; a 10-02 open")
        {'2026-10-01': 1, '2026-10-02': 1, 'total': 2}
    """
    conditions = _created(question, relation)
    groups = yield from find_groups(question, relation, conditions=conditions, of_members=True)

    def statement(asked: Question, parts: Groups) -> Statement:
        rows = members(asked, relation, parts, conditions).cte("created")
        days = select(asked.seen.day(rows.c.created).label("day"), rows.c.part)
        return by_day(days.cte("by_day"))

    table = yield from answered(question, statement, groups, over_all="sum")
    return series(question, groups, table, {"value": lambda row: whole(row[0])})

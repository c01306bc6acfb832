"""`by`: the values under which a number is counted, the first N of them, and the rest.

The rest is counted anew as one value, since numbers of distinct actors do not add up. Statements
know a value by its place (`part`): 0 to N-1 are the first ones, N is the rest; without a breakdown
all rows have part 0. `picked` is what every metric begins with: the rows that a question is about.
No metric may be named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import attrs
from sqlalchemy import CTE, ColumnElement, FromClause, and_, case, func, select, true, union_all

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.metrics.dialects import attribute, code_points, each_value, number
from pinpoint_kit.metrics.filters import equals
from pinpoint_kit.metrics.groups import ALL, WHOLE, Groups, Plan, Table
from pinpoint_kit.metrics.relation import REMEMBERED, Selected

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pinpoint_kit.metrics.calendar import Days
    from pinpoint_kit.metrics.definition import Chosen, Question
    from pinpoint_kit.metrics.relation import Endpoints, Relation, Statement, Users

__all__ = [
    "actor_of",
    "answered",
    "behind",
    "by_day",
    "find_groups",
    "is_acting",
    "is_parted",
    "members",
    "partition",
    "picked",
    "with_whole",
]


def picked(  # noqa: PLR0913 -- what is read has these parts
    question: Question,
    relation: Relation,
    groups: Groups,
    columns: Mapping[str, ColumnElement[int] | ColumnElement[str] | ColumnElement[float]],
    *,
    types: Sequence[str] = (),
    days: Days | None = None,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> Selected:
    """Return the events of a question as `day`, `part` and the columns that are asked for.

    Args:
        question: its filters, breakdown and days count.
        relation: where the events are.
        groups: the parts.
        columns: what else is wanted, by its new name.
        types: event types; none: all.
        days: other days than those of the question that have begun.
        conditions: what else must hold.
    """
    events = relation.events
    span = days or question.seen
    source = _of_events(relation, question, groups)
    found = select(
        span.day(events.time).label("day"),
        source.part.label("part"),
        *(column.label(name) for name, column in columns.items()),
    ).select_from(source.table)
    return found.where(
        *_scope(events.scope),
        *(events.type.in_(types) for _ in [0] if types),
        *span.condition(events.time),
        *question.where.of_events(relation),
        *conditions,
        *_only(question, source),
    )


def actor_of(question: Question, relation: Relation) -> ColumnElement[str]:
    """Return the column of who is counted."""
    return relation.events.user if question.actor == "user" else relation.events.endpoint


def is_acting(question: Question, relation: Relation) -> list[ColumnElement[bool]]:
    """Return the conditions under which an event has somebody to be counted."""
    return [relation.events.user.is_not(None)] if question.actor == "user" else []


def behind(  # noqa: PLR0913 -- as above
    question: Question,
    relation: Relation,
    chosen: Chosen,
    *,
    types: Sequence[str] = (),
    conditions: Sequence[ColumnElement[bool]] = (),
    before: int = 0,
) -> Selected:
    """Return the ids of the actors of some events on a day, or in the whole period.

    Args:
        question: the question.
        relation: where the events are.
        chosen: the day and the group.
        types: event types; none: all.
        conditions: what else must hold.
        before: how many days before the day count, too.
    """
    asked = question.about_one(chosen)
    rows = picked(
        asked,
        relation,
        WHOLE,
        {"actor": actor_of(question, relation)},
        types=types,
        days=asked.seen.reaching(before=before),
        conditions=[*conditions, *is_acting(question, relation)],
    ).cte("chosen")
    return select(rows.c.actor.label("actor")).distinct()


def members(
    question: Question,
    relation: Relation,
    groups: Groups,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> Selected:
    """Return the endpoints or users of a question as `part`, `actor` and `created`."""
    source: Endpoints | Users
    if question.actor == "user":
        source = relation.users
        actor = source.user
        own = question.where.of_users(relation)
    else:
        source = relation.endpoints
        actor = source.endpoint
        own = question.where.of_endpoints(relation)
    read = _of_members(relation, source, question, groups)
    return (
        select(
            read.part.label("part"),
            actor.label("actor"),
            source.created.label("created"),
        )
        .select_from(read.table)
        .where(*_scope(source.scope), *own, *conditions, *_only(question, read))
    )


def by_day(rows: FromClause) -> Statement:
    """Count rows by their `day` and `part`, and those of all days by part under the day -1."""
    daily = (
        select(rows.c.day, rows.c.part, func.count().label("size"))
        .group_by(rows.c.day, rows.c.part)
        .cte("daily")
    )
    total = select(number(-1), daily.c.part, func.sum(daily.c.size)).group_by(daily.c.part)
    return union_all(select(daily.c.day, daily.c.part, daily.c.size), total)


def find_groups(
    question: Question,
    relation: Relation,
    *,
    types: Sequence[str] = (),
    conditions: Sequence[ColumnElement[bool]] = (),
    of_members: bool = False,
) -> Plan[Groups]:
    """Return the values with the most rows, at most `question.top`; ties are ordered by name.

    Args:
        question: the question.
        relation: where the rows are.
        types: event types that count; none: all.
        conditions: what else must hold.
        of_members: endpoints or users are counted, not events.
    """
    if question.by is None or question.only is not None:
        return WHOLE
    if of_members:
        source = relation.users if question.actor == "user" else relation.endpoints
        read = _of_members(relation, source, question, None)
        where = (
            question.where.of_users if question.actor == "user" else question.where.of_endpoints
        )(relation)
        scope = source.scope
    else:
        read = _of_events(relation, question, None)
        time = relation.events.time
        where = [*question.seen.condition(time), *question.where.of_events(relation)]
        where += [relation.events.type.in_(types)] if types else []
        scope = relation.events.scope
    if read.value is None:
        return WHOLE
    named = select(read.value.label("name")).select_from(read.table)
    named = named.where(*_scope(scope), *where, *conditions)
    rows = named.cte("named")
    sizes = select(rows.c.name, func.count().label("size")).group_by(rows.c.name).cte("sizes")
    is_missing = case((sizes.c.name.is_(None), number(1)), else_=number(0))
    answer = yield (
        select(sizes.c.name, sizes.c.size)
        .order_by(sizes.c.size.desc(), is_missing, code_points(sizes.c.name))
        .limit(question.top)
    )
    return Groups(tuple(None if row[0] is None else str(row[0]) for row in answer))


def answered(
    question: Question,
    statement: Callable[[Question, Groups], Statement],
    groups: Groups,
    *,
    over_all: Literal["ask", "sum", "has"] = "ask",
) -> Plan[Table]:
    """Return the rows (day or other key, part, values …) of a statement by key and part.

    What is counted over all values of a breakdown stands under the part `ALL`. A row may have
    several values of a list, so that parts do not add up: then the statement is asked once more
    without the breakdown.

    Args:
        question: the question.
        statement: what is asked, by the question and its groups.
        groups: the groups.
        over_all: where everything comes from when a row has one value: `ask` once more, `sum` the
            parts of each key, or the statement `has` it (`is_parted`).
    """
    rows = yield statement(question, groups)
    found = {(_whole(row[0]), _whole(row[1])): tuple(row[2:]) for row in rows}
    if question.by is None or question.only is not None:
        return found
    if question.by.is_list or over_all == "ask":
        whole = yield statement(question.over_all(), WHOLE)
        found |= {(_whole(row[0]), ALL): tuple(row[2:]) for row in whole}
    elif over_all == "sum":
        sums: dict[int, list[int]] = {}
        for (key, _), row in found.items():
            known = sums.setdefault(key, [0] * len(row))
            sums[key] = [n + _whole(value or 0) for n, value in zip(known, row, strict=True)]
        found |= {(key, ALL): tuple(row) for key, row in sums.items()}
    return found


def is_parted(question: Question) -> bool:
    """Return whether a statement should have a row for everything besides those of the parts."""
    by = question.by
    return by is not None and question.only is None and not by.is_list


def with_whole(question: Question, rows: CTE) -> CTE:
    """Return distinct `day`, `part` and `actor`, with those of everything under the part `ALL`.

    They come out of the parts, so that no event is read a second time.
    """
    if not is_parted(question):
        return rows
    everything = select(rows.c.day, number(ALL), rows.c.actor).distinct()
    return union_all(select(rows.c.day, rows.c.part, rows.c.actor), everything).cte()


def partition(question: Question, rows: CTE) -> list[ColumnElement[Any]]:
    """Return what tells actors apart: an actor is another one in each part."""
    return [rows.c.actor] if question.by is None else [rows.c.part, rows.c.actor]


def _whole(value: object) -> int:
    return int(value)  # type: ignore[call-overload, no-any-return] # PostgreSQL gives Decimal for some


def _scope(scope: ColumnElement[bool] | None) -> list[ColumnElement[bool]]:
    return [] if scope is None else [scope]


def _only(question: Question, source: _Source) -> list[ColumnElement[bool]]:
    if source.value is None or question.only is None:
        return []
    return [equals(source.value, question.only)]


@attrs.frozen
class _Source:
    """What to read rows from.

    Args:
        table: the table, with what was joined to it.
        part: the part of a row.
        value: the value that it is broken down by; None without a breakdown.
    """

    table: FromClause
    part: ColumnElement[int]
    value: ColumnElement[str] | None = None


def _of_events(relation: Relation, question: Question, groups: Groups | None) -> _Source:
    events, by = relation.events, question.by
    if by is None:
        return _Source(events.table, number(0))
    if by.name == "endpoint_attributes":
        source = relation.endpoints
        return _listed(events.table, events.endpoint, source, source.endpoint, question, groups)
    if by.name == "user_attributes":
        users = relation.users
        return _listed(events.table, events.user, users, users.user, question, groups)
    if by.name == "channel":
        endpoints = relation.endpoints
        same = and_(endpoints.endpoint == events.endpoint, *_scope(endpoints.scope))
        joined = events.table.outerjoin(endpoints.table, same)
        return _plain(joined, endpoints.channel, groups)
    if by.name == "attributes":
        return _plain(events.table, attribute(events.attributes, by.key), groups)
    column = events.type if by.name == "event_type" else getattr(events, by.name)
    return _plain(events.table, column, groups)


def _of_members(
    relation: Relation, source: Endpoints | Users, question: Question, groups: Groups | None
) -> _Source:
    by = question.by
    if by is None:
        return _Source(source.table, number(0))
    if by.name == "user_attributes":
        users = relation.users
        return _listed(source.table, source.user, users, users.user, question, groups)
    if question.actor == "endpoint":
        endpoints = relation.endpoints
        if by.name == "endpoint_attributes":
            key = endpoints.endpoint
            return _listed(source.table, key, endpoints, key, question, groups)
        if by.name in (*REMEMBERED, "channel"):
            return _plain(source.table, getattr(endpoints, by.name), groups)
    raise ValidationError(
        f"{question.actor}s cannot be broken down by {by.name} here: "
        "only what they have now can be; take another breakdown",
        "$.by",
        "unknown",
    )


def _plain(table: FromClause, value: ColumnElement[str], groups: Groups | None) -> _Source:
    return _Source(table, number(0) if groups is None else groups.code(value), value)


def _listed(  # noqa: PLR0913, PLR0917 -- private; a join has these parts
    table: FromClause,
    key: ColumnElement[str],
    source: Endpoints | Users,
    owner: ColumnElement[str],
    question: Question,
    groups: Groups | None,
) -> _Source:
    """Join a list of present values: a row stands under each, and under the rest only once."""
    each = each_value(source.attributes, question.by.key if question.by else "")
    found = select(owner.label("owner"), each.c.value.label("own_value")).distinct()
    values = (
        found.select_from(source.table.join(each, true()))
        .where(*_scope(source.scope))
        .subquery("own")
    )
    if groups is None or question.only is not None:
        joined = table.outerjoin(values, values.c.owner == key)
        return _Source(joined, number(0), values.c.own_value)
    part = groups.code(values.c.own_value).label("own_part")
    parts = select(values.c.owner, part).distinct().subquery("own_parts")
    without = groups.names.index(None) if None in groups.names else len(groups.names)
    joined = table.outerjoin(parts, parts.c.owner == key)
    return _Source(joined, func.coalesce(parts.c.own_part, number(without)))

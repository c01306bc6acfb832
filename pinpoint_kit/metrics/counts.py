"""Events counted: of Pinpoint's own types, of any type, and the numbers that events carry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, select, union_all

from pinpoint_kit.metrics.answering import series
from pinpoint_kit.metrics.breakdown import (
    actor_of,
    answered,
    behind,
    by_day,
    find_groups,
    is_parted,
    picked,
)
from pinpoint_kit.metrics.definition import Argument, Chosen, Question, define, text
from pinpoint_kit.metrics.dialects import metric, number, once, rounded
from pinpoint_kit.metrics.groups import ALL, WHOLE, Groups, Plan, Table
from pinpoint_kit.metrics.results import Series, ratio, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import CTE, ColumnElement

    from pinpoint_kit.metrics.relation import Relation, Rows, Selected, Statement

__all__ = ["auth_failures", "count_of", "event_metrics", "events", "sign_ins", "sign_ups"]

SIGN_IN = "_userauth.sign_in"
SIGN_UP = "_userauth.sign_up"
AUTH_FAIL = "_userauth.auth_fail"

#: Numbers leave the database as integers: millionths, in whole units and the rest.
MICRO = 1_000_000
#: A larger number cannot be summed exactly in 64 bits: it is counted as out of range.
MAX_NUMBER = 10**12


def count_of(question: Question, relation: Relation, types: Sequence[str]) -> Plan[Series]:
    """Count the events of some types by day."""
    groups = yield from find_groups(question, relation, types=types)

    def statement(asked: Question, parts: Groups) -> Statement:
        return by_day(picked(asked, relation, parts, {}, types=types).subquery("counted"))

    table = yield from answered(question, statement, groups, over_all="sum")
    return series(question, groups, table, {"value": lambda row: whole(row[0])})


@define(
    title="Sign-ins",
    unit="events",
    actors=lambda question, relation, chosen: behind(question, relation, chosen, types=[SIGN_IN]),
)
def sign_ins(question: Question, relation: Relation) -> Plan[Series]:
    """Count how often users signed in on each day.

    Counted: Every `_userauth.sign_in`, on the day of its timestamp.
    Source: Pinpoint User Guide, Usage: "Sign-ins"; Cognito Developer Guide, Pinpoint analytics.
    Differs: As in Pinpoint's console; the other products know no such events of their own.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("sign_ins", "a 10-01 _userauth.sign_in; a 10-02 _userauth.sign_in; a 10-02 open")
        {'2026-10-01': 1, '2026-10-02': 1, 'total': 2}
    """
    return (yield from count_of(question, relation, [SIGN_IN]))


@define(
    title="Sign-ups",
    unit="events",
    actors=lambda question, relation, chosen: behind(question, relation, chosen, types=[SIGN_UP]),
)
def sign_ups(question: Question, relation: Relation) -> Plan[Series]:
    """Count how many users signed up on each day.

    Counted: Every `_userauth.sign_up`, on the day of its timestamp.
    Source: Pinpoint User Guide, Usage: "Sign-ups"; Cognito Developer Guide, Pinpoint analytics.
    Differs: As in Pinpoint's console; the other products know no such events of their own.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("sign_ups", "a 10-01 _userauth.sign_up; b 10-01 _userauth.sign_up; a 10-02 open")
        {'2026-10-01': 2, '2026-10-02': 0, 'total': 2}
    """
    return (yield from count_of(question, relation, [SIGN_UP]))


@define(
    title="Authentication failures",
    unit="events",
    actors=lambda question, relation, chosen: behind(question, relation, chosen, types=[AUTH_FAIL]),
)
def auth_failures(question: Question, relation: Relation) -> Plan[Series]:
    """Count how often signing in failed on each day.

    Counted: Every `_userauth.auth_fail`, on the day of its timestamp.
    Source: Pinpoint User Guide, Usage: "Authentication failures"; Cognito Developer Guide.
    Differs: As in Pinpoint's console; the other products know no such events of their own.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("auth_failures", "a 10-01 _userauth.auth_fail; a 10-02 _userauth.sign_in")
        {'2026-10-01': 1, '2026-10-02': 0, 'total': 1}
    """
    return (yield from count_of(question, relation, [AUTH_FAIL]))


@define(
    title="Events",
    unit="events",
    actors=behind,
)
def events(question: Question, relation: Relation) -> Plan[Series]:
    """Count the events of each day, who had them, and how many there were in a session.

    Counted: Every event that the filters let through, the service's own too. `actors` are the
        distinct endpoints or users; `sessions` the distinct session ids; `per_session` divides
        the events that have a session by them. Totals count actors and sessions of the period
        once.
    Source: Pinpoint User Guide, Events: "Event count", "Endpoint count", "Events per session".
    Differs: Pinpoint's console can filter by one event type only, and cannot break down.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("events", "a 10-01 open; a 10-01 buy; b 10-02 open")
        {'2026-10-01': 2, '2026-10-02': 1, 'total': 3}
    """
    groups = yield from find_groups(question, relation)
    table = _unfolded((yield _events_statement(question, relation, groups)), question, groups)
    if question.by is not None and question.by.is_list and question.only is None:
        whole_one = question.over_all()
        rows = yield _events_statement(whole_one, relation, WHOLE)
        table |= {(day, ALL): row for (day, _), row in _unfolded(rows, whole_one, WHOLE).items()}
    return series(
        question,
        groups,
        table,
        {
            "value": lambda row: whole(row[0]),
            "actors": lambda row: whole(row[1]),
            "sessions": lambda row: whole(row[2]),
            "per_session": lambda row: ratio(whole(row[3]), whole(row[2])),
        },
        nothing=(0, 0, 0, 0),
    )


def _places(question: Question, groups: Groups) -> list[int]:
    """Return the parts that have columns of their own in a row of `_events_statement`."""
    if question.by is None or question.only is not None:
        return [0]
    return [*range(len(groups.names) + 1), *([ALL] if is_parted(question) else [])]


def _events_statement(question: Question, relation: Relation, groups: Groups) -> Statement:
    """Return the rows (day, 0, events, actors …) and (day, 1, events in sessions, sessions …).

    Each part has its columns, in the order of `_places`, and no rows: so there is one row for a
    session of a day, and sorting rows by long ids is what costs.
    """
    columns = {"actor": actor_of(question, relation), "session": relation.events.session}
    rows = once(picked(question, relation, groups, columns))
    places = _places(question, groups)
    sizes = [
        func.count() if len(places) == 1 or part == ALL else func.count().filter(is_part)
        for part, is_part in ((part, rows.c.part == number(part)) for part in places)
    ]
    key = [rows.c.day, rows.c.actor, rows.c.session]
    each = _grouped(key, {f"size_{i}": size for i, size in enumerate(sizes)}, "each_session")
    actors = _grouped([each.c.day, each.c.actor], _sums(each), "actors")
    has_session = each.c.session.is_not(None)
    sessions = _grouped([each.c.day, each.c.session], _sums(each), "sessions", has_session)
    actors_ever = _grouped([actors.c.actor], _sums(actors), "actors_ever")
    sessions_ever = _grouped([sessions.c.session], _sums(sessions), "sessions_ever")
    return union_all(
        _events_row(actors, len(places), "actor"),
        _events_row(actors_ever, len(places), "actor"),
        _events_row(sessions, len(places), "session"),
        _events_row(sessions_ever, len(places), "session"),
    )


def _events_row(found: CTE, places: int, who: str) -> Selected:
    """Return a row for each day, or one with day -1 when there are no days."""
    own: list[ColumnElement[int]] = []
    for i in range(places):
        size = found.c[f"size_{i}"]
        own += [func.sum(size), func.count(case((size > number(0), found.c[who])))]
    kind = number(0 if who == "actor" else 1)
    if "day" in found.c:
        return select(found.c.day, kind, *own).group_by(found.c.day)
    return select(number(-1), kind, *own)


def _grouped(
    key: Sequence[ColumnElement[Any]],
    measures: Mapping[str, ColumnElement[int]],
    name: str,
    *conditions: ColumnElement[bool],
) -> CTE:
    labelled = [value.label(label) for label, value in measures.items()]
    return select(*key, *labelled).where(*conditions).group_by(*key).cte(name)


def _sums(rows: CTE) -> dict[str, ColumnElement[int]]:
    sizes = [column for column in rows.c if column.name.startswith("size_")]
    return {column.name: func.sum(column) for column in sizes}


def _unfolded(rows: Rows, question: Question, groups: Groups) -> Table:
    """Return events, actors, sessions and events in sessions, by day and part."""
    found: Table = {}
    sessions: Table = {}
    for day, kind, *values in rows:
        for i, part in enumerate(_places(question, groups)):
            size, distinct = (whole(value or 0) for value in values[2 * i : 2 * i + 2])
            if size:
                (sessions if kind else found)[whole(day), part] = (distinct, size)
    return {
        key: (size, actors, *sessions.get(key, (0, 0))) for key, (actors, size) in found.items()
    }


METRIC = Argument(
    name="metric", meaning="the name of the metric of events", parse=text(256), is_required=True
)


def _measured(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    value = metric(relation.events.metrics, question.word("metric"))
    return behind(question, relation, chosen, conditions=[value.is_not(None)])


@define(title="Metrics of events", unit="as recorded", arguments=(METRIC,), actors=_measured)
def event_metrics(question: Question, relation: Relation) -> Plan[Series]:
    """Measure a number that events carry on each day: sum, average, minimum, maximum and count.

    Counted: Every event that has the metric, to a millionth. Numbers beyond ±1,000,000,000,000
        are left out and counted as `out_of_range`.
    Source: Mobile Analytics: "max, min, sum" of the metrics of custom events.
    Differs: Pinpoint's console could not show metrics of custom events at all; the other products
        offer the same aggregates, in floating point.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("event_metrics", "a 10-01 level n=3; b 10-01 level n=1.5; a 10-02 open", metric="n")
        {'2026-10-01': 4.5, '2026-10-02': 0.0, 'total': 4.5}
    """
    value = metric(relation.events.metrics, question.word("metric"))
    groups = yield from find_groups(question, relation, conditions=[value.is_not(None)])

    def statement(asked: Question, parts: Groups) -> Statement:
        rows = once(picked(asked, relation, parts, {"amount": value}))
        fits = and_(rows.c.amount <= float(MAX_NUMBER), rows.c.amount >= float(-MAX_NUMBER))
        scaled = once(
            select(
                rows.c.day, rows.c.part, case((fits, rows.c.amount * float(MICRO))).label("scaled")
            ).where(rows.c.amount.is_not(None))
        )
        micros = once(select(scaled.c.day, scaled.c.part, rounded(scaled.c.scaled).label("micros")))
        units = micros.c.micros // number(MICRO)
        measures = {
            "known": func.count(micros.c.micros),
            "units": func.sum(units),
            "rest": func.sum(micros.c.micros - units * number(MICRO)),
            "least": func.min(micros.c.micros),
            "most": func.max(micros.c.micros),
            "unknown": func.sum(case((micros.c.micros.is_(None), number(1)), else_=number(0))),
        }
        daily = _grouped([micros.c.day, micros.c.part], measures, "daily")
        merged = [
            func.min(daily.c.least)
            if name == "least"
            else func.max(daily.c.most)
            if name == "most"
            else func.sum(daily.c[name])
            for name in measures
        ]
        found = [
            select(*daily.c),
            select(number(-1), daily.c.part, *merged).group_by(daily.c.part),
        ]
        if is_parted(asked):
            found += [
                select(daily.c.day, number(ALL), *merged).group_by(daily.c.day),
                select(number(-1), number(ALL), *merged),
            ]
        return union_all(*found)

    def total(row: tuple[object, ...]) -> int:
        return whole(row[1]) * MICRO + whole(row[2])

    table = yield from answered(question, statement, groups, over_all="has")
    return series(
        question,
        groups,
        table,
        {
            "value": lambda row: total(row) / MICRO,
            "average": lambda row: ratio(total(row), whole(row[0]) * MICRO),
            "minimum": lambda row: whole(row[3]) / MICRO if row[0] else None,
            "maximum": lambda row: whole(row[4]) / MICRO if row[0] else None,
            "count": lambda row: whole(row[0]),
            "out_of_range": lambda row: whole(row[5]),
        },
        nothing=(0, 0, 0, 0, 0, 0),
    )

"""Sessions: how many, how many each, how long, and at which hours of the week.

Sessions are counted by the events `_session.start` and `_session.stop` alone; a session that never
stopped has no length, and none is guessed.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, func, select, union_all

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.metrics.activity import SESSION_START
from pinpoint_kit.metrics.answering import series
from pinpoint_kit.metrics.breakdown import (
    actor_of,
    answered,
    behind,
    find_groups,
    is_acting,
    picked,
)
from pinpoint_kit.metrics.calendar import find_zone
from pinpoint_kit.metrics.counts import count_of
from pinpoint_kit.metrics.definition import Chosen, Question, define
from pinpoint_kit.metrics.dialects import number
from pinpoint_kit.metrics.groups import WHOLE, Groups, Plan
from pinpoint_kit.metrics.results import HeatMap, Series, ratio, whole

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from pinpoint_kit.metrics.relation import Relation, Selected, Statement

__all__ = ["heat_map", "session_length", "sessions", "sessions_per_actor"]

SESSION_STOP = "_session.stop"
#: A longer one is an error of a client's clock: it counts as unknown.
MAX_SESSION_MS = 366 * 86_400_000

_QUARTER_MS = 900_000
_UTC = dt.timezone.utc


def _started(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    return behind(question, relation, chosen, types=[SESSION_START])


def _stopped(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    return behind(question, relation, chosen, types=[SESSION_STOP])


@define(title="Sessions", unit="sessions", actors=_started)
def sessions(question: Question, relation: Relation) -> Plan[Series]:
    """Count the sessions that started on each day.

    Counted: Every `_session.start`, on the day of its timestamp.
    Source: Pinpoint User Guide, Usage: "Sessions"; Mobile Analytics, "Sessions".
    Differs: Mixpanel and PostHog make sessions out of pauses between events; here as in Pinpoint
        the app says when one starts.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("sessions", "a 10-01 _session.start; a 10-01 _session.start; a 10-02 open")
        {'2026-10-01': 2, '2026-10-02': 0, 'total': 2}
    """
    return (yield from count_of(question, relation, [SESSION_START]))


@define(title="Sessions per endpoint or user", unit="sessions per actor", actors=_started)
def sessions_per_actor(question: Question, relation: Relation) -> Plan[Series]:
    """Divide the sessions of each day by the endpoints or users that started one.

    Counted: Every `_session.start`; of users only those that came with a user. The total divides
        the sessions of the period by the distinct actors that started one in it.
    Source: Pinpoint User Guide, Usage: "Sessions per endpoint", "Sessions per user".
    Differs: Pinpoint's console shows the mean of the days for a period, which is `average` here.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("sessions_per_actor", "a 10-01 _session.start; a 10-01 _session.start;"
        ...     "b 10-01 _session.start; a 10-02 _session.start")
        {'2026-10-01': 1.5, '2026-10-02': 1.0, 'total': 2.0}
    """
    groups = yield from find_groups(
        question, relation, types=[SESSION_START], conditions=is_acting(question, relation)
    )

    def statement(asked: Question, parts: Groups) -> Statement:
        started = picked(
            asked,
            relation,
            parts,
            {"actor": actor_of(asked, relation)},
            types=[SESSION_START],
            conditions=is_acting(asked, relation),
        ).cte("started")
        each = (
            select(started.c.day, started.c.part, started.c.actor, func.count().label("size"))
            .group_by(started.c.day, started.c.part, started.c.actor)
            .cte("each_day")
        )
        ever = (
            select(each.c.part, each.c.actor, func.sum(each.c.size).label("size"))
            .group_by(each.c.part, each.c.actor)
            .cte("ever")
        )
        return union_all(
            select(each.c.day, each.c.part, func.sum(each.c.size), func.count()).group_by(
                each.c.day, each.c.part
            ),
            select(number(-1), ever.c.part, func.sum(ever.c.size), func.count()).group_by(
                ever.c.part
            ),
        )

    table = yield from answered(question, statement, groups)
    return series(
        question,
        groups,
        table,
        {
            "value": lambda row: ratio(whole(row[0]), whole(row[1])),
            "sessions": lambda row: whole(row[0]),
            "actors": lambda row: whole(row[1]),
        },
        nothing=(0, 0),
        is_ratio=True,
    )


@define(title="Session length", unit="seconds", actors=_stopped)
def session_length(question: Question, relation: Relation) -> Plan[Series]:
    """Measure how long the sessions were that stopped on each day: average, median and maximum.

    Counted: `Session.Duration` of every `_session.stop`, in seconds, on the day of its timestamp.
        Those without a duration, or with one over 366 days, are counted as `unknown` and not
        guessed. The median of an even number is the mean of the two in the middle.
    Source: this project; the event format of Mobile Analytics and of Pinpoint.
    Differs: Pinpoint's console had no such chart. Amplitude and Mixpanel take the time from the
        first to the last event of a session; here what the app reported.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("session_length", "a 10-01 _session.stop 3000; b 10-01 _session.stop 6000;"
        ...     "b 10-01 _session.stop 1500; a 10-02 open", measure="median")
        {'2026-10-01': 3.0, '2026-10-02': None, 'total': 3.0}
    """
    groups = yield from find_groups(question, relation, types=[SESSION_STOP])

    def statement(asked: Question, parts: Groups) -> Statement:
        return _length_statement(asked, relation, parts)

    table = yield from answered(question, statement, groups)
    return series(
        question,
        groups,
        table,
        {
            "value": lambda row: ratio(whole(row[1]), whole(row[0]) * 1000),
            "median": lambda row: ratio(whole(row[3]) + whole(row[4]), 2000) if row[0] else None,
            "maximum": lambda row: ratio(whole(row[2]), 1000) if row[0] else None,
            "known": lambda row: whole(row[0]),
            "unknown": lambda row: whole(row[5]),
        },
        nothing=(0, 0, 0, 0, 0, 0),
    )


def _length_statement(question: Question, relation: Relation, groups: Groups) -> Statement:
    stops = picked(
        question,
        relation,
        groups,
        {"duration": relation.events.duration},
        types=[SESSION_STOP],
    ).cte("stops")
    twice = union_all(
        select(stops.c.day.label("day"), stops.c.part.label("part"), stops.c.duration.label("ms")),
        select(number(-1), stops.c.part, stops.c.duration),
    ).cte("twice")
    is_known = and_(twice.c.ms >= 0, twice.c.ms <= number(MAX_SESSION_MS))
    lengths = select(twice.c.day, twice.c.part, case((is_known, twice.c.ms)).label("ms")).cte(
        "lengths"
    )
    known = lengths.c.ms.is_not(None)
    same = [lengths.c.day, lengths.c.part]
    order = func.row_number().over(partition_by=[*same, known], order_by=lengths.c.ms)
    size = func.count().over(partition_by=[*same, known])
    ranked = select(*same, lengths.c.ms, order.label("place"), size.label("size")).cte("ranked")
    distance = ranked.c.place * number(2) - ranked.c.size
    middle = case((and_(distance >= 0, distance <= number(2)), ranked.c.ms))
    return select(
        ranked.c.day,
        ranked.c.part,
        func.count(ranked.c.ms),
        func.sum(ranked.c.ms),
        func.max(ranked.c.ms),
        func.min(middle),
        func.max(middle),
        func.sum(case((ranked.c.ms.is_(None), number(1)), else_=number(0))),
    ).group_by(ranked.c.day, ranked.c.part)


@define(title="Session heat map", unit="sessions", without=("by", "top"))
def heat_map(question: Question, relation: Relation) -> Plan[HeatMap]:
    """Count the sessions by weekday and hour of the local time at the endpoint.

    Counted: Every `_session.start` of the period, at the weekday and hour that clocks showed in
        the time zone which the event remembers of its endpoint. Without a zone, or with one that
        no tz database knows, it counts in the zone of the question, and as `without_zone`.
    Source: Pinpoint User Guide, Usage: "Session heat map", "in each endpoint's local time".
    Differs: Amplitude, Mixpanel and PostHog use the project's zone.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> # a Thursday, a Friday
        >>> ask("heat_map", "a 10-01 _session.start; b 10-02 _session.start")
        {('Thursday', 12): 1, ('Friday', 12): 1}
    """
    zone = relation.events.time_zone
    starts = picked(
        question,
        relation,
        WHOLE,
        {"zone": zone, "quarter": relation.events.time // number(_QUARTER_MS)},
        types=[SESSION_START],
    ).cte("starts")
    # Every offset is whole quarters of an hour, so that a quarter has one local hour.
    rows = yield select(starts.c.zone, starts.c.quarter, func.count()).group_by(
        starts.c.zone, starts.c.quarter
    )
    counts = [[0] * 24 for _ in range(7)]
    without_zone = 0
    zones: dict[str | None, ZoneInfo | None] = {None: None}
    for name, quarter, size in rows:
        key = None if name is None else str(name)
        if key not in zones:
            zones[key] = _known_zone(str(key))
        own = zones[key]
        without_zone += whole(size) if own is None else 0
        seconds = whole(quarter) * _QUARTER_MS // 1000
        local = dt.datetime.fromtimestamp(seconds, tz=_UTC).astimezone(own or question.days.zone)
        counts[local.weekday()][local.hour] += whole(size)
    return HeatMap(about=question.about, rows=tuple(map(tuple, counts)), without_zone=without_zone)


def _known_zone(name: str) -> ZoneInfo | None:
    try:
        return find_zone(name)
    except ValidationError:
        return None

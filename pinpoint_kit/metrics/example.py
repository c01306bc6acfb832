"""A few events in memory, written as text: the examples of the definitions, proved.

Also the plain tables that such a relation can stand on, which tests and benchmarks fill. Nothing
of a real source may be put here.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import BigInteger, Column, Connection, MetaData, Table, Text, create_engine

from pinpoint_kit.metrics.relation import REMEMBERED, Endpoints, Events, Relation, Users
from pinpoint_kit.metrics.results import (
    CohortTable,
    Distribution,
    Funnel,
    HeatMap,
    MoneySeries,
    Overview,
    Result,
    Series,
    Timeline,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["METADATA", "RELATION", "ask"]

METADATA = MetaData()

_EVENTS = Table(
    "plain_events",
    METADATA,
    Column("app", BigInteger, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("user_id", Text),
    Column("arrival", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("session_id", Text),
    Column("session_duration", BigInteger),
    Column("attributes", Text),
    Column("metrics", Text),
    *(Column(name, Text) for name in REMEMBERED),
    Column("time_zone", Text),
)
_ENDPOINTS = Table(
    "plain_endpoints",
    METADATA,
    Column("app", BigInteger, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("user_id", Text),
    Column("creation_date", BigInteger),
    Column("channel_type", Text),
    Column("attributes", Text),
    *(Column(name, Text) for name in REMEMBERED),
)
_USERS = Table(
    "plain_users",
    METADATA,
    Column("app", BigInteger, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("creation_date", BigInteger),
    Column("attributes", Text),
)


def _relation(app: int) -> Relation:
    events, endpoints, users = _EVENTS.c, _ENDPOINTS.c, _USERS.c
    return Relation(
        events=Events(
            table=_EVENTS,
            scope=events.app == app,
            id=events.event_id,
            endpoint=events.endpoint,
            user=events.user_id,
            type=events.type,
            time=events.timestamp,
            arrival=events.arrival,
            session=events.session_id,
            duration=events.session_duration,
            attributes=events.attributes,
            metrics=events.metrics,
            time_zone=events.time_zone,
            **{name: events[name] for name in REMEMBERED},
        ),
        endpoints=Endpoints(
            table=_ENDPOINTS,
            scope=endpoints.app == app,
            endpoint=endpoints.endpoint,
            user=endpoints.user_id,
            created=endpoints.creation_date,
            channel=endpoints.channel_type,
            attributes=endpoints.attributes,
            **{name: endpoints[name] for name in REMEMBERED},
        ),
        users=Users(
            table=_USERS,
            scope=users.app == app,
            user=users.user_id,
            created=users.creation_date,
            attributes=users.attributes,
        ),
    )


#: The relation over the tables of `METADATA`, of their application 1.
RELATION = _relation(1)

_NOON_MS = 12 * 3_600_000
_NOW = dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def ask(name: str, story: str, *, measure: str = "value", **arguments: object) -> object:
    """Return a metric of a few events, in a short form.

    Args:
        name: the metric.
        story: events at noon (UTC) of 2026, such as `a 10-01 buy price=3; b/ios 10-02 open`:
            endpoint and platform, day, type, then a duration in ms, metrics and attributes.
        measure: which measure of a series is shown.
        **arguments: of the metric; the days are 2026-10-01 and 02 unless others are given.
    """
    from pinpoint_kit.metrics import measure as measured  # noqa: PLC0415 -- it imports what shows its examples by this

    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        METADATA.create_all(connection)
        _tell(connection, [event.split() for event in story.split(";") if event.strip()])
        days = {"first": "2026-10-01", "last": "2026-10-02"}
        result = measured(
            name,
            {**days, **arguments},
            RELATION,
            now=int(_NOW.timestamp() * 1000),
            execute=lambda statement: connection.execute(statement).fetchall(),
        )
    engine.dispose()
    return _shown(result, measure)


def _tell(connection: Connection, events: Iterable[list[str]]) -> None:
    endpoints: dict[str, dict[str, object]] = {}
    for position, (who, day, kind, *rest) in enumerate(events):
        endpoint, _, platform = who.partition("/")
        midnight = dt.datetime.fromisoformat(f"2026-{day}T00:00:00+00:00")
        time = int(midnight.timestamp() * 1000) + _NOON_MS
        pairs = dict(item.split("=") for item in rest if "=" in item)
        durations = [int(item) for item in rest if "=" not in item]
        numbers = {key: float(value) for key, value in pairs.items() if _is_number(value)}
        texts = {key: value for key, value in pairs.items() if key not in numbers}
        row: Mapping[str, object] = {
            "app": 1,
            "endpoint": endpoint,
            "arrival": time,
            "event_id": str(position),
            "type": kind,
            "timestamp": time,
            "session_duration": durations[0] if durations else None,
            "attributes": orjson.dumps(texts).decode() if texts else None,
            "metrics": orjson.dumps(numbers).decode() if numbers else None,
            "platform": platform or None,
            "time_zone": "UTC",
        }
        connection.execute(_EVENTS.insert(), row)
        endpoints.setdefault(
            endpoint,
            {"app": 1, "endpoint": endpoint, "creation_date": time, "platform": platform or None},
        )
    connection.execute(_ENDPOINTS.insert(), list(endpoints.values()))


def _is_number(text: str) -> bool:
    return text.replace(".", "").isdigit()


def _shown(result: Result, measure: str) -> object:  # noqa: PLR0911 -- a line for each kind
    match result:
        case Series():
            index = result.measures.index(measure)
            shown: dict[str, object] = {str(p.day): p.values[index] for p in result.points}
            return shown | {"total": result.totals[0].values[index]}
        case MoneySeries():
            return {total.currency: str(total.value) for total in result.totals}
        case Distribution():
            return {row.value.value: row.count for row in result.rows}
        case CohortTable():
            return {str(row.day): row.counts for row in result.rows}
        case Funnel():
            return {row.name: row.count for row in result.rows}
        case HeatMap():
            return {
                (_WEEKDAYS[day], hour): count
                for day, hours in enumerate(result.rows)
                for hour, count in enumerate(hours)
                if count
            }
        case Timeline():
            return [
                f"{dt.datetime.fromtimestamp(e.time_ms / 1000, dt.timezone.utc).date()} {e.type}"
                for e in result.entries
            ]
        case Overview():
            parts = (result.daily, result.monthly, result.new, result.sessions)
            return {
                name: part.totals[0].values[0]
                for name, part in zip(("daily", "monthly", "new", "sessions"), parts, strict=True)
            }

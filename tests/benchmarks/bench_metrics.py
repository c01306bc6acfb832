# ruff: noqa: S608, ISC004 -- the SQL is made of our own numbers and names
"""How long every chart takes on SQLite, beside SQL tuned by hand, on the same file in one run.

    python tests/benchmarks/bench_metrics.py [--events 1000000] [--file bench.db] [--only active]

Makes 60 days of a population (skewed activity, retention, sessions, purchases, JSON attributes as
the engine writes them), then prints seconds of CPU: the metric as it is defined, and the same
question in SQL written by hand where there is one. Absolute numbers are this machine's.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sqlite3
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine

from pinpoint_kit.metrics import measure
from pinpoint_kit.metrics.example import METADATA, RELATION

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY_MS = 86_400_000
START_DAY = 20_500  # 2026-02-16
DAYS = 60
FIRST, LAST = "2026-02-16", "2026-04-16"
NOW = (START_DAY + DAYS + 40) * DAY_MS
PLATFORMS = ("iOS", "Android", "Web", "macOS", "Windows")
COUNTRIES = ("US", "DE", "FR", "BR", "JP", "IN", "GB", "PT", "ES", "IT", "NL", "SE", "AU")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", None)
INDEXES = (
    "CREATE INDEX bench_by_type ON plain_events (app, type, timestamp, endpoint, user_id)",
    "CREATE INDEX bench_by_endpoint ON plain_events (app, endpoint, timestamp)",
    "CREATE INDEX bench_endpoints ON plain_endpoints (app, endpoint)",
    "CREATE INDEX bench_endpoints_created ON plain_endpoints (app, creation_date)",
)


def visits(count: int, seed: int = 7) -> Iterator[tuple[Any, ...]]:
    """Rows of events, in the order of their arrival: people who come, stay away, and buy."""
    rng = random.Random(seed)  # noqa: S311 -- no secret
    people = [str(uuid.UUID(int=rng.getrandbits(128))) for _ in range(max(count // 20, 10))]
    weights = [1 / math.sqrt(rank + 1) for rank in range(len(people))]
    traits = [
        (
            f"user-{n // 2}" if n % 3 else None,
            rng.choices(PLATFORMS, (5, 4, 3, 1, 1))[0],
            f"{rng.randrange(1, 5)}.{rng.randrange(10)}",
            rng.choice(COUNTRIES),
            rng.choice(ZONES),
        )
        for n in range(len(people))
    ]
    made = 0
    for day in range(DAYS):
        size = count // DAYS
        moments = sorted(rng.randrange(DAY_MS) for _ in range(size // 8 + 1))
        for moment, n in zip(
            moments, rng.choices(range(len(people)), weights, k=len(moments)), strict=True
        ):
            at = (START_DAY + day) * DAY_MS + moment
            session = f"{people[n][:8]}-{at}"
            steps = ["_session.start", "page_view", "page_view", "search", "add_to_cart"]
            steps += rng.choices(("page_view", "_monetization.purchase", "_userauth.sign_in"), k=2)
            for order, kind in enumerate([*steps, "_session.stop"]):
                metrics = {"n": float(rng.randrange(10))}
                if kind == "_monetization.purchase":
                    metrics |= {"_item_price": rng.randrange(99, 9999) / 100, "_quantity": 1.0}
                attributes = {
                    "screen": rng.choice(("home", "cart", "list")),
                    "_currency": rng.choice(("EUR", "USD")),
                    "flow": "checkout",
                }
                yield (
                    1,
                    people[n],
                    traits[n][0],
                    at + order * 9000,
                    f"{made}",
                    kind,
                    at + order * 9000,
                    session,
                    order * 9000 if kind == "_session.stop" else None,
                    json.dumps(attributes, separators=(",", ":")),
                    json.dumps(metrics, separators=(",", ":")),
                    traits[n][1],
                    traits[n][2],
                    "Make",
                    "Model",
                    "en_US",
                    traits[n][3],
                    traits[n][4],
                )
                made += 1


def make(path: Path, count: int) -> None:
    """Make the file."""
    engine = create_engine(f"sqlite:///{path}")
    METADATA.create_all(engine)
    engine.dispose()
    connection = sqlite3.connect(path)
    marks = ", ".join("?" * 18)
    connection.executemany(f"INSERT INTO plain_events VALUES ({marks})", visits(count))
    connection.execute(
        "INSERT INTO plain_endpoints SELECT app, endpoint, min(user_id), min(timestamp), 'GCM',"
        """ '{"plan":["pro"]}', min(platform), min(app_version), 'Make', 'Model', 'en_US',"""
        " min(country) FROM plain_events GROUP BY app, endpoint"
    )
    for statement in INDEXES:
        connection.execute(statement)
    connection.commit()
    connection.close()


#: Name, metric, its arguments, and the same by hand; None: nothing to compare with.
WHERE = (
    f"app = 1 AND timestamp >= {START_DAY * DAY_MS} AND timestamp < {(START_DAY + DAYS) * DAY_MS}"
)
APP_EVENT = (
    "(substr(type, 1, 1) <> '_' OR NOT (type LIKE '\\_campaign.%' ESCAPE '\\'"
    " OR type LIKE '\\_journey.%' ESCAPE '\\' OR type LIKE '\\_email.%' ESCAPE '\\'"
    " OR type LIKE '\\_SMS.%' ESCAPE '\\'))"
)
ACTIVE = f"SELECT DISTINCT timestamp / {DAY_MS} AS day, endpoint FROM plain_events WHERE {WHERE}"
ANY = f"{ACTIVE} AND {APP_EVENT}"
OPENED = f"{ACTIVE} AND type = '_session.start'"
TOTAL = "UNION ALL SELECT -1, count(*) FROM (SELECT DISTINCT endpoint FROM a)"
DAILY = f"SELECT day, count(*) FROM a GROUP BY day {TOTAL}"
ROLLING = (
    "l AS (SELECT day, endpoint, lead(day) OVER (PARTITION BY endpoint ORDER BY day) AS n FROM a),"
    " c AS (SELECT day, 1 AS x FROM l UNION ALL"
    " SELECT CASE WHEN n < day + 30 THEN n ELSE day + 30 END, -1 FROM l),"
    " d AS (SELECT day, sum(x) AS x FROM c GROUP BY day)"
    f" SELECT day, sum(x) OVER (ORDER BY day) FROM d {TOTAL}"
)
STEPS = "'page_view', 'add_to_cart', '_monetization.purchase'"
CHARTS: tuple[tuple[str, str, dict[str, Any], str | None], ...] = (
    ("DAU", "active", {}, f"WITH a AS ({ANY}) {DAILY}"),
    ("DAU, sessions", "active", {"activity": "session"}, f"WITH a AS ({OPENED}) {DAILY}"),
    ("WAU", "active", {"window": 7}, None),
    ("MAU", "active", {"window": 30}, f"WITH a AS ({ANY}), {ROLLING}"),
    ("MAU, users", "active", {"window": 30, "actor": "user"}, None),
    ("DAU by platform", "active", {"by": "platform"}, None),
    ("DAU where attribute", "active", {"where": {"attributes": {"screen": ["home"]}}}, None),
    ("new", "new", {}, None),
    (
        "sessions",
        "sessions",
        {},
        f"SELECT timestamp / {DAY_MS}, count(*) FROM plain_events WHERE {WHERE}"
        " AND type = '_session.start' GROUP BY 1",
    ),
    ("sessions per endpoint", "sessions_per_actor", {}, None),
    ("session length", "session_length", {}, None),
    ("heat map", "heat_map", {}, None),
    ("sticky factor", "sticky_factor", {}, None),
    ("stickiness", "stickiness", {}, None),
    (
        "7-day retention",
        "seven_day_retention",
        {},
        f"WITH a AS ({ANY}), g AS (SELECT day, lead(day) OVER (PARTITION BY endpoint ORDER BY day)"
        " - day AS gap FROM a)"
        " SELECT day + 8, count(*), sum(CASE WHEN gap <= 7 THEN 1 ELSE 0 END) FROM g GROUP BY day",
    ),
    ("retention on 7", "retention", {"days": 7}, None),
    ("retention on or after", "retention", {"days": 7, "kind": "on_or_after"}, None),
    ("cohorts", "cohorts", {"days": 30}, None),
    ("cohorts within", "cohorts", {"days": 30, "kind": "within"}, None),
    ("sign-ins by country", "sign_ins", {"by": "country"}, None),
    (
        "revenue",
        "revenue",
        {},
        f"SELECT timestamp / {DAY_MS}, attributes ->> '$._currency', sum(CAST(round("
        "(metrics ->> '$._item_price') * coalesce(metrics ->> '$._quantity', 1) * 1000000)"
        f" AS INTEGER)) FROM plain_events WHERE {WHERE} AND type = '_monetization.purchase'"
        " GROUP BY 1, 2",
    ),
    ("paying", "paying", {}, None),
    ("revenue per active", "revenue_per_active", {}, None),
    ("units sold", "units_sold", {}, None),
    (
        "events",
        "events",
        {},
        f"WITH e AS (SELECT timestamp / {DAY_MS} AS day, endpoint, session_id AS s, count(*) AS n"
        f" FROM plain_events WHERE {WHERE} GROUP BY 1, 2, 3)"
        " SELECT day, sum(n), count(DISTINCT endpoint), count(DISTINCT s) FROM e GROUP BY day"
        " UNION ALL SELECT -1, sum(n), count(DISTINCT endpoint), count(DISTINCT s) FROM e",
    ),
    ("events by type", "events", {"by": "event_type"}, None),
    ("events by attribute", "events", {"by": "attributes.screen"}, None),
    ("metric n", "event_metrics", {"metric": "n", "where": {"event_type": "page_view"}}, None),
    (
        "funnel, 3 steps",
        "funnel",
        {
            "steps": [
                {"type": "page_view"},
                {"type": "add_to_cart"},
                {"type": "_monetization.purchase"},
            ]
        },
        "WITH m AS (SELECT endpoint AS a, timestamp AS t, CASE type WHEN 'page_view' THEN 1"
        " WHEN 'add_to_cart' THEN 2 ELSE 3 END AS s FROM plain_events"
        f" WHERE {WHERE} AND type IN ({STEPS})),"
        " x AS (SELECT a, t, s, max(CASE WHEN s = 1 THEN t END) OVER w AS s1 FROM m"
        " WINDOW w AS (PARTITION BY a ORDER BY t RANGE UNBOUNDED PRECEDING)),"
        " y AS (SELECT a, t, s, s1, max(CASE WHEN s = 2 AND t - s1 <= 604800000 THEN s1 END)"
        " OVER w AS s2 FROM x WINDOW w AS (PARTITION BY a ORDER BY t RANGE UNBOUNDED PRECEDING)),"
        " z AS (SELECT a, max(s = 1) AS r1, max(s = 2 AND t - s1 <= 604800000) AS r2,"
        " max(s = 3 AND t - s2 <= 604800000) AS r3 FROM y GROUP BY a)"
        " SELECT sum(r1), sum(r2), sum(r3) FROM z",
    ),
    ("demographics", "demographics", {"by": "platform"}, None),
    ("overview", "overview", {}, None),
)


def main() -> None:
    """Print a line for each chart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, default=Path("bench_metrics.db"))
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    if not options.file.exists():
        start = time.perf_counter()
        make(options.file, options.events)
        print(f"made {options.file} in {time.perf_counter() - start:.0f} s")
    engine = create_engine(f"sqlite:///{options.file}")
    print(f"{'chart':24} {'metric s':>9} {'by hand s':>9} {'ratio':>6}")
    with engine.connect() as connection:
        for title, name, arguments, by_hand in CHARTS:
            if options.only and options.only not in title:
                continue
            asked = {"first": FIRST, "last": LAST, **arguments}

            def ask(name: str = name, asked: dict[str, Any] = asked) -> None:
                measure(
                    name,
                    asked,
                    RELATION,
                    now=NOW,
                    execute=lambda statement: connection.execute(statement).fetchall(),
                )

            def ask_by_hand(text: str | None = by_hand) -> None:
                connection.exec_driver_sql(text or "").fetchall()

            own = min(seconds(ask) for _ in range(2))
            hand = min(seconds(ask_by_hand) for _ in range(2)) if by_hand else None
            ratio = f"{hand:9.2f} {own / hand:6.2f}" if hand else ""
            print(f"{title:24} {own:9.2f} {ratio}", flush=True)
    engine.dispose()


def seconds(work: Any) -> float:
    """CPU seconds of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()

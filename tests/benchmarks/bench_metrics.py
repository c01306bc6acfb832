# ruff: noqa: S608, ISC004 -- the SQL is made of our own numbers and names
"""How long every chart takes on SQLite, beside SQL tuned by hand, on the same file in one run.

    python tests/benchmarks/bench_metrics.py [--events 1000000] [--file bench.db] [--only active]

Makes an engine's database with 60 days of a population (skewed activity, retention, sessions,
purchases, JSON attributes as the engine writes them), then prints seconds of CPU: the metric asked
of the engine, from the request's bytes to the answer's, and the same question in SQL written by
hand where there is one. Absolute numbers are this machine's.
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

from pinpoint_kit.engine import Engine, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DAY_MS = 86_400_000
START_DAY = 20_500  # 2026-02-16
DAYS = 60
FIRST, LAST = "2026-02-16", "2026-04-16"
PLATFORMS = ("iOS", "Android", "Web", "macOS", "Windows")
COUNTRIES = ("US", "DE", "FR", "BR", "JP", "IN", "GB", "PT", "ES", "IT", "NL", "SE", "AU")
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", None)
#: The columns of `visits`; then what the tables of endpoints and users have besides.
COLUMNS = (
    "app, endpoint, user_id, arrival, event_id, type, timestamp, session_id, session_duration,"
    " attributes, metrics, platform, app_version, make, model, locale, country, timezone"
)
ENDPOINTS = (
    "INSERT INTO endpoints (app, endpoint, id, status, opt_out, effective_date, creation_date,"
    " cohort, request_id, user_id, channel_type, attributes, platform, app_version, make, model,"
    " locale, country) SELECT app, endpoint, endpoint, 'ACTIVE', 'NONE', min(timestamp),"
    """ min(timestamp), 1, 'r', min(user_id), 'GCM', '{"plan":["pro"]}', min(platform),"""
    " min(app_version), 'Make', 'Model', 'en_US', min(country) FROM events GROUP BY app, endpoint"
)
USERS = (
    "INSERT INTO users (app, user_id, attributes, created) SELECT app, user_id, '{}',"
    " min(creation_date) FROM endpoints WHERE user_id IS NOT NULL GROUP BY 1, 2"
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
    """Make the file: the engine makes the tables and the application, SQL the rows."""
    with Engine.open(f"sqlite:///{path}") as engine:
        engine.handle(Request("POST", "/v1/apps", body=b'{"Name": "bench"}'))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    marks = ", ".join("?" * 18)
    connection.executemany(f"INSERT INTO events ({COLUMNS}) VALUES ({marks})", visits(count))
    connection.execute(ENDPOINTS)
    connection.execute(USERS)
    connection.commit()
    connection.close()


def app_of(engine: Engine) -> str:
    """Return the id of the only application."""
    answer = engine.handle(Request("GET", "/v1/apps"))
    return str(json.loads(answer.body)["Item"][0]["Id"])


#: Name, metric, its arguments, and the same by hand; None: nothing to compare with.
WHERE = (
    f"app = 1 AND timestamp >= {START_DAY * DAY_MS} AND timestamp < {(START_DAY + DAYS) * DAY_MS}"
)
APP_EVENT = (
    "(substr(type, 1, 1) <> '_' OR NOT (type LIKE '\\_campaign.%' ESCAPE '\\'"
    " OR type LIKE '\\_journey.%' ESCAPE '\\' OR type LIKE '\\_email.%' ESCAPE '\\'"
    " OR type LIKE '\\_SMS.%' ESCAPE '\\'))"
)
ACTIVE = f"SELECT DISTINCT timestamp / {DAY_MS} AS day, endpoint FROM events WHERE {WHERE}"
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
_TYPED = f"SELECT timestamp / {DAY_MS} AS day, type, endpoint, session_id AS s FROM events"
_COUNTED = "count(*), count(DISTINCT endpoint), count(DISTINCT s)"
BY_TYPE = (
    f"WITH e AS ({_TYPED} WHERE {WHERE}) SELECT day, type, {_COUNTED} FROM e GROUP BY 1, 2"
    f" UNION ALL SELECT -1, type, {_COUNTED} FROM e GROUP BY type"
    f" UNION ALL SELECT -1, NULL, {_COUNTED} FROM e"
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
        f"SELECT timestamp / {DAY_MS}, count(*) FROM events WHERE {WHERE}"
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
        f" AS INTEGER)) FROM events WHERE {WHERE} AND type = '_monetization.purchase'"
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
        f" FROM events WHERE {WHERE} GROUP BY 1, 2, 3)"
        " SELECT day, sum(n), count(DISTINCT endpoint), count(DISTINCT s) FROM e GROUP BY day"
        " UNION ALL SELECT -1, sum(n), count(DISTINCT endpoint), count(DISTINCT s) FROM e",
    ),
    ("events by type", "events", {"by": "event_type"}, BY_TYPE),
    ("events by attribute", "events", {"by": "attributes.screen"}, None),
    (
        "metric n",
        "event_metrics",
        {"metric": "n"},
        f"SELECT timestamp / {DAY_MS}, count(n), sum(n), min(n), max(n) FROM"
        f" (SELECT timestamp, metrics ->> '$.n' AS n FROM events WHERE {WHERE} LIMIT -1)"
        " GROUP BY 1",
    ),
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
        " WHEN 'add_to_cart' THEN 2 ELSE 3 END AS s FROM events"
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
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    if not options.file.exists():
        start = time.perf_counter()
        make(options.file, options.events)
        print(f"made {options.file} in {time.perf_counter() - start:.0f} s")
    print(f"{'chart':24} {'metric s':>9} {'by hand s':>9} {'ratio':>6}")
    with Engine.open(f"sqlite:///{options.file}") as engine:
        connection = sqlite3.connect(options.file)
        app = app_of(engine)
        for title, name, arguments, by_hand in CHARTS:
            if options.only and options.only not in title:
                continue
            asked = charted(app, name, arguments)

            def ask(asked: Request = asked) -> None:
                assert engine.handle(asked).status == 200

            def ask_by_hand(text: str | None = by_hand) -> None:
                connection.execute(text or "").fetchall()

            own = min(seconds(ask) for _ in range(options.rounds))
            hand = min(seconds(ask_by_hand) for _ in range(options.rounds)) if by_hand else None
            ratio = f"{hand:9.2f} {own / hand:6.2f}" if hand else ""
            print(f"{title:24} {own:9.2f} {ratio}", flush=True)
        connection.close()


def charted(app: str, name: str, arguments: dict[str, Any]) -> Request:
    """Return the request for a metric over the days of the file."""
    days = {} if name == "demographics" else {"first": FIRST, "last": LAST}
    path = f"/pinpoint-kit/v1/apps/{app}/metrics/{name}"
    return Request("POST", path, body=json.dumps({**days, **arguments}).encode())


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


if __name__ == "__main__":
    main()

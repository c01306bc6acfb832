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
#: What a chart may take on so many events.
MOST_S, MOST_OF = 2.5, 1_000_000
#: The status of a question that took longer than the engine lets one take.
_STOPPED = 503
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
    for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
        connection.execute(f"PRAGMA {setting}")
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
EVENTS_BY_HAND = (
    f"WITH e AS (SELECT timestamp / {DAY_MS} AS day, endpoint, session_id AS s, count(*) AS n"
    f" FROM events WHERE {WHERE} GROUP BY 1, 2, 3)"
    " SELECT day, sum(n), count(DISTINCT endpoint), count(DISTINCT s) FROM e GROUP BY day"
    " UNION ALL SELECT -1, sum(n), count(DISTINCT endpoint), count(DISTINCT s) FROM e"
)
#: Breakdowns by hand: first the ten values with the most events, then the numbers by value, where
#: all other values would be one; here there are fewer than ten.
SCREEN = "attributes ->> '$.screen'"


def top(value: str, *conditions: str) -> str:
    """Ten values and how many events have each."""
    where = " AND ".join([WHERE, *conditions])
    return (
        f"SELECT {value} AS v, count(*) FROM events WHERE {where} GROUP BY 1 ORDER BY 2 DESC"
        " LIMIT 10"
    )


def parted(value: str) -> str:
    """Distinct active days by value (`p`), and by everything (`a`)."""
    return (
        f"WITH p AS (SELECT DISTINCT timestamp / {DAY_MS} AS day, {value} AS v, endpoint"
        f" FROM events WHERE {WHERE} AND {APP_EVENT}),"
        " a AS (SELECT day, v, endpoint FROM p UNION ALL"
        " SELECT DISTINCT day, -1, endpoint FROM p)"
    )


#: By an attribute of endpoints, which may have several values and none.
PLANS = (
    "(SELECT e.endpoint AS owner, j.value AS v FROM endpoints AS e,"
    " json_each(e.attributes, '$.plan') AS j WHERE e.app = 1)"
)
BY_PLAN = f"FROM events LEFT JOIN {PLANS} ON owner = endpoint WHERE {WHERE}"
TOP_PLANS = f"SELECT v, count(*) {BY_PLAN} GROUP BY v ORDER BY 2 DESC LIMIT 10"
DAYS_BY_PLAN = f"SELECT DISTINCT timestamp / {DAY_MS} AS day, v, endpoint {BY_PLAN} AND {APP_EVENT}"
BY_PLAN_EVENTS = BY_TYPE.replace("type", "v").replace(f"FROM events WHERE {WHERE}", BY_PLAN)
TOTALS = (
    "SELECT -1, v, count(*) FROM (SELECT DISTINCT endpoint, v FROM p) GROUP BY v"
    " UNION ALL SELECT -1, -1, count(*) FROM (SELECT DISTINCT endpoint FROM p)"
)
TOTALS_4 = TOTALS.replace("count(*)", "count(*), 0")
DAILY_BY = f"SELECT day, v, count(*) FROM p GROUP BY day, v UNION ALL {TOTALS}"
ROLLING_BY = (
    ", l AS (SELECT day, v, lead(day) OVER (PARTITION BY v, endpoint ORDER BY day) AS n FROM a),"
    " c AS (SELECT day, v, 1 AS x FROM l UNION ALL"
    " SELECT CASE WHEN n < day + 30 THEN n ELSE day + 30 END, v, -1 FROM l),"
    " d AS (SELECT day, v, sum(x) AS x, sum(x > 0) AS come FROM c GROUP BY day, v)"
    " SELECT day, v, sum(x) OVER (PARTITION BY v ORDER BY day), come FROM d"
)
KEPT_BY = (
    ", g AS (SELECT day, v, lead(day) OVER (PARTITION BY v, endpoint ORDER BY day) - day AS gap"
    " FROM a) SELECT day + 8, v, count(*), sum(CASE WHEN gap <= 7 THEN 1 ELSE 0 END)"
    " FROM g GROUP BY day, v"
)
BY_SCREEN = BY_TYPE.replace("type", "screen").replace(
    "AS day, screen,", f"AS day, {SCREEN} AS screen,"
)


def funnel_by_hand(*steps: str, value: str = "0") -> str:
    """Count who went through steps, by value; each step carries on the latest entry."""
    names = ", ".join(f"'{step}'" for step in steps)
    places = " ".join(f"WHEN '{step}' THEN {k}" for k, step in enumerate(steps, 1))
    over = "OVER (PARTITION BY v, a ORDER BY t RANGE UNBOUNDED PRECEDING)"
    tables = [
        f"x1 AS (SELECT endpoint AS a, {value} AS v, timestamp AS t, CASE type {places} END AS s,"
        f" CASE type WHEN '{steps[0]}' THEN timestamp END AS e1 FROM events"
        f" WHERE {WHERE} AND type IN ({names}))"
    ]
    for k in range(2, len(steps) + 1):
        kept = "".join(f", e{j}" for j in range(1, k))
        tables += [
            f"y{k} AS (SELECT a, v, t, s{kept}, max(e{k - 1}) {over} AS b FROM x{k - 1})",
            f"x{k} AS (SELECT a, v, t, s{kept},"
            f" CASE WHEN s = {k} AND t - b <= 604800000 THEN b END AS e{k} FROM y{k})",
        ]
    each = range(1, len(steps) + 1)
    most = ", ".join(f"max(e{k}) AS e{k}" for k in each)
    tables.append(f"z AS (SELECT v, a, {most} FROM x{len(steps)} GROUP BY v, a)")
    counts = ", ".join(f"count(e{k})" for k in each)
    return f"WITH {', '.join(tables)} SELECT v, {counts} FROM z GROUP BY v"


BOUGHT = ("page_view", "add_to_cart", "_monetization.purchase")
FIVE = ("_session.start", "page_view", "search", "add_to_cart", "_monetization.purchase")


def stepped(*steps: str) -> list[dict[str, str]]:
    """Write the steps of a funnel as a metric takes them."""
    return [{"type": step} for step in steps]


CHARTS: tuple[tuple[str, str, dict[str, Any], tuple[str, ...] | str | None], ...] = (
    ("DAU", "active", {}, f"WITH a AS ({ANY}) {DAILY}"),
    ("DAU, sessions", "active", {"activity": "session"}, f"WITH a AS ({OPENED}) {DAILY}"),
    ("WAU", "active", {"window": 7}, None),
    ("MAU", "active", {"window": 30}, f"WITH a AS ({ANY}), {ROLLING}"),
    ("MAU, users", "active", {"window": 30, "actor": "user"}, None),
    (
        "DAU by platform",
        "active",
        {"by": "platform"},
        (top("platform", APP_EVENT), f"{parted('platform')} {DAILY_BY}"),
    ),
    (
        "DAU by type",
        "active",
        {"by": "event_type"},
        (top("type", APP_EVENT), f"{parted('type')} {DAILY_BY}"),
    ),
    (
        "DAU by attribute",
        "active",
        {"by": "attributes.screen"},
        (top(SCREEN, APP_EVENT), f"{parted(SCREEN)} {DAILY_BY}"),
    ),
    (
        "MAU by attribute",
        "active",
        {"by": "attributes.screen", "window": 30},
        (top(SCREEN, APP_EVENT), f"{parted(SCREEN)} {ROLLING_BY} UNION ALL {TOTALS_4}"),
    ),
    (
        "DAU by endpoint attribute",
        "active",
        {"by": "endpoint_attributes.plan"},
        (
            TOP_PLANS,
            f"WITH p AS ({DAYS_BY_PLAN}) SELECT day, v, count(*) FROM p GROUP BY day, v UNION ALL"
            " SELECT -1, v, count(*) FROM (SELECT DISTINCT endpoint, v FROM p) GROUP BY v",
            f"WITH a AS ({ANY}) {DAILY}",
        ),
    ),
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
    ("sticky factor", "sticky_factor", {}, f"{parted('0')} {ROLLING_BY}"),
    (
        "sticky by platform",
        "sticky_factor",
        {"by": "platform"},
        (top("platform", APP_EVENT), f"{parted('platform')} {ROLLING_BY}"),
    ),
    (
        "sticky by attribute",
        "sticky_factor",
        {"by": "attributes.screen"},
        (top(SCREEN, APP_EVENT), f"{parted(SCREEN)} {ROLLING_BY}"),
    ),
    ("stickiness", "stickiness", {}, None),
    ("stickiness by platform", "stickiness", {"by": "platform"}, None),
    (
        "7-day retention",
        "seven_day_retention",
        {},
        f"WITH a AS ({ANY}), g AS (SELECT day, lead(day) OVER (PARTITION BY endpoint ORDER BY day)"
        " - day AS gap FROM a)"
        " SELECT day + 8, count(*), sum(CASE WHEN gap <= 7 THEN 1 ELSE 0 END) FROM g GROUP BY day",
    ),
    (
        "retention by platform",
        "seven_day_retention",
        {"by": "platform"},
        (top("platform", APP_EVENT), f"{parted('platform')} {KEPT_BY}"),
    ),
    (
        "retention by attribute",
        "seven_day_retention",
        {"by": "attributes.screen"},
        (top(SCREEN, APP_EVENT), f"{parted(SCREEN)} {KEPT_BY}"),
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
        EVENTS_BY_HAND,
    ),
    ("events by type", "events", {"by": "event_type"}, BY_TYPE),
    ("events by attribute", "events", {"by": "attributes.screen"}, (top(SCREEN), BY_SCREEN)),
    (
        "events by endpoint attr.",
        "events",
        {"by": "endpoint_attributes.plan"},
        (TOP_PLANS, BY_PLAN_EVENTS, EVENTS_BY_HAND),
    ),
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
        {"steps": stepped(*BOUGHT)},
        funnel_by_hand(*BOUGHT),
    ),
    (
        "funnel by platform",
        "funnel",
        {"steps": stepped(*BOUGHT), "by": "platform"},
        (
            top("platform", f"type IN {BOUGHT}"),
            funnel_by_hand(*BOUGHT),
            funnel_by_hand(*BOUGHT, value="platform"),
        ),
    ),
    (
        "funnel by attribute",
        "funnel",
        {"steps": stepped(*BOUGHT), "by": "attributes.screen"},
        (
            top(SCREEN, f"type IN {BOUGHT}"),
            funnel_by_hand(*BOUGHT),
            funnel_by_hand(*BOUGHT, value=SCREEN),
        ),
    ),
    ("funnel, 5 steps", "funnel", {"steps": stepped(*FIVE)}, funnel_by_hand(*FIVE)),
    ("demographics", "demographics", {"by": "platform"}, None),
    ("overview", "overview", {}, None),
)


def main() -> None:
    """Print a line for each chart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, default=Path("bench_metrics.db"))
    parser.add_argument("--only", default="")
    parser.add_argument("--alone", action="store_true", help="no SQL by hand")
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    if not options.file.exists():
        start = time.perf_counter()
        make(options.file, options.events)
        print(f"made {options.file} in {time.perf_counter() - start:.0f} s")
    print(f"{'chart':25} {'metric s':>9} {'by hand s':>9} {'ratio':>6}")
    with Engine.open(f"sqlite:///{options.file}") as engine:
        connection = sqlite3.connect(options.file)
        app = app_of(engine)
        for title, name, arguments, by_hand in CHARTS:
            if options.only and options.only not in title:
                continue
            asked = charted(app, name, arguments)

            statuses = set[int]()

            def ask(asked: Request = asked, statuses: set[int] = statuses) -> None:
                statuses.add(engine.handle(asked).status)

            texts = (by_hand,) if isinstance(by_hand, str) else by_hand or ()
            texts = () if options.alone else texts

            def ask_by_hand(texts: tuple[str, ...] = texts) -> None:
                for text in texts:
                    connection.execute(text).fetchall()

            pairs = [(seconds(ask), seconds(ask_by_hand)) for _ in range(options.rounds)]
            own, hand = (min(side) for side in zip(*pairs, strict=True))
            ratio = f"{hand:9.2f} {own / hand:6.2f}" if texts else ""
            if statuses == {_STOPPED}:
                print(f"{title:25} stopped by the engine's time limit", flush=True)
                continue
            assert statuses == {200}
            is_late = own > MOST_S and options.events <= MOST_OF
            late = f"  over {MOST_S} s" if is_late else ""
            print(f"{title:25} {own:9.2f} {ratio}{late}", flush=True)
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

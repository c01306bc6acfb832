# ruff: noqa: S608 -- the SQL is made of our own numbers and names
"""What a lake costs, and what it is good for: store to lake, and charts on both, in one run.

    python -m tests.benchmarks.bench_lake [export] [charts] [--events N] [--charts N] [--folder DIR]

`export` exports a store of `--events` (1,000,000) and prints CPU microseconds for each, beside
those of reading the rows alone: a machine that is busy makes both more. `charts` makes a store of
`--charts` (10,000,000), exports it, and asks the six charts of the overview of the last 30 days,
each alone and all at once, on the lake by DuckDB and on the store by SQLite; rows must be equal.
Beside the elapsed seconds stand those of CPU, of all threads, which what else the machine does
changes least. Both parts unless one is named. An export must take 6 µs an event at most, the charts
5 s on the lake, and a fifth of what SQLite takes. Everything is in a folder of its own that goes at
the end; what is in `--folder` stays, and is used again, but `export` makes the lake anew. Absolute
numbers are this machine's.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pinpoint_kit import open_lake
from pinpoint_kit.analytics.verbs import Analytics
from pinpoint_kit.engine import Engine, LakeSource, Request
from pinpoint_kit.engine.analytics.relation import relation_of
from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.storage.store import Store
from pinpoint_kit.lake import export_lake
from pinpoint_kit.metrics import measure
from tests.benchmarks.bench_metrics import (
    COLUMNS,
    DAY_MS,
    DAYS,
    ENDPOINTS,
    START_DAY,
    USERS,
    app_of,
    make,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.metrics.results import Result

#: The days of the population's last month; see bench_metrics.py.
FIRST, LAST = "2026-03-18", "2026-04-16"
#: The six of the overview, each alone, and then all of them as the overview asks for them.
CHARTS = (
    *("active", "active 30", "new", "seven_day_retention", "sessions", "revenue"),
    "overview",
)
MOST_US, MOST_S, LEAST_TIMES = 6.0, 5.0, 5.0


def make_many(path: Path, count: int) -> None:
    """Make a store of `count` events out of one of a million: the same with other people."""
    size = min(count, 1_000_000)
    base = path.with_name(f"lake-base-{size}.db")
    if not base.exists():
        make(base, size)
    with Engine.open(f"sqlite:///{path}") as engine:
        engine.handle(Request("POST", "/v1/apps", body=b'{"Name": "bench"}'))
    connection = sqlite3.connect(path)
    for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000"):
        connection.execute(f"PRAGMA {setting}")
    indexes = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'events'"
        " AND sql IS NOT NULL"
    ).fetchall()
    for name, _ in indexes:
        connection.execute(f"DROP INDEX {name}")
    connection.execute("ATTACH ? AS base", (str(base),))
    own = [name.strip() for name in COLUMNS.split(",")]
    changed = {"endpoint": "endpoint || '-' || ?", "user_id": "user_id || '-' || ?"}
    changed["session_id"] = "session_id || '-' || ?"
    listed = ", ".join(changed.get(name, name) for name in own)
    for day in range(START_DAY, START_DAY + DAYS + 1):  # in the order in which events arrive
        for copy in range(count // size):
            connection.execute(
                f"INSERT INTO events ({COLUMNS}) SELECT {listed} FROM base.events WHERE app = 1"
                f" AND timestamp >= {day * DAY_MS} AND timestamp < {(day + 1) * DAY_MS}",
                [str(copy)] * len(changed),
            )
    for _, sql in indexes:
        connection.execute(sql)
    connection.execute(ENDPOINTS)
    connection.execute(USERS)
    connection.commit()
    connection.close()


def exported(path: Path, lake: Path) -> tuple[int, float, float]:
    """Export a store anew; return its events, and seconds of CPU and of time."""
    url = f"sqlite:///{path}"
    with Engine.open(url) as engine:
        app = app_of(engine)
    shutil.rmtree(lake, ignore_errors=True)
    cpu, wall = time.process_time(), time.perf_counter()
    with LakeSource.open(url, app) as source:
        report = export_lake(source, lake)
    return report.added, time.process_time() - cpu, time.perf_counter() - wall


def floor(path: Path) -> float:
    """Return the seconds of CPU that reading the same columns takes, and nothing else."""
    cpu = time.process_time()
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(f"SELECT {COLUMNS} FROM events ORDER BY number")
        while rows.fetchmany(2_000):
            pass
    return time.process_time() - cpu


class OnStore:
    """The verbs of a store, without the deadline that the engine gives a question."""

    def __init__(self, path: Path) -> None:
        self._store = Store.open(f"sqlite:///{path}")

    def ask(self, metric: str, arguments: Mapping[str, object]) -> Result:
        """Ask for a metric, as GetMetric does."""
        with self._store.snapshot() as connection:
            (row,) = connection.exec_driver_sql("SELECT id FROM apps").fetchall()
            relation = relation_of(apps.require(connection, row[0]))

            def execute(statement: Any) -> Any:
                return connection.execute(statement).fetchall()

            now = time.time_ns() // 1_000_000
            return measure(metric, arguments, relation, now=now, execute=execute)

    def close(self) -> None:
        self._store.close()


def asked(verbs: Analytics, name: str) -> tuple[list[object], float, float]:
    """Ask for a chart; return its rows, and the seconds that it took, of time and of CPU."""
    metric, _, window = name.partition(" ")
    options: dict[str, Any] = {"window": int(window)} if window else {}
    began, cpu = time.perf_counter(), time.process_time()
    found = getattr(verbs, metric)(FIRST, LAST, **options)
    return list(found.rows), time.perf_counter() - began, time.process_time() - cpu


def places(folder: Path, count: int) -> tuple[Path, Path]:
    """Return where the store and the lake of so many events are."""
    return folder / f"lake-{count}.db", folder / f"lake-{count}"


def export(folder: Path, count: int) -> None:
    """Make a store of so many events if there is none, and print what its export costs."""
    path, lake = places(folder, count)
    if not path.exists():
        make_many(path, count)
    events, cpu, wall = exported(path, lake)
    size = sum(file.stat().st_size for file in lake.rglob("*.parquet"))
    us, least = cpu / events * 1e6, floor(path) / events * 1e6
    print(
        f"store to lake: {events:,} events, {us:.1f} µs of CPU each, {wall:.0f} s,"
        f" {path.stat().st_size / 1e6:,.0f} MB to {size / 1e6:,.0f} MB;"
        f" reading the rows alone: {least:.1f} µs"
    )
    print(f"at most {MOST_US:g} µs: {'yes' if us <= MOST_US else 'NO'}", flush=True)


def compare(path: Path, folder: Path) -> None:
    """Print what each chart takes on the lake and on the store; the rows must be equal."""
    store = OnStore(path)
    on_store = Analytics(store.ask)
    names = "DuckDB s", "CPU s", "SQLite s", "CPU s", "times"
    print(f"{'chart, 30 days':24}{''.join(f'{name:>9}' for name in names)}")
    with open_lake(folder) as lake:
        for name in CHARTS:
            rows, on_lake_s, lake_cpu = asked(lake, name)
            expected, on_store_s, store_cpu = asked(on_store, name)
            assert rows == expected, name
            times = on_store_s / on_lake_s
            print(
                f"{name:24}{on_lake_s:9.2f}{lake_cpu:9.2f}{on_store_s:9.2f}{store_cpu:9.2f}{times:9.1f}",
                flush=True,
            )
    store.close()
    print(f"overview, at most {MOST_S:g} s on the lake: {'yes' if on_lake_s <= MOST_S else 'NO'}")
    print(f"at least {LEAST_TIMES:g} times faster: {'yes' if times >= LEAST_TIMES else 'NO'}")


def main() -> None:
    """Print what an export costs, and what charts take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="export|charts")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--charts", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    parts = set(options.parts) or {"export", "charts"}
    if not parts <= {"export", "charts"}:
        parser.error("the parts are export and charts")
    with TemporaryDirectory(prefix="bench-lake-") as name:
        folder = options.folder or Path(name)
        if "export" in parts:
            export(folder, options.events)
        if "charts" in parts:
            path, lake = places(folder, options.charts)
            if not (path.exists() and lake.exists()):
                export(folder, options.charts)
            compare(path, lake)


if __name__ == "__main__":
    main()

"""How fast jobs import and export, beside a bare loop, and how much memory that takes.

    python tests/benchmarks/bench_jobs.py [--endpoints 1000000] [--folder DIR]

Made-up endpoints of about 1 KB of JSON are imported into SQLite and exported again. The bare loops
do no more than the words say: `json.loads` and `executemany`, `SELECT` and `json.dumps`. "Same
tables" has the engine's tables with their indexes and fills the same columns; "one table" keeps the
JSON text by its id. Every side has a process and a file of its own, with the PRAGMAs of the
engine's jobs: power loss may take the latest transactions, and a crash of the process nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinpoint_kit.engine import Engine, Request
from pinpoint_kit.engine.files.files import ByScheme, LocalFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRAGMAS = (
    "journal_mode=WAL", "secure_delete=ON", "synchronous=NORMAL", "wal_autocheckpoint=16000",
    "cache_size=-96000",
)  # fmt: skip
BATCH = 1_000
NAMES = ("music", "sports", "travel", "food", "books", "films")
TEXT = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod"
COLUMNS = (
    "app", "endpoint", "id", "channel_type", "address", "status", "opt_out", "effective_date",
    "creation_date", "cohort", "request_id", "user_id", "attributes", "metrics", "app_version",
    "locale", "make", "model", "platform", "timezone", "city", "country", "latitude", "longitude",
)  # fmt: skip


def endpoints(count: int) -> Iterator[dict[str, Any]]:
    """Endpoints with addresses of their own; two thirds as many users."""
    lot = random.Random(1)  # noqa: S311 -- made-up data, the same in each run
    for number in range(count):
        yield {
            "Id": str(uuid.UUID(int=lot.getrandbits(128))),
            "ChannelType": lot.choice(("EMAIL", "SMS", "GCM", "APNS")),
            "Address": f"customer-{number}-{lot.getrandbits(32):08x}@example.com",
            "OptOut": "NONE",
            "EffectiveDate": "2026-03-04T05:06:07.890Z",
            "Attributes": {
                "interests": lot.sample(NAMES, 3),
                "plan": [lot.choice(("free", "pro", "team"))],
                "campaign": [f"spring-{lot.randrange(1000)}"],
                "referrer": [f"https://www.example.com/landing/{lot.getrandbits(32):08x}"],
                "notes": [TEXT, f"{lot.getrandbits(256):x}"],
                "first-seen": [f"2025-{lot.randrange(1, 13):02}-01T00:00:00Z"],
            },
            "Metrics": {
                "level": float(lot.randrange(100)),
                "spend": round(lot.random() * 1000, 2),
                "sessions": lot.randrange(500),
            },
            "Demographic": {
                "AppVersion": f"3.{lot.randrange(20)}.1",
                "Locale": "pt_PT",
                "Make": lot.choice(("Apple", "Samsung", "Google")),
                "Model": f"Phone {lot.randrange(16)}",
                "Platform": lot.choice(("ios", "android")),
                "Timezone": "Europe/Lisbon",
            },
            "Location": {
                "City": "Lisboa",
                "Country": lot.choice(("PT", "ES", "FR", "DE")),
                "Latitude": 38.7,
                "Longitude": -9.1,
            },
            "User": {
                "UserId": f"user-{lot.randrange(max(1, count * 2 // 3))}",
                "UserAttributes": {"segment": [lot.choice("abcdef")], "name": [f"No. {number}"]},
            },
        }


def generate(path: Path, count: int) -> None:
    """Write the file to import."""
    with path.open("w") as file:
        file.writelines(json.dumps(endpoint) + "\n" for endpoint in endpoints(count))


def finish(engine: Engine) -> float:
    """Run all jobs; return the seconds of the longest step."""
    longest = 0.0
    while True:
        started = time.perf_counter()
        if not engine.step():
            return longest
        longest = max(longest, time.perf_counter() - started)


def send(engine: Engine, path: str, payload: object) -> Any:
    """Send a POST request and return the answer."""
    answer = engine.handle(Request("POST", path, body=json.dumps(payload).encode()))
    assert answer.status < 300, answer.body
    return json.loads(answer.body)


def open_engine(database: Path) -> Engine:
    """Return an engine that may use the disk."""
    return Engine.open(f"sqlite:///{database}", files=ByScheme({"file": LocalFiles()}))


def engine_import(source: Path, database: Path, count: int) -> dict[str, float]:
    """Return the engine's import job."""
    with open_engine(database) as engine:
        app = send(engine, "/v1/apps", {"Name": "bench"})["Id"]
        started = time.perf_counter()
        request = {"Format": "JSON", "S3Url": source.as_uri(), "RoleArn": "none"}
        path = f"/v1/apps/{app}/jobs/import"
        job = send(engine, path, {**request, "RegisterEndpoints": True})
        longest = finish(engine)
        seconds = time.perf_counter() - started
        answer = engine.handle(Request("GET", f"{path}/{job['Id']}"))
        done = json.loads(answer.body)
        assert (done["TotalProcessed"], done["TotalFailures"]) == (count, 0), done
    return {"seconds": seconds, "longest": longest}


def engine_export(target: Path, database: Path, count: int) -> dict[str, float]:
    """Return the engine's export job, of what `engine_import` left."""
    with open_engine(database) as engine:
        answer = engine.handle(Request("GET", "/v1/apps"))
        app = json.loads(answer.body)["Item"][0]["Id"]
        started = time.perf_counter()
        path = f"/v1/apps/{app}/jobs/export"
        job = send(engine, path, {"S3UrlPrefix": target.as_uri(), "RoleArn": "none"})
        longest = finish(engine)
        seconds = time.perf_counter() - started
        done = json.loads(engine.handle(Request("GET", f"{path}/{job['Id']}")).body)
        assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", count), done
    size = sum(part.stat().st_size for part in target.rglob("*.gz"))
    return {"seconds": seconds, "longest": longest, "bytes": size}


def engine_beside(source: Path, database: Path, count: int) -> dict[str, float]:
    """Request of another thread while an import runs: how long they take."""
    with open_engine(database) as engine:
        app = send(engine, "/v1/apps", {"Name": "bench"})["Id"]
        request = {"Format": "JSON", "S3Url": source.as_uri(), "RoleArn": "none"}
        path = f"/v1/apps/{app}/jobs/import"
        alone = latencies(engine, app, lambda: True)
        send(engine, path, {**request, "RegisterEndpoints": True})
        stepper = threading.Thread(target=finish, args=[engine])
        stepper.start()
        beside = latencies(engine, app, stepper.is_alive)
        stepper.join()
    assert count
    return {
        "alone_median": statistics.median(alone),
        "median": statistics.median(beside),
        "99th": statistics.quantiles(beside, n=100)[98],
        "longest": max(beside),
        "requests": len(beside),
    }


def latencies(engine: Engine, app: str, goes_on: Callable[[], bool]) -> list[float]:
    """Seconds of single updates, up to 2,000."""
    found: list[float] = []
    while len(found) < 2_000 and goes_on():
        path = f"/v1/apps/{app}/endpoints/e{len(found) % 100}"
        body = json.dumps({"Metrics": {"n": len(found)}}).encode()
        started = time.perf_counter()
        answer = engine.handle(Request("PUT", path, body=body))
        found.append(time.perf_counter() - started)
        assert answer.status == 202, answer.body
    return found


def connect(database: Path) -> sqlite3.Connection:
    """Return a plain connection with the PRAGMAs of the engine's jobs."""
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}").fetchall()
    return connection


def row(endpoint: dict[str, Any]) -> tuple[object, ...]:
    """Return the values of `COLUMNS`."""
    demographic, location = endpoint["Demographic"], endpoint["Location"]
    return (
        1, endpoint["Id"].lower(), endpoint["Id"], endpoint["ChannelType"], endpoint["Address"],
        "ACTIVE", endpoint["OptOut"], 0, 0, 0, "", endpoint["User"]["UserId"],
        json.dumps(endpoint["Attributes"]), json.dumps(endpoint["Metrics"]),
        demographic["AppVersion"], demographic["Locale"], demographic["Make"],
        demographic["Model"], demographic["Platform"], demographic["Timezone"],
        location["City"], location["Country"], location["Latitude"], location["Longitude"],
    )  # fmt: skip


def bare_import(source: Path, database: Path, count: int) -> dict[str, float]:
    """`json.loads` and `executemany` into the engine's own table."""
    open_engine(database).close()
    names = ", ".join(COLUMNS)
    marks = ", ".join("?" * len(COLUMNS))
    sql = f"INSERT INTO endpoints ({names}) VALUES ({marks})"  # noqa: S608 -- our own names
    return _fill(source, database, sql, lambda line: row(json.loads(line)), count)


def plain_import(source: Path, database: Path, count: int) -> dict[str, float]:
    """`json.loads` and `executemany` into a table of ids and texts."""
    connection = connect(database)
    connection.execute("CREATE TABLE endpoints (id TEXT PRIMARY KEY, body TEXT)")
    connection.close()
    sql = "INSERT INTO endpoints VALUES (?, ?)"
    return _fill(source, database, sql, lambda line: (json.loads(line)["Id"], line), count)


def _fill(
    source: Path, database: Path, sql: str, values: Callable[[str], tuple[Any, ...]], count: int
) -> dict[str, float]:
    connection = connect(database)
    started = time.perf_counter()
    with source.open() as file:
        done = 0
        while batch := [values(line) for line in islice(file, BATCH)]:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(sql, batch)
            connection.execute("COMMIT")
            done += len(batch)
    seconds = time.perf_counter() - started
    connection.close()
    assert done == count
    return {"seconds": seconds}


def bare_export(target: Path, database: Path, count: int) -> dict[str, float]:
    """`SELECT` and `json.dumps` from the engine's own table."""
    connection = connect(database)
    names = ", ".join(COLUMNS)
    started = time.perf_counter()
    done = 0
    with (target / "bare.json").open("w") as file:
        for values in connection.execute(f"SELECT {names} FROM endpoints"):  # noqa: S608 -- our own names
            file.write(json.dumps(dict(zip(COLUMNS, values, strict=True))) + "\n")
            done += 1
    seconds = time.perf_counter() - started
    connection.close()
    assert done == count
    return {"seconds": seconds}


SIDES: dict[str, Callable[[Path, Path, int], dict[str, float]]] = {
    "engine_import": engine_import,
    "bare_import": bare_import,
    "plain_import": plain_import,
    "engine_beside": engine_beside,
    "engine_export": engine_export,
    "bare_export": bare_export,
}


def measure(side: str, files: Path, database: Path, count: int) -> dict[str, float]:
    """Run a side in a process of its own; return its figures, with its memory in MB."""
    command = [sys.executable, __file__, "--side", side, str(files), str(database), str(count)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout  # noqa: S603 -- our own
    found: dict[str, float] = json.loads(output)
    return found


def run_side(side: str, files: str, database: str, count: str) -> None:
    """Return what such a process does."""
    before = os.times()
    found = SIDES[side](Path(files), Path(database), int(count))
    after = os.times()
    found["cpu"] = after.user + after.system - before.user - before.system
    found["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def tell(
    name: str, found: dict[str, float], count: int, bares: dict[str, dict[str, float]]
) -> None:
    """Print the figures of the engine, and ratios to the bare loops."""
    print(
        f"{name}: {count / found['seconds']:,.0f} endpoints/s, "
        f"{found['cpu'] / count * 1e6:.0f} us CPU each, {found['memory']:.0f} MB at most, "
        f"longest step {found['longest'] * 1000:.0f} ms"
    )
    for bare, figures in bares.items():
        print(
            f"  {bare}: {count / figures['seconds']:,.0f}/s, "
            f"{figures['cpu'] / count * 1e6:.0f} us CPU each; the job takes "
            f"{found['seconds'] / figures['seconds']:.2f} times as long, "
            f"{found['cpu'] / figures['cpu']:.2f} times the CPU"
        )


def main() -> None:
    """Measures all sides, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoints", type=int, default=1_000_000)
    parser.add_argument("--folder", help="where the files go; a temporary folder unless given")
    parser.add_argument("--side", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        run_side(*options.side)
        return
    count = options.endpoints
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        source = folder / "endpoints.json"
        generate(source, count)
        print(f"{count:,} endpoints of {source.stat().st_size / count:.0f} bytes")
        bares = {
            "bare loop, same tables": measure("bare_import", source, folder / "bare.db", count),
            "bare loop, one table": measure("plain_import", source, folder / "plain.db", count),
        }
        for left in ("bare.db", "plain.db"):
            (folder / left).unlink()
        tell("import", measure("engine_import", source, folder / "e.db", count), count, bares)
        beside = measure("engine_beside", source, folder / "beside.db", count)
        print(
            f"  beside it {beside['requests']:,.0f} updates took "
            f"{beside['median'] * 1000:.1f} ms at the median ({beside['alone_median'] * 1000:.1f}"
            f" alone), 99 % at most {beside['99th'] * 1000:.0f} ms, "
            f"the longest {beside['longest'] * 1000:.0f} ms"
        )
        target = folder / "out"
        target.mkdir()
        found = measure("bare_export", target, folder / "e.db", count)
        bares = {"bare loop, same tables": found}
        exported = measure("engine_export", target, folder / "e.db", count)
        tell("export", exported, count, bares)
        print(f"  {exported['bytes'] / count:.0f} bytes each in the compressed files")


if __name__ == "__main__":
    main()

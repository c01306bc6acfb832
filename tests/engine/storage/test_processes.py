"""Several threads and several processes on one file, forks, and `kill -9`."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.engine import Engine, Request
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Wire

WRITER = """
import json, sys
from pinpoint_kit.engine import Engine, Request

url, app, name, count = sys.argv[1:]
event = {"EventType": "t", "Timestamp": "2026-01-01T00:00:00Z"}
with Engine.open(url) as engine:
    if not app:
        response = engine.handle(Request("POST", "/v1/apps", body=b'{"Name": "x"}'))
        app = json.loads(response.body)["Id"]
    for number in range(int(count)):
        item = {"Endpoint": {"Metrics": {name: number}}, "Events": {f"{name}-{number}": event}}
        body = json.dumps({"BatchItem": {"shared": item}}).encode()
        response = engine.handle(Request("POST", f"/v1/apps/{app}/events", body=body))
        assert response.status == 202, response.body
        assert b":400," not in response.body
        print(number, flush=True)
"""


def start(url: str, app: str, name: str, count: int) -> Program:
    """Start a process that writes events, printing the number of each that was answered."""
    return Program([sys.executable, "-c", WRITER, url, app, name, str(count)])


def write_some(wire: Wire, name: str, count: int) -> None:
    """Write events of one endpoint and update it."""
    for number in range(count):
        event = {"EventType": "t", "Timestamp": "2026-01-01T00:00:00Z"}
        item = {"Endpoint": {"Metrics": {name: number}}, "Events": {f"{name}-{number}": event}}
        answer = wire.put_events({"shared": item})
        assert answer.json["Results"]["shared"]["EndpointItemResponse"]["StatusCode"] == 202
        assert wire.get("shared")["Metrics"][name] == number


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_threads(make_wire: Callable[..., Wire], file_url: str, kind: str) -> None:
    """Threads that write the same endpoint lose nothing."""
    wire = make_wire("sqlite://" if kind == "memory" else file_url)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write_some(wire, f"thread-{n}", 20), range(8)))
    assert wire.engine.count_events(wire.app) == 160
    assert wire.get("shared")["Metrics"] == {f"thread-{n}": 19 for n in range(8)}


def test_processes(make_wire: Callable[..., Wire], file_url: str) -> None:
    """Processes that write the same endpoint lose nothing, beside threads of this one."""
    wire = make_wire(file_url)
    with ExitStack() as running:
        names = [f"process-{n}" for n in range(3)]
        others = [running.enter_context(start(file_url, wire.app, name, 40)) for name in names]
        write_some(wire, "here", 40)
        for process in others:
            process.succeed()
    assert wire.engine.count_events(wire.app) == 160
    assert len(wire.get("shared")["Metrics"]) == 4


def test_processes_that_create_the_file_at_once(file_url: str) -> None:
    """Whoever comes first makes the tables; the others find them."""
    with ExitStack() as running:
        for process in [running.enter_context(start(file_url, "", str(n), 1)) for n in range(4)]:
            process.succeed()
    with Engine.open(file_url) as engine:
        apps = json.loads(engine.handle(Request("GET", "/v1/apps")).body)["Item"]
    assert len(apps) == 4


def test_a_killed_writer_loses_no_answered_write(
    make_wire: Callable[..., Wire], file_url: str
) -> None:
    """After `kill -9` everything that was answered is there and the file is sound."""
    wire = make_wire(file_url)
    with start(file_url, wire.app, "victim", 100_000) as victim:
        for _ in range(50):
            assert victim.out.line()
    answered = victim.out.text.split("\n")[:-1]  # the last line may be cut
    stored = {row["event_id"] for row in wire.events()}
    assert {f"victim-{number}" for number in answered} <= stored
    assert len(stored) - len(answered) in {0, 1}
    assert wire.update("e").status == 202
    wire.engine.close()
    connection = sqlite3.connect(file_url.removeprefix("sqlite:///"))
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_fork(make_wire: Callable[..., Wire], file_url: str) -> None:
    """Parent and child of a fork both go on with the engine, while other threads write."""
    wire = make_wire(file_url)
    write_some(wire, "before", 5)
    writer = threading.Thread(target=write_some, args=(wire, "thread", 40))
    writer.start()
    children = []
    for name in ("one", "two"):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                write_some(wire, name, 20)
                wire.engine.close()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    write_some(wire, "parent", 20)
    writer.join()
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0]
    assert wire.engine.count_events(wire.app) == 105

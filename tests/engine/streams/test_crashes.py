"""A process that is killed between acknowledgement and cursor, and writers side by side."""

from __future__ import annotations

import collections
import json
import os
import pathlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine import Engine
from tests.engine.conftest import Wire
from tests.engine.streams.stream_kit import ARN, Fake, forward, put, status, stream
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROOT = pathlib.Path(__file__).parents[3]
PATIENCE = 60.0
KILLS = 20
EVENTS = 400

#: Sends to a file, a line a record, and is slow enough to be killed at any moment.
SENDER = """
import json, os, random, sys, time
from pinpoint_kit.engine import Engine
from pinpoint_kit.records.destination import Refused

class Out:
    name = "fake://out"
    most_records, most_bytes, most_record_bytes = 8, 1_000_000, 100_000
    def send(self, application_id, records):
        results = []
        with open(sys.argv[2], "a") as out:
            for record in records:
                refused = random.random() < 0.1
                if not refused:
                    out.write(json.dumps([record.endpoint_id, record.event_id]) + "\\n")
                results.append(Refused("Throttled", "slow down") if refused else None)
            out.flush()
        time.sleep(random.random() * 0.01)  # taken, and nobody knows it yet
        return results
    def close(self): pass

with Engine.open(sys.argv[1], destinations={sys.argv[3]: Out()}) as engine:
    print("ready", flush=True)
    while True:
        if not engine.step():
            time.sleep(0.002)
"""


def sent(path: Path) -> list[tuple[str, str]]:
    """Return what came out, in its order."""
    if not path.exists():
        return []
    return [tuple(json.loads(line)) for line in path.read_text().splitlines()]


def killed_at_random(sender: Program, number: int) -> None:
    """Let a sender work for a moment, each time another one, and kill it."""
    with sender:
        assert sender.out.line() == "ready\n"
        time.sleep(0.02 + 0.011 * number)


@pytest.mark.slow
def test_kills_lose_nothing_and_keep_the_order(tmp_path: Path) -> None:
    """20 times SIGKILL: all comes out, in the order of each endpoint, and repeats are counted."""
    url, out = f"sqlite:///{tmp_path}/x.db", tmp_path / "out"
    script = tmp_path / "sender.py"
    script.write_text(SENDER)
    with Engine.open(url) as engine:
        wire = Wire(engine)
        stream(wire)

        def start() -> Program:
            command = [sys.executable, str(script), url, str(out), ARN]
            return Program(command, env={**os.environ, "PYTHONPATH": str(ROOT)})

        expected: dict[str, list[str]] = collections.defaultdict(list)
        for number in range(KILLS):
            for n in range(EVENTS // KILLS):
                endpoint, event = f"d{n % 7}", f"{number}-{n}"
                put(wire, endpoint, event)
                expected[endpoint].append(event)
            killed_at_random(start(), number)
        with start():
            end = time.monotonic() + PATIENCE
            while len(set(sent(out))) < EVENTS or status(wire)["LagRecords"]:
                assert time.monotonic() < end
                time.sleep(0.05)
        found = sent(out)
        for endpoint, events in expected.items():
            mine = [event for key, event in found if key == endpoint]
            assert list(dict.fromkeys(mine)) == events
        shown = status(wire)
        doubles = len(found) - len(set(found))
        assert doubles <= shown["Repeated"] <= KILLS * 8
        assert shown["Sent"] <= EVENTS


def hammer(wire: Wire, number: int, each: int) -> None:
    """Record events one after the other."""
    for n in range(each):
        put(wire, f"device-{number}", f"{number}-{n}")


@pytest.fixture
def forwarding(databases: Callable[[], str]) -> Iterator[tuple[Wire, Fake]]:
    """Give an engine that forwards while others write."""
    fake = Fake(keeps_order=True)
    with Engine.open(databases(), destinations={ARN: fake}) as engine:
        wire = Wire(engine)
        stream(wire)
        yield wire, fake


def test_writers_side_by_side_lose_nothing(forwarding: tuple[Wire, Fake]) -> None:
    """No cursor passes a record that is committed after a later one."""
    wire, fake = forwarding
    threads = [threading.Thread(target=hammer, args=(wire, n, 25)) for n in range(6)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        wire.engine.step()
    for thread in threads:
        thread.join()
    forward(wire)
    found = [record.event_id for record in fake.taken]
    assert len(found) == len(set(found)) == 150
    for number in range(6):
        mine = [event for event in found if event.startswith(f"{number}-")]
        assert mine == [f"{number}-{n}" for n in range(25)]


def test_erasure_under_load_leaves_nothing(forwarding: tuple[Wire, Fake]) -> None:
    """Of whoever is erased while events come and go, nothing is left that could still leave."""
    wire, fake = forwarding
    is_over = threading.Event()

    def write() -> None:
        n = 0
        while not is_over.is_set():
            n += 1
            put(wire, "other", f"other-{n}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(8):
            put(wire, "person", f"person-{number}", User={"UserId": "person"})
            if number % 2:
                wire.engine.step()
            body: dict[str, Any] = {"UserId": "person"}
            answer = wire.post(f"/pinpoint-kit/v1/apps/{wire.app}/erasures", body)
            assert answer.status == 200
            before = sum(record.endpoint_id == "person" for record in fake.taken)
            wire.engine.step()
            wire.engine.step()
            assert sum(record.endpoint_id == "person" for record in fake.taken) == before
    finally:
        is_over.set()
        writer.join()
    forward(wire)
    assert wire.rows("SELECT * FROM stream_backlog") == []
    assert wire.rows("SELECT * FROM stream_dead_letters") == []


def test_several_engines_never_send_twice(tmp_path: Path) -> None:
    """Of engines with the same destination, one at a time sends; any of them goes on."""
    url, fakes = (
        f"sqlite:///{tmp_path}/x.db",
        [Fake(keeps_order=True, most_records=3) for _ in "ab"],
    )
    with (
        Engine.open(url, destinations={ARN: fakes[0]}) as one,
        Engine.open(url, destinations={ARN: fakes[1]}) as two,
    ):
        wire = Wire(one)
        stream(wire)
        is_over = threading.Event()

        def work(engine: Engine) -> None:
            while not is_over.is_set():
                engine.step()

        threads = [threading.Thread(target=work, args=(engine,)) for engine in (one, two)]
        for thread in threads:
            thread.start()
        for number in range(60):
            put(wire, "d", f"{number:03}")
        end = time.monotonic() + PATIENCE
        while status(wire)["LagRecords"]:
            assert time.monotonic() < end
        is_over.set()
        for thread in threads:
            thread.join()
        found = [record.event_id for fake in fakes for record in fake.taken]
        assert sorted(found) == [f"{number:03}" for number in range(60)]
        assert (status(wire)["Sent"], status(wire)["Repeated"]) == (60, 0)

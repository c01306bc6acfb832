"""The destinations behind the engine: all get the same, also when its process is killed."""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit.destinations import Files, Firehose, HttpEndpoint, Kafka, Kinesis
from tests.destinations.fake_aws import FakeAws, Fault
from tests.destinations.fake_endpoint import FakeEndpoint
from tests.destinations.mock_kafka import MockKafka
from tests.programs import Program
from tests.timing import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.destinations import Destination

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
KILLS = 20

SENDER = """
import sys, time
from pinpoint_kit.destinations import Files, Kinesis
from pinpoint_kit.engine import Engine
from tests.destinations.fake_aws import FakeAws

url, aws, folder = sys.argv[1:]
kinesis = Kinesis("events", session=FakeAws.session(), endpoint_url=aws)
given = {"shop": [kinesis, Files(folder, most_records=7)]}
with Engine.open(url, destinations=given) as engine:
    print("ready", flush=True)
    while True:
        if not engine.step():
            time.sleep(0.002)
"""


def names(lines: Sequence[bytes]) -> dict[str, list[str]]:
    """Return the numbers of each endpoint's events, in their order."""
    found: dict[str, list[str]] = {}
    for line in lines:
        content: dict[str, Any] = json.loads(line)
        client = content["client"]["client_id"]
        found.setdefault(client, []).append(content["attributes"]["number"])
    return found


def in_files(folder: Path) -> list[bytes]:
    """Return the lines of all files, in the order of their names."""
    return [
        line
        for path in sorted(folder.rglob("0*.gz"), key=lambda path: path.name)
        for line in gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    ]


def record(pinpoint: pk.Pinpoint, numbers: range) -> dict[str, list[str]]:
    """Record events of seven endpoints; return their numbers as they should come out."""
    expected: dict[str, list[str]] = {}
    for number in numbers:
        endpoint = f"device-{number % 7}"
        pinpoint.events.record(endpoint, "level_up", attributes={"number": str(number)})
        expected.setdefault(endpoint, []).append(str(number))
    assert pinpoint.flush(timeout=PATIENCE).pending == 0
    return expected


@pytest.mark.slow
def test_all_destinations_get_the_same(tmp_path: Path) -> None:
    """The same bytes, each once and in order by endpoint, though each of them fails first."""
    with FakeAws() as kinesis, FakeAws() as firehose, FakeEndpoint() as http, MockKafka() as kafka:
        kinesis.script += [Fault.records(0, 1, 5), Fault.whole("InternalFailure", status=500)]
        firehose.script += [Fault.reset(is_stored=False), Fault.records(2)]
        session = FakeAws.session()
        given: list[str | Destination] = [
            Kinesis("events", session=session, endpoint_url=kinesis.url),
            Firehose("events", session=session, endpoint_url=firehose.url),
            HttpEndpoint(http.url),
            Kafka("events", kafka.servers),
            Files(tmp_path / "events"),
        ]
        url = f"sqlite:///{tmp_path}/shop.db"
        with pk.connect(url, application="shop", destinations={"shop": given}) as pinpoint:
            expected = record(pinpoint, range(200))
            wait_until(lambda: all(each.sent == 200 for each in pinpoint.streams.status()))
            assert len({each.destination for each in pinpoint.streams.status()}) == 5
        came = {
            "kinesis": kinesis.data(),
            "firehose": firehose.data(),
            "http": http.data,
            "kafka": [data for _, data, _, _ in kafka.read("events")],
            "files": in_files(tmp_path / "events"),
        }
        for lines in came.values():
            assert names(lines) == expected
            assert sorted(lines) == sorted(came["files"])


@pytest.mark.slow
def test_kills_lose_nothing_and_write_no_file_twice(tmp_path: Path) -> None:
    """20 times SIGKILL: Kinesis may get some twice, in order; in files each is there once."""
    url, folder = f"sqlite:///{tmp_path}/shop.db", tmp_path / "events"
    expected: dict[str, list[str]] = {}
    with FakeAws() as fake, pk.connect(url, application="shop") as pinpoint:
        fake.default = Fault.share(0.05, seed=1)

        def start() -> Program:
            command = [sys.executable, "-c", SENDER, url, fake.url, str(folder)]
            process = Program(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
            assert process.out.line() == "ready\n"
            return process

        with start():  # once it has seen the application, records are kept for it
            wait_until(lambda: len(pinpoint.streams.status()) == 2)
        for turn in range(KILLS):
            with start():
                for endpoint, numbers in record(pinpoint, range(turn * 50, turn * 50 + 50)).items():
                    expected.setdefault(endpoint, []).extend(numbers)
                time.sleep(0.007 * turn)  # each time at another moment
        with start():
            wait_until(lambda: all(not each.lag_records for each in pinpoint.streams.status()))
        assert names(in_files(folder)) == expected
        assert list(folder.rglob(".*")) == []
        came = {key: list(dict.fromkeys(found)) for key, found in names(fake.data()).items()}
        assert came == expected
        doubles = len(fake.taken) - sum(map(len, expected.values()))
        repeated = sum(each.repeated for each in pinpoint.streams.status())
        assert 0 <= doubles <= repeated

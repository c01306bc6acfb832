"""Records a second that one core sends to each destination.

    python tests/benchmarks/bench_destinations.py [--records N] [--endpoints N] [--rounds N]

Records are app events of some 600 bytes, as the guide prints them. Kinesis, Firehose and the HTTP
endpoint are fakes in processes of their own, Kafka is librdkafka's mock cluster in another one, so
that the CPU time is what this side takes, engine not included. Rates by CPU time are what one core
would do; rates by the clock depend on the other side and on the disk, too. The best of the rounds
counts, since other work on the machine only takes away.

`--endpoints` says how many endpoints the records are of: Kinesis and Firehose put an endpoint into
a request once, so that few endpoints make small requests.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from tests.programs import Program

sys.path.insert(0, str(Path(__file__).parents[2]))

from pinpoint_kit.destinations import (
    Files,
    Firehose,
    HttpEndpoint,
    IteratorDestination,
    Kafka,
    Kinesis,
)
from tests.destinations.records import ARRIVED, record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinpoint_kit.destinations import Destination, StreamRecord

MOCK_KAFKA = """
import sys
from tests.destinations.mock_kafka import MockKafka
with MockKafka() as kafka:
    print(kafka.servers, flush=True)
    sys.stdin.read()
"""


@contextmanager
def other_side(*arguments: str) -> Iterator[str]:
    """Run the other side of a destination in a process of its own; yield its address."""
    with Program([sys.executable, *arguments], cwd=Path(__file__).parents[2]) as program:
        yield program.out.line().strip()
        program.end_input()
        program.succeed()


def send_all(destination: Destination, records: Sequence[StreamRecord]) -> None:
    """Send in calls as the engine makes them: as large as the destination says."""
    calls: list[list[StreamRecord]] = [[]]
    size = 0
    for one in records:
        size += len(one.data) + len(one.key)
        if len(calls[-1]) == destination.most_records or size > destination.most_bytes:
            calls.append([])
            size = len(one.data) + len(one.key)
        calls[-1].append(one)
    for call in calls:
        assert all(outcome is None for outcome in destination.send("app", call))


def read(destination: IteratorDestination) -> None:
    """Take all."""
    for _ in destination:
        pass


def measure(
    name: str, destination: Destination, records: Sequence[StreamRecord], rounds: int
) -> None:
    """Print the best of some rounds."""
    send_all(destination, records[:1_000])
    found = []
    for _ in range(rounds):
        cpu, clock = time.process_time(), time.perf_counter()
        send_all(destination, records)
        found.append((time.process_time() - cpu, time.perf_counter() - clock))
    cpu, clock = (min(times) for times in zip(*found, strict=True))
    count = len(records)
    print(
        f"{name:30} {count / cpu:10,.0f} /s of CPU  {cpu / count * 1e6:6.1f} us a record"
        f"  {count / clock:10,.0f} /s by the clock",
        flush=True,
    )
    destination.close()


def main() -> None:
    """Measure all of them, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--endpoints", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    records = [
        record(number, f"device-{number % options.endpoints}", ARRIVED + number)
        for number in range(1, options.records + 1)
    ]
    size = sum(len(one.data) for one in records) // len(records)
    print(f"{len(records):,} records of {size} bytes, of {options.endpoints:,} endpoints")
    session = boto3.session.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        aws = stack.enter_context(other_side("-m", "tests.destinations.fake_aws"))
        http = stack.enter_context(other_side("-m", "tests.destinations.fake_endpoint"))
        kafka = stack.enter_context(other_side("-c", MOCK_KAFKA))
        loop = IteratorDestination()
        threading.Thread(target=read, args=(loop,), daemon=True).start()
        destinations: dict[str, Destination] = {
            "kinesis": Kinesis("events", session=session, endpoint_url=aws),
            "kinesis, ordered=False": Kinesis(
                "events", session=session, endpoint_url=aws, ordered=False
            ),
            "firehose": Firehose("events", session=session, endpoint_url=aws),
            "kafka": Kafka("events", kafka),
            "http": HttpEndpoint(http),
            "http, compress=True": HttpEndpoint(http, compress=True),
            "iterator": loop,
        }
        for name, destination in destinations.items():
            measure(name, destination, records, options.rounds)
        for turn in range(options.rounds):  # the same folder again would only compare
            measure(f"files, round {turn + 1}", Files(f"{folder}/{turn}"), records[1_000:], 1)


if __name__ == "__main__":
    main()

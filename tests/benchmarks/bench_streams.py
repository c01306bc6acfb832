"""What event streams cost: ingest with and without, a destination that is down, and forwarding.

    python tests/benchmarks/bench_streams.py [ingest] [forwarding] [steady] [--requests 300]
        [--events 100000] [--seconds 60] [--rate 20]

1. `ingest`: CPU per event of PutEvents (100 events a request, of one endpoint and of many), with a
   stream and without, in turns on the same machine: the least of many parts, and the middle of what
   each part takes more than the one beside it, which what else the machine does changes least.
2. `forwarding`: records a second that one lane forwards: to nothing, to files, and to Kinesis'
   client with a stub in the place of the network.
3. `steady`: time of PutEvents at a steady rate while the destination takes everything, refuses
   every call, and does not answer at all; forwarding goes on beside it on threads, as behind
   `connect`. Each has `--seconds` of requests, second by second in turns.

All three parts unless some are named. A stream must take a quarter more CPU at most; a lane forward
20,000 records a second of CPU to files, and 10,000 to Kinesis; a destination that is down leave the
rate as it is, and the time that one request of a hundred exceeds at 1.2 times at most. Where the
machine does not hold the rate with a destination that is well, the rate is too high for it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinpoint_kit.destinations import Files, Kinesis, Unavailable
from pinpoint_kit.doors.background import BackgroundWork
from pinpoint_kit.engine import Engine, Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinpoint_kit.records.destination import Destination, Refused, StreamRecord

ARN = "arn:aws:kinesis:us-east-1:111122223333:stream/events"
STREAM = {
    "DestinationStreamArn": ARN,
    "RoleArn": "arn:aws:iam::111122223333:role/stream",
}
EVENT: dict[str, Any] = {
    "EventType": "level_up",
    "Timestamp": "2026-01-01T00:00:00.123Z",
    "Attributes": {"a": "b", "level": "3", "plan": "pro"},
    "Metrics": {"score": 12.5},
    "AppTitle": "Shop",
    "SdkName": "pinpoint_kit",
    "ClientSdkVersion": "1",
    "Session": {"Id": "session-1", "StartTimestamp": "2026-01-01T00:00:00Z"},
}
EVENTS_A_REQUEST = 100
#: One of the destinations has its turn for so long: what else the machine does meets all alike.
_TURN_S = 1.0
MOST_TIMES, MOST_P99 = 1.25, 1.2
LEAST_A_SECOND = {"files": 20_000, "Kinesis": 10_000}
#: The rate is as it was when no more of it is missing.
_HELD = 0.98


class Nowhere:
    """Takes everything; or does what `trouble` does."""

    name = "nowhere://"
    most_records, most_bytes, most_record_bytes = 500, 5_000_000, 1_000_000
    keeps_order = True

    def __init__(self) -> None:
        self.is_down = False
        self.hang = threading.Event()
        self.hang.set()

    def send(self, _: str, records: Sequence[StreamRecord]) -> list[Refused | None]:
        """Take it, unless it is down."""
        self.hang.wait()
        if self.is_down:
            raise Unavailable("down")
        return [None] * len(records)

    def close(self) -> None:
        """Do nothing."""


class PutRecords:
    """Kinesis' client without a network."""

    meta = type("Meta", (), {"region_name": "us-east-1"})

    def put_records(self, **request: Any) -> dict[str, Any]:
        """Acknowledge all."""
        records = [{"SequenceNumber": "1", "ShardId": "shard-0"}] * len(request["Records"])
        return {"FailedRecordCount": 0, "Records": records}

    def close(self) -> None:
        """Do nothing."""


class Bench:
    """An engine on a new file, with an application, and the bodies to send to it."""

    def __init__(
        self, *, has_stream: bool, devices: int, destination: Destination | None = None
    ) -> None:
        self.folder = tempfile.TemporaryDirectory()
        given = {ARN: destination} if destination is not None else {}
        self.engine = Engine.open(f"sqlite:///{self.folder.name}/x.db", destinations=given)
        self.app = json.loads(self._ask("POST", "/v1/apps", {"Name": "shop"}))["Id"]
        if has_stream:
            self._ask("POST", f"/v1/apps/{self.app}/eventstream", STREAM)
        self.bodies = self._bodies(devices)

    def _ask(self, method: str, path: str, body: object) -> bytes:
        answer = self.engine.handle(Request(method, path, body=json.dumps(body).encode()))
        assert answer.status < 300, answer.body
        return answer.body

    @staticmethod
    def _bodies(devices: int) -> Iterator[bytes]:
        number = 0
        while True:
            number += 1
            items: dict[str, Any] = {}
            for n in range(EVENTS_A_REQUEST):
                device = f"device-{(number * 7 + n) % devices}"
                item = items.setdefault(device, {"Endpoint": {}, "Events": {}})
                item["Events"][f"{number:08x}-{n:04x}-0123456789abcdef"] = EVENT
            yield json.dumps({"BatchItem": items}).encode()

    def put(self, body: bytes) -> None:
        """Send one request."""
        path = f"/v1/apps/{self.app}/events"
        assert self.engine.handle(Request("POST", path, body=body)).status == 202

    def cpu_us(self, requests: int) -> float:
        """Return the CPU of an event in microseconds."""
        bodies = [next(self.bodies) for _ in range(requests)]
        before = time.process_time()
        for body in bodies:
            self.put(body)
        return (time.process_time() - before) / requests / EVENTS_A_REQUEST * 1e6

    def close(self) -> None:
        """Close the engine and remove the file."""
        self.engine.close()
        self.folder.cleanup()


def say(aim: str, *, is_so: bool) -> None:
    """Print whether an aim is reached."""
    print(f"  {aim}: {'yes' if is_so else 'NO'}", flush=True)


def ingest(requests: int) -> None:
    """Print what a stream adds to ingest."""
    for devices in (1, 100, 10_000):
        without = Bench(has_stream=False, devices=devices)
        with_one = Bench(has_stream=True, devices=devices)
        for each in (without, with_one):
            each.cpu_us(requests // 5)
        parts = [(without.cpu_us(10), with_one.cpu_us(10)) for _ in range(requests // 10)]
        least = [min(each) for each in zip(*parts, strict=True)]
        pairs = statistics.median(after / before for before, after in parts)
        print(
            f"ingest, {devices} endpoints: {least[0]:.1f} µs an event without a stream,"
            f" {least[1]:.1f} with one: {least[1] / least[0]:.2f} times (the least);"
            f" {pairs:.2f} times (the middle of pairs)"
        )
        say(f"at most {MOST_TIMES:g} times", is_so=pairs <= MOST_TIMES)
        without.close()
        with_one.close()


class Steady:
    """An engine whose destination is well, down or silent, and how long its requests take."""

    def __init__(self, trouble: str) -> None:
        self.trouble = trouble
        self._nowhere = Nowhere()
        self._nowhere.is_down = trouble == "down"
        if trouble == "silent":
            self._nowhere.hang.clear()
        self._bench = Bench(has_stream=True, devices=1_000, destination=self._nowhere)
        self._works = [BackgroundWork(lane, lane.pause_s) for lane in self._bench.engine.lanes]
        self.times: list[float] = []
        self.cpu: list[float] = []
        self.took = 0.0

    def run(self, seconds: float, rate: float) -> None:
        """Send requests at a steady rate."""
        bodies = [next(self._bench.bodies) for _ in range(round(seconds * rate))]
        start = time.perf_counter()
        for number, body in enumerate(bodies):
            time.sleep(max(0.0, start + number / rate - time.perf_counter()))
            before, cpu = time.perf_counter(), time.thread_time()
            self._bench.put(body)
            self.times.append(time.perf_counter() - before)
            self.cpu.append(time.thread_time() - cpu)
        time.sleep(max(0.0, start + len(bodies) / rate - time.perf_counter()))
        self.took += time.perf_counter() - start

    def close(self) -> None:
        """End it."""
        self._nowhere.hang.set()
        for work in self._works:
            work.close()
        self._bench.close()


def p99(times: Sequence[float]) -> float:
    """Return the time that one of a hundred exceeds."""
    return statistics.quantiles(times, n=100)[98]


def steady(seconds: float, rate: float) -> None:
    """Print how long requests take while a destination is well, down, and silent.

    All are down or silent for the whole time, and have their turns, each round in another order.
    """
    several = [Steady(trouble) for trouble in ("well", "down", "silent")]
    for each in several:  # what is compiled once
        each.run(_TURN_S, rate)
        each.times, each.cpu, each.took = [], [], 0.0
    turns = max(1, round(seconds / _TURN_S))
    for turn in range(turns):
        for place in range(len(several)):
            several[(place + turn) % len(several)].run(seconds / turns, rate)
    well = several[0]
    offered = rate * EVENTS_A_REQUEST
    for each in several:
        held = len(each.times) * EVENTS_A_REQUEST / each.took
        times = p99(each.times) / p99(well.times)
        print(
            f"steady, destination {each.trouble}: {held:.0f} of {offered:.0f} events/s,"
            f" p50 {statistics.median(each.times) * 1e3:.2f} ms, p99 {p99(each.times) * 1e3:.2f} ms"
            f" ({times:.2f} times); CPU p50 {statistics.median(each.cpu) * 1e3:.2f} ms,"
            f" p99 {p99(each.cpu) * 1e3:.2f} ms ({p99(each.cpu) / p99(well.cpu):.2f} times)"
        )
        if each is not well:
            say(f"p99 at most {MOST_P99:g} times", is_so=times <= MOST_P99)
            say("the rate as it was", is_so=each.took * _HELD <= well.took)
    for each in several:
        each.close()


def forwarding(events: int) -> None:
    """Print how fast one lane forwards."""
    with tempfile.TemporaryDirectory() as folder:
        kinesis = Kinesis("events", client=PutRecords())
        files = Files(Path(folder))
        for name, destination in (("nothing", Nowhere()), ("files", files), ("Kinesis", kinesis)):
            bench = Bench(has_stream=True, devices=10_000, destination=destination)
            for _ in range(events // EVENTS_A_REQUEST):
                bench.put(next(bench.bodies))
            lane = bench.engine.lanes[-1]
            wall, cpu = time.perf_counter(), time.process_time()
            while lane.step():
                pass
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            assert bench.engine.stream_lags()[destination.name][0] == 0
            print(
                f"forwarding to {name}: {events / wall:.0f} records/s, {events / cpu:.0f} a second"
                " of CPU"
            )
            if name in LEAST_A_SECOND:
                least = LEAST_A_SECOND[name]
                say(f"at least {least:,} a second of CPU", is_so=events / cpu >= least)
            bench.close()


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="ingest|forwarding|steady")
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=20, help="requests a second")
    parser.add_argument("--events", type=int, default=100_000)
    given = parser.parse_args()
    parts = set(given.parts) or {"ingest", "forwarding", "steady"}
    if not parts <= {"ingest", "forwarding", "steady"}:
        parser.error("the parts are ingest, forwarding and steady")
    if "ingest" in parts:
        ingest(given.requests)
    if "forwarding" in parts:
        forwarding(given.events)
    if "steady" in parts:
        steady(given.seconds, given.rate)


if __name__ == "__main__":
    main()

"""What event streams cost: ingest with and without, a destination that is down, and forwarding.

    python tests/benchmarks/bench_streams.py [--requests 300] [--seconds 20] [--events 100000]

1. CPU per event of PutEvents (100 events a request, of one endpoint and of many), with a stream and
   without, in turns on the same machine: the least of many parts, and the middle of what each part
   takes more than the one beside it, which what else the machine does changes least.
2. Time of PutEvents at a steady rate while the destination takes everything, refuses every call,
   and does not answer at all; forwarding goes on beside it on threads, as behind `connect`.
3. Records a second that one lane forwards: to nothing, to files, and to Kinesis' client with a stub
   in the place of the network.
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
#: One of the destinations has its turn for so long.
_TURN_S = 3.0


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
        self.took = 0.0

    def run(self, seconds: float, rate: float) -> None:
        """Send requests at a steady rate."""
        bodies = [next(self._bench.bodies) for _ in range(int(seconds * rate))]
        start = time.perf_counter()
        for number, body in enumerate(bodies):
            time.sleep(max(0.0, start + number / rate - time.perf_counter()))
            before = time.perf_counter()
            self._bench.put(body)
            self.times.append(time.perf_counter() - before)
        self.took += time.perf_counter() - start

    @property
    def p99(self) -> float:
        """The time that one request of a hundred exceeds, in seconds."""
        return statistics.quantiles(self.times, n=100)[98]

    def close(self) -> None:
        """End it."""
        self._nowhere.hang.set()
        for work in self._works:
            work.close()
        self._bench.close()


def steady(seconds: float, rate: float) -> None:
    """Print how long requests take while a destination is well, down, and silent.

    All are down or silent for the whole time, and have their turns of a few seconds: so what else
    the machine does meets all of them.
    """
    several = [Steady(trouble) for trouble in ("well", "down", "silent")]
    turns = max(1, round(seconds / _TURN_S))
    for _ in range(turns):
        for each in several:
            each.run(seconds / turns, rate)
    for each in several:
        print(
            f"steady, destination {each.trouble}:"
            f" {len(each.times) * EVENTS_A_REQUEST / each.took:.0f} events/s,"
            f" p50 {statistics.median(each.times) * 1e3:.2f} ms, p99 {each.p99 * 1e3:.2f} ms"
            f" ({each.p99 / several[0].p99:.2f} times)"
        )
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
            bench.close()


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=float, default=40, help="requests a second")
    parser.add_argument("--events", type=int, default=100_000)
    given = parser.parse_args()
    ingest(given.requests)
    forwarding(given.events)
    steady(given.seconds, given.rate)


if __name__ == "__main__":
    main()

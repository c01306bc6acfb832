"""How quickly a campaign sends into the outbox, in how much memory, and what PutEvents costs then.

    python tests/benchmarks/bench_campaigns.py [--endpoints 100000] [--rate 100] [--file FILE]

Endpoints with attributes and a user are made in a new file. A campaign whose message has two
variables is run by `Engine.step`, one thread on one core, and printed are endpoints a second, the
longest transaction of a step, and how much the process grew between the first tenth and the end.
Then it is run again on a thread while another one puts events of ten at a steady rate: printed are
the median and the 99th percentile of PutEvents alone and beside the campaign.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinpoint_kit.engine import Engine, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The floor of the issue, endpoints a second.
FLOOR = 5_000


class Shop:
    """An application of an engine."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.app = self.send("POST", "/v1/apps", {"Name": "shop"})["Id"]
        self.base = f"/v1/apps/{self.app}"
        self.send(
            "PUT", f"{self.base}/channels/email", {"FromAddress": "a@b.example", "Identity": "i"}
        )

    def send(self, method: str, path: str, payload: object) -> Any:
        """Send a request and return the answer."""
        response = self.engine.handle(Request(method, path, body=json.dumps(payload).encode()))
        assert response.status < 300, response.body
        return json.loads(response.body)

    def fill(self, count: int) -> None:
        """Make endpoints."""
        for first in range(0, count, 100):
            items = [
                {
                    "Id": f"device-{number}",
                    "ChannelType": "EMAIL",
                    "Address": f"customer-{number}@example.com",
                    "Attributes": {"plan": ["pro"], "interests": ["music", "books"]},
                    "Demographic": {"Timezone": "Europe/Berlin", "Platform": "iOS"},
                    "User": {"UserId": f"user-{number}", "UserAttributes": {"name": ["Ann"]}},
                }
                for number in range(first, min(first + 100, count))
            ]
            self.send("PUT", f"{self.base}/endpoints", {"Item": items})

    def campaign(self) -> str:
        """Make a campaign that starts at once."""
        segment = self.send("POST", f"{self.base}/segments", {"Name": "all"})["Id"]
        request = {
            "SegmentId": segment,
            "Schedule": {"StartTime": "IMMEDIATE"},
            "MessageConfiguration": {
                "EmailMessage": {
                    "Title": "News for {{User.UserAttributes.name}}",
                    "Body": "Hello {{User.UserAttributes.name}}, you are on {{Attributes.plan}}.",
                }
            },
        }
        found: str = self.send("POST", f"{self.base}/campaigns", request)["Id"]
        return found

    def put_events(self, number: int) -> float:
        """Put ten events of one endpoint; return how long it took."""
        event = {"EventType": "view", "Timestamp": "2026-01-02T03:04:05Z"}
        events = {f"{number}-{n}": event for n in range(10)}
        item = {f"device-{number % 1000}": {"Endpoint": {}, "Events": events}}
        start = time.perf_counter()
        self.send("POST", f"{self.base}/events", {"BatchItem": item})
        return time.perf_counter() - start


@contextmanager
def timed_writes(engine: Engine) -> Iterator[list[float]]:
    """Note how long each write transaction takes, from its begin to its end."""
    store = engine._store
    write, taken = store.write, []

    @contextmanager
    def timed(**how: Any) -> Iterator[Any]:
        with write(**how) as connection:
            start = time.perf_counter()
            yield connection
        taken.append(time.perf_counter() - start)

    store.write = timed  # type: ignore[method-assign]
    yield taken
    del store.write


def memory_mb() -> float:
    """Return the most memory that the process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def steady(shop: Shop, rate: float, stop: threading.Event, seconds: float) -> list[float]:
    """Put events at a rate, each when it is due; return the delays from then to the answer."""
    delays = []
    start, number = time.perf_counter(), 0
    while not stop.is_set() and time.perf_counter() - start < seconds:
        due = start + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        shop.put_events(int(start * 1000) + number)
        delays.append(time.perf_counter() - due)
        number += 1
    return delays


def percentile(values: list[float], share: float) -> float:
    """Return a percentile, in milliseconds."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] * 1000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--endpoints", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--file", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "pinpoint.db"
        with Engine.open(f"sqlite:///{path}") as engine:
            shop = Shop(engine)
            shop.fill(options.endpoints)
            measure(shop, options.endpoints, options.rate)


def measure(shop: Shop, count: int, rate: float) -> None:
    """Run the campaign alone, and then beside PutEvents."""
    engine = shop.engine
    shop.campaign()
    with timed_writes(engine) as writes:
        start, cpu, steps, early = time.perf_counter(), time.process_time(), 0, 0.0
        while engine.step():
            steps += 1
            if steps == max(1, count // 4_000):
                early = memory_mb()
        wall, used = time.perf_counter() - start, time.process_time() - cpu
    grown = memory_mb() - early
    print(
        f"{count} endpoints in {wall:.1f} s ({used:.1f} s of CPU): {count / wall:,.0f}/s, "
        f"{count / used:,.0f}/s of CPU (floor {FLOOR:,}/s)"
    )
    print(
        f"write transactions: {len(writes)}, median {percentile(writes, 0.5):.1f} ms, "
        f"99% {percentile(writes, 0.99):.1f} ms, longest {max(writes) * 1000:.1f} ms"
    )
    print(f"memory grew by {grown:.1f} MB after the first tenth, to {memory_mb():.0f} MB")
    stop = threading.Event()
    alone = steady(shop, rate, stop, 10.0)
    shop.campaign()

    def run() -> None:
        while engine.step():
            pass
        stop.set()

    worker = threading.Thread(target=run)
    start = time.perf_counter()
    worker.start()
    beside = steady(shop, rate, stop, 600.0)
    worker.join()
    wall = time.perf_counter() - start
    for name, delays in (("alone", alone), ("beside the campaign", beside)):
        print(
            f"PutEvents of 10 at {rate:g}/s {name}: {len(delays)} calls, median "
            f"{percentile(delays, 0.5):.1f} ms, 99% {percentile(delays, 0.99):.1f} ms"
        )
    ratio = percentile(beside, 0.99) / percentile(alone, 0.99)
    print(f"ratio of the 99%: {ratio:.1f}; the campaign meanwhile: {count / wall:,.0f}/s")


if __name__ == "__main__":
    main()

"""CPU per event of general event clients and of ours, in one run against one loopback stub.

    python tests/benchmarks/bench_peers.py [--events 5000]

Each client sends the same attributes with 100 events a request to the same server, and is
measured from the call that records to the end of its flush: CPU of the whole process, all threads.
The peers are development dependencies of the `bench` extra.
"""

from __future__ import annotations

import argparse
import logging
import os
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import posthog
from bench_delivery import ATTRIBUTES, DEVICES, METRICS, boto3_calls, recorded, stub
from segment.analytics.client import Client as Segment
from snowplow_tracker import AsyncEmitter, SelfDescribingJson, StructuredEvent, Tracker

if TYPE_CHECKING:
    from collections.abc import Callable

PROPERTIES = {**ATTRIBUTES, **METRICS}


def segment(url: str, events: int) -> float:
    """CPU seconds of segment-analytics-python."""
    client = Segment("key", host=url, max_queue_size=events + 1, upload_size=100)
    started = time.process_time()
    for number in range(events):
        client.track(DEVICES[number % 100], "level_up", PROPERTIES)
    client.flush()
    used = time.process_time() - started
    client.shutdown()
    return used


def posthog_client(url: str, events: int) -> float:
    """CPU seconds of posthog."""
    client = posthog.Client("key", host=url, max_queue_size=events + 1, flush_at=100)
    started = time.process_time()
    for number in range(events):
        client.capture("level_up", distinct_id=DEVICES[number % 100], properties=PROPERTIES)
    client.flush()
    used = time.process_time() - started
    client.shutdown()
    return used


def snowplow(url: str, events: int) -> float:
    """CPU seconds of snowplow-tracker."""
    parts = urlsplit(url)
    emitter = AsyncEmitter(
        str(parts.hostname), protocol="http", port=parts.port, batch_size=100, thread_count=1
    )
    tracker = Tracker("bench", [emitter])
    context = SelfDescribingJson("iglu:com.example/attributes/jsonschema/1-0-0", PROPERTIES)
    started = time.process_time()
    for _ in range(events):
        tracker.track(StructuredEvent("app", "level_up", context=[context]))
    tracker.flush(is_async=False)
    return time.process_time() - started


CLIENTS: dict[str, Callable[[str, int], float]] = {
    "pinpoint_kit": recorded,
    "boto3, batches of 100": lambda url, events: boto3_calls(url, events, 100),
    "segment-analytics-python": segment,
    "posthog": posthog_client,
    "snowplow-tracker": snowplow,
}


def measure(events: int, rounds: int = 5) -> dict[str, float]:
    """Microseconds of CPU per event by client: the least of some interleaved rounds."""
    best = dict.fromkeys(CLIENTS, float("inf"))
    with stub() as url:
        for _ in range(rounds):
            for name, client in CLIENTS.items():
                best[name] = min(best[name], client(url, events) / events * 1e6)
    return best


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5_000)
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "benchmark")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "benchmark")
    logging.disable(logging.WARNING)  # some peers log each request
    figures = measure(parser.parse_args().events)
    ours = figures["pinpoint_kit"]
    for name, value in figures.items():
        print(f"{name:<28}{value:>9.1f} µs an event   {value / ours:>5.1f} times ours")


if __name__ == "__main__":
    main()

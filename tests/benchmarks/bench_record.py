"""What one call of `record` costs its caller: in memory, from 8 threads, with a spool; and memory.

    python tests/benchmarks/bench_record.py [--events 20000]

Wall time of single calls at a steady pace and in a tight loop, against a loopback stub, with
`boto3.put_events` of one event a call for comparison; bytes of memory per queued event; and the CPU
that an idle client uses.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

from bench_delivery import DEVICES, boto3_calls, stub

import pinpoint_kit

APPLICATION = "a" * 32


def percentiles(times: list[float]) -> tuple[float, float]:
    """Median and 99th percentile in microseconds."""
    return statistics.median(times) * 1e6, statistics.quantiles(times, n=100)[98] * 1e6


def calls(pinpoint: pinpoint_kit.Pinpoint, events: int, pause: float = 0.0) -> list[float]:
    """Seconds of each of that many calls of record."""
    record, clock, times = pinpoint.events.record, time.perf_counter, []
    for number in range(events):
        before = clock()
        record(DEVICES[number % 100], "level_up", metrics={"n": 7})
        times.append(clock() - before)
        if pause and number % 10 == 9:
            time.sleep(pause)
    return times


def recording(url: str, events: int, *, threads: int = 1, **options: Any) -> tuple[float, float]:
    """Percentiles of record from that many threads; everything must be accepted afterwards."""
    pause = options.pop("pause", 0.0)
    with pinpoint_kit.connect(url, application_id=APPLICATION, **options) as pinpoint:
        calls(pinpoint, 100)
        found: list[float] = []
        pool = [
            threading.Thread(
                target=lambda: found.extend(calls(pinpoint, events // threads, pause * threads))
            )
            for _ in range(threads)
        ]
        for thread in pool:
            thread.start()
        for thread in pool:
            thread.join()
        pinpoint.flush(60).raise_for_loss()
    return percentiles(found)


def spooled(url: str, events: int, **options: Any) -> tuple[float, float]:
    """Return the same with a spool."""
    with tempfile.TemporaryDirectory() as folder:
        return recording(url, events, spool=Path(folder) / "bench.spool", **options)


def memory(events: int) -> float:
    """Bytes per queued event, each on an endpoint of its own."""
    options = pinpoint_kit.DeliveryOptions(max_buffer_events=events + 1)
    pinpoint = pinpoint_kit.connect(
        "http://127.0.0.1:9", application_id=APPLICATION, delivery=options
    )
    pinpoint.events.record("device", "level_up")
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(events):
        pinpoint.events.record(f"device-{number}", "level_up", metrics={"n": number})
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    pinpoint.close(0)
    return used / events


def idle(url: str) -> float:
    """Milliseconds of CPU that a client uses in two seconds of doing nothing."""
    with pinpoint_kit.connect(url, application_id=APPLICATION) as pinpoint:
        pinpoint.events.record("device", "level_up")
        pinpoint.flush()
        before = time.process_time()
        time.sleep(2)
        return (time.process_time() - before) * 1e3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    events = parser.parse_args().events
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "benchmark")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "benchmark")
    with stub() as url:
        single = boto3_calls(url, 500, 1) / 500 * 1e6
        print(f"{'one call of':<34}{'p50 µs':>9}{'p99 µs':>9}   of a boto3 call")
        for name, (median, high) in {
            "record, 1 thread, 5,000/s": recording(url, events, pause=0.002),
            "record, 1 thread, tight loop": recording(url, events),
            "record, 8 threads, 5,000/s": recording(url, events, threads=8, pause=0.002),
            "record, 8 threads, tight loop": recording(url, events, threads=8),
            "with a spool, 1 thread, 5,000/s": spooled(url, events, pause=0.002),
            "with a spool, 1 thread, tight loop": spooled(url, events),
        }.items():
            print(f"{name:<34}{median:>9.1f}{high:>9.1f}   1/{single / median:.0f}")
        print(f"\nidle client: {idle(url):.1f} ms of CPU in 2 s")
    print(f"memory: {memory(events):.0f} bytes a queued event, each on its own endpoint")


if __name__ == "__main__":
    main()

"""Many look-ups at once from an event loop, and how late the loop is meanwhile.

    python tests/benchmarks/bench_async.py [--lookups 1000] [--rounds 5] [--threads 4]

`pinpoint-kit serve` runs in a process of its own. All look-ups are awaited at once; beside them a
task wakes up every millisecond and notes how much too late it came. An event loop of another
process, which does nothing else, does the same at the same time, since a busy machine makes any
loop late. Printed are look-ups a second beside those of the ordinary client on one thread, the
latenesses, and how many threads there were. The lateness at the 99th percentile must not be above
5 ms, or above twice that of the loop that does nothing where that is more.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_LATE_MS = 5.0
TICK_S = 0.001


@contextmanager
def server(folder: str) -> Iterator[str]:
    """Serve an empty store; gives the URL."""
    store = Path(folder) / "store.db"
    command = [sys.executable, "-m", "pinpoint_kit.cli", "serve", "--no-access-log"]
    process = subprocess.Popen(  # noqa: S603 -- our own command
        [*command, "--url", f"sqlite:///{store}", "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        yield found[0]
    finally:
        process.terminate()
        process.communicate()


async def late(values: list[float]) -> None:
    """Wake up again and again, and note the milliseconds by which it was too late."""
    while True:
        before = time.perf_counter()
        await asyncio.sleep(TICK_S)
        values.append((time.perf_counter() - before - TICK_S) * 1000)


IDLE = """
import asyncio, sys, time

async def main():
    print("ready", flush=True)
    loop, values = asyncio.get_running_loop(), []
    over = loop.run_in_executor(None, sys.stdin.readline)
    while not over.done():
        before = time.perf_counter()
        await asyncio.sleep(0.001)
        values.append((time.perf_counter() - before - 0.001) * 1000)
    print(*values)

asyncio.run(main())
"""


class Idle:
    """An event loop of another process that only looks how late it is."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 -- our own command
            [sys.executable, "-c", IDLE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self._process.stdout.readline()

    def values(self) -> list[float]:
        """End it; gives its latenesses in milliseconds."""
        said, _ = self._process.communicate("\n")
        return [float(value) for value in said.split()]


async def measured(url: str, lookups: int, threads: int) -> tuple[float, list[float], int]:
    """Return look-ups a second, the latenesses in milliseconds, and the most threads."""
    async with pk.connect_async(url, application="bench", threads=threads, wait=5) as pinpoint:
        await pinpoint.endpoints.update(pk.Endpoint(id="device-1", attributes={"plan": ["pro"]}))
        values: list[float] = []
        beside = threading.active_count()
        ticking = asyncio.create_task(late(values))
        began = time.perf_counter()
        tasks = [asyncio.create_task(pinpoint.endpoints.get("device-1")) for _ in range(lookups)]
        await tasks[0]
        most = threading.active_count()
        await asyncio.gather(*tasks)
        took = time.perf_counter() - began
        ticking.cancel()
        return lookups / took, values, max(most, threading.active_count(), beside)


def one_by_one(url: str, lookups: int) -> float:
    """Return look-ups a second of the ordinary client on this thread."""
    with pk.connect(url, application="bench", wait=5) as pinpoint:
        pinpoint.endpoints.get("device-1")
        began = time.perf_counter()
        for _ in range(lookups):
            pinpoint.endpoints.get("device-1")
        return lookups / (time.perf_counter() - began)


def main() -> int:
    """Measure, print, and return 1 when the loop was too late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lookups", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=4)
    given = parser.parse_args()
    latest: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder, server(folder) as url:
        asyncio.run(measured(url, 50, given.threads))  # warms up
        for _ in range(given.rounds):
            idle = Idle()
            rate, values, threads = asyncio.run(measured(url, given.lookups, given.threads))
            of_idle = statistics.quantiles(idle.values(), n=100)[98]
            alone = one_by_one(url, given.lookups // 5)
            cuts = statistics.quantiles(values, n=100)
            latest.append((cuts[98], of_idle))
            print(
                f"{given.lookups} look-ups at once on {given.threads} threads: {rate:,.0f} a second"
                f" ({rate / alone:.2f} times one thread's {alone:,.0f}); the loop was late by"
                f" {cuts[49]:.2f} ms (median), {cuts[98]:.2f} ms (99th percentile;"
                f" an idle loop {of_idle:.2f}), {max(values):.1f} ms (once); {threads} threads"
            )
    median, of_idle = (statistics.median(side) for side in zip(*latest, strict=True))
    print(
        f"99th percentile, median of {given.rounds} rounds: {median:.2f} ms, an idle loop at the"
        f" same time {of_idle:.2f} ms"
    )
    return int(median > max(MOST_LATE_MS, 2 * of_idle))


if __name__ == "__main__":
    sys.exit(main())

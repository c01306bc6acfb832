"""Many look-ups at once from an event loop, and how late the loop is meanwhile.

    python tests/benchmarks/bench_async.py [--lookups 1000] [--rounds 5] [--threads 2 [4 ...]]

`pinpoint-kit serve` runs in a process of its own. All look-ups are awaited at once; beside them a
task wakes up every millisecond and notes how much too late it came. An event loop of another
process, which does nothing else, does the same at the same time, since a busy machine makes any
loop late. After it as many bare threads ask the same server with urllib3, and compute until each
request has taken as much of the processor as ours: that is what threads cost a loop, whoever uses
them. Printed are look-ups a second beside those of the ordinary client on one thread, processor
time, the latenesses, and how many threads there were. The lateness at the 99th percentile must not
be above 5 ms; where the idle loop is that late itself, not above twice the idle loop's.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import urllib3

import pinpoint_kit as pk
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

MOST_LATE_MS = 5.0
TICK_S = 0.001


@contextmanager
def server(folder: str) -> Iterator[str]:
    """Serve an empty store; gives the URL."""
    store = Path(folder) / "store.db"
    command = [sys.executable, "-m", "pinpoint_kit.cli", "serve", "--no-access-log"]
    with Program([*command, "--url", f"sqlite:///{store}", "--port", "0"]) as program:
        yield program.err.find(r"http://\S+")[0]
        program.stop()


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
        self._program = Program([sys.executable, "-c", IDLE])
        self._program.out.line()

    def values(self) -> list[float]:
        """End it; gives its latenesses in milliseconds."""
        self._program.write("\n")
        values = [float(value) for value in self._program.succeed().split()]
        self._program.kill()
        return values


@attrs.frozen
class Seen:
    """What was seen of one round of look-ups.

    Attributes:
        rate: look-ups a second.
        processor_s: seconds of the processor for each.
        values: the latenesses in milliseconds.
        threads: how many there were at most.
    """

    rate: float
    processor_s: float
    values: list[float]
    threads: int

    @property
    def cuts(self) -> list[float]:
        """The percentiles of the latenesses, from the first."""
        return statistics.quantiles(self.values, n=100)


async def timed(start: Callable[[], Awaitable[object]], lookups: int) -> Seen:
    """Start all look-ups at once on the running loop, and see how late it is meanwhile."""
    values: list[float] = []
    beside = threading.active_count()
    ticking = asyncio.create_task(late(values))
    began, used = time.perf_counter(), time.process_time()
    tasks = [asyncio.ensure_future(start()) for _ in range(lookups)]
    await tasks[0]
    most = threading.active_count()
    await asyncio.gather(*tasks)
    took, used = time.perf_counter() - began, time.process_time() - used
    ticking.cancel()
    most = max(most, threading.active_count(), beside)
    return Seen(lookups / took, used / lookups, values, most)


async def measured(url: str, lookups: int, threads: int) -> Seen:
    """Look the endpoint up that often through the client."""
    async with pk.connect_async(url, application="bench", threads=threads, wait=5) as pinpoint:
        await pinpoint.endpoints.update(pk.Endpoint(id="device-1", attributes={"plan": ["pro"]}))
        return await timed(lambda: pinpoint.endpoints.get("device-1"), lookups)


async def bare(url: str, lookups: int, threads: int, processor_s: float) -> Seen:
    """Ask for it that often with urllib3, using as much of the processor for each."""
    with pk.connect(url, application="bench", wait=5) as pinpoint:
        path = f"{url}/v1/apps/{pinpoint.application_id}/endpoints/device-1"
    connections = urllib3.PoolManager(maxsize=threads)

    def ask() -> None:
        until = time.thread_time() + processor_s
        assert connections.request("GET", path).status == 200
        while time.thread_time() < until:
            sum(range(100))

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(threads) as pool:
        seen = await timed(lambda: loop.run_in_executor(pool, ask), lookups)
    connections.clear()
    return seen


def one_by_one(url: str, lookups: int) -> float:
    """Return look-ups a second of the ordinary client on this thread."""
    with pk.connect(url, application="bench", wait=5) as pinpoint:
        pinpoint.endpoints.get("device-1")
        began = time.perf_counter()
        for _ in range(lookups):
            pinpoint.endpoints.get("device-1")
        return lookups / (time.perf_counter() - began)


def one_round(url: str, lookups: int, threads: int) -> tuple[float, float, float]:
    """Measure and print once; gives the 99th percentiles of ours, an idle loop and the bare one."""
    idle = Idle()
    ours = asyncio.run(measured(url, lookups, threads))
    of_idle = statistics.quantiles(idle.values(), n=100)[98]
    peer = asyncio.run(bare(url, lookups, threads, ours.processor_s))
    alone = one_by_one(url, lookups // 5)
    print(
        f"{lookups} look-ups at once on {threads} threads: {ours.rate:,.0f} a second"
        f" ({ours.rate / alone:.2f} times one thread's {alone:,.0f}), {ours.processor_s * 1e6:,.0f}"
        f" us of the processor each; the loop was late by {ours.cuts[49]:.2f} ms (median),"
        f" {ours.cuts[98]:.2f} ms (99th percentile; an idle loop {of_idle:.2f}, beside bare"
        f" threads {peer.cuts[98]:.2f}), {max(ours.values):.1f} ms (once); {ours.threads} threads"
    )
    return ours.cuts[98], of_idle, peer.cuts[98]


def main() -> int:
    """Measure, print, and return 1 when the loop was too late."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lookups", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    given = parser.parse_args()
    latest: dict[int, list[tuple[float, float, float]]] = {n: [] for n in given.threads}
    with tempfile.TemporaryDirectory() as folder, server(folder) as url:
        asyncio.run(measured(url, 50, 4))  # warms up
        for threads in given.threads * given.rounds:
            latest[threads].append(one_round(url, given.lookups, threads))
    is_late = False
    for threads, rounds in latest.items():
        ours, of_idle, of_bare = (statistics.median(side) for side in zip(*rounds, strict=True))
        is_late = is_late or ours > max(MOST_LATE_MS, 2 * of_idle)
        print(
            f"{threads} threads, 99th percentile, median of {given.rounds} rounds: {ours:.2f} ms;"
            f" an idle loop at the same time {of_idle:.2f} ms, beside bare threads {of_bare:.2f} ms"
        )
    return int(is_late)


if __name__ == "__main__":
    sys.exit(main())

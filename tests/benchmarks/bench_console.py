"""The console on a large store: how soon its first page is there, and what it costs PutEvents.

    python -m tests.benchmarks.bench_console [--file bench_metrics.db] [--events 1000000]

`pinpoint-kit serve --console` in a process of its own. First, the overview while events arrive:
seconds to the first byte and to the first chart, cold and again, and the bytes of the page. Then
PutEvents at steady rates, the last of them half of what it reaches alone: by itself, and while ten
people, in a process of their own, click through the pages of charts. Charts wait for each other, so
most clicks wait, too.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import shutil
import statistics
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import httpx

from pinpoint_kit.engine import Engine
from tests.benchmarks.bench_charts import CONNECTIONS, offered
from tests.benchmarks.bench_metrics import FIRST, LAST, app_of, make
from tests.benchmarks.bench_server import over_http
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing import Queue
    from multiprocessing.synchronize import Event

PEOPLE = 10
#: Events a second of PutEvents, and shares of what it reaches alone.
RATES, SHARES = (2_000.0, 5_000.0), (0.25, 0.5)
PAGES = ("overview", "usage", "revenue", "events", "sign-ins", "retention")
DAYS = f"first={FIRST}&last={LAST}"
#: So many events a second arrive while the first page is looked at.
ARRIVING = 1_000
_CHART = b"<svg"


@attrs.frozen
class Page:
    """What a page took, in seconds, and how long it is, in bytes."""

    first_byte: float
    first_chart: float
    whole: float
    size: int


@contextmanager
def console(folder: Path, url: str) -> Iterator[tuple[int, str]]:
    """Yield the server with its console in a process of its own: its port and the link."""
    command = [sys.executable, "-m", "pinpoint_kit.cli", "serve", "--port", "0", "--console"]
    with (
        (folder / "access.ndjson").open("w") as log,
        Program([*command, "--url", url], stdout=log, cwd=folder) as program,
    ):
        found = program.err.find(r"(http://\S+:(\d+)/console/\?token=\S+)")
        yield int(found[2]), found[1]
        program.stop()


@contextmanager
def visitor(link: str) -> Iterator[httpx.Client]:
    """Come in by the link."""
    with httpx.Client(timeout=300) as client:
        assert client.get(link).status_code == 303
        yield client


def load(client: httpx.Client, url: str) -> Page:
    """Load a page."""
    start = time.perf_counter()
    first = chart = 0.0
    size = 0
    with client.stream("GET", url) as answer:
        assert answer.status_code == 200, answer.status_code
        for part in answer.iter_raw():
            now = time.perf_counter() - start
            first = first or now
            chart = chart or (now if _CHART in part else 0.0)
            size += len(part)
    return Page(first, chart, time.perf_counter() - start, size)


def click(client: httpx.Client, base: str, is_over: Event, seen: list[float]) -> None:
    """Click through the pages until it is over."""
    for page in itertools.cycle(PAGES):
        if is_over.is_set():
            return
        start = time.perf_counter()
        client.get(f"{base}/{page}?{DAYS}")
        seen.append(time.perf_counter() - start)


def people(cookies: dict[str, str], base: str, is_over: Event, answers: Queue[list[float]]) -> None:
    """Be ten people until it is over, then say how long each page took, in seconds."""
    seen: list[float] = []
    with httpx.Client(timeout=300, cookies=cookies) as client:
        clicking = [
            threading.Thread(target=click, args=(client, base, is_over, seen))
            for _ in range(PEOPLE)
        ]
        for each in clicking:
            each.start()
        is_over.wait()
        answers.put(list(seen))
        for each in clicking:
            each.join()


def main() -> None:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, default=Path("bench_metrics.db"))
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    if not options.file.exists():
        make(options.file, options.events)
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name, "console.db")
        shutil.copyfile(options.file, copy)
        url = f"sqlite:///{copy}"
        with Engine.open(url) as engine:
            app = app_of(engine)
        with console(Path(name), url) as (port, link), visitor(link) as client:
            base = f"http://127.0.0.1:{port}/console/apps/{app}"
            look(port, client, base, app)
            beside(port, client, base, app, options.seconds)


def look(port: int, client: httpx.Client, base: str, app: str) -> None:
    """Measure the overview while events arrive."""
    arriving = threading.Thread(
        target=offered, args=(port, f"/v1/apps/{app}/events", ARRIVING, 10.0)
    )
    arriving.start()
    print(f"{'overview':16}{'first byte s':>14}{'first chart s':>15}{'whole s':>10}{'kB':>8}")
    for title in ("cold", "again"):
        found = load(client, f"{base}/overview?{DAYS}")
        print(
            f"{title:16}{found.first_byte:14.3f}{found.first_chart:15.3f}{found.whole:10.3f}"
            f"{found.size / 1000:8.1f}"
        )
    arriving.join()


def beside(port: int, client: httpx.Client, base: str, app: str, seconds: float) -> None:
    """Measure PutEvents alone, and while people click."""
    path = f"/v1/apps/{app}/events"
    most = over_http(port, path, 100, CONNECTIONS)
    print(f"PutEvents of 100, {CONNECTIONS} connections: {most:,.0f} events/s at most")
    print(f"{'':16}{'events/s':>10}{'median ms':>12}{'p99 ms':>10}{'pages':>8}{'median s':>10}")
    processes = multiprocessing.get_context("spawn")
    for offered_rate in (*RATES, *(most * share for share in SHARES)):
        report(*offered(port, path, offered_rate, seconds), title="alone", seen=[])
        is_over, answers = processes.Event(), processes.Queue()
        clicking = processes.Process(
            target=people, args=(dict(client.cookies), base, is_over, answers)
        )
        clicking.start()
        rate, times = offered(port, path, offered_rate, seconds)
        is_over.set()
        report(rate, times, title=f"{PEOPLE} people", seen=answers.get())
        clicking.join()


def report(rate: float, times: list[float], *, title: str, seen: list[float]) -> None:
    """Print a line."""
    p99 = statistics.quantiles(times, n=100)[98]
    median = statistics.median(seen) if seen else 0.0
    print(
        f"{title:16}{rate:10,.0f}{statistics.median(times) * 1e3:12.1f}{p99 * 1e3:10.1f}"
        f"{len(seen):8}{median:10.2f}"
    )


if __name__ == "__main__":
    main()

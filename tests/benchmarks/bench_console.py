"""The console on a large store: how soon its first page is there, and what it costs PutEvents.

    python -m tests.benchmarks.bench_console [--file bench_metrics.db] [--events 1000000]
        [--seconds 10] [--rounds 3]

`pinpoint-kit serve --console` by itself. First, the overview while events arrive: seconds to the
first byte and to the first chart, cold and again, and the bytes of the page. Then PutEvents at
steady rates, the last of them half of what it reaches alone: by itself, and while ten people, in a
process of their own, click through the pages of charts. Charts wait for each other, so most clicks
wait, too. Disks differ from one minute to the next, so the two take turns, and each line is of all
rounds.
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
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
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
            beside(port, client, base, app, options)


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


def beside(
    port: int, client: httpx.Client, base: str, app: str, options: argparse.Namespace
) -> None:
    """Measure PutEvents alone, and while people click."""
    path = f"/v1/apps/{app}/events"
    most = over_http(port, path, 100, CONNECTIONS)
    print(f"PutEvents of 100, {CONNECTIONS} connections: {most:,.0f} events/s at most")
    print(
        f"{'':16}{'offered':>10}{'events/s':>10}{'median ms':>12}{'p99 ms':>10}{'pages':>8}"
        f"{'median s':>10}"
    )
    for offered_rate in (*RATES, *(most * share for share in SHARES)):
        alone, crowded = Line("alone", offered_rate), Line(f"{PEOPLE} people", offered_rate)
        for _ in range(options.rounds):
            alone.add(*offered(port, path, offered_rate, options.seconds))
            with clicking(dict(client.cookies), base) as seen:
                crowded.add(*offered(port, path, offered_rate, options.seconds))
            crowded.pages += seen
        print(alone)
        print(crowded)
        print(f"{'':16}{crowded.p99 / alone.p99:40.2f} times", flush=True)


@contextmanager
def clicking(cookies: dict[str, str], base: str) -> Iterator[list[float]]:
    """Have people click meanwhile; the seconds of their pages are there at the end."""
    processes = multiprocessing.get_context("spawn")
    is_over, answers = processes.Event(), processes.Queue()
    crowd = processes.Process(target=people, args=(cookies, base, is_over, answers))
    crowd.start()
    seen: list[float] = []
    yield seen
    is_over.set()
    seen += answers.get()
    crowd.join()


@attrs.define
class Line:
    """What the rounds of one kind have given."""

    title: str
    offered: float
    rates: list[float] = attrs.field(factory=list)
    times: list[float] = attrs.field(factory=list)
    pages: list[float] = attrs.field(factory=list)

    def add(self, rate: float, times: list[float]) -> None:
        """Add a round."""
        self.rates.append(rate)
        self.times += times

    @property
    def p99(self) -> float:
        """The 99th percentile, in seconds."""
        return statistics.quantiles(self.times, n=100)[98]

    def __str__(self) -> str:
        seconds = statistics.median(self.pages) if self.pages else 0.0
        return (
            f"{self.title:16}{self.offered:10,.0f}{statistics.mean(self.rates):10,.0f}"
            f"{statistics.median(self.times) * 1e3:12.1f}{self.p99 * 1e3:10.1f}"
            f"{len(self.pages):8}{seconds:10.2f}"
        )


if __name__ == "__main__":
    main()

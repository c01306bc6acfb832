"""Whether charts disturb the events that arrive meanwhile.

    python -m tests.benchmarks.bench_charts [--events 1000000] [--file bench.db] [--seconds 20]

Starts a server on a copy of the file of bench_metrics.py, finds how many events a second PutEvents
of 100 takes, then offers half of that at fixed moments, without and with charts asked one after the
other beside it. A request's time counts from the moment at which it was due. The charts must leave
the rate as it is, and at most double the 99th percentile.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import statistics
import tempfile
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue

from pinpoint_kit.engine import Engine
from tests.benchmarks.bench_metrics import app_of, charted, make
from tests.benchmarks.bench_server import EVENTS, Connection, batch, over_http, pinpoint, request

CONNECTIONS = 4
CHARTS: tuple[tuple[str, dict[str, str]], ...] = (
    ("active", {}),
    ("events", {"by": "event_type"}),
    ("seven_day_retention", {}),
    ("revenue", {}),
    ("overview", {}),
)


def offered(port: int, path: str, rate: float, seconds: float) -> tuple[float, list[float]]:
    """Send at a steady rate; return the events a second that were taken, and each one's seconds.

    Args:
        port: the server's port.
        path: where events are put.
        rate: events a second.
        seconds: for how long.
    """
    due: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
    count = max(int(rate * seconds / EVENTS), 1)
    bodies = [request("POST", path, batch()) for _ in range(count)]
    begin = time.perf_counter()
    for index, body in enumerate(bodies):
        due.put((begin + index * EVENTS / rate, body))
    times: list[float] = []

    def send() -> None:
        with Connection(port) as connection:
            while True:
                try:
                    moment, body = due.get_nowait()
                except Empty:
                    return
                time.sleep(max(moment - time.perf_counter(), 0))
                assert connection.ask(body)[0] == 202
                times.append(time.perf_counter() - moment)

    senders = [threading.Thread(target=send) for _ in range(CONNECTIONS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return count * EVENTS / (time.perf_counter() - begin), times


def ask_charts(port: int, app: str, is_over: threading.Event, asked: list[int]) -> None:
    """Ask one chart after the other until it is over; 503 says that its turn did not come."""
    with Connection(port) as connection:
        for name, arguments in itertools.cycle(CHARTS):
            if is_over.is_set():
                return
            chart = charted(app, name, {**arguments})
            status, _ = connection.ask(request("POST", chart.path, chart.body))
            assert status in {200, 503}
            asked.append(status)


def main() -> None:
    """Print what PutEvents reached alone, and a line each without and with charts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--file", type=Path, default=Path("bench_metrics.db"))
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    if not options.file.exists():
        make(options.file, options.events)
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name, "charts.db")
        shutil.copyfile(options.file, copy)
        url = f"sqlite:///{copy}"
        with Engine.open(url) as engine:
            app = app_of(engine)
        with pinpoint(Path(name), "--url", url) as port:
            measure(port, app, options.seconds)


def measure(port: int, app: str, seconds: float) -> None:
    """Measure and print."""
    path = f"/v1/apps/{app}/events"
    alone = over_http(port, path, 100, CONNECTIONS)
    print(f"PutEvents of 100, {CONNECTIONS} connections: {alone:,.0f} events/s; half is offered")
    print(f"{'':16}{'events/s':>10}{'median ms':>12}{'p99 ms':>10}{'charts':>8}")
    lines(*offered(port, path, alone / 2, seconds), title="without charts")
    is_over, asked = threading.Event(), list[int]()
    beside = threading.Thread(target=ask_charts, args=(port, app, is_over, asked))
    beside.start()
    rate, times = offered(port, path, alone / 2, seconds)
    is_over.set()
    beside.join()
    lines(rate, times, title="with charts", charts=asked.count(200))


def lines(rate: float, times: list[float], *, title: str, charts: int = 0) -> None:
    """Print a line."""
    last = statistics.quantiles(times, n=100)[98] if len(times) > 1 else times[0]
    middle = statistics.median(times)
    print(f"{title:16}{rate:10,.0f}{middle * 1000:12.1f}{last * 1000:10.1f}{charts:8}", flush=True)


if __name__ == "__main__":
    main()

"""The server beside what it stands on: SQLite's own driver, and a uvicorn that does nothing.

    python tests/benchmarks/bench_server.py [--requests 300] [--rounds 5]

PutEvents of 100 events over HTTP with one worker, against `executemany` of the same rows into the
same tables with the same settings; and the median of GetEndpoint against an empty handler under
uvicorn. All in one run, taking turns, so that other work on the machine meets all alike. The client
is a bare socket: what it costs is in both medians.
"""

from __future__ import annotations

import argparse
import json
import socket
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pinpoint_kit.engine import Engine, Request
from tests.ports import held_port
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

EVENTS = 100
ENDPOINTS = 10

EMPTY_HANDLER = """
import socket, sys, uvicorn
async def app(scope, receive, send):
    head = [(b"content-length", b"2"), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": b"{}"})
uvicorn.run(app, port=int(sys.argv[1]), http="h11", loop="asyncio", lifespan="off",
            access_log=False, log_level="error")
"""


class Connection:
    """As little HTTP as will do."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request, and return status and body of its answer."""
        self._socket.sendall(request)
        status = int(self._file.readline().split()[1])
        length = 0
        while (line := self._file.readline()) != b"\r\n":
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        return status, self._file.read(length)


def request(method: str, path: str, body: bytes = b"") -> bytes:
    """Return a request's bytes."""
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def batch() -> bytes:
    """Return a PutEvents body of 100 events that nobody has seen before."""
    event = {
        "EventType": "level_up",
        "Timestamp": "2026-11-21T12:00:00.000Z",
        "Attributes": {"world": "2", "mode": "hard"},
        "Metrics": {"level": 7.0},
        "Session": {"Id": "session-1", "StartTimestamp": "2026-11-21T11:59:00.000Z"},
    }
    items = {
        f"device-{number}": {
            "Endpoint": {},
            "Events": {str(uuid.uuid4()): event for _ in range(EVENTS // ENDPOINTS)},
        }
        for number in range(ENDPOINTS)
    }
    return json.dumps({"BatchItem": items}).encode()


@contextmanager
def pinpoint(folder: Path, *arguments: str) -> Iterator[int]:
    """Yield the server in a process of its own, as it is started by hand; give its port."""
    command = [sys.executable, "-m", "pinpoint_kit.cli", "serve", "--port", "0", *arguments]
    with (
        (folder / "access.ndjson").open("w") as log,
        Program(command, stdout=log, cwd=folder) as program,
    ):
        yield int(program.err.find(r":(\d+)$")[1])
        program.stop()


@contextmanager
def empty_handler() -> Iterator[int]:
    """Yield a uvicorn that answers every request with two bytes; give its port."""
    with (
        held_port() as port,
        Program([sys.executable, "-c", EMPTY_HANDLER, str(port)]) as program,
    ):
        program.listens(port)
        yield port


def raw_rows(folder: Path) -> tuple[str, list[tuple[object, ...]], int]:
    """Return the statement, the rows that the engine would write, and the event id's position."""
    with Engine.open(f"sqlite:///{folder}/template.db") as engine:
        made = engine.handle(Request("POST", "/v1/apps", body=b'{"Name": "bench"}'))
        path = f"/v1/apps/{json.loads(made.body)['Id']}/events"
        assert engine.handle(Request("POST", path, body=batch())).status == 202
    with sqlite3.connect(folder / "template.db") as database:
        names = [row[1] for row in database.execute("PRAGMA table_info(events)")][1:]
        rows = database.execute(f"SELECT {', '.join(names)} FROM events").fetchall()  # noqa: S608 -- ours
    database.close()
    marks = ", ".join("?" * len(names))
    statement = f"INSERT OR IGNORE INTO events ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 -- ours
    return statement, rows, names.index("event_id")


def raw(folder: Path, statement: str, rows: list[tuple[object, ...]], at: int, count: int) -> float:
    """Events a second of `executemany`, a hundred a durable transaction."""
    batches = [
        [(*row[:at], str(uuid.uuid4()), *row[at + 1 :]) for row in rows] for _ in range(count)
    ]
    database = sqlite3.connect(folder / "raw.db", isolation_level=None)
    database.execute("PRAGMA synchronous=FULL")
    database.execute("PRAGMA secure_delete=ON")
    before = time.perf_counter()
    for events in batches:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(statement, events)
        database.execute("COMMIT")
    spent = time.perf_counter() - before
    database.close()
    return count * EVENTS / spent


def over_http(port: int, path: str, count: int, connections: int) -> float:
    """Events a second of PutEvents by that many connections."""
    requests = [request("POST", path, batch()) for _ in range(count)]

    def send(mine: list[bytes]) -> None:
        with Connection(port) as connection:
            for one in mine:
                status, _ = connection.ask(one)
                assert status == 202

    threads = [
        threading.Thread(target=send, args=(requests[number::connections],))
        for number in range(connections)
    ]
    before = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return count * EVENTS / (time.perf_counter() - before)


def latency(port: int, path: str, count: int) -> list[float]:
    """Seconds of each of that many requests on one connection."""
    asked, times = request("GET", path), []
    with Connection(port) as connection:
        for _ in range(count):
            before = time.perf_counter()
            status, _ = connection.ask(asked)
            times.append(time.perf_counter() - before)
            assert status == 200
    return times


def main() -> None:
    """Print figures and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        statement, rows, at = raw_rows(folder)
        Engine.open(f"sqlite:///{folder}/raw.db").close()
        port = stack.enter_context(pinpoint(folder))
        empty = stack.enter_context(empty_handler())
        with Connection(port) as connection:
            _, made = connection.ask(request("POST", "/v1/apps", b'{"Name": "bench"}'))
            app = f"/v1/apps/{json.loads(made)['Id']}"
            body = b'{"ChannelType": "EMAIL", "Address": "a@example.com", "OptOut": "NONE"}'
            assert connection.ask(request("PUT", f"{app}/endpoints/device-x", body))[0] == 202
        rates: dict[str, list[float]] = {"raw": [], "1": [], "4": []}
        medians: dict[str, list[float]] = {"empty": [], "endpoint": []}
        for _ in range(given.rounds):
            rates["raw"].append(raw(folder, statement, rows, at, given.requests))
            for connections in (1, 4):
                rates[str(connections)].append(
                    over_http(port, f"{app}/events", given.requests, connections)
                )
            medians["empty"].append(statistics.median(latency(empty, "/", 1000)))
            times = latency(port, f"{app}/endpoints/device-x", 1000)
            medians["endpoint"].append(statistics.median(times))
    base, floor = statistics.median(rates["raw"]), statistics.median(medians["empty"])
    print(f"executemany, 100 rows a transaction      {base:>10,.0f} events/s")
    for connections in (1, 4):
        rate = statistics.median(rates[str(connections)])
        print(
            f"PutEvents of 100, {connections} connection(s)          {rate:>10,.0f} events/s"
            f"   {rate / base:.2f} of executemany (at least 0.33)"
        )
    print(f"an empty uvicorn handler, median         {floor * 1e6:>10,.0f} µs")
    ours = statistics.median(medians["endpoint"])
    print(
        f"GetEndpoint, median                      {ours * 1e6:>10,.0f} µs"
        f"         {ours / floor:.2f} times the empty handler (at most 5)"
    )


if __name__ == "__main__":
    main()

"""Requests over sockets end in time and in size, whatever the server does."""

from __future__ import annotations

import contextlib
import gzip
import json
import re
import resource
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.doors import open_door
from pinpoint_kit.doors.sessions import loader
from pinpoint_kit.limits import DEFAULT_LIMITS
from pinpoint_kit.transport import sending
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCEPTED = b'HTTP/1.1 202 X\r\nContent-Length: 14\r\n\r\n{"Results":{}}'
ONCE = pk.RetryPolicy(max_attempts=1)
TIMEOUT_S = 0.4
#: Far above the timeout, and far below what the server would take.
BOUND_S = 3.0


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials of a test, and no proxy."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "y")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def read_request(connection: socket.socket) -> bool:
    """Read one request as a whole; False at the end of the connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return False
        received += more
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    left = int(length[1]) - len(body) if length and len(length[1]) < 6 else 0
    while left > 0:
        left -= len(connection.recv(left))
    return True


@contextlib.contextmanager
def serving(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """Yield a server that reads what comes first on a connection, and then does as it likes."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    if read_request(connection):
                        answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def drip(head: bytes) -> Callable[[socket.socket], None]:
    """Send one byte after the other, as long as somebody listens."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        for _ in range(600):
            connection.sendall(b"x")
            time.sleep(0.02)

    return answer


def put(url: str) -> tuple[pk.TransportError, float]:
    """Send one event, once; the error, and how long it took."""
    with pk.connect(url, application_id="a" * 32, timeout=TIMEOUT_S, retry=ONCE) as pinpoint:
        started = time.monotonic()
        with pytest.raises(pk.TransportError) as caught:
            pinpoint.events.put("device-1", "x")
        return caught.value, time.monotonic() - started


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1 202 X\r\nX-Slow: ",
        b"HTTP/1.1 202 X\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 500 X\r\nContent-Length: 100000\r\n\r\n",
    ],
    ids=["status", "header", "body", "chunk", "failure"],
)
def test_timeout_bounds_the_whole_request(head: bytes) -> None:
    """A server that drips status line, headers or body holds nobody longer than `timeout`."""
    with serving(drip(head)) as url:
        error, seconds = put(url)
    assert isinstance(error, pk.TransportTimeoutError)
    assert error.may_have_arrived
    in_time(seconds, BOUND_S)


def test_a_server_that_reads_nothing() -> None:
    """Sending ends in time too, when the server does not read what is sent."""
    over = threading.Event()

    def wait(_: socket.socket) -> None:
        over.wait(10)

    with serving(wait) as url:
        client = pk.connect(url, application_id="a" * 32, timeout=TIMEOUT_S, retry=ONCE)
        with client as pinpoint:
            started = time.monotonic()
            with pytest.raises(pk.TransportError):
                pinpoint.call(
                    "CreateSegment",
                    WriteSegmentRequest={"Name": "x" * 30_000_000},
                )
            in_time(time.monotonic() - started, BOUND_S)
            over.set()


def test_all_addresses_of_a_name_share_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight addresses where nobody answers take no longer than one."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # more than wait in its queue: further ones get no answer
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)  # noqa: FBT003 -- socket's own
            waiting.connect_ex(full.getsockname())
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", full.getsockname())] * 8
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        error, seconds = put("http://many.test:80")
    assert isinstance(error, pk.TransportTimeoutError)
    assert not error.may_have_arrived
    in_time(seconds, BOUND_S)


def test_a_name_that_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no answer, and surely nothing was sent."""

    def refuse(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    error, _ = put("http://nobody.test:80")
    assert (error.may_have_arrived, "nobody.test" in str(error)) == (False, True)


def test_an_answer_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is read than an answer may have, and none of it is kept."""
    monkeypatch.setattr(sending, "MOST_ANSWER_BYTES", 2_000_000)

    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + b" " * 65536 + b"\r\n")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with serving(endless) as url:
        error, _ = put(url)
        assert str(error) == (
            "PutEvents: answer larger than 2 MB: check that the URL is a Pinpoint service, or ask"
            " for smaller pages"
        )
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def compressed(body: bytes, *, in_chunks: bool) -> Callable[[socket.socket], None]:
    """Answer as a proxy that compresses without being asked."""
    content = gzip.compress(body)
    length = f"Content-Length: {len(content)}"
    if in_chunks:
        length = "Transfer-Encoding: chunked"
        content = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    head = f"HTTP/1.1 202 X\r\nContent-Encoding: gzip\r\n{length}\r\n\r\n"
    return lambda connection: connection.sendall(head.encode() + content)


@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_compressed_answer(*, in_chunks: bool) -> None:
    """It is the service's all the same: taken for a proxy's page, events would come again."""
    taken = {"StatusCode": 202}
    results = {"device-1": {"EndpointItemResponse": taken, "EventsItemResponse": {"e": taken}}}
    with (
        serving(compressed(json.dumps({"Results": results}).encode(), in_chunks=in_chunks)) as url,
        pk.connect(url, application_id="a" * 32, timeout=5, retry=ONCE) as pinpoint,
    ):
        assert pinpoint.events.put("device-1", "x", event_id="e").is_accepted


@pytest.mark.parametrize("in_chunks", [False, True])
def test_a_compressed_answer_that_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch, *, in_chunks: bool
) -> None:
    """What it becomes is bounded, not only what comes over the network."""
    monkeypatch.setattr(sending, "MOST_ANSWER_BYTES", 2_000_000)
    with serving(compressed(b" " * 100_000_000, in_chunks=in_chunks)) as url:
        error, _ = put(url)
    assert "answer larger than 2 MB" in str(error)


@pytest.mark.parametrize("length", [-6, 10])
def test_a_compressed_answer_that_is_damaged(length: int) -> None:
    """It is no answer, and may have been one."""

    def answer(connection: socket.socket) -> None:
        content = gzip.compress(b"{}" * 100)[:length]
        head = f"HTTP/1.1 202 X\r\nContent-Encoding: gzip\r\nContent-Length: {len(content)}"
        connection.sendall(f"{head}\r\n\r\n".encode() + content)

    with serving(answer) as url:
        error, _ = put(url)
    assert error.may_have_arrived


def test_a_connection_is_kept_for_the_next_request() -> None:
    """Bounding does not cost a connection a request."""
    connections = []

    def answer(connection: socket.socket) -> None:
        connections.append(1)
        connection.sendall(ACCEPTED)
        while read_request(connection):
            connection.sendall(ACCEPTED)

    with (
        serving(answer) as url,
        pk.connect(url, application_id="a" * 32, timeout=5, retry=ONCE) as pinpoint,
    ):
        for _ in range(3):
            pinpoint.events.put("device-1", "x")
    assert len(connections) == 1


def test_a_look_up_has_a_time_of_its_own() -> None:
    """Reading by id ends within `lookup_timeout`, although other requests may take longer."""
    with (
        serving(drip(b"")) as url,
        pk.connect(
            url, application_id="a" * 32, timeout=30.0, lookup_timeout=TIMEOUT_S
        ) as pinpoint,
    ):
        started = time.monotonic()
        with pytest.raises(pk.TransportTimeoutError):
            pinpoint.endpoints.get("device-1")
        in_time(time.monotonic() - started, BOUND_S)


def test_clients_share_the_service_model() -> None:
    """However many clients there are, the 10 MB of the model are read once."""
    loader.cache_clear()
    models = set()
    for url in ("http://127.0.0.1:1", "http://127.0.0.1:2", "sqlite://"):
        door = open_door(url, limits=DEFAULT_LIMITS)
        description = door.client.meta.service_model._service_description  # type: ignore[attr-defined]  # the stubs hide it
        models.add(id(description["shapes"]))
        door.close()
    assert len(models) == 1

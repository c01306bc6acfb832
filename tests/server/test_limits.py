"""No client can hold the server: what is too large, too slow or too much is cut off."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine import LONG_READS, Request, Response
from pinpoint_kit.limits import Limits
from pinpoint_kit.server.http import memory
from tests.server.conftest import PATIENCE, SlowEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinpoint_kit.engine import Engine
    from tests.server.conftest import Log, RunningServer

    Serve = Callable[..., RunningServer]

POST = b"POST /v1/apps HTTP/1.1\r\nHost: localhost\r\n"


def test_a_body_is_refused_by_its_length(serve: Serve) -> None:
    """A body over the limit is refused by its declared length, before any of it is read."""
    client = serve(Limits(max_request_bytes=1000)).client()
    client.send(POST + b"Content-Length: 1001\r\n\r\n")
    answer = client.answer()
    assert (answer.status, answer.code) == (413, "PayloadTooLargeException")
    assert answer.json["Message"] == "The request is larger than 1000 bytes"
    client.send(b"x" * 1001)
    assert client.is_closed()


def test_a_body_is_refused_where_it_becomes_too_long(serve: Serve) -> None:
    """A body without a declared length is read up to the limit and no further."""
    client = serve(Limits(max_request_bytes=1000)).client()
    client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"258\r\n" + b"x" * 600 + b"\r\n")
    client.send(b"258\r\n" + b"x" * 600 + b"\r\n")
    assert client.answer().status == 413


def test_a_client_that_expects_nothing_is_not_asked_for_its_body(serve: Serve) -> None:
    """Who asks with `Expect: 100-continue` for too much gets 413 in place of 100."""
    client = serve(Limits(max_request_bytes=1000)).client()
    client.send(POST + b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
    assert client.answer().status == 413
    assert client.is_closed()


def test_boto3_reads_the_413(serve: Serve) -> None:
    """A client that sends all of a large body first still gets to read why it was refused."""
    server = serve(Limits(max_request_bytes=100_000))
    client = server.boto3()
    with pytest.raises(client.exceptions.PayloadTooLargeException):
        client.create_app(CreateApplicationRequest={"Name": "x" * 2_000_000})


def test_an_endless_body_is_cut_off(serve: Serve) -> None:
    """After a refusal what still comes is thrown away for a moment, and then nothing is read."""
    client = serve(Limits(max_request_bytes=1000)).client()
    client.send(POST + b"Content-Length: 1000000000\r\n\r\n")
    with pytest.raises(ConnectionError):
        client.send(b"x" * 100_000_000)


@pytest.mark.parametrize(
    "head",
    [
        b"X: " + b"x" * 3000 + b"\r\n",
        b"".join(b"X-%d: 1\r\n" % number for number in range(20)),
        b"".join(b"X-%d: %s\r\n" % (number, b"x" * 500) for number in range(6)),
    ],
)
def test_a_large_head_is_refused(serve: Serve, head: bytes) -> None:
    """Too many or too long headers are refused, and the connection ends."""
    client = serve(max_head_bytes=2000, max_headers=10).client()
    client.send(POST + head + b"\r\n")
    answer = client.answer()
    assert (answer.status, answer.code) == (431, "BadRequestException")
    assert answer.json["RequestID"] == answer.headers["x-amzn-requestid"]
    assert client.is_closed()


def test_an_endless_head_is_refused(serve: Serve) -> None:
    """A head without an end is refused as soon as it is too large."""
    client = serve(max_head_bytes=2000).client()
    client.send(POST + b"X: " + b"x" * 3000)
    assert client.answer().status == 431
    assert client.is_closed()


def test_a_long_path_is_refused(serve: Serve) -> None:
    """Path and query count as part of the head."""
    assert serve(max_head_bytes=2000).ask("GET", "/" + "x" * 2000).status == 431


def test_a_slow_head_is_cut_off(serve: Serve) -> None:
    """A head that does not end in time gets 408; other clients do not notice."""
    server = serve(head_timeout=0.2)
    client = server.client()
    client.send(POST)
    answer = client.answer()
    assert (answer.status, answer.code) == (408, "RequestTimeoutException")
    assert "date" in answer.headers
    assert client.is_closed()


def test_a_slow_second_head_is_cut_off(serve: Serve) -> None:
    """Patience is the same for each request of a connection."""
    server = serve(head_timeout=0.2)
    client = server.client()
    assert client.request("GET", "/v1/apps").status == 200
    client.send(POST)
    assert client.answer().status == 408
    assert client.is_closed()


def test_a_client_that_says_nothing_is_let_go(serve: Serve, log: Log) -> None:
    """A connection without a byte is closed without a word."""
    server = serve(head_timeout=0.2)
    client = server.client()
    assert client.is_closed()
    server.ask("GET", "/v1/apps")
    assert [line["status"] for line in log.lines(1)] == [200]


def test_an_idle_connection_is_let_go(serve: Serve) -> None:
    """After an answer the connection waits for another request for so long."""
    client = serve(keep_alive_timeout=0.2).client()
    assert client.request("GET", "/v1/apps").status == 200
    assert client.is_closed()


def test_a_body_that_stands_still_is_cut_off(serve: Serve, log: Log) -> None:
    """A body of which nothing comes for too long gets 408."""
    client = serve(body_idle_timeout=0.2).client()
    client.send(POST + b"Content-Length: 100\r\n\r\n{")
    answer = client.answer()
    assert (answer.status, answer.code) == (408, "RequestTimeoutException")
    assert client.is_closed()
    assert [(line["status"], line["reason"], line["bytes_in"]) for line in log.lines(1)] == [
        (408, "too_slow", 1)
    ]


def test_a_body_that_drips_is_cut_off(serve: Serve) -> None:
    """A body that keeps coming a byte at a time gets 408 when its time is over."""
    client = serve(body_timeout=0.5, body_idle_timeout=10.0).client()
    client.send(POST + b"Content-Length: 100000\r\n\r\n")
    has_ended = threading.Event()

    def drip() -> None:
        while not has_ended.wait(0.05):
            client.send(b" ")

    dripping = threading.Thread(target=drip)
    dripping.start()
    try:
        assert client.answer().status == 408
    finally:
        has_ended.set()
        dripping.join()


class LargeAnswers:
    """An engine whose every answer is long."""

    SIZE = 1_000_000

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch, size: int = SIZE) -> None:
        headers = engine.handle(Request("GET", "/v1/apps")).headers
        answer = Response(200, headers, b"x" * size)
        monkeypatch.setattr(engine, "handle", lambda *_: answer)


def test_a_client_that_does_not_read_is_cut_off(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answers that nobody takes do not stay in memory, nor does the connection."""
    server = serve(write_timeout=0.2)
    LargeAnswers(server.engine, monkeypatch)
    client = server.client()
    request = b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with pytest.raises(ConnectionError):
        client.send(request * 200_000)


def test_clients_that_do_not_read_give_way(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    """Their answers are bounded in all, and others are answered beside any number of them."""
    size = 8_000_000  # more than the system keeps of a connection
    monkeypatch.setattr(memory, "_GRACE_S", 0.0)
    server = serve(max_body_bytes_in_flight=4 * size)
    LargeAnswers(server.engine, monkeypatch, size)
    idle = [server.client(receive_buffer=4096) for _ in range(8)]
    for client in idle:
        client.send(b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\n\r\n")
    log.lines(6)  # two may wait
    assert len(server.ask("GET", "/v1/apps").body) == size
    lines = log.lines(8)
    assert [line.get("reason") for line in lines].count("not_read") == 7
    assert {line["status"] for line in lines} == {200}


def test_a_slow_reader_gets_everything(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that takes its answers slowly but steadily is served to the end."""
    server = serve(write_timeout=0.2)
    LargeAnswers(server.engine, monkeypatch)
    client = server.client(receive_buffer=65_536)
    client.send(b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\n\r\n" * 30)
    pause = threading.Event()
    for number in range(30):  # more than the system would take by itself
        pause.wait(0.05 if number < 15 else 0)  # in all, much more than the server's patience
        assert len(client.answer().body) == LargeAnswers.SIZE


def test_a_newcomer_takes_the_place_of_the_longest_idle(serve: Serve) -> None:
    """With too many connections the one that has waited the longest is closed."""
    server = serve(max_connections=2)
    first, second = server.client(), server.client()
    assert first.request("GET", "/v1/apps").status == 200
    assert second.request("GET", "/v1/apps").status == 200
    third = server.client()
    assert third.request("GET", "/v1/apps").status == 200
    assert first.is_closed()
    assert second.request("GET", "/v1/apps").status == 200


@pytest.fixture
def busy(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RunningServer, Any]]:
    """Give a server with two requests in its engine, which is as many as may be."""
    server = serve(max_in_flight=2)
    engine = SlowEngine(server.engine, monkeypatch)
    clients = [server.client(), server.client()]
    for client in clients:
        client.send(b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\n\r\n")
    engine.wait_for(2)
    yield server, clients
    engine.release()
    assert [client.answer().status for client in clients] == [200, 200]


def test_one_request_too_many_is_refused(busy: tuple[RunningServer, Any], log: Log) -> None:
    """A request more than may be under way gets 429 at once, and may come again on the spot."""
    server, _ = busy
    client = server.client()
    for _ in range(2):
        answer = client.request("GET", "/v1/apps")
        assert (answer.status, answer.code) == (429, "TooManyRequestsException")
        assert answer.headers["retry-after"] == "1"
    assert [line["reason"] for line in log.lines(2)] == ["busy", "busy"]


def test_a_busy_engine_does_not_stop_the_probe(busy: tuple[RunningServer, Any]) -> None:
    """`/healthz` and preflights of the server's own do not wait for the engine."""
    server, _ = busy
    assert server.ask("GET", "/healthz").status == 200
    assert server.ask("GET", "/metrics").status == 200


def test_no_room_for_another_connection(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections whose request is being answered are not closed for a newcomer."""
    server = serve(max_connections=2)
    engine = SlowEngine(server.engine, monkeypatch)
    clients = [server.client(), server.client()]
    for client in clients:
        client.send(b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\n\r\n")
    engine.wait_for(2)
    assert server.client().is_closed()
    engine.release()
    assert [client.answer().status for client in clients] == [200, 200]


@pytest.mark.parametrize(
    "beginning", [b"", POST, POST + b"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n"]
)
def test_many_slow_clients_hold_nobody_up(serve: Serve, beginning: bytes) -> None:
    """However many clients begin a request and do not go on, the next one is served."""
    # MemoryBudget is to be made for the next one, whether the machine is slow or not.
    server = serve(max_connections=20, head_timeout=600, body_idle_timeout=600, body_timeout=600)
    for _ in range(60):
        client = server.client()
        client.send(beginning)
        if beginning.endswith(b"\r\n\r\n"):
            assert client.answer().status == 100
    assert server.ask("GET", "/v1/apps").status == 200


@pytest.mark.parametrize("beginning", [b"", POST, POST + b"Content-Length: 100\r\n\r\n"])
def test_many_slow_clients_at_once_hold_nobody_up(serve: Serve, beginning: bytes) -> None:
    """It is the same when the server was busy while all of them came, and looks at once."""
    server = serve(max_connections=20, head_timeout=600, body_idle_timeout=600, body_timeout=600)
    assert server.ask("GET", "/healthz").status == 200
    looks = threading.Event()
    server.uvicorn.servers[0].get_loop().call_soon_threadsafe(looks.wait, PATIENCE)
    for _ in range(60):
        server.client().send(beginning)
    last = server.client()
    last.send(b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\n\r\n")
    looks.set()
    assert last.answer().status == 200


def test_memory_for_bodies_is_bounded(serve: Serve) -> None:
    """When all memory for bodies is in use, another body gets 429."""
    server = serve(max_body_bytes_in_flight=1000)
    assert server.ask("POST", "/v1/apps", b'{"Name": "a"}' + b" " * 900).status == 201
    answer = server.ask("POST", "/v1/apps", b'{"Name": "a"}' + b" " * 1000)
    assert (answer.status, answer.code) == (429, "TooManyRequestsException")
    assert server.ask("POST", "/v1/apps", b'{"Name": "a"}' + b" " * 900).status == 201


def test_a_client_that_hangs_up_is_forgotten(serve: Serve, log: Log) -> None:
    """A client that goes in the middle of its body leaves a line in the log, and no error."""
    server = serve()
    client = server.client()
    client.send(POST + b"Content-Length: 100\r\n\r\n{")
    client.close()
    assert [(line["status"], line["reason"]) for line in log.lines(1)] == [(499, "disconnected")]


def test_a_reset_is_survived(serve: Serve) -> None:
    """A client that resets its connection in the middle of an answer disturbs nobody."""
    server = serve()
    for _ in range(5):
        client = socket.create_connection(("127.0.0.1", server.port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.sendall(b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\n\r\n" * 50)
        client.close()
    assert server.ask("GET", "/v1/apps").status == 200


def test_long_queries_leave_room_for_others(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than may run wait without a thread, then get 503; others are answered."""
    server = serve(long_query_wait=0.2, max_in_flight=LONG_READS + 1)
    app = server.make_app()
    slow = SlowEngine(server.engine, monkeypatch)
    count = f"/pinpoint-kit/v1/apps/{app}/segments/none/count".encode()
    request = b"GET " + count + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    running = [server.client() for _ in range(LONG_READS)]
    for client in running:
        client.send(request)
    slow.wait_for(LONG_READS)
    waiting = [server.client() for _ in range(40)]  # more than there are threads
    for client in waiting:
        client.send(request)
    for client in waiting:
        answer = client.answer()
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert not slow.is_entered()
    other = server.client()
    other.send(b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\n\r\n")
    slow.wait_for(1)
    slow.release()
    assert other.answer().status == 200
    assert [client.answer().status for client in running] == [404] * LONG_READS
    assert server.ask("GET", count.decode()).status == 404  # the turns are free again

"""A server on a loopback socket, with clients that behave well and clients that do not."""

from __future__ import annotations

import json
import logging
import socket
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import attrs
import boto3
import pytest
import uvicorn
from botocore.config import Config

from pinpoint_kit.engine import Engine
from pinpoint_kit.limits import DEFAULT_LIMITS, Limits
from pinpoint_kit.server import ServerOptions, access_log, asgi_app, run
from pinpoint_kit.server.app import App
from tests.timing import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinpoint_kit.engine import Request, Response
    from pinpoint_kit.engine.wire.routes import Match
    from pinpoint_kit.server.access.authenticator import Authenticator

#: No test waits longer than this for anything.
PATIENCE = PATIENCE_S


@attrs.frozen
class Answer:
    """An HTTP answer as it came off the wire."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.headers.get("x-amzn-errortype", "")


class Client:
    """A raw socket that speaks just enough HTTP to be impolite."""

    def __init__(self, port: int, receive_buffer: int = 0) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(PATIENCE)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.connect(("127.0.0.1", port))
        self._incoming = self._socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send a request that has nothing wrong with it, and return the answer."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)
        return self.answer(has_body=method != "HEAD")

    def answer(self, *, has_body: bool = True) -> Answer:
        """Read an answer; raise ConnectionError when the server closes instead."""
        status_line = self._incoming.readline()
        if not status_line:
            raise ConnectionError
        headers = {}
        while (line := self._incoming.readline().decode("latin-1").strip()) != "":
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        length = int(headers.get("content-length", "0")) if has_body else 0
        return Answer(int(status_line.split()[1]), headers, self._incoming.read(length))

    def is_closed(self) -> bool:
        """Wait until the server has closed the connection, or something comes."""
        try:
            return self._incoming.read(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self._incoming.close()
        self._socket.close()


class RunningServer:
    """The engine behind a real socket, in a thread of the test's process."""

    def __init__(self, engine: Engine, options: ServerOptions, app: App | None = None) -> None:
        self.engine = engine
        self.app = app or asgi_app(engine, options=options, owns_engine=True)
        settings = run.Settings("sqlite://", options=options)
        self.uvicorn = uvicorn.Server(run.configuration(lambda: self.app, settings))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._clients = ExitStack()
        self._thread = threading.Thread(target=self.uvicorn.run, args=([self._listener],))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, receive_buffer: int = 0) -> Client:
        """Open a raw connection."""
        client = Client(self.port, receive_buffer)
        self._clients.callback(client.close)
        return client

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send one request on a connection of its own."""
        client = Client(self.port)
        try:
            return client.request(method, path, body, **headers)
        finally:
            client.close()

    def boto3(self, key: str = "made-up", secret: str = "made-up") -> Any:  # noqa: S107 -- nobody's
        """Return a client that was never written for this server."""
        client = boto3.client(
            "pinpoint",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1}),
        )
        self._clients.callback(client.close)
        return client

    def make_app(self) -> str:
        """Make an application and return its id."""
        made: str = self.ask("POST", "/v1/apps", b'{"Name": "shop"}').json["Id"]
        return made

    def begin_stopping(self) -> None:
        self.uvicorn.should_exit = True

    def stop(self) -> None:
        """Stop gracefully and wait for it."""
        self.begin_stopping()
        self._clients.close()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


class SlowEngine:
    """Holds every request inside of an engine until it is told otherwise."""

    def __init__(self, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
        self._entered = threading.Semaphore(0)
        self._go_on = threading.Event()
        handle = engine.handle

        def slow(request: Request, match: Match | None = None) -> Response:
            self._entered.release()
            assert self._go_on.wait(PATIENCE)
            return handle(request, match)

        monkeypatch.setattr(engine, "handle", slow)

    def wait_for(self, number: int) -> None:
        """Wait until so many requests are inside."""
        for _ in range(number):
            assert self._entered.acquire(timeout=PATIENCE)

    def is_entered(self) -> bool:
        """Whether another request is inside."""
        return self._entered.acquire(blocking=False)

    def release(self) -> None:
        self._go_on.set()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Start servers with the options and limits of the test's choice."""
    servers: list[RunningServer] = []

    def start(
        limits: Limits = DEFAULT_LIMITS,
        authenticator: Authenticator | None = None,
        kind: type[App] = App,
        **options: Any,
    ) -> RunningServer:
        engine = Engine.open(f"sqlite:///{tmp_path}/{len(servers)}.db", limits=limits)
        given = ServerOptions(**options)
        app = kind(engine, given, authenticator, owns_engine=True)
        servers.append(RunningServer(engine, given, app))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests of a file, as `pinpoint-kit serve` starts it."""
    engine = Engine.open(f"sqlite:///{tmp_path_factory.mktemp('server')}/pinpoint.db")
    server = RunningServer(engine, ServerOptions(local_only=True))
    yield server
    server.stop()


class Log(logging.Handler):
    """The access log as it is written; a line may come a moment after its answer."""

    def __init__(self) -> None:
        super().__init__()
        self._written = threading.Condition()
        self._lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        with self._written:
            self._lines.append(json.loads(record.getMessage()))
            self._written.notify()

    def lines(self, count: int) -> list[dict[str, Any]]:
        """Wait until there are so many lines, and return all."""
        with self._written:
            assert self._written.wait_for(lambda: len(self._lines) >= count, PATIENCE)
            return list(self._lines)


@pytest.fixture
def log() -> Iterator[Log]:
    """Give the access log of the test's requests."""
    handler = Log()
    logger = logging.getLogger(access_log.LOGGER)
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)

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
from pinpoint_kit.server import ServerOptions, access_log, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: No test waits longer than this for anything.
PATIENCE = 20.0


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

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._incoming = self._socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Sends a request that has nothing wrong with it, and returns the answer."""
        lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]).encode() + body)
        return self.answer(has_body=method != "HEAD")

    def answer(self, *, has_body: bool = True) -> Answer:
        """Reads an answer; raises ConnectionError when the server closes instead."""
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
        """Waits until the server has closed the connection, or something comes."""
        try:
            return self._incoming.read(1) == b""
        except ConnectionError:
            return True

    def close(self) -> None:
        self._incoming.close()
        self._socket.close()


class RunningServer:
    """The engine behind a real socket, in a thread of the test's process."""

    def __init__(self, engine: Engine, options: ServerOptions) -> None:
        self.engine = engine
        self.app = run.ServedApp(engine, options, owns_engine=True)
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

    def client(self) -> Client:
        """Opens a raw connection."""
        client = Client(self.port)
        self._clients.callback(client.close)
        return client

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Sends one request on a connection of its own."""
        client = Client(self.port)
        try:
            return client.request(method, path, body, **headers)
        finally:
            client.close()

    def boto3(self) -> Any:
        """A client that was never written for this server."""
        client = boto3.client(
            "pinpoint",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id="AKIAEXAMPLE",
            aws_secret_access_key="secret",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self._clients.callback(client.close)
        return client

    def make_app(self) -> str:
        """Makes an application and returns its id."""
        made: str = self.ask("POST", "/v1/apps", b'{"Name": "shop"}').json["Id"]
        return made

    def begin_stopping(self) -> None:
        self.uvicorn.should_exit = True

    def stop(self) -> None:
        """Stops gracefully and waits for it."""
        self.begin_stopping()
        self._clients.close()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()


Serve = "Callable[..., RunningServer]"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Starts servers with the options and limits of the test's choice."""
    servers: list[RunningServer] = []

    def start(limits: Limits = DEFAULT_LIMITS, **options: Any) -> RunningServer:
        engine = Engine.open(f"sqlite:///{tmp_path}/{len(servers)}.db", limits=limits)
        servers.append(RunningServer(engine, ServerOptions(**options)))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(serve: Callable[..., RunningServer]) -> RunningServer:
    """A server with the options of `pinpoint-kit serve`."""
    return serve(local_only=True)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """Reads the access log as it was written so far."""
    caplog.set_level(logging.INFO, access_log.LOGGER)

    def read() -> list[dict[str, Any]]:
        records = [record for record in caplog.records if record.name == access_log.LOGGER]
        return [json.loads(record.getMessage()) for record in records]

    return read

"""A scripted HTTP server on loopback, and botocore clients that talk to it."""

from __future__ import annotations

import os
import socket
import struct
import threading
import types
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import attrs
import botocore.session
import orjson
import pytest
from botocore.config import Config

from pinpoint_kit.transport import RetryPolicy, Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: The service model is read once for all tests.
LOADER = botocore.session.Session().get_component("data_loader")


@attrs.frozen
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@attrs.frozen
class Reply:
    """One answer; `fault` spoils it: `reset`, `silent` or `truncated`."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = attrs.field(factory=dict)
    fault: str = ""


def accepted(seen: Seen) -> Reply:
    """Return what Pinpoint answers to PutEvents when it takes everything."""
    ok = {"StatusCode": 202, "Message": "Accepted"}
    results = {
        endpoint_id: {
            "EndpointItemResponse": ok,
            "EventsItemResponse": dict.fromkeys(item["Events"], ok),
        }
        for endpoint_id, item in orjson.loads(seen.body)["BatchItem"].items()
    }
    return Reply(202, orjson.dumps({"Results": results}), {"x-amzn-RequestId": "request-1"})


class Server:
    """Gives the scripted replies in turn, then `default`; remembers what it saw."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.default: Callable[[Seen], Reply] = accepted
        self.seen: list[Seen] = []
        self.release = threading.Event()
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, self.path, headers, body)
                with outer._lock:
                    outer.seen.append(seen)
                    reply = outer.script.pop(0) if outer.script else None
                outer.write(self, reply or outer.default(seen))

            do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 -- http.server's names

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients hang up
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    def write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        """Send a reply, or spoil it."""
        if reply.fault == "reset":
            handler.connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            handler.connection.close()
            handler.close_connection = True
            return
        if reply.fault == "silent":
            self.release.wait(10)
            handler.close_connection = True
            return
        handler.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            handler.send_header(name, value)
        size = len(reply.body) + (10 if reply.fault == "truncated" else 0)
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.wfile.write(reply.body)
        if reply.fault == "truncated":
            handler.close_connection = True

    def stop(self) -> None:
        """Stop serving."""
        self.release.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join(5)


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """No setting of the machine reaches a test, and nobody asks for instance metadata."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a scripted server."""
    server = Server()
    yield server
    server.stop()


def make_client(url: str | None, **options: Any) -> Any:
    """Return a client with credentials and without botocore's own retries."""
    session = options.pop("session", None) or botocore.session.Session()
    session.register_component("data_loader", LOADER)
    if options.pop("signed", True):
        options.setdefault("aws_access_key_id", "AKIDEXAMPLE")
        options.setdefault("aws_secret_access_key", "secret")
    config: dict[str, Any] = {
        "retries": {"total_max_attempts": 1},
        "read_timeout": 5,
        "connect_timeout": 2,
    }
    config.update(options.pop("config", {}))
    return session.create_client(
        "pinpoint", region_name="us-east-1", endpoint_url=url, config=Config(**config), **options
    )


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    """Give a botocore client for the scripted server."""
    client = make_client(server.url)
    yield client
    client.close()


@attrs.define
class Sleeps:
    """Remembers waits and does not wait."""

    taken: list[float] = attrs.field(factory=list)

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.fixture
def sleeps() -> Sleeps:
    """Give the waits that a transport asked for."""
    return Sleeps()


@pytest.fixture
def transport(client: Any, sleeps: Sleeps) -> Iterator[Transport]:
    """Give a transport that never really waits."""
    transport = Transport(client, retry=RetryPolicy(max_attempts=4), sleep=sleeps)
    yield transport
    transport.close()


@pytest.fixture
def kit() -> Any:
    """Give the helpers of this file, for tests that make their own."""
    return types.SimpleNamespace(
        Reply=Reply, Server=Server, make_client=make_client, accepted=accepted
    )

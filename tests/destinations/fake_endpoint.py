"""An HTTP endpoint for Amazon Data Firehose on a loopback socket, over TLS if wanted.

It checks what it gets as a receiver does, and answers as it is told. `python fake_endpoint.py`
serves in a process of its own and prints its URL, for benchmarks.
"""

from __future__ import annotations

import base64
import gzip
import ssl
import sys
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import attrs
import orjson

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Answer", "FakeEndpoint"]


@attrs.frozen(kw_only=True)
class Answer:
    """What one request is answered; the request's id is echoed unless there is a body."""

    status: int = 200
    headers: dict[str, str] = attrs.field(factory=dict)
    body: bytes | None = None
    is_endless: bool = False
    is_dripping: bool = False
    hangs: bool = False


class FakeEndpoint:
    """Takes what comes, and answers from a script.

    Args:
        certificate: a file with a key and its certificate, for TLS.

    Attributes:
        script: the answers to the next requests, in turn.
        judge: calls the records of a request wrong, by answering 400.
        requests: what came: path, headers in lower case, request id, data of the records.
    """

    def __init__(self, certificate: Path | None = None) -> None:
        self.script: deque[Answer] = deque()
        self.judge: Callable[[bytes], bool] = lambda _: False
        self.requests: list[tuple[str, dict[str, str], str, list[bytes]]] = []
        self._ended = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers["content-length"]))
                outer._answer(self, headers, body)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients hang up
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        scheme = "http" if certificate is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._http.server_port}/firehose"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)

    @property
    def data(self) -> list[bytes]:
        """The data of all records that came, in their order."""
        return [data for *_, records in self.requests for data in records]

    def _answer(self, handler: Any, headers: dict[str, str], body: bytes) -> None:
        content = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        members = orjson.loads(content)
        assert members.keys() == {"requestId", "timestamp", "records"}
        records = [base64.b64decode(one["data"], validate=True) for one in members["records"]]
        self.requests.append((handler.path, headers, members["requestId"], records))
        answer = self.script.popleft() if self.script else Answer()
        if any(map(self.judge, records)):
            answer = Answer(status=400)
        echoed = {"requestId": members["requestId"], "timestamp": members["timestamp"]}
        sent = orjson.dumps(echoed) if answer.body is None else answer.body
        if answer.hangs:
            self._ended.wait(30)
            handler.close_connection = True
            return
        handler.send_response(answer.status)
        for name, value in {"Content-Type": "application/json", **answer.headers}.items():
            handler.send_header(name, value)
        length = 10**9 if answer.is_endless else len(sent)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        if answer.is_endless:
            while not self._ended.is_set():
                handler.wfile.write(b" " * 65_536)
        for start in range(0, len(sent) if answer.is_dripping else 0, 1):
            if self._ended.wait(0.1):
                return
            handler.wfile.write(sent[start : start + 1])
        if not answer.is_dripping:
            handler.wfile.write(sent)


if __name__ == "__main__":
    with FakeEndpoint() as served:
        print(served.url, flush=True)  # noqa: T201 -- what it was started for
        sys.stdin.read()

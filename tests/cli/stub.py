"""A server that knows applications and never takes an event, on a port of the loopback."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """GetApp and GetApps: there is one application."""
        self._answer(200, b'{"Id":"0","Name":"shop","Arn":"arn","Item":[]}')

    def do_POST(self) -> None:
        """Whatever is sent: not now."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(503, b'{"Message":"not now"}')

    def log_message(self, *_: object) -> None:
        """Tests are silent."""

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def busy_server() -> Iterator[str]:
    """Its URL, while it runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()

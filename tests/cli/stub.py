"""Servers that answer every request with the same status, on a port of the loopback."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_OK = 200
_ACCEPTED = 202
_APPLICATION = b'{"Id":"0","Name":"shop","Arn":"arn","Item":[]}'
_REFUSAL = b'{"Message":"not now","RequestID":"r"}'


class _Server(ThreadingHTTPServer):
    get_status = _OK
    post_status = _ACCEPTED
    list_refusal = ""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """GetApp and GetApps: there is one application, or an error."""
        refusal = self.server.list_refusal
        if refusal and self.path.partition("?")[0] == "/v1/apps":
            self._answer(403, _REFUSAL, refusal)
            return
        status = self.server.get_status
        self._answer(status, _APPLICATION if status == _OK else _REFUSAL)

    def do_POST(self) -> None:
        """PutEvents: all events are accepted, or none."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status = self.server.post_status
        self._answer(status, _accepted(body) if status == _ACCEPTED else _REFUSAL)

    def log_message(self, *_: object) -> None:
        """Test are silent."""

    def _answer(self, status: int, body: bytes, error_type: str = "") -> None:
        self.send_response(status)
        if error_type:
            self.send_header("x-amzn-ErrorType", error_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _accepted(body: bytes) -> bytes:
    answer = {"StatusCode": _ACCEPTED, "Message": "Accepted"}
    results = {
        endpoint_id: {"EventsItemResponse": dict.fromkeys(item["Events"], answer)}
        for endpoint_id, item in json.loads(body)["BatchItem"].items()
    }
    return json.dumps({"Results": results}).encode()


@contextlib.contextmanager
def answering_server(get_status: int, post_status: int, list_refusal: str = "") -> Iterator[str]:
    """Yield the URL of a server with these answers, while it runs."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.list_refusal = list_refusal
        server.get_status, server.post_status = get_status, post_status
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def busy_server() -> contextlib.AbstractContextManager[str]:
    """Return the URL of a server that knows applications and never takes an event."""
    return answering_server(_OK, 503)


def strict_server(refusal: str) -> contextlib.AbstractContextManager[str]:
    """Return the URL of a server that shows its application, and no list of applications."""
    return answering_server(_OK, _ACCEPTED, refusal)

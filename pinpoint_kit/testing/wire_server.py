"""A small HTTP/1.1 server on a loopback socket that can misbehave on the wire.

Raw sockets, because a proper server cannot reset a connection or lie about a length. One thread
accepts, and one more serves each connection. What is answered, and how, is said by a `Reply`;
this file knows nothing of Pinpoint.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Literal

import attrs

from pinpoint_kit.engine.wire.http import Request, Response

__all__ = ["Reply", "WireServer"]

Ending = Literal["whole", "slow", "truncated", "reset", "timeout"]

_MOST_HEAD_BYTES = 65_536
_PIECES = 20
#: Closing a socket with this sends RST in place of FIN.
_ABORT = struct.pack("ii", 1, 0)


@attrs.frozen
class Reply:
    """What goes out for one request.

    Attributes:
        response: the answer; None when there is none.
        ending: `whole`; `slow`, in small pieces; `truncated`, cut in the middle; `reset`, the
            connection is reset; `timeout`, nothing came for as long as anybody would wait.
        seconds: how long a slow answer takes.
        wait: waits for some seconds, or less when everything is to end at once.
    """

    response: Response | None = None
    ending: Ending = "whole"
    seconds: float = 0.0
    wait: Callable[[float], object] = time.sleep


class WireServer:
    """Serves on 127.0.0.1; `stop` closes the port, and `start` opens the same one again.

    Args:
        answer: makes the reply to a request; the second argument tells whether the client has
            gone meanwhile.
        wait: waits for some seconds, or less when everything is to end.
    """

    def __init__(self, answer: Callable[[Request, Callable[[], bool]], Reply]) -> None:
        self._answer = answer
        self._port = 0
        self._listener: socket.socket | None = None
        self._wake: socket.socket | None = None
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._threads: set[threading.Thread] = set()

    @property
    def port(self) -> int:
        """The port; 0 before the first start."""
        return self._port

    @property
    def is_running(self) -> bool:
        """True while the port is open."""
        return self._listener is not None

    def start(self) -> None:
        """Open the port, the same as before if it was open once."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(128)
        self._port = listener.getsockname()[1]
        wake, self._wake = socket.socketpair()
        self._listener = listener
        self._spawn(self._accept, listener, wake)

    def stop(self) -> None:
        """Close the port and reset every connection; idempotent."""
        if self._listener is None or self._wake is None:
            return
        self._wake.close()
        self._listener = None
        with self._lock:
            threads = list(self._threads)
            for connection in self._connections:
                with suppress(OSError):
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(10.0)

    def _spawn(self, target: Callable[..., None], *args: object) -> None:
        def run() -> None:
            try:
                target(*args)
            finally:
                with self._lock:
                    self._threads.discard(thread)

        thread = threading.Thread(target=run, name="faulty-pinpoint", daemon=True)
        with self._lock:
            self._threads.add(thread)
        thread.start()

    def _accept(self, listener: socket.socket, wake: socket.socket) -> None:
        with listener, wake:
            while True:
                ready, _, _ = select.select([listener, wake], [], [])
                if wake in ready:
                    return
                with suppress(OSError):
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    with self._lock:
                        self._connections.add(connection)
                    self._spawn(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as incoming, suppress(OSError, ValueError):
                while (request := _read(incoming.readline, incoming.read, connection)) is not None:
                    reply = self._answer(request, lambda: _has_gone(connection))
                    if not self._send(connection, reply):
                        return
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _send(self, connection: socket.socket, reply: Reply) -> bool:
        """Send it; False when the connection is not to be used again."""
        if reply.response is None:
            if reply.ending == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            return False
        head, body = _head(reply.response), reply.response.body
        if reply.ending == "truncated":
            connection.sendall(head + body[: len(body) // 2])
            return False
        if reply.ending == "slow":
            connection.sendall(head)
            size = max(1, -(-len(body) // _PIECES))
            for start in range(0, len(body), size):
                reply.wait(reply.seconds / _PIECES)
                connection.sendall(body[start : start + size])
            return True
        connection.sendall(head + body)
        return True


def _read(
    readline: Callable[[int], bytes], read: Callable[[int], bytes], connection: socket.socket
) -> Request | None:
    """Return the next request; None when the client has closed the connection."""
    first = readline(_MOST_HEAD_BYTES)
    if not first:
        return None
    method, target, _ = first.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := readline(_MOST_HEAD_BYTES)) not in {b"\r\n", b"\n", b""}:
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    length = int(headers.get("content-length", "0"))
    body = read(length)
    if len(body) < length:
        return None
    path, _, query = target.partition("?")
    return Request(method, path, query, headers, body)


def _head(response: Response) -> bytes:
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {response.status} {phrase}", f"Content-Length: {len(response.body)}"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _has_gone(connection: socket.socket) -> bool:
    try:
        ready, _, _ = select.select([connection], [], [], 0)
        return bool(ready) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):
        return True

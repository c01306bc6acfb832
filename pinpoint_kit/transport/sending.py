"""Requests that end in time: connecting, sending and reading share one deadline.

botocore's timeouts count each read, so that a server that drips its answer, or never ends it,
holds a call for as long as it likes and fills the memory. Its connections are replaced by ones that
look at the clock and count the bytes, also those that a proxy has compressed without being asked. A
name look-up takes what the system's resolver takes. This leans on `http_session` of botocore's
endpoint and on urllib3's connection classes; both are exercised in the tests.
"""

from __future__ import annotations

import http.client
import io
import socket
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore import awsrequest
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from pinpoint_kit.errors import TransportError
from pinpoint_kit.transport import deadlines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.client import BaseClient
    from botocore.httpsession import URLLib3Session

__all__ = ["MOST_ANSWER_BYTES", "bound", "bound_session"]

#: The longest answer that is read: twice a page of 1,000 endpoints of the largest size.
MOST_ANSWER_BYTES = 32_000_000
#: The shortest time that a socket is given: 0 would mean not to wait at all.
_LEAST_S = 0.001


def bound(client: BaseClient) -> None:
    """Bound each request of a client in time, by its read timeout, and each answer in size."""
    bound_session(client._endpoint.http_session)  # type: ignore[attr-defined]  # noqa: SLF001 -- botocore has no other way to its connections


def bound_session(session: URLLib3Session) -> None:
    """Bound each request of botocore's HTTP session, as `bound` does those of a client."""
    session._pool_classes_by_scheme.update(  # type: ignore[attr-defined]  # noqa: SLF001 -- as above
        http=_HTTPPool, https=_HTTPSPool
    )


def _too_large() -> TransportError:
    return TransportError(
        f"answer larger than {MOST_ANSWER_BYTES // 1_000_000} MB: check that the URL is a"
        " Pinpoint service, or ask for smaller pages",
        is_retryable=False,
    )


class _Reader(io.RawIOBase):
    """Reads a socket until the deadline, and no more than an answer may have."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, seconds: float) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock
        self._at = time.monotonic() + seconds
        self._left = MOST_ANSWER_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 -- what can be written into
        seconds = self._at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the time for this request is over")
        self._sock.settimeout(seconds)
        count = self._raw.readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise _too_large()
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer, headers and body, that ends in time."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 -- http.client's own
        super().__init__(sock, *args, **kwargs)
        seconds = deadlines.remaining(sock.gettimeout() or 0.0)
        self.fp = io.BufferedReader(_Reader(self.fp.detach(), sock, seconds))


class _Bounded:
    """A connection whose every step looks at the deadline of the calling thread."""

    response_class = _Answer
    host: str
    port: int
    timeout: float
    sock: socket.socket | None
    auto_open: int
    source_address: tuple[str, int] | None
    socket_options: Any

    def _seconds(self) -> float:
        return max(_LEAST_S, deadlines.remaining(self.timeout))

    def _new_conn(self) -> socket.socket:
        """Try the addresses of the host one after the other, all of them within the deadline."""
        with deadlines.within(self.timeout):
            try:
                found = socket.getaddrinfo(self.host, self.port, 0, socket.SOCK_STREAM)
            except OSError as error:
                raise NewConnectionError(self, f"no address for {self.host}: {error}") from error  # type: ignore[arg-type]  # it is a connection
            failed: OSError = OSError("no address")
            for family, kind, protocol, _, address in found:
                try:
                    return self._connected(socket.socket(family, kind, protocol), address)
                except OSError as error:
                    failed = error
                if deadlines.remaining(self.timeout) <= 0:
                    break
        if isinstance(failed, TimeoutError):
            raise ConnectTimeoutError(self, "no connection in time") from failed
        raise NewConnectionError(self, f"no connection: {failed}") from failed  # type: ignore[arg-type]  # as above

    def _connected(self, sock: socket.socket, address: Any) -> socket.socket:  # noqa: ANN401 -- by family
        try:
            for option in self.socket_options or ():
                sock.setsockopt(*option)
            sock.settimeout(self._seconds())
            if self.source_address:
                sock.bind(self.source_address)
            sock.connect(address)
            sock.settimeout(self._seconds())  # of what comes first on it: a handshake
        except BaseException:
            sock.close()
            raise
        sys.audit("http.client.connect", self, self.host, self.port)
        return sock

    def send(self, data: Any) -> None:  # noqa: ANN401 -- what http.client sends
        if self.sock is None and self.auto_open:
            self.connect()  # type: ignore[attr-defined]  # of the connection that this is mixed into
        if self.sock is not None:
            self.sock.settimeout(self._seconds())
        super().send(data)  # type: ignore[misc]  # as above


class _HTTPConnection(_Bounded, awsrequest.AWSHTTPConnection):  # type: ignore[misc]  # the mixin comes first
    """Over TCP."""


class _HTTPSConnection(_Bounded, awsrequest.AWSHTTPSConnection):  # type: ignore[misc]  # as above
    """Over TLS."""


class _Timed:
    """A pool whose requests begin with the time that one may take in all."""

    timeout: Any

    def urlopen(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- urllib3's own
        with deadlines.within(self.timeout.read_timeout):
            answer = super().urlopen(*args, **kwargs)  # type: ignore[misc]  # of the pool that this is mixed into
        if answer.headers.get("Content-Encoding"):
            answer.decode_content = True  # botocore says no, and would take it for another's page
            answer.stream = partial(_decoded, answer)
        return answer


def _decoded(answer: Any, *args: Any, **kwargs: Any) -> Iterator[bytes]:  # noqa: ANN401 -- urllib3's own
    """Yield a compressed answer's content, and no more than an answer may have."""
    del answer.stream  # its class's own again, and no cycle
    left, is_whole = MOST_ANSWER_BYTES, False
    try:
        # Said here: urllib3 does not ask the answer itself when it comes in chunks.
        for part in answer.stream(*args, **{**kwargs, "decode_content": True}):
            left -= len(part)
            if left < 0:
                raise _too_large()
            yield part
        is_whole = True
    finally:
        if not is_whole:
            answer.close()  # urllib3 does so only where reading fails, not where decoding does


class _HTTPPool(_Timed, awsrequest.AWSHTTPConnectionPool):
    """Over TCP."""

    ConnectionCls = _HTTPConnection


class _HTTPSPool(_Timed, awsrequest.AWSHTTPSConnectionPool):
    """Over TLS."""

    ConnectionCls = _HTTPSConnection

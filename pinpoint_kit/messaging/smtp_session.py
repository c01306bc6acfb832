"""One conversation with an SMTP server, every step of which ends in time.

smtplib's timeout counts each read, so that a server that drips its answer holds a call for as long
as it likes. Its reader and its writer are replaced by ones that look at a deadline.
"""

from __future__ import annotations

import io
import smtplib
import socket
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

__all__ = ["Session", "TlsSession"]

_LEAST_S = 0.001


class _Reader(io.RawIOBase):
    """Reads a socket until the deadline of its session."""

    def __init__(self, session: _Timed, sock: socket.socket) -> None:
        super().__init__()
        self._session = session
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 -- what can be written into
        self._sock.settimeout(self._session.seconds())
        return self._sock.recv_into(buffer)


class _Timed:
    """What both sessions share: a moment until which the present call may take."""

    until = 0.0
    file: Any
    sock: Any

    def seconds(self) -> float:
        """Return how long the next step may take.

        Raises:
            TimeoutError: the time is over.
        """
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time for this e-mail is over")
        return left

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Reader(self, self.sock))
        return super().getreply()  # type: ignore[misc, no-any-return]  # of smtplib

    def send(self, s: Any) -> None:  # noqa: ANN401 -- smtplib's own name and type
        if self.sock is not None:
            self.sock.settimeout(self.seconds())
        super().send(s)  # type: ignore[misc]  # as above


class Session(_Timed, smtplib.SMTP):
    """Over TCP, and over TLS after `starttls`."""

    def __init__(self, *, until: float) -> None:
        self.until = until
        super().__init__(local_hostname=_here(), timeout=max(_LEAST_S, until - time.monotonic()))


class TlsSession(_Timed, smtplib.SMTP_SSL):
    """Over TLS from the first byte on."""

    def __init__(self, *, until: float, context: ssl.SSLContext) -> None:
        self.until = until
        super().__init__(
            local_hostname=_here(),
            timeout=max(_LEAST_S, until - time.monotonic()),
            context=context,
        )


def _here() -> str:
    """Return what this machine calls itself, without asking a name server as smtplib does."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"

"""`BufferedTransport`: sends in one piece, closes gently, and waits for nobody.

It stands in front of asyncio's transport. Gently: while a client still sends, closing at once would
reset the connection, and the client might lose the answer that tells it why. So the sending side is
closed first, and what still comes is thrown away for a moment. A client that does not read is given
up. Nothing here knows HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from pinpoint_kit.server.options import ServerOptions

__all__ = ["BufferedTransport"]

#: How long, and how much, is thrown away after an early answer. Many clients send all of a body
#: before they read, so this is a few times the largest one that the service takes.
_LINGER_S = 2.0
_LINGER_BYTES = 32_000_000
#: What a client has to take of a waiting answer within `write_timeout`.
_LEAST_PROGRESS = 16_384
#: So much is not held until the end of the turn.
_LONG = 65_536


class BufferedTransport:
    """Stands in front of a transport, as far as uvicorn uses one.

    Args:
        transport: what it stands in front of.
        options: the patience to have.
        loop: the loop of the transport.
        is_sending: tells whether the client is in the middle of a request.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        options: ServerOptions,
        loop: asyncio.AbstractEventLoop,
        is_sending: Callable[[], bool],
    ) -> None:
        self._transport = transport
        self._is_sending = is_sending
        self._patience = options.write_timeout
        self._loop = loop
        self._held: list[bytes] = []
        self._sent = 0
        self._is_closing = False
        self._discarded = 0
        self._linger_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self.get_extra_info = transport.get_extra_info
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        """Send what is written within one turn of the loop in one piece.

        uvicorn writes the head of an answer and its body one after the other; as two packets they
        would cost client and server nearly twice as much.
        """
        if not self._held:
            self._loop.call_soon(self._send)
        self._held.append(data)
        if len(data) >= _LONG:
            self._send()  # now, so that the server sees at once whether the client reads

    def is_closing(self) -> bool:
        """Whether nothing more will be read or sent."""
        return self._is_closing or self._transport.is_closing()

    def close(self) -> None:
        """Send what waits, then ends the connection; gently, if the client is still sending."""
        if self.is_closing():
            return
        self._send()
        self._is_closing = True
        if not (self._is_sending() and self._transport.can_write_eof()):
            self._transport.close()
            return
        self._transport.write_eof()
        self._transport.resume_reading()
        self._linger_timer = self._loop.call_later(_LINGER_S, self._transport.close)

    def discard(self, size: int) -> None:
        """Count what comes after closing."""
        self._discarded += size
        if self._discarded > _LINGER_BYTES:
            self.abort()

    def abort(self) -> None:
        """End the connection now."""
        self._is_closing = True
        self._transport.abort()

    def has_ended(self) -> None:
        """Forget the timers: the connection is gone."""
        self._is_closing = True
        for timer in (self._linger_timer, self._write_timer):
            if timer is not None:
                timer.cancel()

    def _send(self) -> None:
        """Send what is held, and begins to watch if not all could be sent at once."""
        data = b"".join(self._held)
        self._held.clear()
        if not data or self.is_closing():
            return
        self._transport.write(data)
        self._sent += len(data)
        if self._write_timer is None and self._transport.get_write_buffer_size():
            self._watch()

    def _watch(self) -> None:
        self._write_timer = self._loop.call_later(self._patience, self._look, self._taken())

    def _look(self, before: int) -> None:
        self._write_timer = None
        if not self._transport.get_write_buffer_size():
            return
        if self._taken() - before < _LEAST_PROGRESS:
            self.abort()
        else:
            self._watch()

    def _taken(self) -> int:
        """How much the system has taken to send, which it does as the client takes it."""
        return self._sent - self._transport.get_write_buffer_size()

"""`Connection`: uvicorn's HTTP/1.1 connection, with an end to everybody's patience.

uvicorn waits for ever for the rest of a request's head and for a client that does not read, and
it closes so hard that an early answer can get lost on its way. This file changes that, and puts
refusals into the service's form. Parsing is h11's, the rest uvicorn's; requests are the app's.

What it leans on in uvicorn, which is not public and is why uvicorn is pinned below the next minor
release: of `H11Protocol` the methods `connection_made`, `connection_lost`, `data_received`,
`send_400_response`, `on_response_complete` and `shutdown`, which are overridden, and the attributes
`conn`, `connections`, `loop` and `server_state.default_headers`, which are read, and `app`, which
is replaced; that it uses its transport by `write`, `close`, `is_closing`, `get_extra_info`,
`pause_reading` and `resume_reading` only; and that a `send` waits while writing is paused.
server/workers.py leans on `Multiprocess` as well: its docstring says how.
"""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING, Any, Protocol, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pinpoint_kit.server import refusals
from pinpoint_kit.server.access_log import Entry
from pinpoint_kit.server.http.buffered_transport import BufferedTransport
from pinpoint_kit.server.http.memory import ABORT

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable, MutableMapping

    from pinpoint_kit.server.options import ServerOptions
    from pinpoint_kit.server.refusals import HttpRefusal

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

__all__ = ["Connection", "Served"]


class Served(Protocol):
    """The app, as far as connections need it."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, as ASGI has it."""

    @property
    def options(self) -> ServerOptions:
        """What to grant to a client."""

    def record(self, entry: Entry) -> None:
        """Count and log a request that has ended."""

    def begin_stopping(self) -> None:
        """Say that no more requests should be sent here."""


class Connection(H11Protocol):
    """One client. uvicorn makes it, with the app in its configuration."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new client in, in place of an idle one if there are too many."""
        self._app = cast("Served", self.app)
        self.app = self._serve
        self._options = self._app.options
        self._head_timer: asyncio.TimerHandle | None = None
        self._since = self.loop.time()
        self._buffered = BufferedTransport(
            cast("asyncio.Transport", transport),
            self._options,
            self.loop,
            lambda: self.conn.their_state in {h11.SEND_BODY, h11.ERROR},
        )
        super().connection_made(cast("asyncio.Transport", self._buffered))
        # An answer is written in two pieces, and the second would wait 40 ms for the client to
        # confirm the first. asyncio knows the option, but not for a listener that it is given.
        peer = cast("socket.socket", transport.get_extra_info("socket"))
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) > self._options.max_connections and not self._make_room():
            self.connections.discard(self)
            self._note("too_many_connections", 0)
            self._buffered.abort()
            return
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the client."""
        self._stop_expecting()
        self._buffered.has_ended()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self._buffered.is_closing():
            self._buffered.discard(len(data))
            return
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_expecting()
        elif self._head_timer is None and not self._buffered.is_closing():
            self._expect_head()

    def send_400_response(self, msg: str) -> None:
        """Refuse what h11 could not read; uvicorn calls it while it handles h11's error."""
        error = sys.exc_info()[1]
        status = getattr(error, "error_status_hint", 400)
        if status == 431:  # noqa: PLR2004 -- the number has a name in the next line
            self._refuse(refusals.head_too_large("The request's headers are too large"))
        else:
            self._refuse(refusals.malformed(msg, status))

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._since = self.loop.time()
        super().on_response_complete()

    def shutdown(self) -> None:
        """End after the request that is under way; uvicorn calls it when it stops."""
        self._app.begin_stopping()
        super().shutdown()

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        """Call the app, which may have to hang up on a client that does not read."""
        scope["extensions"] = {ABORT: self._buffered.abort}
        await self._app(scope, receive, send)

    def _make_room(self) -> bool:
        """Hang up on the client that can best be spared: an idle one, or else a slow one."""
        others = (cast("Connection", one) for one in self.connections if one is not self)
        spare = [one for one in others if one.conn.their_state in {h11.IDLE, h11.SEND_BODY}]
        if not spare:
            return False
        least = min(spare, key=lambda one: one._rank())  # noqa: SLF001 -- same class
        self.connections.discard(least)
        least._buffered.abort()  # noqa: SLF001 -- same class
        return True

    def _rank(self) -> tuple[bool, float]:
        return self.conn.their_state is h11.SEND_BODY, self._since

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(self._options.head_timeout, self._head_is_late)

    def _stop_expecting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if self.conn.trailing_data[0]:
            self._refuse(refusals.too_slow("request"))
        else:
            self._buffered.close()  # it was opened to be there in case

    def _refuse(self, refused: HttpRefusal) -> None:
        """Answer without the app, and hang up."""
        self._stop_expecting()
        response = refused.response
        self._note(refused.reason, response.status, response.headers["x-amzn-RequestId"])
        if self.conn.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self._buffered.abort()  # in the middle of another answer
            return
        headers: list[Any] = [*self.server_state.default_headers, *response.headers.items()]
        headers += [("Content-Length", str(len(response.body))), ("Connection", "close")]
        events: list[Any] = [
            h11.Response(status_code=response.status, headers=headers, reason=b""),
            h11.Data(data=response.body),
            h11.EndOfMessage(),
        ]
        self._buffered.write(b"".join(self.conn.send(event) or b"" for event in events))
        self._buffered.close()

    def _note(self, reason: str, status: int, request_id: str = "") -> None:
        self._app.record(Entry(status=status, reason=reason, request_id=request_id))

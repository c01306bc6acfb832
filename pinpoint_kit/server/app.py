"""`App`: an engine as an ASGI application.

It reads and writes HTTP and nothing else: what a request means is the engine's business, sockets
are those of the server that runs the app. The engine is synchronous and may wait for its
database, so it is called on the event loop's executor.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from pinpoint_kit.engine.wire.http import Request, Response
from pinpoint_kit.server import access_log, refusals
from pinpoint_kit.server.access.admission import Door
from pinpoint_kit.server.access_log import Entry
from pinpoint_kit.server.background import Housework
from pinpoint_kit.server.http.bodies import Body, Disconnected, Room
from pinpoint_kit.server.http.head import Head
from pinpoint_kit.server.metrics import Metrics
from pinpoint_kit.server.options import ServerOptions
from pinpoint_kit.server.probes import Probes
from pinpoint_kit.server.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from pinpoint_kit.engine import Engine
    from pinpoint_kit.server.access.authenticator import Doorkeeper

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

__all__ = ["App", "asgi_app"]

_logger = logging.getLogger(__name__)

#: As nginx writes it: there was nobody left to answer.
_CLIENT_GONE = 499
_NO_CONTENT = 204


def asgi_app(
    engine: Engine,
    *,
    options: ServerOptions | None = None,
    doorkeeper: Doorkeeper | None = None,
    owns_engine: bool = False,
) -> App:
    """Makes an ASGI application that answers Pinpoint's API, for uvicorn or another server.

    It also answers `/healthz` (the process lives), `/readyz` (the engine answers) and `/metrics`
    (Prometheus). The server in front has to bound the time for headers and for slow readers;
    `pinpoint-kit serve` does.

    Args:
        engine: what answers; the app calls it from several threads.
        options: what to grant to a client; the defaults when None.
        doorkeeper: says who may come in; everybody when None. Mounted below a path of another
            application, only keys for all applications can come in.
        owns_engine: close the engine when the server stops.

    Returns:
        The application. It needs the `lifespan` protocol to let jobs go on while no requests come,
        and to close the engine.

    Examples:
        >>> from pinpoint_kit.engine import Engine
        >>> with Engine.open("sqlite://") as engine:
        ...     app = asgi_app(engine)
    """
    return App(engine, options or ServerOptions(), doorkeeper, owns_engine=owns_engine)


class App:
    """One engine behind one event loop. Make it with `asgi_app`."""

    def __init__(
        self,
        engine: Engine,
        options: ServerOptions,
        doorkeeper: Doorkeeper | None = None,
        *,
        owns_engine: bool = False,
    ) -> None:
        self.options = options
        self._engine = engine
        self._door = Door(doorkeeper, local_only=options.local_only)
        self._owns_engine = owns_engine
        self._max_body_bytes = engine.limits.max_request_bytes
        self._room = Room(options.max_body_bytes_in_flight)
        self._in_engine = 0
        self._is_cut_off = False
        self._metrics = Metrics()
        self._probes = Probes(engine, self._metrics, self._door)
        self._housework = Housework(engine.step)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serves one request, or the app's own life."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            raise RuntimeError(f"there is no {scope['type']} here: this is an HTTP application")

    def begin_stopping(self) -> None:
        """Says that no more requests should be sent here: `/readyz` answers 503 from now on."""
        self._probes.is_stopping = True

    async def start(self) -> None:
        """Begins what runs beside the requests."""
        self._housework.begin()

    async def has_finished(self) -> bool:
        """Begins no more work, and returns whether all that had begun is done in time."""
        self.begin_stopping()
        is_done = await self._housework.end(self.options.stop_timeout)
        return is_done and not self._is_cut_off

    async def stop(self) -> None:
        """Ends what runs beside the requests, once the last of them is answered."""
        await self.has_finished()
        if self._owns_engine:
            self._engine.close()

    def record(self, entry: Entry) -> None:
        """Counts a request that has ended, and writes its line into the access log."""
        self._metrics.count(entry)
        if self.options.access_log:
            access_log.write(entry)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        head = Head.of(scope)
        probe = await self._probes.answer(head, _peer(scope))
        if probe is not None:
            await _send(send, probe, is_last=False)
            return
        began = time.perf_counter()
        address = _peer(scope) if self.options.log_addresses else ""
        entry = Entry(method=head.method, address=address)
        self._metrics.in_flight.inc()
        try:
            await self._answer(head, scope, receive, send, entry)
        finally:
            self._metrics.in_flight.dec()
            entry.seconds = time.perf_counter() - began
            self.record(entry)

    async def _answer(
        self, head: Head, scope: Message, receive: Receive, send: Send, entry: Entry
    ) -> None:
        """Sends an answer in every case but one: nobody is there any more."""
        is_last = False
        try:
            head.check(scope["http_version"], self.options)
            self._door.check_visitor(head)
            entry.operation = self._engine.operation_of(head.method, head.path)
            self._door.glance(head)
            response = await self._ask(head, receive, entry)
        except Refused as refused:
            response, entry.reason = refused.response, refused.reason
            is_last = refused.ends_connection
        except Disconnected:
            entry.status, entry.reason = _CLIENT_GONE, "disconnected"
            return
        except asyncio.CancelledError:
            # The server waits no longer. Its own last word would not be in the service's form.
            self._is_cut_off = True
            response, entry.reason, is_last = refusals.stopping(), "stopping", True
        except Exception as error:  # noqa: BLE001 -- a request must always get an answer
            _logger.error("a request failed: %s", type(error).__name__)  # noqa: TRY400 -- a traceback would hold personal data
            response, is_last = refusals.broken(), True
        entry.status = response.status
        entry.request_id = response.headers["x-amzn-RequestId"]
        entry.error = response.headers.get("x-amzn-ErrorType", "")
        entry.bytes_out = len(response.body)
        await _send(send, response, is_last=is_last)

    async def _ask(self, head: Head, receive: Receive, entry: Entry) -> Response:
        with Body(self._room, self._max_body_bytes, self.options) as body:
            try:
                content = await body.read(head, receive)
            finally:
                entry.bytes_in = body.size
            if self._in_engine >= self.options.max_in_flight:
                raise refusals.busy()
            loop = asyncio.get_running_loop()
            self._in_engine += 1
            try:
                return await loop.run_in_executor(None, self._handle, head, content, entry)
            finally:
                self._in_engine -= 1
                if head.method != "GET":
                    self._housework.begin()
                    self._housework.wake()

    def _handle(self, head: Head, content: bytes, entry: Entry) -> Response:
        """Runs in a thread."""
        entry.access_key_id = self._door.admit(head, content)
        request = Request(head.method, head.path, head.query, head.headers, content)
        return self._engine.handle(request)


def _peer(scope: Message) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


async def _send(send: Send, response: Response, *, is_last: bool) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    if response.status != _NO_CONTENT:
        headers.append((b"content-length", b"%d" % len(response.body)))
    if is_last:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})

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

from pinpoint_kit.engine import LONG_READS
from pinpoint_kit.engine.wire.http import Request, Response
from pinpoint_kit.server import access_log, front_page, refusals
from pinpoint_kit.server.access.admission import AccessControl
from pinpoint_kit.server.access_log import Entry
from pinpoint_kit.server.background import BackgroundWork
from pinpoint_kit.server.head import Head
from pinpoint_kit.server.http.bodies import Body, Disconnected
from pinpoint_kit.server.http.memory import ABORT, MemoryBudget
from pinpoint_kit.server.metrics import Metrics
from pinpoint_kit.server.mounts import mounts_of, replayed, watched
from pinpoint_kit.server.options import ServerOptions
from pinpoint_kit.server.probes import Probes
from pinpoint_kit.server.refusals import HttpRefusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping, Sequence

    from typing_extensions import Unpack

    from pinpoint_kit.engine import Engine
    from pinpoint_kit.engine.wire.routes import Match
    from pinpoint_kit.server.access.audit import AuditLog
    from pinpoint_kit.server.access.authenticator import Authenticator
    from pinpoint_kit.server.mounts import Mount

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

__all__ = ["App", "asgi_app"]

_logger = logging.getLogger(__name__)

#: As nginx writes it: there was nobody left to answer.
_CLIENT_GONE = 499
_NO_CONTENT = 204
#: From here on an answer counts as memory; shorter ones fit into the buffers of sockets.
_LONG_ANSWER_BYTES = 65_536


def asgi_app(  # noqa: PLR0913 -- each is a choice of its own
    engine: Engine,
    *,
    options: ServerOptions | None = None,
    authenticator: Authenticator | None = None,
    doorkeeper: Authenticator | None = None,
    audit_log: AuditLog | None = None,
    mount: Mount | Sequence[Mount] | None = None,
    owns_engine: bool = False,
) -> App:
    """Make an ASGI application that answers Pinpoint's API, for uvicorn or another server.

    It also answers `/healthz` (the process lives), `/readyz` (the engine answers) and `/metrics`
    (Prometheus). The server in front has to bound the time for headers and for slow readers;
    `pinpoint-kit serve` does.

    Args:
        engine: what answers; the app calls it from several threads.
        options: what to grant to a client; the defaults when None.
        authenticator: says who may come in; everybody when None.
        doorkeeper: the same under its earlier name.
        mount: an app beside the API, below a path of its own; or several.
        audit_log: where to record who has done what; nowhere when None.
        owns_engine: close the engine when the server stops.

    Returns:
        The application. It needs the `lifespan` protocol to let jobs go on while no requests come,
        and to close the engine.

    Examples:
        >>> from pinpoint_kit.engine import Engine
        >>> with Engine.open("sqlite://") as engine:
        ...     app = asgi_app(engine)
    """
    return App(
        engine,
        options or ServerOptions(),
        authenticator or doorkeeper,
        audit_log=audit_log,
        mount=mount,
        owns_engine=owns_engine,
    )


class App:
    """One engine behind one event loop. Make it with `asgi_app`."""

    def __init__(  # noqa: PLR0913 -- each is a choice of its own
        self,
        engine: Engine,
        options: ServerOptions,
        authenticator: Authenticator | None = None,
        *,
        audit_log: AuditLog | None = None,
        mount: Mount | Sequence[Mount] | None = None,
        owns_engine: bool = False,
    ) -> None:
        self.options = options
        self._audit_log = audit_log
        self._mounts = mounts_of(mount)
        self._engine = engine
        self._access = AccessControl(authenticator, local_only=options.local_only)
        self._owns_engine = owns_engine
        self._max_body_bytes = engine.limits.max_request_bytes
        self._memory = MemoryBudget(options.max_body_bytes_in_flight)
        self._in_engine = 0
        self._long_reads = asyncio.Semaphore(LONG_READS)
        self._is_cut_off = False
        self._metrics = Metrics()
        self._probes = Probes(engine, self._metrics, self._access)
        jobs, *others = engine.lanes
        self._works = [
            BackgroundWork(jobs),
            *(BackgroundWork(lane, is_alone=True) for lane in others),
        ]
        engine.on_expired_events(self._metrics.expired_events.inc)
        engine.on_forwarded(self._metrics.forwarded)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or the app's own life."""
        if scope["type"] == "http":
            await self._serve(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            raise RuntimeError(f"there is no {scope['type']} here: this is an HTTP application")

    def begin_stopping(self) -> None:
        """Say that no more requests should be sent here: `/readyz` answers 503 from now on."""
        self._probes.is_stopping = True

    async def start(self) -> None:
        """Begin what runs beside the requests."""
        self._begin_work()

    async def has_finished(self) -> bool:
        """Begin no more work, and return whether all that had begun is done in time."""
        self.begin_stopping()
        ends = (work.end(self.options.stop_timeout) for work in self._works)
        return all(await asyncio.gather(*ends)) and not self._is_cut_off

    def _begin_work(self) -> None:
        for work in self._works:
            work.begin()

    async def stop(self) -> None:
        """End what runs beside the requests, once the last of them is answered."""
        await self.has_finished()
        for mount in self._mounts:
            mount.close()
        if self._owns_engine:
            self._engine.close()

    def record(self, entry: Entry) -> None:
        """Count a request that has ended, and writes its line into the access log."""
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
        match = self._engine.resolve(head.method, head.path)
        probe = await self._probes.answer(head, _peer(scope), match)
        if probe is not None:
            await _send(send, probe, is_last=False)
            return
        for mount in self._mounts:
            if mount.serves(head.path):
                await self._serve_beside(mount, head, scope, receive, send)
                return
        if front_page.is_asked_for(head):
            await _send(send, front_page.page(self._mounts), is_last=False)
            return
        began = time.perf_counter()
        address = _peer(scope) if self.options.log_addresses else ""
        entry = Entry(method=head.method, operation=match.operation, address=address)
        self._metrics.in_flight.inc()
        try:
            response, is_last = await self._answer(head, match, scope, receive, entry)
            entry.seconds = time.perf_counter() - began
            if response is not None:
                await self._deliver(response, scope, send, entry, is_last=is_last)
        finally:
            self._metrics.in_flight.dec()
            self.record(entry)

    async def _serve_beside(
        self, mount: Mount, head: Head, scope: Message, receive: Receive, send: Send
    ) -> None:
        """Read a request as those of the API are read, and have the mounted app answer it."""
        began = time.perf_counter()
        address = _peer(scope) if self.options.log_addresses else ""
        entry = Entry(method=head.method, operation=mount.name, address=address)

        def note(status: int) -> None:
            entry.status = status

        def count(size: int) -> None:
            entry.bytes_out += size

        sent = watched(send, note, count)
        self._metrics.in_flight.inc()
        try:
            head.check(scope["http_version"], self.options)
            with Body(self._memory, mount.max_body_bytes, self.options) as body:
                try:
                    content = await body.read(head, receive)
                finally:
                    entry.bytes_in = body.size
                await mount.app(scope, replayed(content, receive), sent)
        except HttpRefusal as refused:
            entry.reason = refused.reason
            await _send(sent, refused.response, is_last=refused.ends_connection)
        except Disconnected:
            entry.status, entry.reason = _CLIENT_GONE, "disconnected"
        except asyncio.CancelledError:  # the server waits no longer
            self._is_cut_off = True
            entry.reason = "stopping"
            if not entry.status:
                await _send(sent, refusals.stopping(), is_last=True)
        except Exception as error:  # noqa: BLE001 -- a request must always get an answer
            _logger.error("a request failed: %s", type(error).__name__)  # noqa: TRY400 -- a traceback would hold personal data
            if not entry.status:
                await _send(sent, refusals.broken(), is_last=True)
        finally:
            entry.seconds = time.perf_counter() - began
            self._metrics.in_flight.dec()
            self.record(entry)

    async def _answer(
        self, head: Head, match: Match, scope: Message, receive: Receive, entry: Entry
    ) -> tuple[Response | None, bool]:
        """Return the answer, None when nobody is there any more; and whether to hang up then."""
        is_last = False
        try:
            head.check(scope["http_version"], self.options)
            self._access.precheck(head)
            response = await self._ask(head, match, receive, entry, _peer(scope))
        except HttpRefusal as refused:
            response, entry.reason = refused.response, refused.reason
            is_last = refused.ends_connection
        except Disconnected:
            entry.status, entry.reason = _CLIENT_GONE, "disconnected"
            return None, True
        except asyncio.CancelledError:
            # The server waits no longer. Its own last word would not be in the service's form.
            self._is_cut_off = True
            response, entry.reason, is_last = refusals.stopping(), "stopping", True
        except Exception as error:  # noqa: BLE001 -- a request must always get an answer
            _logger.error("a request failed: %s", type(error).__name__)  # noqa: TRY400 -- a traceback would hold personal data
            response, is_last = refusals.broken(), True
        return response, is_last

    async def _deliver(
        self, response: Response, scope: Message, send: Send, entry: Entry, *, is_last: bool
    ) -> None:
        """Send an answer. A long one counts as memory until its client has read it."""
        size = len(response.body)
        held = None
        if size >= _LONG_ANSWER_BYTES:
            abort = scope.get("extensions", {}).get(ABORT)
            is_refusable = entry.method == "GET"
            try:
                held = self._memory.hold(
                    size, entry.access_key_id, abort, is_refusable=is_refusable
                )
            except HttpRefusal as refused:
                response, entry.reason = refused.response, refused.reason
        entry.status = response.status
        entry.request_id = response.headers["x-amzn-RequestId"]
        entry.error = response.headers.get("x-amzn-ErrorType", "")
        entry.bytes_out = len(response.body)
        if held is None:
            await _send(send, response, is_last=is_last)
            return
        try:
            await _send(send, response, is_last=is_last, waits=True)
        except asyncio.CancelledError:  # the server waits no longer for this client
            self._is_cut_off = True
        finally:
            self._memory.release(held)
            if held.is_let_go:
                entry.reason = "not_read"

    async def _ask(
        self, head: Head, match: Match, receive: Receive, entry: Entry, peer: str
    ) -> Response:
        with Body(self._memory, self._max_body_bytes, self.options) as body:
            try:
                content = await body.read(head, receive)
            finally:
                entry.bytes_in = body.size
            if not self._engine.is_long_read(match):
                return await self._run(head, match, content, entry, peer)
            try:
                await asyncio.wait_for(self._long_reads.acquire(), self.options.long_query_wait)
            except asyncio.TimeoutError:
                raise refusals.too_many_queries() from None
            try:
                return await self._run(head, match, content, entry, peer)
            finally:
                self._long_reads.release()

    async def _run(
        self, head: Head, match: Match, content: bytes, entry: Entry, peer: str
    ) -> Response:
        """Answer in a thread; those who wait for a long query's turn are not in flight yet."""
        if self._in_engine >= self.options.max_in_flight:
            raise refusals.busy()
        loop = asyncio.get_running_loop()
        self._begin_work()  # where the server in front has no `lifespan`
        self._in_engine += 1
        try:
            return await loop.run_in_executor(None, self._handle, head, match, content, entry, peer)
        finally:
            self._in_engine -= 1

    def _handle(
        self, head: Head, match: Match, content: bytes, entry: Entry, peer: str
    ) -> Response:
        """Authorize, answer and audit a request; runs in a thread."""
        try:
            entry.access_key_id = self._access.authorize(head, content, match)
        except HttpRefusal as refused:
            self._audit(head, match, content, "", peer, refused.response)
            raise
        request = Request(head.method, head.path, head.query, head.joined(), content)
        response = self._engine.handle(request, match)
        self._audit(head, match, content, entry.access_key_id, peer, response)
        return response

    def _audit(self, *request: Unpack[tuple[Head, Match, bytes, str, str, Response]]) -> None:
        if self._audit_log is not None:
            self._audit_log.write(*request)


def _peer(scope: Message) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


async def _send(send: Send, response: Response, *, is_last: bool, waits: bool = False) -> None:
    """Send an answer; if it `waits`, until the client has read all but what sockets hold."""
    headers = [(name.lower().encode(), value.encode()) for name, value in response.headers.items()]
    if response.status != _NO_CONTENT:
        headers.append((b"content-length", b"%d" % len(response.body)))
    if is_last:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body, "more_body": waits})
    if waits:  # ASGI holds up a message for as long as too much of the one before is left
        await send({"type": "http.response.body", "body": b""})

"""A Pinpoint that fails as it is told, in process and over a real loopback socket.

An engine stands behind it, so what was accepted is stored and can be counted. Faults are put
between the client and the engine; the SDK under test is not touched. Threads live only in the
server of `wire_server`, and only once `url` was asked for.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import attrs
import botocore.exceptions as aws
import orjson

from pinpoint_kit.client import Pinpoint
from pinpoint_kit.doors import Door
from pinpoint_kit.doors.embedded import IN_PROCESS, answer_in_process, client_answered_by
from pinpoint_kit.engine import Engine, Request, Response
from pinpoint_kit.engine.wire import routes as engine_routes
from pinpoint_kit.engine.wire.http import failure_body, headers_of
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.limits import DEFAULT_LIMITS, Limits
from pinpoint_kit.testing.faults import CHAOS, Fault
from pinpoint_kit.testing.stored import stored_event_ids, stored_events
from pinpoint_kit.testing.wire_server import Reply, WireServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from botocore.client import BaseClient
    from typing_extensions import Self, Unpack

    from pinpoint_kit.client import PinpointOptions
    from pinpoint_kit.testing.stored import RecordedEvent

__all__ = ["FaultyPinpoint", "FaultyRequest"]

_URL = "http://faulty.invalid"
_APPLICATION = "tests"
_NO_FAULT = Fault.none()
_POLL = 0.02
_FIRST_CLIENT_ERROR = 400
_CODES = {
    400: "BadRequestException",
    403: "ForbiddenException",
    404: "NotFoundException",
    405: "MethodNotAllowedException",
    409: "ConflictException",
    413: "PayloadTooLargeException",
    429: "TooManyRequestsException",
    500: "InternalServerErrorException",
}
_PAGE = b"<html><head><title>Gateway</title></head><body><h1>Try later</h1></body></html>"


def _count(value: tuple[str, ...]) -> str:
    return f"<{len(value)}>"


@attrs.frozen
class FaultyRequest:
    """One request that came. Its repr shows no content.

    Attributes:
        operation: the API's name, for example `PutEvents`; "" for an unknown path.
        event_ids: the events of a PutEvents request, as they stood in it.
        fault: what was done to it; its kind is `none` when nothing was.
        at: when it came, in monotonic seconds.
    """

    operation: str
    event_ids: tuple[str, ...] = attrs.field(repr=_count)
    fault: Fault
    at: float


class FaultyPinpoint:
    """A Pinpoint whose answers go wrong as the test says. Safe to use from several threads.

    Everything passes until `script`, `always` or `chaos` say otherwise.

    Args:
        url: where the engine behind it keeps its data; in memory unless given.
        limits: what the engine enforces.
        seed: makes what is drawn by lot the same every time.

    Attributes:
        application_id: the application that is there from the beginning.

    Examples:
        >>> with FaultyPinpoint() as faulty, faulty.connect() as pinpoint:
        ...     faulty.script([Fault.reset_after(), Fault.refused(503)])
        ...     event_id = pinpoint.events.record("device-1", "level_up")
        ...     report = pinpoint.flush(10.0)
        ...     [request.fault for request in faulty.requests]
        ...     report.accepted, faulty.count()
        [<Fault reset stored>, <Fault status 503>, <Fault none>]
        (1, 1)
    """

    def __init__(
        self, url: str = "sqlite://", *, limits: Limits = DEFAULT_LIMITS, seed: int = 0
    ) -> None:
        self._engine = Engine.open(url, limits=limits)
        self._routes = engine_routes.load()
        self._lock = threading.Lock()
        self._random = random.Random(seed)  # noqa: S311 -- tests want it repeatable
        self._script: deque[tuple[Fault, str | None]] = deque()
        self._always: tuple[Fault, str | None] | None = None
        self._chaos: tuple[float, tuple[Fault, ...], str | None] | None = None
        self._requests: list[FaultyRequest] = []
        self._released = threading.Event()
        self._server = WireServer(self._reply)
        self._is_closed = False
        made = self._engine.handle(
            Request("POST", "/v1/apps", body=orjson.dumps({"Name": _APPLICATION}))
        )
        self.application_id: str = orjson.loads(made.body)["Id"]

    def __repr__(self) -> str:
        return f"<FaultyPinpoint requests={len(self._requests)}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # What goes wrong

    def script(self, faults: Iterable[Fault], *, operation: str | None = "PutEvents") -> None:
        """Say what happens to the next requests, one each and in this order.

        Args:
            faults: appended to what is left of an earlier script.
            operation: the requests that are meant; None for all. Others pass and use up nothing.
        """
        with self._lock:
            self._script.extend((fault, operation) for fault in faults)

    def always(self, fault: Fault, *, operation: str | None = "PutEvents") -> None:
        """Do this to every request from now on that no script takes."""
        with self._lock:
            self._always = fault, operation

    def chaos(
        self,
        *,
        share: float = 0.3,
        kinds: Iterable[Fault] = CHAOS,
        seed: int | None = None,
        operation: str | None = "PutEvents",
    ) -> None:
        """Let a share of the requests fail, each in a way that is drawn by lot.

        Args:
            share: from 0 to 1.
            kinds: what to draw from; unless given, everything that passes when tried again.
            seed: begins the drawing anew from here.
            operation: the requests that are meant; None for all.
        """
        with self._lock:
            if seed is not None:
                self._random.seed(seed)
            self._chaos = share, tuple(kinds), operation

    def heal(self) -> None:
        """From now on everything passes; what hangs is released."""
        with self._lock:
            self._script.clear()
            self._always = self._chaos = None
        self.release()

    def release(self) -> None:
        """End every wait that is going on; a request that hangs ends without an answer."""
        self._released.set()
        self._released = threading.Event()

    # What came of it

    @property
    def requests(self) -> list[FaultyRequest]:
        """What came so far, in order."""
        with self._lock:
            return list(self._requests)

    def events(self, event_type: str | None = None) -> list[RecordedEvent]:
        """Return the stored events, each once, in the order of requests; all or of one type."""
        return stored_events(self._engine, self.application_id, event_type)

    def event_ids(self) -> list[str]:
        """Return the ids of the stored events, in the order of their requests."""
        return stored_event_ids(self._engine, self.application_id)

    def count(self) -> int:
        """How many events are stored."""
        return self._engine.count_events(self.application_id)

    # Ways in

    def connect(self, **options: Unpack[PinpointOptions]) -> Pinpoint:
        """Open a client in process: no socket, no thread but the client's own.

        Args:
            **options: as for `pinpoint_kit.connect`.
        """
        client = client_answered_by(self._carry, url=_URL)
        door = Door(client, "http", _URL)
        return Pinpoint(client, self.application_id, application=_APPLICATION, door=door, **options)

    def attach(self, client: BaseClient | Pinpoint) -> None:
        """Answer this client's requests in place of the network.

        Args:
            client: any botocore client for `pinpoint`, or a `Pinpoint` around one.

        Raises:
            ConfigurationError: an embedded engine answers this client already.
        """
        if isinstance(client, Pinpoint):
            client = client.client
        if client.meta.endpoint_url == IN_PROCESS:
            raise ConfigurationError(
                "an embedded engine answers this client already: use FaultyPinpoint.connect()"
            )
        answer_in_process(client, self._carry)

    @property
    def url(self) -> str:
        """The URL of the loopback server, which starts with the first look at it.

        Connect with this and `application_id`.
        """
        if not self._server.port:
            self._server.start()
        return f"http://127.0.0.1:{self._server.port}"

    def stop(self) -> None:
        """Close the port and reset its connections: an outage. The data stays."""
        self._server.stop()

    def start(self) -> None:
        """Open the same port again."""
        if not self._server.is_running:
            self._server.start()

    def close(self) -> None:
        """End everything; idempotent. What was stored cannot be read any more."""
        if not self._is_closed:
            self._is_closed = True
            self.heal()
            self._server.stop()
            self._engine.close()

    # What is done to a request

    def _carry(self, request: Request) -> Response:
        """Answer a client in process, and fail as botocore does on a socket."""
        reply = self._reply(request, lambda: False)
        response = reply.response
        if reply.ending == "timeout":
            raise aws.ReadTimeoutError(endpoint_url=_URL)
        if response is None:
            raise aws.ConnectionClosedError(endpoint_url=_URL)
        if reply.ending == "slow":
            reply.wait(reply.seconds)
        if reply.ending == "truncated":
            # botocore does not look at the announced length: a truncated body is a short one.
            return attrs.evolve(response, body=response.body[: len(response.body) // 2])
        return response

    def _reply(self, request: Request, has_gone: Callable[[], bool]) -> Reply:
        operation = self._operation(request)
        events = _events(request.body) if operation == "PutEvents" else []
        event_ids = tuple(event_id for _, event_id in events)
        with self._lock:
            fault = self._draw(operation, len(event_ids))
            hit = {event for event in events if self._is_hit(event[1], fault)}
            released = self._released
            self._requests.append(FaultyRequest(operation, event_ids, fault, time.monotonic()))
        return self._apply(request, fault, hit, lambda s: _wait(released, s, has_gone))

    def _apply(
        self,
        request: Request,
        fault: Fault,
        hit: set[tuple[str, str]],
        wait: Callable[[float], None],
    ) -> Reply:
        if fault.kind == "latency":
            wait(fault.seconds)
        if fault.kind == "items":
            return Reply(self._without(request, hit, fault.status))
        response = self._engine.handle(request) if fault.is_stored else None
        if fault.kind == "hang":
            wait(fault.seconds)
            return Reply(ending="timeout")
        if fault.kind == "reset":
            return Reply(ending="reset")
        if response is None:
            return Reply(_page(fault) if fault.kind == "html" else _refusal(fault))
        return _spoiled(response, fault, hit, wait)

    def _draw(self, operation: str, events: int) -> Fault:
        """Return the fault for this request; the lock is held."""
        fault = _NO_FAULT
        if self._script and self._script[0][1] in {None, operation}:
            fault = self._script.popleft()[0]
        elif self._always is not None and self._always[1] in {None, operation}:
            fault = self._always[0]
        elif self._chaos is not None and self._chaos[2] in {None, operation}:
            share, kinds, _ = self._chaos
            if self._random.random() < share:
                fault = self._random.choice(kinds)
        if fault.kind == "too_large" and events <= fault.over_events:
            return _NO_FAULT
        return fault

    def _is_hit(self, event_id: str, fault: Fault) -> bool:
        if fault.kind not in {"items", "missing"}:
            return False
        if fault.event_ids is not None and event_id not in fault.event_ids:
            return False
        return fault.share >= 1 or self._random.random() < fault.share

    def _operation(self, request: Request) -> str:
        return self._routes.resolve(request.method, request.path).operation

    def _without(self, request: Request, hit: set[tuple[str, str]], status: int) -> Response:
        """Return the engine's answer without these events, which get a status instead."""
        item = {"StatusCode": status, "Message": "said by a faulty Pinpoint"}
        batch = orjson.loads(request.body)
        for endpoint_id, event_id in hit:
            del batch["BatchItem"][endpoint_id]["Events"][event_id]
        for endpoint_id in {endpoint_id for endpoint_id, _ in hit}:
            if not batch["BatchItem"][endpoint_id]["Events"]:
                del batch["BatchItem"][endpoint_id]
        response = Response(202, headers_of("faulty"), b'{"Results":{}}')
        if batch["BatchItem"]:
            response = self._engine.handle(attrs.evolve(request, body=orjson.dumps(batch)))
        if response.status >= _FIRST_CLIENT_ERROR:
            return response
        answer = orjson.loads(response.body)
        for endpoint_id, event_id in hit:
            results = answer["Results"].setdefault(
                endpoint_id, {"EndpointItemResponse": item, "EventsItemResponse": {}}
            )
            results["EventsItemResponse"][event_id] = item
        return attrs.evolve(response, body=orjson.dumps(answer))


def _events(body: bytes) -> list[tuple[str, str]]:
    """Endpoint id and event id of everything in a PutEvents body; nothing if it is malformed."""
    try:
        batch = orjson.loads(body)["BatchItem"]
        return [
            (endpoint_id, event) for endpoint_id in batch for event in batch[endpoint_id]["Events"]
        ]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return []


def _wait(released: threading.Event, seconds: float, has_gone: Callable[[], bool]) -> None:
    """Wait that long, or until it is released or nobody waits for the answer any more."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if released.wait(min(_POLL, left)) or has_gone():
            return


def _without_items(response: Response, hit: set[tuple[str, str]]) -> Response:
    if response.status >= _FIRST_CLIENT_ERROR:
        return response
    answer = orjson.loads(response.body)
    for endpoint_id, event_id in hit:
        del answer["Results"][endpoint_id]["EventsItemResponse"][event_id]
    return attrs.evolve(response, body=orjson.dumps(answer))


def _spoiled(
    response: Response,
    fault: Fault,
    hit: set[tuple[str, str]],
    wait: Callable[[float], None],
) -> Reply:
    """Return the engine's answer, on a way on which something happens to it."""
    if fault.kind == "missing":
        return Reply(_without_items(response, hit))
    if fault.kind == "garbled":
        size = len(response.body)
        garbage = response.body[: size // 2] + b"\xff\x00" * size
        return Reply(attrs.evolve(response, body=garbage[:size]))
    if fault.kind == "truncated":
        return Reply(response, "truncated")
    if fault.kind == "slow_bytes":
        return Reply(response, "slow", fault.seconds, wait)
    return Reply(response)


def _refusal(fault: Fault) -> Response:
    headers = headers_of("faulty", _CODES.get(fault.status, "ServiceUnavailableException"))
    if fault.retry_after is not None:
        headers["Retry-After"] = f"{fault.retry_after:g}"
    body = failure_body("said by a faulty Pinpoint", "faulty")
    return Response(fault.status, headers, orjson.dumps(body))


def _page(fault: Fault) -> Response:
    return Response(fault.status, {"Content-Type": "text/html"}, _PAGE)

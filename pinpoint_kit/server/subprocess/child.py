"""`run`: what the process does that `SubprocessApp` has started: it answers until its server ends.

It has no socket but the one to its server. A signal to stop may reach both: what is under way is
answered first, and when to begin no more is the server's business.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pinpoint_kit.server.subprocess.channel import Channel, Kind

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, MutableMapping

    from pinpoint_kit.server.mounts import Asgi, Mount

    Message = MutableMapping[str, Any]
    Make = Callable[[Callable[[bool], object]], Mount]

__all__ = ["run"]

_logger = logging.getLogger(__name__)

#: How much less often than the server it runs where both want a processor: it gets a tenth. What
#: nobody else wants it gets in any case.
_NICENESS = 10


def run(make: Make, end: socket.socket) -> None:
    """Answer requests until the server closes its end, or is gone; then end this process.

    Args:
        make: makes the app. It gets a function to be called, on any thread, with whether long
            queries run now.
        end: this process's end.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        os.nice(_NICENESS)
    asyncio.run(_answer(make, end))


async def _answer(make: Make, end: socket.socket) -> None:
    channel = await Channel.open(end)
    loop = asyncio.get_running_loop()

    def note(are_reading: bool) -> None:  # noqa: FBT001 -- all that it says
        with suppress(RuntimeError):  # the loop is closed: this process ends
            loop.call_soon_threadsafe(channel.send, Kind.READS, 0, are_reading)

    mount = make(note)
    requests = _Requests(channel, mount.app)
    if sys.platform != "win32":
        loop.add_signal_handler(signal.SIGTERM, requests.end_when_idle)
    channel.send(Kind.READY)
    while (message := await channel.receive()) is not None:
        requests.take(*message)
    mount.close()
    os._exit(0)  # a query may still run, and nobody waits for it


class _Requests:
    """The requests that are being answered."""

    def __init__(self, channel: Channel, app: Asgi) -> None:
        self._channel = channel
        self._app = app
        self._requests: dict[int, _Request] = {}
        self._tasks: dict[asyncio.Task[None], int] = {}
        self._is_ending = False

    def take(self, kind: Kind, number: int, content: Any) -> None:  # noqa: ANN401 -- by its kind
        """Take a message from the server."""
        if kind is Kind.PING:
            self._channel.send(Kind.PONG)
        elif kind is Kind.REQUEST:
            scope, body = content
            request = self._requests[number] = _Request(self._channel, number, body)
            task = asyncio.create_task(_serve(self._app, scope, request))
            self._tasks[task] = number
            task.add_done_callback(self._forget)
        elif number in self._requests:
            self._requests[number].take(kind)

    def end_when_idle(self) -> None:
        """Have this process end once all that is under way is answered."""
        self._is_ending = True
        if not self._tasks:
            self._channel.close()

    def _forget(self, task: asyncio.Task[None]) -> None:
        del self._requests[self._tasks.pop(task)]
        if self._is_ending:
            self.end_when_idle()


async def _serve(app: Asgi, scope: Message, request: _Request) -> None:
    has_failed = False
    try:
        await app(scope, request.receive, request.send)
    except _NobodyWaitsError:
        pass
    except Exception as error:  # noqa: BLE001 -- a request must always come to an end
        _logger.error("a request failed: %s", type(error).__name__)  # noqa: TRY400 -- a traceback would hold personal data
        has_failed = True
    request.end(has_failed=has_failed)


class _NobodyWaitsError(OSError):
    """The client has gone. It is an `OSError`, as ASGI has it."""


class _Request:
    """A request that is being answered."""

    def __init__(self, channel: Channel, number: int, body: bytes) -> None:
        self._channel = channel
        self._number = number
        self._body: bytes | None = body
        self._is_gone = asyncio.Event()
        self._under_way: asyncio.Future[bool] | None = None

    def take(self, kind: Kind) -> None:
        """Take a message about it."""
        if kind is Kind.GONE:
            self._is_gone.set()
        if self._under_way is not None and not self._under_way.done():
            self._under_way.set_result(kind is Kind.PASSED_ON)

    async def receive(self) -> Message:
        """Return the body, and then wait for the client to go."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send a part of the answer, and wait until it was passed on."""
        if self._is_gone.is_set():
            raise _NobodyWaitsError
        self._under_way = asyncio.get_running_loop().create_future()
        self._channel.send(Kind.PART, self._number, dict(message))
        if not await self._under_way:
            raise _NobodyWaitsError

    def end(self, *, has_failed: bool) -> None:
        """Say that no part follows."""
        self._channel.send(Kind.ENDED, self._number, has_failed)

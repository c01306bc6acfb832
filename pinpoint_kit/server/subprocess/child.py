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
    requests: dict[int, _Request] = {}
    tasks: set[asyncio.Task[None]] = set()
    is_ending = False

    def end_when_idle() -> None:
        nonlocal is_ending
        is_ending = True
        if not tasks:
            channel.close()

    def forget(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if is_ending:
            end_when_idle()

    if sys.platform != "win32":
        loop.add_signal_handler(signal.SIGTERM, end_when_idle)

    def note(are_reading: bool) -> None:  # noqa: FBT001 -- all that it says
        with suppress(RuntimeError):  # the loop is closed: this process ends
            loop.call_soon_threadsafe(channel.send, Kind.READS, 0, are_reading)

    mount = make(note)
    channel.send(Kind.READY)
    while (message := await channel.receive()) is not None:
        kind, number, content = message
        if kind is Kind.REQUEST:
            requests[number] = _Request(channel, number, content[1])
            task = asyncio.create_task(_serve(mount.app, content[0], requests[number]))
            tasks.add(task)
            task.add_done_callback(forget)
        elif number in requests:
            requests[number].take(kind)
    mount.close()
    os._exit(0)  # a query may still run, and nobody waits for it


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
        self._is_passed_on = asyncio.Event()

    def take(self, kind: Kind) -> None:
        """Take a message about it."""
        if kind is Kind.GONE:
            self._is_gone.set()
        self._is_passed_on.set()

    async def receive(self) -> Message:
        """Return the body, and then wait for the client to go."""
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send a part of the answer, and wait until it was passed on."""
        self._is_passed_on.clear()
        if not self._is_gone.is_set():
            self._channel.send(Kind.PART, self._number, dict(message))
            await self._is_passed_on.wait()
        if self._is_gone.is_set():
            raise _NobodyWaitsError

    def end(self, *, has_failed: bool) -> None:
        """Say that no part follows."""
        self._channel.send(Kind.ENDED, self._number, has_failed)

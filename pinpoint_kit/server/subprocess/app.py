"""`SubprocessApp`: an ASGI app that a process of its own answers.

Python lets one thread compute at a time. Where pages are put together in the process that takes
events, each of them holds events up for as long as it computes; here they only pass through. The
process starts with the server and ends with it; when it ends by itself, the next request starts
another one. What it answers is its own business (child.py).
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import logging
import multiprocessing
import signal
import socket
import sys
import threading
import time
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING, Any

from pinpoint_kit.server import refusals
from pinpoint_kit.server.subprocess import child
from pinpoint_kit.server.subprocess.channel import Channel, Kind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, MutableMapping
    from multiprocessing.context import SpawnProcess

    from pinpoint_kit.server.subprocess.child import Make

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

__all__ = ["SubprocessApp"]

_logger = logging.getLogger(__name__)

#: What of an ASGI scope can go to another process, and says all about a request.
_SCOPE = (
    *("type", "asgi", "http_version", "method", "scheme", "path", "raw_path", "query_string"),
    *("root_path", "headers", "client", "server"),
)
#: What may be asked twice.
_REPEATABLE = frozenset({"GET", "HEAD"})
#: When a process ended before it had an app, the next one starts so much later, in seconds.
_PAUSE_S = 5.0
#: How long a process that is to end may take for it, in seconds.
_PATIENCE_S = 5.0
#: How often it is looked at whether the process stands still, in seconds.
_LOOK_S = 1.0


class SubprocessApp:
    """An app in a process of its own, for one event loop. Close it when done.

    Args:
        name: what it is called in the log.
        make: makes the app, in the process; must be picklable. It gets a function to be called
            with whether long queries run.
        on_reads: called on the event loop with what that function is called with, and with False
            when the process has ended.
        timeout: seconds that the process may stand still before it is killed.
    """

    def __init__(
        self,
        name: str,
        make: Make,
        on_reads: Callable[[bool], object],
        *,
        timeout: float,
    ) -> None:
        self._name = name
        self._start = functools.partial(_Process, name, make, on_reads, timeout)
        self._is_closed = False
        self._process = self._start()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Have the process answer a request; one that only reads goes to a second one if need be.

        Raises:
            HttpRefusal: 503, when the process ended, and nothing of the answer was there yet.
            EndedError: it ended in the middle of the answer.
            RuntimeError: the app failed.
        """
        body = (await receive()).get("body", b"")
        plain = {name: scope[name] for name in _SCOPE if name in scope}
        for _ in range(2 if scope["method"] in _REPEATABLE else 1):
            answer = _Answer(send)
            with suppress(EndedError):
                await self._running().ask(plain, body, receive, answer)
                return
            if answer.has_begun:
                raise EndedError
        raise refusals.process_ended()

    def close(self) -> None:
        """End the process."""
        self._is_closed = True
        self._process.close()

    def _running(self) -> _Process:
        """Return the process, or a new one in place of one that has ended.

        Raises:
            EndedError: there is none, and it is too early for the next one.
        """
        before = self._process
        if not before.has_ended:
            return before
        if self._is_closed or not before.may_be_followed:
            raise EndedError
        _logger.warning(
            "the process of the %s has ended (exit status %s): the next one starts",
            self._name,
            before.exit_status,
        )
        self._process = self._start()
        return self._process


class EndedError(Exception):
    """The process has ended."""


class _Answer:
    """Where the parts of an answer go."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def pass_on(self, part: Message) -> None:
        self.has_begun = True
        await self._send(part)


class _Process:
    """One process, from its start to its end."""

    def __init__(
        self,
        name: str,
        make: Make,
        on_reads: Callable[[bool], object],
        timeout: float,
    ) -> None:
        self._name = name
        self._on_reads = on_reads
        self._timeout = timeout
        self._started = time.monotonic()
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Queue[tuple[Kind, Any]]] = {}
        self._channel: asyncio.Future[Channel] | None = None
        self._life: asyncio.Task[None] | None = None
        self._is_ready = self._has_answered = False
        self.has_ended = False
        self._ending = threading.Lock()
        self._end, theirs = socket.socketpair()
        context = multiprocessing.get_context("spawn")
        self._process: SpawnProcess = context.Process(
            target=child.run, args=(make, theirs), daemon=True
        )
        with _held_back(signal.SIGINT):
            self._process.start()
        theirs.close()

    @property
    def exit_status(self) -> int | None:
        """How the process ended; None when it runs."""
        with self._ending:
            return self._process.exitcode

    @property
    def may_be_followed(self) -> bool:
        """Whether another one may start: at once, unless this one could not."""
        was_killed = (self.exit_status or 0) < 0
        return self._is_ready or was_killed or time.monotonic() >= self._started + _PAUSE_S

    async def ask(self, scope: Message, body: bytes, receive: Receive, answer: _Answer) -> None:
        """Send a request, and pass its answer on.

        Raises:
            EndedError: the process ended.
            RuntimeError: the app failed.
        """
        if self._channel is None:
            self._channel = asyncio.get_running_loop().create_future()
            self._life = asyncio.create_task(self._live(self._channel))
        channel = await asyncio.shield(self._channel)
        if self.has_ended:
            raise EndedError
        number = next(self._numbers)
        inbox = self._asked[number] = asyncio.Queue()
        leaving = asyncio.create_task(_tell_leaving(receive, channel, number))
        kind = None
        try:
            channel.send(Kind.REQUEST, number, (scope, body))
            while (message := await inbox.get())[0] is Kind.PART:
                await answer.pass_on(message[1])
                channel.send(Kind.PASSED_ON, number)
            kind, has_failed = message
        finally:
            leaving.cancel()
            del self._asked[number]
            if kind is None:  # the server waits no longer
                channel.send(Kind.GONE, number)
        if kind is not Kind.ENDED:
            raise EndedError
        if has_failed:
            raise RuntimeError("the app failed")

    def close(self) -> None:
        """End the process, and wait for that."""
        self._note_end()
        if self._life is not None:
            self._life.cancel()
        with suppress(OSError):  # the other end is closed
            self._end.shutdown(socket.SHUT_RDWR)  # now: the loop closes it when this has returned
        if self._channel is None:
            self._end.close()
        self._wait_for_end()

    async def _live(self, opened: asyncio.Future[Channel]) -> None:
        """Take what the process says, until it has ended in whatever way."""
        watching = None
        try:
            channel = await Channel.open(self._end)
            opened.set_result(channel)
            watching = asyncio.create_task(self._watch(channel))
            while (message := await channel.receive()) is not None:
                self._take(*message)
        except Exception as error:  # noqa: BLE001 -- nobody may wait for ever
            _logger.error("the process of the %s is ended: %s", self._name, type(error).__name__)  # noqa: TRY400 -- a traceback would hold personal data
        finally:
            if watching is not None:
                watching.cancel()
            if not opened.done():
                opened.set_exception(EndedError())
                self._end.close()
            else:
                opened.result().close()
            try:
                await asyncio.get_running_loop().run_in_executor(None, self._wait_for_end)
            finally:
                self._note_end()

    def _take(self, kind: Kind, number: int, content: Any) -> None:  # noqa: ANN401 -- by its kind
        self._has_answered = True
        if kind is Kind.READY:
            self._is_ready = True
        elif kind is Kind.READS:
            self._on_reads(content)
        elif number in self._asked:
            self._asked[number].put_nowait((kind, content))

    async def _watch(self, channel: Channel) -> None:
        """Kill the process when it stands still, once it has begun to answer.

        Its silence is counted in looks: when this process is stopped itself, there are none.
        """
        silent = 0.0
        while self.exit_status is None:
            self._has_answered = False
            channel.send(Kind.PING)
            await asyncio.sleep(_LOOK_S)
            silent = 0.0 if self._has_answered or not self._is_ready else silent + _LOOK_S
            if silent > self._timeout:
                _logger.error("the process of the %s stands still: it is killed", self._name)
                with self._ending:
                    self._process.kill()
                return
        channel.close()

    def _note_end(self) -> None:
        if self.has_ended:
            return
        self.has_ended = True
        self._on_reads(False)  # noqa: FBT003 -- all that it says
        for inbox in self._asked.values():
            inbox.put_nowait((Kind.GONE, None))

    def _wait_for_end(self) -> None:
        """Wait until the process has ended, for as long as it may take, and then end it."""
        with self._ending:
            self._process.join(_PATIENCE_S)
            if self._process.exitcode is None:
                self._process.kill()
                self._process.join()


@contextmanager
def _held_back(number: int) -> Iterator[None]:
    """Start a process for which a signal does not exist until it takes it."""
    if sys.platform == "win32":
        yield
        return
    resource_tracker.ensure_running()  # starting the first process would, and let signals in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def _tell_leaving(receive: Receive, channel: Channel, number: int) -> None:
    """Tell the process when the client goes."""
    while (await receive())["type"] != "http.disconnect":
        pass
    channel.send(Kind.GONE, number)

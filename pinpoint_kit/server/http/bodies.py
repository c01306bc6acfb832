"""Reading a request's body: bounded in length, in time, and in memory over all requests."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

from pinpoint_kit.server import refusals

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from typing_extensions import Self

    from pinpoint_kit.server.head import Head
    from pinpoint_kit.server.http.memory import MemoryBudget
    from pinpoint_kit.server.options import ServerOptions

    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

__all__ = ["Body", "Disconnected"]


class Disconnected(Exception):
    """The client has gone before its request was complete."""


class Body:
    """The body of one request; inside of its `with` block the memory counts as taken.

    Attributes:
        size: how many bytes were read so far.
    """

    def __init__(self, memory: MemoryBudget, max_bytes: int, options: ServerOptions) -> None:
        self._memory = memory
        self._max_bytes = max_bytes
        self._options = options
        self._parts: list[bytes] = []
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.give_back(sum(map(len, self._parts)))

    async def read(self, head: Head, receive: Receive) -> bytes:
        """Return the whole body.

        Raises:
            HttpRefusal: it is too long, too slow, or there is no memory for it now.
            Disconnected: the client has gone.
        """
        if not head.has_body:
            return b""
        if head.declared_length() > self._max_bytes:
            raise refusals.body_too_large(self._max_bytes)
        options = self._options
        with _Deadline(options.body_timeout, options.body_idle_timeout) as deadline:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                deadline.has_progressed()
                self._add(message.get("body", b""))
                if not message.get("more_body", False):
                    return b"".join(self._parts)  # of a single part, it is that part

    def _add(self, part: bytes) -> None:
        self.size += len(part)
        if self.size > self._max_bytes:
            raise refusals.body_too_large(self._max_bytes)
        self._memory.take(len(part))
        self._parts.append(part)


class _Deadline:
    """Ends the block with 408 when it takes too long as a whole, or stands still for too long.

    One timer of the loop; `asyncio.wait_for` would make a task for every piece.
    """

    def __init__(self, whole: float, idle: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + whole
        self._idle = idle
        self._has_passed = False

    def __enter__(self) -> Self:
        self._task = asyncio.current_task()
        self._set()
        return self

    def has_progressed(self) -> None:
        self._timer.cancel()
        self._set()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._timer.cancel()
        if self._has_passed and kind is asyncio.CancelledError:
            if sys.version_info >= (3, 11) and self._task is not None:
                self._task.uncancel()  # it was us, and the task goes on
            raise refusals.too_slow("body") from None

    def _set(self) -> None:
        moment = min(self._end, self._loop.time() + self._idle)
        self._timer = self._loop.call_at(moment, self._pass)

    def _pass(self) -> None:
        self._has_passed = True
        if self._task is not None:
            self._task.cancel()

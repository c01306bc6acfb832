"""`Answers`: what was asked a moment ago, and the queue of what is asked now.

Charts are long reads: only so many are counted at once, so that requests of the API beside them go
on, and only so many may wait. Two who ask for the same wait for one answer.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import anyio.to_thread
import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["Answers", "QueueFullError"]

R = TypeVar("R")

#: How many are counted at once, and how many may wait for that.
_AT_ONCE = 1
_MOST_WAITING = 64
#: How long an answer is used again, in seconds, while nothing new has arrived.
KEPT_S = 10.0
#: How often it is asked whether something has: so old an answer is at most while events arrive.
VERSION_S = 5.0
_MOST_KEPT = 500


class QueueFullError(Exception):
    """As many charts are waited for as may be."""


@attrs.frozen
class _Kept:
    """An answer, and until when it is used."""

    value: object
    until: float


class Answers:
    """Answers of one event loop, by what was asked.

    Args:
        now: returns seconds.
        most_waiting: one more is refused.
    """

    def __init__(
        self, now: Callable[[], float] = time.monotonic, *, most_waiting: int = _MOST_WAITING
    ) -> None:
        self._now = now
        self._most_waiting = most_waiting
        self._kept: OrderedDict[Hashable, _Kept] = OrderedDict()
        self._asked: dict[Hashable, asyncio.Future[Any]] = {}
        self._limiter: anyio.CapacityLimiter | None = None
        self._drawing: anyio.CapacityLimiter | None = None
        self._waiting = 0

    async def get(
        self,
        key: Hashable,
        ask: Callable[[], R],
        *,
        kept_s: float = KEPT_S,
        is_short: bool = False,
    ) -> R:
        """Return the answer to a question: that of a moment ago, or a new one from a thread.

        Args:
            key: the question, with who asks and the version of the data.
            ask: finds the answer; runs in a thread.
            kept_s: how long the answer is used again, in seconds; 0 for those who wait for it now.
            is_short: whether it is found at once, and need not wait behind charts.

        Raises:
            QueueFullError: too many others wait.
            Exception: what `ask` raised; that is not kept.
        """
        found = self._kept.get(key)
        if found is not None and self._now() < found.until:
            return cast("R", found.value)
        asked = cast("asyncio.Future[R] | None", self._asked.get(key))
        if asked is None:
            if self._waiting >= self._most_waiting:
                raise QueueFullError
            asked = asyncio.ensure_future(self._ask(key, ask, kept_s, is_short=is_short))
            self._asked[key] = asked
            asked.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(asked)  # one who leaves takes it from nobody

    async def drawn(self, draw: Callable[[], R]) -> R:
        """Have something drawn in a thread, one thing at a time.

        Drawing is Python alone. Each thread that draws may keep the interpreter from a request of
        the API for some milliseconds, several times a request; ten of them, ten times as long.
        """
        if self._drawing is None:
            self._drawing = anyio.CapacityLimiter(1)
        return await anyio.to_thread.run_sync(draw, limiter=self._drawing)

    def clear(self) -> None:
        """Forget everything: something was changed."""
        self._kept.clear()

    async def _ask(
        self, key: Hashable, ask: Callable[[], R], kept_s: float, *, is_short: bool
    ) -> R:
        if self._limiter is None:  # made here, where there is an event loop
            self._limiter = anyio.CapacityLimiter(_AT_ONCE)
        self._waiting += 1
        try:
            limiter = None if is_short else self._limiter
            value = await anyio.to_thread.run_sync(ask, limiter=limiter)
        finally:
            self._waiting -= 1
        if not kept_s:
            return value
        self._kept[key] = _Kept(value, self._now() + kept_s)
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return value

    def _forget(self, key: Hashable, done: asyncio.Future[Any]) -> None:
        self._asked.pop(key, None)
        if not done.cancelled():
            done.exception()  # seen, also when nobody waits any more

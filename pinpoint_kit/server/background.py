"""`BackgroundWork`: lets a lane of the engine's long work go on, a bounded piece at a time.

One task of the event loop; the pieces run on the loop's executor, or on a thread of their own. What
a piece does is the engine's business, and so is when it may be of use again.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BackgroundWork", "LongWork"]

_logger = logging.getLogger(__name__)

#: From one look to the next at least, when requests announce work without end.
_GAP_S = 0.1
#: Another process may have been given work and have died: nobody here announces that.
_LONGEST_PAUSE_S = 2.0


class LongWork(Protocol):
    """What has long work to be done: an engine, as far as it is needed here."""

    def step(self) -> bool:
        """Do a bounded piece of work; return False when there was none."""

    def renew(self) -> float:
        """Keep the work under way from others; return in how many seconds to call it again."""

    def wait_s(self) -> float | None:
        """Return in how many seconds `step` may have something to do, None when never."""

    def on_work(self, listener: Callable[[], None]) -> None:
        """Have a function called, on any thread, when there may be work for `step`."""


class BackgroundWork:
    """Calls `step` as long as it says True; then when work is announced, and from time to time.

    Args:
        work: what has work to be done.
        is_alone: have a thread of its own, because a piece may wait for a network, and must not
            take one from the requests.
    """

    def __init__(self, work: LongWork, *, is_alone: bool = False) -> None:
        self._work = work
        self._is_alone = is_alone
        self._executor: ThreadPoolExecutor | None = None
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_ending = False
        self._task: asyncio.Task[None] | None = None
        self._renewals: asyncio.Task[None] | None = None
        self._piece: asyncio.Future[float] | None = None
        work.on_work(self.wake)

    def begin(self) -> None:
        """Start the task, unless it runs already."""
        if self._task is None and not self._is_ending:
            self._loop = asyncio.get_running_loop()
            if self._is_alone:
                self._executor = ThreadPoolExecutor(1, "pinpoint-work")
            self._task = self._loop.create_task(self._run())
            self._renewals = self._loop.create_task(self._renew())

    def wake(self) -> None:
        """Say that there may be work now; from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed, and the engine is used without it
                self._loop.call_soon_threadsafe(self._woken.set)

    async def end(self, timeout: float) -> bool:
        """Begin no other piece, and wait for the one under way; return whether that ended."""
        self._is_ending = True
        if self._task is not None:
            self._task.cancel()
        try:
            if self._piece is None:
                return True
            done, _ = await asyncio.wait({self._piece}, timeout=timeout)
            return bool(done)
        finally:
            if self._renewals is not None:
                self._renewals.cancel()
            if self._executor is not None:
                self._executor.shutdown(wait=False)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            looked = loop.time()
            self._woken.clear()
            self._piece = loop.run_in_executor(self._executor, self._safe_step)
            pause = await asyncio.shield(self._piece)
            if pause and await self._is_woken(pause):
                await asyncio.sleep(max(0.0, looked + _GAP_S - loop.time()))

    async def _renew(self) -> None:
        """Keep the work from other servers, however long a piece takes."""
        loop = asyncio.get_running_loop()
        while True:
            pause = await loop.run_in_executor(None, self._work.renew)
            await asyncio.sleep(pause)

    def _safe_step(self) -> float:
        """Do a piece of work, and return the seconds until the next look."""
        try:
            if self._work.step():
                return 0.0
            seconds = self._work.wait_s()
        except Exception as error:  # noqa: BLE001 -- work that fails must not end all others
            _logger.error("work in the background failed: %s", type(error).__name__)  # noqa: TRY400 -- a traceback would hold personal data
            seconds = None
        if seconds is None:
            return _LONGEST_PAUSE_S
        return min(max(seconds, _GAP_S), _LONGEST_PAUSE_S)

    async def _is_woken(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

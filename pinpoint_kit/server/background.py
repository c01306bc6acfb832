"""`Housework`: lets the engine's long work (jobs) go on, a bounded piece at a time.

One task of the event loop; the pieces run on the loop's executor. What a piece does is the
engine's business.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Housework"]

_logger = logging.getLogger(__name__)

#: From one look to the next at least, while requests keep coming that may have brought work.
_GAP_S = 0.1
#: When nothing happens here; another process may have been given work. It doubles every time.
_SHORTEST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 5.0


class Housework:
    """Calls `step` as long as it says True; then looks again from time to time.

    Args:
        step: does a piece of work, and returns False when there was none.
    """

    def __init__(self, step: Callable[[], bool]) -> None:
        self._step = step
        self._woken = asyncio.Event()
        self._is_ending = False
        self._task: asyncio.Task[None] | None = None
        self._piece: asyncio.Future[bool] | None = None

    def begin(self) -> None:
        """Starts the task, unless it runs already."""
        if self._task is None and not self._is_ending:
            self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self) -> None:
        """Says that there may be work now."""
        self._woken.set()

    async def end(self, timeout: float) -> bool:
        """Begins no other piece, and waits for the one under way; returns whether that ended."""
        self._is_ending = True
        if self._task is not None:
            self._task.cancel()
        if self._piece is None:
            return True
        done, _ = await asyncio.wait({self._piece}, timeout=timeout)
        return bool(done)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        pause = _SHORTEST_PAUSE_S
        while True:
            looked = loop.time()
            self._woken.clear()
            self._piece = loop.run_in_executor(None, self._safe_step)
            if await asyncio.shield(self._piece):
                pause = _SHORTEST_PAUSE_S
            elif await self._is_woken(pause):
                pause = _SHORTEST_PAUSE_S
                await asyncio.sleep(max(0.0, looked + _GAP_S - loop.time()))
            else:
                pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _safe_step(self) -> bool:
        try:
            return self._step()
        except Exception as error:  # noqa: BLE001 -- work that fails must not end all others
            _logger.error("work in the background failed: %s", type(error).__name__)  # noqa: TRY400 -- a traceback would hold personal data
            return False

    async def _is_woken(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._woken.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

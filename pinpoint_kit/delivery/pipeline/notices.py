"""Calls the caller's `on_rejected` and `on_dropped` on a thread of its own. Counts nothing."""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from pinpoint_kit.system.turns import NoTurnError, Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.delivery.report import DeadLetter

__all__ = ["Notices"]


class Notices:
    """So a slow or failing callback holds up neither the recorder nor delivery.

    The thread starts with the first notice, and again when it has come to an end.
    """

    def __init__(
        self,
        on_rejected: Callable[[DeadLetter], object] | None,
        on_dropped: Callable[[DeadLetter], object] | None,
    ) -> None:
        self._callbacks = {"rejected": on_rejected, "dropped": on_dropped}
        self.renew()

    def renew(self) -> None:
        """Begin anew, without a thread; a forked child has only the thread that forked."""
        self._queue: queue.SimpleQueue[DeadLetter | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._starting = Turn()

    def calls(self, outcome: str) -> bool:
        """Return whether there is somebody to call for what is `rejected`, or `dropped`."""
        return self._callbacks[outcome] is not None

    def send(self, letter: DeadLetter) -> None:
        """Have the callback of this kind called, if there is one."""
        if self._callbacks[letter.outcome] is None:
            return
        self._queue.put(letter)
        self._ensure()

    def _ensure(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            with suppress(NoTurnError):  # somebody else starts it
                self._starting.run(self._start, 0)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(target=self._run, name="pinpoint-notices", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter exits
                return
            self._thread = thread

    def close(self, timeout: float) -> None:
        """Have everything called that was put here, as far as the time allows."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            return
        if not self._queue.empty():
            self._ensure()
        self._queue.put(None)
        thread.join(timeout)
        self._thread = None

    def _run(self) -> None:
        while (letter := self._queue.get()) is not None:
            callback = self._callbacks[letter.outcome]
            try:
                if callback is not None:
                    callback(letter)
            except BaseException:
                logging.getLogger("pinpoint_kit.delivery").exception(
                    "on_%s failed; delivery goes on", letter.outcome
                )

"""Work that goes on behind an open client, on daemon threads that are there only while needed.

Each lane of the engine has one: jobs, campaigns, and each destination of event streams.

What the work is belongs to the engine and to the client.
"""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

from pinpoint_kit.system import forks

if TYPE_CHECKING:
    from pinpoint_kit.engine import Engine, Lane

__all__ = ["BackgroundWork"]


class BackgroundWork:
    """Let the work of a lane go on, on a daemon thread that is there only while there is some.

    Args:
        engine: the lane, or an engine with all of its lanes.
        pause: seconds to wait when work is announced, so that more comes together.
    """

    def __init__(self, engine: Engine | Lane, pause: float = 0.0) -> None:
        self._engine = engine
        self._pause = pause
        self._is_closed = False
        self.renew()
        forks.watch(self, forks.Layer.WORK, after_in_child=BackgroundWork.renew)
        engine.on_work(self.wake)
        if engine.wait_s() is not None:  # what was left unfinished
            self.wake()

    def renew(self) -> None:
        """Begin anew, without a thread; a forked child has only the thread that forked."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_woken = False

    def wake(self) -> None:
        """Say that there may be work now."""
        with self._changed:
            self._is_woken = True
            self._changed.notify()
            if self._thread is not None or self._is_closed:
                return
            thread = threading.Thread(target=self._run, name="pinpoint-jobs", daemon=True)
            # The interpreter may be about to exit; then the next start goes on.
            with contextlib.suppress(RuntimeError):
                thread.start()
                self._thread = thread

    def close(self, timeout: float = 5.0) -> None:
        """End the thread after the piece of work that it is doing, and wait for that.

        Args:
            timeout: seconds to wait; a piece of a job is usually over in a tenth of a second.
        """
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        forks.forget(self)
        if thread is not None:
            thread.join(timeout)

    def _run(self) -> None:
        while self._wait():
            if self._pause:
                with self._changed:
                    self._changed.wait_for(lambda: self._is_closed, self._pause)
            over = threading.Event()
            beat = threading.Thread(
                target=self._renew, args=(over,), name="pinpoint-leases", daemon=True
            )
            with contextlib.suppress(RuntimeError):  # as above; then nobody needs it
                beat.start()
            try:
                while not self._is_closed and self._engine.step():
                    pass
            finally:
                over.set()

    def _renew(self, over: threading.Event) -> None:
        """Keep the jobs from other engines, however long a step takes."""
        while not over.wait(self._engine.renew()):
            pass

    def _wait(self) -> bool:
        """Wait for work; False when there is none to wait for."""
        seconds = self._engine.wait_s()
        with self._changed:
            if seconds is None and not self._is_woken:
                self._thread = None
                return False
            if seconds and not self._is_woken and not self._is_closed:
                self._changed.wait(seconds)  # somebody else works, and may die; or nothing is due
            self._is_woken = False
            if self._is_closed:
                self._thread = None
            return not self._is_closed

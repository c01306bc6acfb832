"""`Uninterrupted`: runs the main thread's calls where no signal can end them half-way.

Python raises what a signal handler raises (Ctrl-C above all) on the main thread, between any two
steps: also between taking a lock and noting it, or within a library's own bookkeeping of
connections. So what must be done wholly or not at all is done on another thread. The interrupted
caller goes on at once, and the call comes to its end without it. Nothing here knows what is called.
"""

from __future__ import annotations

import contextvars
import queue
import sys
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import attrs

from pinpoint_kit.system import forks

__all__ = ["Uninterrupted"]

T = TypeVar("T")

#: After so many seconds without a call the thread ends; the next call starts another one.
_IDLE_S = 1.0
#: How often a waiting caller looks whether there is a thread.
_LOOK_S = 0.1
#: Seconds that a fork waits for a call that is running.
_STOP_S = 5.0


@attrs.define(eq=False)
class _Call(Generic[T]):
    """One call, and the queue that its outcome goes into."""

    action: Callable[[], T]
    context: contextvars.Context = attrs.field(factory=contextvars.copy_context)
    outcome: queue.SimpleQueue[tuple[T | None, BaseException | None]] = attrs.field(
        factory=queue.SimpleQueue
    )

    def run(self) -> None:
        """Do it, and hand over what came of it."""
        try:
            self.outcome.put((self.context.run(self.action), None))
        except BaseException as error:  # noqa: BLE001 -- it is the caller's
            self.outcome.put((None, error))


class Uninterrupted:
    """Runs calls of the main thread on a thread of its own, those of other threads where they are.

    A signal handler may come in while the main thread waits: its call is run after the first one.
    """

    def __init__(self) -> None:
        self._renew()
        forks.watch(
            self,
            forks.Layer.WORK,
            before=Uninterrupted.stop,
            after_in_child=Uninterrupted._renew,
        )

    def run(self, action: Callable[[], T]) -> T:
        """Call the action to its end, and return or raise what it does.

        An exception that a signal handler raises meanwhile ends the waiting, not the call.
        """
        forks.check()
        is_main = threading.current_thread() is threading.main_thread()
        if not is_main or sys.is_finalizing() or not self._has_thread():
            return action()
        call = _Call(action)
        self._calls.put(call)
        while True:
            try:
                result, error = call.outcome.get(timeout=_LOOK_S)
            except queue.Empty:
                self._has_thread()
                continue
            if error is None:
                return result  # type: ignore[return-value]  # it is the action's
            try:
                raise error
            finally:
                del error  # its traceback holds this frame

    def stop(self, timeout: float = _STOP_S) -> None:
        """End the thread once its calls are done; a later call starts another one.

        Args:
            timeout: seconds to wait for that.
        """
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            self._calls.put(None)
            thread.join(timeout)

    def _renew(self) -> None:
        self._calls: queue.SimpleQueue[_Call[Any] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def _has_thread(self) -> bool:
        """Start the thread where there is none; False where none can be had any more."""
        if self._thread is None or not self._thread.is_alive():
            thread = threading.Thread(
                target=_serve, args=(self._calls,), name="pinpoint-engine", daemon=True
            )
            try:
                thread.start()
            except RuntimeError:  # the interpreter exits
                return False
            self._thread = thread
        return True


def _serve(calls: queue.SimpleQueue[_Call[Any] | None]) -> None:
    while True:
        try:
            call = calls.get(timeout=_IDLE_S)
        except queue.Empty:
            return
        if call is None:
            return
        call.run()
        del call  # it holds what was asked and answered

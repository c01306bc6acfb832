"""`Turn`: a lock that refuses to wait for itself and that no interruption leaves locked.

A signal handler, a finalizer or a callback may come in while its own thread holds a lock, and an
exception may end a thread's work anywhere. So a turn is given for one call of a function, is
refused at once where this thread has it already, and is over when the call is, however it ends.
No waiting on conditions here, and nothing about what is guarded.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NoTurnError", "Turn", "Turns"]

T = TypeVar("T")


class NoTurnError(Exception):
    """Somebody else has the turn for too long, or this very thread has it."""


class Turn:
    """Lets one thread at a time do something, once and not nested."""

    def __init__(self) -> None:
        # An RLock knows whose it is from the moment that it is acquired, which a flag of ours
        # would not: an exception can come between the two.
        self._lock = threading.RLock()
        self._is_mine: Callable[[], bool] = self._lock._is_owned  # type: ignore[attr-defined]  # noqa: SLF001 -- as threading.Condition asks

    @property
    def is_mine(self) -> bool:
        """True while this thread has the turn."""
        return self._is_mine()

    def run(self, action: Callable[[], T], wait_s: float = -1) -> T:
        """Call the action when it is our turn, and give its result.

        Args:
            action: what to do.
            wait_s: seconds to wait for the turn; for ever when negative.

        Raises:
            NoTurnError: it is another's for longer than that, or ours already.
        """
        lock, is_mine = self._lock, self._is_mine
        if is_mine():
            raise NoTurnError
        try:
            try:
                if not lock.acquire(timeout=wait_s):
                    raise NoTurnError
                return action()
            finally:
                if is_mine():
                    lock.release()
        finally:  # once more, for an exception that came before the release
            if is_mine():
                lock.release()


class Turns:
    """A turn for each of some objects. A forked child begins with its own."""

    def __init__(self) -> None:
        self._turns: dict[tuple[int, int], Turn] = {}

    def of(self, guarded: object) -> Turn:
        """Return the turn of an object that lives as long as this."""
        return self._turns.setdefault((os.getpid(), id(guarded)), Turn())

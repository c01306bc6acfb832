"""`Requests`: how many requests an engine is answering, and how its long work gives way to them.

Python lets one thread compute at a time, and another one waits some milliseconds for its turn. A
request needs several turns, one after each statement; so beside work that computes it would wait
for tens of milliseconds. What the work is, and where it can wait, is its own business.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pinpoint_kit.system import forks

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Requests"]

#: How long work waits for requests at a time, and how long it then goes on if there still are some:
#: a server that always answers some leaves it a sixth of its time.
_LONGEST_WAIT_S, _ROUND_S = 0.005, 0.001
#: How long other threads have to take their turn when no request is there, and how often: one that
#: has just come does not count yet.
_TURN_S, _BETWEEN_TURNS_S = 0.0001, 0.0004
#: How long ago a request that writes may be after which more are to be expected.
_RECENT_S = 1.0


class Requests:
    """The requests under way. Use from any thread."""

    def __init__(self) -> None:
        self._start()
        forks.watch(self, forks.Layer.WORK, after_in_child=Requests._start)

    def _start(self) -> None:
        self._changed = threading.Condition()
        self._count = 0
        self._written = float("-inf")
        self._work = _Work()

    @property
    def are_writing(self) -> bool:
        """Whether some write, or did a moment ago: then work keeps its transactions short."""
        return time.monotonic() - self._written < _RECENT_S

    @contextmanager
    def answering(self, *, writes: bool) -> Iterator[None]:
        """Count a request for as long as the block takes.

        Args:
            writes: whether it may wait for a transaction of others.
        """
        with self._changed:
            self._count += 1
            if writes:
                self._written = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._count = max(0, self._count - 1)  # a child has none of its parent's
                if not self._count:
                    self._changed.notify_all()

    def give_way(self) -> None:
        """Wait until no request is under way, but not for long; call it as often as you can.

        No transaction that writes may be open: requests wait for its end. Call it before one.
        """
        work, now = self._work, time.monotonic()
        if self._count:
            if now < work.goes_on_until:
                return
            with self._changed:
                is_over = self._changed.wait_for(lambda: not self._count, _LONGEST_WAIT_S)
            if not is_over:
                work.goes_on_until = time.monotonic() + _ROUND_S
        elif now < work.next_turn or threading.active_count() == 1:
            return
        else:
            time.sleep(_TURN_S)
        work.next_turn = time.monotonic() + _BETWEEN_TURNS_S


class _Work(threading.local):
    """What a thread that works has to know until it next gives way, by the monotonic clock."""

    goes_on_until = next_turn = float("-inf")

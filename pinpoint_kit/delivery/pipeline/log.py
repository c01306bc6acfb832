"""The log of delivery: one line per reason and interval, and never any content."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Log"]


class Log:
    """Writes one line per reason and interval, with the number of events it stands for."""

    def __init__(self, clock: Callable[[], float], interval: float = 60.0) -> None:
        self._logger = logging.getLogger("pinpoint_kit.delivery")
        self._clock = clock
        self._interval = interval
        self.renew()

    def renew(self) -> None:
        """Begin anew, with a lock that nobody holds; for a forked child."""
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def loss(self, what: str, reason: str, count: int = 1, hint: str = "") -> None:
        """Say that events were rejected or dropped, or count it for the next line."""
        key = f"{what}/{reason}"
        with self._lock:
            count += self._unsaid.pop(key, 0)
            now = self._clock()
            if now < self._next.get(key, now):
                self._unsaid[key] = count
                return
            self._next[key] = now + self._interval
        self._logger.warning("%d event(s) %s: %s%s", count, what, reason, hint and f"; {hint}")

    def trouble(self, reason: str) -> None:
        """Say that a request failed and will be tried again."""
        with self._lock:
            now = self._clock()
            if now < self._next.get(reason, now):
                return
            self._next[reason] = now + self._interval
        self._logger.warning("delivery is held up, events stay pending: %s", reason)

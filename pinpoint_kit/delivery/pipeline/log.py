"""The log of delivery: one line per reason and interval, and never any content."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pinpoint_kit.delivery.pipeline.counting import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Log"]


class Log:
    """Writes one line per reason and interval, with the number of events it stands for.

    It has no lock: a handler of the log may record events, and two lines too many harm nobody.
    """

    def __init__(self, clock: Callable[[], float], interval: float = 60.0) -> None:
        self._logger = logging.getLogger("pinpoint_kit.delivery")
        self._clock = clock
        self._interval = interval
        self.renew()

    def renew(self) -> None:
        """Begin anew; for a forked child."""
        self._next: dict[str, float] = {}
        #: How many were lost, by what became of them and why, and how many of them were logged.
        self._lost: dict[tuple[str, str], Tally] = {}
        self._logged: dict[tuple[str, str], int] = {}

    def loss(self, what: str, reason: str, count: int = 1, hint: str = "") -> None:
        """Say that events were rejected or dropped, or count it for the next line."""
        key = what, reason
        self._lost.setdefault(key, Tally()).add(count)
        if self._is_due(f"{what}/{reason}"):
            self._say(key, hint)

    def rest(self) -> None:
        """Say what was counted and is not logged yet; nothing comes after it."""
        for key in list(self._lost):
            self._say(key, "")

    def _say(self, key: tuple[str, str], hint: str) -> None:
        lost = self._lost[key].value
        count = lost - self._logged.get(key, 0)
        self._logged[key] = lost
        if count > 0:
            self._logger.warning("%d event(s) %s: %s%s", count, *key, hint and f"; {hint}")

    def trouble(self, reason: str) -> None:
        """Say that a request failed and will be tried again."""
        if self._is_due(reason):
            self._logger.warning("delivery is held up, events stay pending: %s", reason)

    def _is_due(self, key: str) -> bool:
        now = self._clock()
        if now < self._next.get(key, now):
            return False
        self._next[key] = now + self._interval
        return True

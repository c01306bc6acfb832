"""`Watch`: which leases are still renewed, as seen from here.

A lease is over when it has not changed for as long as a lease lasts, by the monotonic clock of
whoever watches it. So no two clocks are compared: one that is ahead, behind, or set anew takes
nobody's lease and keeps nobody's. A program that has just started watches for that long first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from pinpoint_kit.engine.work.leases import Held

__all__ = ["LEASE_S", "RENEWAL_S", "Watch"]

#: How long an engine may be silent before others go on with its tasks. They look every second, so
#: a task goes on within 8 seconds.
LEASE_S = 6.0
#: How often an engine renews its leases while it works.
RENEWAL_S = 2.0


class Watch:
    """Remembers since when each lease has been as it is. Any thread may use it.

    Args:
        monotonic: returns seconds.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._seen: dict[tuple[str, str], tuple[Held, float]] = {}

    def left_s(self, name: tuple[str, str], held: Held) -> float:
        """Return how many seconds a lease may still last unless it is renewed; 0 when it is over.

        Args:
            name: the worker and the key of the task.
            held: what its lease is now.
        """
        now = self._monotonic()
        before = self._seen.get(name)
        if before is None or before[0] != held:
            self._seen[name] = held, now
            return LEASE_S
        return max(0.0, before[1] + LEASE_S - now)

    def forget_others(self, names: Collection[tuple[str, str]]) -> None:
        """Forget all leases but these."""
        for name in list(self._seen):
            if name not in names:
                self._seen.pop(name, None)

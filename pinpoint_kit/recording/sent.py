"""Remembers which endpoint data went out with events, so that it goes out once per change.

Bounded: the endpoints used least lately are forgotten, and every entry after an hour, so that
data which somebody else changed or deleted comes back by itself.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SentData"]

_MOST = 10_000
_SECONDS = 3_600.0


class SentData:
    """Endpoint id -> the data that was sent last. Safe for several threads.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.renew()

    def renew(self) -> None:
        """Forget everything; also for a forked child, with a lock that nobody holds."""
        self._lock = threading.Lock()
        self._sent: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def is_new(self, endpoint_id: str, data: bytes) -> bool:
        """True when this data has to be sent; from then on it counts as sent."""
        key, now = endpoint_id.lower(), self._clock()
        with self._lock:
            known, at = self._sent.get(key, (0, now))
            if known == hash(data) and 0 <= now - at < _SECONDS:
                self._sent.move_to_end(key)
                return False
            self._sent[key] = (hash(data), now)
            self._sent.move_to_end(key)
            if len(self._sent) > _MOST:
                self._sent.popitem(last=False)
            return True

    def forget(self, endpoint_id: str) -> None:
        """What was sent did not arrive, or somebody changed the endpoint."""
        with self._lock:
            self._sent.pop(endpoint_id.lower(), None)

    def forget_all(self) -> None:
        """Endpoints were changed, and nobody can say which."""
        with self._lock:
            self._sent.clear()

"""`give_way`: lets other threads of the process go on while a step computes.

Python gives another thread its turn every 5 ms, and a request needs several turns; so without this
a request would wait for tens of milliseconds whenever a campaign renders beside it.
"""

from __future__ import annotations

import threading
import time

__all__ = ["give_way"]

#: Endpoints after which others get a turn, about 2 ms; and how long they have to take it.
_ENDPOINTS, _SECONDS = 16, 0.0001


def give_way(place: int) -> None:
    """Let other threads go on, if there are any; call it for each endpoint with its place."""
    if place % _ENDPOINTS == 0 and threading.active_count() > 1:
        time.sleep(_SECONDS)

"""`looks`: asking again and again until something has happened, less often the longer it takes."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["looks"]

_GROWTH = 1.5


def looks(
    timeout: float,
    *,
    first: float,
    longest: float,
    clock: Callable[[], float],
    sleep: Callable[[float], object],
) -> Iterator[None]:
    """Yield once for each look: at once, and after every wait, until the time is over.

    A wait is up to a quarter shorter, at random, so that many who wait do not ask together.

    Args:
        timeout: seconds until the last look, 0 for a single one.
        first: the seconds of the first wait.
        longest: the seconds of the longest one.
        clock: tells seconds.
        sleep: waits, in seconds.
    """
    end, wait = clock() + timeout, first
    while True:
        yield
        left = end - clock()
        if left <= 0:
            return
        sleep(min(wait * random.uniform(0.75, 1.0), left))  # noqa: S311 -- no secret
        wait = min(wait * _GROWTH, longest)

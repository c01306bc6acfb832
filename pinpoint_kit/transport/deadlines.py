"""The moment until which the calling thread's request may take, for what sends it.

Set where a call begins, read where bytes go out and come in (`transport.sending`): two places that
do not know each other. Nothing here waits.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["remaining", "within"]


class _Current(threading.local):
    """The calling thread's deadline."""

    at: float | None = None


_CURRENT = _Current()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let what this thread sends take that long in all, and no longer than an outer one says."""
    outer = _CURRENT.at
    at = time.monotonic() + seconds
    _CURRENT.at = at if outer is None else min(at, outer)
    try:
        yield
    finally:
        _CURRENT.at = outer


def remaining(most: float) -> float:
    """Return the seconds that are left to this thread's request, at most those; not below 0."""
    at = _CURRENT.at
    return most if at is None else max(0.0, min(most, at - time.monotonic()))

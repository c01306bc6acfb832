"""Elapsed time in tests, on machines that other work shares.

Such a machine may stop for a second at any moment. A test that is too late by the clock is run
again, twice at most (`--only-rerun` in pyproject.toml): what is slow by itself is slow three
times. A test that fails in any other way has failed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PATIENCE_S", "TooLate", "in_time", "wait_until"]

#: How long something may take that takes no time worth naming on a machine that is free.
PATIENCE_S = 60.0


class TooLate(AssertionError):
    """Something took longer than it may."""


def in_time(took: float, most: float) -> None:
    """Fail as too late when it took more than that; both in seconds."""
    if took > most:
        raise TooLate(f"it took {took:.3f} s, and may take {most:.3f} s")


def wait_until(is_true: Callable[[], object], patience: float = PATIENCE_S) -> None:
    """Wait for what a thread or another process brings about."""
    deadline = time.monotonic() + patience
    while not is_true():
        if time.monotonic() > deadline:
            raise TooLate(f"it does not happen within {patience} s")
        time.sleep(0.005)

"""Elapsed time in tests, on machines that other work shares.

Such a machine may stop for a second at any moment. A test that is too late by the clock is run
again, twice at most (`--only-rerun` in pyproject.toml): what is slow by itself is slow three
times. A test that fails in any other way has failed.
"""

from __future__ import annotations

__all__ = ["TooLate", "in_time"]


class TooLate(AssertionError):
    """Something took longer than it may."""


def in_time(took: float, most: float) -> None:
    """Fail as too late when it took more than that; both in seconds."""
    if took > most:
        raise TooLate(f"it took {took:.3f} s, and may take {most:.3f} s")

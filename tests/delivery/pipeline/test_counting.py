"""Counting and queueing in single steps: what comes in between is before or after, never within."""

from __future__ import annotations

import gc

from pinpoint_kit.delivery.pipeline.counting import Inbox, Tally


def test_numbers_are_in_order_whenever_the_collector_runs() -> None:
    """A finalizer that records never gets between an item's number and its place.

    What waits is found by the smallest number at the front of each place.
    """
    inbox, loaded = Inbox(), Tally()

    class Job:
        def __init__(self) -> None:
            self.me = self  # freed by the collector alone

        def __del__(self) -> None:
            inbox.put(("e", "finalizer", b"", 0.0))

    before = gc.get_threshold()
    gc.set_threshold(1, 1, 1)
    try:
        for number in range(500):
            Job()
            inbox.put(("e", str(number), b"", 0.0))
            Job()
            inbox.put_all([("e", f"loaded-{number}-{i}", b"", 0.0) for i in range(3)], loaded)
    finally:
        gc.set_threshold(*before)
    gc.collect()
    numbers = [number for _, number in inbox.entries]
    assert numbers == list(range(500 * 6)) == list(range(inbox.total))
    assert loaded.value == 1500

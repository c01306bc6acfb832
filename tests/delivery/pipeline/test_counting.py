"""Counting and queueing in single steps: what comes in between is before or after, never within."""

from __future__ import annotations

import gc
import threading
from collections import deque
from typing import TYPE_CHECKING

from pinpoint_kit.delivery.pipeline.counting import Inbox, Tally

if TYPE_CHECKING:
    from pinpoint_kit.delivery.pipeline.items import Entry


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


def test_what_is_taken_over_is_told_by_its_number_and_not_by_how_many_are_left() -> None:
    """What others have taken meanwhile is not made up for by what came later."""
    held, inbox, loaded = Inbox(), Inbox(), Tally()
    for number in range(4):
        held.put(("e", str(number), b"", 0.0))
    before = held.entries[2][1] + 1
    assert held.evict(deque(), Tally())
    inbox.take_over(held, loaded, before)
    assert [item[1] for item, _ in inbox.entries] == ["1", "2"]
    assert [item[1] for item, _ in held.entries] == ["3"]
    inbox.take_over(held, loaded, before)
    assert (loaded.value, inbox.total) == (2, 2)
    inbox.take_over(held, loaded)
    assert [item[1] for item, _ in inbox.entries] == ["1", "2", "3"]
    assert (loaded.value, len(held.entries)) == (3, 0)


def test_items_are_taken_over_once_while_another_thread_evicts() -> None:
    """Each ends in one of the two places, and is counted there."""
    for _ in range(50):
        held, inbox, loaded, lost = Inbox(), Inbox(), Tally(), Tally()
        evicted: deque[Entry] = deque()
        for number in range(2_000):
            held.put(("e", str(number), b"", 0.0))

        def evict(held: Inbox = held, evicted: deque[Entry] = evicted, lost: Tally = lost) -> None:
            for _ in range(500):
                held.evict(evicted, lost)

        thread = threading.Thread(target=evict)
        thread.start()
        for before in range(0, 1_001, 10):
            inbox.take_over(held, loaded, before)
        thread.join()
        found = [*evicted, *((item, 0) for item, _ in inbox.entries), *held.entries]
        assert sorted(int(item[1]) for item, _ in found) == list(range(2_000))
        assert loaded.value == len(inbox.entries) == inbox.total
        assert lost.value == len(evicted)
        assert all(int(item[1]) < 1_000 for item, _ in inbox.entries)

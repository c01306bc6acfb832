"""What an event costs while it waits."""

from __future__ import annotations

import gc
import sys
import tracemalloc

import pytest

import pinpoint_kit as pk

COUNT = 20_000


@pytest.mark.parametrize("endpoints", [1, COUNT])
def test_a_queued_event_takes_at_most_a_kilobyte(endpoints: int) -> None:
    """20,000 events that wait, of one endpoint or of as many, take at most 1 KB each."""
    options = pk.DeliveryOptions(flush_events=10**6, flush_bytes=10**9, flush_interval=3600.0)
    with pk.connect("sqlite://", delivery=options) as pinpoint:
        pinpoint.events.record("device", "warm-up")
        gc.collect()
        tracemalloc.start()
        try:
            for number in range(COUNT):
                pinpoint.events.record(
                    f"device-{number % endpoints:012}",
                    "level_up",
                    attributes={"mode": "hard", "map": f"island-{number}"},
                    metrics={"level": number, "seconds": 12.5},
                )
            gc.collect()
            taken, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert pinpoint.delivery.stats().pending == COUNT + 1
        pinpoint.close(0)
    sys.stdout.write(
        f"\nmemory: {taken / COUNT:.0f} bytes a queued event on {endpoints} endpoint(s),"
        f" {most / COUNT:.0f} at most\n"
    )
    assert taken / COUNT <= 1_000

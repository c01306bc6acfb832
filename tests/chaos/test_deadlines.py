"""`flush` keeps its deadline whatever the network does, and an idle client does nothing."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.testing import Fault
from tests.chaos.conftest import brisk
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Callable

    import pinpoint_kit as pk
    from pinpoint_kit.testing import FaultyPinpoint
    from tests.chaos.conftest import Door


@pytest.mark.parametrize(
    "fault",
    [Fault.hang(), Fault.slow_bytes(30.0), Fault.reset_before(), Fault.reset_after()],
    ids=repr,
)
def test_flush_keeps_its_deadline(
    door: Door, fault: Fault, connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """`flush(0.4)` returns within 10 % and 50 ms, with 1,000 events that do not get through."""
    pinpoint = connect(door, timeout=30.0)
    faulty_pinpoint.always(fault)
    for number in range(1_000):
        pinpoint.events.record(f"device-{number % 100}", "step")
    began = time.monotonic()
    report = pinpoint.flush(0.4)
    late = time.monotonic() - began - 0.4
    assert report.pending == report.recorded == 1_000
    sys.stdout.write(f"\nflush(0.4) under {fault!r}, {door}: {late * 1e3:.1f} ms late\n")
    in_time(late, 0.04 + 0.05)
    faulty_pinpoint.heal()
    assert pinpoint.close(10.0).accepted == 1_000


def cpu_of_a_second() -> float:
    """Return the processor time of the process in a second: what earlier tests left works, too."""
    before = time.process_time()
    time.sleep(1.0)  # it is the idle second that is measured
    return time.process_time() - before


def test_an_idle_client_costs_no_cpu(
    connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """A client that has sent and has nothing to do uses no processor time for a second."""
    others = cpu_of_a_second()
    pinpoint = connect("socket", delivery=brisk(max_in_flight=4), timeout=10.0)
    for number in range(1_000):
        pinpoint.events.record(f"device-{number}", "step")
    assert pinpoint.flush(10.0).accepted == 1_000
    assert faulty_pinpoint.count() == 1_000
    used = cpu_of_a_second() - others
    sys.stdout.write(f"\nidle: {used * 1e3:.2f} ms of CPU in a second\n")
    in_time(used, 0.005)


def test_a_client_that_waits_for_a_retry_costs_no_cpu(
    connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """Waiting out a Retry-After of a minute with a full queue uses no processor time either."""
    others = cpu_of_a_second()
    pinpoint = connect("socket", delivery=brisk(max_in_flight=4), timeout=10.0)
    faulty_pinpoint.always(Fault.throttled(retry_after=60))
    for number in range(1_000):
        pinpoint.events.record(f"device-{number}", "step")
    assert pinpoint.flush(0.5).pending == 1_000
    before = time.process_time()
    assert pinpoint.flush(1.0).pending == 1_000
    used = time.process_time() - before - others
    sys.stdout.write(f"\nwaiting: {used * 1e3:.2f} ms of CPU in a second\n")
    in_time(used, 0.02)
    assert pinpoint.close(0.1).dropped == 1_000

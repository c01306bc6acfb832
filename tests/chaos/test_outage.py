"""The server is away: its port is really closed while events are recorded at a steady rate."""

from __future__ import annotations

import itertools
import sys
import time
from typing import TYPE_CHECKING

import attrs
import pytest

import pinpoint_kit as pk
from pinpoint_kit.testing import Fault
from tests.chaos.conftest import Watch, brisk
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinpoint_kit.testing import FaultyPinpoint

RATE = 1_000
IN_FLIGHT = 4

LENGTHS = pytest.mark.parametrize("seconds", [1.5, pytest.param(30.0, marks=pytest.mark.slow)])
BRIEF = pytest.mark.parametrize("seconds", [0.8, pytest.param(30.0, marks=pytest.mark.slow)])


@attrs.frozen
class Recorded:
    """What came of recording through an outage."""

    count: int
    durations: list[float]
    back_at: float

    def took(self, share: float) -> float:
        """Seconds that this share of the records took at most."""
        return sorted(self.durations)[int(len(self.durations) * share)]

    def were_quick(self, seconds: float) -> None:
        """Check that 99 % of the records took 1 ms at most.

        Brief outages are tested beside other tests, which may hold up more than 1 %.
        """
        in_time(self.took(0.99 if seconds >= 30 else 0.9), 0.001)


def record_through_an_outage(
    pinpoint: pk.Pinpoint, faulty: FaultyPinpoint, seconds: float
) -> Recorded:
    """Record 1,000 events a second; the port is closed after 0.5 s, for that many seconds."""
    began = time.monotonic()
    down_at, up_at = began + 0.5, began + 0.5 + seconds
    ends = up_at + 0.5
    durations: list[float] = []
    back_at = 0.0
    is_down = False
    for number in itertools.count():
        due = began + number / RATE
        if due > ends:
            break
        now = time.monotonic()
        if due > now:
            time.sleep(due - now)
        elif now > due + 0.2:
            continue  # the machine stood still: what is late is left out
        if not is_down and not back_at and time.monotonic() >= down_at:
            faulty.stop()
            is_down = True
        if is_down and time.monotonic() >= up_at:
            faulty.start()
            is_down, back_at = False, time.monotonic()
        start = time.perf_counter()
        pinpoint.events.record(f"device-{number % 500}", "step", metrics={"n": number})
        durations.append(time.perf_counter() - start)
    return Recorded(len(durations), durations, back_at)


def figures(name: str, recorded: Recorded, faulty: FaultyPinpoint, report: object) -> int:
    """Print what was measured; the requests in the first second after the return."""
    first = [r for r in faulty.requests if 0 <= r.at - recorded.back_at < 1.0]
    sys.stdout.write(
        f"\noutage, {name}: {recorded.count} events; record p99 {recorded.took(0.99) * 1e6:.0f} us,"
        f" most {max(recorded.durations) * 1e3:.1f} ms; {len(first)} requests in the first second"
        f" after the return; {report}\n"
    )
    return len(first)


@LENGTHS
def test_a_large_buffer_bridges_an_outage(
    seconds: float, connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """Nothing is lost, `record` stays quick, and the return is no stampede."""
    # The options that a user has, and not the brisk ones: real waits after a failure.
    pinpoint = connect("socket", delivery=pk.DeliveryOptions(max_in_flight=IN_FLIGHT, max_wait=1.0))
    with Watch(pinpoint, every=0.02) as watch:
        recorded = record_through_an_outage(pinpoint, faulty_pinpoint, seconds)
        report = pinpoint.flush(30.0)
    first = figures("large buffer", recorded, faulty_pinpoint, report)
    assert watch.wrong == []
    assert report.accepted == report.recorded == recorded.count
    assert len(set(faulty_pinpoint.event_ids())) == recorded.count
    recorded.were_quick(seconds)
    # A backlog of full requests, those of the present second, and one probe for each that failed.
    assert first <= recorded.count / 100 + 4 * IN_FLIGHT + 10


@BRIEF
def test_a_small_buffer_counts_what_it_drops(
    seconds: float, connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """Without room every drop is counted: what is not stored is exactly what was dropped."""
    letters: list[pk.DeadLetter] = []
    pinpoint = connect(
        "socket",
        delivery=brisk(max_buffer_events=500),
        on_dropped=letters.append,
    )
    with Watch(pinpoint, every=0.02) as watch:
        recorded = record_through_an_outage(pinpoint, faulty_pinpoint, seconds)
        report = pinpoint.flush(30.0)
        pinpoint.close()
    figures("small buffer", recorded, faulty_pinpoint, report)
    assert watch.wrong == []
    assert report.recorded == recorded.count
    assert report.pending == 0
    assert report.reasons == {"buffer_full": report.dropped}
    assert report.dropped >= max(100, (seconds - 1) * RATE - 500)
    assert len(letters) == report.dropped
    stored = faulty_pinpoint.event_ids()
    assert len(set(stored)) == len(stored) == report.accepted
    assert {letter.event_id for letter in letters}.isdisjoint(stored)
    recorded.were_quick(seconds)


@BRIEF
def test_a_spool_loses_nothing(
    seconds: float,
    connect: Callable[..., pk.Pinpoint],
    faulty_pinpoint: FaultyPinpoint,
    tmp_path: Path,
) -> None:
    """With a spool nothing is lost or dropped, and `record` stays quick although it writes."""
    pinpoint = connect(
        "socket",
        delivery=pk.DeliveryOptions(max_in_flight=IN_FLIGHT, max_wait=1.0),
        spool=tmp_path / "spool",
    )
    with Watch(pinpoint, every=0.02) as watch:
        recorded = record_through_an_outage(pinpoint, faulty_pinpoint, seconds)
        report = pinpoint.flush(30.0)
    first = figures("spool", recorded, faulty_pinpoint, report)
    stored = faulty_pinpoint.event_ids()
    assert watch.wrong == []
    assert report.accepted == report.recorded == recorded.count
    assert len(set(stored)) == len(stored) == recorded.count
    recorded.were_quick(seconds)
    assert first <= recorded.count / 100 + 4 * IN_FLIGHT + 10


def test_one_probe_at_a_time_finds_out_whether_the_service_is_back(
    connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """While the service fails, requests come one after the other and farther and farther apart."""
    options = brisk(max_in_flight=IN_FLIGHT, base_wait=0.05, max_wait=0.5)
    pinpoint = connect("socket", delivery=options, timeout=5.0)
    for number in range(2_000):
        pinpoint.events.record(f"device-{number % 500}", "step")
    faulty_pinpoint.always(Fault.refused(503))
    pinpoint.flush(0.3)
    down = len(faulty_pinpoint.requests)
    pinpoint.flush(1.0)
    probes = len(faulty_pinpoint.requests) - down
    faulty_pinpoint.heal()
    assert pinpoint.flush(10.0).accepted == 2_000
    sys.stdout.write(f"\noutage: {probes} probes in a second while 2,000 events waited\n")
    # Waits are random up to 0.5 s: 4 on average, and 15 are all but impossible.
    assert probes <= 15

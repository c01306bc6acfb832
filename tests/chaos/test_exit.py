"""A program ends with a full queue and a slow service."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.testing import Fault
from tests.timing import in_time

if TYPE_CHECKING:
    from pinpoint_kit.testing import FaultyPinpoint


def run(faulty: FaultyPinpoint, script: str) -> tuple[subprocess.CompletedProcess[str], float]:
    """Run a script in a fresh interpreter; `url` and `app` lead to the faulty Pinpoint."""
    head = f"import pinpoint_kit as pk\nurl, app = {faulty.url!r}, {faulty.application_id!r}\n"
    began = time.monotonic()
    ran = subprocess.run(  # noqa: S603 -- our own scripts
        [sys.executable, "-W", "ignore", "-c", head + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ran, time.monotonic() - began


def test_a_plain_exit_delivers_what_waits(faulty_pinpoint: FaultyPinpoint) -> None:
    """2,000 events of 100 endpoints and 0.2 s a request: all arrive, and nothing is logged."""
    faulty_pinpoint.always(Fault.latency(0.2))
    ran, took = run(
        faulty_pinpoint,
        """
        pinpoint = pk.connect(
            url, application_id=app, delivery=pk.DeliveryOptions(exit_timeout=60.0)
        )
        for n in range(2_000): pinpoint.events.record(f"device-{n % 100}", "step")
        """,
    )
    sys.stdout.write(f"\nexit: {faulty_pinpoint.count()} of 2000 events in {took:.1f} s\n")
    ids = faulty_pinpoint.event_ids()
    assert len(set(ids)) == len(ids) == 2_000
    assert ran.stderr == ""
    in_time(took, 10)


def test_a_plain_exit_is_bounded_and_says_what_was_lost(faulty_pinpoint: FaultyPinpoint) -> None:
    """When nothing gets through, the program ends in time and the log counts what was dropped."""
    faulty_pinpoint.always(Fault.hang())
    ran, took = run(
        faulty_pinpoint,
        """
        pinpoint = pk.connect(
            url, application_id=app, delivery=pk.DeliveryOptions(exit_timeout=0.5)
        )
        for n in range(2_000): pinpoint.events.record(f"device-{n % 100}", "step")
        """,
    )
    sys.stdout.write(f"\nexit while nothing gets through: {took:.1f} s\n")
    assert "2000 event(s) dropped: closed" in ran.stderr
    assert "a client was not closed before exit: 2000 event(s) dropped, 0 left" in ran.stderr
    in_time(took, 6)


@pytest.mark.slow
def test_a_plain_exit_through_failures_delivers(faulty_pinpoint: FaultyPinpoint) -> None:
    """Failures that pass do not cost an event at exit either."""
    passing = [Fault.refused(503), Fault.reset_after(), Fault.items(500, share=0.5), Fault.html()]
    faulty_pinpoint.script(passing * 2)
    ran, took = run(
        faulty_pinpoint,
        """
        pinpoint = pk.connect(
            url, application_id=app, delivery=pk.DeliveryOptions(exit_timeout=60.0)
        )
        for n in range(2_000): pinpoint.events.record(f"device-{n % 100}", "step")
        """,
    )
    sys.stdout.write(f"\nexit through 8 failures: {took:.1f} s\n")
    ids = faulty_pinpoint.event_ids()
    assert len(set(ids)) == len(ids) == 2_000
    assert "dropped" not in ran.stderr
    assert "not delivered" not in ran.stderr


LATE = """
    import atexit, threading

    def refuse(thread):
        raise RuntimeError("can't create new thread at interpreter shutdown")

    pinpoint = pk.connect(
        url, application_id=app, delivery=pk.DeliveryOptions(exit_timeout=1.0)
    )

    def late():  # as on Python 3.12 and later, whatever runs this
        threading.Thread.start = refuse
        for n in range(250): pinpoint.events.record("device-1", "late")

    atexit.register(late)
"""


def test_recording_when_no_thread_can_be_started_delivers(faulty_pinpoint: FaultyPinpoint) -> None:
    """What is recorded first at exit, on a Python that starts no threads any more, arrives."""
    run(faulty_pinpoint, LATE)
    assert faulty_pinpoint.count() == 250


def test_recording_when_no_thread_can_be_started_outlasts_a_failure(
    faulty_pinpoint: FaultyPinpoint,
) -> None:
    """It is also tried again after a failure, within the time for exit."""
    faulty_pinpoint.script([Fault.refused(503)] * 2)
    run(faulty_pinpoint, LATE)
    assert faulty_pinpoint.count() == 250

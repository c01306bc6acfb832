"""Each fault by itself: nothing is lost or doubled, and the ledger adds up at every moment."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.testing import CHAOS, Fault
from tests.chaos.conftest import Watch, brisk, check

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from pinpoint_kit.testing import FaultyPinpoint
    from tests.chaos.conftest import Door

#: Faults that end an item for good: refused for its content, or for its caller.
FINAL = (Fault.items(400, share=0.3), Fault.refused(400))


def submit(
    pinpoint: pk.Pinpoint, count: int, endpoints: int = 7
) -> dict[str, Future[pk.EventResult]]:
    """Submit some events; their futures by event id."""
    return {
        f"event-{number}": pinpoint.events.submit(
            f"device-{number % endpoints}", pk.Event(type="step", id=f"event-{number}")
        )
        for number in range(count)
    }


@pytest.mark.parametrize("fault", CHAOS, ids=repr)
def test_a_fault_that_passes_loses_nothing(
    door: Door, fault: Fault, connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """Two requests that fail in a row cost no event: each is accepted and stored once."""
    pinpoint = connect(door)
    faulty_pinpoint.script([fault] * 2)
    with Watch(pinpoint) as watch:
        futures = submit(pinpoint, 30)
        pinpoint.flush(10.0)
    report = check(faulty_pinpoint, pinpoint, futures)
    assert watch.looks
    assert watch.wrong == []
    assert report.accepted == report.recorded == 30
    assert sorted(faulty_pinpoint.event_ids()) == sorted(futures)


@pytest.mark.parametrize("status", [403, 404])
def test_a_wrong_set_up_loses_nothing(
    door: Door, status: int, connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """Expired credentials, or an application that is gone for a while, keep the events waiting."""
    pinpoint = connect(door)
    faulty_pinpoint.script([Fault.refused(status)] * 2)
    with Watch(pinpoint) as watch:
        futures = submit(pinpoint, 30)
        pinpoint.flush(10.0)
    report = check(faulty_pinpoint, pinpoint, futures)
    assert watch.wrong == []
    assert report.accepted == report.recorded == 30


@pytest.mark.parametrize("fault", FINAL, ids=repr)
def test_a_fault_that_is_final_is_counted(
    door: Door, fault: Fault, connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """What the service refuses for good is rejected, each event once, and the rest is stored."""
    pinpoint = connect(door)
    faulty_pinpoint.script([fault] * 6)  # as often as 30 events can be halved
    with Watch(pinpoint) as watch:
        futures = submit(pinpoint, 30)
        pinpoint.flush(10.0)
    report = check(faulty_pinpoint, pinpoint, futures)
    assert watch.wrong == []
    assert report.accepted + report.rejected == report.recorded == 30
    assert report.rejected
    assert len(faulty_pinpoint.event_ids()) == report.accepted


def test_a_closed_port_loses_nothing(
    connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """What is recorded while nobody listens arrives when somebody does again."""
    pinpoint = connect("socket")
    faulty_pinpoint.stop()
    with Watch(pinpoint) as watch:
        futures = submit(pinpoint, 30)
        assert pinpoint.flush(0.3).pending == 30
        faulty_pinpoint.start()
        pinpoint.flush(10.0)
    report = check(faulty_pinpoint, pinpoint, futures)
    assert watch.wrong == []
    assert report.accepted == 30
    assert len(faulty_pinpoint.event_ids()) == 30


@pytest.mark.parametrize(
    "fault", [Fault.refused(503), Fault.reset_before(), Fault.hang()], ids=repr
)
def test_close_during_a_fault_settles_everything(
    door: Door, fault: Fault, connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """Closing while nothing gets through drops what is left, settles its futures, and is quick."""
    pinpoint = connect(door)
    faulty_pinpoint.always(fault)
    with Watch(pinpoint) as watch:
        futures = submit(pinpoint, 30)
        report = pinpoint.close(0.2)
    assert watch.wrong == []
    assert report.dropped == report.recorded == 30
    assert report.reasons == {"closed": 30}
    assert all(isinstance(f.exception(0), pk.errors.DeliveryError) for f in futures.values())
    assert faulty_pinpoint.event_ids() == []


def test_a_response_lost_after_acceptance_leads_to_one_event(
    door: Door, connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """The resend has the same event id, and the engine keeps one."""
    pinpoint = connect(door)
    faulty_pinpoint.script([Fault.reset_after()] * 3)
    event_id = pinpoint.events.record("device-1", "step")
    assert pinpoint.flush(10.0).accepted == 1
    sent = [request.event_ids for request in faulty_pinpoint.requests]
    assert sent == [(event_id,)] * 4
    assert faulty_pinpoint.event_ids() == [event_id]


def test_a_poison_event_never_holds_others_back(
    door: Door, connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """While one event fails for ever, a thousand others pass, and it stays pending."""
    pinpoint = connect(door)
    faulty_pinpoint.always(Fault.items(500, ["poison"]))
    poison = pinpoint.events.submit("device-poison", pk.Event(type="step", id="poison"))
    futures = submit(pinpoint, 1_000, 50)
    for future in futures.values():
        assert future.result(10.0).is_accepted
    now = pinpoint.delivery.stats()
    assert (now.accepted, now.pending) == (1_000, 1)
    assert not poison.done()
    faulty_pinpoint.heal()
    assert poison.result(10.0).is_accepted


def test_a_poison_request_never_holds_others_back(
    door: Door, connect: Callable[..., pk.Pinpoint], faulty_pinpoint: FaultyPinpoint
) -> None:
    """An event that the service refuses by refusing the whole request is found and rejected."""
    pinpoint = connect(door)
    faulty_pinpoint.always(Fault.too_large(over_events=10))
    futures = submit(pinpoint, 300, 50)
    pinpoint.flush(10.0)
    report = check(faulty_pinpoint, pinpoint, futures)
    assert report.accepted == 300


def test_many_more_blocked_callers_than_room_all_get_through(
    connect: Callable[..., pk.Pinpoint],
) -> None:
    """With `block` and room for two, eight threads record five events each, and none is stuck."""
    pinpoint = connect("in process", delivery=brisk(max_buffer_events=2, when_full="block"))

    def work(number: int) -> None:
        with suppress(pk.errors.ClosedError):
            for _ in range(5):
                pinpoint.events.record(f"device-{number}", "step")

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(8)]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + 1.0
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    stuck = sum(thread.is_alive() for thread in threads)
    pinpoint.close(0)
    for thread in threads:
        thread.join(5.0)
    assert stuck == 0

"""The pace of requests: published rates, slowing down, recovering; time stands still."""

from __future__ import annotations

import math

import pytest

from pinpoint_kit import errors
from pinpoint_kit.delivery import Delivery, DeliveryOptions
from pinpoint_kit.delivery.pacing import Pacer, hosted_rates
from pinpoint_kit.limits import DEFAULT_LIMITS
from tests.delivery.conftest import Clock, Rig, Service


def spend(pacer: Pacer, clock: Clock, seconds: float) -> int:
    """How many requests may go in that time, asking a hundred times a second."""
    sent = 0
    for _ in range(round(seconds * 100)):
        while pacer.spend("PutEvents") == 0.0:
            sent += 1
            if sent > 10_000:
                return sent
        clock.now += 0.01
    return sent


def test_the_hosted_rates_are_the_published_ones() -> None:
    """15 PutEvents, 2 batches, 10 updates and reads, 5 deletions a second."""
    assert hosted_rates(DEFAULT_LIMITS) == {
        "PutEvents": 15,
        "UpdateEndpoint": 10,
        "UpdateEndpointsBatch": 2,
        "GetEndpoint": 10,
        "DeleteEndpoint": 5,
    }


def test_a_rate_allows_its_burst_and_then_its_pace() -> None:
    """15 a second lets 15 go at once, and 150 more in ten seconds."""
    clock = Clock()
    pacer = Pacer({"PutEvents": 15}, clock)
    assert spend(pacer, clock, 0.01) == 15
    assert 149 <= spend(pacer, clock, 10.0) <= 151


def test_an_operation_without_a_rate_is_free() -> None:
    """The engine has no published rate: nothing waits."""
    clock = Clock()
    assert spend(Pacer({}, clock), clock, 0.01) > 10_000


def test_spend_says_how_long_to_wait() -> None:
    """The wait ends when there is a token."""
    clock = Clock()
    pacer = Pacer({"PutEvents": 2}, clock)
    assert [pacer.spend("PutEvents") for _ in range(2)] == [0.0, 0.0]
    wait = pacer.spend("PutEvents")
    assert wait == pytest.approx(0.5)
    clock.now += wait
    assert pacer.spend("PutEvents") == 0.0


def test_a_429_halves_the_rate_and_success_brings_it_back() -> None:
    """The rate falls at once, doubles within a second of success, and stays under the ceiling."""
    clock = Clock()
    pacer = Pacer({"PutEvents": 16}, clock)
    pacer.throttled("PutEvents")
    clock.now += 1.0
    pacer.throttled("PutEvents")
    assert pacer.rate("PutEvents") == 4
    for _ in range(4):
        clock.now += 0.25
        pacer.succeeded("PutEvents")
    assert pacer.rate("PutEvents") == pytest.approx(8, rel=0.01)
    clock.now += 60.0  # time alone says nothing, and counts as a second at most
    pacer.succeeded("PutEvents")
    assert pacer.rate("PutEvents") == pytest.approx(16)
    clock.now += 1.0
    pacer.succeeded("PutEvents")
    assert pacer.rate("PutEvents") == 16


def test_requests_that_are_throttled_together_count_once() -> None:
    """Several requests under way are told 429 at the same time: the rate is halved once."""
    pacer = Pacer({"PutEvents": 16}, Clock())
    for _ in range(4):
        pacer.throttled("PutEvents")
    assert pacer.rate("PutEvents") == 8


def test_the_next_second_may_halve_the_rate_again() -> None:
    """A 429 within a second of the last cut is the same trouble; one after it is another."""
    clock = Clock()
    pacer = Pacer({"PutEvents": 16}, clock)
    rates = []
    for pause in (0.0, 0.9, 0.2):
        clock.now += pause
        pacer.throttled("PutEvents")
        rates.append(pacer.rate("PutEvents"))
    assert rates == [8, 8, 4]


def test_a_throttled_operation_is_free_again_at_a_thousand_a_second() -> None:
    """Until then it keeps a rate, which doubles in each second of success."""
    clock = Clock()
    pacer = Pacer({}, clock)
    pacer.throttled("PutEvents")
    rates = []
    for _ in range(6):
        clock.now += 1.0
        pacer.succeeded("PutEvents")
        rates.append(pacer.rate("PutEvents"))
    assert rates == [40, 80, 160, 320, 640, math.inf]


def test_a_clock_that_goes_back_takes_no_tokens() -> None:
    """What was there stays there, and time that was counted is not counted again."""
    clock = Clock()
    clock.now += 100.0
    pacer = Pacer({"PutEvents": 2}, clock)
    assert pacer.spend("PutEvents") == 0.0
    clock.now -= 50.0
    assert pacer.spend("PutEvents") == 0.0
    assert pacer.spend("PutEvents") == pytest.approx(0.5)


def test_a_free_operation_is_slowed_down_by_429_and_freed_again() -> None:
    """Without a published rate the first 429 sets one, and enough success takes it away."""
    clock = Clock()
    pacer = Pacer({}, clock)
    pacer.succeeded("PutEvents")
    pacer.throttled("PutEvents")
    assert pacer.rate("PutEvents") == 20
    for _ in range(10):
        clock.now += 1.0
        pacer.succeeded("PutEvents")
    assert math.isinf(pacer.rate("PutEvents"))


def test_the_rate_never_falls_to_nothing() -> None:
    """However often the service says 429, one request in two seconds still asks."""
    clock = Clock()
    pacer = Pacer({"PutEvents": 15}, clock)
    for _ in range(50):
        clock.now += 1.0
        pacer.throttled("PutEvents")
    assert pacer.rate("PutEvents") == 0.5


def test_a_rate_below_one_lets_requests_go_all_the_same() -> None:
    """Half a request a second is one in two seconds: a token gathers, however slowly."""
    clock = Clock()
    assert 4 <= spend(Pacer({"PutEvents": 0.5}, clock), clock, 10.0) <= 6


def test_idle_time_saves_up_one_second_at_most() -> None:
    """After a quiet minute, two requests a second are still two at once."""
    clock = Clock()
    pacer = Pacer({"PutEvents": 2}, clock)
    assert spend(pacer, clock, 0.01) == 2
    clock.now += 60.0
    assert spend(pacer, clock, 0.01) == 2


def test_a_429_ends_the_burst() -> None:
    """The tokens that were there are gone, and the next request waits at the new rate."""
    pacer = Pacer({"PutEvents": 16}, Clock())
    pacer.throttled("PutEvents")
    assert pacer.spend("PutEvents") == pytest.approx(1 / 8)


def test_a_success_after_a_long_pause_doubles_the_rate_once() -> None:
    """A pause is no success: the rate grows by what was proved, and no further."""
    clock = Clock()
    pacer = Pacer({"PutEvents": 64}, clock)
    for _ in range(3):
        clock.now += 1.0
        pacer.throttled("PutEvents")
    clock.now += 60.0
    pacer.succeeded("PutEvents")
    assert pacer.rate("PutEvents") == 16


def paced(rate: float) -> Rig:
    """Return a delivery by hand, at a rate."""
    clock, service = Clock(), Service()
    delivery = Delivery(
        service,
        limits=DEFAULT_LIMITS,
        options=DeliveryOptions(),
        pacer=Pacer({"PutEvents": rate, "UpdateEndpointsBatch": rate}, clock),
        clock=clock,
    )
    return Rig(delivery, service, clock)


def test_delivery_keeps_the_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one request a second, a backlog of 500 events takes its time and loses nothing."""
    monkeypatch.setattr("pinpoint_kit.delivery.pipeline.worker.Workers.start", lambda _: None)
    rig = paced(1)
    for number in range(500):
        rig.record(str(number))
    sent = []
    for _ in range(5):
        rig.run()
        sent.append(rig.delivery.stats().accepted)
        rig.clock.now += 1.0
    assert sent == [100, 200, 300, 400, 500]
    rig.delivery.close(0)


def test_a_throttled_request_slows_delivery_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429 for the request, or for an item, lowers the rate of its operation."""
    monkeypatch.setattr("pinpoint_kit.delivery.pipeline.worker.Workers.start", lambda _: None)
    rig = paced(16)
    rig.service.script.append(errors.TooManyRequests("slow", status=429))
    rig.record("1")
    rig.run()
    assert rig.delivery._pacer.rate("PutEvents") == 8
    rig.service.statuses["1"] = 429
    rig.run(5.0)  # the request is answered, which raises the rate, and then the item is throttled
    assert rig.delivery._pacer.rate("PutEvents") == 8
    rig.delivery.close(0)

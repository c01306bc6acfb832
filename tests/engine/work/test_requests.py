"""Work gives way to requests that are under way, and never for long."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from pinpoint_kit.engine.work import requests
from pinpoint_kit.engine.work.requests import Requests
from tests.engine.campaigns.conftest import Campaigns

if TYPE_CHECKING:
    import pytest

    from tests.engine.conftest import Clock, Wire

#: Longer than any test takes.
_FOR_EVER = 600.0


def test_work_waits_for_the_end_of_all_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two requests under way the second one that ends lets work go on."""
    monkeypatch.setattr(requests, "_LONGEST_WAIT_S", _FOR_EVER)
    under_way, waits, order = Requests(), threading.Event(), list[str]()
    wait_for = under_way._changed.wait_for

    def waiting(*condition: Any) -> Any:
        waits.set()
        return wait_for(*condition)

    def work() -> None:
        under_way.give_way()
        order.append("work")

    monkeypatch.setattr(under_way._changed, "wait_for", waiting)
    worker = threading.Thread(target=work)
    with under_way.answering(writes=True):
        with under_way.answering(writes=False):
            worker.start()
            assert waits.wait(20)
        order.append("request")
    worker.join(60)
    assert order == ["request", "work"]


def test_a_busy_server_does_not_stop_its_work() -> None:
    """With a request that never ends, work still goes on after some milliseconds."""
    under_way = Requests()
    with under_way.answering(writes=True):
        under_way.give_way()


def test_work_that_has_waited_in_vain_goes_on_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However often it gives way, it does not wait twice without some work in between."""
    now, waits = 1_000.0, list[float]()
    monkeypatch.setattr("time.monotonic", lambda: now)
    under_way = Requests()

    def waiting(_: object, seconds: float) -> bool:
        waits.append(seconds)
        return False

    monkeypatch.setattr(under_way._changed, "wait_for", waiting)
    with under_way.answering(writes=True):
        under_way.give_way()
        under_way.give_way()
        assert waits == [requests._LONGEST_WAIT_S]
        now += 2 * requests._ROUND_S
        under_way.give_way()
    assert waits == [requests._LONGEST_WAIT_S] * 2


def test_a_request_that_has_just_come_gets_a_turn_every_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Work may give way for each endpoint, and sleeps once in a good while only."""
    now, slept = 1_000.0, list[float]()
    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr("time.sleep", slept.append)
    monkeypatch.setattr("threading.active_count", lambda: 2)
    under_way = Requests()
    for _ in range(100):
        under_way.give_way()
    assert len(slept) == 1
    now += 2 * requests._BETWEEN_TURNS_S
    under_way.give_way()
    assert len(slept) == 2
    under_way._count = 1  # one that has come since is waited for at once
    monkeypatch.setattr(under_way._changed, "wait_for", lambda *_: slept.append(0.0))
    under_way.give_way()
    assert slept[-1] == 0.0


def test_more_are_expected_to_write_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work keeps its transactions short for a moment after a request that wrote."""
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    under_way = Requests()
    with under_way.answering(writes=False):
        assert not under_way.are_writing
    with under_way.answering(writes=True):
        assert under_way.are_writing
    now += 0.9
    assert under_way.are_writing
    now += 0.2
    assert not under_way.are_writing


def test_an_engine_counts_its_requests_but_for_long_reads(
    wire: Wire, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count of a segment may take a minute, for which no campaign waits."""
    segment = Campaigns(wire, clock).segment()
    counted: list[bool] = []

    def counting(_: Requests, *, writes: bool) -> AbstractContextManager[None]:
        counted.append(writes)
        return nullcontext()

    monkeypatch.setattr(Requests, "answering", counting)
    wire.send("GET", f"/v1/apps/{wire.app}/segments/{segment}")
    wire.update("device-1")
    assert counted == [False, True]
    answer = wire.send("GET", f"/pinpoint-kit/v1/apps/{wire.app}/segments/{segment}/count")
    assert (answer.status, counted) == (200, [False, True])

"""Work gives way to requests that are under way, and never for long."""

from __future__ import annotations

import threading
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
    with under_way:
        with under_way:
            worker.start()
            assert waits.wait(20)
        order.append("request")
    worker.join(60)
    assert order == ["request", "work"]


def test_a_busy_server_does_not_stop_its_work() -> None:
    """With a request that never ends, work still goes on after some milliseconds."""
    under_way = Requests()
    with under_way:
        under_way.give_way()


def test_more_requests_are_expected_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the beginning of a request until a moment after its end."""
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    under_way = Requests()
    assert not under_way.are_expected
    with under_way:
        assert under_way.are_expected
    now += 0.9
    assert under_way.are_expected
    now += 0.2
    assert not under_way.are_expected


def test_an_engine_counts_its_requests_but_for_long_reads(
    wire: Wire, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count of a segment may take a minute, for which no campaign waits."""
    segment = Campaigns(wire, clock).segment()
    counted: list[str] = []
    monkeypatch.setattr(Requests, "__enter__", lambda _: counted.append("request"))
    monkeypatch.setattr(Requests, "__exit__", lambda *_: None)
    wire.send("GET", f"/v1/apps/{wire.app}/segments/{segment}")
    assert counted == ["request"]
    answer = wire.send("GET", f"/pinpoint-kit/v1/apps/{wire.app}/segments/{segment}/count")
    assert (answer.status, counted) == (200, ["request"])

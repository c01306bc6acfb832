"""Long work goes on beside the requests, soon, in pieces, and for nothing when there is none."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from pinpoint_kit.server import background as housework
from pinpoint_kit.server.background import Housework
from tests.server.conftest import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.server.conftest import RunningServer


class Steps:
    """Counts its calls, and has work as long as it is told."""

    def __init__(self, work: int = 0, error: Exception | None = None) -> None:
        self.work = work
        self._error = error
        self._called = threading.Condition()
        self.calls = 0

    def __call__(self) -> bool:
        with self._called:
            self.calls += 1
            self._called.notify_all()
            if self._error is not None:
                raise self._error
            self.work -= self.work > 0
            return self.work > 0

    def wait_for(self, calls: int) -> None:
        with self._called:
            assert self._called.wait_for(lambda: self.calls >= calls, PATIENCE)


def run(steps: Steps, calls: int, wake: bool = False) -> None:  # noqa: FBT001, FBT002 -- a test's
    """Lets the housework run until there were so many calls."""

    async def live() -> None:
        work = Housework(steps)
        work.begin()
        work.begin()  # does nothing
        if wake:
            work.wake()
        await asyncio.to_thread(steps.wait_for, calls)
        assert await work.end(PATIENCE)
        work.begin()  # it is over
        assert steps.calls >= calls

    asyncio.run(live())


def test_work_goes_on_until_it_is_done() -> None:
    """As long as there is work, no pause is made."""
    steps = Steps(work=200)
    run(steps, 200)
    assert steps.work == 0


def test_a_failure_does_not_end_it(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A piece that fails is logged without its text, and others follow."""
    monkeypatch.setattr(housework, "_SHORTEST_PAUSE_S", 0.001)
    run(Steps(error=ValueError("customer@example.com")), 3)
    assert "ValueError" in caplog.text
    assert "customer" not in caplog.text


def test_idleness_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without work the pauses double, up to the longest."""
    pauses: list[float] = []
    is_woken = Housework._is_woken

    async def noting(self: Housework, seconds: float) -> bool:
        pauses.append(seconds)
        return await is_woken(self, 0.0)

    monkeypatch.setattr(Housework, "_is_woken", noting)
    run(Steps(), 12)
    assert pauses[:8] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_request_that_writes_wakes_it(
    serve: Callable[..., RunningServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that may have brought work has it looked for at once; others do not."""
    steps = Steps()
    monkeypatch.setattr("pinpoint_kit.engine.Engine.step", lambda _: steps())
    monkeypatch.setattr(housework, "_SHORTEST_PAUSE_S", 3600.0)
    server = serve()
    steps.wait_for(1)
    server.ask("GET", "/v1/apps")
    assert steps.calls == 1
    server.make_app()
    steps.wait_for(2)


def test_a_piece_that_does_not_end_is_not_waited_for() -> None:
    """Stopping has its bounds."""
    go_on = threading.Event()

    async def live() -> bool:
        work = Housework(lambda: not go_on.wait(PATIENCE))
        work.begin()
        await asyncio.sleep(0)
        has_ended = await work.end(0.05)
        go_on.set()
        return has_ended

    assert not asyncio.run(live())


def test_nothing_to_end() -> None:
    """What never began has ended."""
    assert asyncio.run(Housework(lambda: True).end(1.0))

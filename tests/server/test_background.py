"""Long work goes on beside the requests, soon, in pieces, and for nothing when there is none."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.server import background
from pinpoint_kit.server.background import BackgroundWork
from tests.server.conftest import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import RunningServer


class Steps:
    """Counts its calls, and has work as long as it is told."""

    def __init__(
        self, work: int = 0, error: Exception | None = None, wait_s: float | None = None
    ) -> None:
        self.work = work
        self._error = error
        self._wait_s = wait_s
        self.announce: Callable[[], None] = lambda: None
        self._called = threading.Condition()
        self.calls = self.renewals = 0

    def step(self) -> bool:
        with self._called:
            self.calls += 1
            self._called.notify_all()
            if self._error is not None:
                raise self._error
            self.work -= self.work > 0
            return self.work > 0

    def wait_s(self) -> float | None:
        return self._wait_s

    def renew(self) -> float:
        with self._called:
            self.renewals += 1
            self._called.notify_all()
        return 0.001

    def on_work(self, listener: Callable[[], None]) -> None:
        self.announce = listener

    def wait_for(self, calls: int) -> None:
        with self._called:
            assert self._called.wait_for(lambda: self.calls >= calls, PATIENCE)


def run(steps: Steps, calls: int) -> None:
    """Lets the work run until there were so many calls."""

    async def live() -> None:
        work = BackgroundWork(steps)
        work.begin()
        work.begin()  # does nothing
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
    monkeypatch.setattr(background, "_LONGEST_PAUSE_S", 0.001)
    run(Steps(error=ValueError("customer@example.com")), 3)
    assert "ValueError" in caplog.text
    assert "customer" not in caplog.text


@pytest.mark.parametrize(("wait_s", "pause"), [(None, 2.0), (60.0, 2.0), (1.5, 1.5), (0.0, 0.1)])
def test_idleness_costs_little(
    monkeypatch: pytest.MonkeyPatch, wait_s: float | None, pause: float
) -> None:
    """Without work the engine says when to look again; every two seconds for other processes."""
    pauses: list[float] = []

    async def noting(_: BackgroundWork, seconds: float) -> bool:
        pauses.append(seconds)
        return False

    monkeypatch.setattr(BackgroundWork, "_is_woken", noting)
    run(Steps(wait_s=wait_s), 12)
    assert set(pauses) == {pause}


def test_long_pieces_are_kept_from_others() -> None:
    """While a piece takes its time, it is renewed again and again."""

    class Slow(Steps):
        def step(self) -> bool:
            before = self.renewals
            with self._called:
                assert self._called.wait_for(lambda: self.renewals >= before + 3, PATIENCE)
            return super().step()

    run(Slow(), 1)


def test_announced_work_is_done_at_once() -> None:
    """From any thread, and also when the loop that did it is closed."""
    steps = Steps()

    async def live() -> None:
        work = BackgroundWork(steps)
        steps.announce()  # nothing runs yet
        work.begin()
        await asyncio.to_thread(steps.wait_for, 1)
        await asyncio.to_thread(steps.announce)
        await asyncio.to_thread(steps.wait_for, 2)
        assert await work.end(PATIENCE)

    asyncio.run(live())
    steps.announce()
    assert steps.calls == 2


def test_only_a_request_that_brings_work_wakes_it(
    serve: Callable[..., RunningServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Writing alone is no work: the database is not asked for jobs that nobody has made."""
    steps = Steps()
    monkeypatch.setattr("pinpoint_kit.engine.Lane.step", lambda _: steps.step())
    monkeypatch.setattr(background, "_LONGEST_PAUSE_S", 3600.0)
    server = serve()
    lanes = len(server.engine.lanes)  # each looks once when it begins
    steps.wait_for(lanes)
    app = server.make_app()
    server.ask("GET", "/v1/apps")
    server.ask("PUT", f"/v1/apps/{app}/endpoints/device-1", b"{}")
    assert steps.calls == lanes
    job = b'{"Format": "JSON", "RoleArn": "arn:aws:iam::1:role/x", "S3UrlPrefix": "s3://b/x"}'
    monkeypatch.setattr(server.engine._context.files, "check", lambda _: None)
    assert server.ask("POST", f"/v1/apps/{app}/jobs/export", job).status == 202
    steps.wait_for(lanes + 1)


def test_a_piece_that_does_not_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping has its bounds."""
    go_on = threading.Event()

    async def live() -> bool:
        steps = Steps()
        monkeypatch.setattr(steps, "step", lambda: not go_on.wait(PATIENCE))
        work = BackgroundWork(steps)
        work.begin()
        await asyncio.sleep(0)
        has_ended = await work.end(0.05)
        go_on.set()
        return has_ended

    assert not asyncio.run(live())


def test_nothing_to_end() -> None:
    """What never began has ended."""
    assert asyncio.run(BackgroundWork(Steps()).end(1.0))

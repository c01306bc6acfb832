"""The ledger over a spool: whatever happens in whatever order, nothing is lost or told wrongly."""

from __future__ import annotations

import tempfile
from concurrent.futures import Future
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pinpoint_kit import errors
from pinpoint_kit.delivery import Delivery, DeliveryOptions
from pinpoint_kit.delivery.spool.spool import Spool
from pinpoint_kit.limits import Limits
from tests.delivery.conftest import Clock, Rig, Service, fragment

FAILURES = [
    errors.TransportError("reset"),
    errors.TransportTimeoutError("hangs"),
    errors.TooManyRequests("slow", status=429),
    errors.InternalServerError("down", status=503),
    errors.Forbidden("expired", status=403),
    errors.PayloadTooLarge("large", status=413),
]


class Lives(RuleBasedStateMachine):
    """Clients that come and go on one spool, while the service fails as it likes."""

    @initialize(window=st.sampled_from([3, 1000]))
    def begin(self, window: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.no_threads = mock.patch(
            "pinpoint_kit.delivery.pipeline.worker.Workers.start", return_value=None
        )
        self.no_threads.start()
        self.options = DeliveryOptions(max_buffer_events=window)
        self.service = Service()
        self.recorded: set[str] = set()
        self.futures: list[Future[Any]] = []
        self.open()

    def open(self) -> None:
        clock = Clock()
        spool = Spool(Path(self.folder.name) / "ledger.spool")
        delivery = Delivery(
            self.service,
            limits=Limits(max_events_per_request=4),
            options=self.options,
            clock=clock,
            spool=spool,
        )
        self.rig = Rig(delivery, self.service, clock)

    @rule(endpoint_id=st.sampled_from(["a", "b", "c"]), count=st.integers(1, 6))
    def record(self, endpoint_id: str, count: int) -> None:
        for _ in range(count):
            event_id = f"{endpoint_id}-{len(self.recorded)}"
            future: Future[Any] = Future()
            future.set_running_or_notify_cancel()
            self.rig.delivery.enqueue(endpoint_id, event_id, fragment(event_id), future=future)
            self.recorded.add(event_id)
            self.futures.append(future)

    @rule(seconds=st.sampled_from([0.0, 0.5, 20.0]))
    def deliver(self, seconds: float) -> None:
        self.rig.run(seconds)

    @rule(failure=st.sampled_from(FAILURES))
    def fail_next(self, failure: Exception) -> None:
        self.service.script.append(failure)

    @precondition(lambda self: self.recorded)
    @rule(data=st.data(), status=st.sampled_from([400, 429, 500]))
    def treat_one_badly(self, data: st.DataObject, status: int) -> None:
        event_id = data.draw(st.sampled_from(sorted(self.recorded)))
        self.service.statuses[event_id] = status

    @rule()
    def heal(self) -> None:
        self.service.statuses.clear()
        self.service.script.clear()

    @rule()
    def close_and_reopen(self) -> None:
        before = self.rig.delivery.stats()
        report = self.rig.delivery.close(0)
        assert report.pending == before.pending
        assert report.dropped == before.dropped == 0
        assert all(future.done() for future in self.futures)
        self.open()

    @invariant()
    def adds_up(self) -> None:
        if not hasattr(self, "rig"):
            return
        stats = self.rig.delivery.stats()
        assert stats.recorded == stats.accepted + stats.rejected + stats.dropped + stats.pending
        assert sum(stats.reasons.values()) == stats.rejected + stats.dropped

    def teardown(self) -> None:
        """In the end, with a healthy service, everything was either taken or refused."""
        if hasattr(self, "rig"):
            self.heal()
            self.close_and_reopen()
            for _ in range(50):
                self.rig.run(20.0)
            assert self.rig.delivery.stats().pending == 0
            self.rig.delivery.close(0)
            buried = Spool(Path(self.folder.name) / "ledger.spool")
            dead = {letter.item_id for letter in buried.dead_letters(limit=100_000)}
            buried.close()
            assert set(self.service.accepted) | dead >= self.recorded
            assert not set(self.service.accepted) & dead
            self.no_threads.stop()
            self.folder.cleanup()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=25)

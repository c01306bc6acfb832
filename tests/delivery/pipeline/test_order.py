"""Items of one endpoint go out in their order, whatever holds the spool meanwhile."""

from __future__ import annotations

import sqlite3
import tempfile
from collections import deque
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pinpoint_kit import errors
from pinpoint_kit.delivery import Delivery, DeliveryOptions
from pinpoint_kit.delivery.pipeline import backlog
from pinpoint_kit.delivery.pipeline.buffer import Buffer
from pinpoint_kit.delivery.spool.schema import SpoolError
from pinpoint_kit.delivery.spool.spool import Spool
from pinpoint_kit.limits import Limits
from tests.delivery.conftest import Clock, Rig, Service

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class Held(ExitStack):
    """Deliveries over one spool whose lock a test takes; they wait for it hardly at all."""

    def __init__(self) -> None:
        super().__init__()
        folder = self.enter_context(tempfile.TemporaryDirectory())
        self.path = Path(folder) / "order.spool"
        for name, seconds in {"PATIENCE_S": 0.001, "_WORKER_PATIENCE_S": 0.002}.items():
            self.enter_context(mock.patch.object(backlog, name, seconds))
        start = "pinpoint_kit.delivery.pipeline.worker.Workers.start"
        self.enter_context(mock.patch(start, return_value=None))
        self.holder: sqlite3.Connection | None = None
        self.callback(self.let_go)

    def rig(self, **options: Any) -> Rig:
        """Return another delivery."""
        clock, service = Clock(), Service()
        delivery = Delivery(
            service,
            limits=Limits(max_events_per_request=4),
            options=DeliveryOptions(**options),
            clock=clock,
            spool=Spool(self.path),
        )
        return Rig(delivery, service, clock)

    def full_rig(self) -> Rig:
        """Return another delivery, with three events in memory and two on disk alone."""
        rig = self.rig(max_buffer_events=3)
        for number in range(5):
            rig.record(str(number))
        return rig

    def hold(self) -> None:
        """Lock the spool as another process would."""
        self.holder = sqlite3.connect(self.path, isolation_level=None)
        self.holder.execute("BEGIN IMMEDIATE")

    def let_go(self) -> None:
        """Unlock it."""
        if self.holder is not None:
            self.holder.close()
            self.holder = None


def break_disk(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the disk fail until the patch is undone, and record an event that it does not take."""

    def broken(*_: object, **__: object) -> None:
        raise SpoolError("the disk is gone", "io")

    monkeypatch.setattr(Spool, "append", broken)
    monkeypatch.setattr(Spool, "load", broken)
    rig.run(1.0)
    rig.record("5")


def interrupt_release(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[Buffer], bool]
) -> None:
    """Record an event in the moment in which what is held is let go; then let the disk be back."""
    break_disk(rig, monkeypatch)
    rig.service.script += [errors.TransportError("reset")] * 100
    release = Buffer.release_held

    def interrupted(buffer: Buffer, *given: Any) -> None:
        monkeypatch.setattr(Buffer, "release_held", release)
        assert meanwhile(buffer)
        rig.record("6")
        release(buffer, *given)

    monkeypatch.setattr(Buffer, "release_held", interrupted)
    rig.run(6.0)
    assert Buffer.release_held is release
    monkeypatch.undo()
    rig.run(30.0)


def test_what_is_in_memory_first_does_not_overtake_what_is_on_disk() -> None:
    """An event that the held spool does not take goes out behind those on disk alone."""
    with Held() as spool:
        rig = spool.full_rig()
        spool.hold()
        assert rig.worker.step()
        rig.record("5")
        assert rig.delivery.stats().not_durable == 1
        rig.run(20.0)
        assert rig.service.event_ids == ["0", "1", "2", "3", "4", "5"]
        spool.let_go()
        assert rig.delivery.close(0).accepted == 6


def test_what_is_in_memory_first_is_written_before_what_comes_later() -> None:
    """The next start, too, delivers in the order in which it was recorded."""
    with Held() as spool:
        rig = spool.rig()
        rig.service.script += [errors.TransportError("reset")] * 100
        rig.record("0")
        spool.hold()
        rig.record("1")
        spool.let_go()
        rig.clock.now += 20.0
        rig.record("2")
        rig.delivery.close(0)
        heir = spool.rig()
        heir.run()
        assert heir.service.event_ids == ["0", "1", "2"]
        heir.delivery.close(0)


def test_what_is_held_waits_for_an_unreadable_disk_for_a_while_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Events behind rows that cannot be had go out without them after five seconds."""
    with Held() as spool:
        rig = spool.full_rig()
        break_disk(rig, monkeypatch)
        rig.run(1.0)
        assert "5" not in rig.service.event_ids
        rig.run(4.0)
        assert rig.service.event_ids == ["0", "1", "2", "5"]
        monkeypatch.undo()
        rig.run(20.0)
        assert rig.service.event_ids == ["0", "1", "2", "5", "3", "4"]
        assert rig.delivery.close(0).accepted == 6


def test_what_comes_while_what_is_held_is_let_go_is_written_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An event of that very moment, such as a finalizer's, is on disk for the next start."""
    with Held() as spool:
        rig = spool.full_rig()
        interrupt_release(rig, monkeypatch, lambda _: True)
        assert rig.delivery.close(0).dropped == 0
        heir = spool.rig()
        heir.run(60.0)
        assert sorted(heir.service.event_ids) == ["3", "4", "5", "6"]
        assert heir.service.event_ids.index("5") < heir.service.event_ids.index("6")
        heir.delivery.close(0)


def test_what_is_dropped_while_what_is_held_is_let_go_lets_nothing_else_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that comes just then is written for the next start, though another has left its place."""
    with Held() as spool:
        rig = spool.full_rig()
        interrupt_release(rig, monkeypatch, Buffer.evict)
        report = rig.delivery.close(0)
        assert (report.dropped, report.reasons) == (1, {"buffer_full": 1})
        heir = spool.rig()
        heir.run(60.0)
        assert sorted(heir.service.event_ids) == ["3", "4", "6"]
        heir.delivery.close(0)


def test_what_another_thread_writes_while_the_client_is_closed_stays_on_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An item that the close has let go of meanwhile was not dropped, and its row not removed."""
    with Held() as spool:
        rig = spool.full_rig()
        spool.hold()
        assert rig.worker.step()
        rig.record("5")
        spool.let_go()
        rig.service.script += [errors.TransportError("reset")] * 100
        unheld = Buffer.is_unheld

        def after_the_close(buffer: Buffer, entry: Any) -> bool:
            monkeypatch.undo()
            rig.delivery._give_up_rest(1.0)
            return unheld(buffer, entry)

        monkeypatch.setattr(Buffer, "is_unheld", after_the_close)
        rig.run(20.0)
        assert Buffer.is_unheld is unheld
        report = rig.delivery.close(0)
        heir = spool.rig()
        heir.run(60.0)
        assert "5" in heir.service.event_ids
        assert len(heir.service.event_ids) == report.pending
        heir.delivery.close(0)


def test_a_memory_full_of_what_is_to_be_written_drops_nothing_once_the_disk_is_back() -> None:
    """More than is written at once is behind; the next event goes to the disk all the same."""
    with Held() as spool:
        rig = spool.rig(max_buffer_events=50)
        rig.record("0")
        spool.hold()
        for number in range(1, 50):
            rig.record(str(number))
        spool.let_go()
        rig.clock.now += 20.0
        rig.record("50")
        stats = rig.delivery.stats()
        assert (stats.dropped, stats.not_durable) == (0, 49)
        rig.run(20.0)
        assert rig.service.event_ids == [str(number) for number in range(51)]
        assert rig.delivery.close(0).accepted == 51


def test_dropping_the_oldest_reaches_what_is_held() -> None:
    """A memory full of events that the spool did not take makes room, and the ledger adds up."""
    with Held() as spool:
        rig = spool.rig(max_buffer_events=3, when_full="drop_oldest")
        rig.service.script += [errors.TransportError("reset")] * 100
        futures: list[Future[Any]] = [Future() for _ in range(12)]
        for number, future in enumerate(futures):
            if number == 5:
                spool.hold()
            rig.record(str(number), future=future)
        stats = rig.delivery.stats()
        assert (stats.recorded, stats.dropped, stats.not_durable) == (12, 7, 7)
        spool.let_go()
        rig.service.script.clear()
        for _ in range(3):
            rig.run(20.0)
        report = rig.delivery.close(0)
        assert (report.accepted, report.dropped, report.pending) == (5, 7, 0)
        assert rig.service.event_ids == ["3", "4", "9", "10", "11"]
        assert all(future.done() for future in futures)


def test_an_event_that_is_dropped_while_it_is_written_is_counted_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another thread makes room just then, and the row cannot be removed at once."""
    with Held() as spool:
        rig = spool.rig(max_buffer_events=3, when_full="drop_oldest")
        for number in range(5):
            rig.record(str(number))
        spool.hold()
        assert rig.worker.step()
        rig.record("5")
        spool.let_go()
        append = Spool.append

        def with_room_made(*args: Any, **options: Any) -> int:
            row = append(*args, **options)
            monkeypatch.undo()
            while rig.delivery._buffer.evict():
                pass
            spool.hold()
            return row

        monkeypatch.setattr(Spool, "append", with_room_made)
        rig.run(20.0)
        spool.let_go()
        rig.run(20.0)
        rig.run(20.0)
        report = rig.delivery.close(0)
        assert (report.recorded, report.accepted + report.dropped) == (6, 6)
        assert report.dropped > 0
        assert len(rig.service.accepted) == report.accepted


def test_what_pushes_out_what_is_being_done_on_disk_is_done_itself() -> None:
    """As many things as are kept at most wait, and others come while the first one is done."""
    with Held() as spool:
        rig = spool.rig()
        backlog_ = rig.delivery._backlog
        assert backlog_ is not None
        done: list[str] = []
        undone: deque[Callable[[], object]] = deque(maxlen=2)

        def first() -> None:
            done.append("first")
            undone.extend([lambda: done.append("second"), lambda: done.append("third")])

        undone.append(first)
        backlog_._undone = undone
        backlog_._catch_up()
        assert (done, len(undone)) == (["first", "second", "third"], 0)
        rig.delivery.close(0)


class Order(RuleBasedStateMachine):
    """One client, a spool that is held now and then, a service that fails now and then.

    The model is a list of what was recorded for each endpoint.
    """

    @initialize(window=st.sampled_from([2, 5]), policy=st.sampled_from(["newest", "oldest"]))
    def begin(self, window: int, policy: str) -> None:
        self.spool = Held()
        self.window = window
        self.rig = self.spool.rig(max_buffer_events=window, when_full=f"drop_{policy}")
        self.recorded: dict[str, list[str]] = {"a": [], "b": []}
        self.futures: dict[str, Future[Any]] = {}

    @rule(endpoint_id=st.sampled_from(["a", "b"]), count=st.integers(1, 6))
    def record(self, endpoint_id: str, count: int) -> None:
        for _ in range(count):
            event_id = f"{endpoint_id}-{len(self.futures)}"
            future: Future[Any] = Future()
            self.futures[event_id] = future
            self.recorded[endpoint_id].append(event_id)
            self.rig.record(event_id, endpoint_id, future=future)

    @rule(endpoint_id=st.sampled_from(["a", "b"]))
    def record_more_than_memory_holds(self, endpoint_id: str) -> None:
        self.record(endpoint_id, self.window + 2)
        self.rig.worker.step()

    @precondition(lambda self: self.spool.holder is None)
    @rule()
    def hold(self) -> None:
        self.spool.hold()

    @precondition(lambda self: self.spool.holder is not None)
    @rule()
    def let_go(self) -> None:
        self.spool.let_go()

    @rule()
    def fail_next(self) -> None:
        self.rig.service.script.append(errors.TransportError("reset"))

    @rule(seconds=st.sampled_from([0.0, 0.5, 20.0]))
    def deliver(self, seconds: float) -> None:
        self.rig.run(seconds)

    @rule()
    def send_once(self) -> None:
        self.rig.worker.step()

    @invariant()
    def is_in_order(self) -> None:
        if not hasattr(self, "rig"):
            return
        accepted = self.rig.service.accepted
        assert len(accepted) == len(set(accepted))
        for endpoint_id, recorded in self.recorded.items():
            of_it = [event_id for event_id in accepted if event_id.startswith(endpoint_id)]
            kept = set(of_it)
            assert of_it == [event_id for event_id in recorded if event_id in kept]

    @invariant()
    def adds_up(self) -> None:
        if hasattr(self, "rig"):
            stats = self.rig.delivery.stats()
            assert stats.recorded == len(self.futures)
            assert stats.recorded == stats.accepted + stats.dropped + stats.pending

    def teardown(self) -> None:
        """In the end everything was accepted or counted as dropped, and nothing is left."""
        if not hasattr(self, "rig"):
            return
        self.spool.let_go()
        self.rig.service.script.clear()
        for _ in range(20):
            self.rig.run(20.0)
        self.is_in_order()
        report = self.rig.delivery.close(0)
        assert report.pending == 0
        assert report.accepted == len(self.rig.service.accepted)
        assert all(future.done() for future in self.futures.values())
        left = Spool(self.spool.path)
        assert left.adopt() == 0
        left.close()
        self.spool.close()


TestOrder = Order.TestCase
TestOrder.settings = settings(max_examples=40, stateful_step_count=25)

"""Turns, due times and leases of any workers, by workers that do nothing but remember."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs
import pytest

from pinpoint_kit.engine.storage.failure_log import FailureLog
from pinpoint_kit.engine.storage.store import Store
from pinpoint_kit.engine.wire.instants import moment_ms
from pinpoint_kit.engine.wire.refusals import internal_error
from pinpoint_kit.engine.work import leases
from pinpoint_kit.engine.work.leases import Lease, LostError
from pinpoint_kit.engine.work.runner import Runner
from pinpoint_kit.engine.work.worker import Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from tests.engine.conftest import Clock

Ran = list[tuple[str, str]]


@attrs.define
class FakeWorker:
    """Tasks with a number of steps and a time when they are due."""

    name: str
    store: Store
    ran: Ran
    left: dict[str, int] = attrs.field(factory=dict)
    due: dict[str, int] = attrs.field(factory=dict)
    forgotten: list[str] = attrs.field(factory=list)
    meanwhile: Callable[[], object] = lambda: None
    error: Exception | None = None

    def tasks(self, connection: Connection, now: int) -> Sequence[Task]:  # noqa: ARG002 -- a worker's
        """Return what has steps left."""
        return [Task(key, self.due.get(key, 0)) for key, left in self.left.items() if left]

    def run(self, key: str, lease: Lease, now: int) -> None:  # noqa: ARG002 -- a worker's
        """Count a step, under the lease."""
        if self.error is not None:
            raise self.error
        self.meanwhile()
        with self.store.write() as connection:
            lease.check(connection)
            self.left[key] -= 1
            if not self.left[key]:
                lease.end(connection)
        self.ran.append((self.name, key))

    def fail(self, key: str, lease: Lease, now: int) -> None:  # noqa: ARG002 -- a worker's
        """End the task."""
        with self.store.write() as connection:
            lease.check(connection)
            lease.end(connection)
        self.left[key] = 0

    def forget(self, key: str) -> None:
        """Remember that it was told."""
        self.forgotten.append(key)

    def close(self) -> None:
        """Remember that it was told."""
        self.forgotten.append("all")


@pytest.fixture
def store() -> Iterator[Store]:
    """Give a store in memory."""
    opened = Store.open("sqlite://")
    yield opened
    opened.close()


@pytest.fixture
def ran() -> Ran:
    """Give what was done so far: worker and key."""
    return []


@pytest.fixture
def make(store: Store, clock: Clock, ran: Ran) -> Callable[..., tuple[Runner, list[FakeWorker]]]:
    """Make a runner with workers, each with tasks and their steps."""

    def monotonic() -> float:
        return clock.now.timestamp()

    def make(**tasks: dict[str, int]) -> tuple[Runner, list[FakeWorker]]:
        workers = [FakeWorker(name, store, ran, dict(left)) for name, left in tasks.items()]
        return Runner(store, lambda: workers, clock, FailureLog("x"), monotonic), workers

    return make


Make = Callable[..., tuple[Runner, list[FakeWorker]]]


def held(store: Store) -> dict[tuple[str, str], str]:
    """Who holds what."""
    with store.read() as connection:
        return {name: each.holder for name, each in leases.held(connection).items()}


def untils(store: Store) -> dict[tuple[str, str], int]:
    """Return what renewals change."""
    with store.read() as connection:
        return {name: each.until for name, each in leases.held(connection).items()}


def test_workers_take_turns_whatever_they_have(make: Make, ran: Ran) -> None:
    """One with a hundred tasks gets no more turns than one with a single task."""
    runner, _ = make(many={str(n): 3 for n in range(100)}, one={"x": 10})
    for _ in range(20):
        assert runner.step()
    assert Counter(name for name, _ in ran) == {"many": 10, "one": 10}


def test_tasks_of_a_worker_take_turns(make: Make, ran: Ran) -> None:
    """The one that has waited longest is next: since its last step, or since it was first seen."""
    runner, (worker,) = make(jobs={"a": 9, "b": 9})
    runner.step()
    worker.left["c"] = 9
    for _ in range(5):
        runner.step()
    assert [key for _, key in ran] == ["a", "b", "a", "c", "b", "a"]


def test_what_is_not_due_waits(make: Make, clock: Clock, ran: Ran) -> None:
    """A timed task is left alone until its time, and `wait_s` says how long that is."""
    runner, (worker,) = make(timed={"nightly": 1})
    worker.due["nightly"] = moment_ms(clock.now) + 90_000
    assert not runner.step()
    assert runner.wait_s() == 90.0
    clock.advance(90)
    assert runner.wait_s() == 0.0
    assert runner.step()
    assert ran == [("timed", "nightly")]
    assert runner.wait_s() is None


def test_a_lease_keeps_others_away(make: Make, store: Store, ran: Ran, clock: Clock) -> None:
    """What one engine works on, another leaves alone; at the end of the task the lease goes."""
    runner, _ = make(jobs={"a": 2})
    other, (others,) = make(jobs={"a": 2})
    assert runner.step()
    assert held(store) == {("jobs", "a"): runner.holder}
    assert not other.step()
    assert other.wait_s() == 1.0  # this process, which might give it up
    clock.advance(5.9)
    assert not other.step()
    clock.advance(0.1)
    assert other.step()
    assert held(store) == {("jobs", "a"): other.holder}
    others.left["a"] = 1
    assert other.step()
    assert held(store) == {}
    assert len(ran) == 3


def test_work_keeps_its_lease(make: Make, store: Store, clock: Clock) -> None:
    """Whoever goes on with a task renews its lease, so others who look stay away."""
    runner, _ = make(jobs={"a": 20})
    other, _ = make(jobs={"a": 20})
    for _ in range(10):
        assert runner.step()
        assert not other.step()
        clock.advance(2)
    assert held(store) == {("jobs", "a"): runner.holder}


def test_a_long_step_keeps_all_leases(make: Make, store: Store, clock: Clock) -> None:
    """While a step waits for something, its own lease and those of other tasks are renewed."""
    runner, (worker,) = make(jobs={"a": 5, "b": 5})
    other, _ = make(jobs={"a": 5, "b": 5})

    def wait() -> None:
        for _ in range(5):
            assert not other.step()
            clock.advance(runner.renew())

    assert runner.step()
    worker.meanwhile = wait
    assert runner.step()
    assert held(store) == {("jobs", name): runner.holder for name in ("a", "b")}
    assert worker.left == {"a": 4, "b": 4}


def test_nothing_is_renewed_for_who_does_not_work(make: Make, store: Store, clock: Clock) -> None:
    """Between steps, and in one that must be stuck, leases are not renewed."""
    runner, (worker,) = make(jobs={"a": 5})

    def stay() -> None:
        clock.advance(301)
        before = untils(store)
        assert runner.renew() == 2
        assert untils(store) == before

    worker.meanwhile = stay
    assert runner.step()
    before = untils(store)
    assert runner.renew() == 2
    assert untils(store) == before


def test_a_renewal_may_fail(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A renewal that fails ends no step, and is asked for again."""
    runner, (worker,) = make(jobs={"a": 5})

    def fail(*_: object) -> None:
        raise internal_error("the database is busy")

    monkeypatch.setattr(leases, "renew", fail)
    worker.meanwhile = runner.renew
    assert runner.step()
    assert worker.left == {"a": 4}


def test_no_clock_takes_a_lease(make: Make, store: Store, clock: Clock) -> None:
    """A lease that is renewed is kept, and one that is not is lost, wherever its clock stands."""
    runner, _ = make(jobs={"a": 20})
    other, _ = make(jobs={"a": 20})
    assert runner.step()
    for until in (1, moment_ms(clock.now) - 10**9, moment_ms(clock.now) + 10**9):
        with store.write() as connection:
            leases.renew(connection, runner.holder, until)
        assert not other.step()
        clock.advance(5.9)
        assert not other.step()
    clock.advance(0.1)
    assert other.step()


def test_the_same_key_of_two_workers_is_two_leases(make: Make, store: Store) -> None:
    """Keys are a worker's own."""
    runner, _ = make(first={"a": 2}, second={"a": 2})
    runner.step()
    runner.step()
    assert set(held(store)) == {("first", "a"), ("second", "a")}


def test_a_step_that_was_overtaken_leaves_nothing(make: Make, ran: Ran, clock: Clock) -> None:
    """An engine that was silent for too long finds its lease gone, in the transaction itself."""
    runner, (worker,) = make(jobs={"a": 5})
    other, _ = make(jobs={"a": 5})

    def overtake() -> None:
        assert not other.step()
        clock.advance(31)
        assert other.step()

    worker.meanwhile = overtake
    assert runner.step()
    assert ran == [("jobs", "a")]  # the other one's
    assert (worker.left, worker.forgotten) == ({"a": 5}, ["a"])


def test_a_fault_ends_the_task(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of ours is logged without what it held, and is not met for ever."""
    runner, (worker,) = make(jobs={"a": 5})
    worker.error = ValueError("customer@example.com")
    assert runner.step()
    assert not runner.step()
    assert "jobs a failed: ValueError in" in caplog.text
    assert "customer" not in caplog.text


def test_a_task_that_is_lost_twice_is_left_alone(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When even the failure of a task finds it gone, there is nothing left to do for it."""
    runner, (worker,) = make(jobs={"a": 5})
    worker.error = ValueError()

    def lost(*_: object) -> None:
        raise LostError

    monkeypatch.setattr(FakeWorker, "fail", lost)
    assert runner.step()


def test_the_leases_of_tasks_that_are_gone_go_too(make: Make, store: Store, clock: Clock) -> None:
    """A task may disappear with its application; others' live leases and workers stay."""
    runner, (worker,) = make(jobs={"a": 5})
    runner.step()
    worker.left.clear()
    other, _ = make(jobs={"b": 5})
    other.step()
    with store.write() as connection:
        foreign = Lease("streams", "s", "elsewhere#1#x")
        assert leases.take(connection, foreign, None, moment_ms(clock.now) - 1)
    assert not runner.step()
    assert held(store) == {("jobs", "b"): other.holder, ("streams", "s"): "elsewhere#1#x"}


def test_closing_gives_leases_back(make: Make, store: Store) -> None:
    """Another engine goes on at once with what a closed one had."""
    runner, (worker,) = make(jobs={"a": 5})
    other, _ = make(jobs={"a": 5})
    runner.step()
    runner.close()
    assert worker.forgotten == ["all"]
    assert held(store) == {}
    assert other.wait_s() == 0.0
    assert other.step()

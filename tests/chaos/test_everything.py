"""One client through everything at once: crashes, forks, locks, full disks, damage, lies, Ctrl-C.

Steps come in random order, one at a time and without threads, so that a failure can be replayed.
The ledger adds up at every moment, every future ends once, nothing that was recorded and could be
kept is lost, and nothing that was accepted is counted twice.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import Future
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pinpoint_kit import errors
from pinpoint_kit.delivery import Delivery, DeliveryOptions
from pinpoint_kit.delivery.spool import file as spool_file
from pinpoint_kit.delivery.spool.spool import Spool
from pinpoint_kit.limits import Limits
from pinpoint_kit.system import forks
from pinpoint_kit.transport import PutEventsAnswer
from tests.delivery.conftest import Clock, Rig, Service
from tests.delivery.test_interruptions import Injector, Interrupt
from tests.timing import in_time

#: What a service, a proxy or a network may answer to a whole request.
ANSWERS: dict[str, Any] = {
    "down": errors.TransportError("reset"),
    "slow down": errors.TooManyRequests("slow", status=429, retry_after=1e9),
    "broken": errors.InternalServerError("down", status=503),
    "expired": errors.Forbidden("expired", status=403),
    "too large": errors.PayloadTooLarge("large", status=413),
    "a hook of the caller": RuntimeError("theirs"),
    "no word of any item": lambda _: PutEventsAnswer({}, "r"),
    "nonsense": lambda _: PutEventsAnswer({"a": {"EventsItemResponse": []}}, "r"),
}


class Everything(RuleBasedStateMachine):
    """A client on a spool, and what the world does to it."""

    @initialize(room=st.sampled_from([4, 1000]))
    def begin(self, room: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "all.spool"
        start = "pinpoint_kit.delivery.pipeline.worker.Workers.start"
        self.no_threads = mock.patch(start, return_value=None)
        self.no_threads.start()
        self.options = DeliveryOptions(max_buffer_events=room, base_wait=0.1, max_wait=1.0)
        self.service = Service()
        self.wall = 1_000_000.0
        self.number = 0
        self.recorded: set[str] = set()
        self.may_be_lost: set[str] = set()
        self.futures: list[Future[Any]] = []
        self.lock: sqlite3.Connection | None = None
        self.open()

    def open(self) -> None:
        clock = Clock()
        self.spool = Spool(self.path, clock=lambda: self.wall)
        self.life: set[str] = set()
        self.had_trouble = False
        self.accepted_before = Counter(self.service.accepted)
        delivery = Delivery(
            self.service,
            limits=Limits(max_events_per_request=4),
            options=self.options,
            clock=clock,
            spool=self.spool,
        )
        self.rig = Rig(delivery, self.service, clock)

    # What the program does

    @rule(endpoint_id=st.sampled_from("abc"), count=st.integers(1, 6), data=st.booleans())
    def record(self, endpoint_id: str, count: int, data: bool) -> None:  # noqa: FBT001 -- hypothesis
        for _ in range(count):
            self.number += 1
            event_id = f"{endpoint_id}-{self.number}"
            future: Future[Any] = Future()
            future.set_running_or_notify_cancel()
            endpoint = b'{"Metrics":{"n":%d}}' % self.number if data else b""
            began = time.monotonic()
            self.rig.record(event_id, endpoint_id, endpoint=endpoint, future=future)
            in_time(time.monotonic() - began, 10.0)  # 50 ms, on a machine that does other things
            self.recorded.add(event_id)
            self.life.add(event_id)
            self.futures.append(future)

    @rule(seconds=st.sampled_from([0.0, 0.5, 20.0, 90.0]))
    def deliver(self, seconds: float) -> None:
        self.rig.clock.now += seconds
        for _ in range(30):
            if not self.rig.worker.step():
                break

    @rule()
    def flush(self) -> None:
        self.rig.delivery.flush(0.0)

    @rule()
    def close_and_open(self) -> None:
        self.unlock()
        report = self.rig.delivery.close(0.0)
        assert all(future.done() for future in self.futures)
        if report.dropped:  # what the disk had no room for
            letters = {letter.event_id for letter in self.rig.delivery.dead_letters()}
            self.may_be_lost |= letters
        self.open()

    # What the world does

    @rule(kind=st.sampled_from(sorted(ANSWERS)))
    def answer(self, kind: str) -> None:
        self.service.script.append(ANSWERS[kind])

    @precondition(lambda self: self.recorded)
    @rule(data=st.data(), status=st.sampled_from([400, 429, 500]))
    def treat_one_badly(self, data: st.DataObject, status: int) -> None:
        self.service.statuses[data.draw(st.sampled_from(sorted(self.recorded)))] = status

    @rule()
    def heal(self) -> None:
        self.service.statuses.clear()
        self.service.script.clear()

    @rule(seconds=st.sampled_from([-1e6, 1e6]))
    def turn_the_clock(self, seconds: float) -> None:
        self.wall += seconds

    @precondition(lambda self: self.lock is None)
    @rule()
    def lock_the_file(self) -> None:
        self.had_trouble = True
        self.lock = sqlite3.connect(self.path, isolation_level=None, timeout=0)
        with suppress(sqlite3.Error):
            self.lock.execute("BEGIN IMMEDIATE")

    @rule()
    def unlock(self) -> None:
        if self.lock is not None:
            self.lock.close()
            self.lock = None

    @rule(is_full=st.booleans())
    def fill_the_disk(self, is_full: bool) -> None:  # noqa: FBT001 -- hypothesis
        self.had_trouble = self.had_trouble or is_full
        if self.spool._db is not None:
            self.spool._db.execute(f"PRAGMA max_page_count={1 if is_full else 1_000_000}")

    @precondition(lambda self: self.lock is None)
    @rule()
    def damage_a_row(self) -> None:
        with closing(sqlite3.connect(self.path, timeout=0)) as db, db:
            row = db.execute("SELECT seq, item_id FROM queue ORDER BY seq DESC LIMIT 1").fetchone()
            if row is not None:
                self.may_be_lost.add(str(row[1]))
                db.execute(
                    "UPDATE queue SET endpoint_id = CAST(x'ff61' AS TEXT) WHERE seq = ?", row[:1]
                )

    @rule(at=st.integers(1, 300), does=st.sampled_from(["record", "deliver", "flush"]))
    def interrupt(self, at: int, does: str) -> None:
        def throw() -> None:
            raise Interrupt

        before = sys.gettrace()
        injector = Injector(at, throw)
        try:
            sys.settrace(injector.trace)
            if does == "record":
                self.number += 1
                event_id = f"i-{self.number}"
                self.may_be_lost.add(event_id)  # its record did not come back
                self.rig.record(event_id, "a")
            elif does == "deliver":
                self.rig.worker.step()
            else:
                self.rig.delivery.flush(0.0)
        except Interrupt:
            pass
        finally:
            sys.settrace(before)

    @rule()
    def fork(self) -> None:
        pid = os.fork()
        if not pid:
            os._exit(0 if self.rig.delivery.stats().recorded == 0 else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

    @rule()
    def kill_and_open(self) -> None:
        """Leave as SIGKILL does: nothing is closed, and what is in memory is gone."""
        self.unlock()
        delivery, spool = self.rig.delivery, self.spool
        not_durable = delivery.stats().not_durable
        lost = {letter.event_id for letter in delivery.dead_letters()}
        forks.forget(delivery)
        forks.forget(spool)
        spool_file._spools.discard(spool)
        if spool._db is not None:
            spool._db.close()
        spool._is_closed = True
        with closing(sqlite3.connect(self.path)) as db:
            there = {
                row[0]
                for row in db.execute("SELECT item_id FROM queue UNION SELECT item_id FROM dead")
            }
        gone = self.life - there - lost - set(self.service.accepted) - self.may_be_lost
        assert len(gone) <= not_durable
        unwritten = lost - there  # dead letters that a disk in trouble has not taken
        assert not unwritten or self.had_trouble
        self.may_be_lost |= gone | unwritten
        self.futures.clear()
        self.open()

    # What holds

    @invariant()
    def adds_up(self) -> None:
        if not hasattr(self, "rig"):
            return
        stats = self.rig.delivery.stats()
        assert stats.recorded == stats.accepted + stats.rejected + stats.dropped + stats.pending
        assert sum(stats.reasons.values()) == stats.rejected + stats.dropped
        fresh = Counter(self.service.accepted) - self.accepted_before
        assert stats.accepted <= sum(fresh.values())

    def teardown(self) -> None:
        """In the end all is well, and everything has been taken, refused, or could not be kept."""
        if not hasattr(self, "rig"):
            return
        self.heal()
        self.fill_the_disk(is_full=False)
        self.close_and_open()
        for _ in range(60):
            self.wall += 20.0
            self.rig.run(20.0)
        stats = self.rig.delivery.stats()
        assert stats.pending == 0, stats
        self.rig.delivery.close(0)
        with closing(Spool(self.path)) as spool:
            dead = {str(letter.item_id) for letter in spool.dead_letters(limit=100_000)}
        ended = set(self.service.accepted) | dead | self.may_be_lost
        assert self.recorded <= ended, self.recorded - ended
        assert all(future.done() for future in self.futures)
        self.no_threads.stop()
        self.folder.cleanup()


FEW = settings(
    max_examples=15,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_client_through_everything() -> None:
    """A few lives in random order."""
    run_state_machine_as_test(Everything, settings=FEW)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_client_through_everything_for_long() -> None:
    """Many long lives."""
    many = settings(FEW, max_examples=60, stateful_step_count=40)
    run_state_machine_as_test(Everything, settings=many)

"""`close` keeps its deadline, whatever the disk and other processes do, and leaves a true spool."""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time
from concurrent.futures import Future
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit import errors
from pinpoint_kit.delivery import Delivery, DeliveryOptions
from pinpoint_kit.delivery.pipeline.items import Queued
from pinpoint_kit.delivery.spool.spool import Spool
from pinpoint_kit.limits import DEFAULT_LIMITS
from tests.delivery.conftest import Service, fragment
from tests.timing import in_time, wait_until

if TYPE_CHECKING:
    from pathlib import Path

#: Far above every deadline here and far below every wait that is not bounded by one.
_LATE_S = 10.0


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whatever waits for others in the spool do so for a minute, to show who does."""
    monkeypatch.setattr("pinpoint_kit.delivery.pipeline.backlog._WORKER_PATIENCE_S", 60.0)
    monkeypatch.setattr("pinpoint_kit.delivery.spool.file._CHECKPOINT_WAIT_S", 60.0)
    monkeypatch.setattr("pinpoint_kit.delivery.spool.schema.BUSY_S", 60.0)


def running(path: Path, service: Service) -> tuple[Delivery, Spool]:
    """Return a delivery with its threads, one event delivered, and its spool."""
    spool = Spool(path)
    options = DeliveryOptions(flush_interval=0.01, base_wait=0.05, max_wait=0.1)
    delivery = Delivery(service, limits=DEFAULT_LIMITS, options=options, spool=spool)
    delivery.enqueue("e", "first", fragment("first"))
    assert delivery.flush(10).accepted == 1
    return delivery, spool


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("timeout", [0.0, 0.3])
@pytest.mark.parametrize("is_down", [False, True], ids=["up", "down"])
@pytest.mark.parametrize(
    ("file", "statements"),
    [
        ("s.spool", ["BEGIN IMMEDIATE"]),
        ("s.spool", ["BEGIN", "SELECT count(*) FROM queue"]),
        ("s.spool.lock", ["BEGIN EXCLUSIVE"]),
    ],
    ids=["written", "read", "opened"],
)
def test_whatever_another_process_does_with_the_spool(
    tmp_path: Path, file: str, statements: list[str], timeout: float, *, is_down: bool
) -> None:
    """One that writes, reads, or opens the file and was stopped: `close` does not wait for it."""
    service = Service()
    delivery, spool = running(tmp_path / "s.spool", service)
    if is_down:
        service.script.extend([errors.TransportError("down")] * 10_000)
    # As a fork does: whoever needs the file next opens it anew.
    spool.before_fork()
    spool.after_fork_in_parent()
    with closing(sqlite3.connect(tmp_path / file, isolation_level=None)) as other:
        for statement in statements:
            other.execute(statement).fetchall()
        for number in range(20):
            delivery.enqueue("e", str(number), fragment(str(number)))
        began = time.monotonic()
        report = delivery.close(timeout)
        in_time(time.monotonic() - began, _LATE_S)
    counts = report.accepted + report.rejected + report.dropped + report.pending
    assert counts == report.recorded == 21


@pytest.mark.usefixtures("patient")
def test_what_was_accepted_while_the_spool_was_locked_may_come_twice_but_not_less(
    tmp_path: Path,
) -> None:
    """Rows that could not be removed, because of the lock, stay for the next process."""
    service = Service()
    delivery, _ = running(tmp_path / "s.spool", service)
    delivery.enqueue("e", "on-disk", fragment("on-disk"))
    with closing(sqlite3.connect(tmp_path / "s.spool", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        report = delivery.close(0.2)
    assert report.recorded == 2
    with closing(Spool(tmp_path / "s.spool")) as later:
        later.adopt()
        left = [row.item_id for row in later.load()]
    assert set(left) | set(service.accepted) == {"first", "on-disk"}
    assert report.pending <= len(left)


@pytest.mark.usefixtures("patient")
def test_another_thread_that_uses_the_spool(tmp_path: Path) -> None:
    """A thread that is at work in the file, as one that writes it anew, is not waited for."""
    service = Service()
    delivery, spool = running(tmp_path / "s.spool", service)
    is_in, may_go = threading.Event(), threading.Event()

    def stay(_: sqlite3.Connection) -> None:
        is_in.set()
        may_go.wait(60)

    thread = threading.Thread(target=lambda: spool._run(stay))
    thread.start()
    is_in.wait(60)
    began = time.monotonic()
    delivery.close(0.1)
    in_time(time.monotonic() - began, _LATE_S)
    may_go.set()
    thread.join(60)


def test_nothing_is_repaired_while_closing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rescue takes as long as the file is large; the next opening does it."""
    service = Service()
    delivery, spool = running(tmp_path / "s.spool", service)

    def rescue(*_: object, **__: object) -> None:
        raise AssertionError("the rescue ran")

    def damaged(*_: Any, **__: Any) -> int:
        def act(_: sqlite3.Connection) -> int:
            raise sqlite3.DatabaseError("database disk image is malformed")

        return spool._run(act)

    monkeypatch.setattr("pinpoint_kit.delivery.spool.schema.rescue", rescue)
    monkeypatch.setattr(Spool, "append", damaged)
    service.script.extend([errors.TransportError("down")] * 10_000)
    assert delivery._backlog is not None
    delivery._backlog._rests_until = time.monotonic() + 60  # the worker leaves it alone
    delivery.enqueue("e", "in-memory", fragment("in-memory"))
    report = delivery.close(0.1)
    assert (report.recorded, report.dropped) == (2, 1)


def test_a_database_that_another_process_has_locked(tmp_path: Path) -> None:
    """The engine in this process waits for it longer than `close` waits for the engine."""
    client = pk.connect(f"sqlite:///{tmp_path}/shop.db", application="shop")
    client.events.record("e", "t")
    assert client.flush(10).accepted == 1
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        client.events.record("e", "t")
        began = time.monotonic()
        report = client.close(0.2)
        took = time.monotonic() - began
    assert (report.accepted, report.dropped) == (1, 1)
    in_time(took, 4)  # a request and its engine's end took 5 s more


@pytest.mark.parametrize("where", ["on disk", "in memory first"])
@pytest.mark.parametrize("code", ["future", "log"])
def test_what_is_counted_as_rejected_is_a_dead_letter_on_disk(
    tmp_path: Path, code: str, where: str
) -> None:
    """Also when code that is called for it closes the client and ends the thread."""
    path = tmp_path / "s.spool"
    service = Service()
    service.statuses.update({"refused-1": 400, "refused-2": 400, "refused-3": 404})
    options = DeliveryOptions(flush_interval=60.0)
    delivery = Delivery(service, limits=DEFAULT_LIMITS, options=options, spool=Spool(path))
    is_over = threading.Event()

    def close(*_: object) -> None:
        delivery.close(0.1)
        is_over.set()
        raise SystemExit

    class Closing(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "rejected" in record.getMessage() and not is_over.is_set():
                close()

    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    handler = Closing()
    if code == "future":
        future.add_done_callback(close)
    else:
        logging.getLogger("pinpoint_kit.delivery").addHandler(handler)
    try:
        assert delivery._backlog is not None
        if where == "in memory first":
            delivery._backlog._rests_until = time.monotonic() + 60
        for name in ("refused-1", "refused-2", "refused-3"):
            delivery.enqueue("e", name, fragment(name))
        delivery.enqueue("e", "taken", fragment("taken"), future=future)
        delivery._backlog._rests_until = 0.0
        assert is_over.wait(30)
    finally:
        logging.getLogger("pinpoint_kit.delivery").removeHandler(handler)
    report = delivery.close(1)
    assert (report.recorded, report.accepted, report.rejected) == (4, 1, 3)
    with closing(Spool(path)) as later:
        assert sorted(letter.item_id for letter in later.dead_letters()) == [
            "refused-1",
            "refused-2",
            "refused-3",
        ]
        later.adopt()
        assert later.load() == []


def test_what_has_ended_has_left_the_disk_when_flush_returns(tmp_path: Path) -> None:
    """Also when the disk was left alone just then: nobody else finds work that is done."""
    delivery, spool = running(tmp_path / "s.spool", Service())
    assert delivery._backlog is not None
    delivery._buffer.pause_until(time.monotonic() + 3600)
    for name in ("1", "2", "3"):
        delivery.enqueue("e", name, fragment(name))
    delivery._backlog._rests_until = time.monotonic() + 3600
    delivery._buffer.pause_until(0)
    assert delivery.flush(60).accepted == 4
    assert spool.pending().count == 0
    delivery.close(1)


def test_the_worker_is_woken_for_what_could_not_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sleeps for seconds, and what is left to be done on disk waits only as long as that rests.

    Nobody flushes: where the program is killed then, the rest of its rows is sent once more.
    """
    monkeypatch.setattr("pinpoint_kit.delivery.pipeline.buffer._ATTENTIVE", 0)
    delivery, spool = running(tmp_path / "s.spool", Service())
    backlog, buffer = delivery._backlog, delivery._buffer
    assert backlog is not None
    buffer.pause_until(time.monotonic() + 3600)
    delivery.enqueue("e", "1", fragment("1"))
    (row,) = spool.load()
    spool._lease = 3600.0  # so long it sleeps when there is nothing to be done here
    backlog._next_look = math.inf
    wait_until(lambda: buffer._bell.qsize() == 0 and bool(buffer._idle))
    backlog._rests_until = time.monotonic() + 0.05
    backlog.remove([Queued("e", "1", b"", row=row.seq)])
    began = time.monotonic()
    wait_until(lambda: not spool.load())
    in_time(time.monotonic() - began, 10)
    delivery.close(0)


@pytest.mark.parametrize("timeout", [10**400, 1e300, float("inf"), float("nan"), -1])
def test_any_number_of_seconds(timeout: float) -> None:
    """What no clock can count is for ever, and what is no time is none."""
    client = pk.connect("sqlite://", application="shop")
    client.events.record("e", "t")
    client.flush(10)
    assert client.close(timeout).accepted == 1

"""What delivery promises of damage, locks, callbacks, refused data and items that fail together."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sqlite3
import sys
import time
from concurrent.futures import Future
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit import errors
from pinpoint_kit.delivery import Delivery, DeliveryOptions
from pinpoint_kit.delivery.spool.spool import Spool
from pinpoint_kit.limits import DEFAULT_LIMITS
from tests.delivery.conftest import Service, fragment
from tests.timing import in_time, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.delivery.conftest import Rig


def running(service: Service, spool: Path | None = None, **options: Any) -> Delivery:
    """Return a delivery with its real threads and clock."""
    return Delivery(
        service,
        limits=DEFAULT_LIMITS,
        options=DeliveryOptions(**{"flush_interval": 0.01, **options}),
        spool=None if spool is None else Spool(spool),
    )


def fill(path: Path, count: int) -> None:
    """Leave that many events in a spool, as a process that has died."""
    with closing(Spool(path)) as spool:
        for number in range(count):
            name = f"victim-{number:04}"
            spool.append("event", f"endpoint-{number:04}", name, fragment(name))


def delivered(path: Path, count: int) -> tuple[Delivery, Service]:
    """Deliver what is in a spool until that many are accepted."""
    service = Service()
    delivery = running(service, path)
    wait_until(lambda: delivery.flush(0.2).accepted >= count)
    return delivery, service


def test_one_damaged_byte_costs_one_event(tmp_path: Path) -> None:
    """A row that cannot be read becomes a dead letter, and holds none back, old or new."""
    path = tmp_path / "s.spool"
    fill(path, 300)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(path.read_bytes())
    data[data.find(b"endpoint-0010")] = 0xFF
    path.write_bytes(data)
    delivery, service = delivered(path, 299)
    delivery.enqueue("new", "new", fragment("new"))
    report = delivery.close(10)
    assert set(service.accepted) == {f"victim-{n:04}" for n in range(300) if n != 10} | {"new"}
    assert (report.dropped, report.reasons) == (1, {"spool_damaged": 1})
    with closing(Spool(path)) as spool:
        assert [letter.reason for letter in spool.dead_letters()] == ["spool_damaged"]


@pytest.mark.parametrize("at", [20, 32 + 24 + 4120 * 10 + 100], ids=["header", "page"])
def test_a_damaged_write_ahead_log_loses_nothing_else(tmp_path: Path, at: int) -> None:
    """One bit of it flipped, while everything is still in there."""
    path, kept = tmp_path / "s.spool", tmp_path / "kept"
    kept.mkdir()
    spool = Spool(path)
    for number in range(500):
        name = f"victim-{number:04}"
        spool.append("event", "e", name, fragment(name, padding=200))
    for end in ("", "-wal"):
        (kept / f"s.spool{end}").write_bytes((tmp_path / f"s.spool{end}").read_bytes())
    spool.close()
    wal = bytearray((kept / "s.spool-wal").read_bytes())
    wal[at] ^= 1
    (kept / "s.spool-wal").write_bytes(wal)
    delivery, service = delivered(kept / "s.spool", 480)
    delivery.close(10)
    assert len(set(service.accepted)) >= 480
    assert list(kept.glob("*.corrupt-*"))


def test_a_spool_that_lost_its_end_gives_what_is_left(tmp_path: Path) -> None:
    """A file short by a page is ours all the same."""
    path = tmp_path / "s.spool"
    fill(path, 500)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.truncate(path, path.stat().st_size - 4096)
    delivery, service = delivered(path, 450)
    delivery.close(10)
    assert len(set(service.accepted)) >= 450


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE owners SET beat = 'x', pid = 'x', machine = CAST(x'ff' AS TEXT), heir = 'x'",
        "UPDATE purpose SET value = CAST(x'ff41' AS TEXT)",
        "UPDATE totals SET dead_bytes = 'x'",
        "UPDATE queue SET recorded_at = 'never', tries = 'x'",
        "UPDATE queue SET seq = 9223372036854775807 WHERE item_id = 'victim-0003'",
        "UPDATE sqlite_sequence SET seq = 4611686018427387904 WHERE name = 'owners'",
    ],
    ids=["owners", "purpose", "totals", "times", "a number", "the counter of owners"],
)
def test_damage_beside_the_events_costs_no_event(tmp_path: Path, damage: str) -> None:
    """Whatever else is in the file, each event is delivered, and new ones are recorded."""
    path = tmp_path / "s.spool"
    with closing(Spool(path)) as spool:
        spool.bind("a")
    fill(path, 100)
    with closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO owners VALUES (999, '', '', 1, 0, NULL)")
        db.execute(damage)
        db.commit()
    with closing(Spool(path)) as spool:
        spool.bind("a")
    delivery, service = delivered(path, 100)
    delivery.enqueue("e", "new", fragment("new"))
    report = delivery.close(10)
    assert {f"victim-{number:04}" for number in range(100)} | {"new"} <= set(service.accepted)
    assert (report.dropped, report.rejected, report.pending, report.not_durable) == (0, 0, 0, 0)


def test_an_event_with_an_impossible_number_outlives_a_rescue(tmp_path: Path) -> None:
    """It goes behind the others, and nobody is numbered after it."""
    path = tmp_path / "s.spool"
    fill(path, 10)
    with closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE queue SET seq = 9223372036854775807 WHERE item_id = 'victim-0003'")
        db.execute("UPDATE sqlite_sequence SET seq = 4611686018427387904 WHERE name = 'owners'")
        db.commit()
    delivery, service = delivered(path, 10)
    delivery.close(10)
    assert set(service.accepted) == {f"victim-{number:04}" for number in range(10)}
    delivery, service = delivered(path, 0)
    delivery.enqueue("e", "new", fragment("new"))
    assert delivery.close(10).not_durable == 0
    assert service.accepted == ["new"]


def test_a_spool_cut_to_nothing_gives_what_is_in_its_log(tmp_path: Path) -> None:
    """SQLite deletes the log of an empty file, so it is read before that."""
    path, copy = tmp_path / "s.spool", tmp_path / "copy.spool"
    with closing(Spool(path)) as spool:
        for number in range(50):
            name = f"victim-{number:04}"
            spool.append("event", "e", name, fragment(name))
        shutil.copy(f"{path}-wal", f"{copy}-wal")
    copy.touch()
    delivery, service = delivered(copy, 50)
    delivery.close(10)
    assert set(service.accepted) == {f"victim-{number:04}" for number in range(50)}


def test_a_lock_elsewhere_costs_record_fifty_milliseconds_once(tmp_path: Path) -> None:
    """Events are in memory first, counted, delivered, and flush and close keep their deadlines."""
    path = tmp_path / "s.spool"
    service = Service()
    delivery = running(service, path)
    delivery.enqueue("e", "first", fragment("first"))
    assert delivery.flush(10).accepted == 1
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        times = []
        for number in range(300):
            began = time.monotonic()
            delivery.enqueue("e", str(number), fragment(str(number)))
            times.append(time.monotonic() - began)
        in_time(sorted(times)[len(times) // 2], 0.01)
        in_time(sum(times), 5)
        began = time.monotonic()
        assert delivery.flush(5).accepted == 301
        stats = delivery.stats()
        assert stats.not_durable >= 290
        began = time.monotonic()
        assert delivery.close(0.5).pending == 0
        in_time(time.monotonic() - began, 3)


def test_what_was_in_memory_first_goes_to_the_disk_when_that_is_back(tmp_path: Path) -> None:
    """An outage of the disk within an outage of the service costs no durability in the end."""
    path = tmp_path / "s.spool"
    service = Service()
    service.script.extend([errors.TransportError("down")] * 1000)
    delivery = running(service, path, base_wait=0.05, max_wait=0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        delivery.enqueue("e", "1", fragment("1"))
        assert delivery.stats().not_durable == 1
        other.execute("ROLLBACK")
    report = delivery.close(0.3)
    assert (report.pending, report.dropped) == (1, 0)
    with closing(Spool(path)) as spool:
        spool.adopt()
        assert [row.item_id for row in spool.load()] == ["1"]


def test_a_callback_that_raises_base_exceptions_ends_nothing() -> None:
    """SystemExit in a future's callback or in on_rejected is logged, and delivery goes on."""
    service = Service()
    told: list[str] = []

    def leave(letter: Any) -> None:
        told.append(letter.event_id)
        sys.exit(3)

    delivery = Delivery(
        service,
        limits=DEFAULT_LIMITS,
        options=DeliveryOptions(flush_interval=0.01),
        on_rejected=leave,
    )
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    future.add_done_callback(lambda _: sys.exit(1))
    delivery.enqueue("e", "1", fragment("1"), future=future)
    service.statuses.update({"bad-1": 400, "bad-2": 400})
    for name in ("bad-1", "bad-2", "2"):
        delivery.enqueue("e", name, fragment(name))
    report = delivery.close(10)
    assert (report.accepted, report.rejected) == (2, 2)
    assert told == ["bad-1", "bad-2"]


def test_refused_endpoint_data_is_a_loss_and_the_log_counts_right(
    make_rig: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    """Five endpoints whose data is refused: five in the report, in the error and on the log."""
    rig = make_rig()
    rig.service.endpoint_status = 400
    for number in range(5):
        rig.record(str(number), f"d{number}", endpoint=b'{"OptOut":"ALL"}')
    rig.run()
    report = rig.delivery.flush(0)
    assert (report.accepted, report.refused_endpoints) == (5, 5)
    with pytest.raises(errors.DeliveryError, match="endpoint data of 5 refused"):
        report.raise_for_loss()
    assert "5 event(s) with refused endpoint data: status_400" in caplog.text


def test_endpoint_data_outlives_the_rejection_of_its_event(rig: Rig) -> None:
    """A request is refused for one event: the data goes out by itself, before what follows."""
    rig.service.script.append(errors.BadRequest("no", status=400, code="BadRequestException"))
    rig.record("1", endpoint=b'{"OptOut":"ALL"}')
    rig.run()
    rig.record("2")
    rig.run()
    stats = rig.delivery.stats()
    assert (stats.recorded, stats.accepted, stats.rejected) == (2, 1, 1)
    assert rig.service.updates == [[{"Id": "e", "OptOut": "ALL"}]]


def test_items_that_fail_together_go_out_together(rig: Rig) -> None:
    """100 events of 100 endpoints that get 503 make one request more, not a hundred."""
    rig.service.statuses.update({str(number): 503 for number in range(100)})
    for number in range(100):
        rig.record(str(number), f"d{number}")
    rig.run()
    rig.service.statuses.clear()
    rig.run(10.0)
    assert len(rig.service.requests) == 2
    assert rig.delivery.stats().accepted == 100


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers on this system")
@pytest.mark.parametrize("does", ["record", "flush", "stats"])
def test_a_signal_handler_may_use_the_client(does: str) -> None:
    """Whatever the main thread is doing in it at that moment."""
    service = Service()
    delivery = running(service)
    calls = itertools.count()

    def handler(*_: object) -> None:
        event_id = f"s{next(calls)}"  # at once: a handler can be interrupted by the next signal
        if does == "record":
            delivery.enqueue("signal", event_id, fragment(event_id))
        elif does == "flush":
            delivery.flush(0.0)
        else:
            delivery.stats()

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        for number in range(3_000):
            delivery.enqueue("e", str(number), fragment(str(number)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    report = delivery.close(30)
    fired = next(calls)
    assert fired
    assert report.accepted == report.recorded == 3_000 + (fired if does == "record" else 0)

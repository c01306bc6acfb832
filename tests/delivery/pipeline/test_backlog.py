"""Delivery with a spool, through the public API: nothing that `record` returned for is lost."""

from __future__ import annotations

import random
import sqlite3
import sys
import textwrap
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import orjson
import pytest

import pinpoint_kit as pk
from pinpoint_kit import errors
from pinpoint_kit.delivery.spool.spool import Spool
from tests.programs import Program
from tests.timing import wait_until

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from pinpoint_kit.testing import FaultyPinpoint

NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there
APPLICATION = "a" * 32


def opened(tmp_path: Path, **options: Any) -> pk.Pinpoint:
    """Return a client on the engine's file of this test, with the spool of this test."""
    return pk.connect(
        f"sqlite:///{tmp_path}/engine.db",
        application_id=APPLICATION,
        spool=tmp_path / "events.spool",
        **options,
    )


def nowhere(tmp_path: Path, **options: Any) -> pk.Pinpoint:
    """Return a client whose service cannot be reached, with the spool of this test."""
    return pk.connect(
        NOWHERE, application_id=APPLICATION, spool=tmp_path / "events.spool", **options
    )


@pytest.fixture(autouse=True)
def _application(tmp_path: Path) -> None:
    """Give the engine's file holds the application under the id that all clients use."""
    with pk.connect(f"sqlite:///{tmp_path}/engine.db", application="a"):
        pass
    with closing(sqlite3.connect(tmp_path / "engine.db")) as database, database:
        database.execute("UPDATE apps SET id = ?", (APPLICATION,))


def stored(tmp_path: Path) -> list[str]:
    """Return the event ids in the engine's file."""
    with closing(sqlite3.connect(tmp_path / "engine.db")) as database:
        return [row[0] for row in database.execute("SELECT event_id FROM events")]


def test_delivered_events_leave_the_spool(tmp_path: Path) -> None:
    """After a flush nothing waits, in memory or on disk."""
    with opened(tmp_path) as pinpoint:
        for number in range(500):
            pinpoint.events.record(f"e{number % 7}", "t")
        assert pinpoint.flush(30).accepted == 500
        assert pinpoint.delivery._backlog is not None
        assert pinpoint.delivery._backlog.spool.pending().count == 0
    assert len(stored(tmp_path)) == 500


def test_what_could_not_be_delivered_goes_out_with_the_next_start(tmp_path: Path) -> None:
    """Events and endpoint updates outlive close; their futures say where they are."""
    pinpoint = nowhere(tmp_path)
    future = pinpoint.events.submit("e", "t", event_id="first")
    pinpoint.endpoints.enqueue(pk.Endpoint(id="e", metrics={"level": 1}))
    pinpoint.events.record("e", "t", event_id="second")
    report = pinpoint.close(0.2)
    assert (report.recorded, report.pending, report.dropped) == (3, 3, 0)
    with pytest.raises(errors.DeliveryError, match="stays in the spool"):
        future.result(0)

    with opened(tmp_path) as later:
        later.events.record("e", "t", event_id="third")
        later.flush(10)
        wait_until(lambda: later.flush(1).accepted == 4)
        assert later.endpoints.get("e").metrics == {"level": 1.0}
    assert sorted(stored(tmp_path)) == ["first", "second", "third"]


def test_memory_is_a_window_on_the_disk(tmp_path: Path) -> None:
    """More events than memory holds wait on disk, and go out in the order of their endpoint."""
    order: list[bytes] = []
    # `block`: where others hold the spool for longer than `record` waits, memory is full.
    options = pk.DeliveryOptions(max_buffer_events=200, when_full="block")
    with opened(tmp_path, delivery=options) as pinpoint:
        pinpoint.client.meta.events.register_first(
            "before-send.pinpoint.PutEvents", lambda request, **_: order.append(request.body)
        )
        futures = [pinpoint.events.submit("e", "t", event_id=f"{n:05}") for n in range(3000)]
        report = pinpoint.flush(60)
        assert (report.accepted, report.dropped) == (3000, 0)
        assert all(future.result(0).is_accepted for future in futures)
    items = [orjson.loads(body)["BatchItem"]["e"] for body in order]
    sent = [event_id for item in items for event_id in item["Events"]]
    assert sent == [f"{n:05}" for n in range(3000)]


def test_two_clients_share_a_spool(tmp_path: Path) -> None:
    """Each delivers its own; none delivers the other's while it lives."""
    with opened(tmp_path) as one, opened(tmp_path) as two:
        for number in range(300):
            (one if number % 2 else two).events.record("e", "t", event_id=str(number))
        assert one.flush(30).accepted == 150
        assert two.flush(30).accepted == 150
    assert len(stored(tmp_path)) == 300


def test_a_refused_event_is_kept_as_a_dead_letter(tmp_path: Path) -> None:
    """Refused by us or by the service: the spool holds it with its reason and content."""
    with opened(tmp_path, invalid="reject") as pinpoint:
        pinpoint.events.record("e", "t", attributes={"a": "x" * 201}, event_id="long")
        pinpoint.events.record("e", "t", event_id="")
        pinpoint.endpoints.enqueue(pk.Endpoint(id="d", address="a@example.com"))
        pinpoint.flush(10)
        assert pinpoint.delivery._backlog is not None
        letters = list(pinpoint.delivery._backlog.spool.export())
    reasons = {(letter.item_id, letter.reason, letter.kind) for letter in letters}
    assert ("long", "value_too_long", "event") in reasons
    assert ("", "BadRequestException", "endpoint") in reasons
    assert b"x" * 201 in next(letter.body for letter in letters if letter.item_id == "long")  # type: ignore[operator]


def test_a_full_spool_drops_and_counts(tmp_path: Path) -> None:
    """Beyond max_spool_bytes the newest is dropped by default, and counted with its reason."""
    pinpoint = nowhere(tmp_path, max_spool_bytes=200_000)
    for _ in range(400):
        pinpoint.events.record("e", "t", attributes={str(n): "x" * 200 for n in range(10)})
    report = pinpoint.close(0.1)
    assert report.recorded == 400
    assert report.dropped == report.reasons["spool_full"] > 0
    assert report.pending == 400 - report.dropped > 0


def test_a_full_spool_can_drop_the_oldest_that_wait_on_disk(tmp_path: Path) -> None:
    """`drop_oldest` makes room on disk; the ledger adds up."""
    options = pk.DeliveryOptions(max_buffer_events=20, when_full="drop_oldest")
    pinpoint = nowhere(tmp_path, max_spool_bytes=300_000, delivery=options)
    for number in range(400):
        pinpoint.events.record(
            "e", "t", attributes={str(n): "x" * 200 for n in range(10)}, event_id=str(number)
        )
    report = pinpoint.close(0.1)
    assert report.recorded == report.pending + report.dropped == 400
    assert report.reasons == {"spool_full": report.dropped}
    assert report.dropped > 0


def test_making_room_on_disk_strands_nothing_and_counts_nothing_twice(
    faulty_pinpoint: FaultyPinpoint, tmp_path: Path
) -> None:
    """Four threads, a full spool and `drop_oldest`: what was accepted is not dropped as well."""
    pinpoint = faulty_pinpoint.connect(
        spool=tmp_path / "small.spool",
        max_spool_bytes=200_000,
        delivery=pk.DeliveryOptions(when_full="drop_oldest", max_buffer_events=30),
    )
    futures: list[Future[pk.EventResult]] = []

    def work(thread: int) -> None:
        for number in range(700):
            name = f"d{(7 * number + thread) % 9}"
            if number % 10:
                pinpoint.events.record(name, "x")
            else:
                futures.append(pinpoint.events.submit(name, "x"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = pinpoint.flush(60)
    assert (report.recorded, report.pending) == (2800, 0)
    assert report.accepted + report.dropped == 2800
    assert len(faulty_pinpoint.event_ids()) == report.accepted
    assert all(future.done() for future in futures)
    pinpoint.close()
    with closing(Spool(tmp_path / "small.spool")) as spool:
        assert spool.adopt() == 0  # what was dropped or accepted has left the disk


def test_what_was_on_disk_and_is_lost_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Items that wait on disk and cannot be found there are dropped, so that flush ends."""
    with opened(tmp_path, delivery=pk.DeliveryOptions(max_buffer_events=200)) as pinpoint:
        monkeypatch.setattr(Spool, "load", lambda *_: [])
        with closing(
            sqlite3.connect(tmp_path / "engine.db", isolation_level=None)
        ) as database:  # holds delivery up
            database.execute("BEGIN IMMEDIATE")
            for number in range(1000):
                pinpoint.events.record("e", "t", event_id=str(number))
        report = pinpoint.flush(30)
    assert report.pending == 0
    assert report.recorded == 1000 == report.accepted + report.dropped
    assert report.reasons == {"spool_lost": report.dropped}
    assert report.dropped > 0


def test_a_spool_serves_one_application(tmp_path: Path) -> None:
    """Events of one application are never delivered to another by a shared path."""
    opened(tmp_path).close()
    with pytest.raises(errors.StoreError, match="holds events of application"):
        pk.connect(NOWHERE, application_id="b" * 32, spool=tmp_path / "events.spool")


@pytest.mark.parametrize("options", [{"fsync": True}, {"max_spool_bytes": 5_000_000}])
def test_spool_options_need_a_spool(options: dict[str, Any]) -> None:
    """An option that would do nothing is refused."""
    with pytest.raises(errors.ConfigurationError, match="spool=PATH"):
        pk.connect("sqlite://", **options)


def test_a_disk_that_fails_keeps_the_event_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """When the spool cannot be written, the event is still pending, sent, and logged."""
    from pinpoint_kit.delivery.spool.schema import SpoolError  # noqa: PLC0415 -- only here

    def broken(*_: object, **__: object) -> int:
        raise SpoolError("the disk is full; make room", "full")

    with opened(tmp_path) as pinpoint:
        monkeypatch.setattr(Spool, "append", broken)
        pinpoint.events.record("e", "t")
        assert pinpoint.flush(10).accepted == 1
    assert "the spool cannot be written (full)" in caplog.text


def test_fsync_delivers_like_without(tmp_path: Path) -> None:
    """fsync=True changes what survives, not what arrives."""
    with opened(tmp_path, fsync=True) as pinpoint:
        for _ in range(20):
            pinpoint.events.record("e", "t")
        assert pinpoint.flush(10).accepted == 20


WRITER = """
import sys
import pinpoint_kit as pk
url, spool = sys.argv[1:]
pinpoint = pk.connect(url, application_id="a" * 32, spool=spool,
                      delivery=pk.DeliveryOptions(max_buffer_events=500))
n = 0
while True:
    event_id = pinpoint.events.record(f"e{n % 50}", "t", metrics={"n": n})
    sys.stdout.write(event_id + "\\n")
    n += 1
"""


def kill_while_recording(tmp_path: Path, url: str, lines: int) -> list[str]:
    """Start a writer, kill it with SIGKILL after it has told that many ids; returns the ids."""
    spool = str(tmp_path / "events.spool")
    with Program([sys.executable, "-u", "-c", textwrap.dedent(WRITER), url, spool]) as writer:
        told = [writer.out.line().strip() for _ in range(lines)]
    rest = writer.out.rest().split("\n")
    return told + [line for line in rest[:-1] if line]  # the last line may be cut


def kills(tmp_path: Path, times: int, seed: int) -> int:
    """Kill that many writers, deliver what they left, and compare; returns events recorded."""
    rng = random.Random(seed)  # noqa: S311 -- a schedule, no secret
    told: list[str] = []
    for _ in range(times):
        url = rng.choice([NOWHERE, f"sqlite:///{tmp_path}/engine.db"])
        told += kill_while_recording(tmp_path, url, rng.randint(1, 400))
    deadline = time.monotonic() + 60
    with opened(tmp_path) as heir:
        while set(told) - set(stored(tmp_path)) and time.monotonic() < deadline:
            heir.flush(1)
    found = stored(tmp_path)
    assert set(told) <= set(found)
    assert len(found) == len(set(found))
    return len(told)


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    """Every event whose record returned is in the engine once, after SIGKILL at random moments."""
    assert kills(tmp_path, times=4, seed=1) > 0


@pytest.mark.slow
def test_kill_9_fifty_times_loses_nothing(tmp_path: Path) -> None:
    """The same at fifty random moments."""
    print(f"\n50 kills, {kills(tmp_path, times=50, seed=2)} events recorded, none lost")  # noqa: T201 -- its figure


def test_what_cannot_be_encoded_is_rejected_and_kept_without_content(tmp_path: Path) -> None:
    """An id that UTF-8 cannot hold raises nothing, with a spool as without one."""
    with opened(tmp_path) as pinpoint:
        pinpoint.events.record("\ud800", "t")
        pinpoint.events.record("e", "t", event_id="\ud800")
        assert pinpoint.flush(5).rejected == 2
        assert pinpoint.delivery._backlog is not None
        spool = pinpoint.delivery._backlog.spool
        assert len(list(spool.export())) == 2

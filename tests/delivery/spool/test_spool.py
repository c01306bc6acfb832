"""The durable queue: rows, room, dead letters, files; one process and no faults."""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import stat
import tempfile
import threading
from collections import deque
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from pinpoint_kit.delivery.spool import file as spool_file
from pinpoint_kit.delivery.spool.schema import explain
from pinpoint_kit.delivery.spool.spool import Pending, Spool, SpoolError, SpoolFullError
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@attrs.define
class Clock:
    """Seconds since the epoch that only tests move."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture
def make(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., Spool]]:
    """Open the spool of this test; close all of them afterwards."""
    opened: list[Spool] = []

    def open_one(**options: Any) -> Spool:
        opened.append(Spool(tmp_path / "s.db", **{"clock": clock, **options}))
        return opened[-1]

    yield open_one
    for spool in opened:
        spool.close()


@pytest.fixture
def spool(make: Callable[..., Spool]) -> Spool:
    """Give an open spool."""
    return make()


def put(spool: Spool, *names: str, body: bytes = b"{}") -> list[int]:
    """Append one event a name."""
    return [spool.append("event", f"endpoint-{name}", name, body) for name in names]


def names(spool: Spool) -> list[str]:
    """Return the item ids of this owner's queue, in order."""
    return [row.item_id for row in spool.load(limit=100_000)]


def content(spool: Spool) -> bytes:
    """Everything in all files of the spool."""
    found = sorted(spool.path.parent.glob(spool.path.name + "*"))
    return b"".join(path.read_bytes() for path in found)


def test_rows_come_back_whole_and_in_order(spool: Spool, clock: Clock) -> None:
    """What was appended is loaded as it was, in the order of its seqs."""
    name = 'it\'s \x00 "ü" 🦆'
    first = spool.append("event", name, "1", b"\x00body", b"endpoint")
    second = spool.append("endpoint", "e", "2", b"")
    assert first < second
    row, other = spool.load()
    assert (row.seq, row.kind, row.endpoint_id, row.item_id) == (first, "event", name, "1")
    assert (row.body, row.endpoint, row.is_sound) == (b"\x00body", b"endpoint", True)
    assert row.recorded_at == clock.now
    assert (other.seq, other.kind, other.body, other.endpoint) == (second, "endpoint", b"", b"")


def test_load_pages(spool: Spool) -> None:
    """`after` and `limit` walk through the queue."""
    seqs = put(spool, "1", "2", "3")
    assert [row.seq for row in spool.load(limit=2)] == seqs[:2]
    assert [row.seq for row in spool.load(after=seqs[1])] == seqs[2:]
    assert spool.load(after=seqs[2]) == []


def test_removed_rows_are_gone(spool: Spool) -> None:
    """Rows are removed once, with gaps and unknown numbers among them."""
    seqs = put(spool, "1", "2", "3", "4", "5")
    assert spool.remove([seqs[4], seqs[0], seqs[1], 7, seqs[4] + 1]) == 3
    assert spool.remove([seqs[0]]) == 0
    assert spool.remove([]) == 0
    assert names(spool) == ["3", "4"]


def test_nothing_of_what_was_removed_can_be_read(spool: Spool) -> None:
    """SQLite moves rows between pages and leaves copies; they go when the file is made anew."""
    put(spool, "kept")
    turns = random.Random(0)  # noqa: S311 -- an order, no secret
    numbers = range(3000)
    marks = [f"removed-{number:08d}" for number in numbers]
    gone = turns.sample(numbers, 2500)
    with closing(sqlite3.connect(spool.path, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete=ON").fetchall()
        db.execute("PRAGMA synchronous=OFF")
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO dead VALUES (?, 'event', 'e', 'i', 0, 0, ?, '', 'r', 'm', 0, 0)",
            [(n + 1, marks[n] + "z" * turns.choice((10, 100, 400, 900))) for n in numbers],
        )
        db.execute("COMMIT")
        for number in gone:
            db.execute("DELETE FROM dead WHERE id = ?", (number + 1,))
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = content(spool)
    assert any(marks[number].encode() in before for number in gone)
    assert spool.overwrite_removed()
    after = content(spool)
    assert [marks[number] for number in gone if marks[number].encode() in after] == []
    assert names(spool) == ["kept"]


def test_seqs_are_never_used_again(spool: Spool) -> None:
    """A new row comes after the highest seq there ever was, so `load(after=...)` sees it."""
    last = put(spool, "1", "2")[-1]
    spool.remove(row.seq for row in spool.load())
    put(spool, "3")
    assert [row.item_id for row in spool.load(after=last)] == ["3"]


def test_pending_counts(spool: Spool, clock: Clock) -> None:
    """Count, bytes and age follow appending, removing and burying."""
    assert spool.pending() == Pending(0, 0, None)
    seqs = [spool.append("event", "e", "1", b"123", b"45")]
    clock.now += 5
    seqs += put(spool, "2", "3", body=b"1234")
    assert spool.pending() == Pending(3, 13, clock.now - 5)
    spool.remove(seqs[:1])
    assert spool.pending() == Pending(2, 8, clock.now)
    spool.dead_letter_item([(seqs[1], "r", "m", 1)])
    assert spool.pending() == Pending(1, 4, clock.now)
    assert repr(spool) == "<Spool pending=1>"


def test_reprs_hold_no_content(spool: Spool) -> None:
    """A row or a dead letter in a log line shows neither endpoint nor body."""
    seq = spool.append("event", "jane@example.com", "1", b"secret", b"secret")
    text = repr(spool.load())
    spool.dead_letter_item([(seq, "r", "secret", 1)])
    text += repr(spool.dead_letters()) + repr(spool.dead_letter(1)) + repr(spool)
    assert "secret" not in text
    assert "jane" not in text


# Room


def test_a_full_spool_refuses(make: Callable[..., Spool]) -> None:
    """Over `max_bytes`, append says so; after room was made it works again."""
    spool = make(max_bytes=200_000)
    with pytest.raises(SpoolFullError, match="raise max_bytes") as caught:
        put(spool, *map(str, range(1000)), body=b"x" * 1000)
    assert caught.value.reason == "full"
    held = spool.pending().count
    assert 100 < held < 200
    assert spool.path.stat().st_size <= 200_000
    with pytest.raises(SpoolFullError):
        spool.add_dead_letter("event", "e", "i", b"x" * 200_000, b"", reason="r", message="m")
    assert len(spool.drop_oldest(20)) == 20
    put(spool, "new")
    assert names(spool)[0] == "20"


def test_one_item_larger_than_the_spool_is_refused(make: Callable[..., Spool]) -> None:
    """An item that can never fit is refused and leaves the rest alone."""
    spool = make(max_bytes=1_000_000)
    put(spool, "1")
    with pytest.raises(SpoolFullError):
        put(spool, "2", body=bytes(2_000_000))
    assert names(spool) == ["1"]


def test_drop_oldest_keeps_what_is_being_sent(spool: Spool) -> None:
    """Dropping spares the given seqs and never takes more than asked."""
    seqs = put(spool, "1", "2", "3", "4")
    assert spool.drop_oldest(2, keep={seqs[0], seqs[2]}) == [seqs[1], seqs[3]]
    assert names(spool) == ["1", "3"]
    assert spool.drop_oldest(9, keep=set(seqs)) == []


def test_the_file_shrinks_again(spool: Spool) -> None:
    """After a backlog was delivered its space goes back to the disk."""
    for number in range(3000):
        spool.append("event", "e", str(number), b"x" * 4000)
    spool.heartbeat()
    full = spool.path.stat().st_size
    while rows := spool.load(limit=100):
        spool.remove(row.seq for row in rows)
    spool.heartbeat()
    assert full > 12_000_000
    assert spool.path.stat().st_size < 6_000_000


def test_recording_alone_bounds_the_wal(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even when nobody calls `heartbeat`, the WAL does not grow for ever."""
    monkeypatch.setattr(spool_file, "_CHECKPOINT_AT_ONCE_BYTES", 100_000)
    put(spool, *map(str, range(300)))
    assert spool.path.with_name("s.db-wal").stat().st_size < 200_000


# Dead letters


def test_life_of_a_dead_letter(spool: Spool, clock: Clock) -> None:
    """Buried, listed without body, shown with it, replayed untried, and gone when delivered."""
    seqs = put(spool, "1", "2", "3", body=b"body")
    recorded = datetime.fromtimestamp(clock.now, timezone.utc)
    clock.now += 60
    assert spool.dead_letter_item([(seqs[1], "status_400", "bad", 3), (99, "r", "m", 1)]) == 1
    assert names(spool) == ["1", "3"]
    (letter,) = spool.dead_letters()
    assert (letter.kind, letter.endpoint_id, letter.item_id) == ("event", "endpoint-2", "2")
    assert (letter.reason, letter.message, letter.tries, letter.size) == ("status_400", "bad", 3, 4)
    assert letter.recorded_at == recorded
    assert (letter.died_at - letter.recorded_at).total_seconds() == 60
    assert (letter.body, letter.endpoint) == (None, None)
    shown = spool.dead_letter(letter.id)
    assert shown is not None
    assert (shown.body, shown.endpoint) == (b"body", b"")
    assert [full.body for full in spool.export()] == [b"body"]
    assert spool.replay([letter.id, 12345]) == 1
    assert spool.dead_letters() == []
    assert spool.dead_letter(letter.id) is None
    assert names(spool) == ["1", "3", "2"]
    assert spool.pending().count == 3


def test_refused_before_it_was_queued(spool: Spool) -> None:
    """`add_dead_letter` keeps an item that never was in the queue."""
    spool.add_dead_letter(
        "endpoint", "e", "i", b"body", b"more", reason="invalid", message="too long"
    )
    (letter,) = spool.export()
    assert (letter.kind, letter.endpoint_id, letter.item_id) == ("endpoint", "e", "i")
    assert (letter.body, letter.endpoint, letter.size) == (b"body", b"more", 8)
    assert (letter.reason, letter.message, letter.tries) == ("invalid", "too long", 0)
    assert spool.pending().count == 0


def test_listing_and_exporting_page(spool: Spool) -> None:
    """Listings walk by id; an export yields everything, replaying all empties it."""
    for number in range(250):
        spool.add_dead_letter("event", "e", str(number), b"b", b"", reason="r", message="m")
    first = spool.dead_letters(limit=10)
    assert [letter.item_id for letter in first] == [str(n) for n in range(10)]
    assert spool.dead_letters(limit=1, after=first[-1].id)[0].item_id == "10"
    assert [letter.item_id for letter in spool.export()] == [str(n) for n in range(250)]
    assert spool.replay() == 250
    assert list(spool.export()) == []
    assert names(spool) == [str(n) for n in range(250)]


def test_purging(spool: Spool, clock: Clock) -> None:
    """Dead letters are purged by id, by age, both, or all."""
    for number in range(6):
        spool.add_dead_letter("event", "e", str(number), b"b", b"", reason="r", message="m")
        clock.now += 10
    ids = [letter.id for letter in spool.dead_letters()]
    middle = datetime.fromtimestamp(clock.now - 30, timezone.utc)
    assert spool.purge([ids[0], ids[5], 999], before=middle) == 1
    assert spool.purge([ids[5]]) == 1
    assert spool.purge(before=middle) == 2
    assert [letter.item_id for letter in spool.dead_letters()] == ["3", "4"]
    assert spool.purge() == 2
    assert spool.dead_letters() == []


def test_dead_letters_leave_room_for_live_items(
    make: Callable[..., Spool], caplog: pytest.LogCaptureFixture
) -> None:
    """Dead letters take a quarter at most: the oldest are removed, and the log counts them."""
    spool = make(max_bytes=4_000_000)
    with caplog.at_level(logging.WARNING, "pinpoint_kit.delivery"):
        for number in range(1200):
            spool.add_dead_letter(
                "event", "e", str(number), bytes(1000), b"", reason="r", message="m"
            )
    assert 400 < len(spool.dead_letters(limit=2000)) <= 1000
    assert spool.dead_letters(limit=2000)[-1].item_id == "1199"
    assert "oldest dead letter(s) were removed" in caplog.text
    put(spool, "1", body=bytes(2_000_000))


# Files


def test_removed_content_is_not_in_the_files(spool: Spool) -> None:
    """After the next heartbeat nothing of a delivered, dropped or purged item can be found."""
    secret, large = b"jane@example.com", b"+44 20 7946 0000 " * 1000
    seqs = put(spool, "1", body=secret) + put(spool, "2", body=large) + put(spool, "3")
    seqs += put(spool, "4", body=b"dead-" + secret)
    assert secret in content(spool)
    spool.dead_letter_item([(seqs[3], "r", "m", 1)])
    spool.remove(seqs[:2])
    spool.purge()
    spool.heartbeat()
    assert secret not in content(spool)
    assert b"7946" not in content(spool)
    assert names(spool) == ["3"]


def test_only_the_owner_may_read_it(spool: Spool) -> None:
    """All files of a spool have mode 0600."""
    put(spool, "1")
    files = list(spool.path.parent.glob("s.db*"))
    assert len(files) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_settings_of_the_connection(make: Callable[..., Spool]) -> None:
    """WAL; NORMAL, or FULL with fsync; secure delete; no automatic checkpoint, no wait."""
    for fsync, level in ((False, 1), (True, 2)):
        spool = make(fsync=fsync)
        put(spool, "1")
        db = spool._db
        assert db is not None
        wanted = {
            "journal_mode": "wal",
            "synchronous": level,
            "secure_delete": 1,
            "wal_autocheckpoint": 0,
            "auto_vacuum": 2,
            "busy_timeout": 0,
        }
        assert {key: db.execute(f"PRAGMA {key}").fetchone()[0] for key in wanted} == wanted


def test_rows_outlive_the_spool(make: Callable[..., Spool]) -> None:
    """What was left at close is adoptable at once by the next one, dead letters stay."""
    first = make()
    seqs = put(first, "1", "2", "3")
    first.dead_letter_item([(seqs[0], "r", "m", 1)])
    first.close()
    second = make()
    assert second.load() == []
    assert second.adopt() == 2
    assert names(second) == ["2", "3"]
    assert second.pending().count == 2
    assert len(second.dead_letters()) == 1


def test_closing(make: Callable[..., Spool]) -> None:
    """Closing is idempotent; afterwards every call says that it was closed."""
    used, unused = make(), make()
    put(used, "1")
    for spool in (used, unused):
        spool.close()
        spool.close()
        with pytest.raises(SpoolError, match="closed") as caught:
            put(spool, "2")
        assert caught.value.reason == "closed"
        with pytest.raises(SpoolError, match="closed"):
            spool.heartbeat()


def test_a_closed_unused_spool_leaves_no_side_files(spool: Spool) -> None:
    """Opening checks the file and lets go of it, so that forking later is harmless."""
    assert spool._db is None
    assert sorted(path.name for path in spool.path.parent.iterdir()) == ["s.db", "s.db.lock"]


def test_a_relative_path_survives_chdir(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path means what it meant when the spool was made."""
    monkeypatch.chdir(tmp_path)
    spool = Spool("here.db", clock=clock)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    put(spool, "1")
    spool.close()
    assert (tmp_path / "here.db").exists()


@pytest.mark.parametrize("junk", [b"hello", b"not a database, but a long text " * 400])
def test_another_file_is_refused(tmp_path: Path, junk: bytes) -> None:
    """A file that is not a spool stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_bytes(junk)
    with pytest.raises(StoreError, match=r"notes\.txt.*not a spool; name another file"):
        Spool(path)
    assert path.read_bytes() == junk


def test_another_database_is_refused(tmp_path: Path) -> None:
    """A SQLite database of another program stays as it is."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE t (a)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="belongs to another program"):
        Spool(path)
    assert path.read_bytes() == before


def test_a_newer_spool_is_refused(make: Callable[..., Spool]) -> None:
    """A file of a later release is left alone, and the message says to upgrade."""
    spool = make()
    put(spool, "1")
    spool.close()
    with closing(sqlite3.connect(spool.path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match=r"version is 99.*upgrade pinpoint-kit"):
        make()


def test_places_where_no_file_can_be(tmp_path: Path) -> None:
    """A missing directory and a directory are refused with what to do."""
    with pytest.raises(StoreError, match=r"does not exist; make it"):
        Spool(tmp_path / "missing" / "s.db")
    with pytest.raises(StoreError, match="is a directory; name a file"):
        Spool(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(StoreError, match="is no file, but a pipe or a device; name a file"):
        Spool(tmp_path / "pipe")


def test_damage_in_the_times_of_dead_letters(spool: Spool) -> None:
    """They are listed and replayed all the same, as if from the beginning of time."""
    for name in "abc":
        spool.add_dead_letter("event", "e", name, b"{}", b"", reason="r", message="m")
    with closing(sqlite3.connect(spool.path)) as db:
        for name, time in (("a", "'never'"), ("b", "1e300")):
            db.execute(f"UPDATE dead SET died_at = {time} WHERE item_id = '{name}'")  # noqa: S608 -- ours
        db.commit()
    listed = spool.dead_letters()
    assert [letter.died_at.timestamp() > 0 for letter in listed] == [False, False, True]
    assert spool.replay([letter.id for letter in listed]) == 3


def test_a_file_that_cannot_be_written(
    make: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read-only file is refused when opened, not when the first event comes."""
    make().close()
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def read_only(path: Path, **options: Any) -> sqlite3.Connection:
        # Rights do not bind root, who may run the tests; this binds everybody.
        if path.suffix == ".db":
            return connect(f"{path.as_uri()}?mode=ro", uri=True, **options)
        return connect(path, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    with pytest.raises(StoreError, match="read-only; give this process the right to write"):
        make()


def test_a_full_disk(spool: Spool) -> None:
    """When the disk is full the item is refused with a reason, and nothing else is harmed."""
    put(spool, "1")
    db = spool._db
    assert db is not None
    pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(SpoolError, match="disk is full") as caught:
        put(spool, "2", body=bytes(100_000))
    assert caught.value.reason == "full"
    assert not isinstance(caught.value, SpoolFullError)
    db.execute("PRAGMA max_page_count = 1000000")
    put(spool, "3")
    assert names(spool) == ["1", "3"]
    assert spool.pending().count == 2


def test_a_locked_file(spool: Spool) -> None:
    """When another process holds the file for too long, that is the reason given."""
    put(spool, "1")
    spool.patience = 0.05
    with closing(sqlite3.connect(spool.path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        for call in (lambda: put(spool, "2"), spool.heartbeat, lambda: spool.remove([1 << 36 | 1])):
            with pytest.raises(SpoolError, match="locked") as caught:
                call()
            assert caught.value.reason == "locked"
        db.execute("ROLLBACK")
    put(spool, "3")
    assert names(spool) == ["1", "3"]


def test_a_file_that_is_locked_for_a_moment(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process writes one waits, at first for much less than a millisecond."""
    put(spool, "1")
    waits: list[float] = []
    with closing(sqlite3.connect(spool.path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                db.execute("ROLLBACK")

        monkeypatch.setattr("pinpoint_kit.delivery.spool.file.time.sleep", sleep)
        put(spool, "2")
    assert len(waits) == 3
    assert sum(waits) < 0.001
    assert names(spool) == ["1", "2"]


def test_somebody_reading_does_not_stop_us(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader puts the checkpoint off; the next heartbeat without one makes up for it."""
    monkeypatch.setattr(spool_file, "_CHECKPOINT_WAIT_S", 0.01)
    secret = b"jane@example.com"
    seqs = put(spool, "1", body=secret)
    with closing(sqlite3.connect(spool.path, isolation_level=None)) as db:
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM queue").fetchall()
        spool.remove(seqs)
        spool.heartbeat()
        assert secret in content(spool)
        put(spool, "2")
        db.execute("COMMIT")
    spool.heartbeat()
    assert secret not in content(spool)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("database or disk is full", "full"),
        ("database is locked", "locked"),
        ("attempt to write a readonly database", "readonly"),
        ("disk I/O error", "io"),
        ("unable to open database file", "io"),
        ("database disk image is malformed", "corrupt"),
        ("file is not a database", "corrupt"),
        ("string or blob too big", "too_large"),
        ("no such column: secret", "failed"),
    ],
)
def test_errors_have_reasons(text: str, reason: str) -> None:
    """Each of SQLite's errors becomes a word and a sentence without its own text."""
    error = explain(sqlite3.OperationalError(text))
    assert error.reason == reason
    assert "secret" not in str(error)


def test_what_sqlite_cannot_hold(spool: Spool) -> None:
    """A value that SQLite has no room for is refused with a reason, at no cost to the others."""
    put(spool, "1")
    spool._next = 1 << 63
    with pytest.raises(SpoolError, match="larger than SQLite can store") as caught:
        put(spool, "2")
    assert caught.value.reason == "too_large"
    assert spool.pending().count == 1


def test_a_place_that_vanished(spool: Spool) -> None:
    """When the directory goes away while the spool is open, appending says so each time."""
    put(spool, "1")
    for file in spool.path.parent.glob("s.db*"):
        file.unlink()
    home = spool.path.parent
    home.rename(home.with_name("moved"))
    for _ in range(2):
        with pytest.raises(SpoolError, match="check its directory") as caught:
            put(spool, "2")
        assert caught.value.reason == "io"
    home.with_name("moved").rename(home)
    put(spool, "3")
    assert names(spool) == ["3"]


def test_a_file_system_without_wal(
    make: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where SQLite cannot turn WAL on, the message says to use a local disk."""
    monkeypatch.setattr("pinpoint_kit.delivery.spool.schema._turn_wal_on", lambda *_: "delete")
    with pytest.raises(StoreError, match="use a local disk"):
        make()


def test_turning_wal_on_waits_for_others(
    make: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite does not wait by itself when WAL is turned on; we do, but not for ever."""
    make().close()
    path = make().path
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    waits: list[float] = []
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(
            "pinpoint_kit.delivery.spool.schema.time.sleep",
            lambda seconds: db.execute("ROLLBACK") if len(waits) == 3 else waits.append(seconds),
        )
        monkeypatch.setattr("pinpoint_kit.delivery.spool.schema.BUSY_S", 0.05)
        make()
    assert len(waits) == 3 or not waits  # SQLite's own busy handler may have done it


def test_many_threads(spool: Spool) -> None:
    """Eight threads append while two remove: nothing is lost, nothing comes twice."""
    removed: deque[str] = deque()
    done = threading.Event()

    def write(worker: int) -> None:
        put(spool, *(f"{worker}-{number}" for number in range(100)))

    def drain() -> None:
        while rows := spool.load(limit=50) or not done.is_set():
            if isinstance(rows, list) and spool.remove(row.seq for row in rows):
                removed.extend(row.item_id for row in rows)

    writers = [threading.Thread(target=write, args=(worker,)) for worker in range(8)]
    drainer = threading.Thread(target=drain)
    for thread in (*writers, drainer):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    drainer.join()
    assert sorted(removed) == sorted(f"{w}-{n}" for w in range(8) for n in range(100))
    for worker in range(8):
        own = [name for name in removed if name.startswith(f"{worker}-")]
        assert own == [f"{worker}-{number}" for number in range(100)]


class Model(RuleBasedStateMachine):
    """A spool against a dict and a list."""

    @initialize(path=st.uuids())
    def begin(self, path: Any) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.path = f"{self.folder.name}/{path}.db"
        self.spool = Spool(self.path)
        self.queue: dict[int, tuple[str, bytes]] = {}
        self.dead: dict[int, tuple[str, bytes]] = {}
        self.recorded = 0
        self.gone = 0

    @rule(name=st.text(st.characters(codec="utf-8"), max_size=20), body=st.binary(max_size=9000))
    def append(self, name: str, body: bytes) -> None:
        seq = self.spool.append("event", name, name, body)
        assert seq > max(self.queue, default=0)
        self.queue[seq] = (name, body)
        self.recorded += 1

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        seqs = data.draw(st.lists(st.sampled_from(sorted(self.queue)), max_size=5, unique=True))
        assert self.spool.remove(seqs) == len(seqs)
        for seq in seqs:
            del self.queue[seq]
        self.gone += len(seqs)

    @precondition(lambda self: self.queue)
    @rule(data=st.data())
    def dead_letter_item(self, data: st.DataObject) -> None:
        seq = data.draw(st.sampled_from(sorted(self.queue)))
        assert self.spool.dead_letter_item([(seq, "r", "m", 1)]) == 1
        self.dead[self.spool.dead_letters(limit=10_000)[-1].id] = self.queue.pop(seq)

    @rule()
    def replay(self) -> None:
        # What has no body could never be encoded: it can be looked at, and not sent.
        sendable = {dead_id: item for dead_id, item in self.dead.items() if item[1]}
        assert self.spool.replay() == len(sendable)
        fresh = self.spool.load(after=max(self.queue, default=0), limit=10_000)
        self.queue |= {row.seq: item for row, item in zip(fresh, sendable.values(), strict=True)}
        for dead_id in sendable:
            del self.dead[dead_id]

    @rule(count=st.integers(0, 3))
    def drop(self, count: int) -> None:
        dropped = self.spool.drop_oldest(count)
        assert dropped == sorted(self.queue)[:count]
        for seq in dropped:
            del self.queue[seq]
        self.gone += len(dropped)

    @rule()
    def purge(self) -> None:
        assert self.spool.purge() == len(self.dead)
        self.gone += len(self.dead)
        self.dead.clear()

    @rule()
    def reopen(self) -> None:
        self.spool.close()
        self.spool = Spool(self.path)
        items = list(self.queue.values())
        assert self.spool.adopt() == len(items)
        self.queue = {row.seq: item for row, item in zip(self.spool.load(), items, strict=True)}

    @rule()
    def beat(self) -> None:
        self.spool.heartbeat()

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "spool"):
            return
        rows = self.spool.load(limit=10_000)
        assert {row.seq: (row.item_id, row.body) for row in rows} == self.queue
        assert [row.seq for row in rows] == sorted(self.queue)
        letters = list(self.spool.export())
        assert {dead.id: (dead.item_id, dead.body) for dead in letters} == self.dead
        pending = self.spool.pending()
        assert pending.count == len(self.queue)
        assert pending.bytes == sum(len(body) for _, body in self.queue.values())
        assert self.recorded == len(self.queue) + len(self.dead) + self.gone

    def teardown(self) -> None:
        if hasattr(self, "spool"):
            self.spool.close()
            self.folder.cleanup()


def test_against_a_model() -> None:
    """Whatever is done in whatever order, queue, dead letters and counts are as in a dict."""
    run_state_machine_as_test(
        Model, settings=settings(max_examples=25, stateful_step_count=25, deadline=None)
    )

"""Long queries: few at once, with an end, and beside everything else."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, text

from pinpoint_kit.engine.storage import queries
from pinpoint_kit.engine.storage.dialects.sqlite import connections
from pinpoint_kit.engine.storage.queries import LONG_READS
from pinpoint_kit.engine.storage.store import Store
from pinpoint_kit.engine.wire.refusals import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.engine.conftest import Wire

#: It would count for hours.
ENDLESS = text(
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
)
PATIENCE = 20.0


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Give an open database."""
    opened = Store.open(f"sqlite:///{tmp_path}/p.db" if request.param == "file" else "sqlite://")
    yield opened
    opened.close()


def test_a_query_is_stopped_at_its_deadline(store: Store) -> None:
    """The database stops it, the answer says so, and the connection is as good as before."""
    began = time.monotonic()
    with pytest.raises(ApiError) as refused, store.long_read(0.2) as connection:
        connection.execute(ENDLESS).all()
    assert 0.2 <= time.monotonic() - began < PATIENCE
    assert refused.value.code == "ServiceUnavailableException"
    assert refused.value.is_permanent
    assert "stopped after 0.2 seconds" in refused.value.message
    counting = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 500000)"
                    " SELECT count(*) FROM n")  # fmt: skip
    with store.read() as connection:  # longer than a look at the clock, and nobody looks
        assert connection.execute(counting).scalar_one() == 500_000


def test_a_stopped_query_holds_nothing(store: Store) -> None:
    """Its turn is the next one's, as often as it happens."""
    for _ in range(LONG_READS + 1):
        with pytest.raises(ApiError), store.long_read(0.01) as connection:
            connection.execute(ENDLESS).all()
    with store.long_read(PATIENCE) as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1


def test_other_errors_stay_what_they_are(store: Store) -> None:
    """Only a stop is told as one."""
    with pytest.raises(Exception, match="no such table"), store.long_read() as connection:
        connection.execute(text("SELECT * FROM nowhere"))
    with pytest.raises(ValueError, match="ours"), store.long_read():
        raise ValueError("ours")


def test_so_many_at_once_and_no_more(tmp_path: Path) -> None:
    """The next one waits for its turn; when none comes in time it is refused with Retry-After."""
    store = Store.open(f"sqlite:///{tmp_path}/p.db")
    inside, go_on = threading.Semaphore(0), threading.Event()

    def occupy() -> None:
        with store.long_read(PATIENCE):
            inside.release()
            assert go_on.wait(PATIENCE)

    with ThreadPoolExecutor(LONG_READS + 1) as pool:
        running = [pool.submit(occupy) for _ in range(LONG_READS)]
        for _ in running:
            assert inside.acquire(timeout=PATIENCE)
        with pytest.raises(ApiError) as refused, store.long_read(0.05):
            raise AssertionError
        assert refused.value.retry_after_s
        assert not refused.value.is_permanent
        with store.read() as connection:  # what is not long does not wait
            connection.execute(text("SELECT 1"))
        with store.write() as connection:  # nor does what writes
            connection.execute(text("SELECT 1"))
        waiting = pool.submit(occupy)
        go_on.set()
        for future in (*running, waiting):
            future.result(PATIENCE)
    store.close()


def test_the_answer_says_when_to_come_back(
    make_wire: Callable[..., Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After, or marked as not worth repeating when this query alone is too long."""
    wire = make_wire()
    segment = wire.post(f"/v1/apps/{wire.app}/segments", {"Name": "all"}).json["Id"]
    path = f"/pinpoint-kit/v1/apps/{wire.app}/segments/{segment}/count"
    with monkeypatch.context() as changed:
        changed.setattr(queries.LongReads, "_has_turn", lambda *_: False)
        busy = wire.send("GET", path)
    assert (busy.status, busy.code, busy.headers["Retry-After"]) == (
        503,
        "ServiceUnavailableException",
        "5",
    )
    assert wire.send("GET", path).status == 200


def _grow(store: Store, table: str = "grown", rows: int = 300) -> None:
    """Write so much that the log becomes longer than it may."""
    with store.write() as connection:
        connection.execute(text(f"CREATE TABLE IF NOT EXISTS {table} (a BLOB)"))
        for _ in range(rows):
            connection.execute(text(f"INSERT INTO {table} VALUES (randomblob(10000))"))  # noqa: S608 -- our name


@pytest.fixture
def short_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the log be long after 2 MB."""
    monkeypatch.setattr(connections, "MOST_LOG_BYTES", 2_000_000)
    monkeypatch.setattr(connections, "LOG_BYTES", 1_000_000)
    monkeypatch.setattr(queries, "_MOVED", 1_000_000)


@pytest.mark.usefixtures("short_log")
def test_queries_without_a_gap_do_not_let_the_log_grow(tmp_path: Path) -> None:
    """When it is long, no query begins before those that run have ended and it began anew."""
    path = tmp_path / "p.db"
    store = Store.open(f"sqlite:///{path}")
    log = path.with_name("p.db-wal")
    _grow(store, rows=1)
    first, second = store.long_read(PATIENCE), store.long_read(PATIENCE)
    first.__enter__().execute(text("SELECT count(*) FROM grown")).all()
    second.__enter__().execute(text("SELECT count(*) FROM grown")).all()
    _grow(store)  # neither of them lets it be moved
    first.__exit__(None, None, None)
    with pytest.raises(ApiError), store.long_read(0.05):  # there is room, but the log is long
        raise AssertionError
    second.__exit__(None, None, None)
    assert log.stat().st_size > 2_000_000
    settled = threading.Event()

    def read() -> int:
        with store.long_read(PATIENCE) as connection:
            settled.set()
            return int(connection.execute(text("SELECT count(*) FROM grown")).scalar_one())

    store._long_reads._settles_until = time.monotonic() + PATIENCE
    assert not store._long_reads._has_room()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read)
        while not settled.is_set():  # with the second commit the log begins anew
            _grow(store, rows=1)
        assert reading.result(PATIENCE) >= 302
    store.close()


@pytest.mark.usefixtures("short_log")
def test_a_log_that_cannot_be_moved_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever moving meets, the next query gets its turn."""
    store = Store.open(f"sqlite:///{tmp_path}/p.db")

    def fail() -> None:
        raise MemoryError

    monkeypatch.setattr(store, "_move_log_beside", fail)
    _grow(store, rows=1)

    def read_while_it_grows() -> None:
        with store.long_read(PATIENCE) as connection:
            connection.execute(text("SELECT count(*) FROM grown")).all()
            _grow(store)

    with pytest.raises(MemoryError):
        read_while_it_grows()
    monkeypatch.undo()
    with store.long_read(PATIENCE) as connection:
        assert connection.execute(text("SELECT count(*) FROM grown")).scalar_one() == 301
    store.close()


@pytest.mark.usefixtures("short_log")
def test_a_long_log_that_nobody_writes_keeps_nobody_out(tmp_path: Path) -> None:
    """Where no commit follows, the next query begins all the same."""
    store = Store.open(f"sqlite:///{tmp_path}/p.db")
    _grow(store, rows=1)
    with store.long_read(PATIENCE) as connection:
        connection.execute(text("SELECT count(*) FROM grown")).all()
        _grow(store)
    with store.long_read(PATIENCE) as connection:
        assert connection.execute(text("SELECT count(*) FROM grown")).scalar_one() == 301
    store.close()


@pytest.mark.usefixtures("short_log")
def test_commits_leave_the_log_alone_while_somebody_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads moves it; then commits do it again, and give the disk back after a while."""
    store = Store.open(f"sqlite:///{tmp_path}/p.db")
    pages, limit = text("PRAGMA wal_autocheckpoint"), text("PRAGMA journal_size_limit")

    def log() -> tuple[int, int]:
        with store.write() as connection:
            return connection.execute(pages).scalar_one(), connection.execute(limit).scalar_one()

    assert log() == (4_000, 1_000_000)
    with store.long_read(PATIENCE):
        assert log() == (0, 2_000_000)
    assert log() == (4_000, 2_000_000)
    monkeypatch.setattr(queries, "_RECENT_S", 0.0)
    assert log() == (4_000, 1_000_000)
    store.close()


@pytest.mark.usefixtures("short_log")
def test_commits_leave_the_log_alone_while_a_process_beside_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says when it begins and ends, moves the log itself, and its own commits never do."""
    url = f"sqlite:///{tmp_path}/p.db"
    store, beside = Store.open(url), Store.open(url)
    told: list[bool] = []

    def tell(are_running: bool) -> None:  # noqa: FBT001 -- all that it says
        told.append(are_running)
        store.note_reads_beside(are_running)

    beside.read_beside(tell)
    pages, limit = text("PRAGMA wal_autocheckpoint"), text("PRAGMA journal_size_limit")

    def log(of: Store) -> tuple[int, int]:
        with of.write() as connection:
            return connection.execute(pages).scalar_one(), connection.execute(limit).scalar_one()

    assert log(store) == (4_000, 1_000_000)
    assert log(beside)[0] == 0
    with beside.long_read(PATIENCE):
        with beside.long_read(PATIENCE):
            assert told == [True]
            assert log(store) == (0, 2_000_000)
        assert log(store) == (0, 2_000_000)
    assert told == [True, False]
    assert log(store) == (4_000, 2_000_000)
    assert log(beside)[0] == 0
    monkeypatch.setattr(queries, "_RECENT_S", 0.0)
    assert log(store) == (4_000, 1_000_000)
    beside.close()
    store.close()


@pytest.mark.parametrize("move", [Store.move_log, Store._move_log_beside])
def test_the_log_never_begins_anew_while_it_is_moved(
    tmp_path: Path, move: Callable[[Store], None]
) -> None:
    """SQLite before 3.51.3 may lose the commit by which it does."""
    path = tmp_path / "p.db"
    store = Store.open(f"sqlite:///{path}")
    _grow(store, rows=1)
    looked: list[tuple[int, int, int]] = []

    def look(*arguments: object) -> None:
        if "wal_checkpoint" in str(arguments[2]):
            if not store._writer.locked():
                _grow(store, rows=1)
            with contextlib.closing(sqlite3.connect(path, timeout=0)) as other:
                looked.append(other.execute("PRAGMA wal_checkpoint(RESTART)").fetchone())

    event.listen(store._engine, "before_cursor_execute", look)
    move(store)
    assert len(looked) == 2
    assert [is_busy for is_busy, *_ in looked] == [1, 1]
    store.close()


def test_the_log_is_found_where_sqlite_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside what a link leads to, and in the directory that was the current one."""
    (tmp_path / "real").mkdir()
    Store.open(f"sqlite:///{tmp_path}/real/p.db").close()
    (tmp_path / "link.db").symlink_to(tmp_path / "real" / "p.db")
    monkeypatch.chdir(tmp_path)
    stores = [Store.open("sqlite:///link.db"), Store.open("sqlite:///relative.db")]
    monkeypatch.chdir("/")
    for store in stores:
        with store.write() as connection:
            connection.execute(text("CREATE TABLE grown (a)"))
        assert store._dialect.log_bytes
        store.close()

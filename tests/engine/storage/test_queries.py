"""Long queries: few at once, with an end, and beside everything else."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

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
    wait = threading.Semaphore.acquire
    monkeypatch.setattr(threading.Semaphore, "acquire", lambda *_, **__: False)
    busy = wire.send("GET", path)
    monkeypatch.setattr(threading.Semaphore, "acquire", wait)
    assert (busy.status, busy.code, busy.headers["Retry-After"]) == (
        503,
        "ServiceUnavailableException",
        "5",
    )
    assert wire.send("GET", path).status == 200

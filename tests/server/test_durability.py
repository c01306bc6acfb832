"""Whatever happens to the server's processes, an answered write is stored, and nothing by halves.

Run `pytest -m slow -s tests/server/test_durability.py` for the long versions; -s shows figures.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .conftest import PATIENCE
from .served import Served, is_sound
from .writers import Api, Writer, make_writers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., Served]

#: Answers to wait for before something happens, so that it happens under load.
FEWEST_ANSWERS = 10
MOST_ANSWERS = 100
#: About as long as a request takes: it may happen at any moment of one.
LONGEST_PAUSE_S = 0.02


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts servers on one database, and ends those that are left."""
    started: list[Served] = []

    def begin(workers: int) -> Served:
        started.append(Served(tmp_path / "served.db", workers))
        return started[-1]

    yield begin
    for served in started:
        served.end()


@contextmanager
def connected(served: Served, app: str = "") -> Iterator[Api]:
    """A connection for as long as the block."""
    api = Api(served.port, app)
    try:
        yield api
    finally:
        api.close()


@contextmanager
def load(served: Served, app: str, writers: list[Writer]) -> Iterator[None]:
    """Has all writers at work; the block begins at a random moment, and must end the server."""
    answers = threading.Semaphore(0)
    with ThreadPoolExecutor(len(writers)) as pool:
        running = [pool.submit(writer.run, served.port, app, answers) for writer in writers]
        for _ in range(random.randint(FEWEST_ANSWERS, MOST_ANSWERS)):  # noqa: S311 -- a moment
            assert answers.acquire(timeout=PATIENCE)
        time.sleep(random.uniform(0, LONGEST_PAUSE_S))  # noqa: S311 -- a moment
        yield
        for future in running:
            future.result(PATIENCE)
    assert [writer.refusals for writer in writers if writer.refusals] == []


@pytest.mark.parametrize(
    ("workers", "kills"),
    [
        (1, 2),
        pytest.param(1, 20, marks=pytest.mark.slow),
        pytest.param(2, 20, marks=pytest.mark.slow),
    ],
)
def test_kill_under_load(start: Start, workers: int, kills: int) -> None:
    """After `kill -9` the next start has every answered write, whole, and a sound database."""
    served = start(workers)
    with connected(served) as api:
        app = api.make_app()
        writers = make_writers(api)
    stored = unanswered = 0
    for _ in range(kills):
        with load(served, app, writers):
            served.kill()
        unanswered += sum(writer.pending is not None for writer in writers)
        served = start(workers)
        with connected(served, app) as api:
            stored += sum([writer.settle(api, served.database) for writer in writers])
        assert is_sound(served.database)
    answered = sum(writer.answered + 1 for writer in writers)
    print(f"{workers} workers, {kills} kills: {answered} writes answered and stored;", end=" ")  # noqa: T201 -- a figure
    print(f"of {unanswered} without an answer {stored} were stored, as a whole")  # noqa: T201 -- a figure
    assert unanswered > 0
    assert served.terminate() == (0, "")


@pytest.mark.parametrize(
    ("workers", "stops"),
    [
        (1, 1),
        pytest.param(1, 20, marks=pytest.mark.slow),
        pytest.param(2, 20, marks=pytest.mark.slow),
    ],
)
def test_stop_under_load(start: Start, workers: int, stops: int) -> None:
    """SIGTERM ends with status 0; requests get whole answers, or none and nothing was written."""
    served = start(workers)
    with connected(served) as api:
        app = api.make_app()
        writers = make_writers(api)
    for _ in range(stops):
        with load(served, app, writers):
            assert served.terminate() == (0, "")
        assert sum(writer.broken for writer in writers) == 0
        served = start(workers)
        with connected(served, app) as api:
            assert not any([writer.settle(api, served.database) for writer in writers])
    assert is_sound(served.database)

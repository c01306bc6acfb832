"""The embedded door runs jobs by itself: on a thread that is there only while there are some."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.doors import Door, open_door
from pinpoint_kit.doors.background import BackgroundWork
from pinpoint_kit.engine import Engine, Request
from pinpoint_kit.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NAME = "pinpoint-jobs"
#: Threads of clients that fixtures of other files keep open.
OTHERS: set[threading.Thread] = set()


def threads() -> list[threading.Thread]:
    """Return the threads that run jobs."""
    found = [thread for thread in threading.enumerate() if thread.name == NAME]
    return [thread for thread in found if thread not in OTHERS]


@pytest.fixture(autouse=True)
def _others() -> None:
    """Leave out what runs already."""
    OTHERS.update(threads())


def finish() -> None:
    """Wait until no thread runs jobs."""
    for thread in threads():
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def open_(tmp_path: Path) -> Iterator[Callable[[], Door]]:
    """Open doors to one database."""
    doors: list[Door] = []

    def open_() -> Door:
        doors.append(open_door(f"sqlite:///{tmp_path}/p.db", limits=DEFAULT_LIMITS))
        return doors[-1]

    yield open_
    for door in doors:
        door.close()
    assert not threads()


def write_rows(path: Path, count: int) -> str:
    """Write a file of endpoints and return its URL."""
    row = '{"Id":"%d","ChannelType":"EMAIL","Address":"%d@example.com"}\n'
    path.write_text("".join(row % (n, n) for n in range(count)))
    return path.as_uri()


def make_app(door: Door) -> str:
    """Create an application."""
    client: Any = door.client
    answer = client.create_app(CreateApplicationRequest={"Name": "shop"})
    application_id: str = answer["ApplicationResponse"]["Id"]
    return application_id


def start(door: Door, app: str, url: str) -> str:
    """Create an import job."""
    client: Any = door.client
    answer = client.create_import_job(
        ApplicationId=app,
        ImportJobRequest={
            "Format": "JSON",
            "S3Url": url,
            "RoleArn": "role",
            "RegisterEndpoints": True,
        },
    )
    job_id: str = answer["ImportJobResponse"]["Id"]
    return job_id


def state(door: Door, app: str, job_id: str) -> Any:
    """Return the job as it is shown."""
    client: Any = door.client
    answer = client.get_import_job(ApplicationId=app, JobId=job_id)
    return answer["ImportJobResponse"]


def test_a_job_runs_by_itself(open_: Callable[[], Door], tmp_path: Path) -> None:
    """There is no thread before a job is created, and none after it has ended."""
    door = open_()
    app = make_app(door)
    assert not threads()
    for number in (1, 2):
        job_id = start(door, app, write_rows(tmp_path / f"{number}.json", 100))
        finish()
        done = state(door, app, job_id)
        assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", 100)
        assert not threads()


def test_closing_in_the_middle(open_: Callable[[], Door], tmp_path: Path) -> None:
    """Closing ends the thread after a piece; the next opening goes on from there."""
    door = open_()
    app = make_app(door)
    job_id = start(door, app, write_rows(tmp_path / "a.json", 20_000))
    door.close()
    assert not threads()
    door = open_()
    finish()
    done = state(door, app, job_id)
    assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", 20_000)
    assert door.engine is not None
    path = f"/pinpoint-kit/v1/apps/{app}/endpoint-ids"
    page = door.engine.handle(Request("GET", path, query="page-size=1000&token=OTg5OQ=="))
    assert len(json.loads(page.body)["Item"]) == 111  # 99, 990 to 999, 9900 to 9999


class Held:
    """An engine whose job somebody else has; asking how long takes until the door is closed."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go_on = threading.Event()

    def on_work(self, listener: Callable[[], None]) -> None:
        self.listener = listener

    def step(self) -> bool:
        return False

    def wait_s(self) -> float:
        if threading.current_thread().name == NAME:
            self.asked.set()
            self.go_on.wait()
        return 30.0


def test_closing_before_waiting() -> None:
    """A door that is closed while its thread asks how long to wait does not wait for that."""
    engine: Any = Held()
    work = BackgroundWork(engine)
    (thread,) = threads()
    engine.asked.wait(10)
    closing = threading.Thread(target=work.close)
    closing.start()
    while not work._is_closed:
        pass
    engine.go_on.set()
    closing.join(4)  # it would take 5 seconds until it gave up, and 30 until the thread ended
    assert not closing.is_alive()
    assert not thread.is_alive()


def test_what_a_bare_engine_left(open_: Callable[[], Door], tmp_path: Path) -> None:
    """A job that was created without a door runs when one is opened."""
    door = open_()
    app = make_app(door)
    door.close()
    url = write_rows(tmp_path / "a.json", 10)
    with Engine.open(f"sqlite:///{tmp_path}/p.db", files=door.engine._context.files) as engine:  # type: ignore[union-attr]
        request = {"Format": "JSON", "S3Url": url, "RoleArn": "r", "RegisterEndpoints": True}
        body = json.dumps(request).encode()
        answer = engine.handle(Request("POST", f"/v1/apps/{app}/jobs/import", body=body))
    door = open_()
    finish()
    assert state(door, app, json.loads(answer.body)["Id"])["JobStatus"] == "COMPLETED"


def test_looking_at_a_job_lets_it_go_on(open_: Callable[[], Door], tmp_path: Path) -> None:
    """Whoever asks for an unfinished job finds out that nobody works on it any more."""
    door = open_()
    app = make_app(door)
    with Engine.open(f"sqlite:///{tmp_path}/p.db", files=door.engine._context.files) as engine:  # type: ignore[union-attr]
        url = write_rows(tmp_path / "a.json", 10)
        request = {"Format": "JSON", "S3Url": url, "RoleArn": "r", "RegisterEndpoints": True}
        body = json.dumps(request).encode()
        answer = engine.handle(Request("POST", f"/v1/apps/{app}/jobs/import", body=body))
    job_id = json.loads(answer.body)["Id"]
    assert not threads()
    state(door, app, job_id)
    finish()
    assert state(door, app, job_id)["JobStatus"] == "COMPLETED"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_a_fork(open_: Callable[[], Door], tmp_path: Path) -> None:
    """The parent goes on with its job, and the child can run one of its own."""
    door = open_()
    app = make_app(door)
    urls = [write_rows(tmp_path / f"{n}.json", 5_000) for n in range(2)]
    mine = start(door, app, urls[0])
    child = os.fork()
    if child == 0:
        code = 1
        try:
            job_id = start(door, app, urls[1])
            (thread,) = threads()  # it stays while the parent's job might need it
            while state(door, app, job_id)["JobStatus"] != "COMPLETED":
                thread.join(0.01)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    finish()
    done = state(door, app, mine)
    assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", 5_000)


def test_a_long_step_is_kept_from_others(
    open_: Callable[[], Door], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """While a step takes its time, its lease is renewed again and again; not after the work."""
    renewed = threading.Semaphore(0)
    step = Engine.step

    def renew(_: Engine) -> float:
        renewed.release()
        return 0.001

    def slow(self: Engine) -> bool:
        for _ in range(3):
            assert renewed.acquire(timeout=30)
        return step(self)

    monkeypatch.setattr(Engine, "renew", renew)
    monkeypatch.setattr(Engine, "step", slow)
    door = open_()
    start(door, make_app(door), write_rows(tmp_path / "a.json", 10))
    finish()
    for thread in threading.enumerate():
        if thread.name == "pinpoint-leases":
            thread.join(30)
            assert not thread.is_alive()

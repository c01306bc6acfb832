"""Workers that end, cannot start or stand still, and what their supervisor does about it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from uvicorn.supervisors.multiprocess import Multiprocess

from pinpoint_kit.server import run, workers
from pinpoint_kit.server.metrics import DIRECTORY_VARIABLE
from pinpoint_kit.server.options import ServerOptions
from pinpoint_kit.server.run import Settings
from pinpoint_kit.server.workers import Supervisor
from tests.ports import held_port
from tests.programs import Program
from tests.server.conftest import Client


class FakeWorker:
    """A worker process as far as its supervisor looks at it."""

    started = 0

    def __init__(self, *_: object, exitcode: int | None = None) -> None:
        type(self).started += 1
        self.exitcode = exitcode
        self.process = SimpleNamespace(is_alive=lambda: self.exitcode is None)
        self.pid = self.started

    def start(self) -> None:
        """Do nothing: it runs."""

    def kill(self) -> None:
        self.exitcode = -9

    def join(self) -> None:
        assert self.exitcode is not None


class FakeServer:
    """A supervisor of one fake worker, and its clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.now = 1000.0
        self.dead: list[int] = []
        monkeypatch.setenv(DIRECTORY_VARIABLE, str(folder))
        # Not `time.monotonic` itself: other threads' waits would go by it, for hours.
        monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=lambda: self.now))
        monkeypatch.setattr(workers, "mark_process_dead", self.dead.append)
        monkeypatch.setattr(
            Multiprocess,
            "init_processes",
            lambda supervisor: supervisor.processes.append(FakeWorker()),
        )
        monkeypatch.setattr(FakeWorker, "started", 0)
        config: Any = SimpleNamespace(workers=1)
        self.supervisor = Supervisor(config, [], worker_timeout=30.0)
        self.supervisor.init_processes()
        self._folder = folder
        self._beats = 0

    @property
    def worker(self) -> FakeWorker:
        return cast("FakeWorker", self.supervisor.processes[0])

    def pass_time(self, seconds: float, *, beats: bool = False) -> None:
        """Has the supervisor look twice a second, as uvicorn does."""
        for _ in range(int(seconds * 2)):
            if beats:
                self.beat()
            self.now += 0.5
            self.supervisor.keep_subprocess_alive()

    def beat(self) -> None:
        self._beats += 1
        path = self._folder / f"{self.worker.pid}.alive"
        path.touch()
        os.utime(path, (self._beats, self._beats))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeServer:
    """Give a supervisor of one worker."""
    before = {number: signal.getsignal(number) for number in signal.valid_signals()}
    made = FakeServer(monkeypatch, tmp_path)
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)
    return made


def test_the_living_are_left_alone(fake: FakeServer) -> None:
    """A worker that has not begun to beat may take its time, and one that beats lives."""
    fake.pass_time(3600)
    fake.pass_time(3600, beats=True)
    assert FakeWorker.started == 1
    assert not fake.dead


@pytest.mark.parametrize("exitcode", [-9, 1, 0])
def test_a_worker_that_has_worked_is_replaced_at_once(fake: FakeServer, exitcode: int) -> None:
    """Whatever has ended it; what it was doing leaves the metrics."""
    fake.pass_time(11, beats=True)
    fake.worker.exitcode = exitcode
    fake.pass_time(0.5)
    assert fake.worker.pid == 2
    assert fake.worker.exitcode is None
    assert fake.dead == [1]
    assert not list(fake._folder.iterdir())
    assert not fake.supervisor.should_exit.is_set()


def test_a_first_worker_that_cannot_start_is_the_end(fake: FakeServer) -> None:
    """Nothing has ever worked, so nothing is waited for."""
    fake.worker.exitcode = 3
    fake.pass_time(0.5)
    assert fake.supervisor.should_exit.is_set()
    assert FakeWorker.started == 1


def test_a_successor_that_cannot_start_is_tried_again(
    fake: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Ever more rarely, down to twice a minute; once it works it counts as any other."""
    fake.pass_time(11)
    fake.worker.exitcode = -9
    fake.pass_time(0.5)
    moments = []
    for _ in range(8):
        fake.worker.exitcode = 3
        began, count = fake.now, FakeWorker.started
        while FakeWorker.started == count:
            fake.pass_time(0.5)
        moments.append(fake.now - began - 0.5)
    assert moments == [1, 2, 4, 8, 16, 30, 30, 30]
    assert caplog.text.count("could not start (exit status 3)") == 8
    assert not fake.supervisor.should_exit.is_set()
    fake.pass_time(11)
    fake.worker.exitcode = -9
    fake.pass_time(0.5)
    assert fake.worker.exitcode is None


def test_a_worker_that_stands_still_is_replaced(
    fake: FakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It lives, but its loop has not turned for the worker timeout."""
    fake.pass_time(20, beats=True)
    first = fake.worker
    fake.pass_time(29)
    assert first.exitcode is None
    fake.pass_time(2)
    assert first.exitcode == -9
    assert fake.worker is not first
    assert "stands still" in caplog.text


def test_a_supervisor_that_was_stopped_judges_nobody(fake: FakeServer) -> None:
    """After Ctrl-Z and `fg` the workers have not beaten, either."""
    fake.pass_time(20, beats=True)
    fake.now += 3600
    fake.supervisor.keep_subprocess_alive()
    assert FakeWorker.started == 1
    fake.pass_time(20, beats=True)
    assert FakeWorker.started == 1


def test_ctrl_c_ends_no_worker_by_surprise(fake: FakeServer) -> None:
    """The workers get the signal, too; none is replaced while it waits to be handled."""
    fake.pass_time(11)
    fake.supervisor.signal_queue.append(signal.SIGINT)
    fake.worker.exitcode = -2
    fake.pass_time(0.5)
    assert FakeWorker.started == 1


@pytest.mark.parametrize(
    ("exitcodes", "status"), [((), 0), ((0, -15), 0), ((-2, 0), 0), ((3, 0), 1), ((-9, 0), 1)]
)
def test_how_several_workers_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, exitcodes: tuple[int, ...], status: int
) -> None:
    """The status tells whether all workers stopped as they should; nothing is left of them."""
    seen: list[str] = []

    def end(supervisor: Any) -> None:
        seen.append(os.environ[DIRECTORY_VARIABLE])
        supervisor.processes = [FakeWorker(exitcode=exitcode) for exitcode in exitcodes]

    monkeypatch.setattr(Multiprocess, "__init__", lambda *_: None)
    monkeypatch.setattr(Supervisor, "run", end)
    settings = Settings(f"sqlite:///{tmp_path}/p.db", port=0, workers=2)
    assert run.serve(settings, lambda _: None) == status
    assert not Path(*seen).exists()
    assert DIRECTORY_VARIABLE not in os.environ


def test_a_worker_beats_as_long_as_its_loop_turns(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A file of its own says so; without a supervisor there is none."""

    async def live() -> None:
        await workers.beat()  # nobody looks
        monkeypatch.setenv(DIRECTORY_VARIABLE, str(tmp_path))
        monkeypatch.setattr(workers, "_BEAT_EVERY_S", 0.001)
        path = tmp_path / f"{os.getpid()}.alive"
        task = asyncio.create_task(workers.beat())
        for _ in range(2):
            while not path.exists():  # noqa: ASYNC110 -- a file is no event
                await asyncio.sleep(0)
            path.unlink()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    monkeypatch.delenv(DIRECTORY_VARIABLE, raising=False)
    asyncio.run(live())


SERVER = """
import sys
from pinpoint_kit.server.run import Settings, serve
from pinpoint_kit.server.options import ServerOptions
if __name__ == "__main__":
    options = ServerOptions(worker_timeout=2.0, access_log=False)
    settings = Settings(sys.argv[1], port=0, workers=2, options=options)
    sys.exit(serve(settings, lambda address: print(address.port, flush=True)))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="stops a process with SIGSTOP")
def test_a_stopped_worker_is_replaced(tmp_path: Path) -> None:
    """For real: one that is stopped is killed, and all requests are answered again."""
    script = tmp_path / "server.py"
    script.write_text(SERVER)
    with Program([sys.executable, str(script), f"sqlite:///{tmp_path}/p.db"]) as program:
        port = int(program.out.line())
        with contextlib.closing(Client(port)) as client:
            client.request("GET", "/readyz")
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
        started = [int(pid) for pid in children if _beats(int(pid))]
        os.kill(started[0], signal.SIGSTOP)
        program.err.find(f"worker {started[0]} stands still")
        with contextlib.closing(Client(port)) as client:
            assert client.request("GET", "/readyz").status == 200
        assert program.stop() == 0


def _beats(pid: int) -> bool:
    variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    folder = next((v for v in variables if v.startswith(DIRECTORY_VARIABLE.encode())), b"")
    path = Path(folder.partition(b"=")[2].decode(), f"{pid}.alive")
    return bool(folder) and path.exists()


def test_the_worker_timeout_is_checked() -> None:
    """As the other options."""
    with pytest.raises(Exception, match="worker_timeout must be a number above 0"):
        ServerOptions(worker_timeout=0)


def test_the_port_of_a_first_start_that_fails_is_free_again(tmp_path: Path) -> None:
    """A database that is none is refused before any worker starts."""
    (tmp_path / "p.db").write_bytes(b"no database at all" * 100)
    with held_port() as port:
        settings = Settings(f"sqlite:///{tmp_path}/p.db", port=port, workers=2)
        with pytest.raises(Exception, match="not a SQLite database"):
            run.serve(settings, lambda _: None)
        with socket.socket() as later:
            assert later.connect_ex(("127.0.0.1", port)) == errno.ECONNREFUSED

"""`pinpoint-kit serve` as somebody starts it: what it says, what it refuses, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from click.testing import CliRunner

import pinpoint_kit as pk
from pinpoint_kit.cli import cli
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.server import ServerOptions, access_log, run
from pinpoint_kit.server.listening import Address
from pinpoint_kit.server.run import ServedApp, Settings
from tests.programs import Program
from tests.server import signing
from tests.server.conftest import PATIENCE, Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Start = Callable[..., "Command"]


class Command:
    """A server in a process of its own."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.log = folder / "access.ndjson"
        with self.log.open("w") as log:
            self.program = Program(
                [sys.executable, "-m", "pinpoint_kit.cli", "serve", "--port", "0", *arguments],
                cwd=folder,
                stdout=log,
            )
        self.said = [self.program.err.line() for _ in range(5)]
        found = re.search(r"^Serving Pinpoint's API at (http://\S+:(\d+))$", self.said[0])
        assert found, self.said
        self.url, self.port = found[1], int(found[2])
        self._clients = contextlib.ExitStack()

    def client(self) -> Client:
        """Open a raw connection."""
        return self._clients.enter_context(contextlib.closing(Client(self.port)))

    def boto3(self, key: str = "made-up") -> Any:
        """Return a client that signs with a key."""
        client = boto3.client(
            "pinpoint",
            region_name="us-east-1",
            endpoint_url=self.url,
            aws_access_key_id=key,
            aws_secret_access_key=signing.SECRETS.get(key, "made-up"),
            config=Config(retries={"total_max_attempts": 1}),
        )
        return self._clients.enter_context(contextlib.closing(client))

    def end(self) -> None:
        """End it in any case."""
        self._clients.close()
        self.program.kill()

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; return the exit status and what was said on stderr meanwhile."""
        return self.program.stop(number), self.program.err.rest()

    def lines(self) -> list[dict[str, Any]]:
        """Return the access log, once the server has stopped."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start servers in an empty folder, and end those that the test has left."""
    for name in list(os.environ):
        if name.startswith("PINPOINT_KIT_"):
            monkeypatch.delenv(name)
    commands: list[Command] = []

    def begin(*arguments: str) -> Command:
        commands.append(Command(tmp_path, *arguments))
        return commands[-1]

    yield begin
    for command in commands:
        command.end()


def write(client: Any, number: int = 5) -> str:
    """Write endpoints in an application of their own; return its id."""
    made = client.create_app(CreateApplicationRequest={"Name": "shop"})
    app: str = made["ApplicationResponse"]["Id"]
    for index in range(number):
        client.update_endpoint(ApplicationId=app, EndpointId=f"e{index}", EndpointRequest={})
    return app


def test_it_serves_and_stops(start: Start, tmp_path: Path) -> None:
    """It says where it is and what to export, serves, logs to stdout, and ends with status 0."""
    command = start()
    assert command.said[1] == f"Database: {tmp_path / 'pinpoint.db'}\n"
    assert command.said[3].endswith(f"export AWS_ENDPOINT_URL_PINPOINT={command.url}\n")
    client = command.boto3()
    app = write(client)
    assert client.get_endpoint(ApplicationId=app, EndpointId="e4")
    assert command.stop() == (0, "")
    assert [line["status"] for line in command.lines()] == [201, *[202] * 5, 200]
    assert not (tmp_path / "pinpoint.db-wal").exists()


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_it_removes_old_events(start: Start, tmp_path: Path, workers: str) -> None:
    """With --keep-events: counted in the metrics of all workers, and a line on stderr."""
    with pk.connect(f"sqlite:///{tmp_path}/pinpoint.db", application="shop") as pinpoint:
        for day in ("2020-01-01", "2021-01-01"):
            pinpoint.events.put("e", pk.Event(type="old", timestamp=f"{day}T00:00:00Z"))
        pinpoint.events.put("e", pk.Event(type="new"))
    command = start("--keep-events", "400d", "--workers", workers)
    assert command.said[3] == "Events: removed when they are older than 400 days\n"
    end = time.monotonic() + PATIENCE
    count = b""
    while count != b"2.0":
        assert time.monotonic() < end, count
        page = command.client().request("GET", "/metrics").body
        found = re.search(rb"^pinpoint_kit_events_expired_total (\S+)$", page, re.MULTILINE)
        count = found[1] if found else b""
    status, said = command.stop()
    assert status == 0
    assert "INFO pinpoint_kit.engine.retention: removed 2 events older than 400 days\n" in said
    with pk.connect(f"sqlite:///{tmp_path}/pinpoint.db", application="shop") as pinpoint:
        assert [event.type for event in pinpoint.events.find()] == ["new"]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [("400", "write days, such as 400d"), ("1y", "such as 400d"), ("30d", "less than 31 days")],
)
def test_a_time_that_is_none(given: str, sentence: str, tmp_path: Path) -> None:
    """It is refused before anything is served."""
    url = f"sqlite:///{tmp_path}/pinpoint.db"
    words = ["serve", "--url", url, "--port", "0", "--keep-events", given]
    refused = CliRunner().invoke(cli, words)
    assert refused.exit_code == 2
    assert sentence in refused.stderr
    assert not (tmp_path / "pinpoint.db").exists()


def test_options_of_streams_reach_the_engine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Those of `connect`, by their own names, in every process that serves."""
    served: list[Settings] = []

    def note(settings: Settings, _: object) -> int:
        served.append(settings)
        return 0

    monkeypatch.setattr(run, "serve", note)
    words = [
        *("serve", "--url", f"sqlite:///{tmp_path}/pinpoint.db", "--stream-version", "3.1"),
        *("--stream-endpoint", "full", "--stream-account-id", "111122223333"),
        *("--stream-backlog", "5", "--stream-age", "2d", "--stream-tries", "3"),
        *("--stream-dead-letters", "4"),
    ]
    assert CliRunner().invoke(cli, words).exit_code == 0
    with run._open_engine(served[0]) as engine:
        streams = engine._context.streams
    assert streams.form == pk.StreamForm(version="3.1", endpoint="full", account_id="111122223333")
    assert (streams.most_records, streams.most_age_ms) == (5, 2 * 86_400_000)
    assert (streams.most_tries, streams.most_dead_letters) == (3, 4)
    refused = CliRunner().invoke(cli, [*words, "--stream-account-id", "12"])
    assert (refused.exit_code, len(served)) == (2, 1)
    assert "write 12 digits" in refused.stderr


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_strangers_cannot_fill_stderr(start: Start, workers: str) -> None:
    """What is no HTTP is a line of the access log, and nothing on stderr, in workers too."""
    command = start("--url", "sqlite:///pinpoint.db", "--workers", workers)
    for _ in range(2):
        client = command.client()
        assert client.request("GET", "/v1/apps", Connection="upgrade", Upgrade="h2c").status == 200
        client = command.client()
        client.send(b"NO HTTP\r\n\r\n")
        assert client.answer().status == 400
    assert command.stop() == (0, "")
    assert sorted(line["status"] for line in command.lines()) == [200, 200, 400, 400]


def test_ctrl_c_is_no_failure(start: Start) -> None:
    """Ctrl-C ends it like SIGTERM."""
    command = start("--url", "sqlite://", "--no-access-log", "--region", "eu-central-1")
    assert command.said[1] == "Database: in memory, lost when the server stops\n"
    made = command.client().request("POST", "/v1/apps", b'{"Name": "shop"}').json
    assert made["Arn"].startswith("arn:aws:mobiletargeting:eu-central-1:")
    assert command.stop(signal.SIGINT) == (0, "")
    assert command.lines() == []


def test_two_workers_share_a_database(start: Start) -> None:
    """Both workers answer from one file, any tells the metrics of both, and both stop."""
    command = start("--workers", "2")
    client = command.boto3()
    app = write(client)
    lists = []

    def read() -> None:
        client = command.client()
        lists.append([client.request("GET", f"/v1/apps/{app}").status for _ in range(20)])

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lists == [[200] * 20] * 8
    asking = command.client()
    metrics = asking.request("GET", "/metrics").body.decode()
    assert 'pinpoint_kit_requests_total{operation="UpdateEndpoint",status="202"} 5.0' in metrics
    assert 'pinpoint_kit_requests_total{operation="GetApp",status="200"} 160.0' in metrics
    assert "pinpoint_kit_requests_in_flight 0.0" in metrics
    assert command.stop() == (0, "")
    assert len(command.lines()) == 166


def test_jobs_in_a_folder(start: Start, tmp_path: Path) -> None:
    """The server runs jobs by itself, in the folders that it was given and nowhere else."""
    folder = tmp_path / "audience"
    folder.mkdir()
    (folder / "in.json").write_text('{"Id":"e1","ChannelType":"SMS","Address":"1"}\n')
    command = start("--workers", "2", "--files", str(folder), "--no-access-log")
    assert command.said[3] == f"Jobs may use: {folder}\n"
    client = command.boto3()
    app = write(client, 0)
    request = {"Format": "JSON", "RoleArn": "role", "RegisterEndpoints": True}
    for url in (tmp_path.as_uri(), f"{folder.as_uri()}/../in.json", "s3://bucket/in.json"):
        with pytest.raises(client.exceptions.ForbiddenException):
            client.create_import_job(ApplicationId=app, ImportJobRequest={**request, "S3Url": url})
    request["S3Url"] = folder.as_uri()
    made = client.create_import_job(ApplicationId=app, ImportJobRequest=request)
    job = made["ImportJobResponse"]
    until = time.monotonic() + PATIENCE
    while job["JobStatus"] != "COMPLETED":
        assert time.monotonic() < until, job
        answer = client.get_import_job(ApplicationId=app, JobId=job["Id"])
        job = answer["ImportJobResponse"]
    assert client.get_endpoint(ApplicationId=app, EndpointId="e1")
    assert command.stop()[0] == 0


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_write_under_way_is_finished(start: Start, tmp_path: Path, workers: str) -> None:
    """A write that waits for the database when the signal comes is answered and stored."""
    command = start("--workers", workers)
    client = command.client()
    assert client.request("GET", "/readyz").status == 200
    database = sqlite3.connect(tmp_path / "pinpoint.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    head = "POST /v1/apps HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    client.send(f"{head}Content-Length: 13\r\n\r\n".encode())
    assert client.answer().status == 100  # so the request has begun
    client.send(b'{"Name": "a"}')
    command.program.send_signal(signal.SIGTERM)
    database.execute("ROLLBACK")
    answer = client.answer()
    assert answer.status == 201
    assert client.is_closed()
    assert command.program.wait() == 0
    rows = database.execute("SELECT count(*) FROM apps").fetchall()
    assert rows == [(1,)]
    database.close()


@pytest.mark.slow
def test_only_signed_requests_come_in(start: Start, tmp_path: Path) -> None:
    """With --credentials, boto3 comes in with a key of the file, and nobody without."""
    signing.write_file(tmp_path / "keys")
    command = start("--credentials", "keys", "--workers", "2", "--host", "0.0.0.0")  # noqa: S104 -- the case
    assert f"=http://THIS-MACHINE:{command.port}\n" in command.said[3]
    assert command.said[2] == "Authentication: access keys of keys\n"
    client = command.boto3(signing.ADMIN)
    write(client)
    unsigned = command.client()
    answer = unsigned.request("GET", "/v1/apps")
    assert (answer.status, answer.code) == (403, "MissingAuthenticationTokenException")
    assert command.stop() == (0, "")
    keys = {line.get("access_key_id") for line in command.lines() if line["status"] < 400}
    assert keys == {signing.ADMIN}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_dead_workers_are_replaced(start: Start, tmp_path: Path) -> None:
    """Workers that were killed have successors, and what they were doing leaves the metrics."""
    command = start("--workers", "2")
    client = command.client()
    assert client.request("GET", "/readyz").status == 200
    database = sqlite3.connect(tmp_path / "pinpoint.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    head = "POST /v1/apps HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    client.send(f"{head}Content-Length: 2\r\n\r\n".encode())
    assert client.answer().status == 100  # so the request has begun
    killed = running_workers(command)
    kill(killed)
    assert client.is_closed()
    database.execute("ROLLBACK")
    database.close()
    successor = command.client()
    while b"in_flight 0.0" not in successor.request("GET", "/metrics").body:
        pass  # until the supervisor has seen it
    assert not killed & workers_of(command)
    status, said = command.stop()
    assert status == 0
    assert said.count("has ended (exit status -9): its successor starts in") == 2


def workers_of(command: Command) -> set[int]:
    """Return the process ids of the workers; there is a helper of multiprocessing besides."""
    parent = Path(f"/proc/{command.program.pid}")
    children = (parent / "task" / parent.name / "children").read_text().split()
    return {int(pid) for pid in children if b"--multiprocessing-fork" in _command_line(pid)}


def _command_line(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:  # it has ended
        return b""


def running_workers(command: Command) -> set[int]:
    """Return the process ids of the workers, once they have come so far as to open the database."""
    pids = workers_of(command)
    while not all(map(has_opened_the_database, pids)):
        pass
    return pids


def kill(pids: set[int]) -> None:
    """End processes without a chance to clean up."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def has_opened_the_database(pid: int) -> bool:
    """Whether a process has the database file open."""
    try:
        files = Path(f"/proc/{pid}/fd").iterdir()
        return any(file.resolve().name == "pinpoint.db" for file in files)
    except FileNotFoundError:  # it has ended
        return False


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_workers_end_with_their_supervisor(start: Start) -> None:
    """When the supervisor is killed its workers stop by themselves, and the port is free again."""
    command = start("--workers", "2")
    assert command.client().request("GET", "/readyz").status == 200
    running_workers(command)
    command.program.send_signal(signal.SIGKILL)
    assert command.program.err.rest() == ""  # as long as anybody has its stderr
    with socket.socket() as later:
        assert later.connect_ex(("127.0.0.1", command.port)) == errno.ECONNREFUSED


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_a_worker_that_cannot_be_replaced_yet(start: Start, tmp_path: Path) -> None:
    """A broken credentials file and a dead worker: the others serve on, and it comes when it can.

    Those who serve keep the keys of before.
    """
    keys = signing.write_file(tmp_path / "keys")
    command = start("--credentials", "keys", "--workers", "2", "--no-access-log")
    client = command.boto3(signing.ADMIN)
    client.get_apps()
    killed = running_workers(command).pop()
    keys.write_text(f"{signing.FILE}\n[HALF")
    kill({killed})
    command.program.err.find("^error: keys, line")
    command.program.err.find("could not start.*and the others go on")
    client.get_apps()
    keys.write_text(signing.FILE)
    while sum(map(has_opened_the_database, workers_of(command))) < 2:
        pass  # until it has come
    client.get_apps()
    assert command.stop()[0] == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_workers_of_which_none_can_start(start: Start, tmp_path: Path) -> None:
    """The supervisor waits for what passes: here for the end of a damage."""
    command = start("--workers", "2", "--no-access-log")
    database = tmp_path / "pinpoint.db"
    assert command.client().request("GET", "/readyz").status == 200
    workers = running_workers(command)
    kill(workers)
    whole = database.read_bytes()
    database.write_bytes(b"no database at all, any more" * 100)
    command.program.err.find("could not start")
    database.write_bytes(whole)
    assert command.client().request("GET", "/readyz").status == 200
    assert command.stop()[0] == 0


@pytest.fixture
def taken() -> Iterator[int]:
    """Give a port that another program uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def refusal(*arguments: str) -> str:
    """Return the sentence with which the command refuses to start; its status is 2."""
    result = CliRunner().invoke(cli, ["serve", "--url", "sqlite://", *arguments])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--host", "0.0.0.0"), "with --credentials FILE"),  # noqa: S104 -- it is refused
        (("--host", "::"), "with --credentials FILE"),
        (("--host", "no such host"), "is not known here"),
        (("--host", ""), "the host is empty: give an address of this machine, such as 127.0.0.1"),
        (("--host", " ", "--credentials", "keys"), "the host is empty"),
        (("--host", "192.0.2.1", "--credentials", "keys"), "cannot listen at 192.0.2.1"),
        (("--workers", "2"), "a database in memory belongs to one process"),
        (("--url", "http://127.0.0.1:8025"), "give --url sqlite:///FILE"),
        (("--url", "sqlite:////no/such/folder/p.db"), "does not exist"),
        (("--credentials", "missing"), "missing"),
    ],
)
def test_what_cannot_be_served(
    arguments: tuple[str, ...], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong is said in a sentence, and nothing is started."""
    monkeypatch.chdir(tmp_path)
    signing.write_file(tmp_path / "keys")
    assert sentence in refusal(*arguments)


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///",
        "sqlite:///:memory:?cache=shared",
        "sqlite:///file::memory:?cache=shared&uri=true",
        "sqlite:///file:shop?mode=memory&cache=shared&uri=true",
        "sqlite:///file:/shop?vfs=memdb&uri=true",
        "sqlite:///file:?uri=true",
    ],
)
def test_several_workers_need_a_file(url: str) -> None:
    """However a database in memory is written, several processes cannot share it."""
    sentence = refusal("--url", url, "--workers", "2")
    assert "a database in memory belongs to one process" in sentence


def test_a_port_that_is_taken(taken: int) -> None:
    """A port that is in use is named, with what to do."""
    sentence = refusal("--port", str(taken))
    assert sentence.startswith(f"error: port {taken} of 127.0.0.1 is taken: stop what uses it")


def test_a_port_without_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that this user may not open is named, too."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "create_server", refuse)
    assert refusal("--port", "80") == (
        "error: port 80 needs rights that this user does not have: give one above 1023\n"
    )


@pytest.mark.parametrize("missing", ["uvicorn", "prometheus_client"])
def test_without_the_extra(missing: str) -> None:
    """Without the server's extra one sentence says what to install."""
    code = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "sys.argv = ['pinpoint-kit', 'serve']\n"
        "from pinpoint_kit.cli import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 -- our own command
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: the server needs uvicorn and prometheus-client:"
        " pip install 'pinpoint-kit[server]'\n"
    )


def test_the_application_without_the_extra() -> None:
    """Whoever imports the server is told the same, by an error of importing."""
    code = "import sys; sys.modules['prometheus_client'] = None; import pinpoint_kit.server"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603 -- our own command
    assert done.returncode == 1
    assert done.stderr.endswith(
        "ModuleNotFoundError: the server needs uvicorn and prometheus-client:"
        " pip install 'pinpoint-kit[server]'\n"
    )


def test_another_missing_module_is_no_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own is not explained away."""
    monkeypatch.setitem(sys.modules, "pinpoint_kit.server.metrics", None)
    monkeypatch.delitem(sys.modules, "pinpoint_kit.server.run")
    monkeypatch.delitem(sys.modules, "pinpoint_kit.server.app")
    result = CliRunner().invoke(cli, ["serve", "--url", "sqlite://"])
    assert result.exit_code == 70


@pytest.mark.parametrize(
    ("host", "url"), [("::1", "http://[::1]:1"), ("127.0.0.1", "http://127.0.0.1:1")]
)
def test_the_address_as_a_url(host: str, url: str) -> None:
    """IPv6 numbers stand in brackets."""
    assert Address(host, 1).url == url


def test_a_signal_before_the_start(tmp_path: Path) -> None:
    """A signal that comes before the first request can come ends it just as quietly."""
    settings = Settings(f"sqlite:///{tmp_path}/p.db", port=0)
    before = signal.getsignal(signal.SIGTERM)
    assert run.serve(settings, lambda _: signal.raise_signal(signal.SIGTERM)) == 0
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture
def _logging() -> Iterator[None]:
    """Leaves the loggers and the turns of threads as they were."""
    turn = sys.getswitchinterval()
    loggers = [logging.getLogger(name) for name in (access_log.LOGGER, "pinpoint_kit")]
    before = [(one.handlers[:], one.level, one.propagate) for one in loggers]
    yield
    for logger, (handlers, level, propagate) in zip(loggers, before, strict=True):
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate
    logging.raiseExceptions = True
    sys.setswitchinterval(turn)


@pytest.mark.usefixtures("_logging")
def test_serving_in_this_process(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`serve` returns when a signal came, and writes its log to stdout."""
    settings = Settings(f"sqlite:///{tmp_path}/p.db", port=0, options=ServerOptions())

    def ask(address: Address) -> None:
        def visit() -> None:
            client = Client(address.port)
            client.request("GET", "/v1/apps")
            client.close()
            signal.raise_signal(signal.SIGTERM)

        threading.Thread(target=visit).start()

    assert run.serve(settings, ask) == 0
    assert json.loads(capfd.readouterr().out)["status"] == 200
    assert sys.getswitchinterval() == pytest.approx(0.0005)  # charts keep no request waiting


@pytest.mark.usefixtures("_logging")
@pytest.mark.skipif(sys.platform == "win32", reason="its event loop does not watch processes")
def test_a_worker_without_its_supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker stops when the process that has started it ends."""
    sentinel, parent = os.pipe()
    process = SimpleNamespace(sentinel=sentinel)
    monkeypatch.setattr("multiprocessing.parent_process", lambda: process)
    settings = Settings(f"sqlite:///{tmp_path}/p.db", port=0)
    assert run.serve(settings, lambda _: os.close(parent)) == 0
    os.close(sentinel)


@pytest.mark.usefixtures("_logging")
def test_a_worker_opens_the_database_for_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker that cannot says so, and ends with the status for which nobody tries again."""
    signing.write_file(tmp_path / "keys")
    settings = Settings(f"sqlite:///{tmp_path}/p.db", credentials=tmp_path / "keys")
    app = run._worker_app(settings)
    assert isinstance(app, ServedApp)
    assert not app.options.local_only
    asyncio.run(app.stop())
    with pytest.raises(SystemExit, match="3"):
        run._worker_app(Settings("sqlite:////no/such/folder/p.db"))
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [
        (256, 4096, [(768, 4096)]),
        (256, 500, [(500, 500)]),
        (256, -1, [(768, -1)]),
        (1024, 4096, []),
    ],
)
def test_connections_may_be_opened(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, expected: list[tuple[int, int]]
) -> None:
    """The limit of open files is raised to what the connections need, as far as that goes."""
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr("resource.setrlimit", lambda _, limit: limits.append(limit))
    run._allow_files(768)
    assert limits == expected


@pytest.mark.parametrize("number", [0, -1, True, "1"])
def test_numbers_are_checked(number: Any) -> None:
    """Numbers that make no sense are refused."""
    with pytest.raises(ConfigurationError, match="max_in_flight must be a number above 0"):
        ServerOptions(max_in_flight=number)

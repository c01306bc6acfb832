"""The suite's fixtures: a test that uses `door`, `client` or `app` runs once at every door.

Tests marked `at_moto` run at moto's door too, slow ones at a server that verifies signatures and at
two workers on PostgreSQL. Raw requests go through our own doors only.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from botocore.credentials import Credentials
from moto import mock_aws

from pinpoint_kit.doors import open_door
from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from pinpoint_kit.limits import DEFAULT_LIMITS
from pinpoint_kit.server import run
from pinpoint_kit.server.access import credentials, credentials_file
from pinpoint_kit.server.access.authenticator import Authenticator
from tests.contract.doors import Calls, Door, engine_sender, hosted_client, socket_sender
from tests.contract.table import CALLS
from tests.server.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgresql import Server

HERE = Path(__file__).parent
#: The doors of our own house.
OURS = ("process", "http", "postgresql")
_COLLECTED = pytest.StashKey[list[pytest.Item]]()


def pytest_configure(config: pytest.Config) -> None:
    """Declare the suite's marks."""
    for mark in (
        "at_moto: a behaviour that moto implements as well",
        "not_signed: sends what a server that verifies signatures has to refuse",
        "looks_back: asks what the whole suite has done, and runs after it",
    ):
        config.addinivalue_line("markers", mark)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test once at every door that it is meant for."""
    if "door" in metafunc.fixturenames:
        is_at_moto = metafunc.definition.get_closest_marker("at_moto") is not None
        doors: list[Any] = [*OURS, *["moto"] * is_at_moto]
        if metafunc.definition.get_closest_marker("not_signed") is None:
            doors.append(pytest.param("signed", marks=pytest.mark.slow))
        doors.append(pytest.param("workers", marks=pytest.mark.slow))
        metafunc.parametrize("door", doors, indirect=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what looks back at the whole suite at its end; this is before tests are deselected."""
    items.sort(key=lambda item: item.get_closest_marker("looks_back") is not None)
    config.stash[_COLLECTED] = [item for item in items if item.path.parent == HERE]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what looks back when only a part of the suite runs."""
    if item.get_closest_marker("looks_back") is None:
        return
    collected = item.config.stash[_COLLECTED]
    needed = {other for other in collected if other.get_closest_marker("slow") is None}
    files = {other.path for other in collected}
    if not (needed <= set(item.session.items) and set(HERE.glob("test_*.py")) <= files):
        pytest.skip("asks what the whole suite has done, and only a part of it runs")


@pytest.fixture(scope="session")
def calls(pytestconfig: pytest.Config) -> Calls:
    """Give what the suite has called so far."""
    return pytestconfig.stash[CALLS]


@pytest.fixture(scope="session")
def process_door(calls: Calls) -> Iterator[Door]:
    """Give the engine in this process, as `connect("sqlite://")` opens it."""
    opened = open_door("sqlite://", limits=DEFAULT_LIMITS)
    assert opened.engine is not None
    yield Door("process", opened.client, calls, engine_sender(opened.engine))
    opened.close()


@contextmanager
def _serving(authenticator: Authenticator | None = None) -> Iterator[int]:
    """Our server as `pinpoint-kit serve` runs it, in a thread; gives its port."""
    settings = run.Settings("sqlite://")
    engine = Engine.open(settings.url, files=ByScheme({"file": LocalFiles()}))
    app = run.ServedApp.of(engine, authenticator, settings)
    server = uvicorn.Server(run.configuration(lambda: app, settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def http_port() -> Iterator[int]:
    """Give the port of a server that asks for no credentials."""
    with _serving() as port:
        yield port


@pytest.fixture(scope="session")
def http_door(http_port: int, calls: Calls) -> Iterator[Door]:
    """Give a boto3 client of our server, over a socket."""
    client = hosted_client(endpoint_url=f"http://127.0.0.1:{http_port}")
    yield Door("http", client, calls, socket_sender(http_port))
    client.close()


@pytest.fixture(scope="session")
def signed_door(tmp_path_factory: pytest.TempPathFactory, calls: Calls) -> Iterator[Door]:
    """Give a boto3 client of a server that verifies every signature."""
    path = tmp_path_factory.mktemp("credentials") / "credentials"
    key = credentials.make(None, access="read-write")
    credentials_file.add(path, key)
    with _serving(Authenticator.load(path)) as port:
        pair = Credentials(key.access_key_id, key.secret_access_key)
        client = hosted_client(pair, endpoint_url=f"http://127.0.0.1:{port}")
        yield Door("signed", client, calls, socket_sender(port, pair))
        client.close()


@pytest.fixture(scope="session")
def postgresql_door(calls: Calls, postgresql_server: Server) -> Iterator[Door]:
    """Give the engine in this process on PostgreSQL."""
    with postgresql_server.schema() as url:
        opened = open_door(url, limits=DEFAULT_LIMITS)
        assert opened.engine is not None
        yield Door("postgresql", opened.client, calls, engine_sender(opened.engine))
        opened.close()


@pytest.fixture(scope="session")
def workers_door(calls: Calls, postgresql_server: Server) -> Iterator[Door]:
    """Give a server of two processes on PostgreSQL, as the command line starts it."""
    with postgresql_server.schema() as url:
        server = Served(url, 2, "--files", "/")
        client = hosted_client(endpoint_url=f"http://127.0.0.1:{server.port}")
        yield Door("workers", client, calls, socket_sender(server.port))
        client.close()
        server.terminate()


@pytest.fixture(scope="session")
def moto_door(calls: Calls) -> Iterator[Door]:
    """Give what moto answers in this process."""
    client = hosted_client()
    yield Door("moto", client, calls)
    client.close()


@pytest.fixture
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    """Give the door that the test goes through this time; moto's is new inside for each test."""
    with mock_aws() if request.param == "moto" else nullcontext():
        yield request.getfixturevalue(f"{request.param}_door")


@pytest.fixture
def client(door: Door) -> Any:
    """Give a botocore client at the door."""
    return door.client


@pytest.fixture
def app(client: Any) -> str:
    """Give the id of an application of the test's own."""
    created = client.create_app(CreateApplicationRequest={"Name": "contract"})
    application_id: str = created["ApplicationResponse"]["Id"]
    return application_id

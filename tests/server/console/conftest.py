"""A server with its console, and the made-up people of the demo in it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import httpx
import pytest
from click.testing import CliRunner

import pinpoint_kit as pk
from pinpoint_kit.cli.app import cli
from pinpoint_kit.cli.console import open_console
from pinpoint_kit.engine import Engine
from pinpoint_kit.server import AuditLog, Authenticator, ServerOptions, asgi_app
from pinpoint_kit.server.console import Sessions
from tests.server.conftest import RunningServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path  # noqa: TC004 -- no annotation is evaluated

USERS = 12


@attrs.frozen
class ConsoleServer:
    """A server with a console.

    Attributes:
        server: the server.
        sessions: the console's.
        application: the id of the application with the made-up people.
        database: the URL of its database.
        folder: where its files are.
        clients: those that were made, for `stop`.
    """

    server: RunningServer
    sessions: Sessions
    application: str
    database: str
    folder: Path
    clients: list[httpx.Client] = attrs.field(factory=list)

    def stop(self) -> None:
        """Close what was opened."""
        for client in self.clients:
            client.close()
        self.server.stop()

    @property
    def base(self) -> str:
        """The path of the application."""
        return f"/console/apps/{self.application}"

    def link(self) -> str:
        """Make a link that opens one session."""
        return f"{self.server.url}/console/?token={self.sessions.make_token()}"

    def browser(self) -> httpx.Client:
        """Return a client without a session, which tells where forms come from."""
        client = httpx.Client(
            base_url=self.server.url,
            headers={"Origin": self.server.url, "Sec-Fetch-Site": "same-origin"},
            timeout=30,
        )
        self.clients.append(client)
        return client

    @contextmanager
    def visitor(self) -> Iterator[httpx.Client]:
        """Yield a client that has come in by a link."""
        with self.browser() as client:
            assert client.get(self.link()).status_code == 303
            yield client


def serve(
    folder: Path, database: str, credentials: Path | None = None, audit_log: Path | None = None
) -> ConsoleServer:
    """Serve a database with its console."""
    engine = Engine.open(database)
    log = None if audit_log is None else AuditLog(audit_log)
    sessions = folder / "sessions"
    sessions.mkdir(mode=0o700)
    mount = open_console(sessions, credentials, "demo.db", engine, log)
    app = asgi_app(
        engine,
        authenticator=None if credentials is None else Authenticator.load(credentials),
        options=ServerOptions(local_only=credentials is None),
        mount=mount,
        audit_log=log,
        owns_engine=True,
    )
    with pk.connect(database, application="demo") as pinpoint:
        application = pinpoint.application_id
    server = RunningServer(engine, ServerOptions(), app)
    return ConsoleServer(server, Sessions(sessions), application, database, folder)


@pytest.fixture(scope="session")
def demo_database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Record the made-up people once."""
    url = f"sqlite:///{tmp_path_factory.mktemp('demo')}/demo.db"
    made = CliRunner().invoke(cli, ["demo", "--url", url, "--users", str(USERS)])
    assert made.exit_code == 0, made.output
    return url


@pytest.fixture(scope="module")
def console(
    demo_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConsoleServer]:
    """Give a server of this machine, whose console a link opens."""
    found = serve(tmp_path_factory.mktemp("console"), demo_database)
    yield found
    found.stop()


@pytest.fixture
def visitor(console: ConsoleServer) -> Iterator[httpx.Client]:
    """Give somebody who has come in."""
    with console.visitor() as client:
        yield client


def csrf_of(page: str) -> str:
    """Return the token that the forms of a page bring."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found is not None
    return found[1]

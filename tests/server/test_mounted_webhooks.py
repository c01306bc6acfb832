"""Webhooks of identity providers beside the API: on a socket, as `serve` has them."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.cli.webhooks import open_webhooks
from pinpoint_kit.engine import Engine
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity import read_webhooks
from pinpoint_kit.server import Authenticator, ServerOptions, asgi_app
from tests.identity.test_tables import OKTA
from tests.server import signing
from tests.server.conftest import RunningServer
from tests.server.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.server.conftest import Log

SECRET = "a long secret"
FILE = f"""
[importer]
key = 0123456789abcdef

[/identity/okta]
provider = okta
application = shop
secret = {SECRET}

[/identity/forum]
provider = auth0
application = forum
secret = {SECRET}
header = X-Forum
"""
HOOK = json.dumps({"eventType": "com.okta.event_hook", "data": {"events": [OKTA]}}).encode()


def write(folder: Path, text: str = FILE) -> Path:
    """Write a file that only its owner can read, and return its path."""
    file = folder / "webhooks.ini"
    file.write_text(text)
    file.chmod(0o600)
    return file


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[RunningServer]:
    """Run a server that wants signatures, with webhooks beside its API."""
    engine = Engine.open(f"sqlite:///{tmp_path}/mounted.db")
    authenticator = Authenticator.load(signing.write_file(tmp_path / "credentials"))
    mount = open_webhooks(write(tmp_path), engine)
    app = asgi_app(engine, authenticator=authenticator, mount=mount, owns_engine=True)
    server = RunningServer(engine, ServerOptions(), app)
    yield server
    server.stop()


def test_a_webhook_is_recorded_when_it_is_answered(
    mounted: RunningServer, tmp_path: Path, log: Log
) -> None:
    """Another process finds the events at once; the API beside it stays closed to strangers."""
    answer = mounted.ask("POST", "/identity/okta", HOOK, Authorization=SECRET)
    assert answer.status == 204
    with pk.connect(f"sqlite:///{tmp_path}/mounted.db", application="shop") as pinpoint:
        found = pinpoint.events.find(type="_userauth.sign_in").to_list()
    assert [event.user_id for event in found] == ["u-1"]
    assert mounted.ask("GET", "/v1/apps").status == 403
    line = log.lines(2)[0]
    assert (line["operation"], line["status"], line["bytes_in"]) == (
        "IdentityWebhook",
        204,
        len(HOOK),
    )


@pytest.mark.slow  # the receiver's own client tries several times
def test_a_locked_store_is_no_success(tmp_path: Path) -> None:
    """While another program holds the file there is 503; the same event again is 204 and there."""
    path = tmp_path / "locked.db"
    engine = Engine.open(f"sqlite:///{path}", busy_timeout=0.01)
    mount = open_webhooks(write(tmp_path), engine)
    server = RunningServer(engine, ServerOptions(), asgi_app(engine, mount=mount, owns_engine=True))
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answer = server.ask("POST", "/identity/okta", HOOK, Authorization=SECRET)
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")
            other.execute("ROLLBACK")
            assert other.execute("SELECT count(*) FROM events").fetchone() == (0,)
            answer = server.ask("POST", "/identity/okta", HOOK, Authorization=SECRET)
            assert answer.status == 204
            assert other.execute("SELECT type, user_id FROM events ORDER BY type").fetchall() == [
                ("_session.start", "u-1"),
                ("_userauth.sign_in", "u-1"),
            ]
    finally:
        server.stop()


def test_a_provider_that_hangs_up_half_way_leaves_nothing(
    mounted: RunningServer, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    """No event, no error in the log; the next one is served."""
    client = mounted.client()
    head = (
        f"POST /identity/okta HTTP/1.1\r\nHost: x\r\nAuthorization: {SECRET}\r\n"
        f"Content-Length: {len(HOOK)}\r\n\r\n"
    )
    client.send(head.encode() + HOOK[:-10])
    client.close()
    log.lines(1)
    assert mounted.ask("POST", "/identity/okta", HOOK, Authorization=SECRET).status == 204
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []


def test_strangers_and_mistakes_are_refused(mounted: RunningServer, log: Log) -> None:
    """Each path has its own check; an unknown one is none, and nothing is recorded."""
    assert mounted.ask("POST", "/identity/okta", HOOK, Authorization="wrong").status == 401
    assert mounted.ask("POST", "/identity/okta", HOOK).status == 401
    assert mounted.ask("POST", "/identity/forum", b"[]", X_Forum=SECRET).status == 400
    assert mounted.ask("POST", "/identity/nowhere", HOOK, Authorization=SECRET).status == 404
    challenge = mounted.ask("GET", "/identity/okta", X_Okta_Verification_Challenge="x7")
    assert challenge.json == {"verification": "x7"}
    client = mounted.client()
    client.send(b"POST /identity/okta HTTP/1.1\r\nHost: x\r\nContent-Length: 5000001\r\n\r\n")
    assert client.answer().status == 413
    assert [line["status"] for line in log.lines(6)] == [401, 401, 400, 404, 200, 413]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", r"no section \[importer\]"),
        ("nonsense", "line 1 is malformed"),
        ("[importer]\n", "lacks key"),
        ("[importer]\nkey = 0123456789abcdef\n", "has no webhook"),
        (FILE.replace("[/identity/okta]", "[/v1/apps]"), "must begin with /identity/"),
        (FILE.replace("provider = okta\n", ""), r"\[/identity/okta\] lacks provider"),
        (FILE.replace("provider = okta", "provider = oktopus"), r"\[/identity/okta\]: "),
        (FILE.replace(SECRET, "short"), r"\[/identity/okta\]: the webhook's secret has 5"),
        (FILE + "secert = x\n", "has an unknown option"),
        (FILE.replace("abcdef\n", "abcdef\nplaces = street\n"), "places: use none, country"),
        (FILE.replace("abcdef\n", "abcdef\nhash_users = 7x\n"), "hash_users: use yes or no"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """The sentence names the section, and no secret."""
    with pytest.raises(ConfigurationError, match=problem) as refused:
        read_webhooks(write(tmp_path, text))
    assert SECRET not in str(refused.value)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """It holds secrets; one that is missing has a sentence, too."""
    file = write(tmp_path)
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="others can read it"):
        read_webhooks(file)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_webhooks(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ConfigurationError, match="is no file"):
        read_webhooks(tmp_path / "pipe")


@pytest.mark.slow
def test_the_command_serves_webhooks_with_several_workers(tmp_path: Path) -> None:
    """Each worker opens the file for itself."""
    file = write(tmp_path)
    served = Served(tmp_path / "served.db", 2, "--identity-webhooks", str(file))
    try:
        server_client = RunningServer.ask
        answer = server_client(served, "POST", "/identity/okta", HOOK, Authorization=SECRET)  # type: ignore[arg-type] # it needs a port only
        assert answer.status == 204
    finally:
        served.kill()

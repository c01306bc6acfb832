"""The server stops: what is under way is finished, for so long, and nothing is half-written."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from typing import TYPE_CHECKING

from pinpoint_kit.engine import Engine
from pinpoint_kit.server import ServerOptions
from pinpoint_kit.server.app import App
from pinpoint_kit.server.mounts import Mount
from pinpoint_kit.server.run import ServedApp
from tests.server.conftest import PATIENCE, RunningServer, SlowEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from tests.server.conftest import Log

    Serve = Callable[..., RunningServer]

CREATE = b'POST /v1/apps HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n{"Name": "a"}'


def test_a_request_under_way_is_finished(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that is in the engine when the server stops gets its answer; idle clients go."""
    server = serve()
    engine = SlowEngine(server.engine, monkeypatch)
    idle, client = server.client(), server.client()
    client.send(CREATE)
    engine.wait_for(1)
    server.begin_stopping()
    assert idle.is_closed()
    engine.release()
    assert client.answer().status == 201
    assert client.is_closed()
    server.stop()


def test_a_stopping_server_says_so(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever still has a connection learns that the server is not ready."""
    server = serve()
    engine = SlowEngine(server.engine, monkeypatch)
    client = server.client()
    client.send(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    engine.wait_for(1)
    client.send(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    server.app.begin_stopping()
    engine.release()
    assert client.answer().status == 200  # it was asked before
    assert client.answer().json == {"status": "unavailable", "reason": "stopping"}


def test_patience_ends(serve: Serve, monkeypatch: pytest.MonkeyPatch, log: Log) -> None:
    """A request that takes too long is answered with 503, and the process is ended."""
    ends: list[int] = []
    has_ended = threading.Event()

    def end(status: int) -> None:
        ends.append(status)
        has_ended.set()
        engine.release()  # there is no other process for it to end with

    monkeypatch.setattr("pinpoint_kit.server.run.os._exit", end)
    server = serve(kind=ServedApp, stop_timeout=0.2)
    engine = SlowEngine(server.engine, monkeypatch)
    client = server.client()
    client.send(CREATE)
    engine.wait_for(1)
    server.begin_stopping()
    answer = client.answer()
    assert (answer.status, answer.code) == (503, "ServiceUnavailableException")
    assert answer.headers["retry-after"] == "1"
    assert has_ended.wait(PATIENCE)
    assert ends == [1]
    assert [(line["status"], line["reason"]) for line in log.lines(1)] == [(503, "stopping")]


def test_patience_ends_for_an_app_beside_the_api(tmp_path: Path, log: Log) -> None:
    """Its request is answered as one of the API is, and the server knows that it was cut off."""
    entered = threading.Event()

    async def never(*_: object) -> None:
        entered.set()
        await asyncio.Event().wait()

    options = ServerOptions(stop_timeout=0.2)
    engine = Engine.open(f"sqlite:///{tmp_path}/p.db")
    mount = Mount("/never/", "Never", never, 1_000, lambda: None)
    app = App(engine, options, mount=mount, owns_engine=True)
    server = RunningServer(engine, options, app)
    client = server.client()
    client.send(b"GET /never/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert entered.wait(PATIENCE)
    server.begin_stopping()
    answer = client.answer()
    assert (answer.status, answer.code) == (503, "ServiceUnavailableException")
    server.stop()
    assert app._is_cut_off
    assert [(line["status"], line["reason"]) for line in log.lines(1)] == [(503, "stopping")]


def test_the_engine_is_closed(serve: Serve) -> None:
    """A server that owns its engine leaves nothing open: the write-ahead log is gone."""
    server = serve()
    server.make_app()
    url = server.engine._store._engine.url
    assert url.database is not None
    server.stop()
    with sqlite3.connect(f"file:{url.database}?mode=ro&immutable=1", uri=True) as connection:
        assert connection.execute("SELECT count(*) FROM apps").fetchone() == (1,)
    connection.close()

"""The application itself, given what other servers than uvicorn may give it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine import Engine
from pinpoint_kit.server import asgi_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.server.app import App
    from tests.server.conftest import Log


@pytest.fixture
def app() -> Iterator[App]:
    """Give an application on an engine in memory."""
    with Engine.open("sqlite://") as engine:
        yield asgi_app(engine)


def ask(app: App, body: list[dict[str, Any]] | None = None, **scope: Any) -> tuple[int, Any]:
    """Call the application once; return the status and the JSON of its answer."""
    messages = iter(body or [])
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    whole = {"type": "http", "http_version": "1.1", "method": "GET", "query_string": b""}
    asyncio.run(app({**whole, "headers": [], **scope}, receive, send))
    return (sent[0]["status"], json.loads(sent[1]["body"])) if sent else (0, None)


def test_a_server_without_raw_paths(app: App) -> None:
    """Where the server gives only a decoded path, that is encoded again."""
    status, answer = ask(app, path="/v1/apps/é", raw_path=None)
    assert (status, answer["Message"].split()[0]) == (404, "Application")
    assert ask(app, path="/v1/apps", raw_path=None)[0] == 200


def test_a_repeated_header(app: App) -> None:
    """A header that comes twice is one with both values, which is no number here."""
    headers = [(b"content-length", b"1"), (b"content-length", b"2")]
    assert ask(app, path="/v1/apps", raw_path=b"/v1/apps", headers=headers)[0] == 400


def test_a_length_that_another_server_let_pass(app: App) -> None:
    """Lengths that are no plain numbers are refused here, too."""
    for length in (b"+1", b"-1", b"\xb2", b""):
        status, _ = ask(
            app, path="/v1/apps", raw_path=b"/v1/apps", headers=[(b"content-length", length)]
        )
        assert status == 400


def test_a_body_in_pieces(app: App) -> None:
    """Pieces of a body are put together, empty ones too."""
    pieces = [b'{"Na', b"", b'me": "a"}']
    body = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    status, answer = ask(
        app,
        [*body, {"type": "http.request"}],
        method="POST",
        path="/v1/apps",
        raw_path=b"/v1/apps",
        headers=[(b"transfer-encoding", b"chunked")],
    )
    assert (status, answer["Name"]) == (201, "a")


def test_a_client_that_has_gone(app: App, log: Log) -> None:
    """Nothing is sent to nobody."""
    gone = [{"type": "http.disconnect"}]
    headers = [(b"content-length", b"5")]
    assert ask(app, gone, path="/v1/apps", raw_path=b"/v1/apps", headers=headers) == (0, None)
    assert [line["status"] for line in log.lines(1)] == [499]


def test_a_fault_of_our_own(
    app: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever happens is an answer in the service's form, and tells the log no data."""

    def fail(*_: object) -> None:
        raise ValueError("customer@example.com")

    monkeypatch.setattr(Engine, "handle", fail)
    status, answer = ask(app, path="/v1/apps", raw_path=b"/v1/apps")
    assert (status, sorted(answer)) == (500, ["Message", "RequestID"])
    assert "customer" not in json.dumps(answer) + caplog.text


def test_other_protocols(app: App) -> None:
    """What is not HTTP is refused, as ASGI asks for it."""
    with pytest.raises(RuntimeError, match="there is no websocket here"):
        ask(app, type="websocket")


def test_an_engine_that_is_lent(app: App) -> None:
    """An engine that is not the application's own stays open when the server stops."""
    events = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, str]:
        return {"type": next(events)}

    async def send(_: Any) -> None:
        """Nobody waits for it."""

    asyncio.run(app({"type": "lifespan"}, receive, send))
    assert ask(app, path="/v1/apps", raw_path=b"/v1/apps")[0] == 200

"""A URL as a transport: what is posted, and which answers take a message."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson
import pytest

from pinpoint_kit import ConfigurationError
from pinpoint_kit.messaging import NotSent, Sent, Webhook
from tests.messaging.fake_url import Answer, FakeUrl
from tests.messaging.messages import email, message
from tests.ports import held_port
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[FakeUrl]:
    """Give a server that takes everything."""
    with FakeUrl() as server:
        yield server


def test_each_message_is_a_request(server: FakeUrl) -> None:
    """All members as JSON, with the id as the key of idempotency."""
    one = email(html="<p>x</p>", headers={"X-A": "b"}, data={"TraceId": "t"}, sender="a@b.example")
    transport = Webhook(f"{server.url}/messages?team=a", token="token-1")
    assert transport.send([one, message(id="m-2")]) == [Sent(), Sent()]
    first, second = server.requests
    assert first.path == "/messages?team=a"
    assert first.headers["authorization"] == "Bearer token-1"
    assert first.headers["content-type"] == "application/json"
    assert first.headers["idempotency-key"] == "m-1"
    assert orjson.loads(first.body) == {
        "id": "m-1",
        "application_id": "app",
        "channel": "EMAIL",
        "address": "ada@example.com",
        "title": "Hi",
        "body": "Hello Ada",
        "html": "<p>x</p>",
        "sender": "a@b.example",
        "origination_number": "",
        "message_type": "",
        "headers": {"X-A": "b"},
        "payload": "",
        "data": {"TraceId": "t"},
    }
    assert orjson.loads(second.body)["address"] == "+15555550123"
    assert "token" not in transport.name + repr(transport)
    transport.close()
    transport.close()


@pytest.mark.parametrize(
    ("status", "is_permanent"),
    [(400, True), (404, True), (408, False), (429, False), (500, False), (503, False)],
)
def test_statuses(server: FakeUrl, status: int, *, is_permanent: bool) -> None:
    """Most of 4xx are final; nothing that the server says is kept."""
    server.script.append(Answer(status=status, body=b"ada@example.com is unknown"))
    (outcome,) = Webhook(server.url).send([message()])
    expected = f"{server.url}: answers {status}"
    assert outcome == NotSent(expected, is_permanent=is_permanent, code=status)


def test_no_redirect_is_followed(server: FakeUrl) -> None:
    """Another host would get the message."""
    server.script.append(Answer(status=307, headers={"Location": f"{server.url}/other"}))
    (outcome,) = Webhook(server.url).send([message()])
    assert isinstance(outcome, NotSent)
    assert "write the URL that it leads to" in outcome.text
    assert len(server.requests) == 1


def test_silence_ends_in_time_and_the_rest_is_not_reached(server: FakeUrl) -> None:
    """A call takes as long as its timeout, whatever there is to send."""
    server.script.append(Answer(hangs=True))
    transport = Webhook(server.url, timeout=0.3)
    began = time.monotonic()
    first, second = transport.send([message(), message()])
    in_time(time.monotonic() - began, 2.0)
    assert isinstance(first, NotSent)
    assert not first.is_permanent
    assert second == NotSent(f"{server.url}: not reached within 0.3 seconds")


def test_nobody_there() -> None:
    """A refused connection is temporary."""
    with held_port() as port:
        (outcome,) = Webhook(f"http://127.0.0.1:{port}").send([message()])
    assert outcome == NotSent(
        f"http://127.0.0.1:{port}: no answer (EndpointConnectionError)", code=503
    )


def test_an_answer_without_end_is_not_read(server: FakeUrl) -> None:
    """64 KB are the most."""
    server.script.append(Answer(body=b"x" * 65_537))
    (outcome,) = Webhook(server.url).send([message()])
    assert isinstance(outcome, NotSent)
    assert "more than 65536 bytes" in outcome.text


@pytest.mark.parametrize(
    ("url", "token", "says"),
    [
        ("ftp://x", None, "not the URL of an HTTP endpoint"),
        ("https://a:b@example.com", None, "no place for secrets"),
        ("https://example.com/#x", None, "has a #"),
        ("http://example.com", "t", "in the clear"),
        ("https://example.com", "a\nb", "printable ASCII"),
        ("https://example.com/\r\nX: y", None, "not the URL of an HTTP endpoint"),
    ],
)
def test_mistakes_end_the_start(url: str, token: str | None, says: str) -> None:
    """Each says what to write."""
    with pytest.raises(ConfigurationError, match=says):
        Webhook(url, token=token)

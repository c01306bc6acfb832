"""Without credentials, programs of this machine come in and web pages of others do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.server.access import local_only

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import RunningServer


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LocalHost:8025",
        "localhost.",
        "shop.localhost:8025",
        "127.0.0.1:8025",
        "127.1.2.3",
        "[::1]:8025",
        "[::ffff:127.0.0.1]",
    ],
)
def test_names_of_this_machine(server: RunningServer, host: str) -> None:
    """Any name and number of this machine will do, and pages served from it too."""
    client = server.client()
    client.send(f"GET /v1/apps HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\r\n".encode())
    assert client.answer().status == 200


@pytest.mark.parametrize(
    "host",
    ["example.com", "localhost.example.com", "192.0.2.1", "127.0.0.1.example.com", "[", "", "a@b"],
)
def test_other_names_for_this_machine(server: RunningServer, host: str) -> None:
    """A page whose own name points here (DNS rebinding) is refused, and cannot read the metrics."""
    for path in ("/v1/apps", "/metrics"):
        client = server.client()
        client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = client.answer()
        assert (answer.status, answer.code) == (403, "ForbiddenException")


@pytest.mark.parametrize(
    "origin", ["https://example.com", "null", "http://localhost.example.com", "http://["]
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "POST"])
def test_pages_of_other_hosts(server: RunningServer, method: str, origin: str) -> None:
    """A page of another host is refused, before and after it asks whether it may."""
    answer = server.ask(method, "/v1/apps", b'{"Name": "evil"}', Origin=origin)
    assert (answer.status, answer.code) == (403, "ForbiddenException")


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://localhost:8025/v1/apps", "example.com", 200),
        ("HTTPS://[::1]/v1/apps?page-size=1", "localhost", 200),
        ("http://127.0.0.1/metrics", "example.com", 200),
        ("http://example.com/v1/apps", "localhost", 403),
        ("http://example.com:8025/metrics", "localhost", 403),
        ("http://localhost.example.com/v1/apps", "localhost", 403),
        ("http://localhost", "localhost", 404),
        ("http://localhost?page-size=1", "localhost", 404),
        ("/http://localhost/v1/apps", "localhost", 404),
        ("http:///v1/apps", "localhost", 400),
        ("http://:8025/v1/apps", "localhost", 400),
        ("http:/v1/apps", "localhost", 400),
        ("http://example.com@localhost/v1/apps", "localhost", 400),
        ("http://localhost#example.com/v1/apps", "localhost", 400),
        ("http://localhost\\example.com/v1/apps", "localhost", 400),
    ],
)
def test_a_url_as_target(server: RunningServer, target: str, host: str, status: int) -> None:
    """A target that names its host is taken (RFC 9112, 3.2.2), and counts in place of `Host`."""
    client = server.client()
    client.send(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert client.answer().status == status


def test_a_url_as_target_without_a_host_header(server: RunningServer) -> None:
    """In HTTP/1.0 the target may be all that names the host."""
    for target, status in (("http://localhost/v1/apps", 200), ("http://example.com/v1/apps", 403)):
        client = server.client()
        client.send(f"GET {target} HTTP/1.0\r\n\r\n".encode())
        assert client.answer().status == status


def test_health_is_no_secret(server: RunningServer) -> None:
    """Whoever asks under whatever name learns whether the process lives."""
    client = server.client()
    client.send(b"GET /healthz HTTP/1.1\r\nHost: example.com\r\n\r\n")
    assert client.answer().status == 200


def test_http_1_0_may_have_no_host(server: RunningServer) -> None:
    """A program that names no host is no web page."""
    client = server.client()
    client.send(b"GET /v1/apps HTTP/1.0\r\n\r\n")
    assert client.answer().status == 200


def test_an_application_of_ones_own_decides_itself(serve: Callable[..., RunningServer]) -> None:
    """`asgi_app` answers under any name unless told otherwise."""
    server = serve()
    client = server.client()
    client.send(b"GET /metrics HTTP/1.1\r\nHost: example.com\r\n\r\n")
    assert client.answer().status == 200
    assert server.ask("GET", "/v1/apps", Origin="https://example.com").status == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("0.0.0.0", False), ("", False)],  # noqa: S104 -- nothing listens there
)
def test_loopback(host: str, expected: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    """Only addresses that cannot be reached from elsewhere are loopback."""
    assert local_only.is_loopback(host) is expected

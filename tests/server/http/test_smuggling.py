"""Two readers of one connection must not see two different requests in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Log, RunningServer

SMUGGLED = b"DELETE /v1/apps/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST /v1/apps HTTP/1.1\r\nHost: localhost\r\n"

REFUSED = {
    "length and chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
    "folded chunks": POST + b"Content-Length: 4\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "chunks in HTTP/1.0": b"POST /v1/apps HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 4\r\nContent-Length: 0\r\n\r\n",
    "two lengths in one": POST + b"Content-Length: 4, 0\r\n\r\n",
    "signed length": POST + b"Content-Length: +0\r\n\r\n",
    "negative length": POST + b"Content-Length: -1\r\n\r\n",
    "length with an underscore": POST + b"Content-Length: 1_0\r\n\r\n",
    "hexadecimal length": POST + b"Content-Length: 0x4\r\n\r\n",
    "empty length": POST + b"Content-Length: \r\n\r\n",
    "huge length": POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "unknown coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
    "NUL": POST + b"X: a\x00Content-Length: 4\r\n\r\n",
    "lone CR": POST + b"X: a\rContent-Length: 4\r\n\r\n",
    "two hosts": POST + b"Host: example.com\r\n\r\n",
    "no host": b"POST /v1/apps HTTP/1.1\r\n\r\n",
    "HTTP/0.9": b"GET /v1/apps\r\n\r\n",
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "control character in the path": b"GET /v1/\x01apps HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "chunk with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
    "chunk in hexadecimal form": POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "chunk with a wrong end": POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=list(REFUSED))
def test_ambiguous_requests_end_the_connection(
    server: RunningServer, log: Log, request_bytes: bytes
) -> None:
    """What could be read in two ways is refused, and what follows on the connection is not read."""
    client = server.client()
    client.send(request_bytes + SMUGGLED)
    answer = client.answer()
    assert (answer.status, answer.code) in {
        (400, "BadRequestException"),
        (413, "PayloadTooLargeException"),
        (501, "BadRequestException"),
    }
    assert answer.json["RequestID"] == answer.headers["x-amzn-requestid"]
    assert answer.headers["connection"] == "close"
    assert client.is_closed()
    assert [line["status"] for line in log.lines(1)] == [answer.status]


def test_a_repeated_length_is_one_length(server: RunningServer) -> None:
    """The same length twice is no contradiction: RFC 9110, 8.6."""
    client = server.client()
    client.send(POST + b'Content-Length: 13\r\nContent-Length: 13\r\n\r\n{"Name": "a"}')
    assert client.answer().status == 201
    assert client.request("GET", "/v1/apps").status == 200


def test_a_body_of_get_is_no_request(server: RunningServer) -> None:
    """The body of a GET belongs to the GET."""
    client = server.client()
    client.send(b"GET /v1/apps HTTP/1.1\r\nHost: localhost\r\n")
    client.send(b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED)
    assert client.answer().status == 200
    assert client.request("GET", "/healthz").json == {"status": "ok"}


def test_an_upgrade_is_not_taken(server: RunningServer) -> None:
    """Asking for another protocol gets an answer in this one."""
    client = server.client()
    for protocol in ("websocket", "h2c"):
        answer = client.request("GET", "/v1/apps", Connection="Upgrade", Upgrade=protocol)
        assert answer.status == 200

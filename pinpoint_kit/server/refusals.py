"""How the server itself says no: in the service's form, before or instead of the engine.

Texts hold no data of the caller. What the engine refuses is its own business.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import orjson

from pinpoint_kit.engine.wire.http import Response, failure_body, headers_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "HttpRefusal",
    "answer",
    "body_too_large",
    "broken",
    "busy",
    "denied",
    "head_too_large",
    "malformed",
    "not_here",
    "process_ended",
    "stopping",
    "too_many_queries",
    "too_slow",
]

_BUSY_FOR_S = "1"
_QUERIES_FOR_S = "5"


class HttpRefusal(Exception):
    """The request is answered without the engine.

    Attributes:
        reason: one word for the metrics and the log.
        response: the answer.
        ends_connection: True when the rest of the request will not be read.
    """

    def __init__(self, reason: str, response: Response, *, ends_connection: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.response = response
        self.ends_connection = ends_connection


def answer(
    status: int, code: str, message: str, more_headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer that refuses, with an id of its own."""
    request_id = str(uuid.uuid4())
    headers = {**headers_of(request_id, code), **(more_headers or {})}
    return Response(status, headers, orjson.dumps(failure_body(message, request_id)))


def malformed(why: str, status: int = 400) -> HttpRefusal:
    """400: no HTTP request that could be told apart from what follows it."""
    response = answer(status, "BadRequestException", why)
    return HttpRefusal("malformed", response, ends_connection=True)


def head_too_large(why: str) -> HttpRefusal:
    """431: the request line and the headers are over a limit."""
    response = answer(431, "BadRequestException", why)
    return HttpRefusal("head_too_large", response, ends_connection=True)


def body_too_large(maximum: int) -> HttpRefusal:
    """413: the body is over the limit, and the rest of it will not be read."""
    message = f"The request is larger than {maximum} bytes"
    response = answer(413, "PayloadTooLargeException", message)
    return HttpRefusal("body_too_large", response, ends_connection=True)


def too_slow(what: str) -> HttpRefusal:
    """408: the client took too long to send its request."""
    response = answer(408, "RequestTimeoutException", f"The {what} did not arrive in time")
    return HttpRefusal("too_slow", response, ends_connection=True)


def busy(*, ends_connection: bool = False) -> HttpRefusal:
    """429: as many requests are under way as may be."""
    message = "Too many requests are under way; try again later"
    response = answer(429, "TooManyRequestsException", message, {"Retry-After": _BUSY_FOR_S})
    return HttpRefusal("busy", response, ends_connection=ends_connection)


def too_many_queries() -> HttpRefusal:
    """503: long queries are running, and it was not this one's turn in time."""
    message = "Too many long queries are running; try again later"
    response = answer(503, "ServiceUnavailableException", message, {"Retry-After": _QUERIES_FOR_S})
    return HttpRefusal("too_many_queries", response)


def process_ended() -> HttpRefusal:
    """503: the process that answers had to be started anew."""
    message = "What answers here has ended and starts anew; look what is stored, and try again"
    response = answer(503, "ServiceUnavailableException", message, {"Retry-After": _QUERIES_FOR_S})
    return HttpRefusal("process_ended", response)


def not_here(why: str) -> HttpRefusal:
    """403: whoever asks is not on this machine."""
    return HttpRefusal("not_local", answer(403, "ForbiddenException", why), ends_connection=True)


def denied(status: int, code: str, message: str, *, ends_connection: bool = False) -> HttpRefusal:
    """403: access control does not let the request in."""
    refused = answer(status, code, message)
    return HttpRefusal("not_admitted", refused, ends_connection=ends_connection)


def stopping() -> Response:
    """503: the server stops and the request was not answered in time."""
    message = "The server is stopping; try again"
    return answer(503, "ServiceUnavailableException", message, {"Retry-After": _BUSY_FOR_S})


def broken() -> Response:
    """500: a fault of the server's own."""
    message = "The server failed; please report this with the log line"
    return answer(500, "InternalServerErrorException", message)

"""The two values at the engine's door: a `Request` and its `Response`.

They are plain data that any carrier (a botocore hook, an ASGI server, a test) can make and
read. Nothing that knows an operation or the store may be put here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sized

import attrs

__all__ = [
    "Request",
    "Response",
    "accepted_body",
    "failure_body",
    "headers_of",
    "preflight_headers",
    "region_of",
    "uuid_of",
]


def _size(value: Sized) -> str:
    return f"<{len(value)}>"


@attrs.frozen
class Request:
    """One HTTP request, as it came off the wire.

    Its repr shows sizes only: paths and bodies hold personal data.

    Attributes:
        method: the HTTP method, in capitals.
        path: the raw path, still percent-encoded, without the query string.
        query: the raw query string, without the question mark.
        headers: by lower-cased name.
        body: the raw body.
    """

    method: str
    path: str = attrs.field(repr=_size)
    query: str = attrs.field(default="", repr=_size)
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=_size)
    body: bytes = attrs.field(default=b"", repr=_size)


@attrs.frozen
class Response:
    """One HTTP answer. Its repr shows the body's size only."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=_size)
    body: bytes = attrs.field(repr=_size)


#: Said with a 500 that lasts until somebody mends the cause: every client repeats a plain 500.
_PERMANENT = {"x-pinpoint-kit-retryable": "false"}
_COMMON_HEADERS = {
    "x-pinpoint-kit": "1",  # says that our own operations are there, whatever is in between
    "Content-Type": "application/json",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "x-amzn-RequestId,x-amzn-ErrorType,x-amzn-ErrorMessage,x-pinpoint-kit-retryable,Date"
    ),
}

#: Older browsers take the asterisk for a header of that name, so what AWS's SDKs send is listed.
_ALLOWED_HEADERS = (
    "*,Authorization,Content-Type,X-Amz-Date,X-Amz-Content-Sha256,X-Amz-Security-Token,"
    "X-Amz-User-Agent,Amz-Sdk-Invocation-Id,Amz-Sdk-Request"
)


#: The scope of a signature, in a header or percent-encoded in a query: KEY/DATE/REGION/SERVICE.
_SCOPE = re.compile(
    r"Credential=[^,&\s]*?(?:/|%2[Ff])\d{8}(?:/|%2[Ff])([a-z0-9-]{1,64})(?:/|%2[Ff])"
)


def region_of(request: Request) -> str | None:
    """Return the Region that a request was signed for, None when it was not signed.

    Args:
        request: its signature is not checked: the Region only shows in the answer's ARNs.
    """
    for text in (request.headers.get("authorization"), request.query):
        found = _SCOPE.search(text) if text else None
        if found is not None:
            return found[1]
    return None


def headers_of(
    request_id: str, error_type: str = "", *, is_permanent: bool = False
) -> dict[str, str]:
    """Return the headers that every answer carries, and the error type when there is one."""
    headers = {**_COMMON_HEADERS, "x-amzn-RequestId": request_id}
    if error_type:
        headers["x-amzn-ErrorType"] = error_type
    if is_permanent:
        headers.update(_PERMANENT)
    return headers


def preflight_headers(request_id: str, methods: str) -> dict[str, str]:
    """Return the headers of the answer to OPTIONS, which browsers ask for first."""
    return {
        **headers_of(request_id),
        "Access-Control-Allow-Methods": methods,
        "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
        "Access-Control-Max-Age": "86400",
    }


def failure_body(message: str, request_id: str) -> dict[str, str]:
    """Return the body of an answer that refuses, in the service's spelling."""
    return {"Message": message, "RequestID": request_id}


def accepted_body(request_id: str) -> dict[str, str]:
    """Return the body of an answer that accepts an update."""
    return {"Message": "Accepted", "RequestID": request_id}


def uuid_of(hexadecimal: str) -> str:
    """Return 32 hex digits in the form of a UUID."""
    h = hexadecimal
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"

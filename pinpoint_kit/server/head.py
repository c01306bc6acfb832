"""`Head`: the request line and the headers of a request, checked before the body is read.

The path stays percent-encoded: it must be split before it is decoded. What is sent on and what is
signed is read from here, so the headers keep every value as it came. Nothing that needs the body,
the engine or a clock may be put here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from pinpoint_kit.server import refusals

if TYPE_CHECKING:
    from typing_extensions import Self

    from pinpoint_kit.server.options import ServerOptions

__all__ = ["Head"]

_SMALL_BODY = 65_536
#: A target in absolute form (RFC 9112, 3.2.2): its host, and its path, which may be empty.
_ABSOLUTE = re.compile(rb"https?://((?!:)[^/@#\\]+)(/.*)?", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"https?:", re.IGNORECASE)


@attrs.frozen
class Head:
    """All of a request but its body. Its repr shows sizes only.

    Attributes:
        method: the HTTP method.
        full_path: the raw path, still percent-encoded, without the host of a target that is a URL.
        path: the same, below the place where the app is mounted.
        query: the raw query string, without the question mark.
        headers: the values by lower-case name, in the order in which they came, decoded as
            Latin-1. Where the target names the host, that is the `Host`, and what the header said
            is forgotten, as RFC 9112 wants it.
        size: bytes of all that.
    """

    method: str
    full_path: str = attrs.field(repr=False)
    path: str = attrs.field(repr=False)
    query: str = attrs.field(repr=False)
    headers: Mapping[str, Sequence[str]] = attrs.field(repr=False)
    size: int

    @classmethod
    def of(cls, scope: Mapping[str, Any]) -> Self:
        """Read the ASGI scope; refuse nothing yet."""
        # A server that gives only the decoded path has lost the difference between "/" and "%2F".
        target: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
        authority, raw_path = _split(target)
        root = quote(scope.get("root_path", "")).encode()
        below = raw_path[len(root) :] if root and raw_path.startswith(root + b"/") else raw_path
        raw_query: bytes = scope["query_string"]
        pairs: Iterable[tuple[bytes, bytes]] = scope["headers"]
        if authority:
            pairs = [(b"host", authority), *(pair for pair in pairs if pair[0] != b"host")]
        headers: dict[str, list[str]] = {}
        size = len(target) + len(raw_query)
        for name, value in pairs:
            size += len(name) + len(value)
            text = name.decode("latin-1")
            if text in headers:
                headers[text].append(value.decode("latin-1"))
            else:
                headers[text] = [value.decode("latin-1")]
        return cls(
            method=scope["method"],
            full_path=raw_path.decode("utf-8", "surrogateescape"),
            path=below.decode("utf-8", "surrogateescape"),
            query=raw_query.decode("utf-8", "surrogateescape"),
            headers=headers,
            size=size,
        )

    def header(self, name: str) -> str:
        """Return a header's values, joined by commas; "" when it was not sent."""
        return ",".join(self.headers.get(name, ()))

    def joined(self) -> dict[str, str]:
        """Return all headers, the values of a repeated one joined by commas."""
        return {
            name: values[0] if len(values) == 1 else ",".join(values)
            for name, values in self.headers.items()
        }

    @property
    def has_body(self) -> bool:
        """Whether anything follows the headers."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", ["0"]) != [
            "0"
        ]

    @property
    def has_large_body(self) -> bool:
        """Whether the body is, or may be, more than what one would read anyway."""
        return "transfer-encoding" in self.headers or self.declared_length() > _SMALL_BODY

    def declared_length(self) -> int:
        """Return the length that the headers declare, 0 when they declare none."""
        length = self.header("content-length") if "content-length" in self.headers else "0"
        if not (length.isascii() and length.isdecimal()):
            raise refusals.malformed("The Content-Length is not a number")
        return int(length)

    def check(self, http_version: str, options: ServerOptions) -> None:
        """Refuse what is too large, or could be read as another request by a proxy.

        Raises:
            HttpRefusal: it is.
        """
        count = sum(map(len, self.headers.values()))
        if self.size > options.max_head_bytes or count > options.max_headers:
            raise refusals.head_too_large(
                f"A request has at most {options.max_headers} headers, which with its path and"
                f" query are at most {options.max_head_bytes} bytes"
            )
        if _SCHEME.match(self.full_path):  # it could not be split
            raise refusals.malformed("A URL as the target of a request has a host, and no user")
        if "transfer-encoding" in self.headers:
            # RFC 9112, 6.1 and 6.3: this is how requests are smuggled past a proxy.
            if "content-length" in self.headers:
                raise refusals.malformed("A request has Content-Length or Transfer-Encoding")
            if http_version == "1.0":
                raise refusals.malformed("HTTP/1.0 knows no Transfer-Encoding")


def _split(target: bytes) -> tuple[bytes, bytes]:
    """Return the host that a target names, b"" when it names none, and the path."""
    found = _ABSOLUTE.fullmatch(target)
    return (found[1], found[2] or b"/") if found else (b"", target)

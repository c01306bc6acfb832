"""`tracking_app`: answers the addresses of `Links`, and reports openings and clicks.

It is for everybody who gets e-mail, so nothing but a signed address does anything. Scanners of mail
open and click, too; nobody can tell.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, TypeAlias

from pinpoint_kit.messaging.links import TRACKING_PREFIX

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pinpoint_kit.messaging.links import Kind, Link, Links

    Asgi = Callable[[Any, Any, Any], Awaitable[None]]
    #: Which message, by which link, and the client's name for itself.
    Report: TypeAlias = Callable[[Kind, Link, str], Awaitable[None]]

__all__ = ["tracking_app"]

#: A transparent picture of one pixel.
_PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_KINDS: dict[str, Kind] = {"o": "open", "c": "click"}
_MOST_AGENT_CHARS = 500
_OURS = [(b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer")]


def tracking_app(links: Links, report: Report) -> Asgi:
    """Return an ASGI app for the paths below `/t/`.

    Args:
        links: reads the addresses.
        report: is told of each opening and click; what it cannot do must not be an exception.
    """

    async def answer(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 -- ASGI
        del receive
        letter, _, token = str(scope["path"]).removeprefix(TRACKING_PREFIX).partition("/")
        kind = _KINDS.get(letter)
        link = None if kind is None else links.read(kind, token)
        if kind is None or link is None:
            await _send(send, 404, [(b"content-type", b"text/plain")], b"There is no such page\n")
            return
        if scope["method"] == "GET":  # a HEAD is a look ahead, by a program
            await report(kind, link, _agent(scope))
        if kind == "open":
            await _send(send, 200, [(b"content-type", b"image/gif")], _PICTURE)
        else:
            await _send(send, 302, [(b"location", _ascii(link.url))], b"")

    return answer


async def _send(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:  # noqa: ANN401 -- ASGI
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, length, *_OURS],
        }
    )
    await send({"type": "http.response.body", "body": body})


def _agent(scope: Any) -> str:  # noqa: ANN401 -- ASGI
    found = dict(scope["headers"]).get(b"user-agent", b"").decode("latin-1")
    return "".join(sign for sign in found if sign.isprintable())[:_MOST_AGENT_CHARS]


def _ascii(url: str) -> bytes:
    """Return a URL as a header takes it, with what is not ASCII percent-encoded."""
    return "".join(
        sign if sign.isascii() else "".join(f"%{byte:02X}" for byte in sign.encode())
        for sign in url
    ).encode()

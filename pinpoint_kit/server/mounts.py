"""`Mount`: an ASGI app beside the API, below a path of its own.

What it does, and who may use it, is its own business: it is handed in from outside. The server
bounds its requests as it bounds those of the API (app.py). No app is named here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Awaitable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

__all__ = ["Mount", "replayed", "watched"]


@attrs.frozen
class Mount:
    """An app beside the API.

    Args:
        prefix: what its paths begin with, such as `/identity/`.
        name: what the access log and the metrics call its requests.
        app: the ASGI app; it gets the whole path.
        max_body_bytes: the largest body.
        close: called once, when the server has stopped.
    """

    prefix: str
    name: str
    app: Asgi
    max_body_bytes: int
    close: Callable[[], object]


def replayed(content: bytes) -> Receive:
    """Return a `receive` that gives a body that was read before."""
    messages: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


def watched(
    send: Send, on_start: Callable[[int], object], on_body: Callable[[int], object]
) -> Send:
    """Return a `send` that shows the status and the sizes of what is sent."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            on_start(message["status"])
        else:
            on_body(len(message.get("body", b"")))
        await send(message)

    return sent

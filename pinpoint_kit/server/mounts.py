"""`Mount`: an ASGI app beside the API, below a path of its own.

What it does, and who may use it, is its own business: it is handed in from outside. The server
bounds its requests as it bounds those of the API (app.py). No app is named here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from collections.abc import Awaitable, MutableMapping, Sequence

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    Asgi = Callable[[Message, Receive, Send], Awaitable[None]]

__all__ = ["Mount", "mounts_of", "replayed", "watched"]


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

    def serves(self, path: str) -> bool:
        """Whether a path is this app's."""
        return path.startswith(self.prefix) or path == self.prefix.rstrip("/")


def mounts_of(given: Mount | Sequence[Mount] | None) -> tuple[Mount, ...]:
    """Return the apps beside the API."""
    if given is None:
        return ()
    return (given,) if isinstance(given, Mount) else tuple(given)


def replayed(content: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives a body that was read before, and then waits for the end.

    Args:
        content: the body.
        receive: the server's, which tells when the client has gone.
    """
    messages: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive_again() -> Message:
        if messages:
            return messages.pop()
        while (message := await receive())["type"] != "http.disconnect":
            pass  # an empty body, which nobody had to read
        return message

    return receive_again


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

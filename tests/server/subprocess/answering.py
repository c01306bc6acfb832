"""Apps that tests have answered by a process of its own, and a server that is killed."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any

from pinpoint_kit.server.mounts import Mount
from pinpoint_kit.server.subprocess.app import SubprocessApp
from tests.timing import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]


class Answering:
    """An app with a page for each thing that may happen to a request."""

    def __init__(self, on_reads: Callable[[bool], object]) -> None:
        self._on_reads = on_reads
        self._released = asyncio.Event()
        self.has_left = ""
        self._finished = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer."""
        path = scope["path"]
        body = (await receive())["body"]
        if path == "/fails":
            raise ValueError("with data of a person")
        headers = [(b"x-pid", b"%d" % os.getpid())]
        if hasattr(os, "getpriority"):
            headers.append((b"x-nice", b"%d" % os.getpriority(os.PRIO_PROCESS, 0)))
        start = {"type": "http.response.start", "status": 200, "headers": headers}
        if path == "/left":
            await self._leave(start, receive, send)
            return
        await send(start)
        if path == "/reads":
            for are_running in (True, False):
                self._on_reads(are_running)
        if path == "/release":
            self._released.set()
        if path == "/parts":
            await send({"type": "http.response.body", "body": b"first ", "more_body": True})
            await self._released.wait()
            await send({"type": "http.response.body", "body": b"second"})
            return
        shown = repr((scope["method"], scope["query_string"], scope["headers"]))
        text = {
            "/echo": shown.encode() + body,
            "/has-left": self.has_left.encode(),
            "/finished": b"%d" % self._finished,
            "/long": b"x" * 5_000_000,
        }
        await send({"type": "http.response.body", "body": text.get(path, b"")})
        self._finished += 1

    async def _leave(self, start: Message, receive: Receive, send: Send) -> None:
        try:
            await send(start)
            assert (await receive())["type"] == "http.disconnect"
            await send({"type": "http.response.body", "body": b"to nobody"})
        except OSError:
            self.has_left = "left, and told so"


def answering(on_reads: Callable[[bool], object]) -> Mount:
    """Make the app, in the process."""
    return Mount("/", "Answering", Answering(on_reads), 1_000, lambda: None)


def unable(_: Callable[[bool], object]) -> Mount:
    """Fail to make an app."""
    sys.exit(3)


async def _serve() -> None:
    app = SubprocessApp("test", answering, lambda _: None, timeout=PATIENCE_S)

    messages = [{"type": "http.request", "body": b""}]

    async def receive() -> Message:
        if not messages:
            await asyncio.Event().wait()
        return messages.pop()

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            sys.stdout.write(f"{dict(message['headers'])[b'x-pid'].decode()}\n")
            sys.stdout.flush()

    scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}
    await app(scope, receive, send)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())

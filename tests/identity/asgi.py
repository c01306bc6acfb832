"""A client of an ASGI app in this process: one request, one answer, no socket."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import attrs
from starlette.applications import Starlette

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@attrs.frozen
class Answer:
    """What an app answered."""

    status_code: int
    headers: dict[str, str]
    content: bytes

    def json(self) -> Any:
        """Return the content."""
        return json.loads(self.content)


@attrs.frozen
class Client:
    """Sends requests to an app."""

    app: Starlette

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(
        self,
        path: str,
        content: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.request("POST", path, content, headers)

    def request(
        self,
        method: str,
        path: str,
        content: bytes | Iterable[bytes] = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one; bytes have a length, pieces have none."""
        given = dict(headers or {})
        if isinstance(content, bytes):
            given["content-length"] = str(len(content))
            content = [content]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": b"",
            "headers": [(n.lower().encode(), v.encode()) for n, v in given.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        pieces = [{"type": "http.request", "body": p, "more_body": True} for p in content]
        pieces.append({"type": "http.request", "body": b"", "more_body": False})
        return asyncio.run(self._exchange(scope, pieces))

    async def _exchange(self, scope: dict[str, Any], pieces: list[dict[str, Any]]) -> Answer:
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return pieces.pop(0) if pieces else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, *bodies = sent
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], headers, b"".join(m.get("body", b"") for m in bodies))

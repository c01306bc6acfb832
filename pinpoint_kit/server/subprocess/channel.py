"""`Channel`: messages between a server and a process that it has started, over a pair of sockets.

Both ends are this package, and nobody else can reach them: so pickles go over it. Which messages
there are, and which may follow which, is the business of app.py and child.py.
"""

from __future__ import annotations

import asyncio
import pickle
import struct
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket

__all__ = ["Channel", "Kind"]

_LENGTH = struct.Struct(">Q")


class Kind(Enum):
    """What a message is."""

    #: To the server: the app is there. No number.
    READY = auto()
    #: To the server: whether long queries run. No number.
    READS = auto()
    #: To the process: does it stand still? No number.
    PING = auto()
    #: To the server: it does not. No number.
    PONG = auto()
    #: To the process: a request begins, with its ASGI scope and its whole body.
    REQUEST = auto()
    #: To the process: nobody waits for the answer any more.
    GONE = auto()
    #: To the process: the last part of an answer was passed on.
    PASSED_ON = auto()
    #: To the server: a part of an answer, an ASGI message.
    PART = auto()
    #: To the server: the app has ended with a request; whether it failed.
    ENDED = auto()


class Channel:
    """One end. Use it on the event loop that has opened it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket) -> Channel:
        """Open an end; it is closed with the channel."""
        return cls(*await asyncio.open_connection(sock=end))

    def send(self, kind: Kind, number: int = 0, content: object = None) -> None:
        """Send a message; it is lost when the other process has ended.

        It never waits: each request has one message under way at most.

        Args:
            kind: what it is.
            number: the request that it is about.
            content: what it says.
        """
        data = pickle.dumps((kind, number, content))
        self._writer.write(_LENGTH.pack(len(data)) + data)

    async def receive(self) -> tuple[Kind, int, Any] | None:
        """Return the next message; None when the other process has ended."""
        try:
            (length,) = _LENGTH.unpack(await self._reader.readexactly(_LENGTH.size))
            data = await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError):
            return None
        found: tuple[Kind, int, Any] = pickle.loads(data)  # noqa: S301 -- from a process of ours
        return found

    def close(self) -> None:
        """Close this end: the other process ends, or sees that this one does."""
        self._writer.close()

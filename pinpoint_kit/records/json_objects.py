"""JSON objects of a file or a pipe, however they are laid out, in bounded memory.

One object a line is the rule. Taken as well: several objects on a line, an array of objects,
objects spread over lines, and all of these compressed with gzip. Splitting only: whether a piece is
JSON at all, and what it means, is the caller's to find out.
"""

from __future__ import annotations

import gzip
import io
import re
import zlib
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

from pinpoint_kit.records.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["JsonObjects", "Piece"]

_GZIP = b"\x1f\x8b"
_BUFFER_BYTES = 256 * 1024
#: Strings, which JSON never breaks over lines, and brackets outside of them.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]')
#: Where one object may end and another begin; most lines have no such place.
_SEAM = re.compile(rb"\}\s*,?\s*\{")
_BETWEEN = b" \t\r\n,"


class Piece(NamedTuple):
    """What should be one object, b"" for a blank line, None for what is too long to be kept."""

    line: int
    content: bytes | None


class JsonObjects:
    """The objects of a stream, with the line on which each begins.

    Args:
        stream: the bytes, compressed or not.
        max_bytes: of a longer line or object nothing is kept.
    """

    def __init__(self, stream: BinaryIO, *, max_bytes: int) -> None:
        raw = cast("io.RawIOBase", stream)
        self._raw = cast(
            "io.BufferedReader", stream if hasattr(stream, "peek") else io.BufferedReader(raw)
        )
        self._max_bytes = max_bytes
        self.is_compressed = self._raw.peek(len(_GZIP))[: len(_GZIP)] == _GZIP
        opened: BinaryIO = self._raw
        if self.is_compressed:
            unpacked = cast("io.RawIOBase", gzip.GzipFile(fileobj=opened))
            opened = io.BufferedReader(unpacked, _BUFFER_BYTES)
        self.lines = Lines(opened, max_bytes=max_bytes)

    def __iter__(self) -> Iterator[Piece]:
        """Each object in its order.

        Raises:
            OSError: the stream cannot be read on, or its compression is damaged.
        """
        try:
            yield from self._pieces()
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise OSError(0, "the compressed input is damaged") from None

    @property
    def number(self) -> int:
        """Lines that were read so far."""
        return self.lines.number

    @property
    def position(self) -> int:
        """Bytes of the stream, as it is stored, that were read so far."""
        return self._raw.tell() if self.is_compressed else self.lines.offset

    def _pieces(self) -> Iterator[Piece]:
        is_begun = False
        while (line := self.lines.next()) is not None:
            content = None if line.content is None else line.content.strip(b" \t\r\n")
            if content and not is_begun:
                is_begun = True
                if content.startswith(b"[") or content == b"{":
                    yield from self._spread(line.number, content)
                    return
            if content and _SEAM.search(content):
                yield from _split(line.number, content)
            else:
                yield Piece(line.number, content)

    def _spread(self, number: int, content: bytes) -> Iterator[Piece]:
        """Objects that go over lines, or stand in an array."""
        splitter = _Splitter(self._max_bytes)
        yield from splitter.feed(number, content)
        while (line := self.lines.next()) is not None:
            if line.content is None:
                yield Piece(line.number, None)
            else:
                yield from splitter.feed(line.number, line.content)
        yield from splitter.end()


def _split(number: int, content: bytes) -> list[Piece]:
    """Return the objects of one line; the line itself if it holds anything else."""
    splitter = _Splitter(len(content))
    pieces = [*splitter.feed(number, content), *splitter.end()]
    if all(piece.content is not None and piece.content.startswith(b"{") for piece in pieces):
        return pieces
    return [Piece(number, content)]


class _Splitter:
    """Finds where objects begin and end, line by line."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._depth = 0
        self._base = 0  # 1 inside of the array that holds the objects
        self._begun = 0
        self._kept: list[bytes] = []
        self._size = 0

    def feed(self, number: int, line: bytes) -> Iterator[Piece]:
        """Take a line; yields the objects that end on it."""
        position = 0
        for token in _TOKEN.finditer(line):
            sign = token[0]
            if sign in {b"{", b"["}:
                if self._depth == self._base:
                    yield from self._stray(number, line[position : token.start()])
                    position = token.start()
                    self._begun = number
                    if sign == b"[" and not self._base:
                        self._base, position = 1, token.end()
                self._depth += 1
            elif sign in {b"}", b"]"}:
                self._depth -= 1
                if self._depth == self._base:
                    self._keep(line[position : token.end()])
                    position = token.end()
                    yield self._taken()
                elif self._depth < self._base:
                    yield from self._stray(number, line[position : token.start()])
                    position = token.end()
                    self._depth = self._base = 0
        rest = line[position:]
        if self._depth > self._base:
            self._keep(rest)
        else:
            yield from self._stray(number, rest)

    def end(self) -> Iterator[Piece]:
        """End the stream; yield the object that did not end."""
        if self._depth > self._base:
            yield self._taken()

    def _keep(self, content: bytes) -> None:
        self._size += len(content)
        if self._size <= self._max_bytes:
            self._kept.append(content)

    def _taken(self) -> Piece:
        content = b"".join(self._kept) if self._size <= self._max_bytes else None
        self._kept, self._size = [], 0
        return Piece(self._begun, content)

    @staticmethod
    def _stray(number: int, content: bytes) -> Iterator[Piece]:
        """Yield what stands between objects and is none: the caller reports it."""
        found = content.strip(_BETWEEN)
        if found:
            yield Piece(number, found)

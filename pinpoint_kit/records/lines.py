"""`Lines`: the physical lines of a file, counted, with bounded memory, from any byte on.

What a line means belongs to rows.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_LINE_BYTES", "Line", "Lines"]

#: Far above what an endpoint may have. Of a longer line nothing is kept.
MAX_LINE_BYTES = 1_000_000
_SKIPPED_AT_ONCE = 65_536
_MARK = b"\xef\xbb\xbf"


@attrs.define
class Line:
    """One line with its end, and its number from 1. A line that is too long has no content."""

    number: int
    size: int
    content: bytes | None = attrs.field(repr=False)


class Lines:
    """Reads lines one by one, and can take back the latest.

    Args:
        stream: buffered, and positioned at `offset`.
        offset: how many bytes come before.
        number: how many lines come before.
        max_bytes: of a longer line nothing is kept.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        offset: int = 0,
        number: int = 0,
        max_bytes: int = MAX_LINE_BYTES,
    ) -> None:
        self._readline = stream.readline
        self._max_bytes = max_bytes
        self._back: list[Line] = []
        self.offset = offset
        self.number = number

    def next(self) -> Line | None:
        """Return the next line, or None at the end."""
        if self._back:
            line = self._back.pop()
            self.offset += line.size
            self.number += 1
            return line
        before = self.offset
        content = self.content()
        size = self.offset - before
        return Line(self.number, size, content) if size else None

    def content(self) -> bytes | None:
        """Return the next line as it is, or nothing of one that is too long; empty at the end.

        For those who never give back.
        """
        content = self._readline(self._max_bytes)
        size = len(content)
        if not size:
            return content
        self.number += 1
        if size == self._max_bytes and content[-1:] != b"\n":
            self.offset += size + self._skip()
            return None
        if self.offset == 0 and content.startswith(_MARK):
            content = content[len(_MARK) :]
        self.offset += size
        return content

    def give_back(self, lines: Sequence[Line]) -> None:
        """Take back the lines that were read last, in the order in which they were read."""
        self._back.extend(reversed(lines))
        self.number -= len(lines)
        self.offset -= sum(line.size for line in lines)

    def _skip(self) -> int:
        """Read to the end of a line, and return how many bytes that were."""
        size = 0
        while content := self._readline(_SKIPPED_AT_ONCE):
            size += len(content)
            if content[-1:] == b"\n":
                break
        return size

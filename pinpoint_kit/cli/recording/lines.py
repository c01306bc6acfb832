"""Lines of a file or a pipe, in bounded memory: whatever the input is, it comes in pieces.

Bytes only: what a line means is the business of recording/entries.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MAX_LINE_BYTES", "Lines"]

#: More than any request may have, so that no line which could be accepted is refused here.
MAX_LINE_BYTES = 8_000_000
_SKIPPED_AT_ONCE = 65_536
_BOM = b"\xef\xbb\xbf"


@attrs.define
class Lines:
    """Reads a stream line by line and counts what it read.

    Args:
        stream: the bytes.
        number: lines read so far: the number of the line that was read last.
        size: bytes read so far.
    """

    stream: BinaryIO
    number: int = 0
    size: int = 0

    def __iter__(self) -> Iterator[bytes | None]:
        """Each line without its end; None for a line above `MAX_LINE_BYTES`.

        Raises:
            OSError: the stream cannot be read on.
        """
        while line := self.stream.readline(MAX_LINE_BYTES + 1):
            self.number += 1
            self.size += len(line)
            if self.number == 1:
                line = line.removeprefix(_BOM)
            if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                self._skip()
                yield None
            else:
                yield line.strip(b" \t\r\n")

    def _skip(self) -> None:
        """Read the rest of a line and forget it."""
        while rest := self.stream.readline(_SKIPPED_AT_ONCE):
            self.size += len(rest)
            if rest.endswith(b"\n"):
                return

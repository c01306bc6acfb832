"""Records of files: JSON, JSON lines, arrays, concatenated objects, log lines, gzip, folders.

In bounded memory: an array is read item by item. What cannot be read is given as `Unreadable`.
"""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import attrs
import orjson

from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

__all__ = ["GZIP", "Unreadable", "documents", "files_of"]

#: What the content of a gzip file begins with.
GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_CHUNK = 1_000_000
#: The longest single document: a CloudTrail file is one document of up to 50 MB.
_LONGEST = 64_000_000
_ENDINGS = (".json", ".jsonl", ".ndjson", ".log", ".txt", ".gz")
_BETWEEN = " \t\r\n,"


@attrs.frozen
class Unreadable:
    """A piece that is neither JSON nor a log line.

    Args:
        line: the number of its line, from 1; 0 where there are no lines.
        reason: why.
    """

    line: int
    reason: str


def files_of(path: str | os.PathLike[str]) -> list[Path]:
    """Return the files of a folder in the order of their names, or the one file that it is.

    Args:
        path: a file, or an export folder, which is searched to its bottom.

    Raises:
        ConfigurationError: there is no such file or folder, or nothing in it can be read.
    """
    place = Path(path)
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise ConfigurationError(f"no such file or folder: {place}")
    found = sorted(
        file for file in place.rglob("*") if file.is_file() and file.name.endswith(_ENDINGS)
    )
    if not found:
        raise ConfigurationError(
            f"no records in the folder {place}: its files must end in {', '.join(_ENDINGS)}"
        )
    return found


def documents(stream: BinaryIO) -> Iterator[object]:
    """Return the documents of a stream, in order; `Unreadable` for what is none.

    Args:
        stream: bytes, plain or compressed with gzip.

    Raises:
        OSError: the stream cannot be read on.
    """
    head = _peek(stream)
    if head.startswith(GZIP):
        inflated = cast(
            "BinaryIO", gzip.GzipFile(fileobj=cast("BinaryIO", _Prefixed(head, stream)))
        )
        try:
            yield from _documents(_peek(inflated), inflated)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            yield Unreadable(0, "the gzip file is damaged or cut off")
        return
    yield from _documents(head, stream)


def _peek(stream: BinaryIO) -> bytes:
    head = b""
    while len(head) < _CHUNK:
        more = stream.read(_CHUNK - len(head))
        if not more:
            break
        head += more
    return head


class _Prefixed:
    """A stream with what was read of it already in front."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        if self._head:
            if size < 0:
                head, self._head = self._head, b""
                return head + self._rest.read()
            head, self._head = self._head[:size], self._head[size:]
            return head
        return self._rest.read(size)


def _documents(head: bytes, rest: BinaryIO) -> Iterator[object]:
    head = head.removeprefix(_BOM)
    first_line = head.split(b"\n", 1)[0].strip()
    if head.lstrip()[:1] == b"[" or (head.lstrip()[:1] == b"{" and not _is_document(first_line)):
        yield from _values(head, rest)
    else:
        yield from _lines(head, rest)


def _is_document(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def _lines(head: bytes, rest: BinaryIO) -> Iterator[object]:
    number, pending = 0, head
    while True:
        *whole, pending = pending.split(b"\n")
        for line in whole:
            number += 1
            yield from _line(line, number)
        if len(pending) > _LONGEST:
            number += 1
            yield Unreadable(number, f"the line is longer than {_LONGEST} bytes")
            pending = _skipped(rest)
        more = rest.read(_CHUNK)
        if not more:
            break
        pending += more
    yield from _line(pending, number + 1)


def _skipped(rest: BinaryIO) -> bytes:
    """Read to the end of a line, and return what was read beyond it."""
    while more := rest.read(_CHUNK):
        _, end, after = more.partition(b"\n")
        if end:
            return after
    return b""


def _line(line: bytes, number: int) -> Iterator[object]:
    line = line.strip()
    if not line:
        return
    if line[:1] in {b"{", b"["}:
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:
            yield from _several(line, number)
        return
    try:
        yield line.decode()
    except UnicodeDecodeError:
        yield Unreadable(number, "the line is not UTF-8")


def _several(line: bytes, number: int) -> Iterator[object]:
    """Return the documents of a line that has several of them, or is a log line with a bracket."""
    decoder = json.JSONDecoder()
    try:
        text = line.decode()
    except UnicodeDecodeError:
        yield Unreadable(number, "the line is not UTF-8")
        return
    position = 0
    found: list[object] = []
    while position < len(text):
        if text[position] in _BETWEEN:
            position += 1
            continue
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            if text.startswith("[") and not found:
                yield text  # a log line such as `[12:00:00] …`
            else:
                yield from found
                yield Unreadable(number, "the line is not JSON")
            return
        found.append(value)
    yield from found


def _values(head: bytes, rest: BinaryIO) -> Iterator[object]:
    """Return the items of an array, or documents that follow each other over several lines."""
    decoder = json.JSONDecoder()
    text, position, wanted = "", 0, 0
    pieces = _decoded(head, rest)
    between = _BETWEEN + "[]" if head.lstrip()[:1] == b"[" else _BETWEEN
    is_end = False
    while True:
        while position < len(text) and text[position] in between:
            position += 1
        if position < len(text) and (is_end or len(text) - position >= wanted):
            try:
                value, position = decoder.raw_decode(text, position)
            except (ValueError, RecursionError):
                if is_end:
                    yield Unreadable(0, "what follows is not JSON, or is cut off")
                    return
                wanted = 2 * (len(text) - position)
                if wanted > 2 * _LONGEST:
                    yield Unreadable(0, f"a document is longer than {_LONGEST} characters")
                    return
            else:
                wanted = 0
                yield value
                continue
        elif is_end:
            return
        piece = next(pieces, None)
        if piece is None:
            is_end = True
        else:
            text, position = text[position:] + piece, 0


def _decoded(head: bytes, rest: BinaryIO) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    yield decoder.decode(head)
    while more := rest.read(_CHUNK):
        yield decoder.decode(more)
    yield decoder.decode(b"", final=True)

"""The files of an import: which there are, in how many pieces they count, and an open one.

A source is a file that is read from some position on, row by row. It is kept open between pieces
of work, and can be opened anew at any position by anybody. What rows mean belongs to
jobs/import_rows.py.
"""

from __future__ import annotations

import gzip
import io
import posixpath
import zlib
from collections.abc import Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import attrs
import orjson

from pinpoint_kit.engine.files.files import FilesError
from pinpoint_kit.engine.files.objects import explained
from pinpoint_kit.engine.wire.body import encode
from pinpoint_kit.errors import PinpointKitError
from pinpoint_kit.records.lines import Lines
from pinpoint_kit.records.rows import CsvRows, HeaderError, JsonRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.engine.files.files import File, Files
    from pinpoint_kit.engine.jobs.import_rows import Origin, Row, RowMaker
    from pinpoint_kit.records.rows import Rows

__all__ = ["Position", "Source", "find", "open_source", "pieces", "pieces_done"]

#: What of a file, as it is stored, makes one of the pieces that a job counts.
_PIECE_BYTES = 8_000_000
_BUFFER_BYTES = 256 * 1024

_SUFFIXES = {"CSV": (".csv", ""), "JSON": (".json", ".jsonl", ".ndjson", "")}


@attrs.frozen
class Position:
    """How far an import is.

    Attributes:
        file: which file it reads; -1 before the files are found.
        offset: bytes of its content that are done with, decompressed.
        line: lines that are done with.
        read: bytes of the file, as it is stored, that are done with.
        tries: how often reading on has failed here.
        size: rows that a segment got so far.
        channels: how many of these have which channel.
        erased: whose rows to skip, as jobs/erasure.py keeps it.
    """

    file: int = 0
    offset: int = 0
    line: int = 0
    read: int = 0
    tries: int = 0
    size: int = 0
    channels: Mapping[str, int] = attrs.field(factory=dict)
    erased: Sequence[str] = ()

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read what `text` wrote; "" is before the files are found."""
        return cls(**orjson.loads(text)) if text else cls(file=-1)

    def text(self) -> str:
        """As the store keeps it."""
        return encode(attrs.asdict(self))

    def next_file(self) -> Position:
        """Return the beginning of the next file."""
        return Position(
            file=self.file + 1, size=self.size, channels=self.channels, erased=self.erased
        )


def find(files: Files, url: str, job_format: str, most: int) -> list[File]:
    """Return the files of a format at a place.

    Raises:
        FilesError: the place cannot be read, has no such file or too many.
    """
    found = []
    for file in files.find(url):
        if _is_wanted(file.name, job_format):
            found.append(file)
        if len(found) > most:
            raise FilesError(f"there are more than {most} files")
    if not found:
        raise FilesError(f"there is no {job_format} file at this place")
    return found


def _is_wanted(name: str, job_format: str) -> bool:
    """Whether a file is of the format; one that was named itself is, whatever its name."""
    base = posixpath.basename(name)
    if base.startswith((".", "_")):
        return False
    suffix = posixpath.splitext(base.removesuffix(".gz"))[1].lower()
    return not name or suffix in _SUFFIXES[job_format]


def pieces(file: File) -> int:
    """Return in how many pieces a file counts."""
    return max(1, -(-file.size // _PIECE_BYTES))


def pieces_done(file: File, position: Position) -> int:
    """Return how many of its pieces are complete; the last one is only when all of it is."""
    return min(position.read // _PIECE_BYTES, pieces(file) - 1)


class Source:
    """An open file of an import."""

    def __init__(self, file: File, stream: _Stream, rows: Rows[Row], maker: RowMaker) -> None:
        self.file = file
        self._maker = maker
        #: The job's position, as stored, at which it stands.
        self.at = ""
        self._stream = stream
        self._rows = rows

    @property
    def is_at_end(self) -> bool:
        """Whether there are no further rows."""
        return self._rows.is_at_end

    def read(self, most: int, origin: Origin) -> list[Row]:
        """Return that many further rows, or fewer when they are large or at the end.

        Raises:
            FilesError: it cannot be read to its end.
        """
        self._maker.origin = origin
        with _explained():
            return self._rows.read(most)

    def moved(self, before: Position) -> Position:
        """Return where the file stands now, having been read from an earlier position."""
        lines = self._rows.lines
        return attrs.evolve(
            before,
            offset=lines.offset,
            line=lines.number,
            read=lines.offset if self._stream.counted is None else self._stream.counted.count,
            tries=0,
        )

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def open_source(
    files: Files, file: File, job_format: str, position: Position, maker: RowMaker
) -> Source:
    """Open a file at a position.

    Raises:
        FilesError: it cannot be opened, or cannot be understood at all.
    """
    header = None
    if job_format == "CSV" and position.offset:
        with closing(_open(files, file, 0)) as stream, _explained():
            header = CsvRows.header(Lines(stream.content))
    stream = _open(files, file, position.offset)
    try:
        lines = Lines(stream.content, offset=position.offset, number=position.line)
        with _explained():
            return Source(file, stream, _rows(lines, job_format, maker, header), maker)
    except BaseException:
        stream.close()
        raise


def _rows(lines: Lines, job_format: str, maker: RowMaker, header: list[str] | None) -> Rows[Row]:
    if job_format == "JSON":
        return JsonRows(lines, maker)
    return CsvRows(lines, maker, header or CsvRows.header(lines))


@attrs.frozen
class _Stream:
    """What is read, and what counts how much of the file that was when it is compressed."""

    content: BinaryIO
    counted: _Counted | None = None

    def close(self) -> None:
        """Close the file."""
        self.content.close()
        if self.counted is not None:
            self.counted.close()


def _open(files: Files, file: File, offset: int) -> _Stream:
    """Open a file at a byte of its content."""
    if not file.url.endswith(".gz"):
        return _Stream(files.read(file, offset))
    counted = _Counted(files.read(file, 0))
    content = io.BufferedReader(gzip.GzipFile(fileobj=counted), _BUFFER_BYTES)
    stream = _Stream(cast("BinaryIO", content), counted)
    try:
        with _explained():
            while (left := offset - content.tell()) > 0 and content.read(min(left, _BUFFER_BYTES)):
                pass
    except BaseException:
        stream.close()
        raise
    return stream


class _Counted(io.RawIOBase):
    """A stream that knows how much of it was read, also where the source cannot tell."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 -- any buffer that can be written
        content = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        self.count += len(content)
        return len(content)

    def close(self) -> None:
        self._stream.close()
        super().close()


@contextmanager
def _explained() -> Iterator[None]:
    """Turn whatever reading may raise into `FilesError`."""
    try:
        yield
    except HeaderError as error:
        raise FilesError(str(error)) from None
    except PinpointKitError as error:
        raise explained(error) from None
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise FilesError("the compressed file is damaged") from None
    except OSError:
        raise FilesError("the file could not be read to its end", is_passing=True) from None

"""Import jobs, a piece at a time: find the files, read some rows, apply them, remember how far.

A piece of work reads outside of any transaction and writes in one short one, together with the
job's new position. What was read ahead of a position is kept in memory only, and read again by
whoever goes on. What a row is stands in import_rows.py, what becomes of it in endpoint_writer.py.
"""

from __future__ import annotations

import gzip
import io
import posixpath
import zlib
from typing import TYPE_CHECKING, BinaryIO

import attrs
import orjson

from pinpoint_kit.engine import apps, job_store
from pinpoint_kit.engine.body import encode
from pinpoint_kit.engine.context import Stamp
from pinpoint_kit.engine.endpoint_writer import EndpointWriter
from pinpoint_kit.engine.files import File, FilesError
from pinpoint_kit.engine.import_lines import Lines
from pinpoint_kit.engine.import_rows import (
    BadRow,
    CsvRows,
    EndpointRow,
    HeaderError,
    JsonRows,
    Row,
    Rows,
    UsersRow,
)
from pinpoint_kit.engine.messages import uuid_of
from pinpoint_kit.engine.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.apps import App
    from pinpoint_kit.engine.context import Context
    from pinpoint_kit.engine.job_store import Job

__all__ = ["Imports"]

#: What of a file, as it is stored, makes one of the pieces that a job counts.
_PIECE_BYTES = 8_000_000
#: A transaction should hold the right to write for about this long.
_TARGET_S = 0.05
_FEWEST_ROWS = 50
_MOST_ROWS = 4_000
_BUFFER_BYTES = 256 * 1024

_SUFFIXES = {"CSV": {".csv", ""}, "JSON": {".json", ".jsonl", ".ndjson", ""}}


@attrs.define
class _Position:
    """How far an import is.

    Attributes:
        file: which file it reads.
        offset: bytes of its content that are done with, decompressed.
        line: lines that are done with.
        read: bytes of the file, as it is stored, that are done with.
    """

    file: int = 0
    offset: int = 0
    line: int = 0
    read: int = 0

    @classmethod
    def parse(cls, text: str) -> _Position:
        """Reads what `text` wrote."""
        return cls(**orjson.loads(text))

    def text(self) -> str:
        """As the store keeps it."""
        return encode(attrs.asdict(self))


@attrs.define
class _Source:
    """An open file, positioned where the job's work goes on."""

    file: File
    raw: BinaryIO
    rows: Rows
    position: str
    is_compressed: bool

    def close(self) -> None:
        """Closes the file."""
        self.raw.close()

    def read_bytes(self) -> int:
        """How much of the file is done with, as it is stored."""
        return self.raw.tell() if self.is_compressed else self.rows.lines.offset


class Imports:
    """Does pieces of import jobs, and keeps their files open in between."""

    def __init__(self, context: Context, monotonic: Callable[[], float]) -> None:
        self._context = context
        self._monotonic = monotonic
        self._sources: dict[int, _Source] = {}
        self._rows = 500

    def advance(self, job: Job, now: int) -> None:
        """Does one piece.

        Raises:
            LostError: somebody else has gone on with the job.
        """
        if not job.position:
            self._begin(job, now)
            return
        try:
            self._go_on(job, now)
        except BaseException:
            self.forget(job.number)  # it has read on, and the job has not
            raise

    def forget(self, number: int) -> None:
        """Closes the file of a job."""
        source = self._sources.pop(number, None)
        if source is not None:
            source.close()

    def close(self) -> None:
        """Closes all files."""
        for number in list(self._sources):
            self.forget(number)

    def _begin(self, job: Job, now: int) -> None:
        """Finds the files, once: those that come later are not part of the job."""
        try:
            files = self._find(job)
        except FilesError as error:
            after = job.broken(str(error), now)
            files = []
        else:
            pieces = sum(map(_pieces, files))
            after = attrs.evolve(
                job, status="PROCESSING", total_pieces=pieces, position=_Position().text()
            )
        with self._context.store.write() as connection:
            job_store.add_files(connection, job, files)
            job_store.save(connection, job, after)

    def _find(self, job: Job) -> list[File]:
        wanted = job.wanted
        suffixes = _SUFFIXES[str(wanted["Format"])]
        most = self._context.limits.max_import_files
        files = []
        for file in self._context.files.find(str(wanted["S3Url"])):
            if _is_wanted(file.name, suffixes):
                files.append(file)
            if len(files) > most:
                raise FilesError(f"there are more than {most} files")
        if not files:
            raise FilesError(f"there is no {wanted['Format']} file at this place")
        return files

    def _go_on(self, job: Job, now: int) -> None:
        position = _Position.parse(job.position)
        try:
            source = self._source(job, position)
            rows = source.rows.read(self._rows)
            read = source.read_bytes()
        except (FilesError, HeaderError) as error:
            self._give_up_file(job, position, str(error), now)
            return
        except (OSError, EOFError, zlib.error) as error:
            self._give_up_file(job, position, _trouble(error), now)
            return
        lines = source.rows.lines
        after = _Position(position.file, lines.offset, lines.number, read)
        done = _done(source.file, after) - _done(source.file, position)
        is_last = False
        if source.rows.is_at_end:
            done = _pieces(source.file) - _done(source.file, position)
            after = _Position(position.file + 1)
            is_last = self._file(job, after.file) is None
        started = self._monotonic()
        with self._context.store.write() as connection:
            changed = self._apply(connection, job, source.file, rows, now)
            changed = attrs.evolve(
                changed,
                completed_pieces=job.completed_pieces + done,
                position=after.text(),
            )
            source.position = changed.position
            job_store.save(connection, job, changed.ended(now) if is_last else changed)
        self._adapt(len(rows), self._monotonic() - started)
        if source.rows.is_at_end:
            self.forget(job.number)

    def _apply(
        self, connection: Connection, job: Job, file: File, rows: Sequence[Row], now: int
    ) -> Job:
        """Stores the rows, and returns the job with what became of them."""
        app = apps.by_number(connection, job.app)
        if app is None:
            raise job_store.LostError
        failures = {row.line: row.reason for row in rows if isinstance(row, BadRow)}
        endpoints = [row for row in rows if isinstance(row, EndpointRow)]
        users = [row for row in rows if isinstance(row, UsersRow)]
        failed = len(failures)
        refused = self._update(connection, app, job, endpoints, now)
        failures.update(refused)
        failed += len(refused)
        for row in users:
            failures[row.line] = "names only a user, which is of use for a segment only"
            failed += len(row.user_ids)
        more = len(rows) + sum(len(row.user_ids) - 1 for row in users)
        counted = attrs.evolve(job, processed=job.processed + more, failed=job.failed + failed)
        where = f" of {file.name}" if file.name else ""
        return counted.failing(
            [f"line {line}{where}: {failures[line]}" for line in sorted(failures)]
        )

    def _update(
        self,
        connection: Connection,
        app: App,
        job: Job,
        rows: Sequence[EndpointRow],
        now: int,
    ) -> dict[int, str]:
        """Applies each row or none of it, and returns the reasons by line."""
        stamp = Stamp(now, uuid_of(job.id))
        changes = [row.change for row in rows]
        writer = EndpointWriter(connection, app, self._context, stamp, changes)
        refused = {}
        for row in rows:
            change = row.change
            try:
                if change.birth is None and not writer.is_known(change.key):
                    _check_new(change.patch.address, change.patch.channel_type)
                writer.apply(change)
            except Refusal as refusal:
                refused[row.line] = refusal.message
        writer.flush()
        return refused

    def _give_up_file(self, job: Job, position: _Position, reason: str, now: int) -> None:
        """The rest of the file cannot be read: its pieces fail, and the next file comes."""
        self.forget(job.number)
        file = self._file(job, position.file)
        if file is None:
            raise job_store.LostError
        text = f"{file.name}: {reason}" if file.name else reason
        left = _pieces(file) - _done(file, position)
        following = _Position(position.file + 1)
        after = attrs.evolve(
            job, failed_pieces=job.failed_pieces + left, position=following.text()
        ).failing([text])
        if self._file(job, following.file) is None:
            after = after.ended(now)
        with self._context.store.write() as connection:
            job_store.save(connection, job, after)

    def _source(self, job: Job, position: _Position) -> _Source:
        """Returns the open file at that position."""
        source = self._sources.get(job.number)
        if source is not None and source.position == job.position:
            return source
        self.forget(job.number)
        file = self._file(job, position.file)
        if file is None:
            raise job_store.LostError
        header = None
        if job.wanted["Format"] == "CSV" and position.offset:
            header = CsvRows.header(Lines(self._open(file, 0)[1]))
        raw, stream = self._open(file, position.offset)
        try:
            lines = Lines(stream, offset=position.offset, number=position.line)
            rows = self._rows_of(job, lines, header)
        except BaseException:
            raw.close()
            raise
        source = _Source(file, raw, rows, job.position, is_compressed=raw is not stream)
        self._sources[job.number] = source
        return source

    def _rows_of(self, job: Job, lines: Lines, header: Sequence[str] | None) -> Rows:
        if job.wanted["Format"] == "CSV":
            return CsvRows(lines, self._context.limits, header or CsvRows.header(lines))
        return JsonRows(lines, self._context.limits)

    def _open(self, file: File, offset: int) -> tuple[BinaryIO, BinaryIO]:
        """Opens a file at a byte of its content: as it is stored, and as it is to be read."""
        if not file.url.endswith(".gz"):
            raw = self._context.files.read(file, offset)
            return raw, raw
        raw = self._context.files.read(file, 0)
        stream = io.BufferedReader(gzip.GzipFile(fileobj=raw), _BUFFER_BYTES)
        try:
            while offset > stream.tell():
                if not stream.read(min(offset - stream.tell(), _BUFFER_BYTES)):
                    break  # it has become shorter, and has no more lines
        except BaseException:
            raw.close()
            raise
        return raw, stream

    def _file(self, job: Job, position: int) -> File | None:
        with self._context.store.read() as connection:
            return job_store.file_at(connection, job, position)

    def _adapt(self, rows: int, seconds: float) -> None:
        """Lets the next transaction take about as long as it should."""
        if rows:
            wanted = rows * _TARGET_S / max(seconds, 1e-6)
            self._rows = int(min(max(wanted, _FEWEST_ROWS), _MOST_ROWS, 2 * self._rows))


def _check_new(address: str | None, channel_type: str | None) -> None:
    """An update may come without; what is imported anew must be reachable."""
    if not address:
        raise Refusal("BadRequestException", "Missing Address")
    if not channel_type:
        raise Refusal("BadRequestException", "Missing ChannelType")


def _is_wanted(name: str, suffixes: Iterable[str]) -> bool:
    """Whether a file below the place is of the format; the place itself is, whatever its name."""
    base = posixpath.basename(name)
    if name and base.startswith((".", "_")):
        return False
    return not name or posixpath.splitext(base.removesuffix(".gz"))[1].lower() in suffixes


def _pieces(file: File) -> int:
    return max(1, -(-file.size // _PIECE_BYTES))


def _done(file: File, position: _Position) -> int:
    """How many pieces of the file are complete; the last one only when all is."""
    return min(position.read // _PIECE_BYTES, _pieces(file) - 1)


def _trouble(error: Exception) -> str:
    if isinstance(error, (EOFError, zlib.error, gzip.BadGzipFile)):
        return "the compressed file is damaged"
    return "the file could not be read to its end"

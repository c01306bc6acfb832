"""Import jobs, a piece at a time: find the files, read some rows, apply them, remember how far.

A piece of work reads outside of any transaction and writes in one short one, together with the
job's new position. What was read ahead of a position is kept in memory only, and read again by
whoever goes on. Files stand in jobs/import_source.py, what a row is in jobs/import_rows.py, what
becomes of it in endpoints/writer.py and in segments/operations.py.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import attrs

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.context import Stamp
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.writer import EndpointWriter
from pinpoint_kit.engine.files.files import FilesError
from pinpoint_kit.engine.jobs import store as job_store
from pinpoint_kit.engine.jobs.erasure import ERASED, Erased
from pinpoint_kit.engine.jobs.import_rows import (
    BadRow,
    EndpointRow,
    Origin,
    Row,
    RowMaker,
    UsersRow,
)
from pinpoint_kit.engine.jobs.import_source import (
    Position,
    Source,
    find,
    open_source,
    pieces,
    pieces_done,
)
from pinpoint_kit.engine.segments import imported
from pinpoint_kit.engine.segments import store as segment_store
from pinpoint_kit.engine.wire.http import uuid_of
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request
from pinpoint_kit.engine.work.leases import LostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Context
    from pinpoint_kit.engine.endpoints.state import EndpointState
    from pinpoint_kit.engine.files.files import File
    from pinpoint_kit.engine.jobs.store import Job
    from pinpoint_kit.engine.segments.store import Segment
    from pinpoint_kit.engine.work.leases import Lease

__all__ = ["Imports"]

#: A transaction should hold the right to write for about this long, and while requests write, too,
#: for this long.
_TARGET_S, _SHORT_S = 0.1, 0.02
_FEWEST_ROWS, _FEW_ROWS = 1_000, 200
_MOST_ROWS = 4_000
#: How often reading is tried at one position.
_MOST_TRIES = 3
_SEGMENT_GONE = "the segment has been deleted"


class Imports:
    """Does pieces of import jobs, and keeps their files open in between."""

    def __init__(self, context: Context, monotonic: Callable[[], float]) -> None:
        self._context = context
        self._monotonic = monotonic
        self._sources: dict[int, Source] = {}
        self._rows = _FEWEST_ROWS

    def run_chunk(self, job: Job, lease: Lease, now: int) -> None:
        """Do one piece.

        Raises:
            LostError: somebody else has gone on with the job.
        """
        if Position.parse(job.position).file < 0:
            self._discover_files(job, lease, now)
            return
        try:
            self._process_chunk(job, lease, now)
        except BaseException:
            self.forget(job.number)  # it has read on, and the job has not
            raise

    def forget(self, number: int) -> None:
        """Close the file of a job."""
        source = self._sources.pop(number, None)
        if source is not None:
            source.close()

    def close(self) -> None:
        """Close all files."""
        for number in list(self._sources):
            self.forget(number)

    def _discover_files(self, job: Job, lease: Lease, now: int) -> None:
        """Find the files, once: those that come later are not part of the job."""
        files: list[File] = []
        wanted = job.wanted
        try:
            files = find(
                self._context.files,
                str(wanted["S3Url"]),
                str(wanted["Format"]),
                self._context.limits.max_import_files,
            )
        except FilesError as error:
            after = job.failed_with(str(error), now)
        else:
            after = attrs.evolve(
                job,
                status="PROCESSING",
                total_pieces=sum(map(pieces, files)),
                position=Position.parse(job.position).next_file().text(),
            )
        with self._context.store.write() as connection:
            if not after.open:
                _finish_segment(connection, after, Position(), now)
            job_store.add_files(connection, job, files)
            job_store.save(connection, job, after, lease)

    def _process_chunk(self, job: Job, lease: Lease, now: int) -> None:
        before = Position.parse(job.position)
        origin = Origin(job.app, Stamp(now, uuid_of(job.id)), self._context.new_id)
        try:
            source = self._source(job, before, origin)
            rows = self._read(source, origin)
        except FilesError as error:
            self._handle_read_error(job, lease, before, error, now)
            return
        position = source.moved(before)
        if not source.is_at_end:
            done = pieces_done(source.file, position) - pieces_done(source.file, before)
        else:
            done = pieces(source.file) - pieces_done(source.file, before)
            position = position.next_file()
        read = attrs.evolve(job, completed_pieces=job.completed_pieces + done)
        is_last = source.is_at_end and self._file(job, position.file) is None
        started = self._monotonic()
        # Power loss takes the rows and the position back together, and then they are read again. A
        # job that ends early, because its segment is gone, would end so again.
        with self._context.store.write(bulk=not is_last, is_shared=True) as connection:
            self._context.store.claim(connection, job.app, None)
            work = _ChunkWriter(connection, self._context, job, now)
            after, position = work.store(read, position, source.file, rows)
            if after.open:
                after = attrs.evolve(after, position=position.text())
            if is_last:
                after = _ended(connection, after, position, now)
            job_store.save(connection, job, after, lease)
        self._adapt(len(rows), self._monotonic() - started)
        source.at = after.position
        if source.is_at_end or not after.open:
            self.forget(job.number)

    def _read(self, source: Source, origin: Origin) -> list[Row]:
        """Rows of the file that was found. If it has changed, that is why it cannot be read."""
        files = self._context.files
        try:
            rows = source.read(self._rows, origin)
        except FilesError:
            files.check_unchanged(source.file)
            raise
        files.check_unchanged(source.file)
        return rows

    def _handle_read_error(
        self, job: Job, lease: Lease, position: Position, error: FilesError, now: int
    ) -> None:
        """Try again, or let the pieces of the file that are left fail."""
        self.forget(job.number)
        file = self._file(job, position.file)
        if file is None:
            raise LostError
        if error.is_passing and position.tries + 1 < _MOST_TRIES:
            position = attrs.evolve(position, tries=position.tries + 1)
            after = attrs.evolve(job, position=position.text())
        else:
            text = f"{file.name}: {error}" if file.name else str(error)
            left = pieces(file) - pieces_done(file, position)
            position = position.next_file()
            after = attrs.evolve(
                job, failed_pieces=job.failed_pieces + left, position=position.text()
            ).with_failures([text])
        is_last = self._file(job, position.file) is None
        with self._context.store.write() as connection:
            if is_last:
                after = _ended(connection, after, position, now)
            job_store.save(connection, job, after, lease)

    def _source(self, job: Job, position: Position, origin: Origin) -> Source:
        """Return the open file at that position."""
        source = self._sources.get(job.number)
        if source is not None and source.at == job.position:
            return source
        self.forget(job.number)
        file = self._file(job, position.file)
        if file is None:
            raise LostError
        maker = RowMaker(self._context.limits, origin)
        job_format = str(job.wanted["Format"])
        source = open_source(self._context.files, file, job_format, position, maker)
        self._sources[job.number] = source
        return source

    def _file(self, job: Job, position: int) -> File | None:
        with self._context.store.read() as connection:
            return job_store.file_at(connection, job, position)

    def _adapt(self, rows: int, seconds: float) -> None:
        """Let the next transaction take about as long as it should."""
        if rows:
            target, fewest = _TARGET_S, _FEWEST_ROWS
            if self._context.requests.are_writing:
                target, fewest = _SHORT_S, min(_FEW_ROWS, _FEWEST_ROWS)
            wanted = rows * target / max(seconds, 1e-6)
            self._rows = int(min(max(wanted, fewest), _MOST_ROWS, 2 * self._rows))


class _ChunkWriter:
    """Stores the rows of one piece, inside one transaction."""

    def __init__(self, connection: Connection, context: Context, job: Job, now: int) -> None:
        app = apps.by_number(connection, job.app)
        if app is None:
            raise LostError
        self._connection = connection
        self._context = context
        self._app: App = app
        self._job = job
        self._now = now
        self._failures: dict[int, list[str]] = {}
        self._keys: list[str] = []
        self._channels: Counter[str] = Counter()
        self._erased = Erased(job.id, frozenset(Position.parse(job.position).erased))
        self._user_ids: list[str] = []

    def store(
        self, job: Job, position: Position, file: File, rows: Sequence[Row]
    ) -> tuple[Job, Position]:
        """Store the rows, and return the job and its position with what became of them."""
        segment = self._segment()
        if job.segment is not None and segment is None:
            return job.failed_with(_SEGMENT_GONE, self._now), position
        for row in rows:
            if isinstance(row, BadRow):
                self._fail(row.line, row.reason)
        self._update([row for row in rows if isinstance(row, EndpointRow)])
        self._find([row for row in rows if isinstance(row, UsersRow)], segment)
        if segment is not None:
            imported.add_members(self._connection, segment, self._keys, self._user_ids)
            position = attrs.evolve(
                position,
                size=position.size + len(self._keys) + len(self._user_ids),
                channels=Counter(position.channels) + self._channels,
            )
        more = sum(len(row.user_ids) if isinstance(row, UsersRow) else 1 for row in rows)
        failed = sum(map(len, self._failures.values()))
        counted = attrs.evolve(job, processed=job.processed + more, failed=job.failed + failed)
        return counted.with_failures(self._texts(file)), position

    def _segment(self) -> Segment | None:
        if self._job.segment is None:
            return None
        try:
            return segment_store.find(self._connection, self._app.number, self._job.segment)
        except ApiError:
            return None

    def _update(self, rows: Sequence[EndpointRow]) -> None:
        """Apply each row or none of it."""
        kept = []
        for row in rows:
            if self._erased.has_row(row):
                self._fail(row.line, ERASED)
            else:
                kept.append(row)
        stamp = Stamp(self._now, uuid_of(self._job.id))
        writer = EndpointWriter(self._connection, self._app, self._context, stamp, kept)
        for row in kept:
            self._apply(writer, row)
        writer.flush()

    def _apply(self, writer: EndpointWriter, row: EndpointRow) -> None:
        try:
            if not row.is_exported and not writer.is_known(row.key):
                _check_new(row.draft)
            state = writer.apply(row)
        except ApiError as refusal:
            self._fail(row.line, refusal.message)
            return
        self._keys.append(row.key)
        if state.channel_type is not None:
            self._channels[state.channel_type] += 1

    def _find(self, rows: Sequence[UsersRow], segment: Segment | None) -> None:
        """Look for users who are named without an endpoint."""
        if not rows:
            return
        wanted = [user_id for row in rows for user_id in row.user_ids]
        known = reader.known_users(self._connection, self._app.number, wanted)
        for row in rows:
            for user_id in row.user_ids:
                if segment is None:
                    self._fail(row.line, "names only a user, which is of use for a segment only")
                elif self._erased.has_user(user_id):
                    self._fail(row.line, ERASED)
                elif user_id not in known:
                    self._fail(row.line, "no endpoint has this user")
                else:
                    self._user_ids.append(user_id)

    def _fail(self, line: int, reason: str) -> None:
        self._failures.setdefault(line, []).append(reason)

    def _texts(self, file: File) -> list[str]:
        where = f" of {file.name}" if file.name else ""
        return [
            f"line {line}{where}: {reason}"
            for line in sorted(self._failures)
            for reason in self._failures[line]
        ]


def _check_new(draft: EndpointState) -> None:
    """Refuse a new endpoint that cannot be reached; an update may come without."""
    if not draft.address:
        raise bad_request("Missing Address")
    if not draft.channel_type:
        raise bad_request("Missing ChannelType")


def _ended(connection: Connection, job: Job, position: Position, now: int) -> Job:
    """Return the job, which has read all of its files, with its end."""
    if not job.open:
        return job
    ended = job.completed_at(now)
    is_there = _finish_segment(connection, ended, position, now)
    return ended if is_there else job.failed_with(_SEGMENT_GONE, now)


def _finish_segment(connection: Connection, ended: Job, position: Position, now: int) -> bool:
    """Have the segment tell what it was made of; return False when it is not there any more.

    A segment that was made for a job which failed before it had anything to add goes again.
    """
    if ended.segment is None:
        return True
    try:
        segment = segment_store.find(connection, ended.app, ended.segment)
    except ApiError:
        return False
    if ended.makes_segment and ended.failed_pieces and not position.size:
        segment_store.remove(connection, segment)
        return True
    described = cast("Mapping[str, Any]", segment.definition.members["ImportDefinition"])
    counts = Counter(described["ChannelCounts"]) + Counter(position.channels)
    size = described["Size"] + position.size
    imported.finish_import(connection, segment, size, counts, now)
    return True

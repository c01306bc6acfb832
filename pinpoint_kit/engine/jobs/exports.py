"""Export jobs, a piece at a time: endpoints as GetEndpoint shows them, a line each, compressed.

A part is put together in memory (on disk when it is large) and written at once when it is
complete; only then is the job further. Whoever goes on later begins the unfinished part anew, under
the same name. Which endpoints belong to a job stands in endpoints/reader.py.
"""

from __future__ import annotations

import gzip
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, cast

import attrs
import orjson
from sqlalchemy import func, select

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.state import rendered_row
from pinpoint_kit.engine.files.files import FilesError
from pinpoint_kit.engine.jobs import store as job_store
from pinpoint_kit.engine.jobs.export_position import ExportPosition
from pinpoint_kit.engine.segments import sources
from pinpoint_kit.engine.segments.members import select_members
from pinpoint_kit.engine.segments.sql import condition
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.wire.refusals import ApiError
from pinpoint_kit.engine.work.leases import LostError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Context
    from pinpoint_kit.engine.jobs.store import Job
    from pinpoint_kit.engine.segments.store import Segment
    from pinpoint_kit.engine.work.leases import Lease

__all__ = ["Exports"]

#: Endpoints of one part, which is one of the pieces that a job counts.
_PART_SIZE = 20_000
#: Numbers of endpoints that are looked at in one step.
_WINDOW = 2_000
_MEMORY_BYTES = 16_000_000
_LEVEL = 1


class _Part:
    """A part of an export that is being put together."""

    def __init__(self, position: str) -> None:
        self.position = position
        self.after = ExportPosition.parse(position).after
        self.count = 0
        self.content = cast("BinaryIO", tempfile.SpooledTemporaryFile(_MEMORY_BYTES))  # noqa: SIM115 -- lives over steps; closed by `close`
        self._gzip = gzip.GzipFile(fileobj=self.content, mode="wb", compresslevel=_LEVEL, mtime=0)

    def add(self, lines: list[bytes]) -> None:
        """Append lines, each with its end."""
        self._gzip.write(b"".join(lines))
        self.count += len(lines)

    def finish(self) -> BinaryIO:
        """Return the whole content, positioned at its begin."""
        self._gzip.close()
        self.content.seek(0)
        return self.content

    def close(self) -> None:
        """Throw the content away."""
        self._gzip.close()
        self.content.close()


class Exports:
    """Does pieces of export jobs, and keeps the part under way of each."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._parts: dict[int, _Part] = {}

    def run_chunk(self, job: Job, lease: Lease, now: int) -> None:
        """Do one piece.

        Raises:
            LostError: somebody else has gone on with the job.
        """
        if not job.position:
            self._count_endpoints(job, lease, now)
            return
        try:
            self._collect(job, lease, now)
        except BaseException:
            self.forget(job.number)
            raise

    def forget(self, number: int) -> None:
        """Throw away the part of a job."""
        part = self._parts.pop(number, None)
        if part is not None:
            part.close()

    def close(self) -> None:
        """Throw away all parts."""
        for number in list(self._parts):
            self.forget(number)

    def _count_endpoints(self, job: Job, lease: Lease, now: int) -> None:
        """Count the endpoints, once: those that come later are not part of the job."""
        settled = self._context.store.settled(ENDPOINTS.name)
        try:
            with self._context.store.read() as connection:
                count, last = reader.extent(connection, job.app)
                last = last if settled is None else min(last, settled)
                if job.segment is not None:
                    app, segment = _segment(connection, job)
                    members = select_members(segment, app, job.created)
                    counting = members.with_only_columns(func.count())
                    count = connection.execute(counting).scalar_one()
        except ApiError as refusal:
            self._fail(job, lease, refusal, now)
            return
        pieces = max(1, -(-count // _PART_SIZE))
        position = ExportPosition(0, last).text()
        after = attrs.evolve(job, status="PROCESSING", total_pieces=pieces, position=position)
        with self._context.store.write() as connection:
            job_store.save(connection, job, after, lease)

    def _collect(self, job: Job, lease: Lease, now: int) -> None:
        part = self._parts.get(job.number)
        if part is None or part.position != job.position:
            self.forget(job.number)
            part = self._parts[job.number] = _Part(job.position)
        last = ExportPosition.parse(job.position).last
        try:
            self._add(job, part, last)
        except ApiError as refusal:
            self._fail(job, lease, refusal, now)
            return
        if part.count >= _PART_SIZE or part.after >= last:
            self._write(job, lease, part, last, now)

    def _add(self, job: Job, part: _Part, last: int) -> None:
        """Add the endpoints of the next window of numbers."""
        end = min(part.after + _WINDOW, last)
        most = _PART_SIZE - part.count
        with self._context.store.read() as connection:
            app = apps.by_number(connection, job.app)
            if app is None:
                raise LostError
            found = reader.numbered(connection, job.app, part.after, end)
            if job.segment is not None:
                members = _members(connection, job, part.after, end)
                found = [row for row in found if row[-1] in members]
        part.add(
            [
                orjson.dumps(rendered_row(row[:-1], app.id), option=orjson.OPT_APPEND_NEWLINE)
                for row in found[:most]
            ]
        )
        part.after = found[most - 1][-1] if len(found) > most else end

    def _write(self, job: Job, lease: Lease, part: _Part, last: int, now: int) -> None:
        """Write the part, and the job is further."""
        try:
            self._context.files.write(self._next_part(job), part.finish())
        except FilesError as error:
            after = job.failed_with(str(error), now)
        else:
            done = job.completed_pieces + 1
            after = attrs.evolve(
                job,
                completed_pieces=done,
                processed=job.processed + part.count,
                position=attrs.evolve(ExportPosition.parse(job.position), after=part.after).text(),
            )
            if part.after >= last:
                after = attrs.evolve(after, total_pieces=done).completed_at(now)
        with self._context.store.write() as connection:
            job_store.save(connection, job, after, lease)
        self.forget(job.number)

    def _next_part(self, job: Job) -> str:
        name = f"{job.id}/part-{job.completed_pieces}.gz"
        return self._context.files.join(str(job.wanted["S3UrlPrefix"]), name)

    def _fail(self, job: Job, lease: Lease, refusal: ApiError, now: int) -> None:
        """End a job whose segment, or one that it builds on, cannot be evaluated any more."""
        self.forget(job.number)
        with suppress(FilesError):  # the job has failed already, and nothing else depends on it
            self._context.files.tidy(self._next_part(job))
        after = job.failed_with(refusal.text, now)
        with self._context.store.write() as connection:
            job_store.save(connection, job, after, lease)


def _segment(connection: Connection, job: Job) -> tuple[App, Segment]:
    app = apps.by_number(connection, job.app)
    if app is None:
        raise LostError
    wanted = job.wanted
    version = cast("int | None", wanted.get("SegmentVersion"))
    return app, sources.require(connection, app, str(wanted["SegmentId"]), version)


def _members(connection: Connection, job: Job, after: int, last: int) -> set[int]:
    """Return the numbers of those endpoints of a window that belong to the job's segment."""
    _, segment = _segment(connection, job)
    number = ENDPOINTS.c.number
    statement = (
        select(number)
        .where(number > after, number <= last)
        .where(condition(segment.rule, segment, job.created))
    )
    return set(connection.execute(statement).scalars())

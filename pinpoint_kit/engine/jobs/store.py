"""`Job`: a stored import or export job, and everything that is read and written of one.

How far a job is stands in the same row, and is written in the same transaction as what a piece of
work changed: whoever goes on later neither loses nor repeats anything. What a piece is belongs to
jobs/imports.py and jobs/exports.py, who works on it to work/runner.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import orjson
from sqlalchemy import bindparam, insert, select, update

from pinpoint_kit.engine.files.files import File
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.jobs import JOB_FILES, JOBS
from pinpoint_kit.engine.wire.body import encode
from pinpoint_kit.engine.work.leases import LostError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.work.leases import Lease

__all__ = [
    "EXPORT",
    "IMPORT",
    "Job",
    "add",
    "add_files",
    "by_id",
    "file_at",
    "listed",
    "load",
    "open_numbers",
    "read_definition",
    "save",
]

IMPORT = "IMPORT"
EXPORT = "EXPORT"

_FILES = JOB_FILES
#: How many failures are kept as text, as the service does.
_MOST_FAILURES = 100


@attrs.frozen
class Job:
    """A row of `jobs`, in the order of the columns."""

    number: int
    app: int
    id: str
    type: str
    status: str
    created: int
    completed: int | None
    definition: str = attrs.field(repr=False)
    segment: str | None
    makes_segment: bool
    total_pieces: int
    completed_pieces: int
    failed_pieces: int
    processed: int
    failed: int
    failures: str | None = attrs.field(repr=False)
    position: str = attrs.field(repr=False)
    open: int | None

    @property
    def wanted(self) -> dict[str, object]:
        """The definition, read."""
        return read_definition(self.definition)

    def with_failures(self, texts: Sequence[str]) -> Job:
        """Return the job with further failures' texts."""
        known: list[str] = orjson.loads(self.failures) if self.failures else []
        if not texts or len(known) >= _MOST_FAILURES:
            return self
        return attrs.evolve(self, failures=encode([*known, *texts][:_MOST_FAILURES]))

    def completed_at(self, now: int) -> Job:
        """Return the job with nothing left to do: failed if one of its pieces did."""
        status = "FAILED" if self.failed_pieces else "COMPLETED"
        return attrs.evolve(self, status=status, completed=now, open=None, position="")

    def failed_with(self, text: str, now: int) -> Job:
        """Return the job, failed as a whole: what it has not done yet will not be done."""
        total = max(1, self.total_pieces)
        failed = max(1, total - self.completed_pieces)
        pieces = attrs.evolve(self, total_pieces=total, failed_pieces=failed)
        return pieces.with_failures([text]).completed_at(now)


def read_definition(text: str) -> dict[str, object]:
    """Read what is stored of what a job is to do."""
    definition: dict[str, object] = orjson.loads(text)
    return definition


_NAMES = tuple(field.name for field in attrs.fields(Job))
_COLUMNS = tuple(JOBS.c[name] for name in _NAMES)
#: What changes while a job is worked on.
_MUTABLE = (
    "status", "completed", "total_pieces", "completed_pieces", "failed_pieces", "processed",
    "failed", "failures", "position", "open",
)  # fmt: skip

_LOAD = Statement(select(*_COLUMNS).where(JOBS.c.number == bindparam("number_")), "number_")
_STATE = Statement(
    select(JOBS.c.position).where(JOBS.c.number == bindparam("number_")),
    "number_",
)
_SAVE = Statement(
    update(JOBS)
    .values({name: bindparam(name) for name in _MUTABLE})
    .where(JOBS.c.number == bindparam("number_")),
    *_MUTABLE,
    "number_",
)
_OPEN = Statement(
    select(JOBS.c.number)
    .where(JOBS.c.open.is_not(None))
    .where(JOBS.c.type == bindparam("type_"))
    .order_by(JOBS.c.number)
    .limit(bindparam("most_")),
    "type_",
    "most_",
)
_FILE = Statement(
    select(_FILES.c.url, _FILES.c.name, _FILES.c.size, _FILES.c.version)
    .where(_FILES.c.job == bindparam("job_"))
    .where(_FILES.c.position == bindparam("position_")),
    "job_",
    "position_",
)
_ADD_FILE = Statement(insert(_FILES), "app", "job", "position", "url", "name", "size", "version")


def add(  # noqa: PLR0913 -- the columns of a new row
    connection: Connection,
    app: int,
    job_id: str,
    job_type: str,
    definition: Mapping[str, object],
    *,
    segment: str | None,
    makes_segment: bool,
    now: int,
) -> Job:
    """Store a new job."""
    connection.execute(
        insert(JOBS).values(
            app=app,
            id=job_id,
            type=job_type,
            status="CREATED",
            created=now,
            definition=encode(definition),
            segment=segment,
            makes_segment=makes_segment,
            total_pieces=0,
            completed_pieces=0,
            failed_pieces=0,
            processed=0,
            failed=0,
            position="",
            open=1,
        )
    )
    job = by_id(connection, app, job_type, job_id)
    if job is None:
        raise AssertionError("the job was stored just now")
    return job


def by_id(connection: Connection, app: int, job_type: str, job_id: str) -> Job | None:
    """Return a job of an application."""
    row = connection.execute(
        select(*_COLUMNS)
        .where(JOBS.c.id == job_id)
        .where(JOBS.c.app == app)
        .where(JOBS.c.type == job_type)
    ).first()
    return None if row is None else Job(*row)


def listed(  # noqa: PLR0913 -- what makes up a page
    connection: Connection,
    app: int,
    job_type: str,
    *,
    segment: str | None,
    after: int,
    most: int,
) -> list[Job]:
    """Return jobs of an application in the order of their creation, all or those of a segment."""
    query = (
        select(*_COLUMNS)
        .where(JOBS.c.app == app)
        .where(JOBS.c.type == job_type)
        .where(JOBS.c.number > after)
        .order_by(JOBS.c.number)
        .limit(most)
    )
    if segment is not None:
        query = query.where(JOBS.c.segment == segment)
    return [Job(*row) for row in connection.execute(query)]


def open_numbers(connection: Connection, job_type: str, most: int) -> list[int]:
    """Return the numbers of the oldest jobs of a type that have not ended."""
    return [row[0] for row in _OPEN.rows(connection, job_type, most)]


def load(connection: Connection, number: int) -> Job:
    """Return a job.

    Raises:
        LostError: it is gone.
    """
    rows = _LOAD.rows(connection, number)
    if not rows:
        raise LostError
    return Job(*rows[0])


def save(connection: Connection, before: Job, after: Job, lease: Lease) -> Job:
    """Store how far a job is now. It must still be as far as it was before.

    Raises:
        LostError: it is not, or is held by somebody else; the transaction must be given up.
    """
    lease.check(connection)
    rows = _STATE.rows(connection, before.number)
    if not rows or rows[0][0] != before.position:
        raise LostError
    values = [getattr(after, name) for name in _MUTABLE]
    _SAVE.run_many(connection, [(*values, before.number)])
    if not after.open:
        lease.end(connection)
    return after


def add_files(connection: Connection, job: Job, files: Sequence[File]) -> None:
    """Store which files an import job reads."""
    _ADD_FILE.run_many(
        connection,
        [
            (job.app, job.number, position, file.url, file.name, file.size, file.version)
            for position, file in enumerate(files)
        ],
    )


def file_at(connection: Connection, job: Job, position: int) -> File | None:
    """Return a file of an import job, None after the last one."""
    rows = _FILE.rows(connection, job.number, position)
    return File(*rows[0]) if rows else None

"""Import jobs and export jobs as workers: which there are, and a step of one.

What a step does stands in jobs/imports.py and jobs/exports.py, whose turn it is in work/runner.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

from pinpoint_kit.engine.context import Context
from pinpoint_kit.engine.jobs import store as job_store
from pinpoint_kit.engine.jobs.exports import Exports
from pinpoint_kit.engine.jobs.imports import Imports
from pinpoint_kit.engine.work.worker import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.jobs.store import Job
    from pinpoint_kit.engine.work.leases import Lease
    from pinpoint_kit.engine.work.worker import Worker

__all__ = ["JobWorker", "workers"]


class JobSteps(Protocol):
    """What one type of job does in a step."""

    def run_chunk(self, job: Job, lease: Lease, now: int) -> None:
        """Do one piece; see `Worker.run`."""

    def forget(self, number: int) -> None:
        """Close what is kept open for a job."""

    def close(self) -> None:
        """Close everything."""


@attrs.frozen
class JobWorker:
    """The unfinished jobs of one type; a task is a job, by its number."""

    name: str
    job_type: str
    steps: JobSteps
    _context: Context

    def tasks(self, connection: Connection, now: int) -> Sequence[Task]:  # noqa: ARG002 -- see Worker
        """Return the jobs that have not ended, the oldest first."""
        most = self._context.limits.max_import_jobs
        return [Task(str(n)) for n in job_store.open_numbers(connection, self.job_type, most)]

    def run(self, key: str, lease: Lease, now: int) -> None:
        """Do one piece of a job."""
        with self._context.store.read() as connection:
            job = job_store.load(connection, int(key))
        if job.status == "CREATED":
            begun = attrs.evolve(job, status="INITIALIZING")
            with self._context.store.write() as connection:
                job = job_store.save(connection, job, begun, lease)
        self.steps.run_chunk(job, lease, now)

    def fail(self, key: str, lease: Lease, now: int) -> None:
        """Let the job fail as a whole."""
        with self._context.store.write() as connection:
            job = job_store.load(connection, int(key))
            after = job.failed_with("the engine failed; please report this with the log line", now)
            job_store.save(connection, job, after, lease)

    def forget(self, key: str) -> None:
        """Close the files of a job."""
        self.steps.forget(int(key))

    def close(self) -> None:
        """Close the files of all jobs."""
        self.steps.close()


def workers(context: Context, monotonic: Callable[[], float]) -> list[Worker]:
    """Return the workers for jobs."""
    return [
        JobWorker("import-jobs", job_store.IMPORT, Imports(context, monotonic), context),
        JobWorker("export-jobs", job_store.EXPORT, Exports(context), context),
    ]

"""`endpoints.load`: everything is checked before anything is sent, then the best way is taken.

A file that the engine in this process can read itself is imported by a job. What goes elsewhere is
sent in batches, or by a job through a bucket when there is one and it is worth it. A job creates an
endpoint only from its channel type and address, so where a row lacks them batches are taken, too.
Between checking and sending, updates wait in a temporary file that has no name: memory stays small.
"""

from __future__ import annotations

import logging
import re
import tempfile
import uuid
from array import array
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO

import attrs

from pinpoint_kit.audience import locations
from pinpoint_kit.audience.batches import UpdateProgress, attach_report
from pinpoint_kit.audience.report import LoadProgress, LoadReport
from pinpoint_kit.audience.row_checks import RowChecks
from pinpoint_kit.audience.row_sources import checked_rows, local_file
from pinpoint_kit.batching import EndpointItem
from pinpoint_kit.errors import (
    ConfigurationError,
    InvalidRowsError,
    PinpointKitError,
)
from pinpoint_kit.models.checks import seconds
from pinpoint_kit.models.job import JobFormat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.audience.batches import Batches
    from pinpoint_kit.audience.jobs import Jobs
    from pinpoint_kit.audience.report import RowProblem
    from pinpoint_kit.audience.row_checks import CheckedRow
    from pinpoint_kit.audience.row_sources import RowSource
    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.job import Job
    from pinpoint_kit.objects import Objects

__all__ = ["Loader"]

_logger = logging.getLogger(__name__)

#: An error holds so many problems, and a report so many failures.
_MOST_PROBLEMS = 100
#: Fewer rows than this arrive sooner in batches than by way of a bucket.
_WORTH_A_JOB = 1_000
_TOLD_EVERY = 1_000
_LINE = re.compile(r"^line (\d+)")


@attrs.frozen
class _CheckedUpdates:
    """Updates that were checked: a line each, and the rows that they came from."""

    lines: BinaryIO
    rows: array[int]

    def items(self) -> Iterator[EndpointItem]:
        self.lines.seek(0)
        for row, line in zip(self.rows, self.lines, strict=True):
            yield EndpointItem("", line[:-1], row)


@attrs.frozen
class _Summary:
    """How many rows there are, and whether a job may take all of them."""

    count: int
    are_whole: bool


@attrs.frozen
class _Progress:
    """Tells the caller, if it wants to know."""

    listener: Callable[[LoadProgress], object] | None

    def tell(self, stage: str, done: int, total: int | None = None) -> None:
        if self.listener is not None:
            self.listener(LoadProgress(stage=stage, done=done, total=total))


class Loader:
    """Loads rows into one application."""

    def __init__(
        self,
        *,
        jobs: Jobs,
        objects: Objects,
        batches: Batches,
        limits: Limits,
        is_here: bool,
    ) -> None:
        self._jobs = jobs
        self._objects = objects
        self._batches = batches
        self._limits = limits
        self._is_here = is_here

    def load(  # noqa: PLR0913 -- what `Endpoints.load` takes
        self,
        source: RowSource,
        *,
        kind: JobFormat | str | None,
        staging: str | None,
        role_arn: str | None,
        timeout: float,
        on_progress: Callable[[LoadProgress], object] | None,
    ) -> LoadReport:
        """See `Endpoints.load`."""
        timeout = seconds(timeout)
        if staging is not None:
            self._check_staging(staging)
        progress = _Progress(on_progress)
        path = local_file(source)
        known = None
        if path is not None or hasattr(source, "read"):
            known = locations.format_of(path.name if path else "", kind, "$.format")
        checks = RowChecks(self._limits)
        if path is not None and self._is_here:
            found = _check(checked_rows(source, path, known, checks), None, progress)
            if found.are_whole:
                job = self._jobs.import_endpoints(path, format=known)
                return self._finished(job, found.count, timeout, progress)
        with tempfile.TemporaryFile() as lines:
            kept = _CheckedUpdates(lines, array("Q"))
            found = _check(checked_rows(source, path, known, checks), kept, progress)
            if staging is None or found.count < _WORTH_A_JOB or not found.are_whole:
                return self._in_batches(kept, progress)
            return self._through_a_bucket(kept, staging, role_arn, timeout, progress)

    def _check_staging(self, staging: str) -> None:
        if self._is_here:
            raise ConfigurationError(
                "the engine in this process needs no bucket: leave staging out"
            )
        self._objects.check(staging)

    def _in_batches(self, kept: _CheckedUpdates, progress: _Progress) -> LoadReport:
        total = len(kept.rows)
        tally = UpdateProgress(lambda done: progress.tell("sending", done, total))
        try:
            self._batches.send(kept.items(), tally)
        except Exception as error:
            attach_report(error, tally.report(), "load")
            raise
        rejected = tally.report().rejected
        return LoadReport(
            accepted=tally.accepted,
            rejected=len(rejected),
            failures=tuple(f"row {one.index}: {one.reason}" for one in rejected[:_MOST_PROBLEMS]),
            requests=tally.requests,
        )

    def _through_a_bucket(
        self,
        kept: _CheckedUpdates,
        staging: str,
        role_arn: str | None,
        timeout: float,
        progress: _Progress,
    ) -> LoadReport:
        url = f"{staging.rstrip('/')}/pinpoint-kit-{uuid.uuid4().hex}.json"
        total = len(kept.rows)
        progress.tell("uploading", 0, total)
        kept.lines.seek(0)
        self._objects.write(url, kept.lines)
        try:
            job = self._jobs.import_endpoints(url, format=JobFormat.JSON, role_arn=role_arn)
            report = self._finished(job, total, timeout, progress)
        finally:
            self._remove(url)
        failures = tuple(_of_row(text, kept.rows) for text in report.failures)
        return attrs.evolve(report, failures=failures)

    def _remove(self, url: str) -> None:
        try:
            self._objects.remove(url)
        except PinpointKitError as error:
            # What was to be done is done; but this file holds personal data.
            _logger.warning(
                "a file that endpoints.load has put into the bucket was not removed (%s): its name"
                " begins with pinpoint-kit-; remove it yourself",
                type(error).__name__,
            )

    def _finished(self, job: Job, count: int, timeout: float, progress: _Progress) -> LoadReport:
        ended = self._jobs.wait(
            job,
            timeout=timeout,
            on_progress=lambda seen: progress.tell("importing", seen.total_processed or 0, count),
        )
        failed = ended.total_failures or 0
        return LoadReport(
            accepted=(ended.total_processed or 0) - failed,
            rejected=failed,
            failures=ended.failures,
            job=ended,
        )


def _check(
    rows: Iterator[CheckedRow], kept: _CheckedUpdates | None, progress: _Progress
) -> _Summary:
    """Read and check all rows, and keep their updates if wanted.

    Raises:
        InvalidRowsError: some cannot be used.
    """
    count = bad = 0
    are_whole = True
    problems: list[RowProblem] = []
    for checked in rows:
        count += 1
        are_whole = are_whole and checked.is_whole
        if checked.problem is not None:
            bad += 1
            if len(problems) < _MOST_PROBLEMS:
                problems.append(checked.problem)
        elif kept is not None and not bad:
            kept.lines.write(checked.update + b"\n")
            kept.rows.append(checked.row)
        if count % _TOLD_EVERY == 0:
            progress.tell("checking", count)
    progress.tell("checking", count, count)
    if bad:
        more = f", and {bad - 1:,} more cannot" if bad > 1 else ""
        raise InvalidRowsError(
            f"nothing was sent: {problems[0]}{more}; problems lists the first of them: correct"
            " them, or leave these rows out",
            tuple(problems),
            bad,
        )
    return _Summary(count, are_whole)


def _of_row(text: str, rows: array[int]) -> str:
    """Return a failure of a line that was uploaded, as one of the row that it came from."""
    found = _LINE.match(text)
    if found is None or not 0 < int(found[1]) <= len(rows):
        return text
    return f"row {rows[int(found[1]) - 1]}{text[found.end() :]}"

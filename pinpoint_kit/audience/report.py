"""What became of many endpoint updates, and of rows that were loaded."""

from __future__ import annotations

import attrs

from pinpoint_kit.errors import BadRequest
from pinpoint_kit.models.display.counting import counted
from pinpoint_kit.models.display.display import Displayed
from pinpoint_kit.models.job import Job

__all__ = ["BatchReport", "LoadProgress", "LoadReport", "Rejection", "RowProblem"]


def _count(several: tuple[object, ...]) -> str:
    return f"<{len(several)}>"


def _short_job(job: Job | None) -> str:
    return "None" if job is None else f"<Job {job.id}>"


@attrs.frozen(kw_only=True)
class Rejection(Displayed):
    """One item that was refused.

    Args:
        index: its place in what was given, from 0.
        id: its endpoint id, or "" when it had none.
        reason: why, and what to do.
    """

    index: int
    id: str
    reason: str


@attrs.frozen(kw_only=True)
class BatchReport(Displayed):
    """What became of many items: `total` is `accepted` and `rejected` together.

    An error that ended the call early has the report of what was settled before as its `report`.

    Args:
        accepted: items that the service has taken.
        rejected: items that were refused, each with its place and reason.
        requests: requests that it took.
    """

    accepted: int = 0
    rejected: tuple[Rejection, ...] = attrs.field(default=(), repr=_count)
    requests: int = 0

    @property
    def total(self) -> int:
        """Items that were settled: all that were given, unless an error ended it."""
        return self.accepted + len(self.rejected)

    def raise_for_rejected(self) -> BatchReport:
        """Return self when nothing was rejected.

        Raises:
            BadRequest: something was; the message names the first one and counts the rest.
        """
        if not self.rejected:
            return self
        first = self.rejected[0]
        raise BadRequest(
            f"{len(self.rejected)} of {counted(self.total, 'endpoint')} rejected;"
            f" item {first.index}: {first.reason}",
            status=400,
            operation="UpdateEndpointsBatch",
        )


@attrs.frozen(kw_only=True)
class RowProblem(Displayed):
    """Why a row cannot be loaded; it holds nothing of what stands in the row.

    Args:
        row: its line in a file, its place in what was given otherwise; both from 1.
        column: the column or member that is wrong, "" when it is the row as a whole.
        message: what is wrong, and what to do.
    """

    row: int
    column: str = ""
    message: str

    def __str__(self) -> str:
        column = f", {self.column}" if self.column else ""
        return f"row {self.row}{column}: {self.message}"


@attrs.frozen(kw_only=True)
class LoadProgress:
    """How far `endpoints.load` is.

    Args:
        stage: `checking`, `sending` (in batches), `uploading` or `importing` (by a job).
        done: rows that are done in this stage.
        total: rows in all, None while that is not known.
    """

    stage: str
    done: int
    total: int | None = None


@attrs.frozen(kw_only=True)
class LoadReport(Displayed):
    """What `endpoints.load` has done.

    Args:
        accepted: endpoints that were created or updated.
        rejected: endpoints that were refused, although each row by itself was right.
        failures: why, for at most 100 of them; each begins with its row, or its line in the file.
        requests: requests that it took, when endpoints were sent in batches.
        job: the import job, when one has loaded them.
    """

    accepted: int = 0
    rejected: int = 0
    failures: tuple[str, ...] = attrs.field(default=(), repr=_count)
    requests: int = 0
    job: Job | None = attrs.field(default=None, repr=_short_job)

    @property
    def total(self) -> int:
        """Endpoints that were given."""
        return self.accepted + self.rejected

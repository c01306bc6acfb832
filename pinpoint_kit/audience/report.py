"""What became of many endpoint updates."""

from __future__ import annotations

import attrs

from pinpoint_kit.errors import BadRequest
from pinpoint_kit.models.display import Displayed

__all__ = ["BatchReport", "Rejection"]


def _count(several: tuple[object, ...]) -> str:
    return f"<{len(several)}>"


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
            f"{len(self.rejected)} of {self.total} endpoints rejected; item {first.index}:"
            f" {first.reason}",
            status=400,
            operation="UpdateEndpointsBatch",
        )

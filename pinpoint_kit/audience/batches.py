"""Sends endpoint updates in batches, and finds the one that a refused batch is refused for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.audience.report import BatchReport, Rejection
from pinpoint_kit.batching import Batch, EndpointItem, TooLarge, pack_endpoints
from pinpoint_kit.errors import BadRequest, PayloadTooLarge, PinpointKitError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinpoint_kit.limits import Limits
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Batches", "UpdateProgress", "attach_report"]


@attrs.define
class UpdateProgress:
    """The running report of many updates."""

    on_progress: Callable[[int], object] | None
    accepted: int = 0
    requests: int = 0
    rejected: list[Rejection] = attrs.field(factory=list)

    def reject(self, index: int, endpoint_id: str, reason: str) -> None:
        """One was refused."""
        self.rejected.append(Rejection(index=index, id=endpoint_id, reason=reason))
        self.progress()

    def progress(self) -> None:
        """Report how many are done."""
        if self.on_progress is not None:
            self.on_progress(self.accepted + len(self.rejected))

    def report(self) -> BatchReport:
        """Return what has been done so far."""
        return BatchReport(
            accepted=self.accepted,
            rejected=tuple(sorted(self.rejected, key=lambda rejection: rejection.index)),
            requests=self.requests,
        )


class Batches:
    """UpdateEndpointsBatch for any number of encoded updates."""

    def __init__(self, transport: Transport, application_id: ApplicationId, limits: Limits) -> None:
        self._transport = transport
        self._application_id = application_id
        self._limits = limits

    def send(self, items: Iterable[EndpointItem], progress: UpdateProgress) -> None:
        """Send them in requests of as many as one may have.

        UpdateEndpointsBatch answers only as a whole, so a refused request is halved until the
        refused item is found; that one is rejected by itself.

        Raises:
            ServiceError: the service refuses to go on.
            TransportError: no answer came.
        """
        for packed in pack_endpoints(items, self._limits):
            if isinstance(packed, TooLarge):
                progress.reject(
                    packed.item.index,
                    packed.item.endpoint_id,
                    f"has {packed.size} bytes, and at most {packed.limit} are allowed: keep less"
                    " in the endpoint",
                )
            else:
                self._send(packed, progress)

    def _send(self, batch: Batch[EndpointItem], progress: UpdateProgress) -> None:
        progress.requests += 1
        try:
            self._transport.update_endpoints_batch(self._application_id, batch.body)
        except (BadRequest, PayloadTooLarge) as error:
            if len(batch.items) > 1:
                for half in batch.halves():
                    self._send(half, progress)
            else:
                item = batch.items[0]
                progress.reject(item.index, item.endpoint_id, _service_text(error))
        else:
            progress.accepted += len(batch.items)
            progress.progress()


def _service_text(error: ServiceError) -> str:
    return f"{error.message} ({error.status})"


def attach_report(error: Exception, report: BatchReport, what: str) -> None:
    """Attach to an error what was done before it."""
    if isinstance(error, PinpointKitError):
        error.report = report
    add_note = getattr(error, "add_note", None)  # from Python 3.11 on
    if add_note is not None:
        add_note(
            f"{what}: {report.accepted} endpoints were accepted and {len(report.rejected)}"
            f" rejected before this, in {report.requests} requests"
        )

"""What follows when items are settled: their futures, the spool, the dead letters, the log.

Every path that ends an item goes through here. The ledger knows the end already; all that follows
may be done twice and changes nothing then, so an interruption is made good by doing it again.
Nothing here sends.
"""

from __future__ import annotations

import datetime as dt
from collections import deque
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.delivery.pipeline.answers import result_of
from pinpoint_kit.delivery.pipeline.backlog import Backlog
from pinpoint_kit.delivery.pipeline.buffer import Buffer
from pinpoint_kit.delivery.pipeline.futures import settle
from pinpoint_kit.delivery.pipeline.items import Loss, Queued, Verdict
from pinpoint_kit.delivery.pipeline.log import Log
from pinpoint_kit.delivery.pipeline.notices import Notices
from pinpoint_kit.delivery.report import DeadLetter
from pinpoint_kit.errors import DeliveryError
from pinpoint_kit.models import wire
from pinpoint_kit.models.event import EventResult

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pinpoint_kit.delivery.pipeline.answers import Answer
    from pinpoint_kit.delivery.pipeline.items import Item

__all__ = ["Outcomes", "endpoint_data_of"]

_KEPT = 1_000


@attrs.define(eq=False)
class Outcomes:
    """Everything that follows the end of an item."""

    buffer: Buffer
    log: Log
    notices: Notices
    backlog: Backlog | None = None
    letters: deque[DeadLetter] = attrs.field(factory=lambda: deque(maxlen=_KEPT))

    def conclude(self, verdict: Verdict) -> None:
        """Do what follows from a verdict that was counted.

        The disk comes first: futures, the log and callbacks run code of others, which may close the
        client or end the process.
        """
        self.write(verdict)
        for item, _ in verdict.accepted:
            if type(item) is Queued and item.future is not None:
                result = verdict.answer and result_of(verdict.answer, item[0], item[1])
                settle(item.future, result or _result(item, 202, "Accepted"))
        for loss in verdict.losses:
            self._conclude_loss(loss, verdict.answer)
        self._conclude_endpoints(verdict)
        verdict.is_concluded = True

    def write(self, verdict: Verdict) -> None:
        """Do on disk what follows from a verdict; it may be done by several threads, and again."""
        specials = [item for item, _ in verdict.accepted if type(item) is Queued]
        for item in specials:
            item.is_settled = True
        for loss in verdict.losses:
            for lost, _ in loss.entries:
                if isinstance(lost, Queued):
                    lost.is_settled = True
        if self.backlog is not None:
            self.backlog.remove(specials)
            for loss in verdict.losses:
                tries = [self.buffer.tries(number) for _, number in loss.entries]
                self.backlog.dead_letter_item([item for item, _ in loss.entries], loss, tries)

    def _conclude_loss(self, loss: Loss, answer: Answer | None) -> None:
        for item, _ in loss.entries:
            if isinstance(item, Queued) and item.future is not None:
                self._settle_lost(item, item.future, loss, answer)
        # Where nobody is called for each, the latest are enough: there may be 200,000.
        is_called = self.notices.calls(loss.outcome)
        for item, number in loss.entries if is_called else loss.entries[-_KEPT:]:
            if not (isinstance(item, Queued) and item.is_rider):
                self._keep(loss, item, self.buffer.tries(number))
        count = sum(not (isinstance(item, Queued) and item.is_rider) for item, _ in loss.entries)
        if count:
            hint = loss.message if loss.outcome == "dropped" else ""
            self.log.loss(loss.outcome, loss.reason, count, hint)

    def _settle_lost(
        self, item: Queued, future: Future[EventResult], loss: Loss, answer: Answer | None
    ) -> None:
        if loss.outcome == "rejected":
            result = answer and result_of(answer, item[0], item[1])
            settle(future, result or _result(item, loss.status, loss.message))
        else:
            why = f"{loss.reason}; the last failure was {loss.message}" if loss.message else ""
            settle(future, DeliveryError(f"event dropped: {why or loss.reason}", loss.reason))

    def _conclude_endpoints(self, verdict: Verdict) -> None:
        counts: dict[int | None, int] = {}
        for _, status in verdict.refused_endpoints:
            counts[status] = counts.get(status, 0) + 1
        for status, count in counts.items():
            self.log.loss("with refused endpoint data", f"status_{status}", count)

    # What ends before it is queued

    def reject(self, item: Queued, reason: str, message: str) -> None:
        """Count an item as refused for its content."""
        self.buffer.lose("rejected", reason)
        loss = Loss("rejected", reason, message, ())
        if self.backlog is not None:
            self.backlog.add_dead_letter(item, loss)
        self.log.loss("rejected", reason, hint="see delivery.dead_letters() or on_rejected")
        self._keep(loss, item, 0)

    def drop(self, item: Queued, reason: str) -> None:
        """Count an item that found no room, or came too late."""
        self.buffer.lose("dropped", reason)
        self.log.loss("dropped", reason)
        self._keep(Loss("dropped", reason, "", ()), item, 0)
        if item.future is not None:
            settle(item.future, DeliveryError(f"event dropped: {reason}", reason))

    def clear_evicted(self) -> None:
        """Do what follows for items that were dropped to make room."""
        evicted = self.buffer.evicted
        loss = Loss("dropped", "buffer_full", "", ())
        error = DeliveryError("event dropped: buffer_full", "buffer_full")
        while evicted:
            for item, _ in list(evicted):  # before anything is taken out: an interruption may come
                if isinstance(item, Queued) and item.future is not None:
                    settle(item.future, error)
            try:
                item, _ = evicted.popleft()
            except IndexError:
                return  # another thread does the same
            if isinstance(item, Queued):
                item.is_settled = True
                if item.future is not None:
                    settle(item.future, error)
                if self.backlog is not None:
                    self.backlog.remove([item])  # it makes room there, too
            self._keep(loss, item, 0)
            self.log.loss("dropped", "buffer_full")

    def _keep(self, loss: Loss, item: Item, tries: int) -> None:
        letter = DeadLetter(
            outcome=loss.outcome,
            endpoint_id=item[0],
            event_id=item[1],
            reason=loss.reason,
            message=loss.message,
            at=_now(),
            tries=tries,
        )
        self.letters.append(letter)
        self.notices.send(letter)


def endpoint_data_of(item: Queued) -> Queued:
    """Return the endpoint data of a rejected event as an update that goes out by itself."""
    fragment = wire.with_id(item[0], item.endpoint)
    return Queued(item[0], "", fragment, at=item[3], is_endpoint=True, is_rider=True)


def _result(item: Item, status: int, message: str) -> EventResult:
    return EventResult(endpoint_id=item[0], event_id=item[1], status_code=status, message=message)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)

"""What follows when an item is settled: its future, the spool, the dead letters, the log.

Every path that ends an item goes through here, so that each is settled exactly once and every
loss is counted, kept and told. Nothing here sends.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import queue
import threading
from collections import deque
from concurrent.futures import Future, InvalidStateError
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.delivery.pipeline.answers import result_of
from pinpoint_kit.delivery.pipeline.backlog import Backlog
from pinpoint_kit.delivery.pipeline.buffer import Buffer
from pinpoint_kit.delivery.pipeline.log import Log
from pinpoint_kit.delivery.report import DeadLetter
from pinpoint_kit.errors import DeliveryError
from pinpoint_kit.models.event import EventResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pinpoint_kit.delivery.pipeline.answers import Answer
    from pinpoint_kit.delivery.pipeline.items import Recorded

__all__ = ["Notices", "Outcomes", "settle"]

_REFUSED = 400
_KEPT = 1_000


class Notices:
    """Calls the caller's `on_rejected` and `on_dropped` on a thread of its own.

    So a slow or failing callback holds up neither the recorder nor delivery. The thread starts
    with the first notice.
    """

    def __init__(
        self,
        on_rejected: Callable[[DeadLetter], object] | None,
        on_dropped: Callable[[DeadLetter], object] | None,
    ) -> None:
        self._callbacks = {"rejected": on_rejected, "dropped": on_dropped}
        self.renew()

    def renew(self) -> None:
        """Begin anew, without a thread; a forked child has only the thread that forked."""
        self._queue: queue.SimpleQueue[DeadLetter | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._start_lock = threading.Lock()

    def tell(self, letter: DeadLetter) -> None:
        """Have the callback of this kind called, if there is one."""
        if self._callbacks[letter.outcome] is None:
            return
        self._queue.put(letter)
        with self._start_lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="pinpoint-notices", daemon=True
                )
                self._thread.start()

    def close(self, timeout: float) -> None:
        """Have everything told that was put here, as far as the time allows."""
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            self._queue.put(None)
            thread.join(timeout)
            self._thread = None

    def _run(self) -> None:
        while (letter := self._queue.get()) is not None:
            callback = self._callbacks[letter.outcome]
            try:
                if callback is not None:
                    callback(letter)
            except Exception:
                logging.getLogger("pinpoint_kit.delivery").exception(
                    "on_%s failed; delivery goes on", letter.outcome
                )


@attrs.define(eq=False)
class Outcomes:
    """Settles items, once each, with everything that follows."""

    buffer: Buffer
    log: Log
    notices: Notices
    backlog: Backlog | None = None
    letters: deque[DeadLetter] = attrs.field(factory=lambda: deque(maxlen=_KEPT))

    def accept(self, items: Sequence[Recorded], answer: Answer | None = None) -> None:
        """The service has taken these."""
        fresh = self.buffer.accept(items)
        if self.backlog is not None:
            self.backlog.remove(fresh)
        for item in fresh:
            if item.future is not None:
                result = answer and result_of(answer, item.endpoint_id, item.event_id)
                settle(item.future, result or _result(item, 202, "Accepted"))
        self.buffer.announce()

    def refuse(
        self,
        items: Sequence[Recorded],
        reason: str,
        message: str = "",
        *,
        status: int = _REFUSED,
        answer: Answer | None = None,
    ) -> None:
        """These were refused for their content, or with the whole request."""
        fresh = self.buffer.refuse(items, reason)
        if self.backlog is not None:
            self.backlog.bury(fresh, reason, message)
        self._tell(fresh, "rejected", reason, message)
        for item in fresh:
            if item.future is not None:
                result = answer and result_of(answer, item.endpoint_id, item.event_id)
                settle(item.future, result or _result(item, status, message))
        self.buffer.announce()

    def drop(self, items: Sequence[Recorded], reason: str, message: str = "") -> None:
        """These are given up."""
        fresh = self.buffer.drop(items, reason)
        if self.backlog is not None:
            self.backlog.bury(fresh, reason, message)
        self.tell_dropped(fresh, reason, message)
        self.buffer.announce()

    def refuse_endpoint_data(self, status: int | None) -> None:
        """Endpoint data that went with events was refused; the events were not."""
        self.buffer.count_refused_endpoint()
        self.log.loss("with refused endpoint data", f"status_{status}")

    def tell_dropped(self, items: Sequence[Recorded], reason: str, message: str = "") -> None:
        """These were given up, and the ledger knows it already."""
        self._tell(items, "dropped", reason, message)
        why = f"{reason}; the last failure was {message}" if message else reason
        for item in items:
            if item.future is not None:
                settle(item.future, DeliveryError(f"event dropped: {why}", reason))

    def tell_rejected(self, item: Recorded, reason: str, message: str) -> None:
        """This was refused before it was queued, and the ledger knows it already."""
        self.log.loss("rejected", reason, hint="see delivery.dead_letters() or on_rejected")
        if self.backlog is not None:
            self.backlog.bury_new(item, reason, message)
        self._keep(
            DeadLetter(
                outcome="rejected",
                endpoint_id=item.endpoint_id,
                event_id=item.event_id,
                reason=reason,
                message=message,
                at=_now(),
            )
        )

    def _tell(self, items: Iterable[Recorded], outcome: str, reason: str, message: str) -> None:
        count = 0
        for item in items:
            count += item.count
            self._keep(
                DeadLetter(
                    outcome=outcome,
                    endpoint_id=item.endpoint_id,
                    event_id=item.event_id,
                    reason=reason,
                    message=message,
                    at=_now(),
                    tries=item.tries,
                )
            )
        if count:
            self.log.loss(outcome, reason, count, message if outcome == "dropped" else "")

    def _keep(self, letter: DeadLetter) -> None:
        self.letters.append(letter)
        self.notices.tell(letter)


def settle(future: Future[EventResult], outcome: EventResult | DeliveryError) -> None:
    """Settle a future, unless closing was faster."""
    with contextlib.suppress(InvalidStateError):
        if isinstance(outcome, DeliveryError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def _result(item: Recorded, status: int, message: str) -> EventResult:
    return EventResult(
        endpoint_id=item.endpoint_id,
        event_id=item.event_id,
        status_code=status,
        message=message,
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)

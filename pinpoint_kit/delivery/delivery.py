"""The delivery of one client: what `events.record`, `flush` and `close` stand on.

Nothing here encodes an event or knows botocore: events come encoded, and one callable sends.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
import weakref
from typing import TYPE_CHECKING

from pinpoint_kit.delivery.buffer import Buffer, Recorded
from pinpoint_kit.delivery.worker import Answer, Log, Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from pinpoint_kit.delivery.options import DeliveryOptions
    from pinpoint_kit.delivery.report import DeliveryReport, DeliveryStats
    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.event import EventResult

__all__ = ["Delivery"]

_open: weakref.WeakSet[Delivery] = weakref.WeakSet()


class Delivery:
    """Delivers recorded events in the background and keeps the ledger of them.

    Args:
        send: sends one finished PutEvents body, once.
        limits: the service's limits.
        options: bounds, flush rules and patience.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        send: Callable[[bytes], Answer],
        *,
        limits: Limits,
        options: DeliveryOptions,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._options = options
        self._log = Log(clock)
        self._buffer = Buffer(options, clock)
        self._worker = Worker(self._buffer, send, limits, options, clock, self._log)
        self._is_closed = False
        self._close_lock = threading.Lock()
        _open.add(self)

    def __repr__(self) -> str:
        report = self._buffer.report()
        return f"<Delivery recorded={report.recorded} pending={report.pending}>"

    def enqueue(
        self,
        endpoint_id: str,
        event_id: str,
        fragment: bytes,
        endpoint: bytes = b"",
        future: Future[EventResult] | None = None,
    ) -> None:
        """Queue one encoded event; returns at once (unless full and told to block).

        Raises:
            ClosedError: the client was closed.
        """
        item = Recorded(endpoint_id, event_id, fragment, endpoint, future)
        dropped = self._buffer.put(item, self._worker.is_current_thread)
        if not self._worker.is_started:
            self._worker.start()
        if dropped is not None:
            self._worker.tell_dropped([dropped], "buffer_full")

    def reject(self, reason: str) -> None:
        """Count an event that was refused for its content before it was queued.

        Raises:
            ClosedError: the client was closed.
        """
        self._buffer.reject(reason)
        self._log.loss("rejected", reason)

    def count_truncated(self) -> None:
        """Count an event whose values were cut to the limit."""
        self._buffer.count_truncated()

    def stats(self) -> DeliveryStats:
        """Counts since the client was made, and how delivery is doing right now."""
        return self._buffer.stats()

    def flush(self, timeout: float = 5.0) -> DeliveryReport:
        """Send everything recorded so far and wait until all of it is settled.

        Blocks for at most `timeout` seconds, also while a request hangs. Not terminal: record
        again afterwards as you like.

        Args:
            timeout: seconds, 0 or more.

        Returns:
            The counts at the end; `pending` is what did not make it in time.
        """
        self._buffer.wait_settled(max(0.0, timeout))
        return self._buffer.report()

    def close(self, timeout: float = 5.0) -> DeliveryReport:
        """Flush, then stop; idempotent. What is still pending then is dropped as `closed`.

        Args:
            timeout: seconds that pending events may still take.

        Returns:
            The final counts; nothing is pending in them.
        """
        with self._close_lock:
            if not self._is_closed:
                deadline = self._clock() + max(0.0, timeout)
                self._buffer.close()
                self._buffer.wait_settled(max(0.0, timeout))
                self._worker.tell_dropped(self._buffer.abandon("closed"), "closed")
                self._worker.join(max(0.0, deadline - self._clock()))
                self._is_closed = True
                _open.discard(self)
        return self._buffer.report()

    def _at_exit(self) -> None:
        """The program ends and nobody closed this client: deliver for a bounded time."""
        if self._buffer.report().pending:
            report = self.close(self._options.exit_timeout)
            logging.getLogger("pinpoint_kit.delivery").warning(
                "a client was not closed before exit: %d event(s) accepted, %d rejected,"
                " %d dropped; call close() or use `with`",
                report.accepted,
                report.rejected,
                report.dropped,
            )


def _close_all() -> None:
    for delivery in list(_open):
        delivery._at_exit()  # noqa: SLF001 -- same module


atexit.register(_close_all)

"""The delivery of one client: what `events.record`, `flush` and `close` stand on.

Nothing here encodes an event or knows botocore: items come encoded, and a sender sends.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.delivery.pacing import Pacer
from pinpoint_kit.delivery.pipeline.backlog import Backlog, spooled_error
from pinpoint_kit.delivery.pipeline.buffer import Buffer
from pinpoint_kit.delivery.pipeline.items import Recorded
from pinpoint_kit.delivery.pipeline.log import Log
from pinpoint_kit.delivery.pipeline.outcomes import Notices, Outcomes, settle
from pinpoint_kit.delivery.pipeline.worker import Sender, Workers
from pinpoint_kit.errors import DeliveryError
from pinpoint_kit.models.checks import seconds
from pinpoint_kit.system import forks

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from pinpoint_kit.delivery.options import DeliveryOptions
    from pinpoint_kit.delivery.report import (
        ApplicationState,
        DeadLetter,
        DeliveryReport,
        DeliveryStats,
    )
    from pinpoint_kit.delivery.spool.spool import Spool
    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.event import EventResult

__all__ = ["Delivery"]

#: Seconds between two looks for work where no thread can be had to wait for it.
_STEP_S = 0.01


class Delivery:
    """Delivers recorded items in the background and keeps the ledger of them.

    Args:
        send: sends finished bodies, once each.
        limits: the service's limits.
        options: bounds, flush rules and patience.
        pacer: the pace of requests; free unless given.
        on_rejected: called with each item that was refused, on a thread of its own.
        on_dropped: called with each item that was given up, on a thread of its own.
        on_fork: called in a forked child, where sockets and locks of the parent must go.
        spool: a durable queue on disk; memory only unless given.
        application_state: whether the application is known that is sent to.
        clock: monotonic seconds.
    """

    def __init__(  # noqa: PLR0913 -- its collaborators, each wanted once
        self,
        send: Sender,
        *,
        limits: Limits,
        options: DeliveryOptions,
        pacer: Pacer | None = None,
        on_rejected: Callable[[DeadLetter], object] | None = None,
        on_dropped: Callable[[DeadLetter], object] | None = None,
        on_fork: Callable[[], None] = lambda: None,
        spool: Spool | None = None,
        application_state: Callable[[], ApplicationState] = lambda: "known",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._options = options
        self._on_fork = on_fork
        self._application_state = application_state
        self._log = Log(clock)
        self._notices = Notices(on_rejected, on_dropped)
        self._pacer = pacer or Pacer({}, clock)
        self._buffer = Buffer(options, clock)
        self._outcomes = Outcomes(self._buffer, self._log, self._notices)
        self._workers = Workers(
            self._buffer, self._outcomes, send, self._pacer, limits, options, clock, self._log
        )
        self._backlog: Backlog | None = None
        if spool is not None:
            self._backlog = Backlog(spool, self._buffer, options, self._log, clock)
            self._outcomes.backlog = self._backlog
            self._workers.upkeep = self._backlog.look_after
            self._workers.tick = self._backlog.tick
        self._is_closed = False
        self._dropped_before = 0
        self._close_lock = threading.Lock()
        forks.watch(self, forks.Layer.DELIVERY, after_in_child=Delivery.after_fork)
        forks.close_at_exit(self)
        if spool is not None:
            self._workers.start()  # what an earlier process left is delivered at once

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
        is_plain = future is None and not endpoint
        if not (is_plain and self._buffer.put_plain(endpoint_id, event_id, fragment)):
            self._put(Recorded(endpoint_id, event_id, fragment, endpoint, future))

    @property
    def put_plain(self) -> Callable[[str, str, bytes], bool]:
        """The short way of `enqueue` for an event without endpoint data and future.

        It returns False where it cannot be taken, and `enqueue` must be called.
        """
        return self._buffer.put_plain

    def enqueue_endpoint(self, endpoint_id: str, fragment: bytes) -> None:
        """Queue one encoded endpoint update, folded into one that waits if possible.

        Raises:
            ClosedError: the client was closed.
        """
        self._put(Recorded(endpoint_id, "", fragment, is_endpoint=True))

    def _put(self, item: Recorded) -> None:
        workers = self._workers
        if self._backlog is None:
            dropped, why = self._buffer.put(item, workers.is_current_thread), "buffer_full"
        else:
            dropped, why = self._backlog.put(item, workers.is_current_thread)
        if not workers.threads:
            forks.watch_child_exit()
            workers.start()
            self._buffer.takes_plain = self._backlog is None and bool(workers.threads)
        if dropped is not None:
            self._outcomes.tell_dropped([dropped], why)

    def reject(self, item: Recorded, reason: str, message: str) -> None:
        """Count an item that was refused for its content before it was queued.

        Args:
            item: what was refused, encoded as far as it could be, to be kept as a dead letter.
            reason: a stable word.
            message: what is wrong with it.

        Raises:
            ClosedError: the client was closed.
        """
        self._buffer.reject(reason)
        self._outcomes.tell_rejected(item, reason, message)

    def drop_closed(self, item: Recorded) -> None:
        """Count an item that was recorded after the client was closed.

        Args:
            item: what is given up, encoded as far as it could be.
        """
        self._buffer.drop_new("closed")
        self._outcomes.tell_dropped([item], "closed")

    def count_truncated(self) -> None:
        """Count an event whose values were cut to the limit."""
        self._buffer.count_truncated()

    def count_left_out(self, number: int) -> None:
        """Count names and values that were left out of an event because they cannot be sent."""
        self._buffer.count_left_out(number)

    def stats(self) -> DeliveryStats:
        """Counts since the client was made, and how delivery is doing right now."""
        return attrs.evolve(self._buffer.stats(), application=self._application_state())

    def dead_letters(self) -> list[DeadLetter]:
        """The latest items that were rejected or dropped, oldest first, at most 1,000."""
        return list(self._outcomes.letters)

    def forget_letters(self, concerns: Callable[[str, bytes], bool], *, dry_run: bool) -> int:
        """Remove the dead letters, also those in the spool, of whom `concerns` says so.

        Args:
            concerns: asked with the endpoint id and the encoded content, b"" where it is not kept.
            dry_run: only count them.

        Returns:
            How many there are, or were.

        Raises:
            StoreError: the spool cannot be read or written.
        """
        letters = self._outcomes.letters
        found = [letter for letter in list(letters) if concerns(letter.endpoint_id, b"")]
        if not dry_run:
            for letter in found:
                with suppress(ValueError):  # made room for a later one meanwhile
                    letters.remove(letter)
        if self._backlog is None:
            return len(found)
        # With a spool it holds all of them, and the latest are in memory once more.
        return self._backlog.forget_letters(concerns, dry_run=dry_run)

    def flush(self, timeout: float = 5.0) -> DeliveryReport:
        """Send everything recorded so far and wait until all of it is settled.

        Blocks for at most `timeout` seconds, also while a request hangs. Not terminal: record
        again afterwards as you like.

        Args:
            timeout: seconds, 0 or more.

        Returns:
            The counts at the end; `pending` is what did not make it in time.
        """
        self._wait_settled(seconds(timeout))
        return self._buffer.report()

    def _wait_settled(self, timeout: float) -> None:
        if self._workers.is_alive:
            self._buffer.wait_settled(timeout)
            return
        # No thread runs: none was needed, or at interpreter exit none can be started any more.
        # Then this thread does the work.
        deadline = time.monotonic() + timeout
        while self._buffer.report().pending and time.monotonic() < deadline:
            if not self._workers.step():
                time.sleep(_STEP_S)

    def close(self, timeout: float = 5.0) -> DeliveryReport:
        """Flush, then stop; idempotent.

        What is still pending then is dropped as `closed`; with a spool it stays there, pending,
        and the next process that opens the spool delivers it.

        Args:
            timeout: seconds that pending items may still take.

        Returns:
            The final counts; `pending` is what stays in the spool.
        """
        timeout = seconds(timeout)
        with self._close_lock:
            if not self._is_closed:
                deadline = self._clock() + timeout
                self._buffer.close()
                self._wait_settled(timeout)
                spooled = self._buffer.spooled_futures()
                left = self._buffer.abandon("closed")
                self._outcomes.tell_dropped(left, "closed", self._buffer.last_error)
                self._workers.join(max(0.0, deadline - self._clock()))
                if self._backlog is not None:
                    self._backlog.close()
                for future in spooled:
                    settle(future, spooled_error())
                self._notices.close(max(0.1, deadline - self._clock()))
                self._is_closed = True
                forks.forget(self)
        return self._buffer.report()

    @property
    def exit_timeout(self) -> float:
        """Seconds that a client which nobody closed may still deliver at exit."""
        return self._options.exit_timeout

    def begin_exit(self, deadline: float) -> None:  # noqa: ARG002 -- of `forks.Closing`
        """The program ends and nobody closed this client: have what waits sent now."""
        self._dropped_before = self._buffer.report().dropped
        self._buffer.close()

    def finish_exit(self, deadline: float) -> None:
        """Deliver until the deadline, and say what could not be delivered."""
        report = self.close(max(0.0, deadline - time.monotonic()))
        dropped = report.dropped - self._dropped_before
        if dropped or report.pending:
            logging.getLogger("pinpoint_kit.delivery").warning(
                "a client was not closed before exit: %d event(s) dropped, %d left in the spool;"
                " call close() or use `with`",
                dropped,
                report.pending,
            )

    def after_fork(self) -> None:
        """In a forked child: begin empty. The parent delivers what it has recorded."""
        inherited = self._buffer.futures()
        if self._backlog is not None:
            inherited += self._backlog.inherited()
            self._backlog.spool.after_fork()
            self._backlog.renew()
        self._buffer.reset(is_closed=self._is_closed)
        self._log.renew()
        self._pacer.renew_lock()
        self._notices.renew()
        self._outcomes.letters.clear()
        self._workers.renew()
        self._close_lock = threading.Lock()
        self._on_fork()
        for future in inherited:
            # Its lock may be held by a thread that does not exist here, so it is made anew.
            future.__init__()  # type: ignore[misc]
            future.set_running_or_notify_cancel()
            future.set_exception(
                DeliveryError("event recorded before a fork: the parent delivers it", "forked")
            )

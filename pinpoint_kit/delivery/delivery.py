"""The delivery of one client: what `events.record`, `flush` and `close` stand on.

Nothing here encodes an event or knows botocore: items come encoded, and a sender sends.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.delivery.pacing import Pacer
from pinpoint_kit.delivery.pipeline.backlog import Backlog, spooled_error
from pinpoint_kit.delivery.pipeline.buffer import Buffer
from pinpoint_kit.delivery.pipeline.futures import settle
from pinpoint_kit.delivery.pipeline.items import Loss, Queued, Recorded, Verdict
from pinpoint_kit.delivery.pipeline.log import Log
from pinpoint_kit.delivery.pipeline.notices import Notices
from pinpoint_kit.delivery.pipeline.outcomes import Outcomes
from pinpoint_kit.delivery.pipeline.worker import Sender, Workers
from pinpoint_kit.errors import ClosedError, DeliveryError
from pinpoint_kit.models.checks import bounded_seconds
from pinpoint_kit.system import forks
from pinpoint_kit.system.turns import NoTurnError

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from pinpoint_kit.delivery.options import DeliveryOptions
    from pinpoint_kit.delivery.pipeline.items import Entry
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
#: Seconds that closing may take beyond its timeout: half of them to write to the disk what is in
#: memory alone, the others for the caller's callbacks.
_GRACE_S = 0.1


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
        self._buffer = Buffer(options, limits, clock)
        self._outcomes = Outcomes(self._buffer, self._log, self._notices)
        self._workers = Workers(
            self._buffer, self._outcomes, send, self._pacer, limits, options, clock, self._log
        )
        self._backlog: Backlog | None = None
        if spool is not None:
            self._backlog = Backlog(spool, self._buffer, options, self._log, clock)
            self._outcomes.backlog = self._backlog
            self._workers.upkeep = self._backlog.maintain
            backlog = self._backlog
            self._workers.tick = lambda: backlog.tick
        self._is_finished = False
        self._lost_before = 0
        forks.watch(self, forks.Layer.DELIVERY, after_in_child=Delivery.after_fork)
        forks.close_at_exit(self)
        if spool is not None and not forks.is_to_be_forked():
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
        forks.check()
        if (
            future is not None
            or endpoint
            or not self._buffer.put_plain(endpoint_id, event_id, fragment)
        ):
            self._put(Queued(endpoint_id, event_id, fragment, endpoint, future, at=self._clock()))

    @property
    def put_plain(self) -> Callable[[str, str, bytes], bool]:
        """The short way of `enqueue` for an event without endpoint data and future.

        It returns False where it cannot be taken, and `enqueue` must be called.
        """
        return self._buffer.put_plain

    def enqueue_endpoint(self, endpoint_id: str, fragment: bytes) -> None:
        """Queue one encoded endpoint update; those of one endpoint that wait go out as one.

        Raises:
            ClosedError: the client was closed.
        """
        forks.check()
        self._put(Queued(endpoint_id, "", fragment, at=self._clock(), is_endpoint=True))

    def _put(self, item: Queued) -> None:
        self._check_open()
        workers, buffer = self._workers, self._buffer
        is_alive = workers.is_alive
        if not is_alive:
            forks.watch_child_exit()
            workers.start()
            is_alive = workers.is_alive
        may_wait = (
            self._options.when_full == "block"
            and is_alive
            and not workers.is_current_thread
            and not buffer.is_busy_here
        )
        if self._backlog is not None:
            reason = self._backlog.put(item, may_wait=may_wait)
        else:
            reason = self._put_in_memory(item, may_wait=may_wait)
            buffer.takes_plain = is_alive and not buffer.is_closed
        if buffer.evicted:
            self._outcomes.clear_evicted()
        if reason:
            self._outcomes.drop(item, "closed" if buffer.is_closed else reason)
        elif buffer.is_over:  # closed meanwhile: nobody would look at it any more
            self._give_up_rest(_GRACE_S)

    def _put_in_memory(self, item: Queued, *, may_wait: bool) -> str:
        """Do what the options say of a full buffer; gives the reason to drop the item, or ""."""
        buffer, weight = self._buffer, item.weight
        policy = self._options.when_full
        while buffer.is_full(weight):
            if policy == "drop_oldest" and buffer.evict():
                continue
            if not may_wait or buffer.is_closed:
                return "buffer_full"
            buffer.wait_for_room(weight)
            self._workers.ensure()
        if buffer.is_closed:
            return "closed"
        buffer.put(item)
        return ""

    def _check_open(self) -> None:
        if self._buffer.is_closed:
            raise ClosedError("this client was closed: make a new one with connect()")

    def reject(self, item: Recorded, reason: str, message: str) -> None:
        """Count an item that was refused for its content before it was queued.

        Args:
            item: what was refused, encoded as far as it could be, to be kept as a dead letter.
            reason: a stable word.
            message: what is wrong with it.

        Raises:
            ClosedError: the client was closed.
        """
        forks.check()
        self._check_open()
        self._outcomes.reject(item.queued(self._clock()), reason, message)

    def drop_closed(self, item: Recorded) -> None:
        """Count an item that was recorded after the client was closed.

        Args:
            item: what is given up, encoded as far as it could be.
        """
        self._outcomes.drop(item.queued(self._clock()), "closed")

    def count_truncated(self) -> None:
        """Count an event of which something was cut to the limit."""
        self._buffer.truncated.add()

    def count_left_out(self, number: int) -> None:
        """Count names and values that were left out of an event because they cannot be sent."""
        self._buffer.left_out.add(number)

    @property
    def may_block(self) -> bool:
        """Whether a full buffer makes who records wait for room."""
        return self._options.when_full == "block"

    def stats(self) -> DeliveryStats:
        """Count since the client was made, and how delivery is doing right now."""
        return attrs.evolve(self._buffer.stats(), application=self._application_state())

    def dead_letters(self) -> list[DeadLetter]:
        """Return the latest items that were rejected or dropped, oldest first, at most 1,000."""
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

    def overwrite_removed(self) -> bool:
        """Take out of the spool's file what can be read there of items that have left it.

        Returns:
            False when others use the spool now; True without one.
        """
        return self._backlog is None or self._backlog.overwrite_removed()

    def set_aside(self) -> list[str]:
        """Return the damaged spools that were kept when their rows were saved into this one."""
        return [] if self._backlog is None else self._backlog.spool.set_aside()

    def flush(self, timeout: float = 5.0) -> DeliveryReport:
        """Send everything recorded so far and wait until all of it is settled, also on disk.

        Blocks for at most `timeout` seconds, also while a request hangs. Not terminal: record
        again afterwards as you like. On delivery's own thread, as in the callback of a future, it
        cannot wait for itself, and only reports.

        Args:
            timeout: seconds, 0 or more.

        Returns:
            The counts at the end; `pending` is what did not make it in time.
        """
        forks.check()
        timeout = bounded_seconds(timeout)
        deadline = time.monotonic() + timeout
        self._wait_settled(timeout)
        if (
            self._backlog is not None
            and self._workers.is_alive
            and not self._workers.is_current_thread
        ):
            self._backlog.catch_up_by(deadline)
        return self._buffer.report()

    def _wait_settled(self, timeout: float) -> None:
        workers, buffer = self._workers, self._buffer
        if workers.is_current_thread or buffer.is_over:
            return
        if not workers.is_alive and buffer.report().pending:
            workers.start()  # one that died has left something
        if workers.is_alive:
            buffer.wait_settled(timeout, workers.ensure)
            return
        # No thread runs: none was needed, or at interpreter exit none can be started any more.
        # Then this thread does the work.
        deadline = time.monotonic() + timeout
        while buffer.report().pending and time.monotonic() < deadline:
            if not workers.step():
                time.sleep(_STEP_S)

    def close(self, timeout: float = 5.0) -> DeliveryReport:
        """Flush, then stop; idempotent.

        What is still pending then is dropped as `closed`; with a spool it stays there, pending,
        and the next process that opens the spool delivers it. It may be called from anywhere, also
        while it runs already, as by a signal handler: each call does what is left to be done.

        Args:
            timeout: seconds that pending items may still take.

        Returns:
            The final counts; `pending` is what stays in the spool.
        """
        forks.check()
        timeout = bounded_seconds(timeout)
        if not self._is_finished:
            deadline = time.monotonic() + timeout
            if self._backlog is not None:
                self._backlog.end_by(deadline + _GRACE_S / 2)
            self._buffer.close(timeout)
            self._wait_settled(deadline - time.monotonic())
            self._finish(deadline)
        return self._buffer.report()

    def _finish(self, deadline: float) -> None:
        """Stop everything; doing it again, or from where it was interrupted, changes nothing."""
        if self._backlog is not None:
            self._backlog.save_rest()
        if not self._give_up_rest(max(_GRACE_S, deadline - time.monotonic())):
            return  # this very thread is at work in there: the call that was interrupted goes on
        self._workers.join(max(0.0, deadline - time.monotonic()))
        if self._backlog is not None:
            self._backlog.close()
        self._notices.close(max(_GRACE_S / 2, deadline + _GRACE_S - time.monotonic()))
        self._log.rest()
        self._is_finished = True
        forks.forget(self)

    def _give_up_rest(self, wait_s: float) -> bool:
        """Drop what is in memory alone, and leave the rest on disk; False when it must wait."""
        futures: list[Future[EventResult]] = []
        reason, message = "closed", self._buffer.last_error

        def verdict_on(entries: list[Entry]) -> Verdict:
            in_memory = []
            for entry in entries:
                item = entry[0]
                if isinstance(item, Queued) and item.row:
                    if item.future is not None:
                        futures.append(item.future)
                else:
                    in_memory.append(entry)
            losses = [Loss("dropped", reason, message, in_memory)] if in_memory else []
            return Verdict(losses=losses)

        try:
            verdict = self._buffer.abandon(verdict_on, wait_s)
        except NoTurnError:
            return False
        for unfinished in self._buffer.left_behind:
            # Whoever is at it may be this very thread, or may be gone: what is counted is written.
            self._outcomes.write(unfinished)
        self._outcomes.conclude(verdict)
        for future in futures:
            settle(future, spooled_error())
        return True

    @property
    def exit_timeout(self) -> float:
        """Seconds that a client which nobody closed may still deliver at exit."""
        return self._options.exit_timeout

    def begin_exit(self, deadline: float) -> None:  # noqa: ARG002 -- of `forks.Closing`
        """Have what waits sent now, because the program ends and nobody closed this client."""
        self._lost_before = self._buffer.report().dropped
        self._buffer.close()

    def finish_exit(self, deadline: float) -> None:
        """Deliver until the deadline, and say what could not be delivered."""
        report = self.close(max(0.0, deadline - time.monotonic()))
        dropped = report.dropped - self._lost_before
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
        self._buffer.reset(is_closed=self._is_finished)
        self._log.renew()
        self._pacer.renew()
        self._notices.renew()
        self._outcomes.letters.clear()
        self._workers.renew()
        self._on_fork()
        for future in inherited:
            # Its lock may be held by a thread that does not exist here, so it is made anew.
            future.__init__()  # type: ignore[misc]
            future.set_running_or_notify_cancel()
            future.set_exception(
                DeliveryError("event recorded before a fork: the parent delivers it", "forked")
            )

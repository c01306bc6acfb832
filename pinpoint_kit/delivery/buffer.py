"""Recorded events that wait for their answer, and the ledger that counts them.

One lock guards all of it; it is never held while anything is sent, logged or called back. The
order of an endpoint's events is kept: while one of them is out or waits for its next try, later
ones of the same endpoint wait behind it. No thread is made here, and no botocore is known.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import defaultdict, deque
from concurrent.futures import Future
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.batching import EventItem
from pinpoint_kit.delivery.report import DeliveryReport, DeliveryStats, Ledger
from pinpoint_kit.errors import ClosedError
from pinpoint_kit.models.event import EventResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pinpoint_kit.delivery.options import DeliveryOptions

__all__ = ["Buffer", "Recorded"]


@attrs.define(eq=False)
class Recorded(EventItem):
    """One recorded event on its way, encoded already."""

    future: Future[EventResult] | None = None
    weight: int = 0
    recorded_at: float = 0.0
    epoch: int = 0
    tries: int = 0
    first_failure: float | None = None
    is_settled: bool = False


@attrs.define(eq=False)
class _Outstanding:
    """An endpoint's events that are under way, and those that wait behind them."""

    items: set[Recorded] = attrs.field(factory=set)
    waiting: deque[Recorded] = attrs.field(factory=deque)


class Buffer:
    """A bounded queue of recorded events with a truthful ledger. Safe for many threads.

    Args:
        options: bounds and flush rules.
        clock: monotonic seconds.
    """

    def __init__(self, options: DeliveryOptions, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self._lock = threading.Lock()
        #: Wakes the worker; waits of callers are on the other two.
        self._work = threading.Condition(self._lock)
        self._settled = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._ledger = Ledger()
        self._queue: deque[Recorded] = deque()
        self._retries: list[tuple[float, int, Recorded]] = []
        self._retry_order = itertools.count()
        self._outstanding: dict[str, _Outstanding] = {}
        self._bytes = 0
        self._epoch = 0
        #: Pending events by the epoch they were recorded in; a flush ends an epoch.
        self._pending: defaultdict[int, int] = defaultdict(int)
        self._most_events = options.max_buffer_events
        self._most_bytes = options.max_buffer_bytes
        self._flush_events = options.flush_events
        self._blocked = 0
        #: Somebody holds a future of an event that is queued: it goes out without delay.
        self._somebody_waits = False
        self._flushing = 0
        self._not_before = 0.0
        self._worker_waits = False
        self._is_closed = False

    # Recording

    def put(self, item: Recorded, is_worker: Callable[[], bool]) -> Recorded | None:
        """Add one event.

        Args:
            item: the event.
            is_worker: tells whether this is the worker's thread, which may not wait for itself.

        Returns:
            The event that had to be dropped for want of room, or None.

        Raises:
            ClosedError: the buffer was closed.
        """
        item.weight = weight = len(item.fragment) + len(item.endpoint)
        item.recorded_at = self._clock()
        with self._lock:
            if self._is_closed:
                self._check_open()
            ledger = self._ledger
            ledger.recorded += 1
            ledger.pending += 1
            item.epoch = self._epoch
            self._pending[self._epoch] += 1
            dropped = None
            if ledger.pending > self._most_events or self._bytes + weight > self._most_bytes:
                dropped = self._make_room(item, is_worker)
            if dropped is not item:
                self._queue.append(item)
                self._bytes += weight
            if item.future is not None:
                self._somebody_waits = True
            if self._worker_waits and self._is_worth_waking():
                self._work.notify()
            return dropped

    def reject(self, reason: str) -> None:
        """Count an event that was refused before it could be queued.

        Raises:
            ClosedError: the buffer was closed.
        """
        with self._lock:
            self._check_open()
            self._ledger.recorded += 1
            self._ledger.rejected += 1
            self._ledger.reasons[reason] += 1

    def count_truncated(self) -> None:
        """Count an event whose values were cut."""
        with self._lock:
            self._ledger.truncated += 1

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClosedError("this client was closed: make a new one with connect()")

    def _is_full(self, item: Recorded) -> bool:
        return (
            self._ledger.pending > self._most_events or self._bytes + item.weight > self._most_bytes
        )

    def _make_room(self, item: Recorded, is_worker: Callable[[], bool]) -> Recorded | None:
        policy = self._options.when_full
        if policy == "block" and not is_worker():
            self._blocked += 1
            self._work.notify()
            self._room.wait_for(lambda: self._is_closed or not self._is_full(item))
            self._blocked -= 1
            if not self._is_closed:
                return None
        elif policy == "drop_oldest" and self._queue:
            oldest = self._queue.popleft()
            self._bytes -= oldest.weight
            self._settle(oldest)
            self._count_drop("buffer_full")
            return oldest
        self._settle(item)
        self._count_drop("closed" if self._is_closed else "buffer_full")
        return item

    def _is_worth_waking(self) -> bool:
        return len(self._queue) == 1 or self._is_worth_sending()

    def _is_worth_sending(self) -> bool:
        return (
            self._somebody_waits
            or len(self._queue) >= self._flush_events
            or self._bytes >= self._options.flush_bytes
            or self._ledger.pending >= self._most_events
        )

    # The worker's side

    def take(self, most: int) -> list[Recorded]:
        """Wait until something is due and take it; empty only when closed with nothing left."""
        with self._lock:
            while True:
                now = self._clock()
                wait = self._seconds_until_due(now)
                if wait is not None and wait <= 0:
                    taken = self._take(most, now)
                    if taken:
                        return taken
                    wait = self._seconds_until_retry(now)
                if self._is_closed and not self._ledger.pending:
                    return []
                self._worker_waits = True
                try:
                    self._work.wait(wait)
                finally:
                    self._worker_waits = False

    def take_now(self, most: int) -> list[Recorded]:
        """Take what can go out at this moment, without waiting."""
        with self._lock:
            return self._take(most, self._clock())

    def _seconds_until_due(self, now: float) -> float | None:
        """Seconds until the worker should act; None when there is nothing to wait for."""
        options = self._options
        pause = self._not_before - now
        retry = self._seconds_until_retry(now)
        if not self._queue:
            return retry if retry is None else max(retry, pause)
        is_due = self._flushing or self._is_closed or self._blocked or self._is_worth_sending()
        fresh = 0.0 if is_due else self._queue[0].recorded_at + options.flush_interval - now
        soonest = fresh if retry is None else min(fresh, retry)
        return max(soonest, pause)

    def _seconds_until_retry(self, now: float) -> float | None:
        return max(self._retries[0][0] - now, self._not_before - now) if self._retries else None

    def _take(self, most: int, now: float) -> list[Recorded]:
        taken: list[Recorded] = []
        while self._retries and self._retries[0][0] <= now and len(taken) < most:
            taken.append(heapq.heappop(self._retries)[2])
        ours: set[str] = set()
        while self._queue and len(taken) < most:
            item = self._queue.popleft()
            outstanding = self._outstanding.get(item.endpoint_id)
            if outstanding is None:
                outstanding = self._outstanding[item.endpoint_id] = _Outstanding()
                ours.add(item.endpoint_id)
            elif item.endpoint_id not in ours:
                outstanding.waiting.append(item)
                continue
            outstanding.items.add(item)
            taken.append(item)
        if not self._queue:
            self._somebody_waits = False
        return taken

    def retry(self, items: Iterable[Recorded], at: float) -> None:
        """Keep events for another try at that time (monotonic)."""
        with self._lock:
            for item in items:
                if not item.is_settled:
                    item.tries += 1
                    self._ledger.retries += 1
                    heapq.heappush(self._retries, (at, next(self._retry_order), item))
            self._work.notify()

    def pause_until(self, at: float) -> None:
        """Send nothing before that time (monotonic): the service is failing or unreachable."""
        with self._lock:
            self._not_before = at

    def count_request(self, error: str = "") -> None:
        """Count one request, and remember why it failed if it did."""
        with self._lock:
            self._ledger.requests += 1
            if error:
                self._ledger.last_error = error

    def accept(self, items: Iterable[Recorded]) -> list[Recorded]:
        """Settle events that the service has taken; returns those not settled before."""
        with self._lock:
            fresh = self._finish(items)
            self._ledger.accepted += len(fresh)
            return fresh

    def refuse(self, items: Iterable[Recorded], reason: str) -> list[Recorded]:
        """Settle events that were rejected; returns those not settled before."""
        with self._lock:
            fresh = self._finish(items)
            self._ledger.rejected += len(fresh)
            self._ledger.reasons[reason] += len(fresh)
            return fresh

    def drop(self, items: Iterable[Recorded], reason: str) -> list[Recorded]:
        """Settle events that are given up; returns those not settled before."""
        with self._lock:
            fresh = self._finish(items)
            for _ in fresh:
                self._count_drop(reason)
            return fresh

    def _count_drop(self, reason: str) -> None:
        self._ledger.dropped += 1
        self._ledger.reasons[reason] += 1

    def _finish(self, items: Iterable[Recorded]) -> list[Recorded]:
        fresh = []
        for item in items:
            if item.is_settled:
                continue
            self._settle(item)
            self._bytes -= item.weight
            fresh.append(item)
            outstanding = self._outstanding[item.endpoint_id]
            outstanding.items.remove(item)
            if not outstanding.items:
                del self._outstanding[item.endpoint_id]
                self._queue.extendleft(reversed(outstanding.waiting))
        if fresh:
            self._settled.notify_all()
            self._room.notify_all()
        return fresh

    def _settle(self, item: Recorded) -> None:
        item.is_settled = True
        self._ledger.pending -= 1
        self._pending[item.epoch] -= 1
        if not self._pending[item.epoch]:
            del self._pending[item.epoch]
            self._settled.notify_all()

    # Flushing and closing

    def wait_settled(self, timeout: float) -> bool:
        """Ask for everything recorded so far to be sent, and wait until all of it is settled.

        Returns:
            True when all of it is settled, False when the time was over first.
        """
        with self._lock:
            epoch = self._epoch
            self._epoch += 1
            self._flushing += 1
            self._work.notify()
            try:
                return self._settled.wait_for(
                    lambda: not any(known <= epoch for known in self._pending), timeout
                )
            finally:
                self._flushing -= 1

    def close(self) -> None:
        """Take no more events; what is pending can still be delivered."""
        with self._lock:
            self._is_closed = True
            self._not_before = 0.0
            self._work.notify_all()
            self._room.notify_all()

    def abandon(self, reason: str) -> list[Recorded]:
        """Drop everything that is still pending, also what is under way; returns it."""
        with self._lock:
            left = list(self._queue)
            for outstanding in self._outstanding.values():
                left.extend(outstanding.items)
                left.extend(outstanding.waiting)
            self._queue.clear()
            self._outstanding.clear()
            self._retries.clear()
            self._bytes = 0
            for item in left:
                self._settle(item)
                self._count_drop(reason)
            self._work.notify_all()
            return left

    # Reading

    def report(self) -> DeliveryReport:
        """The ledger at this moment."""
        with self._lock:
            return self._ledger.report()

    def stats(self) -> DeliveryStats:
        """The ledger and the state at this moment."""
        with self._lock:
            # The queue is in order, so its head stands for all of it.
            first = [*itertools.islice(self._queue, 1)]
            for outstanding in self._outstanding.values():
                first.extend(outstanding.items)
            oldest = min((item.recorded_at for item in first), default=None)
            age = 0.0 if oldest is None else max(0.0, self._clock() - oldest)
            return self._ledger.stats(buffered_bytes=self._bytes, oldest_age=age)

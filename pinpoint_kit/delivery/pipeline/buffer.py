"""Recorded items that wait for their answer, and the ledger that counts them.

One lock guards all of it; it is never held while anything is sent, logged or called back.
Items wait in one lane an endpoint, and a lane has at most one request under way: so the order of
an endpoint's items is kept over retries and over several requests at once, and an item that fails
holds back nobody but its own endpoint. No thread is made here, and no botocore is known.

It is a long module because all that moves an item from one state to another stands in it.
"""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from pinpoint_kit.delivery.pipeline.items import Lane, Recorded
from pinpoint_kit.delivery.report import Ledger
from pinpoint_kit.errors import ClosedError
from pinpoint_kit.models.wire import merged_endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

    from pinpoint_kit.delivery.options import DeliveryOptions
    from pinpoint_kit.delivery.report import DeliveryReport, DeliveryStats
    from pinpoint_kit.models.event import EventResult

__all__ = ["Buffer"]

#: Lanes that are kept while they are empty.
_KEPT_LANES = 1_000


class Buffer:
    """A bounded queue of recorded items with a truthful ledger. Safe for many threads.

    Args:
        options: bounds and flush rules.
        clock: monotonic seconds.
    """

    def __init__(self, options: DeliveryOptions, clock: Callable[[], float]) -> None:
        self._options = options
        self._clock = clock
        self._most_events = options.max_buffer_events
        self._most_bytes = options.max_buffer_bytes
        self._flush_events = options.flush_events
        self._flush_bytes = options.flush_bytes
        self.reset()

    def reset(self, *, is_closed: bool = False) -> None:
        """Begin anew, with nothing recorded and with locks that nobody holds."""
        self._lock = threading.Lock()
        #: Wakes the workers; waits of callers are on the other two.
        self._work = threading.Condition(self._lock)
        self._settled = threading.Condition(self._lock)
        self._room = threading.Condition(self._lock)
        self._ledger = Ledger()
        self._lanes: dict[str, Lane] = {}
        self._ready: deque[Lane] = deque()
        self._waiting = 0
        self._under_way: set[Recorded] = set()
        self._retries: list[tuple[float, int, Recorded]] = []
        self._retry_order = itertools.count()
        self._bytes = 0
        self._epoch = 0
        #: Pending items by the epoch they were recorded in; a flush ends an epoch.
        self._pending: defaultdict[int, int] = defaultdict(int)
        #: Items that wait on disk, as runs of [epoch, count] in their order there.
        self._aside: deque[list[int]] = deque()
        #: The epochs whose end somebody waits for.
        self._flushing: list[int] = []
        #: Groups that are counted as settled, and whose futures are being settled.
        self._resolving = 0
        self._blocked = 0
        #: Somebody holds a future of an item that waits: it goes out without delay.
        self._somebody_waits = False
        self._not_before = 0.0
        #: The service fails: one request at a time finds out whether it is back.
        self._is_down = False
        self._senders = 0
        self._idle_workers = 0
        #: A worker knows that something is due, and only waits for leave to send it.
        self._is_due_known = False
        #: A thread delivers, and nothing has to be written to disk first.
        self.takes_plain = False
        self._is_closed = is_closed
        self._is_over = False

    def futures(self) -> list[Future[EventResult]]:
        """The futures of everything that is pending; without the lock, for a forked child."""
        return [item.future for item in self._items() if item.future is not None]

    def spooled_futures(self) -> list[Future[EventResult]]:
        """The futures of pending items that are on disk too."""
        with self._lock:
            return [item.future for item in self._items() if item.future is not None and item.seq]

    def _items(self) -> Iterator[Recorded]:
        """Everything in memory that is pending."""
        yield from self._under_way
        for lane in self._lanes.values():
            yield from lane.items()

    # Recording

    def check_open(self) -> None:
        """Raise ClosedError when the buffer was closed. Without the lock: it is one look."""
        self._check_open()

    def has_room(self, size: int) -> bool:
        """True when an item of that many bytes fits into memory. An estimate, without the lock."""
        return not self._is_full(size)

    def wait_for_room(self, timeout: float) -> None:
        """Wait until something was settled, or the time is over."""
        with self._lock:
            self._blocked += 1
            self._work.notify()
            self._room.wait(timeout)
            self._blocked -= 1

    def put_aside(self) -> None:
        """Count an item that is on disk and waits there for room in memory."""
        with self._lock:
            self._ledger.recorded += 1
            self._note_aside(1)

    def adopt(self, count: int) -> None:
        """Count items of a dead process that wait on disk and are ours to deliver now."""
        with self._lock:
            self._ledger.recorded += count
            self._note_aside(count)
            self._work.notify()

    def _note_aside(self, count: int) -> None:
        self._ledger.pending += count
        self._pending[self._epoch] += count
        self._aside.append([self._epoch, count])

    def _next_aside(self) -> int:
        """The epoch of the item that was put aside first."""
        run = self._aside[0]
        run[1] -= 1
        if not run[1]:
            self._aside.popleft()
        return run[0]

    def admit(self, items: Iterable[Recorded]) -> None:
        """Take items from disk into memory, in the order they were put aside."""
        now = self._clock()
        with self._lock:
            for item in items:
                item.epoch = self._next_aside()
                item.recorded_at = now
                item.weight = len(item.fragment) + len(item.endpoint)
                self._append(item)

    def drop_new(self, reason: str) -> None:
        """Count an item that found no room anywhere."""
        with self._lock:
            self._ledger.recorded += 1
            self._ledger.dropped += 1
            self._ledger.reasons[reason] += 1

    def drop_aside(self, count: int, reason: str) -> None:
        """Count items that were put aside first and are gone from the disk."""
        with self._lock:
            for _ in range(count):
                self._count_settled(self._next_aside(), 1)
            self._ledger.dropped += count
            self._ledger.reasons[reason] += count
            self._end_flushes()

    @property
    def waiting(self) -> int:
        """Items in memory that wait to be sent."""
        return self._waiting

    def seqs(self) -> set[int]:
        """The places on disk of everything that is in memory."""
        with self._lock:
            return {seq for item in self._items() for seq in (item.seq, *item.also) if seq}

    def put(self, item: Recorded, is_worker: Callable[[], bool]) -> Recorded | None:
        """Add one item.

        Args:
            item: the item.
            is_worker: tells whether this is a worker's thread, which may not wait for itself.

        Returns:
            The item that had to be dropped for want of room, or None.

        Raises:
            ClosedError: the buffer was closed.
        """
        item.weight = weight = len(item.fragment) + len(item.endpoint)
        item.recorded_at = self._clock()
        with self._lock:
            if self._is_closed:
                self._check_open()
            ledger = self._ledger
            if item.is_endpoint and self._fold(item):
                return None
            ledger.recorded += 1
            ledger.pending += 1
            item.epoch = self._epoch
            self._pending[self._epoch] += 1
            dropped = None
            if self._is_full(weight) and not item.seq:  # for those on disk, the spool made room
                dropped = self._make_room(item, is_worker)
            if dropped is not item:
                self._append(item)
            return dropped

    def put_plain(self, endpoint_id: str, event_id: str, fragment: bytes) -> bool:
        """Add an event that is nothing but its bytes, as nearly all are; the short way of `put`.

        Returns:
            False when nothing was done, because there is no room for it, or there may be more to
            do than to put it into memory.
        """
        weight = len(fragment)
        now = self._clock()
        with self._lock:
            waiting = self._waiting + 1
            size = self._bytes + weight
            in_all = waiting + len(self._under_way)
            most = self._most_events
            if not self.takes_plain or self._is_closed or in_all > most or size > self._most_bytes:
                return False
            epoch, ledger = self._epoch, self._ledger
            ledger.recorded += 1
            ledger.pending += 1
            self._pending[epoch] += 1
            lane = self._lanes.get(endpoint_id)
            if lane is None:
                lane = self._lanes[endpoint_id] = Lane()
            if not lane.waiting and not lane.under_way and not lane.front:
                self._ready.append(lane)
            lane.waiting.append((endpoint_id, event_id, fragment, b"", None, weight, now, epoch))
            self._waiting = waiting
            self._bytes = size
            if self._idle_workers and (
                waiting == 1
                or (
                    not self._is_due_known
                    and (
                        waiting >= self._flush_events
                        or self._somebody_waits
                        or size >= self._flush_bytes
                        or in_all >= most
                    )
                )
            ):
                self._work.notify()
            return True

    def _fold(self, item: Recorded) -> bool:
        """Fold an endpoint's update into one that still waits at the end of its lane."""
        lane = self._lanes.get(item.endpoint_id)
        last = lane.newest if lane is not None else None
        if not isinstance(last, Recorded) or not last.is_endpoint:
            return False
        merged = merged_endpoint(last.fragment, item.fragment)
        if merged is None:
            return False
        self._ledger.recorded += 1
        self._ledger.pending += 1
        self._pending[last.epoch] += 1
        self._bytes += len(merged) - last.weight
        last.fragment, last.weight = merged, len(merged)
        last.count += 1
        last.also += (item.seq,) if item.seq else ()
        return True

    def _append(self, item: Recorded) -> None:
        lane = self._lanes.get(item.endpoint_id)
        if lane is None:
            lane = self._lanes[item.endpoint_id] = Lane()
        if not lane.under_way and lane.is_empty:
            self._ready.append(lane)
        lane.waiting.append(item)
        self._waiting += 1
        self._bytes += item.weight
        if item.future is not None:
            self._somebody_waits = True
        # In an outage everything is due: waking a worker for each item would have it take the lock
        # and the interpreter from who records, to go back to sleep.
        if self._idle_workers and (
            self._waiting == 1 or (not self._is_due_known and self._is_worth_sending())
        ):
            self._work.notify()

    def reject(self, reason: str) -> None:
        """Count an item that was refused before it could be queued.

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

    def count_left_out(self, number: int) -> None:
        """Count names and values that were left out of an event."""
        with self._lock:
            self._ledger.left_out += number

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClosedError("this client was closed: make a new one with connect()")

    def _is_full(self, weight: int) -> bool:
        return (
            self._waiting + len(self._under_way) >= self._most_events
            or self._bytes + weight > self._most_bytes
        )

    def _make_room(self, item: Recorded, is_worker: Callable[[], bool]) -> Recorded | None:
        policy = self._options.when_full
        if policy == "block" and not is_worker():
            self._blocked += 1
            self._work.notify()
            self._room.wait_for(lambda: self._is_closed or not self._is_full(item.weight))
            self._blocked -= 1
            if not self._is_closed:
                return None
        elif policy == "drop_oldest" and self._ready:
            (oldest,) = self._ready[0].pop_many(1)  # a lane that is ready has an item
            self._waiting -= 1
            if self._ready[0].is_empty:
                self._forget(self._ready.popleft(), oldest.endpoint_id)
            self._bytes -= oldest.weight
            self._settle(oldest)
            self._count_drop(oldest, "buffer_full")
            self._end_flushes()
            return oldest
        self._settle(item)
        self._count_drop(item, "closed" if self._is_closed else "buffer_full")
        return item

    def _is_worth_sending(self) -> bool:
        return (
            self._somebody_waits
            or self._waiting >= self._flush_events
            or self._bytes >= self._flush_bytes
            or self._waiting + len(self._under_way) >= self._most_events
        )

    # The workers' side

    def take(
        self, most: int, pace: Callable[[], float], tick: float = math.inf
    ) -> list[Recorded] | None:
        """Wait until something is due and may go, and take it.

        Args:
            most: items that fit into one request.
            pace: spends a token and gives 0.0, or gives the seconds until there is one.
            tick: seconds to wait at most.

        Returns:
            The items; call `done` when they are sent. None after a tick without any. Empty only
            when closed with nothing left.
        """
        with self._lock:
            while True:
                now = self._clock()
                wait = self._seconds_until_due(now)
                if wait is not None and wait <= 0:
                    wait = None if self._is_down and self._senders else pace()
                    if wait == 0.0:
                        self._senders += 1
                        return self._take(most, now)
                if self._is_over or (self._is_closed and not self._ledger.pending):
                    return []
                if wait is None or wait > tick:
                    wait = None if math.isinf(tick) else tick
                    is_tick = wait is not None
                else:
                    is_tick = False
                self._idle_workers += 1
                try:
                    was_woken = self._work.wait(wait)
                finally:
                    self._idle_workers -= 1
                if is_tick and not was_woken:
                    return None

    def take_now(self, most: int, pace: Callable[[], float]) -> list[Recorded]:
        """Take what can go out at this moment, without waiting; call `done` afterwards."""
        with self._lock:
            now = self._clock()
            if now < self._not_before or pace():
                return []
            self._senders += 1
            return self._take(most, now)

    def done(self) -> None:
        """What was taken has been sent, and settled or kept for another try."""
        with self._lock:
            self._senders -= 1
            if self._waiting or self._retries:
                self._work.notify()

    def _seconds_until_due(self, now: float) -> float | None:
        """Seconds until a worker should act; None when there is nothing to wait for."""
        soonest = self._retries[0][0] - now if self._retries else None
        if self._ready:
            is_due = self._flushing or self._is_closed or self._blocked or self._is_worth_sending()
            due_at = self._ready[0].oldest + self._options.flush_interval
            fresh = 0.0 if is_due else due_at - now
            soonest = fresh if soonest is None else min(fresh, soonest)
        self._is_due_known = soonest is not None and soonest <= 0.0
        return None if soonest is None else max(soonest, self._not_before - now)

    @property
    def has_more(self) -> bool:
        """True when at least another full request waits for somebody to send it."""
        return self._waiting >= self._flush_events and bool(self._ready)

    def _take(self, most: int, now: float) -> list[Recorded]:
        self._is_due_known = False
        taken: list[Recorded] = []
        while self._retries and self._retries[0][0] <= now and len(taken) < most:
            taken.append(heapq.heappop(self._retries)[2])
        ready = self._ready
        while ready and len(taken) < most:
            lane = ready.popleft()
            items = lane.pop_many(most - len(taken))
            lane.under_way += len(items)
            self._waiting -= len(items)
            taken += items
        self._under_way.update(taken)
        if not self._waiting:
            self._somebody_waits = False
        return taken

    def retry(self, items: Iterable[Recorded], at: float, *, is_failure: bool = True) -> None:
        """Keep items for another try at that time (monotonic)."""
        with self._lock:
            for item in items:
                if not item.is_settled:
                    if is_failure:
                        item.tries += 1
                        self._ledger.retries += item.count
                    heapq.heappush(self._retries, (at, next(self._retry_order), item))
            self._work.notify()

    def pause_until(self, at: float) -> None:
        """Send nothing before that time (monotonic): the service is failing or unreachable."""
        with self._lock:
            self._not_before = at
            self._is_down = True

    def count_refused_endpoint(self) -> None:
        """Count endpoint data that was refused while its events were taken."""
        with self._lock:
            self._ledger.refused_endpoints += 1

    @property
    def last_error(self) -> str:
        """Why the latest request that failed did; "" when none has."""
        return self._ledger.last_error

    def count_request(self, error: str = "") -> None:
        """Count one request, and remember why it failed if it did."""
        with self._lock:
            self._ledger.requests += 1
            if error:
                self._ledger.last_error = error
            elif self._is_down:
                self._is_down = False
                self._work.notify_all()

    def accept(self, items: Iterable[Recorded]) -> list[Recorded]:
        """Settle items that the service has taken; returns those not settled before.

        Call `announce` when their futures are settled too: until then flush waits.
        """
        with self._lock:
            fresh = self._finish(items)
            self._ledger.accepted += sum([item.count for item in fresh])
            return fresh

    def refuse(self, items: Iterable[Recorded], reason: str) -> list[Recorded]:
        """Settle items that were rejected; returns those not settled before."""
        with self._lock:
            fresh = self._finish(items)
            for item in fresh:
                self._ledger.rejected += item.count
                self._ledger.reasons[reason] += item.count
            return fresh

    def drop(self, items: Iterable[Recorded], reason: str) -> list[Recorded]:
        """Settle items that are given up; returns those not settled before."""
        with self._lock:
            fresh = self._finish(items)
            for item in fresh:
                self._count_drop(item, reason)
            return fresh

    def _count_drop(self, item: Recorded, reason: str) -> None:
        self._ledger.dropped += item.count
        self._ledger.reasons[reason] += item.count

    def _finish(self, items: Iterable[Recorded]) -> list[Recorded]:
        self._resolving += 1
        fresh = [item for item in items if not item.is_settled]
        self._under_way.difference_update(fresh)
        lanes = self._lanes
        settled: dict[int, int] = {}
        for item in fresh:
            item.is_settled = True
            settled[item.epoch] = settled.get(item.epoch, 0) + item.count
            self._bytes -= item.weight
            lane = lanes[item.endpoint_id]
            lane.under_way -= 1
            if not lane.under_way:
                if not lane.is_empty:
                    self._ready.append(lane)
                else:
                    self._forget(lane, item.endpoint_id)
        for epoch, count in settled.items():
            self._count_settled(epoch, count)
        if fresh:
            self._room.notify_all()
        if self._ready:
            self._work.notify()
        return fresh

    def _forget(self, lane: Lane, endpoint_id: str) -> None:
        """Nothing waits in this lane: keep it while there are few, most endpoints come again."""
        if len(self._lanes) > _KEPT_LANES and not lane.under_way:
            del self._lanes[endpoint_id]

    def announce(self) -> None:
        """The futures of what was accepted, refused or dropped are settled: flush may end."""
        with self._lock:
            self._resolving -= 1
            self._end_flushes()

    def _settle(self, item: Recorded) -> None:
        item.is_settled = True
        self._count_settled(item.epoch, item.count)

    def _count_settled(self, epoch: int, count: int) -> None:
        self._ledger.pending -= count
        self._pending[epoch] -= count
        if not self._pending[epoch]:
            del self._pending[epoch]

    # Flushing and closing

    def wait_settled(self, timeout: float) -> bool:
        """Ask for everything recorded so far to be sent, and wait until all of it is settled.

        Returns:
            True when all of it is settled, False when the time was over first.
        """
        with self._lock:
            epoch = self._epoch
            self._epoch += 1
            self._flushing.append(epoch)
            self._work.notify_all()
            try:
                return self._settled.wait_for(lambda: self._is_settled_up_to(epoch), timeout)
            finally:
                self._flushing.remove(epoch)

    def _is_settled_up_to(self, epoch: int) -> bool:
        return not self._resolving and epoch < min(self._pending, default=math.inf)

    def _end_flushes(self) -> None:
        """Wake those that wait, once for all of it and not for every request on the way."""
        if self._flushing and self._is_settled_up_to(min(self._flushing)):
            self._settled.notify_all()

    def close(self) -> None:
        """Take no more items; what is pending can still be delivered."""
        with self._lock:
            self._is_closed = True
            self._not_before = 0.0
            self._work.notify_all()
            self._room.notify_all()

    def abandon(self, reason: str) -> list[Recorded]:
        """Drop everything that is still pending, also what is under way; returns it.

        What is on disk stays pending: the next process that opens the spool delivers it.
        """
        with self._lock:
            self._is_over = True
            pending = list(self._items())
            left = [item for item in pending if not item.seq]
            for item in pending:
                item.is_settled = bool(item.seq)  # an answer that comes now is too late
            self._lanes.clear()
            self._ready.clear()
            self._retries.clear()
            self._under_way.clear()
            self._waiting = self._bytes = 0
            for item in left:
                self._settle(item)
                self._count_drop(item, reason)
            self._settled.notify_all()
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
            times = [lane.oldest for lane in itertools.islice(self._ready, 1)]
            times += [item.recorded_at for item in self._under_way]
            age = max(0.0, self._clock() - min(times)) if times else 0.0
            return self._ledger.stats(buffered_bytes=self._bytes, oldest_age=age)

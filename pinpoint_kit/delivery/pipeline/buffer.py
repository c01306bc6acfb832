"""Queued items until they are settled, and the ledger that counts them.

Whoever records adds to the inbox, in one step and without a lock, from anywhere: also from a
signal handler, a finalizer or a callback that comes in while its own thread is in here. All else
is changed by one thread at a time, in turns of a worker; a turn that an exception has ended is
followed by one that works everything out again (`Lanes.recover`).

Nothing is counted twice or in two steps. What was recorded is the inbox's own count; what has
ended is the `Ledger`, a value that is replaced as a whole, and a few tallies; what is pending is
the difference. So the ledger adds up at every moment, for whoever looks. No turn is held while
anything is sent, logged or called back. No thread is made here, and no botocore is known.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import attrs

from pinpoint_kit.delivery.pipeline.counting import Inbox, Tally
from pinpoint_kit.delivery.pipeline.items import Batch, Queued, weight_of
from pinpoint_kit.delivery.pipeline.lanes import Lanes
from pinpoint_kit.delivery.report import DeliveryReport, DeliveryStats, Ledger
from pinpoint_kit.system.turns import NoTurnError, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from pinpoint_kit.delivery.options import DeliveryOptions
    from pinpoint_kit.delivery.pipeline.items import Entry, Loss, Verdict
    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.event import EventResult

__all__ = ["Buffer"]

T = TypeVar("T")

#: How long a sleeper sleeps at most; then it looks, although nobody has called.
_LONGEST_SLEEP_S = 30.0
#: How often it looks at the flush interval after it had something to do: a call that came before
#: what it is about was queued costs no more than that.
_ATTENTIVE = 3
#: How long those that wait for something sleep at most before they look again.
_LOOK_S = 0.5
#: How long the shortest call of `close` waits for a thread that is in here, and soon out again.
_LEAST_TURN_S = 0.01
#: Evicted items that nobody has looked at; they are counted whatever becomes of them.
_MOST_EVICTED = 1_000


@attrs.define(eq=False)
class _Waiter:
    """Somebody who waits for room, or until all before a number is settled."""

    number: int = 0
    #: How many items that waited on disk must have been loaded first.
    spilled: int = 0
    is_loaded: bool = False
    is_done: bool = False
    bell: queue.SimpleQueue[None] = attrs.field(factory=queue.SimpleQueue)


class Buffer:
    """A bounded queue of recorded items with a truthful ledger. Safe for many threads.

    Args:
        options: bounds and flush rules.
        limits: what fits into a request.
        clock: monotonic seconds.
    """

    def __init__(
        self, options: DeliveryOptions, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._options = options
        self._limits = limits
        self._clock = clock
        self._most_events = options.max_buffer_events
        self._most_bytes = options.max_buffer_bytes
        self._flush_events = options.flush_events
        self.reset()

    def reset(self, *, is_closed: bool = False) -> None:
        """Begin anew, with nothing recorded and with locks that nobody holds."""
        self._turn = Turn()
        #: A turn has begun and was not ended: what it changed may be half done.
        self._is_dirty = False
        self.inbox = Inbox()
        #: An estimate that each empty inbox puts right: it bounds memory, and counts nothing.
        self._inbox_bytes = 0
        self._lanes = Lanes(self.inbox, self._limits)
        self._ledger = Ledger()
        #: What was lost before it was queued, and what was evicted from the inbox, by outcome
        #: and reason.
        self._losses: dict[tuple[str, str], Tally] = {}
        self._evictions = Tally()
        self.evicted: deque[Entry] = deque(maxlen=_MOST_EVICTED)
        #: Items on disk alone: counted there, loaded from there, and passed over there by reason.
        self.spilled = Tally()
        self.loaded = Tally()
        self._passed: dict[str, Tally] = {}
        #: Items in memory that must go out behind those on disk alone, and could not be written.
        self.held = Inbox()
        self._held_bytes = 0
        self.truncated = Tally()
        self.left_out = Tally()
        self.not_durable = Tally()
        self._tries: dict[int, tuple[int, float]] = {}
        self._waiters: dict[int, _Waiter] = {}
        self._idle: dict[int, bool] = {}
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        #: What has a smaller number goes out without delay: somebody waits for it.
        self._urgent = 0
        #: A worker knows that something is due, and only waits for leave to send it.
        self._is_due_known = False
        self._not_before = 0.0
        #: The service fails: one request at a time finds out whether it is back.
        self._is_down = False
        #: A thread delivers, and nothing has to be written to disk first.
        self.takes_plain = False
        self.is_closed = is_closed
        self.is_over = is_closed
        #: At the end: verdicts of which not everything has followed yet.
        self.left_behind: list[Verdict] = []

    def futures(self) -> list[Future[EventResult]]:
        """Return the futures of everything that is in memory and pending."""
        entries = [*self._lanes.items(), *list(self.inbox.entries)]
        items = [*{number: item for item, number in entries}.values()]
        items += [item for item, _ in list(self.held.entries)]
        return [
            item.future for item in items if isinstance(item, Queued) and item.future is not None
        ]

    def _exclusively(self, action: Callable[[], T], wait_s: float = -1) -> T:
        """Change what one thread at a time may change.

        Raises:
            NoTurnError: another thread does for longer than `wait_s`, or this one does.
        """

        def guarded() -> T:
            if self._is_dirty:
                self._lanes.recover(self._ledger.latest)
            self._is_dirty = True
            result = action()
            self._is_dirty = False
            return result

        return self._turn.run(guarded, wait_s)

    # Recording

    def put_plain(self, endpoint_id: str, event_id: str, fragment: bytes) -> bool:
        """Add an event that is nothing but its bytes, as nearly all are; the short way of `put`.

        Returns:
            False when nothing was done, because there is no room for it, or there may be more to
            do than to put it into memory.
        """
        weight = len(fragment)
        lanes, inbox = self._lanes, self.inbox
        waiting = len(inbox.entries)
        if (
            not self.takes_plain
            or lanes.count + waiting >= self._most_events
            or lanes.weight + self._inbox_bytes + weight > self._most_bytes
        ):
            return False
        self._inbox_bytes += weight
        item = endpoint_id, event_id, fragment, self._clock()
        inbox.entries.extend(zip((item,), inbox.numbers))  # noqa: B905 -- `put` without its call
        if self._idle and (
            not waiting or (not self._is_due_known and waiting + 1 >= self._flush_events)
        ):
            self.ring()
        return True

    def put(self, item: Queued) -> None:
        """Add any item. Whether there is room was asked before."""
        weight = item.weight
        waiting = len(self.inbox.entries)
        self.inbox.put(item)
        self._inbox_bytes += weight
        if item.future is not None:
            self._urgent = self.inbox.total
        # One that sleeps wakes in time for what it knows of. Woken at each item, it would take
        # the interpreter from a program that computes, which has to wait until it gets it back.
        if (
            self._idle
            and not self._is_due_known
            and (
                not waiting
                or item.future is not None
                or waiting + 1 >= self._flush_events
                or self._lanes.weight + self._inbox_bytes >= self._options.flush_bytes
            )
        ):
            self.ring()

    def put_loaded(self, items: Sequence[Queued]) -> None:
        """Add items that waited on disk."""
        self._inbox_bytes += sum(item.weight for item in items)
        self.inbox.put_all(items, self.loaded)
        self.ring()

    def hold(self, item: Queued) -> None:
        """Keep an item in memory, to go out behind those that wait on disk alone."""
        is_first = not self.held.entries
        self._held_bytes += item.weight
        self.held.put(item)
        if is_first:
            self.ring()

    def release_held(self, first_ones: Sequence[Entry] | None = None) -> None:
        """Let what is held go out as it was recorded: nothing is before it any more.

        Args:
            first_ones: what goes, unless all does: what was held first. Those that were evicted
                meanwhile are gone already, and nothing goes in their place.
        """
        if first_ones is None:
            weight, before = self._held_bytes, None
        else:
            weight = min(self._held_bytes, sum(weight_of(item) for item, _ in first_ones))
            before = first_ones[-1][1] + 1 if first_ones else 0
        self._inbox_bytes += weight
        self._held_bytes = max(0, self._held_bytes - weight)
        self.inbox.take_over(self.held, self.loaded, before)
        self.ring()

    def is_unheld(self, entry: Entry) -> bool:
        """Take an item out of those that are held; False when it has left them."""
        try:
            self.held.entries.remove(entry)
        except ValueError:
            return False
        self._held_bytes = max(0, self._held_bytes - weight_of(entry[0]))
        return True

    @property
    def is_busy_here(self) -> bool:
        """True while this very thread changes what is in here: waiting would be for ever."""
        return self._turn.is_mine

    def is_full(self, weight: int) -> bool:
        """Return true when an item of that many bytes does not fit into memory."""
        lanes = self._lanes
        waiting = len(self.inbox.entries) + len(self.held.entries)
        return (
            lanes.count + waiting >= self._most_events
            or lanes.weight + self._inbox_bytes + self._held_bytes + weight > self._most_bytes
        )

    def evict(self) -> bool:
        """Drop the item that waits longest of those that nobody has taken; False without one."""
        try:
            weight = weight_of(self.inbox.entries[0][0])
        except IndexError:
            return self._evict_held()
        has_evicted = self.inbox.evict(self.evicted, self._evictions)
        self._inbox_bytes = max(0, self._inbox_bytes - weight) if self.inbox.entries else 0
        return has_evicted

    def _evict_held(self) -> bool:
        try:
            weight = weight_of(self.held.entries[0][0])
        except IndexError:
            return False
        passed = self._passed.setdefault("buffer_full", Tally())
        has_evicted = self.held.evict(self.evicted, passed)
        self._held_bytes = max(0, self._held_bytes - weight) if self.held.entries else 0
        return has_evicted

    def lose(self, outcome: str, reason: str) -> None:
        """Count an item that ends before it is queued."""
        self._losses.setdefault((outcome, reason), Tally()).add()

    def pass_over(self, reason: str, count: int) -> None:
        """Count items on disk that are dropped there, or cannot be loaded any more."""
        self._passed.setdefault(reason, Tally()).add(count)

    @property
    def on_disk(self) -> int:
        """How many items wait on disk alone, or are held behind such; rather too many."""
        if not self.spilled.is_used:
            return 0
        gone = self._loaded_or_passed()  # first: it only grows
        return max(0, self._set_aside() - gone)

    @property
    def only_on_disk(self) -> int:
        """How many of them are on disk; rather too few."""
        aside = self._set_aside()  # in this order: all that comes in between makes it less
        held = len(self.held.entries)
        return max(0, aside - held - self._loaded_or_passed())

    def count_uncounted(self) -> None:
        """Count items that were loaded, although an interruption kept them from being counted."""
        self.spilled.add(max(0, self._loaded_or_passed() - self._set_aside()))

    def _set_aside(self) -> int:
        """How many items were ever put on disk alone, or held behind such."""
        return self.spilled.value + self.held.total

    def _loaded_or_passed(self) -> int:
        return self.loaded.value + sum(tally.value for tally in list(self._passed.values()))

    def wait_for_room(self, weight: int) -> None:
        """Wait until there is room, something else has happened, or some time is over."""
        waiter = _Waiter()
        self._urgent = self.inbox.total
        self._waiters[id(waiter)] = waiter
        try:
            if self.is_full(weight) and not self.is_closed:
                self.ring()
                _wait(waiter.bell, _LOOK_S)
        finally:
            self._waiters.pop(id(waiter), None)

    # The workers' side

    def take(self, pace: Callable[[], float]) -> Batch | float:
        """Take what goes out now; otherwise the seconds until it is worth asking again.

        Args:
            pace: spends a token and gives 0.0, or gives the seconds until there is one.

        Returns:
            A batch, to be settled and finished; one with verdicts was left behind by a thread
            that did not get to its end.
        """
        return self._exclusively(lambda: self._take(pace))

    def take_now(self, pace: Callable[[], float]) -> Batch | None:
        """Take what can go out at this moment, although it is not due yet."""
        self._urgent = self.inbox.total
        found = self._exclusively(lambda: self._take(pace), 0)
        return found if isinstance(found, Batch) else None

    def _take(self, pace: Callable[[], float]) -> Batch | float:
        orphan = self._lanes.orphan()
        if orphan is not None:
            return orphan
        self._publish()
        now = self._clock()
        wait = math.inf if self.is_over else self._seconds_until_due(now)
        if wait > 0:
            return wait
        wait = math.inf if self._is_down and self._lanes.under_way else pace()
        if wait > 0:
            return wait
        before = self._lanes.taken_weight
        batch = self._lanes.pack(now, self._limits.max_events_per_request)
        taken = self._lanes.taken_weight - before
        self._inbox_bytes = max(0, self._inbox_bytes - taken) if self.inbox.entries else 0
        self._is_due_known = False
        if batch is None:  # all of it waits for others of its endpoint
            retry_at = self._lanes.next_retry()
            return math.inf if retry_at is None else max(0.001, retry_at - now)
        return batch

    def _seconds_until_due(self, now: float) -> float:
        """Seconds until a worker should act; infinite when there is nothing to wait for."""
        lanes = self._lanes
        retry_at = lanes.next_retry()
        soonest = math.inf if retry_at is None else retry_at - now
        waiting = lanes.waiting + len(self.inbox.entries)
        if waiting:
            oldest_at = lanes.oldest_at
            if self.is_closed or self._waiters or self._is_worth_sending(waiting):
                soonest = min(soonest, 0.0)
            elif oldest_at is not None:
                soonest = min(soonest, oldest_at + self._options.flush_interval - now)
        self._is_due_known = soonest <= 0.0
        return max(soonest, self._not_before - now) if math.isfinite(soonest) else soonest

    def _is_worth_sending(self, waiting: int) -> bool:
        return (
            waiting >= self._flush_events
            or self._lanes.weight + self._inbox_bytes >= self._options.flush_bytes
            or self.is_full(0)
            or self._lanes.lowest() < self._urgent
        )

    @property
    def has_more(self) -> bool:
        """True when at least another full request waits for somebody to send it."""
        return self._lanes.waiting + len(self.inbox.entries) >= self._flush_events

    @property
    def waiting(self) -> int:
        """Items in memory that wait to be sent."""
        return self._lanes.waiting + len(self.inbox.entries)

    def sleep(
        self, pace: Callable[[], float], most: Callable[[], float], rests: int
    ) -> Batch | None:
        """Wait until there may be something to do.

        Args:
            pace: as in `take`.
            most: gives the seconds to wait at most; asked when this worker can be woken already.
            rests: how often this worker has slept since it had something to do.

        Returns:
            What came up before it fell asleep.
        """
        me = threading.get_ident()
        self._idle[me] = True  # from here on it is called; what came before shows now
        try:
            found = self.take(pace)
            if isinstance(found, Batch):
                return found
            longest = self._options.flush_interval if rests < _ATTENTIVE else _LONGEST_SLEEP_S
            _wait(self._bell, min(found, most(), max(longest, 0.05), _LONGEST_SLEEP_S))
        finally:
            self._idle.pop(me, None)
        return None

    def ring(self) -> None:
        """Wake a worker that sleeps."""
        if self._bell.qsize() < len(self._idle):
            self._bell.put(None)

    def ring_all(self) -> None:
        """Wake all that sleep."""
        for _ in list(self._idle):
            self._bell.put(None)

    def settle(self, batch: Batch, verdict: Verdict) -> bool:
        """Count what has become of items of a batch; False when closing was faster."""

        def commit() -> bool:
            if self.is_over:
                return False
            verdict.batch = batch
            batch.verdicts.append(verdict)
            self._ledger = _counted(self._ledger, verdict)
            verdict.is_committed = True
            self._lanes.apply(batch, verdict)
            return True

        return self._exclusively(commit)

    def finish(self, batch: Batch) -> None:
        """End a batch: what is left of it goes out again, at its time."""

        def finish() -> None:
            if self.is_over:  # what it has was settled by `abandon`, while it was under way
                return
            self._lanes.finish(batch)
            batch.verdicts = []  # they name it: so nothing of it waits for the garbage collector
            if not self.inbox.entries:
                self._inbox_bytes = 0
            self._publish()

        self._exclusively(finish)
        for waiter in list(self._waiters.values()):
            if waiter.is_done or not waiter.number:
                waiter.bell.put(None)
        if self._idle and (self._lanes.waiting or self.inbox.entries or self._lanes.retries):
            self.ring()

    def failed(self, entries: Sequence[Entry], now: float) -> dict[int, tuple[int, float]]:
        """Count another failure of these; gives by number the tries and when the first was."""

        def count() -> dict[int, tuple[int, float]]:
            tries = self._tries
            if len(tries) > 2 * (self._lanes.count + 1_000):
                alive = {number for _, number in self._lanes.items()}
                tries = {number: known for number, known in tries.items() if number in alive}
            counted = {
                number: (tries.get(number, (0, now))[0] + 1, tries.get(number, (0, now))[1])
                for _, number in entries
            }
            tries.update(counted)
            self._tries = tries
            retries = self._ledger.retries + len(entries)
            self._ledger = attrs.evolve(self._ledger, retries=retries)
            return counted

        return self._exclusively(count)

    def tries(self, number: int) -> int:
        """How often an item has failed."""
        return self._tries.get(number, (0, 0.0))[0]

    def pause_until(self, at: float) -> None:
        """Send nothing before that time (monotonic): the service is failing or unreachable."""
        self._not_before = at
        self._is_down = True

    @property
    def last_error(self) -> str:
        """Why the latest request that failed did; "" when none has."""
        return self._ledger.last_error

    def count_request(self, error: str = "") -> None:
        """Count one request, and remember why it failed if it did."""

        def count() -> None:
            ledger = self._ledger
            self._ledger = attrs.evolve(
                ledger, requests=ledger.requests + 1, last_error=error or ledger.last_error
            )

        self._exclusively(count)
        if not error and self._is_down:
            self._is_down = False
            self.ring_all()

    # Flushing and closing

    def wait_settled(self, timeout: float, look: Callable[[], object]) -> bool:
        """Ask for everything recorded so far to be sent, and wait until all of it is settled.

        Args:
            timeout: seconds.
            look: called now and then meanwhile: it sees to it that somebody delivers.

        Returns:
            True when all of it is settled, False when the time was over first.
        """
        deadline = time.monotonic() + timeout
        waiter = _Waiter(spilled=self._set_aside())
        waiter.is_loaded = self._loaded_or_passed() >= waiter.spilled
        waiter.number = max(1, self.inbox.total)  # last: what was loaded is in it
        self._urgent = self.inbox.total
        self._waiters[id(waiter)] = waiter
        try:
            while not waiter.is_done:
                with suppress(NoTurnError):  # who has the turn does it
                    self._exclusively(self._publish, 0)
                if waiter.is_done or self.is_over:
                    break
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                look()
                self.ring()
                _wait(waiter.bell, min(left, _LOOK_S))
        finally:
            self._waiters.pop(id(waiter), None)
        return waiter.is_done

    def _publish(self) -> None:
        """Find out whose waiting is over."""
        waiters = [waiter for waiter in list(self._waiters.values()) if waiter.number]
        if not waiters:
            return
        loaded = self._loaded_or_passed()
        total, lowest = self.inbox.total, self._lanes.lowest()
        for waiter in waiters:
            if not waiter.is_loaded:  # what it waits for was still to be queued
                waiter.number = max(1, total)
                waiter.is_loaded = loaded >= waiter.spilled
            if not waiter.is_loaded:
                continue
            if lowest >= waiter.number or (total == 0 and waiter.number == 1):
                waiter.is_done = True

    def close(self, timeout: float = _LOOK_S) -> None:
        """Take no more items; what is pending can still be delivered.

        Args:
            timeout: seconds that it may take.
        """
        self.is_closed = True
        self.takes_plain = False
        self._not_before = 0.0
        for waiter in list(self._waiters.values()):
            waiter.bell.put(None)
        with suppress(NoTurnError):  # they wait as long as they would have
            wait_s = min(max(timeout, _LEAST_TURN_S), _LOOK_S)
            self._exclusively(lambda: self._lanes.hurry(self._clock()), wait_s)
        self.ring_all()

    def abandon(self, verdict_on: Callable[[list[Entry]], Verdict], wait_s: float) -> Verdict:
        """Settle everything that is still in memory and pending, also what is under way.

        Args:
            verdict_on: says what becomes of it; what it leaves out stays pending, on disk.
            wait_s: seconds to wait for the turn.

        Raises:
            NoTurnError: this thread is at work in here already, or another one for too long.
        """

        def commit() -> Verdict:
            self.is_over = True  # an answer that comes now is too late
            self.left_behind += [
                verdict
                for batch in self._lanes.under_way.values()
                for verdict in batch.verdicts
                if verdict.is_committed and not verdict.is_concluded
            ]
            self.release_held()
            self._lanes.take_all()
            entries = {entry[1]: entry for entry in self._lanes.items()}
            verdict = verdict_on([entries[number] for number in sorted(entries)])
            self._ledger = _counted(self._ledger, verdict)
            verdict.is_committed = True
            self._lanes.clear()
            self._inbox_bytes = 0
            return verdict

        verdict = self._exclusively(commit, wait_s)
        for waiter in list(self._waiters.values()):
            waiter.bell.put(None)
        self.ring_all()
        return verdict

    @property
    def is_done(self) -> bool:
        """True when no worker is needed any more."""
        return self.is_over or (
            self.is_closed
            and not (self._lanes.count or self.inbox.entries or self._lanes.under_way)
            and not self.on_disk
        )

    # Reading. Without a turn: each number is one look at something that changes in one step.

    def report(self) -> DeliveryReport:
        """Return the ledger at this moment."""
        ledger = self._ledger
        # What has ended first, then what was recorded: so the difference is never below 0.
        counts = {"accepted": ledger.accepted, "rejected": ledger.rejected}
        counts["dropped"] = ledger.dropped
        reasons = dict(ledger.reasons)
        losses = {key: tally.value for key, tally in list(self._losses.items())}
        never_queued = sum(losses.values())
        losses["dropped", "buffer_full"] = (
            losses.get(("dropped", "buffer_full"), 0) + self._evictions.value
        )
        passed = {reason: tally.value for reason, tally in list(self._passed.items())}
        for reason, count in passed.items():
            losses["dropped", reason] = losses.get(("dropped", reason), 0) + count
        for (outcome, reason), count in losses.items():
            if count:
                counts[outcome] += count
                reasons[reason] = reasons.get(reason, 0) + count
        recorded = never_queued + self._queued(sum(passed.values()))
        ended = counts["accepted"] + counts["rejected"] + counts["dropped"]
        recorded = max(recorded, ended)
        return DeliveryReport(
            **counts,
            recorded=recorded,
            pending=recorded - ended,
            refused_endpoints=ledger.refused_endpoints,
            truncated=self.truncated.value,
            left_out=self.left_out.value,
            not_durable=self.not_durable.value,
            reasons=reasons,
        )

    def _queued(self, passed: int) -> int:
        """How many items were queued, in memory or on disk."""
        while True:
            loaded = self.loaded.value
            total, spilled = self.inbox.total, self._set_aside()
            if loaded == self.loaded.value:
                return total - loaded + max(spilled, loaded + passed)

    def stats(self) -> DeliveryStats:
        """Return the ledger and the state at this moment."""
        ledger, lanes = self._ledger, self._lanes
        batches = [batch.entries for batch in list(lanes.under_way.values())]
        groups = [group.entries for group in list(lanes.retries)]
        waiting = [lanes.intake, self.inbox.entries, self.held.entries, *list(lanes.held.values())]
        times = [at for entries in (*batches, *groups, *waiting) for at in _first_at(entries)]
        return DeliveryStats(
            **attrs.asdict(self.report(), recurse=False),
            buffered_bytes=self._lanes.weight + self._inbox_bytes + self._held_bytes,
            oldest_age=max(0.0, self._clock() - min(times)) if times else 0.0,
            requests=ledger.requests,
            retries=ledger.retries,
            last_error=ledger.last_error,
        )


def _first_at(entries: Sequence[Entry]) -> list[float]:
    """When the first of these was recorded, while others may take them."""
    try:
        return [entries[0][0][3]]
    except IndexError:
        return []


def _wait(bell: queue.SimpleQueue[None], seconds: float) -> None:
    """Wait until somebody rings."""
    try:
        bell.get(timeout=max(0.0, seconds))
    except queue.Empty:
        return


def _weight(losses: Sequence[Loss]) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for loss in losses:
        key = loss.outcome, loss.reason
        counts[key] = counts.get(key, 0) + _counting(loss.entries)
    return counts


def _counting(entries: Sequence[Entry]) -> int:
    """How many of these are counted."""
    return len(entries) - sum([item.is_rider for item, _ in entries if type(item) is Queued])


def _counted(ledger: Ledger, verdict: Verdict) -> Ledger:
    """Return the ledger after a verdict, which it names.

    Whether it was counted can be told by that.
    """
    reasons = dict(ledger.reasons)
    ended = {"rejected": ledger.rejected, "dropped": ledger.dropped}
    for (outcome, reason), count in _weight(verdict.losses).items():
        if count:
            ended[outcome] += count
            reasons[reason] = reasons.get(reason, 0) + count
    return attrs.evolve(
        ledger,
        accepted=ledger.accepted + _counting(verdict.accepted),
        rejected=ended["rejected"],
        dropped=ended["dropped"],
        reasons=reasons,
        refused_endpoints=ledger.refused_endpoints + len(verdict.refused_endpoints),
        latest=verdict,
    )

"""Sends what the buffer holds and obeys the answers item by item.

The threads of delivery live here: daemons, the first made when the first item is recorded, more
only while requests are slow and the queue grows. One that dies, of whatever, is replaced, and what
it had under way is taken up by another. Every step can also be run by hand (`step`), which is how
exit and tests do it.
"""

from __future__ import annotations

import logging
import math
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs
import tenacity

from pinpoint_kit.batching import EventItem, too_large_event
from pinpoint_kit.delivery.options import DeliveryOptions
from pinpoint_kit.delivery.pacing import Pacer
from pinpoint_kit.delivery.pipeline.answers import Answer, endpoint_status_of, statuses_of
from pinpoint_kit.delivery.pipeline.buffer import Buffer
from pinpoint_kit.delivery.pipeline.items import Batch, Entry, Loss, Queued, Verdict
from pinpoint_kit.delivery.pipeline.log import Log
from pinpoint_kit.delivery.pipeline.outcomes import Outcomes, endpoint_data_of
from pinpoint_kit.errors import (
    BadRequest,
    ClosedError,
    PayloadTooLarge,
    PinpointKitError,
    ServiceError,
    ValidationError,
)
from pinpoint_kit.limits import Limits
from pinpoint_kit.models.event import ACCEPTED
from pinpoint_kit.system.turns import NoTurnError, Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sender", "Workers"]

_LOGGER = logging.getLogger("pinpoint_kit.delivery")
_FAULT_WAIT_S = 1.0
#: The longest wait that a service may ask for; a proxy's word does not stop delivery for a day.
_MOST_ASKED_S = 60.0
#: The longest wait once the client is closing: what is not sent then is dropped, so that neither
#: our own patience nor a wait that was asked for may use up the time that is left.
_MOST_WAIT_CLOSING_S = 1.0

A = TypeVar("A")

_PUT_EVENTS = "PutEvents"
_UPDATE_ENDPOINTS = "UpdateEndpointsBatch"
#: So many requests in a row that take longer make it worth to have several under way. One alone
#: may only have waited for a busy program to let this thread run, and more threads worsen that.
_SLOW_S = 0.05
_SLOW_REQUESTS = 3

_TOO_LARGE = 413
_TOO_MANY = 429
_SERVER_ERRORS = range(500, 600)


class Sender(Protocol):
    """Sends one finished body, once, and returns the answer or raises."""

    def put_events(self, body: bytes) -> Answer:
        """PutEvents."""

    def update_endpoints_batch(self, body: bytes) -> object:
        """UpdateEndpointsBatch, which is answered only as a whole."""


@attrs.define(eq=False)
class Workers:
    """Threads that take batches from the buffer until it is closed and empty."""

    buffer: Buffer
    outcomes: Outcomes
    send: Sender
    pacer: Pacer
    limits: Limits
    options: DeliveryOptions
    clock: Callable[[], float]
    log: Log
    #: Called between two requests, on a worker's thread: the upkeep of the spool.
    upkeep: Callable[[], None] = lambda: None
    #: Gives the seconds after which an idle worker looks after the spool.
    tick: Callable[[], float] = lambda: math.inf
    _failures: int = 0
    _slow_requests: int = 0
    threads: list[threading.Thread] = attrs.field(factory=list, init=False)
    _starting: Turn = attrs.field(factory=Turn)
    _stepping: Turn = attrs.field(factory=Turn)

    def renew(self) -> None:
        """Begin anew, without threads; a forked child has only the thread that forked."""
        self.threads = []
        self._starting = Turn()
        self._stepping = Turn()
        self._failures = 0

    @property
    def is_alive(self) -> bool:
        """True while a thread runs."""
        for thread in self.threads:  # noqa: SIM110 -- asked by every `record` with a spool
            if thread.is_alive():
                return True
        return False

    @property
    def is_current_thread(self) -> bool:
        """True on a worker's own thread, where waiting for room would wait for ever."""
        return threading.current_thread() in self.threads

    def start(self) -> None:
        """Start the first thread, or one more when there are some; another for one that died."""
        try:
            self._starting.run(self._start, 0)
        except NoTurnError:
            return  # somebody else does it

    def _start(self) -> None:
        threads = [thread for thread in self.threads if thread.is_alive()]
        if len(threads) < self.options.max_in_flight:
            thread = threading.Thread(target=self._run, name="pinpoint-delivery", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter exits: what waits is sent by close()
                return
            threads.append(thread)
        self.threads = threads

    def ensure(self) -> None:
        """See to it that a thread runs."""
        if not self.is_alive:
            self.start()

    def join(self, timeout: float) -> None:
        """Wait for the threads to end."""
        if not self.is_current_thread and not sys.is_finalizing():
            deadline = self.clock() + timeout
            for thread in list(self.threads):
                thread.join(max(0.0, deadline - self.clock()))

    def _pace(self) -> float:
        return self.pacer.spend(_PUT_EVENTS)

    def _run(self) -> None:
        rests = 0
        while True:
            try:
                if self._work(rests):
                    rests = 0
                elif self.buffer.is_done:
                    return
                else:
                    rests += 1
            except BaseException:  # noqa: PERF203 -- as follows
                # A fault of ours, an answer that nobody could expect, or SystemExit in a callback:
                # the thread lives on, and what was not settled is tried again.
                _LOGGER.exception("a batch could not be handled; its events stay pending")

    def _work(self, rests: int) -> bool:
        """Send one batch, or sleep until there may be one."""
        self.upkeep()
        found = self.buffer.take(self._pace)
        if not isinstance(found, Batch):
            if self.buffer.is_done:
                return False
            slept = self.buffer.sleep(self._pace, self.tick, rests)
            if slept is None:
                return False
            found = slept
        if self._slow_requests >= _SLOW_REQUESTS and self.buffer.has_more:
            self.start()
        self.deliver(found)
        return True

    def step(self) -> bool:
        """Send what can go out now, on the calling thread; False when there was nothing.

        Within a step of the same thread, as in a signal handler, there is nothing to be done.
        """
        try:
            return self._stepping.run(self._step, 0)
        except NoTurnError:
            return False

    def _step(self) -> bool:
        self.upkeep()
        found = self.buffer.take_now(self._pace)
        if found is None:
            return False
        self.deliver(found)
        return True

    def deliver(self, batch: Batch) -> None:
        """Send this batch now, and settle, or keep for another try, every item of it."""
        if batch.verdicts or batch.is_tried:
            self._take_up(batch)
        else:
            batch.is_tried = True
            for entry in batch.too_large:
                self._too_large(batch, entry)
            if batch.body:
                entries = [entry for entry in batch.entries if entry not in batch.too_large]
                self._send_part(batch, entries if batch.too_large else batch.entries, batch.body)
        self.buffer.finish(batch)

    def _take_up(self, batch: Batch) -> None:
        """Finish what a thread has left behind.

        Do what follows from what was counted, and no more.
        """
        for verdict in batch.verdicts:
            if verdict.is_committed and not verdict.is_concluded:
                self.outcomes.conclude(verdict)
        batch.again_at = max(batch.again_at, self.clock() + _FAULT_WAIT_S)

    def _send_part(self, batch: Batch, entries: Sequence[Entry], body: bytes) -> None:
        if self.buffer.is_over:  # closing has settled them
            return
        if batch.is_endpoints:
            wait = self.pacer.spend(_UPDATE_ENDPOINTS)
            if wait:
                batch.again_at = self.clock() + wait
                return
        operation = _UPDATE_ENDPOINTS if batch.is_endpoints else _PUT_EVENTS
        send = self.send.update_endpoints_batch if batch.is_endpoints else self.send.put_events
        answer: object = self._send(lambda: send(body), batch, entries, operation)
        if isinstance(answer, PinpointKitError):
            halves = batch.halves(entries) if _names_no_item(answer) else None
            if halves is None:
                self._failed(batch, entries, answer)
            else:
                for half, half_body in halves:
                    self._send_part(batch, half, half_body)
        elif answer is not None:
            if batch.is_endpoints:
                self._settle(batch, Verdict(accepted=entries))
            else:
                self._settle_each(batch, entries, answer)  # type: ignore[arg-type]  # of put_events

    def _send(
        self, send: Callable[[], A], batch: Batch, entries: Sequence[Entry], operation: str
    ) -> A | PinpointKitError | None:
        """Return the answer, or why there is none; None when that was dealt with already."""
        started = self.clock()
        try:
            answer = send()
        except ClosedError:  # the client was closed meanwhile, and has settled its items
            return None
        except PinpointKitError as error:
            self.buffer.count_request(_describe(error))
            if error.is_throttling:
                self.pacer.throttled(operation)
            return error
        except Exception as error:  # noqa: BLE001 -- whatever a client's own hooks raise, no item is lost
            self.buffer.count_request(type(error).__name__)
            self._keep(batch, entries, type(error).__name__)
            return None
        is_slow = self.clock() - started > _SLOW_S
        self._slow_requests = self._slow_requests + 1 if is_slow else 0
        self.buffer.count_request()
        self.pacer.succeeded(operation)
        self._failures = 0
        return answer

    def _settle(self, batch: Batch, verdict: Verdict) -> None:
        if self.buffer.settle(batch, verdict):
            self.outcomes.conclude(verdict)

    def _failed(self, batch: Batch, entries: Sequence[Entry], error: PinpointKitError) -> None:
        if _is_about_content(error):
            status = getattr(error, "status", 0) or 400
            self._refuse(batch, entries, _reason(error), str(error), status)
        else:
            # Credentials expire and are renewed, applications are named wrongly and put right:
            # none of that is the events' fault. They are kept, and tried again more slowly.
            least = 0.0 if error.is_retryable else self.options.max_wait
            asked = getattr(error, "retry_after", None) or 0.0
            most = min(_MOST_ASKED_S, self.options.give_up_after)
            self._keep(batch, entries, _describe(error), max(least, min(asked, most)))

    def _refuse(
        self, batch: Batch, entries: Sequence[Entry], reason: str, message: str, status: int
    ) -> None:
        """Refuse events by themselves; endpoint data that they had goes out without them."""
        riders: list[Entry] = []
        refused: list[tuple[str, int | None]] = []
        for item, number in entries:
            if isinstance(item, Queued) and item.endpoint:
                riders.append((endpoint_data_of(item), -1 - number))
            elif isinstance(item, Queued) and item.is_rider:
                refused.append((item[0], status))
        loss = Loss("rejected", reason, message, entries, status)
        self._settle(batch, Verdict(losses=[loss], riders=riders, refused_endpoints=refused))

    def _too_large(self, batch: Batch, entry: Entry) -> None:
        item = entry[0]
        if batch.is_endpoints:
            size, limit = len(item[2]), self.limits.max_endpoint_bytes
        else:
            endpoint = item.endpoint if isinstance(item, Queued) else b""
            found = too_large_event(EventItem(item[0], item[1], item[2], endpoint), self.limits)
            size, limit = found.size, found.limit
        message = f"has {size} bytes, and at most {limit} fit: send less with the event"
        self._refuse(batch, [entry], "too_large", message, _TOO_LARGE)

    def _keep(
        self, batch: Batch, entries: Sequence[Entry], reason: str, least_wait: float = 0.0
    ) -> None:
        """Keep the items of a request that failed, and send nothing for a while."""
        self._failures += 1
        wait = max(self._wait(self._failures), least_wait)
        at = self.clock() + self._until_next(wait)
        self.log.trouble(reason)
        self.buffer.pause_until(at)
        self._retry(batch, entries, at)

    def _retry(self, batch: Batch, entries: Sequence[Entry], at: float) -> None:
        """Send items again at that time, together, but for those that are given up."""
        now = self.clock()
        tries = self.buffer.failed(entries, now)
        batch.again_at = max(batch.again_at, at)
        hopeless = [
            entry
            for entry in entries
            if now - tries[entry[1]][1] >= self.options.give_up_after
            and not (isinstance(entry[0], Queued) and entry[0].row)
        ]
        if hopeless:
            loss = Loss("dropped", "undeliverable", self.buffer.last_error, hopeless)
            self._settle(batch, Verdict(losses=[loss]))

    def _until_next(self, wait: float) -> float:
        """Return the seconds that are really waited: fewer once the client is closing."""
        return min(wait, _MOST_WAIT_CLOSING_S) if self.buffer.is_closed else wait

    def _wait(self, tries: int) -> float:
        """Full jitter: random between 0 and `base_wait * 2**(tries - 1)`, at most `max_wait`."""
        jitter = tenacity.wait_random_exponential(
            multiplier=self.options.base_wait, max=self.options.max_wait
        )
        state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
        state.attempt_number = tries
        return jitter(state)

    def _settle_each(self, batch: Batch, entries: Sequence[Entry], answer: Answer) -> None:
        results = answer.results
        statuses = statuses_of(results, entries)
        if statuses is None:  # all of them were accepted, as nearly always
            accepted, again, refused = list(entries), list[Entry](), dict[int, list[Entry]]()
            is_throttled = False
        else:
            accepted, again, refused = [], [], {}
            for entry, status in zip(entries, statuses, strict=True):
                if status == ACCEPTED:
                    accepted.append(entry)
                elif not status or _may_pass(status):
                    again.append(entry)
                else:
                    refused.setdefault(status, []).append(entry)
            is_throttled = _TOO_MANY in statuses
        losses = [
            Loss("rejected", f"status_{status}", "", group, status)
            for status, group in refused.items()
        ]
        with_data = [item for item, _ in entries if type(item) is Queued and item.endpoint]
        data = {item[0]: endpoint_status_of(results, item[0])[0] for item in with_data}
        data_again = {e for e, status in data.items() if _may_pass(status)}
        refused_data = [
            (e, status) for e, status in data.items() if status != ACCEPTED and e not in data_again
        ]
        riders = _riders(entries, again, data_again) if data_again else []
        if accepted or losses or refused_data:
            self._settle(batch, Verdict(accepted, losses, answer, refused_data, riders))
        again += riders
        if again:
            tries = max(self.buffer.tries(number) for _, number in again)
            self._retry(batch, again, self.clock() + self._until_next(self._wait(tries + 1)))
        if is_throttled:
            self.pacer.throttled(_PUT_EVENTS)


def _may_pass(status: int | None) -> bool:
    """Return true for an item that is worth another try."""
    return status == _TOO_MANY or status in _SERVER_ERRORS


def _riders(
    entries: Sequence[Entry], again: Sequence[Entry], endpoint_ids: set[str]
) -> list[Entry]:
    """Return the endpoint data that failed while its events were settled, to be sent by itself."""
    with_events = {item[0] for item, _ in again}
    riders: dict[str, Entry] = {}
    for item, number in entries:
        if isinstance(item, Queued) and item.endpoint and item[0] in endpoint_ids - with_events:
            riders[item[0]] = endpoint_data_of(item), -1 - number
    return list(riders.values())


def _is_about_content(error: PinpointKitError) -> bool:
    """Return true when sending the same again can never succeed, whoever sends it and when."""
    return isinstance(error, (BadRequest, PayloadTooLarge, ValidationError))


def _names_no_item(error: PinpointKitError) -> bool:
    """413 wants less at once, 400 names no item: halves find the one that is refused."""
    return isinstance(error, (PayloadTooLarge, BadRequest))


def _reason(error: PinpointKitError) -> str:
    return error.reason if isinstance(error, ServiceError) else type(error).__name__


def _describe(error: PinpointKitError) -> str:
    """Return what happened and what to do, without the service's own text."""
    if isinstance(error, ServiceError):
        return f"{_reason(error)} ({error.status}): {error.next_step}"
    return f"{type(error).__name__}: {error}"

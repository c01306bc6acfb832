"""Sends what the buffer holds and obeys the answers item by item.

The threads of delivery live here: daemons, the first made when the first item is recorded, more
only while requests are slow and the queue grows. Every step can also be run by hand (`step`),
which is how exit and tests do it.
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

from pinpoint_kit.batching import Batch, EndpointItem, TooLarge, pack_endpoints, pack_events
from pinpoint_kit.delivery.options import DeliveryOptions
from pinpoint_kit.delivery.pacing import Pacer
from pinpoint_kit.delivery.pipeline.answers import Answer, endpoint_status_of, statuses_of
from pinpoint_kit.delivery.pipeline.buffer import Buffer
from pinpoint_kit.delivery.pipeline.items import Recorded
from pinpoint_kit.delivery.pipeline.log import Log
from pinpoint_kit.delivery.pipeline.outcomes import Outcomes
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


__all__ = ["Sender", "Workers"]

_LOGGER = logging.getLogger("pinpoint_kit.delivery")
_FAULT_WAIT_S = 1.0

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
class _EndpointItem(EndpointItem):
    """An endpoint update in a request, and the recorded item that it comes from."""

    recorded: Recorded | None = None


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
    #: Seconds after which an idle worker looks after the spool.
    tick: float = math.inf
    _failures: int = 0
    _slow_requests: int = 0
    threads: list[threading.Thread] = attrs.field(factory=list, init=False)
    _start_lock: threading.Lock = attrs.field(factory=threading.Lock)

    def renew(self) -> None:
        """Begin anew, without threads; a forked child has only the thread that forked."""
        self.threads = []
        self._start_lock = threading.Lock()
        self._failures = 0

    @property
    def is_alive(self) -> bool:
        """True while a thread runs."""
        return any(thread.is_alive() for thread in self.threads)

    def is_current_thread(self) -> bool:
        """True on a worker's own thread, where waiting for room would wait for ever."""
        return threading.current_thread() in self.threads

    def start(self) -> None:
        """Start the first thread, or one more when there are some."""
        with self._start_lock:
            if len(self.threads) >= self.options.max_in_flight:
                return
            thread = threading.Thread(target=self._run, name="pinpoint-delivery", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the interpreter exits: what waits is sent by close()
                return
            self.threads.append(thread)

    def join(self, timeout: float) -> None:
        """Wait for the threads to end."""
        if not self.is_current_thread() and not sys.is_finalizing():
            deadline = self.clock() + timeout
            for thread in self.threads:
                thread.join(max(0.0, deadline - self.clock()))

    def _pace(self) -> float:
        return self.pacer.spend(_PUT_EVENTS)

    def _run(self) -> None:
        most = self.limits.max_events_per_request
        while True:
            self.upkeep()
            taken = self.buffer.take(most, self._pace, self.tick)
            if taken is None:
                continue
            if not taken:
                return
            if self._slow_requests >= _SLOW_REQUESTS and self.buffer.has_more:
                self.start()
            try:
                self.deliver(taken)
            except Exception:
                # A fault of ours, or an answer that nobody could expect: the thread lives on, and
                # what was not settled is tried again.
                _LOGGER.exception("a batch could not be handled; its events stay pending")
                self._retry([i for i in taken if not i.is_settled], self.clock() + _FAULT_WAIT_S)

    def step(self) -> bool:
        """Send what can go out now, on the calling thread; False when there was nothing."""
        self.upkeep()
        taken = self.buffer.take_now(self.limits.max_events_per_request, self._pace)
        self.deliver(taken)
        return bool(taken)

    def deliver(self, items: Sequence[Recorded]) -> None:
        """Send these items now and settle, or keep for another try, every one of them."""
        try:
            updates = [item for item in items if item.is_endpoint]
            if updates:
                self._update_endpoints(updates)
                items = [item for item in items if not item.is_endpoint]
            for packed in pack_events(items, self.limits):
                if isinstance(packed, TooLarge):
                    self._too_large(packed.item, packed.size, packed.limit)
                else:
                    self._put_events(packed)
        finally:
            self.buffer.done()

    def _put_events(self, batch: Batch[Recorded]) -> None:
        answer = self._send(lambda: self.send.put_events(batch.body), batch.items, _PUT_EVENTS)
        if isinstance(answer, PinpointKitError):
            if _names_no_item(answer) and len(batch.items) > 1:
                for half in batch.halves():
                    self._put_events(half)
            else:
                self._failed(batch.items, answer)
        elif answer is not None:
            self._settle_each(batch.items, answer)

    def _update_endpoints(self, updates: Sequence[Recorded]) -> None:
        items = (_EndpointItem(i.endpoint_id, i.fragment, recorded=i) for i in updates)
        for packed in pack_endpoints(items, self.limits):
            if isinstance(packed, TooLarge):
                self._too_large(_recorded(packed.item), packed.size, packed.limit)
            else:
                self._update_batch(packed)

    def _update_batch(self, batch: Batch[EndpointItem]) -> None:
        recorded = [_recorded(item) for item in batch.items]
        wait = self.pacer.spend(_UPDATE_ENDPOINTS)
        if wait:
            self.buffer.retry(recorded, self.clock() + wait, is_failure=False)
            return
        answer = self._send(
            lambda: self.send.update_endpoints_batch(batch.body), recorded, _UPDATE_ENDPOINTS
        )
        if isinstance(answer, PinpointKitError):
            if _names_no_item(answer) and len(recorded) > 1:
                for half in batch.halves():
                    self._update_batch(half)
            else:
                self._failed(recorded, answer)
        elif answer is not None:
            self.outcomes.accept(recorded)

    def _send(
        self, send: Callable[[], A], items: Sequence[Recorded], operation: str
    ) -> A | PinpointKitError | None:
        """The answer, or why there is none; None when that is settled already."""
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
            self._keep(items, type(error).__name__)
            return None
        is_slow = self.clock() - started > _SLOW_S
        self._slow_requests = self._slow_requests + 1 if is_slow else 0
        self.buffer.count_request()
        self.pacer.succeeded(operation)
        self._failures = 0
        return answer

    def _failed(self, items: Sequence[Recorded], error: PinpointKitError) -> None:
        if _is_about_content(error):
            status = getattr(error, "status", 0) or 400
            self.outcomes.refuse(items, _reason(error), str(error), status=status)
        else:
            # Credentials expire and are renewed, applications are named wrongly and put right:
            # none of that is the events' fault. They are kept, and tried again more slowly.
            least = 0.0 if error.is_retryable else self.options.max_wait
            asked = getattr(error, "retry_after", None) or 0.0
            self._keep(items, _describe(error), max(least, asked))

    def _too_large(self, item: Recorded, size: int, limit: int) -> None:
        message = f"has {size} bytes, and at most {limit} fit: send less with the event"
        self.outcomes.refuse([item], "too_large", message, status=_TOO_LARGE)

    def _keep(self, items: Sequence[Recorded], reason: str, least_wait: float = 0.0) -> None:
        """The whole request failed: keep its items, and send nothing for a while."""
        self._failures += 1
        at = self.clock() + max(self._wait(self._failures), least_wait)
        self.log.trouble(reason)
        self.buffer.pause_until(at)
        self._retry(items, at)

    def _retry(self, items: Iterable[Recorded], at: float) -> None:
        now = self.clock()
        hopeless: list[Recorded] = []
        again: list[Recorded] = []
        for item in items:
            if item.first_failure is None:
                item.first_failure = now
            is_hopeless = not item.seq and now - item.first_failure >= self.options.give_up_after
            (hopeless if is_hopeless else again).append(item)
        self.buffer.retry(again, at)
        if hopeless:
            self.outcomes.drop(hopeless, "undeliverable", self.buffer.last_error)

    def _wait(self, tries: int) -> float:
        """Full jitter: random between 0 and `base_wait * 2**(tries - 1)`, at most `max_wait`."""
        jitter = tenacity.wait_random_exponential(
            multiplier=self.options.base_wait, max=self.options.max_wait
        )
        state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
        state.attempt_number = tries
        return jitter(state)

    def _settle_each(self, items: Sequence[Recorded], answer: Answer) -> None:
        accepted: list[Recorded] = []
        refused: dict[int, list[Recorded]] = {}
        results = answer.results
        is_throttled = False
        for item, status in zip(items, statuses_of(results, items), strict=True):
            if status == ACCEPTED:
                accepted.append(item)
            elif not status or status == _TOO_MANY or status in _SERVER_ERRORS:
                is_throttled = is_throttled or status == _TOO_MANY
                self._retry([item], self.clock() + self._wait(item.tries + 1))
            else:
                refused.setdefault(status, []).append(item)
            if item.endpoint:
                endpoint_status = endpoint_status_of(results, item.endpoint_id)[0]
                if endpoint_status != ACCEPTED:
                    self.outcomes.refuse_endpoint_data(endpoint_status)
        self.outcomes.accept(accepted, answer)
        for status, group in refused.items():
            self.outcomes.refuse(group, f"status_{status}", answer=answer)
        if is_throttled:
            self.pacer.throttled(_PUT_EVENTS)


def _recorded(item: EndpointItem) -> Recorded:
    recorded = item.recorded if isinstance(item, _EndpointItem) else None
    if recorded is None:
        raise AssertionError("an endpoint update comes from a recorded item")
    return recorded


def _is_about_content(error: PinpointKitError) -> bool:
    """True when sending the same again can never succeed, whoever sends it and when."""
    return isinstance(error, (BadRequest, PayloadTooLarge, ValidationError))


def _names_no_item(error: PinpointKitError) -> bool:
    """413 wants less at once, 400 names no item: halves find the one that is refused."""
    return isinstance(error, (PayloadTooLarge, BadRequest))


def _reason(error: PinpointKitError) -> str:
    return error.reason if isinstance(error, ServiceError) else type(error).__name__


def _describe(error: PinpointKitError) -> str:
    """What happened and what to do, without a service's own text, which may repeat content."""
    if isinstance(error, ServiceError):
        return f"{_reason(error)} ({error.status}): {error.next_step}"
    return f"{type(error).__name__}: {error}"

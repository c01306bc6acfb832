"""Sends what the buffer holds, obeys the answers item by item, and settles every event once.

Threads live here and nowhere else in the SDK: one daemon thread, made when the first event is
recorded. Every step can also be run by hand (`step`), which is how exit and tests do it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import attrs
import tenacity

from pinpoint_kit.batching import Batch, TooLarge, pack_events
from pinpoint_kit.delivery.buffer import Buffer
from pinpoint_kit.delivery.options import DeliveryOptions
from pinpoint_kit.errors import (
    BadRequest,
    DeliveryError,
    PayloadTooLarge,
    PinpointKitError,
)
from pinpoint_kit.limits import Limits
from pinpoint_kit.models.event import ACCEPTED, EventResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pinpoint_kit.delivery.buffer import Recorded

__all__ = ["Answer", "Log", "Worker", "result_of"]

_TOO_MANY = 429
_SERVER_ERRORS = range(500, 600)
_TOO_LARGE = 413


class Answer(Protocol):
    """What a sender gives back: per-item results and the request's id."""

    @property
    def results(self) -> Mapping[str, Mapping[str, object]]:
        """Endpoint id -> its `EndpointItemResponse` and `EventsItemResponse`."""

    @property
    def request_id(self) -> str:
        """The id of the request."""


class Log:
    """Writes one line per reason and interval, with the number of events it stands for."""

    def __init__(self, clock: Callable[[], float], interval: float = 60.0) -> None:
        self._logger = logging.getLogger("pinpoint_kit.delivery")
        self._clock = clock
        self._interval = interval
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}
        self._unsaid: dict[str, int] = {}

    def loss(self, what: str, reason: str, count: int = 1) -> None:
        """Say that events were rejected or dropped, or count it for the next line."""
        key = f"{what}/{reason}"
        with self._lock:
            count += self._unsaid.pop(key, 0)
            now = self._clock()
            if now < self._next.get(key, now):
                self._unsaid[key] = count
                return
            self._next[key] = now + self._interval
        self._logger.warning("%d event(s) %s: %s", count, what, reason)

    def trouble(self, reason: str) -> None:
        """Say that a request failed and will be tried again."""
        with self._lock:
            now = self._clock()
            if now < self._next.get(reason, now):
                return
            self._next[reason] = now + self._interval
        self._logger.warning("delivery is held up, events stay pending: %s", reason)


def result_of(answer: Answer, endpoint_id: str, event_id: str) -> EventResult | None:
    """The answer to one event, or None when the service did not mention it."""
    item = answer.results.get(endpoint_id) or {}
    events = item.get("EventsItemResponse")
    event = events.get(event_id) if isinstance(events, dict) else None
    status = event.get("StatusCode") if isinstance(event, dict) else None
    if not isinstance(event, dict) or not isinstance(status, int):
        return None
    endpoint = item.get("EndpointItemResponse")
    endpoint = endpoint if isinstance(endpoint, dict) else {}
    endpoint_status = endpoint.get("StatusCode")
    return EventResult(
        endpoint_id=endpoint_id,
        event_id=event_id,
        status_code=status,
        message=str(event.get("Message") or ""),
        endpoint_status_code=endpoint_status if isinstance(endpoint_status, int) else None,
        endpoint_message=str(endpoint["Message"]) if endpoint.get("Message") else None,
        request_id=answer.request_id,
    )


@attrs.define(eq=False)
class Worker:
    """Takes batches from the buffer and sends them until the buffer is closed and empty."""

    buffer: Buffer
    send: Callable[[bytes], Answer]
    limits: Limits
    options: DeliveryOptions
    clock: Callable[[], float]
    log: Log
    _failures: int = 0
    _thread: threading.Thread | None = None
    _start_lock: threading.Lock = attrs.field(factory=threading.Lock)

    @property
    def is_started(self) -> bool:
        """True once the thread was made."""
        return self._thread is not None

    def is_current_thread(self) -> bool:
        """True on the worker's own thread, where waiting for room would wait for ever."""
        return self._thread is threading.current_thread()

    def start(self) -> None:
        """Start the thread, once."""
        with self._start_lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="pinpoint-delivery", daemon=True)
                thread.start()
                self._thread = thread

    def join(self, timeout: float) -> None:
        """Wait for the thread to end."""
        if self._thread is not None and not self.is_current_thread():
            self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            taken = self.buffer.take(self.limits.max_events_per_request)
            if not taken:
                return
            self.deliver(taken)

    def step(self) -> bool:
        """Send what can go out now, on the calling thread; False when there was nothing."""
        taken = self.buffer.take_now(self.limits.max_events_per_request)
        if taken:
            self.deliver(taken)
        return bool(taken)

    def deliver(self, items: Sequence[Recorded]) -> None:
        """Send these events now and settle, or keep for another try, every one of them."""
        for packed in pack_events(items, self.limits):
            if isinstance(packed, TooLarge):
                self._reject([packed.item], "too_large", _too_large(packed))
            else:
                self._deliver_batch(packed)

    def _deliver_batch(self, batch: Batch[Recorded]) -> None:
        try:
            answer = self.send(batch.body)
        except PinpointKitError as error:
            self.buffer.count_request(_describe(error))
            self._whole_request_failed(batch, error)
        except Exception as error:  # noqa: BLE001 -- whatever a client's own hooks raise, no event is lost
            self.buffer.count_request(type(error).__name__)
            self._keep(batch.items, type(error).__name__)
        else:
            self.buffer.count_request()
            self._failures = 0
            self._settle_each(batch.items, answer)

    def _whole_request_failed(self, batch: Batch[Recorded], error: PinpointKitError) -> None:
        is_splittable = isinstance(error, (PayloadTooLarge, BadRequest)) and len(batch.items) > 1
        if is_splittable:
            # 413 says so; 400 names no item: halves find the one that is refused.
            for half in batch.halves():
                self._deliver_batch(half)
        elif error.is_retryable:
            self._keep(batch.items, _describe(error), getattr(error, "retry_after", None))
        else:
            reason = _reason(error)
            self._reject(batch.items, reason, str(error))

    def _keep(
        self, items: Sequence[Recorded], reason: str, retry_after: float | None = None
    ) -> None:
        """The whole request failed: keep its events, and send nothing for a while."""
        self._failures += 1
        at = self.clock() + max(self._wait(self._failures), retry_after or 0.0)
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
            is_hopeless = now - item.first_failure >= self.options.give_up_after
            (hopeless if is_hopeless else again).append(item)
        self.buffer.retry(again, at)
        if hopeless:
            self._drop(hopeless, "undeliverable")

    def _wait(self, tries: int) -> float:
        """Full jitter: random between 0 and `base_wait * 2**tries`, at most `max_wait`."""
        jitter = tenacity.wait_random_exponential(
            multiplier=self.options.base_wait, max=self.options.max_wait
        )
        state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
        state.attempt_number = tries
        return jitter(state)

    def _settle_each(self, items: Sequence[Recorded], answer: Answer) -> None:
        accepted: list[Recorded] = []
        refused: dict[str, list[Recorded]] = {}
        again: list[Recorded] = []
        results: Mapping[str, Any] = answer.results
        for item in items:
            try:
                status = results[item.endpoint_id]["EventsItemResponse"][item.event_id][
                    "StatusCode"
                ]
            except (KeyError, TypeError):
                status = None  # the service did not mention it
            if status == ACCEPTED:
                accepted.append(item)
            elif not isinstance(status, int) or status == _TOO_MANY or status in _SERVER_ERRORS:
                again.append(item)
            else:
                refused.setdefault(f"status_{status}", []).append(item)
        _resolve(self.buffer.accept(accepted), answer)
        for reason, group in refused.items():
            fresh = self.buffer.refuse(group, reason)
            self.log.loss("rejected", reason, len(fresh))
            _resolve(fresh, answer)
        for item in again:
            self._retry([item], self.clock() + self._wait(item.tries + 1))

    def _reject(self, items: Sequence[Recorded], reason: str, message: str) -> None:
        fresh = self.buffer.refuse(items, reason)
        if fresh:
            self.log.loss("rejected", reason, len(fresh))
        status = _TOO_LARGE if reason == "too_large" else 400
        for item in fresh:
            if item.future is not None:
                item.future.set_result(_refusal(item, status, message))

    def _drop(self, items: Sequence[Recorded], reason: str) -> None:
        self.tell_dropped(self.buffer.drop(items, reason), reason)

    def tell_dropped(self, items: Sequence[Recorded], reason: str) -> None:
        """Log dropped events and settle their futures."""
        if items:
            self.log.loss("dropped", reason, len(items))
        for item in items:
            if item.future is not None:
                item.future.set_exception(
                    DeliveryError(f"event dropped: {reason}", reason),
                )


def _resolve(items: Iterable[Recorded], answer: Answer) -> None:
    for item in items:
        if item.future is not None:
            result = result_of(answer, item.endpoint_id, item.event_id)
            item.future.set_result(result or _refusal(item, 0, "no answer"))


def _refusal(item: Recorded, status: int, message: str) -> EventResult:
    return EventResult(
        endpoint_id=item.endpoint_id,
        event_id=item.event_id,
        status_code=status,
        message=message,
    )


def _too_large(packed: TooLarge[Recorded]) -> str:
    return f"has {packed.size} bytes, and at most {packed.limit} fit: send less with the event"


def _reason(error: PinpointKitError) -> str:
    code = getattr(error, "code", "")
    return str(code or type(error).__name__)


def _describe(error: PinpointKitError) -> str:
    """The error without the service's own text, which may repeat content."""
    status = getattr(error, "status", None)
    return f"{_reason(error)} ({status})" if status else type(error).__name__

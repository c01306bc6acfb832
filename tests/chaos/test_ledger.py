"""The ledger as a state machine: whatever is done in whatever order, it adds up."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from unittest import mock

import attrs
import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pinpoint_kit import errors
from pinpoint_kit.delivery import Delivery, DeliveryOptions
from pinpoint_kit.delivery.pipeline.items import Recorded
from pinpoint_kit.limits import Limits
from pinpoint_kit.transport import PutEventsAnswer

if TYPE_CHECKING:
    from pinpoint_kit.models.event import EventResult

ROOM = 12
ENDPOINTS = st.sampled_from(["a", "b", "c"])
FAILURES: dict[str, Exception] = {
    "timeout": errors.TransportTimeoutError("no answer"),
    "503": errors.InternalServerError("down", status=503),
    "429": errors.TooManyRequests("slow down", status=429, retry_after=2.0),
    "403": errors.Forbidden("no", status=403),
    "400": errors.BadRequest("no", status=400),
    "413": errors.PayloadTooLarge("large", status=413),
    "hook": RuntimeError("a hook failed"),
}
STATUSES = st.sampled_from([0, 202, 202, 202, 400, 429, 500])


@attrs.define(eq=False)
class Settled(Future[Any]):
    """A future that counts how often it is settled."""

    times: int = 0

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    def set_result(self, result: Any) -> None:
        self.times += 1
        super().set_result(result)

    def set_exception(self, exception: BaseException | None) -> None:
        self.times += 1
        super().set_exception(exception)


class Ledger(RuleBasedStateMachine):
    """Records, sends, fails, waits, forgets and closes; looks at the ledger after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.no_threads = mock.patch("pinpoint_kit.delivery.pipeline.worker.Workers.start")
        self.no_threads.start()
        self.now = 1_000.0
        self.plan: list[Any] = []
        self.futures: dict[str, Settled] = {}
        self.endpoint_of: dict[str, str] = {}
        self.recorded: defaultdict[str, list[str]] = defaultdict(list)
        self.first_sends: defaultdict[str, list[str]] = defaultdict(list)
        self.stored: set[str] = set()
        self.rejected_early = 0
        self.updates = 0
        self.is_closed = False
        self.delivery = Delivery(
            self,
            limits=Limits(max_events_per_request=5),
            options=DeliveryOptions(
                max_buffer_events=ROOM,
                when_full="drop_oldest",
                give_up_after=60.0,
                flush_interval=1.0,
                flush_events=5,
            ),
            clock=lambda: self.now,
        )

    def teardown(self) -> None:
        report = self.delivery.close(0)
        assert report.pending == 0
        assert [e for e, future in self.futures.items() if future.times != 1] == []
        self.check()
        self.no_threads.stop()

    # The service

    def put_events(self, body: bytes) -> PutEventsAnswer:
        """Answer as planned; everything is accepted when nothing is."""
        batch = orjson.loads(body)["BatchItem"]
        for endpoint_id, item in batch.items():
            for event_id in item["Events"]:
                if event_id not in self.first_sends[endpoint_id]:
                    self.first_sends[endpoint_id].append(event_id)
        step = self.plan.pop(0) if self.plan else 202
        if isinstance(step, Exception):
            raise step
        statuses = iter(step if isinstance(step, list) else [])
        results: dict[str, Any] = {}
        for endpoint_id, item in batch.items():
            answers = {}
            for event_id in item["Events"]:
                status = next(statuses, 202)
                if status == 202:
                    self.stored.add(event_id)
                if status:
                    answers[event_id] = {"StatusCode": status, "Message": "m"}
            results[endpoint_id] = {"EventsItemResponse": answers}
        return PutEventsAnswer(results, "request")

    def update_endpoints_batch(self, body: bytes) -> object:
        """Answer as planned, as a whole."""
        assert orjson.loads(body)["Item"]
        step = self.plan.pop(0) if self.plan else 202
        if isinstance(step, Exception):
            raise step
        return "request"

    # What is done

    @precondition(lambda self: not self.is_closed)
    @rule(endpoint_id=ENDPOINTS, has_future=st.booleans())
    def record(self, endpoint_id: str, has_future: bool) -> None:  # noqa: FBT001 -- hypothesis
        """Record one event, perhaps with a future."""
        event_id = f"event-{len(self.endpoint_of)}"
        self.endpoint_of[event_id] = endpoint_id
        self.recorded[endpoint_id].append(event_id)
        future: Settled | None = None
        if has_future:
            future = self.futures[event_id] = Settled()
            future.set_running_or_notify_cancel()
        fragment = orjson.dumps({event_id: {"EventType": "t"}})[1:-1]
        self.delivery.enqueue(endpoint_id, event_id, fragment, future=future)

    @precondition(lambda self: not self.is_closed)
    @rule(endpoint_id=ENDPOINTS, level=st.integers(0, 3))
    def update_endpoint(self, endpoint_id: str, level: int) -> None:
        """Queue an update of the endpoint itself, which may be folded into one that waits."""
        self.updates += 1
        fragment = orjson.dumps({"Id": endpoint_id, "Metrics": {"level": level}})
        self.delivery.enqueue_endpoint(endpoint_id, fragment)

    @precondition(lambda self: not self.is_closed)
    @rule()
    def refuse_early(self) -> None:
        """Count an event that is refused before it is queued."""
        self.rejected_early += 1
        item = Recorded("a", f"early-{self.rejected_early}", b"")
        self.delivery.reject(item, "attributes", "too many")

    @rule(kind=st.sampled_from(sorted(FAILURES)))
    def plan_a_failure(self, kind: str) -> None:
        """Return the next request but those planned already fails as a whole."""
        self.plan.append(FAILURES[kind])

    @rule(statuses=st.lists(STATUSES, min_size=1, max_size=5))
    def plan_statuses(self, statuses: list[int]) -> None:
        """Return the next request but those planned already is answered item by item."""
        self.plan.append(statuses)

    @rule(most=st.integers(1, 5))
    def send(self, most: int) -> None:
        """Send what can go out now, at most so many requests."""
        for _ in range(most):
            if not self.delivery._workers.step():
                break

    @rule(seconds=st.sampled_from([0.05, 1.0, 5.0, 61.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule()
    def flush(self) -> None:
        """Ask for everything, without any time for it."""
        self.delivery.flush(0)

    @rule()
    def heal_and_drain(self) -> None:
        """From now on all is well: after enough time nothing is pending."""
        self.plan.clear()
        for _ in range(60):
            self.now += 10.0
            while self.delivery._workers.step():
                pass
        assert self.delivery.stats().pending == 0

    @rule()
    def close(self) -> None:
        """Close, again and again."""
        report = self.delivery.close(0)
        self.is_closed = True
        assert report.pending == 0
        assert all(future.done() for future in self.futures.values())

    # What holds

    @invariant()
    def check(self) -> None:
        """Return the sum holds, nothing is settled twice, nothing is both, and order is kept."""
        now = self.delivery.stats()
        assert now.accepted + now.rejected + now.dropped + now.pending == now.recorded
        assert now.recorded == len(self.endpoint_of) + self.rejected_early + self.updates
        assert now.rejected + now.dropped == sum(now.reasons.values())
        assert min(now.accepted, now.rejected, now.dropped, now.pending) >= 0
        assert now.pending <= ROOM + self.updates  # one that was folded in takes no room
        assert now.buffered_bytes >= 0
        assert (now.buffered_bytes == 0) == (now.pending == 0)
        assert all(future.times <= 1 for future in self.futures.values())
        lost = {letter.event_id for letter in self.delivery.dead_letters() if letter.event_id}
        assert lost.isdisjoint(self.accepted())
        for endpoint_id, sent in self.first_sends.items():
            known = set(sent)
            order = [e for e in self.recorded[endpoint_id] if e in known]
            assert sent == order

    def accepted(self) -> set[str]:
        """Return the events whose futures say so."""
        done: dict[str, Future[EventResult]] = {
            event_id: future for event_id, future in self.futures.items() if future.done()
        }
        return {e for e, f in done.items() if f.exception() is None and f.result().is_accepted}


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)

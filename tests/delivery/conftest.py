"""A delivery whose clock stands still and whose service answers as the test says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import orjson
import pytest

from pinpoint_kit.delivery import Delivery, DeliveryOptions
from pinpoint_kit.limits import DEFAULT_LIMITS, Limits
from pinpoint_kit.transport import PutEventsAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinpoint_kit.delivery.pipeline.worker import Workers


@attrs.define
class Clock:
    """Monotonic seconds that only tests move."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@attrs.define(eq=False)
class Service:
    """Answers requests: by default everything is accepted; `script` changes the next answers."""

    script: list[Any] = attrs.field(factory=list)
    requests: list[dict[str, Any]] = attrs.field(factory=list)
    statuses: dict[str, int] = attrs.field(factory=dict)
    endpoint_status: int = 202
    accepted: list[str] = attrs.field(factory=list)
    updates: list[list[dict[str, Any]]] = attrs.field(factory=list)

    def __call__(self, body: bytes) -> PutEventsAnswer:
        request = orjson.loads(body)["BatchItem"]
        self.requests.append(request)
        if self.script:
            step = self.script.pop(0)
            if isinstance(step, BaseException):
                raise step
            if callable(step):
                return step(request)  # type: ignore[no-any-return]  # scripts make answers
        return self.accept(request)

    def put_events(self, body: bytes) -> PutEventsAnswer:
        return self(body)

    def update_endpoints_batch(self, body: bytes) -> str:
        self.updates.append(orjson.loads(body)["Item"])
        return "request-1"

    def accept(self, request: dict[str, Any]) -> PutEventsAnswer:
        """Answer 202, or what `statuses` says for an event id."""
        ids = [event_id for item in request.values() for event_id in item["Events"]]
        self.accepted += [event_id for event_id in ids if self.statuses.get(event_id, 202) == 202]
        return PutEventsAnswer(
            {
                endpoint_id: {
                    "EndpointItemResponse": {
                        "StatusCode": self.endpoint_status,
                        "Message": "m",
                    },
                    "EventsItemResponse": {
                        event_id: {"StatusCode": self.statuses.get(event_id, 202), "Message": "m"}
                        for event_id in item["Events"]
                    },
                }
                for endpoint_id, item in request.items()
            },
            "request-1",
        )

    @property
    def event_ids(self) -> list[str]:
        """The event ids of all requests, in the order they came."""
        return [
            event_id
            for request in self.requests
            for item in request.values()
            for event_id in item["Events"]
        ]


@attrs.define(eq=False)
class Rig:
    """A delivery by hand: no thread runs; `run` sends what is due."""

    delivery: Delivery
    service: Service
    clock: Clock

    @property
    def worker(self) -> Workers:
        """The worker, whose thread was never started."""
        return self.delivery._workers

    def record(self, event_id: str, endpoint_id: str = "e", **more: Any) -> None:
        """Queue one event."""
        self.delivery.enqueue(endpoint_id, event_id, fragment(event_id), **more)

    def run(self, seconds: float = 0.0) -> None:
        """Let time pass and send everything that is due."""
        self.clock.now += seconds
        while self.worker.step():
            pass


def fragment(event_id: str, padding: int = 0) -> bytes:
    """One encoded event."""
    return orjson.dumps({event_id: {"EventType": "t", "Timestamp": "x" * padding}})[1:-1]


@pytest.fixture
def make_rig(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Rig]]:
    """Make deliveries whose thread never starts; close them after the test."""
    monkeypatch.setattr("pinpoint_kit.delivery.pipeline.worker.Workers.start", lambda _: None)
    rigs: list[Rig] = []

    def make(limits: Limits = DEFAULT_LIMITS, **options: Any) -> Rig:
        clock, service = Clock(), Service()
        delivery = Delivery(service, limits=limits, options=DeliveryOptions(**options), clock=clock)
        delivery._buffer.takes_plain = True  # as where a thread runs
        rigs.append(Rig(delivery, service, clock))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.delivery.close(0)


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """Give a delivery with the default options."""
    return make_rig()

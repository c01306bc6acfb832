"""A destination that fails as it is told to, and what came out of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from pinpoint_kit.records.destination import Refused, StreamRecord, Unavailable

if TYPE_CHECKING:
    from tests.engine.conftest import Clock, Wire

ARN = "arn:aws:kinesis:us-east-1:111122223333:stream/events"
STREAM = {
    "DestinationStreamArn": ARN,
    "RoleArn": "arn:aws:iam::111122223333:role/PinpointEventStreamRole",
}
EVENT: dict[str, Any] = {"EventType": "level_up", "Timestamp": "2026-01-01T00:00:00.123Z"}
THROTTLED = Refused("ProvisionedThroughputExceededException", "slow down")
BAD = Refused("BadRecord", "never", is_permanent=True)

Answer = Callable[[StreamRecord], Refused | None]


@attrs.define(eq=False)
class Fake:
    """Takes what it is sent, unless `answer` refuses a record or `outage` the whole call.

    Attributes:
        taken: every record that was acknowledged, in the order of that.
        calls: the numbers of every call, taken or not.
        takes_before_failing: a call that fails has been taken all the same: nobody was told.
    """

    name: str = "fake://one"
    most_records: int = 500
    most_bytes: int = 5_000_000
    most_record_bytes: int = 1_000_000
    keeps_order: bool = False
    answer: Answer = lambda _: None
    outage: Unavailable | Exception | None = None
    takes_before_failing: bool = False
    taken: list[StreamRecord] = attrs.field(factory=list)
    calls: list[list[int]] = attrs.field(factory=list)
    is_closed: bool = False

    def send(
        self, application_id: str, records: Sequence[StreamRecord]
    ) -> Sequence[Refused | None]:
        assert application_id
        assert 0 < len(records) <= self.most_records
        assert sum(len(r.data) + len(r.key.encode()) for r in records) <= self.most_bytes
        self.calls.append([record.number for record in records])
        if self.outage is not None:
            if self.takes_before_failing:
                self.taken += records
            raise self.outage
        results = [self.answer(record) for record in records]
        self.taken += [r for r, refused in zip(records, results, strict=True) if refused is None]
        return results

    def close(self) -> None:
        self.is_closed = True

    @property
    def events(self) -> list[str]:
        """The events that were taken, in their order."""
        return [record.event_id for record in self.taken]

    @property
    def records(self) -> list[Any]:
        """What was taken, read."""
        return [json.loads(record.data) for record in self.taken]


def put(wire: Wire, endpoint: str, *events: str, **members: object) -> None:
    """Record events of an endpoint in one request."""
    item = {"Endpoint": members, "Events": dict.fromkeys(events, EVENT)}
    assert wire.put_events({endpoint: item}).status == 202


def stream(wire: Wire, **changes: object) -> None:
    """Give the application an event stream."""
    answer = wire.post(f"/v1/apps/{wire.app}/eventstream", {**STREAM, **changes})
    assert answer.status == 200, answer.json


def forward(wire: Wire) -> None:
    """Let the engine work until there is nothing to do now."""
    for _ in range(1_000):
        if not wire.engine.step():
            return
    raise AssertionError("it never ends")


def forward_through(wire: Wire, clock: Clock, seconds: float = 7200) -> None:
    """Let the engine work, and time pass while it waits."""
    passed = 0.0
    while passed < seconds:
        forward(wire)
        clock.advance(5)
        passed += 5


def ask(
    wire: Wire, path: str = "", payload: Mapping[str, object] | None = None, **query: object
) -> Any:
    """Ask an extension operation of streams, and return its answer."""
    at = f"/pinpoint-kit/v1/apps/{wire.app}/streams{path}"
    asked = "&".join(f"{name.replace('_', '-')}={value}" for name, value in query.items())
    answer = (
        wire.send("GET", at, query=asked)
        if payload is None
        else wire.send("POST", at, json.dumps(payload).encode(), query=asked)
    )
    assert answer.status == 200, answer.json
    return answer.json


def status(wire: Wire) -> Any:
    """Return the state of the only destination."""
    (item,) = ask(wire)["Item"]
    return item

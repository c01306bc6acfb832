"""A client on a fresh engine, whose wall and monotonic clocks only tests move."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import Iterator

START = dt.datetime(2026, 10, 30, 12, tzinfo=dt.timezone.utc)


@attrs.define
class Time:
    """Wall and monotonic time, moved together or apart."""

    wall: float = START.timestamp()
    monotonic: float = 50.0

    def pass_(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        self.wall += seconds
        self.monotonic += seconds


@attrs.define(eq=False)
class Watched:
    """A client, its clocks, and every PutEvents request that it sent."""

    pinpoint: pk.Pinpoint
    time: Time
    bodies: list[dict[str, Any]]

    def sent(self) -> list[tuple[str, dict[str, Any]]]:
        """Endpoint id and event of everything that arrived, in order."""
        report = self.pinpoint.flush(10)
        assert report.pending == 0
        return [
            (endpoint_id, {"EventId": event_id, **event})
            for body in self.bodies
            for endpoint_id, item in body["BatchItem"].items()
            for event_id, event in item["Events"].items()
        ]

    def events(self) -> list[dict[str, Any]]:
        """Only the events."""
        return [event for _, event in self.sent()]


def watch(**options: Any) -> Watched:
    """Return a watched client on an engine in memory."""
    pinpoint = pk.connect("sqlite://", **options)
    time = Time()
    pinpoint.sessions.recorder.clock = lambda: time.wall
    pinpoint.sessions.monotonic = lambda: time.monotonic
    bodies: list[dict[str, Any]] = []

    def note(request: Any, **_: object) -> None:
        bodies.append(orjson.loads(request.body))

    pinpoint.client.meta.events.register_first("before-send.pinpoint.PutEvents", note)
    return Watched(pinpoint, time, bodies)


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Give a watched client with the default options."""
    client = watch()
    yield client
    client.pinpoint.close()

"""A client of a faulty Pinpoint, in process and over a socket, and what must hold meanwhile."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

import attrs
import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from typing_extensions import Self

    from pinpoint_kit.testing import FaultyPinpoint

Door = Literal["in process", "socket"]

#: Fast enough for tests: a wait of at most 50 ms after a failure.
BRISK: dict[str, Any] = {"flush_interval": 0.02, "base_wait": 0.01, "max_wait": 0.05}


def brisk(**options: Any) -> pk.DeliveryOptions:
    """Delivery options for tests."""
    return pk.DeliveryOptions(**{**BRISK, **options})


@attrs.define
class Watch:
    """Looks at the ledger all the time, from a thread of its own; keeps what does not add up."""

    pinpoint: pk.Pinpoint
    every: float = 0.001
    looks: int = 0
    wrong: list[str] = attrs.field(factory=list)
    _stop: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, name="watch")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self.every):
            self.look()

    def look(self) -> None:
        """Look once."""
        now = self.pinpoint.delivery.stats()
        self.looks += 1
        parts = now.accepted + now.rejected + now.dropped + now.pending
        lost = now.rejected + now.dropped
        if parts != now.recorded or lost != sum(now.reasons.values()) or now.pending < 0:
            self.wrong.append(f"{now!r}")


def check(
    faulty: FaultyPinpoint, pinpoint: pk.Pinpoint, futures: dict[str, Future[pk.EventResult]]
) -> pk.DeliveryReport:
    """Every event has ended once, and the engine has each accepted one exactly once."""
    report = pinpoint.flush(0)
    assert report.pending == 0
    assert [event_id for event_id, future in futures.items() if not future.done()] == []
    stored = Counter(faulty.event_ids())
    assert set(stored.values()) <= {1}
    accepted = {
        event_id
        for event_id, future in futures.items()
        if future.exception() is None and future.result().is_accepted
    }
    assert accepted <= stored.keys()
    assert len(accepted) == report.accepted
    return report


@pytest.fixture(params=["in process", "socket"])
def door(request: pytest.FixtureRequest) -> Door:
    """Both ways to a faulty Pinpoint."""
    return request.param  # type: ignore[no-any-return]  # pytest does not know


@pytest.fixture
def connect(faulty_pinpoint: FaultyPinpoint) -> Iterator[Callable[..., pk.Pinpoint]]:
    """Connect to the test's faulty Pinpoint through a door; close the client afterwards."""
    opened: list[pk.Pinpoint] = []

    def open_one(door: Door, *, timeout: float = 0.3, **options: Any) -> pk.Pinpoint:
        options.setdefault("delivery", brisk())
        if door == "socket":
            pinpoint = pk.connect(
                faulty_pinpoint.url,
                application_id=faulty_pinpoint.application_id,
                timeout=timeout,
                **options,
            )
        else:
            pinpoint = faulty_pinpoint.connect(**options)
        opened.append(pinpoint)
        return pinpoint

    yield open_one
    faulty_pinpoint.heal()
    for pinpoint in opened:
        pinpoint.close(1.0)

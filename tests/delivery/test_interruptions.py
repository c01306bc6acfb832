"""Exceptions and calls that come in at any line of delivery: the ledger stays true, nothing hangs.

A scenario runs, and an exception, a call of the client from within or a close comes in at one line
of `pinpoint_kit/delivery/`. By default at a sample of the lines, in the slow test at every tenth.
"""

from __future__ import annotations

import gc
import logging
import random
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import pytest

import pinpoint_kit.delivery
from pinpoint_kit.delivery import Delivery, DeliveryOptions
from pinpoint_kit.delivery.spool.spool import Spool
from pinpoint_kit.limits import Limits
from tests.delivery.conftest import Rig, Service, fragment
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from typing_extensions import Self

ROOM = str(Path(pinpoint_kit.delivery.__file__).parent)
OPTIONS: dict[str, Any] = {
    "flush_interval": 0.005,
    "base_wait": 0.001,
    "max_wait": 0.01,
    "max_in_flight": 2,
}


class Interrupt(BaseException):
    """What a signal handler or a debugger throws into the midst of things."""


@attrs.define(eq=False)
class Injector:
    """Does something at the n-th line of delivery that is run from now on."""

    at: int
    action: Callable[[], object]
    where: str = ROOM
    lines: int = 0
    has_acted: bool = False

    def trace(self, frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(self.where):
            return None
        if event == "line":
            self.lines += 1
            if self.lines >= self.at and not self.has_acted:
                self.has_acted = True
                self.action()
        return self.trace

    def __enter__(self) -> Self:
        threading.settrace(self.trace)
        sys.settrace(self.trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)
        threading.settrace(None)


@attrs.define(eq=False)
class World:
    """A delivery with its threads, and what was done to it."""

    delivery: Delivery
    service: Service
    spool: Path | None = None
    returned: set[str] = attrs.field(factory=set)
    futures: list[Future[Any]] = attrs.field(factory=list)

    def record(self, event_id: str, endpoint_id: str = "e", **more: Any) -> None:
        """Record, and remember whether it came back."""
        self.delivery.enqueue(endpoint_id, event_id, fragment(event_id), **more)
        self.returned.add(event_id)


def world(spool: Path | None) -> World:
    """One with small requests, so that many lines are run."""
    service = Service()
    delivery = Delivery(
        service,
        limits=Limits(max_events_per_request=3),
        options=DeliveryOptions(**OPTIONS, max_buffer_events=40),
        spool=None if spool is None else Spool(spool),
    )
    return World(delivery, service, spool)


def scenario(world: World) -> None:
    """Everything once: plain events, data, futures, updates, refusals, failures, flush, stats."""
    service = world.service
    service.statuses.update({"refused": 400, "slow": 503})
    for number in range(5):
        world.record(f"plain-{number}", f"e{number % 2}")
    world.record("data", "e", endpoint=b'{"OptOut":"ALL"}')
    world.record("other-data", "e", endpoint=b'{"OptOut":"NONE"}')
    future: Future[Any] = Future()
    future.set_running_or_notify_cancel()
    world.futures.append(future)
    world.record("future", future=future)
    world.record("refused", "r")
    world.record("slow", "s")
    world.delivery.enqueue_endpoint("u", b'{"Id":"u","Metrics":{"n":1}}')
    world.delivery.stats()
    world.delivery.flush(0.01)
    service.statuses.clear()
    world.delivery.flush(1.0)


def check(world: World) -> None:
    """However it went: it adds up, all that came back has ended, once, and nothing hangs."""
    began = time.monotonic()
    world.service.statuses.clear()
    world.delivery.flush(5.0)
    closer = threading.Thread(target=world.delivery.close, args=(5.0,), daemon=True)
    closer.start()
    closer.join(20)
    assert not closer.is_alive(), "close hangs"
    stats = world.delivery.stats()
    assert stats.recorded == stats.accepted + stats.rejected + stats.dropped + stats.pending
    assert stats.rejected + stats.dropped == sum(stats.reasons.values())
    on_disk = left_on_disk(world.spool) if world.spool else set()
    assert stats.pending <= len(on_disk), stats
    in_time(time.monotonic() - began, 15)
    # A worker that outlasts a close of 0.2 s writes the last of it a moment later.
    while (missing := not_ended(world, on_disk)) and time.monotonic() < began + 15:
        time.sleep(0.01)
    assert missing == set()
    assert stats.recorded >= len(world.returned)
    assert all(future.done() for future in world.futures if "future" in world.returned)


def not_ended(world: World, on_disk: set[str]) -> set[str]:
    """Return the events that came back and are neither accepted, nor a dead letter, nor on disk."""
    lost = {letter.event_id for letter in world.delivery.dead_letters()}
    return world.returned - set(world.service.accepted) - lost - on_disk


def left_on_disk(path: Path) -> set[str]:
    """Return the events that the next process would deliver."""
    with closing(Spool(path)) as spool:
        spool.adopt()
        return {row.item_id for row in spool.load()}


def run(at: int, action: Callable[[World], object], spool: Path | None) -> bool:
    """Run the scenario with something at that line; False when there are not so many lines."""
    subject = world(spool)
    injector = Injector(at, lambda: action(subject))
    try:
        with injector:
            scenario(subject)
    except Interrupt:
        pass
    finally:
        sys.settrace(None)
    check(subject)
    return injector.has_acted


def throw(_: World) -> None:
    """Raise an exception at this line."""
    raise Interrupt


def come_in(subject: World) -> None:
    """Every entry of the client, from within."""
    before = sys.gettrace()
    sys.settrace(None)
    try:
        subject.record("from-within", "w")
        subject.delivery.stats()
        subject.delivery.dead_letters()
        subject.delivery.flush(0.0)
        subject.delivery.enqueue_endpoint("w", orjson.dumps({"Id": "w"}))
    finally:
        sys.settrace(before)


def close_within(subject: World) -> None:
    """Do what a SIGTERM handler does: close, and leave. Python runs handlers in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return
    subject.delivery.close(0.2)
    raise Interrupt


ACTIONS = {"exception": throw, "call": come_in, "close": close_within}


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Threads that die of the exception are what this is about."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def lines(spool: Path | None) -> int:
    """About how many lines the scenario runs."""
    subject = world(spool)
    with Injector(sys.maxsize, lambda: None) as injector:
        scenario(subject)
    check(subject)
    return injector.lines


@pytest.mark.parametrize("place", ["memory", "spool"])
@pytest.mark.parametrize("kind", sorted(ACTIONS))
def test_a_sample_of_lines(kind: str, place: str, tmp_path: Path) -> None:
    """An exception, a call or a close from within at some lines of the main thread and workers."""
    spool = tmp_path / "s.spool" if place == "spool" else None
    rng = random.Random(f"{kind}{place}")  # noqa: S311 -- a sample, no secret
    most = lines(spool)
    for at in sorted(rng.randrange(1, most) for _ in range(12)):
        run(at, ACTIONS[kind], spool and tmp_path / f"{at}.spool")


def interrupted_step(make_rig: Callable[..., Rig], at: int) -> bool:
    """Interrupt the step of a delivery by hand at that line of the code that moves items."""
    rig = make_rig(Limits(max_events_per_request=4))
    rig.service.statuses["b1"] = 503
    for number in range(4):
        rig.record(f"a{number}", "a", endpoint=b'{"Metrics":{"n":%d}}' % (number // 2))
        rig.record(f"b{number}", "b")
    rig.run()
    rig.service.statuses.clear()
    for number in range(4, 8):
        rig.record(f"a{number}", "a")
        rig.record(f"b{number}", "b")
    rig.clock.now += 10.0

    def throw() -> None:
        raise Interrupt

    injector = Injector(at, throw, str(Path(ROOM, "pipeline")))
    sys.settrace(injector.trace)
    try:
        for _ in range(3):
            rig.worker.step()
    except Interrupt:
        pass
    finally:
        sys.settrace(None)
    for _ in range(5):
        rig.run(10.0)
    stats = rig.delivery.stats()
    assert (stats.recorded, stats.accepted, stats.pending) == (16, 16, 0), at
    assert stats.buffered_bytes == 0, at
    assert set(rig.service.accepted) == {f"{e}{n}" for e in "ab" for n in range(8)}, at
    lanes = rig.delivery._buffer._lanes
    assert (lanes.count, lanes._busy, lanes.held) == (0, set(), {}), at
    return injector.has_acted


def test_an_exception_at_any_line_that_moves_items_loses_and_doubles_none(
    make_rig: Callable[..., Rig],
) -> None:
    """Each item is settled once in the ledger, and nobody is held back by what was half done."""
    at = 1
    while interrupted_step(make_rig, at):
        at += 2
    assert at > 100


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("place", ["memory", "spool"])
@pytest.mark.parametrize("kind", sorted(ACTIONS))
def test_every_tenth_line(kind: str, place: str, tmp_path: Path) -> None:
    """The same at every tenth line of a run, to its end."""
    at = 1
    while run(at, ACTIONS[kind], tmp_path / f"{at}.spool" if place == "spool" else None):
        at += 10
    assert at > 1000


def test_a_finalizer_may_record_while_its_thread_is_in_here() -> None:
    """Objects in cycles are freed by the collector, in the midst of anything."""
    subject = world(None)

    class Cycle:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            event_id = f"f-{id(self)}-{next(numbers)}"
            subject.delivery.enqueue("f", event_id, fragment(event_id))

    numbers = iter(range(1_000_000))
    threshold = gc.get_threshold()
    gc.set_threshold(50)
    try:
        for number in range(200):
            Cycle()
            subject.record(f"{number}", f"e{number % 7}")
            if number % 50 == 0:
                subject.delivery.flush(1.0)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()  # those that are left record while the client is open
    check(subject)

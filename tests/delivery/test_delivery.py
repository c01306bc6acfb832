"""The promises of delivery with its thread running: deadlines, bounds, closing, exit."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from pinpoint_kit import DeliveryOptions, errors
from pinpoint_kit.delivery import Delivery
from pinpoint_kit.limits import DEFAULT_LIMITS
from tests.delivery.conftest import Service, fragment
from tests.programs import Program
from tests.timing import in_time, wait_until

if TYPE_CHECKING:
    from pinpoint_kit import EventResult
    from pinpoint_kit.delivery.pipeline.buffer import Buffer
    from tests.delivery.conftest import Rig


@attrs.define
class By:
    """A sender whose PutEvents is a function."""

    put_events: Callable[[bytes], Any]

    def update_endpoints_batch(self, body: bytes) -> object:
        raise AssertionError(body)


def running(service: Callable[[bytes], Any], **options: Any) -> Delivery:
    """Return a delivery with its real threads and clock."""
    return Delivery(By(service), limits=DEFAULT_LIMITS, options=DeliveryOptions(**options))


def record(delivery: Delivery, event_id: str, endpoint_id: str = "e") -> None:
    """Queue one event."""
    delivery.enqueue(endpoint_id, event_id, fragment(event_id))


def make_future() -> Future[EventResult]:
    """Return a future as `submit` makes it."""
    future: Future[EventResult] = Future()
    future.set_running_or_notify_cancel()
    return future


def looks_of(buffer: Buffer, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list that gets longer each time a worker looks for something to send."""
    looks: list[float] = []
    take = buffer._take

    def look(pace: Callable[[], float]) -> Any:
        looks.append(0.0)
        return take(pace)

    monkeypatch.setattr(buffer, "_take", look)
    return looks


def test_no_thread_runs_before_the_first_event() -> None:
    """The worker starts lazily, as a daemon."""
    delivery = running(Service())
    before = {thread.name for thread in threading.enumerate()}
    assert "pinpoint-delivery" not in before
    record(delivery, "1")
    thread = next(t for t in threading.enumerate() if t.name == "pinpoint-delivery")
    assert thread.daemon
    delivery.close()
    assert not thread.is_alive()


def test_recording_in_an_outage_wakes_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once a worker knows that something is due it is woken by the end of its pause only."""
    delivery = running(Service(), flush_events=2)
    buffer = delivery._buffer
    buffer.pause_until(time.monotonic() + 3600.0)
    record(delivery, "0")
    record(delivery, "1")
    wait_until(lambda: buffer._is_due_known and bool(buffer._idle))
    looks = looks_of(buffer, monkeypatch)
    for number in range(100):
        record(delivery, f"more-{number}")
    assert buffer._bell.empty()
    assert len(looks) <= 2
    buffer.pause_until(0.0)
    assert delivery.close(10).accepted == 102


def test_events_with_endpoint_data_wake_a_worker_when_there_is_something_to_send(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Woken at each log-in, it would take the interpreter from the log-ins."""
    delivery = running(Service(), flush_interval=3600.0)
    buffer = delivery._buffer

    def signed_in(number: int) -> None:
        delivery.enqueue("e", f"{number}", fragment(f"{number}"), b'{"User":{"UserId":"u"}}')

    signed_in(0)
    wait_until(lambda: bool(buffer._idle) and buffer._bell.empty())
    looks = looks_of(buffer, monkeypatch)
    for number in range(1, 99):
        signed_in(number)
        time.sleep(0)  # lets one that was woken look
    assert len(looks) <= 2
    signed_in(99)
    wait_until(lambda: delivery.stats().accepted == 100)
    assert delivery.close(10).pending == 0


def test_what_becomes_due_while_another_worker_sends_is_sent() -> None:
    """Somebody who took what was due knows nothing of what comes after it."""
    service, release, begun = Service(), threading.Event(), threading.Event()
    arrived = threading.Event()

    def send(body: bytes) -> Any:
        if b'"first"' in body:
            begun.set()
            release.wait(10)
        else:
            arrived.set()
        return service(body)

    delivery = running(send, flush_events=3, flush_interval=3600.0, max_in_flight=2)
    for name in ("first", "1", "2"):
        record(delivery, name, name)
    assert begun.wait(10)
    delivery._workers.start()  # a second one, which finds nothing to do
    wait_until(lambda: bool(delivery._buffer._idle))
    for name in "345":
        record(delivery, name, name)
    assert arrived.wait(10)
    release.set()
    assert delivery.close(10).accepted == 6


def test_a_hundred_events_go_out_without_a_flush() -> None:
    """The count alone makes a request due."""
    arrived = threading.Event()

    def send(body: bytes) -> Any:
        arrived.set()
        return Service()(body)

    delivery = running(send, flush_interval=3600.0)
    for number in range(100):
        record(delivery, str(number))
    assert arrived.wait(10)
    delivery.close()


def test_a_lonely_event_goes_out_by_its_age() -> None:
    """An event waits no longer than the flush interval."""
    arrived = threading.Event()

    def send(body: bytes) -> Any:
        arrived.set()
        return Service()(body)

    delivery = running(send, flush_interval=0.05)
    record(delivery, "1")
    assert arrived.wait(10)
    delivery.close()


def test_flush_keeps_its_deadline_while_a_request_hangs() -> None:
    """A hanging request holds flush no longer than its timeout, and the event stays pending."""
    release = threading.Event()

    def hang(body: bytes) -> Any:
        release.wait(30)
        return Service()(body)

    delivery = running(hang)
    record(delivery, "1")
    started = time.monotonic()
    report = delivery.flush(0.3)
    took = time.monotonic() - started
    assert report.pending == 1
    in_time(took, 0.3 * 1.1 + 0.05)
    release.set()
    assert delivery.flush(10).accepted == 1
    delivery.close()


def test_flush_waits_for_what_was_recorded_before_it_only() -> None:
    """Events recorded while flush waits do not keep it waiting."""
    service = Service()
    stop = threading.Event()
    delivery = running(service)

    def keep_recording() -> None:
        number = 0
        while not stop.is_set() and number < 100_000:
            record(delivery, f"x{number}")
            number += 1

    record(delivery, "first")
    noise = threading.Thread(target=keep_recording)
    noise.start()
    report = delivery.flush(10)
    stop.set()
    noise.join()
    assert "first" in service.event_ids
    assert report.accepted >= 1
    delivery.close(30)


def test_close_drops_what_cannot_be_delivered_and_says_so() -> None:
    """After close nothing is pending; what hung is dropped as `closed` and counted once."""
    release = threading.Event()
    service = Service()

    def hang(body: bytes) -> Any:
        release.wait(30)
        return service(body)

    delivery = running(hang)
    for number in range(150):
        record(delivery, str(number))
    threads = list(delivery._workers.threads)
    report = delivery.close(0.1)
    assert not service.requests
    release.set()
    assert (report.dropped, report.pending) == (150, 0)
    for thread in threads:  # the answer that comes too late is its last
        thread.join(10)
        assert not thread.is_alive()
    assert len(service.requests) <= 1
    assert report.reasons == {"closed": 150}
    again = delivery.close()
    assert again == report
    with pytest.raises(errors.ClosedError, match="connect"):
        record(delivery, "late")


@pytest.mark.parametrize("answers", ["refuses", "throttles", "breaks"])
def test_a_request_that_outlasts_close_is_the_last(answers: str) -> None:
    """However it ends: nothing is split, tried again or taken up after close has settled it."""
    release = threading.Event()
    requests = 0

    def hang(_: bytes) -> Any:
        nonlocal requests
        requests += 1
        release.wait(30)
        if answers == "refuses":
            raise errors.BadRequest("no", status=400)
        if answers == "throttles":
            raise errors.TooManyRequests("slow down", status=429)
        raise RuntimeError

    delivery = running(hang)
    for number in range(150):
        record(delivery, str(number))
    while not requests:
        time.sleep(0.001)
    threads = list(delivery._workers.threads)
    report = delivery.close(0.0)
    assert (report.dropped, report.pending) == (150, 0)
    release.set()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()
    assert requests == 1
    assert delivery.close() == report


@pytest.mark.parametrize("answers", ["accepted", "rejected", "throttled", "failed"])
def test_a_request_leaves_nothing_to_the_garbage_collector(answers: str) -> None:
    """A full collection over a program's objects costs far more than the request itself."""
    service = Service()
    statuses = {"rejected": 400, "throttled": 429}
    if answers in statuses:
        service.statuses = {f"{n}": statuses[answers] for n in range(100, 150)}
    elif answers == "failed":
        service.script = [errors.InternalServerError("down", status=500)]
    delivery = running(service, base_wait=0.001, max_wait=0.001)
    record(delivery, "first")
    delivery.flush(10)
    gc.collect()
    gc.disable()
    try:
        for number in range(300):
            record(delivery, str(number), f"e{number % 7}")
        delivery.enqueue("e", "with-data", fragment("with-data"), b"{}", make_future())
        if answers == "throttled":
            while delivery.stats().retries < 50:
                delivery.flush(0.01)
            service.statuses.clear()
        delivery.flush(10)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        ours = [item for item in gc.garbage if type(item).__module__.startswith("pinpoint_kit")]
        assert ours == []
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
        delivery.close(10)


def test_one_endpoint_keeps_its_order_over_many_requests(make_rig: Callable[..., Rig]) -> None:
    """What is recorded while earlier events of the endpoint wait or are under way comes behind."""
    rig = make_rig(max_in_flight=1)
    names = [str(number) for number in range(700)]

    def record_more(request: dict[str, Any]) -> Any:
        for name in names[350 + 50 * len(rig.service.requests) :][:50]:
            record(rig.delivery, name)
        return rig.service.accept(request)

    rig.service.script = [record_more] * 6
    for name in names[:400]:
        record(rig.delivery, name)
    rig.run()
    assert rig.service.event_ids == names
    assert {len(request["e"]["Events"]) for request in rig.service.requests} == {100}


def test_a_full_buffer_drops_the_newest_by_default(make_rig: Callable[..., Rig]) -> None:
    """A full buffer refuses the newcomer, counts it, and keeps what waits."""
    rig = make_rig(max_buffer_events=3)
    for number in range(5):
        rig.record(str(number))
    rig.run()
    stats = rig.delivery.stats()
    assert rig.service.event_ids == ["0", "1", "2"]
    assert (stats.accepted, stats.dropped, stats.reasons) == (3, 2, {"buffer_full": 2})


def test_a_full_buffer_can_drop_the_oldest(make_rig: Callable[..., Rig]) -> None:
    """`drop_oldest` keeps the newest events."""
    rig = make_rig(max_buffer_events=3, when_full="drop_oldest")
    for number in range(5):
        rig.record(str(number))
    rig.run()
    assert rig.service.event_ids == ["2", "3", "4"]
    assert rig.delivery.stats().dropped == 2


def test_a_full_buffer_is_bounded_by_bytes_too(make_rig: Callable[..., Rig]) -> None:
    """Bytes count like events do."""
    rig = make_rig(max_buffer_bytes=100)
    for number in range(10):
        rig.record(str(number))
    stats = rig.delivery.stats()
    assert stats.buffered_bytes <= 100
    assert stats.dropped == 10 - stats.pending
    assert stats.dropped > 0


def test_a_full_buffer_can_block_until_there_is_room() -> None:
    """`block` makes recorders wait, and everything arrives."""
    service = Service()
    delivery = running(service, max_buffer_events=10, when_full="block")
    for number in range(500):
        record(delivery, str(number))
    assert delivery.close(30).accepted == 500


def test_closing_frees_a_blocked_recorder() -> None:
    """A recorder that waits for room is let go at close, and its event is counted."""
    release = threading.Event()

    def hang(body: bytes) -> Any:
        release.wait(30)
        return Service()(body)

    delivery = running(hang, max_buffer_events=1, when_full="block")
    record(delivery, "1")
    blocked = threading.Thread(target=record, args=(delivery, "2"))
    blocked.start()
    report = delivery.close(0.1)
    blocked.join(10)
    release.set()
    assert not blocked.is_alive()
    final = delivery.stats()
    assert report.accepted == 0
    assert final.recorded == final.dropped == final.reasons["closed"]


def test_many_threads_record_and_the_ledger_adds_up() -> None:
    """32 threads record 200 events each; every one of them arrives once."""
    service = Service()
    delivery = running(service)

    def record_some(thread: int) -> None:
        for number in range(200):
            record(delivery, f"{thread}-{number}")

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(record_some, range(32)))
    report = delivery.close(30)
    assert (report.recorded, report.accepted) == (6400, 6400)
    assert len(set(service.event_ids)) == len(service.event_ids) == 6400


def test_an_event_recorded_by_a_futures_callback_does_not_deadlock() -> None:
    """A callback runs on the worker's thread and may record, even when the buffer is full."""
    service = Service()
    delivery = running(service, max_buffer_events=1, when_full="block")
    future = make_future()
    future.add_done_callback(lambda _: record(delivery, "from-callback"))
    delivery.enqueue("e", "1", fragment("1"), future=future)
    future.result(10)
    assert delivery.close(10).recorded == 2


def test_a_report_since_an_earlier_one_adds_up(make_rig: Callable[..., Rig]) -> None:
    """The difference of two reports keeps the sum, counting what was pending in between."""
    rig = make_rig()
    rig.record("1")
    earlier = rig.delivery.flush(0)
    rig.record("2")
    rig.run()
    later = rig.delivery.flush(0).since(earlier)
    assert (later.recorded, later.accepted, later.pending) == (2, 2, 0)
    assert later.is_complete
    with pytest.raises(errors.DeliveryError, match="1 pending of 1 recorded"):
        earlier.raise_for_loss()


@pytest.mark.parametrize(
    ("option", "value"),
    [("when_full", "explode"), ("max_buffer_events", 0), ("flush_interval", -1.0)],
)
def test_wrong_options_are_refused(option: str, value: Any) -> None:
    """An option that makes no sense says so by its name."""
    with pytest.raises(errors.ConfigurationError, match=option):
        DeliveryOptions(**{option: value})


def test_a_client_that_nobody_closed_still_delivers_at_exit(tmp_path: Any) -> None:
    """Plain interpreter exit delivers what is queued; nothing is lost, so nothing is logged."""
    script = (
        "import pinpoint_kit\n"
        "options = pinpoint_kit.DeliveryOptions(exit_timeout=60.0)\n"
        f"url = 'sqlite:///{tmp_path}/exit.db'\n"
        "pinpoint = pinpoint_kit.connect(url, application='a', delivery=options)\n"
        "for n in range(2000): pinpoint.events.record('device-1', 'left')\n"
    )
    with Program([sys.executable, "-c", script]) as program:
        program.succeed()
    assert program.err.text == ""


def test_an_answer_that_nobody_could_expect_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The thread outlives it, the event stays pending, and is delivered by the next try."""
    service = Service()
    answers: list[Any] = [object()]

    def send(body: bytes) -> Any:
        return answers.pop() if answers else service(body)

    delivery = running(send)
    record(delivery, "1")
    assert delivery.flush(10).accepted == 1
    assert "could not be handled" in caplog.text
    delivery.close()


def test_futures_are_settled_when_flush_returns() -> None:
    """What flush reports as accepted has its future settled."""
    service = Service()
    delivery = running(service)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for _ in range(50):
            futures = [make_future() for _ in range(20)]
            for number, future in enumerate(futures):
                delivery.enqueue("e", str(number), fragment(str(number)), future=future)
            assert delivery.flush(10).pending == 0
            assert all(future.done() for future in futures)
    finally:
        sys.setswitchinterval(interval)
        delivery.close(10)


def test_refused_endpoint_data_is_counted(make_rig: Callable[..., Rig]) -> None:
    """Events that are taken while their endpoint data is refused show in the stats."""
    rig = make_rig()
    rig.service.endpoint_status = 400
    rig.record("1", endpoint=b'{"OptOut":"ALL"}')
    rig.run()
    stats = rig.delivery.stats()
    assert (stats.accepted, stats.refused_endpoints) == (1, 1)

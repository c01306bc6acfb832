"""Records in a `for` loop of this process: what is taken when, and what is handed out again."""

from __future__ import annotations

import threading
import time
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit import ConfigurationError, connect
from pinpoint_kit.destinations import IteratorDestination, Unavailable
from tests.destinations.records import record, records
from tests.timing import TooLate, in_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.destinations import Refused, StreamRecord


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Give threads that send, as the engine's do."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


def take(loop: Iterator[StreamRecord], count: int) -> list[int]:
    """Take so many records."""
    return [next(loop).number for _ in range(count)]


def test_the_loop_gets_all_in_order_and_ends(pool: ThreadPoolExecutor) -> None:
    """The sender is told when the loop has taken them all."""
    destination = IteratorDestination()

    def send() -> list[Refused | None]:
        outcomes = [*destination.send("app", records(20)), *destination.send("app", records(5))]
        destination.close()
        return outcomes

    sending = pool.submit(send)
    assert [one.number for one in destination] == [*range(1, 21), *range(1, 6)]
    assert sending.result(10) == [None] * 25


def test_a_record_is_taken_when_the_next_one_is_asked_for(pool: ThreadPoolExecutor) -> None:
    """What is in hand at the end was not taken, and counts as no try."""
    destination = IteratorDestination(timeout=200)
    loop = iter(destination)
    sending = pool.submit(destination.send, "app", records(3))
    assert take(loop, 2) == [1, 2]
    destination.close()
    first, second, third = sending.result(10)
    assert first is None
    assert second is not None
    assert third is not None
    assert (second.code, second.counts_as_try) == ("NotTaken", False)
    assert third == second


def leave_in_hand(
    pool: ThreadPoolExecutor, destination: IteratorDestination, count: int
) -> Iterator[StreamRecord]:
    """Send so many records, let a loop have the first one, and wait until time is over."""
    loop = iter(destination)
    having = pool.submit(next, loop)  # it waits before anything is sent
    sending = pool.submit(destination.send, "app", records(count))
    try:
        assert having.result(10).number == 1
    except futures.TimeoutError:
        destination.close()
        raise TooLate("the loop did not run in time") from None
    with pytest.raises(Unavailable, match="the loop has taken nothing"):
        sending.result(10)
    destination._timeout = 10.0
    return loop


def test_what_is_in_hand_is_not_handed_out_twice(pool: ThreadPoolExecutor) -> None:
    """It was taken meanwhile: the next call is told, and the loop goes on behind it."""
    destination = IteratorDestination(timeout=0.3)
    loop = leave_in_hand(pool, destination, 2)
    sending = pool.submit(destination.send, "app", records(2))
    assert take(loop, 1) == [2]
    pool.submit(destination.send, "other", [record(1)])
    assert take(loop, 1) == [1]  # of the other application
    assert sending.result(10) == [None, None]
    destination.close()
    assert list(loop) == []


def test_a_loop_that_breaks_gives_its_record_to_the_next_one(pool: ThreadPoolExecutor) -> None:
    """It has not asked for another one, so that it has not taken this one."""
    destination = IteratorDestination(timeout=10)
    sending = pool.submit(destination.send, "app", records(2))
    for one in destination:
        assert one.number == 1
        break
    with closing(iter(destination)) as loop:  # type: ignore[type-var]  # a generator
        assert take(loop, 2) == [1, 2]
        destination.close()
        assert list(loop) == []
    assert sending.done() or sending.exception(10) is None


def test_a_record_that_nobody_waits_for_any_more_is_forgotten(pool: ThreadPoolExecutor) -> None:
    """A loop that breaks later does not leave it to others: it is sent again."""
    destination = IteratorDestination(timeout=0.3)
    leave_in_hand(pool, destination, 1).close()  # type: ignore[attr-defined]  # a generator
    assert "0 waiting" in repr(destination)
    sending = pool.submit(destination.send, "app", records(2))
    loop = iter(destination)
    assert take(loop, 2) == [1, 2]
    destination.close()
    assert sending.result(10)[0] is None


def test_applications_side_by_side(pool: ThreadPoolExecutor) -> None:
    """Records with the same numbers are different ones; each application's come in order."""
    destination = IteratorDestination(timeout=10)
    sendings = [pool.submit(destination.send, name, records(50)) for name in ("a", "b", "c")]
    ended = threading.Event()

    def close() -> None:
        for sending in sendings:
            assert sending.result(10) == [None] * 50
        destination.close()
        ended.set()

    pool.submit(close)
    seen = [one.number for one in destination]
    assert sorted(seen) == sorted([*range(1, 51)] * 3)
    assert ended.wait(10)


def test_a_closed_destination_takes_nothing() -> None:
    """Neither a loop nor a sender waits for it."""
    destination = IteratorDestination()
    destination.close()
    destination.close()
    assert list(destination) == []
    with pytest.raises(Unavailable, match="closed"):
        destination.send("app", records(1))


def test_closing_waits_for_no_loop(caplog: pytest.LogCaptureFixture) -> None:
    """A client closes at once while records wait for a loop that nobody runs."""
    destination = IteratorDestination(timeout=60)
    pinpoint = connect("sqlite://", application="shop", destinations={"shop": destination})
    pinpoint.events.record("device", "level_up")
    assert next(iter(destination)).endpoint_id == "device"  # the engine waits in `send`
    began = time.monotonic()
    pinpoint.close()
    in_time(time.monotonic() - began, 4.0)  # it waits 5 seconds for work under way
    assert caplog.text == ""


def test_nothing_is_handed_out_of_nothing() -> None:
    """An empty call waits for nobody."""
    assert IteratorDestination(timeout=200).send("app", []) == []


def test_values_that_are_wrong() -> None:
    """They are refused when it is made."""
    with pytest.raises(ConfigurationError, match="most_records"):
        IteratorDestination(most_records=0)
    with pytest.raises(ConfigurationError, match="timeout"):
        IteratorDestination(timeout=0)


def test_its_repr_shows_no_record() -> None:
    """It says how many wait."""
    assert repr(IteratorDestination()) == "<IteratorDestination iterator://, 0 waiting>"

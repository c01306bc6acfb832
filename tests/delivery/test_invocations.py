"""`per_invocation` on every kind of handler: it stays what it is, and flushes after its body."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterator


@pytest.fixture
def pinpoint() -> Iterator[pk.Pinpoint]:
    """Give a client that sends nothing by itself within a test."""
    options = pk.DeliveryOptions(flush_interval=3_600.0)
    with pk.connect("sqlite://", delivery=options) as client:
        yield client


def accepted(pinpoint: pk.Pinpoint) -> int:
    """How many events arrived so far."""
    return pinpoint.delivery.stats().accepted


def test_a_coroutine_flushes_after_its_body(pinpoint: pk.Pinpoint) -> None:
    """What is recorded while the handler is awaited has arrived when it returns."""

    @pinpoint.per_invocation()
    async def handler(device: str) -> str:
        await asyncio.sleep(0)
        assert accepted(pinpoint) == 0
        pinpoint.events.record(device, "t")
        return device

    assert inspect.iscoroutinefunction(handler)
    assert asyncio.run(handler("e")) == "e"
    assert accepted(pinpoint) == 1


def test_a_coroutine_that_fails_flushes_too(pinpoint: pk.Pinpoint) -> None:
    """The error passes through, after the flush; so does a cancellation."""

    @pinpoint.per_invocation()
    async def handler(error: type[BaseException]) -> None:
        pinpoint.events.record("e", "t")
        await asyncio.sleep(0)
        raise error

    for number, error in enumerate((RuntimeError, asyncio.CancelledError), start=1):
        with pytest.raises(error):
            asyncio.run(handler(error))
        assert accepted(pinpoint) == number


def test_the_event_loop_goes_on_during_the_flush(pinpoint: pk.Pinpoint) -> None:
    """A handler's flush holds up no other task."""
    went_on = asyncio.Event()
    flush = pinpoint.flush

    def flush_when_others_went_on(timeout: float) -> pk.DeliveryReport:
        asyncio.run_coroutine_threadsafe(went_on.wait(), loops[0]).result(10)
        return flush(timeout)

    async def both() -> None:
        loops.append(asyncio.get_running_loop())
        task = asyncio.ensure_future(handler())
        await asyncio.sleep(0)
        went_on.set()
        await task

    loops: list[asyncio.AbstractEventLoop] = []
    pinpoint.flush = flush_when_others_went_on  # type: ignore[method-assign,assignment]

    @pinpoint.per_invocation()
    async def handler() -> None:
        pinpoint.events.record("e", "t")

    asyncio.run(both())
    assert accepted(pinpoint) == 1


def test_a_coroutine_runs_without_asyncio(pinpoint: pk.Pinpoint) -> None:
    """Driven by hand, as another library drives it, a coroutine flushes all the same."""

    @pinpoint.per_invocation()
    async def handler() -> str:
        pinpoint.events.record("e", "t")
        return "done"

    with pytest.raises(StopIteration, match="done"):
        handler().send(None)
    assert accepted(pinpoint) == 1


def test_a_generator_flushes_when_it_is_exhausted(pinpoint: pk.Pinpoint) -> None:
    """A streaming handler yields, takes what is sent and returns as before, then flushes."""

    @pinpoint.per_invocation()
    def handler() -> Generator[str, str, str]:
        pinpoint.events.record("e", "begun")
        answer = yield "first"
        try:
            yield answer
        except KeyError:
            pinpoint.events.record("e", "failed")
        return "last"

    assert inspect.isgeneratorfunction(handler)
    stream = handler()
    assert (next(stream), stream.send("sent")) == ("first", "sent")
    assert accepted(pinpoint) == 0
    with pytest.raises(StopIteration, match="last"):
        stream.throw(KeyError())
    assert accepted(pinpoint) == 2


def test_a_generator_that_is_closed_flushes(pinpoint: pk.Pinpoint) -> None:
    """A client that goes away early ends the stream, and what was recorded arrives."""

    @pinpoint.per_invocation()
    def handler() -> Generator[int, None, None]:
        pinpoint.events.record("e", "t")
        yield 1
        yield 2

    stream = handler()
    next(stream)
    stream.close()
    assert accepted(pinpoint) == 1


def test_an_async_generator_flushes_when_it_is_exhausted(pinpoint: pk.Pinpoint) -> None:
    """Values, what is sent, and errors pass through; the flush comes last."""
    steps: list[str] = []

    @pinpoint.per_invocation()
    async def handler() -> AsyncGenerator[str, str]:
        pinpoint.events.record("e", "begun")
        answer = yield "first"
        try:
            yield answer
        except KeyError:
            pinpoint.events.record("e", "failed")
            yield "caught"

    async def drive() -> None:
        stream = handler()
        steps.extend((await stream.asend(None), await stream.asend("sent")))  # type: ignore[arg-type]
        assert accepted(pinpoint) == 0
        steps.append(await stream.athrow(KeyError()))
        steps.extend([step async for step in stream])

    assert inspect.isasyncgenfunction(handler)
    asyncio.run(drive())
    assert steps == ["first", "sent", "caught"]
    assert accepted(pinpoint) == 2


def test_an_async_generator_that_is_closed_flushes(pinpoint: pk.Pinpoint) -> None:
    """Closing reaches the handler's own `finally`, and the flush comes behind it."""

    @pinpoint.per_invocation()
    async def handler() -> AsyncGenerator[int, None]:
        try:
            yield 1
            yield 2
        finally:
            pinpoint.events.record("e", "t")

    async def drive() -> None:
        stream = handler()
        assert await stream.asend(None) == 1
        await stream.aclose()

    asyncio.run(drive())
    assert accepted(pinpoint) == 1


def test_what_another_decorator_hides_is_seen_by_its_result(pinpoint: pk.Pinpoint) -> None:
    """A plain function that returns a coroutine or a generator flushes after its end."""

    async def coroutine() -> str:
        pinpoint.events.record("e", "t")
        return "done"

    def generator() -> Generator[int, None, None]:
        yield 1
        pinpoint.events.record("e", "t")

    async def async_generator() -> AsyncGenerator[int, None]:
        yield 1
        pinpoint.events.record("e", "t")

    async def collect() -> list[Any]:
        hidden = pinpoint.per_invocation()(hiding(async_generator))
        return [item async for item in hidden()]

    def hiding(function: Callable[[], Any]) -> Callable[[], Any]:
        def wrapped() -> object:
            """Return what a decorator makes that knows plain functions only."""
            return function()

        return wrapped

    assert asyncio.run(pinpoint.per_invocation()(hiding(coroutine))()) == "done"
    assert accepted(pinpoint) == 1
    assert list(pinpoint.per_invocation()(hiding(generator))()) == [1]
    assert accepted(pinpoint) == 2
    assert asyncio.run(collect()) == [1]
    assert accepted(pinpoint) == 3


def test_objects_and_partial_functions_are_handlers_too(pinpoint: pk.Pinpoint) -> None:
    """What is called decides, not what it is."""

    class Handler:
        """A handler with state."""

        async def __call__(self, device: str) -> str:
            pinpoint.events.record(device, "t")
            return device

        @pinpoint.per_invocation()
        async def method(self, device: str) -> str:
            """Return a decorated method is still one."""
            return await self(device)

    decorated = pinpoint.per_invocation()(Handler())
    partial = pinpoint.per_invocation()(functools.partial(Handler().__call__, "e"))
    assert inspect.iscoroutinefunction(decorated)
    assert inspect.iscoroutinefunction(partial)
    assert asyncio.run(decorated("e")) == "e"
    assert asyncio.run(partial()) == "e"
    assert asyncio.run(Handler().method("e")) == "e"
    assert accepted(pinpoint) == 3

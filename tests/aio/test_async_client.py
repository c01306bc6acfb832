"""The client for asyncio: what it does, what cancelling and closing leave behind, and loops."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

PATIENCE = 30.0


class Gate:
    """An action that begins, and ends when it is let through."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Semaphore(0), threading.Event()
        self.calls = 0

    def __call__(self, *_: object, **__: object) -> int:
        self.calls += 1
        self.begun.release()
        assert self.open.wait(PATIENCE)
        return self.calls

    async def has_begun(self) -> None:
        """Wait for a call of it, on no thread of the client."""
        assert await asyncio.to_thread(self.begun.acquire, timeout=PATIENCE)


def run(main: Callable[[pk.AsyncPinpoint], Awaitable[object]], **options: Any) -> None:
    """Run something with a client of an engine in memory."""

    async def connected() -> None:
        async with pk.connect_async("sqlite://", application="shop", **options) as pinpoint:
            await main(pinpoint)

    asyncio.run(connected())


def pinpoint_threads() -> list[str]:
    """Return the names of the pool's threads that run."""
    return [t.name for t in threading.enumerate() if t.name.startswith("pinpoint-async")]


def join_threads() -> None:
    """Wait for the end of the threads of pools that were closed."""
    for thread in threading.enumerate():
        if thread.name.startswith("pinpoint-async"):
            thread.join(PATIENCE)


def test_verbs_are_awaited_and_recording_is_not() -> None:
    """What the ordinary client answers, this one answers too."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        await pinpoint.endpoints.update(pk.Endpoint(id="device-1", attributes={"plan": ["pro"]}))
        assert (await pinpoint.endpoints.get("DEVICE-1")).attributes == {"plan": ["pro"]}
        assert (await pinpoint.events.put("device-1", "level_up")).is_accepted
        with pinpoint.sessions.start("device-1") as session:
            session.record("level_up")
        assert len(pinpoint.auth.sign_in("device-1")) == 32
        report = await pinpoint.flush(raise_for_loss=True)
        assert report.accepted == pinpoint.delivery.stats().accepted == 4
        assert (await pinpoint.analytics.active()).total == 1
        assert (await pinpoint.application_id) == pinpoint.sync.application_id
        with pytest.raises(pk.errors.NotFound):
            await pinpoint.endpoints.get("nobody")
        with pytest.raises(pk.errors.ConfigurationError, match="no operation"):
            await pinpoint.call("GetNothing")

    run(main)


def test_it_is_entered_or_awaited() -> None:
    """Until then there is nothing to call, and the error says how to begin."""

    async def main() -> None:
        pinpoint = pk.connect_async("sqlite://")
        assert repr(pinpoint) == "<AsyncPinpoint not connected>"
        with pytest.raises(pk.errors.ClosedError, match="not connected: use `async with"):
            pinpoint.events.record("device-1", "level_up")
        with pytest.raises(pk.errors.ClosedError, match="not connected"):
            await pinpoint.endpoints.get("device-1")
        assert await pinpoint is pinpoint
        assert repr(pinpoint) == "<AsyncPinpoint engine application=default>"
        assert await pinpoint is pinpoint
        assert (await pinpoint.close()).recorded == (await pinpoint.close()).recorded == 0
        assert repr(pinpoint) == "<AsyncPinpoint closed>"
        with pytest.raises(pk.errors.ClosedError, match=r"closed: make a new one with connect_a"):
            await pinpoint

    asyncio.run(main())


def test_connecting_raises_what_connect_raises() -> None:
    """A local mistake is raised where it is entered; options for threads at once."""

    async def main() -> None:
        with pytest.raises(pk.errors.ConfigurationError, match="unknown URL scheme"):
            await pk.connect_async("ftp://host")
        pinpoint = pk.connect_async("sqlite://", application_id="one", application="two")
        with pytest.raises(pk.errors.ConfigurationError, match="not both"):
            await pinpoint
        await pinpoint.close()
        with pytest.raises(pk.errors.ClosedError):
            await pinpoint.endpoints.get("device-1")

    asyncio.run(main())
    for threads in (0, 65, 1.5, True):
        with pytest.raises(pk.errors.ConfigurationError, match="threads"):
            pk.connect_async("sqlite://", threads=threads)  # type: ignore[arg-type]  # on purpose


def test_a_full_buffer_may_not_hold_up_the_loop() -> None:
    """`when_full="block"` is refused, with the next step, also of a client of one's own."""
    options = pk.DeliveryOptions(when_full="block")
    with pytest.raises(pk.errors.ConfigurationError, match="use drop_newest or drop_oldest"):
        pk.connect_async("sqlite://", delivery=options)
    with (
        pk.connect("sqlite://", delivery=options) as pinpoint,
        pytest.raises(pk.errors.ConfigurationError, match="hold up the event loop"),
    ):
        pk.AsyncPinpoint(pinpoint)


def test_a_client_of_ones_own_stays_open() -> None:
    """It is flushed and not closed, so that views of both kinds may share one."""
    with pk.connect("sqlite://") as own:

        async def main() -> None:
            async with pk.AsyncPinpoint(own) as pinpoint:
                pinpoint.events.record("device-1", "level_up")
                assert (await pinpoint.endpoints.find(limit=0)) == []

        asyncio.run(main())
        assert own.delivery.stats().accepted == 1
        assert own.endpoints.get("device-1").id == "device-1"


# Rows


def test_rows_come_in_order_over_pages() -> None:
    """Scans, members and events, of more than one turn on a thread; also as lists and frames."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        ids = [f"device-{number:04}" for number in range(1_250)]
        await pinpoint.endpoints.update_many(pk.Endpoint(id=each) for each in ids)
        assert [each.id async for each in pinpoint.endpoints.scan()] == ids
        assert [each async for each in pinpoint.endpoints.ids()] == ids
        scan = pinpoint.endpoints.scan()
        assert (await anext(scan)).id == ids[0]
        rest = await scan.to_list()
        assert [each.id for each in rest] == ids[1:]
        assert len(await pinpoint.endpoints.scan().to_pandas()) == 1_250
        everyone = await pinpoint.segments.create("all", pk.SegmentDimensions())
        members = pinpoint.segments.members(everyone)
        assert len([each async for each in members]) == 1_250
        with pytest.raises(StopAsyncIteration):
            await anext(members)
        empty = await pinpoint.events.find(type="never").to_pandas()
        assert len(empty) == 0
        assert "EventType" in empty.columns or len(empty.columns) > 3

    run(main)


def test_nothing_is_asked_before_the_first_row() -> None:
    """Making a scan costs nothing, and its error comes where it is gone through."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        members = pinpoint.segments.members("nothing")
        with pytest.raises(pk.errors.NotFound):
            await anext(members)
        with pytest.raises(StopAsyncIteration):
            await anext(members)

    run(main)


def test_an_error_comes_after_the_rows_before_it() -> None:
    """What was read is handed out first, as the ordinary iterator does."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        def broken(**_: object) -> Iterator[str]:
            yield "a"
            yield "b"
            raise pk.errors.TransportError("the server is gone")

        pinpoint.sync.endpoints.ids = broken  # type: ignore[method-assign]
        rows = pinpoint.endpoints.ids()
        assert [await anext(rows), await anext(rows)] == ["a", "b"]
        with pytest.raises(pk.errors.TransportError, match="gone"):
            await anext(rows)
        with pytest.raises(StopAsyncIteration):
            await anext(rows)

    run(main)


def test_a_cancelled_wait_loses_no_row() -> None:
    """The next one goes on where it was, and tasks that share rows get each of them once."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        gate = Gate()

        def slow(**_: object) -> Iterator[str]:
            gate()
            yield from (str(number) for number in range(250))

        pinpoint.sync.endpoints.ids = slow  # type: ignore[method-assign]
        rows = pinpoint.endpoints.ids()
        first = asyncio.ensure_future(anext(rows))
        await gate.has_begun()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first

        async def take() -> list[str]:
            return [row async for row in rows]

        tasks = [asyncio.create_task(take()) for _ in range(3)]
        await asyncio.sleep(0)
        gate.open.set()
        taken = [row for some in await asyncio.gather(*tasks) for row in some]
        assert sorted(taken, key=int) == [str(number) for number in range(250)]
        assert gate.calls == 1

    run(main)


def test_rows_that_are_left_end_on_a_thread() -> None:
    """A generator with something to clean up is closed off the event loop, asked to or not."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        ends: list[str] = []
        ended = threading.Semaphore(0)

        def files(**_: object) -> Iterator[str]:
            try:
                yield from ("row" for _ in range(1_000))
            finally:
                ends.append(threading.current_thread().name)
                ended.release()

        pinpoint.sync.endpoints.ids = files  # type: ignore[method-assign]
        rows = pinpoint.endpoints.ids()
        await anext(rows)
        await rows.aclose()
        await rows.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(rows)
        rows = pinpoint.endpoints.ids()
        await anext(rows)
        del rows
        gc.collect()
        for _ in range(2):
            assert await asyncio.to_thread(ended.acquire, timeout=PATIENCE)
        assert all(name.startswith("pinpoint-async") for name in ends)

    run(main)


def test_a_tail_gives_what_arrives_and_takes_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """More tails than threads wait at once, and look-ups are answered meanwhile."""
    monkeypatch.setattr("pinpoint_kit.aio.rows.POLL_S", 0.01)

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        await pinpoint.events.put("device-1", "before")
        tails = [pinpoint.events.tail() for _ in range(5)]
        assert [await tail.arrived() for tail in tails] == [[]] * 5
        waiting = [asyncio.ensure_future(anext(tail)) for tail in tails]
        for _ in range(3):
            assert (await pinpoint.endpoints.get("device-1")).id == "device-1"
        await pinpoint.events.put("device-1", "after")
        found = await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)
        assert [event.type for event in found] == ["after"] * 5
        await pinpoint.events.put("device-1", "later")
        assert [event.type for event in await tails[0].arrived()] == ["later"]

    run(main, threads=2)


def test_a_tail_goes_on_after_an_error() -> None:
    """It is raised to who waits; the next look passes nothing over."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        tail = pinpoint.events.tail(type="seen")
        assert await tail.arrived() == []
        server: Any = pinpoint.sync.events._stored._server
        ask = server.call
        error = pk.errors.TransportError("no answer")

        def fail(*_: object, **__: object) -> None:
            raise error

        await pinpoint.events.put("device-1", "seen")
        server.call = fail
        with pytest.raises(pk.errors.TransportError):
            await tail.arrived()
        with pytest.raises(pk.errors.TransportError):
            await anext(tail)
        server.call = ask
        assert (await anext(tail)).type == "seen"

    run(main)


# Waiting for one event


def test_submit_gives_a_future_of_the_loop() -> None:
    """It is awaited as it is; a time-out ends the waiting and not the event."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        results = await asyncio.gather(
            *(pinpoint.events.submit(f"device-{number}", "level_up") for number in range(50))
        )
        assert all(result.is_accepted for result in results)
        future = pinpoint.events.submit("device-1", "level_up")
        assert isinstance(future, asyncio.Future)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(future, timeout=0)
        assert (await pinpoint.flush()).accepted == 51

    run(main)


# Cancelling


def test_a_cancelled_call_gives_its_thread_back() -> None:
    """One that waits in the queue is never begun, and one that has begun ends by itself."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        gate = Gate()
        pinpoint.sync.endpoints.delete = gate  # type: ignore[assignment, method-assign]
        running = asyncio.create_task(pinpoint.endpoints.delete("a"))
        await gate.has_begun()
        queued = asyncio.create_task(pinpoint.endpoints.delete("b"))
        await asyncio.sleep(0)
        for task in (queued, running):
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        gate.open.set()
        found = await asyncio.wait_for(pinpoint.endpoints.find(limit=1), PATIENCE)
        assert (found, gate.calls) == ([], 1)

    run(main, threads=1)


def test_cancelled_calls_lose_no_event() -> None:
    """Flushes and calls that are cancelled at any moment leave the ledger whole."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        for number in range(300):
            pinpoint.events.record(f"device-{number % 7}", "level_up")
            tasks = [
                asyncio.create_task(pinpoint.flush()),
                asyncio.create_task(pinpoint.endpoints.get("device-0")),
            ]
            for _ in range(number % 3):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        report = await pinpoint.flush()
        assert (report.recorded, report.accepted) == (300, 300)

    run(main)


def test_what_waits_does_not_hold_up_what_asks() -> None:
    """As many flushes as there are threads leave the threads for look-ups free."""

    async def main(pinpoint: pk.AsyncPinpoint) -> None:
        gate = Gate()
        pinpoint.sync.jobs.wait = gate  # type: ignore[assignment, method-assign]
        waiting = [asyncio.create_task(pinpoint.jobs.wait("job-1")) for _ in range(6)]
        for _ in range(4):
            await gate.has_begun()
        assert await asyncio.wait_for(pinpoint.endpoints.find(limit=1), PATIENCE) == []
        assert len(pinpoint_threads()) <= 4 + 2
        gate.open.set()
        await asyncio.gather(*waiting)

    run(main, threads=2)


def test_a_cancelled_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gets it, so it is closed when it is there; it may be awaited again."""
    gate = Gate()
    opened: list[pk.Pinpoint] = []
    connect = pk.connect

    def slow(*args: Any, **options: Any) -> pk.Pinpoint:
        gate()
        opened.append(connect(*args, **options))
        return opened[-1]

    monkeypatch.setattr("pinpoint_kit.aio.client.connect", slow)

    async def main() -> None:
        pinpoint = pk.connect_async("sqlite://")
        first = asyncio.ensure_future(pinpoint.__aenter__())
        await gate.has_begun()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.open.set()
        async with pinpoint:
            assert await pinpoint.endpoints.find(limit=1) == []

    asyncio.run(main())
    join_threads()  # the first one is closed on one of them
    assert [repr(each) for each in opened] == ["<Pinpoint engine application=default closed>"] * 2


# Closing


def test_closing_under_load_answers_everybody() -> None:
    """Each call has its answer or `ClosedError`, each event is accounted for, and threads end."""

    async def main() -> None:
        pinpoint = await pk.connect_async("sqlite://", threads=2)
        await pinpoint.endpoints.update(pk.Endpoint(id="device-1"))
        calls = [asyncio.create_task(pinpoint.endpoints.get("device-1")) for _ in range(200)]
        for number in range(100):
            pinpoint.events.record(f"device-{number}", "level_up")
        await calls[0]
        report = await pinpoint.close()
        answers = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE)
        assert {type(answer) for answer in answers} <= {pk.Endpoint, pk.errors.ClosedError}
        assert (report.recorded, report.accepted) == (100, 100)
        pinpoint.events.record("device-1", "late")
        assert pinpoint.delivery.stats().reasons == {"closed": 1}

    asyncio.run(main())
    join_threads()
    assert pinpoint_threads() == []


def test_closing_goes_on_when_it_is_cancelled() -> None:
    """The wait for it ends; the client is closed all the same, and what was recorded is sent."""

    async def main() -> pk.Pinpoint:
        pinpoint = await pk.connect_async("sqlite://")
        pinpoint.events.record("device-1", "level_up")
        closing = asyncio.create_task(pinpoint.close())
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing
        return pinpoint.sync

    sync = asyncio.run(main())
    join_threads()
    assert "closed" in repr(sync)
    assert sync.delivery.stats().accepted == 1


# Loops


def test_it_serves_several_loops(tmp_path: Path) -> None:
    """One after the other, and at the same time on threads of their own."""
    pinpoint = asyncio.run(_entered(f"sqlite:///{tmp_path / 'shop.db'}"))
    failures: list[BaseException] = []

    async def work(name: str) -> None:
        await pinpoint.endpoints.update(pk.Endpoint(id=name))
        assert (await pinpoint.events.submit(name, "level_up")).is_accepted
        assert (await pinpoint.endpoints.get(name)).id == name

    def serve(number: int) -> None:
        try:
            asyncio.run(work(f"device-{number}"))
        except BaseException as error:  # noqa: BLE001 -- it is looked at below
            failures.append(error)

    threads = [threading.Thread(target=serve, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert failures == []
    assert asyncio.run(pinpoint.close()).accepted == 4


async def _entered(url: str) -> pk.AsyncPinpoint:
    return await pk.connect_async(url)


def test_a_loop_that_is_closed_early_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Answers for a loop that is gone are thrown away without a word; the next loop works."""
    gate = Gate()
    pinpoint = asyncio.run(_entered("sqlite://"))
    ordinary = pinpoint.sync.endpoints.get
    pinpoint.sync.endpoints.get = gate  # type: ignore[assignment, method-assign]
    loop = asyncio.new_event_loop()
    task = loop.create_task(pinpoint.endpoints.get("device-1"))
    loop.run_until_complete(gate.has_begun())
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()
    gate.open.set()
    with caplog.at_level(logging.ERROR):
        pinpoint.sync.endpoints.get = ordinary  # type: ignore[method-assign]
        assert pinpoint.sync.events.submit("device-1", "x").result(PATIENCE).is_accepted
        assert asyncio.run(pinpoint.endpoints.find(limit=5))
        asyncio.run(pinpoint.close())
    assert caplog.records == []
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # it can never end now
    coroutine: Any = task.get_coro()
    coroutine.close()

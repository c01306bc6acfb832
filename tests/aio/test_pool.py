"""The threads of the client for asyncio: contexts, exceptions, forks."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import os
import threading
from concurrent.futures import Future

import pytest

from pinpoint_kit.aio.pool import Pool, submitted
from pinpoint_kit.doors.sessions import CONNECTIONS, client_config
from pinpoint_kit.errors import ClosedError, DeliveryError

NAME: contextvars.ContextVar[str] = contextvars.ContextVar("NAME", default="nobody")


def test_a_call_sees_the_callers_context() -> None:
    """Spans and log fields of the task are there on the thread; what it sets stays there."""
    pool = Pool(1)

    async def main() -> None:
        NAME.set("task")

        def look() -> str:
            seen = NAME.get()
            NAME.set("thread")
            return seen

        assert [await pool.call(look), await pool.call(look)] == ["task", "task"]

    asyncio.run(main())
    pool.close()


def test_whatever_is_raised_comes_out() -> None:
    """Also `StopIteration`, which no future takes: it must not hang."""
    pool = Pool(1)

    def stop() -> None:
        raise StopIteration

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await pool.call(lambda: 1 / 0)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await asyncio.wait_for(pool.call(stop), 30)

    asyncio.run(main())
    pool.close()


def test_a_closed_pool_does_what_it_took_and_takes_no_more() -> None:
    """Nobody who was let in waits for ever."""
    pool = Pool(1)
    opened = threading.Event()

    async def main() -> None:
        tasks = [asyncio.create_task(pool.call(opened.wait)) for _ in range(3)]
        await asyncio.sleep(0)
        pool.close()
        pool.close()
        opened.set()
        assert await asyncio.gather(*tasks) == [True] * 3
        with pytest.raises(ClosedError):
            await pool.call(opened.wait)

    asyncio.run(main())


def test_a_loss_that_nobody_waits_for_is_no_error_of_the_loop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The delivery counts it; the loop does not say that an exception was never retrieved."""

    async def main() -> None:
        works: list[Future[int]] = [Future() for _ in range(3)]
        futures = [submitted(work) for work in works]
        works[0].set_exception(DeliveryError("given up", "undeliverable"))
        works[1].set_exception(DeliveryError("given up", "undeliverable"))
        works[2].set_result(1)
        with pytest.raises(DeliveryError, match="given up"):
            await futures[0]
        assert await futures[2] == 1
        await asyncio.sleep(0)
        del works, futures
        gc.collect()

    with caplog.at_level(logging.ERROR, "asyncio"):
        asyncio.run(main())
    assert caplog.records == []


def test_every_thread_has_a_connection() -> None:
    """Both kinds of threads, the one that closes, and room for the delivery's."""
    from pinpoint_kit.aio.pool import MOST_THREADS  # noqa: PLC0415 -- beside what it is held to

    assert client_config(1.0, unsigned=True).max_pool_connections == CONNECTIONS  # type: ignore[attr-defined]
    assert 2 * MOST_THREADS + 1 + 64 < CONNECTIONS


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own() -> None:
    """The parent's are not there; without new ones the child would wait for ever."""
    pool = Pool(1)
    asyncio.run(pool.call(lambda: None))
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write, asyncio.run(asyncio.wait_for(pool.call(lambda: b"done"), 20)))
        finally:
            os._exit(0)
    os.close(write)
    assert os.read(read, 10) == b"done"
    os.close(read)
    os.waitpid(pid, 0)
    pool.close()

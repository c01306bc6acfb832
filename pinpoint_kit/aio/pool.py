"""Threads for calls that block, and waiting for them on an event loop.

Bounded: what finds no thread free waits in a queue, not on a thread. It knows no verb.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from pinpoint_kit.errors import ClosedError, ConfigurationError
from pinpoint_kit.system import forks

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MOST_THREADS", "Pool", "finished", "outcome_of", "submitted"]

T = TypeVar("T")

#: A client keeps connections for as many, twice, and for the delivery (`doors/sessions.py`).
MOST_THREADS = 64
#: So many things may be waited for at once with fewer threads, too: who waits takes no processor.
_LEAST_WAITS = 4


class Pool:
    """A bounded number of threads. Any number of event loops may use it, one after the other too.

    Calls that wait for something to happen (a flush, a job) have threads of their own, as many
    again, or four: were they among the others, a few of them would hold everything up.

    Args:
        threads: at most so many for calls, from 1 to 64; made when they are needed.
    """

    def __init__(self, threads: int) -> None:
        if isinstance(threads, bool) or not isinstance(threads, int):
            raise ConfigurationError("threads must be a whole number")
        if not 0 < threads <= MOST_THREADS:
            raise ConfigurationError(f"threads is {threads}: give a number from 1 to 64")
        self._threads = threads
        self._is_closed = False
        self._renew()
        forks.watch(self, forks.Layer.WORK, after_in_child=Pool._renew)

    def _renew(self) -> None:
        """Begin anew, without threads; a forked child has only the thread that forked."""
        self._calls = ThreadPoolExecutor(self._threads, "pinpoint-async")
        self._waits = ThreadPoolExecutor(max(self._threads, _LEAST_WAITS), "pinpoint-async-wait")

    def start(self, action: Callable[[], T], *, waits: bool = False) -> Future[T]:
        """Have an action done on one of the threads, in the context of the caller.

        Args:
            action: what is done.
            waits: it waits for something to happen, beside its requests.

        Raises:
            ClosedError: the pool was closed.
        """
        forks.check()
        executor = self._waits if waits else self._calls
        context = contextvars.copy_context()
        if not self._is_closed:
            with contextlib.suppress(RuntimeError):  # closed meanwhile, or the interpreter exits
                return executor.submit(context.run, action)
        raise ClosedError("this client was closed: make a new one with connect_async()")

    async def call(self, action: Callable[[], T], *, waits: bool = False) -> T:
        """Have an action done, and wait for its outcome without holding up the event loop.

        A cancelled wait takes the action off the queue; one that has begun comes to its end
        without anybody, and its thread is free again then.

        Raises:
            ClosedError: the pool was closed.
        """
        return await outcome_of(self.start(action, waits=waits))

    def close(self) -> None:
        """Take no more actions; those that were taken are done. Idempotent, and does not wait."""
        self._is_closed = True
        self._calls.shutdown(wait=False)
        self._waits.shutdown(wait=False)


async def finished(work: Future[T]) -> None:
    """Wait until it is done; a cancelled wait leaves it alone."""
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def wake(_: Future[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle, waiter)

    work.add_done_callback(wake)
    await waiter


def _settle(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


async def outcome_of(work: Future[T]) -> T:
    """Wait for its outcome; a cancelled wait cancels what has not begun."""
    try:
        await finished(work)
    except BaseException:
        work.cancel()
        raise
    return work.result()


def submitted(work: Future[T]) -> asyncio.Future[T]:
    """Return the same as a future of the running loop.

    Cancelling that one cancels the waiting alone. What nobody waits for is not reported as an
    error that was never retrieved: the delivery counts and keeps what is lost.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle() -> None:
        if future.done():
            return
        if work.cancelled():
            future.cancel()
            return
        error = work.exception()
        if error is None:
            future.set_result(work.result())
        else:
            future.set_exception(error)
            future.exception()  # retrieved

    def wake(_: Future[T]) -> None:
        with contextlib.suppress(RuntimeError):  # as in `finished`
            loop.call_soon_threadsafe(settle)

    work.add_done_callback(wake)
    return future

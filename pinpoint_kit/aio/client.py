"""The front for asyncio: `connect_async` and `AsyncPinpoint`, which owns an ordinary client.

What it can do stands in nouns.py, which is made from that client. Here is only how it begins and
how it ends.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from pinpoint_kit.aio.connection import Connection
from pinpoint_kit.aio.nouns import AsyncNouns
from pinpoint_kit.aio.pool import Pool, finished
from pinpoint_kit.client import Pinpoint, connect
from pinpoint_kit.delivery.options import DeliveryOptions
from pinpoint_kit.delivery.report import DeliveryReport
from pinpoint_kit.errors import ClosedError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from datetime import timedelta
    from types import TracebackType

    import boto3
    import botocore.session
    from typing_extensions import Self, Unpack

    from pinpoint_kit.client import PinpointOptions
    from pinpoint_kit.doors import GivenDestinations, GivenHooks, GivenTransports
    from pinpoint_kit.records.stream import StreamForm

__all__ = ["AsyncPinpoint", "connect_async"]

#: With more, the event loop is late by more than 5 ms in one of a hundred cases while calls are
#: made without a pause, and a server nearby answers no more (tests/benchmarks/bench_async.py).
_THREADS = 2
_BLOCKS = (
    "when_full is 'block', which would hold up the event loop: use drop_newest or drop_oldest,"
    " with a larger max_buffer_events or a spool"
)


def connect_async(  # noqa: PLR0913 -- each is a choice of its own
    url: str | None = None,
    *,
    application: str | None = None,
    application_id: str | None = None,
    session: boto3.session.Session | botocore.session.Session | None = None,
    timeout: float = 10.0,
    wait: float | None = None,
    keep_events: timedelta | None = None,
    destinations: GivenDestinations | None = None,
    stream_form: StreamForm | None = None,
    stream_backlog: int | None = None,
    stream_age: timedelta | None = None,
    stream_tries: int | None = None,
    stream_dead_letters: int | None = None,
    transports: GivenTransports | None = None,
    hooks: GivenHooks | None = None,
    catch_up: bool | None = None,
    runs_campaigns: bool | None = None,
    keep_messages: timedelta | None = None,
    threads: int = _THREADS,
    **options: Unpack[PinpointOptions],
) -> AsyncPinpoint:
    """Connect as `connect` does, for asyncio; `async with` it, or `await` it.

    Args:
        url: as in `connect`.
        application: as in `connect`.
        application_id: as in `connect`.
        session: as in `connect`.
        timeout: seconds that one request may take in all.
        wait: as in `connect`.
        keep_events: as in `connect`.
        destinations: as in `connect`.
        stream_form: as in `connect`.
        stream_backlog: as in `connect`.
        stream_age: as in `connect`.
        stream_tries: as in `connect`.
        stream_dead_letters: as in `connect`.
        transports: as in `connect`; a function is called on a thread of the engine.
        hooks: the same.
        catch_up: as in `connect`.
        runs_campaigns: as in `connect`.
        keep_messages: as in `connect`.
        threads: calls that are under way at once, from 1 to 64; the others wait in a queue. As
            many more, or four, may wait for a flush or a job. Each has its own connection. Give
            more for a server that is far away; they keep the event loop waiting longer.
        **options: see `PinpointOptions`.

    Returns:
        The client, which connects when it is entered or awaited. That raises what `connect` does.

    Raises:
        ConfigurationError: `threads` is out of range, or `delivery` says that a full buffer
            blocks, which no event loop could bear.

    Examples:
        >>> import asyncio
        >>> async def main() -> int:
        ...     async with connect_async("sqlite://", application="shop") as pinpoint:
        ...         event_id = pinpoint.events.record("device-1", "level_up")
        ...         return (await pinpoint.flush()).accepted
        >>> asyncio.run(main())
        1
    """
    delivery = options.get("delivery")
    if isinstance(delivery, DeliveryOptions) and delivery.when_full == "block":
        raise ConfigurationError(_BLOCKS)

    def begin() -> Pinpoint:
        return connect(
            url,
            application=application,
            application_id=application_id,
            session=session,
            timeout=timeout,
            wait=wait,
            keep_events=keep_events,
            destinations=destinations,
            stream_form=stream_form,
            stream_backlog=stream_backlog,
            stream_age=stream_age,
            stream_tries=stream_tries,
            stream_dead_letters=stream_dead_letters,
            transports=transports,
            hooks=hooks,
            catch_up=catch_up,
            runs_campaigns=runs_campaigns,
            keep_messages=keep_messages,
            **options,
        )

    return AsyncPinpoint(begin, threads=threads)


class AsyncPinpoint(AsyncNouns):
    """One application, for asyncio. The nouns and verbs of `Pinpoint`, awaited.

    Make it with `connect_async`, or put it over a `Pinpoint` of your own, which stays yours:
    `close()` flushes that one and does not close it.

    What `Pinpoint` does at once is at once here too, and is not awaited: `events.record`,
    `events.submit`, the verbs of `auth`, `sessions` and `purchases`, `endpoints.enqueue`,
    `delivery.stats`. Nothing of that waits for the network; with a spool, `record` writes to the
    disk first. `events.submit` returns a future that can be awaited as it is. Whatever gives one
    thing after the other is gone through with `async for`. All else is done by an ordinary client
    on a bounded number of threads.

    Cancelling a call stops the waiting: what has begun on a thread comes to its end, within the
    `timeout` of `connect_async`. It may be used from several event loops, and from threads for
    what is not awaited.

    Args:
        pinpoint: a client, or what makes one when this is entered.
        threads: calls that are under way at once, from 1 to 64.
    """

    def __init__(
        self, pinpoint: Pinpoint | Callable[[], Pinpoint], *, threads: int = _THREADS
    ) -> None:
        yours = pinpoint if isinstance(pinpoint, Pinpoint) else None
        if yours is not None and yours.delivery.may_block:
            raise ConfigurationError(_BLOCKS)
        super().__init__(Connection(Pool(threads), yours))
        self._begin = None if isinstance(pinpoint, Pinpoint) else pinpoint
        self._opening: Future[Pinpoint] | None = None
        self._waiting = 0  # tasks that wait for the opening
        self._is_closed = False

    def __repr__(self) -> str:
        if self._is_closed:
            return "<AsyncPinpoint closed>"
        if not self._connection.is_connected:
            return "<AsyncPinpoint not connected>"
        return repr(self.sync).replace("<Pinpoint", "<AsyncPinpoint", 1)

    @property
    def sync(self) -> Pinpoint:
        """The ordinary client behind it, for code that is not asynchronous. Its calls block.

        Raises:
            ClosedError: it is not connected.
        """
        return self._connection.sync

    def __await__(self) -> Generator[object, None, Self]:
        return self._connected().__await__()

    async def __aenter__(self) -> Self:
        return await self._connected()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self, timeout: float = 5.0) -> DeliveryReport:
        """Stop open sessions, flush, and release everything; idempotent.

        Calls that are under way meanwhile are answered, or raise `ClosedError`. It goes on in the
        background when the wait for it is cancelled.

        Args:
            timeout: seconds that pending events may still take, as in `Pinpoint.close`.

        Returns:
            The final counts.
        """
        self._is_closed = True
        if not self._connection.is_connected:
            self._abandon()
            self._pool.close()
            return DeliveryReport()
        sync, is_ours = self._connection.sync, self._begin is not None
        # A thread of its own: the pool's may all be waiting for something.
        executor = ThreadPoolExecutor(1, "pinpoint-async-close")
        work = executor.submit(sync.close if is_ours else sync.flush, timeout)
        executor.shutdown(wait=False)
        work.add_done_callback(lambda _: self._pool.close())
        await finished(work)
        return work.result()

    async def _connected(self) -> Self:
        if self._is_closed:
            raise ClosedError("this client was closed: make a new one with connect_async()")
        if self._connection.is_connected or self._begin is None:
            return self
        if self._opening is None:
            self._opening = self._pool.start(self._begin)
        work = self._opening
        self._waiting += 1
        try:
            await finished(work)
        finally:
            self._waiting -= 1
            if not self._waiting and not work.done():  # cancelled, and the last who waited
                self._abandon()
        if self._is_closed:
            raise ClosedError("this client was closed while it was being connected")
        self._opening = None
        self._connection.sync = work.result()
        return self

    def _abandon(self) -> None:
        """Have what is being opened closed, since nobody waits for it any more."""
        work, self._opening = self._opening, None
        if work is not None and not work.cancel():
            work.add_done_callback(_close_at_once)


def _close_at_once(work: Future[Pinpoint]) -> None:
    """Close a client that nobody has seen, on the thread that has opened it."""
    if not work.cancelled() and work.exception() is None:
        with contextlib.suppress(Exception):  # nothing was recorded with it
            work.result().close(0)

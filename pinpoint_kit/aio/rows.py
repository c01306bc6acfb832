"""Rows that are read as they are asked for: iterators of the client, gone through with `async for`.

What was read stays read: a cancelled wait loses no row, the next one goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs

from pinpoint_kit.aio.pool import finished
from pinpoint_kit.analytics.stored_events import POLL_S, EventTail
from pinpoint_kit.errors import PinpointKitError
from pinpoint_kit.models.base import Model
from pinpoint_kit.models.display.tables import ModelIterator, ModelList
from pinpoint_kit.models.stored_event import StoredEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    import pandas as pd
    import pyarrow as pa

    from pinpoint_kit.aio.pool import Pool

__all__ = ["AsyncEventTail", "AsyncModelIterator", "AsyncRows"]

T = TypeVar("T")
M = TypeVar("M", bound=Model)

#: Rows that are handed from a thread to the loop at once: few enough that neither waits long for
#: the other.
_BATCH = 100


@attrs.frozen
class _Batch(Generic[T]):
    """What one turn on a thread has read: rows, and why there are no more."""

    rows: list[T]
    is_last: bool = False
    failure: Exception | None = None


class AsyncRows(AsyncIterator[T]):
    """Rows that are read on a thread, some at a time, when they are asked for; once.

    Nothing is asked before the first `async for`. Tasks may share one: each row goes to one of
    them.

    Args:
        pool: the threads.
        begin: asks for the rows, as the verb of the ordinary client does.
    """

    def __init__(self, pool: Pool, begin: Callable[[], Iterator[T]]) -> None:
        self._pool = pool
        self._begin = begin
        self._source: list[Iterator[T]] = []  # none before it was asked, and when it was closed
        self._rows: deque[T] = deque()
        self._reading: Future[_Batch[T]] | None = None
        self._failure: Exception | None = None
        self._is_over = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: go through it with `async for`>"

    async def __anext__(self) -> T:
        while not self._rows:
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if self._is_over:
                raise StopAsyncIteration
            await self._more()
        return self._rows.popleft()

    async def aclose(self) -> None:
        """Read no more, and let go of what reading needs; idempotent."""
        self._is_over = True
        self._rows.clear()
        with contextlib.suppress(PinpointKitError):  # the client was closed
            await self._pool.call(self._source.clear)

    def __del__(self) -> None:
        source = getattr(self, "_source", None)
        if source and not self._is_over:
            # Files of an export may have to be removed, which is no work for an event loop.
            with contextlib.suppress(PinpointKitError):
                self._pool.start(source.clear)

    async def _more(self) -> None:
        await self._read()

    async def _read(self) -> None:
        work = self._reading
        if work is None:
            work = self._reading = self._pool.start(self._batch)
        await finished(work)
        if self._reading is work:  # the first of the tasks that wait takes what there is
            self._reading = None
            batch = work.result()
            if not self._is_over:
                self._rows.extend(batch.rows)
                self._failure = batch.failure
                self._is_over = batch.is_last

    def _batch(self) -> _Batch[T]:
        rows: list[T] = []
        try:
            source = self._opened()
            for row in source:
                rows.append(row)
                if len(rows) == _BATCH:
                    return _Batch(rows)
        except Exception as error:  # noqa: BLE001 -- raised where the rows before it are used up
            return _Batch(rows, is_last=True, failure=error)
        return _Batch(rows, is_last=True)

    def _opened(self) -> Iterator[T]:
        if not self._source:
            self._source.append(self._begin())
        return self._source[0]


class AsyncModelIterator(AsyncRows[M], Generic[M]):
    """Models that are read as they are asked for; once.

    Args:
        pool: the threads.
        begin: asks for the models, as the verb of the ordinary client does.
    """

    def __init__(self, pool: Pool, begin: Callable[[], ModelIterator[M]]) -> None:
        super().__init__(pool, begin)

    async def to_list(self) -> ModelList[M]:
        """Read the rest into memory.

        Returns:
            All that had not been read.
        """
        read = [model async for model in self]
        rest = await self._pool.call(self._remaining)
        rest[:0] = read
        return rest

    async def to_pandas(self) -> pd.DataFrame:
        """Read the rest into a data frame; see `ModelList.to_pandas`.

        Returns:
            The data frame.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        return await self._pool.call((await self.to_list()).to_pandas)

    async def to_arrow(self) -> pa.Table:
        """Read the rest into an Arrow table; see `ModelList.to_arrow`.

        Returns:
            The table.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        return await self._pool.call((await self.to_list()).to_arrow)

    def _remaining(self) -> ModelList[M]:
        """Return an empty list that knows its kind."""
        source = self._source[0] if self._source else None
        return source.to_list() if isinstance(source, ModelIterator) else ModelList()


class AsyncEventTail(AsyncRows[StoredEvent]):
    """Events as they arrive, for ever. Waiting for the next one takes no thread.

    Args:
        pool: the threads.
        begin: makes the tail, as the verb of the ordinary client does.
    """

    def __init__(self, pool: Pool, begin: Callable[[], EventTail]) -> None:
        super().__init__(pool, begin)

    @property
    def mark(self) -> str | None:
        """Where a later tail begins, as `EventTail.mark`."""
        source = self._source[0] if self._source else None
        return source.mark if isinstance(source, EventTail) else None

    async def arrived(self) -> ModelList[StoredEvent]:
        """Read what has arrived since it was last asked, without waiting for more.

        Returns:
            The events, in the order of their arrival, at most 1,000; ask again for more.

        Raises:
            PinpointKitError: as `EventTail.arrived`.
        """
        if not self._rows:
            await self._read()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        found = ModelList(self._rows, of=StoredEvent)
        self._rows.clear()
        return found

    async def _more(self) -> None:
        await self._read()
        if not self._rows and self._failure is None:
            await asyncio.sleep(POLL_S)

    def _batch(self) -> _Batch[StoredEvent]:
        tail = self._opened()
        assert isinstance(tail, EventTail)  # noqa: S101 -- the only thing that `begin` makes
        try:
            return _Batch(tail.arrived())
        except Exception as error:  # noqa: BLE001 -- raised to who waits; it may be asked again
            return _Batch([], failure=error)

"""`LongReads`: how many long queries run at once, and for how long; the rest wait or are refused.

A segment over all endpoints or a chart over all events may take seconds of processor time that
other requests want, too. So such queries go through here: few at once, each with a deadline at
which the database stops it. They read and never write. What they ask belongs to their family.

A log beside the tables grows for as long as somebody reads what was there before. When it has
become long, no query begins until those that run have ended and it has begun anew: one after the
other without a gap, they would let it grow for ever. The last one moves it, and leaves the last of
it to the next commits: to move all of it, writers would have to wait for the disk.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.wire.refusals import unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinpoint_kit.engine.storage.dialects.dialect import Dialect

__all__ = ["LONG_READS", "QUERY_TIMEOUT_S", "LongReads"]

#: How long a query may take. Below botocore's read timeout of 60 s: afterwards nobody listens.
QUERY_TIMEOUT_S = 50.0
#: How many run at once in a process. One more would only make all of them slower.
LONG_READS = 2
_TRY_AGAIN_S = 5
#: From what length on the log is moved when nobody reads any more: as SQLite does it by itself.
_MOVED = 16_000_000
#: How long queries wait for commits by which a long log begins anew, and how often they look: where
#: nobody writes any more it stays as it is.
_SETTLING_S, _LOOK_S = 0.5, 0.02
#: How long ago one may have ended after which more are to be expected.
_RECENT_S = 10.0


class LongReads:
    """Turns for long queries of one database. Use from any thread.

    Args:
        dialect: how a query is stopped.
        most: how many may run at once.
    """

    def __init__(self, dialect: Dialect, most: int = LONG_READS) -> None:
        self._dialect = dialect
        self._most = most
        self._changed = threading.Condition()
        self._running = 0
        self._is_draining = self._are_beside = False
        self._settles_until = self._ended = float("-inf")
        self._listeners: list[Callable[[bool], object]] = []

    @property
    def are_running(self) -> bool:
        """Whether one runs here or beside, or the log is being moved after one."""
        return bool(self._running) or self._is_draining or self._are_beside

    def listen(self, listener: Callable[[bool], object]) -> None:
        """Have a function called when long queries begin to run, and when they have ended.

        It is called with whether they run, in the order in which that changes, and must return at
        once.
        """
        self._listeners.append(listener)

    def note_beside(self, are_running: bool) -> None:  # noqa: FBT001 -- all that it says
        """Note whether long queries run in a process beside this one, which moves the log, too."""
        if self._are_beside and not are_running:
            self._ended = time.monotonic()
        self._are_beside = are_running

    @property
    def are_expected(self) -> bool:
        """Whether one runs, or did a moment ago: people who look at charts look at the next one."""
        return self.are_running or time.monotonic() < self._ended + _RECENT_S

    @contextmanager
    def turn(self, deadline_s: float, move_log: Callable[[], None]) -> Iterator[float]:
        """Wait for a turn; then yield when it ends, by the monotonic clock.

        Args:
            deadline_s: seconds for the waiting and the queries together.
            move_log: moves the log beside the tables, when it is long and nobody reads any more.

        Raises:
            ApiError: 503, when no turn came in time, or a query was stopped.
        """
        end = time.monotonic() + deadline_s
        with self._changed:
            if not self._has_turn(end):
                raise unavailable(
                    "Too many long queries are running; try again later",
                    retry_after_s=_TRY_AGAIN_S,
                )
            self._running += 1
            if self._running == 1:
                self._tell(are_running=True)
        try:
            yield end
        except DBAPIError as error:
            if not self._dialect.was_stopped(error):
                raise
            raise unavailable(
                f"The query was stopped after {deadline_s:g} seconds: ask for less at once, or run"
                " an export job",
                is_permanent=True,
            ) from None
        finally:
            self._leave(move_log)

    def _has_turn(self, end: float) -> bool:
        """Wait for room until a moment; return whether there is some."""
        while not self._changed.wait_for(self._has_room, _LOOK_S):
            if time.monotonic() >= end:
                return False
        return True

    def _has_room(self) -> bool:
        return self._running < self._most and not self._is_draining and self._is_settled()

    def _is_settled(self) -> bool:
        """Whether the log has begun anew since it was long, or nobody writes."""
        if self._settles_until > time.monotonic():
            if self._dialect.log_bytes > self._dialect.most_log_bytes:
                return False
            self._settles_until = float("-inf")
        return True

    def _leave(self, move_log: Callable[[], None]) -> None:
        """Let the next one in; the last one moves the log first, when that has grown."""
        size = self._dialect.log_bytes
        is_long = size > self._dialect.most_log_bytes
        with self._changed:
            self._running -= 1
            is_last = not self._running
            self._is_draining |= is_long or (is_last and size > _MOVED)
            moves = is_last and self._is_draining
        try:
            if moves:
                move_log()
        finally:
            with self._changed:
                if is_last:
                    self._is_draining = False
                    self._ended = time.monotonic()
                    self._settles_until = self._ended + _SETTLING_S
                    if not self._running:  # another one may have begun
                        self._tell(are_running=False)
                self._changed.notify_all()

    def _tell(self, *, are_running: bool) -> None:
        for listener in self._listeners:
            listener(are_running)

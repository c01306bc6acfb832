"""`LongReads`: how many long queries run at once, and for how long; the rest wait or are refused.

A segment over all endpoints or a chart over all events may take seconds of processor time that
other requests want, too. So such queries go through here: few at once, each with a deadline at
which the database stops it. They read and never write. What they ask belongs to their family.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.wire.refusals import unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.engine.storage.dialects.dialect import Dialect

__all__ = ["LONG_READS", "QUERY_TIMEOUT_S", "LongReads"]

#: How long a query may take. Below botocore's read timeout of 60 s: afterwards nobody listens.
QUERY_TIMEOUT_S = 50.0
#: How many run at once in a process. One more would only make all of them slower.
LONG_READS = 2
_TRY_AGAIN_S = 5


class LongReads:
    """Turns for long queries of one database. Use from any thread.

    Args:
        dialect: how a query is stopped.
        most: how many may run at once.
    """

    def __init__(self, dialect: Dialect, most: int = LONG_READS) -> None:
        self._dialect = dialect
        self._turns = threading.Semaphore(most)

    @contextmanager
    def turn(self, deadline_s: float) -> Iterator[float]:
        """Wait for a turn; then yield when it ends, by the monotonic clock.

        Args:
            deadline_s: seconds for the waiting and the queries together.

        Raises:
            ApiError: 503, when no turn came in time, or a query was stopped.
        """
        end = time.monotonic() + deadline_s
        if not self._turns.acquire(timeout=deadline_s):
            raise unavailable(
                "Too many long queries are running; try again later", retry_after_s=_TRY_AGAIN_S
            )
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
            self._turns.release()

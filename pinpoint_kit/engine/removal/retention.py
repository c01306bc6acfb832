"""Removing events that are older than the operator wants to keep, in small steps behind requests.

How old an event is, and how some are deleted, belongs to events/store.py. The table is partitioned
nowhere: what is old goes hourly, so that a partition would be empty before it was old as a whole,
and what does not ask by time would pay for it (figures: docs/how-to/postgresql.md).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.engine.context import Context
from pinpoint_kit.engine.events import store as events
from pinpoint_kit.engine.storage import remnants
from pinpoint_kit.engine.work.worker import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.work.leases import Lease

__all__ = ["LOGGER", "RetentionWorker", "workers"]

#: The name under which each pass that has removed something is logged, with level INFO.
LOGGER = "pinpoint_kit.engine.retention"
_logger = logging.getLogger(LOGGER)

#: Events that one transaction deletes: 10 to 50 ms, in which others cannot write to SQLite.
_EVENTS_A_STEP = 500
#: How long others have the database to themselves between two steps.
_PAUSE_MS = 100
#: From the end of a pass to the next.
_LOOK_MS = 3_600_000
_KEY = "events"
_DAY_MS = 86_400_000


@attrs.define
class RetentionWorker:
    """One task, which is due every hour, and until then more often while there is something to do.

    Nothing is stored of how far it is: what is old is still there, or is gone.
    """

    _context: Context
    _keep_ms: int
    _due: int = 0
    _removed: int = 0

    @property
    def name(self) -> str:
        """What its lease is stored under."""
        return "retention"

    def tasks(self, connection: Connection, now: int) -> Sequence[Task]:  # noqa: ARG002 -- see Worker
        """Return the task."""
        return [Task(_KEY, self._due)]

    def run(self, key: str, lease: Lease, now: int) -> None:  # noqa: ARG002 -- there is one task
        """Delete some old events, or end the pass."""
        before = now - self._keep_ms
        store = self._context.store
        with store.read() as connection:
            app = events.app_with_older(connection, before, now)
        if app is None:
            with store.write() as connection:
                lease.check(connection)
                lease.end(connection)
            self._due = now + _LOOK_MS
            self._end()
            return
        # The next pass does again what power loss undoes.
        with store.write(bulk=True, is_shared=True) as connection:
            store.claim(connection, app, ())
            lease.check(connection)
            count = events.remove_older(connection, app, before, now, _EVENTS_A_STEP)
            remnants.leave(store, connection, self._context.new_id(), now)
        self._due = now + _PAUSE_MS
        self._count(count)

    def fail(self, key: str, lease: Lease, now: int) -> None:  # noqa: ARG002 -- nothing is stored
        """Try again in an hour."""
        self._due = now + _LOOK_MS
        self._end()

    def forget(self, key: str) -> None:  # noqa: ARG002 -- there is one task
        """Log what this engine has done of a pass that another one goes on with."""
        self._end()

    def close(self) -> None:
        """Log what was done of a pass that is not over."""
        self._end()

    def _count(self, count: int) -> None:
        if count:
            self._removed += count
            self._context.on_expired(count)

    def _end(self) -> None:
        if self._removed:
            _logger.info(
                "removed %d events older than %g days", self._removed, self._keep_ms / _DAY_MS
            )
            self._removed = 0


def workers(context: Context, monotonic: Callable[[], float]) -> list[RetentionWorker]:  # noqa: ARG001 -- see MakeWorkers
    """Return the worker, if the operator wants old events to be removed."""
    keep_ms = context.keep_events_ms
    return [] if keep_ms is None else [RetentionWorker(context, keep_ms)]

"""Removing events and messages that are older than the operator wants, and codes that have expired.

In small steps. How old one is, and how some are deleted, belongs to events/store.py,
messages/outbox.py and messages/passwords.py. The tables are partitioned nowhere: what is old goes
hourly, so that a partition would be empty before it was old as a whole, and what does not ask by
time would pay for it (figures: docs/how-to/postgresql.md).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs
from sqlalchemy import Connection

from pinpoint_kit.engine.context import Context
from pinpoint_kit.engine.events import store as events
from pinpoint_kit.engine.messages import outbox, passwords
from pinpoint_kit.engine.storage import remnants
from pinpoint_kit.engine.work.worker import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.engine.work.leases import Lease

__all__ = ["LOGGER", "RetentionWorker", "workers"]

#: The name under which each pass that has removed something is logged, with level INFO.
LOGGER = "pinpoint_kit.engine.retention"
_logger = logging.getLogger(LOGGER)

#: Rows that one transaction deletes: 10 to 50 ms, in which others cannot write to SQLite.
_ROWS_A_STEP = 500
#: How long others have the database to themselves between two steps.
_PAUSE_MS = 100
#: From the end of a pass to the next.
_LOOK_MS = 3_600_000
_KEY = "all"
_DAY_MS = 86_400_000


@attrs.frozen
class Kept:
    """What is kept for a time only.

    Attributes:
        name: what the lease of its removal is stored under.
        what: what is removed, for the log.
        keep_ms: for how long.
        app_with_older: finds an application that has some from before a moment.
        remove_older: deletes some of an application, and returns how many.
        on_removed: called with how many were deleted.
        due: finds when there is something to do next, None for never; where it is not given, every
            hour.
    """

    name: str
    what: str
    keep_ms: int
    app_with_older: Callable[[Connection, int, int], int | None]
    remove_older: Callable[[Connection, int, int, int, int], int]
    on_removed: Callable[[int], None] = lambda _: None
    due: Callable[[Connection], int | None] | None = None


@attrs.define
class RetentionWorker:
    """One task, which is due every hour, and until then more often while there is something to do.

    Where `Kept.due` says when, it is due an hour later, so that there is one pass in an hour, too.

    Nothing is stored of how far it is: what is old is still there, or is gone.
    """

    _context: Context
    _kept: Kept
    _due: int | None = attrs.field(init=False)
    _removed: int = 0

    def __attrs_post_init__(self) -> None:
        """Look at once, or find out when."""
        self._due = 0 if self._kept.due is None else None

    @property
    def name(self) -> str:
        """What its lease is stored under."""
        return self._kept.name

    def tasks(self, connection: Connection, now: int) -> Sequence[Task]:  # noqa: ARG002 -- see Worker
        """Return the task, unless there is nothing that will have to go."""
        if self._due is None and self._kept.due is not None:
            first = self._kept.due(connection)
            self._due = None if first is None else first + _LOOK_MS
        return [] if self._due is None else [Task(_KEY, self._due)]

    def run(self, key: str, lease: Lease, now: int) -> None:  # noqa: ARG002 -- there is one task
        """Delete some of what is old, or end the pass."""
        before = now - self._kept.keep_ms
        store = self._context.store
        with store.read() as connection:
            app = self._kept.app_with_older(connection, before, now)
        if app is None:
            with store.write() as connection:
                lease.check(connection)
                lease.end(connection)
            self._due = now + _LOOK_MS if self._kept.due is None else None
            self._end()
            return
        # The next pass does again what power loss undoes.
        with store.write(bulk=True, is_shared=True) as connection:
            store.claim(connection, app, ())
            lease.check(connection)
            count = self._kept.remove_older(connection, app, before, now, _ROWS_A_STEP)
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
            self._kept.on_removed(count)

    def _end(self) -> None:
        if self._removed:
            _logger.info("removed %d %s", self._removed, self._kept.what)
            self._removed = 0


def workers(context: Context, monotonic: Callable[[], float]) -> list[RetentionWorker]:  # noqa: ARG001 -- see MakeWorkers
    """Return a worker for codes, and for each of what the operator wants to be removed when old."""
    kept = [
        Kept(
            "password retention",
            "one-time passwords that have expired",
            0,
            passwords.app_with_expired,
            passwords.remove_expired,
            due=passwords.first_expiry,
        )
    ]
    keep_ms = context.keep_events_ms
    if keep_ms is not None:
        find, remove = events.app_with_older, events.remove_older
        what = _older("events", keep_ms)
        kept.append(Kept("retention", what, keep_ms, find, remove, context.on_expired))
    keep_ms = context.engagement.keep_messages_ms
    if keep_ms is not None:
        find, remove = outbox.app_with_older, outbox.remove_older
        what = _older("messages", keep_ms)
        kept.append(Kept("message retention", what, keep_ms, find, remove))
    return [RetentionWorker(context, each) for each in kept]


def _older(noun: str, keep_ms: int) -> str:
    return f"{noun} older than {keep_ms / _DAY_MS:g} days"

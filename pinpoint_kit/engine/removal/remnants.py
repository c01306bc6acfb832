"""Overwriting what deletions leave in the database's files: at once, or behind requests.

What is to be overwritten is noted by storage/remnants.py; how, stands in storage/dialects.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.context import Context
from pinpoint_kit.engine.storage import remnants
from pinpoint_kit.engine.storage.remnants import Note
from pinpoint_kit.engine.wire.refusals import ApiError
from pinpoint_kit.engine.work.worker import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.work.leases import Lease

__all__ = ["RemnantWorker", "overwrite_now", "workers"]

#: How long others may have to wait for one step.
_STEP_S = 0.05
#: How many steps an erasure does itself: enough for some hundred megabytes.
_STEPS_AT_ONCE = 20
#: When to try again what others have kept from being done.
_AGAIN_MS = 1_000
_AFTER_FAULT_MS = 3_600_000
_KEY = "files"


def overwrite_now(context: Context, token: str) -> bool:
    """Overwrite what a deletion has left, if that takes about a second at most.

    The deletion is stored already, so nothing that goes wrong here may refuse it; what is not done
    is left to the worker.

    Args:
        context: the engine's surroundings.
        token: of the deletion, see `remnants.leave`.

    Returns:
        Whether no deleted value is left in the files.
    """
    if not context.store.overwrites_remnants:
        return False
    with suppress(DBAPIError, ApiError, OSError):
        at = 0
        for _ in range(_STEPS_AT_ONCE):
            after = context.store.overwrite_remnants(at, _STEP_S)
            if after is None:
                with context.store.write() as connection:
                    return remnants.done(connection, token)
            if after == at:
                break  # others use the file now, and may go on to
            at = after
    return False


@attrs.define
class RemnantWorker:
    """One task, as long as there are deleted values in the files.

    How far it is, is kept in memory: who takes over begins anew.
    """

    _context: Context
    _begun: Note | None = None
    _at: int = 0
    _not_before: int = 0

    @property
    def name(self) -> str:
        """What its lease is stored under."""
        return "remnants"

    def tasks(self, connection: Connection, now: int) -> Sequence[Task]:  # noqa: ARG002 -- see Worker
        """Return the task, if something was deleted."""
        note = remnants.pending(connection)
        return [] if note is None else [Task(_KEY, max(note.due, self._not_before))]

    def run(self, key: str, lease: Lease, now: int) -> None:
        """Overwrite some megabytes."""
        if self._begun is None:
            with self._context.store.read() as connection:
                self._begun, self._at = remnants.pending(connection), 0
        at = self._context.store.overwrite_remnants(self._at, _STEP_S)
        if at is not None:
            if at == self._at:
                self._not_before = now + _AGAIN_MS
            self._at = at
            return
        with self._context.store.write() as connection:
            lease.check(connection)
            if self._begun is not None and not remnants.done(connection, self._begun.token):
                remnants.defer(connection, now)
            lease.end(connection)
        self.forget(key)

    def fail(self, key: str, lease: Lease, now: int) -> None:  # noqa: ARG002 -- the note stays
        """Try again in an hour: what is in the way is a fault of the system or of ours."""
        self.forget(key)
        self._not_before = now + _AFTER_FAULT_MS

    def forget(self, key: str) -> None:  # noqa: ARG002 -- there is one task
        """Begin anew."""
        self._begun, self._at = None, 0

    def close(self) -> None:
        """Begin anew."""
        self.forget(_KEY)


def workers(context: Context, monotonic: Callable[[], float]) -> list[RemnantWorker]:  # noqa: ARG001 -- see MakeWorkers
    """Return the worker that overwrites."""
    return [RemnantWorker(context)]

"""`Worker`: something that has long or timed work to do, one bounded step at a time.

Import jobs, export jobs, and whatever else goes on behind requests: streams that forward, campaigns
that start at an hour, roll-ups, housekeeping. A family makes its workers; runner.py gives them
their turns and knows nothing of what they do.

A worker keeps how far each of its tasks is in its own tables. It writes that in the same
transaction as what the step changed, and calls `Lease.check` there: then a task that another
process has taken over meanwhile is neither repeated nor lost, whatever clocks say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.work.leases import Lease

__all__ = ["Task", "Worker"]


@attrs.frozen
class Task:
    """Something a worker has yet to do.

    Attributes:
        key: what the worker calls it; its lease is held under this name.
        due: when there is something to do next, milliseconds since 1970; 0 is now.
    """

    key: str
    due: int = 0


class Worker(Protocol):
    """Does steps of tasks. One thread at a time calls it."""

    @property
    def name(self) -> str:
        """What its leases are stored under; it never changes."""

    def tasks(self, connection: Connection, now: int) -> Sequence[Task]:
        """Return what is left to do, the oldest first, those included that are not due yet.

        It is asked before each step and after each request that brings work: one query by an index
        that holds only what is unfinished, and a bounded number of rows.
        """

    def run(self, key: str, lease: Lease, now: int) -> None:
        """Do one step of a task, usually within a tenth of a second.

        Reading and waiting belong outside of transactions. What the step changes is stored in one
        short transaction, in which `lease.check` is called, and `lease.end` when the task is done.

        Raises:
            LostError: the task is gone, or the lease is lost.
        """

    def fail(self, key: str, lease: Lease, now: int) -> None:
        """End a task whose step has failed by a fault of ours, which would fail so for ever.

        Raises:
            LostError: as from `run`.
        """

    def forget(self, key: str) -> None:
        """Close what is kept open for a task between steps; nothing is stored."""

    def close(self) -> None:
        """Close everything that is kept open between steps; nothing is stored."""

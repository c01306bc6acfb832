"""Leases: which process works on what, so that several never do the same.

A lease is of one task of one worker. It ends by itself when its holder stops renewing it, which
work/watch.py finds out. It only saves work: who stores a step checks it in the same transaction.
What a lease means for a turn stands in work/runner.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from sqlalchemy import bindparam, delete, select, update

from pinpoint_kit.engine.storage.dialects.statements import upsert
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.work import LEASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

__all__ = ["Held", "Lease", "LostError", "held", "release", "remove", "renew", "take"]

_ALL = Statement(select(LEASES.c.worker, LEASES.c.key, LEASES.c.holder, LEASES.c.held_until))
_HOLDER = Statement(
    select(LEASES.c.holder, LEASES.c.held_until)
    .where(LEASES.c.worker == bindparam("worker_"))
    .where(LEASES.c.key == bindparam("key_")),
    "worker_",
    "key_",
)
_TAKE = Statement(
    lambda dialect: upsert(dialect, LEASES, ("worker", "key"), ("holder", "held_until")),
    "worker",
    "key",
    "holder",
    "held_until",
)
_RENEW = Statement(
    update(LEASES)
    .values(held_until=bindparam("until_"))
    .where(LEASES.c.holder == bindparam("holder_")),
    "until_",
    "holder_",
)
_REMOVE = Statement(
    delete(LEASES)
    .where(LEASES.c.worker == bindparam("worker_"))
    .where(LEASES.c.key == bindparam("key_"))
    .where(LEASES.c.holder == bindparam("holder_")),
    "worker_",
    "key_",
    "holder_",
)


class LostError(Exception):
    """The task is gone, or another process has taken it over; the step must leave no trace."""


@attrs.frozen
class Held:
    """Who holds a task.

    Attributes:
        holder: the engine.
        until: what each renewal changes: when the lease ends by the holder's own clock,
            milliseconds since 1970. Nobody compares it with another clock.
    """

    holder: str
    until: int


@attrs.frozen
class Lease:
    """The right of one holder to work on one task."""

    worker: str
    key: str
    holder: str

    def check(self, connection: Connection) -> None:
        """Check, in the transaction of a step, that nobody has taken the task over.

        Raises:
            LostError: somebody has; the transaction must be given up.
        """
        rows = _HOLDER.rows(connection, self.worker, self.key)
        if not rows or rows[0][0] != self.holder:
            raise LostError

    def end(self, connection: Connection) -> None:
        """Give the task up for good, in the transaction that ends it."""
        remove(connection, [self])


def held(connection: Connection) -> Mapping[tuple[str, str], Held]:
    """Return all leases, by worker and key."""
    return {(row[0], row[1]): Held(row[2], row[3]) for row in _ALL.rows(connection)}


def take(connection: Connection, lease: Lease, before: Held | None, until: int) -> bool:
    """Give a lease to its holder, if it is still held as it was before.

    Args:
        connection: a write transaction.
        lease: what is taken, by whom.
        before: who was seen to hold it, None for nobody.
        until: as in `Held`; another one than before.

    Returns:
        False when somebody else was quicker.
    """
    rows = _HOLDER.rows(connection, lease.worker, lease.key)
    if (Held(*rows[0]) if rows else None) != before:
        return False
    _TAKE.run_many(connection, [(lease.worker, lease.key, lease.holder, until)])
    return True


def renew(connection: Connection, holder: str, until: int) -> None:
    """Show that somebody is still there, for all that it holds. Others may write meanwhile.

    Args:
        connection: a write transaction; what others have taken over stays theirs.
        holder: the engine.
        until: as in `Held`; another one than before.
    """
    _RENEW.run_many(connection, [(until, holder)])


def release(connection: Connection, holder: str) -> None:
    """Give up all that somebody holds; others may go on at once."""
    connection.execute(delete(LEASES).where(LEASES.c.holder == holder))


def remove(connection: Connection, leases: Iterable[Lease]) -> None:
    """Remove leases, as far as their holders still have them."""
    _REMOVE.run_many(connection, [(lease.worker, lease.key, lease.holder) for lease in leases])

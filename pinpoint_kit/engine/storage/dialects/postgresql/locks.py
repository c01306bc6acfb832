"""Which locks a transaction takes, so that what SQLite's one writer gives for nothing holds here.

All are advisory locks of the transaction (`pg_advisory_xact_lock`): they exist before the rows that
they guard, end with the transaction by whatever way, and pass PgBouncer. SERIALIZABLE was not
chosen, because merges of the same endpoint would fail and be repeated again and again where they
can queue instead; row locks were not, because a row that is not there yet cannot be locked.

From the outside in, and always taken in this order, so that two transactions cannot wait for each
other:

1. The schema. Every write holds it: alone, unless its handler says that it claims what it touches
   (`Store.write(is_shared=True)`). Rare changes (applications, segments, templates, jobs, leases,
   tables) are alone: they read, decide and write, and number their rows in the order of commits.
2. The application: alone for removals, import jobs and large batches, shared by all others.
3. Endpoints by key, then users and addresses by value, each in the order of their hashes. Two
   updates of one endpoint, two newcomers of one user, or two claims of one address queue. The
   hashes have 64 bits; a collision costs waiting only. At most `MOST_NAMES` are taken by one
   transaction, because PostgreSQL has room for 64 a connection (`max_locks_per_transaction`).

Two kinds of rows are changed without the lock of their endpoint: the one that loses its address,
which takes the address's lock and touches nothing but the status, and the one that leaves its user
for another, which takes the user's lock. Whoever works on such an endpoint holds the same locks,
because its stored user and address are claimed, too, and reads it after that. A deadlock that is
left, between rows that are updated in different orders, is undone by PostgreSQL and repeated.

Numbers of endpoints and events are given out in another order than commits. So each transaction
that may draw some holds a shared mark with the last number given out before. `settle` waits for
those marks that it finds, and for no transaction that begins later: then every number up to the one
that it returns is visible, or never will be.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pinpoint_kit.engine.storage.dialects.ddl import NUMBERED
from pinpoint_kit.engine.storage.dialects.postgresql.connections import quoted, run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

__all__ = ["claim", "settle", "write_locks"]

_SHARED = "pg_advisory_xact_lock_shared"
_ALONE = "pg_advisory_xact_lock"
_MARK_RANGE = 2**31 - 1


def write_locks(schema: str, *, is_shared: bool) -> str:
    """Return the expressions that take what a write holds from its begin.

    Args:
        schema: the schema of our tables.
        is_shared: others write, too.
    """
    root = _key(schema, "write")
    if not is_shared:
        return f"{_ALONE}({root})"
    marks = [
        f"{_SHARED}({_mark_class(schema, table)}, (SELECT (last_value % {_MARK_RANGE})::int4"  # noqa: S608 -- our own names
        f" FROM {_sequence(schema, table)}))"
        for table in NUMBERED
    ]
    return ", ".join([f"{_SHARED}({root})", *marks])


def claim(
    connection: Connection, schema: str, app: int, names: Iterable[tuple[str, str]] | None
) -> None:
    """Take locks inside an application; None for all of it alone."""
    whole = _key(schema, "app", str(app))
    if names is None:
        run(connection, f"SELECT {_ALONE}({whole})")
        return
    keys = sorted({_key(schema, "app", str(app), *name) for name in names})
    locks = [f"{_SHARED}({whole})", *(f"{_ALONE}({key})" for key in keys)]
    run(connection, f"SELECT {', '.join(locks)}")


def settle(connection: Connection, schema: str, table: str) -> int:
    """Wait until every number of a table that was given out is committed, or never will be.

    Args:
        connection: a connection in no transaction.
        schema: the schema of our tables.
        table: one of `NUMBERED`.

    Returns:
        The last of these numbers.
    """
    sequence = _sequence(schema, table)
    last = connection.exec_driver_sql(f"SELECT last_value FROM {sequence}").scalar_one()  # noqa: S608 -- our own names
    mark = _mark_class(schema, table)
    marks = connection.exec_driver_sql(
        "SELECT DISTINCT objid::bigint FROM pg_catalog.pg_locks WHERE locktype = 'advisory'"
        " AND classid::bigint = %s AND objsubid = 2 AND granted AND database ="
        " (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())",
        (mark,),
    ).scalars()
    for objid in sorted(marks):
        connection.exec_driver_sql(f"SELECT {_ALONE}({mark}, {int(objid)})")
    return int(last)


def _sequence(schema: str, table: str) -> str:
    return f"{quoted(schema)}.{quoted(f'{table}_number_seq')}"


def _key(*parts: str) -> int:
    """Return the 64 bits, with a sign, that a lock is known by."""
    digest = hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=8)
    return int.from_bytes(digest.digest(), "big", signed=True)


def _mark_class(schema: str, table: str) -> int:
    """Return the 31 bits that stand for the numbers of a table."""
    return _key(schema, "numbers", table) % _MARK_RANGE

"""Items that will not be delivered, with the reason: how a spool keeps, lists and replays them.

Functions on an open connection; `Spool` holds the lock and retries. The bodies are personal data:
they are in the file, in `StoredDeadLetter.body` and nowhere else.
"""

from __future__ import annotations

import itertools
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.delivery.spool.schema import transaction

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = [
    "StoredDeadLetter",
    "add_dead_letter",
    "all_ids",
    "batches",
    "dead_letter_item",
    "find",
    "page",
    "purge",
    "replay",
    "trim",
]

_BATCH = 500
_HEAD = "id, kind, endpoint_id, item_id, reason, message, recorded_at, died_at, tries, size"
_ROW = "kind, endpoint_id, item_id, recorded_at, tries, body, endpoint"


def _instant(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (OSError, OverflowError, TypeError, ValueError):  # damaged, as a byte on the disk can be
        return datetime.fromtimestamp(0, timezone.utc)


@attrs.frozen
class StoredDeadLetter:
    """One item that was given up.

    Attributes:
        id: its number in this spool.
        kind: `event` or `endpoint`.
        endpoint_id: whom it is about.
        item_id: the event id, or what the delivery calls the update.
        reason: a stable word, for example `status_400`.
        message: what the service or the check said.
        recorded_at: when it was recorded.
        died_at: when it was given up.
        tries: how often it had been sent.
        size: bytes of body and endpoint.
        body: the encoded item; None in listings.
        endpoint: the endpoint data that goes with an event; None in listings.
    """

    id: int
    kind: str
    endpoint_id: str = attrs.field(repr=False)
    item_id: str
    reason: str
    message: str = attrs.field(repr=False)
    recorded_at: datetime = attrs.field(converter=_instant)
    died_at: datetime = attrs.field(converter=_instant)
    tries: int
    size: int
    body: bytes | None = attrs.field(default=None, repr=False)
    endpoint: bytes | None = attrs.field(default=None, repr=False)


def dead_letter_item(
    db: sqlite3.Connection, rows: Iterable[tuple[int, str, str, int]], died_at: float
) -> list[int]:
    """Move rows of the queue, given as (seq, reason, message, tries); return their sizes.

    Inside the caller's transaction, like `add_dead_letter` and `trim`.
    """
    sizes = []
    for seq, reason, message, tries in rows:
        moved = db.execute(
            f"INSERT INTO dead ({_ROW}, reason, message, died_at, size)"  # noqa: S608 -- ours
            " SELECT kind, endpoint_id, item_id, recorded_at, ?, body, endpoint, ?, ?, ?,"
            " length(body) + length(endpoint) FROM queue WHERE seq = ?",
            (tries, reason, message, died_at, seq),
        )
        if moved.rowcount:
            size = db.execute("SELECT size FROM dead WHERE id = ?", (moved.lastrowid,))
            sizes.append(int(size.fetchone()[0]))
            db.execute("DELETE FROM queue WHERE seq = ?", (seq,))
    return sizes


def add_dead_letter(
    db: sqlite3.Connection,
    item: tuple[str, str, str, bytes, bytes],
    reason: str,
    message: str,
    now: float,
) -> None:
    """Keep (kind, endpoint id, item id, body, endpoint) that was never queued."""
    kind, endpoint_id, item_id, body, endpoint = item
    size = len(body) + len(endpoint)
    db.execute(
        f"INSERT INTO dead ({_ROW}, reason, message, died_at, size)"  # noqa: S608 -- our columns
        " VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)",
        (kind, endpoint_id, item_id, now, body, endpoint, reason, message, now, size),
    )


def trim(db: sqlite3.Connection, most_bytes: int) -> int:
    """Remove the oldest dead letters while there are more bytes of them; return how many."""
    removed = 0
    while db.execute("SELECT dead_bytes FROM totals").fetchone()[0] > most_bytes:
        gone = db.execute(
            "DELETE FROM dead WHERE id IN (SELECT id FROM dead ORDER BY id LIMIT ?)", (_BATCH,)
        ).rowcount
        if not gone:
            break
        removed += gone
    return removed


def page(
    db: sqlite3.Connection, limit: int, after: int, *, with_bodies: bool = False
) -> list[StoredDeadLetter]:
    """Up to `limit` dead letters with a larger id than `after`, by id."""
    columns = f"{_HEAD}, body, endpoint" if with_bodies else _HEAD
    cursor = db.execute(
        f"SELECT {columns} FROM dead WHERE id > ? ORDER BY id LIMIT ?",  # noqa: S608 -- our columns
        (after, limit),
    )
    return [StoredDeadLetter(*row) for row in cursor.fetchall()]


def find(db: sqlite3.Connection, dead_id: int) -> StoredDeadLetter | None:
    """One dead letter with its body."""
    row = db.execute(
        f"SELECT {_HEAD}, body, endpoint FROM dead WHERE id = ?",  # noqa: S608 -- our columns
        (dead_id,),
    ).fetchone()
    return None if row is None else StoredDeadLetter(*row)


def replay(db: sqlite3.Connection, ids: Sequence[int], allocate: Callable[[], int]) -> list[int]:
    """Move dead letters back into the queue with new seqs, as if never tried.

    Returns:
        The sizes of what was moved.
    """
    sizes = []
    with transaction(db):
        for dead_id in ids:
            found = db.execute(
                "SELECT size FROM dead WHERE id = ? AND length(body) > 0", (dead_id,)
            ).fetchone()
            if found is None:  # there is none, or it could never be encoded
                continue
            db.execute(
                f"INSERT INTO queue (seq, {_ROW}) SELECT ?, kind, endpoint_id, item_id,"  # noqa: S608 -- our columns
                " recorded_at, 0, body, endpoint FROM dead WHERE id = ?",
                (allocate(), dead_id),
            )
            db.execute("DELETE FROM dead WHERE id = ?", (dead_id,))
            sizes.append(int(found[0]))
    return sizes


def purge(db: sqlite3.Connection, ids: Sequence[int] | None, before: datetime | None) -> int:
    """Remove dead letters: those given, or all, and of them only what died before `before`."""
    latest = before.timestamp() if before is not None else float("inf")
    with transaction(db):
        if ids is None:
            return db.execute("DELETE FROM dead WHERE died_at < ?", (latest,)).rowcount
        return sum(
            db.execute("DELETE FROM dead WHERE id = ? AND died_at < ?", (dead_id, latest)).rowcount
            for dead_id in ids
        )


def all_ids(db: sqlite3.Connection) -> list[int]:
    """Return the ids of all dead letters."""
    return [row[0] for row in db.execute("SELECT id FROM dead ORDER BY id").fetchall()]


def batches(ids: Iterable[int]) -> Iterator[list[int]]:
    """Return the ids in portions of one transaction each."""
    rest = iter(ids)
    while batch := list(itertools.islice(rest, _BATCH)):
        yield batch

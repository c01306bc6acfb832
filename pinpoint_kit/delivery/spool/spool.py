"""`Spool`: the durable queue under background delivery, one SQLite file for many processes.

A row is on disk when `append` returns, and stays until `remove` or `dead_letter_item`. Each open
spool owns the rows it appended or took over and sees no others. No thread is started here, and no
content is logged. The connection is spool/file.py's matter, the file's form spool/schema.py's,
ownership spool/owners.py's, corruption spool/salvage.py's.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.delivery.spool import dead_letters, salvage
from pinpoint_kit.delivery.spool.dead_letters import StoredDeadLetter
from pinpoint_kit.delivery.spool.file import COMMIT_BYTES, ROW_BYTES, SIZE, SpoolFile
from pinpoint_kit.delivery.spool.schema import SpoolError, SpoolFullError, transaction
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from pinpoint_kit.delivery.spool.owners import Range

__all__ = ["Pending", "Spool", "SpoolError", "SpoolFullError", "Spooled", "StoredDeadLetter"]

#: The part of max_bytes that dead letters may take: live items go before them.
_DEAD_SHARE = 4
_PAGE = 100
#: How a spool is bound to an application of which only the name is known.
_BY_NAME = "name:"
_KINDS = {"event", "endpoint"}

_INSERT = "INSERT INTO queue VALUES (?, ?, ?, ?, ?, 0, ?, ?)"
_SOME = f"FROM queue WHERE seq IN ({', '.join('?' * _PAGE)})"
_SELECT_SIZES = f"SELECT {SIZE} {_SOME}"
_DELETE = f"DELETE {_SOME}"
_INSERT_AGAIN = "INSERT OR REPLACE INTO queue VALUES (?, ?, ?, ?, ?, 0, ?, ?)"


@attrs.frozen
class Spooled:
    """One row of the queue.

    Attributes:
        seq: its place in the order of this owner's rows.
        kind: `event` or `endpoint`.
        endpoint_id: whom it is about.
        item_id: the event id, or what the delivery calls the update.
        body: the encoded item.
        endpoint: endpoint data that goes with an event, or b"".
        recorded_at: seconds since the epoch.
    """

    seq: int
    kind: str
    endpoint_id: str = attrs.field(repr=False)
    item_id: str
    body: bytes = attrs.field(repr=False)
    endpoint: bytes = attrs.field(repr=False)
    recorded_at: float

    @property
    def is_sound(self) -> bool:
        """False when something in it is damaged, as a byte on the disk can be."""
        return (
            all(isinstance(text, str) for text in (self.kind, self.endpoint_id, self.item_id))
            and self.kind in _KINDS
            and isinstance(self.body, bytes)
            and isinstance(self.endpoint, bytes)
        )


@attrs.frozen
class Pending:
    """What waits: number of rows, bytes in them, and when the first in order was recorded."""

    count: int
    bytes: int
    oldest: float | None


class Spool(SpoolFile):
    """A durable queue in one file. Safe for many threads, processes and forks.

    Every method but `close` may raise `SpoolError`; nothing was changed then.

    Args:
        path: the file; it is made when missing, in a directory that exists.
        fsync: survive power loss too, at the price of one disk flush an item.
        max_bytes: room for queue and dead letters of all processes together. The WAL beside the
            file comes on top, usually below 50 MB. Dead letters get a quarter, the oldest go.
        lease: seconds without a sign of life after which other processes adopt the rows.
        clock: seconds since the epoch.

    Raises:
        StoreError: the file cannot be used; the message says what to do.
    """

    def __repr__(self) -> str:
        return f"<Spool pending={self._count}>"

    def bind(self, application_id: str, *, name: str | None = None) -> None:
        """Reserve the file for one application, so that nobody delivers it to another.

        A file may be bound before the id is known, by the name alone; then the id joins it, and
        from then on the id counts.

        Args:
            application_id: the application's id; "" while it is being looked up.
            name: the application's name; None where only the id is known.

        Raises:
            StoreError: the file belongs to another application already.
        """
        by_name = "" if name is None else f"{_BY_NAME}{name}"

        def reserve(db: sqlite3.Connection) -> set[str]:
            with transaction(db):
                # One that is damaged says nothing, and keeps nobody out.
                found = [row[0] for row in db.execute("SELECT value FROM purpose")]
                known = {value for value in found if isinstance(value, str)}
                others = _others(known, application_id, by_name)
                if not others and (application_id or not known):
                    for value in {application_id, by_name} - known - {""}:
                        db.execute("INSERT INTO purpose VALUES (?)", (value,))
            return others

        others = self._run(reserve)
        if others:
            raise StoreError(
                f"The spool {self.path} holds events of application"
                f" {min(others).removeprefix(_BY_NAME)}; name another file for application"
                f" {application_id or name}"
            )

    # Queue

    def append(  # noqa: PLR0913 -- the parts of an item
        self,
        kind: str,
        endpoint_id: str,
        item_id: str,
        body: bytes,
        endpoint: bytes = b"",
        *,
        patience: float | None = None,
    ) -> int:
        """Put one item on disk.

        Args:
            kind: `event` or `endpoint`.
            endpoint_id: whom it is about.
            item_id: the event id, or the delivery's own name.
            body: the encoded item.
            endpoint: endpoint data that goes with an event.
            patience: seconds to wait for other threads and processes; the spool's own, and time
                for a rescue, unless given.

        Returns:
            Its seq: larger than all seqs of this owner before.

        Raises:
            SpoolFullError: it does not fit under `max_bytes`.
        """
        now = self._clock()
        data = len(body) + len(endpoint)
        size = data + len(endpoint_id) + ROW_BYTES

        def insert() -> int:
            self._make_ready(size, now)
            seq = self._next
            self._next = seq + 1
            try:
                self._db.execute(  # type: ignore[union-attr]  # _make_ready opened it
                    _INSERT, (seq, kind, endpoint_id, item_id, now, body, endpoint)
                )
                is_in = os.stat(self._name).st_ino == self._identity[1]  # noqa: PTH116 -- hot
            except (sqlite3.Error, OverflowError, OSError):
                is_in = False
            if not is_in:
                seq = self._append_again(seq, (kind, endpoint_id, item_id, now, body, endpoint))
            self._count += 1
            self._bytes += data
            self._room -= size
            self._written += data + COMMIT_BYTES
            return seq

        return self._in_turn(insert, patience)

    def _append_again(self, seq: int, values: tuple[object, ...]) -> int:
        """Append what failed, or went into a file that was moved away meanwhile."""

        def insert(db: sqlite3.Connection) -> int:
            kept = seq if seq in self._mine else self._allocate()
            db.execute(_INSERT_AGAIN, (kept, *values))
            return kept

        return self._attempt(insert)

    def load(self, after: int = 0, limit: int = 1000) -> list[Spooled]:
        """Return this owner's rows with a larger seq than `after`, in order."""

        def select(db: sqlite3.Connection) -> list[Spooled]:
            rows = db.execute(
                "SELECT seq, kind, endpoint_id, item_id, body, endpoint, recorded_at"
                " FROM queue WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                (max(after, self._mine.base), self._mine.last, limit),
            )
            return [Spooled(*row) for row in rows.fetchall()]

        return self._run(select)

    def remove(self, seqs: Iterable[int]) -> int:
        """Remove delivered rows; return how many were still there.

        A batch of many is a few transactions, between which others can record.
        """
        ordered = sorted(set(seqs))
        removed = 0
        for start in range(0, len(ordered), _PAGE):
            removed += len(self._remove(ordered[start : start + _PAGE]))
            self._tidy_when_due()
        return removed

    def _remove(self, seqs: list[int]) -> list[int]:
        def delete(db: sqlite3.Connection) -> list[int]:
            # A number that is not ours is from before our file was replaced.
            ours = [seq for seq in seqs if seq in self._mine]
            with transaction(db):
                return _delete(db, ours) if ours else []

        return self._run(delete, self._note_removed)

    def drop_oldest(
        self, count: int, *, after: int = 0, keep: Collection[int] = frozenset()
    ) -> list[int]:
        """Remove this owner's oldest rows to make room; space comes free by whole pages.

        Args:
            count: rows to remove at most.
            after: only rows with a larger seq.
            keep: seqs that stay, for example because they are being sent; best a set.

        Returns:
            The seqs that were removed.
        """

        def choose(db: sqlite3.Connection) -> list[int]:
            chosen: list[int] = []
            cursor = db.execute(
                "SELECT seq FROM queue WHERE seq > ? AND seq <= ? ORDER BY seq",
                (max(after, self._mine.base), self._mine.last),
            )
            while len(chosen) < count and (row := cursor.fetchone()) is not None:
                if row[0] not in keep:
                    chosen.append(row[0])
            cursor.close()
            return chosen

        chosen = self._run(choose)
        self.remove(chosen)
        return chosen

    def pending(self) -> Pending:
        """Return what this owner has in the queue; one look-up."""

        def look(db: sqlite3.Connection) -> Pending:
            row = db.execute(
                "SELECT recorded_at FROM queue WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT 1",
                (self._mine.base, self._mine.last),
            ).fetchone()
            oldest = row[0] if row is not None and isinstance(row[0], (int, float)) else None
            return Pending(self._count, self._bytes, oldest)

        return self._run(look)

    # Owners

    def heartbeat(self) -> None:
        """Says that this owner lives, and does the housekeeping of the file.

        Call it every third of the lease while rows are pending; `append` says it by itself. The
        content of removed rows has left all files after a heartbeat that found nobody reading.
        """

        def beat(db: sqlite3.Connection) -> None:
            self._beat(db)
            self._tidy(db, in_full=True)

        self._write_wal_out(in_full=True)
        self._run(beat)

    def adopt(self, limit: int = 1000) -> int:
        """Take over rows of dead and closed owners; `load` then shows them after all others.

        The rows of one dead owner all go to the same heir, in their order.

        Args:
            limit: rows at most; call again while it returns as many.

        Returns:
            The number of rows that are this owner's now.
        """

        def move(db: sqlite3.Connection) -> list[int]:
            sizes: list[int] = []
            if not self._owners.adoptable(db, self._mine):
                return sizes  # the usual case takes no write lock
            with transaction(db):
                for dead in self._owners.adoptable(db, self._mine):
                    if len(sizes) == limit:
                        break
                    sizes += self._take_from(db, dead, limit - len(sizes))
            return sizes

        return len(self._run(move, self._note_added))

    def _take_from(self, db: sqlite3.Connection, dead: Range, limit: int) -> list[int]:
        rows = db.execute(
            f"SELECT seq, {SIZE} FROM queue WHERE seq >= ? AND seq <= ?"  # noqa: S608 -- ours
            " ORDER BY seq LIMIT ?",
            (dead.base, dead.last, limit),
        ).fetchall()
        db.executemany(
            "UPDATE queue SET seq = ? WHERE seq = ?", [(self._allocate(), seq) for seq, _ in rows]
        )
        if len(rows) < limit:
            self._owners.remove(db, dead)
        else:
            self._owners.claim(db, dead, self._mine)
        return [size for _, size in rows]

    # Dead letters

    def dead_letter_item(self, rows: Iterable[tuple[int, str, str, int]]) -> int:
        """Move rows, given as (seq, reason, message, tries), to the dead letters, atomically.

        Returns:
            How many were still there.
        """
        given = list(rows)

        def move(db: sqlite3.Connection) -> list[int]:
            ours = [row for row in given if row[0] in self._mine]
            with transaction(db):
                sizes = dead_letters.dead_letter_item(db, ours, self._clock())
                self._trim(db)
            return sizes

        buried = len(self._run(move, self._note_removed))
        self._tidy_when_due()
        return buried

    def add_dead_letter(  # noqa: PLR0913 -- the parts of an item
        self,
        kind: str,
        endpoint_id: str,
        item_id: str,
        body: bytes,
        endpoint: bytes,
        *,
        reason: str,
        message: str,
        patience: float | None = None,
    ) -> None:
        """Keep an item that was refused before it was queued.

        Raises:
            SpoolFullError: it does not fit under `max_bytes`.
        """
        now = self._clock()
        size = len(body) + len(endpoint) + len(message) + ROW_BYTES
        item = (kind, endpoint_id, item_id, body, endpoint)

        def insert(db: sqlite3.Connection) -> None:
            with transaction(db):
                dead_letters.add_dead_letter(db, item, reason, message, now)
                self._trim(db)

        def keep() -> None:
            self._make_ready(size, now)
            self._attempt(insert)
            self._room -= size
            self._written += size + COMMIT_BYTES

        self._in_turn(keep, patience)

    def dead_letters(self, limit: int = 100, after: int = 0) -> list[StoredDeadLetter]:
        """Dead letters of all owners without their bodies, by id, those above `after`."""
        return self._run(lambda db: dead_letters.page(db, limit, after))

    def dead_letter(self, dead_id: int) -> StoredDeadLetter | None:
        """One dead letter with its body; None when there is none of this id."""
        return self._run(lambda db: dead_letters.find(db, dead_id))

    def export(self) -> Iterator[StoredDeadLetter]:
        """All dead letters with their bodies, by id, a page in memory at a time."""
        after = 0
        while page := self._full_page(after):
            yield from page
            after = page[-1].id

    def _full_page(self, after: int) -> list[StoredDeadLetter]:
        return self._run(lambda db: dead_letters.page(db, _PAGE, after, with_bodies=True))

    def replay(self, ids: Iterable[int] | None = None) -> int:
        """Move dead letters (all by default) to the end of this owner's queue, untried.

        Returns:
            How many there were.
        """
        chosen = self._run(dead_letters.all_ids) if ids is None else ids
        return sum(len(self._replay(batch)) for batch in dead_letters.batches(chosen))

    def _replay(self, ids: list[int]) -> list[int]:
        def move(db: sqlite3.Connection) -> list[int]:
            return dead_letters.replay(db, ids, self._allocate)

        return self._run(move, self._note_added)

    def purge(self, ids: Iterable[int] | None = None, *, before: datetime | None = None) -> int:
        """Remove dead letters for good.

        Args:
            ids: which; all by default.
            before: of them only those that died before.

        Returns:
            How many there were.
        """
        chosen = None if ids is None else list(ids)

        def note(_: int) -> None:
            self._has_removed = True

        return self._run(lambda db: dead_letters.purge(db, chosen, before), note)

    def set_aside(self) -> list[str]:
        """Return the damaged files that were kept when their rows were saved."""
        try:
            return [str(file) for file in salvage.set_aside(self.path)]
        except OSError:  # the folder cannot be listed
            return []

    def overwrite_removed(self) -> bool:
        """Write the file anew, so that nothing of what was removed can be read in it.

        SQLite leaves copies of rows in pages from which it has moved them. Others wait for as long
        as it takes; what is recorded meanwhile is kept in memory.

        Returns:
            False when another process is reading: then the old pages go with a later checkpoint.

        Raises:
            SpoolError: it cannot be done now.
        """

        def write_anew(db: sqlite3.Connection) -> bool:
            db.execute("VACUUM")
            self._has_removed = True
            self._checkpoint(db)
            return not self._has_removed

        return self._run(write_anew)

    def _trim(self, db: sqlite3.Connection) -> None:
        removed = dead_letters.trim(db, self._max_bytes // _DEAD_SHARE)
        if removed:
            self._has_removed = True
            self._notes.append(
                f"the {removed} oldest dead letter(s) were removed to keep room for live items"
            )

    # Counts, under the lock

    def _note_added(self, sizes: list[int]) -> None:
        self._count += len(sizes)
        self._bytes += sum(sizes)
        self._written += sum(sizes) + len(sizes) * ROW_BYTES

    def _note_removed(self, sizes: list[int]) -> None:
        # Never below 0: after a rescue there may be fewer rows than were counted.
        self._count = max(0, self._count - len(sizes))
        self._bytes = max(0, self._bytes - sum(sizes))
        self._written += sum(sizes) + len(sizes) * ROW_BYTES + COMMIT_BYTES
        self._has_removed = self._has_removed or bool(sizes)
        self._untidy += sum(sizes) + len(sizes) * ROW_BYTES


def _delete(db: sqlite3.Connection, seqs: list[int]) -> list[int]:
    """Delete up to a page of rows and returns the sizes of those that were there."""
    # Few statements, as each lets another thread run while others wait for the lock; and always
    # the same text, which SQLite then need not parse again.
    padded = (*seqs, *seqs[-1:] * (_PAGE - len(seqs)))
    found = db.execute(_SELECT_SIZES, padded).fetchall()
    db.execute(_DELETE, padded)
    return [size for (size,) in found]


def _others(known: set[str], application_id: str, by_name: str) -> set[str]:
    """Return what a file is bound to, where that is another application."""
    names = {value for value in known if value.startswith(_BY_NAME)}
    ids = known - names
    if application_id and ids:
        return set() if application_id in ids else ids
    # An id that was not looked up yet, or a file that knows only a name.
    return set() if not names or by_name in names else names

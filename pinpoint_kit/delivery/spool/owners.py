"""Who owns which rows of a spool, who is still alive, and whose rows may be taken over.

An owner is one `Spool` in one process. It has a number, and the sequence numbers of its rows
begin with that number, so its rows lie together and need no index. A row whose owner is not in
the table belongs to nobody: closing only removes the owner.

A wrong guess about a living owner costs duplicates (with the same event id), never events: it
registers again under its own number and keeps what is left.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection

import attrs

from pinpoint_kit.system.processes import has_process, machine

__all__ = ["MOST_OWNERS", "SHIFT", "Owners", "Range"]

#: Rows that one owner can have in its life; 2**27 owners fit above them.
SHIFT = 36
MOST_OWNERS = 1 << 27


@attrs.frozen
class Range:
    """The sequence numbers of one owner: above `base`, up to `last`."""

    number: int

    @property
    def base(self) -> int:
        """Below its first one."""
        return self.number << SHIFT

    @property
    def last(self) -> int:
        """Its last one, which SQLite can store whatever the number."""
        return ((self.number + 1) << SHIFT) - 1

    def __contains__(self, seq: int) -> bool:
        return seq >> SHIFT == self.number and seq != self.base


@attrs.define
class Owners:
    """The `owners` table, seen from one owner.

    Args:
        lease: seconds without a heartbeat after which an owner counts as dead.
        clock: seconds, the same for all processes; it may jump.
        numbers_here: the numbers of this process's open spools.
    """

    lease: float
    clock: Callable[[], float]
    numbers_here: Callable[[], Collection[int]]
    machine: str = attrs.field(factory=machine)
    #: Heartbeats from the future, by number, with our own time when we first saw them.
    _seen: dict[int, tuple[float, float]] = attrs.field(factory=dict, init=False)

    def register(self, db: sqlite3.Connection, token: str) -> Range:
        """Becomes a new owner."""
        cursor = db.execute(
            "INSERT INTO owners (token, machine, pid, beat) VALUES (?, ?, ?, ?)",
            (token, self.machine, os.getpid(), self.clock()),
        )
        number = cursor.lastrowid or 0
        if not 0 < number < MOST_OWNERS:  # nobody has made so many: what counts them is damaged
            raise sqlite3.DatabaseError("malformed")
        return Range(number)

    def renew(self, db: sqlite3.Connection, mine: Range, token: str) -> tuple[bool, bool]:
        """Says that this owner lives.

        Returns:
            Whether the number is still this owner's, and whether it was so all the time.
        """
        changed = db.execute(
            "UPDATE owners SET beat = ?, heir = NULL WHERE number = ? AND token = ?",
            (self.clock(), mine.number, token),
        )
        if changed.rowcount:
            return True, True
        changed = db.execute(
            "INSERT OR IGNORE INTO owners VALUES (?, ?, ?, ?, ?, NULL)",
            (mine.number, token, self.machine, os.getpid(), self.clock()),
        )
        return bool(changed.rowcount), False

    def adoptable(self, db: sqlite3.Connection, mine: Range) -> list[Range]:
        """Return the owners whose rows this one may take, or has begun to take.

        The oldest first.
        """
        known = {
            number: (where, pid, beat, heir)
            for number, where, pid, beat, heir in db.execute(
                "SELECT number, machine, pid, beat, heir FROM owners"
            ).fetchall()
        }
        now = self.clock()
        here = self.numbers_here()
        living = {mine.number}
        for number, (where, pid, beat, _) in known.items():
            if self._is_alive(number, where, pid, beat, now, here):
                living.add(number)
        self._seen = {number: seen for number, seen in self._seen.items() if number in known}
        # What a living owner has begun to take is its own, except for what we began ourselves.
        taken = {
            number for number, (*_, heir) in known.items() if heir in living and heir != mine.number
        }
        return [
            Range(number) for number in sorted({*known, *_numbers_with_rows(db)} - living - taken)
        ]

    def _is_alive(  # noqa: PLR0913, PLR0917 -- the columns of one row, and what it is held against
        self, number: int, where: str, pid: int, beat: float, now: float, here: Collection[int]
    ) -> bool:
        if not (isinstance(pid, int) and isinstance(beat, (int, float))):
            return False  # damaged; who lives says so again, under the same number
        if where == self.machine and (
            not has_process(pid) or (pid == os.getpid() and number not in here)
        ):
            return False
        if beat <= now:
            return now - beat <= self.lease
        # The clock went back since. Only time that passes for us can tell.
        seen_beat, since = self._seen.get(number, (None, now))
        if seen_beat != beat or since > now:
            since = now
        self._seen[number] = (beat, since)
        return now - since <= self.lease

    @staticmethod
    def claim(db: sqlite3.Connection, dead: Range, mine: Range) -> None:
        """Make this owner the heir, so that all rows of a dead one go the same way."""
        changed = db.execute(
            "UPDATE owners SET heir = ? WHERE number = ?", (mine.number, dead.number)
        )
        if not changed.rowcount:
            db.execute("INSERT INTO owners VALUES (?, '', '', 0, 0, ?)", (dead.number, mine.number))

    @staticmethod
    def remove(db: sqlite3.Connection, owner: Range) -> None:
        """Forgets an owner; rows that it still has are adoptable at once."""
        db.execute("DELETE FROM owners WHERE number = ?", (owner.number,))


def _numbers_with_rows(db: sqlite3.Connection) -> list[int]:
    """Return the owners that have rows, with one look-up each."""
    numbers: list[int] = []
    last = -1
    while True:
        row = db.execute("SELECT min(seq) FROM queue WHERE seq > ?", (last,)).fetchone()
        if row[0] is None:
            return numbers
        owner = Range(row[0] >> SHIFT)
        numbers.append(owner.number)
        last = owner.last

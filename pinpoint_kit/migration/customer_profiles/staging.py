"""The work file: endpoints on their way from the order of the source to that of the profiles.

All that grows with the source is in this SQLite file and not in memory: the endpoints, why some
may not be contacted, what was lost. Its state is committed with them, so that a conversion that
was killed goes on. It is its owner's alone, and is removed at the end.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.migration.customer_profiles.mapping.members import OPTED_OUT, Shape, Staged
from pinpoint_kit.system.sqlite_files import fault_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = [
    "ADDRESS_IN_USE",
    "BAD_LINE",
    "VERSION",
    "Problem",
    "Staging",
    "StoredEndpoint",
    "Suppression",
]

#: An address that one endpoint no longer uses, and another does.
ADDRESS_IN_USE = 4
#: In the place of a member, where a whole line is no endpoint.
BAD_LINE = "(line)"
#: Its layout; another version begins anew.
VERSION = 2
#: Of pages and for sorting; more is no quicker, since the rows are written and read in order.
_CACHE_KB = 4_000
_PRAGMAS = (
    "page_size=16384",
    "journal_mode=TRUNCATE",  # what is appended is written once, unlike in a log
    "synchronous=NORMAL",
    "locking_mode=EXCLUSIVE",
    f"cache_size=-{_CACHE_KB}",
    "temp_store=FILE",
)
_TABLES = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS endpoints (
  number INTEGER PRIMARY KEY, key TEXT NOT NULL, effective TEXT NOT NULL, id TEXT NOT NULL,
  flags INTEGER NOT NULL, contact TEXT NOT NULL, file INTEGER NOT NULL, line INTEGER NOT NULL,
  content NOT NULL);
CREATE TABLE IF NOT EXISTS shapes (shape BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS problems (
  file INTEGER NOT NULL, line INTEGER NOT NULL, member TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS superseded (number INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS refused (contact TEXT PRIMARY KEY, flags INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS suppressions (
  channel TEXT NOT NULL, address TEXT NOT NULL, reason TEXT NOT NULL, key TEXT NOT NULL,
  id TEXT NOT NULL, effective TEXT NOT NULL);
"""
_INSERT = "INSERT INTO endpoints VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)"
#: The newest record of an endpoint counts. Where that cannot be told, one that refuses messages.
_SUPERSEDED = """
INSERT INTO superseded SELECT number FROM (
  SELECT number, row_number() OVER (
    PARTITION BY id
    ORDER BY (effective = '' AND flags > 0) DESC, effective DESC, flags DESC, content, number
  ) AS place
  FROM endpoints WHERE id IN (SELECT id FROM endpoints GROUP BY id HAVING count(*) > 1)
) WHERE place > 1
"""
_COUNTED = "number NOT IN (SELECT number FROM superseded)"
_REFUSED = f"""
INSERT INTO refused SELECT contact, max(flags & {OPTED_OUT}) FROM endpoints
WHERE flags > 0 AND contact <> '' AND {_COUNTED} GROUP BY contact
"""  # noqa: S608 -- constants
#: Of what was only inactive somewhere: whether another endpoint uses it still.
_USED = f"""
UPDATE refused SET flags = {ADDRESS_IN_USE} WHERE flags = 0 AND contact IN (
  SELECT contact FROM endpoints
  WHERE flags = 0 AND {_COUNTED} AND contact IN (SELECT contact FROM refused))
"""  # noqa: S608 -- as above
_JOIN = "LEFT JOIN refused AS r ON e.contact <> '' AND r.contact = e.contact"
_JOINED = "coalesce(r.flags, 0)"
_SORTED = f"""
SELECT e.key, e.effective, e.id, e.flags, e.file, e.line, e.content,
       {_JOINED}
FROM endpoints AS e {_JOIN}
WHERE e.key > ? AND e.{_COUNTED}
ORDER BY e.key, e.effective DESC, e.id, e.content
"""  # noqa: S608 -- as above


class StoredEndpoint(NamedTuple):
    """One endpoint, in the order of the profiles.

    Attributes:
        address_flags: what other endpoints with the same address say: `OPTED_OUT`, or
            `ADDRESS_IN_USE` where one may be contacted; of an address that no endpoint refuses, 0.
    """

    key: str
    effective: str
    id: str
    flags: int
    file: int
    line: int
    content: str | bytes
    address_flags: int


class Problem(NamedTuple):
    """What was lost or changed, and where it stood."""

    file: int
    line: int
    member: str
    reason: str


class Suppression(NamedTuple):
    """An address that must not be contacted."""

    channel: str
    address: str
    reason: str
    key: str
    id: str
    effective: str


class Staging:
    """The work file of one conversion.

    Args:
        path: the file. A missing one is made, its owner's alone.

    Raises:
        ConfigurationError: another conversion uses it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0)
        try:
            try:
                self._prepare()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError) and "lock" in str(error):
                    raise
                self._anew()  # a file that power loss has damaged
        except sqlite3.OperationalError as error:
            self._db.close()
            raise ConfigurationError(
                f"{path.parent.parent} cannot be used ({error}): end the other conversion that"
                " writes there, or name another folder"
            ) from None

    def _prepare(self) -> None:
        for pragma in _PRAGMAS:
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(f"BEGIN EXCLUSIVE; {_TABLES} COMMIT;")

    def _anew(self) -> None:
        self._db.close()
        for suffix in ("", "-journal"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(self._path, isolation_level=None, timeout=0)
        self._prepare()

    def clear(self) -> None:
        """Forget everything."""
        self._anew()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all that the block does at once, or none of it."""
        self._db.execute("BEGIN")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # SQLite has ended it where the disk is full
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextlib.contextmanager
    def in_use(self) -> Iterator[None]:
        """Say what is wrong when the block cannot use the file.

        Raises:
            ConfigurationError: the disk is full, or the file cannot be read or written.
        """
        try:
            yield
        except sqlite3.DatabaseError as error:
            cause = fault_of(error).sentence(f"the work file in {self._path.parent}")
            raise ConfigurationError(
                f"{cause}; what is sorted is in SQLite's folder for temporary files"
                " (SQLITE_TMPDIR), which needs as much room"
            ) from error

    def state(self, name: str) -> Any:  # noqa: ANN401 -- JSON
        """Return what `put_state` has kept, or None."""
        found = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return None if found is None else orjson.loads(found[0])

    def put_state(self, name: str, value: object) -> None:
        """Keep a JSON value."""
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, orjson.dumps(value)))

    def add(self, endpoints: Iterable[Staged]) -> None:
        """Add endpoints."""
        self._db.executemany(_INSERT, endpoints)

    def add_shapes(self, shapes: Iterable[Shape]) -> None:
        """Add shapes of packed endpoints."""
        rows = ((orjson.dumps(shape),) for shape in shapes)
        self._db.executemany("INSERT INTO shapes VALUES (?)", rows)

    def shapes(self) -> list[Shape]:
        """Return the shapes that `add_shapes` has kept."""
        found = self._db.execute("SELECT shape FROM shapes ORDER BY rowid")
        return [tuple(orjson.loads(shape)) for (shape,) in found]

    def add_problems(self, problems: Iterable[Problem]) -> None:
        """Add what was lost or changed."""
        self._db.executemany("INSERT INTO problems VALUES (?, ?, ?, ?)", problems)

    def add_suppressions(self, suppressions: Iterable[Suppression]) -> None:
        """Add addresses that must not be contacted."""
        self._db.executemany("INSERT INTO suppressions VALUES (?, ?, ?, ?, ?, ?)", suppressions)

    def forget_endpoints(self) -> None:
        """Forget what was read."""
        self._db.execute("DELETE FROM endpoints")
        self._db.execute("DELETE FROM problems")

    def settle(self) -> int:
        """Find out which records are superseded, and which addresses refuse messages.

        Returns:
            How many records are superseded.
        """
        self._db.execute("DELETE FROM superseded")
        self._db.execute("DELETE FROM refused")
        self._db.execute(_SUPERSEDED)
        self._db.execute(_REFUSED)
        if self._db.execute("SELECT 1 FROM refused LIMIT 1").fetchone() is not None:
            self._db.execute(_USED)
        return int(self._db.execute("SELECT count(*) FROM superseded").fetchone()[0])

    def superseded(self) -> Iterator[tuple[int, int]]:
        """File and line of each record that is superseded."""
        yield from self._db.execute(
            "SELECT file, line FROM endpoints WHERE number IN (SELECT number FROM superseded)"
        )

    def endpoints(self, after: str) -> Iterator[StoredEndpoint]:
        """Yield the endpoints by profile, the newest of each profile first.

        Args:
            after: only profiles whose keys are behind this one; "" for all.
        """
        # The pages of the sorter are on the disk: memory does not grow with the source.
        sql = _SORTED
        if self._db.execute("SELECT 1 FROM refused LIMIT 1").fetchone() is None:
            sql = sql.replace(_JOIN, "").replace(_JOINED, "0")
        if self._db.execute("SELECT 1 FROM superseded LIMIT 1").fetchone() is None:
            sql = sql.replace(f"AND e.{_COUNTED}", "")
        return map(StoredEndpoint._make, self._db.execute(sql, (after,)))

    def problems(self) -> Iterator[Problem]:
        """Yield what was lost or changed, in the order of the source."""
        found = self._db.execute("SELECT * FROM problems ORDER BY file, line, member, reason")
        return map(Problem._make, found)

    def suppressions(self) -> Iterator[Suppression]:
        """Yield the addresses that must not be contacted, in their order."""
        found = self._db.execute(
            "SELECT * FROM suppressions ORDER BY channel, address, reason, key, id, effective"
        )
        return map(Suppression._make, found)

    def bad_lines(self, most: int) -> list[Problem]:
        """Return the first lines that are no endpoint."""
        found = self._db.execute(
            "SELECT * FROM problems WHERE member = ? ORDER BY file, line LIMIT ?", (BAD_LINE, most)
        )
        return [Problem._make(row) for row in found]

    def close(self) -> None:
        """Close the file; idempotent."""
        self._db.close()

    def remove(self) -> None:
        """Close the file and remove it."""
        self._db.close()
        for suffix in ("", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                self._path.with_name(self._path.name + suffix).unlink()

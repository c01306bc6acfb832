"""What each database needs of its own, all of it here: connecting, locking, upserts, errors.

SQLite now; the PostgreSQL family is to join by adding to this file only. Nothing outside may
name a dialect, and nothing here may name a table.

The SQLite settings, and why:
- WAL: readers never wait for the writer. `synchronous=FULL`: an answered write survives power
  loss. `secure_delete`: deleted personal data is overwritten, not just unlinked.
- The driver's own transaction handling is switched off; a write begins with BEGIN IMMEDIATE, so
  that two writers queue instead of failing half-way.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import URL, Index, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool, StaticPool

from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Column, Connection, Engine, Table
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.sql.dml import Insert

__all__ = [
    "Explanation",
    "begin_write",
    "connect",
    "explain",
    "insert_ignoring",
    "is_in_memory",
    "parse_url",
    "partial_index",
    "prepare",
    "scrub",
    "upsert",
]

_WAL_ATTEMPTS = 100
_WAL_PAUSE_S = 0.05


def parse_url(url: str) -> URL:
    """Returns the parsed URL.

    Raises:
        StoreError: it is not one of a SQLite database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise StoreError(
            "The engine needs a database URL of the form sqlite:///FILE, sqlite:////ABSOLUTE/FILE "
            "or sqlite:// (in memory); write one of these"
        )
    return parsed


def is_in_memory(url: URL) -> bool:
    """Returns whether the database lives in this process only."""
    database = url.database
    return not database or ":memory:" in database or url.query.get("mode") == "memory"


def connect(url: URL, busy_timeout: float) -> Engine:
    """Returns a SQLAlchemy engine with this package's settings; it has not connected yet.

    In memory there is one connection, and the caller must let only one thread in at a time.
    """
    arguments = {"timeout": busy_timeout, "check_same_thread": False}
    if is_in_memory(url):
        engine = create_engine(
            url, poolclass=StaticPool, connect_args=arguments, hide_parameters=True
        )
    else:
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=-1,
            connect_args=arguments,
            hide_parameters=True,
        )
    event.listen(engine, "connect", _configure)
    return engine


def _configure(connection: DBAPIConnection, _record: object) -> None:
    # Attribute of sqlite3.Connection: None leaves every BEGIN to us.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


def prepare(connection: Connection) -> None:
    """Makes the file ready for several processes; it stays so.

    Turning WAL on needs the file for a moment alone, and SQLite does not wait for that by itself.
    """
    attempt = 1
    while not _has_turned_wal_on(connection, is_last=attempt == _WAL_ATTEMPTS):
        attempt += 1
        time.sleep(_WAL_PAUSE_S)


def _has_turned_wal_on(connection: Connection, *, is_last: bool) -> bool:
    try:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL").fetchall()
    except OperationalError as error:
        if is_last or "locked" not in str(error.orig):
            raise
        return False
    return True


def begin_write(connection: Connection) -> None:
    """Begins a transaction that holds the right to write from the start."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def scrub(connection: Connection) -> None:
    """Takes deleted data out of the write-ahead log, if nobody is using it right now.

    Without this the log keeps old pages until it is next overwritten or the last user closes.
    """
    timeout = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        # When it is in use, the next deletion, the next overwriting or the last close does it.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(timeout)}")


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_ignoring(dialect: str, table: Table) -> Insert:
    """Returns an insert of whole rows that leaves rows alone which are already there."""
    return _insert(dialect, table).on_conflict_do_nothing()


def upsert(dialect: str, table: Table, keys: Sequence[str], columns: Sequence[str]) -> Insert:
    """Returns an insert of whole rows that replaces `columns` where `keys` are already there."""
    statement = _insert(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in columns}
    )


def partial_index(name: str, present: Column[str | None], *columns: Column[Any]) -> None:
    """Adds an index that holds only the rows in which `present` has a value."""
    condition = present.is_not(None)
    Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


@attrs.frozen
class Explanation:
    """What a database error means.

    Attributes:
        sentence: the cause and what to do, without SQL and without data.
        is_permanent: True when it lasts until somebody mends it, so that repeating the request
            is of no use.
    """

    sentence: str
    is_permanent: bool


def _passing(sentence: str) -> Explanation:
    return Explanation(sentence, is_permanent=False)


def _permanent(sentence: str) -> Explanation:
    return Explanation(sentence, is_permanent=True)


_LOCKED = _passing("another process has locked the database for too long; try again")
_READ_ONLY = _permanent("the database is read-only; give this process the right to write its file")
#: A part of SQLite's own text -> what it means. The first that fits counts.
_EXPLANATIONS = {
    "full": _passing("the disk or the database is full; make room, then try again"),
    "locked": _LOCKED,
    "busy": _LOCKED,
    "readonly": _READ_ONLY,
    "read-only": _READ_ONLY,
    "not a database": _permanent("the file is not a SQLite database; name another file"),
    "malformed": _permanent(
        "the database file is corrupt; restore it from a backup or name another file"
    ),
    # Also when the process has too many files open, which passes.
    "unable to open": _passing(
        "the database file cannot be opened; check that it exists and its rights"
    ),
    "no such table": _permanent("the database lacks our tables; name another file"),
    "i/o error": _passing("the disk reported an I/O error; check the disk, then try again"),
}


def explain(error: DBAPIError) -> Explanation:
    """Returns what a database error means and what to do."""
    text = str(error.orig).lower()
    for mark, explanation in _EXPLANATIONS.items():
        if mark in text:
            return explanation
    return _passing(f"the database failed ({type(error.orig).__name__}); try again")

"""Connections to SQLite: their settings, and beginning to write.

The settings, and why:
- WAL: readers never wait for the writer. `synchronous=FULL`: an answered write survives power
  loss. `secure_delete`: deleted personal data is overwritten, not just unlinked.
- The log is cut to size when it begins anew, so that a long reader does not leave a large file.
- Events and endpoints lie all over the indexes. With SQLite's own settings (2 MB of pages, a log of
  4 MB) nearly every page is read anew, and moved from the log each time that it is written.
- The driver's own transaction handling is switched off; a write begins with BEGIN IMMEDIATE, so
  that two writers queue instead of failing half-way.
"""

from __future__ import annotations

import math
import sqlite3
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.pool import QueuePool, StaticPool

from pinpoint_kit.engine.storage.dialects import functions
from pinpoint_kit.engine.storage.dialects.sqlite.locations import is_in_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import URL, Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor

__all__ = ["columns", "configure", "connect", "move_log", "scrub", "set_log", "stop_at"]

#: What SQL may call by these names, and with how many arguments.
_FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("pinpoint_has_value", 2, functions.has_value),
    ("pinpoint_instant", 1, functions.instant),
    ("pinpoint_metric", 2, functions.metric),
)

#: Pages that a connection keeps in memory, as far as it has used any.
_CACHE_KB = 16_000
#: Pages in the log before they are moved to the database: 16 MB.
_LOG_PAGES = 4_000
#: Jobs write more of the indexes at once.
_BULK_CACHE_KB = 96_000
_BULK_LOG_PAGES = 16_000
#: What the write-ahead log may keep of the disk once it is empty again. It grows for as long as
#: somebody reads what was there before (another program, a backup), and SQLite alone never gives
#: that back.
LOG_BYTES = 32_000_000
#: The same while this process reads for long again and again, since to give the disk back each time
#: and to take it anew holds requests up. Nobody begins to read when it is longer than that.
MOST_LOG_BYTES = 256_000_000
#: Instructions of SQLite's machine between two looks at the clock: some milliseconds.
_STEPS_A_LOOK = 100_000
#: In `Connection.info`: what `set_log` has set, and how many pages there were before.
_LOG, _PAGES = "pinpoint_log", "pinpoint_log_pages"


def connect(url: URL, busy_timeout: float, *, waits: bool = True, bulk: bool = False) -> Engine:
    """Return a SQLAlchemy engine with this package's settings; it has not connected yet.

    In memory there is one connection, and the caller must let only one thread in at a time.

    Args:
        url: the database.
        busy_timeout: how many seconds a write waits for another one.
        waits: for transactions that wait for the disk. Of others a crash of the process loses
            nothing, but power loss may undo what none that waits has followed.
        bulk: for many transactions that write all over the indexes. Not in memory.
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
            pool_use_lifo=True,  # the one with the warm cache first
            connect_args=arguments,
            hide_parameters=True,
        )
    event.listen(engine, "connect", configure)
    if not waits:
        event.listen(engine, "connect", _configure_not_to_wait)
    if bulk:
        event.listen(engine, "connect", _configure_for_bulk)
    return engine


def configure(connection: DBAPIConnection, _record: object) -> None:
    """Give a new connection the settings of this package."""
    # Attribute of sqlite3.Connection: None leaves every BEGIN to us.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
    cursor.execute(f"PRAGMA cache_size=-{_CACHE_KB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
    for name, function in (("sin", math.sin), ("cos", math.cos)):
        if _lacks(cursor, name):
            connection.create_function(name, 1, function, deterministic=True)
    cursor.close()
    for name, arguments, function in _FUNCTIONS:
        connection.create_function(name, arguments, function, deterministic=True)


def _configure_not_to_wait(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _configure_for_bulk(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA cache_size=-{_BULK_CACHE_KB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={_BULK_LOG_PAGES}")
    cursor.close()


def _lacks(cursor: DBAPICursor, function: str) -> bool:
    """Whether this SQLite was built without the mathematical functions."""
    try:
        cursor.execute(f"SELECT {function}(0.0)")
    except sqlite3.OperationalError:
        return True
    cursor.fetchall()
    return False


def set_log(connection: Connection, *, is_moved: bool, is_kept: bool) -> None:
    """Have a connection's commits move the log from time to time or not, and cut it early or late.

    Args:
        connection: the connection, in no transaction.
        is_moved: whether a commit moves a long log.
        is_kept: whether a long log stays a long file when it begins anew.
    """
    known = connection.info
    if known.get(_LOG, (True, False)) == (is_moved, is_kept):
        return
    if _PAGES not in known:
        known[_PAGES] = connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one()
    pages = int(known[_PAGES]) if is_moved else 0
    limit = MOST_LOG_BYTES if is_kept else LOG_BYTES
    connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint={pages}").close()
    connection.exec_driver_sql(f"PRAGMA journal_size_limit={limit}").close()
    known[_LOG] = (is_moved, is_kept)


def move_log(connection: Connection) -> None:
    """Checkpoint as far as nobody has to wait, with a reader beside it.

    SQLite 3.7.0 to 3.51.2 may lose a commit that lets the log begin anew while a checkpoint runs
    that follows a complete one (sqlite.org/wal.html, "The WAL-Reset Bug"). The reader makes that
    impossible: either it is in the log, which then cannot begin anew, or the log is complete, and
    the checkpoint may not write. The checkpoints of commits have no such reader: in one process no
    other commit runs beside them, and between processes that bug of SQLite stays possible.
    """
    with connection.engine.connect() as reader:
        reader.exec_driver_sql("BEGIN")
        try:
            reader.exec_driver_sql("SELECT count(*) FROM sqlite_master").fetchall()
            connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        finally:
            reader.exec_driver_sql("ROLLBACK")


def stop_at(connection: Connection, end: float | None) -> None:
    """Have a connection's statements fail with "interrupted" after a moment; None: never."""
    if connection.invalidated:
        return  # something has ended it; the next one is new
    driver: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment] # the driver of this dialect
    if end is None:
        driver.set_progress_handler(None, 0)
    else:
        driver.set_progress_handler(lambda: time.monotonic() >= end, _STEPS_A_LOOK)


def columns(connection: Connection, tables: Sequence[str]) -> set[tuple[str, str]]:
    """Return which columns some tables have, as (table, column); by one query, for speed."""
    marks = ", ".join("?" * len(tables))
    rows = connection.exec_driver_sql(
        "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c"  # noqa: S608 -- question marks
        f" WHERE m.type = 'table' AND m.name IN ({marks})",
        tuple(tables),
    )
    return {(table, column) for table, column in rows}


def scrub(connection: Connection) -> None:
    """Take deleted data out of the write-ahead log, if nobody is using it right now.

    Without this the log keeps old pages until it is next overwritten or the last user closes.
    """
    timeout = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        # When it is in use, the next deletion, the next overwriting or the last close does it.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(timeout)}")

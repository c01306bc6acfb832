"""Copying a SQLite database while others read and write it, and checking the copy."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from pinpoint_kit.errors import StoreError
from pinpoint_kit.system.sqlite_files import fault_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

__all__ = ["copy"]

_PAGES_A_PIECE = 4096


def copy(connection: Connection, path: Path) -> None:
    """Copy all that a connection sees at this moment into an empty file, and check the copy.

    Raises:
        StoreError: the copy cannot be written, or is damaged.
    """
    # A snapshot: without it a write of another process in between would begin the copy anew.
    connection.exec_driver_sql("BEGIN")
    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").fetchall()
    source: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment] # the driver of this dialect
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as target:
            # In pieces, between which Ctrl-C is heard.
            source.backup(target, pages=_PAGES_A_PIECE, progress=lambda *_: None)
            # A file that needs no others beside it, and opens where nothing can be written.
            target.execute("PRAGMA journal_mode=DELETE").fetchall()
            found = target.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.Error as error:
        raise StoreError(fault_of(error).sentence("the database")) from None
    if found != [("ok",)]:
        raise StoreError("the database file is corrupt; restore it from a backup")

"""Where a SQLite database lies: what its URL says, and its file before it is opened."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL

__all__ = ["check_copyable", "check_location", "is_in_memory", "make_private"]


def is_in_memory(url: URL) -> bool:
    """Return whether the database lives in this process only."""
    database = (url.database or "").removeprefix("file:")
    is_named_so = url.query.get("mode") == "memory" or url.query.get("vfs") == "memdb"
    return not database or ":memory:" in database or is_named_so


def check_location(url: URL) -> None:
    """Say what is wrong with the file's location better than the database could."""
    database = url.database or ""
    if database.startswith("file:"):
        return
    path = Path(database)
    if path.is_dir():
        raise StoreError(f"{database} is a directory; name a file in it, such as pinpoint.db")
    if not path.parent.is_dir():
        raise StoreError(
            f"The directory {path.parent} of the database does not exist; make it first"
        )


def make_private(url: URL) -> None:
    """Make a new file for this user only: it will hold addresses and user ids.

    SQLite would make it readable for all, and gives its side files the rights of the file. A file
    that is there keeps its rights, and one that cannot be made is left for SQLite to explain.
    """
    database = url.database or ""
    if database.startswith("file:"):
        return
    with suppress(OSError):
        # Where a link leads, because O_EXCL does not follow links and SQLite does.
        path = os.path.realpath(database)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def check_copyable(url: URL) -> None:
    """Check that there is a file to copy.

    Raises:
        StoreError: there is none.
    """
    if is_in_memory(url):
        raise StoreError("a database in memory has no file to copy; name one: sqlite:///FILE")
    if not Path(url.database or "").is_file():
        raise StoreError(f"there is no database {url.database}; name another file")

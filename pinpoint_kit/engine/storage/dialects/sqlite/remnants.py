"""Overwriting what deletions leave in a SQLite file: copies of old rows between rows that are left.

`secure_delete` zeroes a row where it is deleted. But when SQLite moves rows from one page to
another, the old copies stay in the free space between the page's list of rows and the rows: in the
file they can be read for years, in no query. VACUUM would write the whole file anew, under the
lock of the writer, and needs room for two copies. So that free space is zeroed in place here, some
megabytes at a time. Only what no row uses is written, nothing that SQLite would ever read:

- It is done under SQLite's own lock for writing, with an empty write-ahead log: the file is all
  there is, and no page can come back from the log.
- The transaction ends with a change, so that every other connection reads its pages anew; the
  connection that did it is closed. No old page in memory is written back.
- On POSIX, closing any descriptor of a file drops all locks of the process on it, SQLite's too. So
  there is one descriptor for each file and process, and it is never closed.

Where a file is not laid out plainly (reserved bytes, pointer maps, no `pwrite`), VACUUM does it.
"""

from __future__ import annotations

import os
import struct
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.system.sqlite_files import fault_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["overwrite"]

#: How long others are waited for: writers, and readers of the log.
_WAIT_MS = 250
_READ_BYTES = 1 << 20
#: From so many pages on, the first byte of a page that is none of a tree may look like one.
_MOST_PAGES = 1 << 25
_HEADER_BYTES = 100
#: Types of pages of a tree, and the bytes of their headers: the file format, section 1.6.
_HEADERS = {2: 12, 5: 12, 10: 8, 13: 8}
_COUNTS = struct.Struct(">xHHH")  # first free block, rows, where rows begin

#: By device and inode; see above.
_descriptors: dict[tuple[int, int], int] = {}
#: Held for one burst. No fork comes in between: the store lets nobody be inside then.
_lock = threading.Lock()


@attrs.frozen
class _Layout:
    """How a file is divided into pages."""

    page_bytes: int
    pages: int
    is_plain: bool


def overwrite(connection: Connection, after: int, seconds: float) -> int | None:
    """Zero what no row uses, from a page on, for about so many seconds.

    Args:
        connection: a connection in no transaction. It is closed afterwards.
        after: what the call before has returned, 0 at first.
        seconds: how long the right to write may be held.

    Returns:
        How many pages are done, to go on with; the same as before when others use the file now.
        None when all is done.

    Raises:
        DBAPIError: the file cannot be used.
        OSError: the file cannot be opened or written.
    """
    connection.detach()
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_WAIT_MS}")
    path = str(connection.exec_driver_sql("PRAGMA database_list").fetchall()[0][2])
    try:
        return _overwrite(connection, path, after, seconds)
    except DBAPIError as error:
        if fault_of(error.orig).kind == "locked":
            return after
        raise


def _overwrite(connection: Connection, path: str, after: int, seconds: float) -> int | None:
    if not _empty_log(connection):
        return after
    if not _lock.acquire(timeout=_WAIT_MS / 1000):
        return after
    try:
        descriptor = _descriptor(path)
        if not _layout(descriptor).is_plain:
            connection.exec_driver_sql("VACUUM")
            return None if _empty_log(connection) else after
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            if _has_log(path):
                return after  # somebody wrote in between
            done = _zero_pages(descriptor, _layout(descriptor), after, seconds)
            # A change of no meaning, for which the others forget their pages.
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            connection.exec_driver_sql(f"PRAGMA user_version={(version + 1) % (1 << 31)}")
            connection.exec_driver_sql("COMMIT")
        finally:
            if connection.connection.dbapi_connection.in_transaction:  # type: ignore[union-attr] # of sqlite3
                connection.exec_driver_sql("ROLLBACK")
    finally:
        _lock.release()
    return done


def _empty_log(connection: Connection) -> bool:
    """Move the whole log into the file; return False when somebody is using it."""
    return not connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0][0]


def _has_log(path: str) -> bool:
    with suppress(FileNotFoundError):
        return os.stat(f"{path}-wal").st_size > 0  # noqa: PTH116 -- as SQLite names it, a text
    return False


def _descriptor(path: str) -> int:
    status = os.stat(path)  # noqa: PTH116 -- as SQLite names it, a text
    key = status.st_dev, status.st_ino
    if key not in _descriptors:
        _descriptors[key] = os.open(path, os.O_RDWR)
    return _descriptors[key]


def _layout(descriptor: int) -> _Layout:
    if not hasattr(os, "pwrite"):
        return _Layout(0, 0, is_plain=False)
    header = os.pread(descriptor, _HEADER_BYTES, 0)
    page_bytes = int.from_bytes(header[16:18], "big")
    page_bytes = 1 << 16 if page_bytes == 1 else page_bytes
    pages = os.fstat(descriptor).st_size // page_bytes
    is_plain = (
        header[:16] == b"SQLite format 3\0"
        and header[20] == 0  # no bytes at the end of pages that somebody else uses
        and header[52:56] == bytes(4)  # no pointer maps
        and pages < _MOST_PAGES
    )
    return _Layout(page_bytes, pages, is_plain)


def _zero_pages(descriptor: int, layout: _Layout, after: int, seconds: float) -> int | None:
    """Zero page after page; return how many are done, None at the end."""
    end = time.monotonic() + seconds
    size = layout.page_bytes
    a_read = max(1, _READ_BYTES // size)
    while after < layout.pages:
        content = os.pread(descriptor, a_read * size, after * size)
        for start in range(0, len(content) - size + 1, size):
            page = content[start : start + size]
            offset = after * size + start
            gap = _gap(page, _HEADER_BYTES if offset == 0 else 0)
            if gap:
                os.pwrite(descriptor, bytes(len(gap)), offset + gap.start)
        after += a_read
        if time.monotonic() >= end:
            break
    os.fsync(descriptor)
    return after if after < layout.pages else None


def _gap(page: bytes, begin: int) -> range:
    """Return which bytes of a page no row uses and are not zero yet; none in doubt."""
    header = _HEADERS.get(page[begin])
    if header is None:
        return range(0)
    _, rows, rows_begin = _COUNTS.unpack_from(page, begin)
    first = begin + header
    start, end = first + 2 * rows, rows_begin or 1 << 16
    if not start < end <= len(page) or page[start:end] == bytes(end - start):
        return range(0)
    listed = struct.unpack_from(f">{rows}H", page, first)
    if rows and min(listed) < end:
        return range(0)  # not a page of a tree after all
    return range(start, end)

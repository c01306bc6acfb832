"""Takes every readable row out of a corrupt spool and into a fresh one.

SQLite stops at the first damaged page, and one damaged inner page would take all rows below it
along. So the pages are read one by one here, the way `sqlite3_recover` does: each table leaf
tells its rows by itself. The format is https://www.sqlite.org/fileformat2.html, sections 1.5,
1.6, 2 and 4. Nothing here runs on a healthy file, and a damaged one is only read and renamed.

The steps can be killed at any point and are taken up again at the next opening: the file becomes
`<path>.rescue`, its rows go to `<path>.new`, that becomes `<path>`, and the damaged file becomes
`<path>.corrupt-<time>`.
"""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from contextlib import closing, suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pinpoint_kit.delivery.spool.owners import MOST_OWNERS, SHIFT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["is_under_way", "resume", "salvage", "set_aside"]

_Value = int | float | str | bytes | None
_TABLE_LEAF = 13
_FIRST_HEADER = 100
_WAL_HEADER, _FRAME_HEADER = 32, 24
_SMALLEST_PAGE, _LARGEST_PAGE = 512, 65536
_USUAL_PAGE = 4096
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_REAL, _ZERO, _ONE, _FIRST_BLOB = 7, 8, 9, 12
_KINDS = {"event", "endpoint"}

_OWNER = "INSERT OR IGNORE INTO owners VALUES (?, ?, ?, ?, ?, ?)"
_QUEUED = "INSERT OR IGNORE INTO queue VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_DEAD = "INSERT OR IGNORE INTO dead VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#: What a column must be, per table; the first stands in the row id and is NULL in the record.
_NUMBER = (int, float)
_ITEM = (str, str, str, _NUMBER, int, bytes, bytes)
_SHAPES = {
    6: (_OWNER, (str, str, int, _NUMBER, (int, type(None)))),
    8: (_QUEUED, _ITEM),
    12: (_DEAD, (*_ITEM, str, str, _NUMBER, int)),
}


def salvage(
    path: Path, make: Callable[[Path], sqlite3.Connection], tell: Callable[[str], None]
) -> None:
    """Move the file aside and put a fresh one with its readable rows in its place.

    Args:
        path: the corrupt file; nobody else may open it meanwhile.
        make: makes an empty spool.
        tell: takes one line for the log; it may not log yet, for locks are held.
    """
    path.replace(_beside(path, ".rescue"))
    resume(path, make, tell)


def put_aside(path: Path) -> None:
    """Move the file and its WAL to where `resume` finds them, while somebody has them open."""
    _beside(path, "-wal").replace(_beside(path, ".rescue-wal"))
    path.replace(_beside(path, ".rescue"))


def has_more_commits(path: Path, frames: int) -> bool:
    """Return whether the WAL has commits behind as many frames as SQLite has taken for all."""
    wal = _view(_beside(path, "-wal"))
    return any(number > frames and size for number, _, size in _frames(wal, _page_size_of(wal)))


def is_under_way(path: Path) -> bool:
    """Return whether a salvage was begun and is not finished."""
    return _beside(path, ".rescue").exists()


def set_aside(path: Path) -> list[Path]:
    """Return the damaged files of this spool that were kept when their rows were saved."""
    start = f"{path.name}.corrupt-"
    return sorted(file for file in path.parent.iterdir() if file.name.startswith(start))


def resume(
    path: Path, make: Callable[[Path], sqlite3.Connection], tell: Callable[[str], None]
) -> None:
    """Finishes a salvage that was begun; does nothing when there was none."""
    damaged = _beside(path, ".rescue")
    if not damaged.exists():
        return
    counts: dict[str, int] = {}
    if not path.exists():
        with suppress(FileNotFoundError):
            _beside(path, "-wal").replace(_beside(damaged, "-wal"))
        _beside(path, "-shm").unlink(missing_ok=True)
        fresh = _beside(path, ".new")
        for end in ("", "-wal", "-shm"):
            _beside(fresh, end).unlink(missing_ok=True)
        with closing(make(fresh)) as db:
            counts = _copy(damaged, db)
        fresh.replace(path)
    now = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = _beside(path, f".corrupt-{now}")
    with suppress(FileNotFoundError):
        _beside(damaged, "-wal").replace(_beside(aside, "-wal"))
    damaged.replace(aside)
    tell(
        f"the spool was corrupt: {counts.get(_QUEUED, 0)} queued item(s) and"
        f" {counts.get(_DEAD, 0)} dead letter(s) were saved; the damaged file is {aside}"
    )


def _beside(path: Path, end: str) -> Path:
    return path.with_name(path.name + end)


def _copy(damaged: Path, db: sqlite3.Connection) -> dict[str, int]:
    counts = {_OWNER: 0, _QUEUED: 0, _DEAD: 0}
    db.execute("BEGIN IMMEDIATE")
    for statement, row in _rows(_Pages(damaged)):
        known = row
        if statement == _OWNER and not _is_number(row[0]):
            continue
        if statement == _QUEUED and not _is_number(row[0], SHIFT):
            known = (None, *row[1:])  # behind all others: its number says nothing
        counts[statement] += db.execute(statement, known).rowcount
    # Numbers of owners are never used again, also those of which only rows are left.
    highest = db.execute("SELECT coalesce(max(seq), 0) FROM queue").fetchone()[0] >> SHIFT
    changed = db.execute(
        "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'owners'", (highest,)
    )
    if not changed.rowcount:
        db.execute("INSERT INTO sqlite_sequence VALUES ('owners', ?)", (highest,))
    db.execute("COMMIT")
    return counts


def _is_number(value: _Value, shift: int = 0) -> bool:
    """Return whether an owner can have that number, which stands above so many bits."""
    return isinstance(value, int) and 0 < value >> shift < MOST_OWNERS - 1


class _Pages:
    """The pages of a database and of the committed part of its WAL, whatever is in them."""

    def __init__(self, path: Path) -> None:
        self._main = _view(path)
        self._wal = _view(_beside(path, "-wal"))
        self._page_size = self._find_page_size()
        reserved = self._main[20] if self._main[:6] == b"SQLite" else 0
        self.usable = self._page_size - reserved
        self._in_wal, pages = self._find_frames()
        self.count = pages or len(self._main) // self._page_size

    def __getitem__(self, number: int) -> bytes:
        at = self._in_wal.get(number)
        if at is not None:
            return bytes(self._wal[at : at + self._page_size])
        start = (number - 1) * self._page_size
        return bytes(self._main[start : start + self._page_size])

    def _find_page_size(self) -> int:
        size = int.from_bytes(self._main[16:18], "big")
        return _valid_size(size) or _page_size_of(self._wal)

    def _find_frames(self) -> tuple[dict[int, int], int]:
        """Where the newest committed image of each page is, and how many pages there are."""
        found: dict[int, int] = {}
        fresh: dict[int, int] = {}
        pages = 0
        step = _FRAME_HEADER + self._page_size
        for index, number, size in _frames(self._wal, self._page_size):
            fresh[number] = _WAL_HEADER + (index - 1) * step + _FRAME_HEADER
            if size:  # the last frame of a commit
                found.update(fresh)
                fresh.clear()
                pages = size
        return found, pages


def _valid_size(size: int) -> int:
    """Return the page size that is written so; 0 for none that can be."""
    actual = _LARGEST_PAGE if size == 1 else size
    is_one = _SMALLEST_PAGE <= actual <= _LARGEST_PAGE and not actual & (actual - 1)
    return actual if is_one else 0


def _page_size_of(wal: bytes | mmap.mmap) -> int:
    return _valid_size(int.from_bytes(wal[8:12], "big")) or _USUAL_PAGE


def _frames(wal: bytes | mmap.mmap, page_size: int) -> Iterator[tuple[int, int, int]]:
    """Return the frames of a WAL, damaged or not: which one, its page, and the size after a commit.

    Those of one generation carry the same salts. Most of them tell which, should one be damaged;
    others are left over from before the WAL was last begun anew.
    """
    step = _FRAME_HEADER + page_size
    places = range(_WAL_HEADER, len(wal) - step + 1, step)
    salts = Counter(wal[at + 8 : at + 16] for at in places)
    if not salts:
        return
    known = wal[16:24]
    usual = known if salts[known] else salts.most_common(1)[0][0]
    for index, at in enumerate(places, start=1):
        if wal[at + 8 : at + 16] == usual:
            number, size = struct.unpack(">II", wal[at : at + 8])
            yield index, number, size


def _view(path: Path) -> bytes | mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (FileNotFoundError, ValueError):  # ValueError: it is empty
        return b""


def _rows(pages: _Pages) -> Iterator[tuple[str, tuple[_Value, ...]]]:
    """All rows that look like rows of ours, with the statement that stores them."""
    for number in range(1, pages.count + 1):
        page = pages[number]
        header = _FIRST_HEADER if number == 1 else 0
        if len(page) <= header + 8 or page[header] != _TABLE_LEAF:
            continue
        cells = int.from_bytes(page[header + 3 : header + 5], "big")
        for index in range(cells):
            at = header + 8 + 2 * index
            try:
                row_id, values = _cell(pages, page, int.from_bytes(page[at : at + 2], "big"))
            except (IndexError, ValueError, struct.error):
                continue
            shape = _SHAPES.get(len(values))
            if shape is not None and _fits(values, shape[1]):
                yield shape[0], (row_id, *values[1:])


def _fits(values: list[_Value], shape: tuple[type | tuple[type, ...], ...]) -> bool:
    is_item = len(shape) >= len(_ITEM)
    return (
        values[0] is None
        and all(isinstance(value, kind) for value, kind in zip(values[1:], shape, strict=True))
        and (not is_item or values[1] in _KINDS)
    )


def _cell(pages: _Pages, page: bytes, at: int) -> tuple[int, list[_Value]]:
    size, at = _varint(page, at)
    row_id, at = _varint(page, at)
    return _signed(row_id), _record(_payload(pages, page, at, size))


def _payload(pages: _Pages, page: bytes, at: int, size: int) -> bytes:
    """Return the record, put together from the page and its overflow pages."""
    usable = pages.usable
    if size <= usable - 35:
        local = size
    else:
        least = (usable - 12) * 32 // 255 - 23
        local = least + (size - least) % (usable - 4)
        if local > usable - 35:
            local = least
    parts = [page[at : at + local]]
    missing = size - local
    if missing // (usable - 4) > pages.count:
        raise ValueError
    following = int.from_bytes(page[at + local : at + local + 4], "big") if missing else 0
    while missing > 0:
        if not 0 < following <= pages.count:
            raise ValueError
        overflow = pages[following]
        parts.append(overflow[4 : 4 + min(missing, usable - 4)])
        missing -= usable - 4
        following = int.from_bytes(overflow[:4], "big")
    payload = b"".join(parts)
    if len(payload) != size:
        raise ValueError
    return payload


def _record(payload: bytes) -> list[_Value]:
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[_Value] = []
    for kind in kinds:
        size = _size(kind)
        part = payload[at : at + size]
        if len(part) != size:
            raise ValueError
        values.append(_value(kind, part))
        at += size
    return values


def _size(kind: int) -> int:
    if kind >= _FIRST_BLOB:
        return (kind - _FIRST_BLOB) // 2
    return 8 if kind == _REAL else _INTEGER_BYTES.get(kind, 0)


def _value(kind: int, part: bytes) -> _Value:
    if kind >= _FIRST_BLOB:
        return part.decode() if kind % 2 else part
    if kind == _REAL:
        return float(struct.unpack(">d", part)[0])
    if kind in _INTEGER_BYTES:
        return int.from_bytes(part, "big", signed=True)
    return {_ZERO: 0, _ONE: 1}.get(kind)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 -- the high bit says that more follows
            return value, at + index + 1
    return value << 8 | data[at + 8], at + 9


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value

"""`back_up`: what a copy holds while others write, and that there is none if it cannot be whole."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.engine import back_up
from pinpoint_kit.engine.storage.dialects.sqlite import backup
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engine.conftest import Wire

EVENTS_A_REQUEST = 10


def path_of(url: str) -> Path:
    """Return the file's path."""
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """Where the copy is to be, in a folder that holds nothing else."""
    folder = tmp_path / "backups"
    folder.mkdir()
    yield folder / "copy.db"
    assert {found.name for found in folder.iterdir()} <= {"copy.db"}


def put_events(wire: Wire, number: int) -> None:
    """Write some events in one request."""
    event = {"EventType": "t", "Timestamp": "2026-01-01T00:00:00Z"}
    events = {f"{number}-{index}": event for index in range(EVENTS_A_REQUEST)}
    assert wire.put_events({"e": {"Events": events}}).status == 202


def content(file: Path) -> list[str]:
    """All tables and rows, as SQL."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


def test_a_copy_holds_everything(make_wire: Callable[..., Wire], file_url: str, copy: Path) -> None:
    """A database in use is copied as it is at that moment, into one file."""
    wire = make_wire(file_url)
    wire.update("e", Attributes={"a": ["1"]})
    put_events(wire, 0)
    expected = content(path_of(file_url))
    assert back_up(file_url, copy) == copy.stat().st_size > 0
    put_events(wire, 1)
    assert content(copy) == expected
    assert content(path_of(file_url)) != expected


@pytest.mark.skipif(sys.platform == "win32", reason="files have no modes there")
def test_a_copy_is_its_owners_only(
    make_wire: Callable[..., Wire], file_url: str, copy: Path
) -> None:
    """Nobody else can read it, whatever others can read of the original."""
    make_wire(file_url)
    path_of(file_url).chmod(0o644)
    back_up(file_url, str(copy))
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_copies_while_others_write(
    make_wire: Callable[..., Wire], file_url: str, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy has all that was answered before, whole requests, and does not wait for a pause."""
    monkeypatch.setattr(backup, "_PAGES_A_PIECE", 1)
    wire = make_wire(file_url)
    answered = 0
    is_over = threading.Event()

    def write() -> None:
        nonlocal answered
        while not is_over.is_set():
            put_events(wire, answered)
            answered += 1

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        try:
            during = 0
            while during < 3:
                before = answered
                copy.unlink(missing_ok=True)
                back_up(file_url, copy)
                during = answered - before
        finally:
            is_over.set()
        writing.result()
    with contextlib.closing(sqlite3.connect(copy)) as connection:
        ((events,),) = connection.execute("SELECT count(*) FROM events").fetchall()
    assert events % EVENTS_A_REQUEST == 0
    assert before <= events // EVENTS_A_REQUEST <= answered


def test_an_older_database_is_not_upgraded(
    make_wire: Callable[..., Wire], file_url: str, copy: Path
) -> None:
    """Before an upgrade, the new release copies what the old one left, and leaves it alone."""
    make_wire(file_url).engine.close()
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        connection.execute("UPDATE pinpoint_meta SET value = '1'")
        connection.commit()
    back_up(file_url, copy)
    for file in (path_of(file_url), copy):
        with contextlib.closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT value FROM pinpoint_meta").fetchall() == [("1",)]


def refusal(url: str, copy: Path) -> str:
    """Backs up what cannot be, and returns what is said; nothing is left behind."""
    with pytest.raises(StoreError) as caught:
        back_up(url, copy)
    assert not copy.exists()
    return str(caught.value)


def test_databases_that_are_no_file(tmp_path: Path, copy: Path) -> None:
    """A database in memory and one that is not there cannot be copied, and are not made."""
    assert "sqlite:///FILE" in refusal("sqlite://", copy)
    missing = tmp_path / "missing.db"
    assert "there is no database" in refusal(f"sqlite:///{missing}", copy)
    assert not missing.exists()


def test_databases_that_are_not_ours(tmp_path: Path, copy: Path) -> None:
    """Empty files, files of other programs and other files are refused, with their name."""
    file = tmp_path / "other.db"
    file.touch()
    assert "other.db: it is empty" in refusal(f"sqlite:///{file}", copy)
    with contextlib.closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "other.db: the file belongs to another program" in refusal(f"sqlite:///{file}", copy)
    file.write_bytes(b"no database " * 1000)
    assert "other.db: the file is not a SQLite database" in refusal(f"sqlite:///{file}", copy)


def test_a_damaged_database(make_wire: Callable[..., Wire], file_url: str, copy: Path) -> None:
    """A copy that is not sound is no backup."""
    wire = make_wire(file_url)
    put_events(wire, 0)
    wire.engine.close()
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = 'events'"
        ((root,),) = connection.execute(sql).fetchall()
        ((size,),) = connection.execute("PRAGMA page_size").fetchall()
    with path_of(file_url).open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    assert "pinpoint.db: the database file is corrupt" in refusal(file_url, copy)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_disk_without_room(make_wire: Callable[..., Wire], file_url: str, copy: Path) -> None:
    """When the copy cannot be written the sentence says why, and half of it is removed."""
    import resource  # noqa: PLC0415 -- not on Windows

    make_wire(file_url)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, hard))
    try:
        message = refusal(file_url, copy)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "the disk" in message


def test_nothing_is_overwritten(make_wire: Callable[..., Wire], file_url: str, copy: Path) -> None:
    """A file that is there stays as it is: an earlier backup, or the database itself."""
    wire = make_wire(file_url)
    back_up(file_url, copy)
    before = copy.read_bytes()
    put_events(wire, 0)
    for existing in (copy, path_of(file_url)):
        with pytest.raises(StoreError, match="is there already"):
            back_up(file_url, existing)
    assert copy.read_bytes() == before
    assert wire.engine.count_events(wire.app) == EVENTS_A_REQUEST


def test_an_unfinished_copy_of_another_run(
    make_wire: Callable[..., Wire], file_url: str, copy: Path
) -> None:
    """What a killed run left is not written into, and is named."""
    make_wire(file_url)
    unfinished = copy.with_name("copy.db.part")
    unfinished.touch()
    assert f"{unfinished} is there already" in refusal(file_url, copy)
    unfinished.unlink()


def test_a_folder_that_is_missing(
    make_wire: Callable[..., Wire], file_url: str, tmp_path: Path
) -> None:
    """The sentence says what the file system says."""
    make_wire(file_url)
    message = refusal(file_url, tmp_path / "missing" / "copy.db")
    assert os.strerror(2) in message

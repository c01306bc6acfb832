"""Files of gzipped JSON lines: names, bytes, modes, crashes, full and missing disks."""

from __future__ import annotations

import errno
import gzip
import multiprocessing
import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit import ConfigurationError
from pinpoint_kit.destinations import Files, Unavailable
from pinpoint_kit.destinations.files import _escaped
from pinpoint_kit.system import atomic_files
from tests.destinations.records import ARRIVED, record, records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinpoint_kit.destinations import StreamRecord

HOUR = 3_600_000
FOLDER = "app=shop/year=2017/month=02/day=24/hour=22"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a folder that is not there yet."""
    return tmp_path / "events"


def found(root: Path) -> dict[str, list[bytes]]:
    """Return all files below a folder, by their paths, with their lines."""
    return {
        path.relative_to(root).as_posix(): gzip.decompress(path.read_bytes()).splitlines(True)  # noqa: FBT003 -- with their ends
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def lines(sent: list[StreamRecord]) -> list[bytes]:
    """Return the data of records."""
    return [one.data for one in sent]


def test_a_call_is_a_file(root: Path) -> None:
    """Named by application, hour of arrival, first and last number; the records as they are."""
    sent = records(5, first=7)
    assert Files(root).send("shop", sent) == [None] * 5
    assert found(root) == {f"{FOLDER}/000000000007-000000000011.ndjson.gz": lines(sent)}


def test_a_call_over_two_hours_is_two_files(root: Path) -> None:
    """Also where clocks went back in between."""
    sent = [
        record(1, arrived=ARRIVED),
        record(2, arrived=ARRIVED + HOUR),
        record(3, arrived=ARRIVED),
        record(4, arrived=ARRIVED + HOUR),
    ]
    assert Files(root).send("shop", sent) == [None] * 4
    assert found(root) == {
        f"{FOLDER}/000000000001-000000000003.ndjson.gz": lines([sent[0], sent[2]]),
        f"{FOLDER[:-2]}23/000000000002-000000000004.ndjson.gz": lines([sent[1], sent[3]]),
    }


def test_the_same_call_again_changes_nothing(root: Path) -> None:
    """Neither the files nor their bytes, whoever repeats it."""
    sent = records(100)
    Files(root).send("shop", sent)
    before = {path: (path.read_bytes(), path.stat().st_ino) for path in root.rglob("*.gz")}
    assert Files(root).send("shop", sent) == [None] * 100
    assert {p: (p.read_bytes(), p.stat().st_ino) for p in root.rglob("*.gz")} == before


def test_bytes_follow_from_the_records_alone(tmp_path: Path) -> None:
    """No time and no name is in them."""
    contents = set()
    for name in ("a", "b"):
        Files(tmp_path / name).send("shop", records(10))
        contents |= {path.read_bytes() for path in (tmp_path / name).rglob("*.gz")}
    (content,) = contents
    assert content[4:8] == bytes(4)  # the time, in gzip's head


def test_records_of_another_store_replace_nothing(root: Path) -> None:
    """A store that was made anew counts from 1 again: both files stay, however often."""
    files = Files(root)
    first, second = [record(1, "old")], [record(1, "new")]
    for sent in (first, second, first, second):
        assert files.send("shop", sent) == [None]
    contents = found(root)
    assert len(contents) == 2
    assert sorted(contents.values()) == sorted([lines(first), lines(second)])


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_only_the_owner_can_read(root: Path) -> None:
    """Files 0600, folders 0700, whatever the umask."""
    before = os.umask(0)
    try:
        Files(root).send("shop", records(1))
    finally:
        os.umask(before)
    modes = {
        (path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (root, *root.rglob("*"))
    }
    assert modes == {(True, 0o700), (False, 0o600)}


@pytest.mark.parametrize(
    "application_id",
    [
        "..",
        ".",
        "../../etc",
        "/etc/passwd",
        "a/b",
        "a\0b",
        "a=b",
        "",
        "ü/😀",
        "x" * 5_000,
        "%2e%2e",
    ],
)
def test_hostile_application_ids_stay_below_the_folder(root: Path, application_id: str) -> None:
    """Each has a folder of its own, in the folder."""
    files = Files(root)
    assert files.send(application_id, records(2)) == [None] * 2
    assert files.send("other", records(2)) == [None] * 2
    assert [path.name for path in root.parent.iterdir()] == ["events"]
    (first, _) = sorted(found(root), key=lambda path: path.startswith("app=other"))
    assert first.count("/") == 5


@given(st.lists(st.text(max_size=8), min_size=2, max_size=2, unique=True))
@settings(max_examples=50)
def test_no_two_applications_share_a_folder(pair: list[str]) -> None:
    """Escaping is reversible, and of characters that every reader takes."""
    first, second = map(_escaped, pair)
    assert first.lower() != second.lower() or first != second
    assert first != second
    assert not set(first) & set("/\\.:\0= ")


def test_readers_see_the_folders_as_columns(root: Path) -> None:
    """DuckDB, which nobody here wrote, reads them as a table, and prunes by hour."""
    files = Files(root)
    files.send("shop", records(3))
    files.send("a/b", [record(4, arrived=ARRIVED + HOUR)])
    with duckdb.connect() as database:
        rows = database.execute(
            "SELECT app, hour, event_type, client.client_id FROM read_json(?, hive_partitioning ="
            " true, hive_types_autocast = false, format = 'newline_delimited') ORDER BY ALL",
            [f"{root}/*/*/*/*/*/*.ndjson.gz"],
        ).fetchall()
    assert rows == [
        ("a/b", "23", "_session.stop", "device-1"),
        *[("shop", "22", "_session.stop", f"device-{n}") for n in range(3)],
    ]


def test_the_event_id_is_added_when_asked_for(root: Path) -> None:
    """At the end of each line."""
    Files(root, event_id=True).send("shop", [record(1)])
    ((line,),) = found(root).values()
    assert line == record(1).data[:-2] + b',"event_id":"event-1"}\n'


def die_at(step: str, root: Path) -> None:
    """Send in a process that is killed before or after the file gets its name."""
    replace = Path.replace

    def die(self: Path, target: Any) -> Path:
        if step == "after":
            replace(self, target)
        os._exit(9)

    Path.replace = die  # type: ignore[method-assign, assignment]  # in a process of its own
    Files(root).send("shop", records(20))


@pytest.mark.slow
@pytest.mark.parametrize("step", ["before", "after"])
def test_a_crash_leaves_the_whole_file_or_none(root: Path, step: str) -> None:
    """The call comes again: then the file is there once, and no draft is left."""
    child = multiprocessing.get_context("spawn").Process(target=die_at, args=(step, root))
    child.start()
    child.join()
    assert child.exitcode == 9
    drafts = [path for path in root.rglob("*") if path.name.startswith(".")]
    assert (len(drafts), len(list(root.rglob("0*.gz")))) == ((1, 0) if step == "before" else (0, 1))
    assert Files(root).send("shop", records(20)) == [None] * 20
    assert found(root) == {
        f"{FOLDER}/000000000001-000000000020.ndjson.gz": lines(records(20)),
    }


@pytest.fixture
def fail_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Give a function that fills the disk at the so-manieth file from now."""
    flush = atomic_files._flush

    def fill(count: int) -> None:
        left = [count]

        def failing(path: Path) -> None:
            left[0] -= 1
            if left[0] == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            flush(path)

        monkeypatch.setattr(atomic_files, "_flush", failing)

    yield fill
    monkeypatch.undo()


def test_a_full_disk_leaves_nothing_half_done(root: Path, fail_at: Callable[[int], None]) -> None:
    """It is unavailable, says why, and the next call writes the file."""
    files = Files(root)
    fail_at(1)
    with pytest.raises(Unavailable, match="No space left on device"):
        files.send("shop", records(3))
    assert found(root) == {}
    assert files.send("shop", records(3)) == [None] * 3


def test_a_disk_that_fills_between_two_hours(root: Path, fail_at: Callable[[int], None]) -> None:
    """The call is repeated: what was written is found again, and nothing is there twice."""
    files = Files(root)
    sent = [record(1), record(2, arrived=ARRIVED + HOUR), record(3)]
    fail_at(2)
    with pytest.raises(Unavailable, match="No space left on device"):
        files.send("shop", sent)
    assert len(found(root)) == 1
    assert files.send("shop", sent) == [None] * 3
    assert sorted(line for file in found(root).values() for line in file) == sorted(lines(sent))


def test_a_folder_that_is_gone_is_not_made_anew(root: Path) -> None:
    """A disk that is not mounted must not be filled below its mount point."""
    files = Files(root)
    root.rmdir()
    with pytest.raises(Unavailable, match="No such file or directory"):
        files.send("shop", records(1))
    assert not root.exists()


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    """Each is one sentence when the destination is opened."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "no" / "parent"):
        with pytest.raises(ConfigurationError, match="name a folder"):
            Files(path)
    with pytest.raises(ConfigurationError, match="most_records must be from 1 to"):
        Files(tmp_path, most_records=0)


@pytest.fixture
def plain_user() -> Iterator[Path]:
    """Give a folder, and be a user who may not write everywhere."""
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            os.chown(folder, 65_534, 65_534)
            os.seteuid(65_534)
            try:
                yield Path(folder)
            finally:
                os.seteuid(0)
        else:
            yield Path(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_a_folder_that_may_only_be_read(plain_user: Path) -> None:
    """It is refused when it is opened, and is unavailable when that happens later."""
    root = plain_user / "events"
    files = Files(root)
    root.chmod(0o500)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        Files(root)
    with pytest.raises(Unavailable, match="Permission denied"):
        files.send("shop", records(1))
    root.chmod(0o700)
    assert files.send("shop", records(1)) == [None]


def test_a_file_where_a_folder_should_be(root: Path) -> None:
    """It is unavailable until somebody moves it away."""
    files = Files(root)
    (root / "app=shop").touch()
    with pytest.raises(Unavailable, match="Not a directory"):
        files.send("shop", records(1))


def test_nothing_is_written_of_nothing(root: Path) -> None:
    """An empty call makes no file."""
    assert Files(root).send("shop", []) == []
    assert found(root) == {}

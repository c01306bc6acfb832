"""A damaged spool: everything readable is saved, and the damaged file is kept."""

from __future__ import annotations

import logging
import os
import random
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pinpoint_kit.delivery.spool import salvage as spool_salvage
from pinpoint_kit.delivery.spool import schema as spool_schema
from pinpoint_kit.delivery.spool.spool import Spool, SpoolError
from pinpoint_kit.errors import StoreError
from tests.delivery.spool.test_spool import Clock, names, put
from tests.programs import Program

ROOT = Path(__file__).resolve().parents[3]
PAGE = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the spool of this test is."""
    return tmp_path / "s.db"


def fill(path: Path, count: int = 2000) -> None:
    """Return a closed spool with rows of all sizes and a few dead letters."""
    with closing(Spool(path, clock=Clock())) as spool:
        for number in range(count):
            spool.append("event", "e", str(number), b"%d " % number * (number % 200), b"ep")
        for number in range(5):
            spool.add_dead_letter(
                "event", "e", f"dead-{number}", b"b", b"", reason="r", message="m"
            )


def damage(path: Path, *pages: int) -> None:
    """Overwrite pages with noise."""
    noise = random.Random(1)  # noqa: S311 -- noise that is the same in each run
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE)
            file.write(noise.randbytes(PAGE))


def aside(path: Path) -> list[Path]:
    """Return the damaged files that were kept."""
    return sorted(path.parent.glob("s.db.corrupt-*"))


def load_all(spool: Spool) -> list[str]:
    """All rows of the file, adopted."""
    while spool.adopt():
        pass
    return names(spool)


def root_page(path: Path, table: str) -> int:
    """Return the first page of a table."""
    with closing(sqlite3.connect(path)) as db:
        return int(
            db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]
        )


def test_damaged_pages_cost_only_their_rows(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Rows on other pages are saved, also below a damaged root; one log line counts them."""
    fill(path)
    pages = path.stat().st_size // PAGE
    damage(path, root_page(path, "queue"), pages // 3, pages // 2)
    with (
        caplog.at_level(logging.WARNING, "pinpoint_kit.delivery"),
        closing(Spool(path, clock=Clock())) as spool,
    ):
        got = load_all(spool)
        assert 1900 < len(got) < 2000
        assert got == sorted(got, key=int)
        bodies = {row.item_id: row.body for row in spool.load(limit=5000)}
        assert all(b"%d " % int(n) * (int(n) % 200) == body for n, body in bodies.items())
        assert [letter.item_id for letter in spool.dead_letters()] == [
            f"dead-{number}" for number in range(5)
        ]
        put(spool, "new")
    (kept,) = aside(path)
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 1
    assert f"{len(got)} queued item(s) and 5 dead letter(s) were saved" in lines[0]
    assert str(kept) in lines[0]
    assert kept.stat().st_mode & 0o777 == 0o600
    assert not path.with_name("s.db.rescue").exists()


def test_a_damaged_catalogue_costs_nothing(path: Path) -> None:
    """When the first page is damaged behind its header, all rows are saved on opening."""
    fill(path)
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * (PAGE - 100))
    with closing(Spool(path, clock=Clock())) as spool:
        assert load_all(spool) == [str(number) for number in range(2000)]
        assert len(spool.dead_letters()) == 5
    assert len(aside(path)) == 1


def test_a_destroyed_header_is_refused_and_kept(path: Path) -> None:
    """Without its header a file cannot be told to be ours: it is not touched."""
    fill(path, 100)
    damage(path, 1)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a spool; name another file, or move this one away"):
        Spool(path)
    assert path.read_bytes() == before


def test_corruption_while_it_is_open(path: Path) -> None:
    """An open spool that meets damage rescues the file and goes on with the same seqs."""
    spool = Spool(path, clock=Clock())
    with closing(spool):
        seqs = put(spool, *map(str, range(500)), body=b"x" * 300)
        spool.before_fork()  # closes the connection, as any fork does
        spool.after_fork_in_parent()
        damage(path, root_page(path, "queue"))
        got = spool.load(limit=1000)
        assert 450 < len(got) <= 500
        assert {row.seq for row in got} <= set(seqs)
        more = put(spool, "new")
        assert more[0] > seqs[-1]
        assert spool.pending().count == len(got) + 1
        assert spool.remove(seqs) == len(got)
    assert len(aside(path)) == 1


def test_appending_into_damage(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An append that meets damage is on disk when it returns, too, and the log says what was."""
    with closing(Spool(path, clock=Clock())) as spool:
        put(spool, *map(str, range(500)), body=b"x" * 300)
        spool.before_fork()
        spool.after_fork_in_parent()
        damage(path, root_page(path, "queue"))
        with caplog.at_level(logging.WARNING, "pinpoint_kit.delivery"):
            put(spool, "new")
        assert names(spool)[-1] == "new"
    assert "queued item(s)" in caplog.text


def test_damage_that_comes_again_and_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that damages each fresh file ends in an error, not in a loop."""
    with closing(Spool(path, clock=Clock())) as spool:
        put(spool, "1")

        def fail(_: sqlite3.Connection) -> None:
            raise sqlite3.DatabaseError("database disk image is malformed")

        monkeypatch.setattr(spool, "_beat", fail)
        with pytest.raises(SpoolError, match="corrupt, and was again") as caught:
            spool.heartbeat()
        assert caught.value.reason == "corrupt"
        monkeypatch.undo()
        assert names(spool) == ["1"]
    assert len(aside(path)) == 3


def test_two_spools_meet_the_same_damage(path: Path) -> None:
    """The second one finds the fresh file: there is one rescue, and both keep their rows."""
    one, two = Spool(path, clock=Clock()), Spool(path, clock=Clock())
    with closing(one), closing(two):
        put(one, *map(str, range(300)), body=b"x" * 300)
        put(two, *map(str, range(300)), body=b"x" * 300)
        for spool in (one, two):
            spool.before_fork()
            spool.after_fork_in_parent()
        damage(path, root_page(path, "queue"))
        both = [len(one.load(limit=1000)), len(two.load(limit=1000))]
        assert all(count > 250 for count in both)
        put(one, "a")
        put(two, "b")
        assert (names(one)[-1], names(two)[-1]) == ("a", "b")
    assert len(aside(path)) == 1


def test_two_processes_open_the_same_damage(path: Path) -> None:
    """Processes that open a corrupt file at the same moment rescue it once."""
    fill(path)
    damage(path, root_page(path, "queue"))
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 2000)
    code = (
        "import sys; from pinpoint_kit.delivery.spool.spool import Spool\n"
        "s = Spool(sys.argv[1]); print(s.adopt(5000)); sys.stdout.flush(); input()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with Program(command, cwd=ROOT) as one, Program(command, cwd=ROOT) as two:
        got = [int(one.out.line()), int(two.out.line())]
    assert 1900 < sum(got) <= 2000
    assert len(aside(path)) == 1


@pytest.mark.parametrize("step", ["moved", "half copied", "copied"])
def test_a_rescue_that_was_interrupted_is_finished(path: Path, step: str) -> None:
    """Killed at any step, the next opening finishes the rescue; nothing is lost."""
    fill(path)
    rescue = path.with_name("s.db.rescue")
    path.rename(rescue)
    if step == "half copied":
        path.with_name("s.db.new").write_bytes(b"half")
    if step == "copied":
        with closing(Spool(path, clock=Clock())) as spool:
            assert len(load_all(spool)) == 2000
        aside(path)[0].rename(rescue)
    with closing(Spool(path, clock=Clock())) as spool:
        assert len(load_all(spool)) == 2000
    assert not rescue.exists()
    assert not path.with_name("s.db.new").exists()
    assert len(aside(path)) == 1


def test_a_lock_file_with_content_is_named(path: Path) -> None:
    """The spool is sound, and must not be moved away; whose that other file is nobody knows."""
    fill(path)
    lock = path.with_name("s.db.lock")
    lock.write_bytes(b"of another program\n" * 100)
    with pytest.raises(
        StoreError, match=r"s\.db\.lock beside it must be empty.*move that file away"
    ):
        Spool(path)
    assert lock.read_bytes() == b"of another program\n" * 100
    lock.unlink()
    with closing(Spool(path, clock=Clock())) as spool:
        assert len(load_all(spool)) == 2000


def test_rows_in_the_wal_are_saved_too(path: Path) -> None:
    """Commits that were not yet moved into the file survive the file's corruption."""
    code = (
        "import os, sys; from pinpoint_kit.delivery.spool.spool import Spool\n"
        "s = Spool(sys.argv[1])\n"
        "for n in range(500): s.append('event', 'e', str(n), b'x' * 3000)\n"
        "os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", code, str(path)]
    subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 -- our own code
    assert path.with_name("s.db-wal").stat().st_size > 1_000_000
    path.rename(path.with_name("s.db.rescue"))
    with closing(Spool(path)) as spool:
        assert load_all(spool) == [str(number) for number in range(500)]


@pytest.mark.parametrize("cut", [1, 100, 5000, 50_000])
def test_a_torn_wal_loses_its_tail_only(path: Path, cut: int) -> None:
    """When power loss tears the WAL, everything before the tear is there, in order."""
    copy = path.with_name("copy.db")
    with closing(Spool(path, clock=Clock())) as spool:
        put(spool, *map(str, range(200)), body=b"x" * 500)
        for end in ("", "-wal"):
            copy.with_name(copy.name + end).write_bytes(
                path.with_name(path.name + end).read_bytes()
            )
    wal = copy.with_name("copy.db-wal")
    os.truncate(wal, wal.stat().st_size - cut)
    with closing(Spool(copy, clock=Clock())) as spool:
        got = load_all(spool)
        assert got == [str(number) for number in range(len(got))]
        assert 180 <= len(got) < 200
        put(spool, "new")
    assert not list(path.parent.glob("copy.db.corrupt-*"))


def test_a_file_deleted_under_us(path: Path) -> None:
    """An append that went into a deleted file is repeated in a new one, under a number of ours."""
    with closing(Spool(path)) as spool, closing(Spool(path)) as other:
        put(other, "0")
        seqs = put(spool, "1", "2")
        for file in path.parent.glob("s.db*"):
            file.unlink()
        put(spool, "3")
        assert names(spool) == ["3"]
        assert spool.remove(seqs) == 0
        put(other, "4")
        assert (names(spool), names(other)) == (["3"], ["4"])
        assert spool.pending().count == 1


def test_another_spool_put_in_our_place(path: Path) -> None:
    """When our number is somebody else's in the new file, we take another one."""
    with closing(Spool(path)) as spool:
        seqs = put(spool, "1")
        for file in path.parent.glob("s.db*"):
            file.unlink()
        with closing(Spool(path)) as stranger:
            assert put(stranger, "x") == seqs
            put(spool, "2")
            assert spool.remove(seqs) == 0
            assert (names(stranger), names(spool)) == (["x"], ["2"])


def test_damage_that_cannot_be_moved_aside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When even the rescue fails, the caller is told, and nothing is deleted."""
    with closing(Spool(path, clock=Clock())) as spool:
        put(spool, *map(str, range(500)), body=b"x" * 300)
        spool.before_fork()
        spool.after_fork_in_parent()
        damage(path, root_page(path, "queue"))
        size = path.stat().st_size

        def refuse(*_: object) -> None:
            raise PermissionError

        monkeypatch.setattr(spool_salvage, "salvage", refuse)
        with pytest.raises(SpoolError, match="could not be moved aside") as caught:
            spool.load()
        assert caught.value.reason == "corrupt"
        assert path.stat().st_size == size
        monkeypatch.undo()


def test_garbage_never_stops_the_salvage(path: Path) -> None:
    """Whatever bytes are flipped, salvaging ends and keeps rows that are whole."""
    fill(path, 300)
    whole = path.read_bytes()
    noise = random.Random(7)  # noqa: S311 -- the same in each run
    for _ in range(30):
        broken = bytearray(whole)
        for _ in range(200):
            broken[noise.randrange(PAGE, len(broken))] = noise.randrange(256)
        path.with_name("s.db.rescue").write_bytes(broken)
        path.unlink()
        with closing(spool_schema._make(path.with_name("new.db"))) as db:
            spool_salvage._copy(path.with_name("s.db.rescue"), db)
            assert db.execute("SELECT count(*) FROM queue").fetchone()[0] > 100
        path.with_name("new.db").unlink()
        path.write_bytes(whole)

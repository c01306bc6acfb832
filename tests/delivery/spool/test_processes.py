"""One spool, several processes: sharing, dying, forking. Real processes and real SIGKILL."""

from __future__ import annotations

import functools
import os
import sqlite3
import sys
import textwrap
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.delivery.spool import file as spool_file
from pinpoint_kit.delivery.spool import owners as spool_owners
from pinpoint_kit.delivery.spool.spool import Spool
from tests.delivery.spool.test_spool import Clock, names, put
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
PREAMBLE = (
    "import os, sys\nfrom pinpoint_kit.delivery.spool.spool import Spool\nspool = Spool({!r})\n"
)

forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
# Python 3.12+ warns when a process with threads forks; pytest's own threads are not our matter.
quiet_fork = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the spool of this test is."""
    return tmp_path / "s.db"


def program(path: Path, code: str) -> Program:
    """Another process with a spool open on the same file."""
    return Program([sys.executable, "-c", PREAMBLE.format(str(path)) + code], cwd=ROOT)


def numbers(spool: Spool) -> list[int]:
    """Return the item ids as numbers."""
    return [int(name) for name in names(spool)]


def in_child(action: Callable[[], object]) -> int:
    """Run something in a forked child; return its exit status, 0 when all was well."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            action()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


# Sharing


def test_owners_do_not_see_each_other(path: Path) -> None:
    """Two open spools share the file and the dead letters, not the rows."""
    with closing(Spool(path)) as one, closing(Spool(path)) as two:
        ones, twos = put(one, "1"), put(two, "2", "3")
        assert (names(one), names(two)) == (["1"], ["2", "3"])
        assert one.remove(twos) == 0
        assert one.dead_letter_item([(twos[0], "r", "m", 1)]) == 0
        assert one.adopt() == two.adopt() == 0
        two.dead_letter_item([(twos[0], "r", "m", 1)])
        assert len(one.dead_letters()) == 1
        assert one.remove(ones) == 1
        assert names(two) == ["3"]


def test_two_processes_append_at_once(path: Path) -> None:
    """Each process keeps its rows, in its order."""
    code = (
        "for n in range(300): spool.append('event', 'e', str(n), b'x')\n"
        "print(spool.pending().count)"
    )
    with program(path, code) as one, program(path, code) as two:
        assert (one.succeed(), two.succeed()) == ("300\n", "300\n")
    with closing(Spool(path)) as spool:
        assert spool.adopt() == 600
        assert numbers(spool) == [*range(300), *range(300)]


# Adoption


def test_a_killed_process_is_inherited_at_once(path: Path) -> None:
    """On the same machine a missing process counts as dead without waiting for its lease."""
    code = "spool.append('event', 'e', '1', b'x'); print('in', flush=True); input()"
    with program(path, code) as process, closing(Spool(path)) as spool:
        assert process.out.line() == "in\n"
        own = put(spool, "own")
        assert spool.adopt() == 0, "it is alive"
        process.kill()
        assert spool.adopt() == 1
        assert [row.item_id for row in spool.load(after=own[-1])] == ["1"]
        assert spool.pending().count == 2
        assert spool.adopt() == 0


def test_adoption_in_portions_keeps_the_order(path: Path) -> None:
    """However few rows are taken at a time, they keep their order, and nobody else gets any."""
    first = Spool(path)
    put(first, *map(str, range(10)))
    first.close()
    with closing(Spool(path)) as heir, closing(Spool(path)) as other:
        assert heir.adopt(limit=3) == 3
        assert other.adopt() == 0, "the rest belongs to the heir"
        put(heir, "100")
        assert heir.adopt(limit=7) == 7
        assert heir.adopt() == 0
        assert numbers(heir) == [0, 1, 2, 100, 3, 4, 5, 6, 7, 8, 9]


def test_an_heir_may_die_too(path: Path) -> None:
    """What a dead heir had not taken yet goes to the next one, with what it had."""
    first = Spool(path)
    put(first, *map(str, range(6)))
    first.close()
    heir = Spool(path)
    assert heir.adopt(limit=2) == 2
    heir.close()
    with closing(Spool(path)) as last:
        assert last.adopt() == 6
        assert sorted(numbers(last)) == list(range(6))


def test_two_heirs_never_share_a_row(path: Path) -> None:
    """Processes that adopt at the same moment get different rows, and all of them together."""
    for owner in range(10):
        spool = Spool(path)
        put(spool, *(str(owner * 20 + number) for number in range(20)))
        spool.close()
    code = (
        "sys.stdin.readline()\nwhile spool.adopt(7): pass\n"
        "print(*(row.item_id for row in spool.load())); sys.stdout.flush(); input()"
    )
    with program(path, code) as one, program(path, code) as two:
        for process in (one, two):
            process.write("go\n")
        got = [int(name) for process in (one, two) for name in process.out.line().split()]
    assert sorted(got) == list(range(200))


def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spools made from here on think that they run on another machine."""
    owners = functools.partial(spool_owners.Owners, machine="other")
    monkeypatch.setattr(spool_file, "Owners", owners)


def test_on_other_machines_the_lease_decides(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An owner elsewhere lives as long as it gives signs of life, and is inherited after."""
    clock = Clock()
    far = Spool(path, clock=clock)
    put(far, "1")
    elsewhere(monkeypatch)
    with closing(far), closing(Spool(path, clock=clock)) as near:
        clock.now += 9
        assert near.adopt() == 0
        far.heartbeat()
        clock.now += 9
        assert near.adopt() == 0
        put(far, "2")  # recording is a sign of life, too
        clock.now += 9
        assert near.adopt() == 0
        clock.now += 2
        assert near.adopt() == 2


def test_who_was_taken_for_dead_goes_on(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was frozen for longer than its lease loses rows to the heir, not events."""
    clock = Clock()
    frozen = Spool(path, clock=clock)
    seqs = put(frozen, "1", "2")
    elsewhere(monkeypatch)
    with closing(frozen), closing(Spool(path, clock=clock)) as heir:
        clock.now += 60
        assert heir.adopt() == 2
        put(frozen, "3")
        assert heir.adopt() == 0, "it registered again"
        assert frozen.remove(seqs) == 0
        assert (names(heir), names(frozen)) == (["1", "2"], ["3"])
        assert frozen.pending().count == 1


def test_a_clock_that_goes_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs of life from the future kill nobody, and keep nobody alive for ever."""
    clock = Clock()
    far = Spool(path, clock=clock)
    put(far, "1")
    elsewhere(monkeypatch)
    with closing(far), closing(Spool(path, clock=clock)) as near:
        clock.now -= 5000
        for _ in range(3):
            assert near.adopt() == 0
            clock.now += 4
            far.heartbeat()
        far._beat_at = clock.now  # it stops giving signs
        clock.now -= 5000
        assert near.adopt() == 0
        clock.now -= 100
        assert near.adopt() == 0
        clock.now += 9
        assert near.adopt() == 0
        clock.now += 2
        assert near.adopt() == 1


def test_forgotten_spools_of_this_process(path: Path) -> None:
    """A spool that was dropped without closing is inherited, though the process lives."""
    spool = Spool(path)
    put(spool, "1")
    db = spool._db
    assert db is not None
    spool_file._spools.discard(spool)
    with closing(Spool(path)) as heir, closing(db):
        assert heir.adopt() == 1


# Dying


@pytest.mark.parametrize("after", [0, 5, 60, 333])
def test_kill_while_appending(path: Path, after: int) -> None:
    """Each item whose append returned is there after SIGKILL, in order and once."""
    code = (
        "n = 0\nwhile True:\n"
        "    spool.append('event', 'e', str(n), b'x' * (n * 37 % 5000)); print(n); n += 1\n"
        "    sys.stdout.flush()"
    )
    with program(path, code) as process:
        for _ in range(after):
            assert process.out.line()
    printed = process.out.text.count("\n")
    with closing(Spool(path)) as spool:
        while spool.adopt():
            pass
        got = numbers(spool)
        assert got == list(range(len(got)))
        assert len(got) >= printed


def test_kill_while_removing(path: Path) -> None:
    """After SIGKILL amid removing and burying, each item is in exactly one place."""
    code = (
        "for n in range(2000): spool.append('event', 'e', str(n), b'x' * 200)\n"
        "seqs = [row.seq for row in spool.load(limit=5000)]\n"
        "for n in range(0, 2000, 10):\n"
        "    spool.dead_letter_item([(seq, 'r', 'm', 1) for seq in seqs[n:n + 5]])\n"
        "    spool.remove(seqs[n + 5:n + 10]); print(n, flush=True)"
    )
    with program(path, code) as process:
        for _ in range(30):
            assert process.out.line()
    with closing(Spool(path)) as spool:
        while spool.adopt():
            pass
        live = set(numbers(spool))
        dead = {int(letter.item_id) for letter in spool.dead_letters(limit=5000)}
        assert not live & dead
        assert len(dead) % 5 == 0
        gone = set(range(2000)) - live - dead
        assert len(gone) % 5 == 0
        assert len(gone) <= len(dead)


# Forks


@forking
@quiet_fork
def test_a_child_begins_empty(path: Path) -> None:
    """After a fork the child is an owner of its own; the parent keeps its rows and its seqs."""
    with closing(Spool(path)) as spool:
        seqs = put(spool, "1", "2")

        def child() -> None:
            assert names(spool) == []
            assert spool.pending().count == 0
            assert spool.remove(seqs) == 0
            assert spool.adopt() == 0
            put(spool, "3")
            assert names(spool) == ["3"]
            spool.close()

        assert in_child(child) == 0
        assert names(spool) == ["1", "2"]
        more = put(spool, "4")
        assert more[0] > seqs[-1]
        assert spool.adopt() == 1
        assert names(spool) == ["1", "2", "4", "3"]
        assert spool.remove(seqs) == 2


@forking
@quiet_fork
def test_children_that_die_hard_leave_their_rows(path: Path) -> None:
    """`os._exit` without closing loses nothing: the parent adopts."""
    with closing(Spool(path)) as spool:
        put(spool, "0")
        for number in range(1, 4):
            assert in_child(lambda number=number: put(spool, str(number))) == 0  # type: ignore[misc]
        assert spool.adopt() == 3
        assert numbers(spool) == [0, 1, 2, 3]


@forking
@quiet_fork
def test_forking_while_threads_append(path: Path) -> None:
    """No fork happens in the middle of a statement, and no child inherits a held lock."""
    with closing(Spool(path)) as spool:
        done = threading.Event()
        written: list[int] = []

        def write() -> None:
            while not done.wait(0.0001):
                put(spool, str(len(written)))
                written.append(1)

        thread = threading.Thread(target=write)
        thread.start()
        try:
            assert [in_child(lambda: put(spool, "-1")) for _ in range(8)] == [0] * 8
        finally:
            done.set()
            thread.join()
        assert spool.adopt() == 8
        assert sorted(numbers(spool)) == [-1] * 8 + list(range(len(written)))
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


@forking
@quiet_fork
def test_no_connection_is_open_across_a_fork(path: Path) -> None:
    """A child never has a connection of its parent, and calling `after_fork` again is harmless."""
    with closing(Spool(path)) as spool:
        put(spool, "1")

        def child() -> None:
            assert spool._db is None
            assert not spool_file._inherited
            put(spool, "2")
            spool.after_fork()
            assert names(spool) == ["2"]

        assert in_child(child) == 0
        spool.after_fork()
        assert names(spool) == ["1"]


@forking
def test_a_fork_behind_pythons_back(path: Path) -> None:
    """A child that inherited an open connection never uses or closes it, and says why.

    In a program with one thread: without Python's own hooks, a child whose parent had another one
    that wanted the interpreter at that moment waits for that thread for ever.
    """
    code = """
        import ctypes
        from pinpoint_kit.delivery.spool import file
        from pinpoint_kit.delivery.spool.spool import SpoolError

        def put(name):
            spool.append("event", "e", name, b"x")

        put("1")
        pid = ctypes.PyDLL(None).fork()
        if not pid:
            try:
                put("2")
            except SpoolError as error:
                print(error.reason, "connect after the fork" in str(error), len(file._inherited))
            spool.close()
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(pid, 0)
        put("3")
        print(*(row.item_id for row in spool.load()))
    """
    with program(path, textwrap.dedent(code)) as process:
        assert process.succeed().splitlines() == ["forked True 1", "1 3"]


@forking
@quiet_fork
def test_a_pid_that_changed_unseen(path: Path) -> None:
    """Even without any hook the changed pid makes the child a new owner."""
    with closing(Spool(path)) as spool:
        put(spool, "1")
        spool.before_fork()
        spool.after_fork_in_parent()
        spool._pid = -1  # as a child that no hook has told
        assert names(spool) == []
        put(spool, "2")
        assert names(spool) == ["2"]

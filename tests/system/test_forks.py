"""The registry of fork and exit hooks: order, owners that go, unannounced forks, exits."""

from __future__ import annotations

import ast
import gc
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import attrs
import pytest

import pinpoint_kit
from pinpoint_kit.system import forks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

#: What registers a hook, however it is imported.
_HOOKS = {"register_at_fork", "register_after_fork", "Finalize", "atexit"}


@attrs.define(eq=False, slots=True, weakref_slot=True)
class Owner:
    """Writes down what is called."""

    name: str
    log: list[str]

    def before(self) -> None:
        self.log.append(f"before {self.name}")

    def parent(self) -> None:
        self.log.append(f"parent {self.name}")

    def child(self) -> None:
        self.log.append(f"child {self.name}")


def watched(name: str, layer: forks.Layer, log: list[str]) -> Owner:
    """Return an owner with all three hooks."""
    owner = Owner(name, log)
    forks.watch(
        owner,
        layer,
        before=Owner.before,
        after_in_parent=Owner.parent,
        after_in_child=Owner.child,
    )
    return owner


def fork_and_read(action: object) -> str:
    """Return what a forked child writes."""
    assert callable(action)
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(writer, action().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return text


def test_hooks_run_by_layer_and_before_a_fork_the_other_way_round() -> None:
    """What stands on others stops first and starts last, whenever it was registered."""
    log: list[str] = []
    owners = [
        watched("delivery", forks.Layer.DELIVERY, log),
        watched("storage", forks.Layer.STORAGE, log),
        watched("work", forks.Layer.WORK, log),
    ]
    child = fork_and_read(lambda: ",".join(log))
    before = ["before delivery", "before work", "before storage"]
    assert log == [*before, "parent storage", "parent work", "parent delivery"]
    assert child.split(",") == [*before, "child storage", "child work", "child delivery"]
    for owner in owners:
        forks.forget(owner)


def test_an_owner_that_is_gone_or_forgotten_is_not_called() -> None:
    """Being watched keeps nobody alive."""
    log: list[str] = []
    gone = watched("gone", forks.Layer.WORK, log)
    kept = watched("kept", forks.Layer.WORK, log)
    forgotten = watched("forgotten", forks.Layer.WORK, log)
    forks.forget(forgotten)
    del gone
    gc.collect()
    fork_and_read(str)
    assert log == ["before kept", "parent kept"]
    forks.forget(kept)


def test_a_hook_that_fails_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the next owner has its turn."""
    log: list[str] = []

    class Bad(Owner):
        def parent(self) -> None:
            raise ValueError

    bad = Bad("bad", log)
    forks.watch(bad, forks.Layer.STORAGE, after_in_parent=Bad.parent)
    good = watched("good", forks.Layer.WORK, log)
    fork_and_read(str)
    assert log == ["before good", "parent good"]
    assert "a fork hook of Bad failed" in caplog.text
    forks.forget(bad)
    forks.forget(good)


def run(script: str, *, expected: int = 0) -> str:
    """Run a script in a fresh interpreter and give what it prints."""
    ran = subprocess.run(  # noqa: S603 -- our own scripts
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == expected, ran.stderr
    return ran.stdout + ran.stderr


def test_a_fork_that_nobody_announces_is_found_at_the_next_check() -> None:
    """The child's hooks run once, at the first entry; the parent's never."""
    out = run(
        """
        import ctypes, os
        from pinpoint_kit.system import forks
        class Owner:
            def child(self): print("child hook", flush=True)
        owner = Owner()
        forks.watch(owner, forks.Layer.WORK, after_in_child=Owner.child)
        pid = ctypes.PyDLL(None).fork()
        forks.check(); forks.check()
        if not pid: os._exit(0)
        os.waitpid(pid, 0)
        """
    )
    assert out == "child hook\n"


def test_what_is_open_at_exit_is_closed_side_by_side_within_one_deadline() -> None:
    """All begin before the first is waited for, and each gets the same deadline."""
    out = run(
        """
        from pinpoint_kit.system import forks
        class Open:
            exit_timeout = 2.0
            def begin_exit(self, deadline): print("begin"); self.deadline = deadline
            def finish_exit(self, deadline): print("finish", deadline == self.deadline)
        class Bad(Open):
            def begin_exit(self, deadline): raise ValueError("secret")
            def finish_exit(self, deadline): print("finish bad")
        forgotten = Open()
        for closing in (Bad(), Open(), Open(), forgotten): forks.close_at_exit(closing)
        forks.forget(forgotten)
        """
    )
    assert [line for line in out.splitlines() if line.startswith(("begin", "finish"))] == [
        "begin",
        "begin",
        "finish bad",
        "finish True",
        "finish True",
    ]
    assert "closing Bad at exit failed" in out


CHILD = """
import multiprocessing, os, sys, threading, time
from pinpoint_kit.system import forks
class Open:
    exit_timeout = 2.0
    def begin_exit(self, deadline): pass
    def finish_exit(self, deadline): forks.forget(self); print("closed", flush=True)
opened = []
def work(_=None):
    opened.append(Open())
    forks.close_at_exit(opened[-1])
    forks.watch_child_exit()
    forks.watch_child_exit()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_of_multiprocessing_closes_what_is_open(tmp_path: Path, method: str) -> None:
    """Whether it ends by itself or by the SIGTERM that ends a pool; each time once."""
    path = tmp_path / "script.py"
    path.write_text(
        f"{CHILD}\nif __name__ == '__main__':\n"
        f"    context = multiprocessing.get_context('{method}')\n"
        "    child = context.Process(target=work); child.start(); child.join()\n"
        "    with context.Pool(1) as pool: pool.map(work, [1])\n"
    )
    ran = subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.splitlines() == ["closed", "closed"], ran.stderr


def test_a_worker_of_billiard_closes_what_is_open() -> None:
    """Its pools end a recycled worker by os._exit, without the finalizers."""
    pytest.importorskip("billiard")
    out = run(
        CHILD
        + """
import billiard
child = billiard.Process(target=work); child.start(); child.join()
pool = billiard.Pool(1, maxtasksperchild=1)
pool.map(work, [1], chunksize=1); pool.close(); pool.join()
"""
    )
    assert out.splitlines() == ["closed", "closed"]


def test_a_handler_of_sigterm_that_is_there_stays() -> None:
    """Only the default is replaced: who handles the signal decides what it does."""
    out = run(
        CHILD
        + """
import signal
def main():
    signal.signal(signal.SIGTERM, lambda *_: (print("theirs", flush=True), sys.exit(0)))
    work()
    print("ready", flush=True)
    time.sleep(30)
child = multiprocessing.get_context("fork").Process(target=main); child.start()
time.sleep(0.5); child.terminate(); child.join()
"""
    )
    assert out.splitlines() == ["ready", "theirs", "closed"]


def test_nothing_else_registers_fork_and_exit_hooks() -> None:
    """One registry, so that there is one order."""
    root = Path(pinpoint_kit.__file__).parent
    found = [
        str(path.relative_to(root))
        for path in sorted(root.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if (isinstance(node, ast.Attribute) and node.attr in _HOOKS)
        or (
            isinstance(node, (ast.Import, ast.ImportFrom)) and _HOOKS & {a.name for a in node.names}
        )
    ]
    assert set(found) == {"system/forks.py"}


@pytest.mark.skipif(os.name != "posix", reason="no such signal")
def test_a_sigterm_while_a_child_closes_lets_it_close(tmp_path: Path) -> None:
    """A pool ends its children by a message and by a signal, and either may come first."""
    path = tmp_path / "script.py"
    child = CHILD.replace(
        "forks.forget(self)", "forks.forget(self); os.kill(os.getpid(), signal.SIGTERM)"
    ).replace("import multiprocessing", "import signal, multiprocessing")
    path.write_text(
        f"{child}\nif __name__ == '__main__':\n"
        "    child = multiprocessing.get_context('spawn').Process(target=work)\n"
        "    child.start(); child.join()\n"
    )
    ran = subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, str(path)], capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout.splitlines() == ["closed"], ran.stderr

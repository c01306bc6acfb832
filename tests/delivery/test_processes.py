"""Delivery in every process model: forks, spawned and pooled children, exits, invocations."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from tests.programs import Program

if TYPE_CHECKING:
    from pathlib import Path

    from tests.delivery.conftest import Rig

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")

COUNTED = """
engine = pinpoint._door.engine
print("stored", engine.count_events(pinpoint.application_id))
"""


def run(tmp_path: Path, script: str, *, expected: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a script in a fresh interpreter.

    `url` and `pk` are defined in it, and `patient`: options for an exit that takes its time.
    """
    head = (
        f"import os, sys, time\nimport pinpoint_kit as pk\nurl = 'sqlite:///{tmp_path}/f.db'\n"
        "patient = pk.DeliveryOptions(exit_timeout=60.0)\n"
    )
    ran = subprocess.run(  # noqa: S603 -- our own scripts
        [sys.executable, "-c", head + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == expected, ran.stderr
    return ran


def stored(tmp_path: Path, application: str = "a") -> int:
    """How many events the engine's file holds."""
    with pk.connect(f"sqlite:///{tmp_path}/f.db", application=application) as pinpoint:
        engine = pinpoint._door.engine if pinpoint._door else None
        assert engine is not None
        return engine.count_events(pinpoint.application_id)


def test_a_forked_child_begins_empty_and_the_parent_delivers_its_own(tmp_path: Path) -> None:
    """What was queued before the fork arrives once; the child's own events arrive too."""
    ran = run(
        tmp_path,
        """
        pinpoint = pk.connect(url, application="a", delivery=pk.DeliveryOptions(flush_interval=60))
        for n in range(50): pinpoint.events.record("parent", "t")
        pid = os.fork()
        if pid == 0:
            assert pinpoint.delivery.stats().recorded == 0
            for n in range(30): pinpoint.events.record("child", "t")
            report = pinpoint.close(30)
            print("child", report.recorded, report.accepted, flush=True)
            os._exit(0)
        os.waitpid(pid, 0)
        report = pinpoint.close(30)
        print("parent", report.recorded, report.accepted)
        """,
    )
    assert set(ran.stdout.split("\n")) >= {"child 30 30", "parent 50 50"}
    assert stored(tmp_path) == 80


def test_futures_of_the_parent_are_settled_in_the_child(tmp_path: Path) -> None:
    """A future that crossed a fork says so in the child, and holds the answer in the parent."""
    ran = run(
        tmp_path,
        """
        pinpoint = pk.connect(url, application="a")
        pinpoint.delivery._buffer.pause_until(time.monotonic() + 1)
        future = pinpoint.events.submit("parent", "t")
        pid = os.fork()
        if pid == 0:
            error = future.exception(5)
            print("child", type(error).__name__, error.reason, flush=True)
            os._exit(0)
        os.waitpid(pid, 0)
        print("parent", future.result(10).is_accepted)
        pinpoint.close()
        """,
    )
    assert set(ran.stdout.split("\n")) >= {"child DeliveryError forked", "parent True"}


def test_a_fork_while_threads_record_and_send_hangs_nobody(tmp_path: Path) -> None:
    """Locks that other threads held at the fork do not stop the child."""
    run(
        tmp_path,
        """
        import threading
        pinpoint = pk.connect(url, application="a")
        stop = threading.Event()
        def work():
            while not stop.wait(0.0005): pinpoint.events.record("parent", "t")
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads: thread.start()
        children = []
        for n in range(10):
            pid = os.fork()
            if pid == 0:
                pinpoint.events.record("child", "t")
                os._exit(0 if pinpoint.close(20).accepted == 1 else 1)
            children.append(pid)
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children]
        stop.set()
        for thread in threads: thread.join()
        report = pinpoint.close(60)
        assert codes == [0] * 10, codes
        assert report.accepted == report.recorded, report
        """,
    )


@pytest.mark.parametrize(
    "method", ["fork", "spawn", pytest.param("forkserver", marks=pytest.mark.slow)]
)
def test_multiprocessing_children_deliver_before_they_leave(tmp_path: Path, method: str) -> None:
    """A child that records and returns, without close, loses nothing."""
    (tmp_path / "job.py").write_text(
        textwrap.dedent(
            f"""
            import multiprocessing, sys
            import pinpoint_kit as pk
            url, patient = "sqlite:///{tmp_path}/f.db", pk.DeliveryOptions(exit_timeout=60.0)
            pinpoint = None
            def work(number):
                global pinpoint
                if pinpoint is None:
                    pinpoint = pk.connect(url, application="a", delivery=patient)
                for n in range(20): pinpoint.events.record(f"e{{number}}", "t")
            if __name__ == "__main__":
                pk.connect(url, application="a").close()
                if "{method}" == "fork":
                    pinpoint = pk.connect(url, application="a", delivery=patient)
                context = multiprocessing.get_context("{method}")
                children = [context.Process(target=work, args=(n,)) for n in range(2)]
                for child in children: child.start()
                for child in children: child.join()
                if pinpoint: pinpoint.close()
            """
        )
    )
    subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, str(tmp_path / "job.py")], check=True, timeout=60, capture_output=True
    )
    assert stored(tmp_path) == 40


def test_an_exception_at_top_level_still_delivers(tmp_path: Path) -> None:
    """A program that dies of an exception delivers what was recorded."""
    run(
        tmp_path,
        """
        pinpoint = pk.connect(url, application="a", delivery=patient)
        for n in range(100): pinpoint.events.record("e", "t")
        raise SystemExit(3)
        """,
        expected=3,
    )
    assert stored(tmp_path) == 100


def test_sigterm_that_becomes_an_exit_delivers(tmp_path: Path) -> None:
    """A handler that turns SIGTERM into an exit, as servers have it, loses nothing."""
    run(
        tmp_path,
        """
        import signal
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        pinpoint = pk.connect(url, application="a", delivery=patient)
        for n in range(100): pinpoint.events.record("e", "t")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
        """,
    )
    assert stored(tmp_path) == 100


def test_recording_from_an_exit_handler_delivers(tmp_path: Path) -> None:
    """At exit no thread can be started any more on new Pythons; the events go out all the same."""
    run(
        tmp_path,
        """
        import atexit
        pinpoint = pk.connect(url, application="a", delivery=patient)
        atexit.register(lambda: pinpoint.events.record("e", "late"))
        """,
    )
    assert stored(tmp_path) == 1


def test_a_forgotten_client_warns(tmp_path: Path) -> None:
    """An open client that is thrown away warns with ResourceWarning, and still delivers."""
    ran = run(
        tmp_path,
        """
        import gc, warnings
        warnings.simplefilter("always")
        def forget():
            pinpoint = pk.connect(url, application="a", delivery=patient)
            pinpoint.events.record("e", "t")
        forget(); gc.collect()
        """,
    )
    assert "ResourceWarning: unclosed <Pinpoint engine application=a>" in ran.stderr
    assert stored(tmp_path) == 1


class Context:
    """AWS Lambda's context, as far as it is used."""

    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


def test_every_invocation_flushes_and_a_warm_one_works() -> None:
    """The decorated handler has delivered when it returns, again and again."""
    with pk.connect("sqlite://") as pinpoint:

        @pinpoint.per_invocation()
        def handler(event: dict[str, str], context: Context) -> str:
            assert context.milliseconds > 0
            return pinpoint.events.record(event["device"], "t")

        for number in (1, 2):
            assert len(handler({"device": "e"}, Context(60_000))) == 32
            assert pinpoint.delivery.stats().accepted == number


def test_an_invocation_that_fails_flushes_too() -> None:
    """The error passes through, after the flush."""
    with pk.connect("sqlite://") as pinpoint:

        @pinpoint.per_invocation()
        def handler() -> None:
            pinpoint.events.record("e", "t")
            raise RuntimeError("mine")

        with pytest.raises(RuntimeError, match="mine"):
            handler()
        assert pinpoint.delivery.stats().accepted == 1


def test_an_invocation_says_what_did_not_make_it(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """With no time left the events stay pending for the next one, and the log says how many."""
    from pinpoint_kit.delivery.invocations import flush_per_invocation  # noqa: PLC0415 -- only here

    @flush_per_invocation(rig.delivery, 2.0)
    def handler(context: Context) -> None:
        assert context.milliseconds > 0
        rig.record("1")

    with caplog.at_level(logging.WARNING):
        handler(Context(100))
    assert [record.getMessage() for record in caplog.records] == [
        "the invocation ends with 1 event(s) pending; the next one, if there is one, delivers them"
    ]
    rig.run()
    assert rig.delivery.stats().accepted == 1


@pytest.mark.parametrize(
    ("workers", "is_preloaded"),
    [
        ("sync", True),
        ("gthread", False),
        pytest.param("sync", False, marks=pytest.mark.slow),
        pytest.param("gthread", True, marks=pytest.mark.slow),
    ],
)
def test_gunicorn(tmp_path: Path, workers: str, *, is_preloaded: bool) -> None:
    """Workers deliver what they record, and nothing is said where nothing was lost."""
    errors = gunicorn(
        tmp_path, workers, is_preloaded=is_preloaded, url=f"sqlite:///{tmp_path}/f.db"
    )
    assert stored(tmp_path) == (41 if is_preloaded else 42), errors
    assert [line for line in errors.splitlines() if "pinpoint" in line] == []


def test_gunicorn_without_a_server(tmp_path: Path) -> None:
    """What is lost at a worker's end is said, by each process for its own events."""
    errors = gunicorn(tmp_path, "sync", is_preloaded=False, url="http://127.0.0.1:9")
    lost = re.findall(r"pinpoint_kit.delivery: (\d+) event\(s\) dropped: closed", errors)
    assert sum(map(int, lost)) == 42, errors


def gunicorn(tmp_path: Path, workers: str, *, is_preloaded: bool, url: str) -> str:
    """Have two workers record an event each when the application is made, and 40 in all later.

    Returns:
        What is on the standard error, log lines of any level included.
    """
    pytest.importorskip("gunicorn")
    (tmp_path / "app.py").write_text(
        textwrap.dedent(
            f"""
            import logging, os, pathlib
            import pinpoint_kit as pk
            logging.basicConfig(format="%(name)s: %(message)s")
            options = pk.DeliveryOptions(exit_timeout={60.0 if "sqlite" in url else 0.5})
            pinpoint = pk.connect({url!r}, application="a", delivery=options)
            pinpoint.events.record("preload", "t")
            pathlib.Path({str(tmp_path)!r}, f"made-{{os.getpid()}}").touch()
            def app(environ, start_response):
                pinpoint.events.record("worker", "t")
                start_response("200 OK", [("Content-Length", "2")])
                return [b"ok"]
            """
        )
    )
    server = Program(
        [
            *(sys.executable, "-m", "gunicorn", "--worker-class", workers, "--workers", "2"),
            *(["--threads", "2"] if workers == "gthread" else []),
            *(["--preload"] if is_preloaded else []),
            *("--bind", f"unix:{tmp_path}/socket", "--chdir", str(tmp_path), "app:app"),
        ],
        env={**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"},
    )
    with server:
        server.err.find("Booting worker", 2)
        deadline = time.monotonic() + 60
        while len(list(tmp_path.glob("made-*"))) < (1 if is_preloaded else 2):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for _ in range(40):
            _ask(f"{tmp_path}/socket")
        server.stop()
        server.err.rest()
        return server.err.text


def _ask(path: str) -> None:
    import socket  # noqa: PLC0415 -- only here

    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"200 OK" in connection.recv(1000)

"""Calls that no signal ends half-way."""

from __future__ import annotations

import contextvars
import queue
import signal
import threading

import pytest

import pinpoint_kit as pk
from pinpoint_kit.doors.uninterrupted import Uninterrupted

_NAME: contextvars.ContextVar[str] = contextvars.ContextVar("name")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_an_interrupted_call_comes_to_its_end() -> None:
    """A Ctrl-C ends the caller's waiting at once, and the call goes on."""
    calls, go, done = Uninterrupted(), threading.Event(), threading.Event()

    def action() -> None:
        signal.raise_signal(signal.SIGINT)  # Python runs its handler on the main thread
        go.wait(10)
        done.set()

    before = signal.signal(signal.SIGINT, _interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            calls.run(action)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not done.is_set()
    go.set()
    assert done.wait(10)
    calls.stop()


def test_a_call_gives_its_result_its_error_and_sees_the_callers_context() -> None:
    """A result is returned, an error raised, and context variables hold what the caller set."""
    calls = Uninterrupted()
    _NAME.set("ana")
    assert calls.run(_NAME.get) == "ana"
    with pytest.raises(KeyError):
        calls.run({}.popitem)
    calls.stop()
    assert calls.run(lambda: 3) == 3  # stopping is no end: another thread is started
    calls.stop()


def test_only_the_main_threads_calls_change_threads() -> None:
    """Another thread gets no signals, so it runs its calls itself."""
    calls, seen = Uninterrupted(), queue.SimpleQueue[int]()

    def ask() -> None:
        seen.put(calls.run(threading.get_ident))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert seen.get() == thread.ident
    assert calls.run(threading.get_ident) != threading.get_ident()
    calls.stop()


def test_a_memory_database_outlives_interrupts() -> None:
    """Ctrl-C at 40 moments of embedded calls: each time what was stored is there afterwards."""
    before = signal.signal(signal.SIGALRM, _interrupt)
    try:
        with pk.connect("sqlite://", application="shop") as pinpoint:
            pinpoint.endpoints.update(pk.Endpoint(id="kept", attributes={"a": ["b"]}))
            for moment in range(40):
                with pytest.raises(KeyboardInterrupt):  # noqa: PT012 -- it comes at any time
                    signal.setitimer(signal.ITIMER_REAL, 0.001 + moment * 0.0002)
                    while True:
                        pinpoint.endpoints.update(pk.Endpoint(id="d", attributes={"a": ["c"]}))
                assert pinpoint.endpoints.get("kept").attributes == {"a": ["b"]}
    finally:
        signal.signal(signal.SIGALRM, before)

"""The one registry of what must happen when this process forks, and when it ends.

Whoever holds a lock, a thread, a socket, an open database or something that must not repeat
registers here; nothing else in the package registers a fork or exit hook. What a hook does stands
with its owner. Owners are held weakly, so that being watched keeps nobody alive; those with
something left to deliver at exit are held until they are forgotten.

- A fork that Python announces (`os.fork`, `multiprocessing`) runs all three kinds of hooks.
- A fork that it does not (`fork` of the C library, uWSGI) is found by its process id, at the next
  `check`. Every entry of the package that a child may come through calls it.
- The interpreter's exit closes all that `close_at_exit` holds, side by side, within one deadline.
- Children of `multiprocessing` and `billiard` (Celery) leave by `os._exit`, without `atexit`:
  they have finalizers of their own, billiard's pools a function that is called at the end of a
  worker, and `Pool.terminate`, which `with Pool` ends with, sends SIGTERM. `watch_child_exit`
  registers for all of them.

Nothing runs at a plain `os._exit`, at SIGKILL, and at a SIGTERM that nobody handles.
"""

from __future__ import annotations

import atexit
import enum
import itertools
import logging
import multiprocessing.util
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import attrs

if TYPE_CHECKING:
    from types import FrameType

__all__ = [
    "Closing",
    "Layer",
    "check",
    "close_at_exit",
    "forget",
    "is_to_be_forked",
    "watch",
    "watch_child_exit",
]

T = TypeVar("T")

_LOGGER = logging.getLogger("pinpoint_kit.forks")


class Layer(enum.IntEnum):
    """Who comes first after a fork: each layer stands on those before it.

    Before a fork the last layer is stopped first.
    """

    IDENTITY = 0
    STORAGE = 1
    WORK = 2
    DELIVERY = 3


class Closing(Protocol):
    """What is closed at exit, in two steps, so that many can be closed side by side."""

    @property
    def exit_timeout(self) -> float:
        """Seconds that it may take at exit."""

    def begin_exit(self, deadline: float) -> None:
        """Begin to close, without waiting; `deadline` is of `time.monotonic`."""

    def finish_exit(self, deadline: float) -> None:
        """Wait for the end of it, at most until the deadline."""


@attrs.frozen(eq=False)
class _Watched:
    """One owner, and what is called with it."""

    layer: Layer
    number: int
    owner: weakref.ref[Any]
    before: Callable[[Any], None] | None
    after_in_parent: Callable[[Any], None] | None
    after_in_child: Callable[[Any], None] | None


class _State:
    """Changed by single steps only, so that threads, signal handlers and finalizers may come in."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.numbers = itertools.count()
        self.watched: dict[int, _Watched] = {}
        self.closing: dict[int, Closing] = {}
        #: One lock for each process that was found by its id; made by its first thread.
        self.finders: dict[int, threading.RLock] = {}
        self.is_renewing = False
        #: The end of this process has begun to close what is open.
        self.is_closing = False
        #: Processes, as (library, id), whose end calls `close_all`.
        self.child_exits: set[tuple[str, int]] = set()


_state = _State()


def watch(
    owner: T,
    layer: Layer,
    *,
    before: Callable[[T], None] | None = None,
    after_in_parent: Callable[[T], None] | None = None,
    after_in_child: Callable[[T], None] | None = None,
) -> None:
    """Call these with the owner around every fork, for as long as the owner lives.

    Args:
        owner: held weakly.
        layer: when its turn is.
        before: called before an announced fork.
        after_in_parent: called in the parent after it.
        after_in_child: called in the child, also of a fork that nobody announced: nothing was
            called before that one, and a thread that is gone may have held any lock.
    """
    number = next(_state.numbers)
    reference = weakref.ref(owner, lambda _: _state.watched.pop(number, None))
    _state.watched[number] = _Watched(
        layer, number, reference, before, after_in_parent, after_in_child
    )


def close_at_exit(closing: Closing) -> None:
    """Hold this until `forget`, and close it when the process ends."""
    _state.closing[id(closing)] = closing


def forget(owner: object) -> None:
    """Forget it, since it was closed: no fork and no exit concerns it any more."""
    _state.closing.pop(id(owner), None)
    for entry in list(_state.watched.values()):
        if entry.owner() is owner:
            _state.watched.pop(entry.number, None)


def check() -> None:
    """Find out whether this process is a child of a fork that nobody announced.

    Costs one look at the process id. In such a child, the first one who comes runs the hooks.
    """
    if os.getpid() != _state.pid:
        _find_fork()


def is_to_be_forked() -> bool:
    """Return True while uWSGI's master loads a program, before it forks its workers.

    It forks without holding the interpreter's lock: were a thread at work then, the lock would be
    that thread's in the workers, where it is not, for ever. So nobody may start one until then.
    """
    worker_id = getattr(sys.modules.get("uwsgi"), "worker_id", None)
    return worker_id is not None and worker_id() == 0


def _find_fork() -> None:
    pid = os.getpid()
    with _state.finders.setdefault(pid, threading.RLock()):
        if _state.pid != pid and not _state.is_renewing:
            _after_in_child()


def _hooks(*, is_reversed: bool = False) -> list[_Watched]:
    entries = list(_state.watched.values())
    return sorted(entries, key=lambda entry: (entry.layer, entry.number), reverse=is_reversed)


def _call(hook: Callable[[Any], None] | None, entry: _Watched) -> None:
    owner = entry.owner()
    if hook is not None and owner is not None:
        try:
            hook(owner)
        except Exception:  # the other owners must not suffer for it
            _LOGGER.exception("a fork hook of %s failed", type(owner).__name__)


def _before() -> None:
    for entry in _hooks(is_reversed=True):
        _call(entry.before, entry)


def _after_in_parent() -> None:
    for entry in _hooks():
        _call(entry.after_in_parent, entry)


def _after_in_child() -> None:
    _state.is_renewing = True
    try:
        for entry in _hooks():
            _call(entry.after_in_child, entry)
    finally:
        _state.pid = os.getpid()
        _state.is_renewing = _state.is_closing = False


# The end of a process


def _close_all() -> None:
    """Close what nobody closed: all of it begins at once, and one deadline is for all."""
    check()
    open_ones = list(_state.closing.values())
    if not open_ones:
        return
    deadline = time.monotonic() + max(closing.exit_timeout for closing in open_ones)
    _state.is_closing = True
    try:
        for step in ("begin_exit", "finish_exit"):
            for closing in open_ones:
                try:
                    getattr(closing, step)(deadline)
                except Exception:  # noqa: PERF203 -- the others are closed all the same
                    _LOGGER.exception("closing %s at exit failed", type(closing).__name__)
    finally:
        _state.is_closing = False


def watch_child_exit() -> None:
    """In a child that leaves without `atexit`, have its own exit close what is open.

    Call it when there is something that must not be lost: the child has begun then, and its
    library has thrown away the finalizers of the parent. Does nothing in any other process.
    """
    if multiprocessing.parent_process() is not None and _is_first("multiprocessing"):
        multiprocessing.util.Finalize(None, _close_all, exitpriority=100)
        _watch_sigterm()
    process, util = sys.modules.get("billiard.process"), sys.modules.get("billiard.util")
    if process is not None and util is not None:
        current = process.current_process()
        if current.name != "MainProcess" and _is_first("billiard"):
            util.Finalize(None, _close_all, exitpriority=100)
            _watch_worker(getattr(current, "_target", None))


def _is_first(library: str) -> bool:
    """Return True for the first call of a process."""
    key = library, os.getpid()
    is_first = key not in _state.child_exits
    _state.child_exits.add(key)
    return is_first


def _watch_worker(worker: object) -> None:
    """Billiard's pools end a worker by `os._exit`, after a call of its `on_exit` and no more."""
    if not hasattr(worker, "on_exit"):
        return  # no worker of a pool
    on_exit: Callable[..., object] | None = worker.on_exit

    def close_and_go_on(*args: object) -> None:
        _close_all()
        if on_exit is not None:
            on_exit(*args)

    worker.on_exit = close_and_go_on


def _watch_sigterm() -> None:
    """`Pool.terminate` ends its children by SIGTERM, of which a process dies at once by default.

    Only where nobody handles that signal, and only the main thread may do so.
    """
    with suppress(ValueError):  # not the main thread
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, _close_and_die)


def _close_and_die(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_DFL)  # the second one ends the process at once
    if _state.is_closing:
        return  # a pool ends its children in both ways: the end that has begun goes on
    _close_all()
    os.kill(os.getpid(), number)


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )

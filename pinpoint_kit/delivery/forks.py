"""What a process does to delivery: it forks, and it ends.

One hook each for all clients of the process. A forked child begins empty, and the parent
delivers its own; at exit every client that nobody closed delivers for a bounded time.
"""

from __future__ import annotations

import atexit
import multiprocessing.util
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinpoint_kit.delivery.delivery import Delivery

__all__ = ["flush_at_child_exit", "forget", "watch"]

#: Held strongly: a client that was thrown away still delivers what it recorded.
_open: set[Delivery] = set()
_hooked: set[int] = set()


def watch(delivery: Delivery) -> None:
    """Look after this delivery until `forget`."""
    _open.add(delivery)


def forget(delivery: Delivery) -> None:
    """It was closed."""
    _open.discard(delivery)


def flush_at_child_exit() -> None:
    """Children of `multiprocessing` leave without `atexit`; they have a hook of their own."""
    if multiprocessing.parent_process() is not None and os.getpid() not in _hooked:
        _hooked.add(os.getpid())
        multiprocessing.util.Finalize(None, _close_all, exitpriority=100)


def _close_all() -> None:
    for delivery in list(_open):
        delivery.at_exit()


def _after_fork() -> None:
    for delivery in list(_open):
        delivery.after_fork()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

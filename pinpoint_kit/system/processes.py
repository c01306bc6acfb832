"""Which process is which: on what machine this one runs, and whether another one is alive.

For those who share a file and take over what a dead process left. Nothing else belongs here.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

__all__ = ["has_process", "machine"]


def machine() -> str:
    """Return what makes a pid unique: the host, its boot, and the pid namespace, if any."""
    parts = [socket.gethostname()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        pass  # not Linux, or not readable: a reused pid is then found out by its lease
    return "|".join(parts)


def has_process(pid: int) -> bool:
    """Return False when there is surely no process of that number on this machine."""
    if os.name == "nt":
        return True  # os.kill would end it there; its lease tells
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # somebody else's process
    return True

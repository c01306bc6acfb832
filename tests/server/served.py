"""`pinpoint-kit serve` in processes of its own, to be loaded and killed."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Served", "cpu_seconds", "has_started", "is_alive", "is_sound", "rows"]


class Served:
    """A server, with all its processes in a group of their own.

    Args:
        database: its file, or the URL of another database.
        workers: how many processes serve it.
        arguments: further ones of the command line.
    """

    def __init__(self, database: Path | str, workers: int, *arguments: str) -> None:
        url = database if isinstance(database, str) else f"sqlite:///{database}"
        self.database = Path(database)
        command = [sys.executable, "-m", "pinpoint_kit.cli", "serve", "--no-access-log"]
        command += ["--url", url, "--port", "0", "--workers", str(workers)]
        self.program = Program([*command, *arguments])
        first = self.program.err.line()
        found = re.fullmatch(r"Serving Pinpoint's API at http://127\.0\.0\.1:(\d+)\n", first)
        assert found, first
        self.port = int(found[1])
        self.greeting = [self.program.err.line() for _ in range(4)]

    @property
    def pid(self) -> int:
        """The process that was started: the only one, or the workers' supervisor."""
        return self.program.pid

    def terminate(self) -> tuple[int, str]:
        """Asks it to stop; returns the exit status and what was said on stderr meanwhile."""
        return self.program.stop(), self.program.err.rest()

    def kill(self) -> None:
        """`kill -9` of all its processes at once, workers without supervisor, too."""
        self.program.kill()

    def worker_pids(self) -> set[int]:
        """Return the processes of its workers; needs Linux."""
        return set(_children(self.pid))


def _children(parent: int) -> Iterable[int]:
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            fields = _fields(int(place.name))
            command = (place / "cmdline").read_bytes()
            if int(fields[1]) == parent and fields[0] != "Z" and b"spawn_main" in command:
                yield int(place.name)


def _fields(pid: int) -> list[str]:
    """Return what Linux says of a process, from its state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_alive(pid: int) -> bool:
    """Whether a process is there and has not ended; needs Linux."""
    try:
        return _fields(pid)[0] != "Z"
    except OSError:
        return False


def has_started(pid: int) -> bool:
    """Whether a worker has opened the database and counts requests; needs Linux."""
    try:
        names = {os.path.basename(os.readlink(fd)) for fd in Path(f"/proc/{pid}/fd").iterdir()}  # noqa: PTH115, PTH119 -- of no real path
    except OSError:
        return False
    return f"gauge_livesum_{pid}.db" in names


def cpu_seconds(pid: int) -> float:
    """Return what a process has used of the processor so far; needs Linux."""
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rows(database: Path, sql: str, *values: object) -> list[Any]:
    """Read the database file behind everybody's back."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql, values).fetchall()


def is_sound(database: Path) -> bool:
    """Whether SQLite finds nothing wrong in the file."""
    return rows(database, "PRAGMA integrity_check") == [("ok",)]

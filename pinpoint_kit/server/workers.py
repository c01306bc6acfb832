"""`Supervisor`: keeps worker processes running, whatever ends or stops one of them.

It is uvicorn's `Multiprocess` but for how it looks after its workers. It leans on what is not
public there: the lists `processes`, `sockets` and `signal_queue`, the event `should_exit`, that
`run` calls `init_processes` once and `keep_subprocess_alive` twice a second, and of a `Process` its
`start`, `kill`, `join`, `pid`, `exitcode` and `process`. What a worker does belongs to run.py.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import Multiprocess

from pinpoint_kit.server.metrics import DIRECTORY_VARIABLE

if TYPE_CHECKING:
    import socket

    import uvicorn
    from uvicorn.supervisors.multiprocess import Process

__all__ = ["Supervisor", "beat"]

_logger = logging.getLogger(__name__)

#: Exit statuses of workers that stopped as they should; uvicorn repeats the signal at the end.
_GOOD_ENDS = frozenset({0, -signal.SIGINT, -signal.SIGTERM})
#: A worker that ends sooner than this could not start; the next one has to wait, twice as long
#: every time.
_STARTED_AFTER_S = 10.0
_LONGEST_PAUSE_S = 30.0
_BEAT_EVERY_S = 1.0
#: When the supervisor itself was stopped so long, its workers may have been, too.
_OWN_GAP_S = 5.0


async def beat() -> None:
    """Show the supervisor that this worker's event loop turns, for as long as it does."""
    path = _beat_file(os.getpid())
    if path is None:
        return
    while True:
        with suppress(OSError):
            path.touch()
        await asyncio.sleep(_BEAT_EVERY_S)


def _beat_file(pid: int) -> Path | None:
    folder = os.environ.get(DIRECTORY_VARIABLE)
    return Path(folder, f"{pid}.alive") if folder else None


@attrs.define(eq=False)
class _Watched:
    """What the supervisor knows of one worker.

    Attributes:
        started: when it was started, by the monotonic clock.
        is_first: whether it has no predecessor.
        failures: how many of its predecessors, one after the other, could not start.
        beaten: its last beat, as the file system dates it; None before the first.
        seen: when the supervisor saw that.
        retry_at: when its successor is to start; None while it runs.
    """

    started: float
    is_first: bool = False
    failures: int = 0
    beaten: int | None = None
    seen: float = 0.0
    retry_at: float | None = None


class Supervisor(Multiprocess):
    """Runs workers until a signal.

    A worker that ends is replaced, and so is one whose event loop stands still. A successor that
    cannot start is tried again, ever more rarely, while the others go on: what keeps it from
    starting (a credentials file that is being edited, a full disk) may pass. Only when a worker
    of the first start cannot start does all end: then nothing has ever worked.

    Args:
        config: uvicorn's configuration, with the app to make.
        sockets: where to listen.
        worker_timeout: seconds that a worker's event loop may stand still.
    """

    def __init__(
        self, config: uvicorn.Config, sockets: list[socket.socket], *, worker_timeout: float
    ) -> None:
        super().__init__(config, sockets)
        self._worker_timeout = worker_timeout
        self._watched: dict[Process, _Watched] = {}
        self._has_failed = False
        self._looked = time.monotonic()

    def run_to_end(self) -> int:
        """Run until a signal, and return the exit status."""
        self.run()
        ends = {one.exitcode for one in self.processes if self._of(one).retry_at is None}
        return 0 if ends <= _GOOD_ENDS and not self._has_failed else 1

    def init_processes(self) -> None:
        """Start the first workers."""
        super().init_processes()
        now = time.monotonic()
        self._watched = {one: _Watched(now, is_first=True) for one in self.processes}

    def keep_subprocess_alive(self) -> None:
        """Replace workers that have ended or stand still, and take them out of the metrics.

        uvicorn would ask each worker and wait for its answer. One that is just starting, or dies
        while it is asked, would hold up signals and successors; so nobody is asked.
        """
        if self.signal_queue:
            return  # Ctrl-C reaches the workers, too: they have ended because all is to end
        now = time.monotonic()
        if now - self._looked > _OWN_GAP_S:
            for watched in self._watched.values():
                watched.seen = now
        self._looked = now
        for index, process in enumerate(self.processes):
            watched = self._of(process)
            if process.process.is_alive():
                if not self._stands_still(process, watched, now):
                    continue
                _logger.error("worker %d stands still: it is killed and replaced", process.pid)
                process.kill()
                process.join()
            if watched.retry_at is None:
                self._note_end(process, watched, now)
            if self.should_exit.is_set():
                return
            if watched.retry_at is not None and now >= watched.retry_at:
                self._replace(index, watched)

    def _of(self, process: Process) -> _Watched:
        # uvicorn starts some itself, when it is told to by SIGTTIN or SIGHUP.
        return self._watched.setdefault(process, _Watched(time.monotonic()))

    def _stands_still(self, process: Process, watched: _Watched, now: float) -> bool:
        """Tell whether a worker that has begun to beat has stopped."""
        path = _beat_file(process.pid or 0)
        with suppress(OSError):
            beaten = path.stat().st_mtime_ns if path else None
            if beaten != watched.beaten:
                watched.beaten, watched.seen = beaten, now
        return watched.beaten is not None and now - watched.seen > self._worker_timeout

    def _note_end(self, process: Process, watched: _Watched, now: float) -> None:
        path = _beat_file(process.pid or 0)
        if path is not None:
            path.unlink(missing_ok=True)
            mark_process_dead(process.pid)  # type: ignore[no-untyped-call]
        status = process.exitcode
        could_not_start = status == STARTUP_FAILURE
        if could_not_start and watched.is_first:  # it said why
            self._has_failed = True
            self.should_exit.set()
            return
        is_failure = could_not_start or now - watched.started < _STARTED_AFTER_S
        watched.failures = watched.failures + 1 if is_failure else 0
        pause = min(2.0 ** (watched.failures - 1), _LONGEST_PAUSE_S) if is_failure else 0.0
        watched.retry_at = now + pause
        _logger.warning(
            "worker %d %s (exit status %s): its successor starts in %g s, and the others go on",
            process.pid,
            "could not start" if could_not_start else "has ended",
            status,
            pause,
        )

    def _replace(self, index: int, watched: _Watched) -> None:
        before = self.processes[index]
        successor = type(before)(self.config, self.sockets)
        successor.start()
        self.processes[index] = successor
        self._watched.pop(before, None)
        self._watched[successor] = _Watched(time.monotonic(), failures=watched.failures)

"""`Steps`: which job is worked on next, by whom, and what happens when something goes wrong.

Several engines may have the same file open. A job is held by one of them at a time, for a while
that every piece prolongs. That only saves work: who stores a piece must find the job as far as it
was, so a wrong guess about somebody else costs a repetition, and never a row.
"""

from __future__ import annotations

import logging
import os
import threading
import uuid
import weakref
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.jobs import store as job_store
from pinpoint_kit.engine.jobs.exports import Exports
from pinpoint_kit.engine.jobs.imports import Imports
from pinpoint_kit.engine.storage.failure_log import whereabouts
from pinpoint_kit.engine.wire import instants
from pinpoint_kit.engine.wire.refusals import Refusal
from pinpoint_kit.system import forks
from pinpoint_kit.system.processes import has_process, machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pinpoint_kit.engine.context import Context
    from pinpoint_kit.engine.jobs.store import Job
    from pinpoint_kit.engine.storage.failure_log import Troubles

__all__ = ["Steps"]

_logger = logging.getLogger(__name__)

#: How long an engine may be silent before others go on with its job.
_LEASE_MS = 30_000
#: How often to look whether a process of this machine that holds a job is still there.
_LOOK_MS = 1_000
#: How long work rests after the database has failed.
_REST_S = 5.0
#: How long closing waits for the piece under way.
_CLOSING_S = 5.0


class Steps:
    """The long work of one engine. Use from any thread; one at a time works.

    Attributes:
        holder: what this engine is called where it holds a job.
    """

    def __init__(
        self,
        context: Context,
        clock: Callable[[], datetime],
        troubles: Troubles,
        monotonic: Callable[[], float],
    ) -> None:
        self._context = context
        self._clock = clock
        self._troubles = troubles
        self._monotonic = monotonic
        self._begin()
        _all.add(self)
        forks.watch(self, forks.Layer.WORK, after_in_child=Steps.after_fork)

    def _begin(self) -> None:
        """Starts anew: files that are open belong to the parent of a fork."""
        self._lock = threading.Lock()
        self._machine = machine()
        self.holder = f"{self._machine}#{os.getpid()}#{uuid.uuid4().hex}"
        self._latest = 0
        self._rest_until = 0.0
        self._imports = Imports(self._context, self._monotonic)
        self._exports = Exports(self._context)

    def step(self) -> bool:
        """Does a piece of a job; returns False when there is none to do now."""
        with self._lock:
            if self._monotonic() < self._rest_until:
                return False
            try:
                has_worked = self._step(instants.moment_ms(self._clock()))
                if not has_worked:
                    self._context.store.end_bulk()
            except DBAPIError as error:
                self._troubles.tell(self._context.store.explain(error), self.holder)
            except Refusal:
                pass  # the engine is being closed, or somebody holds the database for too long
            else:
                return has_worked
            self._rest_until = self._monotonic() + _REST_S
            return False

    def wait_s(self) -> float | None:
        """Returns after how many seconds `step` may have something to do; None if it has no job."""
        rest = max(0.0, self._rest_until - self._monotonic())
        now = instants.moment_ms(self._clock())
        try:
            with self._context.store.read() as connection:
                jobs = job_store.open_jobs(connection, self._context.limits.max_import_jobs)
        except (DBAPIError, Refusal):
            return max(rest, _REST_S)
        if not jobs:
            return None
        return max(rest, min(self._wait_ms(holder, until, now) for _, holder, until in jobs) / 1000)

    def close(self) -> None:
        """Lets others go on with what this engine was working on."""
        _all.discard(self)
        forks.forget(self)
        if not self._lock.acquire(timeout=_CLOSING_S):
            return  # a piece is stuck, for example in the network; the lease will run out
        try:
            self._imports.close()
            self._exports.close()
            with self._context.store.read() as connection:
                is_holding = job_store.is_holding(connection, self.holder)
            if is_holding:
                with self._context.store.write() as connection:
                    job_store.release(connection, self.holder)
        except (DBAPIError, Refusal):
            pass  # as above
        finally:
            self._lock.release()

    def _step(self, now: int) -> bool:
        job = self._take(now)
        if job is None:
            return False
        self._latest = job.number
        work = self._imports if job.type == job_store.IMPORT else self._exports
        try:
            work.advance(job, now)
        except job_store.LostError:
            work.forget(job.number)
        except (DBAPIError, Refusal):
            raise
        except Exception as error:  # noqa: BLE001 -- a fault of ours must not be met for ever
            _logger.error("job %s failed: %s", job.id, whereabouts(error))  # noqa: TRY400 -- a traceback would hold personal data
            self._fail(job, now)
        return True

    def _take(self, now: int) -> Job | None:
        """Returns the next job in turn that nobody else works on, held by this engine."""
        with self._context.store.read() as connection:
            jobs = job_store.open_jobs(connection, self._context.limits.max_import_jobs)
            free = [n for n, holder, until in jobs if self._is_free(holder, until, now)]
            if not free:
                return None
            number = next((n for n in free if n > self._latest), free[0])
            try:
                job = job_store.load(connection, number)
            except job_store.LostError:
                return None
        if job.holder == self.holder and job.held_until - now > _LEASE_MS // 2:
            return job
        try:
            with self._context.store.write() as connection:
                return job_store.take(connection, job, self.holder, now + _LEASE_MS)
        except job_store.LostError:
            return None

    def _is_free(self, holder: str | None, until: int, now: int) -> bool:
        """Whether nobody else works on a job: its lease is over, or was given by another clock."""
        if holder is None or holder == self.holder or not now < until <= now + _LEASE_MS:
            return True
        place, pid, _ = holder.rsplit("#", 2)
        if place != self._machine:
            return False
        if int(pid) == os.getpid():
            return holder not in {steps.holder for steps in list(_all)}
        return not has_process(int(pid))

    def _wait_ms(self, holder: str | None, until: int, now: int) -> int:
        """After how long a job may be free: when its lease is over, or its process has died."""
        if holder is None or self._is_free(holder, until, now):
            return 0
        is_near = holder.startswith(f"{self._machine}#")
        return min(until - now, _LOOK_MS) if is_near else until - now

    def _fail(self, job: Job, now: int) -> None:
        try:
            with self._context.store.write() as connection:
                after = job.broken("the engine failed; please report this with the log line", now)
                job_store.save(connection, job, after)
        except job_store.LostError:
            pass

    def after_fork(self) -> None:
        """Begins anew in a child; the parent goes on."""
        self._begin()


_all: weakref.WeakSet[Steps] = weakref.WeakSet()

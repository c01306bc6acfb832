"""`Runner`: which task is worked on next, by whom, and what happens when something goes wrong.

Several engines may have the same database open. A task is held by one of them at a time, which
renews its leases while it works. That only saves work: who stores a step checks the lease in the
same transaction, so a wrong guess about somebody else costs a repetition, and never a row.

Turns: the worker that has waited longest goes first, and of its tasks the one that has. What a
task is belongs to its worker.
"""

from __future__ import annotations

import itertools
import logging
import math
import os
import threading
import uuid
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.storage.failure_log import location_of
from pinpoint_kit.engine.wire import instants
from pinpoint_kit.engine.wire.refusals import ApiError
from pinpoint_kit.engine.work import leases
from pinpoint_kit.engine.work.leases import Held, Lease, LostError
from pinpoint_kit.engine.work.watch import LEASE_S, RENEWAL_S, Watch
from pinpoint_kit.engine.work.worker import Task, Worker
from pinpoint_kit.system import forks
from pinpoint_kit.system.processes import has_process, machine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pinpoint_kit.engine.storage.failure_log import FailureLog
    from pinpoint_kit.engine.storage.store import Store

__all__ = ["Runner"]

_logger = logging.getLogger(__name__)

#: How often to look whether the engine that holds a task is still there.
_LOOK_MS = 1_000
#: A step that takes longer is stuck: others may then try.
_LONGEST_STEP_S = 300.0
#: After how long to look at the clock again, which may have been set, or the machine have slept.
_LONGEST_WAIT_S = 600.0
#: How long work rests after the database has failed.
_REST_S = 5.0
#: How long closing waits for the step under way.
_CLOSING_S = 5.0


@attrs.frozen
class _Found:
    """A task of a worker, and who holds it."""

    worker: Worker
    task: Task
    held: Held | None

    @property
    def name(self) -> tuple[str, str]:
        """What it is told by among all tasks."""
        return self.worker.name, self.task.key


class Runner:
    """The long work of one engine. Use from any thread; one at a time works.

    Attributes:
        holder: what this engine is called where it holds a task.
        workers: the workers by name; new ones after a fork, because files that are open belong to
            the parent.
    """

    def __init__(  # noqa: PLR0913 -- what work stands on
        self,
        store: Store,
        make_workers: Callable[[], Sequence[Worker]],
        clock: Callable[[], datetime],
        failures: FailureLog,
        monotonic: Callable[[], float],
        *,
        when_idle: Callable[[], None] = lambda: None,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._when_idle = when_idle
        self._give_way = give_way
        self._make_workers = make_workers
        self._clock = clock
        self._failures = failures
        self._monotonic = monotonic
        self._start()
        _all.add(self)
        forks.watch(self, forks.Layer.WORK, after_in_child=Runner._start)

    def _start(self) -> None:
        self._lock = threading.Lock()
        self._machine = machine()
        self.holder = f"{self._machine}#{os.getpid()}#{uuid.uuid4().hex}"
        self.workers: Mapping[str, Worker] = {each.name: each for each in self._make_workers()}
        self._counter = itertools.count(1)
        self._worker_turns = dict.fromkeys(self.workers, 0)
        self._task_turns: dict[tuple[str, str], int] = {}
        self._rest_until = 0.0
        self._watch = Watch(self._monotonic)
        self._renewed = self._monotonic()
        self._until = 0
        self._began: float | None = None  # the step under way

    def step(self) -> bool:
        """Do a step of a task; return False when there is none to do now."""
        self._give_way()
        with self._lock:
            if self._monotonic() < self._rest_until:
                return False
            try:
                has_worked = self._step(instants.moment_ms(self._clock()))
                if not has_worked:
                    self._when_idle()
            except DBAPIError as error:
                self._failures.report(self._store.explain(error), self.holder)
            except ApiError:
                pass  # the engine is being closed, or somebody holds the database for too long
            else:
                return has_worked
            self._rest_until = self._monotonic() + _REST_S
            return False

    def wait_s(self) -> float | None:
        """Return after how many seconds `step` may have something to do; None without a task."""
        rest = max(0.0, self._rest_until - self._monotonic())
        now = instants.moment_ms(self._clock())
        try:
            with self._store.read() as connection:
                found, _ = self._find(connection, now)
        except (DBAPIError, ApiError):
            return max(rest, _REST_S)
        if not found:
            return None
        return max(rest, min(_LONGEST_WAIT_S, min(self._wait_ms(e, now) for e in found) / 1000))

    def renew(self) -> float:
        """Keep what this engine works on while a step is under way; call it from another thread.

        Returns:
            In how many seconds to call it again.
        """
        began = self._began
        if began is not None and self._monotonic() - began < _LONGEST_STEP_S:
            # What goes wrong here may go well the next time, or the step itself finds it out.
            with suppress(DBAPIError, ApiError):
                self._renew()
        return RENEWAL_S

    def close(self, timeout: float = _CLOSING_S) -> None:
        """Let others go on with what this engine was working on.

        Args:
            timeout: seconds to wait for a step that is under way.
        """
        _all.discard(self)
        if not self._lock.acquire(timeout=timeout):
            return  # a step is stuck, for example in the network; the lease will run out
        try:
            for worker in self.workers.values():
                worker.close()
            with self._store.read() as connection:
                held = leases.held(connection)
            if any(each.holder == self.holder for each in held.values()):
                with self._store.write() as connection:
                    leases.release(connection, self.holder)
        except (DBAPIError, ApiError):
            pass  # as above
        finally:
            self._lock.release()

    def _step(self, now: int) -> bool:
        found = self._take(now)
        if found is None:
            return False
        worker, key = found.worker, found.task.key
        self._worker_turns[worker.name] = self._task_turns[found.name] = next(self._counter)
        lease = Lease(worker.name, key, self.holder)
        try:
            self._began = self._monotonic()
            worker.run(key, lease, now)
        except LostError:
            worker.forget(key)
        except (DBAPIError, ApiError):
            raise
        except Exception as error:  # noqa: BLE001 -- a fault of ours must not be met for ever
            _logger.error("%s %s failed: %s", worker.name, key, location_of(error))  # noqa: TRY400 -- a traceback would hold personal data
            self._fail(worker, lease, now)
        finally:
            self._began = None
        return True

    def _find(
        self, connection: Connection, now: int
    ) -> tuple[list[_Found], Mapping[tuple[str, str], Held]]:
        """Return all tasks that there are, and all leases."""
        held = leases.held(connection)
        self._watch.forget_others(held)
        found = [
            _Found(worker, task, held.get((name, task.key)))
            for name, worker in self.workers.items()
            for task in worker.tasks(connection, now)
        ]
        return found, held

    def _take(self, now: int) -> _Found | None:
        """Return the next task in turn that nobody else works on, held by this engine."""
        with self._store.read() as connection:
            found, held = self._find(connection, now)
        self._task_turns = {
            each.name: self._task_turns.get(each.name) or next(self._counter) for each in found
        }
        ready = [
            each for each in found if each.task.due <= now and self._is_free(each.name, each.held)
        ]
        if not ready:
            self._sweep(held, {each.name for each in found})
            return None
        first = min(ready, key=self._turn)
        before = first.held
        if before is not None and before.holder == self.holder:
            if self._monotonic() - self._renewed >= RENEWAL_S:
                self._renew()
            return first
        lease = Lease(first.worker.name, first.task.key, self.holder)
        with self._store.write() as connection:
            is_taken = leases.take(connection, lease, before, self._next_until())
        return first if is_taken else None

    def _renew(self) -> None:
        """Show others that this engine is there."""
        # Nothing is decided from what is read, so others may write at the same time.
        with self._store.write(is_shared=True) as connection:
            leases.renew(connection, self.holder, self._next_until())
        self._renewed = self._monotonic()

    def _next_until(self) -> int:
        """Return what to write into a lease: never the same twice, whatever the clock does."""
        wanted = instants.moment_ms(self._clock()) + int(LEASE_S * 1000)
        self._until = max(wanted, self._until + 1)
        return self._until

    def _turn(self, found: _Found) -> tuple[int, int]:
        """Return what is least for who has waited longest."""
        return self._worker_turns[found.worker.name], self._task_turns[found.name]

    def _sweep(self, held: Mapping[tuple[str, str], Held], known: set[tuple[str, str]]) -> None:
        """Remove the leases of tasks that are gone, for example with their application."""
        stale = [
            Lease(*name, each.holder)
            for name, each in held.items()
            if name not in known
            and name[0] in self.workers
            and not self._is_kept(name, each)
            and self._is_free(name, each)
        ]
        if stale:
            with self._store.write() as connection:
                leases.remove(connection, stale)

    def _is_kept(self, name: tuple[str, str], held: Held) -> bool:
        """Whether a task of this engine is only idle: to take its lease again would cost more."""
        keeps: Callable[[str], bool] | None = getattr(self.workers[name[0]], "keeps", None)
        return held.holder == self.holder and keeps is not None and keeps(name[1])

    def _is_free(self, name: tuple[str, str], held: Held | None) -> bool:
        """Whether nobody else works on a task: its holder is gone, or has not renewed its lease."""
        if held is None or held.holder == self.holder or not self._watch.left_s(name, held):
            return True
        host, pid, _ = held.holder.rsplit("#", 2)
        if host != self._machine:
            return False
        if int(pid) == os.getpid():
            return held.holder not in {runner.holder for runner in list(_all)}
        return not has_process(int(pid))

    def _wait_ms(self, found: _Found, now: int) -> int:
        """After how long a task may be free: it is due, and its lease over or its holder dead."""
        due = max(0, found.task.due - now)
        held = found.held
        if held is None or self._is_free(found.name, held):
            return due
        left = math.ceil(self._watch.left_s(found.name, held) * 1000)
        return max(due, min(left, _LOOK_MS))

    @staticmethod
    def _fail(worker: Worker, lease: Lease, now: int) -> None:
        with suppress(LostError):
            worker.fail(lease.key, lease, now)


_all: weakref.WeakSet[Runner] = weakref.WeakSet()

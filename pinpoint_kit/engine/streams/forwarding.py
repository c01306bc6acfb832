"""`Forwarder`: sends the records of the backlog to one destination, call by call.

A task is an application. A call is chosen and stored, sent outside of any transaction, and its
outcome stored together with the next call; a crash in between repeats exactly that call. One
process at a time sends the records of an application to a destination, by its lease. Each forwarder
has a lane of its own (see `Engine.lanes`), so that a destination that is slow or down holds up
nobody else.

What goes into a call stands in streams/progress.py.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.context import Context
from pinpoint_kit.engine.storage.tables.streams import STREAM_BACKLOG
from pinpoint_kit.engine.streams import backlog, cursors, letters
from pinpoint_kit.engine.streams.cursors import Cursor
from pinpoint_kit.engine.streams.progress import (
    LONGEST_WAIT_MS,
    MOST_OPEN,
    Choice,
    GivenUp,
    Limits,
    Progress,
)
from pinpoint_kit.engine.streams.rows import end_of, row_of
from pinpoint_kit.engine.work.leases import LostError
from pinpoint_kit.engine.work.worker import Task
from pinpoint_kit.records.destination import Destination, Refused, StreamRecord, Unavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from sqlalchemy import Connection

    from pinpoint_kit.engine.work.leases import Lease

__all__ = ["OUTCOMES", "Forwarder", "workers_of"]

_logger = logging.getLogger(__name__)

#: What is told of records and calls, see `Context.on_forwarded`: records that were acknowledged,
#: refused, sent again after a crash, and given up; and calls of which nothing was taken.
OUTCOMES = ("sent", "refused", "repeated", "dead", "failed")
#: A step goes on sending for so long, while it can.
_STEP_S = 0.2
#: Waits after a call that failed as a whole, and of a record that was refused: doubled each time,
#: up to the longest, and shortened at random so that many do not come back at the same moment.
_FIRST_CALL_WAIT_S, _LONGEST_CALL_WAIT_S = 0.5, 60.0
_FIRST_RECORD_WAIT_S, _LONGEST_RECORD_WAIT_S = 0.2, LONGEST_WAIT_MS / 1_000
#: A destination that asks to be left alone is, for an hour at most.
_LONGEST_ASKED_S = cursors.LONGEST_PAUSE_MS / 1_000
#: How often to look for new applications, and to show others that the destination is there.
_CLAIM_MS = 15_000
_SEEN_MS = 60_000
_AFTER_FAULT_MS = 60_000
_CLAIMS = "claims"
#: Rows to delete after a call, of those that all destinations are done with.
_DELETED_ROWS = 500
#: Rows to read at once at first, twice as many each time: a row has one record, or hundreds.
_FIRST_ROWS = 4
_MOST_CHARS = 500
_NO_LIMIT = 2**62


def _wait_ms(count: int, first: float, longest: float) -> int:
    """Return how long to wait after that many failures."""
    seconds = min(longest, first * 2.0 ** min(count - 1, 32))
    return int(seconds * random.uniform(0.5, 1.0) * 1000)  # noqa: S311 -- no secret


@attrs.frozen
class _Outcome:
    """What is to be stored after a call."""

    cursor: Cursor
    progress: Progress
    given_up: Sequence[GivenUp] = ()


@attrs.define
class Forwarder:
    """One destination, and all applications whose records it is to get.

    In a forked child it does nothing: connections belong to the parent.
    """

    destination: Destination
    keys: Sequence[str]
    _context: Context
    _monotonic: Callable[[], float]
    _claims_due: int = 0
    _known: frozenset[str] = frozenset()
    _rests_until: float = 0.0
    _pid: int = attrs.field(factory=os.getpid)

    @property
    def name(self) -> str:
        """What its leases are stored under."""
        return f"stream {self.destination.name}"

    def tasks(self, connection: Connection, now: int) -> Sequence[Task]:
        """Return the applications that have records for the destination."""
        if os.getpid() != self._pid:
            return []
        waiting = cursors.wanting(connection, self.destination.name)
        return [
            Task(_CLAIMS, self._claims_due),
            *(Task(str(each.app), each.next_due(now)) for each in waiting),
        ]

    def keeps(self, key: str) -> bool:
        """Return whether an application without records stays this engine's, if nobody wants it.

        More will come, and to take a lease and give it up are writes that all others wait for.
        """
        return key in self._known

    def is_resting(self) -> bool:
        """Return whether the destination is left alone for a while, after a call that failed.

        More records cannot be sent then. To look for them at each request would take from requests
        what a destination that is down must not cost; those of other applications wait, too, until
        one of them has found it up.
        """
        return self._monotonic() < self._rests_until

    def run(self, key: str, lease: Lease, now: int) -> None:
        """Send some calls of an application."""
        if key == _CLAIMS:
            self._claim(now)
            return
        began = self._monotonic()
        at, outcome = now, None
        while True:
            outcome = self._call(int(key), lease, at, outcome)
            passed = self._monotonic() - began
            at = now + int(passed * 1000)
            if outcome is None:
                return
            if passed > _STEP_S:
                self._save(outcome, lease, at)
                return

    def fail(self, key: str, lease: Lease, now: int) -> None:
        """Try again in a minute: no record is given up for a fault of ours."""
        if key == _CLAIMS:
            self._claims_due = now + _AFTER_FAULT_MS
            return
        with self._context.store.write() as connection:
            lease.check(connection)
            cursor = self._cursor(connection, int(key))
            failed = self._failed(cursor, "InternalError", "the engine failed; see its log", now)
            failed = attrs.evolve(failed, due=now + _AFTER_FAULT_MS)
            cursors.save(connection, failed, cursor.progress)

    def forget(self, key: str) -> None:
        """Do nothing: all that matters is stored."""

    def close(self) -> None:
        """Do nothing: the engine closes destinations."""

    def _claim(self, now: int) -> None:
        """Make the cursors of applications that have come up, and show that this engine is here."""
        self._claims_due = now + _CLAIM_MS
        name = self.destination.name
        with self._context.store.read() as connection:
            found = cursors.claimable(connection, self.keys)
            known = {each.app: each for each in cursors.of_destination(connection, name)}
        self._known = frozenset(str(app) for app in known)
        missing = [
            (app, key, is_standing)
            for app, key, is_standing in found
            if app not in known or not known[app].has_claim(key, is_standing=is_standing)
        ]
        is_old = any(now - each.seen_at >= _SEEN_MS for each in known.values())
        if not missing and not is_old:
            return
        with self._context.store.write() as connection:
            for app, key, is_standing in missing:
                cursors.claim(connection, app, name, key, now, is_standing=is_standing)
            cursors.touch(connection, name, now)
        self._known |= {str(app) for app, _, _ in missing}

    def _cursor(self, connection: Connection, app: int) -> Cursor:
        cursor = cursors.load(connection, app, self.destination.name)
        if cursor is None:
            raise LostError
        return cursor

    def _call(self, app: int, lease: Lease, now: int, before: _Outcome | None) -> _Outcome | None:
        """Store the outcome of one call together with what the next one sends, and send that.

        Args:
            app: the application.
            lease: of the task.
            now: milliseconds since 1970.
            before: the outcome of the call before, which is not stored yet.

        Returns:
            The outcome to be stored; None when it is stored, and there is nothing to send now.
        """
        store = self._context.store
        settled = store.settled(STREAM_BACKLOG.name)
        with store.read() as connection:
            stored = self._cursor(connection, app)
            cursor = stored if before is None else before.cursor.with_claim_of(stored)
            progress = stored.progress if before is None else before.progress
            application = apps.by_number(connection, app)
            if application is None:
                raise LostError
            choice = Choice()
            is_early = cursors.is_future(cursor.due, now, cursors.LONGEST_PAUSE_MS)
            may_send = not stored.paused and not is_early
            if may_send:
                choice = self._chosen(connection, cursor, progress, settled, now)
        records, repeated = choice.records, 0
        if may_send and progress.sending:
            repeated = 0 if progress.is_answered else len(records)
            progress.is_answered = False
            if not records:  # all of it is gone, by an erasure
                progress.settle([], 1, lambda _: 0, [])
        elif may_send:
            progress.begin(records)
        if may_send:
            cursor = attrs.evolve(
                cursor,
                repeated=cursor.repeated + repeated,
                due=0 if records or len(progress.open) < MOST_OPEN else progress.due,
                retry_due=progress.due,
            )
        given_up = list(before.given_up) if before is not None else []
        for each in choice.too_large:
            given_up.append(GivenUp(each.number, "RecordTooLarge", self._size_rule(), 0))
            cursor = self._with_error(cursor, "RecordTooLarge", self._size_rule(), now)
        is_changed = cursor != stored or progress.state != stored.state
        if is_changed or progress.top != stored.top or given_up:
            self._save(_Outcome(cursor, progress, given_up), lease, now)
        self._tell("repeated", repeated)
        if not records:
            return None
        return self._send(application.id, cursor, progress, records, now=now)

    def _chosen(
        self,
        connection: Connection,
        cursor: Cursor,
        progress: Progress,
        settled: int | None,
        now: int,
    ) -> Choice:
        """Return what to send: the call that was interrupted, or a new one."""
        app, choice = cursor.app, Choice()
        if progress.sending:
            numbers = set(progress.sending)
            choice.records = list(self._records(connection, app, numbers))
            return choice
        limits = self._limits()
        if progress.open:
            found = list(self._records(connection, app, progress.open.keys()))
            progress.forget_missing(list(progress.open), {each.number for each in found})
            progress.look(choice, found, limits, now)
        last = _NO_LIMIT if settled is None else settled
        last = last if cursor.until is None else min(last, cursor.until)
        most = _FIRST_ROWS
        while not choice.is_full and len(progress.open) - len(choice.records) < MOST_OPEN:
            rows = backlog.rows_above(connection, app, row_of(progress.top), last, most)
            if end_of(row_of(progress.top)) != progress.top:  # stopped within a row
                rows = [
                    *backlog.rows_by_number(connection, app, [row_of(progress.top)]),
                    *rows[: most - 1],
                ]
            for row in rows:
                is_mine = cursor.is_for_it(row.number, row.destination)
                records = row.records(progress.top) if is_mine else ()
                progress.look(choice, records, limits, now, end=end_of(row.number))
                if choice.is_full:
                    break
            if len(rows) < most:
                break
            most = min(2 * most, 256)
        return choice

    @staticmethod
    def _records(
        connection: Connection, app: int, numbers: Collection[int]
    ) -> Iterator[StreamRecord]:
        """Yield records by their numbers, those that are still there."""
        wanted = sorted({row_of(number) for number in numbers})
        for row in backlog.rows_by_number(connection, app, wanted):
            for record in row.records():
                if record.number in numbers:
                    yield record

    def _limits(self) -> Limits:
        to = self.destination
        return Limits(
            most_records=max(1, to.most_records),
            most_bytes=to.most_bytes,
            most_record_bytes=to.most_record_bytes,
            keeps_order=bool(getattr(to, "keeps_order", False)),
        )

    def _size_rule(self) -> str:
        return f"the record is larger than the {self.destination.most_record_bytes} bytes it takes"

    def _send(
        self,
        application_id: str,
        cursor: Cursor,
        progress: Progress,
        records: Sequence[StreamRecord],
        *,
        now: int,
    ) -> _Outcome:
        """Send a call, and return its outcome."""
        began = self._monotonic()
        try:
            results = self._answered(application_id, records)
        except Unavailable as error:
            now += int((self._monotonic() - began) * 1000)
            progress.fail()
            code = str(getattr(error, "code", "") or "Unavailable")
            failed = self._failed(cursor, code, str(error), now, error.retry_after)
            self._rests_until = self._monotonic() + (failed.due - now) / 1000
            self._tell("failed", 1)
            if failed.failures == 1:
                _logger.warning(
                    "the event stream cannot reach %s (%s): records wait, and are sent later",
                    self.destination.name,
                    code,
                )
            return _Outcome(failed, progress)
        now += int((self._monotonic() - began) * 1000)
        self._rests_until = 0.0
        if cursor.failures:
            _logger.warning("the event stream reaches %s again", self.destination.name)
        given_up = progress.settle(
            results,
            self._context.streams.most_tries,
            lambda count: now + _wait_ms(count, _FIRST_RECORD_WAIT_S, _LONGEST_RECORD_WAIT_S),
            [each.number for each in records],
        )
        refused = [each for each in results if each is not None]
        taken = len(records) - len(refused)
        after = attrs.evolve(
            cursor.with_sent(taken, now),
            failures=0,
            retry_due=progress.due,
            refused=cursor.refused + len(refused),
        )
        if refused:
            after = self._with_error(after, refused[-1].code, refused[-1].message, now)
        self._tell("sent", taken)
        self._tell("refused", len(refused))
        return _Outcome(after, progress, given_up)

    def _answered(
        self, application_id: str, records: Sequence[StreamRecord]
    ) -> Sequence[Refused | None]:
        """Send, and turn whatever goes wrong into `Unavailable`: nothing is lost by a fault."""
        try:
            results = list(self.destination.send(application_id, records))
        except Unavailable:
            raise
        except Exception as error:
            raise Unavailable(f"the destination failed: {type(error).__name__}") from error
        if len(results) != len(records):
            raise Unavailable(
                f"the destination answered for {len(results)} records of {len(records)}"
            )
        if not all(each is None or isinstance(each, Refused) for each in results):
            raise Unavailable("the destination answered with something else than None and Refused")
        return results

    def _save(self, outcome: _Outcome, lease: Lease, now: int) -> None:
        """Store how far the destination has come, in one transaction with what follows from it."""
        store, cursor, progress = self._context.store, outcome.cursor, outcome.progress
        with store.write(is_shared=True) as connection:
            store.claim(connection, cursor.app, ())
            lease.check(connection)
            self._cursor(connection, cursor.app)
            buried = letters.bury(connection, cursor.app, cursor.destination, outcome.given_up, now)
            cursors.save(connection, cursor, progress)
            if progress.prefix > cursor.prefix:
                cursors.delete_done(connection, cursor.app, _DELETED_ROWS)
        self._tell("dead", buried)

    def _failed(
        self, cursor: Cursor, code: str, message: str, now: int, retry_after: float | None = None
    ) -> Cursor:
        """Return a cursor after a call of which nothing was taken."""
        failures = cursor.failures + 1
        wait = _wait_ms(failures, _FIRST_CALL_WAIT_S, _LONGEST_CALL_WAIT_S)
        if retry_after is not None and retry_after > 0:
            wait = max(wait, int(min(retry_after, _LONGEST_ASKED_S) * 1000))
        failed = attrs.evolve(cursor, failures=failures, failed=cursor.failed + 1, due=now + wait)
        return self._with_error(failed, code, message, now)

    @staticmethod
    def _with_error(cursor: Cursor, code: str, message: str, now: int) -> Cursor:
        return attrs.evolve(
            cursor,
            error_code=code[:_MOST_CHARS],
            error_message=message[:_MOST_CHARS],
            error_at=now,
        )

    def _tell(self, outcome: str, count: int) -> None:
        if count:
            self._context.on_forwarded(self.destination.name, outcome, count)


def workers_of(context: Context, monotonic: Callable[[], float]) -> list[Forwarder]:
    """Return a forwarder for each destination that the operator has given."""
    keys: dict[str, list[str]] = {}
    known: dict[str, Destination] = {}
    for key, given in context.streams.destinations.items():
        for destination in given:
            known.setdefault(destination.name, destination)
            keys.setdefault(destination.name, []).append(key)
    return [Forwarder(known[name], keys[name], context, monotonic) for name in known]

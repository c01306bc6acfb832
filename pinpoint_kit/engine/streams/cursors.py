"""The rows of `stream_cursors`: what each destination has taken of an application, and its state.

Whoever forwards writes how far it has come; pausing and resuming write the column `paused` alone.
What the numbers mean stands in streams/progress.py.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import attrs
import orjson
from sqlalchemy import (
    BigInteger,
    Integer,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    select,
    update,
)

from pinpoint_kit.engine.storage.dialects.statements import insert_ignoring
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.applications import APPS
from pinpoint_kit.engine.storage.tables.streams import (
    EVENT_STREAMS,
    STREAM_BACKLOG,
    STREAM_CURSORS,
    STREAM_LOSSES,
)
from pinpoint_kit.engine.streams import rows
from pinpoint_kit.engine.streams.progress import LONGEST_WAIT_MS, Progress

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection

__all__ = [
    "LONGEST_PAUSE_MS",
    "LOST_GONE",
    "LOST_UNCLAIMED",
    "RESUMED",
    "Cursor",
    "Waiting",
    "claim",
    "claimable",
    "count_loss",
    "delete_done",
    "has_done",
    "hasten",
    "is_claimed",
    "is_future",
    "lapse",
    "load",
    "of_app",
    "of_destination",
    "remove",
    "save",
    "touch",
    "wanting",
]

_CURSORS = STREAM_CURSORS
_ROWS = STREAM_BACKLOG
#: Why records are lost: the one destination that they are for is gone, or nobody had claimed their
#: stream when it was deleted or replaced.
LOST_GONE, LOST_UNCLAIMED = "destination-gone", "unclaimed"
#: The longest time that nothing is sent, after a call that has failed.
LONGEST_PAUSE_MS = 3_600_000
#: Over how long the rate is averaged.
_RATE_S = 60.0


@attrs.frozen
class Cursor:
    """A row, in the order of the columns."""

    app: int
    destination: str
    claim: str
    is_standing: int
    prefix: int
    top: int
    state: str = attrs.field(repr=False)
    until: int | None
    gaps: str
    paused: int
    due: int
    retry_due: int
    failures: int
    error_code: str | None
    error_message: str | None
    error_at: int | None
    sent: int
    refused: int
    failed: int
    repeated: int
    rate: float
    sent_at: int | None
    seen_at: int

    @property
    def progress(self) -> Progress:
        """How far it has come, to be changed."""
        return Progress.read(self.top, self.state)

    @property
    def skipped(self) -> Sequence[tuple[int, int]]:
        """First and last rows of what was recorded while its stream was not there."""
        return [(first, last) for first, last in orjson.loads(self.gaps)] if self.gaps else ()

    def has_claim(self, key: str, *, is_standing: bool) -> bool:
        """Return whether it takes new records of what a key names, with a stream or without."""
        if is_standing:
            return bool(self.is_standing)
        return self.claim == key and self.until is None

    def with_claim_of(self, stored: Cursor) -> Cursor:
        """Return it with what it is for now, which may have changed during a call."""
        return attrs.evolve(self, claim=stored.claim, until=stored.until, gaps=stored.gaps)

    def is_for_it(self, number: int, destination: str | None) -> bool:
        """Return whether a row is for it, by its number and whom it is for alone."""
        return (
            destination in {None, self.destination}
            and (self.until is None or number <= self.until)
            and not any(first <= number <= last for first, last in self.skipped)
        )

    def rate_at(self, now: int) -> float:
        """Return how many records a second have been acknowledged lately."""
        if self.sent_at is None:
            return 0.0
        return self.rate * math.exp(-max(0, now - self.sent_at) / 1000 / _RATE_S)

    def with_sent(self, count: int, now: int) -> Cursor:
        """Return the row after more records were acknowledged."""
        rate = self.rate_at(now) + count / _RATE_S
        return attrs.evolve(
            self, sent=self.sent + count, rate=rate, sent_at=now if count else self.sent_at
        )


@attrs.frozen
class Waiting:
    """A cursor that may have something to send."""

    app: int
    due: int
    retry_due: int
    has_new: bool

    def next_due(self, now: int) -> int:
        """Return when there is something to do, 0 for now."""
        due = self.due if is_future(self.due, now, LONGEST_PAUSE_MS) else 0
        if self.has_new or not is_future(self.retry_due, now, LONGEST_WAIT_MS):
            return due
        return max(due, self.retry_due)


def is_future(due: int, now: int, most: int) -> bool:
    """Return whether a moment is to be waited for: one too far away is of a clock set back."""
    return now < due <= now + most


_ALL = select(*_CURSORS.columns)
_LOAD = Statement(
    _ALL.where(_CURSORS.c.app == bindparam("app_")).where(
        _CURSORS.c.destination == bindparam("destination_")
    ),
    "app_",
    "destination_",
)
_OF_APP = Statement(
    _ALL.where(_CURSORS.c.app == bindparam("app_")).order_by(_CURSORS.c.destination), "app_"
)
_OF_DESTINATION = Statement(
    _ALL.where(_CURSORS.c.destination == bindparam("destination_")).order_by(_CURSORS.c.app),
    "destination_",
)
_HAS_ROWS = exists().where(
    _ROWS.c.app == _CURSORS.c.app,
    _ROWS.c.number >= (_CURSORS.c.top + literal(1)) // literal(rows.PLACES),
    _ROWS.c.number <= func.coalesce(_CURSORS.c.until, literal(2**62)),
)
_WANTING = Statement(
    select(_CURSORS.c.app, _CURSORS.c.due, _CURSORS.c.retry_due, _HAS_ROWS)
    .where(_CURSORS.c.destination == bindparam("destination_"))
    .where(_CURSORS.c.paused == literal(0))
    .where((_CURSORS.c.prefix < _CURSORS.c.top) | _HAS_ROWS)
    .order_by(_CURSORS.c.app),
    "destination_",
)
#: `due` after ResumeStream, until the next call begins: the outcome of one that was under way then
#: has nobody wait.
RESUMED = -1
_NEW_DUE = bindparam("due_", type_=BigInteger)
#: What whoever forwards writes.
_PROGRESS = (
    "prefix",
    "top",
    "state",
    "due",
    "retry_due",
    "failures",
    "error_code",
    "error_message",
    "error_at",
    "sent",
    "refused",
    "failed",
    "repeated",
    "rate",
    "sent_at",
)
_SAVE = Statement(
    update(_CURSORS)
    .values(
        {name: bindparam(f"{name}_") for name in _PROGRESS}
        | {
            "due": case(
                ((_CURSORS.c.due == literal(RESUMED)) & (literal(0) < _NEW_DUE), literal(0)),
                else_=_NEW_DUE,
            )
        }
    )
    .where(_CURSORS.c.app == bindparam("app_"))
    .where(_CURSORS.c.destination == bindparam("destination_")),
    *(f"{name}_" for name in _PROGRESS),
    "app_",
    "destination_",
)
_CLAIM = Statement(
    lambda dialect: insert_ignoring(dialect, _CURSORS).values(
        {column.name: bindparam(column.name) for column in _CURSORS.columns}
    ),
    *(column.name for column in _CURSORS.columns),
)
_CLAIM_AGAIN = Statement(
    update(_CURSORS)
    .values(
        # A stream is named by the claim; without one, it names the application.
        claim=case(
            (
                (bindparam("is_standing_", type_=Integer) == literal(1))
                & _CURSORS.c.until.is_(None),
                _CURSORS.c.claim,
            ),
            else_=bindparam("claim_"),
        ),
        # Once records are made for it without a stream, that does not end with one.
        is_standing=case(
            (_CURSORS.c.is_standing == literal(1), literal(1)), else_=bindparam("is_standing_")
        ),
        until=None,
        gaps=bindparam("gaps_"),
        seen_at=bindparam("seen_at_"),
    )
    .where(_CURSORS.c.app == bindparam("app_"))
    .where(_CURSORS.c.destination == bindparam("destination_")),
    "is_standing_",
    "claim_",
    "gaps_",
    "seen_at_",
    "app_",
    "destination_",
)
_LAPSE = Statement(
    update(_CURSORS)
    .values(until=bindparam("until_"))
    .where(_CURSORS.c.app == bindparam("app_"))
    .where(_CURSORS.c.claim == bindparam("claim_"))
    .where(_CURSORS.c.is_standing == literal(0))
    .where(_CURSORS.c.until.is_(None)),
    "until_",
    "app_",
    "claim_",
)
_REMOVE = Statement(
    delete(_CURSORS)
    .where(_CURSORS.c.app == bindparam("app_"))
    .where(_CURSORS.c.destination == bindparam("destination_")),
    "app_",
    "destination_",
)
_TOUCH = Statement(
    update(_CURSORS)
    .values(seen_at=bindparam("seen_at_"))
    .where(_CURSORS.c.destination == bindparam("destination_")),
    "seen_at_",
    "destination_",
)
_SINCE = Statement(
    select(EVENT_STREAMS.c.since)
    .where(EVENT_STREAMS.c.app == bindparam("app_"))
    .where(EVENT_STREAMS.c.destination == bindparam("claim_")),
    "app_",
    "claim_",
)
_STREAM = Statement(
    select(EVENT_STREAMS.c.destination, EVENT_STREAMS.c.since).where(
        EVENT_STREAMS.c.app == bindparam("app_")
    ),
    "app_",
)
_KEPT = Statement(
    select(func.coalesce(func.sum(_ROWS.c.count), 0))
    .where(_ROWS.c.app == bindparam("app_"))
    .where(_ROWS.c.number > bindparam("since_"))
    .where(_ROWS.c.number <= bindparam("last_"))
    .where(_ROWS.c.destination.is_(None)),
    "app_",
    "since_",
    "last_",
)
_FEW_ROWS = (
    select(_ROWS.c.number)
    .where(_ROWS.c.app == bindparam("app_"))
    .where(_ROWS.c.number <= bindparam("last_"))
    .order_by(_ROWS.c.number)
    .limit(bindparam("most_"))
)
_DELETE_ROWS = Statement(
    delete(_ROWS).where(_ROWS.c.number.in_(_FEW_ROWS)), "app_", "last_", "most_"
)
_IS_FOR_ONE = (
    (_ROWS.c.app == bindparam("app_"))
    & _ROWS.c.again.is_not(None)
    & _ROWS.c.destination.is_not(None)
    & (_ROWS.c.number <= bindparam("last_"))
)
_HAS_FOR_ONE = Statement(
    select(_ROWS.c.number).where(_IS_FOR_ONE).limit(literal(1)), "app_", "last_"
)
_FOR_ONE = Statement(
    select(_ROWS.c.number, _ROWS.c.destination, _ROWS.c.count)
    .where(_IS_FOR_ONE)
    .where(_ROWS.c.number.in_(_FEW_ROWS)),
    "app_",
    "last_",
    "most_",
)
_DELETE_FOR_ONE = Statement(
    delete(_ROWS)
    .where(_ROWS.c.app == bindparam("app_"))
    .where(_ROWS.c.again.is_not(None))
    .where(_ROWS.c.destination == bindparam("destination_")),
    "app_",
    "destination_",
)
_OF_ONE_BETWEEN = (
    (_ROWS.c.app == bindparam("app_"))
    & _ROWS.c.again.is_not(None)
    & (_ROWS.c.destination == bindparam("destination_"))
    & _ROWS.c.number.between(bindparam("first_"), bindparam("last_"))
)
_COUNT_BETWEEN = Statement(
    select(func.coalesce(func.sum(_ROWS.c.count), 0)).where(_OF_ONE_BETWEEN),
    "app_",
    "destination_",
    "first_",
    "last_",
)
_DELETE_BETWEEN = Statement(
    delete(_ROWS).where(_OF_ONE_BETWEEN), "app_", "destination_", "first_", "last_"
)
#: No row has this number.
_BEYOND_ALL = 2**62
_LOSS_ADDED = Statement(
    update(STREAM_LOSSES)
    .values(records=STREAM_LOSSES.c.records + bindparam("records_"))
    .where(STREAM_LOSSES.c.app == bindparam("app_"))
    .where(STREAM_LOSSES.c.destination == bindparam("destination_"))
    .where(STREAM_LOSSES.c.reason == bindparam("reason_")),
    "records_",
    "app_",
    "destination_",
    "reason_",
)
_LOSS_BEGUN = Statement(
    lambda dialect: insert_ignoring(dialect, STREAM_LOSSES).values(
        {column.name: bindparam(column.name) for column in STREAM_LOSSES.columns}
    ),
    "app",
    "destination",
    "reason",
    "records",
)


def load(connection: Connection, app: int, destination: str) -> Cursor | None:
    """Return a cursor, None when there is none, such as after DeleteApp."""
    found = _LOAD.rows(connection, app, destination)
    return Cursor(*found[0]) if found else None


def of_app(connection: Connection, app: int) -> Sequence[Cursor]:
    """Return the cursors of an application, by destination."""
    return [Cursor(*row) for row in _OF_APP.rows(connection, app)]


def of_destination(connection: Connection, destination: str) -> Sequence[Cursor]:
    """Return the cursors of a destination, by application."""
    return [Cursor(*row) for row in _OF_DESTINATION.rows(connection, destination)]


def wanting(connection: Connection, destination: str) -> Sequence[Waiting]:
    """Return which applications have something for a destination, now or later."""
    return [Waiting(*row) for row in _WANTING.rows(connection, destination)]


def save(connection: Connection, cursor: Cursor, progress: Progress) -> None:
    """Write how far a destination has come."""
    after: Any = attrs.evolve(
        cursor, prefix=progress.prefix, top=progress.top, state=progress.state
    )
    values = [getattr(after, name) for name in _PROGRESS]
    _SAVE.run_many(connection, [(*values, cursor.app, cursor.destination)])


def claim(  # noqa: PLR0913 -- a transaction, and what is claimed
    connection: Connection, app: int, destination: str, claimed: str, now: int, *, is_standing: bool
) -> None:
    """Make the cursor of a destination, or have an old one go on.

    A new one begins with what is kept: records of a stream that nobody has claimed so far. One
    whose stream comes back goes on, and passes by what was recorded in between. Nothing happens
    where the stream is not there any more.
    """
    found = _SINCE.rows(connection, app, claimed)
    if not found and not is_standing:
        return
    since = found[0][0] if found else None
    start = 0 if since is None else rows.end_of(since)
    made = Cursor(
        app=app,
        destination=destination,
        claim=claimed,
        is_standing=int(is_standing),
        prefix=start,
        top=start,
        state="",
        until=None,
        gaps="",
        paused=0,
        due=0,
        retry_due=0,
        failures=0,
        error_code=None,
        error_message=None,
        error_at=None,
        sent=0,
        refused=0,
        failed=0,
        repeated=0,
        rate=0.0,
        sent_at=None,
        seen_at=now,
    )
    if not _CLAIM.run_many(connection, [attrs.astuple(made)]):
        before = load(connection, app, destination)
        gaps = before.gaps if before is not None else ""
        if before is not None and before.until is not None and not is_standing:
            gaps = _with_gap(before, before.until + 1, since or 0)
            _give_up_between(connection, app, destination, before.until + 1, since or 0)
        again = (int(is_standing), claimed, gaps, now, app, destination)
        _CLAIM_AGAIN.run_many(connection, [again])


def _with_gap(cursor: Cursor, first: int, last: int) -> str:
    """Return the gaps of a cursor with one more, without those that it has passed."""
    gaps = [gap for gap in cursor.skipped if gap[1] >= rows.row_of(cursor.top + 1)]
    if first <= last:
        gaps.append((first, last))
    return orjson.dumps(gaps).decode() if gaps else ""


def lapse(connection: Connection, app: int, arn: str, last: int) -> int:
    """Have the destinations of a stream that is gone take what is there, and nothing more.

    Without any, what was kept for it is counted as lost.

    Args:
        connection: a write transaction.
        app: the application.
        arn: the stream's.
        last: the last row that is for it.

    Returns:
        How many records are lost.
    """
    lost = 0
    if not is_claimed(of_app(connection, app), arn):
        (since,) = _SINCE.rows(connection, app, arn)[0]
        lost = int(_KEPT.rows(connection, app, since or 0, last)[0][0])
        count_loss(connection, app, "", LOST_UNCLAIMED, lost)
    _LAPSE.run_many(connection, [(last, app, arn)])
    return lost


def is_claimed(known: Collection[Cursor], arn: str) -> bool:
    """Return whether one of an application's destinations takes what is recorded for a stream."""
    return any(cursor.claim == arn and cursor.until is None for cursor in known)


def hasten(connection: Connection, cursor: Cursor) -> None:
    """Have all that waits for a moment sent at once."""
    progress = cursor.progress
    progress.hasten()
    save(connection, attrs.evolve(cursor, due=RESUMED, retry_due=0), progress)


def remove(connection: Connection, app: int, destination: str) -> bool:
    """Forget a destination of an application, and what is for it alone.

    What was put there for it after its stream had ended is counted as lost.

    Returns:
        Whether there was one.
    """
    cursor = load(connection, app, destination)
    if cursor is not None and cursor.until is not None:
        _give_up_between(connection, app, destination, cursor.until + 1, _BEYOND_ALL)
    _DELETE_FOR_ONE.run_many(connection, [(app, destination)])
    return bool(_REMOVE.run_many(connection, [(app, destination)]))


def _give_up_between(
    connection: Connection, app: int, destination: str, first: int, last: int
) -> None:
    """Delete rows that are for a destination alone and that it does not take; count them."""
    lost = _COUNT_BETWEEN.rows(connection, app, destination, first, last)[0][0]
    if lost:
        count_loss(connection, app, destination, LOST_GONE, int(lost))
        _DELETE_BETWEEN.run_many(connection, [(app, destination, first, last)])


def touch(connection: Connection, destination: str, now: int) -> None:
    """Show that an engine has the destination."""
    _TOUCH.run_many(connection, [(now, destination)])


def delete_done(connection: Connection, app: int, most: int) -> int:
    """Delete rows that all destinations of an application are done with.

    What is for one alone that does not take it any more is counted as lost.

    Args:
        connection: a write transaction.
        app: the application.
        most: how many rows.

    Returns:
        How many rows were deleted.
    """
    last = _done_up_to(connection, app)
    if _HAS_FOR_ONE.rows(connection, app, last):
        until = {each.destination: each.until for each in of_app(connection, app)}
        for number, name, count in _FOR_ONE.rows(connection, app, last, most):
            end = until.get(name, 0)
            if end is not None and number > end:
                count_loss(connection, app, name, LOST_GONE, count)
    return _DELETE_ROWS.run_many(connection, [(app, last, most)])


def has_done(connection: Connection, app: int) -> bool:
    """Return whether `delete_done` would delete something."""
    oldest = select(func.min(_ROWS.c.number)).where(_ROWS.c.app == app)
    first = connection.execute(oldest).scalar()
    return first is not None and first <= _done_up_to(connection, app)


def _done_up_to(connection: Connection, app: int) -> int:
    """Return the last row that nobody needs any more."""
    known = of_app(connection, app)
    floors = [
        cursor.prefix
        for cursor in known
        if cursor.until is None or cursor.prefix < rows.end_of(cursor.until)
    ]
    stream = _STREAM.rows(connection, app)
    if stream and not is_claimed(known, stream[0][0]):
        floors.append(rows.end_of(stream[0][1] or 0))
    # Without any, nobody will ever take them.
    return rows.row_of(min(floors) + 1) - 1 if floors else _newest(connection, app)


def _newest(connection: Connection, app: int) -> int:
    found = select(func.max(_ROWS.c.number)).where(_ROWS.c.app == app)
    return connection.execute(found).scalar() or 0


def count_loss(
    connection: Connection, app: int, destination: str, reason: str, records: int
) -> None:
    """Count records that a destination will never get."""
    if not records:
        return
    if not _LOSS_ADDED.run_many(connection, [(records, app, destination, reason)]):
        begun = [(app, destination, reason, records)]
        if not _LOSS_BEGUN.run_many(connection, begun):
            _LOSS_ADDED.run_many(connection, [(records, app, destination, reason)])


def claimable(connection: Connection, keys: Collection[str]) -> Sequence[tuple[int, str, bool]]:
    """Return which applications some keys claim.

    Args:
        connection: where to look.
        keys: ARNs of streams, ids and names of applications.

    Returns:
        The number of each application, the key that claims it, and whether it does so without a
        stream.
    """
    given = list(keys)
    streams = select(EVENT_STREAMS.c.app, EVENT_STREAMS.c.destination).where(
        EVENT_STREAMS.c.destination.in_(given)
    )
    named = select(APPS.c.number, APPS.c.id, APPS.c.name).where(
        APPS.c.id.in_(given) | APPS.c.name.in_(given)
    )
    return [
        *((app, arn, False) for app, arn in connection.execute(streams)),
        *((n, i if i in keys else name, True) for n, i, name in connection.execute(named)),
    ]

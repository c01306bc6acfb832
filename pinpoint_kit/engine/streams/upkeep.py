"""`Upkeep`: keeps the backlog within its bounds, and puts old events into it that are replayed.

What is given up is counted by destination, and said once an hour. It runs in every engine, with
destinations or without: a stream that nobody claims must not grow for ever either.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
from sqlalchemy import bindparam, delete, func, literal, select, union, update

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.context import Context, Device
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.state import decoded, rendered
from pinpoint_kit.engine.storage.statements import Statement, padded
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.streams import (
    STREAM_BACKLOG,
    STREAM_CURSORS,
    STREAM_DEAD_LETTERS,
    STREAM_REPLAYS,
)
from pinpoint_kit.engine.streams import backlog, cursors, letters
from pinpoint_kit.engine.streams.rows import Head, end_of, first_of, row_of
from pinpoint_kit.engine.work.worker import Task
from pinpoint_kit.records.stream import RecordWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.work.leases import Lease

__all__ = ["LOST_FAULT", "LOST_FULL", "LOST_OLD", "Upkeep"]

_logger = logging.getLogger(__name__)

_ROWS = STREAM_BACKLOG
_REPLAYS = STREAM_REPLAYS
#: Why records are given up: too many wait, they have waited for too long, or a
#: replay failed again and again.
LOST_FULL, LOST_OLD, LOST_FAULT = "backlog-full", "too-old", "replay-failed"
#: Events that a step of a replay looks at.
_EVENTS_A_STEP = 500
_LOOK_MS = 15_000
_AFTER_FAULT_MS = 60_000
_WARN_MS = 3_600_000
#: Rows and records that one write deletes, and such writes of a step: others write in between.
_ROWS_A_WRITE, _RECORDS_A_WRITE, _WRITES_A_STEP = 2_000, 50_000, 20
#: After how long to look again whether there is room for a replay.
_ROOM_MS = 1_000
#: How many times in a row a step of a replay may fail.
_MOST_FAULTS = 10
_NO_FAULT = (0, 0)
_REPLAY, _BOUNDS = "replays", "bounds"

_HAS = Statement(
    select(
        select(literal(1)).select_from(_REPLAYS).limit(1).scalar_subquery(),
        select(literal(1)).select_from(_ROWS).limit(1).scalar_subquery(),
        select(literal(1)).select_from(STREAM_DEAD_LETTERS).limit(1).scalar_subquery(),
        select(literal(1)).select_from(STREAM_CURSORS).limit(1).scalar_subquery(),
    )
)

_FEW = select(_ROWS.c.number, _ROWS.c.arrival, _ROWS.c.destination, _ROWS.c.count).where(
    _ROWS.c.app == bindparam("app_")
)
_OLD = Statement(
    _FEW.where(_ROWS.c.arrival < bindparam("before_"))
    .order_by(_ROWS.c.arrival)
    .limit(bindparam("most_")),
    "app_",
    "before_",
    "most_",
)
#: What is sent once more goes first: it must not push out what is new.
_FIRST = tuple(
    Statement(
        _FEW.where(condition).order_by(_ROWS.c.number).limit(bindparam("most_")), "app_", "most_"
    )
    for condition in (_ROWS.c.again.is_not(None), _ROWS.c.again.is_(None))
)
_LISTS = (1, 10, 100, 500)
_DELETE = {
    size: Statement(
        delete(_ROWS).where(_ROWS.c.number.in_([bindparam(f"number_{n}") for n in range(size)])),
        *(f"number_{n}" for n in range(size)),
    )
    for size in _LISTS
}


class _Few(NamedTuple):
    """What is read of a row to give it up: not its records, which are most of it."""

    number: int
    arrival: int
    destination: str | None
    records: int


@attrs.define
class Upkeep:
    """Two tasks: one while events are replayed, one while there is a backlog at all."""

    _context: Context
    _due: int = 0
    _replay_due: int = 0
    _replaying: int | None = None
    #: By number of a replay: how often it failed in a row, and when it may go on.
    _replay_faults: dict[int, tuple[int, int]] = attrs.field(factory=dict)
    _to_look_at: list[int] = attrs.field(factory=list)
    _warned: dict[int, int] = attrs.field(factory=dict)

    @property
    def name(self) -> str:
        """What its leases are stored under."""
        return "stream-upkeep"

    def tasks(self, connection: Connection, now: int) -> Sequence[Task]:
        """Return the tasks."""
        # A clock that was set back must not stop them.
        if max(self._due, self._replay_due) > now + _AFTER_FAULT_MS:
            self._due = self._replay_due = 0
        is_replaying, *others = _HAS.rows(connection)[0]
        found = [Task(_REPLAY, self._replay_due)] if is_replaying else []
        return [*found, Task(_BOUNDS, self._due)] if any(others) else found

    def run(self, key: str, lease: Lease, now: int) -> None:
        """Replay some events, or look at the bounds of one application."""
        if key == _REPLAY:
            self._replay(lease, now)
            return
        if not self._to_look_at:
            with self._context.store.read() as connection:
                found = connection.execute(
                    union(
                        select(_ROWS.c.app),
                        select(STREAM_DEAD_LETTERS.c.app),
                        select(STREAM_CURSORS.c.app),
                    )
                )
                self._to_look_at = sorted({row[0] for row in found}, reverse=True)
        if self._to_look_at:
            app = self._to_look_at[-1]
            if self._keep(app, lease, now):
                self._to_look_at.remove(app)
        self._due = now if self._to_look_at else now + _LOOK_MS

    def fail(self, key: str, lease: Lease, now: int) -> None:
        """Try again in a minute, and go on with the next application until then."""
        if key == _BOUNDS:
            del self._to_look_at[-1:]
            self._due = now if self._to_look_at else now + _AFTER_FAULT_MS
        if key != _REPLAY or self._replaying is None:
            self._replay_due = now + _AFTER_FAULT_MS if key == _REPLAY else self._replay_due
            return
        number = self._replaying
        faults = self._replay_faults.pop(number, _NO_FAULT)[0] + 1
        if faults < _MOST_FAULTS:
            self._replay_faults[number] = faults, now + _AFTER_FAULT_MS
            return
        with self._context.store.write() as connection:
            lease.check(connection)
            here = _REPLAYS.c.number == number
            first = connection.execute(select(*_REPLAYS.columns).where(here)).mappings().first()
            if first is not None:
                self._end_replay(connection, dict(first))

    def _end_replay(self, connection: Connection, replay: Mapping[str, Any]) -> None:
        """Give up a replay that fails again and again, and count what it did not send."""
        app = replay["app"]
        counted = select(func.count()).where(
            EVENTS.c.app == app,
            EVENTS.c.number > replay["position"],
            EVENTS.c.number <= replay["last"],
            EVENTS.c.arrival >= replay["since"],
            EVENTS.c.arrival < replay["until"],
        )
        count = connection.execute(counted).scalar_one()
        for cursor in cursors.of_app(connection, app):
            if replay["destination"] in {None, cursor.destination} and cursor.until is None:
                cursors.count_loss(connection, app, cursor.destination, LOST_FAULT, count)
                self._context.on_forwarded(cursor.destination, "lost", count)
        connection.execute(delete(_REPLAYS).where(_REPLAYS.c.number == replay["number"]))
        _logger.error(
            "a replay of stored events failed %d times and ends: %d of its events were not sent;"
            " ask for it once more when the cause, in the lines above, is mended",
            _MOST_FAULTS,
            count,
        )

    def forget(self, key: str) -> None:
        """Do nothing: all is stored."""

    def close(self) -> None:
        """Do nothing: all is stored."""

    def _keep(self, app: int, lease: Lease, now: int) -> bool:
        """Look at one application; return whether nothing is left to do."""
        settings = self._context.streams
        before = now - settings.most_age_ms
        keep_ms = self._context.keep_events_ms
        kept_since = None if keep_ms is None else now - keep_ms
        with self._context.store.read() as connection:
            too_many = _waiting(connection, app) - settings.most_records
            is_old = bool(_OLD.rows(connection, app, before, 1))
            lapsed = [
                cursor
                for cursor in cursors.of_app(connection, app)
                if cursor.until is not None and cursor.prefix >= end_of(cursor.until)
            ]
            has_done = cursors.has_done(connection, app)
            has_dead = sum(letters.counts(connection, app).values()) > settings.most_dead_letters
            if kept_since is not None and letters.has_older(connection, app, kept_since):
                has_dead = True
        deleted = limited = expired = lost = 0
        if lapsed or has_done or has_dead:
            # Alone: nobody moves a cursor meanwhile.
            with self._context.store.write() as connection:
                lease.check(connection)
                for cursor in lapsed:
                    current = cursors.load(connection, app, cursor.destination)
                    if current == cursor:  # its stream has not come back meanwhile
                        cursors.remove(connection, app, cursor.destination)
                deleted = cursors.delete_done(connection, app, _ROWS_A_WRITE)
                if kept_since is not None:
                    expired = letters.expire(connection, app, kept_since)
                limited = letters.limit(connection, app, settings.most_dead_letters)
        has_given_up = False
        # What was done with has counted as waiting: nothing is given up before the next look.
        if not deleted and (too_many > 0 or is_old):
            has_given_up, lost = self._bound(app, lease, too_many, before)
        if lost or limited:
            self._warn(app, lost + limited, now)
        return not (deleted or expired or limited or has_given_up)

    def _bound(self, app: int, lease: Lease, too_many: int, before: int) -> tuple[bool, int]:
        """Give up what is too much or too old; return whether there was any, and records lost."""
        left, lost, has_given_up = too_many, 0, False
        for _ in range(_WRITES_A_STEP):
            with self._context.store.write() as connection:
                lease.check(connection)
                old, surplus = _oldest(connection, app, left, before)
                if not old and not surplus:
                    break
                known = cursors.of_app(connection, app)
                lost += self._give_up(connection, app, old, LOST_OLD, known)
                lost += self._give_up(connection, app, surplus, LOST_FULL, known)
            has_given_up = True
            left -= sum(row.records for row in (*old, *surplus))
        return has_given_up, lost

    def _give_up(
        self,
        connection: Connection,
        app: int,
        rows: Sequence[_Few],
        reason: str,
        known: Sequence[cursors.Cursor],
    ) -> int:
        """Delete rows, and count them for each destination that has yet to take them."""
        lost = 0
        for name, count in _missed(connection, app, rows, known).items():
            cursors.count_loss(connection, app, name, reason, count)
            self._context.on_forwarded(name, "lost", count)
            lost += count
        for part in padded([row.number for row in rows], _LISTS):
            _DELETE[len(part)].run_many(connection, [part])
        return lost

    def _warn(self, app: int, count: int, now: int) -> None:
        if now - self._warned.get(app, -_WARN_MS) >= _WARN_MS:
            self._warned[app] = now
            _logger.warning(
                "the stream backlog of an application is full: %d records were given up just now,"
                " and more may follow; see `pinpoint-kit stream status`",
                count,
            )

    def _replay(self, lease: Lease, now: int) -> None:
        """Put some old events into the backlog once more, while there is room for them."""
        self._replaying = None
        with self._context.store.read() as connection:
            found = self._with_room(connection, now)
        if found is None:
            self._replay_due = now + _ROOM_MS
            return
        number, room = found
        self._replaying = number
        # What is erased or deleted meanwhile must not come back: read in the write itself.
        with self._context.store.write() as connection:
            lease.check(connection)
            here = _REPLAYS.c.number == number
            first = connection.execute(select(*_REPLAYS.columns).where(here)).mappings().first()
            if first is None:
                return
            app = apps.by_number(connection, first["app"])
            most = min(room, _EVENTS_A_STEP)
            events = connection.execute(
                select(*EVENTS.columns)
                .where(EVENTS.c.number > first["position"], EVENTS.c.number <= first["last"])
                .order_by(EVENTS.c.number)
                .limit(most)
            ).all()
            mine = [
                event
                for event in events
                if event.app == first["app"] and first["since"] <= event.arrival < first["until"]
            ]
            if app is not None:
                records = self._records(connection, app, mine)
                backlog.add(connection, app.number, first["destination"], records, now)
            if len(events) < most or app is None:
                connection.execute(delete(_REPLAYS).where(here))
            else:
                position = events[-1].number
                connection.execute(update(_REPLAYS).where(here).values(position=position))
        self._replay_faults.pop(number, None)
        self._context.announce_records()

    def _with_room(self, connection: Connection, now: int) -> tuple[int, int] | None:
        """Return the first replay that may go on, and for how many records there is room.

        Half of a backlog is for new events alone.
        """
        rooms: dict[int, int] = {}
        most = max(1, self._context.streams.most_records // 2)
        found = connection.execute(
            select(_REPLAYS.c.number, _REPLAYS.c.app).order_by(_REPLAYS.c.number)
        )
        for number, app in found.all():
            if app not in rooms:
                rooms[app] = most - _waiting(connection, app)
            due = self._replay_faults.get(number, _NO_FAULT)[1]
            if rooms[app] > 0 and not now < due <= now + _AFTER_FAULT_MS:
                return number, rooms[app]
        return None

    def _records(
        self, connection: Connection, app: apps.App, events: Sequence[Any]
    ) -> list[tuple[Head, str]]:
        """Return events as records, with the endpoint as it is now."""
        keys = sorted({event.endpoint for event in events})
        found = {
            state.endpoint: (state, of_user)
            for state, of_user in reader.by_keys(connection, app.number, keys)
        }
        writer = RecordWriter(app.id, self._context.streams.form, is_replay=True)
        records = []
        for event in events:
            device = Device(event.endpoint, None, *[None] * 7)
            shown: Mapping[str, object] | None = None
            if event.endpoint in found:
                state, of_user = found[event.endpoint]
                device = Device._make([getattr(state, name) for name in Device._fields])
                if writer.wants_endpoints:
                    shown = decoded(rendered(state, app.id, of_user))
            head = Head(event.endpoint, event.event_id, event.arrival, event.user_id)
            records.append((head, writer.write(event, device, shown)))
        return records


def _waiting(connection: Connection, app: int) -> int:
    """Return how many records an application has in the backlog."""
    counted = select(func.coalesce(func.sum(_ROWS.c.count), 0)).where(_ROWS.c.app == app)
    return int(connection.execute(counted).scalar_one())


def _oldest(
    connection: Connection, app: int, too_many: int, before: int
) -> tuple[Sequence[_Few], Sequence[_Few]]:
    """Return rows to give up in one write.

    Args:
        connection: where to look.
        app: the application.
        too_many: how many records must go.
        before: what arrived before this is too old, wherever it stands: clocks may be set back.

    Returns:
        Rows that are too old, and as far as too many records are left, others: the first of those
        that are sent once more, then the first of all.
    """
    old = _some([_Few(*row) for row in _OLD.rows(connection, app, before, _ROWS_A_WRITE)])
    left = min(too_many, _RECORDS_A_WRITE) - sum(row.records for row in old)
    if left <= 0 or len(old) == _ROWS_A_WRITE:
        return old, []
    known = {row.number for row in old}
    surplus: list[_Few] = []
    for statement in _FIRST:
        found = [_Few(*row) for row in statement.rows(connection, app, _ROWS_A_WRITE)]
        surplus += _some([row for row in found if row.number not in known], left)
        left -= sum(row.records for row in surplus)
    return old, surplus


def _some(rows: Sequence[_Few], most: int = _RECORDS_A_WRITE) -> Sequence[_Few]:
    """Return the first rows with so many records, or a little more."""
    chosen = []
    for row in rows:
        if most <= 0:
            break
        chosen.append(row)
        most -= row.records
    return chosen


def _missed(
    connection: Connection, app: int, rows: Sequence[_Few], known: Sequence[cursors.Cursor]
) -> dict[str, int]:
    """Return how many records of rows each destination has yet to take; "" for nobody's stream."""
    if not known:
        return {"": sum(row.records for row in rows)}
    missed: dict[str, int] = {}
    for cursor in known:
        progress = cursor.progress
        in_part = {row_of(progress.top), *map(row_of, progress.open)}
        count, partly = 0, []
        for row in rows:
            if not cursor.is_for_it(row.number, row.destination):
                continue
            if row.number in in_part:
                partly.append(row.number)
            elif first_of(row.number) > progress.top:
                count += row.records
        for whole in backlog.rows_by_number(connection, app, partly):
            count += sum(
                record.number > progress.top or record.number in progress.open
                for record in whole.records()
            )
        if count:
            missed[cursor.destination] = count
    return missed

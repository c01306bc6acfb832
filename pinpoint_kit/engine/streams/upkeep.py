"""`Upkeep`: keeps the backlog within its bounds, and puts old events into it that are replayed.

What is given up is counted by destination, and said once an hour. It runs in every engine, with
destinations or without: a stream that nobody claims must not grow for ever either.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import attrs
import orjson
from sqlalchemy import delete, func, literal, select, union, update

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.context import Context, Device
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.state import rendered
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.streams import (
    STREAM_BACKLOG,
    STREAM_CURSORS,
    STREAM_DEAD_LETTERS,
    STREAM_REPLAYS,
)
from pinpoint_kit.engine.streams import backlog, cursors, letters
from pinpoint_kit.engine.streams.rows import Head, Row, end_of
from pinpoint_kit.engine.work.worker import Task
from pinpoint_kit.records.stream import RecordWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.work.leases import Lease

__all__ = ["LOST_FULL", "LOST_OLD", "Upkeep"]

_logger = logging.getLogger(__name__)

_ROWS = STREAM_BACKLOG
_REPLAYS = STREAM_REPLAYS
#: Why records are given up: too many wait, or they have waited for too long.
LOST_FULL, LOST_OLD = "backlog-full", "too-old"
#: Events that a step of a replay looks at.
_EVENTS_A_STEP = 500
_LOOK_MS = 15_000
_AFTER_FAULT_MS = 60_000
_WARN_MS = 3_600_000
#: Rows that a step deletes.
_ROWS_A_STEP = 200
_REPLAY, _BOUNDS = "replays", "bounds"

_HAS = Statement(
    select(
        select(literal(1)).select_from(_REPLAYS).limit(1).scalar_subquery(),
        select(literal(1)).select_from(_ROWS).limit(1).scalar_subquery(),
        select(literal(1)).select_from(STREAM_DEAD_LETTERS).limit(1).scalar_subquery(),
        select(literal(1)).select_from(STREAM_CURSORS).limit(1).scalar_subquery(),
    )
)


@attrs.define
class Upkeep:
    """Two tasks: one while events are replayed, one while there is a backlog at all."""

    _context: Context
    _due: int = 0
    _warned: dict[int, int] = attrs.field(factory=dict)

    @property
    def name(self) -> str:
        """What its leases are stored under."""
        return "stream-upkeep"

    def tasks(self, connection: Connection, now: int) -> Sequence[Task]:  # noqa: ARG002 -- see Worker
        """Return the tasks."""
        is_replaying, *others = _HAS.rows(connection)[0]
        found = [Task(_REPLAY)] if is_replaying else []
        return [*found, Task(_BOUNDS, self._due)] if any(others) else found

    def run(self, key: str, lease: Lease, now: int) -> None:
        """Replay some events, or look at the bounds of all applications."""
        if key == _REPLAY:
            self._replay(lease, now)
            return
        is_done = True
        with self._context.store.read() as connection:
            found = [
                row[0]
                for row in connection.execute(
                    union(
                        select(_ROWS.c.app),
                        select(STREAM_DEAD_LETTERS.c.app),
                        select(STREAM_CURSORS.c.app),
                    )
                )
            ]
        for app in found:
            is_done = self._keep(app, lease, now) and is_done
        self._due = now + _LOOK_MS if is_done else now

    def fail(self, key: str, lease: Lease, now: int) -> None:
        """Try again in a minute; a replay that cannot go on ends."""
        self._due = now + _AFTER_FAULT_MS
        if key == _REPLAY:
            with self._context.store.write() as connection:
                lease.check(connection)
                first = select(func.min(_REPLAYS.c.number)).scalar_subquery()
                connection.execute(delete(_REPLAYS).where(_REPLAYS.c.number == first))

    def forget(self, key: str) -> None:
        """Do nothing: all is stored."""

    def close(self) -> None:
        """Do nothing: all is stored."""

    def _keep(self, app: int, lease: Lease, now: int) -> bool:
        """Look at one application; return whether nothing is left to do."""
        settings = self._context.streams
        with self._context.store.read() as connection:
            waiting, oldest = connection.execute(
                select(func.coalesce(func.sum(_ROWS.c.count), 0), func.min(_ROWS.c.arrival)).where(
                    _ROWS.c.app == app
                )
            ).one()
            lapsed = [
                cursor
                for cursor in cursors.of_app(connection, app)
                if cursor.until is not None and cursor.prefix >= end_of(cursor.until)
            ]
            has_done = cursors.has_done(connection, app)
            dead = sum(letters.counts(connection, app).values())
        too_many = waiting - settings.most_records
        is_old = oldest is not None and oldest < now - settings.most_age_ms
        has_bounds_passed = too_many > 0 or is_old or dead > settings.most_dead_letters
        if not (lapsed or has_done or has_bounds_passed):
            return True
        # Alone: nobody moves a cursor meanwhile.
        with self._context.store.write() as connection:
            lease.check(connection)
            for cursor in lapsed:
                current = cursors.load(connection, app, cursor.destination)
                if current == cursor:  # its stream has not come back meanwhile
                    cursors.remove(connection, app, cursor.destination)
            deleted = cursors.delete_done(connection, app, _ROWS_A_STEP)
            lost = 0
            if deleted < _ROWS_A_STEP and (too_many > 0 or is_old):
                before = now - settings.most_age_ms
                known = cursors.of_app(connection, app)
                lost = self._give_up(connection, app, too_many, before, known)
            limited = letters.limit(connection, app, settings.most_dead_letters)
        if lost or limited:
            self._warn(app, lost + limited, now)
        return deleted < _ROWS_A_STEP and not lost and not limited

    def _give_up(
        self,
        connection: Connection,
        app: int,
        too_many: int,
        before: int,
        known: Sequence[cursors.Cursor],
    ) -> int:
        """Delete the oldest rows, and count them for each destination that has yet to take them."""
        rows = []
        left = too_many
        for row in backlog.rows_above(connection, app, 0, 2**62, _ROWS_A_STEP):
            if left <= 0 and row.arrival >= before:
                break
            rows.append((row, LOST_OLD if row.arrival < before else LOST_FULL))
            left -= row.count
        losses: dict[tuple[str, str], int] = {}
        for row, reason in rows:
            for name, count in _missed(row, known).items():
                losses[name, reason] = losses.get((name, reason), 0) + count
        for (name, reason), count in losses.items():
            cursors.count_loss(connection, app, name, reason, count)
            self._context.on_forwarded(name, "lost", count)
        numbers = [row.number for row, _ in rows]
        connection.execute(delete(_ROWS).where(_ROWS.c.number.in_(numbers)))
        return sum(losses.values())

    def _warn(self, app: int, count: int, now: int) -> None:
        if now - self._warned.get(app, -_WARN_MS) >= _WARN_MS:
            self._warned[app] = now
            _logger.warning(
                "the stream backlog of an application is full: %d records were given up just now,"
                " and more may follow; see `pinpoint-kit stream status`",
                count,
            )

    def _replay(self, lease: Lease, now: int) -> None:
        """Put some old events into the backlog once more."""
        with self._context.store.read() as connection:
            found = connection.execute(select(*_REPLAYS.columns).order_by(_REPLAYS.c.number))
            first = found.mappings().first()
            if first is None:
                return
            app = apps.by_number(connection, first["app"])
            events = connection.execute(
                select(*EVENTS.columns)
                .where(EVENTS.c.number > first["position"], EVENTS.c.number <= first["last"])
                .order_by(EVENTS.c.number)
                .limit(_EVENTS_A_STEP)
            ).all()
            mine = [
                event
                for event in events
                if event.app == first["app"] and first["since"] <= event.arrival < first["until"]
            ]
        with self._context.store.write() as connection:
            lease.check(connection)
            if app is not None:
                records = self._records(connection, app, mine)
                backlog.add(connection, app.number, first["destination"], records, now)
            here = _REPLAYS.c.number == first["number"]
            if len(events) < _EVENTS_A_STEP or app is None:
                connection.execute(delete(_REPLAYS).where(here))
            else:
                position = events[-1].number
                connection.execute(update(_REPLAYS).where(here).values(position=position))
        self._context.announce_records()

    def _records(
        self, connection: Connection, app: apps.App, events: Sequence[Any]
    ) -> list[tuple[Head, str]]:
        """Return events that are still there as records, with the endpoint as it is now."""
        keys = sorted({event.endpoint for event in events})
        found = {
            state.endpoint: (state, of_user)
            for state, of_user in reader.by_keys(connection, app.number, keys)
        }
        still = {
            number
            for (number,) in connection.execute(
                select(EVENTS.c.number).where(EVENTS.c.number.in_([e.number for e in events]))
            )
        }
        writer = RecordWriter(app.id, self._context.streams.form, is_replay=True)
        records = []
        for event in events:
            if event.number not in still:
                continue
            device = Device(event.endpoint, None, *[None] * 7)
            shown: Mapping[str, object] | None = None
            if event.endpoint in found:
                state, of_user = found[event.endpoint]
                device = Device._make([getattr(state, name) for name in Device._fields])
                if writer.wants_endpoints:
                    shown = orjson.loads(orjson.dumps(rendered(state, app.id, of_user)))
            head = Head(event.endpoint, event.event_id, event.arrival, event.user_id)
            records.append((head, writer.write(event, device, shown)))
        return records


def _missed(row: Row, known: Sequence[cursors.Cursor]) -> dict[str, int]:
    """Return how many records of a row each destination has yet to take; "" for nobody's stream."""
    if not known:
        return {"": row.count}
    missed = {}
    for cursor in known:
        is_for_it = row.destination in {None, cursor.destination}
        if not is_for_it or (cursor.until is not None and row.number > cursor.until):
            continue
        progress = cursor.progress
        count = sum(
            record.number > progress.top or record.number in progress.open
            for record in row.records()
        )
        if count:
            missed[cursor.destination] = count
    return missed

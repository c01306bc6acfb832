"""`LakeSource`: the store as exports to a lake read it, step by step.

A step has three parts. `begin` notes how far it will reach. `reading` lends one state of the
database: the events up to there, whom to remove from the files of earlier steps, and the endpoints
and users of now. `finish` notes that the lake has it all. Whoever writes the files keeps the
number of complete steps with them: so each side knows, after a crash, whether the other one has
finished, and a step is done again as it was or not at all.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import attrs
from sqlalchemy import (
    BigInteger,
    Text,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.lakes import changes
from pinpoint_kit.engine.storage.dialects.known import dialect_of
from pinpoint_kit.engine.storage.dialects.statements import (
    joined_lines,
    json_document,
    json_object,
)
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.store import Store
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS, USERS
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.lakes import LAKE_CHANGES, LAKES
from pinpoint_kit.engine.wire.refusals import ApiError
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Executable, Subquery
    from typing_extensions import Self

    from pinpoint_kit.engine.lakes.changes import LakeChange

__all__ = ["DayLines", "KnownLake", "LakePiece", "LakeSource"]

#: Rows that are in memory at once. Events come as one text a page, which may not become too long
#: for a database even where each has the 1,000 KB that an event may have.
_ROWS_A_PAGE = 2_000
_EVENTS_A_PAGE = 400
_DAY_MS = 86_400_000
#: An event that is further from its arrival is filed under the day of that: each day is a folder,
#: and clocks of devices may say anything.
_MOST_DAYS = 3660
#: So many days before 1970 there is no event: whole numbers are divided towards 0.
_DAYS_BEFORE = 1_000_000

#: Some rows, each as JSON in one line.
Lines: TypeAlias = "Sequence[str]"


def _event(dialect: str) -> ColumnElement[str]:
    events = EVENTS.c
    members: dict[str, ColumnElement[Any]] = {
        "type": events.type,
        "ms": events.timestamp,
        "got": events.arrival,
        "e": events.endpoint,
        "u": events.user_id,
        "id": events.event_id,
        "s": events.session_id,
        "d": events.session_duration,
        "pl": events.platform,
        "av": events.app_version,
        "mk": events.make,
        "mo": events.model,
        "lo": events.locale,
        "co": events.country,
        "tz": events.timezone,
        "a": events.attributes,
        "m": events.metrics,
    }
    span = {"began": events.session_start, "ended": events.session_stop}
    app = {
        "package": events.app_package_name,
        "title": events.app_title,
        "code": events.app_version_code,
        "sdk": events.sdk_name,
        "release": events.client_sdk_version,
    }
    more = {"span": json_object(dialect, span), "app": json_object(dialect, app)}
    has_more = or_(*(value.is_not(None) for value in (span | app).values()))
    found = case(
        (has_more, json_object(dialect, members | more)), else_=json_object(dialect, members)
    )
    return cast(found, Text)


def _day() -> ColumnElement[int]:
    """Return the day that an event is filed under, since 1970."""
    events = EVENTS.c
    is_far = func.abs(events.timestamp - events.arrival) > literal(_MOST_DAYS * _DAY_MS)
    at = case((is_far, events.arrival), else_=events.timestamp)
    return (at + literal(_DAYS_BEFORE * _DAY_MS, BigInteger)) // literal(_DAY_MS) - _DAYS_BEFORE


def _endpoint(dialect: str) -> ColumnElement[str]:
    endpoints = ENDPOINTS.c
    members = {
        "e": endpoints.endpoint,
        "u": endpoints.user_id,
        "ms": endpoints.creation_date,
        "ch": endpoints.channel_type,
        "pl": endpoints.platform,
        "av": endpoints.app_version,
        "mk": endpoints.make,
        "mo": endpoints.model,
        "lo": endpoints.locale,
        "co": endpoints.country,
        "a": json_document(dialect, endpoints.attributes),
    }
    return cast(json_object(dialect, members), Text)


def _user(dialect: str) -> ColumnElement[str]:
    users = USERS.c
    members = {
        "u": users.user_id,
        "ms": users.created,
        "a": json_document(dialect, users.attributes),
    }
    return cast(json_object(dialect, members), Text)


_FIND = Statement(select(LAKES).where(LAKES.c.id == bindparam("id_")), "id_")
_NEW = ("app", "id", "secret", "place", "step", "cursor", "reaching", "changes")
_ADD = Statement(insert(LAKES).values({name: bindparam(name) for name in _NEW}), *_NEW)
_REACH = Statement(
    update(LAKES)
    .values(reaching=bindparam("reaching_"), place=bindparam("place_"))
    .where(LAKES.c.number == bindparam("number_")),
    "reaching_",
    "place_",
    "number_",
)
#: `reaching` may be lower by now: numbers above it are given out anew.
_FINISH = Statement(
    update(LAKES)
    .values(
        step=LAKES.c.step + 1,
        cursor=LAKES.c.reaching,
        changes=bindparam("changes_"),
        exported=bindparam("now_"),
    )
    .where(LAKES.c.number == bindparam("number_")),
    "changes_",
    "now_",
    "number_",
)
_NEWEST = Statement(
    select(func.coalesce(func.max(EVENTS.c.number), 0)),
)


def _events(dialect: str) -> Subquery:
    """Return some events by their numbers, whichever index has the application."""
    return (
        select(EVENTS.c.number, _day().label("day"), _event(dialect).label("line"))
        .where(EVENTS.c.app + 0 == bindparam("app_"))
        .where(EVENTS.c.number > bindparam("after_"))
        .where(EVENTS.c.number <= bindparam("last_"))
        .order_by(EVENTS.c.number)
        .limit(bindparam("most_"))
        .subquery()
    )


def _page_of_events(dialect: str) -> Executable:
    found = _events(dialect).c
    days = func.min(found.day), func.max(found.day)
    lines = joined_lines(dialect, found.line)
    return select(func.max(found.number), func.count(), *days, lines)


def _days_of_events(dialect: str) -> Executable:
    found = _events(dialect).c
    lines = joined_lines(dialect, found.line)
    return select(found.day, func.count(), lines).group_by(found.day).order_by(found.day)


_EVENTS_BOUNDS = ("app_", "after_", "last_", "most_")
#: As one text, because a row of Python for each event costs a third of reading them.
_EVENTS = Statement(_page_of_events, *_EVENTS_BOUNDS)
#: Where a page has several days, which is seldom: events mostly arrive on their day.
_EVENTS_BY_DAY = Statement(_days_of_events, *_EVENTS_BOUNDS)
_ENDPOINTS = Statement(
    lambda dialect: (
        select(ENDPOINTS.c.number, _endpoint(dialect))
        .where(ENDPOINTS.c.app + 0 == bindparam("app_"))
        .where(ENDPOINTS.c.number > bindparam("after_"))
        .order_by(ENDPOINTS.c.number)
        .limit(bindparam("most_"))
    ),
    "app_",
    "after_",
    "most_",
)
_USERS = Statement(
    lambda dialect: (
        select(USERS.c.user_id, _user(dialect))
        .where(USERS.c.app == bindparam("app_"))
        .where(USERS.c.user_id > bindparam("after_"))
        .order_by(USERS.c.user_id)
        .limit(bindparam("most_"))
    ),
    "app_",
    "after_",
    "most_",
)


_OF_APP = Statement(
    select(
        LAKES.c.id,
        LAKES.c.place,
        LAKES.c.exported,
        select(func.count())
        .where(LAKE_CHANGES.c.lake == LAKES.c.number)
        .where(LAKE_CHANGES.c.number > LAKES.c.changes)
        .scalar_subquery(),
    )
    .where(LAKES.c.app == bindparam("app_"))
    .order_by(LAKES.c.number),
    "app_",
)
_FORGET = Statement(delete(LAKES).where(LAKES.c.number == bindparam("number_")), "number_")


@attrs.frozen
class KnownLake:
    """A lake that the store notes removals for.

    Attributes:
        id: its id, which stands in its manifest, too.
        place: where it was last exported to.
        exported: when, milliseconds since 1970; None when that was never completed.
        waiting: removals that its next export applies.
    """

    id: str
    place: str
    exported: int | None
    waiting: int


@attrs.frozen
class DayLines:
    """Events that are filed under one day.

    Attributes:
        day: days since 1970: of the event's time, or of its arrival where that is years away.
        rows: how many there are.
        text: each as JSON in a line; without a newline at the end.
    """

    day: int
    rows: int
    text: str = attrs.field(repr=False)


@attrs.frozen
class _Lake:
    """A row of `lakes`."""

    number: int
    app: int
    id: str
    secret: str = attrs.field(repr=False)
    place: str
    step: int
    cursor: int
    reaching: int
    changes: int
    exported: int | None


class LakePiece:
    """One state of the database: what a step adds to a lake, and what it removes there.

    Attributes:
        after: the events of this step have numbers above this one.
        last: and up to this one.
        newest: the number of the newest event of all.
        changes: what to do first to all that earlier steps have written, in this order.
        last_change: what `finish` is to be told.
    """

    def __init__(self, connection: Connection, lake: _Lake) -> None:
        self._connection = connection
        self._lake = lake
        self.after = lake.cursor
        self.last = lake.reaching
        self.newest = _newest(connection)
        self.changes: Sequence[LakeChange] = changes.pending(connection, lake.number, lake.changes)
        self.last_change = max(changes.last(connection, lake.number), lake.changes)

    def hashed_endpoint(self, endpoint_id: str) -> str:
        """Return what stands for an endpoint in `changes`."""
        return changes.hashed(self._lake.secret, "endpoint", endpoint_id)

    def hashed_user(self, user_id: str) -> str:
        """Return what stands for a user in `changes`."""
        return changes.hashed(self._lake.secret, "user", user_id)

    def events(self) -> Iterator[DayLines]:
        """Yield the events of this step in the order of their numbers, some hundred at a time.

        Members: `type`, `ms` (its time), `got` (arrival), `e` (endpoint), `u` (user), `id`, `s`
        (session), `d` (its duration), `pl` (platform), `av` (app version), `mk`, `mo` (make,
        model), `lo`, `co` (country), `tz`, `a` (attributes) and `m` (metrics), both texts that are
        JSON; and, unless nothing of them is known, `span` (`began`, `ended` of the session) and
        `app` (`package`, `title`, `code`, `sdk`, `release`). Instants are milliseconds.
        """
        after: int | None = self.after
        while after is not None:
            bounds = self._lake.app, after, self.last, _EVENTS_A_PAGE
            ((after, rows, first, last, text),) = _EVENTS.rows(self._connection, *bounds)
            if rows and first == last:
                yield DayLines(first, rows, text)
            elif rows:
                for found in _EVENTS_BY_DAY.rows(self._connection, *bounds):
                    yield DayLines(*found)
            if rows < _EVENTS_A_PAGE:
                return

    def endpoints(self) -> Iterator[Lines]:
        """Yield the endpoints of now: `e`, `u`, `ms` (creation), `ch`, `pl` … `co`, `a`."""
        return self._pages(_ENDPOINTS, 0)

    def users(self) -> Iterator[Lines]:
        """Yield the users of now: `u`, `ms` (first seen), `a`."""
        return self._pages(_USERS, "")

    def _pages(self, statement: Statement, after: object, *bounds: object) -> Iterator[Lines]:
        app = self._lake.app
        while True:
            rows = statement.rows(self._connection, app, after, *bounds, _ROWS_A_PAGE)
            if rows:
                yield [row[1] for row in rows]
            if len(rows) < _ROWS_A_PAGE:
                return
            after = rows[-1][0]


class LakeSource:
    """A store that is exported. Use it as a context manager, from one thread.

    Nothing but the bookkeeping of lakes is written, and others may use the database meanwhile.
    """

    def __init__(self, store: Store, application_id: str) -> None:
        self._store = store
        self.application_id = application_id

    @classmethod
    def open(cls, url: str, application_id: str) -> Self:
        """Open a database that is there.

        Args:
            url: `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`.
            application_id: the application to export.

        Raises:
            StoreError: it cannot be used, or has no such application.
        """
        dialect_of(url).check_exists()
        found = cls(Store.open(url), application_id)
        try:
            with found._explaining(), found._store.read() as connection:
                apps.require(connection, application_id)
        except BaseException:
            found.close()
            raise
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database."""
        self._store.close()

    @property
    def name(self) -> str:
        """What to call the database in a message."""
        return self._store.name

    def lakes(self) -> list[KnownLake]:
        """Return the lakes of the application, the oldest first."""
        with self._explaining(), self._store.read() as connection:
            app = apps.require(connection, self.application_id)
            return [KnownLake(*row) for row in _OF_APP.rows(connection, app.number)]

    def forget(self, lake_id: str) -> None:
        """Note no removals for a lake any more: its files are deleted, or given up.

        Raises:
            StoreError: there is none of this id.
        """
        with self._explaining(), self._store.write() as connection:
            lake = self._require(connection, lake_id)
            changes.remove_applied(connection, lake.number, changes.last(connection, lake.number))
            _FORGET.run_many(connection, [(lake.number,)])

    def add(self, lake_id: str, secret: str, place: str) -> None:
        """Remember a new lake: from now on, removals are noted for it.

        Args:
            lake_id: a new id, which the lake keeps.
            secret: random text, for hashes.
            place: what to call it.
        """
        with self._explaining(), self._store.write() as connection:
            app = apps.require(connection, self.application_id)
            _ADD.run_many(connection, [(app.number, lake_id, secret, place, 0, 0, 0, 0)])

    def begin(self, lake_id: str, step: int, last_change: int, *, place: str, most: int) -> None:
        """Begin a step, or the one that was interrupted.

        Args:
            lake_id: which lake.
            step: how many steps the lake has.
            last_change: the `LakePiece.last_change` of the last of them.
            place: what to call the lake.
            most: how many numbers of events to go on by.

        Raises:
            StoreError: the lake is of another database or application, or older or newer than what
                is known of it here.
        """
        end = self._settled()
        with self._explaining(), self._store.write() as connection:
            lake = self._require(connection, lake_id)
            if step == lake.step + 1:  # its files were complete, and this was not told here
                _FINISH.run_many(connection, [(last_change, lake.exported, lake.number)])
                lake = self._require(connection, lake_id)
            if step != lake.step:
                raise StoreError(
                    f"the lake {place} has {step:,} steps of exports, and {self.name} knows of"
                    f" {lake.step:,}: one of both was restored from a backup. Export into an empty"
                    " folder, and delete that one"
                )
            if lake.reaching <= lake.cursor:
                newest = _newest(connection) if end is None else end
                reaching = max(min(newest, lake.cursor + most), lake.cursor)
                _REACH.run_many(connection, [(reaching, place, lake.number)])

    @contextmanager
    def reading(self, lake_id: str) -> Iterator[LakePiece]:
        """Lend one state of the database, for a step that was begun."""
        with self._explaining(), self._store.snapshot() as connection:
            yield LakePiece(connection, self._require(connection, lake_id))

    def finish(self, lake_id: str, step: int, last_change: int, *, now: int) -> None:
        """End a step whose files are complete.

        Args:
            lake_id: which lake.
            step: how many steps it has now.
            last_change: the `LakePiece.last_change` of this one.
            now: milliseconds since 1970.

        Raises:
            StoreError: another export of the lake has ended it.
        """
        with self._explaining(), self._store.write() as connection:
            lake = self._require(connection, lake_id)
            if step != lake.step + 1:
                raise StoreError(
                    f"another export to the lake {lake.place} runs: leave it to that one"
                )
            _FINISH.run_many(connection, [(last_change, now, lake.number)])
            changes.remove_applied(connection, lake.number, last_change)

    def _settled(self) -> int | None:
        with self._explaining():
            return self._store.settled(EVENTS.name)

    def _require(self, connection: Connection, lake_id: str) -> _Lake:
        rows = _FIND.rows(connection, lake_id)
        app = apps.require(connection, self.application_id)
        if not rows or rows[0][1] != app.number:
            raise StoreError(
                f"{self.name} knows no such lake of this application: it was exported from another"
                " database or application. Name that one, or export into an empty folder"
            )
        return _Lake(*rows[0])

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise StoreError(f"{self.name}: {self._store.explain(error).sentence}") from None
        except ApiError as error:
            raise StoreError(f"{self.name}: {error.message}") from None


def _newest(connection: Connection) -> int:
    return int(_NEWEST.rows(connection)[0][0])

"""The stream backlog: records made of events when they are recorded, and what a person has in it.

A record is written in the transaction of its event, because the endpoint of that moment belongs to
it, and only for an application that has a stream or a destination. How records leave belongs to
the streams family.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

import attrs
import orjson
from sqlalchemy import bindparam, delete, func, insert, literal, select, update

from pinpoint_kit.engine.storage.statements import BulkInsert, Statement, padded
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.streams import (
    EVENT_STREAMS,
    STREAM_BACKLOG,
    STREAM_CURSORS,
    STREAM_DEAD_LETTERS,
)
from pinpoint_kit.engine.streams import cursors
from pinpoint_kit.engine.streams.rows import PLACES, Row, packed, shortened
from pinpoint_kit.records.stream import RecordWriter, nameless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from pinpoint_kit.engine.context import Application, Context, Person, RecordedEvent, Wanted
    from pinpoint_kit.engine.streams.rows import Head
    from pinpoint_kit.records.stream import StreamForm

__all__ = ["RecordHook", "StreamData", "add", "newest", "rows_above", "rows_by_number"]

_ROWS = STREAM_BACKLOG
_LETTERS = STREAM_DEAD_LETTERS
_MOST_WRITERS = 100
#: What a row keeps of an event beside its record, and what a record has of its endpoint.
_HEAD = attrgetter("endpoint", "event_id")
_DEVICE, _SHOWN = attrgetter("device"), attrgetter("shown_endpoint")
_COLUMNS = ("app", "arrival", "again", "destination", "count", "heads", "records")
_INSERT = BulkInsert(lambda _: insert(_ROWS), *_COLUMNS)
#: Who waits for records: the destinations that do so without a stream, and "" for a stream.
_WANTED_BY = Statement(
    select(literal(""))
    .where(EVENT_STREAMS.c.app == bindparam("app_"))
    .union_all(
        select(STREAM_CURSORS.c.destination)
        .where(STREAM_CURSORS.c.app == bindparam("app_"))
        .where(STREAM_CURSORS.c.is_standing == literal(1))
    ),
    "app_",
)
_NEWEST = Statement(
    select(func.max(_ROWS.c.number)).where(_ROWS.c.app == bindparam("app_")), "app_"
)
_ROW = select(
    _ROWS.c.number, _ROWS.c.arrival, _ROWS.c.destination, _ROWS.c.heads, _ROWS.c.records
).where(_ROWS.c.app == bindparam("app_"))
_ABOVE = Statement(
    _ROW.where(_ROWS.c.number > bindparam("after_"))
    .where(_ROWS.c.number <= bindparam("last_"))
    .order_by(_ROWS.c.number)
    .limit(bindparam("most_")),
    "app_",
    "after_",
    "last_",
    "most_",
)
_LISTS = (1, 10, 100, 500)
_BY_NUMBERS = {
    size: Statement(
        _ROW.where(_ROWS.c.number.in_([bindparam(f"number_{n}") for n in range(size)])),
        "app_",
        *(f"number_{n}" for n in range(size)),
    )
    for size in _LISTS
}
_BY_ARRIVAL = Statement(
    _ROW.where(_ROWS.c.arrival == bindparam("arrival_")).where(_ROWS.c.again.is_(None)),
    "app_",
    "arrival_",
)
#: Whose records are those of rows that are sent once more; the records are most of such a row.
_AGAIN = Statement(
    select(_ROWS.c.number, _ROWS.c.heads)
    .where(_ROWS.c.app == bindparam("app_"))
    .where(_ROWS.c.again.is_not(None))
    .where(_ROWS.c.number > bindparam("after_"))
    .order_by(_ROWS.c.number)
    .limit(bindparam("most_")),
    "app_",
    "after_",
    "most_",
)
_WITH_PART = Statement(
    _ROW.where(_ROWS.c.number > bindparam("after_"))
    .where(_ROWS.c.records.like(bindparam("pattern_"), escape="/"))
    .order_by(_ROWS.c.number)
    .limit(bindparam("most_")),
    "app_",
    "after_",
    "pattern_",
    "most_",
)
#: Rows that are read at once.
_PAGE = 50
_OLDEST_ARRIVAL = Statement(
    select(func.min(_ROWS.c.arrival)).where(_ROWS.c.app == bindparam("app_")), "app_"
)
_CHANGE = Statement(
    update(_ROWS)
    .values(count=bindparam("count_"), heads=bindparam("heads_"), records=bindparam("records_"))
    .where(_ROWS.c.number == bindparam("number_")),
    "count_",
    "heads_",
    "records_",
    "number_",
)


class RecordHook:
    """Makes records of events. There is one for all engines of the process."""

    def __init__(self) -> None:
        self._writers: dict[tuple[str, StreamForm], RecordWriter] = {}

    def wanted(self, context: Context, connection: Connection, app: Application) -> Wanted:
        """Return whether anybody waits for records of an application."""
        rows = _WANTED_BY.rows(connection, app.number)
        given = context.streams.destinations
        keys = [key for key in (app.id, app.name) if key in given] if given else ()
        if not rows and not keys:
            return "nothing"
        for key in keys:
            for destination in given[key]:
                # Where the application is new, no look for new ones has found it yet.
                if (destination.name,) not in rows:
                    name, now = destination.name, context.now()
                    cursors.claim(connection, app.number, name, key, now, is_standing=True)
        return "events" if context.streams.form.endpoint == "none" else "endpoints"

    def __call__(
        self, context: Context, connection: Connection, events: Sequence[RecordedEvent]
    ) -> None:
        """Put the records of events of one request into the backlog."""
        writer = self._writer(events[0].application_id, context.streams.form)
        shared = writer.common(events[0], events[0].device)
        short = shortened(shared)
        for start in range(0, len(events), PLACES):
            part = events[start : start + PLACES]
            heads = [*map(_HEAD, part)]
            endpoints = map(_DEVICE, part), map(_SHOWN, part)
            lines = writer.write_all(zip(part, *endpoints, strict=True), short)
            row = (
                part[0].app,
                part[0].arrival,
                None,
                None,
                len(part),
                orjson.dumps(heads).decode(),
                packed("".join(lines)[:-1], shared),
            )
            _INSERT.run(connection, [row])

    def _writer(self, application_id: str, form: StreamForm) -> RecordWriter:
        """Return the writer of an application, which knows what its events have in common."""
        writer = self._writers.get((application_id, form))
        if writer is None:
            if len(self._writers) >= _MOST_WRITERS:
                self._writers.clear()
            writer = self._writers[application_id, form] = RecordWriter(application_id, form)
        return writer


def add(
    connection: Connection,
    app: int,
    destination: str | None,
    records: Sequence[tuple[Head, str]],
    now: int,
) -> None:
    """Put records into the backlog once more.

    Args:
        connection: a write transaction.
        app: the application.
        destination: for whom they are; None for all.
        records: whose each is, and the record.
        now: milliseconds since 1970.
    """
    for start in range(0, len(records), PLACES):
        part = records[start : start + PLACES]
        heads = [list(attrs.astuple(head)) for head, _ in part]
        stored = Row(0, now, destination, [*heads], [line.rstrip("\n") for _, line in part]).stored
        _INSERT.run(connection, [(app, now, 1, destination, len(part), *stored)])


def newest(connection: Connection, app: int) -> int:
    """Return the number of the last row of an application, 0 without one."""
    return _NEWEST.rows(connection, app)[0][0] or 0


def rows_above(connection: Connection, app: int, after: int, last: int, most: int) -> Sequence[Row]:
    """Return rows of an application, in their order.

    Args:
        connection: where to look.
        app: the application.
        after: the row before the first.
        last: the last row that may be looked at.
        most: how many.
    """
    return [Row.read(*row) for row in _ABOVE.rows(connection, app, after, last, most)]


def rows_by_number(connection: Connection, app: int, numbers: Sequence[int]) -> Iterator[Row]:
    """Yield those rows that are still there, in the order of their numbers."""
    for part in padded(sorted(numbers), _LISTS):
        for row in sorted(_BY_NUMBERS[len(part)].rows(connection, app, *part)):
            yield Row.read(*row)


_EVENTS_OF = {
    column: Statement(
        select(EVENTS.c.arrival, EVENTS.c.endpoint, EVENTS.c.event_id)
        .where(EVENTS.c.app == bindparam("app_"))
        .where(EVENTS.c[column] == bindparam("value_"))
        .where(EVENTS.c.arrival >= bindparam("since_")),
        "app_",
        "value_",
        "since_",
    )
    for column in ("endpoint", "user_id")
}


def _letters_where(condition: ColumnElement[bool]) -> Statement:
    return Statement(
        select(_LETTERS.c.number, _LETTERS.c.endpoint, _LETTERS.c.record)
        .where(_LETTERS.c.app == bindparam("app_"))
        .where(condition, _LETTERS.c.number > bindparam("after_"))
        .order_by(_LETTERS.c.number)
        .limit(_PAGE),
        "app_",
        "value_",
        "after_",
    )


_LETTERS_OF = {
    column: _letters_where(_LETTERS.c[column] == bindparam("value_"))
    for column in ("endpoint", "user_id")
}
_LETTERS_WITH_PART = Statement(
    select(_LETTERS.c.number, _LETTERS.c.record)
    .where(_LETTERS.c.app == bindparam("app_"))
    .where(_LETTERS.c.record.like(bindparam("pattern_"), escape="/"))
    .where(_LETTERS.c.number > bindparam("after_"))
    .order_by(_LETTERS.c.number)
    .limit(_PAGE),
    "app_",
    "pattern_",
    "after_",
)
_CHANGE_LETTER = Statement(
    update(_LETTERS)
    .values(record=bindparam("record_"))
    .where(_LETTERS.c.number == bindparam("number_")),
    "record_",
    "number_",
)
_DELETE_ROW = Statement(delete(_ROWS).where(_ROWS.c.number == bindparam("number_")), "number_")
_DELETE_LETTER = Statement(
    delete(_LETTERS).where(_LETTERS.c.number == bindparam("number_")), "number_"
)
_FORGET_LETTER = Statement(
    update(_LETTERS)
    .values(endpoint=bindparam("endpoint_"), user_id=None, record=bindparam("record_"))
    .where(_LETTERS.c.number == bindparam("number_")),
    "endpoint_",
    "record_",
    "number_",
)


class StreamData:
    """What the backlog and the dead letters of streams hold of a person.

    A record that has left cannot be called back.
    """

    def held(self, connection: Connection, person: Person) -> Mapping[str, int]:
        """Return how many records wait, and how many are dead letters."""
        waiting = sum(len(found.own) for found in _found(connection, person, person.user_ids, ()))
        # One that an endpoint and a user find is one.
        letters = {
            number
            for page in _letters(connection, person, person.user_ids)
            for number, _, _ in page
        }
        return {"StreamRecords": waiting, "StreamDeadLetters": len(letters)}

    def erase(self, context: Context, connection: Connection, person: Person) -> None:
        """Delete the records of the endpoints and users; what else names them goes nameless."""
        pseudonym = _Pseudonyms(context.new_id)
        for found in _found(connection, person, person.user_ids, person.orphans):
            found.row.drop(found.own)
            _make_nameless(found.row, found.others, pseudonym)
            _store(connection, found.row)
        for page in _letters(connection, person, person.user_ids):
            _DELETE_LETTER.run_many(connection, [(number,) for number, _, _ in page])
        self._forget_letters(connection, person, pseudonym)
        if context.streams.form.endpoint == "full":
            # An endpoint that has another address by now has records that say the old one.
            for address in person.addresses:
                _take_out(connection, person.app, address)

    def forget(self, context: Context, connection: Connection, person: Person) -> None:
        """Take the endpoints, and the users without any, out of the records that still wait."""
        pseudonym = _Pseudonyms(context.new_id)
        for found in _found(connection, person, person.orphans, ()):
            _make_nameless(found.row, found.own, pseudonym)
            _store(connection, found.row)
        self._forget_letters(connection, person, pseudonym)

    @staticmethod
    def _forget_letters(connection: Connection, person: Person, pseudonym: _Pseudonyms) -> None:
        for page in _letters(connection, person, person.orphans):
            _FORGET_LETTER.run_many(
                connection,
                [
                    (pseudonym(endpoint), nameless(record, pseudonym(endpoint)), number)
                    for number, endpoint, record in page
                ],
            )


def _take_out(connection: Connection, app: int, address: str) -> None:
    """Take an address out of all records that wait or are dead letters."""
    part = f'"Address":{orjson.dumps(address).decode()}'
    escaped = part.replace("/", "//").replace("%", "/%").replace("_", "/_")
    pattern, after = f"%{escaped}%", 0
    while page := _WITH_PART.rows(connection, app, after, pattern, _PAGE):
        for stored in page:
            row = Row.read(*stored)
            row.lines = [_without(line, part, address) for line in row.lines]
            _store(connection, row)
        after = page[-1][0]
    after = 0
    while letters := _LETTERS_WITH_PART.rows(connection, app, pattern, after):
        _CHANGE_LETTER.run_many(
            connection, [(_without(record, part, address), number) for number, record in letters]
        )
        after = letters[-1][0]


def _without(record: str, part: str, address: str) -> str:
    """Return a record without the address of its endpoint, if it is this one."""
    if part not in record:
        return record
    members = orjson.loads(record)
    endpoint = members.get("endpoint")
    if not isinstance(endpoint, dict) or endpoint.get("Address") != address:
        return record  # an attribute that looks alike
    del endpoint["Address"]
    return orjson.dumps(members).decode() + ("\n" if record.endswith("\n") else "")


class _Pseudonyms:
    """The id that stands for each endpoint from now on: new, and nowhere else."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._names: dict[str, str] = {}

    def __call__(self, endpoint: str) -> str:
        if endpoint not in self._names:
            self._names[endpoint] = f"deleted-{self._new_id()}"
        return self._names[endpoint]


def _make_nameless(row: Row, places: Sequence[int], pseudonym: _Pseudonyms) -> None:
    for place in places:
        head = row.head(place)
        if head is not None:
            name = pseudonym(head.endpoint)
            row.rename(place, name, nameless(row.lines[place], name).rstrip("\n"))


def _store(connection: Connection, row: Row) -> None:
    """Store a row that has changed."""
    if not row.count:
        _DELETE_ROW.run_many(connection, [(row.number,)])
        return
    _CHANGE.run_many(connection, [(row.count, *row.stored, row.number)])


class _Found(NamedTuple):
    """A row with records of a person: places of those, and of others that name the person."""

    row: Row
    own: Sequence[int]
    others: Sequence[int]


def _found(
    connection: Connection, person: Person, user_ids: Sequence[str], named: Sequence[str]
) -> Iterator[_Found]:
    """Yield the rows with records of a person.

    The events say when they arrived, and so in which rows their records are: no index of persons
    has to be kept up to date with each event.

    Args:
        connection: where to look.
        person: whose endpoints' records are the person's own.
        user_ids: the users whose records are, too.
        named: the users whose records are the others.
    """
    since = _OLDEST_ARRIVAL.rows(connection, person.app)[0][0]
    if since is None:
        return
    keys, users, others = set(person.keys), set(user_ids), set(named) - set(user_ids)
    events: dict[int, dict[tuple[str, str], bool]] = {}
    # Where an event is of both, the last one says what becomes of it.
    asked = [("user_id", user_id, False) for user_id in sorted(others)]
    asked += [("user_id", user_id, True) for user_id in sorted(users)]
    asked += [("endpoint", key, True) for key in person.keys]
    for column, value, is_own in asked:
        for arrival, *event in _EVENTS_OF[column].rows(connection, person.app, value, since):
            events.setdefault(arrival, {})[event[0], event[1]] = is_own
    for arrival, wanted in sorted(events.items()):
        for stored in _BY_ARRIVAL.rows(connection, person.app, arrival):
            row = Row.read(*stored)
            own = {
                place: head[0] in keys or wanted.get((head[0], head[1]))
                for place, head in enumerate(row.heads)
                if head is not None
            }
            found = _Found(row, *_places(own))
            if found.own or found.others:
                yield found
    yield from _found_again(connection, person.app, keys, users, others)


def _found_again(
    connection: Connection, app: int, keys: set[str], users: set[str], others: set[str]
) -> Iterator[_Found]:
    """Yield the same of rows that are sent once more; these say of each record whose it is."""
    for number in _numbers_again(connection, app, keys | users | others):
        for row in rows_by_number(connection, app, [number]):
            is_own: dict[int, bool | None] = {}
            for place in range(len(row.heads)):
                head = row.head(place)
                if head is not None and (head.endpoint in keys or head.user_id in users):
                    is_own[place] = True
                elif head is not None and head.user_id in others:
                    is_own[place] = False
            if is_own:
                yield _Found(row, *_places(is_own))


def _numbers_again(connection: Connection, app: int, names: set[str]) -> Iterator[int]:
    """Yield the rows that may be of endpoints or users, without reading their records."""
    parts = [orjson.dumps(name).decode() for name in names]
    after = 0
    while parts:
        page = _AGAIN.rows(connection, app, after, _PAGE)
        for number, heads in page:
            if any(part in heads for part in parts):
                yield number
        if len(page) < _PAGE:
            return
        after = page[-1][0]


def _places(is_own: Mapping[int, bool | None]) -> tuple[list[int], list[int]]:
    return (
        [place for place, own in is_own.items() if own],
        [place for place, own in is_own.items() if own is False],
    )


def _letters(
    connection: Connection, person: Person, user_ids: Sequence[str]
) -> Iterator[Sequence[tuple[int, str, str]]]:
    """Yield the dead letters of a person, page by page: number, whose they are, and the record."""
    asked = [("endpoint", key) for key in person.keys]
    asked += [("user_id", user_id) for user_id in user_ids]
    for column, value in asked:
        after = 0
        while page := _LETTERS_OF[column].rows(connection, person.app, value, after):
            yield page
            after = page[-1][0]

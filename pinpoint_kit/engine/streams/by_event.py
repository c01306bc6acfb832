"""Records of some events, in the backlog and among the dead letters: counting and removing them.

For records that are not made of a stored event, so that no event tells in which row they wait: all
rows that say whose their records are, are looked through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import bindparam, delete, or_, select, update

from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.streams import STREAM_BACKLOG, STREAM_DEAD_LETTERS
from pinpoint_kit.engine.streams.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

__all__ = ["IsMeant", "count", "drop"]

_ROWS = STREAM_BACKLOG
_LETTERS = STREAM_DEAD_LETTERS
_PAGE = 50

_AGAIN_ROWS = (
    select(_ROWS.c.number, _ROWS.c.arrival, _ROWS.c.destination, _ROWS.c.heads, _ROWS.c.records)
    .where(_ROWS.c.app == bindparam("app_"))
    .where(_ROWS.c.again.is_not(None))
    .where(_ROWS.c.number > bindparam("after_"))
    .order_by(_ROWS.c.number)
    .limit(_PAGE)
)
_CHANGE = Statement(
    update(_ROWS)
    .values(count=bindparam("count_"), heads=bindparam("heads_"), records=bindparam("records_"))
    .where(_ROWS.c.number == bindparam("number_")),
    *("count_", "heads_", "records_", "number_"),
)
_DELETE = Statement(delete(_ROWS).where(_ROWS.c.number == bindparam("number_")), "number_")
_LETTERS_OF = Statement(
    select(_LETTERS.c.number, _LETTERS.c.event_id, _LETTERS.c.record)
    .where(_LETTERS.c.app == bindparam("app_"))
    .where(_LETTERS.c.number > bindparam("after_"))
    .order_by(_LETTERS.c.number)
    .limit(_PAGE),
    "app_",
    "after_",
)
_DELETE_LETTER = Statement(
    delete(_LETTERS).where(_LETTERS.c.number == bindparam("number_")), "number_"
)


#: Whether a record is meant, by the id of its event and its text.
IsMeant: TypeAlias = Callable[[str, str], bool]


def count(
    connection: Connection, app: int, is_meant: IsMeant, texts: Sequence[str] = ()
) -> tuple[int, int]:
    """Return how many records wait, and how many are dead letters.

    Args:
        connection: where to look.
        app: the application.
        is_meant: whether a record is.
        texts: one of them is in each record that is meant; none when that is not known.
    """
    waiting = sum(len(places) for _, places in _found(connection, app, is_meant, texts))
    return waiting, sum(len(page) for page in _letters(connection, app, is_meant))


def drop(connection: Connection, app: int, is_meant: IsMeant, texts: Sequence[str] = ()) -> None:
    """Delete records, see `count`; what has left cannot be called back."""
    for row, places in _found(connection, app, is_meant, texts):
        row.drop(places)
        if row.count:
            _CHANGE.run_many(connection, [(row.count, *row.stored, row.number)])
        else:
            _DELETE.run_many(connection, [(row.number,)])
    for page in _letters(connection, app, is_meant):
        _DELETE_LETTER.run_many(connection, [(number,) for number in page])


def _found(
    connection: Connection, app: int, is_meant: IsMeant, texts: Sequence[str]
) -> Iterator[tuple[Row, list[int]]]:
    asked = _AGAIN_ROWS
    if texts:
        asked = asked.where(
            or_(*(_ROWS.c.records.contains(each, autoescape=True) for each in texts))
        )
    after = 0
    while page := connection.execute(asked, {"app_": app, "after_": after}).all():
        for stored in page:
            row = Row.read(*stored)
            places = [
                place
                for place, (head, line) in enumerate(zip(row.heads, row.lines, strict=True))
                if head is not None and is_meant(head[1], line)
            ]
            if places:
                yield row, places
        after = page[-1][0]


def _letters(connection: Connection, app: int, is_meant: IsMeant) -> Iterator[list[int]]:
    """Yield the dead letters that are meant, by their numbers: of one page after the other."""
    after = 0
    while page := _LETTERS_OF.rows(connection, app, after):
        yield [number for number, event_id, record in page if is_meant(event_id or "", record)]
        after = page[-1][0]

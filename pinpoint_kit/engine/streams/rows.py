"""Rows of the stream backlog: the records of one request, each with its place and whose it is.

One row a request, because a row a record would cost as much as storing the event. A record is known
by a number: that of its row, and its place there. Pure; which rows are read or written belongs to
streams/backlog.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import orjson

from pinpoint_kit.records.destination import StreamRecord
from pinpoint_kit.records.stream import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["PLACES", "Head", "Row", "end_of", "first_of", "packed", "row_of", "shortened"]

#: Records of a row, at most: the number of a record is the row's times this, and its place.
PLACES = 1_000
#: What stands for the parts that records of a row share. JSON has no such characters.
_MARKS = ("\x01", "\x02")
#: Members of a head that has only an endpoint and an event.
_SHORT = 2


@attrs.frozen
class Head:
    """Whose a record is.

    Attributes:
        endpoint: the endpoint's id in lower case.
        arrival: when the event arrived, milliseconds since 1970.
        user_id: the endpoint's user then; only kept in rows that are sent once more.
    """

    endpoint: str = attrs.field(repr=False)
    event_id: str
    arrival: int
    user_id: str | None = attrs.field(default=None, repr=False)


def shortened(shared: tuple[str, str]) -> dict[str, str]:
    """Return what stands for parts that the records of a row share: about half of their bytes."""
    return dict(zip(shared, _MARKS, strict=True))


def packed(lines: str, shared: tuple[str, str] = ("", "")) -> str:
    """Return records as they are stored.

    Args:
        lines: the records, a line each, in which `shortened` stands for what they share.
        shared: these parts; "" for none.
    """
    return "\n".join([*shared, lines])


def _unpacked(stored: str) -> list[str]:
    """Return the lines of stored records, each of them whole."""
    *shared, lines = stored.split("\n", len(_MARKS))
    for mark, part in zip(_MARKS, shared, strict=True):
        if part:
            lines = lines.replace(mark, part)
    return lines.split("\n")


def first_of(row: int) -> int:
    """Return the number of a row's first record."""
    return row * PLACES


def end_of(row: int) -> int:
    """Return the number that all records of a row are up to."""
    return row * PLACES + PLACES - 1


def row_of(number: int) -> int:
    """Return the row of a record."""
    return number // PLACES


@attrs.define
class Row:
    """A row of the backlog, taken apart.

    Attributes:
        heads: whose each record is, as it is stored: endpoint and event id, and in a row that is
            sent once more, arrival and user, too. None for a record that is gone: the others keep
            their places.
        lines: the records without their newlines.
    """

    number: int
    arrival: int
    destination: str | None
    heads: list[list[Any] | None] = attrs.field(repr=False)  # Any: texts and numbers
    lines: list[str] = attrs.field(repr=False)

    @classmethod
    def read(
        cls, number: int, arrival: int, destination: str | None, heads: str, records: str
    ) -> Row:
        """Take apart what is stored."""
        return cls(number, arrival, destination, orjson.loads(heads), _unpacked(records))

    @property
    def count(self) -> int:
        """How many records are there."""
        return len(self.heads) - self.heads.count(None)

    @property
    def stored(self) -> tuple[str, str]:
        """Heads and records as they are stored, with nothing shared: that could be of one gone."""
        return orjson.dumps(self.heads).decode(), packed("\n".join(self.lines))

    def head(self, place: int) -> Head | None:
        """Return whose a record is; None when it is gone."""
        head = self.heads[place]
        if head is None:
            return None
        endpoint, event_id, *others = head
        return Head(endpoint, event_id, *(others or (self.arrival,)))

    def records(self, after: int = -1) -> Iterator[StreamRecord]:
        """Yield the records that are there, from behind a number on."""
        first, arrival = first_of(self.number), self.arrival
        for place in range(max(0, after + 1 - first), len(self.heads)):
            head = self.heads[place]
            if head is not None:
                endpoint = head[0]
                yield StreamRecord(
                    first + place,
                    key_of(endpoint),
                    head[1],
                    endpoint,
                    arrival if len(head) == _SHORT else head[_SHORT],
                    f"{self.lines[place]}\n".encode(),
                )

    def drop(self, places: Sequence[int]) -> None:
        """Take records out; the others keep their places."""
        for place in places:
            self.heads[place] = None
            self.lines[place] = ""

    def rename(self, place: int, endpoint: str, line: str) -> None:
        """Give a record another endpoint, and no user."""
        head = self.heads[place]
        if head is not None:
            rest = [head[_SHORT], None] if len(head) > _SHORT else []
            self.heads[place] = [endpoint, head[1], *rest]
            self.lines[place] = line

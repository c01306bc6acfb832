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

__all__ = ["PLACES", "Head", "Row", "end_of", "first_of", "row_of"]

#: Records of a row, at most: the number of a record is the row's times this, and its place.
PLACES = 1_000


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
        heads: None for a record that is gone: the others keep their places.
        lines: the records without their newlines.
    """

    number: int
    arrival: int
    destination: str | None
    heads: list[Head | None] = attrs.field(repr=False)
    lines: list[str] = attrs.field(repr=False)

    @classmethod
    def read(
        cls, number: int, arrival: int, destination: str | None, heads: str, records: str
    ) -> Row:
        """Take apart what is stored."""
        found: list[list[Any] | None] = orjson.loads(heads)
        opened = [
            None
            if head is None
            else Head(head[0], head[1], head[2] if len(head) > 2 else arrival, *head[3:])  # noqa: PLR2004 -- arrival and user are there together
            for head in found
        ]
        return cls(number, arrival, destination, opened, records.split("\n"))

    @property
    def count(self) -> int:
        """How many records are there."""
        return sum(head is not None for head in self.heads)

    def stored(self, *, is_again: bool) -> tuple[str, str]:
        """Return heads and records as they are stored."""
        heads = [
            None
            if head is None
            else [head.endpoint, head.event_id, head.arrival, head.user_id]
            if is_again
            else [head.endpoint, head.event_id]
            for head in self.heads
        ]
        return orjson.dumps(heads).decode(), "\n".join(self.lines)

    def records(self, after: int = -1) -> Iterator[StreamRecord]:
        """Yield the records that are there, from behind a number on."""
        first = first_of(self.number)
        for place in range(max(0, after + 1 - first), len(self.heads)):
            head = self.heads[place]
            if head is not None:
                yield StreamRecord(
                    number=first + place,
                    key=key_of(head.endpoint),
                    event_id=head.event_id,
                    endpoint_id=head.endpoint,
                    arrived=head.arrival,
                    data=f"{self.lines[place]}\n".encode(),
                )

    def drop(self, places: Sequence[int]) -> None:
        """Take records out; the others keep their places."""
        for place in places:
            self.heads[place] = None
            self.lines[place] = ""

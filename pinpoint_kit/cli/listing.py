"""How lists print: a row a line where there is room, and a row a block of lines where there is not.

Ids are copied, so they are never cut or folded in a line. What gives way is said by each column;
that columns were left out is said on stderr. Single things are shown by output.py.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import attrs
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from pinpoint_kit.cli.output import console, print_json, say, shown, table
from pinpoint_kit.models.wire import codec as wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rich.console import Console

    from pinpoint_kit import Endpoint

__all__ = ["Column", "first_endpoints", "print_endpoints", "print_first", "print_rows"]

#: What a table has between two columns.
_GAP = 2


@attrs.frozen
class Column:
    """A column of a list, and how it gives way where there is little room.

    Args:
        heading: what stands above it, or before it in a block.
        least: how narrow it may become; None keeps it whole.
        is_number: it is set to the right.
        is_optional: it may be left out.
        keeps_end: it is shortened to its end, instead of folded.
    """

    heading: str
    least: int | None = None
    is_number: bool = attrs.field(default=False, kw_only=True)
    is_optional: bool = attrs.field(default=False, kw_only=True)
    keeps_end: bool = attrs.field(default=False, kw_only=True)


@attrs.frozen
class _Filled:
    """A column with its cells."""

    column: Column
    cells: list[str]

    @property
    def width(self) -> int:
        """What it takes as it is."""
        return max(cell_len(text) for text in (self.column.heading, *self.cells))

    @property
    def needed(self) -> int:
        """What it needs at least."""
        least = self.column.least
        return self.width if least is None else min(self.width, least)


_ENDPOINT = (
    Column("Id"),
    Column("Channel"),
    Column("Address", 20),
    Column("Platform", is_optional=True),
    Column("Country", is_optional=True),
    Column("Status", is_optional=True),
    Column("OptOut", is_optional=True),
)


def print_endpoints(endpoints: Iterable[Endpoint]) -> None:
    """Print several endpoints, one a row."""
    rows = (
        (
            found.id or "",
            found.channel_type.value if found.channel_type else "",
            found.address or "",
            (found.demographic.platform if found.demographic else None) or "",
            (found.location.country if found.location else None) or "",
            found.endpoint_status.value if found.endpoint_status else "",
            found.opt_out.value if found.opt_out else "",
        )
        for found in endpoints
    )
    print_rows(_ENDPOINT, rows)


def first_endpoints(endpoints: Iterator[Endpoint], limit: int) -> tuple[list[Endpoint], bool]:
    """The first of many endpoints, and whether there are more."""
    found = list(itertools.islice(endpoints, limit))
    return found, next(endpoints, None) is not None


def print_first(first: tuple[list[Endpoint], bool], *, as_json: bool, for_all: str) -> None:
    """Print what `first_endpoints` gives; `for_all` is what to do for the others."""
    found, has_more = first
    if as_json:
        print_json({"Item": [wire.to_wire(each) for each in found], "HasMore": has_more})
        return
    print_endpoints(found)
    if has_more:
        say(f"there are more: raise --limit, or {for_all}")


def print_rows(columns: Sequence[Column], rows: Iterable[Sequence[object]]) -> None:
    """Print a list as wide as there is room.

    Args:
        columns: of which those that are optional are left out first, beginning at the right.
        rows: a cell for each column; the first is what the row is about.
    """
    screen = console()
    cells = [[shown(cell) for cell in row] for row in rows]
    filled = [
        _Filled(column, [row[place] for row in cells]) for place, column in enumerate(columns)
    ]
    kept = _kept(filled, screen.width)
    if kept is None:
        _print_blocks(screen, columns, cells)
        return
    _print_table(screen, kept)
    lost = [one.column.heading for one in filled if one not in kept and any(one.cells)]
    if lost:
        say(f"no room for {', '.join(lost)}: --json has everything")


def _kept(filled: list[_Filled], width: int) -> list[_Filled] | None:
    """The columns for which there is room, the empty ones left out first; None for too little."""
    kept = list(filled)
    optional = [one for one in reversed(filled) if one.column.is_optional]
    order = sorted(optional, key=lambda one: any(one.cells))
    while _needed(kept) > width:
        if not order:
            return None
        kept.remove(order.pop(0))
    return kept


def _needed(kept: list[_Filled]) -> int:
    return sum(one.needed for one in kept) + _GAP * (len(kept) - 1)


def _print_table(screen: Console, kept: list[_Filled]) -> None:
    spare = screen.width - _needed(kept)
    shortened = [_shortened(one, one.needed + spare) for one in kept]
    rows = zip(*(one.cells for one in shortened), strict=True)
    columns = [one.column for one in shortened]
    made = table(
        [column.heading for column in columns],
        rows,
        numbers=[column.heading for column in columns if column.is_number],
        whole=[column.heading for column in columns if column.least is None or column.keeps_end],
    )
    made.padding = (0, _GAP - 1, 0, 0)  # and one is the table's own
    screen.print(made)


def _shortened(one: _Filled, width: int) -> _Filled:
    if not one.column.keeps_end:
        return one
    return attrs.evolve(one, cells=[_end(text, width) for text in one.cells])


def _end(text: str, width: int) -> str:
    """The end of a text that is too long, marked as such."""
    if cell_len(text) <= width:
        return text
    end = text[-width + 1 :]
    while cell_len(end) >= width:
        end = end[1:]
    return f"…{end}"


def _print_blocks(screen: Console, columns: Sequence[Column], rows: list[list[str]]) -> None:
    for row in rows:
        screen.print(Text(row[0], overflow="fold"))
        block = Table.grid(padding=(0, 2))
        block.add_column()
        block.add_column(no_wrap=True)
        block.add_column(overflow="fold")
        for column, cell in zip(columns[1:], row[1:], strict=True):
            if cell:
                block.add_row("", column.heading, Text(cell))
        screen.print(block)

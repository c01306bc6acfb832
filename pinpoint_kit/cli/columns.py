"""How a table fits a terminal: a row a line where there is room, and a block of lines where not.

Ids are copied, so they are never cut or folded in a line. Each column says how it gives way; that
columns were left out is said on stderr.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from pinpoint_kit.cli.output import console, say, shown, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

__all__ = ["Column", "print_rows"]

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
    """Return the columns that fit, the empty ones left out first; None for too little room."""
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
    """Return the end of a text that is too long, marked as such."""
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

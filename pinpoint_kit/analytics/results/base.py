"""`Result`: what all results have in common: rows as tables, frames, CSV, HTML and text.

A result gives its columns and rows once, tidy: one row a point. Everything else comes from that.
"""

from __future__ import annotations

import abc
import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import attrs

from pinpoint_kit.analytics import charts
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    import datetime as dt
    import os

    import pandas as pd
    import pyarrow as pa

    from pinpoint_kit.metrics.results import (
        About,  # noqa: TC004 -- loads SQLAlchemy, and no annotation is evaluated
        Group,
        MoneyPoint,
        Point,
    )

__all__ = ["REST", "Cell", "Result", "Row", "by_name", "day_label", "group_label", "open_from"]

#: What stands in a cell.
Cell: TypeAlias = "str | int | float | Decimal | bool | dt.date | dt.datetime | None"

REST = "(the rest)"
_NONE = "(none)"
#: A table in a notebook that is longer slows it down; the data frame has all rows.
_MOST_ROWS = 400


class Row(Mapping[str, Cell]):
    """A row of a result: its cells by name, as attributes and as items.

    Examples:
        >>> import datetime as dt
        >>> row = Row({"day": dt.date(2026, 10, 1), "platform": "ios", "value": 3})
        >>> row.value, row["platform"], list(row)
        (3, 'ios', ['day', 'platform', 'value'])
    """

    __slots__ = ("_cells",)

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self._cells = dict(cells)

    def __getitem__(self, name: str) -> Cell:
        return self._cells[name]

    def __getattr__(self, name: str) -> Cell:
        try:
            return self._cells[name]
        except KeyError:
            known = ", ".join(self._cells)
            raise AttributeError(f"no such cell: {name!r}: there are {known}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)

    def __repr__(self) -> str:
        return f"Row({', '.join(f'{name}={cell!r}' for name, cell in self._cells.items())})"


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Result(abc.ABC):
    """An answer to a question about the numbers.

    Attributes:
        about: the question: metric, title, unit, days, zone, actor, breakdown.
        arguments: what was asked, as it went to the server.
    """

    about: About
    arguments: Mapping[str, object]

    @property
    @abc.abstractmethod
    def rows(self) -> Sequence[Row]:
        """The numbers, one row a point."""

    @abc.abstractmethod
    def picture(self) -> str:
        """Draw the numbers as SVG."""

    @abc.abstractmethod
    def summary(self) -> str:
        """Say the most important numbers in a line of text."""

    def by_cells(self, group: Group | None) -> dict[str, Cell]:
        """Return the cell of the breakdown by its name; none without a breakdown."""
        name = by_name(self.about.by)
        return {name: group_label(group)} if name else {}

    @property
    def title(self) -> str:
        """What is shown, and by what."""
        actor = self.about.actor
        title = self.about.title.replace("endpoints or users", f"{actor}s")
        by = f" by {self.about.by}" if self.about.by else ""
        return title.replace("endpoint or user", actor) + by

    @property
    def definition(self) -> str:
        """What the number means, in words; "" when a newer server knows more metrics than we."""
        from pinpoint_kit.metrics import DEFINITIONS  # noqa: PLC0415 -- loads SQLAlchemy

        found = DEFINITIONS.get(self.about.metric)
        return f"{found.definition} {found.counted}" if found else ""

    @property
    def zone(self) -> str:
        """The IANA zone whose calendar days they are."""
        return self.about.zone

    def to_pandas(self) -> pd.DataFrame:
        """Make a data frame: a row a point, a column a cell; days are timestamps.

        Raises:
            ConfigurationError: pandas is not installed.
        """
        try:
            import pandas as pd  # noqa: PLC0415 -- an extra, and heavy
        except ImportError:
            raise _missing("pandas") from None
        frame: pd.DataFrame = pd.DataFrame(
            [dict(row) for row in self.rows], columns=self._columns()
        )
        for name in frame.columns:
            if name == "day":
                frame[name] = pd.to_datetime(frame[name])
        return frame

    def to_arrow(self) -> pa.Table:
        """Make an Arrow table: a row a point, a column a cell.

        Raises:
            ConfigurationError: pyarrow is not installed.
        """
        try:
            import pyarrow as pa  # noqa: PLC0415 -- an extra, and heavy
        except ImportError:
            raise _missing("pyarrow") from None
        return pa.table({name: [row[name] for row in self.rows] for name in self._columns()})

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str:
        """Write the rows as CSV, with a header; what is not known is empty.

        Args:
            path: a file to write it to as well, in UTF-8.

        Returns:
            The text.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([_safe(name) for name in self._columns()])
        writer.writerows([_safe(cell) for cell in row.values()] for row in self.rows)
        if path is not None:
            Path(path).write_text(text.getvalue(), "utf-8")
        return text.getvalue()

    def _columns(self) -> list[str]:
        """Name the columns, also when there is no row."""
        return list(self.rows[0]) if self.rows else ["value"]

    def _repr_html_(self) -> str:
        return self.to_html(is_styled=True)

    def to_html(self, *, is_styled: bool = False) -> str:
        """Make a figure: the chart as SVG, and its numbers as a table beside it.

        Args:
            is_styled: whether to bring the style along; a page has it already.
        """
        rows = self.rows[:_MOST_ROWS]
        table = charts.data_table(
            self._columns(), [[_shown(cell) for cell in row.values()] for row in rows]
        )
        return charts.figure(
            self.title, self.picture(), table, note=self.summary(), is_styled=is_styled
        )

    def __repr__(self) -> str:
        span = f"{self.about.first} to {self.about.last} {self.zone}"
        return f"<{self.title}, {span}: {self.summary()}>"


def by_name(by: str | None) -> str:
    """Name the column of a breakdown: `attributes.screen` becomes `screen`."""
    return "" if by is None else by.partition(".")[2] or by


def group_label(group: Group | None) -> str:
    """Name the value of a breakdown."""
    if group is None:
        return "all"
    return REST if group.is_rest else group.value or _NONE


def day_label(day: dt.date) -> str:
    """Write a day for an axis, as in `1 Oct`."""
    return f"{day.day} {day:%b}"


def open_from(points: Iterable[Point | MoneyPoint]) -> int | None:
    """Return the place of the first day that is not over, among the days of some points."""
    is_over: dict[dt.date, bool] = {}
    for point in points:
        is_over[point.day] = is_over.get(point.day, True) and point.is_complete
    places = [place for place, day in enumerate(sorted(is_over)) if not is_over[day]]
    return places[0] if places else None


def _shown(cell: Cell) -> str:
    if cell is None:
        return charts.format_number(None)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, (int, float, Decimal)):
        return charts.format_number(cell)
    return str(cell)


def _safe(cell: Cell) -> Cell:
    """Keep a spreadsheet from taking a text that comes from outside for a formula."""
    if isinstance(cell, str) and cell[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"}:
        return f"'{cell}"
    return cell


def _missing(package: str) -> ConfigurationError:
    return ConfigurationError(f"{package} is not installed: pip install 'pinpoint-kit[notebook]'")

"""`Series`: a number a day, and by the values of a breakdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.analytics import charts
from pinpoint_kit.analytics.results.base import (
    REST,
    Cell,
    Result,
    Row,
    day_label,
    group_label,
    open_from,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinpoint_kit.metrics import results as answers  # noqa: TC004 -- loads SQLAlchemy, and no annotation is evaluated

__all__ = ["Series"]


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Series(Result):
    """Numbers by day.

    `rows` have `day`, the breakdown by its name, `value`, further numbers by theirs, and
    `is_complete`, which is False while the day, or a later one that counts, is not over. A value
    that is not known yet is None.

    Attributes:
        measures: the names of the numbers, the main one first.
    """

    _answer: answers.Series

    @property
    def measures(self) -> tuple[str, ...]:
        """The names of the numbers, the main one, `value`, first."""
        return ("value", *self._answer.measures[1:])

    @property
    def rows(self) -> Sequence[Row]:
        """The numbers: a row for each day and value of the breakdown."""
        found = []
        for point in self._answer.points:
            cells: dict[str, Cell] = {"day": point.day, **self.by_cells(point.group)}
            cells.update(zip(self.measures, point.values, strict=True))
            cells["is_complete"] = point.is_complete
            found.append(Row(cells))
        return found

    @property
    def total(self) -> int | float | None:
        """The number of the whole period, counted over it: who came twice counts once."""
        return self._answer.totals[0].values[0]

    @property
    def whole(self) -> Mapping[str, int | float | None]:
        """All numbers of the whole period by their names, `value` first: see `measures`."""
        return dict(zip(self.measures, self._answer.totals[0].values, strict=True))

    @property
    def average(self) -> float | None:
        """The mean over the days that are complete.

        None without one, and while everything that was counted is of a day that is not over.
        """
        return self._answer.totals[0].average

    @property
    def change(self) -> float | None:
        """The relative change from the first to the last complete day; None when the first is 0."""
        return self._answer.totals[0].change

    @property
    def totals(self) -> Mapping[str, int | float | None]:
        """The number of the whole period by the values of the breakdown."""
        return {
            group_label(total.group): total.values[0]
            for total in self._answer.totals
            if total.group is not None
        }

    def picture(self) -> str:
        """Draw a line for each value of the breakdown."""
        days = sorted({point.day for point in self._answer.points})
        lines: dict[str, list[int | float | None]] = {}
        for point in self._answer.points:
            label = group_label(point.group) if self.about.by else self.about.unit
            lines.setdefault(label, []).append(point.value)
        labels = [day_label(day) for day in days]
        return charts.line_chart(
            self.title,
            labels,
            lines,
            unit=self._unit,
            rest=REST,
            open_from=open_from(self._answer.points),
        )

    def summary(self) -> str:
        """Say total, mean a day and change; a sparkline goes before them."""
        parts = [f"total {charts.format_number(self.total, unit=self._unit)}"]
        if self.average is not None:
            parts.append(f"average {charts.format_number(self.average, unit=self._unit)}")
        if self.change is not None:
            parts.append(f"change {self.change:+.1%}".replace("%", " %"))
        return " · ".join(parts)

    def sparkline(self, width: int = 30) -> str:
        """Draw the values as a line of text; of a breakdown, those of its largest value."""
        first = self._answer.points[0].group if self._answer.points else None
        values = [point.value for point in self._answer.points if point.group == first]
        return charts.sparkline(values, width=width)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]} {self.sparkline()}>"

    @property
    def _unit(self) -> str:
        return "%" if self.about.unit in {"ratio", "rate"} else ""

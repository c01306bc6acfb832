"""`CohortTable`: who came back, by the day on which they began."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.analytics import charts
from pinpoint_kit.analytics.results.base import (
    Cell,
    Result,
    Row,
    day_label,
    group_label,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.metrics import results as answers  # noqa: TC004 -- loads SQLAlchemy, and no annotation is evaluated


__all__ = ["CohortTable"]


@attrs.frozen(kw_only=True, repr=False, eq=False)
class CohortTable(Result):
    """Cohorts and how many of each came back on the days after.

    `rows` have `day` (of the cohort), the breakdown by its name, `size`, `age` (days since),
    `count` and `rate`; the last two are None while that day is not over.
    """

    _answer: answers.CohortTable

    @property
    def rows(self) -> Sequence[Row]:
        """A row for each cohort and number of days since."""
        found = []
        for cohort in self._answer.rows:
            head: dict[str, Cell] = {"day": cohort.day, **self.by_cells(cohort.group)}
            for age, (count, rate) in enumerate(zip(cohort.counts, cohort.rates, strict=True)):
                rest: dict[str, Cell] = {"age": age, "count": count, "rate": rate}
                found.append(Row({**head, "size": cohort.size, **rest}))
        return found

    @property
    def cohorts(self) -> tuple[answers.Cohort, ...]:
        """The cohorts, each with all its `counts` and `rates`."""
        return self._answer.rows

    @property
    def weighted(self) -> tuple[float | None, ...]:
        """The rate by age over all cohorts that are complete for it: counts ÷ sizes."""
        return self._answer.weighted

    @property
    def simple(self) -> tuple[float | None, ...]:
        """The mean of the cohorts' rates by age."""
        return self._answer.simple

    def picture(self) -> str:
        """Draw the triangle of rates."""
        shown = [
            (self._label(cohort), cohort.size, cohort.rates)
            for cohort in self._answer.rows
            if cohort.size
        ]
        return charts.cohort_triangle(self.title, shown)

    def _label(self, cohort: answers.Cohort) -> str:
        group = f" {group_label(cohort.group)}" if self.about.by else ""
        return day_label(cohort.day) + group

    def summary(self) -> str:
        """Say how many cohorts there are, and how many came back after a day and a week."""
        sizes = [cohort.size for cohort in self._answer.rows]
        count = sum(1 for size in sizes if size)
        parts = [f"{count} cohort{'' if count == 1 else 's'}", f"{sum(sizes):,} members"]
        for age in (1, 7):
            if age < len(self.weighted) and self.weighted[age] is not None:
                rate = charts.format_number(self.weighted[age], unit="%")
                parts.append(f"day {age}: {rate}")
        return " · ".join(parts)

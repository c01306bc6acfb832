"""`Overview`: what the first page of a console shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.analytics.results.base import Cell, Result, Row
from pinpoint_kit.analytics.results.money import MoneySeries
from pinpoint_kit.analytics.results.series import Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.metrics import results as answers  # noqa: TC004 -- loads SQLAlchemy, and no annotation is evaluated


__all__ = ["Overview"]


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Overview(Result):
    """Six charts at once, each as its own verb gives it.

    `rows` have `chart`, `total`, `average` and `change`.
    """

    _answer: answers.Overview

    @property
    def daily(self) -> Series:
        """Who was active each day."""
        return self._series(self._answer.daily, f"Daily active {self.about.actor}s")

    @property
    def monthly(self) -> Series:
        """Who was active in the 30 days ending each day."""
        return self._series(self._answer.monthly, f"Monthly active {self.about.actor}s")

    @property
    def new(self) -> Series:
        """Who was registered each day."""
        return self._series(self._answer.new, f"New {self.about.actor}s")

    @property
    def retention(self) -> Series:
        """How many came back within seven days."""
        return self._series(self._answer.retention, "Seven-day retention")

    @property
    def sessions(self) -> Series:
        """How many sessions began each day."""
        return self._series(self._answer.sessions, "Sessions")

    @property
    def revenue(self) -> MoneySeries:
        """What purchases brought each day."""
        answer = self._answer.revenue
        return MoneySeries(about=answer.about, arguments=self.arguments, answer=answer)

    @property
    def charts(self) -> Sequence[Series | MoneySeries]:
        """All six."""
        return (self.daily, self.monthly, self.new, self.retention, self.sessions, self.revenue)

    @property
    def rows(self) -> Sequence[Row]:
        """A row for each chart; of revenue, one for each currency."""
        found: list[Row] = []
        for chart in self.charts:
            cells: dict[str, Cell] = {"chart": chart.title}
            if isinstance(chart, Series):
                rest: dict[str, Cell] = {"average": chart.average, "change": chart.change}
                found.append(Row({**cells, "total": chart.total, **rest}))
            else:
                found += [
                    Row(
                        {
                            "chart": f"{chart.title} {currency}".strip(),
                            "total": amount,
                            "average": None,
                            "change": None,
                        }
                    )
                    for currency, amount in chart.total.items()
                ]
        return found

    def picture(self) -> str:
        """Draw the first of them; `to_html` has all."""
        return self.daily.picture()

    def summary(self) -> str:
        """Say how many were active, and what came in."""
        return f"active: {self.daily.summary()} · revenue: {self.revenue.summary()}"

    def to_html(self, *, is_styled: bool = False) -> str:
        """Make a figure of each chart."""
        first, *others = self.charts
        return first.to_html(is_styled=is_styled) + "".join(chart.to_html() for chart in others)

    def _series(self, answer: answers.Series, title: str) -> Series:
        about = attrs.evolve(answer.about, title=title)
        return Series(about=about, arguments=self.arguments, answer=answer)

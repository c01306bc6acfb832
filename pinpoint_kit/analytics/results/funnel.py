"""`Funnel`: how many went through steps, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.analytics import charts
from pinpoint_kit.analytics.results.base import Cell, Result, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.metrics import results as answers  # noqa: TC004 -- loads SQLAlchemy, and no annotation is evaluated


__all__ = ["Funnel"]


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Funnel(Result):
    """How many endpoints or users reached each step.

    `rows` have `step` (from 1), `name`, the breakdown by its name, `count`, `rate` (of those who
    entered), `step_rate` (of those who reached the step before) and `drop_off`.
    """

    _answer: answers.Funnel

    @property
    def rows(self) -> Sequence[Row]:
        """A row for each step, for everything and then for each value of the breakdown."""
        found = []
        for step in self._answer.rows:
            cells: dict[str, Cell] = {"step": step.step, "name": step.name}
            cells |= self.by_cells(step.group)
            cells |= {"count": step.count, "rate": step.rate, "step_rate": step.step_rate}
            found.append(Row({**cells, "drop_off": step.drop_off}))
        return found

    @property
    def is_complete(self) -> bool:
        """False while the window of the last who entered is not over: numbers may still grow."""
        return self._answer.is_complete

    def picture(self) -> str:
        """Draw a bar for each step, over all values of the breakdown."""
        steps = [(step.name, step.count) for step in self._whole()]
        return charts.funnel_chart(self.title, steps)

    def summary(self) -> str:
        """Say how many entered, how many reached the end, and whether that may still grow."""
        steps = self._whole()
        if not steps:
            return "nobody"
        rate = charts.format_number(steps[-1].rate, unit="%")
        counts = f"{steps[0].count:,} entered · {steps[-1].count:,} completed ({rate})"
        return counts if self.is_complete else f"{counts} · not over yet"

    def _whole(self) -> list[answers.FunnelStep]:
        return [step for step in self._answer.rows if step.group is None]

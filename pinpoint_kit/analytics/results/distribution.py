"""`Distribution`: how many have which value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.analytics import charts
from pinpoint_kit.analytics.results.base import REST, Cell, Result, Row, by_name, group_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.metrics import results as answers  # noqa: TC004 -- loads SQLAlchemy, and no annotation is evaluated


__all__ = ["Distribution"]


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Distribution(Result):
    """How many endpoints or users have which value.

    `rows` have the value by its name (`platform`, or `days` of a stickiness histogram), `count`
    and `share`, from 0 to 1. Within a breakdown they have its value, too.
    """

    _answer: answers.Distribution

    @property
    def rows(self) -> Sequence[Row]:
        """A row for each value, the largest first."""
        is_histogram = self.about.metric == "stickiness"
        name = "days" if is_histogram else by_name(self.about.by) or "value"
        inner = by_name(self.about.by) if is_histogram else ""
        found = []
        for row in self._answer.rows:
            cells: dict[str, Cell] = {}
            if inner:
                cells[inner] = group_label(row.group)
            cells[name] = group_label(row.value)
            found.append(Row({**cells, "count": row.count, "share": row.share}))
        return found

    @property
    def total(self) -> int:
        """How many there are; less than the sum where one can have several values."""
        return self._answer.total

    def picture(self) -> str:
        """Draw a bar for each value."""
        bars = [
            (group_label(row.value), row.count) for row in self._answer.rows if row.group is None
        ]
        return charts.bar_chart(self.title, bars, rest=REST)

    def summary(self) -> str:
        """Say how many there are."""
        return f"{charts.format_number(self.total)} {self.about.actor}s"

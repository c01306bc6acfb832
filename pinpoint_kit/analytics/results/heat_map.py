"""`HeatMap`: counts by weekday and hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.analytics import charts
from pinpoint_kit.analytics.results.base import Result, Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.metrics import results as answers  # noqa: TC004 -- loads SQLAlchemy, and no annotation is evaluated


__all__ = ["HeatMap"]

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@attrs.frozen(kw_only=True, repr=False, eq=False)
class HeatMap(Result):
    """Counts by weekday and hour, each in the endpoint's own time zone.

    `rows` have `weekday` (`Mon` to `Sun`), `hour` (0 to 23) and `count`.
    """

    _answer: answers.HeatMap

    @property
    def rows(self) -> Sequence[Row]:
        """A row for each of the 168 hours of a week."""
        return [
            Row({"weekday": weekday, "hour": hour, "count": count})
            for weekday, counts in zip(_WEEKDAYS, self._answer.rows, strict=True)
            for hour, count in enumerate(counts)
        ]

    @property
    def values(self) -> tuple[tuple[int, ...], ...]:
        """The counts: seven rows, Monday first, of 24 hours."""
        return self._answer.rows

    @property
    def total(self) -> int:
        """All counts together."""
        return sum(map(sum, self._answer.rows))

    @property
    def without_zone(self) -> int:
        """How many had no time zone that is known, and count in `zone`."""
        return self._answer.without_zone

    def picture(self) -> str:
        """Draw a field of cells, the darker the more."""
        hours = [str(hour) for hour in range(24)]
        return charts.heat_map(self.title, _WEEKDAYS, hours, self._answer.rows)

    def summary(self) -> str:
        """Say how many there are."""
        return f"total {charts.format_number(self.total)}"

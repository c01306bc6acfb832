"""`MoneySeries`: amounts a day in each currency; currencies are never added up."""

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
    from decimal import Decimal

    from pinpoint_kit.metrics import results as answers  # noqa: TC004 -- loads SQLAlchemy, and no annotation is evaluated


__all__ = ["MoneySeries"]

_NO_CURRENCY = "(no currency)"


@attrs.frozen(kw_only=True, repr=False, eq=False)
class MoneySeries(Result):
    """Amounts by day and currency.

    `rows` have `day`, the breakdown by its name, `currency`, `value` (a Decimal, or None when it
    is not known yet) and `is_complete`.
    """

    _answer: answers.MoneySeries

    @property
    def rows(self) -> Sequence[Row]:
        """The amounts: a row for each day, value of the breakdown and currency."""
        found = []
        for point in self._answer.points:
            cells: dict[str, Cell] = {"day": point.day, **self.by_cells(point.group)}
            cells["currency"] = point.currency
            cells["value"] = point.value
            cells["is_complete"] = point.is_complete
            found.append(Row(cells))
        return found

    @property
    def total(self) -> Mapping[str, Decimal]:
        """The amount of the whole period by currency; "" for purchases that name none."""
        return {
            total.currency or "": total.value
            for total in self._answer.totals
            if total.group is None and total.value is not None
        }

    @property
    def totals(self) -> Mapping[str, Mapping[str, Decimal]]:
        """The same by the values of the breakdown."""
        found: dict[str, dict[str, Decimal]] = {}
        for total in self._answer.totals:
            if total.group is not None and total.value is not None:
                found.setdefault(group_label(total.group), {})[total.currency or ""] = total.value
        return found

    @property
    def unpriced(self) -> int:
        """How many purchases have no price that could be counted."""
        return self._answer.unpriced

    def picture(self) -> str:
        """Draw a chart for each currency, with a line for each value of the breakdown."""
        days = sorted({point.day for point in self._answer.points})
        found: dict[str, dict[str, list[Decimal | None]]] = {}
        for point in self._answer.points:
            currency = point.currency or _NO_CURRENCY
            label = group_label(point.group) if self.about.by else currency
            found.setdefault(currency, {}).setdefault(label, []).append(point.value)
        labels = [day_label(day) for day in days]
        still = open_from(self._answer.points)
        if len(found) > 1:
            return charts.line_charts(self.title, labels, found, rest=REST, open_from=still)
        lines = next(iter(found.values()), {})
        return charts.line_chart(self.title, labels, lines, rest=REST, open_from=still)

    def summary(self) -> str:
        """Say the total in each currency."""
        amounts = [
            charts.format_number(value, unit=currency or _NO_CURRENCY)
            for currency, value in self.total.items()
        ]
        unpriced = [f"{self.unpriced} without a price"] if self.unpriced else []
        return " · ".join([*amounts, *unpriced]) or "nothing"

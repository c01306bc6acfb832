"""What a question is answered with: plain values that travel as JSON.

Ratios, averages, gaps, order, and what is not known yet (None) are made here, from the integers
and texts of statements. How values look (charts, tables, frames) is another room's.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import attrs
import cattrs

from pinpoint_kit.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = [
    "About",
    "Cohort",
    "CohortTable",
    "Distribution",
    "Entry",
    "Funnel",
    "FunnelStep",
    "Group",
    "HeatMap",
    "MoneyPoint",
    "MoneySeries",
    "MoneyTotal",
    "Overview",
    "Point",
    "Result",
    "Series",
    "Share",
    "Timeline",
    "Total",
    "from_json",
    "ratio",
    "whole",
]

#: A number of a point: None when it is not known, or not known yet.
Number: TypeAlias = "int | float | None"


@attrs.frozen(kw_only=True)
class About:
    """What a result is the answer to.

    Args:
        metric: the name of the definition.
        title: its title.
        unit: what is counted.
        zone: the IANA zone whose days they are.
        actor: `endpoint` or `user`.
        first: the first day.
        last: the last day.
        by: the breakdown, None without one.
    """

    metric: str
    title: str
    unit: str
    zone: str
    actor: str
    first: dt.date
    last: dt.date
    by: str | None = None


@attrs.frozen(kw_only=True)
class Group:
    """A value of a breakdown.

    Args:
        value: the value; None: it has none, or it is the rest.
        is_rest: whether it stands for all values that are not among the first.
    """

    value: str | None = None
    is_rest: bool = False


@attrs.frozen(kw_only=True)
class Point:
    """The numbers of a day.

    Args:
        day: the day.
        values: one number a measure of the series.
        group: the value of the breakdown; None without one.
        is_complete: False while the day, or a later one that counts, is not over.
    """

    day: dt.date
    values: tuple[int | float | None, ...]
    group: Group | None = None
    is_complete: bool = True

    @property
    def value(self) -> int | float | None:
        """The first measure."""
        return self.values[0]


@attrs.frozen(kw_only=True)
class Total:
    """The numbers of the whole period.

    Args:
        values: one number a measure, counted over the period: distinct actors count once.
        average: the mean of the first measure over the complete days; None while something was
            counted on days that are not complete only.
        change: its relative change from the first to the last complete day; None when the first
            is 0, as in Pinpoint's console.
        group: the value of the breakdown; None: everything.
    """

    values: tuple[int | float | None, ...]
    average: float | None = None
    change: float | None = None
    group: Group | None = None


@attrs.frozen(kw_only=True)
class Series:
    """Numbers by day, and by the values of a breakdown; every day of the period has its point.

    Args:
        about: the question.
        measures: the names of the numbers of each point.
        points: by day; within a day the groups stand in the order of their sizes.
        totals: for everything, then for each group.
    """

    kind: ClassVar[str] = "series"
    about: About
    measures: tuple[str, ...]
    points: tuple[Point, ...]
    totals: tuple[Total, ...]

    def to_json(self) -> dict[str, object]:
        """Return it as an object of plain JSON."""
        return _to_json(self)


@attrs.frozen(kw_only=True)
class MoneyPoint:
    """An amount of a day in one currency.

    Args:
        day: the day.
        currency: as the events spell it; None: they name none.
        value: the amount; None when it is not known, or not known yet.
        group: the value of the breakdown; None without one.
        is_complete: False while the day is not over.
    """

    day: dt.date
    currency: str | None
    value: Decimal | None
    group: Group | None = None
    is_complete: bool = True


@attrs.frozen(kw_only=True)
class MoneyTotal:
    """An amount of the whole period in one currency.

    Args:
        currency: as the events spell it; None: they name none.
        value: the amount; None when it is not known.
        group: the value of the breakdown; None: everything.
    """

    currency: str | None
    value: Decimal | None
    group: Group | None = None


@attrs.frozen(kw_only=True)
class MoneySeries:
    """Amounts by day and currency, and by the values of a breakdown.

    Args:
        about: the question.
        currencies: in the order of their codes, the nameless one last.
        points: by day, group and currency; every combination is there.
        totals: for everything, then for each group.
        unpriced: purchases in the period without a price that could be counted.
    """

    kind: ClassVar[str] = "money"
    about: About
    currencies: tuple[str | None, ...]
    points: tuple[MoneyPoint, ...]
    totals: tuple[MoneyTotal, ...]
    unpriced: int

    def to_json(self) -> dict[str, object]:
        """Return it as an object of plain JSON; amounts are text."""
        return _to_json(self)


@attrs.frozen(kw_only=True)
class Share:
    """One row of a distribution.

    Args:
        value: what is counted: a value of the breakdown, or a number of days as text.
        count: how many have it.
        share: of all, between 0 and 1; None when there are none.
        group: the value of the breakdown within which it is counted; None without one.
    """

    value: Group
    count: int
    share: float | None
    group: Group | None = None


@attrs.frozen(kw_only=True)
class Distribution:
    """How many have which value.

    Args:
        about: the question.
        rows: the rows.
        total: how many there are; less than the sum where one can have several values.
    """

    kind: ClassVar[str] = "distribution"
    about: About
    rows: tuple[Share, ...]
    total: int

    def to_json(self) -> dict[str, object]:
        """Return it as an object of plain JSON."""
        return _to_json(self)


@attrs.frozen(kw_only=True)
class HeatMap:
    """Counts by weekday and hour of the local time.

    Args:
        about: the question.
        rows: seven rows, Monday first, of 24 hours.
        without_zone: how many of them had no time zone that is known, and count in `about.zone`.
    """

    kind: ClassVar[str] = "heat_map"
    about: About
    rows: tuple[tuple[int, ...], ...]
    without_zone: int

    def to_json(self) -> dict[str, object]:
        """Return it as an object of plain JSON."""
        return _to_json(self)


@attrs.frozen(kw_only=True)
class Cohort:
    """A row of a cohort table.

    Args:
        day: the day on which its members began.
        size: how many they are.
        counts: how many of them came back, by the number of days since; None: not over yet.
        rates: the same divided by the size.
        group: the value of the breakdown; None without one.
    """

    day: dt.date
    size: int
    counts: tuple[int | None, ...]
    rates: tuple[float | None, ...]
    group: Group | None = None


@attrs.frozen(kw_only=True)
class CohortTable:
    """Who came back, by the day on which they began.

    Args:
        about: the question.
        return_kind: `on`, `within` or `on_or_after`.
        rows: by day.
        weighted: of all cohorts that are complete for a number of days: counts ÷ sizes.
        simple: the mean of their rates; empty cohorts do not count.
    """

    kind: ClassVar[str] = "cohorts"
    about: About
    return_kind: str
    rows: tuple[Cohort, ...]
    weighted: tuple[float | None, ...]
    simple: tuple[float | None, ...]

    def to_json(self) -> dict[str, object]:
        """Return it as an object of plain JSON."""
        return _to_json(self)


@attrs.frozen(kw_only=True)
class FunnelStep:
    """A step of a funnel.

    Args:
        step: its number, from 1.
        name: its event type, or the name that was given.
        count: actors that reached it.
        rate: of those that entered; None when nobody did.
        step_rate: of those that reached the step before.
        drop_off: how many reached the step before and not this one.
        group: the value of the breakdown; None: everything.
    """

    step: int
    name: str
    count: int
    rate: float | None
    step_rate: float | None
    drop_off: int
    group: Group | None = None


@attrs.frozen(kw_only=True)
class Funnel:
    """How many actors went through steps, one after the other.

    Args:
        about: the question.
        rows: the steps, for everything, then for each group.
        window_ms: how long after the first step the last one may come; None: any time.
        is_complete: False while the window of the last entries is not over.
    """

    kind: ClassVar[str] = "funnel"
    about: About
    rows: tuple[FunnelStep, ...]
    window_ms: int | None
    is_complete: bool

    def to_json(self) -> dict[str, object]:
        """Return it as an object of plain JSON."""
        return _to_json(self)


@attrs.frozen(kw_only=True, repr=False)
class Entry:
    """An event of one person: personal data, which its repr does not show.

    Args:
        time_ms: when it happened, in milliseconds since 1970.
        type: the event type.
        endpoint_id: where it happened.
        event_id: the event.
        user_id: the user that came with it.
        session_id: its session.
        attributes: its attributes, as JSON text.
        metrics: its metrics, as JSON text.
    """

    time_ms: int
    type: str
    endpoint_id: str
    event_id: str
    user_id: str | None
    session_id: str | None
    attributes: str | None
    metrics: str | None


@attrs.frozen(kw_only=True)
class Timeline:
    """The events of one person, the latest first.

    Args:
        about: the question; it does not name the person.
        entries: the events.
        following: the token for earlier ones (argument `after`); None: there are none.
    """

    kind: ClassVar[str] = "timeline"
    about: About
    entries: tuple[Entry, ...] = attrs.field(repr=lambda entries: f"<{len(entries)}>")
    following: str | None

    def to_json(self) -> dict[str, object]:
        """Return it as an object of plain JSON."""
        return _to_json(self)


@attrs.frozen(kw_only=True)
class Overview:
    """What the first page of a console shows.

    Args:
        about: the question.
        daily: daily active endpoints or users.
        monthly: active in 30 days.
        new: new endpoints or users.
        retention: the seven-day retention rate.
        sessions: sessions.
        revenue: revenue.
    """

    kind: ClassVar[str] = "overview"
    about: About
    daily: Series
    monthly: Series
    new: Series
    retention: Series
    sessions: Series
    revenue: MoneySeries

    def to_json(self) -> dict[str, object]:
        """Return it as an object of plain JSON."""
        return _to_json(self)


Result: TypeAlias = (
    Series | MoneySeries | Distribution | HeatMap | CohortTable | Funnel | Timeline | Overview
)
_KINDS: Mapping[str, type[Result]] = {
    cls.kind: cls
    for cls in (Series, MoneySeries, Distribution, HeatMap, CohortTable, Funnel, Timeline, Overview)
}

_CONVERTER = cattrs.Converter()
_CONVERTER.register_unstructure_hook(dt.date, dt.date.isoformat)
_CONVERTER.register_structure_hook(dt.date, lambda value, _: dt.date.fromisoformat(value))
_CONVERTER.register_unstructure_hook(Decimal, str)
_CONVERTER.register_structure_hook(Decimal, lambda value, _: Decimal(value))
_CONVERTER.register_structure_hook(int | float | None, lambda value, _: value)


def _to_json(result: Result) -> dict[str, object]:
    content: dict[str, object] = _CONVERTER.unstructure(result)
    return {"kind": result.kind, **content}


def from_json(document: Mapping[str, object]) -> Result:
    """Return the result that `to_json` made an object of.

    Raises:
        ValidationError: it is no such object.
    """
    kind = document.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValidationError(
            f"unknown kind of result; there are {', '.join(_KINDS)}: "
            "is the server newer than this client?",
            "$.kind",
        )
    content = {name: value for name, value in document.items() if name != "kind"}
    try:
        return _CONVERTER.structure(content, _KINDS[kind])
    except Exception as error:  # cattrs raises groups of whatever was wrong
        raise ValidationError(f"malformed result of kind {kind}", "$") from error


def whole(value: object) -> int:
    """Return an integer of a database; NULL is 0, and PostgreSQL has Decimal for some sums."""
    return 0 if value is None else int(value)  # type: ignore[call-overload] # one of these


def ratio(part: int, base: int) -> float | None:
    """Return part ÷ base; None when there is no base.

    Examples:
        >>> ratio(1, 4), ratio(0, 0)
        (0.25, None)
    """
    return part / base if base else None

"""Money: what purchases brought, exactly, currency by currency; nothing is ever converted.

Amounts leave the database as integers: millionths, in whole units and the rest, so that sums are
exact in every database. Here they become `Decimal`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import Double, and_, case, func, literal, select, union_all

from pinpoint_kit.metrics.activity import ACTIVITY, active_days, on_days
from pinpoint_kit.metrics.answering import groups_of, series
from pinpoint_kit.metrics.breakdown import (
    actor_of,
    answered,
    behind,
    find_groups,
    is_acting,
    picked,
)
from pinpoint_kit.metrics.calendar import date_of
from pinpoint_kit.metrics.counts import MAX_NUMBER, MICRO, count_of
from pinpoint_kit.metrics.definition import Argument, Chosen, Question, choice, define
from pinpoint_kit.metrics.dialects import attribute, metric, number, once, rounded
from pinpoint_kit.metrics.groups import ALL, WHOLE, Groups, Plan, Table
from pinpoint_kit.metrics.results import MoneyPoint, MoneySeries, MoneyTotal, Series, whole

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from pinpoint_kit.metrics.relation import Relation, Rows, Selected, Statement

__all__ = [
    "PURCHASE",
    "paying",
    "purchases",
    "revenue",
    "revenue_per_active",
    "revenue_per_paying",
    "units_sold",
]

PURCHASE = "_monetization.purchase"

AMOUNT = Argument(
    name="amount",
    meaning="what a purchase brings: `price_times_quantity`, or `price` alone",
    parse=choice("price_times_quantity", "price"),
    default="price_times_quantity",
)

_SCALE = Decimal(MICRO)
_CENTS_OF_CENTS = Decimal("0.000001")

#: Millionths by (day, part, currency), and how many purchases had no price.
_Amounts: TypeAlias = "dict[tuple[int, int, str | None], tuple[int, int]]"


def _buyers(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    return behind(question, relation, chosen, types=[PURCHASE])


def _revenue_statement(question: Question, relation: Relation, groups: Groups) -> Statement:
    events = relation.events
    columns: dict[str, ColumnElement[str] | ColumnElement[float]] = {
        "currency": attribute(events.attributes, "_currency"),
        "price": metric(events.metrics, "_item_price"),
        "quantity": metric(events.metrics, "_quantity"),
    }
    bought = once(picked(question, relation, groups, columns, types=[PURCHASE]))
    amount: ColumnElement[float] = bought.c.price
    if question.word("amount") == "price_times_quantity":
        amount = amount * func.coalesce(bought.c.quantity, literal(1.0, Double))
    key = [bought.c.day, bought.c.part, bought.c.currency]
    amounts = select(*key, amount.label("own_amount")).subquery("amounts")
    fits = and_(
        amounts.c.own_amount <= float(MAX_NUMBER), amounts.c.own_amount >= float(-MAX_NUMBER)
    )
    key = [amounts.c.day, amounts.c.part, amounts.c.currency]
    scaled = once(select(*key, case((fits, amounts.c.own_amount * float(MICRO))).label("scaled")))
    key = [scaled.c.day, scaled.c.part, scaled.c.currency]
    micros = once(select(*key, rounded(scaled.c.scaled).label("micros")))
    units = micros.c.micros // number(MICRO)
    key = [micros.c.day, micros.c.part, micros.c.currency]
    return select(
        *key,
        func.sum(units),
        func.sum(micros.c.micros - units * number(MICRO)),
        func.sum(case((micros.c.micros.is_(None), number(1)), else_=number(0))),
    ).group_by(*key)


def _amounts(question: Question, relation: Relation) -> Plan[tuple[Groups, _Amounts]]:
    groups = yield from find_groups(question, relation, types=[PURCHASE])
    found = _read((yield _revenue_statement(question, relation, groups)))
    if question.by is not None and question.only is None:
        over_all = _read((yield _revenue_statement(question.over_all(), relation, WHOLE)))
        found |= {(day, ALL, currency): v for (day, _, currency), v in over_all.items()}
    return groups, found


def _read(rows: Rows) -> _Amounts:
    found: _Amounts = {}
    for day, part, currency, units, rest, unpriced in rows:
        code = None if currency is None else str(currency)
        found[whole(day), whole(part), code] = (whole(units) * MICRO + whole(rest), whole(unpriced))
    return found


def _money_series(
    question: Question,
    groups: Groups,
    amounts: _Amounts,
    divisors: Table | None = None,
) -> MoneySeries:
    """Return amounts, or amounts ÷ actors, for every day, group and currency."""
    named = groups_of(question, groups, (part for _, part, _ in amounts))
    codes = {code for _, _, code in amounts}
    currencies = sorted(codes, key=lambda code: (code is None, code or ""))
    broken = question.by is not None and question.only is None

    def value(day: int, part: int, micros: int) -> Decimal | None:
        if divisors is None:
            return Decimal(micros) / _SCALE
        actors = whole(divisors.get((day, part), (0,))[0])
        return (Decimal(micros) / _SCALE / actors).quantize(_CENTS_OF_CENTS) if actors else None

    points, sums = [], dict.fromkeys(((part, c) for part in [ALL, *named] for c in currencies), 0)
    for (_, part, code), (micros, _) in amounts.items():
        sums[part, code] += micros
    for day in range(question.days.first, question.days.last + 1):
        is_complete = day < question.today
        is_known = is_complete or (day == question.today and divisors is None)
        for part, group in named.items():
            points += [
                MoneyPoint(
                    day=date_of(day),
                    currency=code,
                    value=value(day, part, amounts.get((day, part, code), (0, 0))[0])
                    if is_known
                    else None,
                    group=group,
                    is_complete=is_complete,
                )
                for code in currencies
            ]
    parts = ({ALL: None, **named}) if broken else named
    totals = [
        MoneyTotal(currency=code, value=value(-1, part, sums[part, code]), group=group)
        for part, group in parts.items()
        for code in currencies
    ]
    over_all = ALL if broken else 0
    return MoneySeries(
        about=question.about,
        currencies=tuple(currencies),
        points=tuple(points),
        totals=tuple(totals),
        unpriced=sum(n for (_, part, _), (_, n) in amounts.items() if part == over_all),
    )


@define(title="Revenue", unit="currency", arguments=(AMOUNT,), actors=_buyers)
def revenue(question: Question, relation: Relation) -> Plan[MoneySeries]:
    """Sum what purchases brought on each day, currency by currency.

    Counted: `_item_price` times `_quantity` (1 when it is missing) of each purchase
        (`_monetization.purchase`), rounded to a millionth, on the day of its timestamp. Purchases
        without a price, or with an amount beyond ±1,000,000,000,000, are counted as `unpriced`.
    Source: Pinpoint User Guide, Revenue: "Revenue"; Mobile Analytics, "Daily revenue".
    Differs: Mobile Analytics sums the price alone (`amount="price"`), and Pinpoint does not say.
        PostHog and Amplitude can convert currencies; here none is ever converted.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("revenue", "a 10-01 _monetization.purchase _item_price=9.99 _quantity=2"
        ...     " _currency=EUR;"
        ...     "b 10-02 _monetization.purchase _item_price=5 _currency=USD")
        {'EUR': '19.98', 'USD': '5'}
    """
    groups, amounts = yield from _amounts(question, relation)
    return _money_series(question, groups, amounts)


@define(title="Purchases", unit="purchases", actors=_buyers)
def purchases(question: Question, relation: Relation) -> Plan[Series]:
    """Count the purchases of each day.

    Counted: Every `_monetization.purchase`, on the day of its timestamp, with or without a price.
    Source: Pinpoint User Guide, Revenue: "Purchases".
    Differs: As in Pinpoint's console; Amplitude, Mixpanel and PostHog count an event of your
        choice, which `events` does here.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("purchases", "a 10-01 _monetization.purchase; a 10-02 open")
        {'2026-10-01': 1, '2026-10-02': 0, 'total': 1}
    """
    return (yield from count_of(question, relation, [PURCHASE]))


@define(title="Units sold", unit="units", actors=_buyers)
def units_sold(question: Question, relation: Relation) -> Plan[Series]:
    """Sum the quantities of the purchases of each day.

    Counted: `_quantity` of every `_monetization.purchase`, 1 when it is missing, rounded to a
        millionth; quantities beyond ±1,000,000,000,000 are left out.
    Source: Pinpoint User Guide, Revenue: "Units sold".
    Differs: As in Pinpoint's console; the other products know no quantity of their own.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("units_sold", "a 10-01 _monetization.purchase _quantity=3; a 10-02"
        ...     " _monetization.purchase")
        {'2026-10-01': 3, '2026-10-02': 1, 'total': 4}
    """
    groups = yield from find_groups(question, relation, types=[PURCHASE])

    def statement(asked: Question, parts: Groups) -> Statement:
        quantity = {"quantity": metric(relation.events.metrics, "_quantity")}
        rows = once(picked(asked, relation, parts, quantity, types=[PURCHASE]))
        amount = func.coalesce(rows.c.quantity, literal(1.0, Double))
        fits = and_(amount <= float(MAX_NUMBER), amount >= float(-MAX_NUMBER))
        scaled = once(
            select(rows.c.day, rows.c.part, case((fits, amount * float(MICRO))).label("scaled"))
        )
        micros = once(select(scaled.c.day, scaled.c.part, rounded(scaled.c.scaled).label("micros")))
        units = micros.c.micros // number(MICRO)
        daily = (
            select(
                micros.c.day,
                micros.c.part,
                func.sum(units).label("units"),
                func.sum(micros.c.micros - units * number(MICRO)).label("rest"),
            )
            .group_by(micros.c.day, micros.c.part)
            .cte("daily")
        )
        return union_all(
            select(*daily.c),
            select(
                number(-1), daily.c.part, func.sum(daily.c.units), func.sum(daily.c.rest)
            ).group_by(daily.c.part),
        )

    def total(row: tuple[object, ...]) -> int | float:
        micros = whole(row[0]) * MICRO + whole(row[1])
        return micros // MICRO if micros % MICRO == 0 else micros / MICRO

    table = yield from answered(question, statement, groups, over_all="sum")
    return series(question, groups, table, {"value": total}, nothing=(0, 0))


def _paying(question: Question, relation: Relation) -> Plan[tuple[Groups, Table]]:
    conditions = is_acting(question, relation)
    groups = yield from find_groups(question, relation, types=[PURCHASE], conditions=conditions)

    def statement(asked: Question, parts: Groups) -> Statement:
        rows = picked(
            asked,
            relation,
            parts,
            {"actor": actor_of(asked, relation)},
            types=[PURCHASE],
            conditions=conditions,
        )
        return on_days(asked, rows.distinct().cte("payers"))

    table = yield from answered(question, statement, groups, over_all="has")
    return groups, table


@define(title="Paying endpoints or users", unit="actors", actors=_buyers)
def paying(question: Question, relation: Relation) -> Plan[Series]:
    """Count the distinct endpoints or users that bought something on each day.

    Counted: An actor with a `_monetization.purchase` on the day, once. The total counts each actor
        of the period once.
    Source: Pinpoint User Guide, Revenue: "Paying users".
    Differs: Mobile Analytics' "paying DAU" are active ones that bought at any time before; here as
        in Pinpoint's console they bought on the day.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("paying", "a 10-01 _monetization.purchase; a 10-01 _monetization.purchase;"
        ...     "a 10-02 _monetization.purchase; b 10-02 _monetization.purchase")
        {'2026-10-01': 1, '2026-10-02': 2, 'total': 2}
    """
    groups, table = yield from _paying(question, relation)
    return series(question, groups, table, {"value": lambda row: whole(row[0])})


@define(
    title="Revenue per active endpoint or user",
    unit="currency per actor",
    arguments=(AMOUNT, ACTIVITY),
    actors=_buyers,
)
def revenue_per_active(question: Question, relation: Relation) -> Plan[MoneySeries]:
    """Divide the revenue of each day by the endpoints or users that were active on it.

    Counted: `revenue` ÷ `active` (window 1), to a millionth; None on days without anybody. The
        total divides the revenue of the period by the distinct actors that were active in it.
    Source: Pinpoint User Guide, Revenue: "Revenue per endpoint", "Revenue per user".
    Differs: Pinpoint's console shows the mean of the days for a period; Amplitude's ARPU is per
        user as here.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("revenue_per_active", "a 10-01 _monetization.purchase _item_price=9 _currency=EUR;"
        ...     "b 10-02 open")
        {'EUR': '4.500000'}
    """
    groups, amounts = yield from _amounts(question, relation)

    def statement(asked: Question, parts: Groups) -> Statement:
        return on_days(asked, active_days(asked, relation, parts))

    divisors = yield from answered(question, statement, groups, over_all="has")
    return _money_series(question, groups, amounts, divisors)


@define(
    title="Revenue per paying endpoint or user",
    unit="currency per actor",
    arguments=(AMOUNT,),
    actors=_buyers,
)
def revenue_per_paying(question: Question, relation: Relation) -> Plan[MoneySeries]:
    """Divide the revenue of each day by the endpoints or users that bought something on it.

    Counted: `revenue` ÷ `paying`, to a millionth; None on days without anybody. The total divides
        the revenue of the period by the distinct actors that bought something in it.
    Source: Pinpoint User Guide, Revenue: "Revenue per paying user".
    Differs: Pinpoint's console shows the mean of the days for a period; Amplitude's ARPPU is per
        user as here.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("revenue_per_paying", "a 10-01 _monetization.purchase _item_price=9 _currency=EUR;"
        ...     "b 10-01 open; b 10-02 _monetization.purchase _item_price=2 _currency=EUR")
        {'EUR': '5.500000'}
    """
    groups, amounts = yield from _amounts(question, relation)
    _, divisors = yield from _paying(question, relation)
    return _money_series(question, groups, amounts, divisors)

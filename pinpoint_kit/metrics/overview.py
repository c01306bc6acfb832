"""The overview: the six charts of a console's first page, each defined as it is asked alone.

Three of them stand on the same active days. Those are read once: the plans of the three run side
by side, and what they ask becomes one statement.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

import attrs
from sqlalchemy import BigInteger, cast, null, select, union_all

from pinpoint_kit.metrics import activity, money, retention, sessions
from pinpoint_kit.metrics.definition import DEFINITIONS, Question, define
from pinpoint_kit.metrics.dialects import number
from pinpoint_kit.metrics.groups import WHOLE
from pinpoint_kit.metrics.results import Overview, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.metrics.groups import Plan
    from pinpoint_kit.metrics.relation import Relation, Rows, Statement
    from pinpoint_kit.metrics.results import Series

__all__ = ["overview"]

_MONTH = 30


def _asking(question: Question, name: str, **extra: object) -> Question:
    definition = DEFINITIONS[name]
    defaults = {argument.name: argument.default for argument in definition.arguments}
    return attrs.evolve(question, definition=definition, extra={**defaults, **extra})


def _of_active_days(question: Question, relation: Relation) -> Plan[list[Series]]:
    """Return the charts that read active days: daily, monthly, retention."""
    daily = _asking(question, "active")
    days = question.seen.reaching(before=_MONTH - 1)
    shared = activity.active_days(daily, relation, WHOLE, days)
    asked = attrs.evolve(question, shared=shared)
    return (
        yield from _together(
            [
                activity.active(_asking(asked, "active"), relation),
                activity.active(_asking(asked, "active", window=_MONTH), relation),
                retention.seven_day_retention(_asking(asked, "seven_day_retention"), relation),
            ]
        )
    )


def _together(plans: Sequence[Plan[Series]]) -> Plan[list[Series]]:
    """Run plans that ask one statement of integers each, as one statement."""
    rows = yield _joined([next(plan) for plan in plans])
    own: list[list[Sequence[object]]] = [[] for _ in plans]
    for index, *row in rows:
        own[whole(index)].append(row)
    return [_end(plan, found) for plan, found in zip(plans, own, strict=True)]


def _joined(statements: Sequence[Statement]) -> Statement:
    """Return the rows of all statements, each after its place; missing columns are NULL."""
    tables = [statement.subquery() for statement in statements]
    columns = zip_longest(*(table.c for table in tables), fillvalue=cast(null(), BigInteger))
    return union_all(
        *(
            select(number(index), *own).select_from(table)
            for index, (table, own) in enumerate(
                zip(tables, zip(*columns, strict=True), strict=True)
            )
        )
    )


def _end(plan: Plan[Series], rows: Rows) -> Series:
    try:
        plan.send(rows)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return] # what the generator returns
    raise RuntimeError("a chart of the overview asked a second statement")


@define(
    title="Overview",
    unit="charts",
    without=("by", "top"),
    refuses=("event_type", "session_id", "attributes", "metrics"),
)
def overview(question: Question, relation: Relation) -> Plan[Overview]:
    """Show who is active, daily and in 30 days, who is new, who comes back, sessions and revenue.

    Counted: As `active` (window 1 and 30), `new`, `seven_day_retention`, `sessions` and `revenue`
        count.
    Source: Pinpoint User Guide, Overview.
    Differs: Pinpoint's overview had campaigns and transactional messages beside these.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("overview", "a 10-01 _session.start; b 10-02 open")
        {'daily': 2, 'monthly': 2, 'new': 2, 'sessions': 1}
    """
    daily, monthly, back = yield from _of_active_days(question, relation)
    return Overview(
        about=question.about,
        daily=daily,
        monthly=monthly,
        new=(yield from activity.new(_asking(question, "new"), relation)),
        retention=back,
        sessions=(yield from sessions.sessions(_asking(question, "sessions"), relation)),
        revenue=(yield from money.revenue(_asking(question, "revenue"), relation)),
    )

"""The overview: the six charts of a console's first page, each asked as it is asked alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.metrics import activity, money, retention, sessions
from pinpoint_kit.metrics.definition import DEFINITIONS, Question, define
from pinpoint_kit.metrics.results import Overview

if TYPE_CHECKING:
    from pinpoint_kit.metrics.groups import Plan
    from pinpoint_kit.metrics.relation import Relation

__all__ = ["overview"]


def _asking(question: Question, name: str, **extra: object) -> Question:
    definition = DEFINITIONS[name]
    defaults = {argument.name: argument.default for argument in definition.arguments}
    return attrs.evolve(question, definition=definition, extra={**defaults, **extra})


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
    return Overview(
        about=question.about,
        daily=(yield from activity.active(_asking(question, "active"), relation)),
        monthly=(yield from activity.active(_asking(question, "active", window=30), relation)),
        new=(yield from activity.new(_asking(question, "new"), relation)),
        retention=(
            yield from retention.seven_day_retention(
                _asking(question, "seven_day_retention"), relation
            )
        ),
        sessions=(yield from sessions.sessions(_asking(question, "sessions"), relation)),
        revenue=(yield from money.revenue(_asking(question, "revenue"), relation)),
    )

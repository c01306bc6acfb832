"""From the rows of statements to results: every day its point, every group its total.

Which statement gives them belongs to the metrics; what a result is, to results.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.metrics.calendar import date_of
from pinpoint_kit.metrics.groups import ALL
from pinpoint_kit.metrics.results import Group, Point, Series, Total

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pinpoint_kit.metrics.definition import Question
    from pinpoint_kit.metrics.groups import Groups, Table
    from pinpoint_kit.metrics.results import Number

__all__ = ["groups_of", "series"]


def groups_of(question: Question, groups: Groups, parts: Iterable[int]) -> dict[int, Group | None]:
    """Return the group of each part, in order; the rest is there when something was counted."""
    if question.by is None or question.only is not None:
        return {0: None}
    found: dict[int, Group | None] = {
        part: Group(value=name) for part, name in enumerate(groups.names)
    }
    if len(groups.names) in set(parts):
        found[len(groups.names)] = Group(is_rest=True)
    return found


def series(  # noqa: PLR0913 -- these are what a series is made of
    question: Question,
    groups: Groups,
    table: Table,
    measures: Mapping[str, Callable[[tuple[object, ...]], Number]],
    *,
    nothing: tuple[object, ...] = (0,),
    is_ratio: bool = False,
    ready_after: int = 0,
) -> Series:
    """Return a series from the rows of a statement.

    Days without a row get `nothing`. A day that is not over has what was counted so far and says
    so; a ratio is None until it is, and so is all that lies in the future.

    Args:
        question: the question.
        groups: its groups.
        table: by day and part; day -1 has the totals.
        measures: from the values of a row to a number, by its name.
        nothing: the values of a row that is missing.
        is_ratio: whether the numbers mean nothing until they are complete.
        ready_after: how many days after its day a number is complete.
    """
    named = groups_of(question, groups, (part for _, part in table))
    today = question.today

    def numbers(day: int, part: int) -> tuple[Number, ...]:
        row = table.get((day, part), nothing)
        return tuple(measure(row) for measure in measures.values())

    points = []
    for day in range(question.days.first, question.days.last + 1):
        is_complete = day + ready_after < today
        is_known = is_complete or (day + ready_after == today and not is_ratio)
        for part, group in named.items():
            values = numbers(day, part) if is_known else (None,) * len(measures)
            points.append(
                Point(day=date_of(day), values=values, group=group, is_complete=is_complete)
            )
    parts = named if None in named.values() else {ALL: None, **named}
    totals = [_total(points, group, numbers(-1, part)) for part, group in parts.items()]
    return Series(
        about=question.about, measures=tuple(measures), points=tuple(points), totals=tuple(totals)
    )


def _total(points: list[Point], group: Group | None, values: tuple[Number, ...]) -> Total:
    own = [p for p in points if p.group == group and p.value is not None]
    over = [p.value for p in own if p.is_complete and p.value is not None]
    change = over[-1] / over[0] - 1 if over and over[0] else None
    # Whoever began today has no average yet: it would be that of the days before, which is 0.
    is_known = bool(over) and (any(over) or not any(p.value for p in own))
    average = sum(over) / len(over) if is_known else None
    return Total(values=values, average=average, change=change, group=group)

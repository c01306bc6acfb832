"""Dates among the values of attributes: what a definition may say, and what fits it outside of SQL.

Segments are evaluated by the database, filters of events by Python; both mean the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.wire import instants
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DATES", "fits", "moments_of"]

#: Values of `AttributeType` that compare dates.
DATES = frozenset({"BEFORE", "AFTER", "ON", "BETWEEN"})
_BOUNDS = 2  # of BETWEEN
_DAY = len("2018-05-07")


def moments_of(how: str, values: Sequence[str], path: str) -> tuple[str, ...]:
    """Return the dates of a definition in a form that sorts by time.

    Args:
        how: one of `DATES`.
        values: dates with a time in UTC, or alone, which means their beginning.
        path: where the values stand, for errors.

    Raises:
        ApiError: one is no date, or BETWEEN has not two of them in their order.
    """
    if how != "BETWEEN":
        return tuple(_moment(value, f"{path}[{at}]") for at, value in enumerate(values))
    if len(values) == _BOUNDS:
        first, last = (_moment(value, f"{path}[{at}]") for at, value in enumerate(values))
        if first <= last:
            return first, last
    raise bad_request("must be two dates for BETWEEN, the earlier one first", path)


def fits(how: str, value: str, wanted: Sequence[str]) -> bool:
    """Return whether the value of an attribute is a date that a definition describes.

    Args:
        how: one of `DATES`.
        value: as it was given; a date alone never fits, nor does one without `Z`.
        wanted: what `moments_of` has returned.
    """
    moment = instants.sortable(value)
    if moment is None:
        return False
    if how == "BETWEEN":
        first, last = wanted
        return first <= moment <= last
    if how == "ON":
        return any(moment[:_DAY] == each[:_DAY] for each in wanted)
    if how == "BEFORE":
        return any(moment < each for each in wanted)
    return any(moment > each for each in wanted)


def _moment(value: str, path: str) -> str:
    moment = instants.sortable(value) or instants.sortable(f"{value}T00:00:00Z")
    if moment is None:
        raise bad_request(
            "must be a date and time in UTC such as 2018-05-07T00:00:00Z, or a date", path
        )
    return moment

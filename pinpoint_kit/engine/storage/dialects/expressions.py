"""Conditions that every database writes in its own way: elements of an SQLAlchemy expression.

What is asked stands here, how it is compiled in the folder of each database. A condition must not
have the type Boolean: it would be compared with 1, and then SQLite works out all of it for every
row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Float
from sqlalchemy.sql.visitors import InternalTraversal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HasValue", "Metric", "Unindexed", "has_value", "metric", "unindexed"]


def has_value(
    text: ColumnElement[str], name: str, how: str, wanted: Sequence[str]
) -> ColumnElement[bool]:
    """Return whether a stored map of lists has a value of this name that fits.

    Args:
        text: the map: JSON as `body.encode` writes it, NULL for an empty one.
        name: the name of the list.
        how: INCLUSIVE (the value is one of the wanted), CONTAINS (it has one of them in it), or
            BEFORE, AFTER, ON, BETWEEN: it is an ISO_INSTANT before, after, on the day of one of
            them, or between the two of them, both included.
        wanted: texts; for dates in the form of `instants.sortable`.
    """
    return HasValue(text, name, how, tuple(wanted))


def metric(text: ColumnElement[str], name: str) -> ColumnElement[float]:
    """Return a number of a stored map of numbers, NULL when there is none of this name."""
    return Metric(text, name)


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the column as one that no index is used for: the table is read from end to end."""
    return Unindexed(column)


class HasValue(ColumnElement[bool]):
    """See `has_value`."""

    inherit_cache = False  # statements with it are made for one use

    def __init__(
        self, text: ColumnElement[str], name: str, how: str, wanted: tuple[str, ...]
    ) -> None:
        self.text = text
        self.name = name
        self.how = how
        self.wanted = wanted


class Metric(ColumnElement[float]):
    """See `metric`."""

    inherit_cache = False
    type = Float()

    def __init__(self, text: ColumnElement[str], name: str) -> None:
        self.text = text
        self.name = name


class Unindexed(ColumnElement[Any]):
    """See `unindexed`. A statement with it is compiled once: campaigns read by one at each step."""

    _traverse_internals = [("column", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 -- SQLAlchemy's
    inherit_cache = True

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.column = column
        self.type = column.type

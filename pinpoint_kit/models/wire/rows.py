"""Values of rows and data frames in the form of Pinpoint's JSON: texts, numbers and instants.

The same table of conversions as `record` has. What is missing (None, NaN, NaT) is left out, and
what nobody can convert raises with its column. Ids and addresses are never made of numbers: a
number may have lost its zeros, or its plus sign.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import Enum
from typing import Any
from uuid import UUID

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.base import iso, path_to
from pinpoint_kit.models.scalars import UNUSABLE, attribute_text, metric_number, moment

__all__ = ["converted", "is_missing"]

_LISTS = ("Attributes.", "User.UserAttributes.")
_COORDINATES = frozenset({"Location.Latitude", "Location.Longitude"})
_DATES = frozenset({"EffectiveDate", "CreationDate"})
#: Members whose numbers are likely to be another text that was read as a number.
_NAMES = frozenset({"Id", "Address", "User.UserId", "Location.PostalCode", "RequestId", "CohortId"})


def converted(record: Mapping[str, object]) -> dict[str, object]:
    """Return a row with its values as JSON has them.

    Args:
        record: members under Pinpoint's names, which may have dots.

    Raises:
        ValidationError: a value is nothing that its member can be.

    Examples:
        >>> converted({"Id": "a", "Attributes.since": dt.date(2026, 10, 30), "Metrics.n": True})
        {'Id': 'a', 'Attributes.since': '2026-10-30T00:00:00.000Z', 'Metrics.n': 1.0}
    """
    return _members(record, "")


def _members(record: Mapping[str, object], prefix: str) -> dict[str, object]:
    return {
        name: value
        for name, given in record.items()
        if (value := _value(f"{prefix}{name}", given)) is not None
    }


def _value(name: str, given: object) -> object:
    """Return the value of one member, named with its groups; None when it is missing."""
    if is_missing(given):
        return None
    path = path_to("$", name)
    if name.startswith(_LISTS):
        return _texts(given, path)
    if name.startswith("Metrics.") or name in _COORDINATES:
        return _number(given, path)
    if isinstance(given, Mapping):
        return _members(given, f"{name}.")
    if name in _DATES:
        return iso(moment(given, path))
    return _text(name, given, path)


def _texts(given: object, path: str) -> object:
    """Return one text, or those of a list."""
    plain: Any = given.tolist() if hasattr(given, "tolist") else given
    if not isinstance(plain, (list, tuple)):
        return _one_text(plain, path)
    texts = (_one_text(item, f"{path}[{index}]") for index, item in enumerate(plain))
    return [text for text in texts if text is not None]


def _one_text(given: object, path: str) -> str | None:
    if is_missing(given):
        return None
    if isinstance(given, float) and given.is_integer():
        given = int(given)  # a column of whole numbers with gaps is one of floats
    text = attribute_text(given, path)
    if text is UNUSABLE:
        raise InvalidTypeError("is not a finite number: leave it out", path)
    return text


def _number(given: object, path: str) -> object:
    try:
        number = metric_number(given, path)
    except ValidationError:
        raise InvalidTypeError("must be a number", path) from None
    if number is UNUSABLE:
        raise InvalidTypeError("must be a finite number", path)
    return number


def _text(name: str, given: object, path: str) -> object:
    if isinstance(given, Enum):
        return given.value
    if isinstance(given, UUID):
        return str(given)
    if name in _NAMES and not isinstance(given, str):
        raise InvalidTypeError(
            f"expected text, got {type(given).__name__}: read it as text, for example with"
            " pd.read_csv(..., dtype=str), for a number has lost zeros and plus signs",
            path,
        )
    if isinstance(given, dt.date):
        return iso(moment(given, path))
    return given


def is_missing(cell: Any) -> bool:  # noqa: ANN401 -- whatever a cell holds
    """Return whether a cell has no value: None, NaN, NaT or pandas' NA."""
    if cell is None or hasattr(cell, "__len__"):
        return cell is None
    try:
        return bool(cell != cell)  # noqa: PLR0124 -- NaN and NaT differ from themselves
    except TypeError:  # pandas' NA says neither yes nor no
        return True

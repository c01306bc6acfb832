"""The values of a breakdown as statements know them: by their place.

0 to N-1 are the first ones, N is the rest; without a breakdown all rows have part 0. What reads
them stands in breakdown.py. Values only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

import attrs
from sqlalchemy import Text, case, literal

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.metrics.dialects import number
from pinpoint_kit.metrics.filters import MAX_NAME_CHARS
from pinpoint_kit.metrics.relation import REMEMBERED

if TYPE_CHECKING:
    from collections.abc import Generator

    from sqlalchemy import ColumnElement

    from pinpoint_kit.metrics.relation import Rows, Statement

__all__ = ["ALL", "MAPS", "WHOLE", "Breakdown", "Groups", "Plan", "Table"]

#: The `part` of totals over all values.
ALL = -1

_COLUMNS = ("event_type", "channel", *REMEMBERED)
MAPS = ("attributes", "endpoint_attributes", "user_attributes")


@attrs.frozen
class Breakdown:
    """What a number is broken down by.

    Args:
        name: `event_type`, `channel`, `platform`, `app_version`, `make`, `model`, `locale` or
            `country`; `attributes`, `endpoint_attributes` or `user_attributes` with a key.
        key: the attribute's name, "" otherwise.
    """

    name: str
    key: str = ""

    @classmethod
    def parse(cls, value: object, path: str = "$.by") -> Breakdown:
        """Return the breakdown of a text such as `platform` or `attributes.screen`.

        Raises:
            ValidationError: there is no such breakdown.
        """
        name, _, key = value.partition(".") if isinstance(value, str) else ("", "", "")
        if (name in _COLUMNS and not key) or (name in MAPS and 0 < len(key) <= MAX_NAME_CHARS):
            return cls(name, key)
        raise ValidationError(
            f"unknown breakdown; there are {', '.join(_COLUMNS)}, and "
            f"{', '.join(f'{name}.NAME' for name in MAPS)}",
            path,
            "unknown",
        )

    @property
    def is_list(self) -> bool:
        """Whether one row can have several values."""
        return self.name in {"endpoint_attributes", "user_attributes"}

    def __str__(self) -> str:
        return f"{self.name}.{self.key}" if self.key else self.name


@attrs.frozen
class Groups:
    """The values that are counted by themselves, the most frequent first.

    Args:
        names: the values; None stands for rows that have none.
    """

    names: tuple[str | None, ...]

    def code(self, value: ColumnElement[str]) -> ColumnElement[int]:
        """Return the expression for the part that a value belongs to.

        The value is read once, and once more only for rows of no name: it may stand in JSON.
        """
        rest: ColumnElement[int] = number(len(self.names))
        if None in self.names:
            rest = case((value.is_(None), number(self.names.index(None))), else_=rest)
        named = [(literal(n, Text), number(i)) for i, n in enumerate(self.names) if n is not None]
        return case(*named, value=value, else_=rest) if named else rest


#: Everything in one part.
WHOLE = Groups(())

_T = TypeVar("_T")
#: A question's work: it yields statements, is sent their rows, and returns what was found.
Plan: TypeAlias = "Generator[Statement, Rows, _T]"
#: The values of rows by (key, part).
Table: TypeAlias = "dict[tuple[int, int], tuple[object, ...]]"

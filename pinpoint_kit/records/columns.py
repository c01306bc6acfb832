"""Columns: dotted names such as `Attributes.plan`, and where their cells go in JSON."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.records.cells import values_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

__all__ = [
    "CellError",
    "Column",
    "ColumnError",
    "column_of",
    "columns_of",
    "nested",
    "suggest_column",
]

_PLAIN = (
    "Id", "Address", "ChannelType", "EndpointStatus", "OptOut", "EffectiveDate", "RequestId",
    "ApplicationId", "CohortId", "CreationDate",
)  # fmt: skip
_DEMOGRAPHIC = (
    "AppVersion", "Locale", "Make", "Model", "ModelVersion", "Platform", "PlatformVersion",
    "Timezone",
)  # fmt: skip
_LOCATION = ("City", "Country", "Latitude", "Longitude", "PostalCode", "Region")
_NUMBERS = frozenset({"Location.Latitude", "Location.Longitude"})
_SINGLE = frozenset(
    {
        *_PLAIN,
        *(f"Demographic.{name}" for name in _DEMOGRAPHIC),
        *(f"Location.{name}" for name in _LOCATION),
        "User.UserId",
    }
)
_LISTS = {"Attributes": ("Attributes",), "User.UserAttributes": ("User", "UserAttributes")}
#: What has further names below it: any, as a column has it, or members.
_OPEN = ("Attributes", "Metrics", "User.UserAttributes")
_GROUPS = ("Demographic", "Location", "User")
#: Names as people write them -> ours. Those without their group count, too, after whole ones.
_MEANT = {
    **{name.rpartition(".")[2].lower(): name for name in (*_SINGLE, "User.UserAttributes")},
    **{name.lower(): name for name in (*_SINGLE, *_OPEN, *_GROUPS)},
    "user.attributes": "User.UserAttributes",
}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
#: As pandas renames a repeated column; an endpoint has at most 50 values of a name.
_REPETITION = re.compile(r"(.+)\.([1-9][0-9]?)")
_FILLERS = re.compile(r"[\s_-]")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]{1,18}")


class ColumnError(Exception):
    """There is no such column."""


class CellError(Exception):
    """A cell cannot be what its column needs; the text says what that is.

    Attributes:
        column: the column's name, "" where only the caller knows it.
    """

    def __init__(self, text: str, column: str = "") -> None:
        super().__init__(text)
        self.column = column


@attrs.frozen
class Column:
    """Where the cells of a column go: `path` to the object that holds `member`.

    `repeats` is the member that this column repeats, if it looks as pandas renames repeated ones.
    """

    name: str
    path: tuple[str, ...]
    member: str
    is_list: bool = False
    is_number: bool = False
    repeats: str = ""

    @property
    def is_text(self) -> bool:
        """True where blanks around a cell belong to the value."""
        return self.is_list

    def put(self, members: dict[str, object], cell: object) -> None:
        """Put a cell into the members of its row; texts of a list are added one by one.

        Raises:
            CellError: it has to be a number and is none, or another column stands in its way.
        """
        for step in self.path:
            inner = members.setdefault(step, {})
            if not isinstance(inner, dict):
                raise CellError(f"{step} is given in two ways")
            members = inner
        if self.is_list:
            listed = values_of(cell) if isinstance(cell, str) else cell
            # A list stands for all values of its own name; one value repeats another column.
            name, more = self.member, listed
            if not isinstance(more, (list, tuple)):
                name, more = self.repeats or self.member, [cell]
            values = members.setdefault(name, [])
            if not isinstance(values, list):
                raise CellError("is given in two ways")
            values.extend(more)
        else:
            members[self.member] = (
                _number(cell) if self.is_number and isinstance(cell, str) else cell
            )


def columns_of(header: Sequence[str]) -> list[Column]:
    """Return the columns of a CSV header.

    Raises:
        ColumnError: one is nothing that an endpoint has, or repeats another without being a list.
            It names positions: where a header was forgotten, data stands there.
    """
    found: list[Column] = []
    for position, name in enumerate(header):
        column = column_of(name)
        if column is None:
            raise ColumnError(
                f"column {position + 1} of the header {_column_problem(name, position)}"
            )
        if not column.is_list and name in header[:position]:
            raise ColumnError(f"column {position + 1} of the header repeats the name of another")
        found.append(column)
    return with_repetitions(found)


def with_repetitions(columns: Sequence[Column]) -> list[Column]:
    """Return columns in which `NAME.1`, `NAME.2`, ... repeat `NAME` if all of them are there.

    pandas reads a repeated header so: `Attributes.plan` twice becomes `Attributes.plan.1`.
    """
    names = {column.name for column in columns}
    return [
        attrs.evolve(column, repeats=repeated) if (repeated := _repeated(column, names)) else column
        for column in columns
    ]


def _repeated(column: Column, names: AbstractSet[str]) -> str:
    """Return the member that a column repeats, "" when it is a name of its own."""
    found = _REPETITION.fullmatch(column.name)
    if not column.is_list or found is None:
        return ""
    base, number = found[1], int(found[2])
    earlier = {base, *(f"{base}.{index}" for index in range(1, number))}
    return column.member.rpartition(".")[0] if earlier <= names else ""


def _column_problem(name: str, position: int) -> str:
    """Return what is wrong with a name in a header; it is not shown, for it may be data."""
    if not name and position == 0:
        return "has no name: name it, or leave it out (in pandas with to_csv(index=False))"
    if not name:
        return "has no name: name it, or leave the comma out in all lines"
    text = "is nothing that an endpoint has"
    for sign, signs in _SEPARATORS.items():
        if sign in name:
            return f"{text}: separate the columns with commas, not with {signs}"
    found = suggest_column(name)
    if found in _GROUPS or not found:
        return text
    return f"{text}: write {found}.NAME" if found in _OPEN else f"{text}: write {found}"


def suggest_column(name: str) -> str:
    """Return the name of ours that somebody means by one that is none, "" when that cannot be told.

    It differs in small and capital letters, spaces, hyphens and underscores, or lacks its group. Of
    names such as `attributes.plan` it is only what is ours, `Attributes`.
    """
    plain = _FILLERS.sub("", name).lower()
    if plain in _MEANT:
        return _MEANT[plain]
    beginnings = (plain[:at] for at, sign in enumerate(plain) if sign == ".")
    found = (_MEANT.get(beginning, "") for beginning in beginnings)
    return next((one for one in found if one in _OPEN), "")


def column_of(name: str) -> Column | None:
    """Return the column of this name, or None when an endpoint has none."""
    for prefix, path in _LISTS.items():
        if name.startswith(f"{prefix}.") and name != f"{prefix}.":
            return Column(name, path, name[len(prefix) + 1 :], is_list=True)
    if name.startswith("Metrics.") and name != "Metrics.":
        return Column(name, ("Metrics",), name[len("Metrics.") :], is_number=True)
    if name not in _SINGLE:
        return None
    group, _, member = name.rpartition(".")
    return Column(name, (group,) if group else (), member, is_number=name in _NUMBERS)


def nested(record: Mapping[str, object]) -> dict[str, object]:
    """Return a record with some dotted names as the members of an endpoint.

    Other names stay as they are, so that a record of plain members is unchanged.

    Raises:
        CellError: two names stand for the same member, or a text is no number.
    """
    dotted = [name for name in record if isinstance(name, str) and "." in name]
    columns = with_repetitions([found for found in map(column_of, dotted) if found is not None])
    names = {column.name for column in columns}
    members = {name: _copied(value) for name, value in record.items() if name not in names}
    for column in columns:
        value = record[column.name]
        if value is not None:
            try:
                column.put(members, value)
            except CellError as error:
                raise CellError(str(error), column.name) from None
    return members


def _copied(value: object) -> object:
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return list(value) if isinstance(value, list) else value


def _number(text: str) -> float:
    text = text.strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise CellError("must be a number")
    return number

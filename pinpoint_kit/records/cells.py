"""Cells of a table that hold several values as text: `['pro', 'new']`, `["pro"]`, `['a' 'b']`.

A data frame that is written as CSV writes lists as Python or NumPy show them. Read back, they must
be the same lists again, and not one text with brackets. Nothing here knows a column.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["is_blank", "plain_cell", "values_of"]

#: One item as Python, NumPy or JSON writes it, and what may stand behind it.
_ITEM = re.compile(
    r"""\s*(?:(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")|None|null|nan|NaN|<NA>)(?:\s*,|\s|$)""",
    re.DOTALL,
)


def values_of(cell: str) -> list[str] | None:
    """Return the texts of a list that is written out; None where the cell is no such list.

    Args:
        cell: the text. What is missing in the list (`None`, `nan`) is left out.

    Examples:
        >>> values_of("['music', 'travel']"), values_of('["pro"]'), values_of("['a' 'b']")
        (['music', 'travel'], ['pro'], ['a', 'b'])
        >>> values_of("[draft]"), values_of("[]")
        (None, [])
    """
    text = cell.strip()
    if not (text.startswith("[") and text.endswith("]")):
        return None
    values = _json_texts(text)
    return _shown_texts(text[1:-1]) if values is None else values


def _json_texts(text: str) -> list[str] | None:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not all(value is None or isinstance(value, str) for value in values):
        return None
    return [value for value in values if value is not None]


def _shown_texts(inner: str) -> list[str] | None:
    values: list[str] = []
    position, end = 0, len(inner.rstrip())
    while position < end:
        found = _ITEM.match(inner, position)
        if found is None:
            return None
        if found["text"] is not None:
            try:
                values.append(ast.literal_eval(found["text"]))
            except (SyntaxError, ValueError):
                return None
        position = found.end()
    return values


def is_blank(cells: Sequence[str]) -> bool:
    """Return whether a row has nothing but blanks: spreadsheets end files with rows of commas."""
    return not any(cell.strip() for cell in cells)


def plain_cell(cell: str) -> str:
    """Return a cell that follows a comma and a blank as if there were no blank.

    A quote behind the blank was not seen by the CSV reader, so it is still there.

    Examples:
        >>> plain_cell('  "a ""b"" "'), plain_cell(" pro")
        ('a "b" ', 'pro')
    """
    inner = cell.strip()
    if len(inner) > 1 and inner[0] == inner[-1] == '"':
        return inner[1:-1].replace('""', '"')
    return inner

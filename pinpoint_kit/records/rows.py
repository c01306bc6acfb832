"""From the lines of a file to rows: the members of an endpoint, users, or why there is none.

A row that cannot be read is a row, too: it says why without showing what it holds. Only a header
that cannot be understood takes its whole file down. Whether the members of an endpoint are right
is the business of whoever reads.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import orjson

from pinpoint_kit.records.cells import is_blank, plain_cell
from pinpoint_kit.records.columns import CellError, ColumnError, columns_of
from pinpoint_kit.records.lines import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.records.columns import Column
    from pinpoint_kit.records.lines import Line, Lines

__all__ = ["CsvRows", "HeaderError", "JsonRows", "Maker", "Rows"]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

#: A piece of work holds no more than this of a file in memory.
_MAX_BYTES = 4_000_000
#: A row with a quote that is never closed would go on to the end of the file.
_MAX_ROW_LINES = 200
#: Where one object ends and another begins.
_SEAM = re.compile(rb"\}\s*,?\s*\{")
_IS_ARRAY = "is a JSON array: write one object a line (jq -c '.[]')"
_TOO_LONG = f"is longer than {MAX_LINE_BYTES} bytes"


class HeaderError(Exception):
    """The header of a CSV file cannot be understood; the text says why."""


class Maker(Protocol[R_co]):
    """Makes of each row what the caller wants."""

    def endpoint(self, line: int, members: dict[str, object], content: bytes | None = None) -> R_co:
        """Return a row with members of an endpoint, in the shape of Pinpoint's JSON.

        `content` is that JSON, if the file has it.
        """

    def users(self, line: int, user_ids: Sequence[str]) -> R_co:
        """Return a row that names nothing but users."""

    def bad(self, line: int, reason: str, column: str = "") -> R_co:
        """Return a row that cannot be read; `column` is the wrong one, if it is a single one."""


class Rows(Protocol[R]):
    """Reads rows from a file, beginning where its lines are."""

    lines: Lines
    is_at_end: bool

    def read(self, most: int) -> list[R]:
        """Return that many further rows, or fewer when they are large or at the end."""


class JsonRows(Generic[R]):
    """One JSON object a line.

    Args:
        lines: where the rows are.
        maker: makes the rows.
        has_users: whether a row that says nothing but a user is one of users, and no endpoint.
    """

    def __init__(self, lines: Lines, maker: Maker[R], *, has_users: bool = True) -> None:
        self.lines = lines
        self.is_at_end = False
        self._maker = maker
        self._has_users = has_users

    def read(self, most: int) -> list[R]:
        """As in `Rows`."""
        rows: list[R] = []
        lines = self.lines
        end = lines.offset + _MAX_BYTES
        while len(rows) < most and lines.offset < end:
            content = lines.content()
            if content is None:
                rows.append(self._maker.bad(lines.number, _TOO_LONG))
            elif not content:
                self.is_at_end = True
                break
            elif content := content.rstrip():
                rows.append(self._row(lines.number, content))
        return rows

    def _row(self, number: int, content: bytes) -> R:
        try:
            members = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            return self._maker.bad(number, _json_problem(content, error))
        if type(members) is not dict:
            is_list = type(members) is list
            return self._maker.bad(number, _IS_ARRAY if is_list else "must be a JSON object")
        if self._has_users and (user_id := _only_user(members)) is not None:
            return self._maker.users(number, [user_id])
        return self._maker.endpoint(number, members, content)


def _json_problem(content: bytes, error: orjson.JSONDecodeError) -> str:
    """Why a line is no JSON, and what to write where it is JSON in another layout."""
    if content.startswith(b"["):
        return _IS_ARRAY
    if content == b"{":
        return "begins an object that goes over lines: write one object a line (jq -c .)"
    if _SEAM.search(content, error.pos - 1):
        return "has several objects: write one object a line (jq -c .)"
    return f"is not valid JSON: {error.msg} (column {error.colno})"


def _only_user(members: dict[str, object]) -> str | None:
    """Return the user, if the row says nothing but who that is."""
    user = members.get("User")
    if len(members) != 1 or not isinstance(user, dict) or user.keys() != {"UserId"}:
        return None
    user_id = user["UserId"]
    return user_id if isinstance(user_id, str) and user_id else None


class CsvRows(Generic[R]):
    """RFC 4180 with a header of dotted names; a repeated header gives several values.

    What spreadsheets and people write is taken as well: rows of nothing but commas are blank lines,
    missing cells at the end of a row and commas behind the last column are blank, and a blank
    behind a comma is none of the value. In attributes it is, unless the header has such blanks or a
    quote follows it.

    Args:
        lines: where the rows are, without the header.
        maker: makes the rows.
        header: what `header` has read.

    Raises:
        HeaderError: a column is nothing that an endpoint has.
    """

    def __init__(self, lines: Lines, maker: Maker[R], header: Sequence[str]) -> None:
        self.lines = lines
        self.is_at_end = False
        self._maker = maker
        names = [name.strip() for name in header]
        while len(names) > 1 and not names[-1]:
            del names[-1]
        try:
            self._columns = columns_of(names)
        except ColumnError as error:
            raise HeaderError(str(error)) from None
        self._has_blanks = any(name.startswith(" ") for name in header[1:])
        self._has_only_users = names == ["User.UserId"]
        self._feed = _Feed(lines)
        self._reader = csv.reader(self._feed, strict=True)

    @staticmethod
    def header(lines: Lines) -> list[str]:
        """Return the header as it stands there: the first line that is not blank.

        Raises:
            HeaderError: there is none, or it is no line of CSV.
        """
        try:
            for cells in csv.reader(_Feed(lines), strict=True):
                if not is_blank(cells):
                    return cells
        except (_LineError, csv.Error) as error:
            raise HeaderError(f"the header {_reason(error)}") from None
        raise HeaderError("the file has no header")

    def read(self, most: int) -> list[R]:
        """As in `Rows`."""
        rows: list[R] = []
        end = self._feed.total + _MAX_BYTES  # and not by the offset: some lines are read again
        while len(rows) < most and self._feed.total < end:
            number = self.lines.number + 1
            self._feed.begin()
            try:
                cells = next(self._reader)
            except StopIteration:
                self.is_at_end = True
                break
            except (_LineError, csv.Error) as error:
                # A quote that is never closed would take all that follows: only one line fails.
                self.lines.give_back(self._feed.taken[1:])
                rows.append(self._maker.bad(number, _reason(error)))
                continue
            if not is_blank(cells):
                rows.append(self._row(number, cells))
        return rows

    def _row(self, number: int, cells: Sequence[str]) -> R:
        if not is_blank(cells[len(self._columns) :]):
            return self._maker.bad(
                number, f"has {len(cells)} cells where the header has {len(self._columns)}"
            )
        if self._has_only_users:
            return self._maker.users(number, cells[0].split())
        members: dict[str, object] = {}
        for column, text in zip(self._columns, cells, strict=False):  # a row may end early
            cell = self._cell(column, text)
            if cell:
                try:
                    column.put(members, cell)
                except CellError as error:
                    return self._maker.bad(number, str(error), column.name)
        return self._maker.endpoint(number, members)

    def _cell(self, column: Column, text: str) -> str:
        if not text.startswith(" "):
            return text if column.is_text else text.rstrip(" ")
        if self._has_blanks or not column.is_text or text.lstrip(" ").startswith('"'):
            return plain_cell(text)
        return text


class _LineError(Exception):
    """A line cannot be part of a row; the text says why."""


class _Feed:
    """Lines for the CSV reader, as text, and which of them the latest row has taken."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.total = 0
        self.begin()

    def begin(self) -> None:
        """Return a new row begins."""
        self.taken: list[Line] = []
        self._size = 0

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        line = self._lines.next()
        if line is None:
            raise StopIteration
        self.taken.append(line)
        self._size += line.size
        self.total += line.size
        if line.content is None or self._size > MAX_LINE_BYTES:
            raise _LineError(_TOO_LONG)
        if len(self.taken) > _MAX_ROW_LINES:
            raise _LineError(f"goes on for more than {_MAX_ROW_LINES} lines: a quote is not closed")
        try:
            return line.content.decode()
        except UnicodeDecodeError:
            raise _LineError("is not UTF-8") from None


def _reason(error: Exception) -> str:
    if "new-line character" in str(error):  # advice to whoever opens the file, not to its author
        return (
            "has a carriage return alone: end lines with LF or CRLF, and put quotes around others"
        )
    # The reader's texts are fixed sentences; they quote nothing from the file.
    return str(error) if isinstance(error, _LineError) else f"is not valid CSV: {error}"

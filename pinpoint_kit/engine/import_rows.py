"""From the lines of an import file to rows: an endpoint to update, users, or a failure.

The two formats stand here, newline-delimited JSON and CSV. A row that cannot be read is a row,
too: it fails alone and says why without showing what it holds. Only a header that cannot be
understood takes its whole file down. What is done with rows belongs to import_job.py.
"""

from __future__ import annotations

import csv
import math
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import attrs
import orjson

from pinpoint_kit.engine.body import as_object, optional_instant, optional_text, place
from pinpoint_kit.engine.endpoint_patch import CHANNEL_TYPES, check_id, parse_patch
from pinpoint_kit.engine.endpoint_writer import Birth, Change
from pinpoint_kit.engine.import_lines import MAX_LINE_BYTES
from pinpoint_kit.engine.refusals import Refusal, bad_request
from pinpoint_kit.engine.schema import DEMOGRAPHIC, LOCATION

if TYPE_CHECKING:
    from pinpoint_kit.engine.import_lines import Line, Lines
    from pinpoint_kit.limits import Limits

__all__ = ["BadRow", "CsvRows", "EndpointRow", "HeaderError", "JsonRows", "Row", "Rows", "UsersRow"]

#: A piece of work holds no more than this of a file in memory.
_MAX_BYTES = 4_000_000
#: A row with a quote that is never closed would go on to the end of the file.
_MAX_ROW_LINES = 200
_TOO_LONG = f"is longer than {MAX_LINE_BYTES} bytes"
#: The id of an endpoint that has none is made from this and from what it is reached by.
_NAMESPACE = uuid.UUID("6d1c6a7e-52a7-4b5c-9d0b-3f1e0c6b6f24")
_COHORT = re.compile(r"[0-9]{1,2}")


@attrs.define
class EndpointRow:
    """What a row says about one endpoint."""

    line: int
    change: Change


@attrs.define
class UsersRow:
    """A row that names nothing but users."""

    line: int
    user_ids: Sequence[str] = attrs.field(repr=False)


@attrs.define
class BadRow:
    """A row that cannot be used."""

    line: int
    reason: str


Row: TypeAlias = EndpointRow | UsersRow | BadRow


class HeaderError(Exception):
    """The header of a CSV file cannot be understood; the text says why."""


class Rows(Protocol):
    """Reads rows from a file, beginning where its lines are."""

    lines: Lines
    is_at_end: bool

    def read(self, most: int) -> list[Row]:
        """Returns that many further rows, or fewer when they are large or at the end."""


class JsonRows:
    """One JSON object a line."""

    def __init__(self, lines: Lines, limits: Limits) -> None:
        self.lines = lines
        self.is_at_end = False
        self._limits = limits

    def read(self, most: int) -> list[Row]:
        """As in `Rows`."""
        rows: list[Row] = []
        end = self.lines.offset + _MAX_BYTES
        while len(rows) < most and self.lines.offset < end:
            line = self.lines.next()
            if line is None:
                self.is_at_end = True
                break
            if line.content is None:
                rows.append(BadRow(line.number, _TOO_LONG))
            elif content := line.content.rstrip():
                rows.append(self._row(line.number, content))
        return rows

    def _row(self, number: int, content: bytes) -> Row:
        try:
            source = as_object(orjson.loads(content), "")
            return _users(number, source) or _endpoint(number, source, self._limits)
        except orjson.JSONDecodeError as error:
            return BadRow(number, f"is not valid JSON: {error.msg} (column {error.colno})")
        except Refusal as refusal:
            return BadRow(number, refusal.message)


def _users(number: int, source: Mapping[str, object]) -> UsersRow | None:
    """The row, if it says nothing but who a user is."""
    user = source.get("User")
    if len(source) != 1 or not isinstance(user, dict) or user.keys() != {"UserId"}:
        return None
    user_id = optional_text(user, "UserId", ".User")
    return UsersRow(number, [user_id]) if user_id else None


def _endpoint(number: int, source: dict[str, object], limits: Limits) -> EndpointRow:
    channel = source.get("ChannelType")
    if isinstance(channel, str) and channel not in CHANNEL_TYPES:
        # Files by hand have "Email", as AWS's own sample does.
        source = {**source, "ChannelType": channel.upper()}
    patch = parse_patch(source, limits)
    endpoint_id = optional_text(source, "Id")
    if not endpoint_id:
        if not patch.address:
            raise bad_request("Missing Address")
        if not patch.channel_type:
            raise bad_request("Missing ChannelType")
        endpoint_id = str(uuid.uuid5(_NAMESPACE, f"{patch.channel_type}\n{patch.address}"))
    change = Change(check_id(endpoint_id), endpoint_id, patch, _birth(source))
    return EndpointRow(number, change)


def _birth(source: Mapping[str, object]) -> Birth | None:
    """What an exported endpoint tells about its creation, and others do not."""
    created = optional_instant(source, "CreationDate")
    if created is None:
        return None
    cohort = optional_text(source, "CohortId")
    if cohort is not None and _COHORT.fullmatch(cohort) is None:
        raise bad_request("must be a number from 0 to 99", ".CohortId")
    return Birth(created, None if cohort is None else int(cohort))


#: Columns of the export's shape that an update does not have.
_PLAIN = (
    "Id", "Address", "ChannelType", "EndpointStatus", "OptOut", "EffectiveDate", "RequestId",
    "ApplicationId", "CohortId", "CreationDate",
)  # fmt: skip
_LISTS = {"Attributes": ("Attributes",), "User.UserAttributes": ("User", "UserAttributes")}
_NUMBERS = frozenset({"Location.Latitude", "Location.Longitude"})
_SINGLE = frozenset(
    {
        *_PLAIN,
        *(f"Demographic.{name}" for name in DEMOGRAPHIC),
        *(f"Location.{name}" for name in LOCATION),
        "User.UserId",
    }
)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"-?[0-9]{1,18}")


@attrs.define
class _Column:
    """Where the cells of a column go: `path` to the map that holds `name`."""

    path: tuple[str, ...]
    name: str
    is_list: bool = False
    is_number: bool = False

    def put(self, source: dict[str, object], cell: str) -> None:
        """Puts a cell into the object that its row stands for."""
        for step in self.path:
            source = as_object(source.setdefault(step, {}), "")
        if self.is_list:
            values = source.setdefault(self.name, [])
            if isinstance(values, list):
                values.append(cell)
        elif self.is_number:
            where = "".join(f".{step}" for step in self.path)
            source[self.name] = _number(cell, where + place(self.name, len(source)))
        else:
            source[self.name] = cell


class CsvRows:
    """RFC 4180 with a header of dotted names; a repeated header gives several values."""

    def __init__(self, lines: Lines, limits: Limits, header: Sequence[str]) -> None:
        self.lines = lines
        self.is_at_end = False
        self._limits = limits
        self._columns = _columns(header)
        self._has_only_users = list(header) == ["User.UserId"]
        self._feed = _Feed(lines)
        self._reader = csv.reader(self._feed, strict=True)

    @staticmethod
    def header(lines: Lines) -> list[str]:
        """Reads the header, which is the first line that is not blank.

        Raises:
            HeaderError: there is none, or it is no line of CSV.
        """
        try:
            for cells in csv.reader(_Feed(lines), strict=True):
                if cells:
                    return [cell.strip() for cell in cells]
        except (_LineError, csv.Error) as error:
            raise HeaderError(f"the header {_reason(error)}") from None
        raise HeaderError("the file has no header")

    def read(self, most: int) -> list[Row]:
        """As in `Rows`."""
        rows: list[Row] = []
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
                rows.append(BadRow(number, _reason(error)))
                continue
            if cells:
                rows.append(self._row(number, cells))
        return rows

    def _row(self, number: int, cells: Sequence[str]) -> Row:
        try:
            if len(cells) != len(self._columns):
                raise bad_request(
                    f"has {len(cells)} cells where the header has {len(self._columns)}"
                )
            if self._has_only_users:
                return UsersRow(number, cells[0].split())
            source: dict[str, object] = {}
            for column, cell in zip(self._columns, cells, strict=True):
                if cell:
                    column.put(source, cell)
            return _endpoint(number, source, self._limits)
        except Refusal as refusal:
            return BadRow(number, refusal.message)


class _LineError(Exception):
    """A line cannot be part of a row; the text says why."""


class _Feed:
    """Lines for the CSV reader, as text, and which of them the latest row has taken."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self.total = 0
        self.begin()

    def begin(self) -> None:
        """A new row begins."""
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
    # The reader's texts are fixed sentences; they quote nothing from the file.
    return str(error) if isinstance(error, _LineError) else f"is not valid CSV: {error}"


def _columns(header: Sequence[str]) -> list[_Column]:
    columns = [_column(name, position) for position, name in enumerate(header)]
    for position, name in enumerate(header):
        if not columns[position].is_list and name in header[:position]:
            raise HeaderError(f"column {position + 1} of the header repeats the name of another")
    return columns


def _column(name: str, position: int) -> _Column:
    for prefix, path in _LISTS.items():
        if name.startswith(f"{prefix}.") and name != f"{prefix}.":
            return _Column(path, name[len(prefix) + 1 :], is_list=True)
    if name.startswith("Metrics.") and name != "Metrics.":
        return _Column(("Metrics",), name[len("Metrics.") :], is_number=True)
    if name not in _SINGLE:
        # Its name is not repeated: where a header was forgotten, data stands there.
        raise HeaderError(f"column {position + 1} of the header is nothing that an endpoint has")
    group, _, member = name.rpartition(".")
    return _Column((group,) if group else (), member, is_number=name in _NUMBERS)


def _number(text: str, where: str) -> float:
    text = text.strip()
    if _INTEGER.fullmatch(text):
        return int(text)
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise bad_request("must be a number", where)
    return number

"""Java's date patterns (`SimpleDateFormat`), written and read in English.

Letters: G y Y M L w D d E u a H k K h m s S z Z X; text stands in single quotes, two of them are
one quote. Reading takes G y M L d D E a H k K h m s S z Z X.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from typing import TYPE_CHECKING

from pinpoint_kit.templating.bounds import MAX_PATTERN_CHARS
from pinpoint_kit.templating.rendering import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["STYLES", "read", "write"]

#: The patterns of the named styles, as Java has them for the United States.
STYLES = {
    "full": "EEEE, MMMM d, yyyy",
    "long": "MMMM d, yyyy",
    "medium": "MMM d, yyyy",
    "short": "M/d/yy",
}
_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = 3
_CENTURY = 100
_FIELD = re.compile(r"'((?:[^']|'')*)'|''|([A-Za-z])\2*|[^A-Za-z']")


@functools.lru_cache(256)
def _fields(pattern: str) -> tuple[tuple[str, str], ...]:
    """Return (letter, the letters) of each field, ("", text) of what stands between."""
    if len(pattern) > MAX_PATTERN_CHARS:
        raise Refusal(f"the pattern of a date has at most {MAX_PATTERN_CHARS} characters")
    fields: list[tuple[str, str]] = []
    at = 0
    while at < len(pattern):
        match = _FIELD.match(pattern, at)
        if match is None:
            raise Refusal("the pattern of a date opens a ' that is never closed")
        at = match.end()
        if match[2]:
            if match[2] not in _WRITERS:
                raise Refusal(f"{match[2]} is no letter of a date's pattern; put text in '…'")
            fields.append((match[2], match[0]))
        elif match[0] == "''":
            fields.append(("", "'"))
        else:
            text = match[0] if match[1] is None else match[1].replace("''", "'")
            fields.append(("", text))
    return tuple(fields)


def write(moment: dt.datetime, pattern: str) -> str:
    """Return a date as text.

    Raises:
        Refusal: this is no pattern.
    """
    return "".join(
        _WRITERS[letter](moment, len(letters)) if letter else letters
        for letter, letters in _fields(pattern)
    )


def _year(moment: dt.datetime, width: int) -> str:
    year = moment.year
    return f"{year % _CENTURY:02}" if width == 2 else str(year).zfill(width)  # noqa: PLR2004 -- yy


def _month(moment: dt.datetime, width: int) -> str:
    name = _MONTHS[moment.month - 1]
    if width < _SHORT:
        return str(moment.month).zfill(width)
    return name[:_SHORT] if width == _SHORT else name


def _weekday(moment: dt.datetime, width: int) -> str:
    name = _DAYS[moment.weekday()]
    return name if width > _SHORT else name[:_SHORT]


def _week(moment: dt.datetime, width: int) -> str:
    """Weeks begin on Sunday, and the first holds January 1."""
    first = dt.date(_week_year(moment), 1, 1)
    sunday = first - dt.timedelta(days=(first.weekday() + 1) % 7)
    return str((moment.date() - sunday).days // 7 + 1).zfill(width)


def _week_year(moment: dt.datetime) -> int:
    saturday = moment.date() + dt.timedelta(days=(5 - moment.weekday()) % 7)
    return saturday.year


def _offset(moment: dt.datetime, colon: str) -> str:
    seconds = int((moment.utcoffset() or dt.timedelta()).total_seconds())
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"{'-' if seconds < 0 else '+'}{hours:02}{colon}{minutes:02}"


def _iso_offset(moment: dt.datetime, width: int) -> str:
    if not moment.utcoffset():
        return "Z"
    text = _offset(moment, ":" if width >= _SHORT else "")
    return text[:_SHORT] if width == 1 else text


def _zone_name(moment: dt.datetime, _width: int) -> str:
    name = moment.tzname() or "UTC"
    return f"GMT{_offset(moment, ':')}" if name[0] in "+-" else name


def _padded(value: Callable[[dt.datetime], int]) -> Callable[[dt.datetime, int], str]:
    return lambda moment, width: str(value(moment)).zfill(width)


_WRITERS: dict[str, Callable[[dt.datetime, int], str]] = {
    "G": lambda _moment, _width: "AD",
    "y": _year,
    "Y": lambda moment, width: _year(moment.replace(day=1, year=_week_year(moment)), width),
    "M": _month,
    "L": _month,
    "w": _week,
    "D": _padded(lambda moment: moment.timetuple().tm_yday),
    "d": _padded(lambda moment: moment.day),
    "E": _weekday,
    "u": _padded(lambda moment: moment.isoweekday()),
    "a": lambda moment, _width: "AM" if moment.hour < 12 else "PM",  # noqa: PLR2004 -- noon
    "H": _padded(lambda moment: moment.hour),
    "k": _padded(lambda moment: moment.hour or 24),
    "K": _padded(lambda moment: moment.hour % 12),
    "h": _padded(lambda moment: moment.hour % 12 or 12),
    "m": _padded(lambda moment: moment.minute),
    "s": _padded(lambda moment: moment.second),
    "S": _padded(lambda moment: moment.microsecond // 1000),
    "z": _zone_name,
    "Z": lambda moment, _width: _offset(moment, ""),
    "X": _iso_offset,
}

_DIGITS = re.compile(r"[0-9]{1,9}")
_OFFSET = re.compile(r"(?:GMT|UTC)?(?:([+-])([0-9]{1,2}):?([0-9]{2})?)?|Z")
_NUMERIC = frozenset("yMdDHkKhmsS")


class _Reading:
    """A text that is read by a pattern, field by field."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[str, int] = {}
        self.zone: dt.tzinfo | None = None

    def literal(self, text: str) -> None:
        if not self.text.startswith(text, self.at):
            raise Refusal("does not look like its pattern, inputFormat", 0)
        self.at += len(text)

    def digits(self, most: int) -> str:
        match = _DIGITS.match(self.text, self.at, self.at + most)
        if match is None:
            raise Refusal("does not look like its pattern, inputFormat", 0)
        self.at = match.end()
        return match[0]

    def name(self, names: tuple[str, ...]) -> int:
        rest = self.text[self.at : self.at + 9].lower()
        for place, name in enumerate(names, 1):
            for form in (name, name[:_SHORT]):
                if rest.startswith(form.lower()):
                    self.at += len(form)
                    return place
        raise Refusal("does not look like its pattern, inputFormat", 0)

    def offset(self) -> None:
        match = _OFFSET.match(self.text, self.at)
        if match is None or not match[0]:
            raise Refusal("does not look like its pattern, inputFormat", 0)
        self.at = match.end()
        minutes = int(match[2] or 0) * 60 + int(match[3] or 0)
        shift = dt.timedelta(minutes=-minutes if match[1] == "-" else minutes)
        if abs(shift) >= dt.timedelta(days=1):
            raise Refusal("does not look like its pattern, inputFormat", 0)
        self.zone = dt.timezone(shift)

    def field(self, letter: str, width: int, *, is_packed: bool) -> None:
        """Read one field; `is_packed` when digits follow it at once."""
        if letter in {"M", "L"} and width >= _SHORT:
            self.found["M"] = self.name(_MONTHS)
        elif letter == "E":
            self.name(_DAYS)
        elif letter == "a":
            self.found["a"] = self.name(("AM", "PM")) - 1
        elif letter in {"z", "Z", "X"}:
            self.offset()
        elif letter == "G":
            self.literal("AD")
        else:
            letter = "M" if letter == "L" else letter
            digits = self.digits(width if is_packed else 9)
            self.found[letter] = int(digits)
            if letter == "y" and width <= 2 and len(digits) == 2:  # noqa: PLR2004 -- yy
                self.found["y"] += 2000


def read(text: str, pattern: str, zone: dt.tzinfo) -> dt.datetime:
    """Return the date that a text is by a pattern; in `zone` when it names no zone itself.

    Raises:
        Refusal: this is no pattern, or the text does not look like it.
    """
    reading = _Reading(text.strip())
    fields = _fields(pattern)
    for place, (letter, letters) in enumerate(fields):
        if not letter:
            reading.literal(letters)
            continue
        following = fields[place + 1][0] if place + 1 < len(fields) else ""
        reading.field(letter, len(letters), is_packed=following in _NUMERIC and bool(following))
    if reading.at != len(reading.text):
        raise Refusal("goes on after its pattern, inputFormat, ends", 0)
    return _moment(reading.found, reading.zone or zone)


def _moment(found: dict[str, int], zone: dt.tzinfo) -> dt.datetime:
    hour = found.get("H", found.get("k", 0) % 24)
    for letter in ("h", "K"):
        if letter in found:
            hour = found[letter] % 12 + 12 * found.get("a", 0)
    try:
        moment = dt.datetime(
            found.get("y", 1970),
            found.get("M", 1),
            found.get("d", 1),
            hour,
            found.get("m", 0),
            found.get("s", 0),
            found.get("S", 0) * 1000,
            tzinfo=zone,
        )
        if "D" in found and "M" not in found:
            moment += dt.timedelta(days=found["D"] - 1)
    except (ValueError, OverflowError):
        raise Refusal("is no day or time of the calendar", 0) from None
    return moment

"""Calendar days of one time zone as integers, so that SQL only ever compares and adds integers.

A day is the number of days since 1970-01-01 in the zone. The rules of zones come from Python's
`zoneinfo` alone: no database's own time zone data is consulted, which would differ from one
database to the next. No names of columns and no metric may be put here.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

import attrs
from sqlalchemy import ColumnElement, case, false

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.metrics.dialects import number

__all__ = ["DAY_MS", "MAX_DAYS", "Days", "date_of", "day_of", "find_zone", "number_of"]

DAY_MS = 86_400_000
#: The longest range of one question: ten years.
MAX_DAYS = 3660

_EPOCH = dt.date(1970, 1, 1)
_EPOCH_INSTANT = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
_STEP_MS = DAY_MS // 2
#: No zone is further than this from UTC.
_MAX_OFFSET_MS = DAY_MS


def number_of(day: dt.date) -> int:
    """Return the number of a date: days since 1970-01-01.

    Examples:
        >>> number_of(dt.date(1970, 1, 31))
        30
    """
    return (day - _EPOCH).days


def date_of(day: int) -> dt.date:
    """Return the date of a number of days since 1970-01-01.

    Examples:
        >>> date_of(30)
        datetime.date(1970, 1, 31)
    """
    return _EPOCH + dt.timedelta(days=day)


def find_zone(name: str, path: str = "$.zone") -> ZoneInfo:
    """Return an IANA time zone.

    Raises:
        ValidationError: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: a folder of the tz database, as "Europe"
        raise ValidationError(
            'unknown time zone; write an IANA name such as "Europe/Berlin" or "UTC"', path, "zone"
        ) from None


def day_of(instant_ms: int, zone: ZoneInfo) -> int:
    """Return the calendar day of an instant, in milliseconds since 1970, in a zone."""
    return (instant_ms + _offset(instant_ms, zone)) // DAY_MS


@attrs.frozen
class Days:
    """The calendar days `first` to `last` of a zone, both included, as numbers.

    Examples:
        >>> days = Days(number_of(dt.date(2026, 10, 25)), number_of(dt.date(2026, 10, 25)),
        ...             ZoneInfo("Europe/Berlin"))
        >>> (days.stop_ms - days.start_ms) / 3_600_000    # the clocks went back
        25.0

    Args:
        first: the first day.
        last: the last day.
        zone: whose calendar it is.
    """

    first: int
    last: int
    zone: ZoneInfo

    @property
    def start_ms(self) -> int:
        """The first instant that lies on one of the days."""
        return min(start for start, _ in self._spans())

    @property
    def stop_ms(self) -> int:
        """The first instant after all of the days."""
        return max(stop for _, stop in self._spans())

    def reaching(self, *, before: int = 0, after: int = 0) -> Days:
        """Return these days and some more before and after them."""
        return Days(self.first - before, self.last + after, self.zone)

    def condition(self, time: ColumnElement[int]) -> list[ColumnElement[bool]]:
        """Return the conditions under which an instant lies on one of the days.

        The days are one piece of time but where a zone's clocks went back over midnight: there
        the day itself is asked for, too.
        """
        if self.last < self.first:
            return [false()]
        found = [time >= number(self.start_ms), time < number(self.stop_ms)]
        if len(self._spans()) > 1:
            day = self.day(time)
            found += [day >= number(self.first), day <= number(self.last)]
        return found

    def day(self, time: ColumnElement[int]) -> ColumnElement[int]:
        """Return the expression for the day of an instant that lies on one of the days."""
        if self.last < self.first:
            return number(self.first)  # of no row at all
        pieces = _pieces(self.zone, self.start_ms - DAY_MS, self.stop_ms + DAY_MS)
        offset: ColumnElement[int] = number(pieces[-1][2])
        if len(pieces) > 1:
            offset = case(
                *((time < number(stop), number(o)) for _, stop, o in pieces[:-1]), else_=offset
            )
        return (time + offset) // number(DAY_MS)

    def _spans(self) -> list[tuple[int, int]]:
        """Return the pieces of time that lie on the days; one, as a rule."""
        return _spans(self.zone, self.first * DAY_MS, (self.last + 1) * DAY_MS)


@lru_cache(maxsize=256)
def _spans(zone: ZoneInfo, first_ms: int, stop_ms: int) -> list[tuple[int, int]]:
    """Return the spans of time between two local times, joined where they touch."""
    found: list[tuple[int, int]] = []
    for start, stop, offset in _pieces(zone, first_ms - _MAX_OFFSET_MS, stop_ms + _MAX_OFFSET_MS):
        low, high = max(start, first_ms - offset), min(stop, stop_ms - offset)
        if low >= high:
            continue
        if found and found[-1][1] == low:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found


@lru_cache(maxsize=256)
def _pieces(zone: ZoneInfo, start_ms: int, stop_ms: int) -> list[tuple[int, int, int]]:
    """Return the pieces (from, until, offset from UTC in ms) of a span of time."""
    pieces = []
    start, offset = start_ms, _offset(start_ms, zone)
    at = start_ms
    while at < stop_ms:
        following = min(at + _STEP_MS, stop_ms)
        if _offset(following, zone) != offset:
            low, high = at, following  # the change is in (low, high]
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(middle, zone) == offset else (low, middle)
            pieces.append((start, high, offset))
            start, offset = high, _offset(high, zone)
            following = high
        at = following
    pieces.append((start, stop_ms, offset))
    return [piece for piece in pieces if piece[0] < piece[1]]


def _offset(instant_ms: int, zone: ZoneInfo) -> int:
    moment = (_EPOCH_INSTANT + dt.timedelta(milliseconds=instant_ms)).astimezone(zone)
    return (moment.utcoffset() or dt.timedelta()) // dt.timedelta(milliseconds=1)

"""When something happened, from the ways in which providers write it.

No clock: a record without a time has none, and no time of reading is put in its place.
"""

from __future__ import annotations

import datetime as dt
import re

__all__ = ["instant_of"]

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,12}))?\d*"
    r"(?: ?(Z|UTC|[+-]\d\d:?\d\d))?",
    re.ASCII | re.IGNORECASE,
)
#: Java's Date: `Wed Jul 17 17:25:55 UTC 2024`.
_JAVA = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d?) (\d\d):(\d\d):(\d\d) (?:UTC|GMT) (\d{4})"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EPOCH = re.compile(r"\d{9,13}(?:\.\d{1,9})?", re.ASCII)
#: What lies outside is no time of a log-in.
_FIRST = dt.datetime(2000, 1, 1, tzinfo=dt.timezone.utc)
_END = dt.datetime(2100, 1, 1, tzinfo=dt.timezone.utc)
_EARLIEST, _LATEST = _FIRST.timestamp(), _END.timestamp()
#: As most providers write it.
_USUAL_LENGTH = len("2024-08-13T15:58:20.353Z")
_USUAL_SIGNS = ("-", "T", ".", "Z")
#: From here on a number counts milliseconds: as seconds it would be the year 2128.
_MILLISECONDS = 5_000_000_000.0


def instant_of(value: object) -> dt.datetime | None:
    """Return the instant in UTC, or None when the value is none.

    Args:
        value: ISO 8601 (without a zone it counts as UTC; more than six digits of a fraction are
            cut), Java's form, or the seconds or milliseconds since 1970 as number or text.
    """
    try:
        if type(value) is str:
            return _of_text(value.strip())
        if type(value) is int or type(value) is float:
            return _of_number(float(value))
    except (ValueError, OverflowError):
        return None
    return None


def _of_text(value: str) -> dt.datetime | None:
    if len(value) == _USUAL_LENGTH and (value[7], value[10], value[19], value[23]) == _USUAL_SIGNS:
        try:
            return _plausible(dt.datetime.fromisoformat(value[:23] + "+00:00"))
        except ValueError:
            pass  # a second of 60, or another form of the same length
    found = _ISO.fullmatch(value)
    if found is not None:
        year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
        micros = int((found[7] or "0")[:6].ljust(6, "0"))
        parsed = dt.datetime(
            year, month, day, hour, minute, min(second, 59), micros, tzinfo=dt.timezone.utc
        )
        return _plausible(parsed - _offset(found[8]))
    if _EPOCH.fullmatch(value):
        return _of_number(float(value))
    java = _JAVA.fullmatch(value)
    if java is None or java[1] not in _MONTHS:
        return None
    day, hour, minute, second, year = map(int, java.group(2, 3, 4, 5, 6))
    month = _MONTHS.index(java[1]) + 1
    return _plausible(dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.timezone.utc))


def _offset(zone: str | None) -> dt.timedelta:
    if zone is None or zone[0] not in "+-":
        return dt.timedelta()
    digits = zone[1:].replace(":", "")
    offset = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -offset if zone[0] == "-" else offset


def _of_number(number: float) -> dt.datetime | None:
    seconds = number / 1000 if number >= _MILLISECONDS else number
    if not _EARLIEST <= seconds < _LATEST:
        return None
    whole = round(seconds * 1000)
    return dt.datetime.fromtimestamp(whole // 1000, dt.timezone.utc).replace(
        microsecond=whole % 1000 * 1000
    )


def _plausible(instant: dt.datetime) -> dt.datetime | None:
    return instant if _FIRST <= instant < _END else None

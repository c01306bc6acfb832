"""Instants: ISO 8601 text on the wire, integer milliseconds since 1970 (UTC) in the store.

The one place that parses or prints a date. Text without an offset is read as UTC, because the
guides' own samples send it so.

    >>> to_ms("2018-05-07T19:03:29.963Z")
    1525719809963
    >>> from_ms(1525719809963)
    '2018-05-07T19:03:29.963Z'
    >>> sortable("2018-05-07T19:03:29.9Z")
    '2018-05-07T19:03:29.900000000'
"""

from __future__ import annotations

import functools
import re
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from dateutil.parser import isoparse

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["from_ms", "moment_ms", "recent_ms", "sortable", "to_ms"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_EPOCH_NAIVE = datetime(1970, 1, 1)  # noqa: DTZ001 -- arithmetic only, always meant as UTC
_MILLISECOND = timedelta(milliseconds=1)
_FIRST = (datetime.min.replace(tzinfo=timezone.utc) - _EPOCH) // _MILLISECOND
_LAST = (datetime.max.replace(tzinfo=timezone.utc) - _EPOCH) // _MILLISECOND
_PLAIN_LENGTHS = {len("2018-05-07T19:03:29.963Z"), len("2018-05-07T19:03:29Z")}
# isoparse takes any character between date and time, and dates without a day. We do not.
_FORM = re.compile(r"[0-9W-]{8,10}(?:[Tt ][0-9:.,]+(?:[Zz]|[+-][0-9:]{2,5})?)?", re.ASCII)
# What Java calls ISO_INSTANT.
_ISO_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]((?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2})"
    r"(?:\.([0-9]{1,9}))?[Zz]",
    re.ASCII,
)


#: What `to_ms` has lately made of texts of the usual lengths: events that come together, and the
#: starts of their sessions, share their dates.
_recent: dict[str, int] = {}
_MOST_RECENT = 1024

#: Return what `to_ms` has lately returned for a text, None where that is not known.
recent_ms: Callable[[str], int | None] = _recent.get


def to_ms(text: str) -> int:
    """Return the milliseconds since 1970 of an ISO 8601 text; finer digits are cut off.

    Raises:
        ValueError: the text is not an ISO 8601 date within the years 1 to 9999.
    """
    if len(text) in _PLAIN_LENGTHS and text[10] == "T" and text[-1] == "Z" and text[16] == ":":
        try:
            return _recent.get(text) or _remembered(text)
        except (ValueError, TypeError):  # TypeError: it has an offset before the Z
            pass
    if _FORM.fullmatch(text) is None:
        raise ValueError
    instant = isoparse(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=timezone.utc)
    milliseconds = (instant - _EPOCH) // _MILLISECOND
    if not _FIRST <= milliseconds <= _LAST:
        raise ValueError
    return milliseconds


def _remembered(text: str) -> int:
    milliseconds = (datetime.fromisoformat(text[:-1]) - _EPOCH_NAIVE) // _MILLISECOND
    if len(_recent) >= _MOST_RECENT:
        _recent.clear()
    _recent[text] = milliseconds
    return milliseconds


def moment_ms(moment: datetime) -> int:
    """Return the milliseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // _MILLISECOND


@functools.lru_cache(maxsize=1024)  # what was stored together has the same dates
def from_ms(milliseconds: int) -> str:
    """Return the service's own form: milliseconds and `Z`."""
    instant = _EPOCH_NAIVE + timedelta(milliseconds=milliseconds)
    return instant.isoformat(timespec="milliseconds") + "Z"


def sortable(text: str) -> str | None:
    """Return an ISO_INSTANT in a form that sorts by time, to the nanosecond; None for other text.

    ISO_INSTANT is narrower than what `to_ms` reads: a whole date and time in UTC that ends in `Z`.
    """
    match = _ISO_INSTANT.fullmatch(text)
    if match is None:
        return None
    day, time, fraction = match.groups("")
    try:
        date.fromisoformat(day)
    except ValueError:
        return None
    return f"{day}T{time}.{fraction:0<9}"

"""The helpers of dates: dateFormat and now."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pinpoint_kit.templating.helpers.arguments import Given, Helper, text, text_option
from pinpoint_kit.templating.helpers.date_patterns import STYLES, read, write
from pinpoint_kit.templating.rendering import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["HELPERS"]

_STYLE = "medium"
_ISO = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_SHIFTED = re.compile(r"(?:GMT|UTC)([+-])([0-9]{1,2})(?::?([0-9]{2}))?")
_MAX_ZONE_CHARS = 64


def _zone(options: Mapping[str, object]) -> dt.tzinfo:
    """Return the zone that `tz` names: an IANA name, or GMT+2; UTC when there is none."""
    name = options.get("tz")
    if name is None:
        return dt.timezone.utc
    if not isinstance(name, str) or len(name) > _MAX_ZONE_CHARS:
        raise Refusal("tz must be the name of a time zone, such as Europe/Paris")
    shifted = _SHIFTED.fullmatch(name)
    if shifted and int(shifted[2]) < 24:  # noqa: PLR2004 -- hours
        minutes = int(shifted[2]) * 60 + int(shifted[3] or 0)
        return dt.timezone(dt.timedelta(minutes=-minutes if shifted[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refusal("tz must be the name of a time zone, such as Europe/Paris") from None


def _iso(found: str) -> dt.datetime:
    match = _ISO.fullmatch(found.strip())
    if match is None:
        raise Refusal("is no ISO 8601 date: say how it is written with inputFormat=", 0)
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    fraction = int((match[7] or "0")[:6].ljust(6, "0"))
    shift = dt.timedelta()
    if match[8] and match[8] != "Z":
        hours, minutes = int(match[8][1:3]), int(match[8][-2:])
        shift = dt.timedelta(hours=hours, minutes=minutes) * (-1 if match[8][0] == "-" else 1)
    try:
        moment = dt.datetime(
            year, month, day, hour, minute, second, fraction, tzinfo=dt.timezone.utc
        )
        return moment - shift
    except (ValueError, OverflowError):
        raise Refusal("is no day or time of the calendar", 0) from None


def _written(moment: dt.datetime, zone: dt.tzinfo, form: str) -> str:
    try:
        return write(moment.astimezone(zone), STYLES.get(form, form))
    except OverflowError:
        raise Refusal("is too far away for this time zone", 0) from None


def _date_format(given: Given) -> str:
    """Write a date in another form. Without inputFormat it is an ISO 8601 date."""
    zone = _zone(given.options)
    found = text(given, 0)
    pattern = text_option(given, "inputFormat", "")
    form_in = STYLES.get(pattern, pattern)
    moment = read(found, form_in, dt.timezone.utc) if pattern else _iso(found)
    form = text(given, 1) if len(given.args) > 1 else _STYLE
    form = text_option(given, "outputFormat", text_option(given, "format", form))
    return _written(moment, zone, form)


def _now(given: Given) -> str:
    zone = _zone(given.options)
    form = text(given, 0) if given.args else text_option(given, "format", _STYLE)
    return _written(given.now, zone, form)


HELPERS = {
    "dateFormat": Helper(
        _date_format, 1, 2, frozenset({"format", "inputFormat", "outputFormat", "tz"})
    ),
    "now": Helper(_now, 0, 1, frozenset({"format", "tz"})),
}

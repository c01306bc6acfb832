"""`Schedule`: when a campaign runs, and when it is quiet for somebody: a pure calendar.

Nothing here knows a database, a campaign or the present; instants are milliseconds since 1970.

A run has a nominal time: what a clock on the wall shows, as the schedule's start is written. Runs
of local time happen when the clocks of each zone show it; other runs happen once, at the offset of
the schedule's start. A time that a zone's clocks jump over happens as much later as they jump; one
that they show twice happens the first time.
"""

from __future__ import annotations

import functools
from datetime import MAXYEAR, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal, TypeAlias
from zoneinfo import ZoneInfo

import attrs
from dateutil.relativedelta import relativedelta

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["FIRST_ZONE_MS", "Frequency", "Quiet", "Schedule", "local_instant", "zone_of"]

Frequency: TypeAlias = Literal["ONCE", "HOURLY", "DAILY", "WEEKLY", "MONTHLY"]

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 -- a clock on the wall has no zone
_EPOCH_UTC = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MS = timedelta(milliseconds=1)
_HOUR_MS = 3_600_000
_PERIODS = {"HOURLY": _HOUR_MS, "DAILY": 24 * _HOUR_MS, "WEEKLY": 7 * 24 * _HOUR_MS}
#: No zone is ahead of UTC by more: its clocks are the first to show a time.
FIRST_ZONE_MS = 14 * _HOUR_MS
#: A month is no longer.
_MONTH_MS = 31 * 24 * _HOUR_MS
#: Python knows no later month.
_MOST_MONTHS = 12 * MAXYEAR


@functools.lru_cache(maxsize=2048)
def zone_of(name: str | None) -> ZoneInfo | None:
    """Return the zone of the tz database of this name, None when there is none."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # OSError: a folder of the database, as "Europe"
        return None


def local_instant(nominal: int, zone: ZoneInfo) -> int:
    """Return when the clocks of a zone show a nominal time.

    >>> local_instant(7_200_000, ZoneInfo("Europe/Berlin"))    # 02:00 there is 01:00 UTC
    3600000
    """
    wall = (_EPOCH + nominal * _MS).replace(tzinfo=zone)
    return (wall.astimezone(timezone.utc) - _EPOCH_UTC) // _MS


@attrs.frozen
class Quiet:
    """The time of day in which nobody gets a message: minutes of the day, both included.

    Where the start is after the end, it spans midnight.
    """

    start: int
    end: int

    @classmethod
    def of(cls, start: str | None, end: str | None) -> Quiet | None:
        """Return the quiet time between two texts such as 22:00; None unless both are given."""
        if not start or not end:
            return None
        return cls(*(int(text[:2]) * 60 + int(text[3:]) for text in (start, end)))

    def holds(self, now: int, name: str | None) -> bool:
        """Return whether it is quiet in the zone of a name; never where there is no such zone."""
        zone = zone_of(name)
        if zone is None:
            return False
        there = (_EPOCH_UTC + now * _MS).astimezone(zone)
        minute = there.hour * 60 + there.minute
        if self.start <= self.end:
            return self.start <= minute <= self.end
        return minute >= self.start or minute <= self.end


@attrs.frozen(kw_only=True)
class Schedule:
    """When a campaign or a treatment runs.

    Attributes:
        start: the nominal time of the first run: the start as written, its offset left out.
        offset: the offset of the start as written, in milliseconds; 0 for UTC.
        frequency: how often.
        end: after this instant no run begins; None for never.
        is_local: whether a run happens at its nominal time in the zone of each endpoint.
    """

    start: int
    offset: int = 0
    frequency: Frequency = "ONCE"
    end: int | None = None
    is_local: bool = False

    def begins(self, nominal: int) -> int:
        """Return the instant at which the run of a nominal time begins, wherever it does first."""
        return nominal - (FIRST_ZONE_MS if self.is_local else self.offset)

    def nominal(self, begins: int) -> int:
        """Return the nominal time of the run that begins at an instant."""
        return begins + (FIRST_ZONE_MS if self.is_local else self.offset)

    def next_after(self, instant: int) -> int | None:
        """Return when the first run begins that begins after an instant, None without another."""
        after = self.nominal(instant)
        if after < self.start:
            found: int | None = self.start
        elif self.frequency == "ONCE":
            found = None
        elif self.frequency == "MONTHLY":
            found = self._month_after(after)
        else:
            period = _PERIODS[self.frequency]
            found = self.start + ((after - self.start) // period + 1) * period
        return self._checked(found)

    def latest(self, instant: int) -> int | None:
        """Return when the last run began that began at an instant or before, None without one."""
        until = self.nominal(instant)
        if self.end is not None:
            until = min(until, self.nominal(self.end))
        if until < self.start:
            return None
        if self.frequency == "ONCE":
            found = self.start
        elif self.frequency == "MONTHLY":
            found = self._month_until(until)
        else:
            period = _PERIODS[self.frequency]
            found = self.start + (until - self.start) // period * period
        return self.begins(found)

    def waves(self, begins: int, zones: Iterable[str]) -> Mapping[int, list[str]]:
        """Return the instants at which a run of local time happens, each with its zones.

        Args:
            begins: when the run begins.
            zones: names of zones; those that there are not are left out.
        """
        nominal = self.nominal(begins)
        waves: dict[int, list[str]] = {}
        for name in sorted(zones):
            zone = zone_of(name)
            if zone is not None:
                waves.setdefault(local_instant(nominal, zone), []).append(name)
        return dict(sorted(waves.items()))

    def _checked(self, nominal: int | None) -> int | None:
        if nominal is None:
            return None
        begins = self.begins(nominal)
        return None if self.end is not None and begins > self.end else begins

    def _months(self, first: int) -> Iterator[int]:
        """Yield the runs of months from a number of months after the start: same day, or last."""
        start = _EPOCH + self.start * _MS
        for months in range(max(0, first), _MOST_MONTHS - 12 * start.year):
            yield (start + relativedelta(months=months) - _EPOCH) // _MS

    def _month_after(self, after: int) -> int | None:
        first = (after - self.start) // _MONTH_MS
        return next((nominal for nominal in self._months(first) if nominal > after), None)

    def _month_until(self, until: int) -> int:
        found = self.start
        for nominal in self._months((until - self.start) // _MONTH_MS):
            if nominal > until:
                break
            found = nominal
        return found

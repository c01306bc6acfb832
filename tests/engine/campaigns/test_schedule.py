"""The calendar of campaigns, checked against a slow and obvious one."""

# ruff: noqa: DTZ001 -- a clock on the wall has no zone

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.engine.campaigns.definition import calendar_of
from pinpoint_kit.engine.campaigns.schedule import Quiet, Schedule, local_instant, zone_of

if TYPE_CHECKING:
    from collections.abc import Iterator

UTC = dt.timezone.utc
EPOCH = dt.datetime(1970, 1, 1, tzinfo=UTC)
#: Clocks that change in the north and in the south, by half an hour, never, and at midnight.
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo")
MINUTE = dt.timedelta(minutes=1)


def ms(moment: dt.datetime) -> int:
    """Return the milliseconds since 1970 of an instant, or of what a clock on the wall shows."""
    return round(
        (moment.replace(tzinfo=moment.tzinfo or UTC) - EPOCH) / dt.timedelta(milliseconds=1)
    )


def days_of(month: dt.date) -> int:
    """Return how many days a month has, by counting."""
    day = month.replace(day=1)
    count = 0
    while day.month == month.month:
        day += dt.timedelta(days=1)
        count += 1
    return count


def walls(start: dt.datetime, frequency: str, until: dt.datetime) -> Iterator[dt.datetime]:
    """Yield what a clock on the wall shows at each run, by going through all hours."""
    wall = start
    while wall <= until:
        is_run = {
            "ONCE": wall == start,
            "HOURLY": True,
            "DAILY": wall.time() == start.time(),
            "WEEKLY": wall.time() == start.time() and wall.weekday() == start.weekday(),
            "MONTHLY": wall.time() == start.time()
            and wall.day == min(start.day, days_of(wall.date())),
        }[frequency]
        if is_run:
            yield wall
        wall += dt.timedelta(hours=1)


def shows(wall: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """Return the first instant at which the clocks of a zone show a time, by looking at them.

    One that they jump over is looked for later, by as much as they jump.
    """
    for instant in (wall - dt.timedelta(hours=15) + MINUTE * n for n in range(30 * 60)):
        if instant.replace(tzinfo=UTC).astimezone(zone).replace(tzinfo=None) == wall:
            return instant.replace(tzinfo=UTC)
    for jump in (30, 60):
        before = wall - MINUTE * jump
        instant = shows(before, zone) + MINUTE * jump
        after = instant.astimezone(zone).replace(tzinfo=None)
        if after == wall + MINUTE * jump:
            return instant
    raise AssertionError(wall)


frequencies = st.sampled_from(("ONCE", "HOURLY", "DAILY", "WEEKLY", "MONTHLY"))
starts = st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2026, 12, 31)).map(
    lambda found: found.replace(minute=found.minute // 30 * 30, second=0, microsecond=0)
)


def check_runs(start: dt.datetime, frequency: Any, offset: int, days: int, end: int | None) -> None:
    """Check all runs of some days against those that going through all hours finds."""
    until = start + dt.timedelta(days=days)
    last = None if end is None else ms(start) - offset + end
    expected = [ms(wall) - offset for wall in walls(start, frequency, until)]
    expected = [at for at in expected if last is None or at <= last]
    schedule = Schedule(start=ms(start), offset=offset, frequency=frequency, end=last)
    found: list[int] = []
    at = schedule.next_after(ms(start) - offset - 1)
    while at is not None and at <= ms(until) - offset:
        found.append(at)
        assert schedule.latest(at) == at
        before = schedule.latest(at - 1)
        assert before == (found[-2] if len(found) > 1 else None)
        at = schedule.next_after(at)
    assert found == expected


@settings(max_examples=40, deadline=None)
@given(starts, frequencies, st.integers(-11, 13), st.one_of(st.none(), st.integers(0, 10**10)))
def test_runs_are_those_of_an_obvious_calendar(
    start: dt.datetime, frequency: str, hours: int, end: int | None
) -> None:
    """Hours, days and weeks are fixed periods; a month has the same day, or its last."""
    check_runs(start, frequency, hours * 3_600_000, 20 if frequency == "HOURLY" else 100, end)


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(starts, frequencies, st.integers(-11, 13))
def test_runs_of_two_years(start: dt.datetime, frequency: str, hours: int) -> None:
    """The same for two years of runs."""
    check_runs(start, frequency, hours * 3_600_000, 2 * 366, None)


@settings(max_examples=12, deadline=None)
@given(starts, st.sampled_from(ZONES))
def test_local_time_is_what_clocks_show(start: dt.datetime, name: str) -> None:
    """The instant is the first at which the zone's clocks show the time."""
    zone = ZoneInfo(name)
    assert local_instant(ms(start), zone) == ms(shows(start, zone))


@pytest.mark.slow
@pytest.mark.parametrize("name", ZONES)
def test_local_time_of_two_years_of_days(name: str) -> None:
    """Each day of two years, at an hour that some days lack and some have twice."""
    zone = ZoneInfo(name)
    for hour in (0, 2):
        schedule = Schedule(
            start=ms(dt.datetime(2025, 1, 1, hour)), frequency="DAILY", is_local=True
        )
        at = schedule.begins(schedule.start)
        for day in range(2 * 365):
            wall = dt.datetime(2025, 1, 1, hour) + dt.timedelta(days=day)
            (instant,) = schedule.waves(at, [name])
            assert instant == ms(shows(wall, zone)), wall
            following = schedule.next_after(at)
            assert following == at + 86_400_000
            at = following


def test_days_on_which_clocks_change() -> None:
    """An hour that is jumped over comes as much later; of two the first counts."""
    berlin = ZoneInfo("Europe/Berlin")
    jumped = local_instant(ms(dt.datetime(2026, 3, 29, 2, 30)), berlin)
    assert jumped == ms(dt.datetime(2026, 3, 29, 1, 30, tzinfo=UTC))  # 03:30 there
    twice = local_instant(ms(dt.datetime(2026, 10, 25, 2, 30)), berlin)
    assert twice == ms(dt.datetime(2026, 10, 25, 0, 30, tzinfo=UTC))  # 02:30 of summer


def test_a_month_without_the_day_has_its_last() -> None:
    """It is counted from the start, so a short month does not shorten those after it."""
    schedule = Schedule(start=ms(dt.datetime(2024, 1, 31, 9)), frequency="MONTHLY")
    at, days = schedule.next_after(0), []
    for _ in range(5):
        assert at is not None
        days.append((EPOCH + dt.timedelta(milliseconds=at)).date().isoformat())
        at = schedule.next_after(at)
    assert days == ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]


def test_waves_are_in_order_and_without_what_is_no_zone() -> None:
    """Zones whose clocks agree share a wave; unknown names are left out."""
    start = dt.datetime(2026, 1, 2, 12)
    schedule = Schedule(start=ms(start), is_local=True)
    names = ["Europe/Paris", "Asia/Tokyo", "Europe/Berlin", "Europe", "x", "../etc"]
    waves = schedule.waves(schedule.begins(schedule.start), names)
    assert list(waves.items()) == [
        (ms(dt.datetime(2026, 1, 2, 3)), ["Asia/Tokyo"]),
        (ms(dt.datetime(2026, 1, 2, 11)), ["Europe/Berlin", "Europe/Paris"]),
    ]
    assert zone_of("") is zone_of(None) is None


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 2**41), st.sampled_from(ZONES))
def test_quiet_time_is_a_walk_round_the_clock(start: int, end: int, now: int, name: str) -> None:
    """From the start on, minute by minute until the end has been met, it is quiet."""
    minutes, minute = set(), start
    while minute not in minutes:
        minutes.add(minute)
        if minute == end:
            break
        minute = (minute + 1) % 1440
    there = (EPOCH + dt.timedelta(milliseconds=now)).astimezone(ZoneInfo(name))
    is_quiet = there.hour * 60 + there.minute in minutes
    assert Quiet(start, end).holds(now, name) == is_quiet


def test_quiet_time_needs_both_ends() -> None:
    """Without one of them nothing is quiet."""
    assert Quiet.of("22:00", "06:30") == Quiet(22 * 60, 6 * 60 + 30)
    assert [Quiet.of("22:00", ""), Quiet.of(None, "06:00"), Quiet.of(None, None)] == [None] * 3


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("2018-02-03T00:00:00-08:00", -8 * 3_600_000),
        ("2018-02-03T00:00:00+0545", 20_700_000),
        ("20180203T000000+05", 5 * 3_600_000),
        ("2018-02-03T00:00:00Z", 0),
        ("2018-02-03T00:00:00", 0),
        ("2018-02-03", 0),
    ],
)
def test_the_wall_shows_the_start_as_written(text: str, offset: int) -> None:
    """The offset of the start is kept, and its nominal time is without it."""
    schedule = calendar_of({"StartTime": text}, 0)
    assert (schedule.start, schedule.offset) == (ms(dt.datetime(2018, 2, 3)), offset)


def test_immediate_is_when_it_was_made() -> None:
    """The anchor stands for it."""
    assert calendar_of({"StartTime": "IMMEDIATE"}, 1234) == Schedule(start=1234)

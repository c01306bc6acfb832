"""Days of a zone as integers: the same as the clocks of zoneinfo, at every edge."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, MetaData, Table, create_engine, select

from pinpoint_kit.metrics.calendar import Days, date_of, day_of, number_of
from tests.metrics.oracle import local

#: Zones whose clocks change at midnight, by half an hour, over midnight, or skip a day.
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
)
TABLE = Table("moments", MetaData(), Column("time", BigInteger))


@given(
    st.sampled_from(ZONES),
    st.dates(dt.date(1985, 1, 1), dt.date(2030, 1, 1)),
    st.integers(0, 40),
    st.data(),
)
def test_sql_finds_the_day_that_clocks_show(
    name: str, first: dt.date, length: int, data: st.DataObject
) -> None:
    """An instant is on one of the days exactly when a clock of the zone says so."""
    zone = ZoneInfo(name)
    days = Days(number_of(first), number_of(first) + length, zone)
    edges = (days.start_ms, days.stop_ms)
    times = data.draw(
        st.lists(
            st.one_of(
                st.integers(edges[0] - 90_000_000, edges[1] + 90_000_000),
                st.sampled_from([edge + n for edge in edges for n in (-1, 0, 1, -3_600_000)]),
            ),
            min_size=1,
            max_size=30,
        )
    )
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        TABLE.metadata.create_all(connection)
        connection.execute(TABLE.insert(), [{"time": time} for time in times])
        found = connection.execute(
            select(TABLE.c.time, days.day(TABLE.c.time)).where(*days.condition(TABLE.c.time))
        ).fetchall()
    engine.dispose()
    shown = {time: local(time, name).date() for time in times}
    last = date_of(days.last)
    wanted = sorted((t, number_of(shown[t])) for t in times if first <= shown[t] <= last)
    assert sorted(tuple(row) for row in found) == wanted
    assert all(day_of(time, zone) == number_of(shown[time]) for time in times)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", dt.date(2026, 3, 29), 23),
        ("Europe/Berlin", dt.date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", dt.date(2026, 4, 5), 24.5),
        ("UTC", dt.date(2026, 10, 25), 24),
    ],
)
def test_days_are_as_long_as_they_are(zone: str, day: dt.date, hours: float) -> None:
    """A day on which clocks change has another length."""
    days = Days(number_of(day), number_of(day), ZoneInfo(zone))
    assert (days.stop_ms - days.start_ms) / 3_600_000 == hours

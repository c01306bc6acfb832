"""`pinpoint-kit analytics`: what it prints and refuses; the numbers are tested elsewhere."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from tests.cli.conftest import Run

SHOP = ("--url", "sqlite:///shop.db", "--application", "shop")


@pytest.fixture(autouse=True)
def events(folder: object) -> None:
    """Store one person's events, each at a moment of its own."""
    del folder
    now = dt.datetime.now(dt.timezone.utc)
    with pk.connect("sqlite:///shop.db", application="shop") as pinpoint:
        user = pk.Endpoint(user=pk.User(id="user-1"))
        pinpoint.auth.sign_up("device-1", endpoint=user)
        later = now + dt.timedelta(minutes=1)
        pinpoint.events.record("device-1", "level_up", metrics={"level": 7}, timestamp=later)


def test_a_timeline_prints_as_a_list_of_events(run: Run) -> None:
    """With the columns of `event list`."""
    timeline = run("analytics", "timeline", "--endpoint", "device-1", *SHOP).stdout
    listed = run("event", "list", *SHOP).stdout
    assert "level=7" in timeline
    assert timeline.splitlines()[2:] == listed.splitlines()


def test_a_timeline_of_nobody_has_no_table(run: Run) -> None:
    """The head says that there are no events."""
    answer = run("analytics", "timeline", "--user", "nobody", *SHOP)
    assert answer.status == 0
    assert "0 events" in answer.stdout
    assert "Type" not in answer.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--from", "2026-13-01"), "'--from': '2026-13-01': write a day as in 2026-10-30"),
        (("--to", "yesterday"), "'--to': 'yesterday': write a day as in 2026-10-30"),
        (("--from", "2026-11-02", "--to", "2026-11-01"), "--from must not be after --to"),
        (("--from", "9999-01-01"), "which is today unless given"),
    ],
)
def test_days_are_checked_as_options(run: Run, words: tuple[str, ...], message: str) -> None:
    """With status 2, before anything is asked."""
    answer = run("analytics", "active", *words, *SHOP)
    assert answer.status == 2
    assert message in answer.stderr

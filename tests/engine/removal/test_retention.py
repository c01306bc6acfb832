"""`keep_events`: what is older goes, in small steps; what is not stays, whatever clocks say."""

from __future__ import annotations

import logging
import math
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.engine import RETENTION_LOGGER, Engine
from pinpoint_kit.engine.events import store as events
from pinpoint_kit.engine.removal import retention
from pinpoint_kit.errors import ConfigurationError
from tests.engine.conftest import Wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock

KEPT = timedelta(days=100)


def put(wire: Wire, *days: float, endpoint: str = "e") -> None:
    """Store events that happened so many days before now; negative: in the future."""
    now: datetime = wire.engine._clock()
    items = {
        f"{day}": {"EventType": "x", "Timestamp": (now - timedelta(days=day)).isoformat()}
        for day in days
    }
    assert wire.put_events({endpoint: {"Endpoint": {}, "Events": items}}).status == 202


def left(wire: Wire) -> list[float]:
    """Return the events that there are, by how old they were when they came."""
    return sorted(float(event["event_id"]) for event in wire.events())


def work(wire: Wire, clock: Clock, seconds: float = 60.0) -> int:
    """Let the engine work for a while; return how many steps it took."""
    steps = 0
    end = clock.now + timedelta(seconds=seconds)
    while clock.now < end:
        if wire.engine.step():
            steps += 1
        else:
            wait = wire.engine.wait_s()
            assert wait is not None
            clock.advance(max(wait, 0.001))
    return steps


def test_old_events_are_removed(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """Those from before the time, of all applications; nothing else changes."""
    wire = make_wire(keep_events=KEPT)
    other = Wire(wire.engine)
    wire.update("e", ChannelType="EMAIL", Address="a@x", User={"UserId": "u"})
    before = wire.get("e")
    put(wire, 0, 99.9, 100.1, 400)
    put(other, 3, 3000)
    work(wire, clock)
    assert left(wire) == [0, 3, 99.9]
    assert wire.get("e")["CreationDate"] == before["CreationDate"]
    assert wire.user_ids("u") == ["e"]


def test_nothing_is_removed_unless_asked(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """Without the option there is no work at all."""
    wire = make_wire()
    put(wire, 0, 100_000)
    assert not wire.engine.step()
    assert wire.engine.wait_s() is None
    assert left(wire) == [0, 100_000]
    assert "retention" not in wire.engine.lanes[0].runner.workers
    del clock


def test_it_goes_on_with_time(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """What becomes old goes within the hour."""
    wire = make_wire(keep_events=KEPT)
    put(wire, 0, 99, 99.99)
    work(wire, clock)
    assert left(wire) == [0, 99, 99.99]
    work(wire, clock, 3_600)
    assert left(wire) == [0, 99]
    work(wire, clock, 86_400)
    assert left(wire) == [0]
    while wire.engine.step():
        pass
    wait = wire.engine.wait_s()
    assert wait is not None
    assert 0 < wait <= 3_600


def test_events_of_the_future_go_by_their_arrival(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """A device whose clock is years ahead leaves nothing for ever."""
    wire = make_wire(keep_events=KEPT)
    put(wire, -50, -10_000)
    clock.advance(99.9 * 86_400)
    work(wire, clock)
    assert left(wire) == [-10_000, -50]
    clock.advance(86_400)
    work(wire, clock)
    assert left(wire) == [-50]  # it has its time, though late
    clock.advance(60 * 86_400)
    work(wire, clock, 4_000)
    assert left(wire) == []


def test_steps_are_small(
    make_wire: Callable[..., Wire], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction deletes so many at most, the oldest first, and others write in between."""
    monkeypatch.setattr(retention, "_ROWS_A_STEP", 10)
    wire = make_wire(keep_events=KEPT)
    put(wire, *range(101, 144), 0)
    counts: list[int] = []
    wire.engine.on_expired_events(counts.append)
    assert wire.engine.step()
    assert counts == [10]
    assert left(wire) == [0, *range(101, 134)]
    assert not wire.engine.step()  # the others' turn
    wait = wire.engine.wait_s()
    assert wait is not None
    assert math.isclose(wait, 0.1)
    work(wire, clock)
    assert counts == [10, 10, 10, 10, 3]
    assert left(wire) == [0]


def test_the_log_says_how_many(
    make_wire: Callable[..., Wire], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """One line a pass that has removed something, without any data."""
    wire = make_wire(keep_events=KEPT)
    put(wire, 0, 200, 300)
    with caplog.at_level(logging.INFO, RETENTION_LOGGER):
        work(wire, clock, 4_000)
    assert [record.getMessage() for record in caplog.records] == [
        "removed 2 events older than 100 days"
    ]


@pytest.mark.sqlite_only("opens a file twice")
def test_one_engine_at_a_time(make_wire: Callable[..., Wire], file_url: str, clock: Clock) -> None:
    """The lease is another's while it works; then the other finds nothing left."""
    wire = make_wire(file_url, keep_events=KEPT)
    put(wire, *range(101, 120), 0)
    other = Engine.open(file_url, keep_events=KEPT, clock=clock)
    counts: list[int] = []
    other.on_expired_events(counts.append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "_ROWS_A_STEP", 5)
        assert wire.engine.step()
        assert not other.step()
    wire.engine.close()
    clock.advance(1)
    while other.step():
        clock.advance(1)
    assert counts == [14]
    other.close()


@pytest.mark.sqlite_only("looks into its file")
def test_values_do_not_stay_in_the_files(
    make_wire: Callable[..., Wire], file_url: str, clock: Clock
) -> None:
    """As after any deletion, they are overwritten."""
    wire = make_wire(file_url, keep_events=KEPT)
    event = {"EventType": "x", "Timestamp": "2020-01-01T00:00:00Z", "Attributes": {"a": "ab" * 40}}
    wire.put_event(event)
    path = file_url.removeprefix("sqlite:///")

    def content() -> bytes:
        found = b""
        for name in (path, f"{path}-wal"):
            with open(name, "rb") as file:  # noqa: PTH123 -- side files of a path
                found += file.read()
        return found

    assert b"ab" * 40 in content()
    work(wire, clock, 300)
    assert b"ab" * 40 not in content()


@pytest.mark.sqlite_only("asks SQLite for its plan")
def test_looking_uses_indexes(wire: Wire) -> None:
    """Neither the look nor a step reads events that stay, however many there are."""
    put(wire, *range(100))
    asked: list[str] = []
    with wire.engine._store.write() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(asked.append)
        events.app_with_older(connection, 0, 2**60)
        events.remove_older(connection, 1, 0, 2**60, 5)
        driver.set_trace_callback(None)
    assert len(asked) == 3
    with closing(sqlite3.connect(":memory:")) as empty:
        for (sql,) in connection_schema(wire):
            empty.execute(sql)
        for sql in asked:
            plan = [row[3] for row in empty.execute(f"EXPLAIN QUERY PLAN {sql}")]
            of_events = [step for step in plan if " events " in f"{step} "]
            assert of_events
            for step in of_events:
                assert step.startswith("SEARCH"), plan
                assert "events_by_time (app=? AND timestamp" in step or "PRIMARY KEY" in step, plan


def connection_schema(wire: Wire) -> list[tuple[str]]:
    """Return the statements that make the tables and indexes."""
    sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
    return [(row["sql"],) for row in wire.rows(sql)]


@pytest.mark.parametrize("given", [timedelta(days=30, hours=23), timedelta(0), -KEPT])
def test_too_short_a_time_is_refused(given: timedelta, file_url: str) -> None:
    """Segments ask for events of up to 30 days ago; no database is made."""
    with pytest.raises(ConfigurationError, match="less than 31 days"):
        Engine.open(file_url, keep_events=given)
    with pytest.raises(ConfigurationError, match="less than 31 days"):
        pk.connect(file_url, keep_events=given)
    with pytest.raises(ConfigurationError, match="no timedelta: write for example timedelta"):
        pk.connect(file_url, keep_events=400)  # type: ignore[arg-type] # as said


def test_a_client_takes_it(file_url: str) -> None:
    """The embedded engine removes them behind the client; towards a server it is refused."""
    with pk.connect(file_url, application="shop") as pinpoint:
        pinpoint.events.put("e", pk.Event(type="x", timestamp="2020-01-01T00:00:00Z"))
        pinpoint.events.put("e", pk.Event(type="y"))
        assert len(list(pinpoint.events.find())) == 2
    with pk.connect(file_url, application="shop", keep_events=KEPT) as pinpoint:
        while len(found := list(pinpoint.events.find())) > 1:
            pass
        assert [event.type for event in found] == ["y"]
    with pytest.raises(ConfigurationError, match="give a server of yours --keep-events"):
        pk.connect("http://127.0.0.1:1", application="shop", keep_events=KEPT)

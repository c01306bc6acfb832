"""Sessions as they go over the wire: events, ids, timestamps and durations."""

from __future__ import annotations

import datetime as dt
import pickle
import re
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import pinpoint_kit as pk
from pinpoint_kit import errors
from tests.recording.conftest import watch

if TYPE_CHECKING:
    from tests.recording.conftest import Watched


def types(watched: Watched) -> list[str]:
    """Return the types of everything that arrived."""
    return [event["EventType"] for event in watched.events()]


def test_a_session_starts_and_stops_with_its_duration(watched: Watched) -> None:
    """The stop carries StopTimestamp and the milliseconds since the start; the start neither."""
    with watched.pinpoint.sessions.start("device-12345678"):
        watched.time.pass_(61.5)
    start, stop = watched.events()
    assert start["EventType"] == "_session.start"
    assert start["Session"].keys() == {"Id", "StartTimestamp"}
    assert stop["EventType"] == "_session.stop"
    assert stop["Session"] == {
        "Id": start["Session"]["Id"],
        "StartTimestamp": "2026-10-30T12:00:00.000Z",
        "StopTimestamp": "2026-10-30T12:01:01.500Z",
        "Duration": 61_500,
    }
    assert re.fullmatch(r"12345678-20261030-120000000-[0-9a-f]{4}", start["Session"]["Id"])


def test_events_of_a_session_carry_it(watched: Watched) -> None:
    """`session.record` adds the session to events given by type and to whole events."""
    with watched.pinpoint.sessions.start("device-1") as session:
        session.record("level_up", metrics={"n": 1})
        session.record(pk.Event(type="level_up", attributes={"a": "b"}))
    events = watched.events()
    assert {event["Session"]["Id"] for event in events} == {session.id}
    assert events[1]["Metrics"] == {"n": 1.0}
    assert events[2]["Attributes"] == {"a": "b"}


def test_duration_comes_from_the_monotonic_clock(watched: Watched) -> None:
    """A wall clock that jumps back does not spoil the duration."""
    session = watched.pinpoint.sessions.start("device-1")
    watched.time.monotonic += 10.0
    watched.time.wall -= 3600.0
    assert session.stop().duration_ms == 10_000


def test_pause_and_resume_are_recorded_once_each(watched: Watched) -> None:
    """Pausing twice or resuming what runs records nothing more."""
    with watched.pinpoint.sessions.start("device-1") as session:
        session.resume()
        session.pause()
        session.pause()
        assert session.state == "paused"
        session.resume()
        session.resume()
        assert session.state == "running"
    assert session.state == "stopped"
    assert types(watched) == [
        "_session.start",
        "_session.pause",
        "_session.resume",
        "_session.stop",
    ]


def test_a_pause_carries_the_duration_so_far(watched: Watched) -> None:
    """The pause event has a StopTimestamp and a Duration, as the mobile SDKs send it."""
    session = watched.pinpoint.sessions.start("device-1")
    watched.time.pass_(5)
    session.pause()
    session.stop()
    pause = watched.events()[1]["Session"]
    assert (pause["Duration"], pause["StopTimestamp"]) == (5000, "2026-10-30T12:00:05.000Z")


def test_a_paused_session_ends_at_the_pause(watched: Watched) -> None:
    """Stopping a paused session reports the time and the duration of the pause."""
    session = watched.pinpoint.sessions.start("device-1")
    watched.time.pass_(5)
    session.pause()
    watched.time.pass_(500)
    stopped = session.stop()
    assert stopped.duration_ms == 5000
    assert watched.events()[-1]["Session"]["StopTimestamp"] == "2026-10-30T12:00:05.000Z"


def test_a_resumed_session_counts_from_its_start(watched: Watched) -> None:
    """The duration of a resumed session is the distance from start to stop."""
    session = watched.pinpoint.sessions.start("device-1")
    session.pause()
    watched.time.pass_(5)
    session.resume()
    watched.time.pass_(1)
    assert session.stop().duration_ms == 6000


def test_a_new_session_stops_the_one_that_is_open_there(watched: Watched) -> None:
    """One endpoint has one open session, whatever the case of its id; others are untouched."""
    first = watched.pinpoint.sessions.start("device-1")
    other = watched.pinpoint.sessions.start("device-2")
    second = watched.pinpoint.sessions.start("DEVICE-1")
    assert (first.state, other.state, second.state) == ("stopped", "running", "running")
    assert watched.pinpoint.sessions.get("device-1") is second
    assert first.id != second.id


def test_stop_is_idempotent(watched: Watched) -> None:
    """A second stop records nothing and gives the same value."""
    session = watched.pinpoint.sessions.start("device-1")
    assert session.stop() == session.stop()
    assert types(watched) == ["_session.start", "_session.stop"]


def test_an_error_in_the_block_still_stops_the_session(watched: Watched) -> None:
    """Leaving the block by an exception records the stop and passes the exception on."""
    with (
        pytest.raises(RuntimeError, match="mine"),
        watched.pinpoint.sessions.start("device-1") as session,
    ):
        raise RuntimeError("mine")
    assert session.state == "stopped"


def test_close_stops_open_sessions(watched: Watched) -> None:
    """Closing the client ends its sessions, so that none stays open for ever."""
    watched.pinpoint.sessions.start("device-1")
    watched.pinpoint.sessions.start("device-2")
    report = watched.pinpoint.close()
    assert report.accepted == 4


def test_another_process_carries_a_session_on(watched: Watched) -> None:
    """A pickled value, attached elsewhere, goes on with the same id and the right duration."""
    value = watched.pinpoint.sessions.start("device-1").value
    watched.pinpoint.sessions._active.clear()
    watched.time.pass_(30)
    session = watched.pinpoint.sessions.attach(pickle.loads(pickle.dumps(value)))  # noqa: S301 -- ours
    watched.time.pass_(12)
    stopped = session.stop()
    assert (stopped.id, stopped.duration_ms) == (value.id, 42_000)
    assert types(watched) == ["_session.start", "_session.stop"]


def test_attaching_what_is_open_here_gives_the_open_one(watched: Watched) -> None:
    """Attaching a session twice does not make two of it."""
    session = watched.pinpoint.sessions.start("device-1")
    assert watched.pinpoint.sessions.attach(session.value) is session


def test_a_paused_session_is_attached_paused(watched: Watched) -> None:
    """The pause travels with the value."""
    session = watched.pinpoint.sessions.start("device-1")
    session.pause()
    value = session.value
    watched.pinpoint.sessions._active.clear()
    attached = watched.pinpoint.sessions.attach(value)
    assert attached.state == "paused"
    assert attached.stop().duration_ms == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"endpoint_id": None}, "needs endpoint_id"),
        ({"start_timestamp": None}, "needs endpoint_id and start_timestamp"),
        ({"stop_timestamp": "2026-10-30T12:00:01Z"}, "was stopped"),
    ],
)
def test_a_value_that_cannot_be_carried_on_is_refused(
    watched: Watched, change: dict[str, Any], message: str
) -> None:
    """Attaching says what the value lacks."""
    value = watched.pinpoint.sessions.start("device-1").value
    with pytest.raises(errors.ValidationError, match=message):
        watched.pinpoint.sessions.attach(attrs.evolve(value, **change))


def test_past_sessions_take_their_times_from_the_caller(watched: Watched) -> None:
    """Given timestamps decide the duration, for sessions that are read from a log."""
    session = watched.pinpoint.sessions.start("device-1", timestamp="2020-01-01T00:00:00Z")
    stopped = session.stop(timestamp=dt.datetime(2020, 1, 1, 0, 0, 2))  # noqa: DTZ001 -- naive is UTC
    assert stopped.duration_ms == 2000
    assert [event["Timestamp"] for event in watched.events()] == [
        "2020-01-01T00:00:00.000Z",
        "2020-01-01T00:00:02.000Z",
    ]


def test_a_stop_before_the_start_has_no_duration(watched: Watched) -> None:
    """A log whose clock went back gives an unknown duration, and the event is accepted."""
    session = watched.pinpoint.sessions.start("device-1", timestamp="2020-01-01T00:00:00Z")
    assert session.stop(timestamp="2019-01-01T00:00:00Z").duration_ms is None
    stop = watched.events()[1]
    assert stop["Timestamp"] == "2019-01-01T00:00:00.000Z"
    assert stop["Session"].keys() == {"Id", "StartTimestamp"}
    assert watched.pinpoint.flush(10).accepted == 2


def test_a_session_from_a_clock_that_is_ahead_has_no_duration(watched: Watched) -> None:
    """What was started later than now here, in another process, has an unknown duration."""
    value = pk.Session(id="s", start_timestamp="2026-10-30T13:00:00Z", endpoint_id="device-1")
    active = watched.pinpoint.sessions.attach(value)
    watched.time.pass_(5)
    assert active.stop().duration_ms is None


def test_times_may_be_seconds_since_1970(watched: Watched) -> None:
    """Sessions take the same instants as `record`."""
    session = watched.pinpoint.sessions.start("device-1", timestamp=1_793_361_600)
    assert session.stop(timestamp=1_793_361_601_500).duration_ms == 1500


@pytest.mark.parametrize(
    "wrong",
    [{"endpoint_id": None}, {"session_id": b"s"}, {"timestamp": "yesterday"}, {"attributes": "a"}],
)
def test_a_session_that_cannot_begin_is_counted(watched: Watched, wrong: dict[str, Any]) -> None:
    """Starting never raises: what cannot be sent is rejected, and the program goes on."""
    details: dict[str, Any] = {"endpoint_id": "device-1", **wrong}
    with watched.pinpoint.sessions.start(**details) as session:
        session.record("t")
    report = watched.pinpoint.flush(10)
    assert report.recorded == 3
    assert report.rejected >= 1


def test_a_wrong_time_does_not_stop_the_session_from_stopping(watched: Watched) -> None:
    """Each event with a time that cannot be read is rejected; the session goes on and ends."""
    session = watched.pinpoint.sessions.start("device-1")
    session.pause(timestamp="yesterday")
    assert session.state == "paused"
    session.resume(timestamp=True)
    assert session.state == "running"
    session.stop(timestamp="tomorrow")
    assert session.state == "stopped"
    report = watched.pinpoint.flush(10)
    assert (report.accepted, report.rejected) == (1, 3)


def test_a_strict_client_raises_for_a_session_that_cannot_begin() -> None:
    """strict=True raises, and nothing is recorded."""
    client = watch(strict=True)
    with pytest.raises(errors.ValidationError):
        client.pinpoint.sessions.start("device-1", timestamp="yesterday")
    session = client.pinpoint.sessions.start("device-1")
    with pytest.raises(errors.ValidationError):
        session.pause(timestamp="yesterday")
    assert session.state == "running"
    client.pinpoint.close()


def test_attributes_of_a_session_ride_on_all_its_events(watched: Watched) -> None:
    """Session defaults stand between the type's and the event's own."""
    watched.pinpoint.events.set_defaults(attributes={"who": "client", "a": "client"})
    watched.pinpoint.events.set_defaults(
        attributes={"who": "type", "b": "type"}, event_type="level_up"
    )
    with watched.pinpoint.sessions.start(
        "device-1", attributes={"who": "session", "c": "session"}, metrics={"n": 1}
    ) as session:
        session.record("level_up", attributes={"c": "own"})
    event = watched.events()[1]
    assert event["Attributes"] == {"who": "session", "a": "client", "b": "type", "c": "own"}
    assert event["Metrics"] == {"n": 1.0}


def test_endpoint_data_goes_with_the_start(watched: Watched) -> None:
    """A session may create or update its endpoint."""
    with watched.pinpoint.sessions.start(
        "device-1", endpoint=pk.Endpoint(demographic=pk.Demographic(platform="ios"))
    ):
        pass
    watched.pinpoint.flush(10)
    demographic = watched.pinpoint.endpoints.get("device-1").demographic
    assert demographic is not None
    assert demographic.platform == "ios"


def test_wrong_types_are_told_apart(watched: Watched) -> None:
    """What returns an answer raises a typed error for an id or a session of a wrong type."""
    sessions: Any = watched.pinpoint.sessions
    for verb, wrong in ((sessions.get, None), (sessions.get, b"x"), (sessions.attach, "x")):
        with pytest.raises(errors.InvalidTypeError):
            verb(wrong)


def test_an_event_after_the_stop_carries_the_finished_session(watched: Watched) -> None:
    """A late event is not lost."""
    session = watched.pinpoint.sessions.start("device-1")
    session.stop()
    session.record("late")
    assert "StopTimestamp" in watched.events()[-1]["Session"]

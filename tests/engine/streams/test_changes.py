"""Streams, destinations and clocks change while records wait: none goes astray or gets lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.streams import cursors
from pinpoint_kit.records.destination import Unavailable
from tests.engine.conftest import Wire
from tests.engine.streams.stream_kit import (
    ARN,
    BAD,
    THROTTLED,
    Fake,
    ask,
    forward,
    forward_through,
    put,
    stream,
)

if TYPE_CHECKING:
    from tests.engine.conftest import Clock

OTHER = f"{ARN}-2"
Make = Callable[..., Wire]


def delete_stream(wire: Wire) -> None:
    """Take the application's event stream away."""
    assert wire.send("DELETE", f"/v1/apps/{wire.app}/eventstream").status == 200


def post(wire: Wire, path: str, payload: dict[str, object]) -> Any:
    """Ask an extension operation of streams, and return its answer, a refusal too."""
    return wire.post(f"/pinpoint-kit/v1/apps/{wire.app}/streams{path}", payload)


def losses(wire: Wire) -> set[tuple[str, str, int]]:
    """Return what is counted as lost: the destination, the reason and how many records."""
    found = wire.rows("SELECT destination, reason, records FROM stream_losses")
    return {(row["destination"], row["reason"], row["records"]) for row in found}


def test_dead_letters_stay_while_their_destination_takes_nothing(
    make_wire: Make, clock: Clock
) -> None:
    """Sent again, they would be lost; once the stream is back they are sent."""
    is_bad = True
    fake = Fake(answer=lambda _: BAD if is_bad else None)
    wire = make_wire(destinations={ARN: fake})
    stream(wire)
    put(wire, "d", "a")
    forward(wire)
    delete_stream(wire)
    is_bad = False
    refused = post(wire, "/dead-letters/retry", {})
    assert (refused.status, "put the stream again" in refused.message) == (400, True)
    forward_through(wire, clock, 60)  # its cursor goes
    refused = post(wire, "/dead-letters/retry", {"Destination": fake.name})
    assert (refused.status, "discard its dead letters" in refused.message) == (404, True)
    stream(wire)
    assert ask(wire, "/dead-letters/retry", {}) == {"Records": 1, "Left": 0}
    forward(wire)
    assert (fake.events, losses(wire)) == (["a"], set())


def test_a_replay_needs_a_destination_that_takes_something(make_wire: Make, clock: Clock) -> None:
    """One whose stream is gone takes nothing new: then nothing is replayed."""
    wire = make_wire(destinations={ARN: Fake(outage=Unavailable("down"))})
    stream(wire)
    put(wire, "d", "a")
    forward(wire)
    clock.advance(1)
    delete_stream(wire)
    since: dict[str, object] = {"Since": "2026-01-01T00:00:00Z"}
    assert post(wire, "/replays", since).status == 400
    assert post(wire, "/replays", {**since, "Destination": "fake://one"}).status == 400
    assert wire.rows("SELECT * FROM stream_replays") == []


def test_what_is_for_one_alone_that_is_gone_is_counted(make_wire: Make, clock: Clock) -> None:
    """A replay for one destination goes on after its stream is deleted: those records are lost."""
    one, two = Fake("fake://1"), Fake("fake://2")
    wire = make_wire(destinations={ARN: one, "shop": two})
    wire.app = wire.post("/v1/apps", {"Name": "shop"}).json["Id"]
    stream(wire)
    put(wire, "d", "a", "b")
    forward(wire)
    clock.advance(1)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z", "Destination": one.name})
    delete_stream(wire)
    forward_through(wire, clock, 60)
    assert (one.events, two.events) == (["a", "b"], ["a", "b"])
    assert losses(wire) == {(one.name, "destination-gone", 2)}
    assert wire.rows("SELECT * FROM stream_backlog") == []


@pytest.mark.parametrize("then", ["done", "back", "removed"])
def test_what_a_replay_adds_after_the_end_of_a_stream_is_counted(
    make_wire: Make, clock: Clock, then: str
) -> None:
    """For one whose cursor still has something to take: when it is done, back, or removed."""
    one, two = Fake("fake://1"), Fake("fake://2")
    wire = make_wire(destinations={ARN: one, "shop": two})
    wire.app = wire.post("/v1/apps", {"Name": "shop"}).json["Id"]
    stream(wire)
    put(wire, "d", "a", "b")
    forward(wire)
    one.outage = Unavailable("down")
    put(wire, "d", "c")
    clock.advance(1)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z", "Destination": one.name})
    delete_stream(wire)
    forward_through(wire, clock, 10)
    assert wire.rows("SELECT count FROM stream_backlog WHERE destination IS NOT NULL") == [
        {"count": 3}
    ]
    if then == "back":
        stream(wire)
    if then == "removed":
        assert ask(wire, "/remove", {"Destination": one.name}) == {"Records": 1}
    one.outage = None
    forward_through(wire, clock, 120)
    expected = {(one.name, "destination-gone", 3)}
    if then == "removed":
        expected |= {(one.name, "removed", 1)}
    assert one.events == ["a", "b", *(["c"] if then != "removed" else [])]
    assert losses(wire) == expected
    assert wire.rows("SELECT * FROM stream_backlog") == []


def test_a_removal_counts_what_waits_for_it_once(make_wire: Make, file_url: str) -> None:
    """What waits for it alone goes with it, and is not counted again when rows are tidied up."""
    fake = Fake(answer=lambda _: BAD)
    with Engine.open(file_url, destinations={ARN: fake}) as gone:
        wire = Wire(gone)
        stream(wire)
        put(wire, "d", "a")
        forward(wire)
        assert ask(wire, "/dead-letters/retry", {})["Records"] == 1
    later = make_wire(file_url)
    later.app = wire.app
    assert ask(later, "/remove", {"Destination": fake.name}) == {"Records": 1}
    assert later.rows("SELECT * FROM stream_backlog") == []
    assert losses(later) == {(fake.name, "removed", 1)}


def test_a_stream_that_comes_back_gets_nothing_of_between(make_wire: Make, clock: Clock) -> None:
    """Whether its destination was done or not: what was recorded without it is not for it."""
    one, two = Fake("fake://1", outage=Unavailable("down")), Fake("fake://2")
    wire = make_wire(destinations={ARN: one, "shop": two})
    wire.app = wire.post("/v1/apps", {"Name": "shop"}).json["Id"]
    for turn in range(3):
        stream(wire)
        put(wire, "d", f"with-{turn}")
        forward(wire)
        delete_stream(wire)
        put(wire, "d", f"without-{turn}")
        forward(wire)
    stream(wire)
    put(wire, "d", "last")
    lags = {each["Destination"]: each["LagRecords"] for each in ask(wire)["Item"]}
    assert lags == {one.name: 4, two.name: 1}
    one.outage = None
    forward_through(wire, clock, 120)
    assert one.events == ["with-0", "with-1", "with-2", "last"]
    assert len(two.events) == 7
    assert wire.rows("SELECT * FROM stream_backlog") == []


def test_a_stream_that_moves_during_a_call_ends_there(make_wire: Make) -> None:
    """The next call of the same step takes nothing of the new stream."""

    class Moving(Fake):
        def send(self, *arguments: Any) -> Any:
            answer = super().send(*arguments)
            if len(self.calls) == 1:
                stream(wire, DestinationStreamArn=OTHER)
                put(wire, "e", "for-two")
            return answer

    one, two = Moving("fake://1"), Fake("fake://2")
    wire = make_wire(destinations={ARN: one, OTHER: two})
    stream(wire)
    put(wire, "d", "for-one")
    forward(wire)
    assert (one.events, two.events) == (["for-one"], ["for-two"])


def test_a_stream_that_is_deleted_before_it_is_claimed_is_not(
    make_wire: Make, file_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look for streams and the claim are two transactions."""
    wire = make_wire(file_url)
    stream(wire)
    one = Fake("fake://1")
    with Engine.open(file_url, clock=clock, destinations={ARN: one, wire.app: Fake()}) as later:
        other = Wire(later)
        other.app = wire.app
        found = cursors.claimable

        def then_deleted(*arguments: Any) -> Any:
            claims = found(*arguments)
            monkeypatch.setattr(cursors, "claimable", found)
            with later._store.write() as connection:
                connection.exec_driver_sql("DELETE FROM event_streams")
            return claims

        (lane,) = [lane for lane in later.lanes if one.name in lane.name]
        monkeypatch.setattr(cursors, "claimable", then_deleted)
        while lane.step():
            pass
        put(other, "d", "later")
        forward_through(other, clock, 30)
    assert one.events == []


def test_a_stream_that_nobody_has_claimed_does_not_go_unsaid(
    make_wire: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """With it goes what was kept for it: that is counted, and said in the log."""
    two = Fake("fake://2")
    wire = make_wire(destinations={OTHER: two})
    stream(wire)
    put(wire, "d", "a", "b")
    forward(wire)
    stream(wire, DestinationStreamArn=OTHER)
    put(wire, "d", "c")
    forward_through(wire, clock, 60)
    assert (two.events, losses(wire)) == (["c"], {("", "unclaimed", 2)})
    assert "2 records are lost" in caplog.text
    stream(wire)
    put(wire, "d", "d")
    delete_stream(wire)
    forward_through(wire, clock, 60)
    assert (two.events, losses(wire)) == (["c"], {("", "unclaimed", 3)})
    assert wire.rows("SELECT * FROM stream_backlog") == []


def test_a_stream_that_comes_back_elsewhere_waits_for_its_destination(
    make_wire: Make, file_url: str, clock: Clock
) -> None:
    """Its old cursor takes nothing new until an engine that has the destination claims it."""
    one = Fake("fake://1")
    with Engine.open(file_url, clock=clock, destinations={ARN: one}) as first:
        wire = Wire(first)
        stream(wire)
        put(wire, "d", "a")
        forward(wire)
    later = make_wire(file_url)
    later.app = wire.app
    delete_stream(later)
    stream(later)
    put(later, "d", "b")
    forward_through(later, clock, 60)
    again = make_wire(file_url, destinations={ARN: one})
    again.app = wire.app
    forward(again)
    assert (one.events, losses(again)) == (["a", "b"], set())


def test_a_stream_does_not_end_what_an_application_is_given_without_one(
    make_wire: Make, file_url: str, clock: Clock
) -> None:
    """A destination of both goes on when the stream is deleted, whoever records the events."""
    one = Fake("fake://1")
    wire = make_wire(file_url, destinations={ARN: one, "shop": one})
    wire.app = wire.post("/v1/apps", {"Name": "shop"}).json["Id"]
    put(wire, "d", "a")
    forward(wire)
    stream(wire)
    put(wire, "d", "b")
    forward(wire)
    assert [each["State"] for each in ask(wire)["Item"]] == ["IDLE"]  # it has the stream, too
    delete_stream(wire)
    with Engine.open(file_url, clock=clock) as later:
        other = Wire(later)
        other.app = wire.app
        put(other, "d", "c")
    forward_through(wire, clock, 60)
    assert (one.events, losses(wire)) == (["a", "b", "c"], set())


def test_a_stream_of_another_engine_is_claimed_by_a_destination_without_one(
    make_wire: Make, file_url: str, clock: Clock
) -> None:
    """Else it would seem to be nobody's, and be kept for days."""
    one = Fake("fake://1")
    wire = make_wire(file_url, destinations={ARN: one, "shop": one})
    wire.app = wire.post("/v1/apps", {"Name": "shop"}).json["Id"]
    put(wire, "d", "a")
    forward(wire)
    with Engine.open(file_url, clock=clock) as later:
        other = Wire(later)
        other.app = wire.app
        stream(other)
    put(wire, "d", "b")
    forward_through(wire, clock, 60)
    assert [each["Claim"] for each in ask(wire)["Item"]] == [ARN]
    assert (one.events, wire.rows("SELECT * FROM stream_backlog")) == (["a", "b"], [])


def test_a_destination_beside_a_stream_gets_the_first_records(
    make_wire: Make, clock: Clock
) -> None:
    """Even where the stream's is quicker than the look for new applications."""
    one, two = Fake("fake://1"), Fake("fake://2")
    wire = make_wire(destinations={ARN: one, "shop": two})
    forward(wire)
    wire.app = wire.post("/v1/apps", {"Name": "shop"}).json["Id"]
    stream(wire)
    put(wire, "d", "a")
    (lane,) = [lane for lane in wire.engine.lanes if one.name in lane.name]
    while lane.step():
        pass
    forward_through(wire, clock, 30)
    assert (one.events, two.events) == (["a"], ["a"])


@pytest.mark.parametrize("is_refused", [False, True])
def test_a_clock_that_is_set_back_stops_nothing(
    make_wire: Make, clock: Clock, *, is_refused: bool
) -> None:
    """A wait that ends in days can only be of a clock that was days ahead."""
    fake = Fake(answer=lambda _: THROTTLED) if is_refused else Fake(outage=Unavailable("down"))
    wire = make_wire(destinations={ARN: fake})
    stream(wire)
    put(wire, "d", "a")
    clock.advance(3 * 86_400)
    forward(wire)
    clock.advance(-3 * 86_400)
    fake.answer, fake.outage = lambda _: None, None
    put(wire, "d", "b")
    forward_through(wire, clock, 120)
    assert fake.events == ["a", "b"]


def test_resuming_sends_what_was_refused_at_once(make_wire: Make) -> None:
    """Not after the wait of each record."""
    fake = Fake(answer=lambda _: THROTTLED)
    wire = make_wire(destinations={ARN: fake})
    stream(wire)
    put(wire, "d", "a")
    forward(wire)
    fake.answer = lambda _: None
    forward(wire)
    assert fake.events == []
    ask(wire, "/resume", {})
    forward(wire)
    assert fake.events == ["a"]


def test_what_is_gone_is_shown_while_it_has_lost_something(
    make_wire: Make, file_url: str, clock: Clock
) -> None:
    """Dead letters of a destination that is gone, and what a stream without one has lost."""
    with Engine.open(file_url, destinations={ARN: Fake(answer=lambda _: BAD)}) as gone:
        wire = Wire(gone)
        stream(wire)
        put(wire, "d", "a")
        forward(wire)
        assert ask(wire, "/remove", {"Destination": "fake://one"}) == {"Records": 0}
    later = make_wire(file_url)
    later.app = wire.app
    put(later, "d", "b", "c")
    delete_stream(later)
    forward_through(later, clock, 60)
    shown = [
        (each.get("Destination"), each["State"], each["Lost"], each["DeadLetters"])
        for each in ask(later)["Item"]
    ]
    assert shown == [(None, "REMOVED", 2, 0), ("fake://one", "REMOVED", 0, 1)]


def test_an_idle_stream_stays_with_its_engine(
    make_wire: Make, file_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes next needs no write that all others wait for; another engine may take it over."""
    fake = Fake()
    wire = make_wire(file_url, destinations={ARN: fake})
    stream(wire)
    put(wire, "d", "a")
    forward_through(wire, clock, 30)
    (lane,) = [lane for lane in wire.engine.lanes if fake.name in lane.name]
    writes, write = [], wire.engine._store.write

    def counted(*, is_shared: bool = False) -> Any:
        writes.append(is_shared)
        return write(is_shared=is_shared)

    for event in "bcd":
        put(wire, "d", event)
        monkeypatch.setattr(wire.engine._store, "write", counted)
        while lane.step():
            pass
        monkeypatch.undo()
        clock.advance(1)
    assert fake.events == ["a", "b", "c", "d"]
    assert writes
    assert all(writes)
    wire.engine.close()
    later = make_wire(file_url, destinations={ARN: fake})
    later.app = wire.app
    put(later, "d", "e")
    forward_through(later, clock, 30)
    assert fake.events[-1] == "e"

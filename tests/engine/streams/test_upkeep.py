"""What keeps the backlog within its bounds and replays events, whatever happens meanwhile."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from sqlalchemy import insert, select

from pinpoint_kit.engine.storage.tables.streams import STREAM_BACKLOG
from pinpoint_kit.engine.streams.upkeep import Upkeep
from pinpoint_kit.records.destination import Refused, StreamRecord, Unavailable
from tests.engine.streams.stream_kit import (
    ARN,
    BAD,
    THROTTLED,
    Fake,
    ask,
    forward,
    forward_through,
    put,
    status,
    stream,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire

    Make = Callable[..., Wire]


def repeat_rows(wire: Wire, times: int) -> None:
    """Put the only row of the backlog there some times more."""
    names = ("app", "arrival", "count", "heads", "records")
    with wire.engine._store.write() as connection:
        first = connection.execute(select(*(STREAM_BACKLOG.c[name] for name in names))).one()
        copies = [dict(zip(names, first, strict=True)) for _ in range(times)]
        connection.execute(insert(STREAM_BACKLOG), copies)


def named(wire: Wire) -> dict[str, Any]:
    """Return the state of each destination by its name."""
    return {each["Destination"]: each for each in ask(wire)["Item"]}


def test_a_bound_is_held_in_few_steps(make_wire: Make, clock: Clock) -> None:
    """However many rows are too many: a step looks once, and gives up thousands."""
    wire = make_wire(stream_backlog=100)
    stream(wire)
    put(wire, "d", "a")
    repeat_rows(wire, 5_000)
    clock.advance(20)
    steps = 0
    while wire.engine.step():
        steps += 1
    assert steps <= 4
    assert (status(wire)["LagRecords"], status(wire)["Lost"]) == (100, 4_901)


def test_what_is_given_up_is_counted_exactly(make_wire: Make, clock: Clock) -> None:
    """Of rows that were taken in part, too: what has arrived and what is lost are all there was."""
    chance = random.Random(7)  # noqa: S311 -- no secret

    def answer(_: StreamRecord) -> Refused | None:
        return THROTTLED if chance.random() < 0.5 else None

    one, two = Fake("fake://1", answer=answer), Fake("fake://2", most_records=7)
    wire = make_wire(destinations={ARN: [one, two]}, stream_backlog=40)
    stream(wire)
    for number in range(30):
        put(wire, f"d{number}", *(f"{number}-{n}" for n in range(5)))
        if number == 10:
            forward(wire)
            one.outage = Unavailable("down")
    two.outage = Unavailable("down")
    clock.advance(20)
    forward(wire)
    for fake in (one, two):
        shown = named(wire)[fake.name]
        assert shown["Lost"] > 0
        assert len(fake.taken) + shown["Lost"] + shown["LagRecords"] == 150
    one.outage = two.outage = None
    forward_through(wire, clock)
    for fake in (one, two):
        assert len(fake.taken) + named(wire)[fake.name]["Lost"] == 150


def test_a_replay_pushes_out_nothing_new(make_wire: Make, clock: Clock) -> None:
    """It takes half of a backlog, and goes on when the destination has taken that."""
    fake = Fake(outage=Unavailable("down"))
    wire = make_wire(destinations={ARN: fake}, stream_backlog=200)
    for number in range(20):
        put(wire, f"d{number}", *(f"old{number}-{n}" for n in range(50)))
    stream(wire)
    clock.advance(1)
    new = [f"new{number}" for number in range(10)]
    for event in new:
        put(wire, "d", event)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z", "Until": "2030-01-01T00:00:00Z"})
    forward_through(wire, clock, 60)
    assert status(wire)["LagRecords"] == 100
    fake.outage = None
    forward_through(wire, clock, 300)
    first = [record["replayed"] for record in fake.records if "replayed" in record]
    assert len(first) == 1_010
    assert [e for e, r in zip(fake.events, fake.records, strict=True) if "replayed" not in r] == new
    assert status(wire)["Lost"] == 0
    assert wire.rows("SELECT * FROM stream_replays") == []


def test_what_is_sent_once_more_is_given_up_first(make_wire: Make, clock: Clock) -> None:
    """Where new events fill the backlog behind a replay, they do not push out one another."""
    fake = Fake(outage=Unavailable("down"))
    wire = make_wire(destinations={ARN: fake}, stream_backlog=100)
    put(wire, "d", *(f"old{n}" for n in range(80)))
    stream(wire)
    clock.advance(1)
    put(wire, "d", "first")
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z"})
    forward(wire)
    put(wire, "e", *(f"new{n}" for n in range(98)))
    clock.advance(20)
    forward(wire)
    assert status(wire)["Lost"] > 0
    fake.outage = None
    put(wire, "d", "last")
    forward_through(wire, clock, 300)
    assert {"first", "last", *(f"new{n}" for n in range(98))} <= {*fake.events}


def test_a_replay_waits_for_no_other_application(make_wire: Make, clock: Clock) -> None:
    """One whose backlog has no room for its replay does not hold up the next one's."""
    one, two = Fake("fake://1", outage=Unavailable("down")), Fake("fake://2")
    wire = make_wire(destinations={"shop": one, "other": two}, stream_backlog=10)
    put(wire, "d", *(f"{n}" for n in range(9)))
    clock.advance(1)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z"})
    forward(wire)
    wire.app = wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    put(wire, "d", "a")
    clock.advance(1)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z"})
    forward_through(wire, clock, 60)
    assert (one.events, two.events) == ([], ["a", "a"])


@pytest.mark.parametrize("is_erased", [True, False], ids=["erased", "deleted"])
def test_a_replay_brings_back_nobody(
    make_wire: Make,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    is_erased: bool,  # noqa: FBT001 -- pytest gives it
) -> None:
    """Who is erased or deleted just before a replay writes is in nothing that it writes."""
    fake = Fake()
    wire = make_wire(destinations={ARN: fake})
    put(wire, "jane-doe", "a")
    stream(wire)
    forward(wire)
    fake.taken.clear()
    clock.advance(10)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z"})
    left = ["replay"]
    store, replay = type(wire.engine._store), Upkeep._replay
    write = store.write

    def remove_first(self: Any, **options: bool) -> Any:
        if left == ["write"]:
            left.clear()
            if is_erased:
                path = f"/pinpoint-kit/v1/apps/{wire.app}/erasures"
                assert wire.post(path, {"EndpointId": "jane-doe"}).status == 200
                put(wire, "other", "x")
            else:
                wire.send("DELETE", wire.endpoint_path("jane-doe"))
        return write(self, **options)

    def replayed(*given: Any) -> None:
        left[:] = ["write"] if left == ["replay"] else left
        replay(*given)

    monkeypatch.setattr(store, "write", remove_first)
    monkeypatch.setattr(Upkeep, "_replay", replayed)
    forward(wire)
    assert left == []
    assert "jane-doe" not in repr([(r.endpoint_id, r.data) for r in fake.taken])


def test_a_replay_survives_a_fault(
    make_wire: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on in a minute, and does not hold up others meanwhile."""
    fake = Fake()
    wire = make_wire(destinations={ARN: fake})
    stream(wire)
    put(wire, "d", "a")
    forward(wire)
    clock.advance(10)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z"})
    with monkeypatch.context() as patch:
        patch.setattr(Upkeep, "_records", broken)
        forward(wire)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z"})
    forward_through(wire, clock, 20)
    assert fake.events == ["a", "a"]
    forward_through(wire, clock, 60)
    assert fake.events == ["a", "a", "a"]


def test_a_replay_that_always_fails_ends_and_is_counted(
    make_wire: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it did not send is lost, for those that it was for."""
    fake = Fake()
    wire = make_wire(destinations={ARN: fake})
    stream(wire)
    put(wire, "d", "a", "b")
    forward(wire)
    clock.advance(10)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z"})
    with monkeypatch.context() as patch:
        patch.setattr(Upkeep, "_records", broken)
        forward_through(wire, clock, 500)
        assert status(wire)["Lost"] == 0
        forward_through(wire, clock, 200)
    assert status(wire)["Lost"] == 2
    assert wire.rows("SELECT * FROM stream_replays") == []


def test_dead_letters_are_kept_no_longer_than_events(make_wire: Make, clock: Clock) -> None:
    """By the arrival of their events, and counted; without `keep_events` they stay."""
    for keep, left in ((timedelta(days=31), ["new"]), (None, ["old", "new"])):
        fake = Fake(answer=lambda _: BAD)
        wire = make_wire(destinations={ARN: fake}, keep_events=keep)
        stream(wire)
        put(wire, "d", "old")
        forward(wire)
        clock.advance(30 * 86_400)
        put(wire, "d", "new")
        forward(wire)
        assert status(wire)["DeadLetters"] == 2
        clock.advance(2 * 86_400)
        forward(wire)
        assert [each["EventId"] for each in ask(wire, "/dead-letters")["Item"]] == left
        assert status(wire)["Lost"] == 2 - len(left)


def broken(*_: object) -> NoReturn:
    """Fail as nothing of ours should."""
    raise ZeroDivisionError


def test_a_row_of_the_future_hides_no_old_one(make_wire: Make, clock: Clock) -> None:
    """A clock that was set back: what stands behind is given up at its age all the same."""
    wire = make_wire()
    stream(wire)
    clock.advance(300 * 86_400)
    put(wire, "d", "future")
    clock.advance(-300 * 86_400)
    put(wire, "d", "old")
    clock.advance(8 * 86_400)
    forward(wire)
    assert (status(wire)["LagRecords"], status(wire)["Lost"]) == (1, 1)


def test_an_application_that_fails_holds_up_no_other(
    make_wire: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bounds of all others hold, and its own do as soon as it can be looked at."""
    wire = make_wire(stream_backlog=1)
    apps = [wire.app, *(wire.post("/v1/apps", {"Name": f"{n}"}).json["Id"] for n in range(2))]
    for app in apps:
        wire.app = app
        stream(wire)
        put(wire, "d", "a")
        put(wire, "d", "b")
    clock.advance(20)
    keep = Upkeep._keep
    with monkeypatch.context() as patch:

        def fail_once(self: Upkeep, app: int, *others: Any) -> bool:
            return broken() if app == 1 else keep(self, app, *others)

        patch.setattr(Upkeep, "_keep", fail_once)
        forward(wire)
    lost = []
    for wire.app in apps:
        lost.append(status(wire)["Lost"])
    assert lost == [0, 1, 1]
    clock.advance(61)
    forward(wire)
    wire.app = apps[0]
    assert status(wire)["Lost"] == 1


def test_what_is_not_for_a_destination_is_no_loss_of_it(make_wire: Make, clock: Clock) -> None:
    """Such as what was recorded while its stream was not there."""
    one, two = (Fake(f"fake://{n}", outage=Unavailable("down")) for n in (1, 2))
    wire = make_wire(destinations={ARN: one, "shop": two})
    stream(wire)
    put(wire, "d", "a")
    forward(wire)
    wire.send("DELETE", f"/v1/apps/{wire.app}/eventstream")
    put(wire, "d", "between")
    stream(wire)
    put(wire, "d", "b")
    clock.advance(8 * 86_400)
    forward(wire)
    assert {name: each["Lost"] for name, each in named(wire).items()} == {one.name: 2, two.name: 3}

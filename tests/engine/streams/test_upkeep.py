"""What keeps the backlog within its bounds and replays events, whatever happens meanwhile."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from pinpoint_kit.records.destination import Refused, StreamRecord, Unavailable
from tests.engine.streams.stream_kit import (
    ARN,
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
    with wire.engine._store.write() as connection:
        for _ in range(times):
            connection.exec_driver_sql(
                "INSERT INTO stream_backlog (app, arrival, count, heads, records)"
                " SELECT app, arrival, count, heads, records FROM stream_backlog"
                " ORDER BY number LIMIT 1"
            )


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

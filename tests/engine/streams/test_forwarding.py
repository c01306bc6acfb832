"""Forwarding: what reaches a destination, in which order, and what happens when it does not."""

from __future__ import annotations

import itertools
import logging
import random
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.streams import forwarding
from pinpoint_kit.records.destination import Refused, StreamRecord, Unavailable
from pinpoint_kit.records.stream import StreamForm
from tests.engine.conftest import Wire
from tests.engine.streams.stream_kit import (
    ARN,
    BAD,
    EVENT,
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
    from tests.engine.conftest import Clock

Make = Callable[..., Wire]


def opened(make_wire: Make, fake: Fake, **options: Any) -> Wire:
    """Give an engine whose application has a stream that goes to the fake."""
    wire = make_wire(destinations={ARN: fake}, **options)
    stream(wire)
    return wire


def test_events_reach_the_destination_of_their_stream(make_wire: Make) -> None:
    """Each event comes once, as a record, with what de-duplicates and orders it."""
    fake = Fake()
    wire = opened(make_wire, fake)
    put(wire, "Device", "a", "b", Demographic={"Platform": "ios", "PlatformVersion": "17"})
    put(wire, "device", "b", "c")  # b was there
    forward(wire)
    assert fake.events == ["a", "b", "c"]
    first = fake.taken[0]
    assert (first.key, first.endpoint_id) == ("device", "device")
    record = fake.records[0]
    assert record["event_type"] == "level_up"
    assert record["application"]["app_id"] == wire.app
    assert record["client"] == {"client_id": "Device"}
    assert record["device"] == {"platform": {"name": "ios", "version": "17"}}
    assert record["arrival_timestamp"] == first.arrived
    assert first.data.endswith(b"\n")
    numbers = [record.number for record in fake.taken]
    assert numbers == sorted(set(numbers))
    assert wire.rows("SELECT * FROM stream_backlog") == []
    shown = status(wire)
    assert (shown["Sent"], shown["LagRecords"], shown["State"]) == (3, 0, "IDLE")


def test_without_a_stream_nothing_is_written(make_wire: Make) -> None:
    """An application without a stream and a destination has no record; events before are not."""
    fake = Fake()
    wire = make_wire(destinations={ARN: fake})
    put(wire, "d", "a")
    assert wire.rows("SELECT * FROM stream_backlog") == []
    stream(wire)
    put(wire, "d", "b")
    forward(wire)
    assert fake.events == ["b"]


def test_an_application_may_have_a_destination_without_a_stream(make_wire: Make) -> None:
    """From its very first event on, also where it is made after the engine was opened."""
    fake = Fake()
    wire = make_wire(destinations={"shop": fake})
    put(wire, "d", "a")
    forward(wire)
    assert fake.events == ["a"]
    assert wire.send("GET", f"/v1/apps/{wire.app}/eventstream").status == 404


def test_a_new_application_may_have_both(make_wire: Make) -> None:
    """A stream that is there first does not keep its application's own destination from events."""
    of_stream, of_app = Fake(name="fake://stream"), Fake(name="fake://app")
    wire = make_wire(destinations={ARN: of_stream, "shop": of_app})
    stream(wire)
    put(wire, "d", "a")
    forward(wire)
    assert of_stream.events == of_app.events == ["a"]


def test_an_application_may_be_named_by_its_id(make_wire: Make, file_url: str) -> None:
    """And gets its destination when the engine is opened, before there is an event."""
    wire, fake = make_wire(file_url), Fake()
    other = make_wire(file_url, destinations={wire.app: fake})
    forward(other)
    put(wire, "d", "a")  # by an engine without destinations
    forward(other)
    assert fake.events == ["a"]


def test_the_endpoint_of_a_record_is_that_of_its_event(make_wire: Make) -> None:
    """In version 3.1 a record has the endpoint as it was, whatever happened to it since."""
    fake = Fake()
    form = StreamForm(version="3.1", account_id="111122223333")
    wire = opened(make_wire, fake, stream_form=form)
    put(wire, "d", "a", Attributes={"plan": ["free"]}, Address="a@example.com",
        ChannelType="EMAIL")  # fmt: skip
    put(wire, "d", "b")
    wire.update("d", Attributes={"plan": ["pro"]})
    forward(wire)
    for record in fake.records:
        assert record["endpoint"]["Attributes"] == {"plan": ["free"]}
        assert "Address" not in record["endpoint"]
        assert record["awsAccountId"] == "111122223333"


def test_a_single_refusal_is_sent_again_alone_and_holds_back_its_key(
    make_wire: Make, clock: Clock
) -> None:
    """Other endpoints go on; the one that was refused keeps its order."""
    is_slow = True

    def answer(record: StreamRecord) -> Refused | None:
        return THROTTLED if is_slow and record.endpoint_id == "slow" else None

    fake = Fake(answer=answer)
    wire = opened(make_wire, fake)
    put(wire, "slow", "1", "2")
    put(wire, "quick", "a", "b")
    forward(wire)
    put(wire, "slow", "3")
    put(wire, "quick", "c")
    forward(wire)
    assert fake.events == ["a", "b", "c"]
    shown = status(wire)
    assert shown["LagRecords"] == 3
    assert shown["LastErrorCode"] == THROTTLED.code
    assert shown["State"] == "FORWARDING"
    is_slow = False
    forward_through(wire, clock, 60)
    assert fake.events == ["a", "b", "c", "1", "2", "3"]
    assert status(wire)["LagRecords"] == 0
    assert wire.rows("SELECT * FROM stream_backlog") == []


def test_one_record_of_a_key_a_call_unless_the_destination_keeps_order(make_wire: Make) -> None:
    """A destination that may take the second and refuse the first never gets both at once."""
    for keeps_order, sizes in ((False, [2, 1, 1]), (True, [4])):
        fake = Fake(keeps_order=keeps_order)
        wire = opened(make_wire, fake)
        put(wire, "x", "1", "2", "3")
        put(wire, "y", "4")
        forward(wire)
        assert [len(call) for call in fake.calls] == sizes
        assert [e for e in fake.events if e != "4"] == ["1", "2", "3"]


def test_calls_keep_to_the_limits_of_the_destination(make_wire: Make) -> None:
    """Records and bytes of a call are bounded, over rows and within them."""
    fake = Fake(most_records=3, most_bytes=1_500, most_record_bytes=1_000, keeps_order=True)
    wire = opened(make_wire, fake)
    for number in range(4):
        put(wire, f"d{number}", *[f"{number}-{n}" for n in range(4)])
    forward(wire)
    assert len(fake.events) == 16
    assert max(map(len, fake.calls)) == 3


def test_a_record_that_is_too_large_is_a_dead_letter_at_once(make_wire: Make) -> None:
    """It is never sent, the others go on, and it can be read."""
    fake = Fake(most_record_bytes=600)
    wire = opened(make_wire, fake)
    big = {**EVENT, "Attributes": {f"k{n}": "x" * 100 for n in range(8)}}
    wire.put_events({"d": {"Endpoint": {}, "Events": {"big": big, "small": EVENT}}})
    forward(wire)
    assert fake.events == ["small"]
    (letter,) = ask(wire, "/dead-letters")["Item"]
    assert (letter["EventId"], letter["Code"], letter["Attempts"]) == ("big", "RecordTooLarge", 0)
    assert letter["Record"]["attributes"] == big["Attributes"]
    assert status(wire)["DeadLetters"] == 1


def test_a_permanent_refusal_is_a_dead_letter_at_once(make_wire: Make) -> None:
    """And lets the next record of its key pass."""
    fake = Fake(answer=lambda record: BAD if record.event_id == "1" else None)
    wire = opened(make_wire, fake)
    put(wire, "d", "1", "2")
    forward(wire)
    assert fake.events == ["2"]
    (letter,) = ask(wire, "/dead-letters")["Item"]
    assert (letter["Code"], letter["Message"], letter["Attempts"]) == ("BadRecord", "never", 1)


def test_after_many_tries_a_record_is_a_dead_letter(make_wire: Make, clock: Clock) -> None:
    """So many as are set; until then it is tried, ever more slowly."""
    fake = Fake(answer=lambda _: THROTTLED)
    wire = opened(make_wire, fake)
    put(wire, "d", "1")
    forward_through(wire, clock, 4_000)
    assert len(fake.calls) == 100
    (letter,) = ask(wire, "/dead-letters")["Item"]
    assert letter["Attempts"] == 100
    assert status(wire)["Refused"] == 100


def test_a_refusal_that_is_no_try_does_not_count(make_wire: Make, clock: Clock) -> None:
    """A record that had no part in it is sent for as long as it takes."""
    fake = Fake(answer=lambda _: Refused("NotSent", "its turn did not come", counts_as_try=False))
    wire = opened(make_wire, fake)
    put(wire, "d", "1")
    forward_through(wire, clock, 1_000)
    assert len(fake.calls) > 100
    assert status(wire)["DeadLetters"] == 0
    fake.answer = lambda _: None
    forward_through(wire, clock, 60)
    assert fake.events == ["1"]


def test_dead_letters_are_sent_again_or_discarded(make_wire: Make) -> None:
    """Each for its own destination; what is discarded is counted as lost."""
    is_bad = True
    fake = Fake(answer=lambda _: BAD if is_bad else None)
    wire = opened(make_wire, fake)
    put(wire, "d", "1", "2", "3")
    forward(wire)
    first, *_ = ask(wire, "/dead-letters", page_size=1)["Item"]
    page = ask(wire, "/dead-letters", page_size=2)
    assert len(page["Item"]) == 2
    assert len(ask(wire, "/dead-letters", token=page["NextToken"])["Item"]) == 1
    is_bad = False
    answer = ask(wire, "/dead-letters/retry", {"Ids": [first["Id"]]})
    assert answer == {"Records": 1, "Left": 2}
    forward(wire)
    assert fake.events == [first["EventId"]]
    answer = ask(wire, "/dead-letters/discard", {"Destination": fake.name})
    assert answer == {"Records": 2, "Left": 0}
    assert (status(wire)["Lost"], status(wire)["DeadLetters"]) == (2, 0)


@pytest.mark.parametrize(
    "outage",
    [
        Unavailable("the network is down"),
        RuntimeError("a fault of the destination"),
    ],
)
def test_a_call_that_fails_is_repeated_as_it_was(
    make_wire: Make, clock: Clock, outage: Exception
) -> None:
    """With the same records in the same order, whatever came meanwhile; nothing is lost."""
    fake = Fake(outage=outage)
    wire = opened(make_wire, fake)
    put(wire, "x", "1")
    put(wire, "y", "2")
    forward(wire)
    put(wire, "z", "3")
    forward(wire)
    assert len(fake.calls) == 1  # it waits
    shown = status(wire)
    assert (shown["State"], shown["Failed"], shown["LagRecords"]) == ("FAILING", 1, 3)
    assert shown["NextTryDate"] > "2026-01-02T03:04:05.678Z"
    clock.advance(120)
    forward(wire)
    assert fake.calls[1] == fake.calls[0]
    fake.outage = None
    forward_through(wire, clock, 300)
    assert fake.events == ["1", "2", "3"]
    assert fake.calls[2] == fake.calls[0]
    assert status(wire)["Repeated"] == 0


def test_waits_grow_and_have_an_end(make_wire: Make, clock: Clock) -> None:
    """An hour of outage is some sixty calls, and none of them comes before half its wait."""
    fake = Fake(outage=Unavailable("down"))
    wire = opened(make_wire, fake)
    put(wire, "d", "1")
    times = []
    for _ in range(3600):
        before = len(fake.calls)
        forward(wire)
        if len(fake.calls) > before:
            times.append(clock.now)
        clock.advance(1)
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(times)]
    assert all(28 <= gap <= 62 for gap in gaps[10:])
    assert 60 <= len(times) <= 150


def test_a_destination_that_asks_to_be_left_alone_is(make_wire: Make, clock: Clock) -> None:
    """`retry_after` holds, up to an hour."""
    fake = Fake(outage=Unavailable("busy", retry_after=600))
    wire = opened(make_wire, fake)
    put(wire, "d", "1")
    forward(wire)
    clock.advance(599)
    forward(wire)
    assert len(fake.calls) == 1
    clock.advance(2)
    forward(wire)
    assert len(fake.calls) == 2
    fake.outage = Unavailable("for ever", retry_after=1e9)
    clock.advance(601)
    forward(wire)
    clock.advance(3_601)
    forward(wire)
    assert len(fake.calls) == 4


def test_a_strange_answer_loses_nothing(make_wire: Make, clock: Clock) -> None:
    """Too few results, or results that are none, count as a call that failed."""

    @attrs.define(eq=False)
    class Strange(Fake):
        answers: Any = ()

        def send(self, application_id: str, records: Any) -> Any:
            assert application_id
            self.calls.append([record.number for record in records])
            return self.answers

    fake = Strange(answers=[])
    wire = opened(make_wire, fake)
    put(wire, "d", "1")
    forward(wire)
    assert "0 records of 1" in status(wire)["LastErrorMessage"]
    fake.answers = ["yes"]
    clock.advance(10)
    forward(wire)
    assert status(wire)["Failed"] == 2
    fake.answers = [None]
    forward_through(wire, clock, 60)
    assert status(wire)["Sent"] == 1


def test_several_destinations_have_cursors_of_their_own(make_wire: Make, clock: Clock) -> None:
    """One that is down holds up no other, and rows stay until both have them."""
    down, up = Fake(name="fake://down", outage=Unavailable("down")), Fake(name="fake://up")
    wire = make_wire(destinations={ARN: [down, up]})
    stream(wire)
    put(wire, "d", "1")
    forward(wire)
    assert up.events == ["1"]
    assert len(wire.rows("SELECT * FROM stream_backlog")) == 1
    down.outage = None
    forward_through(wire, clock, 60)
    assert down.events == ["1"]
    assert wire.rows("SELECT * FROM stream_backlog") == []


def test_pause_and_resume(make_wire: Make) -> None:
    """A paused destination gets nothing; afterwards it gets all."""
    fake = Fake()
    wire = opened(make_wire, fake)
    (shown,) = ask(wire, "/pause", {"Destination": fake.name})["Item"]
    assert (shown["State"], shown["Paused"]) == ("PAUSED", True)
    put(wire, "d", "1")
    forward(wire)
    assert fake.calls == []
    ask(wire, "/resume", {})
    forward(wire)
    assert fake.events == ["1"]
    assert status(wire)["State"] == "IDLE"


def test_resuming_tries_at_once(make_wire: Make) -> None:
    """After somebody has repaired a destination nobody has to wait."""
    fake = Fake(outage=Unavailable("down", retry_after=3_000))
    wire = opened(make_wire, fake)
    put(wire, "d", "1")
    forward(wire)
    fake.outage = None
    ask(wire, "/resume", {})
    forward(wire)
    assert fake.events == ["1"]


def test_resuming_outlasts_a_call_under_way(
    make_wire: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its outcome, a long wait, does not undo what was asked for meanwhile; that of the next does.

    Else nobody could have a destination tried at once that takes its time to fail.
    """
    fake = Fake(outage=Unavailable("down", retry_after=3_000))
    wire = opened(make_wire, fake)
    put(wire, "d", "1")
    send = Fake.send

    def resumed_meanwhile(self: Fake, app: str, records: Sequence[StreamRecord]) -> Any:
        if len(self.calls) == 1:
            ask(wire, "/resume", {})
        return send(self, app, records)

    monkeypatch.setattr(Fake, "send", resumed_meanwhile)
    forward(wire)
    assert len(fake.calls) == 1
    clock.advance(3_001)
    forward(wire)
    assert len(fake.calls) == 3
    forward_through(wire, clock, 2_900)
    assert len(fake.calls) == 3


def test_a_stream_that_nobody_claims_is_kept_and_said(
    make_wire: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """One line when it is put, and a row of the status; who claims it later gets all of it."""
    wire = make_wire()
    with caplog.at_level(logging.WARNING, "pinpoint_kit"):
        stream(wire)
    (line,) = caplog.messages
    assert ARN in line
    put(wire, "d", "1", "2")
    forward(wire)
    shown = status(wire)
    assert (shown["State"], shown["Claim"], shown["LagRecords"]) == ("UNCLAIMED", ARN, 2)
    assert "Destination" not in shown
    assert len(wire.rows("SELECT * FROM stream_backlog")) == 1


def test_who_claims_a_stream_later_gets_what_was_kept(
    make_wire: Make, file_url: str, clock: Clock
) -> None:
    """A second engine on the same file brings the destination."""
    wire = make_wire(file_url)
    stream(wire)
    put(wire, "d", "1")
    fake = Fake()
    with Engine.open(file_url, destinations={ARN: fake}, clock=clock) as other:
        while other.step():
            pass
    assert fake.events == ["1"]
    assert fake.is_closed


def test_a_stream_that_is_replaced_gets_what_was_its_own(make_wire: Make) -> None:
    """What waits goes where it was meant for, and what comes later to the new stream alone."""
    other = ARN.replace("events", "other")
    first, second = Fake(name="fake://first"), Fake(name="fake://second")
    wire = make_wire(destinations={ARN: first, other: second})
    stream(wire)
    put(wire, "d", "1")
    stream(wire, DestinationStreamArn=other)
    put(wire, "d", "2")
    forward(wire)
    assert (first.events, second.events) == (["1"], ["2"])
    wire.send("DELETE", f"/v1/apps/{wire.app}/eventstream")
    put(wire, "d", "3")
    forward(wire)
    assert second.events == ["2"]
    assert wire.rows("SELECT * FROM stream_backlog") == []


def test_a_stream_that_comes_back_goes_on(make_wire: Make, clock: Clock) -> None:
    """Deleted and put again: what was recorded in between is not sent."""
    fake = Fake()
    wire = opened(make_wire, fake)
    put(wire, "d", "1")
    forward(wire)
    wire.send("DELETE", f"/v1/apps/{wire.app}/eventstream")
    put(wire, "d", "2")
    forward_through(wire, clock, 30)
    stream(wire)
    put(wire, "d", "3")
    forward(wire)
    assert fake.events == ["1", "3"]


def test_a_full_backlog_gives_up_the_oldest_and_counts_them(
    make_wire: Make, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """By number and by age, with one warning an hour, whether somebody claims the stream or not."""
    fake = Fake(outage=Unavailable("down"))
    wire = opened(make_wire, fake, stream_backlog=10)
    for number in range(8):
        put(wire, "d", f"{number}a", f"{number}b")
    clock.advance(20)
    with caplog.at_level(logging.WARNING, "pinpoint_kit.engine.streams.upkeep"):
        forward(wire)
    assert len([each for each in caplog.messages if "given up" in each]) == 1
    shown = status(wire)
    assert (shown["LagRecords"], shown["Lost"]) == (10, 6)
    clock.advance(8 * 86_400)
    forward_through(wire, clock, 30)
    assert status(wire)["Lost"] == 16
    fake.outage = None
    put(wire, "d", "last")
    forward_through(wire, clock, 120)
    assert fake.events == ["last"]


def test_a_replay_sends_old_events_again(make_wire: Make, clock: Clock) -> None:
    """Those of before the stream, too; marked, in their order, with the endpoint of today."""
    fake = Fake(keeps_order=True)
    wire = make_wire(destinations={ARN: fake})
    put(wire, "d", "old", Demographic={"Make": "then"})
    clock.advance(3_600)
    since = clock.now.isoformat()
    stream(wire)
    put(wire, "d", "1", "2")
    wire.update("d", Demographic={"Make": "now"})
    forward(wire)
    fake.taken.clear()
    assert ask(wire, "/replays", {"Since": since, "Until": "2030-01-01T00:00:00Z"}) == {"Events": 2}
    forward(wire)
    assert fake.events == ["1", "2"]
    assert all(record["replayed"] and record["device"]["make"] == "now" for record in fake.records)
    clock.advance(1)
    assert ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z"}) == {"Events": 3}
    forward(wire)
    assert fake.events[2:] == ["old", "1", "2"]
    assert wire.rows("SELECT * FROM stream_replays") == []


def test_a_replay_may_be_for_one_destination(make_wire: Make, clock: Clock) -> None:
    """The others see nothing of it."""
    one, two = Fake(name="fake://1"), Fake(name="fake://2")
    wire = make_wire(destinations={ARN: [one, two]})
    stream(wire)
    put(wire, "d", "1")
    forward(wire)
    clock.advance(1)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z", "Destination": two.name})
    forward(wire)
    assert (one.events, two.events) == (["1"], ["1", "1"])
    assert wire.rows("SELECT * FROM stream_backlog") == []


def test_a_destination_can_be_removed(make_wire: Make, file_url: str) -> None:
    """One that will not come back; what waited for it is counted."""
    with Engine.open(file_url, destinations={ARN: Fake(outage=Unavailable("gone"))}) as gone:
        wire = Wire(gone)
        stream(wire)
        put(wire, "d", "1")
        forward(wire)
    later = make_wire(file_url)
    later.app = wire.app
    assert ask(later, "/remove", {"Destination": "fake://one"}) == {"Records": 1}
    unclaimed, removed = ask(later)["Item"]
    assert (unclaimed["State"], unclaimed["Claim"]) == ("UNCLAIMED", ARN)
    shown = (removed["State"], removed["Destination"], removed["Lost"])
    assert shown == ("REMOVED", "fake://one", 1)


@pytest.mark.parametrize(
    ("path", "payload", "code", "message"),
    [
        ("/pause", {"Destination": "x"}, 404, "no such destination"),
        ("/pause", {"Destinations": "x"}, 400, "unknown member"),
        ("/replays", {}, 400, "Missing Since"),
        ("/replays", {"Since": "2026-01-02T00:00:00Z", "Until": "2026-01-01T00:00:00Z"}, 400,
         "later than Since"),
        ("/remove", {}, 400, "Missing Destination"),
        ("/remove", {"Destination": "x"}, 404, "no such destination"),
        ("/dead-letters/retry", {"Ids": "1"}, 400, "list of ids"),
        ("/dead-letters/retry", {"Ids": ["x"]}, 400, "ids of dead letters"),
        ("/dead-letters/discard", {"Ids": ["1"] * 1001}, 400, "1000 ids"),
    ],
)  # fmt: skip
def test_bad_questions_are_refused(
    make_wire: Make, path: str, payload: dict[str, object], code: int, message: str
) -> None:
    """With what is wrong, and without a change."""
    wire = opened(make_wire, Fake())
    before = wire.dump()
    answer = wire.post(f"/pinpoint-kit/v1/apps/{wire.app}/streams{path}", payload)
    assert answer.status == code
    assert message in answer.message
    assert wire.dump() == before


def test_delete_app_leaves_nothing_of_a_stream(make_wire: Make) -> None:
    """Backlog, cursors, dead letters and losses go with the application."""
    fake = Fake(answer=lambda record: BAD if record.event_id == "1" else THROTTLED)
    wire = opened(make_wire, fake)
    put(wire, "d", "1", "2")
    forward(wire)
    wire.send("DELETE", f"/v1/apps/{wire.app}")
    forward(wire)
    for table in ("event_streams", "stream_backlog", "stream_cursors", "stream_dead_letters",
                  "stream_losses"):  # fmt: skip
        assert wire.rows(f"SELECT * FROM {table}") == [], table  # noqa: S608 -- our own names


def test_a_fault_of_ours_is_tried_again_later(
    make_wire: Make, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No record is given up for it, and jobs go on."""
    fake = Fake()
    wire = opened(make_wire, fake)
    put(wire, "d", "1")

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(forwarding.Forwarder, "_call", broken)
        forward(wire)
    assert status(wire)["LastErrorCode"] == "InternalError"
    clock.advance(61)
    forward(wire)
    assert fake.events == ["1"]


def test_the_engine_tells_what_was_forwarded(make_wire: Make) -> None:
    """For counters: by destination and outcome."""
    fake = Fake(answer=lambda record: BAD if record.event_id == "1" else None)
    wire = opened(make_wire, fake)
    told: list[tuple[str, str, int]] = []
    wire.engine.on_forwarded(lambda *counted: told.append(counted))
    put(wire, "d", "1")
    put(wire, "e", "2")
    assert wire.engine.stream_lags() == {fake.name: (2, 0.0)}
    forward(wire)
    assert sorted(told) == [(fake.name, "dead", 1), (fake.name, "refused", 1),
                            (fake.name, "sent", 1)]  # fmt: skip
    assert wire.engine.stream_lags() == {fake.name: (0, 0.0)}


def test_random_faults_lose_nothing_and_keep_the_order(make_wire: Make, clock: Clock) -> None:
    """Single refusals, whole calls that fail, and calls that were taken all the same."""
    rng = random.Random(7)  # noqa: S311 -- the same faults each time
    fake = Fake(answer=lambda _: THROTTLED if rng.random() < 0.3 else None, most_records=7)
    wire = opened(make_wire, fake)
    sent: dict[str, list[str]] = {}
    for number in range(60):
        endpoint = f"d{rng.randrange(6)}"
        events = [f"{number}-{n}" for n in range(rng.randrange(1, 5))]
        put(wire, endpoint, *events)
        sent.setdefault(endpoint, []).extend(events)
        fake.outage = Unavailable("flaky") if rng.random() < 0.3 else None
        forward(wire)
        clock.advance(rng.random() * 5)
    fake.outage = None
    forward_through(wire, clock, 1_000)
    for endpoint, events in sent.items():
        assert [r.event_id for r in fake.taken if r.endpoint_id == endpoint] == events
    assert status(wire)["Repeated"] == 0


@pytest.mark.parametrize("is_told", [True, False])
def test_a_crash_repeats_exactly_the_call(make_wire: Make, file_url: str, is_told: bool) -> None:  # noqa: FBT001 -- pytest gives it
    """Between acknowledgement and cursor: the same records come again, and are counted."""

    @attrs.define(eq=False)
    class Dying(Fake):
        dies: bool = True

        def send(self, application_id: str, records: Any) -> Any:
            super().send(application_id, records)
            if self.dies:
                raise KeyboardInterrupt  # like a crash: nothing is caught, nothing is stored
            return [None] * len(records)

    fake = Dying()
    wire = make_wire(file_url, destinations={ARN: fake})
    stream(wire)
    put(wire, "x", "1")
    put(wire, "y", "2")
    with pytest.raises(KeyboardInterrupt):
        forward(wire)
    put(wire, "z", "3")
    if is_told:  # meanwhile somebody asks
        assert status(wire)["LagRecords"] == 3
    fake.dies = False
    forward(wire)
    assert fake.calls[1] == fake.calls[0]
    assert fake.events == ["1", "2", "1", "2", "3"]
    assert status(wire)["Repeated"] == 2


def test_a_forked_child_sends_nothing(make_wire: Make) -> None:
    """Connections belong to the parent, which finds what the child has recorded."""
    fake = Fake()
    wire = opened(make_wire, fake)
    put(wire, "d", "1")
    for lane in wire.engine.lanes[2:]:
        for worker in lane.runner.workers.values():
            worker._pid = -1  # type: ignore[attr-defined]
    forward(wire)
    assert fake.calls == []


def test_a_destination_that_is_down_is_not_woken_by_each_request(
    make_wire: Make, clock: Clock
) -> None:
    """It would only find that it has to wait; resuming wakes it, and so does what comes later."""
    fake = Fake(outage=Unavailable("down"))
    wire = opened(make_wire, fake)
    (*_, lane) = wire.engine.lanes
    woken: list[str] = []
    lane.on_work(lambda: woken.append("once"))
    put(wire, "d", "a")
    assert len(woken) == 1
    forward_through(wire, clock, 120)  # it waits for half a minute at least
    put(wire, "d", "b")
    assert len(woken) == 1
    fake.outage = None
    ask(wire, "/resume", {})
    assert len(woken) == 2
    forward(wire)
    put(wire, "d", "c")
    assert (len(woken), fake.events) == (3, ["a", "b"])


def test_a_destination_must_be_one(databases: Callable[[], str]) -> None:
    """A URL is opened by `open_destination`, which the refusal names."""
    with pytest.raises(ValueError, match="open_destination"):
        Engine.open(databases(), destinations={ARN: "kinesis://events"})  # type: ignore[dict-item]
    with pytest.raises(ValueError, match="not above 0"):
        Engine.open(databases(), stream_backlog=0)
    with pytest.raises(ValueError, match="not above 0"):
        Engine.open(databases(), stream_tries=0)
    with pytest.raises(ValueError, match="31 days"):
        Engine.open(databases(), stream_age=timedelta(days=32))


def test_the_bounds_of_a_stream_can_be_chosen(make_wire: Make, clock: Clock) -> None:
    """Two tries make a dead letter, one of which is kept, and nothing waits longer than an hour."""
    fake = Fake(answer=lambda _: THROTTLED)
    bounds = {"stream_tries": 2, "stream_dead_letters": 1, "stream_age": timedelta(hours=1)}
    wire = opened(make_wire, fake, **bounds)
    put(wire, "a", "1")
    put(wire, "b", "2")
    forward_through(wire, clock, 120)
    shown = status(wire)
    assert (shown["Refused"], shown["DeadLetters"], shown["Lost"]) == (4, 1, 1)
    fake.outage = Unavailable("down")
    put(wire, "a", "3")
    forward_through(wire, clock, 3_000)
    assert status(wire)["LagRecords"] == 1
    forward_through(wire, clock, 900)
    assert (status(wire)["LagRecords"], status(wire)["Lost"]) == (0, 2)


def test_two_destinations_may_not_have_one_name(databases: Callable[[], str]) -> None:
    """What each has taken is kept by name: the records of one would go to the other."""
    one, two = Fake("fake://1"), Fake("fake://1")
    with pytest.raises(ValueError, match="two destinations are named fake://1"):
        Engine.open(databases(), destinations={ARN: one, "shop": two})
    with pytest.raises(ValueError, match="two destinations are named fake://1"):
        Engine.open(databases(), destinations={ARN: [one, two]})
    with Engine.open(databases(), destinations={ARN: one, "shop": [one]}):
        pass


def test_what_records_share_is_stored_once(make_wire: Make) -> None:
    """And comes out whole, whether an event's application and device are those of the first."""
    fake = Fake(outage=Unavailable("down"))
    wire = opened(make_wire, fake)
    event = {**EVENT, "AppTitle": "Shop " * 10}
    items = {
        f"device-{n}": {
            "Endpoint": {"Demographic": {"Make": "Apple" if n else "Other", "Model": "x" * 40}},
            "Events": {str(n): event if n % 2 else {**event, "AppTitle": "other"}},
        }
        for n in range(9)
    }
    wire.put_events(items)
    (row,) = wire.rows("SELECT * FROM stream_backlog")
    assert row["count"] == 9
    assert row["records"].count("other") <= 2
    fake.outage = None
    ask(wire, "/resume", {})
    forward(wire)
    for n, record in enumerate(fake.records):
        assert record["client"] == {"client_id": f"device-{n}"}
        assert record["device"]["make"] == ("Apple" if n else "Other")
        assert record["application"]["title"] == ("Shop " * 10 if n % 2 else "other")

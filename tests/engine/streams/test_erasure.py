"""What the backlog and the dead letters hold of a person, and that it goes."""

from __future__ import annotations

import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import insert, select

from pinpoint_kit.engine.storage.tables.streams import STREAM_BACKLOG, STREAM_DEAD_LETTERS
from pinpoint_kit.records.destination import Unavailable
from pinpoint_kit.records.stream import StreamForm
from tests.engine.streams.stream_kit import ARN, BAD, EVENT, Fake, ask, forward, put, stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire

PERSON = "jane-doe"


@pytest.fixture
def fake() -> Fake:
    """Give a destination that refuses one event for good, and then is down."""
    return Fake(answer=lambda record: BAD if "dead" in record.event_id else None)


@pytest.fixture
def held(make_wire: Callable[..., Wire], clock: Clock, fake: Fake) -> Wire:
    """Give an engine whose backlog and dead letters have records of two people."""
    wire = make_wire(destinations={ARN: fake})
    stream(wire)

    def both(event: str) -> None:
        wire.put_events(
            {
                f"{who}-phone": {
                    "Endpoint": {"User": {"UserId": who}},
                    "Events": {f"{event}-{who}": {**EVENT, "Attributes": {"who": who}}},
                }
                for who in (PERSON, "other")
            }
        )

    both("dead")
    forward(wire)
    fake.outage = Unavailable("down")
    clock.advance(1)
    both("waits")
    clock.advance(1)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z"})
    forward(wire)
    return wire


def everything(wire: Wire) -> str:
    """Return all that is stored of streams."""
    rows = [
        wire.rows(f"SELECT * FROM {table}")  # noqa: S608 -- our own names
        for table in ("stream_backlog", "stream_dead_letters", "stream_cursors")
    ]
    return json.dumps(rows)


@pytest.mark.parametrize(
    "whom", [{"UserId": PERSON}, {"EndpointId": f"{PERSON}-phone"}], ids=["user", "endpoint"]
)
def test_erasure_leaves_nothing_of_a_person(
    held: Wire, clock: Clock, fake: Fake, whom: dict[str, Any]
) -> None:
    """In no row that waits, that is replayed or that is a dead letter; the other person stays."""
    assert PERSON in everything(held)
    answer = held.post(f"/pinpoint-kit/v1/apps/{held.app}/erasures", {**whom, "DryRun": True}).json
    assert (answer["StreamRecords"], answer["StreamDeadLetters"]) == (3, 1)
    held.post(f"/pinpoint-kit/v1/apps/{held.app}/erasures", whom)
    assert PERSON not in everything(held)
    again = held.post(f"/pinpoint-kit/v1/apps/{held.app}/erasures", {**whom, "DryRun": True}).json
    assert (again["StreamRecords"], again["StreamDeadLetters"]) == (0, 0)
    fake.outage = None
    fake.answer = lambda _: None
    ask(held, "/dead-letters/retry", {})
    clock.advance(600)
    forward(held)
    assert {record.endpoint_id for record in fake.taken} == {"other-phone"}
    assert sorted({record.event_id for record in fake.taken}) == ["dead-other", "waits-other"]
    assert PERSON not in everything(held)


def test_a_deleted_endpoint_leaves_records_that_name_nobody(
    held: Wire, clock: Clock, fake: Fake
) -> None:
    """What waits is still counted at the destination, under an id that stands nowhere else."""
    held.send("DELETE", f"/v1/apps/{held.app}/endpoints/{PERSON}-phone")
    assert f"{PERSON}-phone" not in everything(held)
    fake.outage = None
    clock.advance(600)
    forward(held)
    nameless = [r for r in fake.taken if r.endpoint_id.startswith("deleted-")]
    assert nameless
    for record in nameless:
        members = json.loads(record.data)
        assert members["client"]["client_id"].startswith("deleted-")
        assert (members["event_type"], members["attributes"]) == ("level_up", {})


def test_an_erasure_names_where_records_went(held: Wire) -> None:
    """They cannot be called back: the report says so, once something has left."""
    path = f"/pinpoint-kit/v1/apps/{held.app}/erasures"
    assert held.post(path, {"UserId": PERSON}).json["Copies"] == []
    ask(held, "/resume", {})


def test_what_has_left_is_named(make_wire: Callable[..., Wire]) -> None:
    """By the destination's name."""
    fake = Fake()
    wire = make_wire(destinations={"shop": fake})
    wire.put_events({"d": {"Endpoint": {}, "Events": {"a": EVENT}}})
    forward(wire)
    path = f"/pinpoint-kit/v1/apps/{wire.app}/erasures"
    copies = wire.post(path, {"EndpointId": "d"}).json["Copies"]
    assert copies == ["event stream: fake://one"]


def test_an_erasure_reads_no_records_of_others(make_wire: Callable[..., Wire]) -> None:
    """However many wait to be sent once more: only whose they are is looked at, page by page."""
    wire = make_wire()
    stream(wire)
    wire.put_events({"d": {"Endpoint": {}, "Events": {"a": EVENT}}})
    whose = [PERSON if number in {0, 120, 249} else "other" for number in range(250)]
    with wire.engine._store.write() as connection:
        app, arrival = connection.execute(
            select(STREAM_BACKLOG.c.app, STREAM_BACKLOG.c.arrival)
        ).one()
        rows = [
            {
                "app": app,
                "arrival": arrival,
                "again": 1,
                "count": 1,
                "heads": json.dumps([[f"{who}-phone", "e", 1, who]]),
                "records": "would not be read" if who == "other" else "\n\n{}",
            }
            for who in whose
        ]
        connection.execute(insert(STREAM_BACKLOG), rows)
    path = f"/pinpoint-kit/v1/apps/{wire.app}/erasures"
    assert wire.post(path, {"UserId": PERSON}).json["StreamRecords"] == 3
    assert PERSON not in everything(wire)
    assert everything(wire).count("other-phone") == 247


@pytest.mark.parametrize(
    ("whom", "left"),
    [
        ({"Address": "jane@example.com"}, 400),
        ({"UserId": PERSON}, 200),
        ({"EndpointId": f"{PERSON}-phone"}, 200),
    ],
    ids=["address", "user", "endpoint"],
)
def test_an_erasure_reads_dead_letters_page_by_page(
    make_wire: Callable[..., Wire], whom: dict[str, str], left: int
) -> None:
    """However many there are, and however large: it never holds all of them in memory."""
    wire = make_wire(stream_form=StreamForm(version="3.1", endpoint="full"))
    stream(wire)
    wire.put_events({"d": {"Endpoint": {}, "Events": {"a": EVENT}}})
    size = 50_000
    record = '{"endpoint":{"Address":"jane@example.com","x":"%s"}}' % ("y" * size)
    letter = {"destination": "x", "arrival": 1, "code": "", "message": "", "attempts": 1}
    with wire.engine._store.write() as connection:
        app = connection.execute(select(STREAM_BACKLOG.c.app)).scalar_one()
        for number in range(400):
            who = (PERSON, "other")[number % 2]
            whose = {"endpoint": f"{who}-phone", "user_id": who, "event_id": f"e{number}"}
            values = {**letter, **whose, "app": app, "record": record, "given_up": 1}
            connection.execute(insert(STREAM_DEAD_LETTERS), [values])
    path = f"/pinpoint-kit/v1/apps/{wire.app}/erasures"
    tracemalloc.start()
    try:
        answer = wire.post(path, whom)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status == 200
    assert peak < 400 * size / 2
    found = wire.rows("SELECT record FROM stream_dead_letters")
    assert len(found) == left
    assert ("jane@example.com" in json.dumps(found)) == ("Address" not in whom)


def test_a_former_address_goes(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """From records that wait, are replayed or are dead letters; the records and others stay."""
    old, new, other = "50%_/old@example.com", "new@example.com", "50_%/old@example.com"
    fake = Fake(answer=lambda record: BAD if record.event_id == "dead" else None)
    wire = make_wire(
        destinations={ARN: fake}, stream_form=StreamForm(version="3.1", endpoint="full")
    )
    stream(wire)
    put(wire, "d", "dead", Address=old, ChannelType="EMAIL")
    forward(wire)
    fake.outage = Unavailable("down")
    put(wire, "d", "then", Address=old, ChannelType="EMAIL")
    put(wire, "e", "other", Address=other, ChannelType="EMAIL")
    clock.advance(1)
    ask(wire, "/replays", {"Since": "2026-01-01T00:00:00Z"})
    forward(wire)
    put(wire, "d", "now", Address=new, ChannelType="EMAIL")
    assert everything(wire).count(old) == 4
    path = f"/pinpoint-kit/v1/apps/{wire.app}/erasures"
    assert wire.post(path, {"Address": old}).status == 200
    assert old not in everything(wire)
    fake.outage, fake.answer = None, lambda _: None
    ask(wire, "/dead-letters/retry", {})
    clock.advance(600)
    forward(wire)
    addresses = {
        (record.event_id, read["endpoint"].get("Address"))
        for record, read in zip(fake.taken, fake.records, strict=True)
    }
    assert addresses == {("dead", None), ("then", None), ("other", other), ("now", new)}

"""Stored events and endpoints are found, saved funnels are kept, and numbers become segments.

All of it in process and over HTTP: the same wire.
"""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.analytics.stored_events import StoredEvents
from pinpoint_kit.engine import Engine
from pinpoint_kit.server import ServerOptions
from tests.analytics.conftest import DAYS, populate
from tests.server.conftest import RunningServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.analytics.results import Result

FIRST, LAST = DAYS
PURCHASE = "_monetization.purchase"


@contextmanager
def served() -> Iterator[pk.Pinpoint]:
    """Connect to a server of our own on a free port."""
    server = RunningServer(Engine.open("sqlite://"), ServerOptions())
    try:
        with pk.connect(server.url, application="shop", wait=10.0) as pinpoint:
            yield pinpoint
    finally:
        server.stop()


@contextmanager
def embedded() -> Iterator[pk.Pinpoint]:
    """Connect to the engine in this process."""
    with pk.connect("sqlite://", application="shop") as pinpoint:
        yield pinpoint


@pytest.fixture(params=[embedded, served], ids=["sqlite", "http"], scope="module")
def pinpoint(request: pytest.FixtureRequest) -> Iterator[pk.Pinpoint]:
    """Give the population behind each kind of URL."""
    with request.param() as found:
        populate(found)
        yield found


def test_events_are_found_by_all_that_they_have(pinpoint: pk.Pinpoint) -> None:
    """By type, endpoint, user, session, attributes and time; all must hold."""
    find = pinpoint.events.find
    assert len(find().to_list()) == 12
    assert [event.type for event in find(endpoint_id="A", limit=1)] == ["view"]
    assert len(find(type=["view", PURCHASE], user_id="u1").to_list()) == 6
    assert len(find(session_id="s-1").to_list()) == 2
    assert [event.endpoint_id for event in find(attributes={"page": ["home", "x"]})] == ["b"]
    day = dt.datetime(2026, 10, 6, tzinfo=dt.timezone.utc)
    found = find(since=day, until=day + dt.timedelta(days=1), is_newest_first=False).to_list()
    times = [event.timestamp for event in found if event.timestamp is not None]
    assert times == sorted(times)
    assert len(found) == 4
    assert len(find(where={"platform": "web"}).to_list()) == 3
    assert find(type="nothing").to_list() == []
    assert find(limit=0).to_list() == []


def test_a_found_event_is_what_was_recorded(pinpoint: pk.Pinpoint) -> None:
    """With its numbers, its session, and what it remembers of its endpoint."""
    (event,) = pinpoint.events.find(type=PURCHASE, endpoint_id="a")
    assert event.metrics == {"_item_price": 9.99, "_quantity": 2}
    assert event.attributes == {"_currency": "EUR", "_product_id": "sku-1"}
    assert (event.endpoint_id, event.user_id) == ("a", "u1")
    (stop,) = pinpoint.events.find(type="_session.stop")
    assert stop.session is not None
    assert (stop.session.id, stop.session.duration_ms) == ("s-1", 120_000)


def test_what_is_printed_hides_persons(pinpoint: pk.Pinpoint) -> None:
    """Endpoint, user, session and attributes show only after `show()`."""
    found = pinpoint.events.find(user_id="u2", type="view").to_list()
    hidden = repr(found) + found[0]._repr_html_()
    assert "u2" not in hidden
    assert "home" not in hidden
    assert "u2" in repr(found[0].show())
    endpoints = pinpoint.endpoints.find(address="b@example.com")
    assert [endpoint.id for endpoint in endpoints] == ["b"]
    assert "b@example.com" not in repr(endpoints)
    assert "b@example.com" in repr(endpoints[0].show())


def test_endpoints_are_found(pinpoint: pk.Pinpoint) -> None:
    """By user, channel and address; all must hold."""
    find = pinpoint.endpoints.find
    assert sorted(endpoint.id or "" for endpoint in find(user_id="u1")) == ["a", "c"]
    assert len(find(channel_type="EMAIL", limit=2)) == 2
    assert find(address="b@example.com", user_id="u1") == []


def test_a_funnel_is_kept_under_a_name(pinpoint: pk.Pinpoint) -> None:
    """Saved, listed, counted for other days, deleted; never one about a person."""
    a = pinpoint.analytics
    steps: list[pk.Step | str] = ["view", pk.Step(PURCHASE, attributes={"_currency": ["EUR"]})]
    saved = a.save_funnel("to the till", steps, window=3600.0)
    try:
        assert [(each.id, each.name) for each in a.saved_funnels()] == [(saved.id, "to the till")]
        counted = a.saved_funnel(a.saved_funnels()[0], first=FIRST, last=LAST)
        assert [row.count for row in counted.rows] == [3, 1]
        other = a.saved_funnel(saved, first="2026-10-12", last="2026-10-12")
        assert [row.count for row in other.rows] == [1, 0]
        with pytest.raises(pk.errors.BadRequest):
            a.save_funnel("spy", steps, where={"user_id": "u1"})
        with pytest.raises(pk.errors.BadRequest):
            a.save_funnel("", steps)
    finally:
        a.delete_funnel(saved.id)
    assert a.saved_funnels() == []
    with pytest.raises(pk.errors.NotFound):
        a.delete_funnel(saved.id)


def test_the_people_behind_a_number(pinpoint: pk.Pinpoint) -> None:
    """A segment of a step, a day, a group; it does not change with the number."""
    a = pinpoint.analytics

    def members(result: Result, **point: object) -> list[str]:
        segment = a.create_segment(result, "behind", **point)  # type: ignore[arg-type]  # a point
        found = pinpoint.segments.members(str(segment.id))
        return sorted(str(member.id) for member in found)

    funnel = a.funnel(["view", PURCHASE], first=FIRST, last=LAST)
    assert members(funnel, step=2) == ["a", "c"]
    active = a.active(FIRST, LAST)
    assert members(active) == ["a", "b", "c"]
    assert members(active, day="2026-10-06") == ["a", "c"]
    assert members(a.active(FIRST, LAST, by="platform"), group="web") == ["c"]
    retention = a.retention(FIRST, FIRST, within=7)
    assert members(retention, day=dt.date(2026, 10, 5), is_back=True) == ["a"]
    assert members(retention, day=dt.date(2026, 10, 5), is_back=False) == ["b"]
    assert members(a.active(FIRST, LAST, actor="user"), day="2026-10-06") == ["a", "c"]


def test_a_tail_gives_what_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of what was there before; it sleeps when nothing came, and then asks again."""
    with embedded() as pinpoint:
        pinpoint.events.put("a", pk.Event(type="before"))
        sleeps: list[float] = []

        def sleep(seconds: float) -> None:
            sleeps.append(seconds)
            assert len(sleeps) < 5
            pinpoint.events.put("a", pk.Event(type=f"after-{len(sleeps)}"))

        monkeypatch.setattr("pinpoint_kit.analytics.stored_events.time.sleep", sleep)
        tail = StoredEvents(pinpoint.events._stored._server).tail(
            {"event_type": ["after-1", "after-2"]}, sleep=sleep
        )
        assert [next(tail).type for _ in range(2)] == ["after-1", "after-2"]
        assert len(sleeps) == 2


def test_a_tail_goes_on_where_another_one_ended() -> None:
    """By its mark, in another process too; what arrived in between is there, once."""
    with embedded() as pinpoint:
        pinpoint.events.put("a", pk.Event(type="before"))
        first = pinpoint.events.tail()
        assert first.mark is None
        assert first.arrived() == []
        assert first.mark is not None
        pinpoint.events.put("a", pk.Event(type="between"))
        second = pinpoint.events.tail(after=first.mark)
        assert [event.type for event in second.arrived()] == ["between"]
        assert pinpoint.events.tail(after=second.mark).arrived() == []


def test_erased_people_are_in_no_result() -> None:
    """Not in look-ups, timelines, demographics, nor in a segment that a number had become."""
    with embedded() as pinpoint:
        populate(pinpoint)
        a = pinpoint.analytics
        kept = a.create_segment(a.active(FIRST, LAST), "active")
        by_user = a.create_segment(a.active(FIRST, LAST, actor="user"), "users")
        pinpoint.erase(user_id="u1")
        assert pinpoint.events.find(user_id="u1").to_list() == []
        assert pinpoint.events.find(endpoint_id=["a", "c"]).to_list() == []
        assert pinpoint.endpoints.find(user_id="u1") == []
        story = a.timeline(user_id="u1", first=FIRST, last="2026-10-12")
        assert list(story.entries) == []
        assert [(row.platform, row.count) for row in a.demographics().rows] == [("ios", 1)]
        assert a.new(actor="user").total == 1
        for segment in (kept, by_user):
            members = pinpoint.segments.members(str(segment.id))
            assert [member.id for member in members] == ["b"]
        assert "u1" not in repr(a.events(first=FIRST, last=LAST, by="endpoint_attributes.x").rows)

"""What PutEvents calls with the events that it has stored: streams and campaigns hang there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import pytest
from sqlalchemy import func, select

from pinpoint_kit.engine.context import Context, RecordedEvent, Wanted
from pinpoint_kit.engine.storage.tables.events import EVENTS, REMEMBERED

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Application
    from tests.engine.conftest import Wire

EVENT: dict[str, Any] = {"EventType": "level_up", "Timestamp": "2026-01-01T00:00:00.123Z"}
Hook = Callable[[Context, "Connection", Sequence[RecordedEvent]], None]
Hooked = Callable[[Hook], "Wire"]


@attrs.frozen
class Hooking:
    """A function as a hook, and what it wants."""

    function: Hook
    wants: Wanted = "endpoints"

    def wanted(self, _context: Context, _connection: Connection, _app: Application) -> Wanted:
        return self.wants

    def __call__(
        self, context: Context, connection: Connection, events: Sequence[RecordedEvent]
    ) -> None:
        self.function(context, connection, events)


@pytest.fixture
def hooked(wire: Wire) -> Hooked:
    """Put a hook on the engine's events."""

    def hook(function: Hook) -> Wire:
        hooks = (Hooking(function),)
        wire.engine._context = attrs.evolve(wire.engine._context, on_events=hooks)
        return wire

    return hook


@pytest.fixture
def recorded(hooked: Hooked) -> tuple[Wire, list[RecordedEvent]]:
    """Give a wire, and the events that its hook got so far."""
    events: list[RecordedEvent] = []

    def hook(_context: Context, _connection: Connection, new: Sequence[RecordedEvent]) -> None:
        events.extend(new)

    return hooked(hook), events


def endpoint(event: RecordedEvent) -> Any:
    """Return the endpoint of an event, read from its JSON."""
    return orjson.loads(orjson.dumps(event.shown_endpoint))


def test_only_what_was_really_stored_is_passed(recorded: tuple[Wire, list[RecordedEvent]]) -> None:
    """A repeated event, in one request or in two, comes once; a refused one not at all."""
    wire, events = recorded
    bad = {"EventType": "x"}
    item = {"Endpoint": {}, "Events": {"a": EVENT, "b": bad}}
    wire.put_events({"D": item, "d": {"Endpoint": {}, "Events": {"a": EVENT, "c": EVENT}}})
    wire.put_events({"D": {"Endpoint": {}, "Events": {"c": EVENT, "d": EVENT}}})
    wire.put_events({"D": {"Endpoint": {}, "Events": {"c": EVENT}}})
    assert [event.event_id for event in events] == ["a", "c", "d"]
    stored = [(row["endpoint"], row["event_id"], row["type"]) for row in wire.events()]
    assert [(event.endpoint, event.event_id, event.type) for event in events] == stored


def test_events_come_with_their_columns(recorded: tuple[Wire, list[RecordedEvent]]) -> None:
    """Every member of a recorded event is what stands in the column of that name.

    What events remember of their endpoint is in the endpoint that they come with.
    """
    wire, events = recorded
    wire.put_events(
        {"d": {"Endpoint": {"User": {"UserId": "u"}}, "Events": {"a": {
            **EVENT, "Attributes": {"x": "y"}, "Metrics": {"n": 1}, "AppTitle": "Shop",
            "Session": {"Id": "s", "StartTimestamp": "2026-01-01T00:00:00Z"},
        }}}}
    )  # fmt: skip
    (row,) = wire.events()
    (event,) = events
    shown = event._asdict()
    assert shown.pop("application_id") == wire.app
    assert shown.pop("device").id == "d"
    assert shown.pop("shown_endpoint")["Id"] == "d"
    row.pop("number")
    assert shown == {name: value for name, value in row.items() if name not in REMEMBERED}


def test_the_endpoint_is_that_of_the_moment(recorded: tuple[Wire, list[RecordedEvent]]) -> None:
    """Each event has the endpoint as its own item left it, not as a later item does."""
    wire, events = recorded
    for title in ("old", "new"):
        wire.put_events(
            {"D" if title == "old" else "d": {
                "Endpoint": {"Attributes": {"title": [title]}, "User": {"UserId": title}},
                "Events": {title: EVENT},
            }}
        )  # fmt: skip
    wire.put_events({
        "d": {"Endpoint": {"Attributes": {"title": ["mid"]}}, "Events": {"e": EVENT}},
        "D": {"Endpoint": {"Attributes": {"title": ["last"]}}, "Events": {"f": EVENT}},
    })  # fmt: skip
    shown = [endpoint(event)["Attributes"]["title"][0] for event in events]
    assert shown == ["old", "new", "mid", "last"]
    assert [event.user_id for event in events] == ["old", "new", "new", "new"]


def test_an_endpoint_that_nothing_changes_is_shown_whole(
    recorded: tuple[Wire, list[RecordedEvent]],
) -> None:
    """An empty Endpoint part loads the endpoint all the same, with what the request did to it."""
    wire, events = recorded
    mail = {"Address": "a@example.com", "ChannelType": "EMAIL"}
    wire.update("first", **mail, User={"UserId": "u", "UserAttributes": {"plan": ["pro"]}})
    wire.put_events({
        "second": {"Endpoint": mail, "Events": {"a": EVENT}},
        "first": {"Endpoint": {}, "Events": {"b": EVENT}},
    })  # fmt: skip
    second, first = map(endpoint, events)
    assert (second["Id"], second["EndpointStatus"]) == ("second", "ACTIVE")
    assert first == wire.get("first")
    assert (first["EndpointStatus"], first["User"]["UserAttributes"]) == (
        "INACTIVE",
        {"plan": ["pro"]},
    )


def test_an_event_may_have_no_endpoint(recorded: tuple[Wire, list[RecordedEvent]]) -> None:
    """Events outlive the refusal of their endpoint data, and then there is nothing to show."""
    wire, events = recorded
    wire.put_events({"d": {"Endpoint": {"ChannelType": "PIGEON"}, "Events": {"a": EVENT}}})
    assert [(event.endpoint, event.shown_endpoint) for event in events] == [("d", None)]


def test_a_hook_runs_in_the_transaction(hooked: Hooked) -> None:
    """It sees the events, writes along with them, and its failure undoes the request."""
    seen: list[int] = []

    def hook(_context: Context, connection: Connection, _new: Sequence[RecordedEvent]) -> None:
        seen.append(connection.execute(select(func.count()).select_from(EVENTS)).scalar_one())
        raise RuntimeError

    wire = hooked(hook)
    assert wire.put_events({"d": {"Endpoint": {}, "Events": {"a": EVENT}}}).status == 500
    assert seen == [1]
    assert wire.events() == []


def test_a_device_is_that_of_the_moment(recorded: tuple[Wire, list[RecordedEvent]]) -> None:
    """Each event has the device as its own item left it, whether that changed anything or not."""
    wire, events = recorded
    for version in ("1", "2"):
        demographic = {"Demographic": {"Platform": "ios", "PlatformVersion": version}}
        wire.put_events({"D": {"Endpoint": demographic, "Events": {version: EVENT}}})
    wire.put_events({"d": {"Endpoint": {}, "Events": {"3": EVENT}}})
    wire.put_events({"x": {"Endpoint": {"ChannelType": "PIGEON"}, "Events": {"4": EVENT}}})
    devices = [(event.device.id, event.device.platform_version) for event in events]
    assert devices == [("D", "1"), ("D", "2"), ("D", "2"), ("x", None)]


@pytest.mark.parametrize("wants", ["nothing", "events"])
def test_a_hook_hears_only_what_it_wants(wire: Wire, wants: Wanted) -> None:
    """No endpoint is read for a hook that does without one, and some hear of no event at all."""
    heard: list[RecordedEvent] = []

    def hook(_context: Context, _connection: Connection, new: Sequence[RecordedEvent]) -> None:
        heard.extend(new)

    hooks = (Hooking(hook, wants),)
    wire.engine._context = attrs.evolve(wire.engine._context, on_events=hooks)
    wire.put_events({"d": {"Endpoint": {}, "Events": {"a": EVENT}}})
    assert [event.shown_endpoint for event in heard] == ([None] if wants == "events" else [])


def test_a_recorded_event_shows_nobody(recorded: tuple[Wire, list[RecordedEvent]]) -> None:
    """What logs could show of an event names no person."""
    wire, events = recorded
    wire.put_events({"secret": {"Endpoint": {}, "Events": {"secret": EVENT}}})
    assert "secret" not in repr(events)

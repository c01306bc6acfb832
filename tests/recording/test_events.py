"""Events through the public API: what goes out, what is refused, what rides along."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit import errors
from tests.recording.conftest import watch

if TYPE_CHECKING:
    from tests.recording.conftest import Watched


class Key(str, Enum):
    """Text enums are common as attribute names."""

    PLAN = "plan"


def test_a_recorded_event_goes_out_with_all_its_parts(watched: Watched) -> None:
    """Type, time, attributes, metrics and the SDK's own name and version go out."""
    event_id = watched.pinpoint.events.record(
        "device-1", "level_up", attributes={Key.PLAN: "pro"}, metrics={"n": 7}
    )
    ((endpoint_id, event),) = watched.sent()
    assert re.fullmatch("[0-9a-f]{32}", event_id)
    assert endpoint_id == "device-1"
    assert event == {
        "EventId": event_id,
        "EventType": "level_up",
        "Timestamp": "2026-10-30T12:00:00.000Z",
        "Attributes": {"plan": "pro"},
        "Metrics": {"n": 7.0},
        "SdkName": "pinpoint_kit",
        "ClientSdkVersion": pk.__version__,
    }


def test_a_whole_event_keeps_its_id_time_and_members(watched: Watched) -> None:
    """What the event says itself wins over what the client adds."""
    event = pk.Event(
        type="t",
        id="mine",
        timestamp="2020-01-01T00:00:00+01:00",
        sdk_name="other",
        extra={"New": 1},
    )
    assert watched.pinpoint.events.record("device-1", event) == "mine"
    (sent,) = watched.events()
    assert sent["EventId"] == "mine"
    assert sent["Timestamp"] == "2019-12-31T23:00:00.000Z"
    assert (sent["SdkName"], sent["New"]) == ("other", 1)


def test_the_clients_members_ride_on_every_event() -> None:
    """Title, package and version given to connect go out with each event."""
    client = watch(app_title="Shop", app_package_name="com.example", app_version_code="3")
    client.pinpoint.events.record("device-1", "t")
    (event,) = client.events()
    client.pinpoint.close()
    assert (event["AppTitle"], event["AppPackageName"], event["AppVersionCode"]) == (
        "Shop",
        "com.example",
        "3",
    )


def test_the_special_wins_over_the_general(watched: Watched) -> None:
    """An event's own attributes win over its type's, and those over the client's."""
    events = watched.pinpoint.events
    events.set_defaults(attributes={"a": "client", "b": "client", "c": "client"}, metrics={"n": 1})
    events.set_defaults(attributes={"b": "type", "c": "type"}, event_type="t")
    events.record("device-1", "t", attributes={"c": "own"})
    events.record("device-1", pk.Event(type="t", attributes={"c": "own"}))
    events.record("device-1", "other")
    first, second, third = watched.events()
    assert first["Attributes"] == second["Attributes"] == {"a": "client", "b": "type", "c": "own"}
    assert third["Attributes"] == {"a": "client", "b": "client", "c": "client"}
    assert third["Metrics"] == {"n": 1.0}


def test_what_the_caller_changes_later_does_not_change_the_event(watched: Watched) -> None:
    """The event is encoded when it is recorded."""
    attributes = {"a": "before"}
    watched.pinpoint.events.record("device-1", "t", attributes=attributes)
    attributes["a"] = "after"
    assert watched.events()[0]["Attributes"] == {"a": "before"}


@pytest.mark.parametrize(
    ("details", "reason"),
    [
        ({"attributes": {"a": "x" * 201}}, "value_too_long"),
        ({"attributes": {"x" * 51: "a"}}, "name_too_long"),
        ({"metrics": {"x" * 51: 1.0}}, "name_too_long"),
        ({"attributes": {str(n): "" for n in range(40)}, "metrics": {"n": 1}}, "too_many_keys"),
        ({"attributes": {"a": "\ud800"}}, "invalid"),
        ({"metrics": {"n": float("nan")}}, "invalid"),
        ({"timestamp": "yesterday"}, "invalid"),
    ],
)
def test_content_that_the_service_would_refuse_is_counted(
    watched: Watched, details: dict[str, Any], reason: str
) -> None:
    """`record` does not raise for content; the rejection is counted by its reason."""
    watched.pinpoint.events.record("device-1", "t", **details)
    report = watched.pinpoint.flush(10)
    assert (report.rejected, report.reasons) == (1, {reason: 1})
    assert watched.bodies == []


@pytest.mark.parametrize("endpoint_id", ["", "a$b", "a{b", "}", "\ud800"])
def test_an_impossible_endpoint_id_is_counted(watched: Watched, endpoint_id: str) -> None:
    """An id that no endpoint can have rejects the event, and breaks nothing else."""
    watched.pinpoint.events.record(endpoint_id, "t")
    watched.pinpoint.events.record("device-1", "t")
    report = watched.pinpoint.flush(10)
    assert (report.accepted, report.reasons) == (1, {"endpoint_id": 1})


def test_an_empty_event_type_is_counted(watched: Watched) -> None:
    """An empty type is content like any other."""
    watched.pinpoint.events.record("device-1", "")
    assert watched.pinpoint.flush(10).reasons == {"event_type": 1}


def test_a_strict_client_raises_for_content() -> None:
    """strict=True raises what would otherwise be counted, and records nothing."""
    client = watch(strict=True)
    with pytest.raises(errors.ValidationError, match=r"201 characters.*\$\.attributes\.a"):
        client.pinpoint.events.record("device-1", "t", attributes={"a": "x" * 201})
    assert client.pinpoint.close().recorded == 0


def test_truncating_cuts_by_character_and_counts_it() -> None:
    """invalid="truncate" cuts values to 200 characters, not bytes."""
    client = watch(invalid="truncate")
    client.pinpoint.events.record("device-1", "t", attributes={"a": "é" * 250, "b": "short"})
    (event,) = client.events()
    assert event["Attributes"] == {"a": "é" * 200, "b": "short"}
    assert client.pinpoint.delivery.stats().truncated == 1
    client.pinpoint.close()


@pytest.mark.parametrize(
    ("args", "details"),
    [
        ((5, "t"), {}),
        (("device-1", 5), {}),
        (("device-1", "t"), {"attributes": {"a": 5}}),
        (("device-1", "t"), {"attributes": [("a", "b")]}),
        (("device-1", "t"), {"metrics": {"n": "7"}}),
        (("device-1", "t"), {"metrics": {"n": True}}),
        (("device-1", "t"), {"session": "s"}),
        (("device-1", "t"), {"timestamp": 5}),
        (("device-1", "t"), {"endpoint": {"Address": "x"}}),
        (("device-1", pk.Event(type="t")), {"attributes": {"a": "b"}}),
    ],
)
def test_wrong_types_always_raise(
    watched: Watched, args: tuple[Any, ...], details: dict[str, Any]
) -> None:
    """A wrong type is a mistake in the program: it raises a TypeError and counts nothing."""
    with pytest.raises(errors.InvalidTypeError):
        watched.pinpoint.events.record(*args, **details)
    with pytest.raises(TypeError):
        watched.pinpoint.events.submit(*args, **details)
    assert watched.pinpoint.flush(10).recorded == 0


def test_submit_gives_the_answer(watched: Watched) -> None:
    """The future of an accepted event holds the service's answer, and cannot be cancelled."""
    future = watched.pinpoint.events.submit("device-1", "t")
    assert not future.cancel()
    assert future.result(10).is_accepted


def test_the_future_of_a_refused_event_says_why(watched: Watched) -> None:
    """A rejection is a value: status 400 with the reason and the place."""
    future = watched.pinpoint.events.submit("device-1", "t", attributes={"a": "x" * 201})
    result = future.result(0)
    assert (result.status_code, result.is_accepted) == (400, False)
    assert "$.attributes.a" in result.message


def test_submit_works_from_asyncio(watched: Watched) -> None:
    """`asyncio.wrap_future` makes the future awaitable."""

    async def sign_in() -> pk.EventResult:
        return await asyncio.wrap_future(watched.pinpoint.events.submit("device-1", "t"))

    assert asyncio.run(sign_in()).is_accepted


def test_put_answers_for_one_event(watched: Watched) -> None:
    """`put` sends one request now; it takes a type with details or a whole event."""
    assert watched.pinpoint.events.put("device-1", "t", metrics={"n": 1}).is_accepted
    result = watched.pinpoint.events.put("device-1", pk.Event(type="t", id="mine"))
    assert (result.event_id, result.endpoint_status_code) == ("mine", 202)
    assert len(watched.bodies) == 2


def test_put_gives_a_refusal_as_a_value(watched: Watched) -> None:
    """What breaks a limit is not sent; raise_for_status turns the value into an error."""
    result = watched.pinpoint.events.put("device-1", "t", attributes={"a": "x" * 201})
    assert watched.bodies == []
    with pytest.raises(errors.BadRequest, match="201 characters"):
        result.raise_for_status()


def test_put_many_takes_any_number_and_answers_in_order(watched: Watched) -> None:
    """250 events go out in three requests, and the results stand in the order given."""
    events = [(f"e{n % 7}", pk.Event(type="t", id=str(n))) for n in range(250)]
    events[13] = ("e", pk.Event(type="t", id="13", attributes={"a": "x" * 201}))
    results = watched.pinpoint.events.put_many(iter(events))
    assert [result.event_id for result in results] == [str(n) for n in range(250)]
    assert [n for n, result in enumerate(results) if not result.is_accepted] == [13]
    assert len(watched.bodies) == 3


def test_put_many_refuses_what_is_no_pair(watched: Watched) -> None:
    """The message says which item is wrong."""
    with pytest.raises(errors.InvalidTypeError, match=r"\$\[1\]"):
        watched.pinpoint.events.put_many([("e", pk.Event(type="t")), "e"])  # type: ignore[list-item]


def test_the_same_event_id_counts_once(watched: Watched) -> None:
    """An event that is sent again is accepted again, and the engine keeps one."""
    event = pk.Event(type="t", id="same")
    results = watched.pinpoint.events.put_many([("device-1", event), ("device-1", event)])
    assert [result.is_accepted for result in results] == [True, True]
    assert len(watched.bodies) == 2


def test_an_unknown_application_raises() -> None:
    """A direct call to an application that does not exist raises NotFound."""
    with pk.connect("sqlite://", application_id="0" * 32) as pinpoint:
        with pytest.raises(errors.NotFound):
            pinpoint.events.put("device-1", "t")
        pinpoint.events.record("device-1", "t")
        assert pinpoint.flush(0.5).pending == 1
        assert "check the application id" in pinpoint.delivery.stats().last_error
        assert pinpoint.close(0).reasons == {"closed": 1}
        assert "check the application id" in pinpoint.delivery.dead_letters()[0].message


def test_endpoint_data_creates_the_endpoint_with_the_event(watched: Watched) -> None:
    """Endpoint data goes with the event; an id that contradicts is refused."""
    watched.pinpoint.auth.sign_up(
        "device-1",
        endpoint=pk.Endpoint(
            channel_type="EMAIL", address="a@example.com", user=pk.User(id="user-1")
        ),
    )
    watched.pinpoint.flush(10)
    assert watched.pinpoint.users.endpoints("user-1")[0].id == "device-1"
    future = watched.pinpoint.events.submit("device-1", "t", endpoint=pk.Endpoint(id="device-2"))
    assert "names another endpoint" in future.result(0).message


def test_sign_in_events_have_pinpoints_names(watched: Watched) -> None:
    """The three verbs record the three `_userauth` types with their details."""
    watched.pinpoint.auth.sign_up("device-1")
    watched.pinpoint.auth.sign_in(
        "device-1", timestamp=dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
    )
    watched.pinpoint.auth.auth_fail("device-1", attributes={"reason": "password"})
    sign_up, sign_in, auth_fail = watched.events()
    assert sign_up["EventType"] == "_userauth.sign_up"
    assert (sign_in["EventType"], sign_in["Timestamp"]) == (
        "_userauth.sign_in",
        "2020-01-01T00:00:00.000Z",
    )
    assert auth_fail["Attributes"] == {"reason": "password"}


def test_a_purchase_has_the_documented_names(watched: Watched) -> None:
    """A number is a price to count; text is a price to show."""
    watched.pinpoint.purchases.record(
        "device-1",
        product_id="sku",
        price=Decimal("9.99"),
        currency="EUR",
        quantity=2,
        store="Virtual",
        transaction_id="t-1",
        attributes={"coupon": "x"},
    )
    watched.pinpoint.purchases.record("device-1", product_id="sku", price="9,99 €")
    counted, shown = watched.events()
    assert counted["EventType"] == "_monetization.purchase"
    assert counted["Attributes"] == {
        "coupon": "x",
        "_product_id": "sku",
        "_currency": "EUR",
        "_store": "Virtual",
        "_transaction_id": "t-1",
    }
    assert counted["Metrics"] == {"_item_price": 9.99, "_quantity": 2.0}
    assert shown["Attributes"] == {"_product_id": "sku", "_item_price_formatted": "9,99 €"}
    assert shown["Metrics"] == {"_quantity": 1.0}


@pytest.mark.parametrize("events", [10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_everything_arrives_exactly(tmp_path: Any, events: int) -> None:
    """10,000 endpoints by update_many and all events by record arrive, counted in the store."""
    with pk.connect(f"sqlite:///{tmp_path}/all.db", application="all") as pinpoint:
        seen: list[int] = []
        report = pinpoint.endpoints.update_many(
            (pk.Endpoint(id=f"e{n}", attributes={"n": str(n)}) for n in range(10_000)),
            on_progress=seen.append,
        )
        assert (report.accepted, report.requests, seen[-1]) == (10_000, 100, 10_000)
        for number in range(events):
            pinpoint.events.record(f"e{number % 10_000}", "level_up", metrics={"n": number})
        delivered = pinpoint.flush(60)
        assert (delivered.recorded, delivered.accepted) == (events, events)
        engine = pinpoint._door.engine if pinpoint._door else None
        assert engine is not None
        assert engine.count_events(pinpoint.application_id) == events
        assert pinpoint.endpoints.get("E9999").attributes == {"n": ["9999"]}

"""Events through the public API: what goes out, what is refused, what rides along."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

import pinpoint_kit as pk
from pinpoint_kit import errors
from pinpoint_kit.models.base import _warn_of_naive
from tests.recording.conftest import watch

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        ({"timestamp": "yesterday"}, "invalid"),
    ],
)
def test_content_that_the_service_would_refuse_is_counted(
    details: dict[str, Any], reason: str
) -> None:
    """With `invalid="reject"` such an event is counted by its reason, and nothing is cut."""
    client = watch(invalid="reject")
    client.pinpoint.events.record("device-1", "t", **details)
    report = client.pinpoint.flush(10)
    client.pinpoint.close()
    assert (report.rejected, report.reasons) == (1, {reason: 1})
    assert client.bodies == []


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
    client = watch(strict=True, invalid="reject")
    with pytest.raises(errors.ValidationError, match=r"201 characters.*\$\.attributes\.a"):
        client.pinpoint.events.record("device-1", "t", attributes={"a": "x" * 201})
    assert client.pinpoint.close().recorded == 0


def test_truncating_cuts_by_character_and_counts_it() -> None:
    """Values are cut to 200 characters, not bytes, unless told otherwise."""
    client = watch()
    client.pinpoint.events.record("device-1", "t", attributes={"a": "é" * 250, "b": "short"})
    (event,) = client.events()
    assert event["Attributes"] == {"a": "é" * 200, "b": "short"}
    assert client.pinpoint.delivery.stats().truncated == 1
    client.pinpoint.close()


WRONG: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((b"id", "t"), {}),
    ((None, "t"), {}),
    ((True, "t"), {}),
    (("device-1", 5), {}),
    (("device-1", "t"), {"attributes": {"a": object()}}),
    (("device-1", "t"), {"attributes": {"a": ["b"]}}),
    (("device-1", "t"), {"attributes": [("a", "b")]}),
    (("device-1", "t"), {"attributes": {None: "b"}}),
    (("device-1", "t"), {"metrics": {"n": "seven"}}),
    (("device-1", "t"), {"metrics": {"n": object()}}),
    (("device-1", "t"), {"session": "s"}),
    (("device-1", "t"), {"timestamp": True}),
    (("device-1", "t"), {"timestamp": 1e18}),
    (("device-1", "t"), {"timestamp": object()}),
    (("device-1", "t"), {"event_id": b"id"}),
    (("device-1", pk.Event(type="t")), {"attributes": {"a": "b"}}),
    (("device-1", pk.Event(type="t")), {"event_id": "id"}),
]


@pytest.mark.parametrize(("args", "details"), WRONG)
def test_what_cannot_be_sent_is_rejected_and_never_raises(
    watched: Watched, args: tuple[Any, ...], details: dict[str, Any]
) -> None:
    """A value of a wrong type rejects the event; a future says why, and the letter stays."""
    watched.pinpoint.events.record(*args, **details)
    answer = watched.pinpoint.events.submit(*args, **details).result(0)
    assert (answer.status_code, answer.is_accepted) == (400, False)
    report = watched.pinpoint.flush(10)
    assert (report.recorded, report.rejected) == (2, 2)
    assert len(watched.pinpoint.delivery.dead_letters()) == 2
    assert watched.bodies == []


@pytest.mark.parametrize(("args", "details"), WRONG)
def test_a_strict_client_raises_for_wrong_types(
    args: tuple[Any, ...], details: dict[str, Any]
) -> None:
    """strict=True raises for what cannot be sent, and counts nothing."""
    client = watch(strict=True)
    with pytest.raises(errors.ValidationError):
        client.pinpoint.events.record(*args, **details)
    assert client.pinpoint.close().recorded == 0


def test_a_wrong_call_raises(watched: Watched) -> None:
    """An argument that `record` does not have is a mistake in the program."""
    with pytest.raises(TypeError):
        watched.pinpoint.events.record("device-1", "t", attribute={})  # type: ignore[call-arg]


class Failing(Mapping[str, str]):
    """A mapping that fails when it is read, as one that another thread changes does."""

    def __getitem__(self, name: str) -> str:
        raise KeyError(name)

    def __len__(self) -> int:
        return 1

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("dictionary changed size during iteration")


def test_values_that_fail_when_they_are_read_are_counted(watched: Watched) -> None:
    """Whatever the caller's own types raise, `record` returns, and repeats nothing of it."""
    watched.pinpoint.events.record("device-1", "t", attributes=Failing())
    assert watched.pinpoint.flush(10).reasons == {"unreadable": 1}
    (letter,) = watched.pinpoint.delivery.dead_letters()
    assert letter.message == "cannot be read (RuntimeError): pass plain values"


class Plan(Enum):
    """What programs use for such things."""

    PRO = "pro"
    RANK = 7


UUID_TEXT = "12345678-1234-5678-1234-567812345678"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (-0.5, "-0.5"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (Decimal("9.90"), "9.90"),
        (Decimal("1E+3"), "1000"),
        (Fraction(1, 4), "0.25"),
        (UUID(UUID_TEXT), UUID_TEXT),
        (Plan.PRO, "pro"),
        (Plan.RANK, "7"),
        (Key.PLAN, "plan"),
        (ipaddress.ip_address("::1"), "::1"),
        (PurePosixPath("/a/b"), "/a/b"),
        (dt.date(2026, 10, 30), "2026-10-30T00:00:00.000Z"),
        (dt.datetime(2026, 10, 30, 12), "2026-10-30T12:00:00.000Z"),  # noqa: DTZ001 -- naive is UTC
        (
            dt.datetime(2026, 10, 30, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            "2026-10-30T10:00:00.000Z",
        ),
        ("", ""),
        (np.float64(0.5), "0.5"),
        (np.int64(7), "7"),
        (np.bool_(True), "true"),  # noqa: FBT003 -- the value
        (np.datetime64("2026-10-30T12:00"), "2026-10-30T12:00:00.000Z"),
        (pd.Timestamp("2026-10-30T12:00:00.123456789Z"), "2026-10-30T12:00:00.123Z"),
    ],
)
def test_attributes_take_everyday_values(watched: Watched, value: Any, text: str) -> None:
    """Scalars become the text that the service takes; `put` converts them alike."""
    watched.pinpoint.events.record("device-1", "t", attributes={"a": value, "none": None})
    watched.pinpoint.events.put("device-1", "t", attributes={"a": value})
    recorded, put = sorted(watched.events(), key=lambda event: len(event["Attributes"]))
    assert recorded["Attributes"] == put["Attributes"] == {"a": text}
    assert watched.pinpoint.delivery.stats().left_out == 0


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("1E+999999"),
        pytest.param(10**5000, id="digits"),
        pd.NaT,
        np.float64("nan"),
    ],
)
def test_attributes_without_a_text_are_left_out_and_counted(watched: Watched, value: Any) -> None:
    """What is no number and no instant is left out; the event goes."""
    watched.pinpoint.events.record("device-1", "t", attributes={"a": value, "b": "kept"})
    (event,) = watched.events()
    assert event["Attributes"] == {"b": "kept"}
    assert watched.pinpoint.delivery.stats().left_out == 1


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (True, 1.0),
        (False, 0.0),
        (Decimal("9.99"), 9.99),
        (" 9.99 ", 9.99),
        ("-1e3", -1000.0),
        (Fraction(1, 4), 0.25),
        (Plan.RANK, 7.0),
        (np.float32(0.5), 0.5),
        (np.int64(7), 7.0),
    ],
)
def test_metrics_take_everyday_values(watched: Watched, value: Any, number: float) -> None:
    """Booleans, decimals and numeric text become numbers."""
    watched.pinpoint.events.record("device-1", "t", metrics={"n": value, "none": None})
    (event,) = watched.events()
    assert event["Metrics"] == {"n": number}


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), "nan", Decimal("inf"), 10**400])
def test_metrics_that_are_not_finite_are_left_out_and_counted(watched: Watched, value: Any) -> None:
    """JSON has no such number; the event goes without it."""
    watched.pinpoint.events.record("device-1", "t", metrics={"n": value, "m": 1})
    (event,) = watched.events()
    assert event["Metrics"] == {"m": 1.0}
    assert watched.pinpoint.delivery.stats().left_out == 1


@pytest.mark.parametrize(
    ("given", "stamp"),
    [
        (1_793_361_600, "2026-10-30T12:00:00.000Z"),
        (1_793_361_600.5, "2026-10-30T12:00:00.500Z"),
        (1_793_361_600_250, "2026-10-30T12:00:00.250Z"),
        ("1793361600250", "2026-10-30T12:00:00.250Z"),
        ("2026-10-30T14:00:00+02:00", "2026-10-30T12:00:00.000Z"),
        (dt.date(2026, 10, 30), "2026-10-30T00:00:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.000Z"),
        (np.datetime64("2026-10-30T12:00:00.000000001"), "2026-10-30T12:00:00.000Z"),
    ],
)
def test_timestamps_take_seconds_and_milliseconds(watched: Watched, given: Any, stamp: str) -> None:
    """Seconds and milliseconds since 1970 are told apart by their size."""
    watched.pinpoint.events.record("device-1", "t", timestamp=given)
    (event,) = watched.events()
    assert event["Timestamp"] == stamp


def test_ids_may_be_numbers_and_uuids(watched: Watched) -> None:
    """Endpoint and event ids of other types become text."""
    number = UUID(UUID_TEXT)
    assert watched.pinpoint.events.record(number, "t", event_id=number) == UUID_TEXT
    watched.pinpoint.events.record(42, "t")
    assert watched.pinpoint.events.put(42, "t", event_id=7).event_id == "7"
    assert sorted(endpoint_id for endpoint_id, _ in watched.sent()) == [
        "12345678" + UUID_TEXT[8:],
        "42",
        "42",
    ]


def test_names_that_are_too_long_or_too_many_are_left_out(watched: Watched) -> None:
    """40 names stay: Pinpoint's own, then metrics, then the attributes that came first."""
    attributes = {f"a{number}": "x" for number in range(45)} | {"_currency": "EUR", "x" * 51: "y"}
    watched.pinpoint.events.record("device-1", "t", attributes=attributes, metrics={"n": 1})
    (event,) = watched.events()
    assert event["Attributes"] == {f"a{n}": "x" for n in range(38)} | {"_currency": "EUR"}
    assert event["Metrics"] == {"n": 1.0}
    assert watched.pinpoint.delivery.stats().left_out == 8


@pytest.mark.parametrize("name", ["_currency", "_product_id", "_transaction_id"])
def test_what_names_something_is_never_cut(watched: Watched, name: str) -> None:
    """A part of a currency or an id is another one: such an event is rejected."""
    watched.pinpoint.events.record("device-1", "t", attributes={name: "x" * 201})
    assert watched.pinpoint.flush(10).reasons == {"value_too_long": 1}
    assert watched.pinpoint.delivery.stats().truncated == 0


@pytest.mark.parametrize("invalid", ["truncate", "reject"])
def test_endpoint_data_survives_the_rejection_of_its_event(invalid: Any) -> None:
    """A sign-in whose event cannot be sent still gives the endpoint its user."""
    client = watch(invalid=invalid)
    wrong: Any = {"agent": object() if invalid == "truncate" else "A" * 274}
    data = pk.Endpoint(user=pk.User(id="u"))
    client.pinpoint.auth.sign_in("device-1", attributes=wrong, endpoint=data)
    report = client.pinpoint.flush(10)
    assert (report.accepted, report.rejected) == (1, 1)
    assert [found.id for found in client.pinpoint.users.endpoints("u")] == ["device-1"]
    client.pinpoint.close()


def test_an_event_survives_the_refusal_of_its_endpoint_data(watched: Watched) -> None:
    """Endpoint data that cannot be sent is rejected, and the event goes without it."""
    other = pk.Endpoint(id="device-2")
    watched.pinpoint.events.record("device-1", "t", endpoint=other)
    answer = watched.pinpoint.events.submit("device-1", "t", endpoint=other)
    wrong: Any = {"Address": "x"}
    watched.pinpoint.events.record("device-1", "t", endpoint=wrong)
    assert answer.result(10).is_accepted
    assert answer.result(10).endpoint_status_code == 400
    report = watched.pinpoint.flush(10)
    assert (report.accepted, report.reasons) == (3, {"endpoint_id": 2, "invalid": 1})


def test_endpoint_data_is_cut_to_its_limits(watched: Watched) -> None:
    """Values of endpoint attributes are cut to 100 characters; names and values beyond go."""
    data = pk.Endpoint(
        attributes={"a": ["x" * 101], "many": [str(n) for n in range(51)], "n" * 51: ["y"]},
        metrics={"m" * 51: 1.0, "n": 1.0},
        user=pk.User(id="u", attributes={"b": ["é" * 101]}),
        channel_type="EMAIL",
        address="a" * 300,
    )
    watched.pinpoint.events.record("device-1", "t", endpoint=data)
    watched.pinpoint.flush(10)
    stored = watched.pinpoint.endpoints.get("device-1")
    assert stored.attributes == {"a": ["x" * 100], "many": [str(n) for n in range(50)]}
    assert stored.metrics == {"n": 1.0}
    assert stored.user is not None
    assert stored.user.attributes == {"b": ["é" * 100]}
    assert stored.address == "a" * 300
    stats = watched.pinpoint.delivery.stats()
    assert (stats.truncated, stats.left_out) == (1, 3)


def test_after_close_events_are_dropped(watched: Watched) -> None:
    """A closed client counts what is recorded as dropped; the sum still holds."""
    pinpoint = watched.pinpoint
    pinpoint.close()
    pinpoint.events.record("device-1", "t")
    pinpoint.events.record("device-1", "t", endpoint=pk.Endpoint(user=pk.User(id="u")))
    pinpoint.events.record("device-1", "t", attributes={"a": object()})  # type: ignore[dict-item]
    pinpoint.auth.sign_in("device-1")
    pinpoint.purchases.record("device-1", product_id="p", price=1)
    with pinpoint.sessions.start("device-1"):
        pass
    with pytest.raises(errors.DeliveryError, match="closed"):
        pinpoint.events.submit("device-1", "t").result(0)
    stats = pinpoint.delivery.stats()
    assert (stats.recorded, stats.dropped, stats.reasons) == (8, 8, {"closed": 8})


def test_a_strict_client_raises_after_close() -> None:
    """strict=True raises ClosedError instead of dropping."""
    client = watch(strict=True)
    client.pinpoint.close()
    with pytest.raises(errors.ClosedError):
        client.pinpoint.events.record("device-1", "t")
    with pytest.raises(errors.ClosedError):
        client.pinpoint.events.submit("device-1", "t")


def test_a_naive_datetime_is_logged_once(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    """Local time that is taken for UTC would be hours wrong, so the first one is logged."""
    _warn_of_naive.cache_clear()
    naive = dt.datetime(2026, 10, 30, 12)  # noqa: DTZ001 -- the point
    for _ in range(3):
        watched.pinpoint.events.record("device-1", "t", timestamp=naive, attributes={"at": naive})
    (logged,) = [record.message for record in caplog.records if "UTC" in record.message]
    assert logged.startswith("a datetime without a time zone is taken for UTC")


def test_a_stop_whose_start_is_unknown_has_no_duration(watched: Watched) -> None:
    """The service wants a start always and a duration beside a stop: unknown stays unknown."""
    start, stop = "2026-10-30T12:00:00.000Z", "2026-10-30T12:01:00.000Z"
    for session in (
        pk.Session(id="s", stop_timestamp=stop),
        pk.Session(id="s", start_timestamp=stop, stop_timestamp=start),
        pk.Session(id="s", start_timestamp=start, stop_timestamp=stop),
    ):
        watched.pinpoint.events.record("device-1", "_session.stop", session=session)
    assert [event["Session"] for event in watched.events()] == [
        {"Id": "s", "StartTimestamp": stop},
        {"Id": "s", "StartTimestamp": stop},
        {"Id": "s", "StartTimestamp": start, "StopTimestamp": stop, "Duration": 60_000},
    ]
    assert watched.pinpoint.flush(10).accepted == 3


def test_submit_gives_the_answer(watched: Watched) -> None:
    """The future of an accepted event holds the service's answer, and cannot be cancelled."""
    future = watched.pinpoint.events.submit("device-1", "t")
    assert not future.cancel()
    assert future.result(10).is_accepted


def test_the_future_of_a_refused_event_says_why(watched: Watched) -> None:
    """A rejection is a value: status 400 with the reason and the place."""
    future = watched.pinpoint.events.submit("device-1", "t", attributes={"_currency": "x" * 201})
    result = future.result(0)
    assert (result.status_code, result.is_accepted) == (400, False)
    assert "$.attributes._currency" in result.message


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
    result = watched.pinpoint.events.put("device-1", "t", attributes={"_currency": "x" * 201})
    assert watched.bodies == []
    with pytest.raises(errors.BadRequest, match="201 characters"):
        result.raise_for_status()


def test_put_many_takes_any_number_and_answers_in_order(watched: Watched) -> None:
    """250 events go out in three requests, and the results stand in the order given."""
    events = [(f"e{n % 7}", pk.Event(type="t", id=str(n))) for n in range(250)]
    events[13] = ("e", pk.Event(type="t", id="13", attributes={"_currency": "x" * 201}))
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
    """Endpoint data goes with the event."""
    watched.pinpoint.auth.sign_up(
        "device-1",
        endpoint=pk.Endpoint(
            channel_type="EMAIL", address="a@example.com", user=pk.User(id="user-1")
        ),
    )
    watched.pinpoint.flush(10)
    assert watched.pinpoint.users.endpoints("user-1")[0].id == "device-1"


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

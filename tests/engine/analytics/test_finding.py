"""FindEvents and FindEndpoints: filters, orders, pages, a live tail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
import sqlalchemy
import sqlalchemy.event
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.engine import Engine
from tests.engine.conftest import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engine.conftest import Answer
    from tests.postgresql import Server


def find(wire: Wire, what: str = "events", query: str = "", **members: object) -> Answer:
    """Look for events or endpoints."""
    path = f"/pinpoint-kit/v1/apps/{wire.app}/{what}/find"
    return wire.send("POST", path, orjson.dumps(members), query)


def ids(answer: Answer) -> list[str]:
    """Return the event ids of a page."""
    assert answer.status == 200, answer.json
    return [item["EventId"] for item in answer.json["Item"]]


def record(wire: Wire, endpoint: str, event_id: str, when: str, **members: Any) -> None:
    """Store one event."""
    event = {"EventType": "open", "Timestamp": when, **members}
    data = members.pop("Endpoint", {})
    event.pop("Endpoint", None)
    wire.put_events({endpoint: {"Endpoint": data, "Events": {event_id: event}}})


@pytest.fixture
def three(wire: Wire) -> Wire:
    """Three events that arrive in another order than they happened."""
    endpoint = {"User": {"UserId": "u"}, "Demographic": {"Platform": "ios"}}
    record(wire, "D1", "b", "2026-01-02T00:00:00Z", Endpoint=endpoint, Attributes={"x": "1"})
    record(wire, "d2", "c", "2026-01-03T00:00:00Z", EventType="buy", Metrics={"n": 7})
    session = {"Id": "s", "StartTimestamp": "2026-01-01T00:00:00Z"}
    record(wire, "d1", "a", "2026-01-01T00:00:00Z", Session=session)
    return wire


def test_orders(three: Wire) -> None:
    """The newest first unless asked otherwise."""
    assert ids(find(three)) == ["c", "b", "a"]
    assert ids(find(three, Order="OLDEST")) == ["a", "b", "c"]
    assert ids(find(three, Order="ARRIVAL")) == ["b", "c", "a"]


@pytest.mark.sqlite_only("reads its query plans")
@pytest.mark.parametrize("order", ["NEWEST", "OLDEST"])
@pytest.mark.parametrize(
    "where",
    [
        {"session_id": "s"},
        {"session_id": ["s", "t"], "event_type": "open"},
        {"session_id": [f"s{n}" for n in range(90)], "event_type": "open"},
        {"endpoint_id": [f"d{n}" for n in range(90)], "event_type": ["open", "buy"]},
        {"endpoint_id": "d1"},
        {"endpoint_id": ["d1", "d2"]},
        {"user_id": "u"},
        {"user_id": ["u", "v"]},
    ],
)
def test_the_events_of_a_few_are_found_without_reading_all(
    three: Wire, where: dict[str, object], order: str
) -> None:
    """By an index of what is asked for, and never by the one of times; on later pages too."""
    asked: list[tuple[str, Any]] = []

    def note(_: object, __: object, sql: str, values: object, *___: object) -> None:
        asked.append((sql, values))

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        token = find(three, Where=where, Order=order, query="page-size=1").json.get("NextToken")
        find(three, Where=where, Order=order, query=f"page-size=1&token={token or '0-0'}")
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    questions = [(sql, values) for sql, values in asked if "ORDER BY" in sql]
    assert len(questions) == 2
    for sql, values in questions:
        with three.engine._context.store.read() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()
        (search,) = [step[3] for step in plan if step[3].startswith("SEARCH")]
        assert "events_by_time" not in search
        assert search.count("=?") == 2


def test_an_event_shows_all_that_is_stored(three: Wire) -> None:
    """In Pinpoint's words, with what it remembers of its endpoint."""
    (item,) = find(three, Where={"attributes": {"x": "1"}}).json["Item"]
    assert item.pop("ArrivalTimestamp").endswith("Z")
    assert item == {
        "EventId": "b",
        "EndpointId": "d1",
        "UserId": "u",
        "EventType": "open",
        "Timestamp": "2026-01-02T00:00:00.000Z",
        "Attributes": {"x": "1"},
        "Metrics": {},
        "Endpoint": {"Demographic": {"Platform": "ios"}},
    }


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"Where": {"event_type": "buy"}}, ["c"]),
        ({"Where": {"endpoint_id": "D1"}}, ["b", "a"]),
        ({"Where": {"endpoint_id": ["D2", "none"]}}, ["c"]),
        ({"Where": {"user_id": "u"}}, ["b", "a"]),
        ({"Where": {"session_id": "s"}}, ["a"]),
        ({"Where": {"platform": "ios"}}, ["b", "a"]),
        ({"Where": {"metrics": {"n": {"at_least": 7}}}}, ["c"]),
        ({"Since": "2026-01-02T00:00:00Z"}, ["c", "b"]),
        ({"Until": "2026-01-02T00:00:00Z"}, ["a"]),
        ({"Since": "2026-01-02", "Until": "2026-01-03"}, ["b"]),
        ({"Where": {"event_type": "'; DROP TABLE events"}}, []),
    ],
)
def test_filters(three: Wire, members: dict[str, Any], expected: list[str]) -> None:
    """All must hold; times include their beginning and exclude their end."""
    assert ids(find(three, **members)) == expected


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"Order": "random"}, "$.Order"),
        ({"Since": "x"}, "$.Since"),
        ({"Where": {"color": "red"}}, "$.Where"),
        ({"Where": {"endpoint_id": "a$b"}}, ""),
        ({"Type": "x"}, "$.Type"),
        ({"Where": []}, ""),
    ],
)
def test_what_makes_no_sense_is_refused(wire: Wire, members: dict[str, Any], place: str) -> None:
    """With the member that is wrong."""
    answer = find(wire, **members)
    assert answer.status == 400
    assert place in answer.message


def test_a_token_of_another_kind_is_refused(wire: Wire) -> None:
    """Only what an earlier answer gave is one."""
    assert find(wire, query="token=x").status == 400


def test_arrival_order_is_a_live_tail(three: Wire) -> None:
    """The last page has a token, too; asked again, it gives what has come since, once."""
    first = find(three, Order="ARRIVAL")
    again = find(three, Order="ARRIVAL", query=f"token={first.json['NextToken']}")
    assert ids(again) == []
    record(three, "d3", "late", "2020-01-01T00:00:00Z")
    tail = find(three, Order="ARRIVAL", query=f"token={again.json['NextToken']}")
    assert ids(tail) == ["late"]
    assert "NextToken" not in find(three).json


def test_an_empty_application_has_a_token_for_its_tail(wire: Wire) -> None:
    """So that a tail can begin before anything is there."""
    token = find(wire, Order="ARRIVAL").json["NextToken"]
    record(wire, "d", "e", "2020-01-01T00:00:00Z")
    assert ids(find(wire, Order="ARRIVAL", query=f"token={token}")) == ["e"]


times_of_events = st.lists(st.integers(0, 5), max_size=12)
sizes = st.integers(1, 5)
orders = st.sampled_from(["NEWEST", "OLDEST", "ARRIVAL"])


@settings(max_examples=25)
@given(times=times_of_events, size=sizes, order=orders)
def test_pages_have_each_event_once(shared: Wire, times: list[int], size: int, order: str) -> None:
    """Whatever their times are, also when many have the same."""
    check_pages(shared.engine, times, size, order)


@settings(max_examples=5)
@given(times=times_of_events, size=sizes, order=orders)
def test_pages_on_postgresql_have_each_event_once(
    on_postgresql: Engine, times: list[int], size: int, order: str
) -> None:
    """The same there, where arrivals are paged up to what has settled."""
    check_pages(on_postgresql, times, size, order)


@pytest.fixture(scope="module")
def on_postgresql(postgresql_server: Server) -> Iterator[Engine]:
    """Give an engine on PostgreSQL."""
    with postgresql_server.schema() as url, Engine.open(url) as engine:
        yield engine


def check_pages(engine: Engine, times: list[int], size: int, order: str) -> None:
    """Read all events of an application page by page."""
    wire = Wire(engine)
    for number, second in enumerate(times):
        record(wire, f"d{number % 3}", str(number), f"2026-01-01T00:00:0{second}Z")
    found: list[str] = []
    query = f"page-size={size}"
    while True:
        answer = find(wire, Order=order, query=query)
        page = ids(answer)
        found += page
        if len(page) < size:
            break
        query = f"page-size={size}&token={answer.json.get('NextToken', '')}"
        if "NextToken" not in answer.json:
            break
    numbered = list(enumerate(times))
    keys: dict[str, Callable[[tuple[int, int]], tuple[int, ...]]] = {
        "NEWEST": lambda entry: (-entry[1], -entry[0]),
        "OLDEST": lambda entry: (entry[1], entry[0]),
        "ARRIVAL": lambda entry: (entry[0],),
    }
    assert found == [str(number) for number, _ in sorted(numbered, key=keys[order])]


def test_what_was_erased_is_found_no_more(three: Wire) -> None:
    """Neither by its user nor by anything else."""
    three.post(f"/pinpoint-kit/v1/apps/{three.app}/erasures", {"UserId": "u"})
    assert ids(find(three)) == ["c"]


def endpoint_ids(answer: Answer) -> list[str]:
    """Return the ids of a page of endpoints."""
    assert answer.status == 200, answer.json
    return [item["Id"] for item in answer.json["Item"]]


def test_endpoints_by_address_user_channel_and_attributes(wire: Wire) -> None:
    """All conditions must hold; of several values one is enough."""
    wire.update("A", Address="a@example.com", ChannelType="EMAIL", Attributes={"plan": ["pro"]})
    wire.update("B", User={"UserId": "u", "UserAttributes": {"age": ["40"]}})
    wire.update("C", User={"UserId": "u"}, Attributes={"plan": ["free", "x"]})
    assert endpoint_ids(find(wire, "endpoints")) == ["A", "B", "C"]
    assert endpoint_ids(find(wire, "endpoints", Address="a@example.com")) == ["A"]
    assert endpoint_ids(find(wire, "endpoints", Address="A@example.com")) == []
    assert endpoint_ids(find(wire, "endpoints", UserId="u")) == ["B", "C"]
    assert endpoint_ids(find(wire, "endpoints", ChannelType="EMAIL")) == ["A"]
    plans = {"plan": ["pro", "free"]}
    assert endpoint_ids(find(wire, "endpoints", Attributes=plans)) == ["A", "C"]
    assert endpoint_ids(find(wire, "endpoints", Attributes=plans, UserId="u")) == ["C"]
    assert endpoint_ids(find(wire, "endpoints", UserAttributes={"age": "40"})) == ["B", "C"]


def test_pages_of_endpoints(wire: Wire) -> None:
    """In the order of creation."""
    for name in "abcde":
        wire.update(name)
    first = find(wire, "endpoints", "page-size=2")
    second = find(wire, "endpoints", f"page-size=2&token={first.json['NextToken']}")
    assert endpoint_ids(first) + endpoint_ids(second) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "members",
    [
        {"Address": 1},
        {"Attributes": []},
        {"Attributes": {"a": []}},
        {"Attributes": {"a": [1]}},
        {"Email": "a@b"},
        {"Attributes": {"a": ["x"] * 101}},
    ],
)
def test_unclear_look_ups_of_endpoints_are_refused(wire: Wire, members: dict[str, Any]) -> None:
    """As everything that is not understood."""
    assert find(wire, "endpoints", **members).status == 400

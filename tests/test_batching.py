"""Packing: the cases that have a name. Laws over any input stand in property/."""

from __future__ import annotations

import json

import attrs
import pytest

from pinpoint_kit.batching import (
    Batch,
    EndpointItem,
    EventItem,
    TooLarge,
    pack_endpoints,
    pack_events,
)
from pinpoint_kit.limits import DEFAULT_LIMITS


def event(endpoint_id: str, event_id: str, endpoint: bytes = b"", size: int = 0) -> EventItem:
    """Return an encoded event."""
    value = {"EventType": "t", **({"Attributes": {"pad": "x" * size}} if size else {})}
    fragment = json.dumps({event_id: value}, separators=(",", ":")).encode()[1:-1]
    return EventItem(endpoint_id, event_id, fragment, endpoint)


def test_a_body_is_the_plain_construction() -> None:
    """Bytes joined give what building the whole object would give."""
    items = [event("a", "1", b'{"Address":"x"}'), event("b", "2"), event("a", "3")]
    (batch,) = pack_events(items, DEFAULT_LIMITS)
    assert isinstance(batch, Batch)
    assert json.loads(batch.body) == {
        "BatchItem": {
            "a": {
                "Endpoint": {"Address": "x"},
                "Events": {"1": {"EventType": "t"}, "3": {"EventType": "t"}},
            },
            "b": {"Endpoint": {}, "Events": {"2": {"EventType": "t"}}},
        }
    }


def test_nothing_gives_no_request() -> None:
    """No item, no batch."""
    assert list(pack_events([], DEFAULT_LIMITS)) == []
    assert list(pack_endpoints([], DEFAULT_LIMITS)) == []


def test_a_hundred_and_one() -> None:
    """The 101st item starts a new request."""
    events = [event(f"e{n % 7}", str(n)) for n in range(101)]
    assert [len(b.items) for b in pack_events(events, DEFAULT_LIMITS) if isinstance(b, Batch)] == [
        100,
        1,
    ]
    endpoints = [EndpointItem(str(n), b"{}", n) for n in range(201)]
    sizes = [
        len(b.items) for b in pack_endpoints(endpoints, DEFAULT_LIMITS) if isinstance(b, Batch)
    ]
    assert sizes == [100, 100, 1]


def test_the_same_event_id_twice_goes_in_two_requests() -> None:
    """One JSON object cannot hold both, and the answer could not tell them apart."""
    packed = list(pack_events([event("a", "1"), event("a", "1")], DEFAULT_LIMITS))
    assert [len(batch.items) for batch in packed if isinstance(batch, Batch)] == [1, 1]


def test_other_endpoint_data_ends_a_batch() -> None:
    """Data for an endpoint that has other data already waits for the next request."""
    first, same, other = b'{"Address":"x"}', b'{"Address":"x"}', b'{"Address":"y"}'
    items = [event("a", "1", first), event("a", "2", same), event("a", "3"), event("a", "4", other)]
    bodies = [
        json.loads(b.body) for b in pack_events(items, DEFAULT_LIMITS) if isinstance(b, Batch)
    ]
    assert [body["BatchItem"]["a"]["Endpoint"] for body in bodies] == [
        {"Address": "x"},
        {"Address": "y"},
    ]


def test_endpoint_data_does_not_join_events_that_came_before_it() -> None:
    """They would be filed under it; what comes after the data joins it."""
    items = [event("a", "1"), event("a", "2", b'{"Address":"x"}'), event("a", "3")]
    bodies = [
        json.loads(b.body) for b in pack_events(items, DEFAULT_LIMITS) if isinstance(b, Batch)
    ]
    groups = [body["BatchItem"]["a"] for body in bodies]
    assert [(group["Endpoint"], [*group["Events"]]) for group in groups] == [
        ({}, ["1"]),
        ({"Address": "x"}, ["2", "3"]),
    ]


def test_a_conflict_holds_back_its_own_endpoint_only() -> None:
    """200 endpoints with two users each are 400 events in a few requests, not in 200."""
    one, two = b'{"User":{"UserId":"1"}}', b'{"User":{"UserId":"2"}}'
    items = [event(f"d{n}", f"{n}-{data!r}", data) for n in range(200) for data in (one, two)]
    sizes = [len(b.items) for b in pack_events(items, DEFAULT_LIMITS) if isinstance(b, Batch)]
    assert sum(sizes) == 400
    assert len(sizes) <= 6


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (attrs.evolve(DEFAULT_LIMITS, max_event_bytes=500), 500),
        (attrs.evolve(DEFAULT_LIMITS, max_event_request_bytes=500), 500),
        (attrs.evolve(DEFAULT_LIMITS, max_request_bytes=500), 500),
    ],
)
def test_an_event_that_never_fits_is_told_apart(limits: object, limit: int) -> None:
    """It is given back with its size and the limit, and the others go on."""
    items = [event("a", "1"), event("a", "2", size=600), event("a", "3")]
    packed = list(pack_events(items, limits))  # type: ignore[arg-type]  # evolve is untyped
    (big,) = [one for one in packed if isinstance(one, TooLarge)]
    assert (big.item, big.limit) == (items[1], limit)
    assert big.size > limit
    assert [i.event_id for b in packed if isinstance(b, Batch) for i in b.items] == ["1", "3"]


def test_an_endpoint_that_never_fits_is_told_apart() -> None:
    """Over 15 KB by itself, or over the request's limit."""
    items = [EndpointItem("a", b"x" * 15_001), EndpointItem("b", b"x" * 15_000)]
    big, batch = pack_endpoints(items, DEFAULT_LIMITS)
    assert isinstance(big, TooLarge)
    assert (big.size, big.limit) == (15_001, 15_000)
    assert isinstance(batch, Batch)
    tight = attrs.evolve(DEFAULT_LIMITS, max_request_bytes=100)
    (big,) = pack_endpoints([EndpointItem("a", b"x" * 99)], tight)
    assert isinstance(big, TooLarge)
    assert (big.size, big.limit) == (99 + len(b'{"Item":[]}'), 100)


def test_packing_is_lazy() -> None:
    """Items are read as requests are taken, never all at once."""
    read = 0

    def items() -> object:
        nonlocal read
        for n in range(1_000):
            read += 1
            yield EndpointItem(str(n), b"{}", n)

    next(iter(pack_endpoints(items(), DEFAULT_LIMITS)))  # type: ignore[arg-type]  # an iterator
    assert read == 101


def test_halves() -> None:
    """Two batches of half the items each, in order, with bodies of their own."""
    (batch,) = pack_events([event("a", str(n)) for n in range(5)], DEFAULT_LIMITS)
    assert isinstance(batch, Batch)
    first, second = batch.halves()
    assert [i.event_id for i in (*first.items, *second.items)] == list("01234")
    assert [len(json.loads(h.body)["BatchItem"]["a"]["Events"]) for h in (first, second)] == [2, 3]
    assert [len(part.items) for half in second.halves() for part in half.halves()] == [0, 1, 1, 1]

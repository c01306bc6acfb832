"""Laws of packing: no request over a limit, nothing lost or doubled, order kept per endpoint."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict

import attrs
import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.batching import (
    Batch,
    EndpointItem,
    EventItem,
    TooLarge,
    pack_endpoints,
    pack_events,
)
from pinpoint_kit.limits import DEFAULT_LIMITS, Limits
from pinpoint_kit.models import Endpoint, wire

IDS = st.sampled_from(["a", "A", "b", "\u00fc", '"\\', "\U0001f600", "\n", "device-1"])
DATA = st.sampled_from([b"", b"", b'{"Address":"x"}', b'{"Address":"\xc3\xbc"}', b"{}"])
LIMITS = st.builds(
    lambda count, size, event, whole: attrs.evolve(
        DEFAULT_LIMITS,
        max_events_per_request=count,
        max_endpoints_per_request=count,
        max_event_request_bytes=size,
        max_endpoint_request_bytes=size,
        max_event_bytes=event,
        max_endpoint_bytes=event,
        max_request_bytes=whole,
    ),
    st.integers(1, 8),
    st.integers(60, 600),
    st.integers(20, 300),
    st.integers(60, 600),
)


@st.composite
def event_items(draw: st.DrawFn) -> EventItem:
    """Events of any text."""
    event_id = draw(st.one_of(IDS, st.uuids().map(str)))
    text = draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=120))
    fragment = orjson.dumps({event_id: {"EventType": "t", "Attributes": {"k": text}}})[1:-1]
    return EventItem(draw(IDS), event_id, fragment, draw(DATA))


@given(st.lists(event_items(), max_size=40), LIMITS)
@settings(max_examples=150, deadline=None)
def test_events(items: list[EventItem], limits: Limits) -> None:
    """Every request keeps every limit by its real bytes; every event is in exactly one place."""
    packed = list(pack_events(items, limits))
    batches = [one for one in packed if isinstance(one, Batch)]
    too_large = [one for one in packed if isinstance(one, TooLarge)]
    most = min(limits.max_event_request_bytes, limits.max_request_bytes)

    seen = [item for batch in batches for item in batch.items] + [one.item for one in too_large]
    assert sorted(map(id, seen)) == sorted(map(id, items))
    in_order: dict[str, list[int]] = defaultdict(list)
    place = {id(item): n for n, item in enumerate(items)}
    for batch in batches:
        for item in batch.items:
            in_order[item.endpoint_id].append(place[id(item)])
    assert all(places == sorted(places) for places in in_order.values())

    for batch in batches:
        assert 1 <= len(batch.items) <= limits.max_events_per_request
        assert len(batch.body) <= most
        read = json.loads(batch.body)["BatchItem"]
        assert batch.body == orjson.dumps({"BatchItem": read})
        naive: dict[str, dict[str, dict[str, object]]] = {}
        for item in batch.items:
            group = naive.setdefault(item.endpoint_id, {"Endpoint": {}, "Events": {}})
            if item.endpoint:
                group["Endpoint"] = json.loads(item.endpoint)
            group["Events"].update(json.loads(b"{" + item.fragment + b"}"))
        assert read == naive
        assert sum(len(group["Events"]) for group in read.values()) == len(batch.items)

    for one in too_large:
        assert one.size > one.limit
        alone = next(
            iter(pack_events([one.item], DEFAULT_LIMITS))
        )  # under the service's own limits it would fit
        assert isinstance(alone, Batch)
        assert len(alone.body) == one.item.size
        assert one.item.size > most or len(one.item.fragment) > limits.max_event_bytes


@given(st.lists(event_items(), min_size=1, max_size=40), LIMITS)
@settings(max_examples=100, deadline=None)
def test_batches_are_as_full_as_they_may_be(items: list[EventItem], limits: Limits) -> None:
    """A batch ends only where the next event would break a limit or clash with one in it."""
    packed = list(pack_events(items, limits))
    if any(isinstance(one, TooLarge) for one in packed):
        return
    most = min(limits.max_event_request_bytes, limits.max_request_bytes)
    batches = [one for one in packed if isinstance(one, Batch)]
    for batch, following in itertools.pairwise(batches):
        joined = [*batch.items, following.items[0]]
        newcomer = following.items[0]
        there = [item for item in batch.items if item.endpoint_id == newcomer.endpoint_id]
        clash = any(item.event_id == newcomer.event_id for item in batch.items) or (
            there and newcomer.endpoint and there[0].endpoint != newcomer.endpoint
        )
        slack = 8  # commas and empty endpoint data are counted on the safe side
        assert (
            clash
            or len(joined) > limits.max_events_per_request
            or len(batch.build(joined)) + slack > most
        )


@given(st.lists(event_items(), min_size=2, max_size=20, unique_by=lambda item: item.event_id))
@settings(max_examples=50, deadline=None)
def test_halving_to_the_end(items: list[EventItem]) -> None:
    """Halving again and again gives every event by itself, in order, as it was."""
    single: list[EventItem] = []

    def halve(batch: Batch[EventItem]) -> None:
        if len(batch.items) == 1:
            assert json.loads(batch.body)["BatchItem"].keys() == {batch.items[0].endpoint_id}
            single.extend(batch.items)
            return
        for half in batch.halves():
            halve(half)

    packed = [one for one in pack_events(items, DEFAULT_LIMITS) if isinstance(one, Batch)]
    for batch in packed:
        halve(batch)
    assert list(map(id, single)) == [id(item) for batch in packed for item in batch.items]
    assert len(single) == len(items)


@st.composite
def endpoint_items(draw: st.DrawFn) -> EndpointItem:
    """Endpoints of any text."""
    endpoint_id = draw(IDS)
    text = draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
    body = wire.encode(wire.endpoint_request(Endpoint(address=text)))
    return EndpointItem(endpoint_id, wire.with_id(endpoint_id, body))


@given(st.lists(endpoint_items(), max_size=40), LIMITS)
@settings(max_examples=100, deadline=None)
def test_endpoints(items: list[EndpointItem], limits: Limits) -> None:
    """The same laws for UpdateEndpointsBatch, where order is kept over all items."""
    packed = list(pack_endpoints(items, limits))
    batches = [one for one in packed if isinstance(one, Batch)]
    most = min(limits.max_endpoint_request_bytes, limits.max_request_bytes)
    kept = [
        item
        for item in items
        if id(item) not in {id(t.item) for t in packed if isinstance(t, TooLarge)}
    ]
    assert [id(item) for batch in batches for item in batch.items] == list(map(id, kept))
    for batch in batches:
        assert 1 <= len(batch.items) <= limits.max_endpoints_per_request
        assert len(batch.body) <= most
        assert json.loads(batch.body) == {
            "Item": [json.loads(item.fragment) for item in batch.items]
        }
    for one in packed:
        if isinstance(one, TooLarge):
            assert one.size > one.limit

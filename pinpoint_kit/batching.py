"""Packs items that are already encoded into requests, by count and by bytes of the real JSON.

Pure: no clock, no client, no thread. An item is encoded once, when it is recorded; a request
body is those bytes joined, and nothing walks an item again. The order of items is kept, so the
order per endpoint is kept too.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs
import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pinpoint_kit.limits import Limits

__all__ = [
    "Batch",
    "EndpointItem",
    "EventItem",
    "TooLarge",
    "pack_endpoints",
    "pack_events",
]

_EVENTS_HEAD, _EVENTS_TAIL = b'{"BatchItem":{', b"}}"
_GROUP_HEAD, _GROUP_MIDDLE, _GROUP_TAIL = b':{"Endpoint":', b',"Events":{', b"}}"
_GROUP_NEXT = _GROUP_TAIL + b","
_GROUP_BYTES = len(_GROUP_HEAD) + len(_GROUP_MIDDLE) + len(_GROUP_TAIL) + 1
_ITEMS_HEAD, _ITEMS_TAIL = b'{"Item":[', b"]}"
_EMPTY_ENDPOINT = b"{}"
_ENDPOINT_OF = operator.attrgetter("endpoint")
_EVENT_ID_OF = operator.attrgetter("event_id")
_FRAGMENT_OF = operator.attrgetter("fragment")


@attrs.define(eq=False)
class EventItem:
    """One event, encoded: `fragment` is `"event id":{…}`, `endpoint` the endpoint data or b""."""

    endpoint_id: str
    event_id: str
    fragment: bytes
    endpoint: bytes = b""

    @property
    def size(self) -> int:
        """Bytes that it needs in a request of its own, braces of the request included."""
        key = len(_key(self.endpoint_id))
        endpoint = len(self.endpoint or _EMPTY_ENDPOINT)
        frame = len(_EVENTS_HEAD) + len(_EVENTS_TAIL) + _GROUP_BYTES - 1
        return frame + key + endpoint + len(self.fragment)


@attrs.define(eq=False)
class EndpointItem:
    """One endpoint update, encoded, with its place in what the caller gave."""

    endpoint_id: str
    fragment: bytes
    index: int = 0

    @property
    def size(self) -> int:
        """Bytes that it needs in a request of its own."""
        return len(_ITEMS_HEAD) + len(self.fragment) + len(_ITEMS_TAIL)


@functools.lru_cache(maxsize=4096)
def _key(endpoint_id: str) -> bytes:
    """Return the endpoint id as a JSON key; the busy ones are asked for again and again."""
    return orjson.dumps(endpoint_id)


E = TypeVar("E", bound=EventItem)
I = TypeVar("I")  # noqa: E741 -- any kind of item


@attrs.frozen(eq=False)
class Batch(Generic[I]):
    """Items that go out in one request."""

    items: Sequence[I]
    body: bytes
    build: Callable[[Sequence[I]], bytes] = attrs.field(repr=False)

    def halves(self) -> tuple[Batch[I], Batch[I]]:
        """Two batches of half the items each, for a request that was too large (413)."""
        middle = len(self.items) // 2
        first, second = self.items[:middle], self.items[middle:]
        return (
            Batch(first, self.build(first), self.build),
            Batch(second, self.build(second), self.build),
        )


@attrs.frozen(eq=False)
class TooLarge(Generic[I]):
    """An item that can never fit into any request, with its size and the limit, in bytes."""

    item: I
    size: int
    limit: int


def pack_events(items: Iterable[E], limits: Limits) -> Iterator[Batch[E] | TooLarge[E]]:
    """Pack events into PutEvents requests.

    A batch ends early where the same event id comes twice, or other endpoint
    data comes for an endpoint that has some in this batch already: one JSON object cannot hold
    both, and their order matters.
    """
    frame = len(_EVENTS_HEAD) + len(_EVENTS_TAIL)
    most_bytes = min(limits.max_event_request_bytes, limits.max_request_bytes)
    if isinstance(items, list):
        body = _body_at_once(items, limits)
        if 0 < len(body) <= most_bytes:
            yield Batch(items, body, events_body)
            return
    batch: list[E] = []
    size = frame
    endpoints: dict[str, bytes] = {}
    seen: set[str] = set()
    for item in items:
        alone = item.size
        if alone > most_bytes or len(item.fragment) > limits.max_event_bytes:
            yield _event_too_large(item, alone, most_bytes, limits)
            continue
        known = endpoints.get(item.endpoint_id)
        more = len(item.fragment) + 1 if known is not None else alone - frame + 1
        if known == b"" and item.endpoint:
            more += len(item.endpoint)
        conflict = item.event_id in seen or bool(known and item.endpoint and known != item.endpoint)
        if batch and (
            len(batch) >= limits.max_events_per_request or size + more > most_bytes or conflict
        ):
            yield Batch(batch, events_body(batch), events_body)
            batch, size, endpoints, seen = [], frame, {}, set()
            more = alone - frame + 1
        batch.append(item)
        size += more
        seen.add(item.event_id)
        endpoints[item.endpoint_id] = endpoints.get(item.endpoint_id) or item.endpoint
    if batch:
        yield Batch(batch, events_body(batch), events_body)


def _body_at_once(items: list[E], limits: Limits) -> bytes:
    """Return the body of all if one request may hold them, as nearly always; else b""."""
    count = len(items)
    if (
        0 < count <= limits.max_events_per_request
        and not any(map(_ENDPOINT_OF, items))
        and len(set(map(_EVENT_ID_OF, items))) == count
        and max(map(len, map(_FRAGMENT_OF, items))) <= limits.max_event_bytes
    ):
        return events_body(items)
    return b""


def _event_too_large(item: E, alone: int, most_bytes: int, limits: Limits) -> TooLarge[E]:
    if len(item.fragment) > limits.max_event_bytes:
        return TooLarge(item, len(item.fragment), limits.max_event_bytes)
    return TooLarge(item, alone, most_bytes)


def events_body(items: Sequence[EventItem]) -> bytes:
    """Return the body of one PutEvents request, events grouped by endpoint, bytes joined."""
    groups: dict[str, list[bytes]] = {}
    endpoints: dict[str, bytes] = {}
    for item in items:
        endpoint_id = item.endpoint_id
        if endpoint_id in groups:
            groups[endpoint_id].append(item.fragment)
        else:
            groups[endpoint_id] = [item.fragment]
        if item.endpoint:
            endpoints[endpoint_id] = item.endpoint
    parts = [_EVENTS_HEAD]
    for endpoint_id, fragments in groups.items():
        parts += (
            _key(endpoint_id),
            _GROUP_HEAD,
            endpoints.get(endpoint_id, _EMPTY_ENDPOINT),
            _GROUP_MIDDLE,
            b",".join(fragments),
            _GROUP_NEXT,
        )
    parts[-1] = _GROUP_TAIL + _EVENTS_TAIL
    return b"".join(parts)


def pack_endpoints(
    items: Iterable[EndpointItem], limits: Limits
) -> Iterator[Batch[EndpointItem] | TooLarge[EndpointItem]]:
    """Pack endpoint updates into UpdateEndpointsBatch requests."""
    frame = len(_ITEMS_HEAD) + len(_ITEMS_TAIL)
    most_bytes = min(limits.max_endpoint_request_bytes, limits.max_request_bytes)
    batch: list[EndpointItem] = []
    size = frame
    for item in items:
        if len(item.fragment) > limits.max_endpoint_bytes:
            yield TooLarge(item, len(item.fragment), limits.max_endpoint_bytes)
            continue
        if item.size > most_bytes:
            yield TooLarge(item, item.size, most_bytes)
            continue
        more = len(item.fragment) + 1
        if batch and (len(batch) >= limits.max_endpoints_per_request or size + more > most_bytes):
            yield Batch(batch, endpoints_body(batch), endpoints_body)
            batch, size = [], frame
        batch.append(item)
        size += more
    if batch:
        yield Batch(batch, endpoints_body(batch), endpoints_body)


def endpoints_body(items: Sequence[EndpointItem]) -> bytes:
    """Return the body of one UpdateEndpointsBatch request, bytes joined."""
    return _ITEMS_HEAD + b",".join([item.fragment for item in items]) + _ITEMS_TAIL

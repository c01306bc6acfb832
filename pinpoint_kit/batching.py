"""Packs items that are already encoded into requests, by count and by bytes of the real JSON.

Pure: no clock, no client, no thread. An item is encoded once, when it is recorded; a request
body is those bytes joined, and nothing walks an item again. The order of items is kept, so the
order per endpoint is kept too.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs
import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pinpoint_kit.limits import Limits

__all__ = [
    "Batch",
    "EndpointItem",
    "EndpointPacker",
    "EventItem",
    "EventPacker",
    "Fit",
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
        key = len(orjson.dumps(self.endpoint_id))
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


class Fit(enum.Enum):
    """What a packer says of one more item."""

    TAKEN = enum.auto()
    FULL = enum.auto()  # it belongs into a later request
    CONFLICT = enum.auto()  # so does it, and whatever comes after it at its endpoint
    TOO_LARGE = enum.auto()  # no request can hold it


class EventPacker:
    """Fills one PutEvents request, event by event.

    Events of one endpoint share a request only while their endpoint data does not conflict: one
    JSON object cannot hold two of them, and events that came before the data must not be filed
    under it. The same event id does not come twice in a request either.
    """

    def __init__(self, limits: Limits) -> None:
        self._most_events = limits.max_events_per_request
        self._most_event_bytes = limits.max_event_bytes
        self.most_bytes = min(limits.max_event_request_bytes, limits.max_request_bytes)
        #: The events that were taken, by endpoint.
        self.groups: dict[str, list[bytes]] = {}
        #: Their endpoint ids as JSON keys, in the same order.
        self._keys: list[bytes] = []
        self._endpoints: dict[str, bytes] = {}
        self._event_ids: set[str] = set()
        self._size = len(_EVENTS_HEAD) + len(_EVENTS_TAIL) - 1  # the last group has no comma

    def add(self, endpoint_id: str, event_id: str, fragment: bytes, endpoint: bytes = b"") -> Fit:
        """Take the event, or say why not."""
        length = len(fragment)
        if length > self._most_event_bytes:
            return Fit.TOO_LARGE
        groups = self.groups
        group = groups.get(endpoint_id)
        size = self._size + length + 1
        key = b""
        if group is None:
            key = orjson.dumps(endpoint_id)
            size += len(key) + _GROUP_BYTES + len(endpoint or _EMPTY_ENDPOINT) - 1
        elif endpoint and self._endpoints.get(endpoint_id) != endpoint:
            return Fit.CONFLICT
        event_ids = self._event_ids
        if event_id in event_ids:
            return Fit.CONFLICT
        if size > self.most_bytes or len(event_ids) >= self._most_events:
            return Fit.FULL if event_ids else Fit.TOO_LARGE
        self._size = size
        event_ids.add(event_id)
        if group is not None:
            group.append(fragment)
        else:
            groups[endpoint_id] = [fragment]
            self._keys.append(key)
            if endpoint:
                self._endpoints[endpoint_id] = endpoint
        return Fit.TAKEN

    @property
    def is_full(self) -> bool:
        """True when as many events were taken as a request may have."""
        return len(self._event_ids) >= self._most_events

    def body(self) -> bytes:
        """Return the body of the request, bytes joined."""
        return _joined(self._keys, self.groups, self._endpoints)


def pack_events(items: Iterable[E], limits: Limits) -> Iterator[Batch[E] | TooLarge[E]]:
    """Pack events into PutEvents requests.

    An event that conflicts with one before it (see `EventPacker`) goes into a later request, with
    all that come after it at its endpoint; the others do not wait for it. So the order of an
    endpoint's events is kept over the requests.
    """
    source = iter(items)
    held: list[E] = []
    while True:
        packer, batch = EventPacker(limits), list[E]()
        waiting, held = held, []
        blocked: set[str] = set()
        # What could not be taken is bounded, or each request would look at all that is left.
        while len(held) < limits.max_events_per_request and not packer.is_full:
            item = waiting.pop(0) if waiting else next(source, None)
            if item is None:
                break
            endpoint_id = item.endpoint_id
            fit = Fit.CONFLICT
            if endpoint_id not in blocked:
                fit = packer.add(endpoint_id, item.event_id, item.fragment, item.endpoint)
            if fit is Fit.TAKEN:
                batch.append(item)
            elif fit is Fit.TOO_LARGE:
                yield too_large_event(item, limits)
            else:
                held.append(item)
                blocked.add(endpoint_id)
                if fit is Fit.FULL:
                    break
        held += waiting
        if batch:
            yield Batch(batch, packer.body(), events_body)
        elif not held:
            return


def too_large_event(item: E, limits: Limits) -> TooLarge[E]:
    """Return the event that fits into no request, with the limit that it breaks."""
    if len(item.fragment) > limits.max_event_bytes:
        return TooLarge(item, len(item.fragment), limits.max_event_bytes)
    most_bytes = min(limits.max_event_request_bytes, limits.max_request_bytes)
    return TooLarge(item, item.size, most_bytes)


def events_body(items: Sequence[EventItem]) -> bytes:
    """Return the body of one PutEvents request for events that have been in one before."""
    groups: dict[str, list[bytes]] = {}
    endpoints: dict[str, bytes] = {}
    for item in items:
        groups.setdefault(item.endpoint_id, []).append(item.fragment)
        if item.endpoint:
            endpoints[item.endpoint_id] = item.endpoint
    return _joined(map(orjson.dumps, groups), groups, endpoints)


def _joined(
    keys: Iterable[bytes],
    groups: Mapping[str, Sequence[bytes]],
    endpoints: Mapping[str, bytes],
) -> bytes:
    parts = [_EVENTS_HEAD]
    for key, (endpoint_id, fragments) in zip(keys, groups.items(), strict=True):
        parts += (
            key,
            _GROUP_HEAD,
            endpoints.get(endpoint_id, _EMPTY_ENDPOINT) if endpoints else _EMPTY_ENDPOINT,
            _GROUP_MIDDLE,
            b",".join(fragments) if len(fragments) > 1 else fragments[0],
            _GROUP_NEXT,
        )
    parts[-1] = _GROUP_TAIL + _EVENTS_TAIL
    return b"".join(parts)


class EndpointPacker:
    """Fills one UpdateEndpointsBatch request; updates of one endpoint become one.

    Args:
        limits: the service's limits.
        merge: the JSON of two updates in one, or None where that cannot be.
    """

    def __init__(self, limits: Limits, merge: Callable[[bytes, bytes], bytes | None]) -> None:
        self._limits = limits
        self._merge = merge
        self._most_bytes = min(limits.max_endpoint_request_bytes, limits.max_request_bytes)
        #: What was taken, by endpoint.
        self.groups: dict[str, bytes] = {}
        self._size = len(_ITEMS_HEAD) + len(_ITEMS_TAIL) - 1  # the last one has no comma

    def add(self, endpoint_id: str, fragment: bytes) -> Fit:
        """Take the update, or say why not."""
        known = self.groups.get(endpoint_id)
        if known is not None:
            merged = self._merge(known, fragment)
            if merged is None or len(merged) > self._limits.max_endpoint_bytes:
                return Fit.CONFLICT
            fragment = merged
        elif len(fragment) > self._limits.max_endpoint_bytes:
            return Fit.TOO_LARGE
        size = self._size + len(fragment) + 1 - (0 if known is None else len(known) + 1)
        if size > self._most_bytes or (
            known is None and len(self.groups) >= self._limits.max_endpoints_per_request
        ):
            return Fit.FULL if self.groups else Fit.TOO_LARGE
        self._size = size
        self.groups[endpoint_id] = fragment
        return Fit.TAKEN

    @property
    def is_full(self) -> bool:
        """True when as many updates were taken as a request may have."""
        return len(self.groups) >= self._limits.max_endpoints_per_request

    def body(self) -> bytes:
        """Return the body of the request, bytes joined."""
        return _ITEMS_HEAD + b",".join(self.groups.values()) + _ITEMS_TAIL


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

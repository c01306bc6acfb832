"""Queued items on their way, and the batches in which they go out. No behaviour of delivery."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, TypeAlias

import attrs

from pinpoint_kit.batching import EventItem
from pinpoint_kit.delivery.pipeline.answers import Answer
from pinpoint_kit.models.event import EventResult

if TYPE_CHECKING:
    from typing_extensions import Self


__all__ = [
    "Batch",
    "Entry",
    "Group",
    "Item",
    "Loss",
    "Plain",
    "Queued",
    "Recorded",
    "Verdict",
    "weight_of",
]

#: An event that is nothing but its bytes: endpoint id, event id, fragment, and when it was
#: recorded (monotonic). Nearly all are, and a tuple of texts and numbers is no work for the
#: garbage collector, which would otherwise walk over everything that waits, again and again.
Plain: TypeAlias = tuple[str, str, bytes, float]


class Queued(tuple[str, str, bytes, float]):  # noqa: SLOT001 -- a tuple can have no other slots
    """Any other item: what `Plain` has, and more.

    Attributes:
        endpoint: the endpoint data that goes with an event, or b"".
        future: what is settled with the item.
        is_endpoint: it is an update of the endpoint itself, whose data is the fragment.
        is_rider: it was not recorded by itself, but comes from a rejected event, whose endpoint
            data it is; it is not counted.
        row: its row in the spool; 0 while it is in memory only.
        is_settled: its row may go, also when that is written only now.
    """

    endpoint: bytes
    future: Future[EventResult] | None
    is_endpoint: bool
    is_rider: bool
    row: int
    is_settled: bool

    def __new__(  # noqa: PLR0913 -- the parts of an item
        cls,
        endpoint_id: str,
        event_id: str,
        fragment: bytes,
        endpoint: bytes = b"",
        future: Future[EventResult] | None = None,
        *,
        at: float = 0.0,
        is_endpoint: bool = False,
        is_rider: bool = False,
        row: int = 0,
    ) -> Self:
        """Make one of its parts."""
        self = super().__new__(cls, (endpoint_id, event_id, fragment, at))
        self.endpoint = endpoint
        self.future = future
        self.is_endpoint = is_endpoint
        self.is_rider = is_rider
        self.row = row
        self.is_settled = False
        return self

    @property
    def weight(self) -> int:
        """Bytes that it takes of the room."""
        return len(self[2]) + len(self.endpoint)


Item: TypeAlias = "Plain | Queued"
#: An item with its number in the order of all that were queued.
Entry: TypeAlias = "tuple[Item, int]"


def weight_of(item: Item) -> int:
    """Bytes that an item takes of the room."""
    return len(item[2]) if type(item) is tuple else item.weight  # type: ignore[union-attr]  # mypy cannot tell a tuple by its type


@attrs.define(eq=False)
class Recorded(EventItem):
    """One item as it comes from those who record: encoded, as far as it could be."""

    future: Future[EventResult] | None = None
    #: True for an update of the endpoint itself, whose data is the fragment.
    is_endpoint: bool = False

    def queued(self, at: float) -> Queued:
        """Return the same as it waits, recorded at that time."""
        return Queued(
            self.endpoint_id,
            self.event_id,
            self.fragment,
            self.endpoint,
            self.future,
            at=at,
            is_endpoint=self.is_endpoint,
        )


@attrs.define(eq=False)
class Loss:
    """Items that end without being accepted, all for the same reason."""

    outcome: str
    reason: str
    message: str
    entries: Sequence[Entry]
    #: What a future of a rejected one says.
    status: int = 400


@attrs.define(eq=False)
class Verdict:
    """What becomes of items of a batch. Committed as a whole, or not at all."""

    accepted: Sequence[Entry] = ()
    losses: Sequence[Loss] = ()
    answer: Answer | None = None
    #: Endpoint ids whose data was refused while the events were settled, with the status.
    refused_endpoints: Sequence[tuple[str, int | None]] = ()
    #: Endpoint data of rejected events, which takes their place and goes out by itself.
    riders: Sequence[Entry] = ()
    #: The batch that it is about, if it is about one.
    batch: Batch | None = None
    is_committed: bool = False
    is_concluded: bool = False

    def numbers(self) -> set[int]:
        """Return the numbers of all items in it."""
        entries = [*self.accepted, *(entry for loss in self.losses for entry in loss.entries)]
        return {number for _, number in entries}


@attrs.define(eq=False)
class Batch:
    """Items that go out in one request, and what has become of them so far."""

    #: Those that are not settled.
    entries: Sequence[Entry]
    body: bytes
    #: Builds the body for some of them.
    build: Callable[[Sequence[Entry]], bytes]
    is_endpoints: bool
    #: The endpoints that nothing else may be sent for meanwhile.
    endpoint_ids: set[str]
    #: The thread that sends it: what it has left behind goes out again.
    thread: Thread
    #: Items in it that can never fit into a request.
    too_large: Sequence[Entry] = ()
    verdicts: list[Verdict] = attrs.field(factory=list)
    #: Those that have failed go out again at this time; at once unless given.
    again_at: float = 0.0
    #: The smallest number in it.
    first: int = 0
    is_tried: bool = False

    def halves(self, entries: Sequence[Entry]) -> list[tuple[Sequence[Entry], bytes]] | None:
        """Half of these entries each, with the bodies; None for what cannot be divided.

        Updates of one endpoint stand in the request as one.
        """
        groups: dict[str, list[Entry]] = {}
        if self.is_endpoints:
            for entry in entries:
                groups.setdefault(entry[0][0], []).append(entry)
            units = list(groups.values())
        else:
            units = [[entry] for entry in entries]
        middle = len(units) // 2
        if not middle:
            return None
        halves = [[e for unit in part for e in unit] for part in (units[:middle], units[middle:])]
        return [(half, self.build(half)) for half in halves]


@attrs.define(eq=False)
class Group:
    """Items that failed together, and go out again together."""

    at: float
    entries: Sequence[Entry]
    endpoint_ids: set[str] = attrs.field(init=False)
    #: The smallest number in it.
    first: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.endpoint_ids = {item[0] for item, _ in self.entries}
        self.first = min([number for _, number in self.entries])

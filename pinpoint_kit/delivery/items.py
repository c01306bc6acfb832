"""A recorded item on its way, and the lane in which an endpoint's items wait."""

from __future__ import annotations

from concurrent.futures import Future

import attrs

from pinpoint_kit.batching import EventItem
from pinpoint_kit.models.event import EventResult

__all__ = ["Lane", "Recorded"]


@attrs.define(eq=False)
class Recorded(EventItem):
    """One recorded item on its way, encoded already."""

    future: Future[EventResult] | None = None
    weight: int = 0
    recorded_at: float = 0.0
    epoch: int = 0
    tries: int = 0
    first_failure: float | None = None
    is_settled: bool = False
    #: True for an update of the endpoint itself, whose data is the fragment.
    is_endpoint: bool = False
    #: Records that were folded into this one.
    count: int = 1
    #: The place in the spool; 0 when it is not there.
    seq: int = 0
    #: The places of those that were folded into it.
    also: tuple[int, ...] = ()
    #: The one that waits behind it in its lane.
    behind: Recorded | None = None


@attrs.define(eq=False)
class Lane:
    """The items of one endpoint: a chain of those that wait, and how many are under way."""

    head: Recorded | None = None
    tail: Recorded | None = None
    under_way: int = 0

    def append(self, item: Recorded) -> None:
        """Put an item behind those that wait."""
        if self.tail is None:
            self.head = item
        else:
            self.tail.behind = item
        self.tail = item

    def pop_many(self, most: int) -> list[Recorded]:
        """Take up to that many items, those that wait longest first."""
        popped: list[Recorded] = []
        item = self.head
        while item is not None and len(popped) < most:
            popped.append(item)
            following, item.behind = item.behind, None
            item = following
        self.head = item
        if item is None:
            self.tail = None
        return popped

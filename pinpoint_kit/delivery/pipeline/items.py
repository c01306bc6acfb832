"""A recorded item on its way, and the lane in which an endpoint's items wait."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TypeAlias

import attrs

from pinpoint_kit.batching import EventItem
from pinpoint_kit.models.event import EventResult

__all__ = ["Lane", "Plain", "Recorded"]


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


#: A plain event that waits: what `Recorded` takes first, up to the epoch.
#: Nearly all are plain, and a tuple of texts and numbers is no work for the garbage collector,
#: which would otherwise walk over everything that waits, again and again.
Plain: TypeAlias = tuple[str, str, bytes, bytes, None, int, float, int]


@attrs.define(eq=False)
class Lane:
    """The items of one endpoint: those that wait, and how many are under way."""

    #: Those that wait, in their order, behind those in `front`.
    waiting: list[Plain | Recorded] = attrs.field(factory=list)
    #: The first ones when many wait, turned round: a list gives its end away cheaply.
    front: list[Plain | Recorded] | None = None
    under_way: int = 0

    @property
    def is_empty(self) -> bool:
        """True when nothing waits."""
        return not self.waiting and not self.front

    @property
    def oldest(self) -> float:
        """When the item that waits longest was recorded; there must be one."""
        item = self.front[-1] if self.front else self.waiting[0]
        return item.recorded_at if isinstance(item, Recorded) else item[6]

    @property
    def newest(self) -> Plain | Recorded | None:
        """The item that waits behind all others, if there is one."""
        if self.waiting:
            return self.waiting[-1]
        return self.front[0] if self.front else None

    def items(self) -> list[Recorded]:
        """Those that wait, in their order; plain ones as copies."""
        return _opened([*reversed(self.front or ()), *self.waiting])

    def pop_many(self, most: int) -> list[Recorded]:
        """Take up to that many items, those that wait longest first."""
        if self.front:
            popped = self.front[-most:][::-1]
            del self.front[-most:]
        elif len(self.waiting) <= most:
            popped, self.waiting, self.front = self.waiting, [], None
        else:
            self.front, self.waiting = self.waiting[::-1], []
            return self.pop_many(most)
        opened = _opened(popped)
        if len(opened) < most and self.waiting:
            opened += self.pop_many(most - len(opened))
        return opened


def _opened(items: list[Plain | Recorded]) -> list[Recorded]:
    return [Recorded(*item) if type(item) is tuple else item for item in items]  # type: ignore[misc]  # mypy cannot tell a tuple by its type

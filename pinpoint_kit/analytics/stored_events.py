"""Stored events: looked up by type, person, session, time and attributes; or as they arrive."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import iso
from pinpoint_kit.models.display.tables import ModelIterator, ModelList
from pinpoint_kit.models.scalars import moment
from pinpoint_kit.models.stored_event import StoredEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinpoint_kit.analytics.asking import Server
    from pinpoint_kit.models.scalars import Moment

__all__ = ["POLL_S", "EventTail", "StoredEvents"]

_PATH = ("events", "find")
#: Begins a tail behind all that is there.
_END = "end"
#: How long a tail waits before it asks again.
POLL_S = 1.0


class EventTail(Iterator[StoredEvent]):
    """Events as they arrive, for ever: going through it waits for the next one.

    Args:
        read: gives what has arrived behind a mark, and the mark behind that.
        after: where to begin, the `mark` of an earlier tail.
        sleep: waits before it asks again.
    """

    def __init__(
        self,
        read: Callable[[str], tuple[ModelList[StoredEvent], str]],
        *,
        after: str | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._read = read
        self._sleep = sleep
        self._after = _END if after is None else after
        self._waiting: deque[StoredEvent] = deque()

    def __repr__(self) -> str:
        return "<EventTail: go through it, or call arrived()>"

    def __next__(self) -> StoredEvent:
        while not self._waiting:
            self._waiting.extend(self._asked())
            if not self._waiting:
                self._sleep(POLL_S)
        return self._waiting.popleft()

    @property
    def mark(self) -> str | None:
        """Where a later tail begins (`after`), behind all that was read; None before that."""
        return None if self._after == _END else self._after

    def arrived(self) -> ModelList[StoredEvent]:
        """Read what has arrived since it was last asked, without waiting for more.

        Returns:
            The events, in the order of their arrival, at most 1,000; ask again for more.

        Raises:
            ConfigurationError: neither our engine nor our server answers.
            BadRequest: a filter is refused.
            ServiceError: the service refused for another reason.
            TransportError: no answer came; ask again, nothing is passed over.
        """
        if not self._waiting:
            return self._asked()
        found = ModelList(self._waiting, of=StoredEvent)
        self._waiting.clear()
        return found

    def _asked(self) -> ModelList[StoredEvent]:
        found, self._after = self._read(self._after)
        return found


class StoredEvents:
    """Looks stored events up, for `pinpoint.events`."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def find(
        self,
        where: Mapping[str, object],
        *,
        since: Moment | None,
        until: Moment | None,
        limit: int | None,
        is_newest_first: bool,
    ) -> ModelIterator[StoredEvent]:
        """Find events; see `Events.find`."""
        if limit is not None and limit < 0:
            raise ValidationError("must be 0 or more", "$.limit", "range")
        body = {
            "Where": {name: value for name, value in where.items() if value is not None},
            "Since": _instant(since, "$.since"),
            "Until": _instant(until, "$.until"),
            "Order": "NEWEST" if is_newest_first else "OLDEST",
        }
        given = {name: value for name, value in body.items() if value is not None}
        items = self._server.items("FindEvents", _PATH, body=given, limit=limit)
        return ModelIterator((wire.from_wire(StoredEvent, item) for item in items), of=StoredEvent)

    def tail(
        self,
        where: Mapping[str, object],
        *,
        after: str | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> EventTail:
        """Go through events as they arrive, for ever; see `Events.tail`."""
        given = {name: value for name, value in where.items() if value is not None}
        body = {"Where": given, "Order": "ARRIVAL"}

        def read(after: str) -> tuple[ModelList[StoredEvent], str]:
            query: dict[str, str | int | None] = {"page-size": 1_000, "token": after}
            page = self._server.call("FindEvents", _PATH, query=query, body=body)
            items = page.get("Item") or []
            found = ModelList((wire.from_wire(StoredEvent, item) for item in items), of=StoredEvent)
            return found, page.get("NextToken") or after

        return EventTail(read, after=after, sleep=sleep)


def _instant(value: Moment | None, path: str) -> str | None:
    return None if value is None else iso(moment(value, path))

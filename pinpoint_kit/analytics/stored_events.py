"""Stored events: looked up by type, person, session, time and attributes; or as they arrive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import iso
from pinpoint_kit.models.display.tables import ModelIterator
from pinpoint_kit.models.scalars import moment
from pinpoint_kit.models.stored_event import StoredEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pinpoint_kit.analytics.asking import Server
    from pinpoint_kit.models.scalars import Moment

__all__ = ["StoredEvents"]

_PATH = ("events", "find")
#: Begins a tail behind all that is there.
_END = "end"
#: How long a tail waits before it asks again.
_POLL_S = 1.0


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
        sleep: Callable[[float], object] = time.sleep,
    ) -> Iterator[StoredEvent]:
        """Go through events as they arrive, for ever; see `Events.tail`."""
        given = {name: value for name, value in where.items() if value is not None}
        body = {"Where": given, "Order": "ARRIVAL"}
        after = _END
        while True:
            query: dict[str, str | int | None] = {"page-size": 1_000, "token": after}
            page = self._server.call("FindEvents", _PATH, query=query, body=body)
            items = page.get("Item") or []
            yield from (wire.from_wire(StoredEvent, item) for item in items)
            after = page.get("NextToken") or after
            if not items:
                sleep(_POLL_S)


def _instant(value: Moment | None, path: str) -> str | None:
    return None if value is None else iso(moment(value, path))

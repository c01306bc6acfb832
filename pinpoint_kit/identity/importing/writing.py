"""Writes items to a client: all of a window at once where our engine or server answers.

Elsewhere the endpoints go first, then the events, by the operations that every Pinpoint has.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pinpoint_kit.errors import ConfigurationError, DeliveryError, NotFound
from pinpoint_kit.limits import DEFAULT_LIMITS
from pinpoint_kit.models.display.counting import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.identity.importing.pseudonyms import Item
    from pinpoint_kit.identity.importing.report import Tally
    from pinpoint_kit.models.endpoint import Endpoint
    from pinpoint_kit.models.event import Event
    from pinpoint_kit.models.scalars import Id

__all__ = ["Writer"]

_ACCEPTED = 202
_TRANSIENT = 429


class Writer:
    """The verbs of a Pinpoint client that an import needs.

    Args:
        pinpoint: the client.
        tally: where to count what is taken and refused.
    """

    def __init__(self, pinpoint: Pinpoint, tally: Tally) -> None:
        self._pinpoint = pinpoint
        self._tally = tally
        self._can_import = True

    def endpoints_of(self, user_id: str) -> Iterable[Endpoint]:
        """Return the endpoints of a user."""
        try:
            return self._pinpoint.users.endpoints(user_id)
        except NotFound:
            return ()

    def update(self, endpoint: Endpoint) -> None:
        """Write one endpoint."""
        self._pinpoint.endpoints.update(endpoint)

    def write(self, items: Sequence[Item], endpoints: Sequence[Endpoint | None]) -> set[str]:
        """Record events, each after its endpoint is written.

        Args:
            items: what happened.
            endpoints: what to write of the endpoint of each; None to leave it as it is.

        Returns:
            The ids of the endpoints that were refused; nothing of their items is recorded.

        Raises:
            DeliveryError: some events were not taken yet.
            ServiceError: the service refuses to go on.
            TransportError: no answer came.
        """
        if self._can_import:
            try:
                return self._imported(items, endpoints)
            except ConfigurationError:
                self._can_import = False
        written = {each.id or "": each for each in endpoints if each is not None}
        many = list(written.values())
        report = self._pinpoint.endpoints.update_many(many) if many else None
        refused = {many[each.index].id or "" for each in report.rejected} if report else set()
        self._put(item for item in items if item.endpoint_id not in refused)
        return refused

    def _imported(self, items: Sequence[Item], endpoints: Sequence[Endpoint | None]) -> set[str]:
        found = self._pinpoint.events.import_many(
            [
                (item.endpoint_id, endpoint, item.events)
                for item, endpoint in zip(items, endpoints, strict=True)
            ]
        )
        accepted = self._tally.events
        for item in items:
            for event in item.events:
                accepted[event.type] += 1
        crowded: set[str] = set()
        for refusal in found:
            item = items[refusal.index]
            if refusal.event_id is None:
                crowded.add(item.endpoint_id)
            types = [event.type for event in item.events if refusal.event_id in {None, event.id}]
            accepted.subtract(types)
            self._tally.refused += refusal.event_id is not None
        return crowded

    def _put(self, items: Iterable[Item]) -> None:
        """Record events, a request at a time, so that little is alive at once."""
        pairs: Iterator[tuple[Id, Event]] = (
            (item.endpoint_id, event) for item in items for event in item.events
        )
        while batch := list(islice(pairs, DEFAULT_LIMITS.max_events_per_request)):
            self._put_batch(batch)

    def _put_batch(self, pairs: list[tuple[Id, Event]]) -> None:
        late = 0
        for (_, event), result in zip(pairs, self._pinpoint.events.put_many(pairs), strict=True):
            if result.status_code == _ACCEPTED:
                self._tally.events[event.type] += 1
            elif result.status_code in {0, _TRANSIENT} or result.status_code >= 500:  # noqa: PLR2004 -- HTTP
                late += 1
            else:
                self._tally.refused += 1
        if late:
            raise DeliveryError(
                f"{late} of {counted(len(pairs), 'event')} not taken yet:"
                " import the same records again; what was taken is not recorded twice",
                "undelivered",
            )

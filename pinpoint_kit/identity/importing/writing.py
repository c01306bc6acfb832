"""Writes items to a client: all of a window at once where our engine or server answers.

Elsewhere the endpoints go first, then the events, by the operations that every Pinpoint has.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from pinpoint_kit.errors import ConfigurationError, DeliveryError, NotFound
from pinpoint_kit.identity.importing.devices import Devices
from pinpoint_kit.limits import DEFAULT_LIMITS
from pinpoint_kit.models.display.counting import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.identity.importing.pseudonyms import Item
    from pinpoint_kit.identity.importing.report import Tally
    from pinpoint_kit.models.endpoint import Endpoint
    from pinpoint_kit.models.event import Event
    from pinpoint_kit.models.scalars import Id

    #: Whether an item's endpoint is to be written.
    _IsDue: TypeAlias = Callable[[Item], bool]
    _Line: TypeAlias = tuple[Id, Endpoint | None, Sequence[Event]]

__all__ = ["Writer"]

_ACCEPTED = 202
_TRANSIENT = 429


class Writer:
    """Writes items, and makes room for the endpoints of users who have too many.

    Args:
        pinpoint: the client.
        is_own: whether an endpoint id is the importer's.
        tally: where to count what is taken and refused.
    """

    def __init__(self, pinpoint: Pinpoint, is_own: Callable[[str], bool], tally: Tally) -> None:
        self._pinpoint = pinpoint
        self._tally = tally
        self._devices = Devices(_Client(pinpoint), is_own, tally)
        #: Whether the server has ImportEvents; None while that is not known.
        self._imports: bool | None = None

    def write(self, items: Iterable[Item]) -> None:
        """Record what happened, each endpoint's data before its events.

        Args:
            items: as many as are written together; where possible, each is let go at once.

        Raises:
            DeliveryError: some events were not taken yet.
            ServiceError: the service refuses to go on.
            TransportError: no answer came.
        """
        due: dict[str, Item] = {}
        try:
            left = self._stored(items, self._devices.is_due, due)
            # The others come first: an endpoint that loses its user must have its events by then.
            by_endpoint: dict[str, list[Item]] = {}
            for item in left:
                by_endpoint.setdefault(item.endpoint_id, []).append(item)
            for endpoint_id, own in by_endpoint.items():
                self._devices.place(due[endpoint_id].device.endpoint(endpoint_id))
                self._stored(own, lambda _: False, {})
        except BaseException:
            self._devices.forget(due)  # any of them may not be written: it must be next time
            raise

    def _stored(self, items: Iterable[Item], is_due: _IsDue, due: dict[str, Item]) -> list[Item]:
        """Store items, but for those whose endpoint is refused: these are returned."""
        if self._imports is None:
            items = list(items)
            if not items:
                return []  # nobody is asked, so that nothing is known afterwards
        if self._imports is not False:
            try:
                left = self._imported(items, is_due, due)
            except ConfigurationError:
                if self._imports:
                    raise
                self._imports = False
            else:
                self._imports = True
                return left
        items = list(items)
        due.update((item.endpoint_id, item) for item in items if is_due(item))
        many = [item.device.endpoint(item.endpoint_id) for item in due.values()]
        report = self._pinpoint.endpoints.update_many(many) if many else None
        refused = {many[each.index].id for each in report.rejected} if report else set()
        self._put(item for item in items if item.endpoint_id not in refused)
        return [item for item in items if item.endpoint_id in refused]

    def _imported(self, items: Iterable[Item], is_due: _IsDue, due: dict[str, Item]) -> list[Item]:
        # Of an item only this is kept, and the item itself if its endpoint may be refused: what is
        # alive until the answer comes costs the garbage collector.
        ids: list[tuple[tuple[str | None, str], ...]] = []
        kept: dict[int, Item] = {}

        def lines() -> Iterator[_Line]:
            for item in items:
                endpoint_id, endpoint = item.endpoint_id, None
                if is_due(item):
                    due[endpoint_id] = item
                    endpoint = item.device.endpoint(endpoint_id)
                if endpoint_id in due:
                    kept[len(ids)] = item
                ids.append(tuple([(event.id, event.type) for event in item.events]))
                yield endpoint_id, endpoint, item.events

        refusals = self._pinpoint.events.import_many(lines())
        refused = {refusal.index for refusal in refusals if refusal.event_id is None}
        refused_events = {(refusal.index, refusal.event_id) for refusal in refusals}
        accepted = self._tally.events
        for index, events in enumerate(ids):
            if index in refused and index in kept:
                continue
            for event_id, event_type in events:
                if index in refused or (refused_events and (index, event_id) in refused_events):
                    self._tally.refused += 1
                else:
                    accepted[event_type] += 1
        return [kept[index] for index in sorted(refused) if index in kept]

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


class _Client:
    """The verbs of a Pinpoint client that endpoints need."""

    def __init__(self, pinpoint: Pinpoint) -> None:
        self._pinpoint = pinpoint

    def endpoints_of(self, user_id: str) -> Iterable[Endpoint]:
        """Return the endpoints of a user."""
        try:
            return self._pinpoint.users.endpoints(user_id)
        except NotFound:
            return ()

    def update(self, endpoint: Endpoint) -> None:
        """Write one endpoint."""
        self._pinpoint.endpoints.update(endpoint)

"""The endpoints of an import: written before their events, and at most as many as a user may have.

A user has at most 15 endpoints. The 16th device takes the place of the one that was used least
lately: that one keeps its events and loses its user. Only endpoints of the importer give way, told
by the beginning of their ids and looked up by their user, so that it works after a restart.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol, TypeAlias

import attrs

from pinpoint_kit.models.endpoint import Endpoint, EndpointStatus
from pinpoint_kit.models.user import User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pinpoint_kit.identity.importing.pseudonyms import Item
    from pinpoint_kit.identity.importing.report import Tally
    from pinpoint_kit.identity.reading.reading import Device

__all__ = ["Audience", "Devices"]

_REMEMBERED = 50_000
#: An endpoint that has not changed is written again at most so often, in seconds. Its stored date
#: of use only has to tell old from new; within a run the exact date is remembered.
_FRESH = 86_400.0
_LONG_AGO = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


class Audience(Protocol):
    """What it takes of a Pinpoint client: reading and writing endpoints."""

    def endpoints_of(self, user_id: str) -> Iterable[Endpoint]:
        """Return the endpoints of a user; none when there is no such user."""

    def update(self, endpoint: Endpoint) -> None:
        """Write one endpoint."""


#: A hash of what was written, when, and the last use, in seconds since 1970. A plain tuple of
#: numbers, which Python's garbage collector does not walk again and again, as it does for classes.
_Known: TypeAlias = tuple[int, float, float]


class Devices:
    """Writes the endpoints of items, each when it is new, changed, or long not written.

    Args:
        audience: where to.
        is_own: whether an endpoint id is the importer's.
        tally: where to count.
    """

    def __init__(self, audience: Audience, is_own: Callable[[str], bool], tally: Tally) -> None:
        self._audience = audience
        self._is_own = is_own
        self._tally = tally
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def is_due(self, item: Item) -> bool:
        """Return whether to write the endpoint of an item; it counts as written from then on.

        Record what happened at those that are not refused first, then `place` each of the others:
        an endpoint that loses its user for one of them must have its events by then.
        """
        endpoint_id, used = item.endpoint_id, item.device.used.timestamp()
        looks = _looks(item.device)
        known = self._known.get(endpoint_id)
        if known is not None:
            known_looks, written, last = known
            if used < written + _FRESH and (
                looks == known_looks or used < last or item.user_id is None
            ):
                if used > last:
                    self._known[endpoint_id] = known_looks, written, used
                return False
        self._known[endpoint_id] = looks, used, used
        self._known.move_to_end(endpoint_id)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return True

    def forget(self, endpoint_ids: Iterable[str]) -> None:
        """Write these endpoints again next time."""
        for endpoint_id in endpoint_ids:
            self._known.pop(endpoint_id, None)

    def place(self, endpoint: Endpoint) -> None:
        """Make room for an endpoint at its user, or write it without the user.

        Raises:
            ServiceError: the service refuses to go on.
            TransportError: no answer came.
        """
        endpoint_id = endpoint.id or ""
        try:
            if not self._is_placed(endpoint):
                self.forget([endpoint_id])  # to be tried again next time
        except BaseException:
            self.forget([endpoint_id])
            raise

    def _last_use(self, endpoint: Endpoint) -> tuple[float, str]:
        """Return what tells which endpoint was used least lately."""
        endpoint_id = endpoint.id or ""
        stored = (endpoint.effective_date or _LONG_AGO).timestamp()
        known = self._known.get(endpoint_id)
        return stored if known is None else max(stored, known[2]), endpoint_id

    def _is_placed(self, endpoint: Endpoint) -> bool:
        user_id = None if endpoint.user is None else endpoint.user.id
        if user_id is None:
            return False
        own = [
            other
            for other in self._audience.endpoints_of(user_id)
            if self._is_own(other.id or "") and other.id != endpoint.id
        ]
        oldest = min(own, key=self._last_use, default=None)
        if oldest is None or self._last_use(oldest)[0] >= self._last_use(endpoint)[0]:
            self._audience.update(attrs.evolve(endpoint, user=None))
            self._tally.unattached += 1
            return False
        self._audience.update(
            Endpoint(
                id=oldest.id,
                user=User(id=""),  # takes it from its user
                endpoint_status=EndpointStatus.INACTIVE,
                effective_date=oldest.effective_date,
            )
        )
        self._known.pop(oldest.id or "", None)
        self._audience.update(endpoint)
        self._tally.replaced_devices += 1
        return True


def _looks(device: Device) -> int:
    """Return a hash of what of an endpoint may change."""
    thing, place = device.demographic, device.location
    return hash(
        (
            device.user_id,
            None
            if thing is None
            else (thing.platform, thing.platform_version, thing.make, thing.model),
            None if place is None else (place.country, place.region, place.city),
        )
    )

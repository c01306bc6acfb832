"""Endpoint ids and, where an id is a person's name, user ids: keyed, so that nobody can guess back.

The same record gives the same ids as long as the key stays. Nothing here knows a client.
"""

from __future__ import annotations

import functools
import hmac
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.reading.reading import Device
from pinpoint_kit.identity.reading.rules import SIGN_IN_EVENT, SIGN_UP_EVENT
from pinpoint_kit.models.endpoint import Location
from pinpoint_kit.models.event import Event

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading

__all__ = ["Item", "Places", "Pseudonyms", "pseudonyms_of"]

Places: TypeAlias = Literal["none", "country", "region", "city"]

_SHORTEST_KEY = 16
_PLACES = ("none", "country", "region", "city")
_VERSION = "1"
_PERSONAL = frozenset({SIGN_IN_EVENT, SIGN_UP_EVENT})


@attrs.define
class Item:
    """What one reading records: events at one endpoint, and the endpoint's data.

    Args:
        endpoint_id: where.
        device: what is known of it, with the user if there is one.
        events: what happened.
    """

    endpoint_id: str
    device: Device = attrs.field(repr=False)
    events: tuple[Event, ...]

    @property
    def user_id(self) -> str | None:
        """The user who signed in or up."""
        return self.device.user_id


@attrs.frozen(kw_only=True)
class Pseudonyms:
    """Makes items of readings.

    Args:
        key: the secret.
        prefix: what endpoint ids begin with: it tells the importer's endpoints from others.
        tenant: the provider's tenant, where records do not name it.
        hash_users: give users keyed ids too. Ids that hold an address always get one.
        places: how much of a place to keep.
    """

    key: bytes = attrs.field(repr=False)
    prefix: str
    tenant: str = ""
    hash_users: bool = False
    places: Places = "country"
    #: Copied for each id, which takes half as long as to begin with the key.
    _begun: hmac.HMAC = attrs.field(init=False, repr=False, eq=False)

    @_begun.default
    def _begun_with_key(self) -> hmac.HMAC:
        return hmac.new(self.key, digestmod="sha256")

    def item(self, reading: Reading) -> Item:
        """Return what a reading with events records."""
        identity, device = reading.identity, reading.device
        if identity is None or device is None:  # only readings without events have none
            raise ValueError("a reading without events records nothing")
        tenant = identity.tenant or self.tenant
        role = "failures" if identity.is_failure else "device"
        digest = self._digest(role, identity.provider, tenant, identity.user, identity.place)
        user_id, place = device.user_id, self._place(device.location)
        is_theirs = bool(identity.user) and reading.events[0].type in _PERSONAL
        if is_theirs and (user_id is None or self.hash_users):
            user_id = self._digest("user", identity.provider, tenant, identity.user)
        return Item(
            f"{self.prefix}-{identity.provider}-{digest}",
            Device(
                provider=device.provider,
                used=device.used,
                client=device.client,
                demographic=device.demographic,
                location=place,
                user_id=user_id,
            ),
            reading.events,
        )

    def is_own(self, endpoint_id: str) -> bool:
        """Return whether an endpoint is the importer's."""
        return endpoint_id.lower().startswith(f"{self.prefix}-".lower())

    def _digest(self, *parts: str) -> str:
        message = "\0".join((_VERSION, *parts))
        if message.count("\0") != len(parts):  # a part has one of its own
            message = "\0".join((_VERSION, *[part.replace("\0", " ") for part in parts]))
        state = self._begun.copy()
        state.update(message.encode("utf-8", "replace"))
        return state.hexdigest()[:32]

    def _place(self, location: Location | None) -> Location | None:
        if location is None or self.places == "none":
            return None
        if self.places == "city":
            return location
        return _less(location.country, location.region if self.places == "region" else None)


@functools.lru_cache(maxsize=4_096)
def _less(country: str | None, region: str | None) -> Location | None:
    if country is None and region is None:
        return None
    return Location(country=country, region=region)


def pseudonyms_of(
    *, key: bytes | str, prefix: str, tenant: str, hash_users: bool, places: Places
) -> Pseudonyms:
    """Return what makes ids.

    Raises:
        ConfigurationError: the key is too short, or an option is wrong.
    """
    if not prefix or not prefix.replace("-", "").replace("_", "").isalnum() or not prefix.isascii():
        raise ConfigurationError(f"prefix {prefix!r} must be letters, digits, - and _")
    if places not in _PLACES:
        raise ConfigurationError(f"places is {places!r}: use {', '.join(_PLACES)}")
    return Pseudonyms(
        key=_key_of(key), prefix=prefix, tenant=tenant, hash_users=hash_users, places=places
    )


def _key_of(key: bytes | str) -> bytes:
    """Return the key as bytes.

    Raises:
        ConfigurationError: it is too short.
    """
    found = key.encode() if isinstance(key, str) else bytes(key)
    if len(found) < _SHORTEST_KEY:
        raise ConfigurationError(
            f"key has {len(found)} bytes, and at least {_SHORTEST_KEY} are needed: make one with"
            " `python -c 'import secrets; print(secrets.token_hex())'`, and keep it: other keys"
            " make other endpoints"
        )
    return found

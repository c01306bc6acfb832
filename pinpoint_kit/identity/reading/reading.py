"""What one record says: the value that every reader returns.

Nothing here knows a provider or a client.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from pinpoint_kit.models.endpoint import Demographic, Endpoint, Location, OptOut
from pinpoint_kit.models.event import Event
from pinpoint_kit.models.user import User

__all__ = ["Device", "Identity", "Outcome", "Reading", "Record"]

#: One JSON object of a provider.
Record: TypeAlias = Mapping[str, object]
Outcome: TypeAlias = Literal["events", "ignored", "unknown"]


@attrs.frozen
class Identity:
    """Who and where, as the provider names it: what endpoint ids are made from, with a key.

    Args:
        provider: the provider's name, for example `okta`.
        tenant: the provider's tenant, organization or user pool; "" without one.
        user: the provider's id of the person; "" when it names none.
        place: the device's id, or client and family of the user agent.
        is_failure: True for a failed attempt, which never shares an endpoint with its person.
    """

    provider: str
    tenant: str = attrs.field(default="", repr=False)
    user: str = attrs.field(default="", repr=False)
    place: str = attrs.field(default="", repr=False)
    is_failure: bool = False


@attrs.frozen(kw_only=True)
class Device:
    """What is known of the endpoint: few values, of which the endpoint is made when it is needed.

    Args:
        provider: the provider's name.
        client: the client's id at the provider.
        demographic: the device.
        location: where it is.
        user_id: the person who signed in or up there.
        used: when.
    """

    provider: str
    used: dt.datetime
    client: str | None = attrs.field(default=None, repr=False)
    demographic: Demographic | None = attrs.field(default=None, repr=False)
    location: Location | None = attrs.field(default=None, repr=False)
    user_id: str | None = attrs.field(default=None, repr=False)

    def endpoint(self, endpoint_id: str | None = None) -> Endpoint:
        """Return the endpoint: nobody can be reached there, so it is opted out."""
        attributes = {"provider": [self.provider]}
        if self.client is not None:
            attributes["client"] = [self.client]
        return Endpoint(
            id=endpoint_id,
            attributes=attributes,
            demographic=self.demographic,
            location=self.location,
            user=None if self.user_id is None else User(id=self.user_id),
            opt_out=OptOut.ALL,
            effective_date=self.used,
        )


@attrs.frozen(kw_only=True)
class Reading:
    """What one record says.

    Args:
        provider: the provider's name, for example `okta`.
        type: the provider's own word for what happened, for counting.
        outcome: `events`, `ignored` (the table leaves it out, or it lacks something), or
            `unknown` (the table does not know its type).
        reason: why it is ignored: a stable word such as `no_time`; "" otherwise.
        events: what is to be recorded, with ids that follow from the record.
        device: what is known of the endpoint; its user only when the person signed in or up.
        identity: what the endpoint id is made from.

    Examples:
        >>> from pinpoint_kit.identity import okta
        >>> okta.read({"eventType": "policy.evaluate_sign_on"}).reason
        'part_of_a_sign_in'
    """

    provider: str
    type: str = attrs.field(default="", repr=False)
    outcome: Outcome
    reason: str = ""
    events: tuple[Event, ...] = ()
    device: Device | None = attrs.field(default=None, repr=False)
    identity: Identity | None = attrs.field(default=None, repr=False)

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint's data, without an id; None for records without events."""
        return None if self.device is None else self.device.endpoint()

    @property
    def user_id(self) -> str | None:
        """The provider's id of the person who signed in or up; None for everything else."""
        return None if self.device is None else self.device.user_id

"""What one record says: the value that every reader returns.

Nothing here knows a provider or a client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from pinpoint_kit.models.endpoint import Endpoint
from pinpoint_kit.models.event import Event

__all__ = ["Identity", "Outcome", "Reading", "Record"]

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
class Reading:
    """What one record says.

    Args:
        provider: the provider's name, for example `okta`.
        type: the provider's own word for what happened, for counting.
        outcome: `events`, `ignored` (the table leaves it out, or it lacks something), or
            `unknown` (the table does not know its type).
        reason: why it is ignored: a stable word such as `no_time`; "" otherwise.
        events: what is to be recorded, with ids that follow from the record.
        endpoint: data of the endpoint, without an id; its user only when the person signed in or
            signed up.
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
    endpoint: Endpoint | None = attrs.field(default=None, repr=False)
    identity: Identity | None = attrs.field(default=None, repr=False)

    @property
    def user_id(self) -> str | None:
        """The provider's id of the person who signed in or up; None for everything else."""
        user = None if self.endpoint is None else self.endpoint.user
        return None if user is None else user.id

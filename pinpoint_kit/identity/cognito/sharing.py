"""User data sharing as Cognito did it: endpoints for a person's verified addresses.

Off unless it is asked for. Observed of the service: the endpoint of the app has OptOut ALL and no
address, and each verified address becomes an endpoint of its own with OptOut NONE.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from pinpoint_kit.models.endpoint import ChannelType, Endpoint, OptOut
from pinpoint_kit.models.user import User

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["generated_id", "shared_endpoints"]

_NAMESPACE = uuid.UUID("a0d6ee1b-3c0f-5a55-9f0e-0f4a7a1c7f51")
#: The attribute, the one that says whether it is verified, and the channel.
_ADDRESSES = (
    ("email", "email_verified", ChannelType.EMAIL),
    ("phone_number", "phone_number_verified", ChannelType.SMS),
)


def generated_id(*parts: str) -> str:
    """Return an endpoint id that is always the same for the same pool and person."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join(parts)))


def shared_endpoints(
    pool: str, user_id: str, attributes: Mapping[str, object]
) -> Iterator[Endpoint]:
    """Return an endpoint for each verified address of a person.

    Args:
        pool: the user pool's id, or another word for it.
        user_id: the person's `sub`.
        attributes: the claims of an id token, or the `userAttributes` of a trigger.
    """
    for name, verified, channel in _ADDRESSES:
        address = attributes.get(name)
        if not isinstance(address, str) or not address:
            continue
        if str(attributes.get(verified)).lower() != "true":
            continue
        yield Endpoint(
            id=generated_id(pool, user_id, channel.value),
            channel_type=channel,
            address=address,
            opt_out=OptOut.NONE,
            user=User(id=user_id),
        )

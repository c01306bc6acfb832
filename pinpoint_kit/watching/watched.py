"""The clients that can be watched: ordinary ones, and those for asyncio."""

from __future__ import annotations

from typing import TypeAlias

from pinpoint_kit.aio.client import AsyncPinpoint
from pinpoint_kit.client import Pinpoint
from pinpoint_kit.errors import InvalidTypeError

__all__ = ["Client", "ordinary"]

Client: TypeAlias = Pinpoint | AsyncPinpoint


def ordinary(pinpoint: Client) -> Pinpoint:
    """Return the ordinary client of a client.

    Raises:
        InvalidTypeError: it is none.
        ClosedError: it is not connected.
    """
    if isinstance(pinpoint, AsyncPinpoint):
        return pinpoint.sync
    if not isinstance(pinpoint, Pinpoint):
        raise InvalidTypeError(
            f"expected a client, got {type(pinpoint).__name__}: pass what connect() gives",
            "$.pinpoint",
        )
    return pinpoint

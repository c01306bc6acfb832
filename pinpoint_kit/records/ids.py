"""The id of an endpoint that has none in its file: the same each time, so that it is updated."""

from __future__ import annotations

import uuid

__all__ = ["derived_id"]

_NAMESPACE = uuid.UUID("6d1c6a7e-52a7-4b5c-9d0b-3f1e0c6b6f24")


def derived_id(channel_type: str, address: str) -> str:
    """Return the id that is made from what an endpoint is reached by.

    Examples:
        >>> derived_id("EMAIL", "ana@example.com")
        '15590fdf-4ea0-52be-887c-2117f81eee64'
    """
    return str(uuid.uuid5(_NAMESPACE, f"{channel_type}\n{address}"))

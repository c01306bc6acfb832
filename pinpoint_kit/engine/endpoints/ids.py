"""`check_id`: which endpoint ids there may be, and the form in which they are compared.

The key rule of endpoints: events, segments, imports and removal name endpoints by it, too.
"""

from __future__ import annotations

from pinpoint_kit.engine.wire.refusals import bad_request

__all__ = ["check_id"]

_FORBIDDEN = frozenset("${}")


def check_id(endpoint_id: str) -> str:
    """Return the endpoint id in the form in which ids are compared.

    Raises:
        ApiError: it is empty or contains `$`, `{`, `}` or U+0000.
    """
    if not endpoint_id:
        raise bad_request("An endpoint id must not be empty")
    if not _FORBIDDEN.isdisjoint(endpoint_id):
        raise bad_request("An endpoint id must not contain $, { or }")
    if "\0" in endpoint_id:
        raise bad_request("An endpoint id must not contain the character U+0000")
    return endpoint_id.lower()

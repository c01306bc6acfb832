"""Scopes: which application a request is about, and whether a key may do it.

The path alone decides, split before it is decoded, as the engine does. Whether the application
exists is not asked, so that no answer tells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from pinpoint_kit.server.access.denials import access_denied

if TYPE_CHECKING:
    from pinpoint_kit.server.access.credentials import Credential

__all__ = ["application_of", "check_scope"]

_READING = frozenset({"GET", "HEAD"})
_ARN = re.compile(r"arn:[^:]*:mobiletargeting:[^:]*:[^:]*:apps/([^/]+)(?:/.*)?", re.DOTALL)


def application_of(raw_path: str) -> str | None:
    """Returns the id of the application that a path is about, None when it is about none.

    Examples:
        >>> application_of("/v1/apps/0a1b/endpoints/x")
        '0a1b'
        >>> application_of("/v1/templates") is None
        True
    """
    try:
        segments = [unquote_to_bytes(part).decode() for part in raw_path.split("/")]
    except UnicodeError:
        return None
    if segments[:2] == ["", "pinpoint-kit"]:
        del segments[1]
    if segments[:3] == ["", "v1", "apps"] and len(segments) > 3:  # noqa: PLR2004 -- /v1/apps/ID
        return segments[3] or None
    if segments[:3] == ["", "v1", "tags"] and len(segments) == 4:  # noqa: PLR2004 -- /v1/tags/ARN
        arn = _ARN.fullmatch(segments[3])
        return arn[1] if arn else None
    return None


def check_scope(credential: Credential, method: str, raw_path: str) -> None:
    """Passes when the key may do this.

    Raises:
        Denied: it may not: the key only reads, or has no right to this application, or to what
            belongs to none.
    """
    if credential.is_read_only and method not in _READING:
        raise access_denied()
    if credential.applications is None:
        return
    application = application_of(raw_path)
    if application is None or application not in credential.applications:
        raise access_denied()

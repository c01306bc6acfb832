"""Scopes: which application a request is about, and whether a key may do it.

The path alone decides, as the engine has resolved it: nothing is split or decoded here again, so
that the two cannot differ. Whether the application exists is not asked, so that no answer tells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pinpoint_kit.server.access.denials import access_denied

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.engine.wire.routes import Match
    from pinpoint_kit.server.access.credentials import Credential

__all__ = ["application_of", "check_scope"]

_READING = frozenset({"GET", "HEAD"})
_ARN = re.compile(r"arn:[^:]*:mobiletargeting:[^:]*:[^:]*:apps/([^/]+)(?:/.*)?", re.DOTALL)


def application_of(segments: Sequence[str]) -> str | None:
    """Return the id of the application that a path is about, None when it is about none.

    Args:
        segments: the decoded parts of the path.

    Examples:
        >>> application_of(["v1", "apps", "0a1b", "endpoints", "x"])
        '0a1b'
        >>> application_of(["v1", "templates"]) is None
        True
    """
    parts = tuple(segments)
    match parts[1:] if parts[:1] == ("pinpoint-kit",) else parts:
        case ("v1", "apps", application, *_):
            return application or None
        case ("v1", "tags", resource):
            arn = _ARN.fullmatch(resource)
            return arn[1] if arn else None
    return None


def check_scope(credential: Credential, match: Match) -> None:
    """Pass when the key may do this.

    Raises:
        AccessDenied: it may not: the key only reads, or has no right to this application, or to
            what belongs to none.
    """
    if credential.is_read_only and match.method not in _READING:
        raise access_denied()
    if credential.applications is None:
        return
    application = application_of(match.segments)
    if application is None or application not in credential.applications:
        raise access_denied()

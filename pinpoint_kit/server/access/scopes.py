"""Scopes: which application a request is about, and whether a key may do it.

Method and path decide, as the engine has resolved them: nothing is split or decoded here again, so
that the two cannot differ. Only a question for a number is looked into, with the engine's own
parser: it must not be about one person. Whether the application exists is not asked, so that no
answer tells.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pinpoint_kit.engine.wire.body import parse_object
from pinpoint_kit.engine.wire.refusals import ApiError
from pinpoint_kit.server.access.denials import access_denied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pinpoint_kit.engine.wire.routes import Match
    from pinpoint_kit.server.access.credentials import Access, Credential

__all__ = ["application_of", "check_scope"]

_READING = frozenset({"GET", "HEAD"})
#: Extension operations that read, and take their question in a body.
_READS_BY_POST = frozenset(
    {"FindEndpoints", "FindEvents", "GetMetric", "ListMessages", "ListOptOuts", "PreviewTemplate"}
)
#: What a key for analytics may do beside GetMetric: answers that count people and name none.
#: Whatever is not here is refused, so that no later operation is open by an oversight.
_NUMBERS = frozenset({"GetApp", "GetApplicationDateRangeKpi", "GetApps", "ListFunnels"})
#: Metrics whose answer is the events of one person.
_PERSONAL_METRICS = frozenset({"timeline"})
#: Filters that say of whom; refused wherever they stand in a question.
_PERSONAL_FILTERS = frozenset({"endpoint_id", "session_id", "user_id"})
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


def check_scope(credential: Credential, match: Match, body: bytes) -> None:
    """Pass when the key may do this.

    Raises:
        AccessDenied: it may not: the key only reads, or only sees numbers, or has no right to
            this application, or to what belongs to none.
    """
    if not _allows(credential.access, match, body):
        raise access_denied()
    if credential.applications is None:
        return
    application = application_of(match.segments)
    if application is None or application not in credential.applications:
        raise access_denied()


def _allows(access: Access, match: Match, body: bytes) -> bool:
    if access == "read-write":
        return True
    if access == "read-only":
        return match.method in _READING or match.operation in _READS_BY_POST
    if match.operation == "GetMetric":
        return match.values[-1] not in _PERSONAL_METRICS and not _names_somebody(body)
    return match.operation in _NUMBERS


def _names_somebody(body: bytes) -> bool:
    """Whether a question filters by an id: its number would be about one person."""
    try:
        question = parse_object(body) if body.strip() else {}
    except ApiError:
        return False  # the engine refuses it with the reason
    return any(name in _PERSONAL_FILTERS for name in _names(question))


def _names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from _names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _names(inner)

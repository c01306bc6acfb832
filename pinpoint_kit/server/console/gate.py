"""`Gate`: who may come in, and what a browser is told to keep away from.

Without access keys, a one-time token in the URL begins a session, and the console answers as this
machine only: a page that has its own name point here (DNS rebinding) is refused by its `Host`. With
access keys, one of them logs in. Cookies are SameSite=Strict, and a form must come from a page of
this server and bring its session's own token.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from pinpoint_kit.server.access.local_only import is_loopback
from pinpoint_kit.server.console.sessions import LASTS_S
from pinpoint_kit.server.console.source import Visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from pinpoint_kit.server.console.sessions import Sessions
    from pinpoint_kit.server.console.source import Access, Keys

__all__ = ["HEADERS", "Gate", "form_of"]

#: Of every answer. Nothing is loaded from elsewhere, and no script or style stands in a page.
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 100
#: Browsers send a host's cookies to all of its ports; each console has one of its own.
_COOKIE = "pinpoint_kit_console"


class Gate:
    """Asked for every request of the console.

    Args:
        sessions: who is logged in.
        keys: the access keys that open the console; None: a one-time token does.
        prefix: the path of the console, which is the cookie's.
        access: what those may see who come in without a key.
    """

    def __init__(
        self, sessions: Sessions, keys: Keys | None, prefix: str, access: Access = "read-write"
    ) -> None:
        self._access = access
        self._sessions = sessions
        self._keys = keys
        self._prefix = prefix

    @property
    def wants_key(self) -> bool:
        """Whether people log in with an access key."""
        return self._keys is not None

    def is_misdirected(self, request: Request) -> bool:
        """Whether a request names another machine than this one, where only this one may."""
        return self._keys is None and not is_loopback(_host(request))

    def visitor(self, request: Request) -> Visitor | None:
        """Return who asks; None when nobody is logged in."""
        session = self._sessions.find(request.cookies.get(_cookie(request), ""))
        if session is None:
            return None
        if self._keys is None:
            if session.access_key_id:
                return None
            return Visitor("", self._access, None, session.csrf)
        key = self._keys.find(session.access_key_id)
        if key is None or not session.began_with(key.secret_access_key):
            return None
        return Visitor(key.access_key_id, key.access, key.applications, session.csrf)

    def is_genuine(self, request: Request, visitor: Visitor | None, csrf: str) -> bool:
        """Whether a form comes from a page of ours.

        Args:
            request: the request; browsers say with each form where it comes from.
            visitor: who sends it; None for the log-in, which has no session yet.
            csrf: the token that the form brought.
        """
        origin = request.headers.get("origin", "")
        site = request.headers.get("sec-fetch-site", "same-origin")
        if site != "same-origin" or urlsplit(origin).netloc != request.headers.get("host"):
            return False
        return visitor is None or hmac.compare_digest(
            visitor.csrf.encode(), csrf.encode("utf-8", "surrogatepass")
        )

    def is_in_clear(self, request: Request) -> bool:
        """Whether a secret that is typed in would go over a network unencrypted."""
        return not (_is_encrypted(request) or is_loopback(_host(request)))

    def enter_by_token(self, token: str, response: Response, request: Request) -> bool:
        """Begin a session with a one-time token; return whether it was good."""
        if self._keys is not None or not self._sessions.use_token(token):
            return False
        self._begin(self._sessions.begin(""), response, request)
        return True

    def enter_by_key(
        self, access_key_id: str, secret: str, response: Response, request: Request
    ) -> bool:
        """Begin a session with an access key; return whether it was right."""
        found = None if self._keys is None else self._keys.log_in(access_key_id, secret)
        if found is None:
            return False
        held = self._sessions.begin(found.access_key_id, found.secret_access_key)
        self._begin(held, response, request)
        return True

    def leave(self, request: Request, response: Response) -> None:
        """End the session of a browser."""
        self._sessions.end(request.cookies.get(_cookie(request), ""))
        response.delete_cookie(
            _cookie(request), path=self._prefix, httponly=True, samesite="strict"
        )

    def leave_everywhere(self, visitor: Visitor, request: Request, response: Response) -> None:
        """End every session of somebody, in this browser and all others."""
        self._sessions.end_all(visitor.access_key_id)
        self.leave(request, response)

    def _begin(self, held: str, response: Response, request: Request) -> None:
        self._sessions.end(request.cookies.get(_cookie(request), ""))
        response.set_cookie(
            _cookie(request),
            held,
            max_age=int(LASTS_S),
            path=self._prefix,
            secure=_is_encrypted(request),
            httponly=True,
            samesite="strict",
        )


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form; none when it is in a form that pages of ours do not send."""
    if request.headers.get("content-type", "").partition(";")[0] != _FORM:
        return {}
    try:
        return dict(
            parse_qsl(
                (await request.body()).decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS
            )
        )
    except ValueError:
        return {}


def _cookie(request: Request) -> str:
    try:
        port = urlsplit(f"//{request.headers.get('host', '')}").port
    except ValueError:
        port = None
    return _COOKIE if port is None else f"{_COOKIE}_{port}"


def _host(request: Request) -> str:
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _is_encrypted(request: Request) -> bool:
    # Whoever makes this header up only closes a door to themselves.
    return "https" in {request.url.scheme, request.headers.get("x-forwarded-proto")}

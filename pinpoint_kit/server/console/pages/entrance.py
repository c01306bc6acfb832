"""The way in and out: a one-time token, an access key, and the end of a session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import anyio.to_thread
from starlette.responses import RedirectResponse, Response

from pinpoint_kit.server.console import problems
from pinpoint_kit.server.console.gate import form_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from pinpoint_kit.server.console.gate import Gate
    from pinpoint_kit.server.console.rendering import Pages
    from pinpoint_kit.server.console.visit import Visit

__all__ = ["Entrance"]

_HOME = "/console/"
#: Where a log-in may lead on to: a page of the console, and nowhere else.
_NEXT = re.compile(r"/console/[A-Za-z0-9/_.~?&=%+:;,-]*")
_LONGEST_SECRET = 1_000


class Entrance:
    """Lets people in.

    Args:
        gate: who may come in.
        pages: what makes HTML.
    """

    def __init__(self, gate: Gate, pages: Pages) -> None:
        self._gate = gate
        self._pages = pages

    def ask(self, request: Request) -> Response:
        """Answer somebody who is not logged in: with a token's session, or the way to one."""
        site = request.headers.get("sec-fetch-site", "")
        token = request.query_params.get("token")
        if token and request.method == "GET":
            response = self.by_token(request)
            if response is not None:
                return response
        elif request.method == "GET" and site in {"cross-site", "same-site"}:
            # A link in a mail brings no cookie; a page of ours that leads on does.
            return self._pages.page("onwards.html", title="One moment", onwards=_next_of(request))
        if not self._gate.wants_key:
            return self._pages.page("token.html", 401, title="A link opens this", used=bool(token))
        if request.method != "GET":
            return RedirectResponse(f"{_HOME}log-in", 303)
        return self._form(request, _next_of(request), "", 401)

    def by_token(self, request: Request) -> Response | None:
        """Begin a session with the token of a URL, and lead away from it; None when it is none."""
        token = request.query_params.get("token")
        if not token or request.method != "GET":
            return None
        response = RedirectResponse(_HOME, 303)
        return response if self._gate.enter_by_token(token, response, request) else None

    async def log_in(self, request: Request) -> Response:
        """Show the form for an access key, or begin a session with what it has brought."""
        if not self._gate.wants_key:
            return RedirectResponse(_HOME, 303)
        if request.method == "GET":
            return self._form(request, _HOME, "", 200)
        form = await form_of(request)
        if not self._gate.is_genuine(request, None, ""):
            return self._pages.problem(403, *problems.NOT_GENUINE)
        given = {name: form.get(name, "")[:_LONGEST_SECRET] for name in ("key", "secret")}
        to = _checked(form.get("to", ""))
        if self._gate.is_in_clear(request):
            return self._form(request, to, "", 403)
        response: Response = RedirectResponse(to, 303)
        is_in = await anyio.to_thread.run_sync(
            lambda: self._gate.enter_by_key(
                given["key"].strip(), given["secret"].strip(), response, request
            )
        )
        if not is_in:
            return self._form(request, to, given["key"], 403)
        return response

    async def log_out(self, visit: Visit) -> Response:
        """End the session; all of the same key when the form says so."""
        everywhere = visit.field("everywhere") == "yes"
        response = self._pages.page("left.html", title="Logged out", everywhere=everywhere)
        if everywhere:
            self._gate.leave_everywhere(visit.visitor, visit.request, response)
        else:
            self._gate.leave(visit.request, response)
        return response

    def _form(self, request: Request, to: str, key: str, status: int) -> Response:
        return self._pages.page(
            "log_in.html",
            status,
            title="Log in",
            to=to,
            key=key,
            is_in_clear=self._gate.is_in_clear(request),
            is_wrong=status == 403,  # noqa: PLR2004 -- HTTP
        )


def _next_of(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return _checked(f"{request.url.path}{query}")


def _checked(to: str) -> str:
    return to if _NEXT.fullmatch(to) and "/log-" not in to and "//" not in to else _HOME

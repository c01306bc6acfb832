"""`Console`: the ASGI app of the console: its routes, who may use them, and what goes wrong.

Pages stand in `pages/`; every one of them is called here, so that nothing is shown to a stranger,
and every problem becomes a page that says what to do next.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import anyio
import anyio.to_thread
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from pinpoint_kit.server.console import problems
from pinpoint_kit.server.console.answers import Answers
from pinpoint_kit.server.console.gate import HEADERS, Gate, form_of
from pinpoint_kit.server.console.pages import (
    audience,
    campaigns,
    funnels,
    messages,
    numbers,
    opt_outs,
    people,
)
from pinpoint_kit.server.console.pages.entrance import Entrance
from pinpoint_kit.server.console.rendering import Pages
from pinpoint_kit.server.console.visit import Visit

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping, Sequence
    from typing import Any

    from pinpoint_kit.models.application import Application
    from pinpoint_kit.server.console.sessions import Sessions
    from pinpoint_kit.server.console.source import Keys, Source, Visitor

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

__all__ = ["PREFIX", "Console"]

#: Where the console is, below its server.
PREFIX = "/console/"
#: The largest form.
MAX_BODY_BYTES = 65_536
#: How long the name of an application is remembered, in seconds.
_NAME_KEPT_S = 60.0

Page: TypeAlias = Callable[[Visit], Awaitable[Response]]
R = TypeVar("R")


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


class Console:
    """The console, for one event loop. It is an ASGI app that gets whole paths.

    Args:
        source: what is read from; it stays the caller's.
        sessions: who is logged in.
        keys: the access keys that open it; None: one-time tokens of `sessions` do, and it answers
            as this machine only.
        now: returns the time, aware.
    """

    def __init__(
        self,
        source: Source,
        sessions: Sessions,
        *,
        keys: Keys | None = None,
        now: Callable[[], dt.datetime] = _utc_now,
    ) -> None:
        self._source = source
        self._gate = Gate(sessions, keys, PREFIX, source.access)
        self._pages = Pages(PREFIX, source.place)
        self._now = now
        self._answers = Answers()
        entrance = Entrance(self._gate, self._pages)
        self._entrance = entrance
        self._app = Starlette(
            routes=[
                Route(PREFIX.rstrip("/"), _to_home, methods=["GET"]),
                Route(f"{PREFIX}static/{{name}}", self._pages.static, methods=["GET"]),
                Route(f"{PREFIX}log-in", entrance.log_in, methods=["GET", "POST"]),
                Route(f"{PREFIX}log-out", self._guarded(entrance.log_out), methods=["POST"]),
                Route(PREFIX, self._guarded(self._applications), methods=["GET"]),
                *self._routes(),
            ],
            exception_handlers={404: self._not_found, 405: self._not_found},
        )
        # A redirect would name the host that the request has named.
        self._app.router.redirect_slashes = False

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                known = {name for name, _ in message["headers"]}
                added = {"Cache-Control": "no-store", **HEADERS}
                pairs = ((n.lower().encode(), value.encode()) for n, value in added.items())
                message["headers"] += [pair for pair in pairs if pair[0] not in known]
            await send(message)

        if scope["type"] != "http":
            raise RuntimeError(f"there is no {scope['type']} here: this is an HTTP application")
        if _is_too_long(scope):
            refused = self._pages.problem(413, *problems.TOO_LONG)
            await refused(scope, receive, sent)
            return
        if self._gate.is_misdirected(Request(scope)):
            refused = self._pages.problem(403, *problems.NOT_HERE)
            await refused(scope, receive, sent)
            return
        await self._app(scope, receive, sent)

    def _routes(self) -> list[Route]:
        base = f"{PREFIX}apps/{{application}}"
        pages: list[tuple[str, str, Page]] = [
            *numbers.ROUTES,
            *funnels.ROUTES,
            *audience.ROUTES,
            *campaigns.ROUTES,
            *messages.ROUTES,
            *opt_outs.ROUTES,
            *people.ROUTES,
        ]
        return [
            Route(base + path, self._guarded(page), methods=[method])
            for method, path, page in pages
        ]

    def _guarded(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """Return an endpoint that only who is logged in reaches."""

        async def endpoint(request: Request) -> Response:
            visitor = await anyio.to_thread.run_sync(self._gate.visitor, request)
            if visitor is None:
                return self._entrance.ask(request)
            if (entered := self._entrance.by_token(request)) is not None:
                return entered  # a link leaves no token that is good, in whose browser it may be
            form: dict[str, str] = {}
            if request.method == "POST":
                form = await form_of(request)
                if not self._gate.is_genuine(request, visitor, form.get("csrf", "")):
                    return self._pages.problem(403, *problems.NOT_GENUINE, visitor=visitor)
            visit = None
            try:
                visit = await self._visit(request, visitor, form)
                return await page(visit)
            except Exception as error:  # noqa: BLE001 -- a request must always get an answer
                return self._failed(error, visitor, {} if visit is None else visit.context({}))

        return endpoint

    async def _visit(self, request: Request, visitor: Visitor, form: dict[str, str]) -> Visit:
        application_id = request.path_params.get("application", "")
        pinpoint, name = None, ""
        if application_id:
            opened = await anyio.to_thread.run_sync(self._source.open, visitor, application_id)
            pinpoint = opened
            name = await self._answers.get(
                ("name", application_id, visitor.scope),
                lambda: opened.call("GetApp")["ApplicationResponse"]["Name"],
                kept_s=_NAME_KEPT_S,
                is_short=True,
            )
        return Visit(
            request=request,
            visitor=visitor,
            form=form,
            now=self._now(),
            pages=self._pages,
            answers=self._answers,
            application_id=application_id,
            application_name=name,
            opened=pinpoint,
        )

    async def _applications(self, visit: Visit) -> Response:
        found: Sequence[Application] = await visit.run(
            lambda: self._source.applications(visit.visitor)
        )
        return visit.page("applications.html", applications=found, title="Applications")

    def _failed(
        self, error: Exception, visitor: Visitor, context: Mapping[str, object]
    ) -> Response:
        problems.log(error)
        status, title, advice = problems.of(error, visitor)
        return self._pages.problem(status, title, advice, **{"visitor": visitor, **context})

    async def _not_found(self, request: Request, _: Exception) -> Response:
        visitor = await anyio.to_thread.run_sync(self._gate.visitor, request)
        if visitor is None:
            return self._entrance.ask(request)
        return self._failed(problems.NoPageError(), visitor, {})


def _is_too_long(scope: Message) -> bool:
    """Whether a form is longer than any of ours, or does not say how long it is."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    is_known = b"transfer-encoding" not in headers and length.isdigit()
    return not is_known or int(length[:20]) > MAX_BODY_BYTES


async def _to_home(_: Request) -> Response:
    return RedirectResponse(PREFIX, 303)

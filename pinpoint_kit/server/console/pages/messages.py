"""The outbox: what was sent, each message as its recipient sees it, and what became of it.

An e-mail's HTML is a page of its own, in a frame without scripts, forms, links that lead anywhere
by themselves, or anything from elsewhere: nobody hears that it was looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson
from starlette.responses import HTMLResponse, Response

from pinpoint_kit.models.sent_message import Outcome
from pinpoint_kit.server.console.gate import HEADERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pinpoint_kit.server.console.visit import Visit

__all__ = ["ROUTES", "inert"]

_MOST_MESSAGES = 100
_FILTERS = ("channel", "kind", "campaign")
#: Of the page with the HTML of an e-mail: styles of its own, and nothing else.
_BARE = {
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
        " frame-ancestors 'self'; form-action 'none'; base-uri 'none'"
    ),
    "X-DNS-Prefetch-Control": "off",
    "X-Frame-Options": "SAMEORIGIN",
}
#: Of the page around it.
_AROUND = {
    "Content-Security-Policy": f"{HEADERS['Content-Security-Policy']}; frame-src 'self'",
}
#: What leads on by itself, or has a name looked up that tells of the look; no policy forbids that.
_LEADING = re.compile(r"<(?:meta|link|base)\b[^>]*>?", re.IGNORECASE)


async def outbox(visit: Visit) -> Response:
    """List what was sent, the newest first."""
    asked = {name: visit.parameter(name) for name in _FILTERS}
    return await _listed(visit, {**asked, "address": ""})


async def search(visit: Visit) -> Response:
    """List what was sent to an address, which a URL must not hold."""
    address = visit.field("address")
    return await _listed(visit, {**dict.fromkeys(_FILTERS, ""), "address": address})


async def _listed(visit: Visit, asked: Mapping[str, str]) -> Response:
    given: dict[str, Any] = {name: value for name, value in asked.items() if value}
    found = await visit.run(
        lambda: list(
            visit.pinpoint.outbox.messages(**given, limit=_MOST_MESSAGES, newest_first=True)
        )
    )
    return visit.page(
        "outbox.html",
        title="Outbox",
        active="outbox",
        messages=found,
        asked=asked,
        is_full=len(found) == _MOST_MESSAGES,
    )


async def message(visit: Visit) -> Response:
    """Show one message, and what was reported of it."""
    message_id = visit.request.path_params["message"]
    found = await visit.run(lambda: visit.pinpoint.outbox.get(message_id))
    response = visit.page(
        "message.html",
        title="Message",
        active="outbox",
        message=found,
        payload=_indented(found.payload),
        outcomes=[each.value for each in Outcome],
    )
    response.headers.update(_AROUND)
    return response


async def html(visit: Visit) -> Response:
    """Answer with the HTML of an e-mail, which can do nothing."""
    message_id = visit.request.path_params["message"]
    found = await visit.run(lambda: visit.pinpoint.outbox.get(message_id))
    return HTMLResponse(inert(found.html), headers=_BARE)


def inert(html: str) -> str:
    """Return HTML without elements that reach other servers whatever a policy says."""
    return _LEADING.sub(" ", html)


def _indented(payload: str) -> str:
    """Return JSON with a member a line; what is no JSON as it is."""
    try:
        return orjson.dumps(orjson.loads(payload), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return payload


ROUTES: list[tuple[str, str, Callable[[Visit], Awaitable[Response]]]] = [
    ("GET", "/outbox", outbox),
    ("POST", "/outbox", search),
    ("GET", "/outbox/{message}", message),
    ("GET", "/outbox/{message}/html", html),
]

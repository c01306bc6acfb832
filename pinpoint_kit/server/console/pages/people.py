"""One person, and events as they arrive: personal data.

Both go through operations that the audit log names: GetEndpoint, GetUserEndpoints, GetMetric of a
timeline, FindEvents. A key that sees numbers only is refused there, and its menu has neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, RedirectResponse, Response

from pinpoint_kit.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pinpoint_kit.models.endpoint import Endpoint
    from pinpoint_kit.models.stored_event import StoredEvent
    from pinpoint_kit.server.console.visit import Visit

__all__ = ["ROUTES"]

_MOST_EVENTS = 50
_MOST_FOUND = 20
#: As many as a tail reads at once.
_MOST_READ = 1_000


async def person(visit: Visit) -> Response:
    """Show an endpoint or a user with what they have done; or the form that asks for one."""
    endpoint_id, user_id = visit.id_parameter("endpoint_id"), visit.id_parameter("user_id")
    context: dict[str, Any] = {
        "title": "People",
        "active": "person",
        "endpoint_id": endpoint_id,
        "user_id": user_id,
    }
    if not endpoint_id and not user_id:
        return visit.page("person.html", **context, endpoints=None, story=None, message="")
    endpoints = await visit.run(lambda: _endpoints(visit, endpoint_id, user_id))
    view = visit.view()
    asked: dict[str, Any] = {"user_id": user_id} if user_id else {"endpoint_id": endpoint_id}
    after = visit.id_parameter("after") or None
    story = await visit.run(
        lambda: visit.pinpoint.analytics.timeline(
            **asked,
            first=view.first,
            last=view.last,
            zone=view.zone,
            limit=_MOST_EVENTS,
            after=after,
        )
    )
    return visit.page(
        "person.html",
        200 if endpoints or story.entries else 404,
        **context,
        endpoints=endpoints,
        story=story,
        view=view,
        message="",
    )


def _endpoints(visit: Visit, endpoint_id: str, user_id: str) -> list[Endpoint]:
    try:
        if user_id:
            return list(visit.pinpoint.users.endpoints(user_id))
        return [visit.pinpoint.endpoints.get(endpoint_id)]
    except NotFound:
        return []


async def search(visit: Visit) -> Response:
    """Find endpoints by an address, which a URL must not hold."""
    address = visit.field("address")
    if not address:
        return RedirectResponse("person", 303)
    found = await visit.run(
        lambda: list(visit.pinpoint.endpoints.find(address=address, limit=_MOST_FOUND))
    )
    return visit.page(
        "person.html",
        title="People",
        active="person",
        endpoint_id="",
        user_id="",
        endpoints=found,
        story=None,
        message="" if found else "No endpoint has this address.",
    )


async def live(visit: Visit) -> Response:
    """Show the newest events, and where the next ones begin."""
    tail = visit.pinpoint.events.tail()
    await visit.run(tail.arrived)
    events = await visit.run(
        lambda: list(visit.pinpoint.events.find(limit=_MOST_EVENTS, is_newest_first=True))
    )
    return visit.page("live.html", title="Live", active="live", events=events, mark=tail.mark)


async def rows(visit: Visit) -> Response:
    """Send the rows of events that have arrived since a mark, for the page that shows them.

    Pages that ask for the same at once wait for one answer.
    """
    after = visit.id_parameter("after") or None
    key = ("rows", visit.application_id, visit.visitor.scope, after)
    arrived, newest, mark = await visit.answers.get(
        key, lambda: _arrived(visit, after), kept_s=0, is_short=True
    )
    text = visit.pages.text("live_rows.html", **visit.context({"events": newest}))
    return HTMLResponse(text, headers={"X-Mark": mark, "X-Arrived": str(arrived)})


def _arrived(visit: Visit, after: str | None) -> tuple[int, list[StoredEvent], str]:
    """Return how many events have arrived since a mark, the newest of them, and the next mark."""
    tail = visit.pinpoint.events.tail(after=after)
    found = list(tail.arrived())
    if len(found) >= _MOST_READ:  # a page that is behind would stay so: it goes on from now
        tail = visit.pinpoint.events.tail()
        tail.arrived()
        newest = list(visit.pinpoint.events.find(limit=_MOST_EVENTS, is_newest_first=True))
        return len(found), newest, tail.mark or ""
    return len(found), found[-_MOST_EVENTS:][::-1], tail.mark or ""


ROUTES: list[tuple[str, str, Callable[[Visit], Awaitable[Response]]]] = [
    ("GET", "/person", person),
    ("POST", "/person", search),
    ("GET", "/live", live),
    ("GET", "/live/rows", rows),
]

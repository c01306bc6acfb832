"""Pages of charts: each sent chart by chart, so that the first is there while the last is counted.

What a page has stands in cards.py. A chart that cannot be counted says so in its own place.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse, Response, StreamingResponse

from pinpoint_kit.analytics.results import Overview, Result
from pinpoint_kit.errors import PinpointKitError, ValidationError
from pinpoint_kit.server.console import problems
from pinpoint_kit.server.console.cards import CARDS, PAGES, Card, cohort_kind
from pinpoint_kit.server.console.drawing import drawn, title_of
from pinpoint_kit.server.console.rendering import MENU
from pinpoint_kit.server.console.view import NAMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from pinpoint_kit.server.console.view import View
    from pinpoint_kit.server.console.visit import Visit

__all__ = ["ROUTES", "event_types", "own_of", "streamed", "with_filter"]

#: What a page's URL may hold beside what every page has.
OWN: Mapping[str, tuple[str, ...]] = {
    "events": ("type", "metric"),
    "retention": ("kind",),
    "funnels": (
        *("window", "order"),
        *(f"step{number}{part}" for number in range(1, 11) for part in ("", "_where")),
    ),
}
_TITLES = {path: title for path, title, _ in MENU}
_WHOLE = re.compile(r"[0-9]{1,6}")
_POINTS: Mapping[str, type] = {
    "day": str,
    "group": str,
    "step": int,
    "age": int,
    "count": int,
    "is_back": bool,
}


def own_of(page: str) -> tuple[str, ...]:
    """Return the names of a page's own parameters."""
    return OWN.get(page, ())


def page_of(card: Card) -> str:
    """Return the page that a card stands on."""
    return next(page for page, cards in PAGES.items() if card in cards)


async def answer(visit: Visit, card: Card, view: View) -> Result:
    """Return what a card shows.

    Raises:
        PinpointKitError: it cannot be counted.
        QueueFullError: too many others wait.
    """
    # The cards of one answer share it; others may differ in more than their options.
    name = card.verb if card.part else card.key
    key = (name, view.query(by=view.by if _by(card) else ""))
    found = await visit.counted(key, lambda: card.ask(visit.pinpoint.analytics, view))
    return card.shown(found)


def _by(card: Card) -> bool:
    return "by" in card.takes


async def show(visit: Visit) -> Response:
    """Show a page of charts."""
    page = visit.request.url.path.rpartition("/")[2]
    if "name" in visit.request.query_params or "add" in visit.request.query_params:
        return RedirectResponse(f"{page}?{with_filter(visit, page)}", 303)
    view = visit.view(own_of(page))
    if page == "retention":
        cohort_kind(view)
    cards = [card for card in PAGES[page] if _is_wanted(card, view)]
    types = await event_types(visit) if page == "events" else []
    return streamed(visit, page, view, cards, types=types)


async def event_types(visit: Visit) -> list[str]:
    """Return the event types of the last days, to choose from."""
    view = visit.view()

    def ask() -> list[str]:
        found = visit.pinpoint.analytics.events(
            None, view.first, view.last, by="event_type", top=50
        )
        return [name for name in found.totals if not name.startswith("(")]

    try:
        return await visit.counted(("types", view.first, view.last), ask)
    except PinpointKitError:
        return []  # a list to choose from is a help, and no more


def _is_wanted(card: Card, view: View) -> bool:
    if card.key == "metric":
        return bool(view.own.get("metric"))
    if card.key == "types":
        return not (view.own.get("type") or view.by)
    return True


def streamed(
    visit: Visit,
    page: str,
    view: View,
    cards: Sequence[Card],
    **context: object,
) -> Response:
    """Send a page: its head, each card when it is counted, and its end."""
    shared = {
        "page": page,
        "active": page,
        "title": _TITLES[page],
        "view": view,
        "takes_by": any(_by(card) for card in cards),
        "is_open": view.last >= visit.now.date(),
        "offers": NAMES,
        **context,
    }

    async def parts() -> AsyncIterator[str]:
        text = visit.pages.text
        yield text("numbers_top.html", **visit.context(shared))
        told: dict[object, Card] = {}
        for card in cards:
            shown = await _card(visit, card, view)
            first = told.setdefault(shown["problem"], card)
            context = visit.context({**shared, **shown, "first": first})
            # In a thread, because a large table would hold up the API's requests.
            yield await visit.answers.drawn(functools.partial(text, "card.html", **context))
        yield text("numbers_end.html", **visit.context(shared))

    return StreamingResponse(parts(), media_type="text/html")


async def _card(visit: Visit, card: Card, view: View) -> dict[str, object]:
    """Return what a card's template needs."""
    try:
        result = await answer(visit, card, view)
        return {
            "card": card,
            "problem": None,
            **await visit.answers.drawn(lambda: drawn(card, result)),
        }
    except Exception as error:  # noqa: BLE001 -- the page has begun, and must be whole
        problems.log(error)
        _, title, advice = problems.of(error, visit.visitor)
        return {"card": card, "problem": f"{title}. {advice}"}


def _asked(visit: Visit) -> tuple[Card, View]:
    """Return the card and the view that a URL names.

    Raises:
        NoPageError: there is no such card.
        ValidationError: the view is not possible.
    """
    card = CARDS.get(visit.request.path_params["card"])
    if card is None:
        raise problems.NoPageError
    return card, visit.view(own_of(page_of(card)))


async def csv(visit: Visit) -> Response:
    """Send the numbers of a card as CSV."""
    card, view = _asked(visit)
    result = await answer(visit, card, view)
    if isinstance(result, Overview):  # pragma: no cover -- no card shows a whole one
        raise TypeError(card.key)
    name = f"{card.key}-{view.first}-{view.last}.csv"
    return Response(
        await visit.answers.drawn(result.to_csv),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def make_segment(visit: Visit) -> Response:
    """Make a segment of the people behind a number, and show it."""
    card, view = _asked(visit)
    result = await answer(visit, card, view)
    point = _point(visit)
    name = visit.field("segment_name") or title_of(card, result)
    segment = await visit.run(
        lambda: visit.pinpoint.analytics.create_segment(result, name, **point)
    )
    visit.answers.clear()
    return RedirectResponse(f"../segments/{segment.id}", 303)


def _point(visit: Visit) -> dict[str, Any]:
    """Return which number the form means.

    Raises:
        ValidationError: a number is none, or an answer is neither yes nor no.
    """
    found: dict[str, Any] = {}
    for name, kind in _POINTS.items():
        given = visit.field(name)
        if not given:
            continue
        if kind is int:
            if not _WHOLE.fullmatch(given):
                raise ValidationError("write a whole number", f"$.{name}", "number")
            found[name] = int(given)
        elif kind is bool:
            if given not in {"yes", "no"}:
                raise ValidationError("choose yes or no", f"$.{name}", "choice")
            found[name] = given == "yes"
        else:
            found[name] = given
    return found


def with_filter(visit: Visit, page: str) -> str:
    """Return the query with the filter that a form adds in its fields `name`, `is` and `value`."""
    view = visit.view(own_of(page))
    name, value = visit.parameter("name"), visit.parameter("value")
    added = (f"{name}={value}",) if name and value else ()
    return view.query(where=(*view.where, *(text for text in added if text not in view.where)))


ROUTES: list[tuple[str, str, Callable[[Visit], Awaitable[Response]]]] = [
    *(("GET", f"/{page}", show) for page in PAGES if page != "funnels"),
    ("GET", "/numbers/{card}.csv", csv),
    ("POST", "/behind/{card}", make_segment),
]

"""Pages of charts: each sent chart by chart, so that the first is there while the last is counted.

What a page has stands in cards.py. A chart that cannot be counted says so in its own place.
"""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse, Response, StreamingResponse

from pinpoint_kit.analytics.results import Distribution, MoneySeries, Overview, Result, Series
from pinpoint_kit.analytics.results.base import REST
from pinpoint_kit.errors import PinpointKitError, ValidationError
from pinpoint_kit.server.console import problems
from pinpoint_kit.server.console.cards import CARDS, PAGES, Card
from pinpoint_kit.server.console.rendering import MENU
from pinpoint_kit.server.console.view import NAMES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from pinpoint_kit.server.console.view import View
    from pinpoint_kit.server.console.visit import Visit

__all__ = ["ROUTES", "event_types", "own_of", "streamed"]

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
#: A chart's table has so many rows on a page; its CSV has all.
_MOST_ROWS = 400
#: Colours of the charts, which console.css has, too.
_COLOURS = 6
#: Cells that say where a number stands, and are none.
_PLACES = frozenset({"day", "days", "hour", "age", "step", "is_complete"})
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
        return RedirectResponse(f"{page}?{_with_filter(visit, page)}", 303)
    view = visit.view(own_of(page))
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
        "offers": NAMES,
        **context,
    }

    async def parts() -> AsyncIterator[str]:
        text = visit.pages.text
        yield text("numbers_top.html", **visit.context(shared))
        for card in cards:
            context = visit.context({**shared, **await _card(visit, card, view)})
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
            **await visit.answers.drawn(lambda: _drawn(card, result)),
        }
    except Exception as error:  # noqa: BLE001 -- the page has begun, and must be whole
        problems.log(error)
        _, title, advice = problems.of(error, visit.visitor)
        return {"card": card, "problem": f"{title}. {advice}"}


def _drawn(card: Card, result: Result) -> dict[str, object]:
    rows = result.rows
    parts = result.summary().split(" · ")
    unit = " s" if result.about.unit == "seconds" else ""
    return {
        "heading": _title(card, result),
        "figure": parts[0].removeprefix("total ") + unit,
        "notes": parts[1:],
        "picture": result.picture(),
        "columns": list(rows[0]) if rows else [],
        "rows": rows[:_MOST_ROWS],
        "rows_left": max(0, len(rows) - _MOST_ROWS),
        "unit": result.about.unit,
        "definition": result.definition,
        "groups": _groups(result),
        "legend": _legend(result),
        "steps": {row["step"]: row["name"] for row in rows if "step" in row}.items(),
        "is_empty": _is_empty(result),
    }


def _title(card: Card, result: Result) -> str:
    about = result.about
    by = f" by {about.by.replace('_', ' ') if about.by in NAMES else about.by}" if about.by else ""
    if card.title:
        return f"{card.title} {about.actor}s{by}"
    return result.title.removesuffix(f" by {about.by}") + by


def _groups(result: Result) -> list[str]:
    """Return the values of a breakdown, for whose people one may ask."""
    if isinstance(result, Distribution):
        return [str(row[next(iter(row))]) for row in result.rows]
    if result.about.by and isinstance(result, Series):
        return list(result.totals)
    return []


def _legend(result: Result) -> list[tuple[str, int | str]]:
    """Return the lines of a chart, each with the place of its colour."""
    if not isinstance(result, (Series, MoneySeries)) or not result.about.by:
        return []
    names = [name for name in result.totals if name != REST]
    found: list[tuple[str, int | str]] = [
        (name, place % _COLOURS) for place, name in enumerate(names)
    ]
    return [*found, (REST, "rest")] if REST in result.totals else found


def _is_empty(result: Result) -> bool:
    numbers = (cell for row in result.rows for name, cell in row.items() if name not in _PLACES)
    return not any(isinstance(cell, (int, float, Decimal)) and cell for cell in numbers)


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
    name = visit.field("segment_name") or _title(card, result)
    segment = await visit.run(
        lambda: visit.pinpoint.analytics.create_segment(result, name, **point)
    )
    visit.answers.clear()
    return RedirectResponse(f"../segments/{segment.id}", 303)


def _point(visit: Visit) -> dict[str, Any]:
    """Return which number the form means.

    Raises:
        ValidationError: a number is none.
    """
    found: dict[str, Any] = {}
    for name, kind in _POINTS.items():
        given = visit.field(name)
        if not given:
            continue
        if kind is int:
            if not (given.isascii() and given.isdecimal()):
                raise ValidationError("write a whole number", f"$.{name}", "number")
            found[name] = int(given[:6])
        else:
            found[name] = given == "yes" if kind is bool else given
    return found


def _with_filter(visit: Visit, page: str) -> str:
    """Return the query with the filter that a form adds in its fields `name`, `is` and `value`."""
    query = visit.request.query_params
    view = visit.view(own_of(page))
    name, value = query.get("name", "").strip(), query.get("value", "").strip()
    added = (f"{name}={value}",) if name and value else ()
    return view.query(where=(*view.where, *(text for text in added if text not in view.where)))


ROUTES: list[tuple[str, str, Callable[[Visit], Awaitable[Response]]]] = [
    *(("GET", f"/{page}", show) for page in PAGES if page != "funnels"),
    ("GET", "/numbers/{card}.csv", csv),
    ("POST", "/behind/{card}", make_segment),
]

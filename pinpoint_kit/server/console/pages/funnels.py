"""Funnels: built in the page, counted, and saved under a name in the application itself.

A saved funnel is the application's own (CreateFunnel), so every client sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from pinpoint_kit.analytics.store_analytics import SavedFunnel, StoreAnalytics
from pinpoint_kit.server.console.cards import CARDS, funnel_steps
from pinpoint_kit.server.console.pages.numbers import event_types, own_of, streamed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pinpoint_kit.server.console.visit import Visit

__all__ = ["ROUTES"]

_LEAST_SHOWN = 3
_MOST_STEPS = 10
_DAY_MS = 86_400_000
_SIGNS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<", "equals": "="}


async def show(visit: Visit) -> Response:
    """Show the builder, the funnel that the URL names, and the saved ones."""
    view = visit.view(own_of("funnels"))
    if "go" in visit.request.query_params:
        return RedirectResponse(f"funnels?{view.query()}", 303)
    count = sum(1 for n in range(1, _MOST_STEPS + 1) if view.own.get(f"step{n}"))
    steps = funnel_steps(view)
    numbers = visit.pinpoint.analytics
    keeps = isinstance(numbers, StoreAnalytics)  # a lake keeps nothing
    saved = await visit.run(numbers.saved_funnels) if keeps else []
    return streamed(
        visit,
        "funnels",
        view,
        [CARDS["funnel"]] if len(steps) > 1 else [],
        types=await event_types(visit),
        shown_steps=min(_MOST_STEPS, max(_LEAST_SHOWN, count + 1)),
        is_countable=len(steps) > 1,
        saved=[(funnel, _query(funnel)) for funnel in saved],
    )


async def save(visit: Visit) -> Response:
    """Save the funnel of the URL under the name of the form."""
    view = visit.view(own_of("funnels"))
    name = visit.field("funnel_name")
    days = view.own.get("window", "7")
    seconds = int(days) * 86_400 if days.isascii() and days.isdecimal() else 0
    options: dict[str, Any] = {"zone": view.zone, "actor": view.actor}
    if view.where:
        options["where"] = view.conditions
    if view.by:
        options["by"] = view.by
    await visit.run(
        lambda: visit.pinpoint.analytics.save_funnel(
            name, funnel_steps(view), window=seconds or None, **options
        )
    )
    return RedirectResponse(f"funnels?{view.query()}", 303)


async def delete(visit: Visit) -> Response:
    """Delete a saved funnel."""
    funnel_id = visit.request.path_params["funnel"]
    await visit.run(lambda: visit.pinpoint.analytics.delete_funnel(funnel_id))
    return RedirectResponse("../../funnels", 303)


def _query(funnel: SavedFunnel) -> str:
    """Return the query of a page that shows a saved funnel, for the days of the moment."""
    arguments = funnel.arguments
    pairs: list[tuple[str, str]] = []
    for number, step in enumerate(_steps(arguments), 1):
        pairs.append((f"step{number}", str(step.get("type", ""))))
        texts = [
            text for kind in ("attributes", "metrics") for text in _texts(kind, step.get(kind))
        ]
        if texts:
            pairs.append((f"step{number}_where", ";".join(texts)))
    window = arguments.get("window_ms")
    pairs.append(("window", str(int(window) // _DAY_MS) if isinstance(window, int) else "0"))
    pairs += [
        (name, str(arguments[name])) for name in ("zone", "actor", "by") if arguments.get(name)
    ]
    where = arguments.get("where")
    if isinstance(where, dict):
        for name, value in where.items():
            nested = value if isinstance(value, dict) else None
            texts = _texts(name, nested) if nested else [f"{name}={v}" for v in _listed(value)]
            pairs += [("where", text) for text in texts]
    return urlencode(pairs)


def _steps(arguments: Mapping[str, object]) -> list[dict[str, object]]:
    steps = arguments.get("steps")
    return [step for step in steps if isinstance(step, dict)] if isinstance(steps, list) else []


def _texts(kind: str, values: object) -> list[str]:
    """Write conditions of a step or a filter as the page's fields have them."""
    found: list[str] = []
    for name, value in values.items() if isinstance(values, dict) else ():
        if kind == "metrics":
            compared = value if isinstance(value, dict) else {"equals": value}
            found += [
                f"metrics.{name}{_SIGNS[sign]}{number:g}"
                for sign, number in compared.items()
                if sign in _SIGNS
            ]
        else:
            found += [f"{kind}.{name}={each}" for each in _listed(value)]
    return found


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]


ROUTES: list[tuple[str, str, Callable[[Visit], Awaitable[Response]]]] = [
    ("GET", "/funnels", show),
    ("POST", "/funnels", save),
    ("POST", "/funnels/{funnel}/delete", delete),
]

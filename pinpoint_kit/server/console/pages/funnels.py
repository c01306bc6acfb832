"""Funnels: built in the page, counted, and saved under a name in the application itself.

A saved funnel is the application's own (CreateFunnel), so every client sees it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import RedirectResponse, Response

from pinpoint_kit.analytics.store_analytics import SavedFunnel, StoreAnalytics
from pinpoint_kit.analytics.verbs import funnel_arguments
from pinpoint_kit.errors import ValidationError
from pinpoint_kit.server.console.cards import CARDS, UNITS, funnel_options, funnel_steps
from pinpoint_kit.server.console.pages.numbers import event_types, own_of, streamed, with_filter
from pinpoint_kit.server.console.view import View

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from pinpoint_kit.server.console.visit import Visit

__all__ = ["ROUTES"]

_LEAST_SHOWN = 3
_MOST_STEPS = 10
#: What the metric takes where a saved funnel does not say it.
_WINDOW_MS, _TOP = 7 * UNITS["d"], 10
#: Floats hold all whole numbers up to there.
_EXACT = 2**53
_SIGNS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<", "equals": "="}


async def show(visit: Visit) -> Response:
    """Show the builder, the funnel that the URL names, and the saved ones."""
    if "go" in visit.request.query_params:
        return RedirectResponse(f"funnels?{with_filter(visit, 'funnels')}", 303)
    view = visit.view(own_of("funnels"))
    count = sum(1 for n in range(1, _MOST_STEPS + 1) if view.own.get(f"step{n}"))
    steps = funnel_steps(view)
    funnel_options(view)
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
        saved=[(funnel, _query(funnel, visit)) for funnel in saved],
    )


async def save(visit: Visit) -> Response:
    """Save the funnel of the URL under the name of the form."""
    view = visit.view(own_of("funnels"))
    name = visit.field("funnel_name")
    steps, options = funnel_steps(view), {**_arguments(view), **funnel_options(view)}
    await visit.run(lambda: visit.pinpoint.analytics.save_funnel(name, steps, **options))
    return RedirectResponse(f"funnels?{view.query()}", 303)


def _arguments(view: View) -> dict[str, Any]:
    """Return what is asked beside the steps and their window."""
    found = {"zone": view.zone, "actor": view.actor, "where": view.conditions, "by": view.by}
    found["order"] = funnel_options(view)["order"]
    return {name: value for name, value in found.items() if value}


async def delete(visit: Visit) -> Response:
    """Delete a saved funnel."""
    funnel_id = visit.request.path_params["funnel"]
    await visit.run(lambda: visit.pinpoint.analytics.delete_funnel(funnel_id))
    return RedirectResponse("../../funnels", 303)


def _query(funnel: SavedFunnel, visit: Visit) -> str | None:
    """Return the query of a page that shows a saved funnel, for the days of the moment.

    None where a client has saved what the page's fields cannot say, such as "has no value": a page
    of another funnel under this name would be wrong.
    """
    arguments = funnel.arguments
    pairs: list[tuple[str, str]] = []
    for number, step in enumerate(_steps(arguments), 1):
        pairs.append((f"step{number}", str(step.get("type", ""))))
        texts = [
            text for kind in ("attributes", "metrics") for text in _texts(kind, step.get(kind))
        ]
        if texts:
            pairs.append((f"step{number}_where", ";".join(t.replace(";", "\\;") for t in texts)))
    pairs.append(("window", _window(_window_ms(arguments))))
    others = ("zone", "actor", "by", "order")
    pairs += [(name, str(arguments[name])) for name in others if arguments.get(name)]
    where = arguments.get("where")
    if isinstance(where, dict):
        for name, value in where.items():
            nested = value if isinstance(value, dict) else None
            texts = _texts(name, nested) if nested else [f"{name}={v}" for v in _listed(value)]
            pairs += [("where", text) for text in texts]
    query = urlencode(pairs)
    try:
        view = View.parse(QueryParams(query), visit.now, own_of("funnels"))
        asked = {
            **_arguments(view),
            **funnel_arguments(funnel_steps(view), funnel_options(view)["window"]),
        }
    except ValidationError:
        return None
    return query if _meant(asked) == _meant(arguments) else None


def _window_ms(arguments: Mapping[str, object]) -> int:
    """Return the window in milliseconds, 0 for any time; the metric's own where none is said."""
    found = arguments.get("window_ms")
    return found if isinstance(found, int) else _WINDOW_MS


def _window(window_ms: int) -> str:
    """Write a window as the field of the page has it: in days, or in the largest unit."""
    if not window_ms:
        return "0"
    unit = next(unit for unit, size in UNITS.items() if window_ms % size == 0)
    return f"{window_ms // UNITS[unit]}{unit.removesuffix('d')}"


def _meant(arguments: Mapping[str, object]) -> list[object]:
    """Return what arguments ask for, the same for all ways to write it."""
    defaults = {"zone": "UTC", "actor": "endpoint", "order": "at_or_after"}
    steps = [
        (
            step.get("type"),
            _conditions({k: step[k] for k in ("attributes", "metrics") if k in step}),
        )
        for step in _steps(arguments)
    ]
    chosen = [arguments.get(name) or default for name, default in defaults.items()]
    others = [arguments.get("by") or "", _window_ms(arguments), arguments.get("top") or _TOP]
    return [steps, _conditions(arguments.get("where")), *chosen, *others]


def _conditions(given: object) -> dict[str, object]:
    found: dict[str, object] = {}
    for kind, value in given.items() if isinstance(given, dict) else ():
        if not isinstance(value, dict):
            found[kind] = _listed(value)
        elif kind == "metrics":
            found[kind] = {
                name: each if isinstance(each, dict) else {"equals": each}
                for name, each in value.items()
            }
        else:
            found[kind] = {name: _listed(each) for name, each in value.items()}
    return found


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
                f"metrics.{name}{_SIGNS[sign]}{_digits(number)}"
                for sign, number in compared.items()
                if sign in _SIGNS
            ]
        else:
            found += [f"{kind}.{name}={each}" for each in _listed(value)]
    return found


def _digits(number: object) -> str:
    """Write a number so that reading it gives the same one."""
    whole = isinstance(number, float) and number.is_integer() and abs(number) < _EXACT
    return repr(int(number)) if whole else repr(number)  # type: ignore[call-overload] # a float


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]


ROUTES: list[tuple[str, str, Callable[[Visit], Awaitable[Response]]]] = [
    ("GET", "/funnels", show),
    ("POST", "/funnels", save),
    ("POST", "/funnels/{funnel}/delete", delete),
]

"""What the template of a chart needs: its figures, its picture, its numbers as a table.

Pages ask (pages/numbers.py) and cards say what (cards.py); here an answer becomes texts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pinpoint_kit.analytics import charts
from pinpoint_kit.analytics.results import Distribution, Funnel, MoneySeries, Result, Series
from pinpoint_kit.analytics.results.base import REST, by_name
from pinpoint_kit.server.console.view import NAMES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.server.console.cards import Card

__all__ = ["drawn", "title_of"]

#: A chart's table has so many rows on a page; its CSV has all.
_MOST_ROWS = 400
#: Cells that say where a number stands, and are none.
_PLACES = frozenset({"day", "days", "hour", "age", "step", "is_complete"})
#: Numbers beside the main one, of the whole period, and their words; "" for who is counted.
_BESIDE: Mapping[str, str] = {
    "actors": "",
    "per_session": "per session",
    "average": "average",
    "median": "median",
    "minimum": "minimum",
    "maximum": "maximum",
}
#: What the rows and columns of a picture are, where they are no days.
_HINTS: Mapping[str, str] = {
    "stickiness": "by the number of days on which they were active",
    "cohorts": "columns are days after the first",
}


def drawn(card: Card, result: Result) -> dict[str, object]:
    """Return what the template of a card needs."""
    rows = result.rows
    figure, notes = _figures(card, result)
    return {
        "heading": title_of(card, result),
        "figure": figure,
        "notes": notes,
        "breakdown": _breakdown(result),
        "bars": _bars(result),
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


def title_of(card: Card, result: Result) -> str:
    """Say what a card shows, and by what."""
    about = result.about
    if card.key == "metric":
        where = result.arguments.get("where")
        kinds = where.get("event_type") if isinstance(where, dict) else None
        of = ", ".join(map(str, kinds)) if isinstance(kinds, list) else kinds or "all events"
        return f"Metric {result.arguments.get('metric')} of {of}"
    by = f" by {about.by.replace('_', ' ') if about.by in NAMES else about.by}" if about.by else ""
    if card.title:
        return f"{card.title} {about.actor}s{by}"
    return result.title.removesuffix(f" by {about.by}") + by


def _figures(card: Card, result: Result) -> tuple[str, list[str]]:
    """Return the number of a card, and what stands beside it."""
    about = result.about
    parts = result.summary().split(" · ")
    unit = " s" if about.unit == "seconds" else ""
    figure, notes = parts[0].removeprefix("total ") + unit, parts[1:]
    if about.metric in _HINTS:
        return figure, [*notes, _HINTS[about.metric]]
    if not isinstance(result, Series):
        return figure, notes
    whole = {name: result.whole.get(name) for name in _BESIDE}
    more = [
        f"{_BESIDE[name] or about.actor + 's'} {charts.format_number(n)}{unit}"
        for name, n in whole.items()
        if n is not None
    ]
    if card.key == "metric":  # the sum is one of four, and its mean a day none of them
        return f"sum {figure}", more
    is_rate = about.unit in {"ratio", "rate"}
    in_all = [] if is_rate or unit else ["in all"]
    a_day = [f"{note} a day" if note.startswith("average") else note for note in notes]
    return figure, [*in_all, *a_day, *more]


def _bars(result: Result) -> list[tuple[object, object, object]]:
    """Return the steps of a funnel or the bars of a distribution: a phone shows them as a list."""
    if not isinstance(result, (Funnel, Distribution)) or not result.rows:
        return []
    kind = ("step", "name", "rate") if isinstance(result, Funnel) else ("days", "days", "share")
    if kind[0] not in result.rows[0]:
        column = next(iter(result.rows[0]))
        kind = (column, column, "share")
    place, name, share = kind
    whole = result.rows[: len({row[place] for row in result.rows})]  # those of all come first
    return [(row[name], row["count"], row[share]) for row in whole]


def _breakdown(result: Result) -> dict[str, object] | None:
    """Return a table of what the picture of a breakdown leaves out: a row a value of it."""
    if not result.about.by or not result.rows:
        return None
    if isinstance(result, Funnel):
        column, label = "step", "name"
    elif isinstance(result, Distribution) and "days" in result.rows[0]:
        column = label = "days"
    else:
        return None
    by = by_name(result.about.by)
    if by in {column, label, "count", "rate", "share"}:  # an attribute of such a name: see the rows
        return None
    heads = {str(row[column]): str(row[label]) for row in result.rows}
    table: dict[str, dict[str, tuple[object, object]]] = {}
    for row in result.rows:
        share = row["rate" if column == "step" else "share"]
        table.setdefault(str(row[by]), {})[str(row[column])] = row["count"], share
    return {"by": by, "heads": heads, "table": table}


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
        (name, place % len(charts.COLOURS)) for place, name in enumerate(names)
    ]
    return [*found, (REST, "rest")] if REST in result.totals else found


def _is_empty(result: Result) -> bool:
    numbers = (cell for row in result.rows for name, cell in row.items() if name not in _PLACES)
    return not any(isinstance(cell, (int, float, Decimal)) and cell for cell in numbers)

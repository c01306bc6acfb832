"""Numbers in a terminal: sparklines and bars beside the figures.

What is shown comes from the results of `pinpoint.analytics`; nothing is computed here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from pinpoint_kit.analytics import charts
from pinpoint_kit.analytics.results import (
    CohortTable,
    Distribution,
    Funnel,
    HeatMap,
    MoneySeries,
    Overview,
    Series,
    Timeline,
)
from pinpoint_kit.analytics.results.base import by_name
from pinpoint_kit.cli.columns import print_rows
from pinpoint_kit.cli.listing import EVENT_COLUMNS, event_row
from pinpoint_kit.cli.output import console, shown, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.analytics.results import Result, Row

__all__ = ["print_result"]

_BAR = 24
_SHADES = " ░▒▓█"
_UNKNOWN = "\N{EM DASH}"


def print_result(result: Result) -> None:
    """Print a result for people: a head line, then its numbers with bars."""
    out = console()
    out.print(Text(shown(result.title), style="bold"))
    span = f"{result.about.first} to {result.about.last}, {result.zone}"
    out.print(Text(f"{span} · {result.summary()}", style="dim"))
    if isinstance(result, Overview):
        _print_overview(result)
    elif isinstance(result, HeatMap):
        _print_heat_map(result)
    elif isinstance(result, CohortTable):
        _print_cohorts(result)
    elif isinstance(result, Funnel):
        _print_bars(result.rows, "name", "count", ("rate", "drop_off"))
    elif isinstance(result, Distribution):
        first = next(iter(result.rows[0])) if result.rows else "value"
        _print_bars(result.rows, first, "count", ("share",))
    elif isinstance(result, (Series, MoneySeries)):
        _print_days(result)
    elif isinstance(result, Timeline) and result.entries:
        print_rows(EVENT_COLUMNS, [event_row(entry) for entry in result.entries])


def _print_overview(result: Overview) -> None:
    rows = []
    for chart in result.charts:
        if isinstance(chart, Series):
            unit = "%" if chart.about.unit in {"ratio", "rate"} else ""
            rows.append(
                (
                    chart.title,
                    chart.sparkline(),
                    charts.format_number(chart.total, unit=unit),
                    charts.format_number(chart.average, unit=unit),
                    _UNKNOWN if chart.change is None else f"{chart.change:+.0%}",
                )
            )
        else:
            rows += [
                (f"{chart.title} {currency}".strip(), "", charts.format_number(amount), "", "")
                for currency, amount in chart.total.items()
            ]
    numbers = ("Total", "Average", "Change")
    console().print(table(("Chart", "Days", *numbers), rows, numbers=numbers))


def _print_days(result: Series | MoneySeries) -> None:
    rows = list(result.rows)
    highest = _highest(rows, "value")
    unit = "%" if result.about.unit in {"ratio", "rate"} else ""
    names = [name for name in result.rows[0] if name != "is_complete"] if rows else ["value"]
    cells = []
    for row in rows:
        own = [_cell(row[name], unit if name == "value" else "") for name in names]
        ends = "" if row["is_complete"] else "not over"
        cells.append((*own, _bar(row["value"], highest), ends))
    heads = [name.replace("_", " ").capitalize() for name in names]
    texts = {"day", "currency", by_name(result.about.by)}
    numbers = [head for head, name in zip(heads, names, strict=True) if name not in texts]
    found = table((*heads, "", " "), cells, numbers=numbers)
    console().print(found)


def _print_bars(rows: Sequence[Row], name: str, value: str, others: Sequence[str]) -> None:
    highest = _highest(rows, value)
    heads = [word.replace("_", " ").capitalize() for word in (name, value, *others)]
    cells = [
        (
            row[name],
            _cell(row[value]),
            *(_cell(row[other], "%" if other in {"rate", "share"} else "") for other in others),
            _bar(row[value], highest),
        )
        for row in rows
    ]
    console().print(table((*heads, ""), cells, numbers=heads[1:]))


def _print_heat_map(result: HeatMap) -> None:
    highest = max(map(max, result.values), default=0) or 1
    weekdays = dict.fromkeys(str(row["weekday"]) for row in result.rows)
    out = console()
    out.print(Text("     " + "".join(f"{hour:<3}" for hour in range(24)), style="dim"))
    for weekday, counts in zip(weekdays, result.values, strict=True):
        blocks = (_SHADES[-(-count * (len(_SHADES) - 1) // highest)] * 2 for count in counts)
        out.print(Text(f"{weekday}  " + " ".join(blocks)))


def _print_cohorts(result: CohortTable) -> None:
    ages = max((len(cohort.rates) for cohort in result.cohorts), default=0)
    rows = [
        (
            cohort.day.isoformat(),
            f"{cohort.size:,}",
            *("" if rate is None else f"{rate:.0%}" for rate in cohort.rates),
        )
        for cohort in result.cohorts
        if cohort.size
    ]
    heads = ("Day", "Size", *map(str, range(ages)))
    console().print(table(heads, rows, numbers=heads[1:], whole=("Day",)))


def _is_number(value: object) -> bool:
    return value is not None and not isinstance(value, (str, bool))


def _highest(rows: Sequence[Row], name: str) -> float:
    numbers = [row[name] for row in rows if _is_number(row[name])]
    return max(map(float, numbers), default=0.0)  # type: ignore[arg-type]  # they are numbers


def _cell(value: object, unit: str = "") -> str:
    if value is None:
        return _UNKNOWN
    if _is_number(value) and hasattr(value, "__float__"):
        return charts.format_number(value, unit=unit)  # type: ignore[arg-type]  # it is a number
    return str(value)


def _bar(value: object, highest: float) -> str:
    if not _is_number(value) or not highest or not value:
        return ""
    return "█" * round(float(value) / highest * _BAR) or "▏"  # type: ignore[arg-type]  # as above

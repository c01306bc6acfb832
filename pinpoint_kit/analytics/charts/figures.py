"""A chart with its numbers beside it: what notebooks and pages put around a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.analytics.charts.svg import element, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["STYLE", "data_table", "figure"]

#: For pages and notebooks; a page serves it as a file, a notebook has it inline.
STYLE = """\
.pk-figure{max-width:760px;margin:0 0 1.2em}
.pk-figure figcaption{font-weight:600;margin:0 0 .3em}
.pk-figure .pk-note{font-weight:400;opacity:.75;margin:.2em 0}
.pk-figure details{margin-top:.3em}
.pk-figure table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.pk-figure th,.pk-figure td{padding:.1em .8em .1em 0;text-align:right;font-weight:400}
.pk-figure th:first-child,.pk-figure td:first-child{text-align:left}
.pk-figure thead th{border-bottom:1px solid currentColor;font-weight:600}
.pk-hover>:hover{fill-opacity:.08}
"""


def data_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write the numbers of a chart as a table.

    Examples:
        >>> data_table(["day", "value"], [["1 Oct", "3"]]).count("<tr")
        2
    """
    top = element("tr", *(element("th", text_of(cell), scope="col") for cell in head))
    body = (
        element(
            "tr",
            element("th", text_of(row[0]), scope="row"),
            *(element("td", text_of(cell) or " ") for cell in row[1:]),
        )
        for row in rows
    )
    return element("table", element("thead", top), element("tbody", *body))


def figure(title: str, picture: str, table: str, *, note: str = "", is_styled: bool = False) -> str:
    """Put a picture, its title, a note and its numbers together as HTML.

    Args:
        title: what is shown.
        picture: the chart as SVG.
        table: its numbers as an HTML table, shown on request.
        note: a sentence below the title, for example totals.
        is_styled: whether to bring the style along, as a notebook needs.
    """
    style = element("style", STYLE) if is_styled else ""
    caption = element(
        "figcaption",
        text_of(title),
        element("div", text_of(note), class_="pk-note") if note else "",
    )
    numbers = element("details", element("summary", "Numbers"), table)
    return style + element("figure", caption, picture, numbers, class_="pk-figure")

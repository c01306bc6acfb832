"""How lists print: for people as wide as there is room, for programs as JSON, CSV, TSV or lines.

How a table fits a terminal is in columns.py; single things are shown by output.py.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import attrs
import click

from pinpoint_kit.cli.columns import Column, print_rows
from pinpoint_kit.cli.failures import JSON
from pinpoint_kit.cli.output import print_json, say, shown, shown_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pinpoint_kit import Endpoint, StoredEvent
    from pinpoint_kit.analytics.results import TimelineEntry

    Command = Callable[..., Any]

__all__ = [
    "EVENT_COLUMNS",
    "Form",
    "Listing",
    "endpoint_listing",
    "event_row",
    "first_endpoints",
    "output_options",
    "print_first",
    "print_list",
]

#: How a list is written for a program, other than as one JSON value.
Form = Literal["csv", "tsv", "nl"]
_FORMS: dict[Form, str] = {
    "csv": "Print comma-separated values, with a line of headings.",
    "tsv": "Print tab-separated values, with a line of headings.",
    "nl": "Print JSON, one object a line.",
}
_ENDPOINT = (
    Column("Id"),
    Column("Channel"),
    Column("Address", 20),
    Column("Platform", is_optional=True),
    Column("Country", is_optional=True),
    Column("Status", is_optional=True),
    Column("OptOut", is_optional=True),
)

#: What a list shows of an event.
EVENT_COLUMNS = (
    Column("Time"),
    Column("Type", 16),
    Column("Endpoint", 12),
    Column("User", 12, is_optional=True),
    Column("Attributes", 20, is_optional=True),
    Column("Metrics", 12, is_optional=True),
)


@attrs.frozen
class Listing:
    """A list, as a table and as JSON.

    Args:
        columns: the headings.
        rows: a cell for each column; the first is what the row is about.
        items: the same as JSON objects, complete.
        key: the member of the JSON answer that holds the items.
        others: its other members.
        empty: what to print instead of a table without rows.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[object]]
    items: Sequence[Mapping[str, object]]
    key: str = attrs.field(default="Item", kw_only=True)
    others: Mapping[str, object] = attrs.field(factory=dict, kw_only=True)
    empty: str = attrs.field(default="", kw_only=True)


def output_options(function: Command) -> Command:
    """Give a command that prints a list `--csv`, `--tsv` and `--nl`, as `form`."""
    command = function
    for form, text in reversed(_FORMS.items()):
        command = click.option(
            f"--{form}", "form", flag_value=form, default=None, callback=_one_form, help=text
        )(command)
    return command


def _one_form(ctx: click.Context, _: click.Parameter, form: Form | None) -> Form | None:
    if form is not None and ctx.meta.get(JSON):
        raise click.UsageError(f"give --json or --{form}, not both")
    return form


def print_list(listing: Listing, form: Form | None, *, as_json: bool) -> None:
    """Print a list in the form that was asked for; without one, for people."""
    if as_json:
        print_json({listing.key: listing.items, **listing.others})
    elif form == "nl":
        for item in listing.items:
            click.echo(shown_json(json.dumps(item, ensure_ascii=False)))
    elif form is not None:
        _print_separated(listing, form)
    elif listing.empty and not listing.rows:
        click.echo(listing.empty)
    else:
        print_rows(listing.columns, listing.rows)


def _print_separated(listing: Listing, form: Form) -> None:
    text = io.StringIO(newline="")
    dialect = "excel" if form == "csv" else "excel-tab"
    lines = csv.writer(text, dialect, lineterminator="\n")
    lines.writerow(column.heading for column in listing.columns)
    # Only a terminal has a cursor that a stored name could move.
    cell: Callable[[object], object] = shown if sys.stdout.isatty() else str
    lines.writerows([cell(each) for each in row] for row in listing.rows)
    click.echo(text.getvalue(), nl=False)


def endpoint_listing(
    endpoints: Iterable[Endpoint], others: Mapping[str, object] | None = None
) -> Listing:
    """Make a list of endpoints, one a row; `others` are further members of the JSON answer."""
    found = list(endpoints)
    items = [each.to_dict() for each in found]
    return Listing(_ENDPOINT, [_endpoint_row(each) for each in found], items, others=others or {})


def _endpoint_row(found: Endpoint) -> tuple[str, ...]:
    return (
        found.id or "",
        found.channel_type.value if found.channel_type else "",
        found.address or "",
        (found.demographic.platform if found.demographic else None) or "",
        (found.location.country if found.location else None) or "",
        found.endpoint_status.value if found.endpoint_status else "",
        found.opt_out.value if found.opt_out else "",
    )


def first_endpoints(endpoints: Iterator[Endpoint], limit: int) -> tuple[list[Endpoint], bool]:
    """Return the first of many endpoints, and whether there are more."""
    found = list(itertools.islice(endpoints, limit))
    return found, next(endpoints, None) is not None


def print_first(
    first: tuple[list[Endpoint], bool], form: Form | None, *, as_json: bool, for_all: str
) -> None:
    """Print what `first_endpoints` returns; `for_all` is how to get the others."""
    found, has_more = first
    print_list(endpoint_listing(found, {"HasMore": has_more}), form, as_json=as_json)
    if has_more and not as_json:
        say(f"there are more: raise --limit, or {for_all}")


def event_row(found: StoredEvent | TimelineEntry) -> tuple[str, ...]:
    """Return the cells of an event below `EVENT_COLUMNS`."""
    when = found.timestamp
    return (
        f"{when:%Y-%m-%d %H:%M:%S}Z" if when else "",
        found.type,
        found.endpoint_id,
        found.user_id or "",
        ", ".join(f"{name}={value}" for name, value in (found.attributes or {}).items()),
        ", ".join(f"{name}={value:g}" for name, value in (found.metrics or {}).items()),
    )

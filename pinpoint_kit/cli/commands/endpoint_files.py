"""`pinpoint-kit endpoint list|scan|load`: many endpoints at once, shown, written out or read in."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

import click
import orjson

from pinpoint_kit import InvalidRowsError, ProgressBar
from pinpoint_kit.cli.failures import REFUSED
from pinpoint_kit.cli.job_options import (
    exporting,
    format_option,
    naming,
    place,
    role_option,
    show_failures,
    timeout_option,
)
from pinpoint_kit.cli.listing import Form, first_endpoints, output_options, print_first
from pinpoint_kit.cli.options import Settings, common, example, limit_option
from pinpoint_kit.cli.output import print_json, say, shown, shown_json, writing

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pinpoint_kit import LoadReport

__all__ = ["list_endpoints", "load", "scan"]

_SHOWN_EVERY = 1_000


@example("endpoint list --limit 20")
@click.command("list")
@limit_option
@output_options
@exporting
@common
def list_endpoints(
    settings: Settings,
    limit: int,
    form: Form | None,
    **given: Any,  # noqa: ANN401 -- the other options, with the types that they name above
) -> None:
    """Show endpoints; `endpoint scan` writes all of them.

    On the hosted service this runs an export job: give --export-to and --role-arn.
    """
    with settings.reading() as pinpoint:
        found = first_endpoints(pinpoint.endpoints.scan(**given), limit)
    print_first(found, form, as_json=settings.as_json, for_all="write all with `endpoint scan`")


@example("endpoint scan audience.jsonl")
@click.command("scan")
@click.argument("target", metavar="[FILE]", default="-")
@click.option(
    "--ids",
    "only_ids",
    is_flag=True,
    help="Only the ids, one a line; without it, an id with a line break stays on its line.",
)
@exporting
@common
def scan(
    settings: Settings,
    target: str,
    *,
    only_ids: bool,
    **given: Any,  # noqa: ANN401 -- as above
) -> None:
    """Write all endpoints to FILE, one JSON object a line; stdout unless given.

    `endpoint load` and import jobs read what it writes. FILE must not exist yet, and is there only
    when all is written; only its owner can read it. On the hosted service this runs an export
    job: give --export-to and --role-arn.
    """
    if settings.as_json and target == "-":
        raise click.UsageError("--json needs a FILE: the lines themselves go to stdout")
    count = 0
    text: Callable[[str], str] = str
    if target == "-" and sys.stdout.isatty():
        text = shown if only_ids else shown_json
    bar = ProgressBar("writing")
    # Lines on the same terminal would be overwritten by a bar, which stands in the last one.
    around: contextlib.AbstractContextManager[object] = (
        contextlib.nullcontext() if target == "-" else bar
    )
    with settings.reading() as pinpoint:
        found = (pinpoint.endpoints.ids if only_ids else pinpoint.endpoints.scan)(**given)
        with writing(target) as write, around:
            for each in found:
                line = each if isinstance(each, str) else orjson.dumps(each.to_dict()).decode()
                write(text(line).encode() + b"\n")
                count += 1
                if count % _SHOWN_EVERY == 0 and target != "-":
                    bar(count)
    if settings.as_json:
        print_json({"Count": count})
    else:
        click.echo(f"{count:,} endpoint(s) written", err=target == "-")


@example("endpoint load audience.csv")
@click.command("load")
@click.argument("source", metavar="FILE", type=place)
@format_option
@click.option(
    "--staging",
    metavar="URL",
    help="Hosted service: s3://BUCKET/PREFIX, a place for a file of many rows.",
)
@role_option
@timeout_option
@common
def load(
    settings: Settings,
    source: str | Path,
    *,
    file_format: str | None,
    **given: Any,  # noqa: ANN401 -- as above
) -> None:
    """Create or update endpoints from FILE, all rows of which are checked first; - is stdin.

    CSV has a header such as ChannelType,Address,Attributes.plan; JSON has an object a line. If any
    row is wrong, nothing is sent, each wrong row is reported with its line and column, and the exit
    status is 2. It is 1 when valid rows were refused.
    """
    stream = sys.stdin.buffer if str(source) == "-" else source
    with settings.opened() as pinpoint, ProgressBar() as bar:
        try:
            with naming("stdin" if stream is not source else source):
                report = pinpoint.endpoints.load(
                    stream, format=file_format, on_progress=bar, **given
                )
        except InvalidRowsError as error:
            raise _reported(error) from error
    _show(settings, report)
    if report.rejected:
        sys.exit(REFUSED)


def _reported(error: InvalidRowsError) -> InvalidRowsError:
    """Say what is wrong with each row, and sum it up."""
    for problem in error.problems:
        say(str(problem))
    if error.total > len(error.problems):
        say(f"{error.total - len(error.problems):,} more rows cannot be used")
    rows = "1 row" if error.total == 1 else f"{error.total:,} rows"
    sentence = f"nothing was loaded, because {rows} cannot be used: correct or leave them out"
    return InvalidRowsError(sentence, error.problems, error.total)


def _show(settings: Settings, report: LoadReport) -> None:
    show_failures(report.failures, report.rejected)
    if settings.as_json:
        print_json(
            {
                "Accepted": report.accepted,
                "Rejected": report.rejected,
                "Failures": report.failures,
                "JobId": None if report.job is None else report.job.id,
            }
        )
    else:
        click.echo(f"{report.accepted:,} endpoint(s) loaded, {report.rejected:,} refused")

"""`pinpoint-kit job`: import and export jobs, started, waited for and listed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

import pinpoint_kit as pk
from pinpoint_kit import JobStatus, JobType, ProgressBar
from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.failures import REFUSED
from pinpoint_kit.cli.job_options import (
    format_option,
    naming,
    place,
    role_option,
    show_failures,
    timeout_option,
)
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import console, members_table, print_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    Command = Callable[..., Any]

__all__ = ["job"]

_COLUMNS = (
    Column("Id"),
    Column("Type"),
    Column("Status"),
    Column("Created"),
    Column("Processed", is_number=True, is_optional=True),
    Column("Failed", is_number=True),
    Column("Place", 16, is_optional=True, keeps_end=True),
)


@click.group()
def job() -> None:
    """Start, watch and list import and export jobs."""


_no_wait = click.option(
    "--no-wait",
    is_flag=True,
    help="Only start the job. The embedded engine runs it while a program has the database open.",
)


@example("job import audience.csv --segment-name spring")
@job.command("import")
@click.argument("source", metavar="URL", type=place)
@format_option
@click.option("--segment-name", metavar="NAME", help="Create a segment of the imported endpoints.")
@click.option("--segment-id", metavar="ID", help="Add them to an imported segment.")
@role_option
@_no_wait
@timeout_option
@common
def import_endpoints(
    settings: Settings,
    source: str | Path,
    *,
    no_wait: bool,
    timeout: float,
    **given: Any,  # noqa: ANN401 -- the other options, with the types that they name above
) -> None:
    """Create or update endpoints from the files at URL.

    URL is s3://BUCKET/KEY, file:///PATH or a path: a file, a folder or a prefix of file names.
    CSV has a header such as ChannelType,Address,Attributes.plan; JSON has an object a line. The
    embedded engine also reads files that end with .gz.

    The exit status is 0 only when every row was imported.
    """
    with settings.opened() as pinpoint:
        with naming(source):
            started = pinpoint.jobs.import_endpoints(
                source,
                format=given["file_format"],
                role_arn=given["role_arn"],
                segment_name=given["segment_name"],
                segment_id=given["segment_id"],
            )
        _follow(settings, pinpoint, started, None if no_wait else timeout)


@example("job export s3://bucket/folder/ --role-arn ARN")
@job.command("export")
@click.argument("target", metavar="URL", type=place)
@click.option("--segment-id", metavar="ID", help="Only endpoints that are in this segment.")
@click.option(
    "--segment-version", metavar="N", type=click.IntRange(min=1), help="A version of the segment."
)
@role_option
@_no_wait
@timeout_option
@common
def export_endpoints(
    settings: Settings,
    target: str | Path,
    *,
    no_wait: bool,
    timeout: float,
    **given: Any,  # noqa: ANN401 -- as above
) -> None:
    """Write endpoints to files below URL: gzip, a JSON object a line.

    URL is s3://BUCKET/FOLDER/, file:///FOLDER/ or a path. The files end with .gz; `job import`
    takes them as they are.
    """
    with settings.reading() as pinpoint:
        with naming(target):
            started = pinpoint.jobs.export_endpoints(target, **given)
        _follow(settings, pinpoint, started, None if no_wait else timeout)


@example("job wait 0123456789abcdef0123456789abcdef")
@job.command("wait")
@click.argument("job_id", metavar="ID")
@timeout_option
@common
def wait(settings: Settings, job_id: str, timeout: float) -> None:
    """Wait until the job ID has ended, and show its result.

    The exit status is 0 only when it completed and every row was imported.
    """
    with settings.reading() as pinpoint:
        _follow(settings, pinpoint, pinpoint.jobs.get(job_id), timeout)


@example("job get 0123456789abcdef0123456789abcdef")
@job.command("get")
@click.argument("job_id", metavar="ID")
@common
def get_job(settings: Settings, job_id: str) -> None:
    """Show the job ID as it is now."""
    with settings.reading() as pinpoint:
        found = pinpoint.jobs.get(job_id)
    _show(settings, found)


@example("job list --type import")
@job.command("list")
@click.option(
    "--type",
    "job_type",
    type=click.Choice([member.value for member in JobType], case_sensitive=False),
    help="Only jobs of this type.",
)
@click.option("--segment-id", metavar="ID", help="Only jobs of this segment.")
@output_options
@common
def list_jobs(
    settings: Settings, job_type: str | None, segment_id: str | None, form: Form | None
) -> None:
    """List import and export jobs, oldest first."""
    with settings.reading() as pinpoint:
        found = pinpoint.jobs.list(type=job_type, segment_id=segment_id)
    items = [each.to_dict() for each in found]
    listing = Listing(_COLUMNS, [_row(each) for each in found], items, empty="no jobs")
    print_list(listing, form, as_json=settings.as_json)


def _follow(
    settings: Settings, pinpoint: pk.Pinpoint, started: pk.Job, timeout: float | None
) -> None:
    """Show a job when it has ended, or at once, and exit with its status."""
    if timeout is None:
        _show(settings, started)
        return
    try:
        with ProgressBar(f"{_word(started)}ing") as bar:
            ended = pinpoint.jobs.wait(started, timeout=timeout, on_progress=bar)
    except pk.JobFailedError:
        ended = pinpoint.jobs.get(started)
    except KeyboardInterrupt:
        again = f"`pinpoint-kit job wait {started.id}{settings.words}`"
        if settings.is_engine:
            how = f"goes on while a program has its database open, as {again} does"
        else:
            how = f"goes on, and {again} waits for it"
        raise KeyboardInterrupt(f"interrupted; job {started.id} {how}") from None
    _show(settings, ended)
    if ended.job_status is not JobStatus.COMPLETED or ended.total_failures:
        sys.exit(REFUSED)


def _word(found: pk.Job) -> str:
    return "export" if found.type is JobType.EXPORT else "import"


def _show(settings: Settings, found: pk.Job) -> None:
    show_failures(found.failures, found.total_failures or 0)
    if settings.as_json:
        print_json(found.to_dict())
        return
    members = found.to_dict()
    members.pop("Failures", None)
    console().print(members_table(members))


def _row(found: pk.Job) -> tuple[object, ...]:
    definition = found.definition or pk.JobDefinition()
    return (
        found.id,
        _word(found),
        found.job_status.value if found.job_status else "",
        f"{found.creation_date:%Y-%m-%d %H:%MZ}" if found.creation_date else "",
        found.total_processed or 0,
        found.total_failures or 0,
        definition.s3_url or definition.s3_url_prefix or "",
    )

"""`pinpoint-kit segment`: segments, defined and looked into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

import click

from pinpoint_kit import Segment, errors
from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.conditions import condition_of, condition_options
from pinpoint_kit.cli.job_options import exporting
from pinpoint_kit.cli.listing import (
    Form,
    Listing,
    first_endpoints,
    output_options,
    print_first,
    print_list,
)
from pinpoint_kit.cli.options import Settings, common, example, limit_option
from pinpoint_kit.cli.output import (
    console,
    members_table,
    print_json,
    shown,
    table,
)
from pinpoint_kit.cli.prompts import confirm
from pinpoint_kit.models import wire

if TYPE_CHECKING:
    from pinpoint_kit.models.segments.grouping import Definition

__all__ = ["segment"]

_COLUMNS = (
    Column("Id"),
    Column("Name", 12),
    Column("Type", is_optional=True),
    Column("Version", is_number=True),
    Column("Modified", is_optional=True),
)


@click.group()
def segment() -> None:
    """Define segments, and see who is in them."""


_version = click.option(
    "--version",
    metavar="N",
    type=click.IntRange(min=1),
    help="A version of it; the latest unless given.",
)


@example("segment create pros --attribute plan=pro --country PT")
@segment.command("create")
@click.argument("name", metavar="NAME")
@click.option(
    "--file",
    "source",
    type=click.File("rb"),
    help="A JSON object with the Dimensions or SegmentGroups of Pinpoint; - for stdin.",
)
@condition_options
@common
def create_segment(
    settings: Settings,
    name: str,
    source: BinaryIO | None,
    **given: Any,  # noqa: ANN401 -- the options of a condition, with the types that they name
) -> None:
    """Create the segment NAME: all endpoints that match every option.

    Give a condition as options or as --file, not both; --file takes what `segment get --json`
    prints.
    """
    condition = condition_of(given)
    if (condition is None) == (source is None):
        raise click.UsageError(
            "give a condition, as options or as --file;"
            """ `echo '{"Dimensions": {}}' | … --file -` takes every endpoint"""
        )
    definition = _read(source.read()) if source is not None else None
    with settings.opened() as pinpoint:
        created = pinpoint.segments.create(name, definition or condition)  # type: ignore[arg-type]  # one of them is given
    if settings.as_json:
        print_json(created.to_dict())
    else:
        click.echo(f"created segment {created.id}")


def _read(content: bytes) -> Definition:
    members = wire.from_json(content)
    if not isinstance(members, dict):
        raise errors.InvalidTypeError("expected an object with Dimensions or SegmentGroups", "$")
    found = wire.from_wire(Segment, {"Id": "new", **members}, strict=True)
    if found.dimensions and found.segment_groups:
        raise errors.ValidationError("has Dimensions and SegmentGroups: give one, not both", "$")
    definition = found.dimensions or found.segment_groups
    if definition is None:
        raise errors.ValidationError("needs Dimensions or SegmentGroups: give one of them", "$")
    return definition


@example("segment list")
@segment.command("list")
@output_options
@common
def list_segments(settings: Settings, form: Form | None) -> None:
    """List segments, each in its latest version."""
    with settings.reading() as pinpoint:
        found = pinpoint.segments.list()
    items = [each.to_dict() for each in found]
    listing = Listing(_COLUMNS, [_row(each) for each in found], items, empty="no segments")
    print_list(listing, form, as_json=settings.as_json)


def _row(found: Segment) -> tuple[object, ...]:
    return (
        found.id,
        found.name or "",
        found.segment_type.value.lower() if found.segment_type else "",
        found.version or "",
        f"{found.last_modified_date:%Y-%m-%d %H:%MZ}" if found.last_modified_date else "",
    )


@example("segment get SEGMENT --json")
@segment.command("get")
@click.argument("segment_id", metavar="ID")
@_version
@common
def get_segment(settings: Settings, segment_id: str, version: int | None) -> None:
    """Show the segment ID with its definition."""
    with settings.reading() as pinpoint:
        found = pinpoint.segments.get(segment_id, version=version)
    _show(settings, found)


@example("segment delete SEGMENT")
@segment.command("delete")
@click.argument("segment_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def delete_segment(settings: Settings, segment_id: str, *, yes: bool) -> None:
    """Delete the segment ID with all its versions; its endpoints stay.

    Asks first when stdin is a terminal; otherwise --yes is needed.
    """
    confirm("Delete this segment?", yes=yes)
    with settings.reading() as pinpoint:
        deleted = pinpoint.segments.delete(segment_id)
    if not settings.as_json:
        click.echo("deleted:")
    _show(settings, deleted)


def _show(settings: Settings, found: Segment) -> None:
    members = found.to_dict()
    if settings.as_json:
        print_json(members)
    else:
        console().print(members_table(members))


@example("segment count SEGMENT")
@segment.command("count")
@click.argument("segment_id", metavar="ID")
@_version
@exporting
@common
def count_members(
    settings: Settings,
    segment_id: str,
    **given: Any,  # noqa: ANN401 -- as above
) -> None:
    """Count the endpoints in the segment ID.

    On the hosted service this runs an export job: give --export-to and --role-arn.
    """
    with settings.reading() as pinpoint:
        count = pinpoint.segments.count(segment_id, **given)
    if settings.as_json:
        print_json({"SegmentId": segment_id, "Count": count})
    else:
        click.echo(f"{count:,}")


@example("segment members SEGMENT --csv")
@segment.command("members")
@click.argument("segment_id", metavar="ID")
@limit_option
@_version
@output_options
@exporting
@common
def list_members(
    settings: Settings,
    segment_id: str,
    limit: int,
    form: Form | None,
    **given: Any,  # noqa: ANN401 -- as above
) -> None:
    """Show endpoints in the segment ID; `job export --segment-id` writes all of them.

    On the hosted service this runs an export job: give --export-to and --role-arn.
    """
    with settings.reading() as pinpoint:
        found = first_endpoints(pinpoint.segments.members(segment_id, **given), limit)
    for_all = "write all with `job export --segment-id`"
    print_first(found, form, as_json=settings.as_json, for_all=for_all)


@example("segment explain device-1 SEGMENT")
@segment.command("explain")
@click.argument("endpoint_id", metavar="ENDPOINT")
@click.argument("segment_id", metavar="SEGMENT")
@_version
@common
def explain_member(
    settings: Settings, endpoint_id: str, segment_id: str, version: int | None
) -> None:
    """Show why the endpoint ENDPOINT is in the segment SEGMENT, or why not; both are ids.

    Needs the embedded engine or our server.
    """
    with settings.reading() as pinpoint:
        found = pinpoint.segments.explain(endpoint_id, segment_id, version=version)
    if settings.as_json:
        print_json(found.to_dict())
        return
    verdict = "is in" if found.is_member else "is not in"
    click.echo(f"{shown(found.endpoint_id)} {verdict} segment {shown(found.segment_id)}")
    rows = (
        ("yes" if criterion.is_met else "no", criterion.path, criterion.text)
        for criterion in found.criteria
    )
    console().print(table(("Met", "Part", "Asks for"), rows, whole=("Met",)))

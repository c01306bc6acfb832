"""`pinpoint-kit erase`: a person's data, for a data-protection request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import console, print_json, table
from pinpoint_kit.cli.prompts import confirm

if TYPE_CHECKING:
    from pinpoint_kit import ErasureReport

__all__ = ["erase"]

#: How a user is called, and one that the erasure keeps.
_USER = ("user", "user who keeps other endpoints")


@example("erase --user-id user-1 --dry-run", "erase --user-id user-1 --yes")
@click.command("erase")
@click.option("--user-id", metavar="ID", help="All endpoints and events of this user.")
@click.option(
    "--address",
    metavar="ADDRESS",
    help="All endpoints with this address, in any spelling of an e-mail address or number.",
)
@click.option("--endpoint-id", metavar="ID", help="One endpoint and its events.")
@click.option("--dry-run", is_flag=True, help="Show what there is, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def erase(  # noqa: PLR0913 -- click passes each option by its name
    settings: Settings,
    user_id: str | None,
    address: str | None,
    endpoint_id: str | None,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove a person's endpoints, user attributes and events.

    Reports what there was. The person is removed from imported segments, too. With --address or
    --endpoint-id, a user who has other endpoints keeps them; --user-id removes all.

    Erases in one application: repeat it for each that may hold the person's data.

    Give exactly one of --user-id, --address and --endpoint-id. Needs the embedded engine or a
    server of this package. Does not look into spools, exported files and backups, and names them.

    Asks first when stdin is a terminal; otherwise --yes or --dry-run is needed.
    """
    if sum(given is not None for given in (user_id, address, endpoint_id)) != 1:
        raise click.UsageError("give exactly one of --user-id, --address and --endpoint-id")
    if not dry_run:
        confirm("Erase this person's endpoints and events?", yes=yes)
    with settings.reading() as pinpoint:
        report = pinpoint.erase(
            user_id=user_id, address=address, endpoint_id=endpoint_id, dry_run=dry_run
        )
    _print(settings, report)


def _print(settings: Settings, report: ErasureReport) -> None:
    if settings.as_json:
        print_json(
            {
                "DryRun": report.is_dry_run,
                "EndpointIds": report.endpoint_ids,
                "UserIds": report.user_ids,
                "KeptUserIds": report.kept_user_ids,
                "Events": report.events,
                "SegmentEntries": report.segment_entries,
                "StreamRecords": report.stream_records,
                "Messages": report.messages,
                "OneTimePasswords": report.one_time_passwords,
                "OptOuts": report.opt_outs,
                "CampaignSends": report.campaign_sends,
                "ValuesGone": report.values_gone,
                "Copies": report.copies,
            }
        )
        return
    found = report.events + report.segment_entries + report.stream_records + report.campaign_sends
    found += report.messages + report.one_time_passwords + report.opt_outs
    if not (report.endpoint_ids or found):
        click.echo("Nothing is stored about this person.")
        return
    click.echo("Found (nothing was removed):" if report.is_dry_run else "Erased:")
    rows = [
        *(("endpoint", found) for found in report.endpoint_ids),
        *((_USER[found in report.kept_user_ids], found) for found in report.user_ids),
        ("events", report.events),
        ("entries in imported segments", report.segment_entries),
        ("records of event streams", report.stream_records),
        ("messages", report.messages),
        ("one-time passwords", report.one_time_passwords),
        ("opt-outs", report.opt_outs),
        ("entries of campaigns", report.campaign_sends),
    ]
    console().print(table(("What", "Which or how many"), rows))
    if report.kept_user_ids:
        click.echo("\nUsers with other endpoints were kept: --user-id ID removes all of a user.")
    if not report.values_gone:
        click.echo(
            "\nDeleted values are still in the database's files: others are using it. They are"
            " overwritten as soon as possible; --dry-run says whether that is done."
        )
    click.echo("\nNot erased, if the person is there:")
    for copy in report.copies:
        click.echo(f"  {copy}")

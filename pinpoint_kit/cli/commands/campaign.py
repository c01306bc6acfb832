"""`pinpoint-kit campaign`: campaigns, made and followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import attrs
import click

from pinpoint_kit import errors
from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import Settings, common, example, printing_warnings
from pinpoint_kit.cli.output import console, members_table, print_json, say
from pinpoint_kit.cli.prompts import confirm
from pinpoint_kit.models import wire
from pinpoint_kit.models.campaigns.campaign import Campaign
from pinpoint_kit.models.campaigns.message import (
    EmailMessage,
    Message,
    MessageConfiguration,
    SMSMessage,
    TemplateConfiguration,
)
from pinpoint_kit.models.campaigns.schedule import IMMEDIATE, Frequency, Schedule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from pinpoint_kit.models.campaigns.activity import Activity
    from pinpoint_kit.models.campaigns.results import RunResults

__all__ = ["campaign"]

_COLUMNS = (
    Column("Id"),
    Column("Name", 12),
    Column("Status"),
    Column("Starts", is_optional=True),
    Column("Frequency", is_optional=True),
    Column("Segment", is_optional=True),
    Column("Version", is_number=True, is_optional=True),
)
_RUN_COLUMNS = (
    Column("Id"),
    Column("Treatment"),
    Column("State"),
    Column("Result"),
    Column("Tried", is_number=True),
    Column("Sent", is_number=True),
    Column("Scheduled", is_optional=True),
    Column("Ended", is_optional=True),
    Column("Left out", is_optional=True),
)
#: Execution metrics that count nobody who was left out.
_NOT_LEFT_OUT = frozenset({"ENDPOINT_PRODUCED", "ENDPOINTS_FROM_USER"})
_RESULT_COLUMNS = (
    Column("Treatment"),
    Column("Sent", is_number=True),
    Column("Delivered", is_number=True),
    Column("Bounced", is_number=True),
    Column("Opened", is_number=True),
    Column("Clicked", is_number=True),
    Column("Complained", is_number=True, is_optional=True),
    Column("OptedOut", is_number=True, is_optional=True),
)
#: Frequencies that need an event filter, which only a file can give.
_OF_EVENTS = (Frequency.EVENT, Frequency.IN_APP_EVENT)
_TIMES = [each.value.lower() for each in Frequency if each not in _OF_EVENTS]


@click.group()
def campaign() -> None:
    """Make campaigns, pause and resume them, and see what came of them."""


@example('campaign create spring --segment SEGMENT --sms "Hello!"')
@campaign.command("create")
@click.argument("name", metavar="NAME")
@click.option(
    "--file",
    "source",
    type=click.File("rb"),
    help="A JSON object with the members of a campaign of Pinpoint; - for stdin.",
)
@click.option("--segment", "segment_id", metavar="ID", help="The segment whom it is for.")
@click.option("--start", metavar="TIME", help="ISO 8601 text; at once unless given.")
@click.option("--end", metavar="TIME", help="After it nothing is sent.")
@click.option(
    "--frequency",
    type=click.Choice(_TIMES, case_sensitive=False),
    help="How often it runs; once unless given.",
)
@click.option("--sms", metavar="TEXT", help="The text message.")
@click.option("--email-subject", metavar="TEXT", help="The subject of the e-mail.")
@click.option("--email-text", metavar="TEXT", help="The text of the e-mail.")
@click.option("--email-html", metavar="HTML", help="The text of the e-mail as HTML.")
@click.option("--push-title", metavar="TEXT", help="The title of the notification.")
@click.option("--push-text", metavar="TEXT", help="The text of the notification.")
@click.option("--sms-template", metavar="NAME", help="A stored template for text messages.")
@click.option("--email-template", metavar="NAME", help="A stored template for e-mail.")
@click.option("--push-template", metavar="NAME", help="A stored template for notifications.")
@common
def create_campaign(
    settings: Settings, name: str, source: BinaryIO | None, **given: str | None
) -> None:
    """Make the campaign NAME, which runs at --start, or at once.

    Say whom it is for and what it says as options, or as --file, or both; options win. --file takes
    what `campaign show --json` prints. Commands make and change campaigns; they run in a server
    (`pinpoint-kit serve`), or in a program that has the database open.
    """
    made = attrs.evolve(_asked(_read(source) if source else Campaign(), given), name=name)
    with settings.opened() as pinpoint, printing_warnings():
        created = pinpoint.campaigns.create(made)
    if settings.as_json:
        print_json(created.to_dict())
    else:
        click.echo(f"created campaign {created.id}")
        _say_where_it_runs(settings)


def _read(source: BinaryIO) -> Campaign:
    members = wire.from_json(source.read())
    if not isinstance(members, dict):
        raise errors.InvalidTypeError("expected an object with the members of a campaign", "$")
    return wire.from_wire(Campaign, members, strict=True)


def _asked(read: Campaign, given: dict[str, str | None]) -> Campaign:
    """Return a campaign with what options say."""
    texts = {name: value for name, value in given.items() if value is not None}
    messages = read.message_configuration or MessageConfiguration()
    if "sms" in texts:
        messages = attrs.evolve(messages, sms_message=SMSMessage(body=texts["sms"]))
    email = EmailMessage(
        title=texts.get("email_subject"),
        body=texts.get("email_text"),
        html_body=texts.get("email_html"),
    )
    push = Message(title=texts.get("push_title"), body=texts.get("push_text"))
    if email != EmailMessage():
        messages = attrs.evolve(messages, email_message=email)
    if push != Message():
        messages = attrs.evolve(messages, default_message=push)
    return attrs.evolve(
        read,
        segment_id=texts.get("segment_id", read.segment_id),
        schedule=_schedule(read.schedule, texts),
        message_configuration=messages if messages != MessageConfiguration() else None,
        template_configuration=_templates(read.template_configuration, texts),
    )


def _templates(
    read: TemplateConfiguration | None, texts: dict[str, str]
) -> TemplateConfiguration | None:
    before = read or TemplateConfiguration()
    after = attrs.evolve(
        before,
        email_template=texts.get("email_template", before.email_template),
        push_template=texts.get("push_template", before.push_template),
        sms_template=texts.get("sms_template", before.sms_template),
    )
    return None if after == TemplateConfiguration() else after


def _schedule(read: Schedule | None, texts: dict[str, str]) -> Schedule:
    schedule = read or Schedule(start_time=IMMEDIATE)
    if "start" in texts:
        schedule = attrs.evolve(schedule, start_time=texts["start"])
    if "end" in texts:
        schedule = attrs.evolve(schedule, end_time=texts["end"])
    if "frequency" in texts:
        schedule = attrs.evolve(schedule, frequency=texts["frequency"].upper())
    return schedule


@example("campaign list")
@campaign.command("list")
@output_options
@common
def list_campaigns(settings: Settings, form: Form | None) -> None:
    """List campaigns, the newest first."""
    with settings.reading() as pinpoint:
        found = pinpoint.campaigns.list()
    items = [each.to_dict() for each in found]
    listing = Listing(_COLUMNS, [_row(each) for each in found], items, empty="no campaigns")
    print_list(listing, form, as_json=settings.as_json)


def _row(found: Campaign) -> tuple[object, ...]:
    schedule = found.schedule
    return (
        found.id or "",
        found.name or "",
        found.status.value.lower() if found.status else "",
        schedule.start_time if schedule else "",
        schedule.frequency.value.lower() if schedule and schedule.frequency else "once",
        found.segment_id or "",
        found.version or "",
    )


@example("campaign show CAMPAIGN --json")
@campaign.command("show")
@click.argument("campaign_id", metavar="ID")
@click.option(
    "--version",
    metavar="N",
    type=click.IntRange(min=1),
    help="A version of it; the latest unless given.",
)
@common
def show_campaign(settings: Settings, campaign_id: str, version: int | None) -> None:
    """Show the campaign ID with what it says."""
    with settings.reading() as pinpoint:
        found = pinpoint.campaigns.get(campaign_id, version=version)
    _show(settings, found)


@example("campaign pause CAMPAIGN")
@campaign.command("pause")
@click.argument("campaign_id", metavar="ID")
@common
def pause_campaign(settings: Settings, campaign_id: str) -> None:
    """Have the campaign ID not begin its next run; one that is under way goes on."""
    with settings.reading() as pinpoint:
        _changed(settings, pinpoint.campaigns.pause(campaign_id))


@example("campaign resume CAMPAIGN")
@campaign.command("resume")
@click.argument("campaign_id", metavar="ID")
@common
def resume_campaign(settings: Settings, campaign_id: str) -> None:
    """Have the paused campaign ID go on with its next run."""
    with settings.reading() as pinpoint:
        _changed(settings, pinpoint.campaigns.resume(campaign_id))
    if not settings.as_json:
        _say_where_it_runs(settings)


@example("campaign delete CAMPAIGN")
@campaign.command("delete")
@click.argument("campaign_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def delete_campaign(settings: Settings, campaign_id: str, *, yes: bool) -> None:
    """Delete the campaign ID, which stops a run of it.

    Asks first when stdin is a terminal; otherwise --yes is needed.
    """
    confirm("Delete this campaign?", yes=yes)
    with settings.reading() as pinpoint:
        _changed(settings, pinpoint.campaigns.delete(campaign_id))


@example("campaign activities CAMPAIGN --csv")
@campaign.command("activities")
@click.argument("campaign_id", metavar="ID")
@output_options
@common
def list_activities(settings: Settings, campaign_id: str, form: Form | None) -> None:
    """List the runs of the campaign ID, the newest first, and why endpoints were left out.

    Caps, quiet time, holdout and messages that failed stand in `campaign results`.
    """
    with settings.reading() as pinpoint:
        found = pinpoint.campaigns.activities(campaign_id)
    items = [each.to_dict() for each in found]
    rows = [_run_row(each) for each in found]
    listing = Listing(_RUN_COLUMNS, rows, items, empty="no runs yet")
    print_list(listing, form, as_json=settings.as_json)


def _run_row(found: Activity) -> tuple[object, ...]:
    return (
        found.id,
        found.treatment_id or "",
        (found.state or "").lower(),
        (found.result or "").lower(),
        found.total_endpoint_count or 0,
        found.successful_endpoint_count or 0,
        _minute(found.scheduled_start),
        _minute(found.end),
        _listed(
            {
                name.removeprefix("ENDPOINT_"): number
                for name, number in (found.execution_metrics or {}).items()
                if name not in _NOT_LEFT_OUT and number != "0"
            }
        ),
    )


def _listed(counts: Mapping[str, object]) -> str:
    """Return counts by their names as words: `2 opt out, 1 inactive`."""
    named = ((name.replace("_", " ").lower(), number) for name, number in counts.items())
    return ", ".join(f"{number} {name}" for name, number in named)


def _minute(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%MZ}" if moment else ""


@example("campaign results CAMPAIGN")
@campaign.command("results")
@click.argument("campaign_id", metavar="ID")
@output_options
@common
def show_results(settings: Settings, campaign_id: str, form: Form | None) -> None:
    """Show what came of the campaign ID, by treatment.

    Needs the embedded engine or our server. --json has each run.
    """
    with settings.reading() as pinpoint:
        found = pinpoint.campaigns.results(campaign_id)
    if settings.as_json:
        print_json(found.to_dict())
        return
    treatments = found.treatments
    items = [each.to_dict() for each in treatments]
    rows = [_result_row(each) for each in treatments]
    print_list(Listing(_RESULT_COLUMNS, rows, items, empty="nothing was sent"), form, as_json=False)
    if found.statuses:
        say(f"endpoints: {_listed(found.statuses)}")


def _result_row(found: RunResults) -> tuple[object, ...]:
    return (
        found.treatment_id,
        found.sent,
        found.delivered,
        found.bounced,
        found.opened,
        found.clicked,
        found.complained,
        found.opted_out,
    )


def _say_where_it_runs(settings: Settings) -> None:
    """Say that commands run no campaign: they have no transports, and are over in a moment."""
    if settings.is_engine:
        say("it runs while a server (`pinpoint-kit serve`) or a program has this database open")


def _changed(settings: Settings, found: Campaign) -> None:
    if settings.as_json:
        print_json(found.to_dict())
    else:
        status = found.status.value.lower() if found.status else "of an unknown status"
        click.echo(f"campaign {found.id} is {status}")


def _show(settings: Settings, found: Campaign) -> None:
    members = found.to_dict()
    if settings.as_json:
        print_json(members)
    else:
        console().print(members_table(members))

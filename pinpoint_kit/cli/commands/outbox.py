"""`pinpoint-kit outbox`: what was sent, as its recipients see it, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

import click

import pinpoint_kit as pk
from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import print_json, print_pairs, shown
from pinpoint_kit.cli.prompts import confirm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Unpack

__all__ = ["outbox"]

_MESSAGES = (
    Column("Id", 12),
    Column("Time"),
    Column("Channel"),
    Column("Address", 20),
    Column("Title", 16, is_optional=True),
    Column("Text", 20, is_optional=True),
    Column("Status", is_optional=True),
    Column("Outcomes", 12, is_optional=True),
)
_CHANNELS = click.Choice([channel.value for channel in pk.ChannelType], case_sensitive=False)
_OUTCOMES = click.Choice([outcome.value for outcome in pk.Outcome])
_KINDS = click.Choice(["direct", "otp", "campaign"])
#: Members of a message that stand on lines of their own, below a heading.
_TEXTS = ("Body", "Html", "Payload")


class _Asked(TypedDict):
    """Which messages are meant."""

    address: str | None
    channel: str | None
    endpoint_id: str | None
    campaign: str | None
    kind: str | None
    since: str | None
    until: str | None


@click.group()
def outbox() -> None:
    """Show what was sent, and say what became of it.

    Addresses and texts are personal data.
    """


def _filters(function: Callable[..., None]) -> Callable[..., None]:
    command = function
    for option in reversed(
        (
            click.option("--address", metavar="ADDRESS", help="Only to this address."),
            click.option(
                "--channel", type=_CHANNELS, metavar="CHANNEL", help="Only through this channel."
            ),
            click.option("--endpoint", "endpoint_id", metavar="ID", help="Only to this endpoint."),
            click.option("--campaign", metavar="ID", help="Only of this campaign."),
            click.option("--kind", type=_KINDS, help="Only such messages."),
            click.option("--since", metavar="TIME", help="Only those sent from then on."),
            click.option("--until", metavar="TIME", help="Only those sent before that."),
        )
    ):
        command = option(command)
    return command


@example("outbox list --address ann@example.com", "outbox list --json")
@outbox.command("list")
@_filters
@click.option("--limit", type=click.IntRange(0), metavar="N", help="At most so many.")
@output_options
@common
def list_messages(
    settings: Settings, limit: int | None, form: Form | None, **asked: Unpack[_Asked]
) -> None:
    """List messages, the newest last."""
    with settings.reading() as pinpoint:
        found = pinpoint.outbox.messages(limit=limit, **asked)
    _print_messages(settings, form, found)


@example("outbox show 0f6c…")
@outbox.command("show")
@click.argument("message_id", metavar="ID")
@common
def show(settings: Settings, message_id: str) -> None:
    """Show one message as its recipient sees it, and all reports of it."""
    with settings.reading() as pinpoint:
        found = pinpoint.outbox.get(message_id)
    _print_message(settings, found)


@example("outbox wait --address ann@example.com --timeout 30")
@outbox.command("wait")
@_filters
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up after that.",
)
@common
def wait(settings: Settings, timeout: float, **asked: Unpack[_Asked]) -> None:
    """Wait until there is such a message, and show the newest; one that is there counts."""
    with settings.reading() as pinpoint:
        found = pinpoint.outbox.wait_for(timeout=timeout, **asked)
    _print_message(settings, found)


@example("outbox clear --yes", "outbox clear --until 2026-11-01 --yes")
@outbox.command("clear")
@_filters
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def clear(settings: Settings, *, yes: bool, **asked: Unpack[_Asked]) -> None:
    """Delete messages, and what was reported of them; all unless something is said."""
    confirm("Delete these messages?", yes=yes)
    with settings.reading() as pinpoint:
        count = pinpoint.outbox.clear(**asked)
    if settings.as_json:
        print_json({"Messages": count})
    else:
        click.echo(f"deleted {count} message(s)")


@example("outbox report 0f6c… bounced", "outbox report 0f6c… clicked --link https://example.com/")
@outbox.command("report")
@click.argument("message_id", metavar="ID")
@click.argument("outcome", type=_OUTCOMES)
@click.option("--transient", is_flag=True, help="Of a bounce: it may work another time.")
@click.option("--link", metavar="URL", help="Of a click: what was clicked.")
@click.option("--reason", metavar="TEXT", help="What the other side said.")
@click.option("--user-agent", metavar="TEXT", help="Of a reader.")
@click.option("--ip-address", metavar="ADDRESS", help="Of a reader.")
@common
def report(  # noqa: PLR0913 -- one parameter an option
    settings: Settings,
    message_id: str,
    outcome: str,
    *,
    transient: bool,
    link: str | None,
    reason: str | None,
    user_agent: str | None,
    ip_address: str | None,
) -> None:
    """Say that OUTCOME has become of the message ID, as its provider would."""
    with settings.reading() as pinpoint:
        found = pinpoint.outbox.report(
            message_id,
            outcome,
            permanent=not transient,
            link=link,
            reason=reason,
            user_agent=user_agent,
            ip_address=ip_address,
        )
    _print_message(settings, found)


def _print_messages(
    settings: Settings, form: Form | None, found: Iterable[pk.OutboxMessage]
) -> None:
    messages = list(found)
    rows = [
        (
            message.id,
            f"{message.creation_date:%Y-%m-%d %H:%M:%S}Z" if message.creation_date else "",
            message.channel_type,
            message.address,
            message.title,
            message.body or message.html or message.payload,
            message.delivery_status,
            ", ".join(message.outcomes),
        )
        for message in messages
    ]
    items = [message.to_dict() for message in messages]
    print_list(
        Listing(_MESSAGES, rows, items, empty="the outbox is empty"),
        form,
        as_json=settings.as_json,
    )


def _print_message(settings: Settings, found: pk.OutboxMessage) -> None:
    members = found.to_dict()
    if settings.as_json:
        print_json(members)
        return
    elsewhere = {*_TEXTS, "Outcomes", "Reports"}
    print_pairs({name: value for name, value in members.items() if name not in elsewhere})
    for name in _TEXTS:
        if name in members:
            click.echo(f"\n{name}\n{shown(members[name])}")
    if found.reports:
        click.echo("\nReports")
    for each in found.reports or ():
        when = f"{each.date:%Y-%m-%d %H:%M:%S}Z" if each.date else ""
        click.echo(f"{when}  {each.outcome}")

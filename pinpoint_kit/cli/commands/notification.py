"""`pinpoint-kit notification`: what clients report of a campaign's push messages."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pinpoint_kit.cli.failures import NO_ANSWER, REFUSED
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    import pinpoint_kit as pk

__all__ = ["notification"]

_TIMEOUT_S = 30.0


@click.group()
def notification() -> None:
    """Record that a campaign's push message was received or opened.

    Only a client knows this, and rates of opening depend on it.
    """


def _ids(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the endpoint and the ids that a message carries."""
    for option in (
        click.option("--treatment", metavar="ID", help="The treatment, 0 for the default one."),
        click.option("--activity", metavar="ID", help="The campaign's run."),
        click.option("--campaign", metavar="ID", required=True, help="The campaign."),
        click.argument("endpoint_id", metavar="ENDPOINT"),
    ):
        command = option(command)
    return command


@example("notification opened device-1 --campaign ID --treatment 0")
@notification.command("opened")
@_ids
@common
def opened(
    settings: Settings,
    endpoint_id: str,
    campaign: str,
    activity: str | None,
    treatment: str | None,
) -> None:
    """Record that ENDPOINT has opened the app by a message."""
    with settings.opened(strict=True) as pinpoint:
        event_id = pinpoint.notifications.opened(
            endpoint_id, campaign_id=campaign, activity_id=activity, treatment_id=treatment
        )
        report = pinpoint.flush(_TIMEOUT_S)
    _print(settings, event_id, report)


@example("notification received device-1 --campaign ID --background")
@notification.command("received")
@_ids
@click.option(
    "--foreground/--background",
    "in_foreground",
    default=True,
    show_default=True,
    help="Whether the app was on the screen.",
)
@common
def received(  # noqa: PLR0913 -- the options of the command
    settings: Settings,
    endpoint_id: str,
    campaign: str,
    activity: str | None,
    treatment: str | None,
    *,
    in_foreground: bool,
) -> None:
    """Record that ENDPOINT has received a message."""
    with settings.opened(strict=True) as pinpoint:
        event_id = pinpoint.notifications.received(
            endpoint_id,
            campaign_id=campaign,
            in_foreground=in_foreground,
            activity_id=activity,
            treatment_id=treatment,
        )
        report = pinpoint.flush(_TIMEOUT_S)
    _print(settings, event_id, report)


def _print(settings: Settings, event_id: str, report: pk.DeliveryReport) -> None:
    if settings.as_json:
        print_json({"event_id": event_id, "accepted": report.accepted == 1})
    elif report.accepted:
        click.echo(f"recorded as {event_id}")
    else:
        click.echo("not recorded")
    if not report.accepted:
        sys.exit(REFUSED if report.rejected else NO_ANSWER)

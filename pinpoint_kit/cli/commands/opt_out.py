"""`pinpoint-kit opt-out`: the addresses that get nothing, whether they have an endpoint or not."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

import pinpoint_kit as pk
from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import print_json

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["opt_out"]

_COLUMNS = (
    Column("Address", 20),
    Column("Channel"),
    Column("Reason"),
    Column("Since"),
)
_CHANNELS = click.Choice([channel.value for channel in pk.ChannelType], case_sensitive=False)
_REASONS = click.Choice(["opted_out", "complained", "bounced"])


@click.group()
def opt_out() -> None:
    """List, add and lift opt-outs of addresses: personal data.

    Such an address gets nothing on its channel, whether it has an endpoint or not. `pinpoint-kit
    outbox report` adds one, too.
    """


@example("opt-out list", "opt-out list --channel SMS --csv")
@opt_out.command("list")
@click.option("--address", metavar="ADDRESS", help="Only this address, in any spelling.")
@click.option("--channel", type=_CHANNELS, metavar="CHANNEL", help="Only on this channel.")
@click.option("--reason", type=_REASONS, help="Only for this reason.")
@click.option("--limit", type=click.IntRange(0), metavar="N", help="At most so many.")
@output_options
@common
def list_opt_outs(  # noqa: PLR0913, PLR0917 -- one parameter an option
    settings: Settings,
    address: str | None,
    channel: str | None,
    reason: str | None,
    limit: int | None,
    form: Form | None,
) -> None:
    """List addresses that get nothing, the oldest opt-out first."""
    with settings.reading() as pinpoint:
        found = pinpoint.opt_outs.list(address=address, channel=channel, reason=reason, limit=limit)
    _print(settings, form, found)


@example("opt-out add +12065550100 --channel SMS", "opt-out add - --channel EMAIL < addresses.txt")
@opt_out.command("add")
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--channel", type=_CHANNELS, metavar="CHANNEL", required=True, help="Where.")
@click.option(
    "--reason", type=_REASONS, default="opted_out", show_default=True, help="Why they get nothing."
)
@common
def add(settings: Settings, addresses: tuple[str, ...], channel: str, reason: str) -> None:
    """Send nothing to each ADDRESS any more on a channel; - reads them from stdin, one a line."""
    with settings.reading() as pinpoint:
        count = pinpoint.opt_outs.add(_named(addresses), channel, reason=reason)
    _print_count(settings, count, f"added {count} opt-out(s)")


@example("opt-out remove +12065550100 --channel SMS")
@opt_out.command("remove")
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--channel", type=_CHANNELS, metavar="CHANNEL", required=True, help="Where.")
@common
def remove(settings: Settings, addresses: tuple[str, ...], channel: str) -> None:
    """Lift the opt-out of each ADDRESS on a channel; - reads them from stdin, one a line.

    Endpoints that have the address keep their own OptOut and status.
    """
    with settings.reading() as pinpoint:
        count = pinpoint.opt_outs.remove(_named(addresses), channel)
    _print_count(settings, count, f"lifted {count} opt-out(s)")


def _named(addresses: Iterable[str]) -> list[str]:
    """Return the addresses, those of stdin in the place of each `-`."""
    found: list[str] = []
    for address in addresses:
        if address == "-":
            found += [line.strip() for line in sys.stdin if line.strip()]
        else:
            found.append(address)
    return found


def _print_count(settings: Settings, count: int, sentence: str) -> None:
    if settings.as_json:
        print_json({"OptOuts": count})
    else:
        click.echo(sentence)


def _print(settings: Settings, form: Form | None, found: Iterable[pk.OptedOutAddress]) -> None:
    opt_outs = list(found)
    rows = [
        (
            each.address,
            each.channel_type,
            each.reason,
            f"{each.since:%Y-%m-%d %H:%M:%S}Z" if each.since else "",
        )
        for each in opt_outs
    ]
    items = [each.to_dict() for each in opt_outs]
    print_list(
        Listing(_COLUMNS, rows, items, empty="no address has opted out"),
        form,
        as_json=settings.as_json,
    )

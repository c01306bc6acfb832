"""`pinpoint-kit endpoint find`: endpoints by address, user, channel and attributes."""

from __future__ import annotations

import click

from pinpoint_kit.cli.listing import Form, endpoint_listing, output_options, print_list
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.pairs import pair

__all__ = ["find_endpoints"]


@example("endpoint find --address customer@example.com", "endpoint find --attribute plan=pro")
@click.command("find")
@click.option("--address", help="Exactly this address.")
@click.option("--user", "user_id", metavar="ID", help="Of this user, whose case matters.")
@click.option("--channel", "channel_type", metavar="TYPE", help="Of this channel, as EMAIL.")
@click.option(
    "--attribute",
    "attributes",
    type=pair,
    multiple=True,
    metavar="NAME=VALUE",
    help="With this attribute; given again, with another value or name.",
)
@click.option(
    "--limit", type=click.IntRange(0), default=100, show_default=True, help="At most so many."
)
@output_options
@common
def find_endpoints(  # noqa: PLR0913, PLR0917 -- the options of the command
    settings: Settings,
    address: str | None,
    user_id: str | None,
    channel_type: str | None,
    attributes: tuple[tuple[str, str], ...],
    limit: int,
    form: Form | None,
) -> None:
    """Find endpoints that meet all conditions."""
    wanted: dict[str, list[str]] = {}
    for name, value in attributes:
        wanted.setdefault(name, []).append(value)
    with settings.reading() as pinpoint:
        found = pinpoint.endpoints.find(
            address=address,
            user_id=user_id,
            channel_type=channel_type,
            attributes=wanted or None,
            limit=limit,
        )
    print_list(endpoint_listing(found), form, as_json=settings.as_json)

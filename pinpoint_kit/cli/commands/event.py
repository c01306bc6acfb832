"""`pinpoint-kit event`: stored events, looked up or as they arrive."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from pinpoint_kit.cli.listing import (
    EVENT_COLUMNS,
    Form,
    Listing,
    event_row,
    output_options,
    print_list,
)
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import shown_json
from pinpoint_kit.cli.pairs import pair
from pinpoint_kit.models import wire

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["event"]


@click.group()
def event() -> None:
    """Look up stored events: personal data."""


def _filters(function: Callable[..., None]) -> Callable[..., None]:
    command = function
    for option in reversed(
        (
            click.option("--type", "types", multiple=True, help="Only of this type."),
            click.option("--endpoint", "endpoints", multiple=True, help="Only of this endpoint."),
            click.option("--user", "users", multiple=True, help="Only of this user."),
            click.option("--session", "sessions", multiple=True, help="Only of this session."),
            click.option(
                "--attribute",
                "attributes",
                type=pair,
                multiple=True,
                metavar="NAME=VALUE",
                help="Only with this attribute; repeat it for others.",
            ),
        )
    ):
        command = option(command)
    return command


def _asked(given: dict[str, Any]) -> dict[str, Any]:
    attributes: dict[str, list[str]] = {}
    for name, value in given["attributes"]:
        attributes.setdefault(name, []).append(value)
    found = {
        "type": given["types"],
        "endpoint_id": given["endpoints"],
        "user_id": given["users"],
        "session_id": given["sessions"],
        "attributes": attributes,
    }
    return {name: value for name, value in found.items() if value}


@example("event list --type level_up --limit 5", "event list --user user-1 --json")
@event.command("list")
@_filters
@click.option("--since", metavar="TIME", help="From this time on, ISO 8601.")
@click.option("--until", metavar="TIME", help="Up to this time, not included.")
@click.option(
    "--limit", type=click.IntRange(0), default=50, show_default=True, help="At most so many."
)
@click.option("--oldest-first", is_flag=True, help="The oldest first.")
@output_options
@common
def list_events(  # noqa: PLR0913 -- the options of the command
    settings: Settings,
    since: str | None,
    until: str | None,
    limit: int,
    form: Form | None,
    *,
    oldest_first: bool,
    **given: Any,  # noqa: ANN401 -- the filters
) -> None:
    """List events, the newest first."""
    with settings.reading() as pinpoint:
        found = pinpoint.events.find(
            **_asked(given),
            since=since,
            until=until,
            limit=limit,
            is_newest_first=not oldest_first,
        ).to_list()
    items = [wire.to_wire(each) for each in found]
    listing = Listing(EVENT_COLUMNS, [event_row(each) for each in found], items, empty="no events")
    print_list(listing, form, as_json=settings.as_json)


@example("event tail", "event tail --type _userauth.auth_fail")
@event.command("tail")
@_filters
@common
def tail_events(settings: Settings, **given: Any) -> None:  # noqa: ANN401 -- the filters
    """Print events as they arrive, one JSON object a line, until interrupted."""
    asked = _asked(given)
    where: dict[str, object] = {
        name: asked.pop(name) for name in ("attributes", "session_id") if name in asked
    }
    with settings.reading() as pinpoint:
        for each in pinpoint.events.tail(**asked, where=where):
            click.echo(shown_json(json.dumps(wire.to_wire(each), ensure_ascii=False)))

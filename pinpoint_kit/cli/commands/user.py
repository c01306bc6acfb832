"""`pinpoint-kit user`: the endpoints of a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pinpoint_kit.cli.commands.endpoint import confirm
from pinpoint_kit.cli.listing import print_endpoints
from pinpoint_kit.cli.options import Settings, common
from pinpoint_kit.cli.output import print_json
from pinpoint_kit.models.wire import codec as wire

if TYPE_CHECKING:
    from pinpoint_kit import Endpoint

__all__ = ["user"]


@click.group()
def user() -> None:
    """Look up and delete users: the endpoints that carry a user id."""


@user.command("endpoints")
@click.argument("user_id", metavar="ID")
@common
def list_endpoints(settings: Settings, user_id: str) -> None:
    """Show all endpoints of the user ID (case-sensitive, at most 15)."""
    with settings.reading() as pinpoint:
        found = pinpoint.users.endpoints(user_id)
    _print(settings, found)


@user.command("delete")
@click.argument("user_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def delete_user(settings: Settings, user_id: str, *, yes: bool) -> None:
    """Delete the user ID: all of its endpoints and its user attributes.

    Shows the endpoints as they were. Asks first when stdin is a terminal; otherwise --yes is
    needed.
    """
    confirm("Delete this user and all of its endpoints?", yes=yes)
    with settings.reading() as pinpoint:
        deleted = pinpoint.users.delete(user_id)
    _print(settings, deleted, f"{len(deleted)} endpoint(s) deleted:")


def _print(settings: Settings, endpoints: list[Endpoint], heading: str = "") -> None:
    if settings.as_json:
        print_json({"Item": [wire.to_wire(endpoint) for endpoint in endpoints]})
        return
    if heading:
        click.echo(heading)
    print_endpoints(endpoints)

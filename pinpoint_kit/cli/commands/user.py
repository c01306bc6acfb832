"""`pinpoint-kit user`: the endpoints of a person."""

from __future__ import annotations

import click

from pinpoint_kit.cli.listing import Form, endpoint_listing, output_options, print_list
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.prompts import confirm

__all__ = ["user"]


@click.group()
def user() -> None:
    """Look up and delete users.

    A user is all endpoints with the same user id.
    """


@example("user endpoints user-1")
@user.command("endpoints")
@click.argument("user_id", metavar="ID")
@output_options
@common
def list_endpoints(settings: Settings, user_id: str, form: Form | None) -> None:
    """Show all endpoints of the user ID, whose case matters."""
    with settings.reading() as pinpoint:
        found = pinpoint.users.endpoints(user_id)
    print_list(endpoint_listing(found), form, as_json=settings.as_json)


@example("user delete user-1")
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
    if not settings.as_json:
        click.echo(f"{len(deleted)} endpoint(s) deleted:")
    print_list(endpoint_listing(deleted), None, as_json=settings.as_json)

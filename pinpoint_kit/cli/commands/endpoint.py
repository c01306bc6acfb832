"""`pinpoint-kit endpoint`: one endpoint, read, changed or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import click

from pinpoint_kit import (
    ChannelType,
    Demographic,
    Endpoint,
    EndpointStatus,
    Location,
    OptOut,
    User,
    errors,
)
from pinpoint_kit.cli.countries import COUNTRY
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import console, members_table, print_json, say
from pinpoint_kit.cli.pairs import lists, number, pair
from pinpoint_kit.cli.prompts import confirm
from pinpoint_kit.models import wire

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["endpoint"]

#: Members that a refusal may name -> the options that give them.
_OPTIONS = {"ChannelType": "--channel-type", "Address": "--address"}


@click.group()
def endpoint() -> None:
    """Look up, change and delete endpoints."""


@example("endpoint get device-1", "endpoint get device-1 --json")
@endpoint.command("get")
@click.argument("endpoint_id", metavar="ID")
@common
def get_endpoint(settings: Settings, endpoint_id: str) -> None:
    """Show the endpoint ID, whose case does not matter, with all its members."""
    with settings.reading() as pinpoint:
        found = pinpoint.endpoints.get(endpoint_id)
    if settings.as_json:
        print_json(found.to_dict())
    else:
        console().print(members_table(found.to_dict()))


@example("endpoint update device-1 --attribute plan=pro")
@endpoint.command("update")
@click.argument("endpoint_id", metavar="ID")
@click.option(
    "--file",
    "source",
    type=click.File("rb"),
    help="A JSON object with the members of Pinpoint's EndpointRequest; - for stdin.",
)
@click.option(
    "--channel-type",
    type=click.Choice([member.value for member in ChannelType], case_sensitive=False),
    metavar="TYPE",
    help=f"The channel; give --address with it. {', '.join(m.value for m in ChannelType)}.",
)
@click.option("--address", help="Device token, e-mail address or phone number.")
@click.option(
    "--attribute",
    "attributes",
    type=pair,
    metavar="NAME=VALUE",
    multiple=True,
    help="An attribute; repeat it for several values. Replaces the stored list.",
)
@click.option(
    "--clear-attribute",
    "cleared",
    metavar="NAME",
    multiple=True,
    help="Remove all values of an attribute.",
)
@click.option(
    "--metric",
    "metrics",
    type=number,
    metavar="NAME=NUMBER",
    multiple=True,
    help="A custom metric.",
)
@click.option("--user-id", help="The user that the endpoint belongs to.")
@click.option(
    "--user-attribute",
    "user_attributes",
    type=pair,
    metavar="NAME=VALUE",
    multiple=True,
    help="An attribute of the user; repeat it for several values.",
)
@click.option("--country", type=COUNTRY, metavar="CODE", help="Two letters, for example PT.")
@click.option("--platform", help="The operating system, for example ios.")
@click.option(
    "--opt-out",
    type=click.Choice([member.value for member in OptOut], case_sensitive=False),
    help="ALL refuses every message.",
)
@click.option(
    "--endpoint-status",
    type=click.Choice([member.value for member in EndpointStatus], case_sensitive=False),
    help="Any update without it sets ACTIVE.",
)
@common
def update_endpoint(
    settings: Settings,
    endpoint_id: str,
    source: BinaryIO | None,
    **given: Any,  # noqa: ANN401 -- the other options, with the types that they name above
) -> None:
    """Create the endpoint ID, or change what is given and leave the rest.

    Give the change as options or as --file, not both; --file takes what `endpoint get --json`
    prints. Other users of the machine can see options in its list of processes, but not --file -.
    """
    has_options = any(value not in {None, ()} for value in given.values())
    if source is not None and has_options:
        raise click.UsageError("give --file or the other options, not both")
    if source is not None:
        change = wire.from_wire(Endpoint, wire.from_json(source.read()), strict=True)
        if change.id is not None and change.id.lower() != endpoint_id.lower():
            raise click.UsageError("the file is of another endpoint: its Id is not the given ID")
        change = attrs.evolve(change, id=endpoint_id)
        if change.extra:
            say(f"Pinpoint does not know these members; sent along: {', '.join(change.extra)}")
    elif has_options:
        change = Endpoint(id=endpoint_id, **_members(given))
    else:
        raise click.UsageError("name a change: --attribute, --file or another option")
    with settings.opened() as pinpoint:
        try:
            request_id = pinpoint.endpoints.update(change)
        except errors.BadRequest as error:
            if source is None:
                _name_option(error)
            raise
    if settings.as_json:
        print_json({"EndpointId": endpoint_id, "RequestID": request_id})
    else:
        click.echo(f"updated (request id {request_id})")


@example("endpoint delete device-1")
@endpoint.command("delete")
@click.argument("endpoint_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def delete_endpoint(settings: Settings, endpoint_id: str, *, yes: bool) -> None:
    """Delete the endpoint ID and show it as it was.

    Asks first when stdin is a terminal; otherwise --yes is needed.
    """
    confirm("Delete this endpoint?", yes=yes)
    with settings.reading() as pinpoint:
        deleted = pinpoint.endpoints.delete(endpoint_id)
    if settings.as_json:
        print_json(deleted.to_dict())
    else:
        click.echo("deleted:")
        console().print(members_table(deleted.to_dict()))


def _name_option(error: errors.BadRequest) -> None:
    """Have a refusal for a missing member say which option gives it."""
    for member, option in _OPTIONS.items():
        if f"Missing {member}" in error.message:
            error.message += f": give {option}"
            error.next_step = "nothing was changed"


def _members(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options as members of an `Endpoint`; what was not given is left out."""
    members: dict[str, Any] = {
        name: given[name]
        for name in ("channel_type", "address", "opt_out", "endpoint_status")
        if given[name] is not None
    }
    attributes = lists(given["attributes"]) | {name: [] for name in given["cleared"]}
    if attributes:
        members["attributes"] = attributes
    if given["metrics"]:
        members["metrics"] = dict(given["metrics"])
    if given["user_id"] is not None or given["user_attributes"]:
        of_user = lists(given["user_attributes"]) or None
        members["user"] = User(id=given["user_id"], attributes=of_user)
    if given["country"] is not None:
        members["location"] = Location(country=given["country"])
    if given["platform"] is not None:
        members["demographic"] = Demographic(platform=given["platform"])
    return members

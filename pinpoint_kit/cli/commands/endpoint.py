"""`pinpoint-kit endpoint`: one endpoint, read, changed or deleted."""

from __future__ import annotations

import sys
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
from pinpoint_kit.cli.options import Settings, common
from pinpoint_kit.cli.output import console, endpoint_table, print_json, say
from pinpoint_kit.models.wire import codec as wire

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import BinaryIO

__all__ = ["confirm", "endpoint", "lists", "pair"]

#: Members that the service misses by name -> the options that give them.
_OPTIONS = {"ChannelType": "--channel-type", "Address": "--address"}


@click.group()
def endpoint() -> None:
    """Look up, change and delete endpoints."""


@endpoint.command("get")
@click.argument("endpoint_id", metavar="ID")
@common
def get_endpoint(settings: Settings, endpoint_id: str) -> None:
    """Show everything that is known of the endpoint ID (case-insensitive)."""
    with settings.reading() as pinpoint:
        found = pinpoint.endpoints.get(endpoint_id)
    if settings.as_json:
        print_json(wire.to_wire(found))
    else:
        console().print(endpoint_table(found))


def pair(value: str) -> tuple[str, str]:
    """`NAME=VALUE`, split at the first `=`."""
    name, equals, text = value.partition("=")
    if not name or not equals:
        raise click.BadParameter("write NAME=VALUE")
    return name, text


def number(value: str) -> tuple[str, float]:
    """`NAME=NUMBER`, likewise."""
    name, text = pair(value)
    try:
        return name, float(text)
    except ValueError:
        raise click.BadParameter("write NAME=NUMBER, for example level=3.5") from None


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
    help="An attribute; several values: give it again. Replaces the stored list.",
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
    help="A custom number.",
)
@click.option("--user-id", help="The user that the endpoint belongs to.")
@click.option(
    "--user-attribute",
    "user_attributes",
    type=pair,
    metavar="NAME=VALUE",
    multiple=True,
    help="An attribute of the user; several values: give it again.",
)
@click.option("--country", metavar="CODE", help="Two letters, for example PT.")
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
    """Create the endpoint ID, or change what is given of it and leave the rest.

    Give the change as options or as --file, not both. What `endpoint get --json` prints can be
    given to --file. Options show in the list of processes; --file - does not.
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
        print_json(wire.to_wire(deleted))
    else:
        click.echo("deleted:")
        console().print(endpoint_table(deleted))


def confirm(question: str, *, yes: bool) -> None:
    """Ask on the terminal before something is deleted.

    Raises:
        UsageError: there is no terminal to ask at, and --yes was not given.
        Abort: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("deleting needs --yes when stdin is not a terminal")
    click.confirm(question, abort=True, err=True)


def _name_option(error: errors.BadRequest) -> None:
    """Have a refusal for a missing member say which option gives it."""
    for member, option in _OPTIONS.items():
        if f"Missing {member}" in error.message:
            error.message += f": give {option}"
            error.next_step = "nothing was changed"


def _members(given: dict[str, Any]) -> dict[str, Any]:
    """The options as members of an `Endpoint`; what was not given is left out."""
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


def lists(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The values of each name, in the order in which they were given."""
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        found.setdefault(name, []).append(text)
    return found

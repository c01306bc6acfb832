"""`pinpoint-kit credentials`: the access keys that a server asks for, made, listed and removed.

These commands work on a file and open no connection. A secret is printed once, when it is made; no
other command shows one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.extras import server_part
from pinpoint_kit.cli.failures import REFUSED
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import ANSWER_OPTIONS, example
from pinpoint_kit.cli.output import print_json, say
from pinpoint_kit.cli.prompts import confirm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinpoint_kit.server.access.credentials import Credential

__all__ = ["credentials"]

_COLUMNS = (Column("Access key id"), Column("Access"), Column("Application"), Column("Needs", 6))


@click.group()
def credentials() -> None:
    """Make, list and remove the access keys of a server."""


def on_file(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument FILE, as `path`, and the options of how it answers."""
    command = function
    for option in reversed(ANSWER_OPTIONS):
        command = option(command)
    return click.argument("path", metavar="FILE", type=click.Path(path_type=Path))(command)


@example("credentials add FILE --all-applications --access analytics")
@credentials.command("add")
@on_file
@click.option(
    "--application-id",
    "ids",
    metavar="ID",
    multiple=True,
    help="An application that the key may use; repeat it for several.",
)
@click.option(
    "--all-applications",
    is_flag=True,
    help="The key may use all applications, and what belongs to none (templates, CreateApp).",
)
@click.option(
    "--access",
    type=click.Choice(["analytics", "read-only", "read-write"]),
    required=True,
    help="What the key may do: see numbers and nobody behind them, read, or read and write.",
)
@click.option(
    "--console",
    is_flag=True,
    help="The key's holder may also log in to the server's console, in a browser.",
)
def add_key(  # noqa: PLR0913 -- the options of the command
    path: Path,
    ids: tuple[str, ...],
    *,
    all_applications: bool,
    access: str,
    console: bool,
    as_json: bool,
) -> None:
    """Make an access key, add it to FILE, and print its secret, which is shown only once.

    FILE is created if it does not exist, with mode 0600. A running server accepts the key within a
    second.
    """
    if bool(ids) == all_applications:
        raise click.UsageError("name the applications: --application-id ID or --all-applications")
    made: Credential = server_part("access.credentials").make(
        None if all_applications else frozenset(ids), access=access, is_for_console=console
    )
    server_part("access.credentials_file").add(path, made)
    if as_json:
        print_json(_shown(made) | {"secret_access_key": made.secret_access_key})
        return
    click.echo(f"aws_access_key_id = {made.access_key_id}")
    click.echo(f"aws_secret_access_key = {made.secret_access_key}")
    say(
        "the secret is not shown again: put both lines below [default] into ~/.aws/credentials on"
        " the client"
    )


@example("credentials list keys.ini")
@credentials.command("list")
@on_file
@output_options
def list_keys(path: Path, form: Form | None, *, as_json: bool) -> None:
    """List the access keys in FILE and what they may do, without their secrets."""
    found: dict[str, Credential] = server_part("access.credentials_file").read(path)
    rows = [row for credential in found.values() for row in _rows(credential)]
    items = [_shown(credential) for credential in found.values()]
    print_list(Listing(_COLUMNS, rows, items, key="credentials"), form, as_json=as_json)


@example("credentials remove keys.ini PKDASHBOARD")
@credentials.command("remove")
@on_file
@click.argument("access_key_id", metavar="ACCESS_KEY_ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove_key(path: Path, access_key_id: str, *, yes: bool, as_json: bool) -> None:
    """Remove an access key from FILE; a running server refuses it within a second.

    Asks first when stdin is a terminal; otherwise --yes is needed.
    """
    files = server_part("access.credentials_file")
    if access_key_id not in files.read(path):
        say("no such access key: `pinpoint-kit credentials list` shows them")
        sys.exit(REFUSED)
    confirm("Remove this access key?", yes=yes)
    files.remove(path, access_key_id)
    if as_json:
        print_json({"removed": access_key_id})
    else:
        click.echo("access key removed")


def _rows(credential: Credential) -> Iterator[tuple[str, ...]]:
    """Make a row for each application, because ids are there to be copied."""
    ids = credential.applications
    needs = [credential.region] if credential.region else []
    needs += ["session token"] if credential.session_token else []
    access = f"{credential.access}, console" if credential.is_for_console else credential.access
    for application in ["*"] if ids is None else sorted(ids):
        yield credential.access_key_id, access, application, ", ".join(needs)


def _shown(credential: Credential) -> dict[str, object]:
    ids = credential.applications
    return {
        "access_key_id": credential.access_key_id,
        "applications": "*" if ids is None else sorted(ids),
        "access": credential.access,
        "console": credential.is_for_console,
        "region": credential.region or None,
        "has_session_token": bool(credential.session_token),
    }

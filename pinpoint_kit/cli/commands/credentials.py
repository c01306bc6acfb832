"""`pinpoint-kit credentials`: the access keys that a server asks for, made, listed and removed.

These commands work on a file and on no Pinpoint. A secret is printed once, when it is made; no
other command shows one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pinpoint_kit.cli.commands.endpoint import confirm
from pinpoint_kit.cli.extras import server_part
from pinpoint_kit.cli.failures import REFUSED
from pinpoint_kit.cli.options import ANSWER_OPTIONS
from pinpoint_kit.cli.output import console, print_json, say, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinpoint_kit.server.access.credentials import Credential

__all__ = ["credentials"]


@click.group()
def credentials() -> None:
    """Make and remove the access keys that a server asks for."""


def on_file(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the argument FILE, as `path`, and the options of how it answers."""
    command = function
    for option in reversed(ANSWER_OPTIONS):
        command = option(command)
    return click.argument("path", metavar="FILE", type=click.Path(path_type=Path))(command)


@credentials.command("add")
@on_file
@click.option(
    "--application-id",
    "ids",
    metavar="ID",
    multiple=True,
    help="An application that the key is for; may be given again.",
)
@click.option(
    "--all-applications",
    is_flag=True,
    help="The key is for all applications, and for what belongs to none (templates, CreateApp).",
)
@click.option(
    "--access",
    type=click.Choice(["read-only", "read-write"]),
    required=True,
    help="Whether the key may only read.",
)
def add_key(
    path: Path, ids: tuple[str, ...], *, all_applications: bool, access: str, as_json: bool
) -> None:
    """Make an access key, add it to FILE, and print its secret, which is shown only now.

    FILE is made when there is none, readable by its owner only. A running server knows the key
    within a second.
    """
    if bool(ids) == all_applications:
        raise click.UsageError("say which applications: --application-id ID or --all-applications")
    made: Credential = server_part("access.credentials").make(
        None if all_applications else frozenset(ids), is_read_only=access == "read-only"
    )
    server_part("access.credentials_file").add(path, made)
    if as_json:
        print_json(_shown(made) | {"secret_access_key": made.secret_access_key})
        return
    click.echo(f"aws_access_key_id = {made.access_key_id}")
    click.echo(f"aws_secret_access_key = {made.secret_access_key}")
    say(
        "the secret is not shown again: put both lines below [default] into ~/.aws/credentials of"
        " the client"
    )


@credentials.command("list")
@on_file
def list_keys(path: Path, *, as_json: bool) -> None:
    """List the access keys of FILE and what they may do, without their secrets."""
    found: dict[str, Credential] = server_part("access.credentials_file").read(path)
    if as_json:
        print_json({"credentials": [_shown(credential) for credential in found.values()]})
        return
    rows = (row for credential in found.values() for row in _rows(credential))
    columns = ("Access key id", "Access", "Application", "Needs")
    console().print(table(columns, rows, whole=columns[:3]))


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
        say("there is no such access key: `pinpoint-kit credentials list` shows them")
        sys.exit(REFUSED)
    confirm("Remove this access key?", yes=yes)
    files.remove(path, access_key_id)
    if as_json:
        print_json({"removed": access_key_id})
    else:
        click.echo("access key removed")


def _rows(credential: Credential) -> Iterator[tuple[str, ...]]:
    """A row for each application, because ids are there to be copied."""
    ids = credential.applications
    first, *others = ["*"] if ids is None else sorted(ids)
    needs = [credential.region] if credential.region else []
    needs += ["session token"] if credential.session_token else []
    yield credential.access_key_id, _access(credential), first, ", ".join(needs)
    for other in others:
        yield "", "", other, ""


def _access(credential: Credential) -> str:
    return "read-only" if credential.is_read_only else "read-write"


def _shown(credential: Credential) -> dict[str, object]:
    ids = credential.applications
    return {
        "access_key_id": credential.access_key_id,
        "applications": "*" if ids is None else sorted(ids),
        "access": _access(credential),
        "region": credential.region or None,
        "has_session_token": bool(credential.session_token),
    }

"""`pinpoint-kit application`: the applications of an engine, a server or an AWS Region."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import ANSWER_OPTIONS, Settings, example, place_options
from pinpoint_kit.cli.output import print_json
from pinpoint_kit.cli.pairs import pair
from pinpoint_kit.cli.prompts import confirm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pinpoint_kit as pk

__all__ = ["application"]

_COLUMNS = (
    Column("Id"),
    Column("Name", 12),
    Column("Created", is_optional=True),
)


@click.group()
def application() -> None:
    """List, create and delete applications."""


def anywhere(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command that is about no single application `--url`, `--json` and `--debug`."""
    command = function
    for option in reversed((place_options()[0], *ANSWER_OPTIONS)):
        command = option(command)
    return command


@contextlib.contextmanager
def _opened(url: str | None, *, writes: bool) -> Iterator[pk.Pinpoint]:
    """Connect without an application; only a command that writes makes a database."""
    # No application has this id: asking for none would make `default` in an engine.
    settings = Settings(url, application_id="none")
    with settings.opened() if writes else settings.reading() as pinpoint:
        yield pinpoint


@example("application list", "application list --csv")
@application.command("list")
@output_options
@anywhere
def list_applications(url: str | None, form: Form | None, *, as_json: bool) -> None:
    """List applications, oldest first."""
    with _opened(url, writes=False) as pinpoint:
        found = pinpoint.applications.list()
    items = [each.to_dict() for each in found]
    listing = Listing(_COLUMNS, [_row(each) for each in found], items, empty="no applications")
    print_list(listing, form, as_json=as_json)


@example("application create shop --tag team=games")
@application.command("create")
@click.argument("name", metavar="NAME")
@click.option("--tag", "tags", type=pair, metavar="KEY=VALUE", multiple=True, help="A tag.")
@anywhere
def create_application(
    url: str | None, name: str, tags: tuple[tuple[str, str], ...], *, as_json: bool
) -> None:
    """Create an application called NAME; a second one of the same name is another application."""
    with _opened(url, writes=True) as pinpoint:
        created = pinpoint.applications.create(name, tags=dict(tags) or None)
    if as_json:
        print_json(created.to_dict())
    else:
        click.echo(f"created application {created.id}")


@example("application delete 0123456789abcdef0123456789abcdef")
@application.command("delete")
@click.argument("application_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@anywhere
def delete_application(url: str | None, application_id: str, *, yes: bool, as_json: bool) -> None:
    """Delete the application ID with everything in it: endpoints, events, segments and jobs.

    Asks first when stdin is a terminal; otherwise --yes is needed.
    """
    confirm("Delete this application with everything in it?", yes=yes)
    with _opened(url, writes=False) as pinpoint:
        deleted = pinpoint.applications.delete(application_id)
    if as_json:
        print_json(deleted.to_dict())
    else:
        click.echo(f"deleted application {deleted.id}")


def _row(found: pk.Application) -> tuple[str, ...]:
    created = found.creation_date
    return found.id, found.name or "", f"{created:%Y-%m-%d %H:%MZ}" if created else ""

"""`pinpoint-kit endpoint remove-attributes`: names that an application keeps no longer."""

from __future__ import annotations

import click

from pinpoint_kit import AttributeKind
from pinpoint_kit.cli.commands.endpoint import confirm
from pinpoint_kit.cli.options import Settings, common
from pinpoint_kit.cli.output import console, print_json, table

__all__ = ["remove_attributes"]


@click.command("remove-attributes")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--kind",
    type=click.Choice([member.name.lower() for member in AttributeKind], case_sensitive=False),
    required=True,
    help="What they are names of: attributes or metrics of endpoints, or attributes of users.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def remove_attributes(settings: Settings, names: tuple[str, ...], kind: str, *, yes: bool) -> None:
    """Store each NAME no longer: later updates are stored without it.

    NAME may be a pattern such as 'old_*'. Values that are stored already stay. It cannot be taken
    back. Shows all names and patterns of this kind that are stored no longer.

    Asks first when stdin is a terminal; otherwise --yes is needed.
    """
    confirm("Store these names no longer, for good?", yes=yes)
    wanted = AttributeKind[kind.upper()]
    with settings.reading() as pinpoint:
        removed = pinpoint.attributes.remove(wanted, *names)
    if settings.as_json:
        print_json({"AttributeType": wanted.value, "Attributes": removed})
    else:
        console().print(table(("Stored no longer",), ((name,) for name in removed)))

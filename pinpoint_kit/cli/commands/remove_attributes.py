"""`pinpoint-kit endpoint remove-attributes`: names that an application stops storing."""

from __future__ import annotations

import click

from pinpoint_kit import AttributeKind
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import console, print_json, table
from pinpoint_kit.cli.prompts import confirm

__all__ = ["remove_attributes"]


@example("endpoint remove-attributes --kind endpoint 'old_*'")
@click.command("remove-attributes")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option(
    "--kind",
    type=click.Choice([member.name.lower() for member in AttributeKind], case_sensitive=False),
    required=True,
    help="What the names are of: attributes or metrics of endpoints, or attributes of users.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def remove_attributes(settings: Settings, names: tuple[str, ...], kind: str, *, yes: bool) -> None:
    """Stop storing attributes or metrics called NAME, permanently.

    NAME may be a pattern such as 'old_*'. Values that are already stored stay. This cannot be
    undone. Shows all names and patterns of this kind that are no longer stored.

    Asks first when stdin is a terminal; otherwise --yes is needed.
    """
    confirm("Stop storing these names, permanently?", yes=yes)
    wanted = AttributeKind[kind.upper()]
    with settings.reading() as pinpoint:
        removed = pinpoint.attributes.remove(wanted, *names)
    if settings.as_json:
        print_json({"AttributeType": wanted.value, "Attributes": removed})
    else:
        console().print(table(("No longer stored",), ((name,) for name in removed)))

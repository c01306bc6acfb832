"""`pinpoint-kit schema`: the tables of a database, for those who make them by hand."""

from __future__ import annotations

import click

from pinpoint_kit.cli.options import ANSWER_OPTIONS, database_option, example
from pinpoint_kit.cli.output import print_json

__all__ = ["schema"]


@click.group()
def schema() -> None:
    """Print the tables of a database as SQL."""


@example("schema sql --url postgresql://db/shop --role pinpoint")
@schema.command("sql")
@database_option("The database: its kind, and the schema that its URL names.")
@click.option("--role", help="The role that is given the rights to use the tables.")
@ANSWER_OPTIONS[0]
@ANSWER_OPTIONS[1]
def sql(url: str, role: str | None, *, as_json: bool) -> None:
    """Print the SQL that makes the tables.

    Hand it to an administrator when the role of the server may not make tables. Nothing is
    connected to.
    """
    from pinpoint_kit.engine import schema_sql  # noqa: PLC0415 -- SQLAlchemy is loaded only when used

    text = schema_sql(url, role=role)
    if as_json:
        print_json({"sql": text})
    else:
        click.echo(text, nl=False)

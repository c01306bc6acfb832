"""`pinpoint-kit backup`: a copy of a database that is in use.

How it is copied is the engine's business. Restoring needs no command: a copy is a database.
"""

from __future__ import annotations

from pathlib import Path

import click

from pinpoint_kit.cli.options import ANSWER_OPTIONS, database_file, database_option
from pinpoint_kit.cli.output import print_json
from pinpoint_kit.errors import ConfigurationError

__all__ = ["backup"]


@click.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@database_option("The database to copy: sqlite:///FILE.")
@ANSWER_OPTIONS[0]
@ANSWER_OPTIONS[1]
def backup(path: Path, url: str, *, as_json: bool) -> None:
    """Copy a database to FILE as it is at one moment, while a server goes on using it.

    FILE must not be there yet. It is made for this user only, because it holds all personal data,
    and is there only when it was checked and found whole. To restore it, stop the server and put
    it in the database's place.
    """
    from pinpoint_kit.engine import back_up  # noqa: PLC0415 -- SQLAlchemy is loaded only when used

    database = database_file(url)
    if database is None:
        raise ConfigurationError(
            "a backup is a copy of a database file: give --url sqlite:///FILE, on the machine where"
            " it is"
        )
    size = back_up(url, path)
    if as_json:
        print_json({"database": str(database), "file": str(path), "bytes": size})
    else:
        click.echo(f"{path}: {size:,} bytes, a sound copy of {database}")

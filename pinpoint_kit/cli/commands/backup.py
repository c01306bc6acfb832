"""`pinpoint-kit backup`: a copy of a database that is in use.

How it is copied belongs to the engine. Restoring needs no command: a copy is a database.
"""

from __future__ import annotations

from pathlib import Path

import click

from pinpoint_kit.cli.options import ANSWER_OPTIONS, database_file, database_option, example
from pinpoint_kit.cli.output import print_json
from pinpoint_kit.errors import ConfigurationError

__all__ = ["backup"]


@example("backup shop-copy.db --url sqlite:///shop.db")
@click.command()
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@database_option("The database to copy: sqlite:///FILE.")
@ANSWER_OPTIONS[0]
@ANSWER_OPTIONS[1]
def backup(path: Path, url: str, *, as_json: bool) -> None:
    """Copy a database to FILE while a server uses it.

    The copy holds the state of one moment. FILE must not exist yet; it appears only when it was
    checked and found sound, readable by its owner only. To restore it, stop the server and put the
    copy in the database's place.
    """
    from pinpoint_kit.engine import back_up  # noqa: PLC0415 -- SQLAlchemy is loaded only when used

    database = database_file(url)
    if database is None:
        raise ConfigurationError(
            "a backup needs a database file: give --url sqlite:///FILE, on the machine that has the"
            " file"
        )
    size = back_up(url, path)
    if as_json:
        print_json({"database": str(database), "file": str(path), "bytes": size})
    else:
        click.echo(f"{path}: {size:,} bytes, a sound copy of {database}")

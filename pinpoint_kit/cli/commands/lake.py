"""`pinpoint-kit lake`: the store's events as Parquet files, kept up to date.

What is in the files belongs to the package's lake.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

import pinpoint_kit as pk
from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import ANSWER_OPTIONS, Settings, common, example
from pinpoint_kit.cli.output import print_json, shown
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.engine import LakeSource
    from pinpoint_kit.lake import ExportProgress, ExportReport

__all__ = ["lake"]

_FROM_THE_DATABASE = (
    "a lake is exported from the database itself: run this where that is, with"
    " --url sqlite:///FILE or --url postgresql://USER@HOST/DATABASE"
)
_COLUMNS = (
    Column("Id"),
    Column("Place", 12),
    Column("Exported", is_optional=True),
    Column("Removals waiting"),
)
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


@click.group()
def lake() -> None:
    """Export events to Parquet files, for DuckDB, Spark and others."""


def _iso(milliseconds: int) -> str:
    moment = dt.datetime.fromtimestamp(milliseconds / 1000, dt.timezone.utc)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _seconds(_: click.Context, __: click.Parameter, given: str | None) -> int | None:
    if given is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,5})([smhd])", given)
    if match is None:
        raise click.BadParameter(f"{given!r}: write 30s, 10m, 1h or 1d")
    return int(match.group(1)) * _UNITS[match.group(2)]


@contextlib.contextmanager
def _source(settings: Settings) -> Iterator[LakeSource]:
    """Open the database of a lake, without making one."""
    from pinpoint_kit.engine import LakeSource  # noqa: PLC0415 -- loads SQLAlchemy

    if not settings.is_engine:
        raise ConfigurationError(_FROM_THE_DATABASE)
    with settings.reading() as pinpoint:
        application_id = pinpoint.application_id
    with LakeSource.open(settings.resolved_url, application_id) as source:
        yield source


@example("lake export events-lake", "lake export events-lake --every 10m")
@lake.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--compact", is_flag=True, help="Make one file of all of a day.")
@click.option(
    "--every",
    metavar="DURATION",
    callback=_seconds,
    help="Go on until interrupted, and export again after so long, as in 10m.",
)
@common
def export(settings: Settings, folder: Path, *, compact: bool, every: int | None) -> None:
    """Bring the lake in FOLDER up to the present of the database.

    FOLDER is made when it does not exist, and belongs to one application. It gets Parquet files of
    events by their date (UTC), and of endpoints and users. The next export adds what has arrived
    since, and takes out whoever was erased or deleted. After an interruption of any kind, the same
    command goes on. A server may use the database meanwhile.

    --url is the database itself: sqlite:///FILE or postgresql://USER@HOST/DATABASE.
    """
    while True:
        _report(_exported(settings, folder, compact), settings)
        if every is None:
            return
        time.sleep(every)


def _exported(settings: Settings, folder: Path, compact: bool) -> ExportReport:  # noqa: FBT001 -- private
    from pinpoint_kit.lake import export_lake  # noqa: PLC0415 -- loads SQLAlchemy

    with pk.ProgressBar("lake export") as bar, _source(settings) as source:

        def show(state: ExportProgress) -> None:
            bar(pk.LoadProgress(stage=state.stage, done=state.done, total=state.total))

        try:
            return export_lake(source, folder, compact=compact, on_progress=show)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("interrupted; run the same command again to go on") from None


def _report(report: ExportReport, settings: Settings) -> None:
    if settings.as_json:
        print_json(
            {
                "path": str(report.path),
                "added": report.added,
                "rewritten": report.rewritten,
                "compacted": report.compacted,
                "events": report.events,
                "files": report.files,
                "size": report.size,
            }
        )
        return
    text = f"{report.path}: {report.added:,} new events"
    if report.rewritten:
        text += f", {report.rewritten:,} files without people who were removed"
    click.echo(f"{text}; {report.events:,} events in {report.files:,} files, {report.size:,} bytes")


@example("lake list")
@lake.command("list")
@output_options
@common
def list_lakes(settings: Settings, *, form: Form | None) -> None:
    """List the lakes of an application, and who waits to be removed from them."""
    with _source(settings) as source:
        found = source.lakes()
    items = [
        {
            "id": each.id,
            "place": each.place,
            "exported": None if each.exported is None else _iso(each.exported),
            "removals_waiting": each.waiting,
        }
        for each in found
    ]
    rows = [tuple("" if cell is None else str(cell) for cell in item.values()) for item in items]
    listing = Listing(_COLUMNS, rows, items, key="lakes", empty="no lakes")
    print_list(listing, form, as_json=settings.as_json)


@example("lake forget 5f2b8c0de1a94a1bb2d6d3a6c0ffee00")
@lake.command("forget")
@click.argument("lake_id", metavar="ID")
@common
def forget(settings: Settings, lake_id: str) -> None:
    """Forget a lake whose files were deleted: nothing waits for its next export any more.

    ID is what `pinpoint-kit lake list` shows. Delete the files yourself; they cannot be exported
    to again.
    """
    with _source(settings) as source:
        source.forget(lake_id)
    if settings.as_json:
        print_json({"forgotten": lake_id})
    else:
        click.echo(f"{shown(lake_id)}: forgotten")


@example("lake table s3://bucket/events-lake", "lake table /lake --for trino")
@lake.command("table")
@click.argument("place")
@click.option(
    "--for",
    "engine",
    type=click.Choice(["athena", "trino", "spark", "duckdb"]),
    default="athena",
    show_default=True,
    help="Whose SQL to write.",
)
@click.option("--schema", "schema", default="pinpoint", show_default=True, help="Where they go.")
@ANSWER_OPTIONS[0]
@ANSWER_OPTIONS[1]
def table(place: str, engine: str, schema: str, *, as_json: bool) -> None:
    """Print the SQL that makes tables of a lake at PLACE, a folder or a URL.

    Nothing is connected to.
    """
    from pinpoint_kit.lake import tables_sql  # noqa: PLC0415 -- loads SQLAlchemy

    sql = tables_sql(place, engine=engine, schema=schema)  # type: ignore[arg-type] # click has checked it
    if as_json:
        print_json({"sql": sql})
    else:
        click.echo(sql, nl=False)

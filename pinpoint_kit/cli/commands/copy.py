"""`pinpoint-kit copy`: everything of one database into another.

What is copied and how it is checked belongs to the engine.
"""

from __future__ import annotations

import click

import pinpoint_kit as pk
from pinpoint_kit.cli.options import ANSWER_OPTIONS, example
from pinpoint_kit.cli.output import print_json

__all__ = ["copy"]


@example("copy sqlite:///shop.db postgresql://db.example.com/shop")
@click.command()
@click.argument("source_url")
@click.argument("target_url")
@ANSWER_OPTIONS[0]
@ANSWER_OPTIONS[1]
def copy(source_url: str, target_url: str, *, as_json: bool) -> None:
    """Copy everything of a database into an empty one.

    Both are the engine's own URLs: sqlite:///FILE or postgresql://USER@HOST/DATABASE. Applications,
    endpoints, users, events, segments, jobs, templates and all else are copied as they are at one
    moment, then read back and compared. A server may go on with SOURCE_URL meanwhile, but what it
    writes after the beginning is not copied: stop it first if clients are to go on with the copy.

    TARGET_URL must hold nothing yet. Nobody can open it before the copy is checked. After an
    interruption of any kind, the same command goes on.
    """
    from pinpoint_kit.engine import CopyProgress, copy_store  # noqa: PLC0415 -- loads SQLAlchemy

    with pk.ProgressBar("copy") as bar:

        def show(state: CopyProgress) -> None:
            bar(pk.LoadProgress(stage=state.stage, done=state.done, total=state.total))

        try:
            report = copy_store(source_url, target_url, on_progress=show)
        except KeyboardInterrupt:
            raise KeyboardInterrupt("interrupted; run the same command again to go on") from None
    if not as_json:
        click.echo(
            f"{report.target}: {report.rows:,} rows in {len(report.tables)} tables, each the same"
            f" as in {report.source}"
        )
        return
    print_json(
        {
            "source": report.source,
            "target": report.target,
            "resumed": report.is_resumed,
            "rows": report.rows,
            "tables": {
                name: {"rows": table.rows, "digest": table.digest}
                for name, table in sorted(report.tables.items())
            },
        }
    )

"""`pinpoint-kit console`: the console for a database or a server, in a browser of this machine."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

import pinpoint_kit as pk
from pinpoint_kit.cli.console import TIMEOUT_S, ClientSource, LakeSource, check_extra
from pinpoint_kit.cli.extras import server_part
from pinpoint_kit.cli.options import DEBUG_OPTION, Settings, example, place_options, redacted
from pinpoint_kit.cli.output import say

if TYPE_CHECKING:
    from pinpoint_kit.server.listening import Address

__all__ = ["console"]


@example(
    "console --url sqlite:///demo.db",
    "console --lake lake/",
    "console --url http://127.0.0.1:8025 --no-browser",
)
@click.command()
@place_options()[0]
@click.option(
    "--lake",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Show the numbers of a lake instead, which `pinpoint-kit lake export` makes.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="The port of the page, on this machine. [default: a free one]",
)
@click.option(
    "--browser/--no-browser",
    default=True,
    show_default=True,
    help="Open the page in a browser; otherwise only its link is printed.",
)
@DEBUG_OPTION
def console(url: str | None, lake: Path | None, port: int, *, browser: bool) -> None:
    """Show charts, events, segments and jobs in a browser.

    The page is served on this machine alone, and its link opens one session, within an hour.
    Towards a server it asks with your own credentials, so it shows what they may see. Ctrl-C ends
    it.
    """
    if url is not None and lake is not None:
        raise click.UsageError("give --url or --lake, not both")
    check_extra()
    serving = server_part("console.serving")
    parts = server_part("console")
    # No application has this id: asking for none would make `default` in an engine.
    settings = Settings(url, application_id="none")
    with contextlib.ExitStack() as stack:
        source: ClientSource | LakeSource
        if lake is not None:
            source = LakeSource(stack.enter_context(pk.open_lake(lake)), lake)
        else:
            pinpoint = stack.enter_context(settings.reading(timeout=TIMEOUT_S))
            source = ClientSource(pinpoint.client, redacted(settings.resolved_url))
            stack.callback(source.close)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pinpoint-kit-console-"))
        sessions = parts.Sessions(Path(folder))

        def start(address: Address) -> None:
            link = f"{address.url}{parts.PREFIX}?token={sessions.make_token()}"
            say(f"The console of {source.place} is here, for one session within an hour:")
            click.echo(link)
            say("Stop it with Ctrl-C")
            if browser:
                click.launch(link)

        serving.serve_console(parts.Console(source, sessions), "127.0.0.1", port, start)

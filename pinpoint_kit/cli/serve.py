"""`pinpoint-kit serve`: the engine as an HTTP server.

Only the command line stands here: options, what is printed at the start, and sentences for what
cannot be. How it is served is the business of `pinpoint_kit.server`.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from pinpoint_kit.cli.options import DEBUG_OPTION, database_file
from pinpoint_kit.cli.output import say
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from pinpoint_kit.server.run import Address

__all__ = ["serve"]

_EXTRA = frozenset({"h11", "prometheus_client", "uvicorn"})


@click.command()
@click.option(
    "--url",
    envvar="PINPOINT_KIT_URL",
    default="sqlite:///pinpoint.db",
    show_default=True,
    show_envvar=True,
    help="The database: sqlite:///FILE. It is made when it is new.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8025,
    show_default=True,
    help="The port; 0 takes one that is free.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Processes that answer, all on one database.",
)
@click.option(
    "--access-log/--no-access-log",
    default=True,
    show_default=True,
    help="Write a line of JSON for each request to stdout.",
)
@click.option(
    "--log-addresses",
    is_flag=True,
    help="Put clients' network addresses, which are personal data, into these lines.",
)
@DEBUG_OPTION
def serve(url: str, host: str, port: int, workers: int, **logging: bool) -> None:
    """Answer Pinpoint's API over HTTP, for any client in any language.

    Ctrl-C or SIGTERM stops it when the requests under way are done.
    """
    server = _server()
    if not url.lower().startswith("sqlite:"):
        raise ConfigurationError(
            "the server needs a database of its own: give --url sqlite:///FILE"
        )
    options = server.ServerOptions(local_only=True, **logging)
    settings = server.Settings(url=url, host=host, port=port, workers=workers, options=options)
    sys.exit(server.serve(settings, lambda address: _tell(address, url, workers)))


def _server() -> Any:  # noqa: ANN401 -- a module that is not there without its extra
    try:
        return import_module("pinpoint_kit.server.run")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise ConfigurationError(
            "the server needs uvicorn and prometheus-client: pip install 'pinpoint-kit[server]'"
        ) from None


def _tell(address: Address, url: str, workers: int) -> None:
    file = database_file(url)
    place = str(file.absolute()) if file else "in memory: it is gone when the server stops"
    say(f"Pinpoint is at {address.url}")
    say(f"Database: {place}" + (f" ({workers} workers)" if workers > 1 else ""))
    say("Credentials: none are asked for; only programs of this machine can come in")
    say(f"Point a client here with: export AWS_ENDPOINT_URL_PINPOINT={address.url}")
    say("Stop it with Ctrl-C")

"""The options that every command has, and the Pinpoint that they open.

The settings' rules are those of `pinpoint_kit.connect`. Only one thing is stricter: a command
that only reads never makes a database or an application, because a typing error would.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

import pinpoint_kit as pk
from pinpoint_kit.cli.failures import DEBUG
from pinpoint_kit.cli.output import say
from pinpoint_kit.doors import DEFAULT_URL
from pinpoint_kit.errors import ConfigurationError, PinpointKitWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Unpack

    from pinpoint_kit.client import PinpointOptions

__all__ = ["ANSWER_OPTIONS", "Settings", "common", "database_file", "find"]

#: Somebody waits at a terminal: give up sooner than a service in the background would.
PATIENCE = pk.RetryPolicy(deadline=10.0, max_attempts=4)


@attrs.frozen
class Settings:
    """Where a command works, and how it answers.

    Args:
        url: the --url, or None.
        application: the --application, or None.
        application_id: the --application-id, or None.
        as_json: answer with JSON.
    """

    url: str | None = None
    application: str | None = None
    application_id: str | None = None
    as_json: bool = False

    @property
    def resolved_url(self) -> str:
        """The URL that `connect` will use."""
        return self.url or os.environ.get("PINPOINT_KIT_URL") or DEFAULT_URL

    @contextlib.contextmanager
    def reading(self) -> Iterator[pk.Pinpoint]:
        """Open a Pinpoint without making a database or an application."""
        file = database_file(self.resolved_url)
        if file is not None and not file.exists():
            raise ConfigurationError(
                f"there is no database {file}: name one with --url sqlite:///FILE, or make it with"
                " `pinpoint-kit record` or `pinpoint-kit endpoint update`"
            )
        if self.application is None:
            with self.opened() as pinpoint:
                yield pinpoint
            return
        if self.application_id is not None:
            raise ConfigurationError("give --application (a name) or --application-id, not both")
        door = attrs.evolve(self, application=None, application_id="not-known-yet")
        with (
            door.opened() as outer,
            pk.Pinpoint(outer.client, find(outer, self.application), retry=PATIENCE) as pinpoint,
        ):
            yield pinpoint

    @contextlib.contextmanager
    def opened(self, **options: Unpack[PinpointOptions]) -> Iterator[pk.Pinpoint]:
        """Open a Pinpoint as `connect` does; its warnings become lines on stderr."""
        options.setdefault("retry", PATIENCE)
        with telling_warnings():
            pinpoint = pk.connect(
                self.url,
                application=self.application,
                application_id=self.application_id,
                **options,
            )
        with pinpoint:
            yield pinpoint


def find(pinpoint: pk.Pinpoint, name: str) -> str:
    """The id of the oldest application of this name, as `connect` would choose it.

    Raises:
        ConfigurationError: there is none.
    """
    found = pinpoint.applications.find(name)
    if found is None:
        raise ConfigurationError(
            "there is no application of that name: check --application; commands that write make it"
        )
    return found.id


def database_file(url: str) -> Path | None:
    """The file that a sqlite URL names; None for memory, and for URLs of other kinds."""
    scheme, _, rest = url.partition("://")
    name = rest.partition("?")[0].removeprefix("/")
    if scheme.lower() != "sqlite" or not name or name.startswith((":memory:", "file:")):
        return None
    return Path(name)


@contextlib.contextmanager
def telling_warnings() -> Iterator[None]:
    """Turn this package's warnings into lines on stderr; others stay warnings."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", PinpointKitWarning)
        yield
    for warning in seen:
        if issubclass(warning.category, PinpointKitWarning):
            say(f"warning: {warning.message}")
        else:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


def _quiet(ctx: click.Context, _: click.Parameter, value: bool) -> bool:  # noqa: FBT001 -- click calls it so
    """Commands report losses themselves: the library's log lines show only with --debug."""
    ctx.meta[DEBUG] = value
    logger = logging.getLogger("pinpoint_kit")
    if value:
        logging.basicConfig(stream=sys.stderr)
        logger.setLevel(logging.DEBUG)
    elif not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return value


_PLACE_OPTIONS = (
    click.option(
        "--url",
        help="Which Pinpoint: sqlite:///FILE, http://HOST:PORT or aws://REGION."
        " [env: PINPOINT_KIT_URL; default: sqlite:///pinpoint.db]",
    ),
    click.option("--application", metavar="NAME", help="The application, by name."),
    click.option(
        "--application-id",
        metavar="ID",
        help="The application, by id. [env: PINPOINT_KIT_APPLICATION_ID]",
    ),
)

#: How a command answers; also for those that work on a file and on no Pinpoint.
ANSWER_OPTIONS = (
    click.option("--json", "as_json", is_flag=True, help="Answer with JSON on stdout."),
    click.option(
        "--debug",
        is_flag=True,
        expose_value=False,
        callback=_quiet,
        help="Show tracebacks and the library's log lines.",
    ),
)


def common(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common options, as one `Settings` in front of its own arguments."""

    @functools.wraps(function)
    def command(
        *,
        url: str | None,
        application: str | None,
        application_id: str | None,
        as_json: bool,
        **own: object,
    ) -> None:
        function(Settings(url, application, application_id, as_json), **own)

    for option in reversed((*_PLACE_OPTIONS, *ANSWER_OPTIONS)):
        command = option(command)
    return command

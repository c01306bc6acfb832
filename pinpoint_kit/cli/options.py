"""The options that every command has, and the connection that they open.

The settings' rules are those of `pinpoint_kit.connect`. Only one thing is stricter: a command
that only reads never makes a database or an application, because a typing error would.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import shlex
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import click

import pinpoint_kit as pk
from pinpoint_kit.cli.failures import DEBUG, JSON
from pinpoint_kit.cli.output import say
from pinpoint_kit.cli.typed_names import COMMAND
from pinpoint_kit.doors import DEFAULT_URL, is_engine
from pinpoint_kit.errors import ConfigurationError, PinpointKitWarning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typing_extensions import Unpack

    from pinpoint_kit.client import PinpointOptions

    Option = Callable[[Callable[..., None]], Callable[..., None]]

__all__ = [
    "ANSWER_OPTIONS",
    "DEBUG_OPTION",
    "Settings",
    "common",
    "common_with",
    "database_file",
    "database_option",
    "example",
    "find",
    "is_made",
    "limit_option",
    "patience",
    "place_options",
    "printing_hints",
]

#: What the engine takes when no application is named.
DEFAULT_APPLICATION = "default"
_MOST_SHOWN = 10


#: How long a command waits for an application of which it knows the name.
_WAIT_S = 5.0
#: How long one request may take.
_TIMEOUT_S = 10.0


@functools.cache
def patience() -> pk.RetryPolicy:
    """Return how long to try: shorter than a service would, because a person is waiting."""
    return pk.RetryPolicy(deadline=10.0, max_attempts=4)


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

    @property
    def known_id(self) -> str | None:
        """The application's id, from the option or the environment."""
        if self.application_id is not None:
            return self.application_id
        return os.environ.get("PINPOINT_KIT_APPLICATION_ID") or None

    @property
    def is_engine(self) -> bool:
        """Whether the URL means the embedded engine, which takes an application unnamed."""
        return is_engine(self.resolved_url)

    @property
    def words(self) -> str:
        """The options that name the same place to another command, each after a space."""
        given = (
            ("--url", self.url),
            ("--application", self.application),
            ("--application-id", self.application_id),
        )
        return "".join(
            f" {option} {shlex.quote(value)}" for option, value in given if value is not None
        )

    @contextlib.contextmanager
    def reading(self, *, timeout: float = _TIMEOUT_S) -> Iterator[pk.Pinpoint]:
        """Connect without making a database or an application.

        Args:
            timeout: seconds that one request may take.
        """
        file = database_file(self.resolved_url)
        if file is not None and not is_made(file):
            raise ConfigurationError(
                f"there is no database {file}: name one with --url sqlite:///FILE, or make it with"
                " `pinpoint-kit record` or `pinpoint-kit endpoint update`"
            )
        if file is None and is_server_database(self.resolved_url):
            from pinpoint_kit.engine import look_at  # noqa: PLC0415 -- SQLAlchemy is loaded only when used

            look = look_at(self.resolved_url)
            if not look.has_tables:
                raise ConfigurationError(
                    f"there are no tables in {look.place}: make them with `pinpoint-kit serve`,"
                    " `pinpoint-kit record` or what `pinpoint-kit schema sql` prints"
                )
        is_unnamed = self.application is None and (self.known_id is not None or not self.is_engine)
        if is_unnamed or self.application_id is not None:
            with self.opened(timeout=timeout) as pinpoint:
                yield pinpoint
            return
        anyhow = attrs.evolve(self, application=None, application_id="not-known-yet")
        with (
            anyhow.opened(timeout=timeout) as outer,
            pk.Pinpoint(outer.client, find(outer, self.application), retry=patience()) as pinpoint,
        ):
            yield pinpoint

    @contextlib.contextmanager
    def opened(
        self, *, timeout: float = _TIMEOUT_S, **options: Unpack[PinpointOptions]
    ) -> Iterator[pk.Pinpoint]:
        """Connect as `connect` does; its warnings become lines on stderr."""
        options.setdefault("retry", patience())
        with printing_warnings():
            pinpoint = pk.connect(
                self.url,
                application=self.application,
                application_id=self.application_id,
                wait=_WAIT_S,
                timeout=timeout,
                # They are for whoever has the transports and the hooks, such as a server.
                runs_campaigns=False if self.is_engine else None,
                **options,
            )
        with pinpoint:
            yield pinpoint


def find(pinpoint: pk.Pinpoint, name: str | None) -> str:
    """Return the id of the oldest application of this name, as `connect` would choose it.

    Args:
        pinpoint: where to look.
        name: its name; None for the one that the engine takes when none is named.

    Raises:
        ConfigurationError: there is none; the message names those that there are.
    """
    found = pinpoint.applications.find(DEFAULT_APPLICATION if name is None else name)
    if found is not None:
        return found.id
    problem = "there is no application of that name"
    if name is None:
        problem = f"no application is named, and there is no `{DEFAULT_APPLICATION}`"
    raise ConfigurationError(f"{problem}: {_those_there_are(pinpoint)}")


def _those_there_are(pinpoint: pk.Pinpoint) -> str:
    names = sorted({found.name or "" for found in pinpoint.applications.list()})
    if not names:
        return "there are no applications yet"
    if len(names) == 1:
        name = names[0]
        return f"there is the application {name}: give --application {shlex.quote(name)}"
    more = f" and {len(names) - _MOST_SHOWN:,} more" if len(names) > _MOST_SHOWN else ""
    listed = ", ".join(names[:_MOST_SHOWN])
    return f"there are the applications {listed}{more}: give --application NAME"


def database_file(url: str) -> Path | None:
    """Return the file that a sqlite URL names; None for memory, other and malformed URLs."""
    scheme, _, place = url.partition("://")
    name = place.removeprefix("/")
    if scheme.lower() != "sqlite" or not place.startswith("/") or "?" in place:
        return None
    return None if not name or name.startswith((":memory:", "file:")) else Path(name)


def is_server_database(url: str) -> bool:
    """Whether a URL names a database of the engine's own on a server."""
    return is_engine(url) and not url.lower().startswith("sqlite:")


def is_made(file: Path) -> bool:
    """Whether there is a database, or something else in its place; an empty file is none yet."""
    return file.exists() and not (file.is_file() and file.stat().st_size == 0)


def redacted(url: str) -> str:
    """Return the URL without user, password, and all of the query but two names."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() == "sqlite":
        return url.partition("?")[0]
    rest, _, query = rest.partition("?")
    shown = [part for part in query.split("&") if part.startswith(("profile=", "region="))]
    return f"{scheme}://{rest.rpartition('@')[2]}" + (f"?{'&'.join(shown)}" if shown else "")


@contextlib.contextmanager
def printing_warnings() -> Iterator[None]:
    """Turn this package's warnings into lines on stderr; others stay warnings."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always", PinpointKitWarning)
        try:
            yield
        finally:
            ours = [w for w in seen if issubclass(w.category, PinpointKitWarning)]
            for warning in ours:
                say(f"warning: {warning.message}")
    for warning in seen:
        if warning not in ours:
            warnings.warn_explicit(
                warning.message, warning.category, warning.filename, warning.lineno
            )


@contextlib.contextmanager
def printing_hints() -> Iterator[None]:
    """Turn what the engine logs of slow charts into lines on stderr."""
    logger = logging.getLogger("pinpoint_kit.engine.analytics")
    handler = _Saying()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Saying(logging.Handler):
    """Prints messages as commands do."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one."""
        say(f"hint: {record.getMessage()}")


def _quiet(ctx: click.Context, _: click.Parameter, value: bool) -> bool:  # noqa: FBT001 -- click calls it so
    """Commands report losses themselves: the library's log lines show only with --debug."""
    ctx.meta[DEBUG] = value
    ctx.meta[COMMAND] = ctx  # every command has this option
    logger = logging.getLogger("pinpoint_kit")
    if value:
        logging.basicConfig(stream=sys.stderr)
        logger.setLevel(logging.DEBUG)
    elif not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return value


def _note_json(ctx: click.Context, _: click.Parameter, value: bool) -> bool:  # noqa: FBT001 -- as above
    ctx.meta[JSON] = value
    return value


def place_options(
    *,
    url: str = "[env: PINPOINT_KIT_URL; default: sqlite:///pinpoint.db]",
    application: str = "",
    application_id: str = "[env: PINPOINT_KIT_APPLICATION_ID]",
) -> tuple[Option, ...]:
    """Return the options for where a command works; each argument says where a value comes from."""
    which = (
        "Where to connect: sqlite:///FILE, postgresql://USER@HOST/DATABASE, http://HOST:PORT or"
        " aws://REGION."
    )
    return (
        click.option("--url", help=f"{which} {url}"),
        click.option(
            "--application",
            metavar="NAME",
            help=f"The application, by name. {application}".rstrip(),
        ),
        click.option(
            "--application-id",
            metavar="ID",
            help=f"The application, by id. {application_id}".rstrip(),
        ),
    )


DEBUG_OPTION: Option = click.option(
    "--debug",
    is_flag=True,
    expose_value=False,
    callback=_quiet,
    help="Show tracebacks and the library's log lines.",
)

#: How a command answers; also for those that work on a file and on no Pinpoint.
ANSWER_OPTIONS: tuple[Option, ...] = (
    click.option(
        "--json",
        "as_json",
        is_flag=True,
        is_eager=True,  # before another option can be wrong
        callback=_note_json,
        help="Answer with JSON on stdout.",
    ),
    DEBUG_OPTION,
)


def example(*lines: str) -> Callable[[click.Command], click.Command]:
    """Have the help of a command end with examples.

    Args:
        lines: what follows `pinpoint-kit `; at most 60 characters each.
    """
    shown = "\n".join(f"  pinpoint-kit {line}" for line in lines)

    def decorate(command: click.Command) -> click.Command:
        command.epilog = f"\b\nExample:\n{shown}"
        return command

    return decorate


limit_option = click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="How many to show at most.",
)


def database_option(text: str) -> Option:
    """Return the --url of a command that works on the engine's own database."""
    return click.option(
        "--url",
        envvar="PINPOINT_KIT_URL",
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        help=text,
    )


def common_with(place: tuple[Option, ...]) -> Option:
    """Give a command the common options, as one `Settings` in front of its own arguments."""

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
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

        with_options: Callable[..., None] = command
        for option in reversed((*place, *ANSWER_OPTIONS)):
            with_options = option(with_options)
        return with_options

    return decorate


common = common_with(place_options())

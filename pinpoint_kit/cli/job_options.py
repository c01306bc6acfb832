"""Options of commands that start a job, or need one on the hosted service."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pinpoint_kit import JobFormat
from pinpoint_kit.cli.output import say
from pinpoint_kit.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Command = Callable[..., Any]

__all__ = [
    "exporting",
    "format_option",
    "naming",
    "place",
    "role_option",
    "show_failures",
    "timeout_option",
]

#: Arguments of the library that are the place which a command was given.
_PLACES = frozenset({"$.source", "$.url", "$.url_prefix"})

format_option = click.option(
    "--format",
    "file_format",
    type=click.Choice([member.value for member in JobFormat], case_sensitive=False),
    help="The format; unless given, the ending of the name decides.",
)
role_option = click.option(
    "--role-arn",
    metavar="ARN",
    help="Hosted service: the role that Pinpoint assumes to use the bucket.",
)
timeout_option = click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=3600.0,
    show_default=True,
    help="How long to wait for a job; it continues after that.",
)


def exporting(function: Command) -> Command:
    """Give a command the options for an export job, which the hosted service needs."""
    export_to = click.option(
        "--export-to",
        metavar="URL",
        help="Hosted service: s3://BUCKET/PREFIX, a place for the files of an export job.",
    )
    return export_to(role_option(function))


def place(word: str) -> str | Path:
    """Return a URL as it is; everything else is a path of this machine."""
    return word if "://" in word else Path(word)


@contextlib.contextmanager
def naming(word: str | Path) -> Iterator[None]:
    """Have a refusal say which place it is about, where the library names its own argument."""
    try:
        yield
    except ValidationError as error:
        if error.path not in _PLACES:
            raise
        raise type(error)(f"{word}: {error.message}", "", error.reason) from error


def show_failures(failures: tuple[str, ...], total: int) -> None:
    """Say on stderr why rows failed."""
    for text in failures:
        say(text)
    if total > len(failures):
        say(f"{total - len(failures):,} more rows failed")

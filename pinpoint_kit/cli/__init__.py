"""The `pinpoint-kit` command: thin commands over the public API, with click and rich.

Nothing is imported before it is needed: without the `cli` extra, `main` says what to install.
No command may reach below the public API of the package.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

    cli: click.Group

__all__ = ["cli", "main"]

_EXTRA = frozenset({"click", "rich"})


def main() -> None:
    """Run the command line; does not return."""
    try:
        group = import_module("pinpoint_kit.cli.app").cli
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write(
            "The pinpoint-kit command needs click and rich: pip install 'pinpoint-kit[cli]'\n"
        )
        raise SystemExit(2) from None
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # no name breaks an ASCII terminal
    group(prog_name="pinpoint-kit")


def __getattr__(name: str) -> object:
    if name != "cli":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module("pinpoint_kit.cli.app").cli

"""The question that comes before something is deleted."""

from __future__ import annotations

import sys

import click

__all__ = ["confirm"]


def confirm(question: str, *, yes: bool) -> None:
    """Ask on the terminal before something is deleted.

    Raises:
        UsageError: there is no terminal to ask at, and --yes was not given.
        Abort: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("deleting needs --yes when stdin is not a terminal")
    click.confirm(question, abort=True, err=True)

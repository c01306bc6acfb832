"""Options that are written NAME=VALUE, and what several of them make together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["lists", "number", "pair"]


def pair(value: str) -> tuple[str, str]:
    """Split `NAME=VALUE` at the first `=`."""
    name, equals, text = value.partition("=")
    if not name or not equals:
        raise click.BadParameter("write NAME=VALUE")
    return name, text


def number(value: str) -> tuple[str, float]:
    """Split `NAME=NUMBER` likewise."""
    name, text = pair(value)
    try:
        return name, float(text)
    except ValueError:
        raise click.BadParameter("write NAME=NUMBER, for example level=3.5") from None


def lists(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Collect the values of each name, in the order in which they were given."""
    found: dict[str, list[str]] = {}
    for name, text in pairs:
        found.setdefault(name, []).append(text)
    return found

"""The options that write a segment's condition: each narrows it; values of one are alternatives.

What needs "or", groups or source segments is given as JSON instead; see commands/segment.py.
"""

from __future__ import annotations

import functools
import operator
import re
from typing import TYPE_CHECKING, Any

import click

from pinpoint_kit import ChannelType, where
from pinpoint_kit.cli.countries import COUNTRY
from pinpoint_kit.cli.pairs import lists, pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pinpoint_kit import Condition

__all__ = ["condition_of", "condition_options"]

_COMPARISON = re.compile(r"(?P<name>[^<>=]+)(?P<sign><=|>=|<|>|=)(?P<number>[^<>=]+)")
_SIGNS: dict[str, Callable[[Any, float], Condition]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
}
_DAYS = click.Choice(["1", "7", "14", "30"])


def comparison(value: str) -> Condition:
    """`NAME>=NUMBER`, or another sign."""
    found = _COMPARISON.fullmatch(value)
    try:
        if found is not None:
            return _SIGNS[found["sign"]](
                where.metric(found["name"].strip()), float(found["number"])
            )
    except ValueError:
        pass
    raise click.BadParameter("write NAME>=NUMBER, or with <, <=, =, > instead, in quotes")


def _several(name: str, text: str, **settings: Any) -> Callable[..., Any]:  # noqa: ANN401 -- click's own
    return click.option(name, multiple=True, help=text, **settings)


_OPTIONS = (
    _several(
        "--attribute",
        "Has this value; repeat it to allow further values.",
        type=pair,
        metavar="NAME=VALUE",
    ),
    _several(
        "--not-attribute",
        "Has none of these values.",
        type=pair,
        metavar="NAME=VALUE",
    ),
    _several("--user-attribute", "The user has this value.", type=pair, metavar="NAME=VALUE"),
    _several("--metric", "For example 'level>=3'.", type=comparison, metavar="'NAME>=NUMBER'"),
    _several("--country", "Is in this country.", type=COUNTRY, metavar="CODE"),
    _several("--platform", "Has this operating system."),
    _several(
        "--channel",
        "Is reached by this channel; PUSH is any kind of push.",
        type=click.Choice([member.value for member in ChannelType], case_sensitive=False),
        metavar="TYPE",
    ),
    click.option("--active-within", type=_DAYS, help="Was active in the last N days."),
    click.option("--inactive-for", type=_DAYS, help="Was not active in the last N days."),
    _several("--in-segment", "Is also in this segment.", metavar="ID"),
)


def condition_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def condition_of(given: Mapping[str, Any]) -> Condition | None:
    """Return the condition that the options say, or None without any."""
    parts = list(_parts(given))
    return functools.reduce(operator.and_, parts) if parts else None


def _parts(given: Mapping[str, Any]) -> Iterator[Condition]:
    for name, values in lists(given["attribute"]).items():
        yield where.attribute(name).is_in(*values)
    for name, values in lists(given["not_attribute"]).items():
        yield ~where.attribute(name).is_in(*values)
    for name, values in lists(given["user_attribute"]).items():
        yield where.user_attribute(name).is_in(*values)
    yield from given["metric"]
    for function, values in (
        (where.country, given["country"]),
        (where.platform, given["platform"]),
        (where.channel, given["channel"]),
    ):
        if values:
            yield function(*values)
    if given["active_within"]:
        yield where.active_within(days=int(given["active_within"]))
    if given["inactive_for"]:
        yield where.inactive_for(days=int(given["inactive_for"]))
    for segment_id in given["in_segment"]:
        yield where.segment(segment_id)

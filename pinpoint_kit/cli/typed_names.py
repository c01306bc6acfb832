"""Which option or argument of a command an error is about that names a place in a request.

The library names places as Python and JSON have them: `$.start_time`, `$.Schedule.StartTime`. A
person has typed `--start`. Only what was typed is ever named; where a file was given as well, the
names of JSON are those of the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["COMMAND", "typed_name"]

#: Where the contexts of one run keep that of the command.
COMMAND = "pinpoint_kit.cli.command"

_TYPED = frozenset(
    {ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT, ParameterSource.PROMPT}
)
#: Places that are called otherwise than the options for them.
_ALSO = {
    "attributes": ("clear_attribute",),
    "days": ("on", "within", "on_or_after"),
    "default_message_body": ("push_text",),
    "default_message_title": ("push_title",),
    "email_message_body": ("email_text",),
    "email_message_html_body": ("email_html",),
    "email_message_title": ("email_subject",),
    "event_type": ("type", "types"),
    "name": ("email_template", "push_template", "sms_template"),
    "type": ("steps",),
}
_NUMBER = re.compile(r"\[(\d+)\]")
_INDEX = re.compile(r"\[[^\]]*\]?")
#: Where a new word begins in a name like `StartTime` or `SMSMessage`.
_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def typed_name(context: click.Context | None, path: str, *, is_empty: bool = False) -> str:
    """Return what was typed for a place, such as `--start` for `$.start_time`.

    Args:
        context: that of the command.
        path: the place.
        is_empty: only what was typed without a value can be meant.

    Returns:
        The option or the argument; the path itself where nothing was typed for it.
    """
    steps = _INDEX.sub("", path.removeprefix("$").removeprefix(".")).split(".")
    if context is None or not steps[0]:
        return path
    given = [
        each
        for each in context.command.params
        if _is_typed(context, each) and not (is_empty and context.params.get(each.name or ""))
    ]
    if steps[0][0].isupper() and any(_is_file(each) for each in given):
        return path
    names = [_WORD.sub("_", step).lower() for step in steps]
    for place in _places(names):
        for parameter in given:
            if _stands_for(parameter, place):
                return _shown(parameter) + _which(parameter, path)
    return path


def _is_typed(context: click.Context, parameter: click.Parameter) -> bool:
    return context.get_parameter_source(parameter.name or "") in _TYPED


def _is_file(parameter: click.Parameter) -> bool:
    return isinstance(parameter.type, (click.File, click.Path))


def _places(names: Sequence[str]) -> Iterator[str]:
    """Yield what a place may be called: by its last words, then by fewer, then by earlier ones."""
    for end in range(len(names), 0, -1):
        for begin in range(max(0, end - 2), end):
            yield "_".join(names[begin:end])


def _stands_for(parameter: click.Parameter, place: str) -> bool:
    own = {parameter.name or "", *(option.lstrip("-") for option in parameter.opts)}
    own.add(_shown(parameter).lower())
    return any(
        place in {name, f"{name}s"} or place.startswith(f"{name}_") or name == f"{place}_id"
        for name in (each.lstrip("-").replace("-", "_") for each in own)
    ) or (parameter.name in _ALSO.get(place, ()))


def _shown(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return parameter.human_readable_name.removesuffix("...")


def _which(parameter: click.Parameter, path: str) -> str:
    """Say which one of an argument that may be given several times."""
    found = _NUMBER.search(path)
    return f" {int(found[1]) + 1}" if found and parameter.nargs == -1 else ""

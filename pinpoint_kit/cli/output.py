"""How commands print: answers to stdout as tables or JSON, everything else to stderr.

Whatever comes from data is made safe first: a stored name must not move the cursor. Consoles are
made when they are used, so that they follow a redirected stdout.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import signal
import sys
import threading
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pinpoint_kit.system.atomic_files import atomic_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = [
    "ANSWERED",
    "SAID",
    "console",
    "members_table",
    "print_json",
    "print_pairs",
    "say",
    "shown",
    "shown_json",
    "stderr_console",
    "table",
    "writing",
]


#: Where the contexts of one run keep whether a JSON value was printed, and what was said last.
ANSWERED = "pinpoint_kit.cli.answered"
SAID = "pinpoint_kit.cli.said"
#: Tables are no wider than what is in them.
_ANY_WIDTH = 100_000


def shown(value: object) -> str:
    """Text that changes nothing on a terminal but the characters on it."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in str(value)
    )


def shown_json(text: str) -> str:
    """JSON of the same value that changes nothing on a terminal but the characters on it."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1]
        for character in text
    )


def say(sentence: str) -> None:
    """Print one line to stderr."""
    _note(SAID, sentence)
    click.echo(shown(sentence), err=True)


def print_json(value: object) -> None:
    """Print one JSON value to stdout."""
    _note(ANSWERED, value=True)
    click.echo(shown_json(json.dumps(value, indent=2, ensure_ascii=False)))


def _note(name: str, value: object) -> None:
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[name] = value


class _Console(Console):
    """A console that leaves a broken pipe to its caller."""

    def on_broken_pipe(self) -> None:
        """Say so, instead of exiting with a status of rich's own."""
        raise BrokenPipeError


def console() -> Console:
    """Return a console on stdout; other than on a terminal, its lines have any length.

    $COLUMNS says otherwise.
    """
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _ANY_WIDTH
    return _Console(file=sys.stdout, width=width, highlight=False, markup=False, emoji=False)


def stderr_console() -> Console:
    """Return a console on stderr."""
    return _Console(file=sys.stderr, highlight=False, markup=False, emoji=False)


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    numbers: Sequence[str] = (),
    whole: Sequence[str] = (),
) -> Table:
    """Return a table with safe cells.

    Args:
        columns: the headings.
        rows: the cells.
        numbers: the headings of columns that are set to the right.
        whole: the headings of columns that stay on one line when others must fold.
    """
    result = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        result.add_column(
            column,
            justify="right" if column in numbers else "left",
            overflow="fold",
            no_wrap=column in whole,
        )
    for row in rows:
        result.add_row(*(Text(shown(cell)) for cell in row))
    return result


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print names with single values, one a line, the values below each other."""
    width = max(map(len, pairs), default=0) + 2
    for name, value in pairs.items():
        click.echo(f"{name:{width}}{shown(value)}")


def members_table(members: Mapping[str, object]) -> Table:
    """Return a JSON object as a table; members of members as `Outer.Inner`, of lists `Outer[0]`."""
    return table(("Member", "Value"), _flat(members))


def _flat(members: Mapping[str, object], prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in members.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, (list, tuple)) and any(isinstance(item, dict) for item in value):
            yield from _flat({f"{name}[{index}]": item for index, item in enumerate(value)}, prefix)
        elif isinstance(value, (list, tuple)):
            yield prefix + name, ", ".join(map(_plain, value))
        else:
            yield prefix + name, _plain(value)


def _plain(value: object) -> str:
    """Return a single value as JSON has it, without the quotes."""
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return str(value.value if isinstance(value, Enum) else value)


@contextlib.contextmanager
def writing(target: str) -> Iterator[Callable[[bytes], object]]:
    """Yield what writes a line to a new file that is its owner's alone, or to stdout.

    Only a finished file gets the name: half of one must not be taken for the whole. Until then it
    is `.NAME.….part` beside it, which goes when anything ends the block, SIGTERM and SIGHUP
    included.
    """
    if target == "-":
        yield functools.partial(click.echo, nl=False)
        return
    path = Path(target)
    if not target.endswith(("/", os.sep)):
        made = atomic_file(path, replace=False)
    elif os.path.lexists(path):
        raise _exists()
    else:
        raise click.UsageError("FILE is a folder: name a file in it")
    try:
        with _ended_by_signals(), made as draft, draft.open("wb") as file:
            yield file.write
    except FileExistsError as error:
        if error.filename != str(path):
            raise
        raise _exists() from None


def _exists() -> click.UsageError:
    return click.UsageError("FILE exists already: name another one")


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Have SIGTERM and SIGHUP unwind the block, with the exit status that they have anyway."""

    def end(number: int, _: object) -> NoReturn:
        sys.exit(128 + number)

    names = ("SIGTERM", "SIGHUP")  # the latter where there is one
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    changed = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    if threading.current_thread() is not threading.main_thread():
        changed = []  # the main thread alone may say what signals do
    for number in changed:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in changed:
            signal.signal(number, signal.SIG_DFL)

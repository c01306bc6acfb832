"""What happens when a command fails: one sentence on stderr and an exit status.

With --json the same is on stdout as well, as one JSON value: its reader needs no other
stream. Tracebacks are for --debug. The sentences are the errors' own, in the words of the command
line: they say what to do next, and hold no personal data.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from typing import NoReturn

import click

from pinpoint_kit import errors
from pinpoint_kit.cli.output import ANSWERED, SAID, print_json, say
from pinpoint_kit.cli.typed_names import COMMAND, typed_name
from pinpoint_kit.cli.wording import in_cli_words

__all__ = [
    "DEBUG",
    "DONE",
    "INTERRUPTED",
    "JSON",
    "NO_ANSWER",
    "REFUSED",
    "USAGE",
    "GuardedGroup",
    "exit_status",
]

DONE = 0
REFUSED = 1
USAGE = 2
NO_ANSWER = 3
FAULT = 70
INTERRUPTED = 130
BROKEN_PIPE = 141
#: From here on, a signal ended it.
_SIGNALLED = 128

#: Where the contexts of one run keep whether --debug was given.
DEBUG = "pinpoint_kit.cli.debug"
#: And whether --json was given.
JSON = "pinpoint_kit.cli.json"


def exit_status(error: errors.PinpointKitError) -> int:
    """Return the exit status that the top of the help promises for this error."""
    if isinstance(error, (errors.ConfigurationError, errors.ValidationError)):
        return USAGE
    if error.is_retryable:
        return NO_ANSWER
    # No credentials, no trust in a certificate: a setting, and no matter of time.
    return USAGE if isinstance(error, errors.TransportError) else REFUSED


class GuardedGroup(click.Group):
    """A group whose commands end with a sentence and a status, whatever they raise."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See whether JSON is wanted before anything can be wrong with the command line."""
        ctx.meta[JSON] = "--json" in args  # the option itself corrects it, if it comes so far
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; turn what it raises into an exit."""
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit:
            raise
        except SystemExit as end:
            # A command's own end, after it said why: with --json that is an answer, too.
            if isinstance(end.code, int) and end.code and not ctx.meta.get(ANSWERED):
                kind = "Refused" if end.code < _SIGNALLED else "Interrupted"
                _answer(ctx, kind, ctx.meta.get(SAID) or "interrupted", end.code)
            raise
        except click.ClickException as error:
            _answer(ctx, type(error).__name__, error.format_message(), error.exit_code)
            raise  # click shows it
        except (
            KeyboardInterrupt,
            click.Abort,
        ) as end:  # a command may say what becomes of its work
            _end(ctx, "Interrupted", str(end) or "interrupted", INTERRUPTED)
        except BrokenPipeError:
            _forget_stdout()
            raise click.exceptions.Exit(BROKEN_PIPE) from None
        except Exception as error:
            sentence, status = _explained(error, ctx.meta.get(COMMAND))
            if ctx.meta.get(DEBUG):
                _answer(ctx, type(error).__name__, sentence, status)
                raise
            _end(ctx, type(error).__name__, sentence, status)


def _explained(error: Exception, command: click.Context | None) -> tuple[str, int]:
    """Return what to say of an error, and the exit status."""
    if isinstance(error, errors.PinpointKitError):
        sentence = str(error)
        typed = functools.partial(typed_name, command, is_empty=sentence.startswith("is empty"))
        return in_cli_words(sentence, typed), exit_status(error)
    name = type(error).__name__
    if isinstance(error, OSError):
        return f"{error.strerror or name}: check the file and the terminal", USAGE
    return f"unexpected {name}: run it again with --debug, and report it", FAULT


def _end(ctx: click.Context, kind: str, sentence: str, status: int) -> NoReturn:
    say(sentence if status == INTERRUPTED else f"error: {sentence}")
    _answer(ctx, kind, sentence, status)
    raise click.exceptions.Exit(status)


def _answer(ctx: click.Context, kind: str, sentence: str, status: int) -> None:
    """With --json, an error is an answer as well."""
    if ctx.meta.get(JSON):
        print_json({"error": {"type": kind, "message": sentence, "exit_status": status}})


def _forget_stdout() -> None:
    """Point stdout nowhere, so that the interpreter's last flush cannot fail as well."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)

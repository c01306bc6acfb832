"""What happens when a command fails: one sentence on stderr and an exit status.

Tracebacks are for --debug. The sentences are the errors' own: they say what to do next, and hold
no personal data.
"""

from __future__ import annotations

import contextlib
import os
import sys

import click

from pinpoint_kit import errors
from pinpoint_kit.cli.output import say

__all__ = [
    "DEBUG",
    "DONE",
    "INTERRUPTED",
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

#: Where the contexts of one run keep whether --debug was given.
DEBUG = "pinpoint_kit.cli.debug"


def exit_status(error: errors.PinpointKitError) -> int:
    """The exit status that the top of the help promises for this error."""
    if isinstance(error, (errors.ConfigurationError, errors.ValidationError)):
        return USAGE
    if isinstance(error, errors.TransportError) or error.is_retryable:
        return NO_ANSWER
    return REFUSED


class GuardedGroup(click.Group):
    """A group whose commands end with a sentence and a status, whatever they raise."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; turn what it raises into an exit."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit):
            raise  # click's own: usage errors and exits
        except (KeyboardInterrupt, click.Abort):
            say("interrupted")
            status = INTERRUPTED
        except BrokenPipeError:
            _forget_stdout()
            status = BROKEN_PIPE
        except Exception as error:
            if ctx.meta.get(DEBUG):
                raise
            status = _explain(error)
        raise click.exceptions.Exit(status)


def _explain(error: Exception) -> int:
    if isinstance(error, errors.PinpointKitError):
        say(f"error: {error}")
        return exit_status(error)
    if isinstance(error, OSError):
        say(f"error: {error.strerror or type(error).__name__}: check the file and the terminal")
        return USAGE
    say(f"error: unexpected {type(error).__name__}: run it again with --debug, and report it")
    return FAULT


def _forget_stdout() -> None:
    """Point stdout nowhere, so that the interpreter's last flush cannot fail as well."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)

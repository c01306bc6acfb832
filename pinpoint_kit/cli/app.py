"""The top of the command line: the group, its help, and where each command is.

A command's module is imported when the command is used, so that help, and an unknown command,
answer at once. Summaries stand here as well as in the commands for that reason; a test compares
them.
"""

from __future__ import annotations

from collections import UserDict
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

from pinpoint_kit.cli.failures import GuardedGroup
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["cli"]


class _Home(NamedTuple):
    """Where a command is, what it does in a line, and what is added to it if it is a group."""

    place: str
    summary: str
    others: tuple[str, ...] = ()


_HOMES = {
    "analytics": _Home(
        "analytics:analytics", "Show who is active, who comes back, and what comes in."
    ),
    "application": _Home("application:application", "List, create and delete applications."),
    "backup": _Home("backup:backup", "Copy a database to FILE while a server uses it."),
    "campaign": _Home(
        "campaign:campaign",
        "Make campaigns, pause and resume them, and see what came of them.",
    ),
    "console": _Home("console:console", "Show charts, events, segments and jobs in a browser."),
    "copy": _Home("copy:copy", "Copy everything of a database into an empty one."),
    "credentials": _Home(
        "credentials:credentials", "Make, list and remove the access keys of a server."
    ),
    "dead-letters": _Home(
        "dead_letters:dead_letters",
        "List, show, export, replay and purge what a spool gave up.",
    ),
    "demo": _Home("demo:demo", "Record 60 days of made-up people, and show their numbers."),
    "doctor": _Home("doctor:doctor", "Check the connection, the database and what is installed."),
    "endpoint": _Home(
        "endpoint:endpoint",
        "Look up, change and delete endpoints.",
        (
            "endpoint_files:list_endpoints",
            "endpoint_find:find_endpoints",
            "endpoint_files:scan",
            "endpoint_files:load",
            "remove_attributes:remove_attributes",
        ),
    ),
    "erase": _Home("erase:erase", "Remove a person's endpoints, user attributes and events."),
    "event": _Home("event:event", "Look up stored events: personal data."),
    "iam": _Home("iam:iam", "Make and check IAM policies, roles and trust documents."),
    "identity": _Home(
        "identity:identity", "Record the sign-ins that identity providers have logged."
    ),
    "job": _Home("job:job", "Start, watch and list import and export jobs."),
    "lake": _Home("lake:lake", "Export events to Parquet files, for DuckDB, Spark and others."),
    "message": _Home("message:message", "Send messages and one-time passwords."),
    "migrate": _Home("migrate:migrate", "Convert the audience for other services."),
    "notification": _Home(
        "notification:notification", "Record that a campaign's push message was received or opened."
    ),
    "opt-out": _Home("opt_out:opt_out", "List, add and lift opt-outs of addresses: personal data."),
    "outbox": _Home("outbox:outbox", "Show what was sent, and say what became of it."),
    "record": _Home("record:record", "Record the events in FILE, one JSON object a line."),
    "schema": _Home("schema:schema", "Print the tables of a database as SQL."),
    "segment": _Home("segment:segment", "Define segments, and see who is in them."),
    "serve": _Home("serve:serve", "Serve Pinpoint's API over HTTP, for clients in any language."),
    "stream": _Home(
        "stream:stream", "Show, pause and replay event streams, and what they gave up."
    ),
    "template": _Home(
        "template:template", "Keep the templates of messages, and show what one would look like."
    ),
    "user": _Home("user:user", "Look up and delete users."),
}


def _load(place: str) -> click.Command:
    module, _, name = place.partition(":")
    command: click.Command = getattr(import_module(f"pinpoint_kit.cli.commands.{module}"), name)
    return command


class _Commands(UserDict[str, "click.Command"]):
    """The commands by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> click.Command:
        if name not in self.data and name in _HOMES:
            home = _HOMES[name]
            command = _load(home.place)
            if isinstance(command, click.Group):
                for other in home.others:
                    command.add_command(_load(other))
                for each in command.commands.values():  # whole, where click cuts at a line's end
                    each.short_help = each.get_short_help_str(limit=_LONGEST_SUMMARY)
            self.data[name] = command
        return self.data[name]

    def __contains__(self, name: object) -> bool:
        return name in _HOMES

    def __iter__(self) -> Iterator[str]:
        return iter(_HOMES)

    def __len__(self) -> int:
        return len(_HOMES)


class _Cli(GuardedGroup):
    """The group: shows its commands without importing them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries of the commands."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, home.summary) for name, home in _HOMES.items()])


#: No docstring, because click needs the control character that `\b` is outside of raw text.
_HELP = """Amazon Pinpoint's analytics and audience API, with or without AWS.

    Without settings, commands use the embedded engine on ./pinpoint.db. Choose another database
    or server with --url or $PINPOINT_KIT_URL: sqlite:///FILE, postgresql://USER@HOST/DATABASE,
    http://HOST:PORT or aws://REGION.

    Answers go to stdout, everything else to stderr. With --json, stdout holds one JSON value
    and nothing else; of a command that fails, {"error": ...}.

    \b
    Exit status:
      0    everything was done or accepted
      1    an answer says no: not found, refused, or some events not accepted
      2    the command line, a setting, the content or the database is wrong
      3    no answer, or one that says "later": trying again may help
      70   a fault of pinpoint-kit itself
      130  interrupted
      141  nobody reads the output
    """
#: Of a command of a group, in characters; it goes on in the next line.
_LONGEST_SUMMARY = 200
#: click leaves two columns free: 76 fit where mail, pages and split terminals have 80.
_MAX_WIDTH = 78


@click.group(
    cls=_Cli,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _MAX_WIDTH},
    commands=_Commands(),
)
@click.version_option(VERSION, "--version", prog_name="pinpoint-kit")
def cli() -> None:
    """Run a command; the group's own help is `_HELP`."""

"""The top of the command line: the group, its help, and the list of commands."""

from __future__ import annotations

import click

from pinpoint_kit.cli.commands.backup import backup
from pinpoint_kit.cli.commands.credentials import credentials
from pinpoint_kit.cli.commands.dead_letters import dead_letters
from pinpoint_kit.cli.commands.demo import demo
from pinpoint_kit.cli.commands.doctor import doctor
from pinpoint_kit.cli.commands.endpoint import endpoint
from pinpoint_kit.cli.commands.endpoint_files import list_endpoints, load, scan
from pinpoint_kit.cli.commands.erase import erase
from pinpoint_kit.cli.commands.job import job
from pinpoint_kit.cli.commands.record import record
from pinpoint_kit.cli.commands.remove_attributes import remove_attributes
from pinpoint_kit.cli.commands.segment import segment
from pinpoint_kit.cli.commands.serve import serve
from pinpoint_kit.cli.commands.user import user
from pinpoint_kit.cli.failures import GuardedGroup
from pinpoint_kit.version import VERSION

__all__ = ["cli"]

for _command in (list_endpoints, scan, load, remove_attributes):
    endpoint.add_command(_command)


#: No docstring, because click needs the control character that `\b` is outside of raw text.
_HELP = """Amazon Pinpoint's analytics and audience API, with or without AWS.

    Without settings, commands use the embedded engine on ./pinpoint.db. Name another Pinpoint
    with --url or $PINPOINT_KIT_URL: sqlite:///FILE, http://HOST:PORT or aws://REGION.

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
#: click leaves two columns free: 76 fit where mail, pages and split terminals have 80.
_MAX_WIDTH = 78


@click.group(
    cls=GuardedGroup,
    help=_HELP,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _MAX_WIDTH},
    commands=[
        demo,
        record,
        dead_letters,
        endpoint,
        user,
        segment,
        job,
        erase,
        serve,
        credentials,
        backup,
        doctor,
    ],
)
@click.version_option(VERSION, "--version", prog_name="pinpoint-kit")
def cli() -> None:
    """The group; what it says of itself is `_HELP`."""

"""`pinpoint-kit serve`: the engine as an HTTP server.

Only the command line is here: options, what is printed at the start, and refusals. How it is
served belongs to `pinpoint_kit.server`.
"""

from __future__ import annotations

import datetime as dt
import functools
import ipaddress
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import click

from pinpoint_kit.cli.console import check_extra, open_console
from pinpoint_kit.cli.extras import server_part
from pinpoint_kit.cli.options import (
    DEBUG_OPTION,
    database_file,
    database_option,
    example,
    redacted,
)
from pinpoint_kit.cli.output import say
from pinpoint_kit.cli.tracking import links_of, open_tracked_transports, open_tracking
from pinpoint_kit.cli.webhooks import open_webhooks, received
from pinpoint_kit.doors import (
    is_engine,
    open_destinations,
    open_hooks,
    open_served_files,
    open_transports,
    parse_destinations,
    parse_hooks,
    parse_transports,
)
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.records.stream import StreamForm

if TYPE_CHECKING:
    from pinpoint_kit.server.access.audit import AuditSelection
    from pinpoint_kit.server.listening import Address
    from pinpoint_kit.server.run import Settings

__all__ = ["serve"]


def _days(_: click.Context, __: click.Parameter, given: str | None) -> dt.timedelta | None:
    if given is None:
        return None
    match = re.fullmatch(r"(\d{1,6})d", given)
    if match is None:
        raise click.BadParameter(f"{given!r}: write days, such as 400d")
    return dt.timedelta(days=int(match[1]))


def _account_id(_: click.Context, __: click.Parameter, given: str) -> str:
    if not re.fullmatch("[0-9]{12}", given):
        raise click.BadParameter(f"{given!r}: write 12 digits")
    return given


@example("serve --url sqlite:///shop.db", "serve --host 0.0.0.0 --credentials credentials.ini")
@click.command()
@database_option(
    "The database: sqlite:///FILE, which is created if it does not exist, or"
    " postgresql://USER@HOST/DATABASE."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8025,
    show_default=True,
    help="The port; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many processes serve the database.",
)
@click.option(
    "--credentials",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Accept only requests signed with an access key of this file.",
)
@click.option(
    "--access-log/--no-access-log",
    default=True,
    show_default=True,
    help="Write a line of JSON for each request to stdout.",
)
@click.option(
    "--log-addresses",
    is_flag=True,
    help="Put clients' network addresses, which are personal data, into these lines.",
)
@click.option(
    "--identity-webhooks",
    "webhooks",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Receive identity providers' webhooks below /identity/, as this file says.",
)
@click.option(
    "--audit-log",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append who has done what to this file, in CloudTrail's form.",
)
@click.option(
    "--audit-log-like",
    type=click.Choice(["2018", "2023", "all"]),
    default="2023",
    show_default=True,
    help="Which operations stand there: as CloudTrail had them in that year, or all.",
)
@click.option(
    "--region",
    default="us-east-1",
    show_default=True,
    help="The Region in the ARNs of answers to unsigned requests; signed ones name their own.",
)
@click.option(
    "--files",
    "folders",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    multiple=True,
    help="A folder that import and export jobs may use (file://); repeat it for several.",
)
@click.option(
    "--bucket",
    "buckets",
    multiple=True,
    help="A bucket that jobs may use (s3://), with this machine's credentials.",
)
@click.option(
    "--keep-events",
    metavar="DAYS",
    callback=_days,
    help="Remove events that are older, for example 400d (31d at least). [default: keep all]",
)
@click.option(
    "--keep-messages",
    metavar="DAYS",
    callback=_days,
    help="Remove messages of the outbox that are older, for example 30d. [default: keep all]",
)
@click.option(
    "--destination",
    "destinations",
    metavar="ARN_OR_APPLICATION=URL",
    multiple=True,
    help="Send event streams there: those of a stream's ARN, or all events of an application, by"
    " its id or name; repeat it for several. kinesis://STREAM, firehose://STREAM,"
    " kafka://HOST:PORT/TOPIC, file:///FOLDER or https://HOST/PATH.",
)
@click.option(
    "--console",
    "has_console",
    is_flag=True,
    help="Serve the console, too: charts, events, segments and jobs for a browser.",
)
@click.option(
    "--stream-version",
    type=click.Choice(["3.0", "3.1"]),
    default="3.0",
    show_default=True,
    help="How records of event streams look; 3.1 adds the account and the endpoint.",
)
@click.option(
    "--stream-endpoint",
    type=click.Choice(["none", "official", "full"]),
    help="What records have of their endpoint: nothing, all but its address, or all."
    " [default: official with 3.1, none with 3.0]",
)
@click.option(
    "--stream-account-id",
    metavar="DIGITS",
    default="000000000000",
    show_default=True,
    callback=_account_id,
    help="The account that records of version 3.1 name.",
)
@click.option(
    "--stream-backlog",
    metavar="RECORDS",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="How many records of an application may wait; of more, the oldest are given up.",
)
@click.option(
    "--stream-age",
    metavar="DAYS",
    callback=_days,
    default="7d",
    show_default=True,
    help="How long a record may wait before it is given up (31d at most).",
)
@click.option(
    "--stream-tries",
    metavar="TRIES",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="How often a record that is refused is sent before it becomes a dead letter.",
)
@click.option(
    "--stream-dead-letters",
    metavar="RECORDS",
    type=click.IntRange(1),
    default=10_000,
    show_default=True,
    help="How many dead letters an application may have; of more, the oldest go.",
)
@click.option(
    "--transport",
    "transports",
    metavar="CHANNEL=URL",
    multiple=True,
    help="What takes messages of EMAIL, SMS or PUSH away; without, they stay in the outbox."
    " smtp://HOST:PORT, https://HOST/PATH, python:MODULE:FUNCTION, aws-sms://REGION or"
    " aws-push://REGION/APPLICATION_ID.",
)
@click.option(
    "--track-opens-and-clicks",
    "is_tracked",
    is_flag=True,
    help="Report when an e-mail that was sent is opened, and which of its links are clicked; needs"
    " --public-url.",
)
@click.option(
    "--public-url",
    metavar="URL",
    help="The server's address for recipients of e-mail, such as https://mail.example.com.",
)
@click.option(
    "--tracking-key",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="What links are signed with; made if there is none, beside the file of the database.",
)
@click.option(
    "--hook",
    "hooks",
    metavar="NAME=URL",
    multiple=True,
    help="What campaigns call that say this name, ARN or URL; nothing else is ever called."
    " python:MODULE:FUNCTION (from the current folder, too), lambda:NAME, lambda:ARN or"
    " https://HOST/PATH.",
)
@click.option(
    "--catch-up/--no-catch-up",
    default=True,
    show_default=True,
    help="Make up once for a run of a campaign that was missed.",
)
@DEBUG_OPTION
def serve(  # noqa: PLR0913 -- the options of the command
    *,
    url: str,
    host: str,
    port: int,
    credentials: Path | None,
    workers: int,
    webhooks: Path | None,
    audit_log: Path | None,
    audit_log_like: AuditSelection,
    region: str,
    folders: tuple[str, ...],
    buckets: tuple[str, ...],
    keep_events: dt.timedelta | None,
    keep_messages: dt.timedelta | None,
    destinations: tuple[str, ...],
    stream_version: Literal["3.0", "3.1"],
    stream_endpoint: Literal["none", "official", "full"] | None,
    stream_account_id: str,
    stream_backlog: int,
    stream_age: dt.timedelta,
    stream_tries: int,
    stream_dead_letters: int,
    transports: tuple[str, ...],
    hooks: tuple[str, ...],
    is_tracked: bool,
    public_url: str | None,
    tracking_key: Path | None,
    catch_up: bool,
    has_console: bool,
    **logging: bool,
) -> None:
    """Serve Pinpoint's API over HTTP, for clients in any language.

    Ctrl-C or SIGTERM stops it after the requests under way are answered.
    """
    server = server_part("run")
    if not is_engine(url):
        raise ConfigurationError(
            "the server needs a database of its own: give --url sqlite:///FILE or"
            " postgresql://USER@HOST/DATABASE"
        )
    if webhooks is not None:
        received(webhooks)  # what is wrong with the file ends the start
    given = parse_destinations(destinations)
    by_channel, by_name = parse_transports(transports), parse_hooks(hooks)
    if any(each.startswith("python:") for each in (*by_channel.values(), *by_name.values())):
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 -- a str; as `python -m` finds modules
    if has_console:
        check_extra()
    form = StreamForm(version=stream_version, account_id=stream_account_id)
    if stream_endpoint is not None:
        form = attrs.evolve(form, endpoint=stream_endpoint)
    settings = server.Settings(
        url=url,
        host=host,
        port=port,
        workers=workers,
        region=region,
        credentials=credentials,
        open_mount=None if webhooks is None else functools.partial(open_webhooks, webhooks),
        audit_log=audit_log,
        audit_log_like=audit_log_like,
        keep_events=keep_events,
        keep_messages=keep_messages,
        options=server.ServerOptions(**logging),
        stream_form=form,
        stream_backlog=stream_backlog,
        stream_age=stream_age,
        stream_tries=stream_tries,
        stream_dead_letters=stream_dead_letters,
        open_destinations=functools.partial(open_destinations, given),
        open_transports=functools.partial(open_transports, by_channel),
        open_hooks=functools.partial(open_hooks, by_name),
        catch_up=catch_up,
        open_files=functools.partial(open_served_files, folders, buckets),
    )
    if is_tracked:
        links = links_of(
            by_channel, public_url=public_url, key=tracking_key, database=database_file(url)
        )
        settings = attrs.evolve(
            settings,
            open_transports=functools.partial(open_tracked_transports, by_channel, links),
            open_tracking=functools.partial(open_tracking, links),
        )
    folder = tempfile.mkdtemp(prefix="pinpoint-kit-console-") if has_console else ""
    if has_console:
        file = database_file(url)
        place = file.name if file else redacted(url)
        opened = functools.partial(open_console, Path(folder), credentials, place)
        settings = attrs.evolve(settings, open_console=opened)
    places = ", ".join([*folders, *(f"s3://{bucket}" for bucket in buckets)])
    wired: list[tuple[str, dict[str, Any]]] = [
        ("Event streams: forwarded for", given),
        ("Messages: taken away for", by_channel),
        ("Hooks:", by_name),
    ]
    told = [f"{what} {', '.join(names)}" for what, names in wired if names]
    try:
        status = server.serve(
            settings,
            lambda address: _print_start(address, settings, places, told, folder),
        )
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status)


def _print_start(
    address: Address, settings: Settings, places: str, told: list[str], folder: str
) -> None:
    file = database_file(settings.url)
    place = str(file.absolute()) if file else redacted(settings.url)
    if settings.is_in_memory:
        place = "in memory, lost when the server stops"
    workers = f" ({settings.workers} workers)" if settings.workers > 1 else ""
    keys = f"access keys of {settings.credentials}"
    if settings.credentials is None:
        keys = "off; only connections from this machine are accepted"
    say(f"Serving Pinpoint's API at {address.url}")
    say(f"Database: {place}{workers}")
    say(f"Authentication: {keys}")
    if settings.keep_events is not None:
        say(f"Events: removed when they are older than {settings.keep_events.days} days")
    if settings.keep_messages is not None:
        say(f"Messages: removed when they are older than {settings.keep_messages.days} days")
    for line in told:
        say(line)
    if places:
        say(f"Jobs may use: {places}")
    # Listening everywhere is no address: for a client it would be the client's own machine.
    anywhere = ipaddress.ip_address(address.host).is_unspecified
    url = f"http://THIS-MACHINE:{address.port}" if anywhere else address.url
    if folder:
        say(_console_at(url, settings.credentials, folder))
    say(f"Point a client here with: export AWS_ENDPOINT_URL_PINPOINT={url}")
    say("Stop it with Ctrl-C")


def _console_at(url: str, credentials: Path | None, folder: str) -> str:
    """Say where the console is, and how to come in."""
    parts = server_part("console")
    if credentials is not None:
        return f"Console: {url}{parts.PREFIX} (log in with an access key that has console = yes)"
    token = parts.Sessions(Path(folder)).make_token()
    return f"Console, for one session within an hour: {url}{parts.PREFIX}?token={token}"

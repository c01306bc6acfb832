"""`pinpoint-kit identity`: records of identity providers, from files and from their APIs."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import secrets
import sys
import zoneinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import attrs
import click
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from pinpoint_kit import identity as providers
from pinpoint_kit.cli.failures import REFUSED
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import print_json, say, shown, stderr_console
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.importing.preview import Preview
from pinpoint_kit.models.display.counting import counted
from pinpoint_kit.system.private_files import PrivateFileError, private_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from pinpoint_kit.identity import Importer, ImportReport
    from pinpoint_kit.identity.importing.source_readings import Provider

__all__ = ["identity"]

_KEY = "PINPOINT_KIT_IDENTITY_KEY"
_TOKEN = "PINPOINT_KIT_IDENTITY_TOKEN"  # noqa: S105 -- the name of a variable
_SHOWN = 20
_SOURCES = {"auth0": "Auth0Logs", "okta": "OktaLogs"}


@click.group()
def identity() -> None:
    """Record the sign-ins that identity providers have logged."""


def importing(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of an importer, as `options`."""

    @functools.wraps(function)
    def command(
        *,
        key_file: Path | None,
        prefix: str,
        tenant: str,
        hash_users: bool,
        places: str,
        **own: object,
    ) -> None:
        options = {
            "key": _key(key_file),
            "prefix": prefix,
            "tenant": tenant,
            "hash_users": hash_users,
            "places": places,
        }
        function(options=options, **own)

    with_options: Callable[..., None] = command
    for option in (
        click.option(
            "--places",
            type=click.Choice(["none", "country", "region", "city"]),
            default="country",
            show_default=True,
            help="How much of a place to keep.",
        ),
        click.option("--hash-users", is_flag=True, help="Replace user ids by keyed hashes."),
        click.option(
            "--tenant",
            default="",
            metavar="NAME",
            help="The provider's tenant, where its records do not name it.",
        ),
        click.option(
            "--prefix",
            default="idp",
            show_default=True,
            metavar="TEXT",
            help="What the endpoint ids begin with.",
        ),
        click.option(
            "--key-file",
            metavar="FILE",
            type=click.Path(path_type=Path, dir_okay=False),
            help=f"The secret key of endpoint ids. [env: {_KEY}, the key itself]",
        ),
    ):
        with_options = option(with_options)
    return with_options


@example(
    "identity import --provider okta system-log.json --dry-run",
    "identity import --provider keycloak - < keycloak.log",
)
@identity.command("import")
@click.argument("source", metavar="FILE")
@click.option(
    "--provider",
    required=True,
    metavar="NAME",
    type=click.Choice(list(providers.PROVIDERS)),
    help=f"Whose records they are: {', '.join(providers.PROVIDERS)}.",
)
@importing
@click.option(
    "--enable",
    "enabled",
    multiple=True,
    metavar="OPTION",
    help="Count what is off otherwise, such as resume; repeat it for several.",
)
@click.option(
    "--date",
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day of Keycloak's lines that name the time only.",
)
@click.option("--zone", default="UTC", show_default=True, help="The zone of Keycloak's lines.")
@click.option("--dry-run", is_flag=True, help="Show what would be recorded, and record nothing.")
@common
def import_records(  # noqa: PLR0913 -- the options of the command
    settings: Settings,
    *,
    source: str,
    provider: str,
    options: dict[str, Any],
    enabled: tuple[str, ...],
    date: dt.datetime | None,
    zone: str,
    dry_run: bool,
) -> None:
    """Record what the records in FILE say.

    FILE is JSON, JSON lines, an array, log lines, each also with gzip; a folder with such files;
    or - for stdin. Importing the same records again adds nothing. What is left out is counted by
    its reason, and what the table of the provider does not know by its type.

    The key makes endpoint ids that nobody can guess; keep it, because another key makes other
    endpoints. --dry-run needs none.

    The exit status is 0 only when everything could be read and was accepted. With --dry-run it is
    also 1 when no record was read, or none is of a type that the provider writes; what the
    service would refuse for its own reasons is known only when it is recorded.
    """
    read = _provider(provider, enabled, date, zone)
    with _opened(source) as stream:
        if dry_run:
            report = _previewed(settings, stream, read, options)
        else:
            with settings.opened() as pinpoint:
                importer = _importer(pinpoint, options)
                with _progress() as on_progress:
                    report = importer.load_file(stream, read, on_progress=on_progress)
    _summarize(settings, report, dry_run=dry_run)
    is_good = report.is_complete and not (dry_run and _is_of_no_use(report))
    sys.exit(0 if is_good else REFUSED)


@example(
    "identity pull --provider okta --from https://acme.okta.com",
)
@identity.command("pull")
@click.option(
    "--provider",
    required=True,
    type=click.Choice(sorted(_SOURCES)),
    help="Whose API it is.",
)
@click.option(
    "--from", "base_url", required=True, metavar="URL", help="Such as https://acme.okta.com."
)
@click.option(
    "--cursors",
    metavar="FILE",
    default="identity-cursors.db",
    show_default=True,
    help="Where to keep how far it was read.",
)
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]),
    help="Where the first pull begins, in UTC; a day ago unless given.",
)
@click.option(
    "--token-file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"The token that may read logs. [env: {_TOKEN}, the token itself]",
)
@importing
@common
def pull(  # noqa: PLR0913 -- the options of the command
    settings: Settings,
    *,
    provider: str,
    base_url: str,
    cursors: str,
    since: dt.datetime | None,
    token_file: Path | None,
    options: dict[str, Any],
) -> None:
    """Record what a provider has logged since the last pull.

    Run it every few minutes. How far it was read is stored in a small file after the records are
    accepted; the next pull begins a few minutes before that, because providers write some records
    late.
    """
    token = _secret(token_file, _TOKEN)
    if not token:
        raise ConfigurationError(f"no token: give --token-file FILE or ${_TOKEN}")
    source = getattr(providers, _SOURCES[provider])(base_url, token, since=since)
    with providers.Cursors(cursors) as stored, settings.opened() as pinpoint:
        importer = _importer(pinpoint, options)
        report = providers.pull(importer, source, stored)
    _summarize(settings, report, dry_run=False)
    sys.exit(0 if report.is_complete else REFUSED)


def _key(file: Path | None) -> str:
    return _secret(file, _KEY)


def _secret(file: Path | None, variable: str) -> str:
    if file is None:
        return os.environ.get(variable, "")
    try:
        return private_text(file).strip()
    except PrivateFileError as error:
        raise ConfigurationError(str(error)) from None


def _importer(pinpoint: Any, options: dict[str, Any]) -> Importer:  # noqa: ANN401 -- a Pinpoint
    if not options["key"]:
        raise ConfigurationError(
            f"no key for endpoint ids: give --key-file FILE or ${_KEY}; make one with"
            " `python -c 'import secrets; print(secrets.token_hex())'`"
        )
    return providers.Importer(pinpoint, **options)


def _provider(name: str, enabled: tuple[str, ...], date: dt.datetime | None, zone: str) -> Provider:
    table = providers.provider(name).enabling(*enabled)
    if name != "keycloak":
        if date is not None or zone != "UTC":
            raise click.UsageError("--date and --zone are for Keycloak's lines only")
        return table
    try:
        found = zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        raise click.UsageError(f"no such time zone: {zone}") from None
    day = None if date is None else date.date()
    return functools.partial(providers.keycloak.read, table=table, date=day, zone=found)


@contextlib.contextmanager
def _opened(source: str) -> Iterator[str | BinaryIO]:
    if source == "-":
        yield sys.stdin.buffer
    elif Path(source).exists():
        yield source
    else:
        raise click.UsageError(f"no such file or folder: {source}")


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[ImportReport], object] | None]:
    """Count on a terminal while it goes on."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("importing {task.fields[records]:,} records"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr_console(), transient=True) as progress:
        task = progress.add_task("", total=None, records=0)
        yield lambda report: progress.update(task, records=report.records)


def _previewed(
    settings: Settings, stream: str | BinaryIO, read: Provider, options: dict[str, Any]
) -> ImportReport:
    """Show the first events, and count them all."""
    if not options["key"]:
        say(f"without ${_KEY} or --key-file, the endpoint ids below are only examples")
        options = {**options, "key": secrets.token_hex()}
    preview = Preview(**options)
    items = preview.items(stream, read)
    rows = itertools.islice(((item, event) for item in items for event in item.events), _SHOWN)
    for item, event in rows:
        if not settings.as_json:
            user = f" user {item.user_id}" if item.user_id is not None else ""
            when = f"{event.timestamp:%Y-%m-%d %H:%M:%S}Z " if event.timestamp else ""
            click.echo(shown(f"{when}{event.type} at {item.endpoint_id}{user}"))
    for _ in items:
        pass  # counted
    return preview.report


def _is_of_no_use(report: ImportReport) -> bool:
    """Whether nothing was read, or nothing that the table of the provider knows."""
    return sum(report.unknown.values()) == report.records


def _summarize(settings: Settings, report: ImportReport, *, dry_run: bool) -> None:
    if settings.as_json:
        print_json(attrs.asdict(report))
        return
    for kind, counts in (("left out", report.ignored), ("unknown", report.unknown)):
        for name, count in sorted(counts.items(), key=lambda pair: -pair[1]):
            click.echo(shown(f"{kind}: {count:,} {name}"))
    for text, count in (
        ("unreadable", report.unreadable),
        ("refused by the service", report.refused),
        ("failures that name nobody known", report.unknown_persons),
        ("devices that took another's place at their user", report.replaced_devices),
        ("sign-ins without their user, whose places are taken", report.unattached),
        ("ends of sessions without a known start", report.stops_without_start),
    ):
        if count:
            click.echo(f"{text}: {count:,}")
    if _is_of_no_use(report):
        why = "is of a type that this provider writes: check --provider"
        say(f"no record {why if report.records else 'was read: check FILE'}")
    did = "would be recorded" if dry_run else "accepted"
    events = ", ".join(f"{count:,} {kind}" for kind, count in report.events.items())
    total = sum(report.events.values())
    click.echo(
        f"{counted(report.records, 'record')} read: {counted(total, 'event')} {did}"
        + (f" ({events})" if events else "")
    )

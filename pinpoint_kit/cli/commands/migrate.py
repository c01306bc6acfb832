"""`pinpoint-kit migrate`: the audience in the form of other services.

What is converted, and how, belongs to the package's migration.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import pinpoint_kit as pk
from pinpoint_kit.cli.failures import REFUSED
from pinpoint_kit.cli.options import ANSWER_OPTIONS, Settings, example
from pinpoint_kit.cli.output import print_json, say, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pinpoint_kit.migration.customer_profiles import (
        ConversionProgress,
        ConversionReport,
        LoadReport,
    )

__all__ = ["migrate"]

#: What `connect` opens; everything else is a place of files.
_CONNECTED = ("sqlite", "postgresql", "http", "https", "aws")
_MOST_SHOWN = 10


@click.group()
def migrate() -> None:
    """Convert the audience for other services."""


@example(
    "migrate customer-profiles export/ --out out",
    "migrate customer-profiles sqlite:///shop.db --out out",
    "migrate customer-profiles export/ --out out --load shop",
)
@migrate.command("customer-profiles")
@click.argument("source")
@click.option(
    "--out",
    required=True,
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="A folder of its own for the files; only its owner can read it.",
)
@click.option("--application", metavar="NAME", help="With a URL: the application, by name.")
@click.option("--application-id", metavar="ID", help="With a URL: the application, by id.")
@click.option("--segment", metavar="ID", help="With a URL: only the members of this segment.")
@click.option(
    "--segments",
    metavar="PATH",
    type=click.Path(exists=True, path_type=Path),
    help="With files: answers of get-segment or get-segments, to convert.",
)
@click.option(
    "--templates",
    metavar="PATH",
    type=click.Path(exists=True, path_type=Path),
    help="With files: answers of get-email-template and the like, to convert.",
)
@click.option(
    "--region-field",
    type=click.Choice(["Province", "County", "State"]),
    default="Province",
    show_default=True,
    help="The field of a profile's Address that takes Location.Region.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["jsonl", "csv"]),
    default="jsonl",
    show_default=True,
    help="Of the files of profiles.",
)
@click.option(
    "--load",
    "domain",
    metavar="DOMAIN",
    help="Then put the profiles into this domain of Customer Profiles.",
)
@click.option("--region", metavar="REGION", help="With --load: the AWS Region of the domain.")
@click.option(
    "--rate",
    type=click.FloatRange(min=0.1),
    default=100.0,
    show_default=True,
    help="With --load: profile objects a second, at most.",
)
@ANSWER_OPTIONS[0]
@ANSWER_OPTIONS[1]
def customer_profiles(  # noqa: PLR0913 -- one an option
    source: str,
    *,
    out: Path,
    application: str | None,
    application_id: str | None,
    segment: str | None,
    domain: str | None,
    region: str | None,
    rate: float,
    as_json: bool,
    **given: Any,  # noqa: ANN401 -- the other options, with the types that they name above
) -> None:
    """Convert endpoints to profiles for Amazon Connect Customer Profiles.

    SOURCE is an export of Pinpoint (a file or a folder, compressed or not), s3://BUCKET/PREFIX, or
    the URL of a database or server: sqlite:///FILE, postgresql://USER@HOST/DATABASE,
    http://HOST:PORT.

    DIR gets profiles, their object type, devices (push tokens), a suppression list, segments and
    templates, and report.json with what was lost and why. Addresses of people who have opted out
    are in the suppression list only. The same SOURCE gives the same bytes; after an interruption
    of any kind, the same command goes on.

    The exit status is 1 when lines could not be read, or profiles were refused.
    """
    settings = Settings(None, application, application_id, as_json)
    given["format"] = given.pop("file_format")
    try:
        report = _converted(source, out, settings, segment, given)
        loaded = None if domain is None else _loaded(out, domain, region, rate)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("interrupted; run the same command again to go on") from None
    if as_json:
        answer = report.to_dict()
        if loaded is not None:
            answer["load"] = loaded.to_dict()
        print_json(answer)
    else:
        _show(report, loaded)
    if report.bad_lines or (loaded is not None and loaded.failed):
        raise SystemExit(REFUSED)


def _converted(
    source: str, out: Path, settings: Settings, segment: str | None, given: dict[str, Any]
) -> ConversionReport:
    from pinpoint_kit.migration.customer_profiles import convert  # noqa: PLC0415 -- when used

    with _opened(source, settings, segment) as opened, _bar("converting") as show:
        return convert(opened, out, segment=segment, on_progress=show, **given)


@contextlib.contextmanager
def _opened(source: str, settings: Settings, segment: str | None) -> Iterator[str | pk.Pinpoint]:
    """Yield the place of files, or a client."""
    if source.partition("://")[0].lower() in _CONNECTED and "://" in source:
        place = Settings(source, settings.application, settings.application_id, settings.as_json)
        with place.reading() as pinpoint:
            yield pinpoint
        return
    if settings.application or settings.application_id or segment:
        raise click.UsageError(
            "--application, --application-id and --segment go with the URL of a database or server"
        )
    yield source


def _loaded(out: Path, domain: str, region: str | None, rate: float) -> LoadReport:
    from pinpoint_kit.migration.customer_profiles import load  # noqa: PLC0415 -- loads boto3

    with _bar("loading") as show:
        return load(out, domain, region=region, rate=rate, on_progress=show)


@contextlib.contextmanager
def _bar(label: str) -> Iterator[Callable[[ConversionProgress], None]]:
    with pk.ProgressBar(label) as bar:
        yield lambda state: bar(
            pk.LoadProgress(stage=state.stage, done=state.done, total=state.total)
        )


def _show(report: ConversionReport, loaded: LoadReport | None) -> None:
    click.echo(shown(f"{report.path}:"))
    for line in str(report).splitlines():
        click.echo(shown(line))
    for each in report.first_bad_lines[:_MOST_SHOWN]:
        say(f"{each.file}: line {each.line}: {each.reason}")
    if report.bad_lines > _MOST_SHOWN:
        say(f"and {report.bad_lines - _MOST_SHOWN:,} more; problems.csv has all")
    if loaded is not None:
        for line in str(loaded).splitlines():
            click.echo(shown(line))

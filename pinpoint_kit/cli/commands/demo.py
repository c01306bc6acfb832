"""`pinpoint-kit demo`: 60 days of a small population through the engine, and its numbers.

Every number that is shown comes back from the client's report or from the engine.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
import click

import pinpoint_kit as pk
from pinpoint_kit.cli.charts import print_result
from pinpoint_kit.cli.failures import REFUSED
from pinpoint_kit.cli.options import Settings, common_with, example, patience, place_options
from pinpoint_kit.cli.output import print_json
from pinpoint_kit.cli.population import DAYS, days_of, people
from pinpoint_kit.doors import client_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_pinpoint import PinpointClient

    from pinpoint_kit.analytics.results import Funnel, Overview

__all__ = ["demo"]

_URL = "sqlite:///demo.db"
_NAME = "demo"
_IN_MEMORY = "sqlite://"
_TIMEOUT_S = 60.0
_MAX_USERS = 5_000
_STEPS = ("page_view", "add_to_cart", "_monetization.purchase")
#: What may be looked at next; all of it runs as printed.
_NEXT = (
    "analytics overview",
    "analytics active --by platform",
    "analytics retention --within 7",
    f"analytics funnel {' '.join(_STEPS)} --by platform",
    "analytics sign-ins --failures",
    "event list --user user-1 --limit 5",
)
_PLACE_OPTIONS = place_options(
    url=f"[default: {_URL}]", application=f"[default: {_NAME}]", application_id=""
)


class _Clock:
    """The time of the engine: that of the made-up day, and at last the real one."""

    def __init__(self) -> None:
        self.day: dt.date | None = None

    def __call__(self) -> dt.datetime:
        if self.day is None:
            return dt.datetime.now(dt.timezone.utc)
        return dt.datetime.combine(self.day, dt.time(23, 59, 59), dt.timezone.utc)


@example("demo", "demo --users 500 --url sqlite:///other.db")
@click.command()
@click.option(
    "--users",
    type=click.IntRange(1, _MAX_USERS),
    default=200,
    show_default=True,
    help="How many people to make up.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same people.")
@common_with(_PLACE_OPTIONS)
def demo(settings: Settings, users: int, seed: int) -> None:
    """Record 60 days of made-up people, and show their numbers.

    Sign-ups, sign-ins, sessions, page views and purchases go into the database demo.db in the
    current folder, unless --url names another place; sqlite:// keeps nothing. A second run finds
    its events there and adds none. A server dates its new endpoints itself, so there they are all
    new on the day of the run. $PINPOINT_KIT_URL and $PINPOINT_KIT_APPLICATION_ID are not used.
    """
    if settings.application is None and settings.application_id is None:
        settings = attrs.evolve(settings, application=_NAME)
    settings = attrs.evolve(settings, url=settings.url or _URL)
    clock = _Clock()
    with _opened(settings, clock) as pinpoint:
        first = _first_day(pinpoint)
        last = first + dt.timedelta(days=DAYS - 1)
        before = pinpoint.analytics.events(None, first, last).total
        report = _record(pinpoint, users, seed, first, clock)
        numbers = pinpoint.analytics
        added = (numbers.events(None, first, last).total or 0) - (before or 0)
        overview = numbers.overview(first, last)
        funnel = numbers.funnel(list(map(pk.Step, _STEPS)), first=first, last=last)
    if settings.as_json:
        print_json(_as_json(settings, report, added, overview, funnel))
    else:
        click.echo(
            f"{users:,} made-up people, {DAYS} days: {report.accepted:,} of {report.recorded:,}"
            f" events accepted, {added:,} of them new.\n"
        )
        print_result(overview)
        click.echo()
        print_result(funnel)
        _next_steps(settings, last)
    if report.dropped or report.pending or report.rejected:
        sys.exit(REFUSED)


@contextlib.contextmanager
def _opened(settings: Settings, clock: _Clock) -> Iterator[pk.Pinpoint]:
    """Connect; the engine of this process gets the clock, so that people are new on their day."""
    with settings.opened() as pinpoint:  # what is wrong with --url is said as by every command
        if not settings.is_engine:
            yield pinpoint
            return
    from pinpoint_kit.engine import Engine  # noqa: PLC0415 -- loads SQLAlchemy

    with contextlib.closing(Engine.open(str(settings.url), clock=clock)) as engine:
        client = cast("PinpointClient", client_of(engine))
        try:
            with pk.Pinpoint(client, _application_id(settings, client), retry=patience()) as timed:
                yield timed
        finally:
            client.close()


def _application_id(settings: Settings, client: PinpointClient) -> str:
    if settings.application_id is not None:
        return settings.application_id
    with pk.Pinpoint(client, "not-known-yet") as outer:
        return outer.applications.find_or_create(str(settings.application)).id


def _first_day(pinpoint: pk.Pinpoint) -> dt.date:
    """Return the day on which the first person signed up, in an earlier run or in this one."""
    found = pinpoint.events.find(
        type="_userauth.sign_up", endpoint_id="device-1", limit=1, is_newest_first=False
    )
    for event in found:
        if event.timestamp is not None:
            return event.timestamp.date()
    return dt.datetime.now(dt.timezone.utc).date() - dt.timedelta(days=DAYS)


def _record(
    pinpoint: pk.Pinpoint, users: int, seed: int, first: dt.date, clock: _Clock
) -> pk.DeliveryReport:
    """Let everybody do everything, day after day, and return the client's own report."""
    for day, happenings in days_of(people(users, seed), seed, first):
        clock.day = day
        for endpoint, event in happenings:
            pinpoint.events.record(str(endpoint.id), event, endpoint=endpoint)
        report = pinpoint.flush(_TIMEOUT_S)
        if report.pending:
            break
    clock.day = None
    return report


def _as_json(
    settings: Settings,
    report: pk.DeliveryReport,
    added: float,
    overview: Overview,
    funnel: Funnel,
) -> dict[str, Any]:
    active = overview.daily
    return {
        "url": settings.url,
        "events": {**attrs.asdict(report), "added": added},
        "first": str(overview.about.first),
        "last": str(overview.about.last),
        "active": {str(row["day"]): row["value"] for row in active.rows},
        "funnel": {str(row["name"]): row["count"] for row in funnel.rows},
    }


def _next_steps(settings: Settings, last: dt.date) -> None:
    if settings.url == _IN_MEMORY:
        click.echo("\nAll of it was in memory and is gone. To keep it:\n")
        click.echo(f"  {_program()} demo")
        return
    click.echo("\nAll of it is stored. Next:\n")
    now = dt.datetime.now(dt.timezone.utc).date()
    # Without days, the numbers are those of the last 30, where an old demo has nothing.
    is_recent = now - last < dt.timedelta(days=7)
    days = "" if is_recent else f" --from {last - dt.timedelta(days=29)} --to {last}"
    for command in _NEXT:
        given = days if command.startswith("analytics") else ""
        click.echo(f"  {_program()} {command}{given}{settings.words}")


def _program() -> str:
    """Return how this program was started, where its name alone would start none or another."""
    started = Path(sys.argv[0])
    if started.parts[-2:] == ("cli", "__main__.py"):
        return f"{shlex.quote(sys.executable)} -m pinpoint_kit.cli"
    found = shutil.which("pinpoint-kit")
    is_named = started.stem == "pinpoint-kit"
    if is_named and (found is None or not started.samefile(found)):
        return shlex.quote(sys.argv[0])
    return "pinpoint-kit"

"""`pinpoint-kit demo`: a small population through the embedded engine, and the result.

Every number that is shown comes back from the client's report or from the engine.
"""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import attrs
import click
from rich.columns import Columns

from pinpoint_kit.cli.failures import REFUSED
from pinpoint_kit.cli.options import Settings, common_with, example, place_options
from pinpoint_kit.cli.output import console, members_table, print_json, table
from pinpoint_kit.cli.population import Person, people

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pinpoint_kit as pk
    from pinpoint_kit import ActiveSession

__all__ = ["demo"]

_IN_MEMORY = "sqlite://"
_TIMEOUT_S = 60.0
_TOO_LONG = "x" * 201
_MAX_USERS = 5_000
_NAME = "demo"
_PLACE_OPTIONS = place_options(
    url="[default: in memory, nothing is kept]",
    application=f"[default: {_NAME}]",
    application_id="",
)


@example("demo", "demo --users 100 --url sqlite:///demo.db")
@click.command()
@click.option(
    "--users",
    type=click.IntRange(1, _MAX_USERS),
    default=25,
    show_default=True,
    help="How many people to make up.",
)
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same people.")
@common_with(_PLACE_OPTIONS)
def demo(settings: Settings, users: int, seed: int) -> None:
    """Record the events of made-up people, and show the result.

    Sign-ups, sign-ins, failed sign-ins, sessions and purchases go through the embedded engine, in
    memory unless --url names a database or server. The people are the same in each run; each run
    adds its events. $PINPOINT_KIT_URL and $PINPOINT_KIT_APPLICATION_ID are not used here.
    """
    if settings.application is None and settings.application_id is None:
        settings = attrs.evolve(settings, application=_NAME)
    settings = attrs.evolve(settings, url=settings.url or _IN_MEMORY)
    population = list(people(users, seed))
    with settings.opened() as pinpoint:
        _ = pinpoint.application_id  # without its server, fail before anything is recorded
        phases = _record(pinpoint, population)
        found = [
            endpoint
            for person in population
            for endpoint in pinpoint.users.endpoints(_user_id(person))
        ]
        sample = pinpoint.endpoints.get(str(population[0].endpoint.id))
        truncated = pinpoint.delivery.stats().truncated
    if settings.as_json:
        print_json(_as_json(settings, phases, found, sample) | {"truncated": truncated})
    else:
        _show(settings, phases, found, sample, truncated)
    if any(report.dropped or report.pending for report in phases.values()):
        sys.exit(REFUSED)


def _record(pinpoint: pk.Pinpoint, population: list[Person]) -> dict[str, pk.DeliveryReport]:
    """Let everybody do everything, one event type after the other.

    Returns:
        What became of each event type, from the client's own reports.
    """
    phases: dict[str, pk.DeliveryReport] = {}
    earlier = pinpoint.flush(_TIMEOUT_S)
    for event_type in _steps(pinpoint, population, dt.datetime.now(dt.timezone.utc)):
        report = pinpoint.flush(_TIMEOUT_S)
        phases[event_type] = report.since(earlier)
        earlier = report
    return phases


def _steps(pinpoint: pk.Pinpoint, population: list[Person], now: dt.datetime) -> Iterator[str]:
    """Record all events of one type, then yield its name."""
    morning = now - dt.timedelta(days=1)
    for person in population:
        for endpoint in person.endpoints:
            pinpoint.auth.sign_up(str(endpoint.id), endpoint=endpoint, timestamp=morning)
    yield "_userauth.sign_up"
    for person in population:
        for number in range(person.fails):
            at = morning + dt.timedelta(minutes=60 + number)
            pinpoint.auth.auth_fail(
                str(person.endpoint.id), attributes={"reason": "password"}, timestamp=at
            )
    yield "_userauth.auth_fail"
    start = morning + dt.timedelta(minutes=65)
    for person in population:
        pinpoint.auth.sign_in(str(person.endpoint.id), timestamp=start)
    yield "_userauth.sign_in"
    sessions = [
        (person, pinpoint.sessions.start(str(person.endpoint.id), timestamp=start))
        for person in population
    ]
    yield "_session.start"
    for person, session in sessions:
        _play(person, session, start)
    # One value is too long on purpose: recording does not fail, the value is cut and counted.
    sessions[0][1].record("level_up", attributes={"comment": _TOO_LONG})
    yield "level_up"
    for person in population:
        if person.purchase is not None:
            product_id, price, quantity = person.purchase
            pinpoint.purchases.record(
                str(person.endpoint.id),
                product_id=product_id,
                price=price,
                currency="EUR",
                quantity=quantity,
                timestamp=start,
            )
    yield "_monetization.purchase"
    for person, session in sessions:
        session.stop(timestamp=start + dt.timedelta(minutes=person.minutes))
    yield "_session.stop"


def _play(person: Person, session: ActiveSession, start: dt.datetime) -> None:
    for level in range(1, person.levels + 1):
        at = start + dt.timedelta(seconds=10 * level)
        session.record("level_up", metrics={"level": level}, timestamp=at)


def _user_id(person: Person) -> str:
    return str(person.endpoint.user.id if person.endpoint.user else "")


def _counts(found: list[pk.Endpoint]) -> tuple[Counter[str], Counter[str]]:
    """Endpoints by platform and by country, as the engine returned them."""
    platforms = (found.demographic.platform for found in found if found.demographic)
    countries = (found.location.country for found in found if found.location)
    return Counter(map(str, platforms)), Counter(map(str, countries))


def _as_json(
    settings: Settings,
    phases: dict[str, pk.DeliveryReport],
    found: list[pk.Endpoint],
    sample: pk.Endpoint,
) -> dict[str, Any]:
    platforms, countries = _counts(found)
    return {
        "url": settings.url,
        "events": {event_type: attrs.asdict(report) for event_type, report in phases.items()},
        "endpoints": {
            "total": len(found),
            "by_platform": dict(platforms.most_common()),
            "by_country": dict(countries.most_common()),
        },
        "sample": sample.to_dict(),
    }


def _show(
    settings: Settings,
    phases: dict[str, pk.DeliveryReport],
    found: list[pk.Endpoint],
    sample: pk.Endpoint,
    truncated: int,
) -> None:
    out = console()
    reports = [*phases.items()]
    numbers = ("Recorded", "Accepted", "Rejected", "Dropped", "Pending")
    rows = [
        (name, *(f"{getattr(report, field.lower()):,}" for field in numbers))
        for name, report in reports
    ]
    totals = (
        f"{sum(getattr(report, field.lower()) for report in phases.values()):,}"
        for field in numbers
    )
    click.echo("What was recorded\n")
    out.print(table(("Event type", *numbers), [*rows, ("all", *totals)], numbers=numbers))
    click.echo(
        "\nOne level_up got a value of 201 characters on purpose. Recording raised nothing:\n"
        f"values are cut at 200 characters, and {truncated} event was counted as truncated.\n"
        "\nWho is in the audience now\n"
    )
    platforms, countries = _counts(found)
    out.print(
        Columns(
            [
                table((title, "Endpoints"), _rows(counts), numbers=("Endpoints",))
                for title, counts in (("Platform", platforms), ("Country", countries))
            ],
            padding=(0, 4),
        )
    )
    click.echo(f"\nOne of them: pinpoint.endpoints.get({sample.id!r})\n")
    out.print(members_table(sample.to_dict()))
    _next_steps(settings)


def _rows(counts: Counter[str]) -> list[tuple[str, str]]:
    rows = [(name, f"{count:,}") for name, count in counts.most_common()]
    return [*rows, ("all", f"{sum(counts.values()):,}")]


def _named(settings: Settings) -> str:
    if settings.application is None:
        return "--application-id"
    return f"--application {shlex.quote(settings.application)}"


def _next_steps(settings: Settings) -> None:
    if settings.url == _IN_MEMORY:
        click.echo(
            "\nAll of it was in memory and is gone. Next:\n"
            "  pinpoint-kit demo --url sqlite:///demo.db\n"
            "  pinpoint-kit user endpoints user-1 --url sqlite:///demo.db --application demo\n"
            "  pinpoint-kit doctor"
        )
        return
    click.echo(
        "\nAll of it is stored at the --url; each further run adds its events.\n"
        f"Next, with the same --url and {_named(settings)}:\n"
        "  pinpoint-kit user endpoints user-1\n"
        "  pinpoint-kit endpoint get device-1 --json\n"
        "  pinpoint-kit doctor"
    )

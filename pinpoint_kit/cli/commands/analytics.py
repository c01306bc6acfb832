"""`pinpoint-kit analytics`: the numbers behind the events, as charts, tables, JSON and CSV."""

from __future__ import annotations

import datetime as dt
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

import pinpoint_kit as pk
from pinpoint_kit.analytics.conditions import parse_conditions
from pinpoint_kit.cli.options import Settings, common, example, printing_hints
from pinpoint_kit.cli.output import print_json
from pinpoint_kit.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.analytics.results import Result
    from pinpoint_kit.analytics.verbs import Analytics

__all__ = ["analytics"]

#: Where a day begins first: without --to, no zone's today is later.
_EASTERNMOST = dt.timezone(dt.timedelta(hours=14))


@attrs.frozen
class _Question:
    """The options that nearly every command has.

    Attributes:
        options: the arguments of the verbs.
        form: `csv`, or None.
        lake: the folder to ask instead of a store, or None.
    """

    options: dict[str, Any]
    form: str | None
    lake: Path | None


@click.group()
def analytics() -> None:
    """Show who is active, who comes back, and what comes in.

    Days are calendar days in --zone, both ends included; without --from and --to, today and the
    29 days before it. Filters: --where NAME=VALUE, given again for another value or name, where
    NAME is event_type, platform, app_version, make, model, locale, country, channel, user_id,
    endpoint_id, or attributes.NAME, endpoint_attributes.NAME, user_attributes.NAME;
    metrics.NAME takes =, <, <=, > and >= and a number.
    """


def _condition(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    try:
        return parse_conditions(given)
    except ValidationError as error:
        raise click.BadParameter(error.message) from None


def _day(_: click.Context, __: click.Parameter, given: str | None) -> dt.date | None:
    if given is None:
        return None
    try:
        return dt.date.fromisoformat(given)
    except ValueError:
        raise click.BadParameter(f"{given!r}: write a day as in 2026-10-30") from None


def _asking(*, by: bool = True) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options of a question, and make them one `_Question`."""
    options = [
        click.option(
            "--from", "first", metavar="DAY", callback=_day, help="The first day, YYYY-MM-DD."
        ),
        click.option("--to", "last", metavar="DAY", callback=_day, help="The last day, included."),
        click.option("--zone", default="UTC", help="Whose calendar days count.", show_default=True),
        click.option(
            "--where",
            metavar="NAME=VALUE",
            multiple=True,
            callback=_condition,
            help="A filter; see `pinpoint-kit analytics --help`.",
        ),
        click.option(
            "--actor",
            type=click.Choice(["endpoint", "user"]),
            default="endpoint",
            show_default=True,
            help="Who is counted.",
        ),
        click.option("--csv", "form", flag_value="csv", help="Print comma-separated values."),
        click.option(
            "--lake",
            metavar="FOLDER",
            type=click.Path(path_type=Path),
            help="Ask the files of `pinpoint-kit lake export` instead.",
        ),
    ]
    if by:
        options += [
            click.option(
                "--by", metavar="NAME", help="Break the number down, as in --by platform."
            ),
            click.option(
                "--top", type=click.IntRange(1, 50), help="Show so many values; 10 unless given."
            ),
        ]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def command(settings: Settings, /, **given: Any) -> None:  # noqa: ANN401 -- the command's own options
            form, lake = given.pop("form"), given.pop("lake")
            names = ("first", "last", "zone", "where", "actor", "by", "top")
            asked = {name: given.pop(name) for name in names if name in given}
            _check_days(asked["first"], asked["last"])
            question = _Question({k: v for k, v in asked.items() if v}, form, lake)
            function(settings, question, **given)

        wrapped = common(command)
        for option in reversed(options):
            wrapped = option(wrapped)
        return wrapped

    return decorate


def _check_days(first: dt.date | None, last: dt.date | None) -> None:
    end = last or dt.datetime.now(_EASTERNMOST).date()
    if first is not None and first > end:
        raise click.UsageError("--from must not be after --to, which is today unless given")


def _answer(settings: Settings, question: _Question, ask: Callable[[Analytics], Result]) -> None:
    if settings.as_json and question.form:
        raise click.UsageError("give --json or --csv, not both")
    result = _asked(settings, question, ask)
    if settings.as_json:
        print_json({"rows": [_plain(row) for row in result.rows], "summary": result.summary()})
    elif question.form:
        click.echo(result.to_csv(), nl=False)
    else:
        from pinpoint_kit.cli.charts import print_result  # noqa: PLC0415 -- loads rich's tables

        print_result(result)


def _asked(settings: Settings, question: _Question, ask: Callable[[Analytics], Result]) -> Result:
    if question.lake is not None:
        if settings.url is not None:
            raise click.UsageError("give --lake or --url, not both")
        with pk.open_lake(question.lake) as lake:
            return ask(lake)
    with printing_hints(), settings.reading() as pinpoint:
        return ask(pinpoint.analytics)


def _plain(row: Any) -> dict[str, Any]:  # noqa: ANN401 -- cells of any kind
    return {
        name: cell if isinstance(cell, (str, int, float, bool, type(None))) else str(cell)
        for name, cell in row.items()
    }


@example("analytics overview --from 2026-11-01 --to 2026-11-30")
@analytics.command("overview")
@_asking(by=False)
def overview(settings: Settings, question: _Question) -> None:
    """Show activity, new endpoints, retention, sessions and revenue at a glance."""
    _answer(settings, question, lambda a: a.overview(**question.options))


@example("analytics active --by platform", "analytics active --window 30 --actor user")
@analytics.command("active")
@click.option("--window", type=click.IntRange(1, 366), default=1, help="Days that count.")
@_asking()
def active(settings: Settings, question: _Question, *, window: int) -> None:
    """Count who was active each day; with --window 30, in the 30 days ending that day."""
    _answer(
        settings,
        question,
        lambda a: a.active(window=window, **question.options),
    )


@example("analytics new --by country")
@analytics.command("new")
@_asking()
def new(settings: Settings, question: _Question) -> None:
    """Count the endpoints or users that were registered each day."""
    _answer(settings, question, lambda a: a.new(**question.options))


@example("analytics sessions", "analytics sessions --length", "analytics sessions --heat-map")
@analytics.command("sessions")
@click.option("--length", "shows", flag_value="length", help="How long they took, in seconds.")
@click.option("--per-actor", "shows", flag_value="per", help="How many each endpoint had.")
@click.option("--heat-map", "shows", flag_value="heat", help="By weekday and hour.")
@_asking()
def sessions(settings: Settings, question: _Question, *, shows: str | None) -> None:
    """Count the sessions of each day, or show how long they took and when they began."""
    verbs: dict[str | None, str] = {
        None: "sessions",
        "length": "session_length",
        "per": "sessions_per_actor",
        "heat": "heat_map",
    }
    _answer(
        settings,
        question,
        lambda a: getattr(a, verbs[shows])(**question.options),
    )


@example("analytics retention", "analytics retention --on 1 --cohort new")
@analytics.command("retention")
@click.option("--on", type=int, metavar="DAYS", help="Back exactly so many days after.")
@click.option("--within", type=int, metavar="DAYS", help="Back at least once by then.")
@click.option("--on-or-after", type=int, metavar="DAYS", help="Back then or later.")
@click.option(
    "--cohort",
    type=click.Choice(["active", "new"]),
    default="active",
    show_default=True,
    help="Who is looked at: who was active on the day, or new on it.",
)
@_asking()
def retention(settings: Settings, question: _Question, **given: Any) -> None:  # noqa: ANN401 -- the command's own options
    """Show the share of each day's endpoints or users that came back; within 7 days by default."""
    _answer(settings, question, lambda a: a.retention(**given, **question.options))


@example("analytics cohorts --days 14")
@analytics.command("cohorts")
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    default=14,
    show_default=True,
    help="Up to how many days since.",
)
@click.option(
    "--kind",
    type=click.Choice(["on", "within", "on_or_after"]),
    default="on",
    show_default=True,
    help="Back on that day, by it, or from it on.",
)
@_asking()
def cohorts(settings: Settings, question: _Question, **given: Any) -> None:  # noqa: ANN401 -- the command's own options
    """Show who came back, by the day on which they were new and the days since."""
    _answer(settings, question, lambda a: a.cohorts(**given, **question.options))


@example("analytics funnel page_view add_to_cart --window 7d")
@analytics.command("funnel")
@click.argument("steps", metavar="TYPE...", nargs=-1, required=True)
@click.option("--window", default="7d", show_default=True, help="Like 30m, 12h, 7d, or any.")
@_asking()
def funnel(settings: Settings, question: _Question, *, steps: tuple[str, ...], window: str) -> None:
    """Count who had events of the types TYPE..., one after the other."""
    span = _duration(window)
    _answer(
        settings,
        question,
        lambda a: a.funnel(
            [pk.Step(step) for step in steps],
            window=span,
            **question.options,
        ),
    )


def _duration(text: str) -> dt.timedelta | None:
    if text == "any":
        return None
    match = re.fullmatch(r"(\d{1,6})([smhd])", text)
    if match is None:
        raise click.BadParameter(f"{text!r}: write 90s, 30m, 12h, 7d or any", param_hint="--window")
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[match.group(2)]
    return dt.timedelta(**{unit: int(match.group(1))})


@example("analytics revenue --by country", "analytics revenue --per active")
@analytics.command("revenue")
@click.option("--per", type=click.Choice(["active", "paying"]), help="Divide by who did.")
@_asking()
def revenue(settings: Settings, question: _Question, *, per: str | None) -> None:
    """Sum what purchases brought each day, currency by currency."""
    verb = f"revenue_per_{per}" if per else "revenue"
    _answer(settings, question, lambda a: getattr(a, verb)(**question.options))


@example("analytics sign-ins", "analytics sign-ins --failures --by attributes.country")
@analytics.command("sign-ins")
@click.option("--failures", "verb", flag_value="auth_failures", help="Failed ones instead.")
@click.option("--sign-ups", "verb", flag_value="sign_ups", help="Sign-ups instead.")
@_asking()
def sign_ins(settings: Settings, question: _Question, *, verb: str | None) -> None:
    """Count sign-ins of each day, or sign-ups, or failed authentications."""
    _answer(
        settings,
        question,
        lambda a: getattr(a, verb or "sign_ins")(**question.options),
    )


@example("analytics events --by event_type", "analytics events level_up --metric level")
@analytics.command("events")
@click.argument("types", metavar="[TYPE...]", nargs=-1)
@click.option("--metric", metavar="NAME", help="Look at this metric of the events instead.")
@_asking()
def events(
    settings: Settings, question: _Question, *, types: tuple[str, ...], metric: str | None
) -> None:
    """Count events of each day, who had them, and how many a session had."""
    _answer(
        settings,
        question,
        lambda a: a.events(list(types) or None, metric=metric, **question.options),
    )


@example("analytics demographics --by country", "analytics demographics --of active")
@analytics.command("demographics")
@click.option(
    "--of",
    type=click.Choice(["all", "active", "new"]),
    default="all",
    show_default=True,
    help="All, or who was active or new in the period.",
)
@_asking()
def demographics(settings: Settings, question: _Question, **given: Any) -> None:  # noqa: ANN401 -- the command's own options
    """Count endpoints or users by platform, or whatever --by names."""
    _answer(settings, question, lambda a: a.demographics(**given, **question.options))


@example("analytics timeline --user user-1")
@analytics.command("timeline")
@click.option("--user", "user_id", metavar="ID", help="Of this user, over all endpoints.")
@click.option("--endpoint", "endpoint_id", metavar="ID", help="Of this endpoint.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="At most so many."
)
@_asking(by=False)
def timeline(settings: Settings, question: _Question, **given: Any) -> None:  # noqa: ANN401 -- the command's own options
    """List the events of one person, the latest first: personal data."""
    if bool(given["user_id"]) == bool(given["endpoint_id"]):
        raise click.UsageError("give --user ID or --endpoint ID")
    options = {key: value for key, value in question.options.items() if key != "actor"}
    _answer(settings, question, lambda a: a.timeline(**given, **options))

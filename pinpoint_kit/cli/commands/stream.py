"""`pinpoint-kit stream`: how event streams fare, pauses, replays and dead letters."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import click

from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import print_json, say
from pinpoint_kit.cli.prompts import confirm
from pinpoint_kit.models import wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pinpoint_kit import StreamDeadLetter, StreamStatus

__all__ = ["stream"]

_STATUS = (
    Column("Destination", 16),
    Column("State"),
    Column("Waiting", is_number=True),
    Column("Behind", is_number=True),
    Column("PerSecond", is_number=True, is_optional=True),
    Column("Sent", is_number=True, is_optional=True),
    Column("Failed", is_number=True, is_optional=True),
    Column("Dead", is_number=True),
    Column("Lost", is_number=True),
    Column("LastError", 12, is_optional=True),
)
_LETTERS = (
    Column("Id"),
    Column("Destination", 16),
    Column("Code", 12),
    Column("Attempts", is_number=True),
    Column("GivenUp"),
    Column("Event", 12, is_optional=True),
    Column("Message", 16, is_optional=True),
)


@click.group()
def stream() -> None:
    """Show, pause and replay event streams, and what they gave up."""


_destination = click.option(
    "--destination", metavar="NAME", help="Only this one, as `stream status` names it."
)


@example("stream status", "stream status --json")
@stream.command("status")
@output_options
@common
def show_status(settings: Settings, form: Form | None) -> None:
    """Show how each destination fares, and how far it is behind."""
    with settings.reading() as pinpoint:
        found = pinpoint.streams.status()
    _print_status(settings, form, found)


@example("stream pause --destination kinesis://events")
@stream.command("pause")
@_destination
@common
def pause(settings: Settings, destination: str | None) -> None:
    """Send nothing until `stream resume`; records wait meanwhile."""
    with settings.reading() as pinpoint:
        found = pinpoint.streams.pause(destination)
    _print_status(settings, None, found)


@example("stream resume")
@stream.command("resume")
@_destination
@common
def resume(settings: Settings, destination: str | None) -> None:
    """Send on, and at once where a destination has failed."""
    with settings.reading() as pinpoint:
        found = pinpoint.streams.resume(destination)
    _print_status(settings, None, found)


@example("stream replay --since 2026-11-01T00:00:00Z")
@stream.command("replay")
@click.option("--since", metavar="TIME", required=True, help="Events that arrived from then on.")
@click.option("--until", metavar="TIME", help="Up to then, not included. [default: now]")
@_destination
@common
def replay(settings: Settings, since: str, until: str | None, destination: str | None) -> None:
    """Send stored events once more, marked as replayed."""
    with settings.reading() as pinpoint:
        count = pinpoint.streams.replay(since, until=until, destination=destination)
    if settings.as_json:
        print_json({"Events": count})
    else:
        click.echo(f"{count} events are sent once more, behind requests")


@example("stream remove kinesis://old")
@stream.command("remove")
@click.argument("destination", metavar="NAME")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def remove(settings: Settings, destination: str, *, yes: bool) -> None:
    """Forget the destination NAME, and what waits for it alone."""
    confirm(f"Forget {destination}, and give up what waits for it?", yes=yes)
    with settings.reading() as pinpoint:
        count = pinpoint.streams.remove(destination)
    if settings.as_json:
        print_json({"Records": count})
    else:
        click.echo(f"removed {destination}; {count} records were given up")


@stream.group("dead-letters")
def dead_letters() -> None:
    """List, retry and discard records that were refused for good."""


@example("stream dead-letters list", "stream dead-letters list --json")
@dead_letters.command("list")
@_destination
@click.option(
    "--limit", type=click.IntRange(0), default=50, show_default=True, help="At most so many."
)
@output_options
@common
def list_letters(
    settings: Settings, destination: str | None, limit: int, form: Form | None
) -> None:
    """List dead letters, the oldest first; with --json and --nl, their records: personal data."""
    with settings.reading() as pinpoint:
        found = list(itertools.islice(pinpoint.streams.dead_letters(destination), limit))
    rows = [_letter_row(each) for each in found]
    items = [wire.to_wire(each) for each in found]
    listing = Listing(_LETTERS, rows, items, empty="no dead letters")
    print_list(listing, form, as_json=settings.as_json)


_ids = click.argument("ids", metavar="[ID]...", nargs=-1)


@example("stream dead-letters retry", "stream dead-letters retry 17 18")
@dead_letters.command("retry")
@_ids
@_destination
@common
def retry(settings: Settings, ids: tuple[str, ...], destination: str | None) -> None:
    """Send dead letters again: those with these IDs, or all."""
    with settings.reading() as pinpoint:
        count = pinpoint.streams.retry(ids or None, destination=destination)
    _print_count(settings, count, "are sent again")


@example("stream dead-letters discard 17 --yes")
@dead_letters.command("discard")
@_ids
@_destination
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def discard(
    settings: Settings, ids: tuple[str, ...], destination: str | None, *, yes: bool
) -> None:
    """Delete dead letters: those with these IDs, or all."""
    confirm(f"Delete {len(ids) or 'all'} dead letters?", yes=yes)
    with settings.reading() as pinpoint:
        count = pinpoint.streams.discard(ids or None, destination=destination)
    _print_count(settings, count, "are discarded, and counted as lost")


def _print_count(settings: Settings, count: int, what: str) -> None:
    if settings.as_json:
        print_json({"Records": count})
    else:
        click.echo(f"{count} records {what}")


def _print_status(settings: Settings, form: Form | None, found: Iterable[StreamStatus]) -> None:
    statuses = list(found)
    rows = [_status_row(each) for each in statuses]
    items = [wire.to_wire(each) for each in statuses]
    listing = Listing(_STATUS, rows, items, empty="no event stream, and no destination")
    print_list(listing, form, as_json=settings.as_json)
    if settings.as_json or form is not None:
        return
    for each in statuses:
        if each.destination is None and each.claim:
            say(
                f"nobody forwards the stream {each.claim}: start `pinpoint-kit serve --destination"
                f" {each.claim}=URL`"
            )


def _status_row(found: StreamStatus) -> tuple[object, ...]:
    return (
        found.destination or found.claim or "(no destination)",
        found.state.lower(),
        found.lag_records,
        f"{found.lag_seconds:.0f}s",
        f"{found.rate:.1f}",
        found.sent,
        found.failed,
        found.dead_letters,
        found.lost,
        found.last_error_code or "",
    )


def _letter_row(found: StreamDeadLetter) -> tuple[object, ...]:
    return (
        found.id,
        found.destination,
        found.code,
        found.attempts,
        f"{found.given_up_date:%Y-%m-%d %H:%M:%S}Z" if found.given_up_date else "",
        found.event_id,
        found.message,
    )

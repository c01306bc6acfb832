"""`pinpoint-kit dead-letters`: what a spool gave up, to look at, correct, send again or remove.

These commands work on a file and open no connection, so they have --spool instead of --url. What
people recorded is shown by `show` and `export` only, because they are asked for it.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from pinpoint_kit.cli.columns import Column
from pinpoint_kit.cli.failures import DEBUG, REFUSED
from pinpoint_kit.cli.listing import Form, Listing, output_options, print_list
from pinpoint_kit.cli.options import ANSWER_OPTIONS, example, limit_option
from pinpoint_kit.cli.output import console, members_table, print_json, say, writing
from pinpoint_kit.cli.prompts import confirm
from pinpoint_kit.delivery.spool.reader import DeadLetters, content, has_content
from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import instant

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator

    from pinpoint_kit.delivery.spool.reader import StoredDeadLetter

__all__ = ["dead_letters"]

_LARGEST_ID = 2**63 - 1
_KINDS = ("event", "endpoint")
_COLUMNS = (
    Column("Id", is_number=True),
    Column("Kind"),
    Column("Reason", 6),
    Column("Died"),
    Column("Tries", is_number=True),
    Column("Bytes", is_number=True),
    Column("Endpoint", 8),
    Column("Event", 8),
)
_LISTED = ("id", "kind", "reason", "died_at", "tries", "size", "endpoint_id", "event_id")


@click.group("dead-letters")
def dead_letters() -> None:
    """List, show, export, replay and purge what a spool gave up."""


def on_spool(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of this group, as `path` and `as_json`."""
    command = function
    for option in reversed(ANSWER_OPTIONS):
        command = option(command)
    return click.option(
        "--spool",
        "path",
        required=True,
        envvar="PINPOINT_KIT_SPOOL",
        type=click.Path(path_type=Path),
        help="The spool's file, which must exist. [env: PINPOINT_KIT_SPOOL]",
    )(command)


def _id_argument(**settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:  # noqa: ANN401 -- click's own
    return click.argument("ids", type=click.IntRange(1, _LARGEST_ID), **settings)


_ids = _id_argument(nargs=-1, metavar="[ID]...")
_all = click.option("--all", "is_all", is_flag=True, help="All dead letters, instead of IDs.")


@contextlib.contextmanager
def opened(path: Path) -> Iterator[DeadLetters]:
    """Open a spool that exists; print on stderr what the library would log about the file."""
    context = click.get_current_context()
    logger = logging.getLogger("pinpoint_kit.delivery")
    handler = _PrintingHandler(logging.WARNING)
    if not context.meta.get(DEBUG):  # otherwise it shows anyway
        logger.addHandler(handler)
    try:
        with DeadLetters(path) as letters:
            yield letters
    finally:
        logger.removeHandler(handler)


class _PrintingHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(f"warning: {record.getMessage()}")


# Looking


@example("dead-letters list --spool events.spool")
@dead_letters.command("list")
@limit_option
@click.option(
    "--after",
    metavar="ID",
    type=click.IntRange(0, _LARGEST_ID),
    default=0,
    help="Show those with a larger id only.",
)
@click.option("--reason", metavar="WORD", help="Show those with this reason only.")
@output_options
@on_spool
def list_letters(  # noqa: PLR0913 -- one a choice
    path: Path,
    limit: int,
    after: int,
    reason: str | None,
    form: Form | None,
    *,
    as_json: bool,
) -> None:
    """List dead letters without their content, and count them by reason.

    The counts are of all dead letters in the spool, whatever the options leave out.
    """
    shown: list[StoredDeadLetter] = []
    reasons: Counter[str] = Counter()
    has_more = False
    with opened(path) as letters:
        for letter in letters.heads():
            reasons[letter.reason] += 1
            if letter.id > after and reason in {None, letter.reason}:
                has_more = len(shown) == limit
                if not has_more:
                    shown.append(letter)
    following = shown[-1].id if has_more else None
    items = [{name: _head(letter)[name] for name in _LISTED} for letter in shown]
    others = {"next_after": following, "reasons": dict(reasons)}
    listing = Listing(
        _COLUMNS, [_row(letter) for letter in shown], items, key="letters", others=others
    )
    if shown or as_json or form:
        print_list(listing, form, as_json=as_json)
    if as_json:
        return
    click.echo(_summary(reasons), err=form is not None)
    if following is not None:
        say(f"there are more: --after {following} shows the next ones")


def _summary(reasons: Counter[str]) -> str:
    if not reasons:
        return "no dead letters"
    parts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
    return f"{reasons.total():,} dead letter(s): {parts}"


def _row(letter: StoredDeadLetter) -> tuple[object, ...]:
    return (
        letter.id,
        letter.kind,
        letter.reason,
        f"{letter.died_at:%Y-%m-%d %H:%MZ}",
        letter.tries,
        letter.size,
        letter.endpoint_id,
        letter.item_id,
    )


def _head(letter: StoredDeadLetter) -> dict[str, object]:
    return {
        "id": letter.id,
        "kind": letter.kind,
        "reason": letter.reason,
        "message": letter.message,
        "recorded_at": wire.iso(letter.recorded_at),
        "died_at": wire.iso(letter.died_at),
        "tries": letter.tries,
        "size": letter.size,
        "endpoint_id": letter.endpoint_id,
        "event_id": letter.item_id or None,
    }


@example("dead-letters show 12 --spool events.spool")
@dead_letters.command("show")
@_id_argument(metavar="ID")
@on_spool
def show_letter(path: Path, ids: int, *, as_json: bool) -> None:
    """Show the dead letter ID with everything that was recorded, personal data included."""
    with opened(path) as letters:
        letter = letters.get(ids)
    if letter is None:
        _not_found([ids])
        sys.exit(REFUSED)
    entry, problem = _entry(letter)
    head = _head(letter)
    if as_json:
        print_json({**head, "content": entry})
    else:
        console().print(members_table({k: v for k, v in head.items() if v not in {None, ""}}))
        if entry is not None:
            click.echo()
            console().print(members_table(entry))
    if entry is None:
        say(f"dead letter {letter.id} {problem}")


def _entry(letter: StoredDeadLetter) -> tuple[dict[str, Any] | None, str]:
    """Return a letter's content as `record` or `endpoint update --file` reads it, or why not."""
    try:
        decoded = content(letter)
    except ValidationError as error:
        return None, error.message
    if letter.kind == "endpoint":
        return dict(decoded.item), ""
    own: dict[str, Any] = {"EndpointId": letter.endpoint_id, "EventId": letter.item_id}
    if decoded.endpoint is not None:
        own["Endpoint"] = decoded.endpoint
    return {**own, **decoded.item, **own}, ""


# Correcting


@example("dead-letters export bad.jsonl --spool events.spool")
@dead_letters.command("export")
@click.argument("target", metavar="FILE")
@click.option(
    "--kind",
    type=click.Choice(_KINDS),
    default="event",
    show_default=True,
    help="Events, as `record` reads them, or endpoint updates, as `endpoint update --file` does.",
)
@on_spool
def export_letters(path: Path, target: str, kind: str, *, as_json: bool) -> None:
    """Write the content of dead letters to FILE, one JSON object a line; - is stdout.

    Correct the lines, record them with `pinpoint-kit record FILE`, and purge the dead letters,
    which stay in the spool. FILE must not exist yet, and appears only when all is written; only its
    owner can read it. Dead letters without content are reported and skipped; the exit status is
    then 1.
    """
    if as_json and target == "-":
        raise click.UsageError("--json needs a FILE: the lines themselves go to stdout")
    counts = {"exported": 0, "skipped": 0, "other_kind": 0}
    with opened(path) as letters, writing(target) as write:
        for letter in letters.contents():
            if letter.kind != kind:
                counts["other_kind"] += 1
                continue
            entry, problem = _entry(letter)
            if entry is None:
                counts["skipped"] += 1
                say(f"dead letter {letter.id} is skipped: it {problem}")
                continue
            write(wire.encode(entry) + b"\n")
            counts["exported"] += 1
    if as_json:
        print_json(counts)
    else:
        other = _KINDS[kind == "event"]
        more = f"; of kind {other}: {counts['other_kind']:,}" if counts["other_kind"] else ""
        click.echo(
            f"{counts['exported']:,} dead letter(s) exported, {counts['skipped']:,} skipped{more}",
            err=target == "-",
        )
    if counts["skipped"]:
        sys.exit(REFUSED)


# Sending again, and removing


@attrs.frozen
class _Selection:
    """Which dead letters a command is about; why others are left out is printed on stderr.

    Args:
        ids: of those that it is about, in their order.
        not_found: ids that were given, and no letter has.
        without_content: of letters that there is nothing to send of.
    """

    ids: list[int]
    not_found: list[int]
    without_content: list[int]

    @classmethod
    def made(
        cls,
        letters: DeadLetters,
        given: Iterable[int],
        *,
        before: dt.datetime | None = None,
        to_send: bool = False,
    ) -> _Selection:
        """Look up the given letters, or all."""
        wanted = sorted(set(given))
        found = (
            [letter for dead_id in wanted if (letter := letters.get(dead_id)) is not None]
            if wanted
            else letters.heads()
        )
        ids: list[int] = []
        empty: list[int] = []
        seen: set[int] = set()
        for letter in found:
            if wanted:
                seen.add(letter.id)
            if to_send and not has_content(letter):
                empty.append(letter.id)
            elif before is None or letter.died_at < before:
                ids.append(letter.id)
        not_found = [dead_id for dead_id in wanted if dead_id not in seen]
        _not_found(not_found)
        for dead_id in empty:
            say(f"dead letter {dead_id} stays: it has no content that could be sent")
        return cls(ids, not_found, empty)

    def end(self, verb: str, count: int, *, as_json: bool, sentence: str) -> None:
        """Answer, and end with the status that says whether everything was done."""
        if as_json:
            answer: dict[str, object] = {verb: count, "not_found": self.not_found}
            if verb == "replayed":
                answer["without_content"] = self.without_content
            print_json(answer)
        else:
            click.echo(sentence)
        if self.not_found or self.without_content or count < len(self.ids):
            sys.exit(REFUSED)


def _not_found(ids: Iterable[int]) -> None:
    for dead_id in ids:
        say(f"no dead letter {dead_id}: `pinpoint-kit dead-letters list` shows them")


def _must_choose(ids: tuple[int, ...], *, is_all: bool, others: str = "") -> None:
    if ids and is_all:
        raise click.UsageError("give IDs or --all, not both")
    if not ids and not is_all:
        raise click.UsageError(
            f"name the dead letters: IDs, as the list shows them, or --all{others}"
        )


@example("dead-letters replay --all --spool events.spool")
@dead_letters.command("replay")
@_ids
@_all
@on_spool
def replay_letters(path: Path, ids: tuple[int, ...], *, is_all: bool, as_json: bool) -> None:
    """Move the dead letters with these IDs back into the queue, as if never tried.

    This command delivers nothing itself. A client that has the spool open delivers them within
    seconds; otherwise the next one that opens it does. What is refused again becomes a new dead
    letter. Dead letters without content stay; the exit status is then 1.
    """
    _must_choose(ids, is_all=is_all)
    with opened(path) as letters:
        chosen = _Selection.made(letters, ids, to_send=True)
        count = letters.replay(chosen.ids)
    sentence = "nothing to replay"
    if count:
        sentence = (
            f"{count:,} dead letter(s) moved back into the queue: a client that has this spool open"
            " delivers them within seconds, otherwise the next one that opens it"
        )
    chosen.end("replayed", count, as_json=as_json, sentence=sentence)


def when(value: str) -> dt.datetime:
    """Return an instant in ISO 8601; UTC unless it says otherwise."""
    try:
        found = instant(value, "before")
    except ValidationError as error:
        raise click.BadParameter(error.message) from None
    assert found is not None  # noqa: S101 -- only None gives None
    return found


@example("dead-letters purge --before 2026-11-01 --spool events.spool")
@dead_letters.command("purge")
@_ids
@_all
@click.option(
    "--before",
    metavar="WHEN",
    type=when,
    help="Only those given up before 2026-11-01T12:00:00Z, for example. Alone, it means --all.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@on_spool
def purge_letters(  # noqa: PLR0913 -- one a choice
    path: Path,
    ids: tuple[int, ...],
    before: dt.datetime | None,
    *,
    is_all: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Remove the dead letters with these IDs permanently.

    Asks first when stdin is a terminal; otherwise --yes is needed. Dead letters that arrive
    meanwhile stay.
    """
    if before is None or (ids and is_all):
        _must_choose(ids, is_all=is_all, others=", or --before WHEN")
    with opened(path) as letters:
        chosen = _Selection.made(letters, ids, before=before)
        if chosen.ids:
            confirm(f"Remove {len(chosen.ids):,} dead letter(s) permanently?", yes=yes)
        count = letters.purge(chosen.ids)
    chosen.end("purged", count, as_json=as_json, sentence=f"{count:,} dead letter(s) removed")

"""`pinpoint-kit record`: events from a file or a pipe, one a line."""

from __future__ import annotations

import contextlib
import os
import sys
from operator import itemgetter
from typing import TYPE_CHECKING, Any, BinaryIO

import attrs
import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from pinpoint_kit import DeliveryOptions, errors
from pinpoint_kit.cli.failures import INTERRUPTED, NO_ANSWER, REFUSED
from pinpoint_kit.cli.options import Settings, common, example
from pinpoint_kit.cli.output import print_json, say, shown, stderr_console
from pinpoint_kit.cli.recording.recording import MAX_LINE_BYTES, MAX_UNDER_WAY, Recording
from pinpoint_kit.models.display.counting import counted
from pinpoint_kit.records.json_objects import JsonObjects

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pinpoint_kit as pk

__all__ = ["record"]

_SHOWN_EVERY = 100
_MAX_BUFFER_BYTES = 32_000_000
_AFTER_INTERRUPT_S = 5.0
_MARGIN_S = 10.0
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@example("record events.jsonl --application shop", "record - --application shop < events.jsonl")
@click.command()
@click.argument("source", metavar="FILE", type=click.File("rb"))
@click.option(
    "--give-up-after",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True),
    default=60.0,
    show_default=True,
    help="Stop when nothing can be delivered for so long.",
)
@common
def record(settings: Settings, source: BinaryIO, give_up_after: float) -> None:
    """Record the events in FILE, one JSON object a line.

    FILE - is stdin. A line has EndpointId, the members of a Pinpoint event (EventType, Timestamp,
    Attributes, Metrics, Session, AppTitle, ...) and, if you like, EventId and Endpoint. Records of
    a Pinpoint event stream (event_type, event_timestamp, client, ...) are taken as well.

    Several objects on a line, a JSON array of them, objects that go over lines, and input that is
    compressed with gzip are taken, too.

    A bad line is reported on stderr with its number and reason, and the rest goes on. Reading the
    same file again records nothing twice, except lines without Timestamp: those happen now.

    The exit status is 0 only when every event was accepted.
    """
    options = DeliveryOptions(
        when_full="block",
        max_buffer_events=2 * MAX_UNDER_WAY,
        max_buffer_bytes=_MAX_BUFFER_BYTES,
        give_up_after=give_up_after,
    )
    # The events are somebody else's: nothing of ours is written into them.
    with settings.opened(
        delivery=options,
        strict=True,  # a line that cannot be sent as it is has its number told
        invalid="reject",
        sdk_name=None,
        client_sdk_version=None,
    ) as pinpoint:
        _check_application(pinpoint)
        run = _Run(settings, source)
        recording = Recording(pinpoint, run.tell)
        report = run.read(recording, give_up_after)
    run.summarize(recording, report)
    sys.exit(run.status(recording, report))


def _check_application(pinpoint: pk.Pinpoint) -> None:
    """Find out before a long file is read that there is nobody to take it.

    Delivery would keep the events until it gives up: credentials may be put right meanwhile. For
    somebody who waits at a command line that is too long.

    Raises:
        NotFound: there is no such application.
        Forbidden: the credentials are wrong, or may not put events.
        ServiceError: the door refuses for another reason, which would hold for events, too.
        TransportError: no answer came, or there are no credentials.
    """
    try:
        pinpoint.call("GetApp")
    except (
        errors.Forbidden,
        errors.MethodNotAllowed,
        errors.InternalServerError,
        errors.OperationNotImplemented,
    ):
        # A door that does not answer GetApp may still take events. Whoever may put them has this
        # batch without an event accepted, or refused as malformed.
        with contextlib.suppress(
            errors.BadRequest, errors.InternalServerError, errors.OperationNotImplemented
        ):
            pinpoint.call("PutEvents", EventsRequest={"BatchItem": {}})


@attrs.define
class _Run:
    """One run of the command: reads, shows how it goes, and sums up."""

    settings: Settings
    source: BinaryIO
    lines: JsonObjects = attrs.field(init=False)
    problems: list[dict[str, Any]] = attrs.field(factory=list)
    is_interrupted: bool = False
    read_error: str = ""
    _progress: Progress | None = None

    #: JSON answers list so many problems; all of them stand on stderr.
    MOST_PROBLEMS = 1_000

    def __attrs_post_init__(self) -> None:
        self.lines = JsonObjects(self.source, max_bytes=MAX_LINE_BYTES)

    def read(self, recording: Recording, give_up_after: float) -> pk.DeliveryReport:
        """Record every line, and see it through."""
        timeout = give_up_after + _MARGIN_S
        with self._shown():
            try:
                for count, (number, content) in enumerate(self.lines, start=1):
                    if number == 1 and (content or b"").startswith(_UTF_16):
                        raise click.UsageError("FILE is UTF-16: convert it to UTF-8")
                    recording.add(number, content)
                    if count % _SHOWN_EVERY == 0:
                        self._advance()
                    if recording.is_hopeless:
                        timeout = 0.0
                        break
            except KeyboardInterrupt:
                self.is_interrupted = True
                timeout = _AFTER_INTERRUPT_S
            except OSError as error:
                self.read_error = error.strerror or type(error).__name__
            self._advance()
            return recording.finish(timeout)

    def tell(self, number: int, reason: str) -> None:
        """Report one bad line, now."""
        if len(self.problems) < self.MOST_PROBLEMS:
            self.problems.append({"line": number, "reason": reason})
        sentence = f"line {number}: {reason}"
        if self._progress is None:
            say(sentence)
        else:
            self._progress.console.print(Text(shown(sentence)), soft_wrap=True)

    def status(self, recording: Recording, report: pk.DeliveryReport) -> int:
        """Return the exit status."""
        if self.is_interrupted:
            return INTERRUPTED
        if recording.is_hopeless:
            return NO_ANSWER
        is_complete = report.is_complete and not (
            recording.unreadable or recording.refused_endpoints or self.read_error
        )
        return 0 if is_complete else REFUSED

    def summarize(self, recording: Recording, report: pk.DeliveryReport) -> None:
        """Say what became of it all."""
        for note in self._notes(recording):
            say(note)
        rejected = recording.unreadable + report.rejected
        if self.settings.as_json:
            counts = {
                "lines": self.lines.number,
                "blank": recording.blank,
                "accepted": report.accepted,
                "rejected": rejected,
                "dropped": report.dropped,
                "refused_endpoints": recording.refused_endpoints,
                "interrupted": self.is_interrupted,
                "problems": sorted(self.problems, key=itemgetter("line")),
            }
            print_json(counts)
            return
        click.echo(
            f"{counted(self.lines.number, 'line')} read:"
            f" {counted(report.accepted, 'event')} accepted,"
            f" {rejected:,} rejected, {report.dropped:,} not delivered"
        )

    def _notes(self, recording: Recording) -> Iterator[str]:
        if self.read_error:
            yield f"line {self.lines.number + 1} cannot be read: {self.read_error}"
        if self.is_interrupted:
            yield f"interrupted after line {self.lines.number}"
        if recording.undelivered:
            why = f" ({recording.last_error})" if recording.last_error else ""
            yield (
                f"not everything from line {recording.undelivered} on was delivered{why}: when the"
                " service answers again, record the same input again"
            )
        if recording.unknown:
            yield (
                f"some lines, the first is line {recording.unknown}, have members that Pinpoint"
                " does not know; they were sent along"
            )

    @contextlib.contextmanager
    def _shown(self) -> Iterator[None]:
        """Yield a progress bar, when stderr is a terminal and nobody types the lines at it."""
        if not sys.stderr.isatty() or self.source.isatty():
            yield
            return
        columns = (
            TextColumn("recording"),
            BarColumn(),
            TextColumn("{task.fields[lines]:,} lines"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=stderr_console(), transient=True) as progress:
            progress.add_task("", total=_size(self.source), lines=0)
            self._progress = progress
            try:
                yield
            finally:
                self._progress = None

    def _advance(self) -> None:
        if self._progress is not None:
            task = self._progress.task_ids[0]
            self._progress.update(task, completed=self.lines.position, lines=self.lines.number)


def _size(source: BinaryIO) -> int | None:
    """How many bytes will come; None when that cannot be known, as of a pipe."""
    try:
        return os.fstat(source.fileno()).st_size or None
    except (OSError, AttributeError):
        return None

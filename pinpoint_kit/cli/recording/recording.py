"""Recording the lines of a file: a bounded number of them is under way at any time.

What becomes of a line is known from its future, so that a refusal by the service has its line
number, too. Counts of delivery are the client's own report. Nothing is printed here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

import attrs

import pinpoint_kit as pk
from pinpoint_kit.cli.recording.entries import Entry, EntryReader, without_content
from pinpoint_kit.cli.recording.positions import with_position
from pinpoint_kit.errors import DeliveryError, ValidationError

__all__ = ["MAX_LINE_BYTES", "MAX_UNDER_WAY", "Recording"]

#: More than any request may have, so that no line which could be accepted is refused here.
MAX_LINE_BYTES = 8_000_000

#: Lines that may wait for their answer: enough for the pipeline, little enough for the memory.
MAX_UNDER_WAY = 4_000


@attrs.define
class Recording:
    """Hands lines to a client and learns what became of them.

    Args:
        pinpoint: the client.
        on_problem: called with the line number and the reason, for each line that has a problem.
        unreadable: lines that are no event.
        blank: lines with nothing in them.
        refused_endpoints: endpoint data that was refused; the client's own count, at the end.
        unknown: lines with members that Pinpoint does not know; the first such line.
        undelivered: the first line that was not delivered; 0 while there is none.
        last_error: why the latest request failed that did, at the end.
        is_hopeless: True once events are given up because no answer comes.
    """

    pinpoint: pk.Pinpoint
    on_problem: Callable[[int, str], None]
    unreadable: int = 0
    blank: int = 0
    refused_endpoints: int = 0
    unknown: int = 0
    undelivered: int = 0
    last_error: str = ""
    is_hopeless: bool = False
    _reader: EntryReader = attrs.field(factory=EntryReader)
    _under_way: deque[tuple[int, bool, Future[pk.EventResult]]] = attrs.field(factory=deque)

    def add(self, number: int, content: bytes | None) -> None:
        """Record one line; blocks while too many wait for their answer.

        Args:
            number: its number.
            content: the line, or None when it is too long to be looked at.
        """
        if content == b"":
            self.blank += 1
            return
        if content is None:
            self._refuse(number, f"has more than {MAX_LINE_BYTES:,} bytes: no event may")
            return
        try:
            entry = self._reader.read(content)
        except ValidationError as problem:
            self._refuse(number, without_content(problem))
        else:
            self._submit(number, entry)

    def _submit(self, number: int, entry: Entry) -> None:
        try:
            future = self.pinpoint.events.submit(
                entry.endpoint_id, entry.event, endpoint=entry.endpoint
            )
        except ValidationError as problem:
            self._refuse(number, without_content(with_position(problem, entry.members)))
            return
        if entry.has_unknown and not self.unknown:
            self.unknown = number
        if future.done():  # most likely refused before it was sent: the names are still at hand
            self._look_at(number, future, entry)
            return
        self._under_way.append((number, entry.endpoint is not None, future))
        self._settle(MAX_UNDER_WAY)

    def finish(self, timeout: float) -> pk.DeliveryReport:
        """Deliver what is under way and close the client.

        Args:
            timeout: seconds that it may take; what is not delivered then is dropped.

        Returns:
            The client's own final counts.
        """
        report = self.pinpoint.close(timeout)
        self._settle(0)
        stats = self.pinpoint.delivery.stats()
        self.refused_endpoints, self.last_error = stats.refused_endpoints, stats.last_error
        return report

    def _refuse(self, number: int, reason: str) -> None:
        self.unreadable += 1
        self.on_problem(number, reason)

    def _settle(self, most: int) -> None:
        """Look at the answers that came, and wait until at most so many are missing."""
        waiting = self._under_way
        while waiting and (len(waiting) > most or waiting[0][2].done()):
            number, has_endpoint, future = waiting[0]
            self._look_at(number, future, has_endpoint=has_endpoint)
            waiting.popleft()

    def _look_at(
        self,
        number: int,
        future: Future[pk.EventResult],
        entry: Entry | None = None,
        *,
        has_endpoint: bool = False,
    ) -> None:
        """Wait for the answer to a line, and tell when it says no."""
        try:
            result = future.result()
        except DeliveryError as error:
            self.undelivered = self.undelivered or number
            self.is_hopeless = self.is_hopeless or error.reason == "undeliverable"
            return
        if not result.is_accepted:
            message = with_position(result.message, entry.members) if entry else result.message
            self.on_problem(number, without_content(message))
            return
        has_endpoint = has_endpoint or (entry is not None and entry.endpoint is not None)
        if has_endpoint and result.endpoint_status_code not in {None, result.status_code}:
            reason = without_content(result.endpoint_message)
            self.on_problem(number, f"the event was accepted, its Endpoint was not: {reason}")

"""Records become requests, and the answers outcomes: the one loop of all that take batches.

Order is kept by key. A service that takes a batch may refuse a record and take a later one of the
same key, so that each request holds a key once, unless order is given up. When a record is not
taken, later ones of its key are held back. Nothing here waits or tries again: that is the engine's.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import attrs

from pinpoint_kit.records.destination import Refused, Unavailable

__all__ = ["ContentRefusedError", "Entry", "Request", "send_batches"]

#: Single records that a service may call wrong before any is taken: then the fault is hardly
#: theirs, and the rest is left for later.
_MOST_WRONG = 3

_HELD_BACK = Refused("HeldBack", "an earlier record of its key was not taken", counts_as_try=False)
_NOT_SENT = Refused("NotSent", "its turn did not come", counts_as_try=False)


@attrs.frozen
class Entry:
    """One record as it is sent: its bytes, with what the destination adds.

    Attributes:
        index: its place in the call.
        key: the partition key.
        data: the bytes.
        size: what it counts for.
    """

    index: int
    key: str = attrs.field(repr=False)
    data: bytes = attrs.field(repr=False)
    size: int


@attrs.frozen
class Request:
    """The limits of one request.

    Attributes:
        most_records: the most records.
        most_bytes: the most bytes, by the sizes of the entries.
        most_record_bytes: the most bytes of an entry.
    """

    most_records: int
    most_bytes: int
    most_record_bytes: int


class ContentRefusedError(Exception):
    """A service calls the content of a request wrong: one of its records, or all of them.

    Attributes:
        code: the service's word for it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


Outcome = Refused | None
Send = Callable[[Sequence[Entry]], Sequence[Outcome]]


def send_batches(  # noqa: PLR0913 -- keyword-only options
    entries: Sequence[Entry],
    request: Request,
    send: Send,
    *,
    is_ordered: bool,
    until: float,
    is_atomic: bool = False,
) -> list[Refused | None]:
    """Send entries in as few requests as order allows, and say of each what became of it.

    Args:
        entries: the records of a call, in their order.
        request: the limits of one request.
        send: sends one request. It raises `Unavailable` when nothing is known of it, and
            `ContentRefusedError` when it was refused for what is in it: then its halves are sent.
        is_ordered: keep order by key.
        until: when to stop, by `time.monotonic`.
        is_atomic: a request is taken as a whole or not at all, so that it may hold a key twice.

    Returns:
        None for each entry that was taken, else why it was not.

    Raises:
        Unavailable: nothing was taken.
    """
    call = _Call(entries, send, is_ordered=is_ordered, until=until)
    return call.run(request, is_atomic=is_atomic)


class _Call:
    """One call, while it runs."""

    def __init__(
        self, entries: Sequence[Entry], send: Send, *, is_ordered: bool, until: float
    ) -> None:
        self._entries = entries
        self._send = send
        self._is_ordered = is_ordered
        self._until = until
        self._outcomes: list[Refused | None] = [_NOT_SENT] * len(entries)
        self._batches: deque[Sequence[Entry]] = deque()
        #: Keys of which a record was not taken.
        self._held: set[str] = set()
        #: Whose content was called wrong, alone in a request.
        self._wrong: list[tuple[Entry, ContentRefusedError]] = []
        self._taken = 0

    def run(self, request: Request, *, is_atomic: bool) -> list[Refused | None]:
        """Send all of it, as `send_batches` says."""
        fitting = [entry for entry in self._entries if self._fits(entry, request)]
        waves = _waves(fitting) if self._is_ordered and not is_atomic else [fitting]
        self._batches.extend(batch for wave in waves for batch in _batches(wave, request))
        while self._batches and (self._taken or len(self._wrong) < _MOST_WRONG):
            batch = self._without_held(self._batches.popleft())
            if not batch:
                continue
            if time.monotonic() >= self._until:
                break
            try:
                outcomes = self._send(batch)
            except ContentRefusedError as error:
                self._halve(batch, error)
            except Unavailable as error:
                if not self._taken:
                    raise
                failed = Refused("Unavailable", str(error), counts_as_try=False)
                self._note(batch, [failed] * len(batch))
                break
            else:
                self._note(batch, outcomes)
        # Where another record passed, it is the record that is wrong, and not the set-up.
        is_permanent = self._taken > 0
        for entry, wrong in self._wrong:
            self._outcomes[entry.index] = Refused(wrong.code, str(wrong), is_permanent=is_permanent)
        return self._outcomes

    def _fits(self, entry: Entry, request: Request) -> bool:
        most = min(request.most_record_bytes, request.most_bytes)
        if entry.size <= most:
            return True
        self._outcomes[entry.index] = Refused(
            "RecordTooLarge", f"{entry.size} bytes of at most {most}", is_permanent=True
        )
        return False

    def _without_held(self, batch: Sequence[Entry]) -> Sequence[Entry]:
        if not self._held:
            return batch
        for entry in batch:
            if entry.key in self._held:
                self._outcomes[entry.index] = _HELD_BACK
        return [entry for entry in batch if entry.key not in self._held]

    def _halve(self, batch: Sequence[Entry], error: ContentRefusedError) -> None:
        if len(batch) == 1:
            self._wrong.append((batch[0], error))
            self._hold(batch[0])
            if self._taken:
                self._held.discard(batch[0].key)  # refused for good: the next ones need not wait
            return
        middle = len(batch) // 2
        self._batches.extendleft((batch[middle:], batch[:middle]))

    def _note(self, batch: Sequence[Entry], outcomes: Sequence[Outcome]) -> None:
        for entry, outcome in zip(batch, outcomes, strict=True):
            self._outcomes[entry.index] = outcome
            if outcome is None:
                self._taken += 1
            elif not outcome.is_permanent:
                self._hold(entry)

    def _hold(self, entry: Entry) -> None:
        if self._is_ordered:
            self._held.add(entry.key)


def _waves(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Return the entries so that each key is in a wave once, its records in their order."""
    seen: dict[str, int] = {}
    waves: list[list[Entry]] = []
    for entry in entries:
        number = seen.get(entry.key, 0)
        seen[entry.key] = number + 1
        if number == len(waves):
            waves.append([])
        waves[number].append(entry)
    return waves


def _batches(entries: Sequence[Entry], request: Request) -> Iterator[list[Entry]]:
    batch: list[Entry] = []
    size = 0
    for entry in entries:
        if batch and (len(batch) == request.most_records or size + entry.size > request.most_bytes):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.size
    if batch:
        yield batch

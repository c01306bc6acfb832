"""`Progress`: how far a destination has come, and which records go next. Pure: no SQL, no clock.

All records up to the highest number that was looked at are done, but for those that are `open`:
refused, and waiting for their next try, or held back behind one of their key. The cursor stands
below the first open one. What is on its way is written down before it leaves, so that a crash
repeats exactly that call and no other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import orjson

from pinpoint_kit.records.destination import StreamRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from pinpoint_kit.records.destination import Refused

__all__ = ["LONGEST_WAIT_MS", "MOST_OPEN", "Choice", "GivenUp", "Limits", "Progress", "size_of"]

#: With so many records open, nothing new is looked at: whoever waits for them holds up the rest.
MOST_OPEN = 2_000
#: The longest wait of a record that was refused. One that is due later still was refused before the
#: clock was set back.
LONGEST_WAIT_MS = 30_000


@attrs.frozen
class Limits:
    """What a destination takes in one call, and how it treats order.

    Attributes:
        keeps_order: a call never takes a record after it has refused an earlier one of its key;
            then a call may have several of a key.
    """

    most_records: int
    most_bytes: int
    most_record_bytes: int
    keeps_order: bool


@attrs.frozen
class Tries:
    """How often a record was refused, and when it may be sent again, milliseconds since 1970."""

    count: int = 0
    due: int = 0


_NEW = Tries()


@attrs.define
class Choice:
    """What to send next.

    Attributes:
        records: in their order; none when there is nothing to send now.
        too_large: records that the destination would never take.
    """

    records: list[StreamRecord] = attrs.field(factory=list)
    too_large: list[StreamRecord] = attrs.field(factory=list)
    is_full: bool = False
    _bytes: int = 0
    _blocked: set[str] = attrs.field(factory=set, repr=False)

    def __contains__(self, key: str) -> bool:
        """Whether records of a key must wait."""
        return key in self._blocked

    def block(self, key: str) -> None:
        """Hold back all later records of a key."""
        self._blocked.add(key)

    def add(self, record: StreamRecord, size: int, limits: Limits) -> None:
        """Take a record in, or note that there is no room."""
        if len(self.records) >= limits.most_records or self._bytes + size > limits.most_bytes:
            self.is_full = True
            return
        self.records.append(record)
        self._bytes += size
        if not limits.keeps_order:
            self._blocked.add(record.key)


@attrs.frozen
class GivenUp:
    """A record that becomes a dead letter."""

    number: int
    code: str
    message: str
    attempts: int


def size_of(record: StreamRecord) -> int:
    """Return the bytes of a record's data and key, which destinations count."""
    key = record.key
    return len(record.data) + (len(key) if key.isascii() else len(key.encode()))


@attrs.define
class Progress:
    """Where a destination is in the records of an application.

    Attributes:
        top: the highest number that was looked at.
        open: the records up to there that are not done.
        sending: the numbers of the call that is on its way, or has failed as a whole.
        is_answered: whether that call is known to have failed; if not, only a crash can have kept
            its outcome from being stored.
    """

    top: int
    open: dict[int, Tries] = attrs.field(factory=dict)
    sending: tuple[int, ...] = ()
    is_answered: bool = False

    @classmethod
    def read(cls, top: int, state: str) -> Progress:
        """Return what `state` has written."""
        if not state:
            return cls(top)
        found: dict[str, Any] = orjson.loads(state)
        tries = dict.fromkeys(_numbers(found["held"]), _NEW)
        tries |= {number: Tries(count, due) for number, count, due in found["refused"]}
        is_answered = found["is_answered"]
        return cls(top, tries, tuple(_numbers(found["sending"])), is_answered=is_answered)

    @property
    def state(self) -> str:
        """All but `top` as JSON; "" for none."""
        if not self.open and not self.sending:
            return ""
        return orjson.dumps(
            {
                "held": _ranges(n for n, tries in self.open.items() if not tries.due),
                "refused": [[n, t.count, t.due] for n, t in self.open.items() if t.due],
                "sending": _ranges(self.sending, is_ordered=True),
                "is_answered": self.is_answered,
            }
        ).decode()

    @property
    def prefix(self) -> int:
        """The number up to which all records are done."""
        return min(self.open) - 1 if self.open else self.top

    @property
    def due(self) -> int:
        """When the first record that was refused may be sent again, 0 for now."""
        return min((tries.due for tries in self.open.values() if tries.due), default=0)

    def forget_missing(self, asked: Iterable[int], found: Collection[int]) -> None:
        """Count open records as done that are not in the backlog any more."""
        for number in asked:
            if number not in found:
                self.open.pop(number, None)

    def look(
        self,
        choice: Choice,
        candidates: Iterable[StreamRecord],
        limits: Limits,
        now: int,
        *,
        end: int = 0,
    ) -> None:
        """Choose what to send next, and note how far that looks.

        It is told all the open records first, and then those above `top`, in the order of their
        numbers and in as many parts as wanted, until the choice is full.

        Args:
            choice: what is chosen so far; `begin` must be told before it is sent.
            candidates: the next records.
            limits: of the destination.
            now: milliseconds since 1970.
            end: the number that the candidates reach up to, if all of them are looked at.
        """
        most_bytes = min(limits.most_record_bytes, limits.most_bytes)
        for record in candidates:
            tries = self.open.get(record.number)
            if tries is None and record.number <= self.top:
                continue  # done
            if record.key not in choice:
                size = size_of(record)
                if size > most_bytes:
                    self.open.pop(record.number, None)
                    self.top = max(self.top, record.number)
                    choice.too_large.append(record)
                    continue
                if tries is not None and now < tries.due <= now + LONGEST_WAIT_MS:
                    choice.block(record.key)
                else:
                    choice.add(record, size, limits)
                    if choice.is_full:
                        return
            self.top = max(self.top, record.number)
            if tries is None:
                self.open[record.number] = _NEW
        self.top = max(self.top, end)

    def begin(self, records: Sequence[StreamRecord]) -> None:
        """Note what is about to be sent; it is stored before that happens."""
        self.sending = tuple(record.number for record in records)
        self.is_answered = False

    def hasten(self) -> None:
        """Have the records that were refused sent again at once."""
        self.open = {
            number: attrs.evolve(tries, due=min(tries.due, 1))
            for number, tries in self.open.items()
        }

    def fail(self) -> None:
        """Note that the call has failed as a whole: the same one is next."""
        self.is_answered = True

    def settle(
        self,
        results: Sequence[Refused | None],
        most_tries: int,
        due: Callable[[int], int],
        sent: Sequence[int],
    ) -> list[GivenUp]:
        """Note what became of the records of a call.

        Args:
            results: one for each record that was sent.
            most_tries: how often a record is sent at most.
            due: tells when to send a record again that was refused so often.
            sent: the numbers of the records.

        Returns:
            The records that will not be sent again.
        """
        given_up = []
        for number, refused in zip(sent, results, strict=True):
            tries = self.open.pop(number, _NEW)
            if refused is None:
                continue
            count = tries.count + refused.counts_as_try
            if refused.is_permanent or count >= most_tries:
                given_up.append(GivenUp(number, refused.code, refused.message, count))
            else:
                self.open[number] = Tries(count, max(1, due(max(1, count))))
        for number in self.sending:  # those that were gone before they could be repeated
            if number not in sent:
                self.open.pop(number, None)
        self.sending = ()
        self.is_answered = False
        return given_up


def _ranges(numbers: Iterable[int], *, is_ordered: bool = False) -> list[list[int]]:
    """Return numbers as first and last of those that follow one another."""
    found: list[list[int]] = []
    for number in numbers if is_ordered else sorted(numbers):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def _numbers(ranges: Iterable[Sequence[int]]) -> Iterable[int]:
    for first, last in ranges:
        yield from range(first, last + 1)

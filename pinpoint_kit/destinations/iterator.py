"""A stream that a program reads itself, with a `for` loop in this process.

A record is taken when the loop asks for the next one. What was handed out and not taken yet is
remembered, so that a record that is sent again meanwhile is not handed out twice.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.destinations.parameters import checked_number, checked_seconds
from pinpoint_kit.records.destination import Refused, StreamRecord, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["IteratorDestination"]

_MOST_RECORDS = 1_000
_HIGHEST_RECORDS = 100_000
_MOST_BYTES = 16_000_000
_TIMEOUT = 30.0

_NOT_TAKEN = Refused("NotTaken", "the loop has not come to it", counts_as_try=False)


@attrs.define(eq=False)
class _Item:
    """A record on its way to the loop."""

    application_id: str
    record: StreamRecord
    is_taken: bool = False
    is_awaited: bool = True

    @property
    def key(self) -> tuple[str, int]:
        """What tells records apart."""
        return self.application_id, self.record.number


class IteratorDestination:
    r"""Records of event streams as they come, for a `for` loop.

    The loop waits for records, and ends when the destination is closed. A record is taken when the
    loop asks for the next one, so that a program which ends in the middle of a record gets it
    again. Use one loop: several share the records, and order is then theirs.

    Args:
        most_records: the most records that wait for the loop at a time for one application, from
            1 to 100,000.
        timeout: the seconds that a call of `send` waits for the loop at most.
        name: what status, logs and the engine's cursor call it: the same after a restart, and
            another one for each of several.

    Raises:
        ConfigurationError: a value is wrong.

    Examples:
        >>> import threading
        >>> from pinpoint_kit.destinations import StreamRecord
        >>> destination = IteratorDestination()
        >>> record = StreamRecord(1, "device-1", "e-1", "device-1", 0, b"{}\n")
        >>> def send() -> None:  # what the engine does
        ...     destination.send("shop", [record])
        ...     destination.close()
        >>> sender = threading.Thread(target=send)
        >>> sender.start()
        >>> for taken in destination:
        ...     print(taken.event_id)
        e-1
        >>> sender.join()
    """

    keeps_order = True  # a loop comes to no record before it has taken those before it
    closes_first = True  # what waits for a loop would wait until its time is over

    def __init__(
        self,
        *,
        most_records: int = _MOST_RECORDS,
        timeout: float = _TIMEOUT,
        name: str = "iterator://",
    ) -> None:
        self._most_records = checked_number("most_records", most_records, 1, _HIGHEST_RECORDS)
        self._timeout = checked_seconds("timeout", timeout)
        self._name = name
        self._changed = threading.Condition()
        self._waiting: deque[_Item] = deque()
        #: Handed out, and perhaps taken since, while nobody waited for it.
        self._handed_out: dict[tuple[str, int], _Item] = {}
        self._is_closed = False

    def __repr__(self) -> str:
        return f"<IteratorDestination {self._name}, {len(self._waiting)} waiting>"

    @property
    def name(self) -> str:
        """What status and logs call it."""
        return self._name

    @property
    def most_records(self) -> int:
        """The most records of one call of `send`."""
        return self._most_records

    @property
    def most_bytes(self) -> int:
        """The most bytes of one call of `send`."""
        return _MOST_BYTES

    @property
    def most_record_bytes(self) -> int:
        """The most bytes of one record."""
        return _MOST_BYTES

    def __iter__(self) -> Iterator[StreamRecord]:
        while (item := self._next()) is not None:
            try:
                yield item.record
            except BaseException:  # the loop has ended in the middle of this record
                self._give_back(item)
                raise
            self._take(item)

    def send(self, application_id: str, records: Sequence[StreamRecord]) -> list[Refused | None]:
        """Hand records to the loop, in their order, and wait until it has taken them.

        Args:
            application_id: whose stream it is.
            records: the records.

        Returns:
            None for each record that the loop has taken; the others it may get again.

        Raises:
            Unavailable: it took none in time, or the destination was closed before.
        """
        until = time.monotonic() + self._timeout
        if not records:
            return []
        with self._changed:
            if self._is_closed:
                raise Unavailable(f"{self._name}: it is closed: nothing is taken any more")
            items = [self._queued(application_id, record) for record in records]
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._is_closed or all(item.is_taken for item in items),
                max(0.0, until - time.monotonic()),
            )
            return self._outcomes(items)

    def close(self) -> None:
        """End the loops and what waits for them; idempotent."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _queued(self, application_id: str, record: StreamRecord) -> _Item:
        """Return the item of a record: the one that was handed out before, or a new one."""
        item = _Item(application_id, record)
        known = self._handed_out.get(item.key)
        if known is not None:
            known.is_awaited = True
            return known
        self._waiting.append(item)
        return item

    def _outcomes(self, items: Sequence[_Item]) -> list[Refused | None]:
        """Return what became of the records, and withdraw those that nobody has seen."""
        unseen = {id(item) for item in items}
        self._waiting = deque(item for item in self._waiting if id(item) not in unseen)
        for item in items:
            item.is_awaited = False
            if item.is_taken:
                self._handed_out.pop(item.key, None)
        if not self._is_closed and not any(item.is_taken for item in items):
            raise Unavailable(f"{self._name}: the loop has taken nothing")
        return [None if item.is_taken else _NOT_TAKEN for item in items]

    def _next(self) -> _Item | None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._waiting)
            if self._is_closed:
                return None
            item = self._waiting.popleft()
            self._handed_out[item.key] = item
            return item

    def _take(self, item: _Item) -> None:
        with self._changed:
            item.is_taken = True
            self._changed.notify_all()

    def _give_back(self, item: _Item) -> None:
        """Let another loop have it: at once if its sender waits, else when it is sent again."""
        with self._changed:
            self._handed_out.pop(item.key, None)
            if item.is_awaited:
                self._waiting.appendleft(item)
            self._changed.notify_all()

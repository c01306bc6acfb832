"""The spool and the buffer together: on disk before `record` returns, in memory when it is sent.

An item is written to the spool first. While memory has room it is kept there too, so that nothing
is read back; otherwise it waits on disk, and is loaded in its order as room comes free. What dead
processes left in the spool is adopted and delivered like our own.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pinpoint_kit.delivery.pipeline.items import Recorded
from pinpoint_kit.delivery.spool import dead_letters
from pinpoint_kit.delivery.spool.schema import SpoolError, SpoolFullError
from pinpoint_kit.errors import DeliveryError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from pinpoint_kit.delivery.options import DeliveryOptions
    from pinpoint_kit.delivery.pipeline.buffer import Buffer
    from pinpoint_kit.delivery.pipeline.log import Log
    from pinpoint_kit.delivery.spool.spool import Spool, Spooled
    from pinpoint_kit.models.event import EventResult

__all__ = ["Backlog"]

_EVENT, _ENDPOINT = "event", "endpoint"
#: Rows that are read at once: recording waits for the reading of one page at most.
_PAGE = 200
_MAKE_ROOM = 100
_ROOM_WAIT_S = 0.1
_FULL = "spool_full"
_LOST = "spool_lost"


class Backlog:
    """Puts items on disk and brings them back. Safe for many threads.

    Args:
        spool: the durable queue.
        buffer: the memory.
        options: `when_full` says what a full spool does.
        log: for trouble with the disk.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        spool: Spool,
        buffer: Buffer,
        options: DeliveryOptions,
        log: Log,
        clock: Callable[[], float],
    ) -> None:
        self.spool = spool
        self.tick = spool.lease / 3
        self._buffer = buffer
        self._options = options
        self._log = log
        self._clock = clock
        self.renew()

    def renew(self) -> None:
        """Begin anew, with nothing on disk that is ours; also for a forked child."""
        self._lock = threading.Lock()
        #: Held by the worker that looks after the spool. Taken before the other lock.
        self._upkeep_lock = threading.Lock()
        #: Counts how often rows were dropped: what was read before is then read again.
        self._drops = 0
        #: The last place on disk whose item is, or was, in memory.
        self._last = 0
        self._aside = 0
        self._futures: dict[int, Future[EventResult]] = {}
        self._next_look = 0.0
        self._is_untidy = False

    # Recording

    def put(self, item: Recorded, is_worker: Callable[[], bool]) -> tuple[Recorded | None, str]:
        """Put one item on disk, and into memory if there is room.

        Returns:
            What had to be dropped for want of room, or None, and the reason.

        Raises:
            ClosedError: the client was closed.
        """
        while True:
            with self._lock:
                self._buffer.check_open()
                try:
                    item.seq = self._append(item)
                    self._keep(item, is_worker)
                except SpoolFullError:
                    if self._options.when_full == "drop_oldest" and self._drop_oldest():
                        continue
                    if self._options.when_full != "block" or is_worker():
                        self._buffer.drop_new(_FULL)
                        return item, _FULL
                except SpoolError as error:
                    # Better in memory than nowhere: it is pending, and the log says so.
                    self._log.trouble(f"the spool cannot be written ({error.reason})")
                    return self._buffer.put(item, is_worker), "buffer_full"
                else:
                    return None, ""
            self._buffer.wait_for_room(_ROOM_WAIT_S)

    def _append(self, item: Recorded) -> int:
        kind = _ENDPOINT if item.is_endpoint else _EVENT
        return self.spool.append(
            kind, item.endpoint_id, item.event_id, item.fragment, item.endpoint
        )

    def _keep(self, item: Recorded, is_worker: Callable[[], bool]) -> None:
        self._is_untidy = True
        if self._aside or not self._buffer.has_room(len(item.fragment) + len(item.endpoint)):
            self._buffer.put_aside()
            self._aside += 1
            if item.future is not None:
                self._futures[item.seq] = item.future
            return
        self._last = item.seq
        self._buffer.put(item, is_worker)

    def _drop_oldest(self) -> bool:
        """Make room on disk; True when something was dropped."""
        try:
            gone = self.spool.drop_oldest(_MAKE_ROOM, keep=self._buffer.seqs())
        except SpoolError:
            return False
        self._forget(gone)
        return bool(gone)

    def _forget(self, gone: list[int]) -> None:
        self._drops += 1
        self._aside -= len(gone)
        self._buffer.drop_aside(len(gone), _FULL)
        self._log.loss("dropped", _FULL, len(gone))
        for seq in gone:
            future = self._futures.pop(seq, None)
            if future is not None:
                future.set_exception(DeliveryError(f"event dropped: {_FULL}", _FULL))

    # On a worker's thread

    def look_after(self) -> None:
        """Load what memory has room for; now and then adopt, and say that we live.

        Whoever records waits for none of it but `_adopt` and the moments in which a page of what
        was loaded is counted. One thread at a time does it, and the others go on.
        """
        now = self._clock()
        if not self._aside and now < self._next_look:
            return
        if not self._upkeep_lock.acquire(blocking=False):
            return
        try:
            if now >= self._next_look:
                self._next_look = now + self.tick
                self._adopt()
                self._beat()
            self._load()
        except SpoolError as error:
            self._log.trouble(f"the spool cannot be read ({error.reason})")
        finally:
            self._upkeep_lock.release()

    def _adopt(self) -> None:
        with self._lock:  # the places of what is recorded meanwhile must come after all of it
            adopted = self.spool.adopt(_PAGE)
            if adopted:
                self._aside += adopted
                self._buffer.adopt(adopted)
                self._is_untidy = True
        if adopted == _PAGE:
            self._next_look = 0.0  # there is more: look again after this page

    def _beat(self) -> None:
        if self._is_untidy:
            self.spool.heartbeat()
            with self._lock:
                self._is_untidy = self.spool.pending().count > 0

    def _load(self) -> None:
        while self._aside and self._buffer.waiting <= self._options.max_buffer_events // 2:
            expected, drops = self._aside, self._drops
            rows = self.spool.load(self._last, min(_PAGE, self._options.max_buffer_events))
            items = [_recorded(row) for row in rows]
            with self._lock:
                if drops != self._drops:
                    continue  # some of these rows are gone
                if items:
                    self._admit(items[: self._aside])
                else:
                    self._aside -= expected
                    self._buffer.drop_aside(expected, _LOST)
            if not items:
                self._log.loss("dropped", _LOST, expected)

    def _admit(self, items: list[Recorded]) -> None:
        """Have the next items from disk in memory."""
        self._last = items[-1].seq
        self._aside -= len(items)
        if self._futures:
            for item in items:
                item.future = self._futures.pop(item.seq, None)
        self._buffer.admit(items)

    # Settling

    def remove(self, items: Iterable[Recorded]) -> None:
        """These were delivered."""
        seqs = [seq for item in items for seq in (item.seq, *item.also) if seq]
        if seqs:
            self._do(lambda: self.spool.remove(seqs))

    def bury(self, items: Iterable[Recorded], reason: str, message: str) -> None:
        """These will not be delivered: keep them as dead letters."""
        rows = [
            (seq, reason, message, item.tries)
            for item in items
            for seq in (item.seq, *item.also)
            if seq
        ]
        if rows:
            self._do(lambda: self.spool.bury(rows))

    def bury_new(self, item: Recorded, reason: str, message: str) -> None:
        """This was refused before it was queued, or found no room: keep it as a dead letter."""
        kind = _ENDPOINT if item.is_endpoint else _EVENT
        self._do(
            lambda: self.spool.bury_new(
                kind,
                _storable(item.endpoint_id),
                _storable(item.event_id),
                item.fragment,
                item.endpoint,
                reason=reason,
                message=_storable(message),
            )
        )

    def forget_letters(self, concerns: Callable[[str, bytes], bool], *, dry_run: bool) -> int:
        """Remove, or only count, the dead letters on disk that `concerns` is true of."""
        try:
            ids = [
                letter.id
                for letter in self.spool.export()
                if concerns(letter.endpoint_id, (letter.body or b"") + (letter.endpoint or b""))
            ]
            if dry_run:
                return len(ids)
            return sum(self.spool.purge(batch) for batch in dead_letters.batches(ids))
        except SpoolError as error:
            raise StoreError(f"the spool cannot be used: {error}") from error

    def _do(self, action: Callable[[], object]) -> None:
        try:
            action()
        except SpoolError as error:
            # What stays on disk is delivered again later, with the same event id.
            self._log.trouble(f"the spool cannot be written ({error.reason})")

    def close(self) -> None:
        """Leave what is on disk to the next process that opens the spool."""
        with self._lock:
            futures = list(self._futures.values())
            self._futures.clear()
        for future in futures:
            future.set_exception(spooled_error())
        self.spool.close()

    def inherited(self) -> list[Future[EventResult]]:
        """The futures of items that wait on disk; without the lock, for a forked child."""
        return list(self._futures.values())


def _recorded(row: Spooled) -> Recorded:
    return Recorded(
        row.endpoint_id,
        row.item_id,
        row.body,
        row.endpoint,
        seq=row.seq,
        tries=row.tries,
        is_endpoint=row.kind == _ENDPOINT,
    )


def _storable(text: str) -> str:
    """The text as UTF-8 can hold it: what is refused may be refused for that."""
    return text.encode("utf-8", "replace").decode()


def spooled_error() -> DeliveryError:
    """What a future holds whose event stays in the spool at close."""
    return DeliveryError(
        "event not delivered before close: it stays in the spool and goes out with the next start",
        "spooled",
    )

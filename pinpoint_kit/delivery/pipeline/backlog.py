"""The spool and the buffer together: on disk before `record` returns, in memory when it is sent.

An item is written to the spool first. While memory has room it is kept there too, so that nothing
is read back; otherwise it waits on disk alone (it *spills*), and is loaded in its order as room
comes free. What dead processes left in the spool is taken over and delivered like our own.

`record` waits for the disk, for another process and for other threads together at most
`PATIENCE_S`. After that, and whenever the disk has just failed, an item is in memory first and is
counted as not durable; it is written when the disk is back, before what is recorded later. While
others wait on disk alone it is *held*, and so goes out behind them.

A row leaves the disk after its item was settled and counted, by the worker; how, stands in
pipeline/settled.py. Only rows on disk alone are dropped to make room there, so none of them can be
settled already.
"""

from __future__ import annotations

import math
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from pinpoint_kit.delivery.pipeline.futures import settle
from pinpoint_kit.delivery.pipeline.items import Queued
from pinpoint_kit.delivery.pipeline.settled import (
    CLOSED,
    ENDPOINT,
    EVENT,
    PATIENCE_S,
    SettledRows,
)
from pinpoint_kit.delivery.spool.schema import SpoolError, SpoolFullError
from pinpoint_kit.errors import DeliveryError
from pinpoint_kit.system.turns import NoTurnError, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future

    from pinpoint_kit.delivery.options import DeliveryOptions
    from pinpoint_kit.delivery.pipeline.buffer import Buffer
    from pinpoint_kit.delivery.pipeline.items import Entry
    from pinpoint_kit.delivery.pipeline.log import Log
    from pinpoint_kit.delivery.spool.spool import Spool, Spooled
    from pinpoint_kit.models.event import EventResult

__all__ = ["PATIENCE_S", "Backlog"]

T = TypeVar("T")

#: How long the worker waits for the disk and those who record; they wait no longer than theirs.
_WORKER_PATIENCE_S = 0.5
#: How soon the worker looks again after what could not be done.
_SOON_S = 0.3
#: How often `catch_up_by` looks whether the worker is done.
_LOOK_S = 0.005
#: Rows that are read at once.
_PAGE = 200
#: Rows that are dropped at once to make room, on disk alone and in memory.
_MAKE_ROOM, _EVICT = 100, 20
_FULL = "spool_full"
_LOST = "spool_lost"
_DAMAGED = "spool_damaged"
#: Items in memory alone that are written before a new one is.
_CATCH_UP = 20
#: How long what is on disk cannot be read until what is held no longer waits for it.
_UNREADABLE_S = 5.0


class Backlog(SettledRows):
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
        super().__init__(spool, log, clock, buffer.ring)
        spool.patience = _WORKER_PATIENCE_S
        self._buffer = buffer
        self._options = options

    def renew(self) -> None:
        """Begin anew, with nothing on disk that is ours; also for a forked child."""
        super().renew()
        #: Who decides what is on disk alone, and what is in memory too.
        self._deciding = Turn()
        self._maintaining = Turn()
        #: Every row up to this one is, or was, in memory.
        self._last = 0
        #: Rows above it that are in memory all the same: they were written late.
        self._written_late: set[int] = set()
        #: A load that was begun: what was loaded before it, and its last row.
        self._load_begun = (0, 0)
        self._futures: dict[int, Future[EventResult]] = {}
        #: Items in memory alone that are to be written; those that are held come after them.
        self._unwritten: deque[Queued] = deque()
        self._next_look = 0.0
        self._has_rows = False
        #: Since when what is on disk cannot be read.
        self._unreadable_since: float | None = None
        #: After this nobody in here waits any more; see `end_by`.
        self._end = math.inf

    # Recording

    def put(self, item: Queued, *, may_wait: bool) -> str:
        """Put one item on disk, and into memory if there is room.

        Args:
            item: the item.
            may_wait: whether to wait for room: the options say so, and this thread can.

        Returns:
            The reason for which it must be dropped; "" when it is kept.
        """
        while True:
            # What memory has no room for is worth the disk's trouble even while that rests.
            is_asked = self._clock() >= self._rests_until or self._buffer.is_full(item.weight)
            reason = self._put_durably(item) if is_asked else None
            if reason is None:
                reason = self._put_in_memory(item)
            if not reason or not self._has_made_room(item, reason, may_wait=may_wait):
                return reason

    def _put_durably(self, item: Queued) -> str | None:
        """Give "" when it is on disk, the reason why there is no room, or None for no disk now."""
        began = time.monotonic()
        try:
            # In two parts: while the whole process has to wait for the processor, nobody gets on.
            try:
                reason = self._deciding.run(lambda: self._write(item), 0.8 * PATIENCE_S)
            except NoTurnError:
                if self._deciding.is_mine:
                    return None
                reason = self._deciding.run(lambda: self._write(item), 0.2 * PATIENCE_S)
        except NoTurnError:
            self._rest()
            return None
        except SpoolFullError:
            return _FULL
        except SpoolError as error:
            self._rest(error)
            return None
        if time.monotonic() - began > PATIENCE_S:
            self._rest()
        else:
            self._slow = 0
        return reason

    def _write(self, item: Queued) -> str | None:
        buffer = self._buffer
        deadline = time.monotonic() + PATIENCE_S
        # What goes out from memory anyway is written later where memory has no room.
        if (
            self._is_behind
            and not self._has_caught_up(deadline)
            and (buffer.held.entries or not buffer.is_full(item.weight))
        ):
            return None
        spills = bool(buffer.on_disk) or buffer.is_full(item.weight)
        row = item.row = self._append(item, max(0.0, deadline - time.monotonic()))
        if spills:
            if item.future is not None:
                self._futures[row] = item.future
            buffer.spilled.add()
        else:
            self._last = row  # first: what is in memory must not be loaded once more
            self._written_late.clear()
            buffer.put(item)
        self._has_rows = True
        return ""

    def _has_caught_up(self, deadline: float) -> bool:
        """Write some of those that were recorded before; False when there are still others."""
        for _ in range(_CATCH_UP):
            self._write_first(max(0.0, deadline - time.monotonic()))
            if not self._is_behind:
                return True
            if time.monotonic() >= deadline:  # a slow disk
                break
        return False

    @property
    def _is_behind(self) -> bool:
        """True when something in memory alone is to be written."""
        return bool(self._unwritten or self._buffer.held.entries)

    def _append(self, item: Queued, patience: float | None) -> int:
        return self.spool.append(
            ENDPOINT if item.is_endpoint else EVENT,
            item[0],
            item[1],
            item[2],
            item.endpoint,
            patience=patience,
        )

    def _put_in_memory(self, item: Queued) -> str:
        """Keep an item here, to be written when the disk is back."""
        if self._buffer.is_full(item.weight):
            return "buffer_full"
        self._buffer.not_durable.add()
        if self._buffer.on_disk:
            self._buffer.hold(item)
        else:
            self._buffer.put(item)
            is_first = not self._unwritten
            self._unwritten.append(item)
            if is_first:
                self._wake()
        return ""

    def _has_made_room(self, item: Queued, reason: str, *, may_wait: bool) -> bool:
        """Do what the options say of a full spool or memory; True when it is worth another try."""
        if self._options.when_full == "drop_oldest":
            return self._make_room() if reason == _FULL else self._buffer.evict()
        if not may_wait or self._buffer.is_closed:
            return False
        self._buffer.wait_for_room(item.weight)
        return True

    def _make_room(self) -> bool:
        """Drop the oldest rows on disk alone, else the oldest in memory; False without any."""

        def drop() -> list[int]:
            gone = self.spool.drop_oldest(_MAKE_ROOM, after=self._last, keep=self._written_late)
            self._buffer.pass_over(_FULL, len(gone))
            return gone

        try:
            gone = self._deciding.run(drop, PATIENCE_S)
        except (NoTurnError, SpoolError):
            return False
        if gone:
            self._log.loss("dropped", _FULL, len(gone))
            self._settle_lost([self._futures.pop(row, None) for row in gone], _FULL)
            return True
        return self._evict()

    def _evict(self) -> bool:
        """Drop the oldest in memory and their rows; space on disk comes free by whole pages."""
        rows: list[int] = []
        count = 0
        while count < _EVICT and self._buffer.evict():
            count += 1
            with suppress(IndexError):  # another thread does what follows
                item = self._buffer.evicted[-1][0]
                if isinstance(item, Queued) and item.row:
                    rows.append(item.row)
        if rows:
            self._do(lambda: self.spool.remove(rows))
        return bool(count)

    @staticmethod
    def _settle_lost(futures: Iterable[Future[EventResult] | None], reason: str) -> None:
        for future in futures:
            if future is not None:
                settle(future, DeliveryError(f"event dropped: {reason}", reason))

    # On a worker's thread

    @property
    def tick(self) -> float:
        """Return after how many seconds there is something to do here."""
        return _SOON_S if self._is_behind or self._undone else self.spool.lease / 3

    def catch_up_by(self, deadline: float) -> None:
        """Have the worker try at once what could not be done on disk, and wait for that.

        Args:
            deadline: monotonic seconds; it ends sooner when the disk fails again.
        """
        if not (self._is_behind or self._undone) or self._deciding.is_mine:
            return
        self._rests_until = 0.0
        self._wake()
        while (
            (self._is_behind or self._undone)
            and not self._rests_until
            and time.monotonic() < deadline
        ):
            time.sleep(_LOOK_S)

    def maintain(self) -> None:
        """Load what memory has room for; now and then take over, and say that we live.

        One thread at a time does it, and the others go on.
        """
        now = self._clock()
        if (
            self._buffer.on_disk
            or now >= self._next_look
            or ((self._is_behind or self._undone) and now >= self._rests_until)
        ):
            with suppress(NoTurnError):
                self._maintaining.run(self._maintain, 0)

    def _maintain(self) -> None:
        self._has_done(self._look_after)
        if self._has_done(self._load):
            self._unreadable_since = None
        elif self._unreadable_since is None:
            self._unreadable_since = self._clock()
        elif self._clock() - self._unreadable_since >= _UNREADABLE_S:
            with suppress(NoTurnError):
                self._decide(self._release_held)

    def _has_done(self, action: Callable[[], None]) -> bool:
        """Do something on disk; False, and a line in the log, when that cannot be."""
        try:
            action()
        except SpoolError as error:
            if error.reason == CLOSED:  # that is no trouble
                return True
            reason = error.reason
        except Exception as error:  # noqa: BLE001 -- whatever is in the file, what is in memory goes out
            reason = type(error).__name__
        else:
            return True
        self._log.trouble(f"the spool cannot be read ({reason})")
        return False

    def _look_after(self) -> None:
        self._catch_up()
        now = self._clock()
        if now >= self._next_look:
            self._next_look = now + self.spool.lease / 3
            self._take_over()
            self._beat()

    def _catch_up(self) -> None:
        """Do on disk what could not be done before."""
        if self._clock() < self._rests_until:
            return
        try:
            while self._undone and time.monotonic() < self._end:
                action = self._undone[0]
                action()
                with suppress(ValueError):  # others that came meanwhile have pushed it out
                    self._undone.remove(action)
            while self._is_behind and time.monotonic() < self._end:
                self._decide(self._write_first)
        except NoTurnError:
            return
        except SpoolError as error:
            self._rest(error)

    def _decide(self, action: Callable[[], T]) -> T:
        """Call it when nobody else decides what is where.

        Raises:
            NoTurnError: somebody does for too long.
        """
        wait_s = min(_WORKER_PATIENCE_S, max(0.0, self._end - time.monotonic()))
        return self._deciding.run(action, wait_s)

    def _write_first(self, patience: float | None = None) -> None:
        """Write the first item of those in memory alone."""
        if self._unwritten:
            self._write_late(self._unwritten[0], patience)
        else:
            with suppress(IndexError):  # it was evicted meanwhile
                self._write_held(self._buffer.held.entries[0], patience)

    def _write_held(self, entry: Entry, patience: float | None) -> None:
        item: Queued = entry[0]  # type: ignore[assignment]  # no others are held
        row = item.row = item.row or self._append(item, patience)
        if item.future is not None:
            self._futures[row] = item.future
        self._has_rows = True
        if not self._buffer.is_unheld(entry):
            self._written_late.add(row)
            self._futures.pop(row, None)
            # Evicted meanwhile, and counted; at the end it was let go instead, and the row is what
            # stays of it, unless it was settled before it had one.
            if item.is_settled or not self._buffer.is_over:
                self.remove([item])

    def _release_held(self) -> None:
        """Let what is held go out: what is on disk is before it, or cannot be had.

        What comes to be held meanwhile stays, so that it has its turn to be written, too.
        """
        self._end_load()
        entries = list(self._buffer.held.entries)
        for entry in entries:
            item: Queued = entry[0]  # type: ignore[assignment]  # no others are held
            if item.row:
                self._written_late.add(item.row)
            else:
                self._unwritten.append(item)
        self._buffer.release_held(entries)

    def _write_late(self, item: Queued, patience: float | None) -> None:
        if not item.is_settled and not item.row:
            try:
                row = self._append(item, patience)
            except SpoolFullError:
                row = 0  # it stays in memory, as without a spool
            if row:
                self._written_late.add(row)
                item.row = row  # first: whoever settles it from now on removes it
                if item.is_settled:
                    self.remove([item])
        self._unwritten.popleft()

    def _take_over(self) -> None:
        def take() -> int:
            taken = self.spool.adopt(_PAGE)
            self._buffer.spilled.add(taken)
            return taken

        # What is recorded meanwhile comes after all of it.
        taken = self._decide(take)
        self._has_rows = self._has_rows or bool(taken)
        if taken == _PAGE:
            self._next_look = 0.0  # there is more: look again after this page

    def _beat(self) -> None:
        if self._has_rows:
            self.spool.heartbeat()
            self._has_rows = self.spool.pending().count > 0

    def _load(self) -> None:
        options = self._options
        with suppress(NoTurnError):
            while self._buffer.on_disk and self._buffer.waiting <= options.max_buffer_events // 2:
                self._decide(self._load_page)

    def _load_page(self) -> None:
        buffer = self._buffer
        self._end_load()
        with suppress(IndexError):
            first = buffer.held.entries[0]
            if isinstance(first[0], Queued) and first[0].row:
                self._write_held(first, None)  # something came before its last step
        rows = self.spool.load(self._last, min(_PAGE, self._options.max_buffer_events))
        if not rows:
            lost = buffer.only_on_disk
            if lost:
                self._note_lost(lost)
            self._release_held()
            return
        damaged = [row for row in rows if not row.is_sound]
        items = [
            self._recorded(row)
            for row in rows
            if row.is_sound and row.seq not in self._written_late
        ]
        self._load_begun = buffer.loaded.value, rows[-1].seq
        buffer.put_loaded(items)
        self._last = rows[-1].seq
        self._written_late = {row for row in self._written_late if row > self._last}
        if damaged:
            self._give_up_damaged(damaged)
        buffer.count_uncounted()

    def _end_load(self) -> None:
        """Do the last step of a load that was done, where something came before it."""
        before, last = self._load_begun
        if self._buffer.loaded.value > before:
            self._last = max(self._last, last)
        self._load_begun = self._buffer.loaded.value, 0

    def _note_lost(self, count: int) -> None:
        self._buffer.pass_over(_LOST, count)
        self._log.loss("dropped", _LOST, count)
        futures, self._futures = self._futures, {}
        self._settle_lost(futures.values(), _LOST)

    def _give_up_damaged(self, rows: Sequence[Spooled]) -> None:
        """Rows of which something is damaged: nobody else waits for them."""
        message = "the row is damaged on disk"
        self._buffer.pass_over(_DAMAGED, len(rows))
        self._log.loss("dropped", _DAMAGED, len(rows))
        self._settle_lost([self._futures.pop(row.seq, None) for row in rows], _DAMAGED)
        found = [(row.seq, _DAMAGED, message, 0) for row in rows]
        self._do(lambda: self.spool.dead_letter_item(found))

    def _recorded(self, row: Spooled) -> Queued:
        return Queued(
            row.endpoint_id,
            row.item_id,
            row.body,
            row.endpoint,
            self._futures.pop(row.seq, None),
            at=self._clock(),
            is_endpoint=row.kind == ENDPOINT,
            row=row.seq,
        )

    # The end

    def end_by(self, deadline: float) -> None:
        """Have nobody in here, and nothing on disk, wait for others after that time.

        Args:
            deadline: monotonic seconds.
        """
        self._end = deadline
        self.spool.end_by(deadline)

    def save_rest(self) -> None:
        """Before closing: what is in memory alone goes to the disk, if that is there in time."""
        self.spool.may_repair = False  # here it would keep the program waiting that closes
        self._rests_until = 0.0
        while (
            (self._is_behind or self._undone)
            and not self._rests_until
            and time.monotonic() < self._end
        ):
            with suppress(NoTurnError):
                self._maintaining.run(self._catch_up, PATIENCE_S)

    def close(self) -> None:
        """Leave what is on disk to the next process that opens the spool."""
        futures, self._futures = self._futures, {}
        for future in futures.values():
            settle(future, spooled_error())
        self.spool.close()

    def inherited(self) -> list[Future[EventResult]]:
        """Return the futures of items that wait on disk alone.

        Without a turn, for a forked child.
        """
        return list(self._futures.values())


def spooled_error() -> DeliveryError:
    """Return what a future holds whose event stays in the spool at close."""
    return DeliveryError(
        "event not delivered before close: it stays in the spool and goes out with the next start",
        "spooled",
    )

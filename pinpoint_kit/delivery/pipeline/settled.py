"""What is done on disk with items that have ended, and when the disk is left alone.

Rows go, or become dead letters. What cannot be done now, because the disk fails or is slow, is done
later, by the worker. What waits on disk, and in what order, is pipeline/backlog.py's matter.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pinpoint_kit.delivery.pipeline.items import Queued
from pinpoint_kit.delivery.spool import dead_letters
from pinpoint_kit.delivery.spool.schema import SpoolError, SpoolFullError
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pinpoint_kit.delivery.pipeline.items import Item, Loss
    from pinpoint_kit.delivery.pipeline.log import Log
    from pinpoint_kit.delivery.spool.spool import Spool

__all__ = ["CLOSED", "ENDPOINT", "EVENT", "PATIENCE_S", "SettledRows"]

#: How long `record` waits for the disk and whoever holds it: 50 ms with what comes on top.
PATIENCE_S = 0.04
#: How long the disk is left alone after it has failed or was too slow, and at most.
_REST_S, _MOST_REST_S = 0.25, 2.0
EVENT, ENDPOINT = "event", "endpoint"
#: Of an item: at close the disk had its last chance to take what is in memory alone. Of the spool:
#: this client is closed, and what it did on disk is over.
CLOSED = "closed"
#: Where an item says that it is a dead letter on disk, or is becoming one.
_KEPT_BY = "kept_by"
#: Things to do on disk that have failed and are tried again.
_MOST_UNDONE = 10_000


class SettledRows:
    """Removes rows, or moves them to the dead letters. Safe for many threads.

    Args:
        spool: the durable queue.
        log: for trouble with the disk.
        clock: monotonic seconds.
        wake: has the worker look how soon there is something to do here.
    """

    def __init__(
        self, spool: Spool, log: Log, clock: Callable[[], float], wake: Callable[[], None]
    ) -> None:
        self._wake = wake
        self.spool = spool
        self._log = log
        self._clock = clock
        self.renew()

    def renew(self) -> None:
        """Begin anew, with nothing to be done on disk."""
        self._undone: deque[Callable[[], object]] = deque(maxlen=_MOST_UNDONE)
        self._rests_until = 0.0
        self._slow = 0

    def _rest(self, error: SpoolError | None = None) -> None:
        """Leave the disk alone for a while, a longer one each time; being slow once is nothing."""
        self._slow += 1
        if error is not None or self._slow > 1:
            self._rests_until = self._clock() + min(_MOST_REST_S, _REST_S * 2 ** (self._slow - 1))
        if error is not None and error.reason != CLOSED:
            self._log.trouble(f"the spool cannot be written ({error.reason})")

    def remove(self, items: Iterable[Item]) -> None:
        """Remove what was delivered."""
        rows = [item.row for item in items if isinstance(item, Queued) and item.row]
        if rows:
            self._do(lambda: self.spool.remove(rows))

    def dead_letter_item(self, items: Sequence[Item], loss: Loss, tries: Sequence[int]) -> None:
        """Keep what will not be delivered as dead letters."""
        rows = []
        for item, count in zip(items, tries, strict=True):
            if isinstance(item, Queued) and item.row:
                rows.append((item.row, loss.reason, _storable(loss.message), count))
            elif isinstance(item, Queued) and not item.is_rider and loss.reason != CLOSED:
                self._add_once(item, loss)
        if rows:
            self._do(lambda: self.spool.dead_letter_item(rows))

    def _add_once(self, item: Queued, loss: Loss) -> None:
        """Keep an item that is not on disk, unless another thread does so, or it was done."""
        me = object()
        if vars(item).setdefault(_KEPT_BY, me) is not me:  # one step, as all threads see it
            return
        try:
            self.add_dead_letter(item, loss)
        except BaseException:  # nobody has kept it
            vars(item).pop(_KEPT_BY, None)
            raise

    def add_dead_letter(self, item: Queued, loss: Loss) -> None:
        """Keep an item that is not on disk as a dead letter."""
        self._do(
            lambda: self.spool.add_dead_letter(
                ENDPOINT if item.is_endpoint else EVENT,
                _storable(item[0]),
                _storable(item[1]),
                item[2],
                item.endpoint,
                reason=loss.reason,
                message=_storable(loss.message),
                patience=PATIENCE_S,
            )
        )

    def _do(self, action: Callable[[], object]) -> None:
        """Do it now, or when the disk is back."""
        if self._clock() >= self._rests_until:
            try:
                action()
            except SpoolFullError as error:
                self._log.trouble(f"the spool cannot be written ({error.reason})")
                return
            except SpoolError as error:
                self._rest(error)
            else:
                return
        is_first = not self._undone
        self._undone.append(action)
        if is_first:  # it may sleep for longer than this is to wait
            self._wake()

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

    def overwrite_removed(self) -> bool:
        """Take out of the spool's file what can be read there of removed rows; False: not now."""
        try:
            return self.spool.overwrite_removed()
        except SpoolError:
            return False


def _storable(text: str) -> str:
    """Return the text as UTF-8 can hold it: what is refused may be refused for that."""
    return text.encode("utf-8", "replace").decode()

"""Where items are between being taken from the inbox and being settled, and what may go out next.

Items of one endpoint go out in their order, and at most one request at a time has some of them.
So an endpoint is *busy* while a batch with its items is under way or waits for another try; what
comes for it meanwhile is *held* in a lane of its own. Everybody else is taken straight from the
inbox.

One thread at a time is in here, and an exception may end its work at any line. Therefore an item is
put where it goes before it is taken from where it was: an interruption leaves it in both places
and never in none, and `recover` throws out the second one. Everything else here (what is busy,
what is ready, how much there is) follows from where the items are, and is worked out again then.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from pinpoint_kit.batching import EndpointPacker, EventPacker, Fit
from pinpoint_kit.delivery.pipeline.items import Batch, Group, Queued, Verdict
from pinpoint_kit.models.wire import merged_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pinpoint_kit.delivery.pipeline.counting import Inbox
    from pinpoint_kit.delivery.pipeline.items import Entry
    from pinpoint_kit.limits import Limits

__all__ = ["Lanes"]

#: Items that are looked at for one batch: others of busy endpoints may stand before them.
_MOST_LOOKS = 5_000


class _Filler:
    """Fills the request of one batch; the first item decides which operation it is."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.packer: EventPacker | EndpointPacker | None = None
        self.is_endpoints = False
        self.entries: list[Entry] = []
        self.too_large: list[Entry] = []

    def offer_plain(self, entry: Entry) -> Fit:
        """Take an event that is nothing but its bytes, where events are taken already."""
        packer = self.packer
        if type(packer) is not EventPacker or type(entry[0]) is not tuple:
            return self.offer(entry)
        endpoint_id, event_id, fragment, _ = entry[0]
        fit = packer.add(endpoint_id, event_id, fragment)
        if fit is Fit.TAKEN:
            self.entries.append(entry)
        elif fit is Fit.TOO_LARGE:
            self.too_large.append(entry)
            return Fit.TAKEN
        return fit

    def offer(self, entry: Entry) -> Fit:
        """Take the item, or say why not; one that is too large counts as taken."""
        item = entry[0]
        if type(item) is tuple:
            is_endpoints, endpoint = False, b""
        else:
            recorded: Queued = item  # type: ignore[assignment]  # mypy cannot tell a tuple by its type
            is_endpoints, endpoint = recorded.is_endpoint, recorded.endpoint
        packer = self.packer
        if packer is None:
            packer = self._begin(is_endpoints=is_endpoints)
        elif is_endpoints is not self.is_endpoints:
            return Fit.CONFLICT
        if isinstance(packer, EventPacker):
            fit = packer.add(item[0], item[1], item[2], endpoint)
        else:
            fit = packer.add(item[0], item[2])
        if fit is Fit.TAKEN:
            self.entries.append(entry)
        elif fit is Fit.TOO_LARGE:
            self.too_large.append(entry)
            return Fit.TAKEN
        return fit

    def _begin(self, *, is_endpoints: bool) -> EventPacker | EndpointPacker:
        self.is_endpoints = is_endpoints
        self.packer = (
            EndpointPacker(self._limits, _merged) if is_endpoints else EventPacker(self._limits)
        )
        return self.packer

    def _build(self, entries: Sequence[Entry]) -> bytes:
        """Return the body for some of those that were taken, in their order."""
        filler = _Filler(self._limits)
        for entry in entries:
            filler.offer(entry)
        return filler.packer.body() if filler.packer else b""

    def batch(self) -> Batch | None:
        """Return what was taken; None when nothing was."""
        if self.packer is None:
            return None
        endpoint_ids = set(self.packer.groups)
        if self.too_large:
            endpoint_ids.update(item[0] for item, _ in self.too_large)
        return Batch(
            entries=[*self.entries, *self.too_large],
            body=self.packer.body() if self.entries else b"",
            build=self._build,
            is_endpoints=self.is_endpoints,
            endpoint_ids=endpoint_ids,
            thread=threading.current_thread(),
            too_large=self.too_large,
        )


def _merged(older: bytes, newer: bytes) -> bytes | None:
    """Two updates in one; None where that cannot be, as when one is damaged."""
    try:
        return merged_endpoint(older, newer)
    except (AttributeError, TypeError, ValueError):
        return None


class Lanes:
    """The items that were taken from the inbox and are not settled.

    Args:
        inbox: where they come from.
        limits: what fits into a request.
    """

    def __init__(self, inbox: Inbox, limits: Limits) -> None:
        self._inbox = inbox
        self._limits = limits
        #: Taken from the inbox, in order, and not looked at yet.
        self.intake: list[Entry] = []
        self.held: dict[str, deque[Entry]] = {}
        self.retries: list[Group] = []
        self.under_way: dict[int, Batch] = {}
        self._busy: set[str] = set()
        #: Endpoints with a lane that are not busy.
        self._ready: dict[str, None] = {}
        self.count = self.weight = self._held_count = 0
        #: Bytes that were ever taken from the inbox.
        self.taken_weight = 0

    def items(self) -> Iterator[Entry]:
        """Everything in here; also safe to walk while another thread is at work."""
        for batch in list(self.under_way.values()):
            yield from list(batch.entries)
        for group in list(self.retries):
            yield from list(group.entries)
        for lane in list(self.held.values()):
            yield from list(lane)
        yield from list(self.intake)

    @property
    def waiting(self) -> int:
        """How many could go out, or wait for others of their endpoint."""
        return len(self.intake) + self._held_count

    @property
    def oldest_at(self) -> float | None:
        """When the item was recorded that waits longest to be sent for the first time."""
        firsts = [self.held[endpoint_id][0] for endpoint_id in self._ready]
        firsts += self.intake[:1]
        if not firsts:
            with suppress(IndexError):
                firsts.append(self._inbox.entries[0])
        return min((item[3] for item, _ in firsts), default=None)

    def next_retry(self) -> float | None:
        """When something is tried again."""
        return min((group.at for group in self.retries), default=None)

    def lowest(self) -> int:
        """Return the number below which everything is settled."""
        total = self._inbox.total  # first: what comes later has a larger number
        firsts = [*(lane[0] for lane in self.held.values()), *self.intake[:1]]
        numbers = [number for _, number in firsts]
        numbers += [batch.first for batch in self.under_way.values()]
        numbers += [group.first for group in self.retries]
        with suppress(IndexError):
            numbers.append(self._inbox.entries[0][1])
        return min(numbers, default=total)

    # Taking

    def orphan(self) -> Batch | None:
        """Return a batch whose thread has left it behind: this very thread, or one that is gone."""
        me = threading.current_thread()
        for batch in self.under_way.values():
            if batch.thread is me or not batch.thread.is_alive():
                batch.thread = me
                return batch
        return None

    def pack(self, now: float, most: int) -> Batch | None:
        """Take what fits into the next request, oldest first; None when all are held back."""
        filler = _Filler(self._limits)
        retries = self._fill_from_retries(filler, now)
        lanes = self._fill_from_lanes(filler)
        looked = self._fill_from_intake(filler, most)
        batch = filler.batch()
        if batch is None:
            del self.intake[:looked]  # into lanes, all of it
            return None
        batch.first = min([number for _, number in batch.entries])
        self.under_way[id(batch)] = batch
        self._busy |= batch.endpoint_ids
        self._hold_rest(retries, batch.endpoint_ids)
        for endpoint_id, count in lanes:
            self._shorten(endpoint_id, count)
        del self.intake[:looked]
        return batch

    def _fill_from_retries(self, filler: _Filler, now: float) -> list[Group]:
        """Take groups that are due; gives those that stay."""
        if not self.retries:
            return self.retries
        staying: list[Group] = []
        for group in sorted(self.retries, key=lambda group: group.at):
            left: Sequence[Entry] = group.entries
            if group.at <= now:
                for index, entry in enumerate(group.entries):
                    if filler.offer(entry) is not Fit.TAKEN:
                        left = group.entries[index:]
                        break
                else:
                    continue
            staying.append(Group(group.at, left))
        return staying

    def _hold_rest(self, retries: list[Group], endpoint_ids: set[str]) -> None:
        """Of a group that did not fit as a whole, endpoints that are under way now are held."""
        if not any(endpoint_ids & group.endpoint_ids for group in retries):
            self.retries = retries
            return
        staying: list[Group] = []
        for group in retries:
            rest: dict[str, list[Entry]] = {}
            left: list[Entry] = []
            for entry in group.entries:
                endpoint_id = entry[0][0]
                if endpoint_id in endpoint_ids:
                    rest.setdefault(endpoint_id, []).append(entry)
                else:
                    left.append(entry)
            for endpoint_id, entries in rest.items():
                self.held[endpoint_id] = deque([*entries, *self.held.get(endpoint_id, ())])
                self._held_count += len(entries)
            if left:
                staying.append(Group(group.at, left))
        self.retries = staying

    def _fill_from_lanes(self, filler: _Filler) -> list[tuple[str, int]]:
        """Take from the lanes that are ready; gives how many from which."""
        taken: list[tuple[str, int]] = []
        for endpoint_id in self._ready:
            if endpoint_id in self._busy:
                continue  # not ready after all
            count, fit = 0, Fit.TAKEN
            for entry in self.held[endpoint_id]:
                fit = filler.offer(entry)
                if fit is not Fit.TAKEN:
                    break
                count += 1
            if count:
                taken.append((endpoint_id, count))
            if fit is Fit.FULL:
                break
        return taken

    def _fill_from_intake(self, filler: _Filler, most: int) -> int:
        """Take what was recorded, or put it into lanes; gives how many were looked at."""
        busy, held, offer = self._busy, self.held, filler.offer_plain
        looked = 0
        while looked < _MOST_LOOKS:
            is_full = filler.packer is not None and filler.packer.is_full
            if looked == len(self.intake) and (is_full or not self._take_in(most)):
                break
            for entry in self.intake[looked:]:
                endpoint_id = entry[0][0]
                if (busy or held) and (endpoint_id in busy or endpoint_id in held):
                    held.setdefault(endpoint_id, deque()).append(entry)
                    self._held_count += 1
                else:
                    fit = offer(entry)
                    if fit is Fit.FULL:
                        return looked
                    if fit is Fit.CONFLICT:
                        held[endpoint_id] = deque((entry,))
                        self._held_count += 1
                        if filler.packer is None or endpoint_id not in filler.packer.groups:
                            self._ready[endpoint_id] = None
                looked += 1
        return looked

    def _take_in(self, most: int) -> bool:
        before = len(self.intake)
        self._inbox.take(most, self.intake)
        fresh = self.intake[before:]
        weight = _weight(fresh)
        self.count += len(fresh)
        self.weight += weight
        self.taken_weight += weight
        return bool(fresh)

    def take_all(self) -> None:
        """Take the whole inbox."""
        while self._take_in(len(self._inbox.entries)):
            pass

    def _shorten(self, endpoint_id: str, count: int) -> None:
        lane = self.held[endpoint_id]
        for _ in range(count):
            lane.popleft()
        self._held_count -= count
        self._ready.pop(endpoint_id, None)
        if not lane:
            del self.held[endpoint_id]

    # Settling

    def apply(self, batch: Batch, verdict: Verdict) -> None:
        """Take out of the batch what was settled; doing it again changes nothing."""
        before = batch.entries
        if len(verdict.accepted) == len(before):
            gone, batch.entries = before, ()
        else:
            numbers = verdict.numbers()
            gone = [entry for entry in before if entry[1] in numbers]
            batch.entries = [entry for entry in before if entry[1] not in numbers]
        if verdict.riders:
            there = {number for _, number in batch.entries}
            riders = [entry for entry in verdict.riders if entry[1] not in there]
            batch.entries = [*riders, *batch.entries]
            self.count += len(riders)
            self.weight += _weight(riders)
        self.count -= len(gone)
        self.weight -= _weight(gone)

    def finish(self, batch: Batch) -> None:
        """End a batch.

        What is left of it goes out again, and its endpoints are free.
        """
        if batch.entries:
            self.retries = [*self.retries, Group(batch.again_at, batch.entries)]
        self.under_way.pop(id(batch), None)
        free = batch.endpoint_ids - {item[0] for item, _ in batch.entries}
        self._busy -= free
        if self.held:
            self._ready.update((e, None) for e in free if e in self.held)

    def hurry(self, now: float) -> None:
        """Nothing waits for another try any longer."""
        for group in self.retries:
            group.at = min(group.at, now)

    def clear(self) -> None:
        """Forget everything in here."""
        self.under_way = {}
        self.retries = []
        self.held = {}
        self.intake = []
        self._recount()

    # After an interruption

    def recover(self, latest: object) -> None:
        """Work everything out again; what was committed last may not be taken out yet."""
        gone: set[int] = set()
        if isinstance(latest, Verdict):
            latest.is_committed = True
            gone = latest.numbers()
            if latest.batch is not None and id(latest.batch) in self.under_way:
                self.apply(latest.batch, latest)
        for batch in self.under_way.values():
            batch.entries = _without(batch.entries, gone)
            gone.update(number for _, number in batch.entries)
        retries: list[Group] = []
        for group in self.retries:
            left = _without(group.entries, gone)
            gone.update(number for _, number in left)
            if left:
                retries.append(Group(group.at, left))
        held: dict[str, deque[Entry]] = {}
        for endpoint_id, lane in self.held.items():
            waiting = deque(_without(lane, gone))
            gone.update(number for _, number in waiting)
            if waiting:
                held[endpoint_id] = waiting
        self.retries, self.held = retries, held
        self.intake[:] = _without(self.intake, gone)
        self._recount()

    def _recount(self) -> None:
        self._busy = {e for batch in self.under_way.values() for e in batch.endpoint_ids}
        self._busy |= {item[0] for group in self.retries for item, _ in group.entries}
        self._ready = {e: None for e in self.held if e not in self._busy}
        self._held_count = sum(map(len, self.held.values()))
        everything = list(self.items())
        self.count = len(everything)
        self.weight = _weight(everything)


def _weight(entries: Sequence[Entry]) -> int:
    """Return the bytes of these. Nearly all are plain, and their data is all there is."""
    weight = sum([len(item[2]) for item, _ in entries])
    return weight + sum([len(item.endpoint) for item, _ in entries if type(item) is Queued])


def _without(entries: Iterable[Entry], numbers: set[int]) -> list[Entry]:
    return [entry for entry in entries if entry[1] not in numbers]

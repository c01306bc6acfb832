"""Counting and queueing in one step each, so that nothing can come in between.

`record` may be interrupted anywhere: by a signal handler that records as well, by a finalizer, by
an exception. So what it does to the state that all threads share is one call of code written in
C, during which the interpreter runs nothing else: an item is queued and counted, or it is neither.
Only such steps stand here; who takes what is queued, and when, is `pipeline/buffer.py`'s matter.
"""

from __future__ import annotations

import itertools
from collections import deque
from contextlib import suppress
from functools import partial
from operator import gt, itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pinpoint_kit.delivery.pipeline.items import Entry, Item

__all__ = ["Inbox", "Tally"]

_START = len("count(")


class Tally:
    """A number that grows by single steps."""

    def __init__(self) -> None:
        #: Starts at 1, so that each number that it gives is true.
        self.steps = itertools.count(1)
        #: False while nothing was ever added by `add`, which is quicker to see than `value`.
        self.is_used = False

    def add(self, count: int = 1) -> None:
        """Grow by that much, at once."""
        self.is_used = True
        deque(itertools.islice(self.steps, count), maxlen=0)

    @property
    def value(self) -> int:
        """How much was added so far. Looking does not change it, unlike `next`."""
        return int(repr(self.steps)[_START:-1]) - 1


class Inbox:
    """What was recorded and nobody has taken, in order; each item has its number there."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque()
        self.numbers = itertools.count()

    @property
    def total(self) -> int:
        """How many items were ever queued: the number that the next one gets."""
        return int(repr(self.numbers)[_START:-1])

    def put(self, item: Item) -> None:
        """Queue an item and count it."""
        # `zip` asks for the item first: without one it takes no number.
        self.entries.extend(zip((item,), self.numbers))  # noqa: B905 -- one is endless

    def put_all(self, items: Iterable[Item], tally: Tally) -> None:
        """Queue items and count them a second time, by another tally."""
        numbered = zip(items, self.numbers)  # noqa: B905 -- as above
        self.entries.extend(itertools.compress(numbered, tally.steps))

    def take_over(self, other: Inbox, tally: Tally, before: int | None = None) -> None:
        """Move the first items of another one to the end of this one, and count them by a tally.

        Args:
            other: where they are.
            tally: what counts them.
            before: the number there of the first one that stays; None moves all. Not how many,
                because others may take some of them meanwhile.
        """
        first_ones: Iterator[Entry] = iter(other.entries.popleft, None)
        if before is not None:
            heads = map(itemgetter(0), itertools.repeat(other.entries))  # looks, and takes none
            moving = itertools.takewhile(partial(gt, before), map(itemgetter(1), heads))
            # `zip` asks for the number first: where that ends, no item is taken.
            first_ones = map(itemgetter(1), zip(moving, first_ones))  # noqa: B905 -- one is endless
        with suppress(IndexError):  # there are no more
            self.put_all(map(itemgetter(0), first_ones), tally)

    def take(self, count: int, into: list[Entry]) -> None:
        """Move up to that many of the first items; each is in one of the two places always."""
        first_ones = itertools.islice(iter(self.entries.popleft, None), count)
        try:
            into.extend(first_ones)
        except IndexError:
            return  # somebody else has taken some meanwhile

    def evict(self, into: deque[Entry], tally: Tally) -> bool:
        """Move the first item to where lost ones lie, and count it as lost; False without one."""
        first = itertools.islice(iter(self.entries.popleft, None), 1)
        try:
            into.extend(itertools.compress(first, tally.steps))
        except IndexError:
            return False
        return True

"""The cursor against a slow, obvious model: nothing is lost, and order is kept by key."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from pinpoint_kit.engine.streams.progress import Choice, Limits, Progress
from pinpoint_kit.engine.streams.rows import PLACES, end_of
from pinpoint_kit.records.destination import Refused, StreamRecord

KEYS = st.sampled_from(["a", "b", "c"])
OUTCOMES = st.sampled_from(["taken", "taken", "refused", "held up", "bad"])
MOST_TRIES = 3


class Destinations(RuleBasedStateMachine):
    """A backlog that grows, a destination that refuses, and crashes at every moment."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog: dict[int, str] = {}  # number -> key
        self.row = 0
        self.taken: list[int] = []
        self.dead: set[int] = set()
        self.erased: set[int] = set()
        self.crashed: set[int] = set()  # on their way while the process died
        self.now = 0
        self.stored = (0, "")
        self.sending: list[StreamRecord] = []

    @initialize(most=st.integers(1, 4), keeps_order=st.booleans(), bytes_=st.integers(200, 2_000))
    def limits_are(self, most: int, keeps_order: bool, bytes_: int) -> None:  # noqa: FBT001 -- hypothesis gives it
        self.limits = Limits(most, bytes_, 1_000, keeps_order)

    @rule(keys=st.lists(KEYS, min_size=1, max_size=4))
    def record(self, keys: list[str]) -> None:
        """Add the row of a request."""
        self.row += 1
        for place, key in enumerate(keys):
            self.backlog[self.row * PLACES + place] = key

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        self.now += seconds * 1_000

    @precondition(lambda self: not self.sending)
    @rule()
    def send(self) -> None:
        """Choose a call and store it."""
        progress = Progress.read(*self.stored)
        if progress.sending:
            wanted = [n for n in progress.sending if n in self.backlog]
            self.crashed |= set() if progress.is_answered else set(wanted)
            self.sending = [self._record(n) for n in wanted]
            progress.is_answered = False
            if not wanted:
                progress.settle([], MOST_TRIES, lambda _: 0, [])
        else:
            choice = Choice()
            open_ = sorted(n for n in progress.open if n in self.backlog)
            progress.forget_missing(list(progress.open), open_)
            progress.look(choice, map(self._record, open_), self.limits, self.now)
            for row in range(1, self.row + 1):
                fresh = [n for n in sorted(self.backlog) if n // PLACES == row]
                fresh = [n for n in fresh if n > progress.top]
                if not choice.is_full and end_of(row) > progress.top:
                    records = map(self._record, fresh)
                    progress.look(choice, records, self.limits, self.now, end=end_of(row))
            assert choice.too_large == []
            self.sending = choice.records
            progress.begin(self.sending)
        self._store(progress)

    @precondition(lambda self: self.sending)
    @rule(outcomes=st.lists(OUTCOMES, min_size=4, max_size=4))
    def answer(self, outcomes: list[str]) -> None:
        """Let the destination answer, and store that."""
        results: list[Refused | None] = []
        refused_keys: set[str] = set()
        for record, outcome in zip(self.sending, outcomes * 20, strict=False):
            if self.limits.keeps_order and record.key in refused_keys:
                outcome = "refused"  # noqa: PLW2901 -- it takes nothing after that
            refused = Refused("x", "y", outcome == "bad", counts_as_try=outcome != "held up")
            results.append(None if outcome == "taken" else refused)
            if outcome == "taken":
                self.taken.append(record.number)
            else:
                refused_keys.add(record.key)
        progress = Progress.read(*self.stored)
        given_up = progress.settle(
            results, MOST_TRIES, lambda n: self.now + n * 5_000, [r.number for r in self.sending]
        )
        self.dead |= {each.number for each in given_up}
        self.sending = []
        self._store(progress)

    @precondition(lambda self: self.sending)
    @rule(is_taken=st.booleans())
    def crash(self, is_taken: bool) -> None:  # noqa: FBT001 -- hypothesis gives it
        """Let the process die between the call and its outcome."""
        if is_taken:
            self.taken += [record.number for record in self.sending]
        self.crashed |= {record.number for record in self.sending}
        self.sending = []

    @precondition(lambda self: self.sending)
    @rule()
    def outage(self) -> None:
        """Let the call fail as a whole, and store that."""
        progress = Progress.read(*self.stored)
        progress.fail()
        self.sending = []
        self._store(progress)

    @precondition(lambda self: self.backlog)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        """Erase a record, wherever it is."""
        number = data.draw(st.sampled_from(sorted(self.backlog)))
        del self.backlog[number]
        self.erased.add(number)

    @invariant()
    def nothing_below_the_prefix_is_undone(self) -> None:
        """Check that what may be deleted is taken, given up or erased."""
        progress = Progress.read(*self.stored)
        done = {*self.taken, *self.dead, *self.erased}
        assert [n for n in self.backlog if n <= progress.prefix and n not in done] == []

    @invariant()
    def only_crashes_repeat(self) -> None:
        """Check that only what was on its way when the process died is acknowledged twice."""
        repeated = {n for n in self.taken if self.taken.count(n) > 1}
        assert repeated <= self.crashed

    @invariant()
    def order_is_kept_by_key(self) -> None:
        """Check that records are taken first in the order of their key."""
        first = list(dict.fromkeys(self.taken))
        by_key: dict[str, list[int]] = {}
        for number in first:
            if number in self.backlog:
                by_key.setdefault(self.backlog[number], []).append(number)
        assert [numbers for numbers in by_key.values() if numbers != sorted(numbers)] == []

    def teardown(self) -> None:
        """In the end all is taken, given up or erased."""
        for _ in range(200):
            if not self.sending:
                self.send()
            if self.sending:
                self.answer(["taken"])
            self.now += 60_000
        left = self.backlog.keys() - {*self.taken, *self.dead, *self.erased}
        assert left == set()
        assert Progress.read(*self.stored).open == {}

    def _record(self, number: int) -> StreamRecord:
        return StreamRecord(number, self.backlog[number], str(number), "d", 0, b"x" * 100)

    def _store(self, progress: Progress) -> None:
        self.stored = progress.top, progress.state


Destinations.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestProgress = Destinations.TestCase

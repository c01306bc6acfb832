"""The loop that makes requests of records, against services that refuse as they like."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.destinations.batches import ContentRefusedError, Entry, Request, send_batches
from pinpoint_kit.records.destination import Refused, Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

SMALL = Request(most_records=4, most_bytes=10, most_record_bytes=6)
NO = Refused("No", "no")
NEVER = Refused("Never", "never", is_permanent=True)


def entries(keys: str, size: int = 1) -> list[Entry]:
    """Return one entry for each letter, which is its key."""
    return [Entry(index, key, b"", size) for index, key in enumerate(keys)]


class Service:
    """Takes what it is sent; answers from a script of outcomes by index, and notes requests."""

    def __init__(self, outcomes: dict[int, list[Refused]] | None = None) -> None:
        self.outcomes = outcomes or {}
        self.wrong: set[int] = set()
        self.fails_after: int | None = None
        self.requests: list[list[int]] = []
        self.taken: list[Entry] = []

    def __call__(self, batch: Sequence[Entry]) -> list[Refused | None]:
        if self.fails_after is not None and len(self.requests) >= self.fails_after:
            raise Unavailable("down")
        self.requests.append([entry.index for entry in batch])
        if self.wrong & {entry.index for entry in batch}:
            raise ContentRefusedError("Wrong", "wrong")
        found: list[Refused | None] = []
        for entry in batch:
            script = self.outcomes.get(entry.index)
            outcome = script.pop(0) if script else None
            found.append(outcome)
            if outcome is None:
                self.taken.append(entry)
        return found


def send(
    service: Service, given: Sequence[Entry], *, is_ordered: bool = True, is_atomic: bool = False
) -> list[Refused | None]:
    """Send with a minute of time."""
    until = time.monotonic() + 60
    return send_batches(
        given, SMALL, service, is_ordered=is_ordered, is_atomic=is_atomic, until=until
    )


def test_a_key_is_in_a_request_once() -> None:
    """So that the service cannot take a later record and refuse an earlier one."""
    service = Service()
    assert send(service, entries("aabca")) == [None] * 5
    assert service.requests == [[0, 2, 3], [1], [4]]


def test_requests_are_full_where_order_is_given_up_or_safe() -> None:
    """Then the limits alone end a request."""
    for options in ({"is_ordered": False}, {"is_atomic": True}):
        service = Service()
        assert send(service, entries("aaaaaa"), **options) == [None] * 6
        assert service.requests == [[0, 1, 2, 3], [4, 5]]


def test_bytes_end_a_request_too() -> None:
    """Three entries of four bytes are more than ten."""
    service = Service()
    assert send(service, entries("abc", size=4)) == [None] * 3
    assert service.requests == [[0, 1], [2]]


def test_what_is_too_large_is_never_sent() -> None:
    """It is refused for good, and holds nobody back."""
    service = Service()
    given = [Entry(0, "a", b"", 7), Entry(1, "a", b"", 6)]
    first, second = send(service, given)
    assert first is not None
    assert (first.code, first.is_permanent, second) == ("RecordTooLarge", True, None)
    assert service.requests == [[1]]


def test_later_records_of_a_refused_key_are_held_back() -> None:
    """They are not sent, and it counts as no try of theirs."""
    service = Service({0: [NO]})
    outcomes = send(service, entries("abaab"))
    assert outcomes[0] == NO
    assert outcomes[1] is outcomes[4] is None
    for held in (outcomes[2], outcomes[3]):
        assert held is not None
        assert (held.code, held.counts_as_try, held.is_permanent) == ("HeldBack", False, False)
    assert service.requests == [[0, 1], [4]]


def test_what_is_refused_for_good_holds_nobody_back() -> None:
    """The next record of the key need not wait for what never comes."""
    service = Service({0: [NEVER]})
    assert send(service, entries("aa")) == [NEVER, None]


def test_nothing_is_taken_of_a_service_that_is_down() -> None:
    """The whole call is unavailable."""
    service = Service()
    service.fails_after = 0
    with pytest.raises(Unavailable, match="down"):
        send(service, entries("ab"))


def test_a_service_that_fails_in_the_middle_keeps_what_it_has() -> None:
    """What was taken is not sent again, and what was not counts as no try."""
    service = Service()
    service.fails_after = 1
    first, second, third = send(service, entries("aaa"))
    assert first is None
    assert second is not None
    assert third is not None
    assert (second.code, second.counts_as_try) == ("Unavailable", False)
    assert (third.code, third.counts_as_try) == ("NotSent", False)


def test_a_wrong_record_is_found_among_others() -> None:
    """Halves of halves are sent until it is alone: it is refused for good, the rest is taken."""
    service = Service()
    service.wrong = {2}
    outcomes = send(service, entries("abcd"))
    assert outcomes[2] == Refused("Wrong", "wrong", is_permanent=True)
    assert [outcomes[index] for index in (0, 1, 3)] == [None] * 3


def test_a_wrong_record_that_comes_first_is_found_as_well() -> None:
    """It is refused for good once another one has passed; its key waits until that is known."""
    service = Service()
    service.wrong = {0}
    outcomes = send(service, entries("aba"))
    assert outcomes[0] == Refused("Wrong", "wrong", is_permanent=True)
    assert outcomes[1] is None
    assert outcomes[2] is not None
    assert outcomes[2].code == "HeldBack"


def test_a_service_that_calls_everything_wrong_buries_nothing() -> None:
    """The fault is in the set-up: three records are tried, refused for now, and the rest waits."""
    service = Service()
    service.wrong = set(range(20))
    outcomes = send(service, entries("abcdefghijklmnopqrst"))
    assert [o.code for o in outcomes if o] == ["Wrong"] * 3 + ["NotSent"] * 17
    assert not any(o.is_permanent for o in outcomes if o)
    assert [o.counts_as_try for o in outcomes if o] == [True] * 3 + [False] * 17
    assert len(service.requests) < 10


def test_time_ends_a_call() -> None:
    """What its turn has not come to is sent another time."""
    service = Service()
    outcomes = send_batches(
        entries("ab"), SMALL, service, is_ordered=True, until=time.monotonic() - 1
    )
    assert [o.code for o in outcomes if o] == ["NotSent", "NotSent"]
    assert service.requests == []


def test_nothing_is_sent_of_nothing() -> None:
    """An empty call is no request."""
    service = Service()
    assert send(service, []) == []
    assert service.requests == []


@settings(max_examples=50)
@given(
    keys=st.lists(st.sampled_from("abc"), max_size=30),
    scripts=st.dictionaries(
        st.integers(0, 29), st.lists(st.sampled_from([NO, NO, NEVER]), max_size=3), max_size=15
    ),
)
def test_order_is_kept_and_nothing_is_lost(
    keys: list[str], scripts: dict[int, list[Refused]]
) -> None:
    """Whatever single records are refused: sent again until done, each key comes in its order."""
    service = Service({index: list(script) for index, script in scripts.items()})
    left = entries("".join(keys))
    buried: set[int] = set()
    originals = {entry.index: entry for entry in left}
    for _ in range(200):
        if not left:
            break
        current = [Entry(place, entry.key, b"", 1) for place, entry in enumerate(left)]
        names = [entry.index for entry in left]

        def answer(batch: Sequence[Entry], names: list[int] = names) -> list[Refused | None]:
            return service([originals[names[entry.index]] for entry in batch])

        outcomes = send_batches(
            current, SMALL, answer, is_ordered=True, until=time.monotonic() + 60
        )
        buried |= {names[p] for p, o in enumerate(outcomes) if o is not None and o.is_permanent}
        left = [
            entry
            for entry, outcome in zip(left, outcomes, strict=True)
            if outcome is not None and not outcome.is_permanent
        ]
    assert left == []
    for key in set(keys):
        expected = [i for i, k in enumerate(keys) if k == key and i not in buried]
        assert [entry.index for entry in service.taken if entry.key == key] == expected

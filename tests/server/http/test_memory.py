"""One budget for all bodies: it adds up, and those who do not read give way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.server.http.memory import HeldAnswer, MemoryBudget
from pinpoint_kit.server.refusals import HttpRefusal

MOST = 1000


class Clock:
    """Stands still until a test moves it."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Clients:
    """Clients of a budget: who was hung up on."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.budget = MemoryBudget(MOST, self.clock)
        self.gone: list[str] = []

    def hold(self, size: int, tenant: str = "", name: str = "", **options: bool) -> HeldAnswer:
        options.setdefault("is_refusable", True)
        return self.budget.hold(size, tenant, lambda: self.gone.append(name), **options)


def test_requests_and_answers_share_the_budget() -> None:
    """What one has taken the other cannot, and what is given back can be taken again."""
    clients = Clients()
    held = clients.hold(400)
    with pytest.raises(HttpRefusal):
        clients.budget.take(601)
    clients.budget.take(600)
    clients.budget.release(held)
    with pytest.raises(HttpRefusal):
        clients.hold(401)
    clients.budget.give_back(600)
    clients.budget.take(MOST)


def test_who_reads_nothing_for_longest_gives_way() -> None:
    """The oldest answer of the tenant that holds the most; not one that is only just there."""
    clients = Clients()
    clients.hold(200, "b", "b1")
    clients.clock.now += 0.1
    clients.hold(200, "a", "a1")
    clients.hold(200, "a", "a2")
    clients.budget.take(400)
    with pytest.raises(HttpRefusal):  # nobody has had a second yet
        clients.hold(200, "c", "c1")
    clients.clock.now += 1
    clients.hold(200, "c", "c1")
    assert clients.gone == ["a1"]
    clients.budget.take(200)
    assert clients.gone == ["a1", "b1"]  # the first of those that hold as much


def test_one_tenant_has_half_of_it() -> None:
    """Its next answer takes the place of its own oldest, and others keep theirs."""
    clients = Clients()
    clients.hold(100, "b", "b1")
    for number in range(5):
        clients.hold(100, "a", f"a{number}")
    with pytest.raises(HttpRefusal):
        clients.hold(100, "a", "a5")
    clients.clock.now += 2
    clients.hold(100, "a", "a5")
    assert clients.gone == ["a0"]


def test_a_single_answer_may_be_larger_than_a_share() -> None:
    """Otherwise it could never be sent."""
    clients = Clients()
    clients.budget.release(clients.hold(900))
    with pytest.raises(HttpRefusal):
        clients.hold(1001)


def test_what_was_changed_is_always_answered() -> None:
    """A refusal would have it repeated; such answers are no longer than their requests."""
    clients = Clients()
    clients.budget.take(MOST)
    held = clients.hold(50, is_refusable=False)
    clients.budget.release(held)
    clients.budget.give_back(MOST)
    clients.budget.take(MOST)


def test_a_server_that_cannot_hang_up() -> None:
    """Then the next one is refused."""
    budget = MemoryBudget(MOST, Clock())
    budget.hold(500, "", None, is_refusable=True)
    Clock.now, before = Clock.now + 10, Clock.now
    with pytest.raises(HttpRefusal):
        budget.hold(500, "", None, is_refusable=True)
    Clock.now = before


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["take", "hold", "release", "wait"]),
            st.integers(1, 700),
            st.sampled_from("abc"),
        ),
        max_size=40,
    )
)
def test_it_adds_up(steps: list[tuple[str, int, str]]) -> None:
    """In any order: never more than there is, and at the end all is free again."""
    clients = Clients()
    taken: list[int] = []
    held: list[HeldAnswer] = []
    for step, number, tenant in steps:
        try:
            if step == "take":
                clients.budget.take(number)
                taken.append(number)
            elif step == "hold":
                held.append(clients.hold(number, tenant))
        except HttpRefusal:
            pass
        if step == "wait":
            clients.clock.now += number / 100
        elif step == "release" and held:
            clients.budget.release(held.pop(number % len(held)))
        living = [one for one in held if not one.is_let_go]
        assert sum(taken) + sum(one.size for one in living) <= MOST
    for one in held:
        clients.budget.release(one)
    clients.budget.give_back(sum(taken))
    clients.budget.take(MOST)

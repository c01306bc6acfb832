"""How a step is stored: shortly while requests write, and when it waits for the disk."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.campaigns.running import runs, storing
from pinpoint_kit.engine.work.requests import Requests
from pinpoint_kit.records.message import Sent
from tests.engine.campaigns.conftest import Campaigns, FakeHook, FakeTransport
from tests.engine.campaigns.test_streams import STREAM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engine.conftest import Clock, Wire


def waited(campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Run a campaign; return of each transaction that has stored sends whether it has waited."""
    store = campaigns.wire.engine._context.store
    write, found = store.write, []

    @contextmanager
    def noted(*, waits: bool = True, **how: Any) -> Iterator[Any]:
        before = len(campaigns.sends())
        with write(waits=waits, **how) as connection:
            yield connection
        if len(campaigns.sends()) > before:
            found.append(waits)

    campaigns.people(3)
    monkeypatch.setattr(store, "write", noted)
    campaigns.work()
    return found


def test_what_only_the_outbox_shows_does_not_wait(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power loss may undo it with the run's position: then it is done again."""
    campaigns.create()
    monkeypatch.setattr(Requests, "are_writing", False)
    assert waited(campaigns, monkeypatch) == [False]


def test_steps_wait_for_the_disk_while_requests_write(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a request would wait for what many steps have not yet put there."""
    campaigns.create()
    monkeypatch.setattr(Requests, "are_writing", True)
    assert waited(campaigns, monkeypatch) == [True]


def test_what_others_are_told_is_on_the_disk_before(
    make_wire: Callable[..., Wire], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transport, a function or a stream would be told again, as if it were something else."""
    monkeypatch.setattr(Requests, "are_writing", False)
    streamed = Campaigns(make_wire(), clock)
    streamed.wire.post(f"{streamed.base}/eventstream", STREAM)
    streamed.create()
    assert waited(streamed, monkeypatch) == [True]
    transport = FakeTransport(lambda _: Sent())
    transported = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    transported.create()
    assert waited(transported, monkeypatch) == [True]
    hooked = Campaigns(make_wire(hooks={"f": FakeHook(lambda _: {})}), clock)
    hooked.create(Hook={"LambdaFunctionName": "f", "Mode": "DELIVERY"})
    assert waited(hooked, monkeypatch) == [True]


@pytest.mark.parametrize(("are_writing", "most"), [(True, 32), (False, 60)])
def test_steps_are_small_while_requests_write(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch, *, are_writing: bool, most: int
) -> None:
    """They wait for the end of the transaction."""
    campaigns.people(60)
    campaigns.create()
    monkeypatch.setattr(Requests, "are_writing", are_writing)
    found = []
    while campaigns.wire.engine.step():
        found.append(len(campaigns.sends()))
    assert next(filter(None, found)) == most
    assert found[-1] == 60


def test_requests_under_way_go_before_a_step_is_stored_or_the_log_moved(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would wait for its transaction, or for the disk."""
    campaigns.people(60)
    campaigns.create()
    monkeypatch.setattr(runs, "_MOST_LOGGED", 60)
    store = campaigns.wire.engine._context.store
    write, give_way, order = store.write, Requests.give_way, list[str]()
    make = storing.Kept.of

    @contextmanager
    def noted(**how: Any) -> Iterator[Any]:
        before = len(campaigns.sends())
        place = len(order)
        with write(**how) as connection:
            yield connection
        if len(campaigns.sends()) > before:
            order.insert(place, "store")

    def made(*given: Any) -> storing.Kept:
        kept = make(*given)
        order.append("made")
        return kept

    def giving(self: Requests) -> None:
        order.append("give way")
        give_way(self)

    monkeypatch.setattr(store, "write", noted)
    monkeypatch.setattr(store, "move_log", lambda: order.append("move"))
    monkeypatch.setattr(storing.Kept, "of", made)
    monkeypatch.setattr(Requests, "give_way", giving)
    monkeypatch.setattr(Requests, "are_writing", False)
    campaigns.work()
    first = order.index("made")
    assert order[first : first + 5] == ["made", "give way", "store", "give way", "move"]


def test_the_log_is_moved_every_now_and_then(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a request would have to, and others would wait for it."""
    campaigns.people(60)
    campaigns.create()
    monkeypatch.setattr(Requests, "are_writing", True)
    monkeypatch.setattr(runs, "_MOST_LOGGED", 60)
    moved: list[int] = []
    store = campaigns.wire.engine._context.store
    monkeypatch.setattr(store, "move_log", lambda: moved.append(len(campaigns.sends())))
    campaigns.work()
    assert moved == [60]

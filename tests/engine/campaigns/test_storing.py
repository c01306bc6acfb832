"""How a step is stored: shortly while requests write, and when it waits for the disk."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.campaigns.running import runs
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
    assert waited(campaigns, monkeypatch) == [False]


def test_what_others_are_told_is_on_the_disk_before(
    make_wire: Callable[..., Wire], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transport, a function or a stream would be told again, as if it were something else."""
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


@pytest.mark.parametrize(("are_writing", "most"), [(True, 50), (False, 60)])
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

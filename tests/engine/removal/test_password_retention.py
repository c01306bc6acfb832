"""One-time passwords that have expired go by themselves, in small steps."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pinpoint_kit.engine import RETENTION_LOGGER
from pinpoint_kit.engine.removal import retention
from tests.engine.conftest import Wire
from tests.engine.messages.kit import Sender
from tests.engine.removal.test_retention import work

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.engine.conftest import Clock


def references(wire: Wire) -> list[str]:
    """Return which codes are kept, of all applications."""
    return sorted(row["reference"] for row in wire.rows("SELECT reference FROM one_time_passwords"))


def senders(make_wire: Callable[..., Wire]) -> tuple[Wire, Sender, Sender]:
    """Return an engine, and what sends in two applications of it."""
    wire = make_wire()
    found = Sender(wire), Sender(Wire(wire.engine))
    for each in found:
        each.enable()
    return (wire, *found)


def test_expired_codes_are_removed(
    make_wire: Callable[..., Wire], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Within the hour, in all applications, without another request; others stay."""
    wire, first, second = senders(make_wire)
    first.otp(ReferenceId="a", ValidityPeriod=5)
    second.otp(ReferenceId="b", ValidityPeriod=60)
    first.otp(ReferenceId="c", ValidityPeriod=60)
    assert not wire.engine.step()
    with caplog.at_level(logging.INFO, RETENTION_LOGGER):
        work(wire, clock, 3_600)
        assert references(wire) == ["a", "b", "c"]
        first.otp(ReferenceId="d", ValidityPeriod=60)
        work(wire, clock, 310)
    assert references(wire) == ["d"]
    assert caplog.messages == ["removed 3 one-time passwords that have expired"]
    assert len(first.outbox()) == 3


def test_without_codes_there_is_nothing_to_do(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """Nor when all were used up, or have gone."""
    wire, sender, _ = senders(make_wire)
    assert wire.engine.wait_s() is None
    sender.otp(ReferenceId="a", ValidityPeriod=5)
    assert wire.engine.wait_s() is not None
    clock.advance(4_000)
    while wire.engine.step():
        clock.advance(1)
    assert references(wire) == []
    assert wire.engine.wait_s() is None


def test_sending_announces_that_a_code_will_expire(make_wire: Callable[..., Wire]) -> None:
    """Whoever has let the engine rest because there was nothing to do hears of it."""
    wire, sender, _ = senders(make_wire)
    heard: list[bool] = []
    wire.engine.on_work(lambda: heard.append(True))
    sender.otp(ReferenceId="a")
    assert heard


def test_steps_are_small(
    make_wire: Callable[..., Wire], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction deletes so many at most, and others write in between."""
    monkeypatch.setattr(retention, "_ROWS_A_STEP", 4)
    wire, sender, _ = senders(make_wire)
    for number in range(10):
        sender.otp(ReferenceId=f"{number}")
    clock.advance(7_200)
    assert wire.engine.step()
    assert len(references(wire)) == 6
    assert not wire.engine.step()  # the others' turn
    clock.advance(1)
    while wire.engine.step():
        clock.advance(1)
    assert references(wire) == []

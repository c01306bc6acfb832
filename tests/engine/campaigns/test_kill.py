"""`kill -9` in mid-run: with the outbox nobody is left out, and nobody gets a message twice."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from tests.engine.campaigns.conftest import MESSAGE, Campaigns
from tests.engine.conftest import Clock
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.conftest import Wire

STEPPER = """
import sys
from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.campaigns.running import batches

batches.MOST_ROWS = 20
with Engine.open(sys.argv[1]) as engine:
    for _ in sys.stdin:
        print(int(engine.step()), flush=True)
"""
#: The same with a transport that writes each message into a file before it answers.
SENDER = """
import os, sys
from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.campaigns.running import batches
from pinpoint_kit.records.message import Sent

class Transport:
    name, most_messages = "file", 7

    def send(self, messages):
        for message in messages:
            with open(sys.argv[2], "a") as file:
                file.write(message.id + chr(10))
        print(1, flush=True)
        return [Sent() for _ in messages]

    def close(self):
        pass

batches.MOST_ROWS = 20
with Engine.open(sys.argv[1], transports={"PUSH": Transport()}) as engine:
    for _ in sys.stdin:
        print(int(engine.step()), flush=True)
"""
PEOPLE, KILLS = 1_000, 10


class RealClock(Clock):
    """The time of other processes."""

    def __call__(self) -> datetime:
        return datetime.now(timezone.utc)

    def advance(self, seconds: float) -> None:
        del seconds


def interrupted(code: str, url: str, *arguments: str, lines: int) -> None:
    """Start a process that steps, and kill it after it has printed so many lines.

    It gets no further than one step more, however late the kill comes.
    """
    command = [sys.executable, "-c", code, url, *arguments]
    with Program(command) as program:
        program.write("\n" * (lines + 1))
        for _ in range(lines):
            assert program.out.line()


@pytest.mark.slow
@pytest.mark.sqlite_only("the processes share a file")
def test_nobody_is_left_out_and_nobody_gets_it_twice(
    make_wire: Callable[..., Wire], file_url: str
) -> None:
    """Ten processes are killed one after the other; what they leave is what one would have sent."""
    campaigns = Campaigns(make_wire(file_url, clock=RealClock()), RealClock())
    people = campaigns.people(PEOPLE)
    campaign = campaigns.create(
        HoldoutPercent=10,
        AdditionalTreatments=[{"SizePercent": 40, "MessageConfiguration": MESSAGE}],
    )
    for kill in range(KILLS):
        before = len(campaigns.sends())
        interrupted(STEPPER, file_url, lines=3 + kill % 4)
        assert before <= len(campaigns.sends())
    assert 0 < len(campaigns.messages()) < PEOPLE
    campaigns.work()
    assert campaigns.status(campaign) == "COMPLETED"
    assert sorted(campaigns.sends()) == sorted(people)
    assert max(Counter(campaigns.addressees()).values()) == 1
    assert set(campaigns.addressees()) == {
        endpoint for endpoint, status in campaigns.sends().items() if status == "SUCCESS"
    }
    sent = sum(each["SuccessfulEndpointCount"] for each in campaigns.activities(campaign))
    assert sent == len(campaigns.messages())


@pytest.mark.slow
@pytest.mark.sqlite_only("the processes share a file")
def test_a_transport_repeats_at_most_the_calls_that_were_interrupted(
    make_wire: Callable[..., Wire], file_url: str, tmp_path: Path
) -> None:
    """Nobody is left out; a kill between transport and record repeats one call, with its ids."""
    campaigns = Campaigns(make_wire(file_url, clock=RealClock()), RealClock())
    people = campaigns.people(300)
    campaigns.create()
    sent = tmp_path / "sent"
    for kill in range(KILLS):
        interrupted(SENDER, file_url, str(sent), lines=3 + kill % 3)
    interrupted(SENDER, file_url, str(sent), lines=500)
    counts = Counter(sent.read_text().split())
    messages = campaigns.messages()
    assert sorted(message["endpoint"] for message in messages) == sorted(people)
    assert {message["id"] for message in messages} == set(counts)
    repeated = sum(count - 1 for count in counts.values())
    print(f"{repeated} of {len(counts)} messages were sent again after {KILLS} kills")  # noqa: T201 -- it is counted
    assert repeated <= 7 * KILLS

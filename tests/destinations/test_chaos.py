"""Kinesis and Firehose while everything goes wrong: nothing is lost, and order by endpoint holds.

The loop here does what the engine does, in its plainest form: a call of which nothing is known is
repeated, and what was refused is sent again before anything new.
"""

from __future__ import annotations

import random
from typing import Any

import pytest

from pinpoint_kit.destinations import Firehose, Kinesis, StreamRecord, Unavailable
from tests.destinations.fake_aws import FakeAws, Fault
from tests.destinations.records import by_key, numbers, records

#: What leaves no doubt whether records were stored, and what does.
CLEAR = (
    Fault.records(0, 1, 2),
    Fault.whole("ProvisionedThroughputExceededException"),
    Fault.whole("InternalFailure", status=500),
    Fault.reset(is_stored=False),
    Fault.mute(),
)
UNCLEAR = (
    Fault.reset(is_stored=True),
    Fault.truncated(),
    Fault.garbage(),
    Fault.missing(),
    Fault.duplicated(),
)
COUNT, KEYS = 3_000, 120


def forward(fake: FakeAws, kind: Any, seed: int, faults: tuple[Fault, ...]) -> int:
    """Send everything; return how many calls had to be repeated as a whole."""
    lot = random.Random(seed)  # noqa: S311 -- no secret
    destination = kind("events", session=fake.session(), endpoint_url=fake.url)
    waiting = records(COUNT, keys=KEYS)
    repeated = 0
    call: list[StreamRecord] = []
    while waiting or call:
        call = call or [*waiting[: destination.most_records]]
        rest = waiting[len(call) :]
        dice = lot.random()
        if dice < 0.5:
            fake.script.append(lot.choice(faults))
        elif dice < 0.7:
            fake.script.append(Fault.share(0.3, seed=lot.randrange(1_000)))
        try:
            outcomes = destination.send("app", call)
        except Unavailable:
            repeated += 1
            continue
        open_ones = [one for one, outcome in zip(call, outcomes, strict=True) if outcome]
        waiting, call = [*open_ones, *rest], []
    destination.close()
    return repeated


@pytest.mark.parametrize("kind", [Kinesis, Firehose])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_record_arrives_once_while_answers_are_clear(kind: Any, seed: int) -> None:
    """Each endpoint's records in their order, and none of them twice."""
    with FakeAws() as fake:
        assert forward(fake, kind, seed, CLEAR) > 0
        assert sorted(numbers(fake.data())) == list(range(1, COUNT + 1))
        assert all(found == sorted(found) for found in by_key(fake.data()).values())


@pytest.mark.parametrize("kind", [Kinesis, Firehose])
@pytest.mark.parametrize("seed", [3, 4])
def test_every_record_arrives_while_answers_are_lost(kind: Any, seed: int) -> None:
    """Some come twice, but first in their order: whoever leaves the second out has all in order."""
    with FakeAws() as fake:
        assert forward(fake, kind, seed, UNCLEAR) > 0
        assert set(numbers(fake.data())) == set(range(1, COUNT + 1))
        for found in by_key(fake.data()).values():
            first = list(dict.fromkeys(found))
            assert first == sorted(first)

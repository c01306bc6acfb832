"""Each member of a good request, in turn replaced by something that nobody expects there.

Random requests seldom get as far as the content of messages and campaigns; these begin right, and
what is accepted is run, too.
"""

from __future__ import annotations

import json
import logging
import random
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine import Engine, Request
from tests.engine.campaigns.conftest import FakeHook
from tests.engine.conftest import Clock, Wire
from tests.fuzz.good import prepare, requests
from tests.model_answers import operation_at, problems_of

if TYPE_CHECKING:
    from collections.abc import Iterator

#: After so many requests everything begins anew: what is stored is compared each time.
ROUND = 60
#: Steps of a round's campaigns in a month; more means that one of them never ends.
MOST_STEPS = 20_000
_MONTH = 31 * 86_400
_FAULT = 500
_FIRST_REFUSAL = 400
_ODD: tuple[object, ...] = (
    *(None, True, 0, 1, -1, 2**31, -(2**63), 10**30, 1.5, 1e308),
    *("", " ", "x", "\0", "x" * 300, "x" * 20_000, "é🙂", "\u2028", "a/b", 'a"b', "a\r\nBcc: x"),
    *([], [[]], {}, {"a": {}}, [None], [1], ["x"], {"a": None}, {"": "x"}, {"a": "b"}),
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"),
    *("9998-12-31T00:00:00Z", "2026-02-30T00:00:00Z", "2026-03-01", "IMMEDIATE", "NONSENSE"),
    *("{{", "{{#each a}}", "{{{x}}}", "UTC+14", "24:00", "NaN"),
)

#: The keys and positions that lead to a member.
Path = tuple[str | int, ...]


def paths_of(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of a value and of everything in it."""
    yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from paths_of(each, (*path, key))
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from paths_of(each, (*path, position))


def replaced(value: Any, path: Path, by: object) -> Any:
    """Return the value with something else at a path."""
    if not path:
        return by
    first, *rest = path
    if isinstance(value, dict):
        return {**value, first: replaced(value[first], tuple(rest), by)}
    assert isinstance(first, int)
    return [*value[:first], replaced(value[first], tuple(rest), by), *value[first + 1 :]]


def spoil(number: int, path: Path, by: object, wire: Wire, segment: str) -> None:
    """Send one good request with something else at a path, and look at all that comes of it."""
    method, target, body = requests(wire, segment)[number]
    before = wire.dump()
    spoiled = json.dumps(replaced(body, path, by)).encode()
    answer = wire.engine.handle(Request(method, target, body=spoiled))
    what = (method, target, path, by, answer)
    assert answer.status < _FAULT, what
    operation = operation_at(method, target)
    assert not problems_of(operation, answer.status, answer.headers, answer.body), what
    if answer.status >= _FIRST_REFUSAL:
        assert wire.dump() == before, what


def run_campaigns(wire: Wire, clock: Clock) -> None:
    """Let all campaigns run for two months, with an event on the way."""
    event = {"EventType": "buy", "Timestamp": "2026-01-02T00:00:00Z", "Attributes": {"a": "b"}}
    wire.put_event({**event, "Metrics": {"m": 1}})
    for seconds in (0, 3_600, _MONTH, _MONTH):
        clock.advance(seconds)
        steps = 0
        while wire.engine.step():
            steps += 1
            assert steps < MOST_STEPS


def spoil_many(count: int | None, caplog: pytest.LogCaptureFixture) -> None:
    """Spoil members here and there; all of them where no number is given."""
    with Engine.open("sqlite://") as engine:
        wire = Wire(engine)
        good = requests(wire, prepare(wire))
    places = [
        (number, path, by)
        for number, (_, _, body) in enumerate(good)
        for path in paths_of(body)
        for by in _ODD
    ]
    chance = random.Random(16)  # noqa: S311 -- must come out the same again
    chosen = places if count is None else chance.sample(places, count)
    for begin in range(0, len(chosen), ROUND):
        clock = Clock()
        hook = FakeHook(lambda event: event["Endpoints"])
        with Engine.open("sqlite://", clock=clock, hooks={"function": hook}) as engine:
            wire = Wire(engine)
            segment = prepare(wire)
            for number, path, by in chosen[begin : begin + ROUND]:
                spoil(number, path, by, wire, segment)
            run_campaigns(wire, clock)
    faults = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert faults == []


def test_good_requests_are_good() -> None:
    """Each is accepted as it is, so that only what is spoiled can be refused."""
    clock = Clock()
    with Engine.open("sqlite://", clock=clock) as engine:
        wire = Wire(engine)
        for method, target, body in requests(wire, prepare(wire)):
            answer = wire.engine.handle(Request(method, target, body=json.dumps(body).encode()))
            assert answer.status < 300, (target, answer.body)


def test_no_member_is_too_odd(caplog: pytest.LogCaptureFixture) -> None:
    """It is refused, and nothing is stored, or it is accepted, and campaigns run with it."""
    spoil_many(150, caplog)


@pytest.mark.slow
def test_no_member_of_all_is_too_odd(caplog: pytest.LogCaptureFixture) -> None:
    """The same for every member and everything odd."""
    spoil_many(None, caplog)

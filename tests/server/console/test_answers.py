"""The queue of charts, and how long an answer is used again."""

from __future__ import annotations

import asyncio
import threading

import pytest

from pinpoint_kit.server.console.answers import Answers, QueueFullError


def test_two_who_ask_for_the_same_wait_for_one_answer() -> None:
    """It is found once."""
    count = 0

    def ask() -> int:
        nonlocal count
        count += 1
        return count

    async def run() -> list[int]:
        answers = Answers()
        return await asyncio.gather(*(answers.get("k", ask) for _ in range(20)))

    assert asyncio.run(run()) == [1] * 20


def test_an_answer_is_used_until_its_time_is_over() -> None:
    """Then it is found anew, and also after `clear`."""
    now = 0.0
    values = iter(range(10))

    async def run() -> list[int]:
        nonlocal now
        answers = Answers(lambda: now)
        seen = []
        for moment in (0.0, 4.9, 5.0, 9.9):
            now = moment
            seen.append(await answers.get("k", lambda: next(values), kept_s=5.0))
        answers.clear()
        seen.append(await answers.get("k", lambda: next(values), kept_s=5.0))
        return seen

    assert asyncio.run(run()) == [0, 0, 1, 1, 2]


def test_an_answer_for_the_moment_puts_nothing_out() -> None:
    """It is found anew each time, however many there were, and the others stay."""
    found: list[str] = []

    def ask(name: str) -> str:
        found.append(name)
        return name

    async def run() -> None:
        answers = Answers()
        await answers.get("chart", lambda: ask("chart"))
        for number in range(600):
            await answers.get(number % 300, lambda: ask("rows"), kept_s=0, is_short=True)
        await answers.get("chart", lambda: ask("chart"))

    asyncio.run(run())
    assert (found.count("chart"), found.count("rows")) == (1, 600)


def test_one_thing_is_drawn_at_a_time() -> None:
    """However many ask: each would take the interpreter from requests of the API."""
    at_once, most = 0, 0
    lock, has_others = threading.Lock(), threading.Event()

    def draw() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        has_others.wait(0.01)
        with lock:
            at_once -= 1

    async def run() -> None:
        answers = Answers()
        await asyncio.gather(*(answers.drawn(draw) for _ in range(5)))

    asyncio.run(run())
    assert most == 1


def test_the_queue_has_an_end_and_one_at_a_time_is_counted() -> None:
    """One more than may wait is refused at once; the others get their answers."""
    at_once, most = 0, 0
    lock, go_on = threading.Lock(), threading.Event()

    def ask() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        go_on.wait(20)
        with lock:
            at_once -= 1

    async def run() -> None:
        answers = Answers(most_waiting=3)
        asked = [asyncio.ensure_future(answers.get(n, ask)) for n in range(3)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(QueueFullError):
            await answers.get("one more", ask)
        go_on.set()
        await asyncio.gather(*asked)
        await answers.get("later", ask)

    asyncio.run(run())
    assert most == 1


def test_a_failure_is_not_kept() -> None:
    """The next one who asks gets another try."""
    tries = 0

    def ask() -> int:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise ValueError("not now")
        return tries

    async def run() -> int:
        answers = Answers()
        with pytest.raises(ValueError, match="not now"):
            await answers.get("k", ask)
        return await answers.get("k", ask)

    assert asyncio.run(run()) == 2


def test_one_who_leaves_takes_the_answer_from_nobody() -> None:
    """The other one still gets it."""
    go_on = threading.Event()

    async def run() -> int:
        answers = Answers()

        def ask() -> int:
            go_on.wait(20)
            return 7

        first = asyncio.ensure_future(answers.get("k", ask))
        second = asyncio.ensure_future(answers.get("k", ask))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        go_on.set()
        return await second

    assert asyncio.run(run()) == 7

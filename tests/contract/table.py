"""The table that ends a run of the suite: how operations are answered, and how many were called.

A plugin of its own, because with `-n` the suite runs in another process than the one that prints.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine import Engine
from tests.contract.doors import Calls

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CALLS"]

CALLS = pytest.StashKey[Calls]()
_ANSWERED = pytest.StashKey[dict[str, int]]()
#: What a worker process sends it as.
_NAME = "pinpoint_calls"


def pytest_configure(config: pytest.Config) -> None:
    """Begins to note calls."""
    config.stash[CALLS] = Calls()
    config.stash[_ANSWERED] = {}


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Count what was answered; a worker sends the counts before it ends."""
    calls = session.config.stash[CALLS]
    answered = {door: len(calls.answered(door)) for door in calls.statuses}
    session.config.stash[_ANSWERED].update(answered)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_NAME] = answered
    yield


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the counts of the worker that ran the suite."""
    if hasattr(node, "workeroutput"):  # else it has crashed
        node.config.stash[_ANSWERED].update(node.workeroutput[_NAME])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print how the operations are answered, and how many the suite called at each door."""
    answered = config.stash[_ANSWERED]
    if not answered:
        return
    rows = Engine.coverage()
    counts = Counter(row.status for row in rows)
    terminalreporter.section("Pinpoint API coverage")
    terminalreporter.line(f"{'operations':<12}{len(rows):>5}")
    for status in ("emulated", "partial", "refused"):
        terminalreporter.line(f"{status:<12}{counts[status]:>5}")
    for door, count in answered.items():
        terminalreporter.line(f"{count} answered at the door {door!r}")

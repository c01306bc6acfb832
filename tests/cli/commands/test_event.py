"""`event list`, `event tail` and `endpoint find`: what is stored, looked up from a shell."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from tests.analytics.conftest import populate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Run

PLACE = ("--url", "sqlite:///shop.db", "--application", "shop")


@pytest.fixture(autouse=True)
def shop(folder: Path) -> None:
    """Give shop.db in the current folder."""
    del folder
    with pk.connect("sqlite:///shop.db", application="shop") as pinpoint:
        populate(pinpoint)


def test_events_in_every_form(run: Run) -> None:
    """A table for people, JSON in Pinpoint's members, and CSV."""
    ask = ("event", "list", "--type", "view", "--user", "u1", *PLACE)
    human = run(*ask)
    assert (human.status, human.stderr) == (0, "")
    assert "2026-10-12" in human.stdout
    items = next(iter(run(*ask, "--json").value.values()))
    assert [item["EventType"] for item in items] == ["view"] * 4
    lines = list(csv.reader(io.StringIO(run(*ask, "--csv").stdout)))
    assert len(lines) == 5


def test_filters(run: Run) -> None:
    """By session, attribute and time; the oldest first when asked for; nothing is said, too."""

    def kinds(*words: str) -> list[str]:
        answer = run("event", "list", *words, *PLACE, "--json").value
        return [item["EventType"] for item in next(iter(answer.values()))]

    assert kinds("--session", "s-1", "--oldest-first") == ["_session.start", "_session.stop"]
    assert kinds("--attribute", "page=home") == ["view"]
    assert len(kinds("--since", "2026-10-06", "--until", "2026-10-07T00:00:00Z")) == 4
    assert kinds("--limit", "1") == ["view"]
    assert "no events" in run("event", "list", "--type", "none", *PLACE).stdout


def test_wrong_filters(run: Run) -> None:
    """An attribute without a value is a usage error; so is a time that is none."""
    assert run("event", "list", "--attribute", "page", *PLACE).status == 2
    assert run("event", "list", "--since", "yesterday", *PLACE).status == 2


def test_a_tail_prints_a_line_an_event(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One JSON object each, as it arrives; its filters reach the look-up."""

    def arrive(self: object, **asked: object) -> Iterator[pk.StoredEvent]:
        del self
        assert asked["type"] == ("view",)
        with pk.connect("sqlite:///shop.db", application="shop") as pinpoint:
            yield from pinpoint.events.find(type="view", limit=2)

    monkeypatch.setattr("pinpoint_kit.recording.events.Events.tail", arrive)
    lines = run("event", "tail", "--type", "view", *PLACE).stdout.splitlines()
    assert [json.loads(line)["EventType"] for line in lines] == ["view", "view"]


def test_endpoints_are_found(run: Run) -> None:
    """By address, user and channel."""

    def ids(*words: str) -> set[str]:
        answer = run("endpoint", "find", *words, *PLACE, "--json").value
        return {item["Id"] for item in next(iter(answer.values()))}

    assert ids("--address", "b@example.com") == {"b"}
    assert ids("--user", "u1", "--channel", "EMAIL") == {"a", "c"}
    assert ids("--attribute", "plan=pro") == set()

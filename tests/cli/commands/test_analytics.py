"""`analytics`: the numbers of a small store, for people, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.cli import cli
from tests.analytics.conftest import DAYS, populate

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

PLACE = ("--url", "sqlite:///shop.db", "--application", "shop")
SPAN = ("--from", DAYS[0], "--to", DAYS[1])
STEPS = ("view", "_monetization.purchase")


@pytest.fixture
def shop(folder: Path) -> None:
    """Give shop.db in the current folder."""
    del folder
    with pk.connect("sqlite:///shop.db", application="shop") as pinpoint:
        populate(pinpoint)


EVERY = [
    ("overview",),
    ("active", "--by", "platform"),
    ("active", "--window", "7", "--actor", "user"),
    ("new",),
    ("sessions",),
    ("sessions", "--length"),
    ("sessions", "--per-actor"),
    ("sessions", "--heat-map"),
    ("retention", "--on", "1", "--cohort", "active"),
    ("cohorts", "--days", "3"),
    ("funnel", *STEPS, "--window", "any"),
    ("revenue", "--by", "platform"),
    ("revenue", "--per", "active"),
    ("sign-ins", "--failures"),
    ("events", "view", "--metric", "level"),
    ("demographics", "--by", "platform"),
    ("timeline", "--user", "u1"),
]


@pytest.mark.usefixtures("shop")
def test_every_command_answers_in_every_form(run: Run) -> None:
    """A title and numbers for people; rows and a summary as JSON; the same rows as CSV."""
    assert {words[0] for words in EVERY} == set(cli.commands["analytics"].commands)  # type: ignore[attr-defined]  # a group
    for words in EVERY:
        ask = ("analytics", *words, *SPAN, *PLACE)
        human, value, text = run(*ask), run(*ask, "--json").value, run(*ask, "--csv")
        assert (human.status, text.status) == (0, 0), words
        assert not human.stderr or words[0] == "timeline", words  # which may lack room
        assert DAYS[0] in human.stdout.splitlines()[1]
        lines = list(csv.reader(io.StringIO(text.stdout)))
        assert lines[0] == list(value["rows"][0])
        assert len(lines) - 1 == len(value["rows"])
        assert value["summary"] in " ".join(human.stdout.split())


@pytest.mark.usefixtures("shop")
def test_numbers_and_filters(run: Run) -> None:
    """What is counted by hand; `--where` takes names, attributes and comparisons."""

    def counts(*words: str) -> list[object]:
        value = run("analytics", *words, *SPAN, *PLACE, "--json").value
        return [row.get("value", row.get("count")) for row in value["rows"]]

    assert counts("active") == [2, 2, 0]
    assert counts("active", "--where", "platform=web") == [0, 1, 0]
    assert counts("active", "--where", "platform=web", "--where", "platform=ios") == [2, 2, 0]
    assert counts("events", "view", "--where", "metrics.level>=5") == [0, 1, 0]
    assert counts("events", "view", "--where", "attributes.page=home") == [1, 0, 0]
    assert counts("funnel", *STEPS) == [3, 2]
    assert counts("funnel", *STEPS, "--window", "5s") == [3, 0]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("active", "--where", "platform"), "NAME=VALUE"),
        (("active", "--where", "platform>ios"), "only metrics can be compared"),
        (("active", "--where", "metrics.level=many"), "is no number"),
        (("active", "--json", "--csv"), "--json or --csv"),
        (("funnel", "a", "b", "--window", "soon"), "12h"),
        (("timeline",), "--user ID or --endpoint ID"),
    ],
)
def test_usage(run: Run, words: tuple[str, ...], hint: str) -> None:
    """What cannot be meant is a usage error that says what to write."""
    answer = run("analytics", *words, *PLACE)
    assert (answer.status, hint in answer.stderr + answer.stdout) == (2, True)


@pytest.mark.usefixtures("shop")
def test_refusals_name_the_argument(run: Run) -> None:
    """A filter or a zone that does not exist is one sentence, with status 1."""
    for words, name in ((("--where", "colour=red"), "where"), (("--zone", "Mars/Base"), "zone")):
        answer = run("analytics", "active", *words, *PLACE)
        assert (answer.status, answer.stdout) == (1, "")
        assert name in answer.stderr

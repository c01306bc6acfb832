"""`demo`: what it shows is what the engine has, and it leaves nothing behind."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


def test_summary_fits_a_terminal(run: Run, folder: Path) -> None:
    """The summary names every event type, fits 80 columns, and no file is left."""
    answer = run("demo")
    assert (answer.status, answer.stderr) == (0, "")
    for event_type in ("sign_up", "sign_in", "auth_fail"):
        assert f"_userauth.{event_type}" in answer.stdout
    assert "_session.stop" in answer.stdout
    assert "_monetization.purchase" in answer.stdout
    assert "pinpoint-kit doctor" in answer.stdout
    assert max(map(len, answer.stdout.splitlines())) <= 80
    assert list(folder.iterdir()) == []


def test_counts_are_those_of_the_store(run: Run, folder: Path) -> None:
    """What the summary calls accepted is what the database holds, type by type."""
    value = run("demo", "--users", "7", "--url", "sqlite:///demo.db", "--json").value
    with contextlib.closing(sqlite3.connect(folder / "demo.db")) as connection:
        rows = connection.execute("SELECT type, COUNT(*) FROM events GROUP BY type")
        stored = dict(rows.fetchall())
        (endpoints,) = connection.execute("SELECT COUNT(*) FROM endpoints").fetchone()
    accepted = {name: report["accepted"] for name, report in value["events"].items()}
    assert {name: count for name, count in accepted.items() if count} == stored
    assert value["endpoints"]["total"] == endpoints
    assert sum(value["endpoints"]["by_country"].values()) == endpoints
    assert value["sample"]["Id"] == "device-1"
    assert value["truncated"] == 1


def test_the_same_seed_makes_the_same_people(run: Run) -> None:
    """The seed decides what happens; another one makes something else happen."""
    first, again, other = (
        run("demo", "--users", "9", "--json", "--seed", seed).value for seed in ("4", "4", "5")
    )
    assert first["events"] == again["events"]
    assert first["endpoints"] == again["endpoints"]
    assert first["events"] != other["events"]


def test_the_environment_does_not_name_the_place(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made-up people never reach the Pinpoint that $PINPOINT_KIT_URL names."""
    monkeypatch.setenv("PINPOINT_KIT_URL", "sqlite:///real.db")
    assert run("demo", "--users", "1").status == 0
    assert list(folder.iterdir()) == []


def test_help_says_where_the_settings_come_from(run: Run) -> None:
    """The options name no variable that this command does not look at."""
    text = run("demo", "--help").stdout
    assert "env:" not in text
    assert "[default: demo]" in text


def test_a_second_run_adds_events(run: Run, folder: Path) -> None:
    """Events of a second run are further ones, which the summary says; people are the same."""
    words = ("demo", "--users", "2", "--url", "sqlite:///demo.db")
    first = run(*words, "--json").value
    assert "adds its events" in run(*words).stdout
    accepted = sum(report["accepted"] for report in first["events"].values())
    with contextlib.closing(sqlite3.connect(folder / "demo.db")) as connection:
        (events,) = connection.execute("SELECT COUNT(*) FROM events").fetchone()
        (endpoints,) = connection.execute("SELECT COUNT(*) FROM endpoints").fetchone()
    assert (events, endpoints) == (2 * accepted, first["endpoints"]["total"])


@pytest.mark.parametrize("option", ["--application", "--application-id"])
def test_the_next_steps_name_the_application(run: Run, option: str) -> None:
    """What to do next is told with the application that was used, however it was named."""
    place = ("--url", "sqlite:///demo.db")
    run("endpoint", "update", "x", "--country", "PT", "--application", "my shop", *place)
    found = run("endpoint", "get", "x", "--json", "--application", "my shop", *place).value
    given = "my shop" if option == "--application" else found["ApplicationId"]
    answer = run("demo", "--users", "1", option, given, *place)
    expected = "--application 'my shop'" if option == "--application" else "--application-id:"
    assert f"same --url and {expected}" in answer.stdout


def test_a_kept_demo_can_be_looked_at(run: Run) -> None:
    """The commands that the summary proposes work."""
    place = ("--url", "sqlite:///demo.db", "--application", "demo")
    answer = run("demo", "--users", "2", *place[:2])
    assert "stored at the --url" in answer.stdout
    assert run("user", "endpoints", "user-1", *place).status == 0
    assert run("doctor", *place).status == 0


def test_unreachable(run: Run) -> None:
    """A demo against a host that does not answer is one sentence and status 3."""
    answer = run("demo", "--url", "http://127.0.0.1:1")
    assert answer.status == 3
    assert answer.stderr.startswith("error: ")
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("users", ["0", "many"])
def test_usage(run: Run, users: str) -> None:
    """A population that cannot be is a usage error."""
    assert run("demo", "--users", users).status == 2

"""`demo`: what it shows is what the engine has, and it leaves nothing behind."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Run


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
    assert value["events"]["level_up"]["reasons"] == {"value_too_long": 1}


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


def test_a_kept_demo_can_be_looked_at(run: Run) -> None:
    """The commands that the summary proposes work."""
    place = ("--url", "sqlite:///demo.db", "--application", "demo")
    answer = run("demo", "--users", "2", *place[:2])
    assert "kept" in answer.stdout
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

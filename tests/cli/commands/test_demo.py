"""`demo`: what it shows is what the engine has, and what it proposes next works as printed."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

PLACE = ("--url", "sqlite:///demo.db", "--application", "demo")


def count(folder: Path, table: str = "events") -> int:
    """How many rows a table of the demo's database has."""
    with contextlib.closing(sqlite3.connect(folder / "demo.db")) as connection:
        (found,) = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()  # noqa: S608 -- our own words
    return int(found)


def test_the_next_commands_run_exactly_as_printed(folder: Path) -> None:
    """In a shell whose PATH does not have the program, as after the README's first line."""
    tool = os.path.join(os.path.dirname(sys.executable), "pinpoint-kit")  # noqa: PTH118, PTH120 -- not resolved
    environment = {**os.environ, "PATH": "/usr/bin:/bin"}

    def shell(line: str) -> str:
        done = subprocess.run(  # noqa: S603 -- our own command line
            ["/bin/sh", "-c", line],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), line
        return done.stdout

    text = shell(f"{shlex.quote(tool)} demo --users 12")
    lines = [line.strip() for line in text.partition("Next:")[2].splitlines() if line.strip()]
    assert len(lines) == 6
    assert shell(lines[0])  # each starts a program: the others run in this process below


def test_every_next_command_answers_with_numbers(run: Run) -> None:
    """Each has something to show, which is what it is proposed for."""
    text = run("demo", "--users", "20").stdout
    lines = re.findall(r"^  pinpoint-kit (.+)$", text, re.MULTILINE)
    assert len(lines) == 6
    for line in lines:
        answer = run(*shlex.split(line), "--json")
        assert (answer.status, answer.stderr) == (0, "")
        assert re.search(r"[1-9]", answer.stdout.partition('"summary"')[0])


def test_the_overview_has_charts_and_a_funnel(run: Run) -> None:
    """Sparklines of six charts, and the three steps with their bars."""
    answer = run("demo", "--users", "20")
    assert (answer.status, answer.stderr) == (0, "")
    assert "Daily active endpoints" in answer.stdout
    assert re.search("[▁▂▃▄▅▆▇█]{20}", answer.stdout)
    for step in ("page_view", "add_to_cart", "_monetization.purchase"):
        assert re.search(rf"^{step} +\d.*█", answer.stdout, re.MULTILINE)


def test_numbers_are_those_of_the_store(run: Run, folder: Path) -> None:
    """Accepted is what the database holds; people are new on the day of their sign-up."""
    value = run("demo", "--users", "20", "--json").value
    first, last = dt.date.fromisoformat(value["first"]), dt.date.fromisoformat(value["last"])
    assert (last - first).days == 59
    assert value["events"]["accepted"] == value["events"]["added"] == count(folder)
    assert (count(folder, "endpoints"), count(folder, "users")) == (20, 20)
    with contextlib.closing(sqlite3.connect(folder / "demo.db")) as connection:
        rows = connection.execute(
            "SELECT DATE(e.creation_date / 1000, 'unixepoch'), DATE(MIN(v.timestamp) / 1000,"
            " 'unixepoch') FROM endpoints e JOIN events v USING (endpoint) GROUP BY endpoint"
        ).fetchall()
    assert len({created for created, _ in rows}) > 5
    assert all(created == seen for created, seen in rows)
    steps = list(value["funnel"].values())
    assert steps == sorted(steps, reverse=True)
    assert steps[-1] > 0


def test_a_second_run_adds_nothing(run: Run, folder: Path) -> None:
    """Also when more people are asked for: only what those do is new."""
    first = run("demo", "--users", "10", "--json").value
    again = run("demo", "--users", "10", "--json").value
    assert again["events"]["added"] == 0
    assert again["events"]["accepted"] == first["events"]["accepted"] == count(folder)
    assert (again["first"], again["active"]) == (first["first"], first["active"])
    more = run("demo", "--users", "12", "--json").value
    assert 0 < more["events"]["added"] == count(folder) - first["events"]["accepted"]


def test_an_older_demo_keeps_its_days(run: Run, folder: Path) -> None:
    """A month later it adds nothing either, and the next commands name the days."""
    run("demo", "--users", "3")
    with contextlib.closing(sqlite3.connect(folder / "demo.db")) as connection:
        connection.execute("UPDATE events SET timestamp = timestamp - 86400000 * 35")
        connection.commit()
    before = count(folder)
    text = run("demo", "--users", "3").stdout
    assert ", 0 of them new" in text
    assert count(folder) == before
    assert re.search(r"analytics overview --from \S+ --to \S+ --url", text)


def test_the_same_seed_makes_the_same_people(run: Run) -> None:
    """The seed decides what happens; another one makes something else happen."""
    words = ("demo", "--users", "5", "--url", "sqlite://", "--json", "--seed")
    first, again, other = (run(*words, seed).value for seed in ("4", "4", "5"))
    assert first == again
    assert first["events"] != other["events"]


def test_in_memory_nothing_is_left(run: Run, folder: Path) -> None:
    """`sqlite://` keeps nothing, and says how to keep it."""
    answer = run("demo", "--users", "2", "--url", "sqlite://")
    assert answer.status == 0
    assert "pinpoint-kit demo" in answer.stdout.partition("is gone")[2]
    assert list(folder.iterdir()) == []


def test_the_environment_does_not_name_the_place(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made-up people never reach the Pinpoint that $PINPOINT_KIT_URL names."""
    monkeypatch.setenv("PINPOINT_KIT_URL", "sqlite:///real.db")
    assert run("demo", "--users", "1").status == 0
    assert not (folder / "real.db").exists()


def test_help_says_where_the_settings_come_from(run: Run) -> None:
    """The options name no variable that this command does not look at."""
    text = run("demo", "--help").stdout
    assert "env:" not in text
    assert "[default: demo]" in text


def test_the_next_steps_name_the_application(run: Run) -> None:
    """However it was named, and in quotes where the shell needs them."""
    place = PLACE[:2]
    run("endpoint", "update", "x", "--country", "PT", "--application", "my shop", *place)
    found = run("endpoint", "get", "x", "--json", "--application", "my shop", *place).value
    answer = run("demo", "--users", "1", "--application", "my shop", *place)
    assert "--url sqlite:///demo.db --application 'my shop'" in answer.stdout
    known = run("demo", "--users", "1", "--application-id", found["ApplicationId"], *place)
    assert ", 0 of them new" in known.stdout
    assert f"--application-id {found['ApplicationId']}" in known.stdout


def test_what_it_needs(run: Run) -> None:
    """An application id that is not there is a refusal, and nothing is recorded."""
    answer = run("demo", "--users", "1", "--application-id", "f" * 32)
    assert (answer.status, answer.stdout) == (1, "")


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

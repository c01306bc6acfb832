"""`pinpoint-kit application`: listed, created and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


def test_from_creation_to_deletion(run: Run) -> None:
    """A new application is listed with its name and tags until it is deleted, and no other is."""
    created = run("application", "create", "shop", "--tag", "team=games", "--json").value
    assert created["tags"] == {"team": "games"}
    assert run("application", "list", "--json").value["Item"] == [created]
    assert run("application", "list").stdout.splitlines()[-1].split()[:2] == [created["Id"], "shop"]
    deleted = run("application", "delete", created["Id"], "--yes")
    assert (deleted.status, deleted.stdout) == (0, f"deleted application {created['Id']}\n")
    assert run("application", "list").stdout == "no applications\n"


def test_deleting_asks(run: Run) -> None:
    """Nothing is deleted without an answer, and an unknown application is one that says no."""
    created = run("application", "create", "shop").stdout.split()[-1]
    assert run("application", "delete", created).status == 2
    assert run("application", "delete", "0" * 32, "--yes").status == 1
    assert created in run("application", "list").stdout


def test_reading_makes_no_database(run: Run, folder: Path) -> None:
    """Listing applications of a database that does not exist is an error, and does not make it."""
    answer = run("application", "list")
    assert answer.status == 2
    assert list(folder.iterdir()) == []

"""`erase`: what it asks, removes and prints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


def make(run: Run) -> None:
    """One endpoint of a user."""
    run("endpoint", "update", "device-1", "--user-id", "user-1", "--attribute", "a=secret")


def test_a_dry_run_shows_and_keeps(run: Run) -> None:
    """What there is, is shown, and still there."""
    make(run)
    shown = run("erase", "--user-id", "user-1", "--dry-run")
    assert shown.status == 0
    assert "nothing was removed" in shown.stdout
    assert "device-1" in shown.stdout
    assert "secret" not in shown.stdout
    assert run("endpoint", "get", "device-1").status == 0


def test_an_erasure_needs_consent_and_reports(run: Run) -> None:
    """Without --yes nothing happens where nobody can be asked; with it, the report follows."""
    make(run)
    assert run("erase", "--endpoint-id", "device-1").status == 2
    erased = run("erase", "--endpoint-id", "DEVICE-1", "--yes", "--json").value
    copies = erased.pop("Copies")
    assert [text.split(" ", 1)[0] for text in copies] == ["backups", "files", "spools"]
    assert erased == {
        "DryRun": False,
        "EndpointIds": ["device-1"],
        "UserIds": ["user-1"],
        "KeptUserIds": [],
        "Events": 0,
        "SegmentEntries": 0,
        "StreamRecords": 0,
        "Messages": 0,
        "OneTimePasswords": 0,
        "OptOuts": 0,
        "CampaignSends": 0,
        "ValuesGone": True,
    }
    assert run("endpoint", "get", "device-1").status == 1
    again = run("erase", "--address", "nobody@example.com", "--yes")
    assert again.stdout == "Nothing is stored about this person.\n"


def test_who_is_only_listed_is_somebody(run: Run, folder: Path) -> None:
    """A user without endpoints, whom an imported segment lists, is shown and leaves it."""
    make(run)
    (folder / "users.csv").write_text("User.UserId\nuser-1\n")
    run("job", "import", "users.csv", "--format", "CSV", "--segment-name", "chosen")
    run("endpoint", "update", "device-1", "--user-id", "user-2")
    for words in (("--dry-run",), ("--yes",)):
        shown = run("erase", "--user-id", "user-1", *words)
        assert re.search(r"^entries in imported segments +1 *$", shown.stdout, re.MULTILINE)
    again = run("erase", "--user-id", "user-1", "--yes")
    assert again.stdout == "Nothing is stored about this person.\n"


def test_a_user_who_keeps_other_endpoints_is_not_called_erased(run: Run) -> None:
    """The answer says who stays, and how all of it goes; then it says that they are gone."""
    make(run)
    address = ("--channel-type", "EMAIL", "--address", "customer@example.com")
    run("endpoint", "update", "device-2", "--user-id", "user-1", *address)
    for words in (("--dry-run",), ("--yes",)):
        shown = run("erase", "--address", "customer@example.com", *words).stdout
        assert re.search(r"^user who keeps other endpoints +user-1 *$", shown, re.MULTILINE)
        assert "were kept: --user-id ID removes all of a user.\n" in shown
    assert run("endpoint", "get", "device-1").status == 0
    gone = run("erase", "--user-id", "user-1", "--yes").stdout
    assert re.search(r"^user +user-1 *$", gone, re.MULTILINE)
    assert "stays" not in gone


def test_exactly_one_person(run: Run) -> None:
    """None or two ids are a mistake in the command line."""
    assert run("erase", "--yes").status == 2
    assert run("erase", "--user-id", "a", "--address", "b", "--yes").status == 2

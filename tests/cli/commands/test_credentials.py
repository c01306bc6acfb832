"""`credentials`: access keys are made, listed and removed, and a secret is shown once."""

from __future__ import annotations

import builtins
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.cli.extras import server_part
from pinpoint_kit.server.access import credentials_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

FILE = "keys.ini"


def test_a_key_is_made_and_its_secret_shown_once(run: Run, folder: Path) -> None:
    """On stdout, as a client's credentials file wants it; the file is its owner's alone."""
    answer = run("credentials", "add", FILE, "--all-applications", "--access", "read-write")
    assert answer.status == 0
    printed = dict(line.split(" = ") for line in answer.stdout.splitlines())
    (made,) = credentials_file.read(folder / FILE).values()
    assert printed == {
        "aws_access_key_id": made.access_key_id,
        "aws_secret_access_key": made.secret_access_key,
    }
    assert len(made.secret_access_key) == 40
    assert (made.applications, made.access) == (None, "read-write")
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    assert made.secret_access_key not in answer.stderr
    listed = run("credentials", "list", FILE)
    assert made.access_key_id in listed.stdout
    assert made.secret_access_key not in listed.stdout + listed.stderr


def test_a_key_may_be_for_some_applications_and_read_only(run: Run, folder: Path) -> None:
    """As the options say; with --json everything is one value."""
    words = ("--application-id", "b1", "--application-id", "a1", "--access", "read-only", "--json")
    answer = run("credentials", "add", FILE, *words)
    (made,) = credentials_file.read(folder / FILE).values()
    key = {
        "access_key_id": made.access_key_id,
        "applications": ["a1", "b1"],
        "access": "read-only",
        "console": False,
        "region": None,
        "has_session_token": False,
    }
    assert answer.value == {**key, "secret_access_key": made.secret_access_key}
    assert run("credentials", "list", FILE, "--json").value == {"credentials": [key]}


def test_ids_can_be_copied(run: Run, folder: Path) -> None:
    """At 80 columns ids stay whole, each application on a line, whatever else the key needs."""
    ids = ["0123456789abcdef" * 2, "1123456789abcdef" * 2]
    (folder / FILE).write_text(
        f"[PKKEYKEYKEYKEYKEYKEY]\nsecret_access_key = {'s' * 40}\n"
        f"applications = {', '.join(ids)}\naccess = read-write\n"
        "region = eu-west-1\nsession_token = a-token-that-is-long-enough\n"
    )
    (folder / FILE).chmod(0o600)
    answer = run("credentials", "list", FILE)
    assert answer.status == 0, answer.stderr
    words = answer.stdout.split()
    assert {"PKKEYKEYKEYKEYKEYKEY", "read-write", *ids} <= set(words)
    assert "a-token" not in answer.stdout


def test_lines_of_a_pipe_are_not_folded(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without $COLUMNS, what is no terminal gets each row on one line."""
    monkeypatch.delenv("COLUMNS")
    name = "x" * 100
    (folder / FILE).write_text(
        f"[{name}]\nsecret_access_key = {'s' * 40}\napplications = *\naccess = read-only\n"
        "region = eu-west-1\nsession_token = a-token-that-is-long-enough\n"
    )
    (folder / FILE).chmod(0o600)
    *_, row = run("credentials", "list", FILE).stdout.splitlines()
    assert re.fullmatch(rf"{name} +read-only +\* +eu-west-1, session token *", row)


def test_each_key_is_another_one(run: Run, folder: Path) -> None:
    """Ids and secrets are random."""
    for _ in range(3):
        run("credentials", "add", FILE, "--all-applications", "--access", "read-only")
    found = credentials_file.read(folder / FILE).values()
    assert len({key.access_key_id for key in found}) == 3
    assert len({key.secret_access_key for key in found}) == 3


def test_applications_must_be_said(run: Run, folder: Path) -> None:
    """All or some, not neither and not both; and ids are ids."""
    for words in ((), ("--application-id", "a1", "--all-applications")):
        answer = run("credentials", "add", FILE, *words, "--access", "read-only")
        assert answer.status == 2
        assert "--all-applications" in answer.stderr
    answer = run("credentials", "add", FILE, "--application-id", "*", "--access", "read-only")
    assert answer.status == 2
    assert "application id" in answer.stderr
    assert not (folder / FILE).exists()


def test_a_key_is_removed(run: Run, folder: Path) -> None:
    """With --yes, or an answer on a terminal; an unknown one is status 1."""
    for _ in range(2):
        run("credentials", "add", FILE, "--all-applications", "--access", "read-only")
    first, second = credentials_file.read(folder / FILE)
    assert run("credentials", "remove", FILE, first).status == 2
    answer = run("credentials", "remove", FILE, first, "--yes")
    assert (answer.status, answer.stdout) == (0, "access key removed\n")
    assert list(credentials_file.read(folder / FILE)) == [second]
    gone = run("credentials", "remove", FILE, first, "--yes", "--json")
    assert gone.status == 1
    assert "no such access key" in gone.value["error"]["message"]
    last = run("credentials", "remove", FILE, second, "--yes")
    assert last.status == 2
    assert "add another one first" in last.stderr


def test_removing_answers_with_json(run: Run, folder: Path) -> None:
    """The key that is gone."""
    for _ in range(2):
        run("credentials", "add", FILE, "--all-applications", "--access", "read-only")
    first = next(iter(credentials_file.read(folder / FILE)))
    answer = run("credentials", "remove", FILE, first, "--yes", "--json")
    assert answer.value == {"removed": first}


def test_a_file_that_others_can_read_is_refused(run: Run, folder: Path) -> None:
    """With the sentence that mends it."""
    run("credentials", "add", FILE, "--all-applications", "--access", "read-only")
    (folder / FILE).chmod(0o644)
    answer = run("credentials", "list", FILE)
    assert answer.status == 2
    assert "chmod 600" in answer.stderr


def test_without_the_extra_it_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, and no file."""
    real = builtins.__import__

    def without(name: str, *more: Any) -> Any:
        if name.partition(".")[0] in {"prometheus_client", "uvicorn"}:
            raise ModuleNotFoundError(name=name.partition(".")[0])
        return real(name, *more)

    for name in [name for name in sys.modules if name.startswith("pinpoint_kit.server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without)
    answer = run("credentials", "list", FILE)
    assert answer.status == 2
    assert "pip install 'pinpoint-kit[server]'" in answer.stderr


def test_a_fault_of_our_own_is_not_taken_for_a_missing_extra() -> None:
    """Only the extra's own packages are worth the sentence."""
    with pytest.raises(ModuleNotFoundError):
        server_part("nothing_of_that_name")

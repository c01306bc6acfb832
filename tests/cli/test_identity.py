"""`pinpoint-kit identity` and `pinpoint-kit iam`: what they print, and their exit statuses."""

from __future__ import annotations

import gzip
import json
import os
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

LOGIN = {"type": "LOGIN", "time": 1723564700353, "realmId": "r", "userId": "u-1", "sessionId": "s"}
OTHERS = [{"type": "CODE_TO_TOKEN"}, {"type": "NEW_IN_27"}]
KEY = "0123456789abcdef"
IMPORT = ("identity", "import", "--provider", "keycloak")


@pytest.fixture
def records(tmp_path: Path) -> str:
    """Return a file of three records."""
    file = tmp_path / "records.json.gz"
    file.write_bytes(gzip.compress(json.dumps([LOGIN, *OTHERS]).encode()))
    return str(file)


@pytest.fixture(autouse=True)
def key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the key of endpoint ids into the environment."""
    del folder  # which empties it
    monkeypatch.setenv("PINPOINT_KIT_IDENTITY_KEY", KEY)


def test_import_records_and_counts(run: Run, records: str) -> None:
    """The counts name what was left out and what is unknown; a second run adds nothing."""
    for _ in range(2):
        answer = run(*IMPORT, records, "--url", "sqlite:///shop.db")
        assert answer.status == 0
        assert answer.stdout.splitlines() == [
            "left out: 1 token",
            "unknown: 1 NEW_IN_27",
            "3 records read: 2 events accepted (1 _session.start, 1 _userauth.sign_in)",
        ]
    with pk.connect("sqlite:///shop.db") as pinpoint:
        assert len(pinpoint.users.endpoints("u-1")) == 1


def test_import_answers_with_json(run: Run, records: str) -> None:
    """One value with all counts."""
    value = run(*IMPORT, records, "--json").value
    assert (value["records"], value["ignored"], value["unknown"]) == (
        3,
        {"token": 1},
        {"NEW_IN_27": 1},
    )


def test_a_dry_run_shows_what_would_be_recorded(
    run: Run, records: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs no key, and makes no database."""
    monkeypatch.delenv("PINPOINT_KIT_IDENTITY_KEY")
    answer = run(*IMPORT, records, "--dry-run", "--url", f"sqlite:///{tmp_path / 'new.db'}")
    assert answer.status == 0
    assert "2024-08-13 15:58:20Z _userauth.sign_in at idp-keycloak-" in answer.stdout
    assert "user u-1" in answer.stdout
    assert "2 events would be recorded" in answer.stdout
    assert "only examples" in answer.stderr
    assert not (tmp_path / "new.db").exists()


def test_import_reads_stdin_and_lines(run: Run) -> None:
    """Keycloak's lines need a day, and may have a zone."""
    line = "15:58:20,353 DEBUG (x) type=LOGIN, realmId=r, clientId=c, userId=u, ipAddress=1.1.1.1"
    answer = run(*IMPORT, "-", "--date", "2024-08-13", "--zone", "Europe/Lisbon", stdin=line)
    assert "1 record read: 1 event accepted" in answer.stdout
    assert "no_time" in run(*IMPORT, "-", stdin=line).stdout


def test_the_wrong_provider_is_suggested(run: Run, records: str) -> None:
    """When no record has a known type, and only then."""
    wrong = run("identity", "import", "--provider", "okta", records, "--dry-run")
    assert "check --provider" in wrong.stderr
    assert wrong.status == 1
    assert "check --provider" not in run(*IMPORT, records, "--dry-run").stderr


@pytest.mark.parametrize("content", ["", "[]"])
def test_a_dry_run_of_nothing_is_no_success(run: Run, content: str) -> None:
    """A wrong file would look like a quiet day; an import of nothing has nothing to do."""
    answer = run(*IMPORT, "-", "--dry-run", stdin=content)
    assert (answer.status, "no record was read: check FILE" in answer.stderr) == (1, True)
    assert run(*IMPORT, "-", stdin=content).status == 0


def test_a_dry_run_of_a_broken_file_is_no_success(run: Run) -> None:
    """What an import could not read, a dry run cannot read either."""
    answer = run(*IMPORT, "-", "--dry-run", stdin=json.dumps(LOGIN) + "\n{broken\n")
    assert (answer.status, "unreadable: 1" in answer.stdout) == (1, True)


def test_what_cannot_be_read_is_an_exit_status(run: Run) -> None:
    """1, and the count; what could be read is recorded."""
    answer = run(*IMPORT, "-", stdin=json.dumps(LOGIN) + "\n{broken\n")
    assert answer.status == 1
    assert "unreadable: 1" in answer.stdout
    assert "2 events accepted" in answer.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([*IMPORT, "nowhere.json"], "no such file or folder"),
        (["identity", "import", "--provider", "octa", "-"], "octa"),
        (["identity", "import", "--provider", "okta", "-", "--zone", "CET"], "for Keycloak's"),
        ([*IMPORT, "-", "--zone", "Mars/Olympus"], "no such time zone"),
        ([*IMPORT, "-", "--enable", "all"], "no such option of keycloak: all; there are resume"),
        ([*IMPORT, "-", "--key-file", "nowhere"], "nowhere cannot be read"),
        (
            ["identity", "pull", "--provider", "okta", "--from", "https://acme.okta.com"],
            "no token: give --token-file FILE",
        ),
    ],
)
def test_mistakes_are_explained(run: Run, words: list[str], message: str) -> None:
    """With status 2."""
    answer = run(*words)
    assert answer.status == 2
    assert message in answer.stderr


@pytest.mark.skipif(os.name != "posix", reason="no modes")
def test_a_key_that_others_can_read_is_refused(run: Run, records: str, tmp_path: Path) -> None:
    """And one that only its owner can read is taken."""
    file = tmp_path / "identity.key"
    file.write_text("0123456789abcdef0123456789abcdef\n")
    file.chmod(0o644)
    answer = run(*IMPORT, records, "--key-file", str(file))
    assert answer.status == 2
    assert "others can read it: chmod 600" in " ".join(answer.stderr.split())
    file.chmod(0o600)
    assert "events accepted" in run(*IMPORT, records, "--key-file", str(file)).stdout


def test_a_key_is_asked_for(run: Run, records: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how to make one."""
    monkeypatch.delenv("PINPOINT_KIT_IDENTITY_KEY")
    answer = run(*IMPORT, records)
    assert answer.status == 2
    assert "secrets.token_hex()" in answer.stderr


# iam


def test_a_policy_is_printed_and_passes_the_check(run: Run, tmp_path: Path) -> None:
    """From operations, by name, and for roles."""
    file = tmp_path / "policy.json"
    for words in (
        ["policy", "--for", "PutEvents", "--for", "GetEndpoint", "--app", "abc"],
        ["policy", "--name", "read-only", "--app", "abc"],
        ["role", "export", "--target", "bucket/exports"],
        ["role", "lambda", "--target", "hook"],
        ["cognito-role", "--app", "abc", "--account", "111122223333", "--external-id", "x"],
        ["trust", "--app", "abc", "--account", "111122223333"],
    ):
        answer = run("iam", *words)
        assert answer.status == 0
        file.write_text(answer.stdout)
        checked = run("iam", "check", str(file))
        assert (checked.status, checked.stdout) == (0, "nothing found\n")


def test_findings_are_an_exit_status(run: Run, tmp_path: Path) -> None:
    """The guide's own policy has a version that IAM does not know."""
    file = tmp_path / "policy.json"
    statement = {"Effect": "Allow", "Action": ["sms-voice:*"], "Resource": "*"}
    file.write_text(json.dumps({"Version": "2018-09-05", "Statement": [statement]}))
    answer = run("iam", "check", str(file))
    assert answer.status == 1
    assert answer.stdout.startswith("error: Version '2018-09-05' is none of IAM's")
    assert run("iam", "check", str(file), "--json").value[0]["path"] == "$.Version"
    file.write_text("{")
    assert run("iam", "check", str(file)).status == 2


def test_mistakes_in_iam_are_explained(run: Run) -> None:
    """Status 2 and what to write."""
    answer = run("iam", "policy", "--for", "PutEvent")
    assert (answer.status, "did you mean PutEvents?" in answer.stderr) == (2, True)
    assert "--for OPERATION, or --name NAME" in run("iam", "policy").stderr
    for account in ("ID", "12", "1234567890123"):
        answer = run("iam", "policy", "--for", "PutEvents", "--account", account)
        assert (answer.status, "write its 12 digits" in answer.stderr) == (2, True)

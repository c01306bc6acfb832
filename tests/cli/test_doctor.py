"""`doctor`: what it finds, what it never shows, and that it changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.cli.doctor import redacted

from .stub import busy_server

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Answer, Run


def states(answer: Answer) -> dict[str, str]:
    """Check -> its state."""
    return {check["check"]: check["state"] for check in answer.value["checks"]}


def test_an_empty_folder_is_good_and_stays_empty(run: Run, folder: Path) -> None:
    """Without any setting all is good; what would be made is said, and not made."""
    answer = run("doctor")
    assert answer.status == 0
    assert "pinpoint.db does not exist" in answer.stdout
    assert "2026-10-30" in answer.stdout
    assert "all good" in answer.stdout
    assert list(folder.iterdir()) == []


def test_versions(run: Run) -> None:
    """The JSON form has the versions that a bug report needs."""
    value = run("doctor", "--json").value
    assert value["ok"] is True
    assert set(value["versions"]) == {"pinpoint-kit", "Python", "botocore", "SQLAlchemy", "SQLite"}


def test_a_database(run: Run) -> None:
    """Of a database: size, permissions, journal mode, whether the engine answers."""
    run("demo", "--users", "1", "--url", "sqlite:///pinpoint.db")
    answer = run("doctor")
    assert answer.status == 0
    assert "journal mode wal" in answer.stdout
    assert "answered in" in answer.stdout
    found = run("doctor", "--application", "demo", "--json")
    assert states(found)["application"] == "ok"
    assert states(run("doctor", "--application", "other", "--json"))["application"] == "note"
    assert run("doctor", "--application-id", "nobody").status == 1
    assert run("endpoint", "get", "x", "--application", "other").status == 2  # it was not made


def test_in_memory(run: Run) -> None:
    """The engine in memory has no file to look at."""
    answer = run("doctor", "--url", "sqlite://", "--json")
    assert (answer.status, states(answer).get("database")) == (0, None)


def test_databases_that_cannot_be_used(run: Run, folder: Path) -> None:
    """A missing folder, a file that is no database and a folder are configuration problems."""
    (folder / "text.db").write_text("no database at all " * 100)
    for name in ("no/folder.db", "text.db", "."):
        answer = run("doctor", "--url", f"sqlite:///{name}", "--json")
        assert (answer.status, answer.value["ok"]) == (2, False)


@pytest.mark.parametrize("url", ["nonsense", "ftp://host", "http://", "http://user:hunter2@host"])
def test_urls_that_lead_nowhere(run: Run, url: str) -> None:
    """A URL that cannot be used is a configuration problem, and no secret in it is shown."""
    answer = run("doctor", "--url", url)
    assert answer.status == 2
    assert "PROBLEM" in answer.stdout
    assert "hunter2" not in answer.stdout + answer.stderr


def test_unreachable(run: Run) -> None:
    """A host that does not answer is status 3, whatever application is named."""
    answer = run("doctor", "--url", "http://127.0.0.1:1", "--json")
    assert (answer.status, states(answer)["answer"]) == (3, "PROBLEM")


def test_a_server(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a server: whether requests are signed; the credentials themselves are never shown."""
    with busy_server() as url:
        answer = run("doctor", "--url", url)
        assert answer.status == 0
        assert "not signed" in answer.stdout
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASECRET")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
        signed = run("doctor", "--url", url, "--application-id", "0")
    assert signed.status == 0
    assert "found (not shown)" in signed.stdout
    assert "secret" not in (signed.stdout + signed.stderr).lower()


def test_the_hosted_service(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the hosted door says so; nothing leaves the machine here."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT", "http://127.0.0.1:1")
    answer = run("doctor", "--url", "aws://us-east-1", "--json")
    assert answer.status == 3
    assert states(answer)["credentials"] == "note"
    assert "credentials" in str(answer.value)


def test_the_retirement_warning_is_one_line(run: Run) -> None:
    """Connecting to the hosted service warns on stderr, without Python's own form of it."""
    answer = run("doctor", "--url", "aws://us-east-1", "--json")  # no credentials: no request
    assert answer.status == 3
    assert answer.stderr.startswith("warning: Amazon Pinpoint ended on 2026-10-30")
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("sqlite:///a@b.db", "sqlite:///a@b.db"),
        ("http://u:p@host:1/x?token=t&region=eu-west-1", "http://host:1/x?region=eu-west-1"),
        ("aws://us-east-1?profile=work", "aws://us-east-1?profile=work"),
    ],
)
def test_redacted(url: str, expected: str) -> None:
    """What is shown of a URL helps to recognise it and gives nothing away."""
    assert redacted(url) == expected

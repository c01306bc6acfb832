"""`doctor`: what it finds, what it never shows, and that it changes nothing."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.cli.options import redacted
from tests.cli.stub import busy_server, strict_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Answer, Run
    from tests.postgresql import Server


def states(answer: Answer) -> dict[str, str]:
    """Check -> its state."""
    return {check["check"]: check["state"] for check in answer.value["checks"]}


def test_an_empty_folder_is_good_and_stays_empty(run: Run, folder: Path) -> None:
    """Without any setting all is good; what would be made is said, and not made."""
    answer = run("doctor")
    assert answer.status == 0
    assert "pinpoint.db does not exist" in answer.stdout
    assert "2026-10-30" not in answer.stdout  # of no interest to who does not use it
    assert "all good" in answer.stdout
    assert list(folder.iterdir()) == []


def test_versions(run: Run) -> None:
    """The JSON form has the versions that a bug report needs."""
    value = run("doctor", "--json").value
    assert value["ok"] is True
    assert set(value["versions"]) == {
        *("pinpoint-kit", "Python", "botocore", "SQLAlchemy", "SQLite", "psycopg")
    }


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


def test_what_campaigns_call_is_said(run: Run) -> None:
    """Until they are over; the name of a hook is no connection."""
    with pk.connect("sqlite:///pinpoint.db", application="shop") as pinpoint:
        everyone = pinpoint.segments.create("everyone", pk.SegmentDimensions())
        made = pinpoint.campaigns.create(
            pk.Campaign(
                name="news",
                segment_id=everyone,
                schedule=pk.Schedule(start_time="2099-01-01T00:00:00Z"),
                message_configuration=pk.MessageConfiguration(
                    sms_message=pk.SMSMessage(body="Hello")
                ),
                hook=pk.CampaignHook(lambda_function_name="filter", mode="FILTER"),
            )
        )
        answer = run("doctor", "--application", "shop", "--json")
        assert states(answer)["hooks"] == "note"
        assert "filter, by news" in answer.stdout
        pinpoint.campaigns.delete(made)
    assert "hooks" not in states(run("doctor", "--application", "shop", "--json"))


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


def test_a_file_that_is_no_database(run: Run, folder: Path) -> None:
    """Anything without the header of SQLite is not called a database, and not opened."""
    (folder / "random.db").write_bytes(bytes(range(1, 256)) * 9)
    (folder / "short.db").write_bytes(b"SQLite format 3\x00")
    for name in ("random.db", "short.db"):
        answer = run("doctor", "--url", f"sqlite:///{name}", "--json")
        assert (answer.status, states(answer)["database"]) == (2, "PROBLEM")
        assert "answer" not in states(answer)


def test_a_database_of_another_program(run: Run, folder: Path) -> None:
    """What is found out by opening a database takes the place of what it looked like."""
    with contextlib.closing(sqlite3.connect(folder / "other.db")) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    answer = run("doctor", "--url", "sqlite:///other.db", "--json")
    assert (answer.status, states(answer)["database"]) == (2, "PROBLEM")
    assert "another program" in answer.stdout


def test_an_empty_file_is_no_database_yet(run: Run, folder: Path) -> None:
    """A file of no bytes is as good as none, and stays empty."""
    (folder / "pinpoint.db").touch()
    answer = run("doctor", "--json")
    assert (answer.status, states(answer)["database"]) == (0, "note")
    assert "answer" not in states(answer)
    assert [(file.name, file.stat().st_size) for file in folder.iterdir()] == [("pinpoint.db", 0)]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX modes")
def test_a_database_that_everybody_can_read(run: Run, folder: Path) -> None:
    """It holds addresses, so a file that others can read is worth a note."""
    run("demo", "--users", "1", "--url", "sqlite:///pinpoint.db")
    (folder / "pinpoint.db").chmod(0o600)
    assert states(run("doctor", "--json"))["database"] == "ok"
    (folder / "pinpoint.db").chmod(0o644)
    answer = run("doctor", "--json")
    assert (answer.status, states(answer)["database"]) == (0, "note")
    assert "chmod 600" in answer.stdout


def test_applications(run: Run) -> None:
    """Whether the application that would be used exists is looked up, named or not."""
    run("demo", "--users", "1", "--url", "sqlite:///pinpoint.db")
    answer = run("doctor", "--json")
    assert (answer.status, states(answer)["application"]) == (0, "note")
    assert "give --application demo" in answer.stdout
    run("endpoint", "update", "x", "--country", "PT")
    assert states(run("doctor", "--json"))["application"] == "ok"
    both = run("doctor", "--json", "--application", "demo", "--application-id", "x")
    assert (both.status, states(both)["application"]) == (2, "PROBLEM")
    dots = run("doctor", "--json", "--application-id", "..")
    assert (dots.status, states(dots)["application"]) == (2, "PROBLEM")


@pytest.mark.parametrize(
    "url",
    [
        *("nonsense", "ftp://host", "http://", "http://user:hunter2@host", "aws://"),
        *("sqlite:/x.db", "sqlite://host/x.db", "sqlite:///x.db?mode=ro"),
    ],
)
def test_urls_that_lead_nowhere(run: Run, url: str) -> None:
    """A URL that cannot be used is a configuration problem, and no secret in it is shown."""
    checks = run("doctor", "--url", url, "--json")
    assert (checks.status, states(checks)["connection"]) == (2, "PROBLEM")
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
        assert "no access key was found, so requests are not signed" in " ".join(
            answer.stdout.split()
        )
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASECRET")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
        signed = run("doctor", "--url", url, "--application-id", "0")
    assert signed.status == 0
    assert "found (not shown)" in signed.stdout
    assert "secret" not in (signed.stdout + signed.stderr).lower()


def test_credentials_for_one_application(run: Run) -> None:
    """Who may not list applications, but use the one that is named, has no problem."""
    with strict_server("AccessDeniedException") as url:
        named = run("doctor", "--url", url, "--application-id", "0", "--json")
        assert (named.status, states(named)["application"]) == (0, "ok")
        unnamed = run("doctor", "--url", url, "--json")
    assert (unnamed.status, states(unnamed)["answer"]) == (1, "PROBLEM")
    assert "--application-id" in unnamed.stdout
    with strict_server("InvalidSignatureException") as url:
        unsigned = run("doctor", "--url", url, "--application-id", "0", "--json")
    assert (unsigned.status, states(unsigned)["answer"]) == (1, "PROBLEM")


def test_the_hosted_service(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials the hosted door says so; nothing leaves the machine here."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT", "http://127.0.0.1:1")
    answer = run("doctor", "--url", "aws://us-east-1", "--json")
    assert answer.status == 2
    assert states(answer)["connection"] == "PROBLEM"
    assert states(answer)["retired"] == "note"
    assert "no usable AWS credentials" in str(answer.value)


def test_the_retirement_warning_is_one_line(run: Run) -> None:
    """Connecting to the hosted service warns on stderr, without Python's own form of it."""
    answer = run("doctor", "--url", "aws://us-east-1", "--json")  # no credentials: no request
    assert answer.status == 2
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


def test_a_database_server(run: Run, postgresql_url: str) -> None:
    """Of a database on a server: version, rights, latency; it makes no table, and reading none."""
    answer = run("doctor", "--url", postgresql_url)
    assert answer.status == 0
    assert "PostgreSQL 1" in answer.stdout
    assert "the role may make tables, answers in" in " ".join(answer.stdout.split())
    assert "it has no tables yet" in " ".join(answer.stdout.split())
    reading = run("application", "list", "--url", postgresql_url)
    assert reading.status == 2
    assert "there are no tables in" in reading.stderr
    run("application", "create", "shop", "--url", postgresql_url)
    found = run("doctor", "--url", postgresql_url, "--application", "shop", "--json")
    assert states(found)["database"] == states(found)["application"] == "ok"
    lost = run("doctor", "--url", "postgresql://u:hunter2@127.0.0.1:1/x")
    assert lost.status == 2
    assert "cannot be reached" in lost.stdout
    assert "hunter2" not in lost.stdout + lost.stderr


def test_a_role_that_may_not_make_tables(
    run: Run, postgresql_url: str, postgresql_server: Server
) -> None:
    """Where there are none, that is a problem, and what to hand on is said."""
    role = f"role_{postgresql_url.rpartition('=')[2]}"
    postgresql_server.execute(f"CREATE ROLE {role} LOGIN")
    try:
        url = postgresql_url.replace("postgres:@", f"{role}@")
        answer = run("doctor", "--url", url)
        assert answer.status == 2
        said = " ".join(answer.stdout.split())
        assert "have an administrator run what `pinpoint-kit schema sql --role ROLE` prints" in said
    finally:
        postgresql_server.execute(f"DROP ROLE {role}")


def test_the_tables_are_printed(run: Run) -> None:
    """`schema sql` needs no connection: DDL of the schema that the URL names, with grants."""
    url = "postgresql://db.example.com/shop?schema=pinpoint"
    answer = run("schema", "sql", "--url", url, "--role", "app")
    assert "CREATE TABLE pinpoint.endpoints" in answer.stdout
    assert 'TO "app";' in answer.stdout or "TO app;" in answer.stdout
    assert "GRANT" not in run("schema", "sql", "--url", url, "--json").value["sql"]

"""`pinpoint-kit lake`, and `analytics --lake`."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import pytest

import pinpoint_kit as pk
from pinpoint_kit.engine.analytics import hints

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

URL = "sqlite:///shop.db"
DAYS = ("--from", "2026-03-01", "--to", "2026-03-03")


def make() -> None:
    """Make a database with two events."""
    with pk.connect(URL, application="default") as pinpoint:
        for day in (1, 2):
            at = dt.datetime(2026, 3, day, 10, tzinfo=dt.timezone.utc)
            pinpoint.events.record(f"device-{day}", "open", timestamp=at)
        pinpoint.flush().raise_for_loss()


def test_an_export_says_what_it_has_added(run: Run) -> None:
    """The next one adds nothing; --json has the same as numbers."""
    make()
    first = run("lake", "export", "lake", "--url", URL)
    assert first.status == 0
    assert "lake: 2 new events; 2 events in 2 files, " in first.stdout
    value = run("lake", "export", "lake", "--url", URL, "--json").value
    assert (value["added"], value["events"], value["rewritten"]) == (0, 2, 0)


def test_an_erasure_shows_in_the_next_export(run: Run) -> None:
    """It says how many files were written anew."""
    make()
    run("lake", "export", "lake", "--url", URL)
    assert "pinpoint-kit lake export" in (
        run("erase", "--endpoint-id", "device-1", "--yes", "--url", URL).stdout
    )
    made = run("lake", "export", "lake", "--url", URL)
    assert "1 files without people who were removed; 1 events in 1 files" in made.stdout


def test_a_lake_answers_as_its_store(run: Run) -> None:
    """The same rows, without a database at hand."""
    make()
    run("lake", "export", "lake", "--url", URL)
    asked = run("analytics", "events", *DAYS, "--by", "event_type", "--url", URL, "--json")
    found = run("analytics", "events", *DAYS, "--by", "event_type", "--lake", "lake", "--json")
    assert found.value == asked.value
    assert len(found.value["rows"]) == 3


def test_a_lake_and_a_url_are_too_much(run: Run) -> None:
    """One of both is asked."""
    answer = run("analytics", "active", "--lake", "lake", "--url", URL)
    assert answer.status == 2
    assert "give --lake or --url, not both" in answer.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("lake", "export", "lake", "--url", "http://localhost:1"), "from the database itself"),
        (("lake", "export", "lake", "--url", "sqlite:///no.db"), "there is no database no.db"),
        (("lake", "export", "lake", "--every", "soon"), "write 30s, 10m, 1h or 1d"),
        (("analytics", "active", "--lake", "no"), "there is no no: make a lake"),
        (("lake", "table", "x", "--schema", "a;b"), "small letters, digits"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, words: tuple[str, ...], text: str) -> None:
    """In one sentence, with status 2."""
    answer = run(*words)
    assert answer.status == 2
    assert text in " ".join(answer.stderr.split())


def test_exports_repeat_until_interrupted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --every, each waits for the next."""
    make()
    waits: list[float] = []

    sleeping = time.sleep

    def sleep(seconds: float) -> None:
        if threading.current_thread() is not threading.main_thread():
            sleeping(seconds)  # the engine's work, which takes turns
            return
        waits.append(seconds)
        if len(waits) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    answer = run("lake", "export", "lake", "--url", URL, "--every", "10m")
    assert answer.status == 130
    assert waits == [600, 600, 600]
    assert answer.stdout.count("new events") == 3


def test_lakes_are_listed_and_forgotten(run: Run) -> None:
    """What waits is counted; a lake that is forgotten cannot be exported to."""
    make()
    assert "no lakes" in run("lake", "list", "--url", URL).stdout
    run("lake", "export", "lake", "--url", URL)
    run("erase", "--endpoint-id", "device-1", "--yes", "--url", URL)
    (found,) = run("lake", "list", "--url", URL, "--json").value["lakes"]
    assert found["place"].endswith("/lake")
    assert found["exported"].endswith("Z")
    assert found["removals_waiting"] == 2
    assert run("lake", "forget", "0" * 32, "--url", URL).status == 2
    assert run("lake", "forget", found["id"], "--url", URL).status == 0
    assert run("lake", "list", "--url", URL, "--json").value == {"lakes": []}
    again = run("lake", "export", "lake", "--url", URL)
    assert again.status == 2
    assert "knows no such lake" in again.stderr


def test_the_sql_of_tables_runs(run: Run, folder: Path) -> None:
    """DuckDB's words make views that count what was exported."""
    make()
    run("lake", "export", "lake", "--url", URL)
    sql = run("lake", "table", str(folder / "lake"), "--for", "duckdb").stdout
    with closing(duckdb.connect()) as connection:
        connection.execute(sql)
        rows = connection.execute(
            "SELECT CAST(event_date AS VARCHAR), count(*) FROM pinpoint.events"
            " GROUP BY 1 ORDER BY 1"
        ).fetchall()
        assert rows == [("2026-03-01", 1), ("2026-03-02", 1)]
        assert connection.execute("SELECT count(*) FROM pinpoint.endpoints").fetchone() == (2,)


def test_slow_charts_of_many_events_hint_at_the_lake(
    run: Run, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for a store, in the log and on stderr; never for few events."""
    make()
    monkeypatch.setattr(hints, "SLOW_S", 0.0)
    assert "hint" not in run("analytics", "active", *DAYS, "--url", URL).stderr
    monkeypatch.setattr(hints, "MANY_EVENTS", 2)
    answer = run("analytics", "overview", *DAYS, "--url", URL)
    assert answer.stderr.count("hint: a chart took") == 1
    assert "pinpoint-kit lake export FOLDER" in answer.stderr
    caplog.clear()
    with (
        caplog.at_level(logging.WARNING, logger=hints.LOGGER),
        pk.connect(URL, application="default") as pinpoint,
    ):
        for _ in range(2):
            pinpoint.analytics.active("2026-03-01", "2026-03-03")
    assert len(caplog.records) == 1


def test_tables_are_written_for_each_engine(run: Run) -> None:
    """All columns are in each of them."""
    for engine in ("athena", "trino", "spark"):
        sql = run("lake", "table", "s3://bucket/it's", "--for", engine).stdout
        assert sql.count("CREATE ") == 4
        for name in ("event_timestamp", "session_duration", "channel_type", "event_date"):
            assert name in sql
        assert "it''s/events" in sql

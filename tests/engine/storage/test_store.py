"""The database file: what opens, what does not, and what a failing disk does to answers."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import bindparam, literal, make_url, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import OperationalError

from pinpoint_kit.engine import Engine, Request
from pinpoint_kit.engine.storage.dialects.known import dialect_of
from pinpoint_kit.engine.storage.dialects.sqlite import connections
from pinpoint_kit.engine.storage.dialects.sqlite import dialect as sqlite_dialect
from pinpoint_kit.engine.storage.failure_log import FailureLog
from pinpoint_kit.engine.storage.statements import Statement, padded
from pinpoint_kit.engine.storage.tables import migrations
from pinpoint_kit.engine.storage.tables.events import REMEMBERED
from pinpoint_kit.engine.storage.tables.metadata import METADATA
from pinpoint_kit.errors import StoreError
from tests.engine.messages.kit import Sender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

    from tests.engine.conftest import Wire

MEMORY = dialect_of("sqlite://")
SECRET = "customer@example.com"
RETRYABLE = "x-pinpoint-kit-retryable"


def path_of(url: str) -> str:
    """Return the file's path."""
    return url.removeprefix("sqlite:///")


def refusal(url: str) -> str:
    """Open a database that cannot be used and return what is said."""
    with pytest.raises(StoreError) as caught:
        Engine.open(url)
    return str(caught.value)


def test_data_outlives_the_engine(make_wire: Callable[..., Wire], file_url: str) -> None:
    """What was answered is there when the file is opened again; closing twice is fine."""
    wire = make_wire(file_url)
    wire.update("e", Attributes={"a": ["1"]})
    wire.engine.close()
    wire.engine.close()
    with Engine.open(file_url) as engine:
        path = f"/v1/apps/{wire.app}/endpoints/e"
        assert engine.handle(Request("GET", path)).status == 200


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite+pysqlite://"])
def test_databases_in_memory(make_wire: Callable[..., Wire], url: str) -> None:
    """All spellings of a database in memory work, each engine with its own."""
    assert make_wire(url).update("e").status == 202
    assert len(make_wire(url).send("GET", "/v1/apps").json["Item"]) == 1


def test_a_closed_engine_answers(wire: Wire) -> None:
    """After close, requests are answered with 500 instead of being raised at."""
    wire.engine.close()
    answer = wire.send("GET", "/v1/apps")
    assert (answer.status, answer.message) == (500, "The engine is closed; open it again")


@pytest.mark.parametrize(
    "url", ["", "pinpoint.db", "postgresql:/x/y", "mysql://x", "sqlite:/x", "::"]
)
def test_other_urls_are_refused(url: str) -> None:
    """Whatever is not the URL of a known database is refused with the forms to write."""
    assert "sqlite:///FILE" in refusal(url)


def test_a_missing_directory(tmp_path: Path) -> None:
    """The directory has to be there; the message names it."""
    assert f"The directory {tmp_path}/no" in refusal(f"sqlite:///{tmp_path}/no/p.db")


def test_a_directory_for_a_file(tmp_path: Path) -> None:
    """A directory cannot be a database."""
    assert "is a directory; name a file in it" in refusal(f"sqlite:///{tmp_path}")


def test_a_file_of_something_else(tmp_path: Path) -> None:
    """A text file is no database, and is left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but long enough to be read as a header of one\n" * 20)
    assert "is not a SQLite database" in refusal(f"sqlite:///{path}")
    assert path.read_text().startswith("not a database")


def test_a_corrupt_file(make_wire: Callable[..., Wire], file_url: str) -> None:
    """A damaged database says so and what to do."""
    make_wire(file_url).engine.close()
    path = Path(path_of(file_url))
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 8000)
    assert "corrupt" in refusal(file_url)


def test_a_database_of_another_program(file_url: str) -> None:
    """Foreign tables are not touched."""
    with sqlite3.connect(path_of(file_url)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert "belongs to another program" in refusal(file_url)


def set_version(url: str, version: str) -> None:
    """Change the stored schema version."""
    with sqlite3.connect(path_of(url)) as connection:
        connection.execute("UPDATE pinpoint_meta SET value = ?", [version])
    connection.close()


def test_a_newer_schema(make_wire: Callable[..., Wire], file_url: str) -> None:
    """A database of a newer release is refused with both versions."""
    make_wire(file_url).engine.close()
    set_version(file_url, "99")
    message = refusal(file_url)
    assert "schema version is 99" in message
    assert "upgrade pinpoint-kit" in message
    set_version(file_url, "many")
    assert "schema version is missing" in refusal(file_url)


def test_an_older_schema_is_migrated(
    make_wire: Callable[..., Wire], file_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step runs once, in order, in the transaction that stores the new version."""
    make_wire(file_url).engine.close()
    steps: list[int] = []
    now = migrations.VERSION
    monkeypatch.setattr(migrations, "VERSION", now + 2)
    monkeypatch.setattr(
        migrations,
        "MIGRATIONS",
        {now: lambda _: steps.append(1), now + 1: lambda _: steps.append(2)},
    )
    Engine.open(file_url).close()
    Engine.open(file_url).close()
    assert steps == [1, 2]


def test_a_database_of_the_first_version_gets_the_later_tables(
    make_wire: Callable[..., Wire], file_url: str
) -> None:
    """A file of version 1, which lacks tables, opens and keeps what is in it."""
    first = {"pinpoint_meta", "apps", "tags", "endpoints", "users", "events"}
    wire = make_wire(file_url)
    wire.update("device-1")
    wire.engine.close()
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        for name in METADATA.tables.keys() - first:
            connection.execute(f"DROP TABLE {name}")
        connection.execute("UPDATE pinpoint_meta SET value = 1 WHERE name = 'schema_version'")
        connection.commit()
    with Engine.open(file_url) as engine:
        assert engine.handle(Request("GET", wire.endpoint_path("device-1"))).status == 200
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    assert METADATA.tables.keys() <= tables


def test_a_database_of_version_8_gets_the_table_of_opt_outs(
    make_wire: Callable[..., Wire], file_url: str
) -> None:
    """It keeps its messages, and what is reported of them from now on is kept of their address."""
    sender = Sender(make_wire(file_url))
    sender.enable("sms")
    message_id = sender.result("+12065550100", "SMS")["MessageId"]
    sender.wire.engine.close()
    described = "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'opt_outs' ORDER BY name"
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        made = connection.execute(described).fetchall()
        connection.execute("DROP TABLE opt_outs")
        connection.execute("UPDATE pinpoint_meta SET value = 8 WHERE name = 'schema_version'")
        connection.commit()
    with Engine.open(file_url) as engine:
        sender.wire.engine = engine
        assert sender.result("+12065550100", "SMS")["DeliveryStatus"] == "SUCCESSFUL"
        assert sender.report(message_id, "opted_out").status == 200
        assert sender.result("+12065550100", "SMS")["DeliveryStatus"] == "OPT_OUT"
        assert len(sender.outbox()) == 2
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        assert connection.execute(described).fetchall() == made


def test_older_events_remember_nothing_and_older_users_count_from_their_endpoints(
    make_wire: Callable[..., Wire], file_url: str
) -> None:
    """A file of version 3 gets the columns; each user the time of the oldest endpoint."""
    wire = make_wire(file_url)
    wire.update("a", User={"UserId": "u", "UserAttributes": {"x": ["1"]}})
    wire.update("b", User={"UserId": "v"}, Demographic={"Platform": "ios"})
    wire.put_event({"EventType": "x", "Timestamp": "2026-01-01T00:00:00Z"})
    created = wire.rows("SELECT creation_date FROM endpoints LIMIT 1")[0]["creation_date"]
    wire.engine.close()
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        for name in REMEMBERED:
            connection.execute(f"ALTER TABLE events DROP COLUMN {name}")
        connection.execute("ALTER TABLE users DROP COLUMN created")
        connection.execute("DELETE FROM users WHERE user_id = 'v'")
        connection.execute("UPDATE pinpoint_meta SET value = 3 WHERE name = 'schema_version'")
        connection.commit()
    Engine.open(file_url).close()
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        users = connection.execute("SELECT user_id, attributes, created FROM users").fetchall()
        events = connection.execute(f"SELECT {', '.join(REMEMBERED)} FROM events").fetchall()  # noqa: S608 -- our own names
    assert sorted(users) == [("u", '{"x":["1"]}', created), ("v", "{}", created)]
    assert events == [(None,) * len(REMEMBERED)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("DROP TABLE template_versions", "(5, such as template_versions.content)"),
        ("ALTER TABLE endpoints DROP COLUMN opt_out", "(1, such as endpoints.opt_out)"),
    ],
)
def test_a_file_that_lacks_a_part_of_its_version(
    make_wire: Callable[..., Wire], file_url: str, change: str, sentence: str
) -> None:
    """A file of this version without all of its tables and columns is refused, and left alone."""
    make_wire(file_url).engine.close()
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        connection.execute(change)
    assert sentence in refusal(file_url)
    assert refusal(file_url).endswith("restore a backup or name another file")


def test_more_than_a_version_asks_for(make_wire: Callable[..., Wire], file_url: str) -> None:
    """Tables and columns that somebody added do not matter."""
    make_wire(file_url).engine.close()
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        connection.execute("CREATE TABLE theirs (x)")
        connection.execute("ALTER TABLE endpoints ADD COLUMN theirs")
    Engine.open(file_url).close()


def test_a_read_only_database(make_wire: Callable[..., Wire], file_url: str) -> None:
    """A database that cannot be written is refused when it is opened."""
    make_wire(file_url).engine.close()
    message = refusal(f"sqlite:///file:{path_of(file_url)}?mode=ro&uri=true")
    assert "read-only" in message


@pytest.fixture
def immutable() -> Iterator[Callable[[str], None]]:
    """Make files immutable, for root too, or skips where that cannot be done."""
    made: list[str] = []

    def make(path: str) -> None:
        try:
            done = subprocess.run(  # noqa: S603 -- our own file
                ["/usr/bin/chattr", "+i", path], check=False, capture_output=True
            )
        except OSError:
            pytest.skip("chattr is not there")
        if done.returncode:
            pytest.skip("this file system has no immutable files")
        made.append(path)

    yield make
    for path in made:
        subprocess.run(["/usr/bin/chattr", "-i", path], check=True)  # noqa: S603 -- as above


def test_a_read_only_file(
    make_wire: Callable[..., Wire], file_url: str, immutable: Callable[[str], None]
) -> None:
    """A file without the right to write is refused when it is opened."""
    make_wire(file_url).engine.close()
    immutable(path_of(file_url))
    assert "read-only" in refusal(file_url)


def limit_pages(wire: Wire, pages: int) -> None:
    """Make the disk full at a number of pages, for all idle connections."""
    with wire.engine._store.read() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def test_a_full_disk(make_wire: Callable[..., Wire], file_url: str) -> None:
    """A full disk answers 500 without data, half-writes nothing, and a retry works later."""
    wire = make_wire(file_url)
    wire.update("e")
    before = wire.dump()
    limit_pages(wire, 1)
    items = [{"Id": f"{SECRET}-{n}", "Attributes": {"a": ["x" * 100]}} for n in range(100)]
    answer = wire.batch(*items)
    assert (answer.status, answer.code) == (500, "InternalServerErrorException")
    assert "full; make room" in answer.message
    assert RETRYABLE not in answer.headers
    assert SECRET not in answer.message
    assert "INSERT" not in answer.message
    assert wire.dump() == before
    limit_pages(wire, 1_000_000)
    assert wire.batch(*items).status == 202
    assert len(wire.rows("SELECT 1 FROM endpoints")) == 101


def test_a_database_that_becomes_read_only(make_wire: Callable[..., Wire], file_url: str) -> None:
    """Losing the right to write answers 500 until it is given back; reading goes on."""
    wire = make_wire(file_url)
    wire.update("e")
    with wire.engine._store.read() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
    answer = wire.update("e")
    assert (answer.status, answer.code) == (500, "InternalServerErrorException")
    assert "read-only" in answer.message
    assert answer.headers[RETRYABLE] == "false"
    assert wire.get("e")["Id"] == "e"
    with wire.engine._store.read() as connection:
        connection.exec_driver_sql("PRAGMA query_only=OFF")
    assert wire.update("e").status == 202


def test_a_database_locked_for_too_long(make_wire: Callable[..., Wire], file_url: str) -> None:
    """Another process that holds the lock makes a write fail after a while, not a read."""
    wire = make_wire(file_url, busy_timeout=0.1)
    wire.update("e")
    other = sqlite3.connect(path_of(file_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answer = wire.update("e")
    assert answer.status == 500
    assert "locked" in answer.message
    assert wire.get("e")["Id"] == "e"
    other.rollback()
    other.close()
    assert wire.update("e").status == 202


@pytest.mark.sqlite_only("elsewhere readers do not wait for writers")
def test_a_thread_that_holds_the_store_for_too_long(make_wire: Callable[..., Wire]) -> None:
    """Threads of one process wait for each other just as long."""
    wire = make_wire(busy_timeout=0.05)
    with wire.engine._store.write():
        answer = wire.send("GET", "/v1/apps")
    assert answer.status == 500
    assert "Another thread" in answer.message


def test_an_unknown_database_error_is_explained() -> None:
    """An error without an explanation of its own shows its type only."""
    error = OperationalError("SELECT", {}, sqlite3.OperationalError(SECRET))
    why = MEMORY.explain(error)
    assert why.sentence == "the database failed (OperationalError); try again"
    assert not why.is_permanent


@pytest.mark.parametrize(
    ("text", "is_permanent"),
    [
        ("database or disk is full", False),
        ("database is locked", False),
        ("disk I/O error", False),
        ("unable to open database file", False),
        ("attempt to write a readonly database", True),
        ("file is not a database", True),
        ("database disk image is malformed", True),
        ("no such table: apps", True),
    ],
)
def test_which_failures_pass(text: str, *, is_permanent: bool) -> None:
    """What may pass by itself is told from what lasts until somebody mends it."""
    error = OperationalError("SELECT", {}, sqlite3.OperationalError(text))
    assert MEMORY.explain(error).is_permanent is is_permanent


def corrupt(path: str, table: str) -> None:
    """Overwrite the first page of a table, which opening does not read."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        size = connection.execute("PRAGMA page_size").fetchone()[0]
        root = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?", [table]
        ).fetchone()[0]
    with Path(path).open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)


def test_a_corrupt_page_is_permanent(
    make_wire: Callable[..., Wire], file_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Damage that shows later says that repeating is no use; the log has it once, with the file."""
    make_wire(file_url).engine.close()
    corrupt(path_of(file_url), "apps")
    with Engine.open(file_url) as engine:
        answers = [engine.handle(Request("GET", "/v1/apps")) for _ in range(8)]
    for answer in answers:
        assert (answer.status, answer.headers[RETRYABLE]) == (500, "false")
        assert answer.headers["x-amzn-ErrorType"] == "InternalServerErrorException"
        assert b"restore it from a backup" in answer.body
        assert path_of(file_url).encode() not in answer.body
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith(
        f"The database {path_of(file_url)}: the database file is corrupt"
    )
    assert answers[0].headers["x-amzn-RequestId"] in record.getMessage()


def test_failures_are_told_once_a_cause_and_hour(caplog: pytest.LogCaptureFixture) -> None:
    """Each cause has a line of its own, and another one when it is there an hour later."""
    now = 0.0
    failures = FailureLog("The database shop.db", lambda: now)
    full, corrupt = (
        MEMORY.explain(OperationalError("", {}, sqlite3.OperationalError(text)))
        for text in ("disk is full", "malformed")
    )
    for why in (full, full, corrupt, full, corrupt):
        failures.report(why, "r")
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]
    now = 3599.0
    failures.report(full, "r")
    assert len(caplog.records) == 2
    now = 3600.0
    failures.report(full, "r")
    assert "disk or the database is full" in caplog.records[2].getMessage()


@pytest.fixture
def _open_umask() -> Iterator[None]:
    """Give the usual umask, which lets everybody read new files."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode_of(path: Path) -> int:
    """Who may do what with a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("_open_umask")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_new_file_is_its_owners_only(make_wire: Callable[..., Wire], file_url: str) -> None:
    """Addresses and user ids are readable for nobody else, nor in the side files."""
    make_wire(file_url).update("e", Address=SECRET, ChannelType="EMAIL")
    modes = {path.name: mode_of(path) for path in Path(path_of(file_url)).parent.iterdir()}
    assert modes == dict.fromkeys(["pinpoint.db", "pinpoint.db-wal", "pinpoint.db-shm"], 0o600)


@pytest.mark.usefixtures("_open_umask")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_behind_a_link_is_its_owners_only(tmp_path: Path) -> None:
    """A link to a file that is to be made leads to one with the same rights."""
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    Engine.open(f"sqlite:///{tmp_path}/link.db").close()
    assert mode_of(tmp_path / "real.db") == 0o600


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_mode_of_an_existing_file_stays(file_url: str) -> None:
    """Who shares a database between users has said so by its rights."""
    path = Path(path_of(file_url))
    path.touch()
    path.chmod(0o664)
    Engine.open(file_url).close()
    Engine.open(file_url).close()
    assert mode_of(path) == 0o664


def test_deleted_data_leaves_the_files(make_wire: Callable[..., Wire], file_url: str) -> None:
    """After a deletion no file of the database holds the personal data any more."""
    wire = make_wire(file_url)
    wire.update("e", ChannelType="EMAIL", Address=SECRET, User={"UserId": f"user-{SECRET}"})
    wire.update("f", User={"UserId": f"user-{SECRET}", "UserAttributes": {"mail": [SECRET]}})
    assert wire.user(f"user-{SECRET}", "DELETE").status == 202
    for path in Path(path_of(file_url)).parent.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name


def test_scrubbing_never_waits(make_wire: Callable[..., Wire], file_url: str) -> None:
    """A reader elsewhere does not hold a deletion up, nor make it fail."""
    wire = make_wire(file_url)
    wire.update("e", Address=SECRET, ChannelType="EMAIL")
    other = sqlite3.connect(path_of(file_url), isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT * FROM endpoints").fetchall()
    assert wire.send("DELETE", wire.endpoint_path("e")).status == 202
    other.rollback()
    other.close()


def test_a_failing_scrub_does_not_refuse_the_deletion(
    make_wire: Callable[..., Wire], file_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint is gone and answered, even if the log cannot be cleaned right now."""
    wire = make_wire(file_url)
    wire.update("e")

    def fail(_: object) -> None:
        raise OperationalError("", {}, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(connections, "scrub", fail)
    assert wire.send("DELETE", wire.endpoint_path("e")).status == 202


def test_a_new_file_that_is_in_use(file_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening waits until the file is free for a moment, and says so if that takes too long."""
    other = sqlite3.connect(path_of(file_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(sqlite_dialect, "_WAL_TIMEOUT_S", 0.0)
    with pytest.raises(StoreError, match="locked"):
        Engine.open(file_url, busy_timeout=0.0)
    monkeypatch.setattr(sqlite_dialect, "_WAL_TIMEOUT_S", 60.0)
    monkeypatch.setattr("time.sleep", lambda _: other.rollback())
    Engine.open(file_url, busy_timeout=0.0).close()
    other.close()


def test_the_settings_of_the_file(make_wire: Callable[..., Wire], file_url: str) -> None:
    """Write-ahead log, durable commits and overwriting of deleted data are on."""
    wire = make_wire(file_url)
    assert wire.rows("PRAGMA journal_mode") == [{"journal_mode": "wal"}]
    assert wire.rows("PRAGMA synchronous") == [{"synchronous": 2}]
    assert wire.rows("PRAGMA secure_delete") == [{"secure_delete": 1}]


def test_what_is_written_in_bulk_does_not_wait_for_the_disk(
    make_wire: Callable[..., Wire], file_url: str
) -> None:
    """Pieces of a job ask for less than other writes, and never lend them their connection."""
    store = make_wire(file_url).engine._context.store
    levels = []
    for how in ({"bulk": True}, {}, {"waits": False}, {"bulk": True}, {}, {"waits": False}):
        with store.write(**how) as connection:
            levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())
    assert levels == [1, 2, 1, 1, 2, 1]  # NORMAL, FULL


def test_the_log_can_be_moved_while_others_write(
    make_wire: Callable[..., Wire], file_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First without keeping anybody from writing; then, for the little that has come, alone."""
    wire = make_wire(file_url)
    store = wire.engine._context.store
    move, alone = sqlite_dialect.Sqlite.move_log, list[bool]()

    def moving(dialect: sqlite_dialect.Sqlite, connection: Connection) -> None:
        if not store._writer.locked():
            wire.update("device-1")
        alone.append(store._writer.locked())
        move(dialect, connection)

    monkeypatch.setattr(sqlite_dialect.Sqlite, "move_log", moving)
    store.move_log()
    assert alone == [False, True]
    file = sqlite3.connect(f"file:{path_of(file_url)}?immutable=1", uri=True)  # without its log
    with contextlib.closing(file):
        assert file.execute("SELECT id FROM endpoints").fetchall() == [("device-1",)]


def test_statements_run_in_every_parameter_style() -> None:
    """Constants and repeated names reach drivers of both styles in the right places."""
    statement = Statement(select(bindparam("b"), literal("c"), bindparam("a")), "a", "b")
    assert statement._compile(sqlite.dialect()).parameters((1, 2)) == (2, "c", 1)
    psycopg2 = make_url("postgresql+psycopg2://").get_dialect()()
    named = statement._compile(psycopg2)
    assert named.parameters((1, 2)) == {"a": 1, "b": 2, "param_1": "c"}
    assert list(padded([], (1, 2))) == []


def test_another_programs_file_is_left_as_it_was(tmp_path: Path) -> None:
    """A refused file keeps its journal mode: nothing of it is changed."""
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program"):
        Engine.open(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_jobs_keep_going_over_the_change_to_leases(
    make_wire: Callable[..., Wire], file_url: str
) -> None:
    """Version 4 kept who works on a job with the job; an unfinished one goes on afterwards."""
    wire = make_wire(file_url)
    wire.engine.close()
    with contextlib.closing(sqlite3.connect(path_of(file_url))) as connection:
        connection.execute("ALTER TABLE jobs ADD COLUMN holder TEXT")
        connection.execute("ALTER TABLE jobs ADD COLUMN held_until BIGINT NOT NULL DEFAULT 0")
        connection.execute("DROP TABLE leases")
        connection.execute(
            "INSERT INTO jobs (app, id, type, status, created, definition, makes_segment,"
            " total_pieces, completed_pieces, failed_pieces, processed, failed, position, open,"
            " holder, held_until) VALUES (1, 'j', 'EXPORT', 'CREATED', 0, '{}', 0, 0, 0, 0, 0, 0,"
            " '', 1, 'elsewhere#1#x', 9)"
        )
        connection.execute("UPDATE pinpoint_meta SET value = 4 WHERE name = 'schema_version'")
        connection.commit()
    again = make_wire(file_url)
    (row,) = again.rows("SELECT * FROM jobs")
    assert (row["id"], row["number"], "holder" in row) == ("j", 1, False)
    assert again.rows("SELECT * FROM leases") == []
    assert again.engine.wait_s() == 0.0
    indexes = again.rows(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'jobs'"
    )
    names = {index["name"] for index in indexes}
    assert {"jobs_by_segment", "jobs_by_type", "jobs_open"} <= names


def test_the_log_shrinks_after_a_long_reader(
    make_wire: Callable[..., Wire], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It grows beside somebody who reads for long, and gives the disk back afterwards."""
    monkeypatch.setattr(connections, "LOG_BYTES", 1_000_000)
    monkeypatch.setattr(connections, "_LOG_PAGES", 1_000)
    path = tmp_path / "p.db"
    wire = make_wire(f"sqlite:///{path}")
    log = path.with_name("p.db-wal")

    def write(rounds: int) -> None:
        for number in range(rounds):
            items = ({"Id": f"e{number}-{n}", "Attributes": {"a": ["x" * 100]}} for n in range(100))
            wire.batch(*items)

    with contextlib.closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM endpoints").fetchall()
        write(100)
        assert log.stat().st_size > 4_500_000
    write(3)
    assert log.stat().st_size < 2_000_000

"""`dead-letters`: listing, showing, exporting, replaying and purging, beside living programs."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import sqlite3
import stat
import sys
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit.cli.commands import dead_letters as commands
from pinpoint_kit.delivery.spool.reader import DeadLetters, content
from pinpoint_kit.delivery.spool.spool import Spool
from pinpoint_kit.errors import StoreError, ValidationError
from tests.programs import Program
from tests.timing import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Run

AT = "2026-11-01T12:00:00.000Z"
START = dt.datetime(2026, 11, 1, tzinfo=dt.timezone.utc)
DAY = 86_400.0
ENGINE = ("--url", "sqlite:///pinpoint.db")
SECRET = "secret"
MISSING = 99


def fragment(event_id: str, **members: object) -> bytes:
    """Return an event as it stands in a spool."""
    event = {"EventType": "level_up", "Timestamp": AT, **members}
    return json.dumps({event_id: event})[1:-1].encode()


def make_spool(path: Path) -> None:
    """1 and 4: good events; 2: an event without content; 3: an endpoint update. A day apart."""
    now = START.timestamp()

    def clock() -> float:
        return now

    spool = Spool(path, clock=clock)
    items = (
        ("event", "device-1", "e1", fragment("e1", Attributes={"a": SECRET}), "status_400"),
        ("event", "device-1", "e2", b"", "invalid"),
        ("endpoint", "device-2", "", b'{"Id":"device-2","Address":"secret"}', "status_400"),
        ("event", "device-1", "e4", fragment("e4"), "too_large"),
    )
    for kind, endpoint_id, item_id, body, reason in items:
        data = b'{"User":{"UserId":"user-1"}}' if item_id == "e1" else b""
        message = f"the service said {reason}"
        spool.add_dead_letter(
            kind, endpoint_id, item_id, body, data, reason=reason, message=message
        )
        now += DAY
    spool.close()


@pytest.fixture
def spool(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a closed spool with four dead letters, which the environment names."""
    monkeypatch.setenv("PINPOINT_KIT_SPOOL", "events.spool")
    make_spool(folder / "events.spool")
    return folder / "events.spool"


def ids(path: Path) -> list[int]:
    """Return the dead letters that are in the spool."""
    with DeadLetters(path) as letters:
        return [letter.id for letter in letters.heads()]


def queued(path: Path) -> list[str]:
    """Return the items that wait in the queue, whoever owns them, in their order."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT item_id FROM queue ORDER BY seq")]


# Looking


def test_list(run: Run, spool: Path) -> None:
    """The table names every letter and counts them by reason, without what was recorded."""
    answer = run("dead-letters", "list", "--spool", str(spool))
    assert (answer.status, answer.stderr) == (0, "")
    for text in ("status_400", "too_large", "device-2", "e4", "2026-11-03 00:00Z"):
        assert text in answer.stdout
    assert answer.stdout.splitlines()[-1] == (
        "4 dead letter(s): 2 status_400, 1 invalid, 1 too_large"
    )
    assert SECRET not in answer.stdout


@pytest.mark.usefixtures("spool")
def test_list_as_json(run: Run) -> None:
    """--json gives the same under stable names; the environment names the spool."""
    value = run("dead-letters", "list", "--json").value
    assert value["reasons"] == {"status_400": 2, "invalid": 1, "too_large": 1}
    assert value["letters"][2] == {
        "id": 3,
        "kind": "endpoint",
        "reason": "status_400",
        "died_at": "2026-11-03T00:00:00.000Z",
        "tries": 0,
        "size": 36,
        "endpoint_id": "device-2",
        "event_id": None,
    }
    assert SECRET not in json.dumps(value)


@pytest.mark.parametrize(
    ("options", "shown", "following"),
    [
        (("--limit", "2"), [1, 2], 2),
        (("--limit", "2", "--after", "2"), [3, 4], None),
        (("--reason", "status_400"), [1, 3], None),
        (("--reason", "status_400", "--limit", "1"), [1], 1),
        (("--reason", "nothing"), [], None),
    ],
)
@pytest.mark.usefixtures("spool")
def test_parts_of_the_list(
    run: Run, options: tuple[str, ...], shown: list[int], following: int | None
) -> None:
    """--limit, --after and --reason choose, and it is said where to go on; counts are of all."""
    value = run("dead-letters", "list", "--json", *options).value
    assert [letter["id"] for letter in value["letters"]] == shown
    assert (value["next_after"], sum(value["reasons"].values())) == (following, 4)
    hint = f"--after {following}" if following else ""
    assert hint in run("dead-letters", "list", *options).stderr


def test_an_empty_spool(run: Run, folder: Path) -> None:
    """Without dead letters every command says so, with status 0."""
    Spool(folder / "new.spool").close()
    options = ("--spool", "new.spool")
    assert run("dead-letters", "list", *options).stdout == "no dead letters\n"
    assert run("dead-letters", "replay", "--all", *options).stdout == "nothing to replay\n"
    assert run("dead-letters", "purge", "--all", *options).status == 0
    assert run("dead-letters", "export", "-", *options).stdout == ""


@pytest.mark.usefixtures("spool")
def test_show(run: Run) -> None:
    """One letter is shown with its message and what was recorded, in Pinpoint's names."""
    value = run("dead-letters", "show", "1", "--json").value
    assert (value["id"], value["message"]) == (1, "the service said status_400")
    assert value["content"] == {
        "EndpointId": "device-1",
        "EventId": "e1",
        "EventType": "level_up",
        "Timestamp": AT,
        "Attributes": {"a": SECRET},
        "Endpoint": {"User": {"UserId": "user-1"}},
    }
    text = run("dead-letters", "show", "1").stdout
    assert "Endpoint.User.UserId" in text
    assert "the service said" in text


@pytest.mark.usefixtures("spool")
def test_show_an_endpoint_update_and_a_letter_without_content(run: Run) -> None:
    """An update shows its members; a letter without content says why there is none."""
    update = run("dead-letters", "show", "3", "--json").value
    assert update["content"] == {"Id": "device-2", "Address": SECRET}
    answer = run("dead-letters", "show", "2")
    assert (answer.status, answer.stderr) == (
        0,
        "dead letter 2 has no content: it could not be encoded\n",
    )


@pytest.mark.parametrize("words", [("show",), ("replay",), ("purge", "--yes")])
def test_a_letter_that_is_not_there(run: Run, spool: Path, words: tuple[str, ...]) -> None:
    """An unknown id is one sentence and status 1, and nothing changes."""
    answer = run("dead-letters", *words, str(MISSING))
    assert answer.status == 1
    assert answer.stderr.startswith(f"no dead letter {MISSING}: ")
    assert ids(spool) == [1, 2, 3, 4]


# Mending


def test_export_fix_record(run: Run, folder: Path) -> None:
    """What a client had refused is exported, corrected and recorded under its own event id."""
    options: dict[str, Any] = {"application": "shop", "spool": "events.spool"}
    with pk.connect("sqlite:///pinpoint.db", invalid="reject", **options) as pinpoint:
        details: dict[str, Any] = {"attributes": {"comment": "x" * 201}, "metrics": {"level": 2.5}}
        event_id = pinpoint.events.record("device-1", "level_up", **details)
        assert pinpoint.flush(5).rejected == 1
    exported = run("dead-letters", "export", "letters.ndjson", "--spool", "events.spool")
    assert (exported.status, exported.stdout) == (0, "1 dead letter(s) exported, 0 skipped\n")
    text = (folder / "letters.ndjson").read_text("utf-8")
    record = ("record", "-", "--application", "shop", "--json", *ENGINE)
    assert run(*record, stdin=text).value["rejected"] == 1  # not corrected yet
    mended = run(*record, stdin=text.replace("x" * 201, "short"))
    assert (mended.status, mended.value["accepted"]) == (0, 1)
    with contextlib.closing(sqlite3.connect(folder / "pinpoint.db")) as db:
        assert db.execute("SELECT event_id FROM events").fetchall() == [(event_id,)]
    assert ids(folder / "events.spool") == [1]  # until it is purged


@pytest.mark.usefixtures("spool")
def test_export_to_stdout(run: Run) -> None:
    """With -, stdout holds lines and nothing else; what was left out is said on stderr."""
    answer = run("dead-letters", "export", "-")
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [line["EventId"] for line in lines] == ["e1", "e4"]
    assert answer.stderr.splitlines() == [
        "dead letter 2 is skipped: it has no content: it could not be encoded",
        "2 dead letter(s) exported, 1 skipped; of kind endpoint: 1",
    ]
    assert answer.status == 1
    recorded = run("record", "-", "--json", *ENGINE, stdin=answer.stdout)
    assert (recorded.status, recorded.value["accepted"]) == (0, 2)
    assert run("user", "endpoints", "user-1", *ENGINE).status == 0


@pytest.mark.usefixtures("spool")
def test_export_endpoint_updates(run: Run) -> None:
    """Endpoint updates are exported on their own, as `endpoint update --file` reads them."""
    answer = run("dead-letters", "export", "-", "--kind", "endpoint")
    assert answer.status == 0
    update = ("endpoint", "update", "device-2", "--file", "-", "--url", "sqlite://")
    assert run(*update, stdin=answer.stdout).status == 1  # it lacks ChannelType: so it died
    mended = answer.stdout.replace("{", '{"ChannelType":"CUSTOM",', 1)
    assert run(*update, stdin=mended).status == 0


@pytest.mark.usefixtures("spool")
def test_an_exported_file(run: Run, folder: Path) -> None:
    """The file is its owner's alone, and an existing one is never overwritten."""
    answer = run("dead-letters", "export", "letters.ndjson", "--json")
    assert answer.value == {"exported": 2, "skipped": 1, "other_kind": 1}
    file = folder / "letters.ndjson"
    if os.name != "nt":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    again = run("dead-letters", "export", "letters.ndjson")
    assert (again.status, file.read_bytes()) == (2, before)
    assert "exists already" in again.stderr
    assert run("dead-letters", "export", "-", "--json").status == 2
    assert run("dead-letters", "export", "missing/letters.ndjson").status == 2


def test_damaged_content(spool: Path) -> None:
    """Content that cannot be decoded is called damaged, and never repeated."""
    with contextlib.closing(sqlite3.connect(spool)) as db, db:
        db.execute("UPDATE dead SET body = ? WHERE id = 1", (b"secret",))
        db.execute("UPDATE dead SET body = ? WHERE id = 3", (b'["secret"]',))
        db.execute("UPDATE dead SET item_id = 'other' WHERE id = 4")
    with DeadLetters(spool) as letters:
        for letter in letters.contents():
            with pytest.raises(ValidationError) as caught:
                content(letter)
            assert ("damaged" in str(caught.value)) == (letter.id != 2)
            assert SECRET not in str(caught.value)


# Sending again


@pytest.fixture
def living(folder: Path, spool: Path) -> Iterator[Program]:
    """Give a client in a process of its own that has the spool open, until its stdin is closed."""
    program = (
        "import sys, pinpoint_kit as pk\n"
        "with pk.connect('sqlite:///pinpoint.db', application='shop', spool=sys.argv[1]) as p:\n"
        "    print('open', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with Program([sys.executable, "-c", program, str(spool)], cwd=folder) as process:
        assert process.out.line() == "open\n"
        yield process
        process.end_input()
        process.succeed()


def stored(folder: Path) -> list[str]:
    """Return the event ids in the engine, in the order in which they arrived."""
    with contextlib.closing(sqlite3.connect(folder / "pinpoint.db")) as db:
        return [row[0] for row in db.execute("SELECT event_id FROM events ORDER BY number")]


@pytest.mark.slow
def test_replay_beside_a_living_client(
    run: Run, folder: Path, spool: Path, living: Program
) -> None:
    """A process that has the spool open delivers what another one replays, without a restart."""
    answer = run("dead-letters", "replay", "4", "1", "1", "--json")
    assert (answer.status, answer.value["replayed"]) == (0, 2)
    wait_until(lambda: len(stored(folder)) == 2)
    assert living.process.poll() is None
    assert stored(folder) == ["e1", "e4"]
    assert ids(spool) == [2, 3]


def test_replay_to_the_next_client(run: Run, folder: Path, spool: Path) -> None:
    """Without a living client the letters wait, and the next one that opens delivers them."""
    answer = run("dead-letters", "replay", "--all")
    assert answer.stdout.startswith("3 dead letter(s) moved back into the queue: a client that has")
    assert answer.stderr == "dead letter 2 stays: it has no content that could be sent\n"
    assert (answer.status, queued(spool), ids(spool)) == (1, ["e1", "", "e4"], [2])
    with pk.connect("sqlite:///pinpoint.db", application="shop", spool=spool) as pinpoint:
        wait_until(lambda: pinpoint.flush(0.05).reasons)
        assert pinpoint.flush(5).accepted == 2
    assert stored(folder) == ["e1", "e4"]
    assert len(ids(spool)) == 2  # the update was refused again, and came back as a new letter


# Removing


def test_purge(run: Run, spool: Path) -> None:
    """Letters go by id, by time, or all; without a terminal --yes is needed."""
    refused = run("dead-letters", "purge", "1")
    assert (refused.status, ids(spool)) == (2, [1, 2, 3, 4])
    assert "--yes" in refused.stderr
    assert run("dead-letters", "purge", "1", str(MISSING), "--yes", "--json").value == {
        "purged": 1,
        "not_found": [MISSING],
    }
    assert ids(spool) == [2, 3, 4]
    before = ("--before", "2026-11-03T12:00:00Z", "--yes")
    assert run("dead-letters", "purge", "4", *before).status == 0
    assert ids(spool) == [2, 3, 4]
    assert run("dead-letters", "purge", *before).stdout == "2 dead letter(s) removed\n"
    assert ids(spool) == [4]
    assert run("dead-letters", "purge", "--all", "--yes").status == 0
    assert ids(spool) == []
    assert SECRET.encode() not in spool.read_bytes()


def test_purge_asks_on_a_terminal(run: Run, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal it asks with the number of letters, and only yes removes them."""

    def asked(question: str, **_: object) -> None:
        questions.append(question)

    questions: list[str] = []
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    no = run("dead-letters", "purge", "--all", stdin="n\n")
    assert (no.status, ids(spool)) == (130, [1, 2, 3, 4])
    assert "Remove 4 dead letter(s) permanently?" in no.stderr
    monkeypatch.setattr("click.confirm", asked)
    assert run("dead-letters", "purge", "--all").status == 0
    assert (questions, ids(spool)) == (["Remove 4 dead letter(s) permanently?"], [])


def test_letters_that_arrive_during_the_question_stay(
    run: Run, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is removed is what was counted, not what came while the question stood there."""

    def slow_answer(*_: object, **__: object) -> None:
        with contextlib.closing(Spool(spool)) as other:
            other.add_dead_letter(
                "event", "d", "late", fragment("late"), b"", reason="x", message=""
            )

    monkeypatch.setattr(commands, "confirm", slow_answer)
    assert run("dead-letters", "purge", "--all").status == 0
    assert ids(spool) == [5]


@pytest.mark.parametrize(
    "words",
    [
        ("replay",),
        ("replay", "1", "--all"),
        ("replay", "0"),
        ("replay", str(2**63)),
        ("purge",),
        ("purge", "1", "--all"),
        ("purge", "--before", "yesterday", "--yes"),
    ],
)
def test_choices_that_are_none(run: Run, spool: Path, words: tuple[str, ...]) -> None:
    """Neither, both, or what is no id and no instant is a usage error that changes nothing."""
    answer = run("dead-letters", *words)
    assert (answer.status, answer.stdout) == (2, "")
    assert ids(spool) == [1, 2, 3, 4]


# Files that are no spool

COMMANDS = (
    ("list",),
    ("show", "1"),
    ("export", "out.ndjson"),
    ("replay", "--all"),
    ("purge", "--all", "--yes"),
)


def _text(path: Path) -> None:
    path.write_text("no spool" * 1000)


def _empty(path: Path) -> None:
    path.touch()


def _database(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (a)")


def _newer(path: Path) -> None:
    make_spool(path)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=2")


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (None, "There is no spool"),
        (_text, "is not a spool"),
        (_empty, "is not a spool"),
        (_database, "is not a spool"),
        (os.mkdir, "is a directory"),
        (_newer, "upgrade pinpoint-kit"),
    ],
    ids=["missing", "text", "empty", "database", "directory", "newer"],
)
def test_no_spool(run: Run, folder: Path, words: tuple[str, ...], make: Any, reason: str) -> None:
    """What is no spool gets one sentence and status 2; nothing is made, and it stays as it is."""
    path = folder / "some.spool"
    if make is not None:
        make(path)
    before = {p: p.read_bytes() if p.is_file() else b"" for p in folder.iterdir()}
    answer = run("dead-letters", *words, "--spool", "some.spool")
    assert (answer.status, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1
    assert reason in answer.stderr
    assert {p: p.read_bytes() if p.is_file() else b"" for p in folder.iterdir()} == before


def test_a_database_in_use_is_no_spool(run: Run, folder: Path) -> None:
    """A database that somebody has open is refused as well, and nothing is made beside it."""
    with contextlib.closing(sqlite3.connect(folder / "pinpoint.db")) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (a)")
        before = sorted(folder.iterdir())
        answer = run("dead-letters", "list", "--spool", "pinpoint.db")
        assert (answer.status, sorted(folder.iterdir())) == (2, before)
        assert "is not a spool" in answer.stderr


def test_the_spool_must_be_named(run: Run, folder: Path) -> None:
    """Without --spool and without the environment nothing is guessed."""
    make_spool(folder / "events.spool")
    answer = run("dead-letters", "list")
    assert answer.status == 2
    assert "--spool" in answer.stderr


def test_a_rescue_is_said(run: Run, spool: Path) -> None:
    """When the file was damaged and is repaired on the way, that is said, and letters are kept."""
    rescued = spool.with_name("events.spool.rescue")
    spool.rename(rescued)  # as a rescue leaves it that was killed
    answer = run("dead-letters", "list")
    assert answer.status == 0
    assert "warning: the spool was corrupt: 0 queued item(s) and 4 dead letter(s)" in answer.stderr


def test_a_locked_spool(run: Run, spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spool that somebody keeps locked is one sentence and status 2."""
    monkeypatch.setattr("pinpoint_kit.delivery.spool.schema.BUSY_S", 0.05)
    with contextlib.closing(sqlite3.connect(spool, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        answer = run("dead-letters", "list")
        db.execute("ROLLBACK")
        assert (answer.status, len(answer.stderr.splitlines())) == (2, 1)
        assert "locked" in answer.stderr


def test_trouble_with_the_file_is_a_store_error(spool: Path) -> None:
    """What goes wrong after opening is an error of this package, with the spool's own sentence."""
    letters = DeadLetters(spool)
    letters.close()
    letters.close()
    with pytest.raises(StoreError, match="the spool was closed"):
        letters.get(1)


def test_the_repr_shows_no_content(spool: Path) -> None:
    """Reprs name the file and the letter, never what was recorded."""
    with DeadLetters(spool) as letters:
        letter = letters.get(1)
        assert repr(letters) == "<DeadLetters events.spool>"
        assert letter is not None
        assert SECRET not in repr(letter) + repr(content(letter))

"""`copy_store`: everything arrives and is checked; whatever interrupts it, the next run goes on."""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import signal
import sqlite3
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)

from pinpoint_kit.engine import CopyProgress, CopyReport, Engine, back_up, copy_store
from pinpoint_kit.engine.copying import tables
from pinpoint_kit.engine.storage.dialects.known import dialect_of
from pinpoint_kit.engine.storage.store import Store
from pinpoint_kit.engine.storage.tables.metadata import META, METADATA, OF_THIS_DATABASE
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Executable

    from tests.engine.conftest import Wire
    from tests.postgresql import Server

COPIED = [
    table for table in METADATA.tables.values() if not OF_THIS_DATABASE.keys() & table.info.keys()
]
ROWS = 7


def value(column: Column[Any], number: int) -> Any:
    """Return a value for a column: another one for each number, in places none."""
    if column.nullable and number % 3 == 0:
        return None
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    if isinstance(column.type, (Integer, BigInteger)):
        return number * (2**40 if isinstance(column.type, BigInteger) else 1)
    if isinstance(column.type, Float):
        return (number - 3) / 7 if number % 2 else -0.0
    return ["plain", "", "Ünï €", "\U0001f600", "quote'\"", "a\nb", "É"][number % 7] + str(number)


def fill(store: Store, rows: int = ROWS) -> None:
    """Put rows into every table that is copied, whatever its columns are."""
    with store.write() as connection:
        for table in COPIED:
            made = [
                {column.name: value(column, number) for column in table.columns}
                for number in range(1, rows + 1)
            ]
            connection.execute(insert(table), made)


def content(url: str) -> dict[str, list[Any]]:
    """Return what the tables that are copied hold."""
    store = Store.open(url)
    try:
        with store.read() as connection:
            return {
                table.name: [
                    tuple(row)
                    for row in connection.execute(select(table).order_by(*table.primary_key))
                ]
                for table in COPIED
            }
    finally:
        store.close()


def run(url: str, *statements: Executable) -> None:
    """Run statements in a database that may not be opened as a store."""
    dialect = dialect_of(url)
    engine = dialect.connect(5.0)
    with engine.connect() as connection:
        dialect.begin_write(connection)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    engine.dispose()


def notes(url: str) -> dict[str, str]:
    """Return what the table of the version holds."""
    engine = dialect_of(url).connect(5.0)
    with engine.connect() as connection:
        found = {row.name: row.value for row in connection.execute(select(META))}
    engine.dispose()
    return found


#: From which database into which.
PAIRS = [
    ("sqlite", "sqlite"),
    pytest.param(("sqlite", "postgresql"), marks=pytest.mark.slow),
    pytest.param(("postgresql", "sqlite"), marks=pytest.mark.slow),
]


@pytest.fixture(params=PAIRS, ids="-".join)
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Give URLs of databases that do not exist yet: of the source's kind, and of the target's."""
    kinds = dict(zip(("source", "target"), request.param, strict=True))
    numbers = itertools.count()
    with contextlib.ExitStack() as stack:

        def make(end: str) -> str:
            if kinds[end] == "sqlite":
                return f"sqlite:///{tmp_path}/{end}{next(numbers)}.db"
            server: Server = request.getfixturevalue("postgresql_server")
            return stack.enter_context(server.schema())

        yield make


@pytest.fixture
def source(urls: Callable[[str], str]) -> str:
    """Give a store with rows in every table."""
    url = urls("source")
    store = Store.open(url)
    fill(store)
    store.close()
    return url


@pytest.fixture
def target(urls: Callable[[str], str]) -> str:
    """Give the URL of a store that does not exist yet."""
    return urls("target")


@pytest.fixture
def file_source(tmp_path: Path) -> str:
    """Give a store with rows in every table, in a file."""
    url = f"sqlite:///{tmp_path}/filled.db"
    store = Store.open(url)
    fill(store)
    store.close()
    return url


@pytest.fixture
def file_target(tmp_path: Path) -> str:
    """Give the URL of a file that does not exist yet."""
    return f"sqlite:///{tmp_path}/target.db"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make batches of two rows, so that few rows take many steps."""
    monkeypatch.setattr(tables, "ROWS_A_BATCH", 2)


class Interruption(Exception):
    """Whatever ends a process."""


def interrupted(source: str, target: str, step: int) -> bool:
    """Copy up to a step; return whether there were so many."""
    steps = itertools.count(1)

    def stop(_: CopyProgress) -> None:
        if next(steps) == step:
            raise Interruption

    try:
        copy_store(source, target, on_progress=stop)
    except Interruption:
        return True
    return False


@pytest.mark.usefixtures("small")
def test_every_table_arrives(source: str, target: str) -> None:
    """All rows of all tables, with their numbers; the report says how many, and their digest."""
    report = copy_store(source, target)
    assert content(target) == content(source)
    assert report.tables.keys() == {table.name for table in COPIED}
    assert {each.rows for each in report.tables.values()} == {ROWS}
    assert report.rows == ROWS * len(COPIED)
    assert not report.is_resumed


def test_a_table_of_later_is_copied(file_source: str, file_target: str) -> None:
    """No list names the tables: one that a family adds is found in the `MetaData`."""
    later = Table("later", METADATA, Column("id", Text, primary_key=True))
    try:
        path = file_source.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE later (id TEXT PRIMARY KEY)")
            connection.execute("INSERT INTO later VALUES ('x')")
            connection.commit()
        assert copy_store(file_source, file_target).tables["later"].rows == 1
    finally:
        METADATA.remove(later)


def test_what_is_of_one_database_stays_there(source: str, target: str) -> None:
    """Leases mean processes, and the table of the version the database: they are not copied."""
    leases = METADATA.tables["leases"]
    run(source, insert(leases).values(worker="w", key="k", holder="h", held_until=1))
    report = copy_store(source, target)
    assert {"leases", "pinpoint_meta"} & report.tables.keys() == set()
    store = Store.open(target)
    with store.read() as connection:
        assert connection.execute(select(leases)).all() == []
    store.close()
    assert notes(target).keys() == {"schema_version"}


def test_every_table_has_a_key() -> None:
    """Rows are found again by their primary key, of integers and texts."""
    kinds = {type(column.type.as_generic()) for table in COPIED for column in table.primary_key}
    assert all(len(table.primary_key) for table in COPIED)
    assert kinds <= {Integer, BigInteger, Text}


@pytest.mark.sqlite_only("the fixture `urls` says which databases")
def test_clients_go_on_with_the_copy(
    make_wire: Callable[..., Wire], urls: Callable[[str], str], target: str
) -> None:
    """Endpoints, users, segments, settings and templates answer as before, and work goes on."""
    shop = urls("source")
    wire = make_wire(shop)
    for number in range(3):
        wire.update(f"e{number}", ChannelType="EMAIL", Address=f"{number}@x", User={"UserId": "u"})
    wire.put_event({"EventType": "x", "Timestamp": "2026-01-01T00:00:00Z"})
    segment = {"Name": "s", "SegmentGroups": {"Groups": [{"Dimensions": [{"UserAttributes": {}}]}]}}
    made = wire.post(f"/v1/apps/{wire.app}/segments", segment).json
    wire.post("/v1/templates/t/email", {"Subject": "hi"})
    wire.post(f"/v1/tags/arn:aws:mobiletargeting:us-east-1:0:apps/{wire.app}", {"tags": {"a": "b"}})
    paths = [
        "/v1/apps",
        f"/v1/apps/{wire.app}/users/u",
        f"/v1/apps/{wire.app}/segments/{made['Id']}",
        f"/v1/apps/{wire.app}/settings",
        "/v1/templates/t/email",
    ]
    before = [wire.send("GET", path) for path in paths]
    copy_store(shop, target)
    with Engine.open(target) as engine:
        other = type(wire)(engine)
        assert [answer.json for answer in before[1:]] == [
            other.send("GET", path).json for path in paths[1:]
        ]
        assert len(other.send("GET", "/v1/apps").json["Item"]) == 2
        other.app = wire.app
        assert other.update("e3", User={"UserId": "u"}).status == 202
        assert other.user_ids("u") == ["e0", "e1", "e2", "e3"]
        assert len(other.events()) == 1


@pytest.mark.sqlite_only("the fixture `urls` says which databases")
def test_numbers_of_deleted_applications_are_not_used_again(
    make_wire: Callable[..., Wire], urls: Callable[[str], str]
) -> None:
    """The target goes on where the source stopped, although the last row is gone."""

    def numbers(url: str) -> list[int]:
        wire = make_wire(url)
        with wire.engine._store.read() as connection:
            column = METADATA.tables["apps"].c.number
            return list(connection.execute(select(column).order_by(column)).scalars())

    shop, first, second = urls("source"), urls("target"), urls("target")
    wire = make_wire(shop)
    last = wire.post("/v1/apps", {"Name": "gone"}).json["Id"]
    assert wire.send("DELETE", f"/v1/apps/{last}").status == 200
    copy_store(shop, first)
    assert numbers(first) == [1, 3]  # a wire makes an application
    assert wire.send("DELETE", f"/v1/apps/{wire.app}").status == 200
    copy_store(shop, second)
    assert numbers(second) == [3]


@pytest.mark.usefixtures("small")
def test_an_interruption_anywhere(source: str, urls: Callable[[str], str]) -> None:
    """After steps of all kinds: the target is not served, and the next run goes on to the end."""
    expected = content(source)
    whole = copy_store(source, urls("target"))
    for step in itertools.count(1, 17):
        url = urls("target")
        if not interrupted(source, url, step):
            break
        with pytest.raises(StoreError, match="a copy into it has not finished"):
            Engine.open(url)
        report = copy_store(source, url)
        assert report.is_resumed
        assert report.tables == whole.tables
        assert content(url) == expected
    assert step > 2 * len(COPIED) * ROWS / 2


@pytest.mark.usefixtures("small")
def test_interrupted_again_and_again(source: str, target: str) -> None:
    """It gets somewhere each time: what is there is compared, and not copied again."""
    added: list[tuple[str, tables.Key]] = []
    original = tables.CopiedTable.add

    def add(self: tables.CopiedTable, connection: Any, rows: Any) -> None:
        original(self, connection, rows)
        added.extend((self.name, self.key_of(row)) for row in rows)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables.CopiedTable, "add", add)
        steps = itertools.count(len(COPIED), 4)
        while interrupted(source, target, next(steps)):
            pass
    assert content(target) == content(source)
    assert len(added) == len(set(added)) == ROWS * len(COPIED)


@pytest.mark.parametrize("step", [3, 40, 100])
def test_killed(file_source: str, file_target: str, step: int) -> None:
    """A process that dies at once leaves what the next one goes on with."""
    code = (
        "import os, signal, sys\n"
        "from pinpoint_kit.engine import copy_store\n"
        "from pinpoint_kit.engine.copying import tables\n"
        "tables.ROWS_A_BATCH = 2\n"
        "left = int(sys.argv[3])\n"
        "def count(_):\n"
        "    global left\n"
        "    left -= 1\n"
        "    left or os.kill(os.getpid(), signal.SIGKILL)\n"
        "copy_store(sys.argv[1], sys.argv[2], on_progress=count)\n"
    )
    command = [sys.executable, "-c", code, file_source, file_target, str(step)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL  # noqa: S603 -- ours
    assert copy_store(file_source, file_target).is_resumed
    assert content(file_target) == content(file_source)


@pytest.mark.usefixtures("small")
def test_what_has_changed_since_is_copied_anew(source: str, target: str) -> None:
    """A copy is of one moment: the run that ends it has the state of its own beginning."""
    assert interrupted(source, target, len(COPIED) * 4)
    store = Store.open(source)
    with store.write() as connection:
        for table in COPIED:
            first = [column == value(column, 1) for column in table.primary_key]
            connection.execute(table.delete().where(*first))
            connection.execute(
                insert(table), {each.name: value(each, ROWS + 1) for each in table.columns}
            )
    store.close()
    assert copy_store(source, target).is_resumed
    assert content(target) == content(source)


@pytest.mark.usefixtures("small")
def test_another_source_takes_the_place(
    source: str, target: str, urls: Callable[[str], str]
) -> None:
    """What an unfinished copy holds of another store goes."""
    other = urls("source")
    store = Store.open(other)
    fill(store, 2)
    store.close()
    assert interrupted(source, target, len(COPIED) * 4)
    copy_store(other, target)
    assert content(target) == content(other)


@pytest.mark.usefixtures("small")
def test_a_copy_is_of_one_moment(source: str, target: str) -> None:
    """What is written into the source from the beginning on is not copied; nobody waits."""
    expected = content(source)
    store = Store.open(source)
    numbers = itertools.count(100)

    def write(_: CopyProgress) -> None:
        number = next(numbers)
        with store.write() as connection:
            for table in COPIED:
                row = {column.name: value(column, number) for column in table.columns}
                connection.execute(insert(table), row)
            connection.execute(METADATA.tables["events"].delete().where(Column("number") == number))

    copy_store(source, target, on_progress=write)
    store.close()
    assert content(target) == expected


def refusal(source: str, target: str) -> str:
    """Copy what cannot be, and return why."""
    with pytest.raises(StoreError) as caught:
        copy_store(source, target)
    return str(caught.value)


def test_a_target_with_data_is_refused(source: str, target: str) -> None:
    """Nothing is written into it, and it is served as before."""
    store = Store.open(target)
    fill(store, 1)
    store.close()
    before = content(target)
    assert "it holds data already (in " in refusal(source, target)
    assert content(target) == before


def test_a_finished_copy_is_refused_as_a_target(source: str, target: str) -> None:
    """Copying once more would mix two states."""
    copy_store(source, target)
    assert "name an empty database" in refusal(source, target)


def test_an_empty_store_is_a_target(source: str, target: str) -> None:
    """One that an engine has made, and that nobody has used."""
    Engine.open(target).close()
    copy_store(source, target)
    assert content(target) == content(source)


def test_sources_that_cannot_be_read(file_source: str, file_target: str, tmp_path: Path) -> None:
    """The sentence names the database, and no target is made."""
    missing = tmp_path / "missing.db"
    assert "there is no database" in refusal(f"sqlite:///{missing}", file_target)
    assert not missing.exists()
    assert "in memory" in refusal("sqlite://", file_target)
    (tmp_path / "empty.db").touch()
    assert "empty.db: it is empty" in refusal(f"sqlite:///{tmp_path}/empty.db", file_target)
    assert "form sqlite:///FILE" in refusal("http://127.0.0.1:1", file_target)
    path = file_source.removeprefix("sqlite:///")
    for version, sentence in (("1", "which upgrades it"), ("999", "upgrade pinpoint-kit")):
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE pinpoint_meta SET value = ?", (version,))
            connection.commit()
        assert f"its schema version is {version}" in (said := refusal(file_source, file_target))
        assert sentence in said
    assert not Path(file_target.removeprefix("sqlite:///")).exists()


def test_targets_that_cannot_be_filled(file_source: str, tmp_path: Path) -> None:
    """In memory, in no folder, and a file of another program."""
    assert "in memory" in refusal(file_source, "sqlite://")
    assert "does not exist" in refusal(file_source, f"sqlite:///{tmp_path}/none/target.db")
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    assert "belongs to another program" in refusal(file_source, f"sqlite:///{other}")


def test_a_store_is_not_copied_into_itself(
    file_source: str, file_target: str, tmp_path: Path
) -> None:
    """Whatever it is called; an empty one stays as it was."""
    assert "it holds data already" in refusal(file_source, file_source)
    Engine.open(file_target).close()
    linked = tmp_path / "linked.db"
    linked.symlink_to(file_target.removeprefix("sqlite:///"))
    assert "source and target are one database" in refusal(file_target, f"sqlite:///{linked}")
    Engine.open(file_target).close()


def test_an_unfinished_copy_is_no_source(
    file_source: str, file_target: str, tmp_path: Path
) -> None:
    """It is neither copied nor backed up: it would be taken for the whole."""
    assert interrupted(file_source, file_target, 5)
    sentence = "a copy into it has not finished"
    assert sentence in refusal(file_target, f"sqlite:///{tmp_path}/third.db")
    with pytest.raises(StoreError, match=sentence):
        back_up(file_target, tmp_path / "backup.db")
    assert not (tmp_path / "third.db").exists()


def test_older_releases_refuse_an_unfinished_copy(source: str, target: str) -> None:
    """They know no copies: what they look for, the version, is not there before the end."""
    assert interrupted(source, target, 5)
    assert notes(target).keys() == {"copy"}


def test_a_copy_of_another_release_is_refused(source: str, target: str) -> None:
    """Its tables may be others."""
    assert interrupted(source, target, 5)
    token, _, done = json.loads(notes(target)["copy"])
    run(target, update(META).values(value=json.dumps([token, 1, done])))
    assert "finish it with that release" in refusal(source, target)


@pytest.mark.usefixtures("small")
def test_a_second_run_takes_over(source: str, target: str) -> None:
    """The first one, if it still lives, stops before it writes again."""
    reports: list[CopyReport] = []
    begun = itertools.count()

    def take_over(_: CopyProgress) -> None:
        if next(begun) == 9:
            reports.append(copy_store(source, target))

    with pytest.raises(StoreError, match="another copy into it has taken over"):
        copy_store(source, target, on_progress=take_over)
    assert [each.is_resumed for each in reports] == [True]
    assert content(target) == content(source)


APPS = METADATA.tables["apps"]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    "change", [delete(APPS).where(APPS.c.number > 2**41), update(APPS).values(name="x")]
)
def test_what_others_change_in_the_target_is_found(
    source: str, target: str, change: Executable
) -> None:
    """Every row is read back: the copy is not served, and the next run mends it."""

    def spoil(state: CopyProgress) -> None:
        if state.stage == "copying events":
            run(target, change)

    with pytest.raises(StoreError, match=r"apps has \d rows, which are not the 7 that were copied"):
        copy_store(source, target, on_progress=spoil)
    with pytest.raises(StoreError, match="not finished"):
        Engine.open(target)
    copy_store(source, target)
    assert content(target) == content(source)


@pytest.mark.parametrize("urls", PAIRS[1:2], ids="-".join, indirect=True)
@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"user_id": "a\0b"}, "U+0000"),
        ({"endpoint": "".join(map(chr, range(300, 8_000)))}, "too long"),
    ],
)
def test_what_the_target_cannot_hold_is_located(
    source: str, target: str, values: dict[str, str], sentence: str
) -> None:
    """By table and number, without the value; corrected in the source, the copy goes on."""
    events = METADATA.tables["events"]
    number = value(events.c.number, 5)
    run(source, update(events).where(events.c.number == number).values(**values))
    said = refusal(source, target)
    assert sentence in said
    assert f"events cannot be copied from number {number} on" in said
    assert not any(each in said for each in values.values())
    run(
        source, update(events).where(events.c.number == number).values(**dict.fromkeys(values, "a"))
    )
    copy_store(source, target)
    assert content(target) == content(source)


@pytest.mark.slow
def test_memory_stays_flat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight times the rows take hardly more memory."""
    monkeypatch.setattr(tables, "ROWS_A_BATCH", 50)

    def peak(rows: int) -> int:
        url = f"sqlite:///{tmp_path}/{rows}.db"
        store = Store.open(url)
        fill(store, rows)
        store.close()
        gc.collect()
        tracemalloc.start()
        copy_store(url, f"{url}.copy")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    before = gc.get_threshold()
    gc.set_threshold(100, 2, 2)  # cycles that wait to be collected are no memory that it needs
    try:
        peak(400)  # what is compiled and imported once, for whole batches, too
        assert peak(1_600) < 1.5 * peak(200)
    finally:
        gc.set_threshold(*before)


def test_progress_ends_at_the_total(file_source: str, file_target: str) -> None:
    """It never goes back; rows count twice, copied and checked."""
    seen: list[CopyProgress] = []
    copy_store(file_source, file_target, on_progress=seen.append)
    assert seen[-1].done == seen[-1].total == 2 * ROWS * len(COPIED)
    assert [each.done for each in seen] == sorted(each.done for each in seen)
    assert {each.stage.split(" ")[0] for each in seen} == {"copying", "checking"}

"""A lake has what the store has: what arrived, once, and nothing of whom it removed."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.engine import LakeSource, Request
from pinpoint_kit.engine.lakes import source
from pinpoint_kit.errors import ConfigurationError, StoreError
from pinpoint_kit.lake import export_lake, exporting
from pinpoint_kit.lake.layout import Layout, load
from pinpoint_kit.lake.schema import TABLES, sql_type
from pinpoint_kit.lake.writing import Writer
from tests.lake.kit import Shop
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Callable


def test_an_export_has_every_event_with_all_that_is_stored(shop: Shop) -> None:
    """Folders are days in UTC, and no other application's events are there."""
    for number in range(7):
        shop.record(f"Device-{number % 3}", user=f"user-{number % 2}", day=number)
        shop.record("device-0", app=shop.other)
    report = shop.export(events_a_step=3)
    assert (report.added, report.events, report.rewritten) == (7, 7, 0)
    assert shop.exported() == shop.stored()
    assert len(list((shop.lake / "events").iterdir())) == 7


def test_the_columns_are_those_of_the_schema(shop: Shop) -> None:
    """Names, nesting and types of all three tables are what schema.py says."""
    shop.record("device-1", user="user-1")
    shop.export()
    with closing(duckdb.connect()) as connection:
        for table, fields in TABLES.items():
            path = next((shop.lake / table).rglob("*.parquet"))
            rows = connection.execute(
                f"DESCRIBE FROM read_parquet('{path}', hive_partitioning = false)"
            ).fetchall()
            assert [(row[0], row[1].replace('"', "")) for row in rows] == [
                (field.name, sql_type(field.kind).replace('"', "")) for field in fields
            ]


def test_files_and_folders_are_for_their_owner_only(shop: Shop) -> None:
    """Whatever the umask says."""
    shop.record("device-1")
    before = os.umask(0)
    try:
        shop.export()
    finally:
        os.umask(before)
    for path in [shop.lake, *shop.lake.rglob("*")]:
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    assert not (shop.lake / ".work").exists()


def test_the_next_export_adds_what_is_new(shop: Shop) -> None:
    """Files that are there stay as they are; without new events none are added."""
    shop.record("device-1", day=0)
    shop.export()
    first = {p: p.stat().st_mtime_ns for p in (shop.lake / "events").rglob("*.parquet")}
    shop.record("device-2", day=0)
    shop.record("device-2", day=1)
    assert shop.export().added == 2
    assert shop.export().added == 0
    assert shop.exported() == shop.stored()
    assert (
        first.items()
        <= {p: p.stat().st_mtime_ns for p in (shop.lake / "events").rglob("*.parquet")}.items()
    )


def test_numbers_that_are_given_out_again_lose_nothing(shop: Shop) -> None:
    """After the newest events are erased, the next ones have their numbers, and are exported."""
    for endpoint in ("device-1", "device-2", "device-3"):
        shop.record(endpoint)
    shop.export()
    shop.erase("EndpointId", "device-3")
    shop.erase("EndpointId", "device-2")
    shop.record("device-4")
    shop.record("device-5")
    shop.record("device-6")
    with closing(sqlite3.connect(shop.file)) as connection:
        assert connection.execute("SELECT max(number) FROM events").fetchone() == (4,)
    assert shop.export().added == 3
    assert shop.exported() == shop.stored()


class _BrokenError(Exception):
    """An export ends here."""


def _break(monkeypatch: pytest.MonkeyPatch, place: str, calls: int) -> None:
    """Have a function raise after some calls, before or after it has done its work."""
    owner: Any
    owner, name = {
        "part": (Writer, "part"),
        "table": (Writer, "table"),
        "save": (Layout, "save"),
        "remove": (Layout, "remove"),
        "begin": (LakeSource, "begin"),
        "finish": (LakeSource, "finish"),
    }[place.rpartition("-")[2]]
    original: Callable[..., Any] = getattr(owner, name)
    left = [calls]

    def broken(*args: Any, **kwargs: Any) -> Any:
        left[0] -= 1
        if left[0] < 0 and place.startswith("before"):
            raise _BrokenError
        found = original(*args, **kwargs)
        if left[0] < 0:
            raise _BrokenError
        return found

    monkeypatch.setattr(owner, name, broken)


PLACES = [
    f"{when}-{what}"
    for what in ("part", "table", "save", "remove", "begin", "finish")
    for when in ("before", "after")
]


#: The others are slow tests, which say nothing else.
_TYPICAL = ("after-part", "after-save", "before-finish")


@pytest.mark.parametrize(
    "place",
    [p if p in _TYPICAL else pytest.param(p, marks=pytest.mark.slow) for p in PLACES],
)
def test_an_interrupted_export_is_gone_on_with(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Wherever it ends, the next one finds its way, and no event is lost or there twice."""
    for number in range(9):
        shop.record(f"device-{number % 4}", user=f"user-{number % 2}", day=number % 3)
    with monkeypatch.context() as patched, suppress(_BrokenError):
        _break(patched, place, 1)
        shop.export(events_a_step=2)
    shop.erase("EndpointId", "device-3")
    shop.record("device-5")
    shop.export(events_a_step=2)
    assert shop.exported() == shop.stored()


@settings(max_examples=5, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_a_lake_is_as_its_store_after_anything(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Recording, removing, exporting, failing and compacting in any order end in the same rows."""
    check_any_order(Shop(tmp_path_factory.mktemp("any")), seed, 25)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_a_lake_is_as_its_store_after_much(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """The same, more often and for longer."""
    check_any_order(Shop(tmp_path_factory.mktemp("any")), seed, 40)


def check_any_order(shop: Shop, seed: int, steps: int) -> None:
    """Do things in an order that the seed gives, and compare after each export."""
    rng = random.Random(seed)  # noqa: S311 -- no secret
    endpoints, users = ["a", "b", "c"], ["u", "v"]
    for _ in range(steps):
        what = rng.random()
        if what < 0.5:
            user = rng.choice([*users, None])
            shop.record(rng.choice(endpoints), user=user, day=rng.randrange(3))
        elif what < 0.58:
            shop.erase("EndpointId", rng.choice(endpoints))
        elif what < 0.66:
            shop.erase("UserId", rng.choice(users))
        elif what < 0.74:
            _quietly(shop, "DELETE", f"/endpoints/{rng.choice(endpoints)}")
        elif what < 0.8:
            _quietly(shop, "DELETE", f"/users/{rng.choice(users)}")
        elif what < 0.9:
            with pytest.MonkeyPatch.context() as patched, suppress(_BrokenError):
                _break(patched, rng.choice(PLACES), rng.randrange(3))
                shop.export(events_a_step=rng.choice((1, 3, 100)))
        else:
            shop.export(events_a_step=rng.choice((1, 3, 100)), compact=rng.random() < 0.3)
            assert shop.exported() == shop.stored()
    shop.export()
    assert shop.exported() == shop.stored()
    shop.close()


def _quietly(shop: Shop, method: str, path: str) -> None:
    """Ask for what may not be there."""
    shop.engine.handle(Request(method, f"/v1/apps/{shop.app}{path}"))


def test_small_files_of_a_day_become_one(shop: Shop) -> None:
    """From the fifth on; `compact` makes one of any number."""
    for number in range(5):
        shop.record(f"device-{number}")
        shop.export()
    assert shop.export().files == 1
    shop.record("device-9")
    assert shop.export().files == 2
    assert shop.export(compact=True).files == 1
    assert shop.exported() == shop.stored()


def test_clocks_that_are_wrong_by_decades_make_no_folders(shop: Shop) -> None:
    """An event ten years from its arrival is filed under the day on which it arrived."""
    shop.record("device-1", Timestamp="0001-01-01T00:00:00Z")
    shop.record("device-1", Timestamp="9999-12-31T23:59:59Z")
    shop.export()
    days = [path.name for path in (shop.lake / "events").iterdir()]
    assert len(days) == 1
    assert not days[0].startswith(("event_date=0001", "event_date=9999"))
    manifest = load(shop.lake)
    assert manifest is not None
    assert manifest.rows == 2


def test_a_folder_with_other_things_is_left_alone(shop: Shop) -> None:
    """The error names what is there; nothing is written."""
    shop.lake.mkdir()
    (shop.lake / "thesis.docx").write_text("mine")
    with pytest.raises(ConfigurationError, match=r"not empty \(it has thesis.docx\)"):
        shop.export()
    assert [path.name for path in shop.lake.iterdir()] == ["thesis.docx"]


def test_one_export_at_a_time(shop: Shop) -> None:
    """A second one is refused while the first runs."""
    shop.record("device-1")
    with (
        Layout(shop.lake).held(),
        pytest.raises(ConfigurationError, match=r"another export to .* runs"),
    ):
        shop.export()
    shop.export()


def test_a_lake_of_another_database_is_refused(shop: Shop, tmp_path: Path) -> None:
    """So is one of another application, and one that was restored from a backup."""
    shop.record("device-1")
    shop.export()
    (tmp_path / "another").mkdir()
    another = Shop(tmp_path / "another")
    with pytest.raises(StoreError, match="knows no such lake"):
        another.export(shop.lake)
    another.close()
    with (
        LakeSource.open(shop.url, shop.other) as source,
        pytest.raises(StoreError, match="knows no such lake of this application"),
    ):
        export_lake(source, shop.lake)
    old = (shop.lake / "lake.json").read_text()
    shop.export()
    shop.export()
    (shop.lake / "lake.json").write_text(old)
    with pytest.raises(StoreError, match="restored from a backup"):
        shop.export()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": 1, "parts": [[1]]}'])
def test_a_broken_manifest_is_named(shop: Shop, text: str) -> None:
    """Nothing is deleted because of it."""
    shop.record("device-1")
    shop.export()
    files = list(shop.lake.rglob("*.parquet"))
    (shop.lake / "lake.json").write_text(text)
    with pytest.raises(ConfigurationError, match="is no manifest of a lake"):
        shop.export()
    assert list(shop.lake.rglob("*.parquet")) == files


def test_progress_goes_to_its_end(shop: Shop) -> None:
    """What is told grows, and ends with all events."""
    for number in range(5):
        shop.record(f"device-{number}")
    seen: list[exporting.ExportProgress] = []
    shop.export(on_progress=seen.append, events_a_step=2)
    assert [each.done for each in seen] == [2, 4, 5]
    assert {each.total for each in seen} == {5}


_WRITER = """
import sys
from tests.lake.kit import Shop
import pathlib, json
from pinpoint_kit.engine import Engine, Request
url, app, count = sys.argv[1:]
with Engine.open(url) as engine:
    print("ready", flush=True)
    for number in range(int(count)):
        event = {"EventType": "w", "Timestamp": "2026-03-02T00:00:00Z"}
        item = {"Endpoint": {}, "Events": {f"w{number}": event}}
        body = json.dumps({"BatchItem": {f"writer-{number % 5}": item}}).encode()
        assert engine.handle(Request("POST", f"/v1/apps/{app}/events", body=body)).status == 202
"""


def test_another_process_writes_meanwhile(shop: Shop) -> None:
    """Exports and writes do not hurt each other: all events arrive, and the database is sound."""
    for number in range(20):
        shop.record(f"device-{number}")
    arguments = [sys.executable, "-c", _WRITER, shop.url, shop.app, "60"]
    with Program(arguments) as writer:
        assert writer.out.line() == "ready\n"
        while writer.process.poll() is None:
            shop.export(events_a_step=7)
        writer.succeed()
    shop.export()
    assert len(shop.stored()) == 80
    assert shop.exported() == shop.stored()
    with closing(sqlite3.connect(shop.file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


_TAKER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0)
try:
    connection.execute("BEGIN IMMEDIATE")
    print("taken")
except sqlite3.OperationalError as error:
    print(error)
"""


def _taken_by_another(file: Path) -> str:
    """Have another process try to take the database's write lock; return what it said."""
    done = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, "-c", _TAKER, str(file)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_an_export_keeps_the_locks_of_its_process(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What writes in this process keeps its lock while DuckDB has read and written files.

    Another SQLite library, which DuckDB's own reader of databases is, would have given it away
    when it closed the file.
    """
    shop.record("device-1")
    shop.export()
    shop.record("device-2")
    said = []
    original = Writer.table

    def table(self: Writer, *args: Any) -> str:
        with closing(sqlite3.connect(shop.file, timeout=0)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            holder.execute("UPDATE pinpoint_meta SET value = value")
            found = original(self, *args)
            self.connection.execute("SELECT 1").fetchall()
            self.connection.cursor().close()
            said.append(_taken_by_another(shop.file))
            holder.rollback()
        return found

    monkeypatch.setattr(Writer, "table", table)
    shop.export()
    assert said == ["database is locked"] * 2
    # The test can fail: this is what closing the file by other means does.
    with closing(sqlite3.connect(shop.file, timeout=0)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert _taken_by_another(shop.file) == "database is locked"
        shop.file.open("rb").close()
        (shop.folder / "shop.db-shm").open("rb").close()
        assert _taken_by_another(shop.file) == "taken"


def test_an_export_without_duckdb_says_what_to_install(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence names the extra."""
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'pinpoint-kit\[lake\]'"):
        shop.export()


def _killed(url: str, app: str, path: str) -> None:
    with LakeSource.open(url, app) as source:
        Writer.part = _die  # type: ignore[method-assign, assignment]  # in a process of its own
        export_lake(source, path)


def _die(*_: object) -> NoReturn:
    os._exit(9)


def test_a_killed_export_leaves_nothing_that_the_next_one_does_not_remove(shop: Shop) -> None:
    """Rows that were put aside are gone, and the lock is free."""
    for number in range(3):
        shop.record(f"device-{number}")
    process = multiprocessing.get_context("spawn").Process(
        target=_killed, args=(shop.url, shop.app, str(shop.lake))
    )
    process.start()
    process.join()
    assert process.exitcode == 9
    assert list((shop.lake / ".work").iterdir())
    shop.export()
    assert not (shop.lake / ".work").exists()
    assert shop.exported() == shop.stored()


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages_of_events_end_anywhere(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Within a day or between days, and each event is in the file of its own day."""
    monkeypatch.setattr(source, "_EVENTS_A_PAGE", size)
    for number, day in enumerate((0, 0, 0, 1, 0, 2, 2)):
        shop.record(f"device-{number}", day=day)
    assert shop.export().added == 7
    assert shop.exported() == shop.stored()


def test_whatever_the_attributes_of_an_event_are_they_arrive(shop: Shop) -> None:
    """Those that others have, too, none, very large ones, and what stores of old let in."""
    for number in range(6):
        shop.record(f"device-{number}", Attributes={"screen": "home"}, Metrics={"n": 1})
    large = json.dumps({"note": "ü" * 400_000})
    changes = [
        ("attributes = NULL, metrics = NULL", ()),
        ("attributes = '{}', metrics = '{}'", ()),
        ("attributes = ?", (large,)),
        ("attributes = ?, metrics = ?", ('{"a":"x\\u0000y"}', '{"m\\u0000":1.5}')),
    ]
    with closing(sqlite3.connect(shop.file)) as connection, connection:
        for number, (change, values) in enumerate(changes, 1):
            connection.execute(
                f"UPDATE events SET {change} WHERE number = {number}",  # noqa: S608 -- ours
                values,
            )
    shop.export()
    assert shop.exported() == shop.stored()
    found = {row[15] for row in shop.exported()}
    assert (("a", "x\ufffdy"),) in found
    assert (("screen", "home"),) in found


def test_attributes_of_endpoints_and_users_are_read_as_the_store_reads_them(shop: Shop) -> None:
    """U+0000, which stores of old let in, as U+FFFD; what only looks like it as it is."""
    shop.record("device-1", user="user-1")
    with closing(sqlite3.connect(shop.file)) as connection, connection:
        for table in ("endpoints", "users"):
            connection.execute(
                f"UPDATE {table} SET attributes = ?",  # noqa: S608 -- ours
                (r'{"k\u0000":["x\u0000y","\\u0000","\\\u0000"],"n":["z"]}',),
            )
    shop.export()
    with closing(duckdb.connect()) as reader:
        for table in ("endpoints", "users"):
            path = next((shop.lake / table).rglob("*.parquet"))
            found = reader.execute(f"SELECT attributes FROM '{path}'").fetchall()  # noqa: S608 -- ours
            assert found == [({"k\ufffd": ["x\ufffdy", r"\u0000", "\\\ufffd"], "n": ["z"]},)], table


def ids_of_files(shop: Shop) -> list[list[str]]:
    """Return the ids of each file of events, as its rows are read by one thread."""
    with closing(duckdb.connect(config={"threads": 1})) as connection:
        return [
            [row[0] for row in connection.execute(f"SELECT event_id FROM '{path}'").fetchall()]  # noqa: S608 -- ours
            for path in sorted(shop.lake.glob("events/*/*.parquet"))
        ]


def test_rows_of_a_file_are_in_the_order_of_their_arrival(shop: Shop) -> None:
    """Whatever days they come from, with attributes or without, after removals and compaction."""
    rng = random.Random(1)  # noqa: S311 -- no secret
    for step in range(3):
        for _ in range(25):
            items: dict[str, Any] = {}
            for _ in range(100):
                shop.count += 1
                name = rng.choice(("screen", f"own-{shop.count}", None, None))
                event = {
                    "EventType": "view",
                    "Timestamp": f"2026-03-0{rng.choice((1, 1, 1, 2, 3))}T10:00:00Z",
                    "Attributes": {} if name is None else {name: "x"},
                }
                endpoint = f"device-{rng.randrange(9)}"
                item = items.setdefault(endpoint, {"Endpoint": {}, "Events": {}})
                item["Events"][f"{rng.getrandbits(64):x}"] = event
            shop.ask("POST", f"/{shop.app}/events", {"BatchItem": items})
        if step:
            shop.ask("DELETE", f"/{shop.app}/endpoints/device-{step}")
            shop.erase("EndpointId", f"device-{step + 3}")
        shop.export(compact=step == 2)
        with closing(sqlite3.connect(shop.file)) as connection:
            stored = connection.execute("SELECT event_id FROM events ORDER BY number").fetchall()
        places = {row[0]: place for place, row in enumerate(stored)}
        files = ids_of_files(shop)
        assert sum(map(len, files)) == len(places)
        for ids in files:
            found = [places[each] for each in ids]
            assert found == sorted(found)
    assert len(files) == 3


@pytest.mark.parametrize(
    "path", ["s3://bucket/lake", Path("s3://bucket/lake")], ids=["text", "path"]
)
def test_an_export_to_a_url_is_refused(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str | Path
) -> None:
    """One sentence says what to do; no folder is made that looks like a bucket."""
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.iterdir())
    with LakeSource.open(shop.url, shop.app) as store:
        with pytest.raises(ConfigurationError, match="aws s3 sync"):
            export_lake(store, path)
        assert not store.lakes()
    assert sorted(tmp_path.iterdir()) == before

"""Jobs that are interrupted: closed, killed, taken over by another process, met by failures."""

from __future__ import annotations

import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from pinpoint_kit.engine.jobs import exports as export_job
from pinpoint_kit.engine.jobs import import_source
from pinpoint_kit.engine.jobs import imports as import_job
from pinpoint_kit.engine.jobs import store as job_store
from pinpoint_kit.engine.work import leases, runner, watch
from pinpoint_kit.engine.work.leases import LostError
from pinpoint_kit.limits import Limits
from tests.engine.jobs.job_kit import (
    create_export,
    create_import,
    endpoints,
    exported,
    job,
    lines,
    run,
    url_of,
)
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Wire

FILES = ByScheme({"file": LocalFiles()})

STEPPER = """
import sys
from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.jobs import imports as import_job
from pinpoint_kit.engine.files.files import ByScheme, LocalFiles

import_job._MOST_ROWS = import_job._FEWEST_ROWS = 50
with Engine.open(sys.argv[1], files=ByScheme({"file": LocalFiles()})) as engine:
    for _ in sys.stdin:
        print(int(engine.step()), flush=True)
"""


def now() -> datetime:
    """Return the time of other processes."""
    return datetime.now(timezone.utc)


def start(url: str) -> Program:
    """Start a process that makes a step for each line, and prints whether there was work."""
    return Program([sys.executable, "-c", STEPPER, url])


def have_worked(program: Program, steps: int) -> None:
    """Have it make so many steps that find work."""
    while steps:
        program.write("\n")
        answer = program.out.line()
        assert answer
        steps -= answer.strip() == "1"


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of 50 rows, and parts of 30 endpoints from windows of 8."""
    monkeypatch.setattr(import_job, "_MOST_ROWS", 50)
    monkeypatch.setattr(import_job, "_FEWEST_ROWS", 50)
    monkeypatch.setattr(export_job, "_PART_SIZE", 30)
    monkeypatch.setattr(export_job, "_WINDOW", 8)


def content(job_format: str, count: int) -> bytes:
    """Return a file in which every tenth row is bad; some CSV rows go over two lines."""
    if job_format == "CSV":
        rows = ["Id,ChannelType,Address,Attributes.note"]
        rows += [
            f'e{n:04},{"EMAIL" if n % 10 else "PIGEON"},{n}@example.com,"{n}\n{n}"'
            for n in range(count)
        ]
    else:
        rows = [
            json.dumps(
                {
                    "Id": f"e{n:04}",
                    "ChannelType": "EMAIL" if n % 10 else "PIGEON",
                    "Address": f"{n}@example.com",
                    "Attributes": {"note": [f"{n}\n{n}"]},
                }
            )
            for n in range(count)
        ]
    return "".join(f"{row}\n" for row in rows).encode()


def check(wire: Wire, job_id: str, job_format: str, count: int) -> None:
    """Return the job has done everything exactly once."""
    done = job(wire, job_id)
    assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", count)
    assert done["TotalFailures"] == count // 10
    numbers = [int(text.split(":")[0].removeprefix("line ")) for text in done["Failures"]]
    if job_format == "CSV":
        assert numbers == [2 + 20 * n for n in range(min(count // 10, 100))]
    else:
        assert numbers == [1 + 10 * n for n in range(min(count // 10, 100))]
    found = endpoints(wire)
    assert [e["Id"] for e in found] == [f"e{n:04}" for n in range(count) if n % 10]
    assert all(
        e["Attributes"]["note"] == [f"{int(e['Id'][1:])}\n{int(e['Id'][1:])}"] for e in found
    )


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.json", "a.json.gz"])
def test_a_new_engine_goes_on(
    make_wire: Callable[..., Wire], file_url: str, tmp_path: Path, name: str
) -> None:
    """Whoever opens the file next reads on where the last piece ended, in every format."""
    job_format = "CSV" if "csv" in name else "JSON"
    plain = content(job_format, 600)
    (tmp_path / name).write_bytes(gzip.compress(plain) if name.endswith("gz") else plain)
    wire = make_wire(file_url, files=FILES)
    job_id = create_import(wire, url_of(tmp_path / name), job_format).json["Id"]
    seen = set()
    while job(wire, job_id)["JobStatus"] != "COMPLETED":
        assert wire.engine.step()
        seen.add(job(wire, job_id)["TotalProcessed"])
        wire.engine.close()
        wire.engine = Engine.open(file_url, files=FILES)
    assert len(seen) >= 10
    check(wire, job_id, job_format, 600)
    wire.engine.close()


def test_a_killed_process(make_wire: Callable[..., Wire], file_url: str, tmp_path: Path) -> None:
    """After `kill -9` in the middle another process goes on at once; no row is lost or doubled."""
    (tmp_path / "a.json").write_bytes(content("JSON", 900))
    wire = make_wire(file_url, files=FILES)
    job_id = create_import(wire, url_of(tmp_path / "a.json")).json["Id"]
    for _ in range(3):
        with start(file_url) as process:
            have_worked(process, 4)
            process.write("\n")  # it is killed while it makes this one
    halfway = job(wire, job_id)
    assert 0 < halfway["TotalProcessed"] < 900
    assert halfway["JobStatus"] == "PROCESSING"
    run(wire)
    check(wire, job_id, "JSON", 900)


def test_one_works_at_a_time(make_wire: Callable[..., Wire], file_url: str, tmp_path: Path) -> None:
    """While a living process holds a job others leave it alone, and look soon whether it lives."""
    (tmp_path / "a.json").write_bytes(content("JSON", 300))
    wire = make_wire(file_url, files=FILES, clock=now)
    job_id = create_import(wire, url_of(tmp_path / "a.json")).json["Id"]
    with start(file_url) as process:
        have_worked(process, 1)
        for other in (wire.engine, make_wire(file_url, files=FILES, clock=now).engine):
            assert not other.step()
            assert other.wait_s() == 1
    assert wire.engine.wait_s() == 0
    run(wire)
    check(wire, job_id, "JSON", 300)
    assert wire.engine.wait_s() is None


def test_another_machine_is_given_time(
    make_wire: Callable[..., Wire],
    file_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process elsewhere cannot be seen, so its job is taken over when its lease is over."""
    (tmp_path / "a.json").write_bytes(content("JSON", 300))
    wire = make_wire(file_url, files=FILES)
    job_id = create_import(wire, url_of(tmp_path / "a.json")).json["Id"]
    assert wire.engine.step()
    with closing(sqlite3.connect(file_url.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE leases SET holder = 'elsewhere#1#1'")
    assert not wire.engine.step()
    assert wire.engine.wait_s() == 1  # then it is looked at again
    monkeypatch.setattr(watch, "LEASE_S", 0.0)
    run(wire)
    check(wire, job_id, "JSON", 300)


def test_two_engines_take_turns(
    make_wire: Callable[..., Wire],
    file_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An engine that was silent for too long loses its job; what it had read on is thrown away."""
    (tmp_path / "a.csv").write_bytes(content("CSV", 600))
    wire = make_wire(file_url, files=FILES)
    job_id = create_import(wire, url_of(tmp_path / "a.csv"), "CSV").json["Id"]
    others = [make_wire(file_url, files=FILES) for _ in range(2)]
    turns = 0
    while job(wire, job_id)["JobStatus"] != "COMPLETED":
        other = others[turns % 2]
        with monkeypatch.context() as patch:
            patch.setattr(watch, "LEASE_S", 0.0)
            assert other.engine.step()
        assert not others[(turns + 1) % 2].engine.step()
        turns += 1
    assert turns > 10
    check(wire, job_id, "CSV", 600)


def test_a_piece_that_somebody_else_did(
    make_wire: Callable[..., Wire],
    file_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two engines that both believe to hold the job still do every piece once."""
    (tmp_path / "a.json").write_bytes(content("JSON", 600))
    wire, other = make_wire(file_url, files=FILES), make_wire(file_url, files=FILES)
    job_id = create_import(wire, url_of(tmp_path / "a.json")).json["Id"]
    monkeypatch.setattr(runner.Runner, "_is_free", lambda *_: True)
    while job(wire, job_id)["JobStatus"] != "COMPLETED":
        wire.engine.step()
        other.engine.step()
    check(wire, job_id, "JSON", 600)


def test_an_export_goes_on(make_wire: Callable[..., Wire], file_url: str, tmp_path: Path) -> None:
    """A part that was not complete is begun anew, and every endpoint is there once."""
    wire = make_wire(file_url, files=FILES)
    wire.batch(*({"Id": f"e{n:02}", "Metrics": {"n": n}} for n in range(80)))
    url = url_of(tmp_path / "out")
    job_id = create_export(wire, url).json["Id"]
    for steps in (3, 5, 100):
        for _ in range(steps):
            wire.engine.step()
        expected = endpoints(wire)
        done = job(wire, job_id, "export")
        wire.engine.close()
        wire.engine = Engine.open(file_url, files=FILES)
    assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", 80)
    assert (done["TotalPieces"], done["CompletedPieces"]) == (3, 3)
    assert lines(url) == expected
    wire.engine.close()


def appended(path: Path) -> None:
    """As a file that is still being copied."""
    with path.open("ab") as stream:
        stream.write(content("JSON", 1))


def replaced(path: Path) -> None:
    """Another file takes its name; who has it open goes on to see the former."""
    path.with_suffix(".new").write_bytes(content("JSON", 199))
    path.with_suffix(".new").replace(path)


def replaced_by_its_like(path: Path) -> None:
    """So is one of the same size and date, as a copy that keeps dates may have."""
    other, status = path.with_suffix(".new"), path.stat()
    other.write_bytes(path.read_bytes())
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [appended, replaced, replaced_by_its_like, Path.unlink])
@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_file_that_changes_while_it_is_read(
    make_wire: Callable[..., Wire], tmp_path: Path, change: Callable[[Path], None], steps: int
) -> None:
    """Nothing is imported after the change, and the job does not say that it is complete."""
    path = tmp_path / "a.json"
    path.write_bytes(content("JSON", 200))
    wire = make_wire(files=FILES)
    job_id = create_import(wire, url_of(path)).json["Id"]
    for _ in range(steps):  # the first one finds the file, each further one reads 50 rows
        wire.engine.step()
    change(path)
    run(wire)
    done = job(wire, job_id)
    assert (done["JobStatus"], done["TotalProcessed"]) == ("FAILED", 50 * (steps - 1))
    text = done["Failures"][-1]
    if steps == 1 and change is Path.unlink:
        assert text == "there is no such file or folder"
    else:
        assert text == "the file has changed since the job began"


def test_a_compressed_file_that_changes(make_wire: Callable[..., Wire], tmp_path: Path) -> None:
    """One that is still being copied is not called damaged."""
    path = tmp_path / "a.json.gz"
    whole = gzip.compress(content("JSON", 20_000), 1)
    path.write_bytes(whole[: len(whole) // 2])
    wire = make_wire(files=FILES)
    job_id = create_import(wire, url_of(path)).json["Id"]
    wire.engine.step()
    wire.engine.step()
    with path.open("ab") as stream:
        stream.write(whole[len(whole) // 2 : -10])
    run(wire)
    done = job(wire, job_id)
    assert done["JobStatus"] == "FAILED"
    assert done["Failures"][-1] == "the file has changed since the job began"


#: Writes half of a file and dies.
ABANDONER = """
import io, os, signal, sys
from pinpoint_kit.engine.files.files import LocalFiles

class Half(io.BytesIO):
    def read(self, *_):
        if self.tell():
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(10_000)

LocalFiles().write(sys.argv[1], Half(bytes(20_000)))
"""


def abandon(url: str) -> None:
    """Return a process dies while it writes there."""
    command = [sys.executable, "-c", ABANDONER, url]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL  # noqa: S603 -- our own


@pytest.mark.parametrize("is_refused", [False, True])
def test_what_a_killed_writer_leaves(
    make_wire: Callable[..., Wire], tmp_path: Path, *, is_refused: bool
) -> None:
    """Whoever goes on with the job removes it, also when the job fails; of other files nothing."""
    wire = make_wire(files=FILES)
    wire.batch(*({"Id": f"e{n:02}"} for n in range(40)))
    answer = wire.post(f"/v1/apps/{wire.app}/segments", {"Name": "all"})
    job_id = create_export(wire, url_of(tmp_path), SegmentId=answer.json["Id"]).json["Id"]
    folder = tmp_path / job_id
    abandon(url_of(folder / "part-0.gz"))
    abandon(url_of(folder / "part-01.gz"))
    left = sorted(folder.iterdir())
    assert [path.name[:9] for path in left] == [".part-0.g", ".part-01."]
    wire.engine.step()
    if is_refused:
        wire.send("DELETE", f"/v1/apps/{wire.app}/segments/{answer.json['Id']}")
    run(wire)
    done = job(wire, job_id, "export")["JobStatus"]
    names = {path.name for path in folder.iterdir()}
    if is_refused:
        assert (done, names) == ("FAILED", {left[1].name})
    else:
        assert (done, names) == ("COMPLETED", {left[1].name, "part-0.gz", "part-1.gz"})


def test_jobs_take_turns(make_wire: Callable[..., Wire], tmp_path: Path) -> None:
    """A short job does not wait for the end of a long one; more than allowed wait."""
    wire = make_wire(files=FILES, limits=Limits(max_import_jobs=2))
    (tmp_path / "long.json").write_bytes(content("JSON", 900))
    (tmp_path / "short.json").write_bytes(content("JSON", 10))
    names = ("long", "short", "short")
    made = [create_import(wire, url_of(tmp_path / f"{name}.json")).json["Id"] for name in names]
    for _ in range(4):
        wire.engine.step()
    statuses = [job(wire, job_id)["JobStatus"] for job_id in made]
    assert statuses == ["PROCESSING", "COMPLETED", "CREATED"]
    run(wire)
    assert {job(wire, job_id)["JobStatus"] for job_id in made} == {"COMPLETED"}


def test_a_locked_database(make_wire: Callable[..., Wire], file_url: str, tmp_path: Path) -> None:
    """When the database fails the job waits, and goes on later."""
    (tmp_path / "a.json").write_bytes(content("JSON", 100))
    wire = make_wire(file_url, files=FILES, busy_timeout=0.05)
    job_id = create_import(wire, url_of(tmp_path / "a.json")).json["Id"]
    assert wire.engine.step()
    blocker = sqlite3.connect(file_url.removeprefix("sqlite:///"), isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    assert not wire.engine.step()
    wait_s = wire.engine.wait_s()
    assert wait_s is not None
    assert 0 < wait_s <= 5
    assert not wire.engine.step()
    blocker.execute("ROLLBACK")
    blocker.close()
    wire.engine.lanes[0].runner._rest_until = 0.0
    run(wire)
    check(wire, job_id, "JSON", 100)


def test_a_fault_of_ours(
    make_wire: Callable[..., Wire],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A job that meets a fault of the engine fails instead of meeting it for ever."""
    wire = make_wire(files=FILES)
    (tmp_path / "a.json").write_bytes(content("JSON", 100))

    def fail(*_: object) -> Any:
        raise KeyError("customer@example.com")

    monkeypatch.setattr(import_job, "EndpointWriter", fail)
    job_id = create_import(wire, url_of(tmp_path / "a.json")).json["Id"]
    run(wire)
    done = job(wire, job_id)
    assert (done["JobStatus"], done["TotalPieces"], done["FailedPieces"]) == ("FAILED", 1, 1)
    assert done["Failures"] == ["the engine failed; please report this with the log line"]
    assert "KeyError" in caplog.text
    assert "customer" not in caplog.text


def test_the_listener(make_wire: Callable[..., Wire], tmp_path: Path) -> None:
    """Whoever steps an engine is told when a request may have brought work."""
    wire = make_wire(files=FILES)
    told: list[int] = []
    wire.engine.on_work(lambda: told.append(1))
    assert wire.engine.wait_s() is None
    job_id = create_export(wire, url_of(tmp_path)).json["Id"]
    assert (len(told), wire.engine.wait_s()) == (1, 0.0)
    job(wire, job_id, "export")
    assert len(told) == 2
    run(wire)
    job(wire, job_id, "export")
    assert (len(told), wire.engine.wait_s()) == (2, None)
    assert exported(wire, url_of(tmp_path))["JobStatus"] == "COMPLETED"


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, cls: type, name: str, do: Callable[[], object]
) -> None:
    """Has something happen once, in the middle of a piece: when a method has been called."""
    original = getattr(cls, name)
    left = [do]

    def wrapped(*values: Any) -> Any:
        result = original(*values)
        if left:
            left.pop()()
        return result

    monkeypatch.setattr(cls, name, wrapped)


@pytest.mark.parametrize("kind", ["import", "export"])
def test_a_piece_that_was_overtaken(
    make_wire: Callable[..., Wire],
    file_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """Who comes too late with a piece throws it away, and goes on from where the other one is."""
    wire, other = make_wire(file_url, files=FILES), make_wire(file_url, files=FILES)
    monkeypatch.setattr(runner.Runner, "_is_free", lambda *_: True)
    if kind == "import":
        (tmp_path / "a.json").write_bytes(content("JSON", 300))
        answer = create_import(wire, url_of(tmp_path / "a.json"))
        meanwhile(monkeypatch, import_source.Source, "read", other.engine.step)
    else:
        wire.batch(*({"Id": f"e{n:02}", "Metrics": {"n": n}} for n in range(80)))
        answer = create_export(wire, url_of(tmp_path))
        meanwhile(monkeypatch, LocalFiles, "write", lambda: run(other))
    run(wire)
    if kind == "import":
        check(wire, answer.json["Id"], "JSON", 300)
    else:
        done = job(wire, answer.json["Id"], "export")
        assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", 80)
        assert lines(url_of(tmp_path)) == endpoints(wire)


@pytest.mark.parametrize("kind", ["import", "export"])
def test_an_application_that_goes_meanwhile(
    make_wire: Callable[..., Wire], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A piece for an application that is deleted before it is stored leaves nothing behind."""
    wire = make_wire(files=FILES)
    wire.update("e1", Metrics={"n": 1})

    def delete() -> None:
        assert wire.send("DELETE", f"/v1/apps/{wire.app}").status == 200

    if kind == "import":
        (tmp_path / "a.json").write_bytes(content("JSON", 100))
        create_import(wire, url_of(tmp_path / "a.json"))
        meanwhile(monkeypatch, import_source.Source, "read", delete)
    else:
        create_export(wire, url_of(tmp_path))
        meanwhile(monkeypatch, LocalFiles, "write", delete)
    run(wire)
    assert wire.rows("SELECT * FROM jobs") == wire.rows("SELECT * FROM endpoints") == []
    assert wire.rows("SELECT * FROM job_files") == wire.rows("SELECT * FROM leases") == []


def test_a_job_that_goes_before_it_is_taken(
    make_wire: Callable[..., Wire], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever finds a job gone, or taken, between two looks has nothing to do for now."""
    wire = make_wire(files=FILES)
    create_export(wire, url_of(tmp_path))

    def lose(*_: object) -> None:
        raise LostError

    with monkeypatch.context() as patch:
        patch.setattr(leases, "take", lambda *_: False)
        assert not wire.engine.step()
    with monkeypatch.context() as patch:
        patch.setattr(job_store, "load", lose)
        assert wire.engine.step()
    assert run(wire) == 2


def test_closing_while_a_piece_is_stuck(
    make_wire: Callable[..., Wire], file_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing waits for a piece for a bounded time; the job stays with its holder until then."""
    monkeypatch.setattr(runner, "_CLOSING_S", 0.01)
    wire = make_wire(file_url, files=FILES)
    create_export(wire, url_of(tmp_path))
    assert wire.engine.step()
    steps = wire.engine.lanes[0].runner
    with steps._lock:
        wire.engine.close()
    assert not wire.engine.step()
    assert wire.engine.wait_s() == pytest.approx(5, abs=1)
    other = make_wire(file_url, files=FILES)
    assert other.rows("SELECT holder FROM leases") == [{"holder": steps.holder}]
    assert run(other) == 1


def test_attributes_that_are_not_captured(make_wire: Callable[..., Wire], tmp_path: Path) -> None:
    """What RemoveAttributes has switched off is left out of imports, also of new endpoints."""
    wire = make_wire(files=FILES)
    for kind in ("custom", "metric", "user"):
        path = f"/v1/apps/{wire.app}/attributes/endpoint-{kind}-attributes"
        wire.put(path, {"Blacklist": ["secret*"]})
    members = {
        "ChannelType": "EMAIL",
        "Address": "a@example.com",
        "CreationDate": "2020-01-01T00:00:00.000Z",
        "CohortId": "7",
        "Attributes": {"a": ["1"], "secret": ["2"]},
        "Metrics": {"n": 1, "secret-n": 2},
        "User": {"UserId": "u", "UserAttributes": {"secrets": ["3"], "b": ["4"]}},
    }
    rows = [{"Id": "e1", **members}, {"Id": "e1", **members, "Address": "b@example.com"}]
    (tmp_path / "a.json").write_text("\n".join(map(json.dumps, rows)))
    create_import(wire, url_of(tmp_path / "a.json"))
    run(wire)
    (found,) = endpoints(wire)
    assert (found["Attributes"], found["Metrics"]) == ({"a": ["1"]}, {"n": 1})
    assert found["User"] == {"UserId": "u", "UserAttributes": {"b": ["4"]}}
    assert (found["CreationDate"], found["CohortId"]) == (members["CreationDate"], "7")
    assert found["Address"] == "b@example.com"


@pytest.mark.sqlite_only("reads its query plans")
def test_an_export_looks_at_a_window_only(make_wire: Callable[..., Wire]) -> None:
    """A step reads endpoints by their numbers, and not through all of the application."""
    wire = make_wire()
    with wire.engine._store.read() as connection:
        reader.numbered(connection, 1, 0, 10)
        sql = reader._NUMBERED._compiled["sqlite"].sql
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (0, 10, 1)).all()
    assert "SEARCH endpoints USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in plan[0][-1]

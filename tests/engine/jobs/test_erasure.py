"""Erasure beside jobs: imports do not bring a person back, exports begin their part anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from pinpoint_kit.engine.jobs import imports as import_job
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

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.conftest import Wire

FILES = ByScheme({"file": LocalFiles()})
WHO = {
    "UserId": {"UserId": "user-4"},
    "Address": {"Address": "4@example.com"},
    "EndpointId": {"EndpointId": "E4"},
}


@pytest.fixture
def wire(make_wire: Callable[..., Wire], file_url: str, monkeypatch: pytest.MonkeyPatch) -> Wire:
    """Return a wire whose imports take three rows in a piece."""
    monkeypatch.setattr(import_job, "_FEWEST_ROWS", 3)
    monkeypatch.setattr(import_job, "_MOST_ROWS", 3)
    return make_wire(file_url, files=FILES)


def row(number: int, **members: object) -> dict[str, Any]:
    """One endpoint of an import."""
    return {
        "Id": f"e{number}",
        "ChannelType": "EMAIL",
        "Address": f"{number}@example.com",
        "User": {"UserId": f"user-{number}"},
        **members,
    }


def file_of(path: Path, rows: list[dict[str, Any]]) -> str:
    """Write a file to import."""
    path.write_text("".join(json.dumps(each) + "\n" for each in rows))
    return url_of(path)


def erase(wire: Wire, **members: object) -> Any:
    """Erases, and returns the report."""
    return wire.post(f"/pinpoint-kit/v1/apps/{wire.app}/erasures", members).json


@pytest.mark.parametrize("kind", WHO)
@pytest.mark.parametrize("steps", [0, 1, 2, 3])
@pytest.mark.parametrize("restarts", [False, True])
def test_an_import_does_not_bring_a_person_back(  # noqa: PLR0913, PLR0917 -- what pytest gives
    wire: Wire,
    make_wire: Callable[..., Wire],
    file_url: str,
    tmp_path: Path,
    kind: str,
    steps: int,
    restarts: bool,  # noqa: FBT001 -- pytest gives it by name
) -> None:
    """Whenever the erasure comes, rows about the person fail, here and in another engine."""
    wire.update("e4", **{k: v for k, v in row(4).items() if k != "Id"})
    rows = [row(number) for number in range(9)]
    url = file_of(tmp_path / "in.json", [*rows, row(4)])
    job_id = create_import(wire, url).json["Id"]
    for _ in range(steps):
        assert wire.engine.step()
    assert erase(wire, **WHO[kind])["EndpointIds"]
    app = wire.app
    if restarts:
        wire.engine.close()
        wire = make_wire(file_url, files=FILES)
        wire.app = app
    run(wire)
    assert sorted(each["Id"] for each in endpoints(wire)) == [
        each["Id"] for each in rows if each["Id"] != "e4"
    ]
    done = job(wire, job_id)
    assert done["JobStatus"] == "COMPLETED"
    assert done["TotalProcessed"] == 10
    assert done["TotalFailures"] in {1, 2}  # it may have been stored once, and then erased
    assert "line 10: the person was erased while the job ran" in done["Failures"]
    assert "4@example" not in str(wire.rows("SELECT * FROM jobs"))


def test_another_row_of_the_person_fails_too(wire: Wire, tmp_path: Path) -> None:
    """A row with the address or the user of an erased person is theirs, whatever its id."""
    wire.update("e4", **{k: v for k, v in row(4).items() if k != "Id"})
    same_address = row(5, Address="Four <4@Example.com>")
    same_user = row(6, User={"UserId": "user-4"})
    only_user = {"User": {"UserId": "user-4"}}
    url = file_of(tmp_path / "in.json", [same_address, same_user, row(7), only_user])
    answer = create_import(wire, url, DefineSegment=True)
    erase(wire, UserId="user-4")
    run(wire)
    assert [each["Id"] for each in endpoints(wire)] == ["e7"]
    assert job(wire, answer.json["Id"])["TotalFailures"] == 3


def test_an_erased_endpoint_leaves_the_other_ones(wire: Wire, tmp_path: Path) -> None:
    """Erasing one endpoint says nothing about others with its address, or of its user."""
    for endpoint_id in ("e4", "e5"):
        wire.update(endpoint_id, **{k: v for k, v in row(4).items() if k != "Id"})
    create_import(wire, file_of(tmp_path / "in.json", [{**row(4), "Id": "e5"}, row(4)]))
    erase(wire, EndpointId="e4")
    run(wire)
    assert [each["Id"] for each in endpoints(wire)] == ["e5"]


def test_a_later_import_may_bring_them_back(wire: Wire, tmp_path: Path) -> None:
    """Only jobs that had not ended skip: a person may come back of their own will."""
    url = file_of(tmp_path / "in.json", [row(4)])
    create_import(wire, url)
    run(wire)
    erase(wire, UserId="user-4")
    create_import(wire, url)
    run(wire)
    assert [each["Id"] for each in endpoints(wire)] == ["e4"]


def test_an_import_of_another_application_goes_on(wire: Wire, tmp_path: Path) -> None:
    """Erasing works on one application."""
    first, second = wire.app, wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    wire.app = second
    create_import(wire, file_of(tmp_path / "in.json", [row(4)]))
    wire.app = first
    erase(wire, UserId="user-4")
    run(wire)
    wire.app = second
    assert [each["Id"] for each in endpoints(wire)] == ["e4"]


def test_an_export_under_way_is_written_without_them(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part that had the person already is begun anew, and nothing is lost."""
    monkeypatch.setattr("pinpoint_kit.engine.jobs.exports._WINDOW", 3)
    for number in range(9):
        wire.update(f"e{number}", **{k: v for k, v in row(number).items() if k != "Id"})
    url = url_of(tmp_path / "out")
    answer = create_export(wire, url)
    for _ in range(3):  # it is counted, and two windows are read
        assert wire.engine.step()
    report = erase(wire, UserId="user-4")
    assert report["Copies"] == [f"export job {answer.json['Id']}: {url}"]
    run(wire)
    assert job(wire, answer.json["Id"], "export")["JobStatus"] == "COMPLETED"
    assert [each["Id"] for each in lines(url)] == [f"e{n}" for n in range(9) if n != 4]


def test_exports_of_before_are_named(wire: Wire, tmp_path: Path) -> None:
    """The report names export jobs that have written files, and none of another application."""
    wire.update("e4", **{k: v for k, v in row(4).items() if k != "Id"})
    done = exported(wire, url_of(tmp_path / "out"))
    found = [f"export job {done['Id']}: {url_of(tmp_path / 'out')}"]
    assert erase(wire, UserId="user-4", DryRun=True)["Copies"] == found
    assert erase(wire, UserId="user-4")["Copies"] == found
    wire.app = wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    assert erase(wire, UserId="user-4")["Copies"] == []

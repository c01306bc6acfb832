"""Export jobs: what is written where, and that it is the same audience when it is imported."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from pinpoint_kit.engine.jobs import exports as export_job
from tests.engine.jobs.job_kit import (
    ROLE,
    create_export,
    endpoints,
    exported,
    imported,
    lines,
    url_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.conftest import Wire


@pytest.fixture
def wire(make_wire: Callable[..., Wire]) -> Wire:
    """Give an engine in memory that may use the disk."""
    return make_wire(files=ByScheme({"file": LocalFiles()}))


def by_id(items: list[Any]) -> list[Any]:
    """In the order in which the engine lists them."""
    return sorted(items, key=lambda item: str(item["Id"]).lower())


def test_the_create_response(wire: Wire, tmp_path: Path) -> None:
    """CreateExportJob answers as the guide shows."""
    answer = create_export(wire, url_of(tmp_path))
    assert answer.status == 202
    assert answer.json == {
        "ApplicationId": wire.app,
        "CreationDate": "2026-01-02T03:04:05.678Z",
        "Definition": {"RoleArn": ROLE, "S3UrlPrefix": url_of(tmp_path)},
        "Id": answer.json["Id"],
        "JobStatus": "CREATED",
        "Type": "EXPORT",
    }


@pytest.mark.parametrize("end", ["", "/"])
def test_a_line_is_what_get_endpoint_shows(wire: Wire, tmp_path: Path, end: str) -> None:
    """Each endpoint of the application is one line, exactly as GetEndpoint answers."""
    wire.update("E1", ChannelType="EMAIL", Address="ü@example.com", Attributes={"a": ["1", "2"]})
    wire.update("e2", User={"UserId": "u", "UserAttributes": {"plan": ["pro"]}}, Metrics={"n": 1})
    other = wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    wire.put(f"/v1/apps/{other}/endpoints/e3", {"Metrics": {"n": 1}})
    url = url_of(tmp_path / "new folder" / "out") + end
    done = exported(wire, url)
    assert done["JobStatus"] == "COMPLETED"
    assert (done["TotalProcessed"], done["TotalPieces"], done["CompletedPieces"]) == (2, 1, 1)
    assert done["TotalFailures"] == done["FailedPieces"] == 0
    assert lines(url) == [wire.get("E1"), wire.get("e2")]
    (part,) = tmp_path.rglob("*.gz")
    assert part == tmp_path / "new folder" / "out" / done["Id"] / "part-0.gz"
    assert stat.S_IMODE(part.stat().st_mode) == 0o600


def test_an_empty_application(wire: Wire, tmp_path: Path) -> None:
    """Nothing to export is one part without lines."""
    done = exported(wire, url_of(tmp_path))
    assert (done["JobStatus"], done["TotalProcessed"], done["TotalPieces"]) == ("COMPLETED", 0, 1)
    assert lines(url_of(tmp_path)) == []
    assert len(list(tmp_path.rglob("*.gz"))) == 1


def test_several_parts(wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts hold the same number of endpoints, each endpoint stands in one of them."""
    monkeypatch.setattr(export_job, "_PART_SIZE", 10)
    monkeypatch.setattr(export_job, "_WINDOW", 4)
    wire.batch(*({"Id": f"e{n:02}", "Metrics": {"n": n}} for n in range(35)))
    for n in (0, 1, 2, 3, 17, 34):
        wire.send("DELETE", wire.endpoint_path(f"e{n:02}"))
    done = exported(wire, url_of(tmp_path))
    assert (done["TotalPieces"], done["CompletedPieces"]) == (3, 3)
    assert done["TotalProcessed"] == 29
    assert by_id(lines(url_of(tmp_path))) == endpoints(wire)


def test_what_comes_later_is_left_out(wire: Wire, tmp_path: Path) -> None:
    """An endpoint that is created while the export runs is not part of it."""
    wire.update("e1", Metrics={"n": 1})
    create_export(wire, url_of(tmp_path))
    assert wire.engine.step()
    wire.update("e2", Metrics={"n": 1})
    while wire.engine.step():
        pass
    assert [line["Id"] for line in lines(url_of(tmp_path))] == ["e1"]


def test_a_place_that_cannot_be_written(wire: Wire, tmp_path: Path) -> None:
    """The job fails and says why; nothing is left behind."""
    (tmp_path / "file").write_text("")
    done = exported(wire, url_of(tmp_path / "file"))
    assert done["JobStatus"] == "FAILED"
    assert done["Failures"] == ["a file stands where a folder is needed"]
    assert (done["TotalPieces"], done["FailedPieces"]) == (1, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"S3UrlPrefix": None}, 400, "Missing S3UrlPrefix"),
        ({"RoleArn": ""}, 400, "Missing RoleArn"),
        ({"S3UrlPrefix": "out"}, 400, "@ $.S3UrlPrefix"),
        ({"S3UrlPrefix": "s3://bucket"}, 403, "was not given any s3:// places"),
    ],
)
def test_refused_requests(
    wire: Wire, tmp_path: Path, change: dict[str, object], status: int, text: str
) -> None:
    """A definition that cannot work is refused at once, and no job is made."""
    answer = create_export(wire, url_of(tmp_path), **change)
    assert answer.status == status
    assert text in answer.message
    assert wire.send("GET", f"/v1/apps/{wire.app}/jobs/export").json == {"Item": []}


def test_export_and_import(make_wire: Callable[..., Wire], wire: Wire, tmp_path: Path) -> None:
    """Imported into an empty application, an export is the same audience."""
    wire.update("E1", ChannelType="EMAIL", Address="a@example.com", OptOut="ALL")
    wire.update("e2", ChannelType="EMAIL", Address="a@example.com")
    wire.update("bare", Metrics={"n": 1.0, "m": 2}, User={"UserAttributes": {"x": ["y"]}})
    assert wire.get("E1")["EndpointStatus"] == "INACTIVE"
    exported(wire, url_of(tmp_path))
    empty = make_wire(files=ByScheme({"file": LocalFiles()}))
    done = imported(empty, url_of(tmp_path))
    assert (done["JobStatus"], done["TotalFailures"]) == ("COMPLETED", 0)
    expected = [{**endpoint, "ApplicationId": empty.app} for endpoint in endpoints(wire)]
    assert endpoints(empty) == expected

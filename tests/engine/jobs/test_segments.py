"""Jobs and segments: imports that make or fill one, exports of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from pinpoint_kit.engine.jobs import exports as export_job
from tests.engine.jobs.job_kit import (
    ROLE,
    create_export,
    create_import,
    exported,
    imported,
    job,
    lines,
    run,
    url_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.conftest import Answer, Clock, Wire

THREE = ("u1", "u2", "u3")
ROWS = """\
{"Id":"E1","ChannelType":"EMAIL","Address":"1@example.com"}
{"Id":"e2","ChannelType":"SMS","Address":"2"}
{"Id":"e2","OptOut":"ALL"}
{"Id":"e3"}
"""


@pytest.fixture
def wire(make_wire: Callable[..., Wire]) -> Wire:
    """Give an engine in memory that may use the disk."""
    return make_wire(files=ByScheme({"file": LocalFiles()}))


def segment(wire: Wire, segment_id: str) -> Answer:
    """Send GetSegment."""
    return wire.send("GET", f"/v1/apps/{wire.app}/segments/{segment_id}")


def listed(wire: Wire) -> tuple[list[str], list[str]]:
    """Return the endpoints and users on the lists of segments."""
    endpoints = wire.rows(
        "SELECT e.endpoint AS name FROM segment_endpoints s, endpoints e"
        " WHERE e.number = s.endpoint ORDER BY 1"
    )
    users = wire.rows("SELECT user_id AS name FROM segment_users ORDER BY 1")
    return [row["name"] for row in endpoints], [row["name"] for row in users]


def test_a_segment_is_defined(wire: Wire, tmp_path: Path, clock: Clock) -> None:
    """The segment is there at once, and tells what it was made of when the job has ended."""
    path = tmp_path / "rows.json"
    path.write_text(ROWS)
    answer = create_import(
        wire, url_of(path), RegisterEndpoints=False, DefineSegment=True, SegmentName="vip"
    )
    definition = answer.json["Definition"]
    assert definition["DefineSegment"] is True
    assert definition["RegisterEndpoints"] is False
    assert definition["SegmentName"] == "vip"
    made = segment(wire, definition["SegmentId"]).json
    assert (made["Name"], made["SegmentType"], made["Version"]) == ("vip", "IMPORT", 1)
    assert made["ImportDefinition"] == {
        "ChannelCounts": {},
        "ExternalId": "000000000000",
        "Format": "JSON",
        "RoleArn": ROLE,
        "S3Url": url_of(path),
        "Size": 0,
    }
    clock.advance(5)
    run(wire)
    done = job(wire, answer.json["Id"])
    assert (done["TotalProcessed"], done["TotalFailures"]) == (4, 1)
    assert done["Definition"] == definition
    after = segment(wire, definition["SegmentId"]).json
    assert after["ImportDefinition"]["Size"] == 3
    assert after["ImportDefinition"]["ChannelCounts"] == {"EMAIL": 1, "SMS": 2}
    assert after["LastModifiedDate"] == "2026-01-02T03:04:10.678Z"
    assert listed(wire) == (["e1", "e2"], [])


def test_a_segment_is_added_to(wire: Wire, tmp_path: Path) -> None:
    """With SegmentId, endpoints join that segment; its numbers add up."""
    path = tmp_path / "rows.json"
    path.write_text(ROWS)
    first = imported(wire, url_of(path), DefineSegment=True)["Definition"]["SegmentId"]
    path.write_text('{"Id":"e4","ChannelType":"EMAIL","Address":"4@example.com"}')
    done = imported(wire, url_of(path), SegmentId=first)
    assert done["Definition"]["SegmentId"] == first
    assert listed(wire) == (["e1", "e2", "e4"], [])
    described = segment(wire, first).json["ImportDefinition"]
    assert (described["Size"], described["ChannelCounts"]) == (4, {"EMAIL": 2, "SMS": 2})
    path = tmp_path / "missing.json"
    assert imported(wire, url_of(path), SegmentId=first)["JobStatus"] == "FAILED"
    assert segment(wire, first).json["ImportDefinition"]["Size"] == 4


@pytest.mark.parametrize(
    ("content", "job_format"),
    [
        ("User.UserId\nu1 u2  u3\nnobody\nu1\n", "CSV"),
        ("".join(f'{{"User":{{"UserId":"{u}"}}}}\n' for u in (*THREE, "nobody", "u1")), "JSON"),
    ],
)
def test_users_only(wire: Wire, tmp_path: Path, content: str, job_format: str) -> None:
    """A file of nothing but user ids lists users; those without an endpoint fail alone."""
    for number in (1, 2, 3):
        wire.update(f"e{number}", User={"UserId": f"u{number}"})
    path = tmp_path / "users"
    path.write_text(content)
    done = imported(wire, url_of(path), job_format, DefineSegment=True)
    assert done["JobStatus"] == "COMPLETED"
    assert (done["TotalProcessed"], done["TotalFailures"]) == (5, 1)
    line = 3 if job_format == "CSV" else 4
    assert done["Failures"] == [f"line {line}: no endpoint has this user"]
    assert listed(wire) == ([], ["u1", "u2", "u3"])
    described = segment(wire, done["Definition"]["SegmentId"]).json["ImportDefinition"]
    assert (described["Size"], described["ChannelCounts"]) == (4, {})


def test_users_and_endpoints_of_one_file(wire: Wire, tmp_path: Path) -> None:
    """A user may be named after an endpoint of the same file that brings it."""
    path = tmp_path / "rows.json"
    path.write_text(
        '{"Id":"e1","ChannelType":"SMS","Address":"1","User":{"UserId":"u1"}}\n'
        '{"User":{"UserId":"u1"}}\n'
    )
    assert imported(wire, url_of(path), DefineSegment=True)["TotalFailures"] == 0
    assert listed(wire) == (["e1"], ["u1"])


def test_users_without_a_segment(wire: Wire, tmp_path: Path) -> None:
    """Without a segment such rows would do nothing, and fail."""
    wire.update("e1", User={"UserId": "u1"})
    path = tmp_path / "users.csv"
    path.write_text("User.UserId\nu1 u2\n")
    done = imported(wire, url_of(path), "CSV")
    assert (done["TotalProcessed"], done["TotalFailures"]) == (2, 2)
    assert set(done["Failures"]) == {
        "line 2: names only a user, which is of use for a segment only"
    }


@pytest.mark.parametrize(
    ("name", "content"), [("missing.csv", None), ("header.csv", "Id,Nonsense\n1,2\n")]
)
def test_a_job_that_fails_leaves_no_segment(
    wire: Wire, tmp_path: Path, name: str, content: str | None
) -> None:
    """A segment that was made for a job which had nothing to add goes with its failure."""
    if content is not None:
        (tmp_path / name).write_text(content)
    done = imported(wire, url_of(tmp_path / name), "CSV", DefineSegment=True)
    assert done["JobStatus"] == "FAILED"
    assert segment(wire, done["Definition"]["SegmentId"]).status == 404


def test_a_segment_that_is_deleted_meanwhile(wire: Wire, tmp_path: Path) -> None:
    """The job ends as failed and says why, at its next piece or at its end."""
    path = tmp_path / "rows.json"
    path.write_text(ROWS)
    for pieces in (0, 1):
        answer = create_import(wire, url_of(path), DefineSegment=True)
        for _ in range(pieces):
            assert wire.engine.step()
        segment_id = answer.json["Definition"]["SegmentId"]
        wire.send("DELETE", f"/v1/apps/{wire.app}/segments/{segment_id}")
        run(wire)
        done = job(wire, answer.json["Id"])
        assert done["JobStatus"] == "FAILED"
        assert done["Failures"] == ["the segment has been deleted"]


def test_segments_that_cannot_be_filled(wire: Wire, tmp_path: Path) -> None:
    """An unknown segment is 404; one with dimensions is 400; no job is made."""
    answer = create_import(wire, url_of(tmp_path), SegmentId="0" * 32)
    assert answer.status == 404
    made = wire.post(f"/v1/apps/{wire.app}/segments", {"Name": "all"}).json["Id"]
    answer = create_import(wire, url_of(tmp_path), SegmentId=made)
    assert answer.status == 400
    assert "imported segments only" in answer.message
    assert wire.send("GET", f"/v1/apps/{wire.app}/jobs/import").json == {"Item": []}


def test_the_jobs_of_a_segment(wire: Wire, tmp_path: Path) -> None:
    """GetSegmentImportJobs lists the jobs that fill a segment; an unknown segment is 404."""
    path = tmp_path / "rows.json"
    path.write_text(ROWS)
    made: list[Any] = [imported(wire, url_of(path), DefineSegment=True) for _ in range(2)]
    imported(wire, url_of(path))
    for done in made:
        where = f"/v1/apps/{wire.app}/segments/{done['Definition']['SegmentId']}/jobs"
        assert wire.send("GET", f"{where}/import").json["Item"] == [done]
        assert wire.send("GET", f"{where}/export").json["Item"] == []
    assert wire.send("GET", f"/v1/apps/{wire.app}/segments/x/jobs/import").status == 404


def test_an_export_of_a_segment(
    wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """Members are exported and nobody else, of the version that is named, as of the job's time."""
    monkeypatch.setattr(export_job, "_PART_SIZE", 4)
    monkeypatch.setattr(export_job, "_WINDOW", 3)
    for number in range(20):
        wire.update(f"e{number:02}", Attributes={"even": [str(number % 2 == 0)]})
    made = wire.post(f"/v1/apps/{wire.app}/segments", dimensions("True")).json["Id"]
    wire.put(f"/v1/apps/{wire.app}/segments/{made}", dimensions("False"))
    for version, first in ((1, 0), (2, 1), (None, 1)):
        url = url_of(tmp_path / str(version))
        pinned = {} if version is None else {"SegmentVersion": version}
        done = exported(wire, url, SegmentId=made, **pinned)
        assert (done["TotalProcessed"], done["TotalPieces"]) == (10, 3)
        assert done["Definition"]["SegmentId"] == made
        assert lines(url) == [wire.get(f"e{number:02}") for number in range(first, 20, 2)]
    recent = {"Behavior": {"Recency": {"Duration": "HR_24", "RecencyType": "ACTIVE"}}}
    made = wire.post(f"/v1/apps/{wire.app}/segments", {"Dimensions": recent}).json["Id"]
    create_export(wire, url_of(tmp_path / "recent"), SegmentId=made)
    clock.advance(100_000)
    run(wire)
    assert len(lines(url_of(tmp_path / "recent"))) == 20


def dimensions(value: str) -> object:
    """Return a segment of those whose number is even, or is not."""
    return {"Dimensions": {"Attributes": {"even": {"Values": [value]}}}}


def test_an_export_of_an_imported_segment(wire: Wire, tmp_path: Path) -> None:
    """Listed endpoints, and all endpoints of listed users, are exported."""
    for number in range(6):
        wire.update(f"e{number}", Metrics={"n": 1}, User={"UserId": f"u{number % 3}"})
    path = tmp_path / "rows.json"
    path.write_text('{"Id":"e1","OptOut":"ALL"}\n{"User":{"UserId":"u2"}}\n')
    # What is imported to an endpoint without an address is refused, unless it is there already.
    made = imported(wire, url_of(path), DefineSegment=True)["Definition"]["SegmentId"]
    done = exported(wire, url_of(tmp_path / "out"), SegmentId=made)
    assert done["TotalProcessed"] == 3
    assert [line["Id"] for line in lines(url_of(tmp_path / "out"))] == ["e1", "e2", "e5"]
    where = f"/v1/apps/{wire.app}/segments/{made}/jobs/export"
    assert wire.send("GET", where).json["Item"] == [done]


def test_exports_of_segments_that_are_not_there(wire: Wire, tmp_path: Path) -> None:
    """An unknown segment or version is 404; one that goes later fails the job with the reason."""
    wire.update("e1", Metrics={"n": 1})
    url = url_of(tmp_path)
    assert create_export(wire, url, SegmentId="x").status == 404
    made = wire.post(f"/v1/apps/{wire.app}/segments", {"Name": "all"}).json["Id"]
    assert create_export(wire, url, SegmentId=made, SegmentVersion=2).status == 404
    assert create_export(wire, url, SegmentVersion=1).status == 400
    for steps in (0, 1):
        answer = create_export(wire, url, SegmentId=made)
        for _ in range(steps):
            assert wire.engine.step()
        wire.send("DELETE", f"/v1/apps/{wire.app}/segments/{made}")
        run(wire)
        done = job(wire, answer.json["Id"], "export")
        assert (done["JobStatus"], done["Failures"]) == ("FAILED", ["Segment not found"])
        made = wire.post(f"/v1/apps/{wire.app}/segments", {"Name": "all"}).json["Id"]
    assert not list(tmp_path.rglob("*.gz"))


@pytest.mark.parametrize(
    ("whom", "entries", "left"),
    [
        ({"UserId": "u1"}, 4, (["e3"], ["u3"])),
        ({"UserId": "u3"}, 3, (["e1", "e2"], ["u1"])),
        ({"UserId": "gone"}, 0, (["e1", "e2", "e3"], ["u1", "u3"])),
        ({"EndpointId": "E1"}, 1, (["e2", "e3"], ["u1", "u3"])),
        ({"EndpointId": "e3"}, 3, (["e1", "e2"], ["u1"])),
        ({"Address": "both"}, 4, (["e3"], ["u3"])),
    ],
)
def test_an_erasure_counts_what_leaves_the_lists(
    wire: Wire, tmp_path: Path, whom: dict[str, str], entries: int, left: tuple[object, object]
) -> None:
    """Entries go with endpoints, and with a user's last one; a dry run counts the same."""
    rows = [
        {"Id": f"e{number}", "Address": address, "ChannelType": "SMS", "User": {"UserId": user}}
        for number, user, address in ((1, "u1", "both"), (2, "u1", "both"), (3, "u3", "3"))
    ]
    path = tmp_path / "rows.json"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    imported(wire, url_of(path), DefineSegment=True)
    path.write_text('{"User":{"UserId":"u1"}}\n{"User":{"UserId":"u3"}}\n')
    for _ in range(2):
        imported(wire, url_of(path), DefineSegment=True)
    erasures = f"/pinpoint-kit/v1/apps/{wire.app}/erasures"
    dry = wire.post(erasures, {**whom, "DryRun": True}).json
    assert dry["SegmentEntries"] == wire.post(erasures, whom).json["SegmentEntries"] == entries
    assert listed(wire)[0] == left[0]
    assert sorted(set(listed(wire)[1])) == left[1]
    assert wire.post(erasures, whom).json["SegmentEntries"] == 0


def test_an_erasure_takes_users_off_the_lists_who_have_no_endpoint(
    wire: Wire, tmp_path: Path
) -> None:
    """A user who is only listed is counted and gone."""
    wire.update("e1", User={"UserId": "u1"})
    path = tmp_path / "users.json"
    path.write_text('{"User":{"UserId":"u1"}}\n')
    imported(wire, url_of(path), DefineSegment=True)
    wire.update("e1", User={"UserId": "heir"})
    done = wire.post(f"/pinpoint-kit/v1/apps/{wire.app}/erasures", {"UserId": "u1"}).json
    assert (done["EndpointIds"], done["SegmentEntries"]) == ([], 1)
    assert listed(wire) == ([], [])

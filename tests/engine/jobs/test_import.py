"""Import jobs: what files may look like, what becomes of their rows, and what is answered."""

from __future__ import annotations

import gzip
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from pinpoint_kit.engine.jobs.imports import Imports
from pinpoint_kit.engine.work.requests import Requests
from pinpoint_kit.limits import Limits
from tests.engine.jobs.job_kit import (
    ROLE,
    create_import,
    endpoints,
    imported,
    job,
    run,
    url_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.conftest import Clock, Wire

GUIDE_CSV = """\
ChannelType,Address,Location.Country,Demographic.Platform,Demographic.Make,User.UserId
SMS,2065550182,CAN,Android,LG,example-user-id-1
APNS,1a2b3c4d5e6f7g8h9i0j1a2b3c4d5e6f,USA,iOS,Apple,example-user-id-2
EMAIL,john.stiles@example.com,USA,iOS,Apple,example-user-id-2
"""
GUIDE_JSON = """\
{"ChannelType":"SMS","Address":"2065550182","Location":{"Country":"CAN"},\
"Demographic":{"Platform":"Android","Make":"LG"},"User":{"UserId":"example-user-id-1"}}
{"ChannelType":"APNS","Address":"1a2b3c4d5e6f7g8h9i0j1a2b3c4d5e6f","Location":{"Country":"USA"},\
"Demographic":{"Platform":"iOS","Make":"Apple"},"User":{"UserId":"example-user-id-2"}}
{"ChannelType":"EMAIL","Address":"john.stiles@example.com","Location":{"Country":"USA"},\
"Demographic":{"Platform":"iOS","Make":"Apple"},"User":{"UserId":"example-user-id-2"}}
"""


@pytest.fixture
def wire(make_wire: Callable[..., Wire]) -> Wire:
    """Give an engine in memory that may use the disk."""
    return make_wire(files=ByScheme({"file": LocalFiles()}))


@pytest.fixture
def load(wire: Wire, tmp_path: Path) -> Callable[..., Any]:
    """Import a text (or bytes) as a file and return the job."""

    def load(content: str | bytes, job_format: str = "JSON", name: str = "file") -> Any:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return imported(wire, url_of(path), job_format)

    return load


def without_dates(endpoint: dict[str, Any]) -> dict[str, Any]:
    """Return what a file says of an endpoint."""
    drop = {"ApplicationId", "CohortId", "CreationDate", "EffectiveDate", "RequestId"}
    return {name: value for name, value in endpoint.items() if name not in drop}


def test_the_create_response(wire: Wire, tmp_path: Path) -> None:
    """CreateImportJob answers as the guide shows, with defaults filled in and no counters."""
    answer = create_import(wire, url_of(tmp_path))
    assert answer.status == 201
    assert answer.json == {
        "ApplicationId": wire.app,
        "CreationDate": "2026-01-02T03:04:05.678Z",
        "Definition": {
            "DefineSegment": False,
            "ExternalId": "000000000000",
            "Format": "JSON",
            "RegisterEndpoints": True,
            "RoleArn": ROLE,
            "S3Url": url_of(tmp_path),
        },
        "Id": answer.json["Id"],
        "JobStatus": "CREATED",
        "Type": "IMPORT",
    }


@pytest.mark.parametrize(("content", "job_format"), [(GUIDE_CSV, "CSV"), (GUIDE_JSON, "JSON")])
def test_the_guide_s_files(
    wire: Wire, load: Callable[..., Any], clock: Clock, content: str, job_format: str
) -> None:
    """The guide's own files import with the guide's results."""
    clock.advance(60)
    done = load(content, job_format)
    del done["Definition"], done["Id"]
    assert done == {
        "ApplicationId": wire.app,
        "CompletedPieces": 1,
        "CompletionDate": "2026-01-02T03:05:05.678Z",
        "CreationDate": "2026-01-02T03:05:05.678Z",
        "FailedPieces": 0,
        "JobStatus": "COMPLETED",
        "TotalFailures": 0,
        "TotalPieces": 1,
        "TotalProcessed": 3,
        "Type": "IMPORT",
    }
    found = {endpoint["Address"]: endpoint for endpoint in endpoints(wire)}
    assert len(found) == 3
    made = found["john.stiles@example.com"]
    assert made["EffectiveDate"] == made["CreationDate"] == "2026-01-02T03:05:05.678Z"
    del made["Id"]
    assert without_dates(made) == {
        "Address": "john.stiles@example.com",
        "Attributes": {},
        "ChannelType": "EMAIL",
        "Demographic": {"Platform": "iOS", "Make": "Apple"},
        "EndpointStatus": "ACTIVE",
        "Location": {"Country": "USA"},
        "Metrics": {},
        "OptOut": "NONE",
        "User": {"UserId": "example-user-id-2", "UserAttributes": {}},
    }


def test_both_formats_give_the_same_endpoints(wire: Wire, load: Callable[..., Any]) -> None:
    """A row without an id gets one from channel and address, so that a re-import updates."""
    load(GUIDE_CSV, "CSV")
    first = [without_dates(endpoint) for endpoint in endpoints(wire)]
    load(GUIDE_JSON, "JSON")
    assert [without_dates(endpoint) for endpoint in endpoints(wire)] == first


def test_every_column(wire: Wire, load: Callable[..., Any]) -> None:
    """All members of an endpoint have a column; a repeated one gives several values."""
    done = load(
        "Id,ChannelType,Address,OptOut,EndpointStatus,RequestId,EffectiveDate,"
        "Attributes.color,Attributes.color,Attributes.a.b,Metrics.level,Metrics.spend,"
        "Demographic.AppVersion,Location.Latitude,Location.Longitude,Location.City,"
        "User.UserId,User.UserAttributes.plan,User.UserAttributes.plan\n"
        "e1,EMAIL,a@example.com,ALL,INACTIVE,r-1,2025-05-06T07:08:09.123Z,"
        'red,"dark ""blue"", or so",x,7,2.50,1.0,38.72,-9.14,Lisboa,u1,pro,beta\n'
        "e2,SMS,+351,,,,,,green,,,,,,,,,,\n",
        "CSV",
    )
    assert (done["TotalProcessed"], done["TotalFailures"]) == (2, 0)
    first = wire.get("e1")
    assert first["RequestId"] == "r-1"
    assert first["EffectiveDate"] == "2025-05-06T07:08:09.123Z"
    assert without_dates(first) == {
        "Id": "e1",
        "ChannelType": "EMAIL",
        "Address": "a@example.com",
        "OptOut": "ALL",
        "EndpointStatus": "INACTIVE",
        "Attributes": {"color": ["red", 'dark "blue", or so'], "a.b": ["x"]},
        "Metrics": {"level": 7, "spend": 2.5},
        "Demographic": {"AppVersion": "1.0"},
        "Location": {"Latitude": 38.7, "Longitude": -9.1, "City": "Lisboa"},
        "User": {"UserId": "u1", "UserAttributes": {"plan": ["pro", "beta"]}},
    }
    assert wire.get("e2")["Attributes"] == {"color": ["green"]}


def test_a_quoted_line_break(wire: Wire, load: Callable[..., Any]) -> None:
    """A quoted value may hold line breaks; later failures still name the right line."""
    done = load(
        "Id,ChannelType,Address,Attributes.note\r\n"
        'e1,EMAIL,a@example.com,"one\r\ntwo\r\nthree"\r\n'
        "\r\n"
        "e2,EMAIL,,x\r\n",
        "CSV",
    )
    assert wire.get("e1")["Attributes"] == {"note": ["one\r\ntwo\r\nthree"]}
    assert done["Failures"] == ["line 6: Missing Address"]


def test_marks_and_ends(wire: Wire, load: Callable[..., Any]) -> None:
    """A byte order mark, Windows line ends, blank lines and a missing last line end do no harm."""
    csv = "\ufeffId,ChannelType,Address\r\n\r\ne1,EMAIL,a@example.com\r\ne2,EMAIL,b@example.com"
    assert load(csv, "CSV")["TotalProcessed"] == 2
    row = {"Id": "e3", "ChannelType": "EMAIL", "Address": "c@example.com"}
    assert load(f"\ufeff{json.dumps(row)}\r\n\r\n  \r\n", "JSON")["TotalProcessed"] == 1
    assert [endpoint["Id"] for endpoint in endpoints(wire)] == ["e1", "e2", "e3"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("{", "begins an object that goes over lines: write one object a line (jq -c .)"),
        ("[1]", "is a JSON array: write one object a line (jq -c '.[]')"),
        ('{"Address":"a@example.com"}', "Missing ChannelType"),
        ('{"Id":"new","ChannelType":"EMAIL"}', "Missing Address"),
        ('{"Id":"new","Metrics":{"level":1}}', "Missing Address"),
        ('{"Id":"new","Address":"a","ChannelType":"PIGEON"}', "@ $.ChannelType"),
        ('{"Id":"a$b","Address":"a","ChannelType":"EMAIL"}', "must not contain $, { or }"),
        ('{"Id":"old","Metrics":{"level":"7"}}', "must be a number @ $.Metrics.level"),
        ('{"Id":"old","Attributes":{"a":["%s"]}}' % ("x" * 101), "is longer than 100 characters"),
        ('{"Id":"old","EffectiveDate":"yesterday"}', "must be an ISO 8601 date"),
        ('{"Id":"old","User":{"UserId":7}}', "must be a string @ $.User.UserId"),
        ('{"Id":"old","CreationDate":"2020-01-01","CohortId":"x"}', "@ $.CohortId"),
        ('{"User":{"UserId":"u1"}}', "names only a user"),
        ('{"Id":"old","Attributes":{"a":["\\u0000"]}}', "U+0000; leave it out @ $.Attributes.a[0]"),
        ('{"User":{"UserId":"u\\u0000"}}', "U+0000; leave it out @ $.User.UserId[0]"),
    ],
)
def test_a_bad_row_of_json_fails_alone(
    wire: Wire, load: Callable[..., Any], row: str, reason: str
) -> None:
    """A row that is refused is counted and told by its line; those around it are imported."""
    wire.update("old", ChannelType="EMAIL", Address="old@example.com")
    good = '{"Id":"%s","ChannelType":"EMAIL","Address":"%s@example.com"}\n'
    done = load(good % ("e1", "e1") + row + "\n" + good % ("e2", "e2"))
    assert done["JobStatus"] == "COMPLETED"
    assert (done["TotalProcessed"], done["TotalFailures"]) == (3, 1)
    (failure,) = done["Failures"]
    assert failure.startswith("line 2: ")
    assert reason in failure
    assert [endpoint["Id"] for endpoint in endpoints(wire)] == ["e1", "e2", "old"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"x,EMAIL,x@example.com,1,2", "has 5 cells where the header has 4"),
        (b"x,EMAIL,x@example.com,much", "must be a number @ $.Metrics.level"),
        (b"x,EMAIL,x@example.com,nan", "must be a number @ $.Metrics.level"),
        (b"x,EMAIL,x@example.com,1e999", "must be a number @ $.Metrics.level"),
        (b"x,EMAIL,\xe9@example.com,1", "is not UTF-8"),
        (b"x,EMAIL,x\0@example.com,1", "NUL" if sys.version_info < (3, 11) else "U+0000"),
        (b'x,EMAIL,"x"@example.com,1', "is not valid CSV: ',' expected after '\"'"),
        (b'"x,EMAIL,x@example.com,1', "is not valid CSV: unexpected end of data"),
        (b"x,EMAIL," + b"x" * 2_000_000 + b",1", "is longer than 1000000 bytes"),
        (b'x,EMAIL,"' + b"x\n" * 600, "goes on for more than 200 lines"),
        (b'x,EMAIL,"' + b"x" * 200_000, "is not valid CSV: field larger than field limit"),
        (b"x,EMAIL," + (b"x" * 100_000 + b',"\n",') * 11, "is longer than 1000000 bytes"),
    ],
)
def test_a_bad_row_of_csv_fails_alone(
    wire: Wire, load: Callable[..., Any], row: bytes, reason: str
) -> None:
    """A row that is no row of the table fails by its first line, a quote left open too."""
    head = b"Id,ChannelType,Address,Metrics.level\ne1,EMAIL,e1@example.com,1\n"
    done = load(head + row + b"\ne2,EMAIL,e2@example.com,2\n", "CSV")
    assert done["JobStatus"] == "COMPLETED"
    assert done["Failures"][0].startswith("line 3: ")
    assert reason in done["Failures"][0]
    assert [endpoint["Id"] for endpoint in endpoints(wire)] == ["e1", "e2"]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "column 1 of the header is nothing that an endpoint has"),
        ("Id,Adress", "column 2 of the header is nothing that an endpoint has"),
        ("id,Address", "column 1 of the header is nothing that an endpoint has"),
        ("Id,Attributes.", "column 2 of the header is nothing that an endpoint has"),
        ("Id,Address,Id", "column 3 of the header repeats the name of another"),
        ('"Id,Address', "the header is not valid CSV"),
    ],
)
def test_a_bad_header_fails_the_file(
    wire: Wire, load: Callable[..., Any], header: str, reason: str
) -> None:
    """A file whose columns cannot be understood is not imported at all, and the job says why."""
    done = load(f"{header}\ne1,a@example.com\n", "CSV")
    assert done["JobStatus"] == "FAILED"
    assert (done["FailedPieces"], done["TotalPieces"], done["TotalProcessed"]) == (1, 1, 0)
    (failure,) = done["Failures"]
    assert failure.startswith(reason)
    assert endpoints(wire) == []


def test_an_empty_file(load: Callable[..., Any]) -> None:
    """A CSV file without even a header fails; JSON without lines is no endpoints."""
    assert load("\n", "CSV")["Failures"] == ["the file has no header"]
    done = load("\n")
    assert (done["JobStatus"], done["TotalProcessed"]) == ("COMPLETED", 0)


def test_no_data_in_failures(load: Callable[..., Any]) -> None:
    """A file without a header, or with rows that are refused, does not get its data shown."""
    done = load("secret-user,secret@example.com\n", "CSV")
    assert "secret" not in str(done["Failures"])
    done = load('{"Id":"secret","Attributes":{"secret@example.com":7}}\nsecret\n')
    assert "secret" not in str(done["Failures"])


def test_a_channel_in_other_letters(wire: Wire, load: Callable[..., Any]) -> None:
    """AWS's sample file has the channel `Email`."""
    head = "Id,ChannelType,Address,User.UserId\n"
    load(f"{head}111,SMS,+1214,user1\n222,Email,a@example.com,user1\n", "CSV")
    assert wire.user_ids("user1") == ["111", "222"]
    assert wire.get("222")["ChannelType"] == "EMAIL"


def test_updates_merge(wire: Wire, load: Callable[..., Any], clock: Clock) -> None:
    """A row with a known id changes what it names, as UpdateEndpoint would."""
    wire.update("E1", ChannelType="EMAIL", Address="a@example.com", Attributes={"a": ["1"]})
    clock.advance(60)
    load('{"Id":"e1","Attributes":{"b":["2"]},"OptOut":"ALL"}\n{"Id":"e1","Metrics":{"n":1}}\n')
    found = wire.get("e1")
    assert found["Id"] == "E1"
    assert found["Attributes"] == {"a": ["1"], "b": ["2"]}
    assert (found["OptOut"], found["Metrics"]) == ("ALL", {"n": 1})
    assert found["EffectiveDate"] == "2026-01-02T03:05:05.678Z"
    assert found["CreationDate"] == "2026-01-02T03:04:05.678Z"


def test_rules_between_endpoints(wire: Wire, load: Callable[..., Any]) -> None:
    """The 16th endpoint of a user is refused, and the newest with an address is the active one."""
    rows = [
        {"Id": f"e{n}", "ChannelType": "EMAIL", "Address": f"{n}", "User": {"UserId": "u"}}
        for n in range(16)
    ]
    rows.append({"Id": "again", "ChannelType": "EMAIL", "Address": "3"})
    done = load("\n".join(map(json.dumps, rows)))
    assert done["Failures"] == ["line 16: Exceeded maximum endpoint per user count: 15"]
    assert wire.get("e3")["EndpointStatus"] == "INACTIVE"
    assert wire.get("again")["EndpointStatus"] == "ACTIVE"


def test_a_hundred_failures(load: Callable[..., Any]) -> None:
    """All failures are counted, and the first 100 are told."""
    done = load("x\n" * 250)
    assert (done["TotalProcessed"], done["TotalFailures"]) == (250, 250)
    assert len(done["Failures"]) == 100
    assert done["Failures"][-1].startswith("line 100: ")


def test_a_folder_of_mixed_files(wire: Wire, tmp_path: Path) -> None:
    """Of a folder with subfolders, files of the format are read, in the order of their paths."""
    row = '{"Id":"%s","ChannelType":"EMAIL","Address":"%s@example.com"}\n'
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    for name in ("a.json", "b.NDJSON", "sub/c.jsonl", "sub/part-0"):
        (folder / name).write_text(row % (name[-6:], name[-6:]) + "x\n")
    for name in ("d.csv", "e.txt", "_SUCCESS", ".f.json"):
        (folder / name).write_text("x\n")
    (folder / "g.json.gz").write_bytes(gzip.compress((row % ("g", "g")).encode()))
    done = imported(wire, url_of(folder))
    assert done["JobStatus"] == "COMPLETED"
    assert (done["TotalPieces"], done["CompletedPieces"]) == (5, 5)
    assert [failure.partition(": ")[0] for failure in done["Failures"]] == [
        f"line 2 of {name}" for name in ("a.json", "b.NDJSON", "sub/c.jsonl", "sub/part-0")
    ]
    assert len(endpoints(wire)) == 5


def test_a_prefix(wire: Wire, tmp_path: Path) -> None:
    """A place that is neither file nor folder stands for all whose path begins so."""
    (tmp_path / "day-1").mkdir()
    for name in ("day-1/a.json", "day-2.json", "week.json"):
        row = {"Id": name, "ChannelType": "EMAIL", "Address": name}
        (tmp_path / name).write_text(json.dumps(row))
    done = imported(wire, url_of(tmp_path / "day-"))
    assert done["TotalProcessed"] == 2
    assert [endpoint["Id"] for endpoint in endpoints(wire)] == ["day-1/a.json", "day-2.json"]


@pytest.mark.parametrize("name", ["missing.json", "folder/", "prefix"])
def test_no_files(wire: Wire, tmp_path: Path, name: str) -> None:
    """A job that finds nothing to read fails and says so."""
    (tmp_path / "folder").mkdir()
    done = imported(wire, url_of(tmp_path) + "/" + name)
    assert done["JobStatus"] == "FAILED"
    assert done["Failures"] == ["there is no JSON file at this place"]
    assert (done["TotalPieces"], done["FailedPieces"]) == (1, 1)


def test_a_damaged_compressed_file(wire: Wire, tmp_path: Path) -> None:
    """What stands before the damage is imported, and the job fails."""
    row = '{"Id":"%d","ChannelType":"EMAIL","Address":"%d"}\n'
    content = gzip.compress("".join(row % (n, n) for n in range(20_000)).encode())
    (tmp_path / "a.json.gz").write_bytes(content[: len(content) // 2])
    (tmp_path / "b.json").write_text(row % (99_999, 99_999))
    done = imported(wire, url_of(tmp_path))
    assert done["JobStatus"] == "FAILED"
    assert (done["TotalPieces"], done["CompletedPieces"], done["FailedPieces"]) == (2, 1, 1)
    assert done["Failures"] == ["a.json.gz: the compressed file is damaged"]
    assert wire.get("99999")["Address"] == "99999"


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"Format": None}, 400, "Missing Format"),
        ({"Format": "XML"}, 400, "must be one of CSV, JSON @ $.Format"),
        ({"S3Url": None}, 400, "Missing S3Url"),
        ({"RoleArn": None}, 400, "Missing RoleArn"),
        ({"RegisterEndpoints": "yes"}, 400, "must be true or false @ $.RegisterEndpoints"),
        ({"S3Url": "/data/file.csv"}, 400, "must be of the form s3://BUCKET/KEY or file:///PATH"),
        ({"S3Url": "http://host/file"}, 400, "must be of the form s3://BUCKET/KEY"),
        ({"S3Url": "file://host/file"}, 400, "must be of the form file:///PATH"),
        ({"S3Url": "file:///a?b"}, 400, "must be of the form file:///PATH"),
        ({"S3Url": "file:///a%00b"}, 400, "must be of the form file:///PATH"),
        ({"S3Url": "s3://bucket/key"}, 403, "was not given any s3:// places"),
    ],
)
def test_refused_requests(
    wire: Wire, tmp_path: Path, change: dict[str, Any], status: int, text: str
) -> None:
    """A definition that cannot work is refused at once, and no job is made."""
    answer = create_import(wire, url_of(tmp_path), **change)
    assert answer.status == status
    assert text in answer.message
    assert wire.send("GET", f"/v1/apps/{wire.app}/jobs/import").json == {"Item": []}


@pytest.mark.parametrize("flags", [{}, {"DefineSegment": False}, {"RegisterEndpoints": False}])
def test_without_flags_endpoints_are_stored(
    wire: Wire, tmp_path: Path, flags: dict[str, bool]
) -> None:
    """A job that asks for neither a segment nor registration stores the endpoints all the same."""
    path = tmp_path / "a.csv"
    path.write_text("Id,ChannelType,Address\nd1,EMAIL,a@example.com\n")
    done = imported(wire, url_of(path), "CSV", **{"RegisterEndpoints": None, **flags})
    assert (done["JobStatus"], done["TotalFailures"]) == ("COMPLETED", 0)
    assert wire.get("d1")["Address"] == "a@example.com"


def test_a_segment_id_alone_fills_that_segment(wire: Wire, tmp_path: Path) -> None:
    """`SegmentId` without flags adds to the imported segment that it names."""
    path = tmp_path / "a.csv"
    path.write_text("Id,ChannelType,Address\nd1,EMAIL,a@example.com\n")
    made = imported(wire, url_of(path), "CSV", DefineSegment=True)["Definition"]["SegmentId"]
    path.write_text("Id,ChannelType,Address\nd2,EMAIL,b@example.com\n")
    done = imported(wire, url_of(path), "CSV", RegisterEndpoints=None, SegmentId=made)
    assert done["JobStatus"] == "COMPLETED"
    segment = wire.send("GET", f"/v1/apps/{wire.app}/segments/{made}").json
    assert segment["ImportDefinition"]["Size"] == 2


def test_an_engine_without_files(make_wire: Callable[..., Wire], tmp_path: Path) -> None:
    """An engine that was given no files reads and writes none."""
    answer = create_import(make_wire(), url_of(tmp_path))
    assert (answer.status, answer.code) == (403, "ForbiddenException")


def test_unknown_jobs_and_applications(wire: Wire, tmp_path: Path) -> None:
    """Missing applications and jobs are 404, also before a body is looked at."""
    path = f"/v1/apps/{wire.app}/jobs"
    assert wire.send("GET", f"{path}/import/{'0' * 32}").message == "Job not found"
    answer = create_import(wire, url_of(tmp_path))
    assert wire.send("GET", f"{path}/export/{answer.json['Id']}").status == 404
    assert wire.post(f"/v1/apps/{'0' * 32}/jobs/import", {"Format": 7}).status == 404
    assert wire.send("GET", f"/v1/apps/{'0' * 32}/jobs/import").status == 404


def test_pages_of_jobs(wire: Wire, tmp_path: Path) -> None:
    """GetImportJobs pages in the order of creation."""
    made = [create_import(wire, url_of(tmp_path)).json["Id"] for _ in range(5)]
    path = f"/v1/apps/{wire.app}/jobs/import"
    found: list[str] = []
    query = "page-size=2"
    while True:
        page = wire.send("GET", path, query=query).json
        found += [item["Id"] for item in page["Item"]]
        if "NextToken" not in page:
            break
        query = f"page-size=2&token={page['NextToken']}"
    assert found == made
    run(wire)
    assert job(wire, made[0])["JobStatus"] == "FAILED"


def test_deleting_the_application(wire: Wire, tmp_path: Path) -> None:
    """With its application a job goes, also in the middle of its work."""
    (tmp_path / "a.json").write_text('{"Id":"e","ChannelType":"EMAIL","Address":"a"}\n')
    create_import(wire, url_of(tmp_path))
    assert wire.engine.step()
    assert wire.rows("SELECT count(*) AS n FROM job_files") == [{"n": 1}]
    assert wire.send("DELETE", f"/v1/apps/{wire.app}").status == 200
    assert not wire.engine.step()
    assert wire.engine.wait_s() is None
    assert wire.rows("SELECT * FROM jobs") == wire.rows("SELECT * FROM job_files") == []


def test_too_many_files(make_wire: Callable[..., Wire], tmp_path: Path) -> None:
    """A job reads 10,000 files at most, or what the limits say."""
    for number in range(3):
        (tmp_path / f"{number}.json").write_text("")
    files = ByScheme({"file": LocalFiles()})
    for most, status in ((3, "COMPLETED"), (2, "FAILED")):
        wire = make_wire(files=files, limits=Limits(max_import_files=most))
        assert imported(wire, url_of(tmp_path))["JobStatus"] == status


def test_a_compressed_file_that_is_none(wire: Wire, tmp_path: Path) -> None:
    """What is called .gz and is not compressed fails as damaged, in both formats."""
    for job_format in ("CSV", "JSON"):
        (tmp_path / "file.gz").write_text("Id,Address\n")
        done = imported(wire, url_of(tmp_path / "file.gz"), job_format)
        assert (done["JobStatus"], done["TotalProcessed"]) == ("FAILED", 0)
        assert done["Failures"] == ["the compressed file is damaged"]


@pytest.mark.parametrize(("are_writing", "rows"), [(True, 200), (False, 1_000)])
def test_a_piece_is_small_while_requests_write(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, *, are_writing: bool, rows: int
) -> None:
    """They wait for its transaction, which then takes a fifth of the time."""
    monkeypatch.setattr(Requests, "are_writing", are_writing)
    imports = Imports(wire.engine._context, time.monotonic)
    imports._adapt(1_000, 0.1)
    assert imports._rows == rows


def test_what_a_job_kept_open_is_closed(
    make_wire: Callable[..., Wire], file_url: str, tmp_path: Path
) -> None:
    """Its connection has a large cache, which goes when there is nothing to do any more."""
    rows = "".join(f'{{"Id":"{n}"}}\n' for n in range(3_000))
    (tmp_path / "a.json").write_text(rows)
    wire = make_wire(file_url, files=ByScheme({"file": LocalFiles()}))
    pool = wire.engine._context.store._bulk.pool
    create_import(wire, url_of(tmp_path / "a.json"))
    kept = set()
    while wire.engine.step():
        kept.add(pool.checkedin())  # type: ignore[attr-defined]
    assert (kept, pool.checkedin()) == ({0, 1}, 0)  # type: ignore[attr-defined]

"""Jobs: what is refused on this side, how long is waited, and what the engine makes of files."""

from __future__ import annotations

import gzip
import json
import math
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit.audience.jobs import Jobs
from pinpoint_kit.errors import (
    InvalidTypeError,
    JobFailedError,
    JobTimeoutError,
    NotFound,
    TransportError,
    ValidationError,
)
from pinpoint_kit.models import JobStatus
from pinpoint_kit.transport import RetryPolicy, Transport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.stub import Stubber

#: The files of AWS's guide, "Importing Endpoints".
GUIDE_CSV = """\
ChannelType,Address,Location.Country,Demographic.Platform,Demographic.Make,User.UserId
SMS,2065550182,CAN,Android,LG,example-user-id-1
APNS,1a2b3c4d5e6f7g8h9i0j1a2b3c4d5e6f,USA,iOS,Apple,example-user-id-2
EMAIL,john.stiles@example.com,USA,iOS,Apple,example-user-id-2
"""
GUIDE_JSON = """\
{"ChannelType":"SMS","Address":"2065550182","Location":{"Country":"CAN"},"Demographic":{"Platform":"Android","Make":"LG"},"User":{"UserId":"example-user-id-1"}}
{"ChannelType":"APNS","Address":"1a2b3c4d5e6f7g8h9i0j1a2b3c4d5e6f","Location":{"Country":"USA"},"Demographic":{"Platform":"iOS","Make":"Apple"},"User":{"UserId":"example-user-id-2"}}
{"ChannelType":"EMAIL","Address":"john.stiles@example.com","Location":{"Country":"USA"},"Demographic":{"Platform":"iOS","Make":"Apple"},"User":{"UserId":"example-user-id-2"}}
"""
DATE = "2018-05-24T21:26:33.995Z"


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def answer(status: str = "CREATED", job_id: str = "j", kind: str = "IMPORT", **more: Any) -> Any:
    """Return a job as the service shows it."""
    return {
        "ApplicationId": "a",
        "CreationDate": DATE,
        "Definition": {"Format": "CSV", "RoleArn": "r", "S3Url": "s3://b/k"}
        if kind == "IMPORT"
        else {"RoleArn": "r", "S3UrlPrefix": "s3://b/k"},
        "Id": job_id,
        "JobStatus": status,
        "Type": kind,
        **more,
    }


def jobs(stub: Stubber, time: Time | None = None, door: str | None = None) -> Jobs:
    """Return the jobs of an application there."""
    time = time or Time()
    transport = Transport(stub.client, retry=RetryPolicy(max_attempts=1))
    return Jobs(transport, application_id="a", door=door, sleep=time.sleep, clock=time.clock)


@pytest.fixture
def pinpoint() -> Iterator[pk.Pinpoint]:
    """Give an engine in memory."""
    with pk.connect("sqlite://", application="shop") as client:
        yield client


# What is wrong on this side


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("endpoints.csv", "is not a URL"),
        ("/data/endpoints.csv", "is not a URL"),
        ("", "is not a URL"),
        ("ftp://host/endpoints.csv", "of no kind"),
        ("s3://", "names no bucket"),
        ("s3:///key.csv", "names no bucket"),
        ("file://data/endpoints.csv", "three slashes"),
        ("file:///data/endpoints.csv?x=1", "three slashes"),
        ("file:///nul%00/endpoints.csv", "three slashes"),
        ("file://[/endpoints.csv", "three slashes"),
        ("file:///no/such/folder/endpoints.csv", "no such file or folder"),
    ],
)
def test_places_that_cannot_be_meant(pinpoint: pk.Pinpoint, url: str, problem: str) -> None:
    """Nothing is sent; the problem says what to write, and does not repeat the path."""
    with pytest.raises(ValidationError, match=problem) as caught:
        pinpoint.jobs.import_endpoints(url)
    assert caught.value.path == "$.url"
    assert "endpoints.csv" not in str(caught.value)
    assert pinpoint.jobs.list() == []


@pytest.mark.parametrize("url", [None, 5, b"s3://b/k.csv"])
def test_places_are_text_or_paths(pinpoint: pk.Pinpoint, url: Any) -> None:
    """Nothing else is guessed at."""
    for call in (pinpoint.jobs.import_endpoints, pinpoint.jobs.export_endpoints):
        with pytest.raises(InvalidTypeError):
            call(url)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("a.csv", None, "CSV"),
        ("a.CSV.gz", None, "CSV"),
        ("a.json", None, "JSON"),
        ("a.ndjson", None, "JSON"),
        ("a.jsonl.gz", None, "JSON"),
        ("a.json", "csv", "CSV"),
        ("a", pk.JobFormat.JSON, "JSON"),
    ],
)
def test_formats(stub: Stubber, name: str, given: Any, expected: str) -> None:
    """The ending tells the format, unless it is given."""
    request = {
        "Format": expected,
        "S3Url": f"s3://b/{name}",
        "RoleArn": "r",
        "RegisterEndpoints": True,
        "DefineSegment": False,
    }
    stub.add_response(
        "create_import_job",
        {"ImportJobResponse": answer()},
        {"ApplicationId": "a", "ImportJobRequest": request},
    )
    jobs(stub, door="aws").import_endpoints(f"s3://b/{name}", format=given, role_arn="r")


@pytest.mark.parametrize(
    ("url", "options", "path"),
    [
        ("s3://b/folder/", {}, "$.format"),
        ("s3://b/a.csv", {"format": "XML"}, "$.format"),
        ("s3://b/a.csv", {"role_arn": None}, "$.role_arn"),
        ("s3://b/a.csv", {"register_endpoints": False}, "$.register_endpoints"),
        ("s3://b/a.csv", {"define_segment": False, "segment_name": "n"}, "$.segment_name"),
        ("file:///a.csv", {}, "$.url"),
        (Path("a.csv"), {}, "$.url"),
    ],
)
def test_imports_that_cannot_be_meant(
    stub: Stubber, url: Any, options: dict[str, Any], path: str
) -> None:
    """What the hosted service cannot do is refused before it is asked."""
    with pytest.raises(ValidationError) as caught:
        jobs(stub, door="aws").import_endpoints(url, **{"role_arn": "r", **options})
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("url", "options", "path"),
    [
        ("s3://b/k", {"role_arn": None}, "$.role_arn"),
        ("s3://b/k", {"segment_version": 2}, "$.segment_version"),
        ("file:///out", {}, "$.url_prefix"),
        ("out", {}, "$.url_prefix"),
    ],
)
def test_exports_that_cannot_be_meant(
    stub: Stubber, url: str, options: dict[str, Any], path: str
) -> None:
    """The same for exports."""
    with pytest.raises(ValidationError) as caught:
        jobs(stub, door="aws").export_endpoints(url, **{"role_arn": "r", **options})
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("options", "request_members"),
    [
        ({"segment_name": "n"}, {"DefineSegment": True, "SegmentName": "n"}),
        ({"define_segment": True}, {"DefineSegment": True}),
        (
            {"segment_id": "s", "register_endpoints": False},
            {"SegmentId": "s", "DefineSegment": False, "RegisterEndpoints": False},
        ),
    ],
)
def test_segments_of_an_import(
    stub: Stubber, options: dict[str, Any], request_members: dict[str, Any]
) -> None:
    """A name makes a segment; an id adds to one."""
    expected = {
        "Format": "CSV",
        "S3Url": "s3://b/a.csv",
        "RoleArn": "r",
        "RegisterEndpoints": True,
        **request_members,
    }
    stub.add_response(
        "create_import_job",
        {"ImportJobResponse": answer()},
        {"ApplicationId": "a", "ImportJobRequest": expected},
    )
    jobs(stub).import_endpoints("s3://b/a.csv", role_arn="r", **options)


def test_an_export_of_a_segment(stub: Stubber) -> None:
    """The segment and its version go into the request."""
    expected = {"S3UrlPrefix": "s3://b/k", "RoleArn": "r", "SegmentId": "s", "SegmentVersion": 2}
    stub.add_response(
        "create_export_job",
        {"ExportJobResponse": answer(kind="EXPORT")},
        {"ApplicationId": "a", "ExportJobRequest": expected},
    )
    job = jobs(stub).export_endpoints("s3://b/k", role_arn="r", segment_id="s", segment_version=2)
    assert job.type is pk.JobType.EXPORT


# Waiting


def script(stub: Stubber, *statuses: str, **last: Any) -> None:
    """Look at an import job."""
    for number, status in enumerate(statuses):
        more = last if number == len(statuses) - 1 else {}
        stub.add_response("get_import_job", {"ImportJobResponse": answer(status, **more)})


def test_waits_grow(stub: Stubber) -> None:
    """The looks become rarer, up to one in five seconds, and each is told."""
    statuses = ["CREATED", *["PROCESSING"] * 18, "COMPLETING", "COMPLETED"]
    script(stub, *statuses)
    time, seen = Time(), list[str]()
    job = jobs(stub, time).wait(
        "j", on_progress=lambda job: seen.append(job.job_status.value if job.job_status else "")
    )
    assert job.is_finished
    assert seen == statuses
    assert time.slept[0] <= 0.05
    assert 3.75 <= time.slept[-1] <= 5.0
    assert all(later <= earlier * 2.1 for earlier, later in zip(time.slept, time.slept[1:]))  # noqa: B905 -- the last has no follower


def test_an_engine_here_is_looked_at_more_often(stub: Stubber) -> None:
    """In this process a look costs little: one a second at least."""
    script(stub, *["PROCESSING"] * 20, "COMPLETED")
    time = Time()
    jobs(stub, time, door="engine").wait("j")
    assert max(time.slept) <= 1.0


def test_a_wait_has_an_end(stub: Stubber, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time that was given, and a last look, it is an error that knows the job."""
    monkeypatch.setattr("random.uniform", lambda _, most: most)
    script(stub, *["PROCESSING"] * 7)
    time = Time()
    with pytest.raises(JobTimeoutError, match="not over after 1 seconds") as caught:
        jobs(stub, time).wait("j", timeout=1)
    assert caught.value.job_id == "j"
    assert time.now == pytest.approx(101.0)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.is_retryable
    copied = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 -- our own bytes
    assert (str(copied), copied.job_id) == (str(caught.value), "j")


def test_without_time_there_is_one_look(stub: Stubber) -> None:
    """A timeout of 0 only asks."""
    script(stub, "COMPLETED")
    assert jobs(stub).wait("j", timeout=0).job_status is JobStatus.COMPLETED


@pytest.mark.parametrize("timeout", [None, "5", True])
def test_a_timeout_is_seconds(pinpoint: pk.Pinpoint, timeout: Any) -> None:
    """Anything else is said to be none, before anything is asked or read."""
    with pytest.raises(InvalidTypeError, match=r"expected seconds, got .* @ \$\.timeout"):
        pinpoint.jobs.wait("j", timeout=timeout)
    with pytest.raises(InvalidTypeError, match=r"expected seconds, got .* @ \$\.timeout"):
        pinpoint.endpoints.load([{"Id": "a", "Metrics.level": 1}], timeout=timeout)
    assert list(pinpoint.endpoints.ids()) == []


def test_a_segment_and_a_type_are_taken_as_elsewhere(pinpoint: pk.Pinpoint, tmp_path: Path) -> None:
    """A `Segment` will do for its id, and a type in small letters; nothing failed is ()."""
    (tmp_path / "p.csv").write_text("Id,ChannelType,Address\nx,SMS,+1\n")
    job = pinpoint.jobs.import_endpoints(tmp_path / "p.csv", segment_name="s")
    assert pinpoint.jobs.wait(job, timeout=math.inf).failures == ()
    (segment,) = pinpoint.segments.list()
    again = pinpoint.jobs.import_endpoints(tmp_path / "p.csv", segment_id=segment)
    out = pinpoint.jobs.export_endpoints(tmp_path / "out", segment_id=segment)
    assert pinpoint.jobs.wait(out, timeout=60).total_processed == 1
    assert {found.id for found in pinpoint.jobs.list(segment_id=segment)} == {
        job.id,
        again.id,
        out.id,
    }
    assert [found.id for found in pinpoint.jobs.list(type="export")] == [out.id]
    with pytest.raises(InvalidTypeError, match="segment_id"):
        pinpoint.jobs.export_endpoints(tmp_path / "out", segment_id=7)  # type: ignore[arg-type]


def test_a_failed_job_is_an_error(stub: Stubber) -> None:
    """It has the failures; of a service that is not ours, its text has none of them."""
    script(stub, "FAILING", "FAILED", Failures=["line 1: secret"], TotalPieces=3, FailedPieces=1)
    with pytest.raises(JobFailedError, match="1 of 3 pieces") as caught:
        jobs(stub, door="http").wait(pk.Job(id="j", type=pk.JobType.IMPORT))
    assert caught.value.job_id == "j"
    assert caught.value.failures == ("line 1: secret",)
    assert "secret" not in str(caught.value)


def test_failed_rows_are_no_error(stub: Stubber) -> None:
    """A job that completed is returned, with what failed in it."""
    script(stub, "COMPLETED", Failures=["line 1: x"], TotalFailures=1, TotalProcessed=3)
    job = jobs(stub).wait("j")
    assert (job.total_failures, job.failures) == (1, ("line 1: x",))


# Reading and listing


def test_an_id_is_looked_for_in_both_lists(stub: Stubber) -> None:
    """An id does not tell its type; a job does."""
    stub.add_client_error("get_import_job", "NotFoundException", http_status_code=404)
    stub.add_response("get_export_job", {"ExportJobResponse": answer(kind="EXPORT")})
    assert jobs(stub).get("j").type is pk.JobType.EXPORT
    stub.add_response("get_export_job", {"ExportJobResponse": answer(kind="EXPORT")})
    assert jobs(stub).get(pk.Job(id="j", type=pk.JobType.EXPORT)).id == "j"


def test_lists_page_themselves_and_are_in_order(stub: Stubber) -> None:
    """Both kinds come from all pages, oldest first."""
    pages = [
        ("get_import_jobs", "ImportJobsResponse", "1", "2022-01-01T00:00:00Z", "t"),
        ("get_import_jobs", "ImportJobsResponse", "2", "2024-01-01T00:00:00Z", None),
        ("get_export_jobs", "ExportJobsResponse", "3", "2023-01-01T00:00:00Z", None),
    ]
    for method, name, job_id, date, token in pages:
        kind = "IMPORT" if "import" in method else "EXPORT"
        page = {"Item": [answer(job_id=job_id, kind=kind, CreationDate=date)]}
        stub.add_response(method, {name: {**page, **({"NextToken": token} if token else {})}})
    assert [job.id for job in jobs(stub).list()] == ["1", "3", "2"]


def test_lists_can_be_narrowed(stub: Stubber) -> None:
    """To one type, and to one segment."""
    stub.add_response(
        "get_segment_export_jobs",
        {"ExportJobsResponse": {"Item": []}},
        {"ApplicationId": "a", "SegmentId": "s", "PageSize": "100"},
    )
    assert jobs(stub).list(type="EXPORT", segment_id="s") == []
    with pytest.raises(ValidationError, match="use one of IMPORT, EXPORT"):
        jobs(stub).list(type="BOTH")


def test_pages_in_a_circle_end(stub: Stubber) -> None:
    """A server that leads in a circle is an error, and not a loop."""
    page = {"ImportJobsResponse": {"Item": [], "NextToken": "t"}}
    stub.add_response("get_import_jobs", page)
    stub.add_response("get_import_jobs", page)
    with pytest.raises(TransportError, match="followed by itself"):
        jobs(stub).list(type=pk.JobType.IMPORT)


@pytest.mark.parametrize("job", ["", ".", "..", 5, None])
def test_ids_of_jobs(pinpoint: pk.Pinpoint, job: Any) -> None:
    """An id that is none never gets as far as a request."""
    with pytest.raises(ValidationError):
        pinpoint.jobs.get(job)


# On the engine


@pytest.mark.parametrize(("name", "text"), [("guide.csv", GUIDE_CSV), ("guide.json", GUIDE_JSON)])
def test_the_guides_files(pinpoint: pk.Pinpoint, tmp_path: Path, name: str, text: str) -> None:
    """The guide's three endpoints are there, with its counts."""
    (tmp_path / name).write_text(text)
    started = pinpoint.jobs.import_endpoints(tmp_path / name)
    job = pinpoint.jobs.wait(started, timeout=60)
    assert job.job_status is JobStatus.COMPLETED
    assert (job.total_processed, job.total_failures) == (3, 0)
    found = pinpoint.users.endpoints("example-user-id-2")
    assert {e.address for e in found} == {
        "1a2b3c4d5e6f7g8h9i0j1a2b3c4d5e6f",
        "john.stiles@example.com",
    }
    assert pinpoint.jobs.get(job.id).id == started.id


def test_there_and_back(pinpoint: pk.Pinpoint, tmp_path: Path) -> None:
    """What is exported and imported elsewhere is the same audience."""
    pinpoint.endpoints.update_many(
        pk.Endpoint(id=f"e-{n}", metrics={"n": n}, user=pk.User(id=f"u-{n}")) for n in range(150)
    )
    job = pinpoint.jobs.wait(pinpoint.jobs.export_endpoints(tmp_path / "out"), timeout=60)
    assert job.total_processed == 150
    text = b"".join(gzip.decompress(file.read_bytes()) for file in tmp_path.rglob("*.gz"))
    ids = {json.loads(line)["Id"] for line in text.splitlines()}
    assert ids == {f"e-{n}" for n in range(150)}
    with pk.connect("sqlite://") as other:
        folder = (tmp_path / "out").as_uri() + "/"
        job = other.jobs.wait(other.jobs.import_endpoints(folder, format="JSON"), timeout=60)
        assert (job.total_processed, job.total_failures) == (150, 0)
        assert other.endpoints.get("e-7").metrics == {"n": 7.0}
    assert [job.type for job in pinpoint.jobs.list()] == [pk.JobType.EXPORT]


def test_an_export_of_an_unknown_segment(pinpoint: pk.Pinpoint, tmp_path: Path) -> None:
    """It is refused, and no job is made."""
    with pytest.raises(NotFound):
        pinpoint.jobs.export_endpoints(tmp_path, segment_id="0" * 32)
    assert pinpoint.jobs.list() == []
    assert list(tmp_path.iterdir()) == []


def test_an_import_into_a_segment(pinpoint: pk.Pinpoint, tmp_path: Path) -> None:
    """The job tells the id of its segment at once, and another one adds to it."""
    (tmp_path / "guide.csv").write_text(GUIDE_CSV)
    job = pinpoint.jobs.import_endpoints(tmp_path / "guide.csv", segment_name="guide")
    assert job.definition is not None
    segment_id = job.definition.segment_id
    assert segment_id is not None
    pinpoint.jobs.wait(job)
    (tmp_path / "more.csv").write_text("Id,ChannelType,Address\nx,SMS,+1\n")
    pinpoint.jobs.wait(pinpoint.jobs.import_endpoints(tmp_path / "more.csv", segment_id=segment_id))
    segment = pinpoint.segments.get(segment_id)
    assert (segment.name, segment.segment_type) == ("guide", pk.SegmentType.IMPORT)
    assert segment.import_definition is not None
    assert pinpoint.segments.count(segment) == 4
    assert len(pinpoint.jobs.list(segment_id=segment_id)) == 2


def test_an_unknown_job(pinpoint: pk.Pinpoint) -> None:
    """It is NotFound, of whichever type it might have been."""
    with pytest.raises(NotFound):
        pinpoint.jobs.get("0" * 32)
    with pytest.raises(NotFound):
        pinpoint.jobs.wait("0" * 32)


@pytest.mark.parametrize(
    ("content", "failures", "is_failed"),
    [
        (b'ChannelType,Address\nSMS,+1\n"SMS,+2\nSMS,+3\n', 1, False),
        (b"ChannelType,Address\nSMS,\xff\xfe\nSMS,+3\n", 1, False),
        (b"ChannelType,Address\nSMS," + b"x" * 10_000_000 + b"\nSMS,+3\n", 1, False),
        (b"ChannelType,Address\nSMS\nSMS,+3\n", 1, False),
        (b"Channel,Adress\nSMS,+3\n", 0, True),
        (b"", 0, True),
    ],
    ids=["quote", "encoding", "10 MB line", "missing cell", "missing columns", "empty"],
)
def test_bad_files(
    pinpoint: pk.Pinpoint, tmp_path: Path, content: bytes, failures: int, *, is_failed: bool
) -> None:
    """A bad row fails alone, with its line; a file that cannot be understood fails the job."""
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    started = pinpoint.jobs.import_endpoints(file)
    if is_failed:
        with pytest.raises(JobFailedError) as caught:
            pinpoint.jobs.wait(started, timeout=60)
        assert str(caught.value).endswith(f"; the first failure: {caught.value.failures[0]}")
        return
    job = pinpoint.jobs.wait(started, timeout=60)
    assert job.total_failures == failures
    assert job.failures[0].startswith("line ")

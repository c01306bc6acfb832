"""Import and export jobs: created, looked at until they are done, listed."""

from __future__ import annotations

import gzip
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

ROLE = "arn:aws:iam::111122223333:role/jobs"
PEOPLE = [{"Id": f"e{i}", "ChannelType": "EMAIL", "Address": f"e{i}@example.com"} for i in range(3)]
#: No job of this suite takes a tenth of this.
PATIENCE_S = 30.0


class Jobs:
    """The jobs of one application, and a folder for their files."""

    def __init__(self, client: Any, app: str, folder: Path) -> None:
        self.client = client
        self.app = app
        self.folder = folder

    def write(self, *lines: object, name: str = "endpoints.json") -> str:
        """Write a file of JSON lines, texts as they are, and return its URL."""
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        path = self.folder / name
        path.write_text("\n".join(texts) + "\n", "utf-8")
        return path.as_uri()

    def create_import(self, url: str, **members: object) -> Any:
        request = {"Format": "JSON", "RegisterEndpoints": True, "RoleArn": ROLE, "S3Url": url}
        return self.client.create_import_job(
            ApplicationId=self.app, ImportJobRequest={**request, **members}
        )

    def create_export(self, url: str, **members: object) -> Any:
        request = {"S3UrlPrefix": url, "RoleArn": ROLE, **members}
        return self.client.create_export_job(ApplicationId=self.app, ExportJobRequest=request)

    def get_import(self, job_id: str) -> Any:
        answer = self.client.get_import_job(ApplicationId=self.app, JobId=job_id)
        return answer["ImportJobResponse"]

    def get_export(self, job_id: str) -> Any:
        answer = self.client.get_export_job(ApplicationId=self.app, JobId=job_id)
        return answer["ExportJobResponse"]

    def imported(self, url: str, **members: object) -> Any:
        """Run an import job to its end, looking at it as the guide's samples do."""
        job_id = self.create_import(url, **members)["ImportJobResponse"]["Id"]
        return finished(self.get_import, job_id)

    def exported(self, url: str) -> Any:
        """Run an export job to its end."""
        return finished(self.get_export, self.create_export(url)["ExportJobResponse"]["Id"])


def finished(get: Any, job_id: str) -> Any:
    """Look at a job until it is done."""
    end = time.monotonic() + PATIENCE_S
    while (job := get(job_id))["JobStatus"] not in {"COMPLETED", "FAILED"}:
        assert time.monotonic() < end, f"the job is still {job['JobStatus']}"
        time.sleep(0.01)
    return job


@pytest.fixture
def jobs(client: Any, app: str, tmp_path: Path) -> Jobs:
    """Give the jobs of a new application."""
    return Jobs(client, app, tmp_path)


def test_create_import_job_answers_201_with_the_job(jobs: Jobs) -> None:
    """A new job is CREATED, and shows what it is to do with the defaults filled in."""
    answer = jobs.create_import(url := jobs.write(*PEOPLE))
    job = answer["ImportJobResponse"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (job["ApplicationId"], job["JobStatus"], job["Type"]) == (jobs.app, "CREATED", "IMPORT")
    definition = {**job["Definition"]}
    assert definition.pop("ExternalId")
    assert definition == {
        "DefineSegment": False,
        "Format": "JSON",
        "RegisterEndpoints": True,
        "RoleArn": ROLE,
        "S3Url": url,
    }
    finished(jobs.get_import, job["Id"])


def test_an_import_job_stores_the_endpoints(jobs: Jobs) -> None:
    """A finished job counts its rows and pieces, and every endpoint is there."""
    job = jobs.imported(jobs.write(*PEOPLE))
    assert (job["JobStatus"], job["TotalProcessed"], job["TotalFailures"]) == ("COMPLETED", 3, 0)
    assert (job["TotalPieces"], job["CompletedPieces"], job["FailedPieces"]) == (1, 1, 0)
    assert job["CompletionDate"] >= job["CreationDate"]
    for sent in PEOPLE:
        got = jobs.client.get_endpoint(ApplicationId=jobs.app, EndpointId=sent["Id"])
        assert sent.items() <= got["EndpointResponse"].items()


def test_csv_has_members_as_columns(jobs: Jobs) -> None:
    """A dot leads into a member, and a repeated column makes a list."""
    url = jobs.write(
        "Id,ChannelType,Address,Attributes.likes,Attributes.likes,Metrics.level,User.UserId",
        'e,EMAIL,a@example.com,music,"books, old",3.5,u',
        name="endpoints.csv",
    )
    assert jobs.imported(url, Format="CSV")["JobStatus"] == "COMPLETED"
    answer = jobs.client.get_endpoint(ApplicationId=jobs.app, EndpointId="e")
    endpoint = answer["EndpointResponse"]
    assert endpoint["Attributes"] == {"likes": ["music", "books, old"]}
    assert (endpoint["Metrics"], endpoint["User"]["UserId"]) == ({"level": 3.5}, "u")


def test_a_bad_row_fails_alone(jobs: Jobs) -> None:
    """The job is COMPLETED, counts the failure and says which line it is."""
    job = jobs.imported(jobs.write(PEOPLE[0], "nonsense", {"Id": "no address"}, PEOPLE[1]))
    assert (job["JobStatus"], job["TotalProcessed"], job["TotalFailures"]) == ("COMPLETED", 4, 2)
    assert len(job["Failures"]) == 2
    assert [failure.partition(":")[0] for failure in job["Failures"]] == ["line 2", "line 3"]


def test_what_is_not_there_fails_the_job(jobs: Jobs) -> None:
    """A place without files gives a FAILED job and not an error of the request."""
    job = jobs.imported((jobs.folder / "nowhere.json").as_uri())
    assert job["JobStatus"] == "FAILED"
    assert job["Failures"]


def test_a_job_can_define_a_segment(jobs: Jobs) -> None:
    """The segment's id is in the first answer, and its jobs are listed."""
    url = jobs.write(*PEOPLE)
    answer = jobs.create_import(url, DefineSegment=True, SegmentName="people")
    created = answer["ImportJobResponse"]
    segment_id = created["Definition"]["SegmentId"]
    job = finished(jobs.get_import, created["Id"])
    named = {"ApplicationId": jobs.app, "SegmentId": segment_id}
    segment = jobs.client.get_segment(**named)["SegmentResponse"]
    assert (segment["Name"], segment["SegmentType"]) == ("people", "IMPORT")
    assert segment["ImportDefinition"]["Size"] == 3
    assert segment["ImportDefinition"]["ChannelCounts"] == {"EMAIL": 3}
    listed = jobs.client.get_segment_import_jobs(**named)["ImportJobsResponse"]
    assert listed["Item"] == [job]
    url = (jobs.folder / "out").as_uri()
    export = jobs.create_export(url, SegmentId=segment_id, SegmentVersion=1)["ExportJobResponse"]
    job = finished(jobs.get_export, export["Id"])
    assert job["Definition"]["SegmentVersion"] == 1
    assert (job["JobStatus"], job["TotalProcessed"]) == ("COMPLETED", 3)
    listed = jobs.client.get_segment_export_jobs(**named)["ExportJobsResponse"]
    assert listed["Item"] == [job]


@pytest.mark.parametrize(
    "members",
    [{"Format": "XML"}, {"S3Url": ""}, {"S3Url": "not a place"}],
    ids=str,
)
def test_an_import_that_makes_no_sense_is_refused(jobs: Jobs, members: dict[str, Any]) -> None:
    """An unknown format or no place is a BadRequestException, and no job."""
    with pytest.raises(jobs.client.exceptions.BadRequestException):
        jobs.create_import(jobs.write(*PEOPLE), **members)
    listed = jobs.client.get_import_jobs(ApplicationId=jobs.app)["ImportJobsResponse"]
    assert listed["Item"] == []


def test_create_export_job_answers_202_with_the_job(jobs: Jobs) -> None:
    """A new export is CREATED, too."""
    answer = jobs.create_export(url := jobs.folder.as_uri())
    job = answer["ExportJobResponse"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert (job["ApplicationId"], job["JobStatus"], job["Type"]) == (jobs.app, "CREATED", "EXPORT")
    assert job["Definition"] == {"RoleArn": ROLE, "S3UrlPrefix": url}
    finished(jobs.get_export, job["Id"])


def test_an_export_job_writes_gzipped_lines(jobs: Jobs) -> None:
    """Each line of the `.gz` objects is an endpoint as GetEndpoint shows it."""
    jobs.imported(jobs.write(*PEOPLE))
    (target := jobs.folder / "export").mkdir()
    job = jobs.exported(target.as_uri())
    assert (job["JobStatus"], job["TotalProcessed"], job["TotalFailures"]) == ("COMPLETED", 3, 0)
    texts = [gzip.decompress(path.read_bytes()) for path in target.rglob("*.gz")]
    exported = {line["Id"]: line for text in texts for line in map(json.loads, text.splitlines())}
    assert exported == {
        sent["Id"]: jobs.client.get_endpoint(ApplicationId=jobs.app, EndpointId=sent["Id"])[
            "EndpointResponse"
        ]
        for sent in PEOPLE
    }


def test_an_export_can_be_imported(jobs: Jobs) -> None:
    """What one application exports another one imports, and has the same endpoints."""
    jobs.imported(jobs.write(*PEOPLE))
    (target := jobs.folder / "export").mkdir()
    jobs.exported(target.as_uri())
    other = jobs.client.create_app(CreateApplicationRequest={"Name": "other"})
    copy = Jobs(jobs.client, other["ApplicationResponse"]["Id"], jobs.folder)
    assert copy.imported(target.as_uri())["TotalProcessed"] == 3
    one, two = (
        jobs.client.get_endpoint(ApplicationId=app, EndpointId="e1")["EndpointResponse"]
        for app in (jobs.app, copy.app)
    )
    different = {"ApplicationId", "EffectiveDate", "RequestId"}
    assert {name: one[name] for name in one.keys() - different} == {
        name: two[name] for name in two.keys() - different
    }


def test_jobs_are_listed_page_by_page(jobs: Jobs) -> None:
    """Imports and exports have lists of their own, which go on by token."""
    url = jobs.write(*PEOPLE)
    ids = [jobs.imported(url)["Id"] for _ in range(3)]
    export = jobs.exported(jobs.folder.as_uri())
    first = jobs.client.get_import_jobs(ApplicationId=jobs.app, PageSize="2")["ImportJobsResponse"]
    second = jobs.client.get_import_jobs(
        ApplicationId=jobs.app, PageSize="2", Token=first["NextToken"]
    )["ImportJobsResponse"]
    assert sorted(job["Id"] for job in first["Item"] + second["Item"]) == sorted(ids)
    assert (len(first["Item"]), second.get("NextToken")) == (2, None)
    exports = jobs.client.get_export_jobs(ApplicationId=jobs.app)["ExportJobsResponse"]
    assert exports["Item"] == [export]


def test_an_unknown_job_is_not_found(jobs: Jobs) -> None:
    """The id of an import is no id of an export."""
    job_id = jobs.imported(jobs.write(*PEOPLE))["Id"]
    for get, unknown in ((jobs.get_import, "0" * 32), (jobs.get_export, job_id)):
        with pytest.raises(jobs.client.exceptions.NotFoundException):
            get(unknown)

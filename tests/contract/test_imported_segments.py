"""Imported segments: defined by a job, fixed from then on, exported by another."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.test_jobs import PEOPLE, Jobs, finished

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def jobs(client: Any, app: str, tmp_path: Path) -> Jobs:
    """Give the jobs of a new application."""
    return Jobs(client, app, tmp_path)


def segment_of(jobs: Jobs, segment_id: str) -> Any:
    """Read a segment."""
    answer = jobs.client.get_segment(ApplicationId=jobs.app, SegmentId=segment_id)
    return answer["SegmentResponse"]


def define(jobs: Jobs, *lines: object, **members: object) -> Any:
    """Run an import that defines a segment, and return the job at its end."""
    url = jobs.write(*lines, name="segment.json")
    return jobs.imported(url, RegisterEndpoints=False, DefineSegment=True, **members)


def exported_ids(jobs: Jobs, name: str, **members: object) -> set[str]:
    """Run an export, and return the ids of the endpoints in it."""
    (target := jobs.folder / name).mkdir()
    job_id = jobs.create_export(target.as_uri(), **members)["ExportJobResponse"]["Id"]
    assert finished(jobs.get_export, job_id)["JobStatus"] == "COMPLETED"
    texts = [gzip.decompress(path.read_bytes()) for path in target.rglob("*.gz")]
    return {json.loads(line)["Id"] for text in texts for line in text.splitlines()}


def test_the_answer_names_the_segment_at_once(jobs: Jobs) -> None:
    """CreateImportJob with DefineSegment already has the id of the new segment."""
    url = jobs.write(*PEOPLE)
    answer = jobs.create_import(url, DefineSegment=True, SegmentName="people")
    definition = answer["ImportJobResponse"]["Definition"]
    assert segment_of(jobs, definition["SegmentId"])["Name"] == "people"
    finished(jobs.get_import, answer["ImportJobResponse"]["Id"])


def test_a_defined_segment_is_an_imported_one(jobs: Jobs) -> None:
    """It is of type IMPORT, and says where it came from and how many endpoints it has."""
    job = define(jobs, *PEOPLE, SegmentName="people")
    segment = segment_of(jobs, job["Definition"]["SegmentId"])
    imported = segment["ImportDefinition"]
    assert segment["SegmentType"] == "IMPORT"
    assert (imported["Format"], imported["Size"]) == ("JSON", 3)
    assert imported["S3Url"] == job["Definition"]["S3Url"]
    assert imported["ChannelCounts"] == {"EMAIL": 3}


def test_defining_a_segment_stores_its_endpoints(jobs: Jobs) -> None:
    """The endpoints of the file are made or updated, without RegisterEndpoints too."""
    define(jobs, *PEOPLE)
    got = jobs.client.get_endpoint(ApplicationId=jobs.app, EndpointId="e0")["EndpointResponse"]
    assert got["Address"] == "e0@example.com"


def test_an_imported_segment_is_a_fixed_list(jobs: Jobs) -> None:
    """Endpoints that come later do not belong to it; an export holds exactly its list."""
    job = define(jobs, *PEOPLE[:2])
    jobs.imported(jobs.write(*PEOPLE))
    segment_id = job["Definition"]["SegmentId"]
    assert exported_ids(jobs, "segment", SegmentId=segment_id) == {"e0", "e1"}
    assert exported_ids(jobs, "everything") == {"e0", "e1", "e2"}


def test_a_list_of_users_is_all_their_endpoints(jobs: Jobs) -> None:
    """A file of user ids alone makes a segment of every endpoint that these users have."""
    for endpoint_id, user_id in (("a", "u"), ("b", "u"), ("c", "somebody else")):
        jobs.client.update_endpoint(
            ApplicationId=jobs.app,
            EndpointId=endpoint_id,
            EndpointRequest={"User": {"UserId": user_id}},
        )
    job = define(jobs, {"User": {"UserId": "u"}})
    segment_id = job["Definition"]["SegmentId"]
    assert exported_ids(jobs, "segment", SegmentId=segment_id) == {"a", "b"}


def test_a_dynamic_segment_is_exported_as_it_is_now(jobs: Jobs) -> None:
    """An export of a segment with dimensions has the endpoints that fit."""
    jobs.imported(jobs.write(*({**one, "Metrics": {"n": i}} for i, one in enumerate(PEOPLE))))
    above = {"Metrics": {"n": {"ComparisonOperator": "GREATER_THAN", "Value": 0.5}}}
    answer = jobs.client.create_segment(
        ApplicationId=jobs.app, WriteSegmentRequest={"Name": "above", "Dimensions": above}
    )
    segment_id = answer["SegmentResponse"]["Id"]
    assert exported_ids(jobs, "segment", SegmentId=segment_id) == {"e1", "e2"}


def test_jobs_are_listed_by_their_segment(jobs: Jobs) -> None:
    """GetSegmentImportJobs and GetSegmentExportJobs have the jobs of one segment."""
    jobs.imported(jobs.write(*PEOPLE))
    job = define(jobs, *PEOPLE)
    one = {"ApplicationId": jobs.app, "SegmentId": job["Definition"]["SegmentId"]}
    exported_ids(jobs, "segment", SegmentId=one["SegmentId"])
    imports = jobs.client.get_segment_import_jobs(**one)["ImportJobsResponse"]["Item"]
    exports = jobs.client.get_segment_export_jobs(**one)["ExportJobsResponse"]["Item"]
    assert imports == [job]
    assert [export["Definition"]["SegmentId"] for export in exports] == [one["SegmentId"]]


def test_jobs_of_an_unknown_segment_are_refused(jobs: Jobs) -> None:
    """A segment that nobody has can be neither exported nor listed."""
    unknown = {"SegmentId": "0" * 32}
    with pytest.raises(jobs.client.exceptions.NotFoundException):
        jobs.create_export(jobs.folder.as_uri(), **unknown)
    for list_jobs in (jobs.client.get_segment_import_jobs, jobs.client.get_segment_export_jobs):
        with pytest.raises(jobs.client.exceptions.NotFoundException):
            list_jobs(ApplicationId=jobs.app, **unknown)

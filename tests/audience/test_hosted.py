"""A service without operations of our own, and with S3: all of the way round, from end to end.

The engine stands for the service. A hook of the client answers paths of our own as the hosted
service does, and moto stands for S3 on both sides.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse

import pinpoint_kit as pk
from pinpoint_kit import where
from pinpoint_kit.errors import JobFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.objects import Objects

PLACE, ROLE = "s3://audience/somewhere", "arn:aws:iam::1:role/r"


class Raw(io.BytesIO):
    """What botocore reads an answer from."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def refuse_ours(request: Any, **_: object) -> AWSResponse | None:
    """Pinpoint has nothing below our prefix."""
    if "/pinpoint-kit/" not in request.url:
        return None
    headers: Any = {"x-amzn-ErrorType": "MissingAuthenticationTokenException"}
    return AWSResponse(
        request.url, 403, headers, Raw(b'{"Message": "Missing Authentication Token"}')
    )


@pytest.fixture
def pinpoint(objects: Objects) -> Iterator[pk.Pinpoint]:
    """Give a client of a service that is not in this process, as far as the client knows."""
    del objects  # they are there
    with pk.connect("sqlite://", application="shop") as service:
        service.client.meta.events.register_first("before-send.pinpoint.GetApp", refuse_ours)  # type: ignore[arg-type]  # the stubs deny what botocore documents
        with pk.Pinpoint(service.client, service.application_id) as client:
            yield client


def test_everything_by_export_jobs(pinpoint: pk.Pinpoint, objects: Objects) -> None:
    """Scan, ids, members and counts are right, and nothing is left in the bucket."""
    pinpoint.endpoints.update_many(
        pk.Endpoint(id=f"e-{n}", metrics={"n": n}, user=pk.User(id=f"u-{n}")) for n in range(30)
    )
    options: Any = {"export_to": PLACE, "role_arn": ROLE}
    found = {endpoint.id: endpoint for endpoint in pinpoint.endpoints.scan(**options)}
    assert len(found) == 30
    assert found["e-7"] == pinpoint.endpoints.get("e-7")
    assert sorted(pinpoint.endpoints.ids(**options)) == sorted(f"e-{n}" for n in range(30))
    high = pinpoint.segments.create("high", where.metric("n") >= 25)
    pinpoint.segments.update(high, where=where.metric("n") >= 28)
    assert {e.id for e in pinpoint.segments.members(high, **options)} == {"e-28", "e-29"}
    assert pinpoint.segments.count(high, **options) == 2
    assert pinpoint.segments.count(high, version=1, **options) == 5
    assert list(objects.find(PLACE)) == []
    assert {job.type for job in pinpoint.jobs.list()} == {pk.JobType.EXPORT}


def test_many_rows_through_the_bucket(pinpoint: pk.Pinpoint, objects: Objects) -> None:
    """What is loaded arrives by one import job, and refusals name the rows."""
    rows = [
        {"Id": f"e-{n}", "ChannelType": "SMS", "Address": f"+{n}", "User.UserId": f"u-{n // 16}"}
        for n in range(1_200)
    ]
    report = pinpoint.endpoints.load(rows, staging=PLACE, role_arn=ROLE)
    assert report.job is not None
    assert (report.accepted, report.rejected) == (1_125, 75)
    assert report.failures[0].startswith("row 16: ")
    assert pinpoint.endpoints.get("e-1198").id == "e-1198"
    assert list(objects.find(PLACE)) == []


def test_jobs_of_a_bucket(pinpoint: pk.Pinpoint, objects: Objects) -> None:
    """A file in a bucket is imported; a bucket that is not there fails the job, which says so."""
    content = b"Id,Address,ChannelType\na,+1,SMS\n"
    objects.write("s3://audience/in/people.csv", io.BytesIO(content))
    job = pinpoint.jobs.import_endpoints("s3://audience/in/people.csv", role_arn=ROLE)
    assert pinpoint.jobs.wait(job, timeout=60).total_processed == 1
    job = pinpoint.jobs.import_endpoints("s3://nobody-s/in/people.csv", role_arn=ROLE)
    with pytest.raises(JobFailedError) as caught:
        pinpoint.jobs.wait(job, timeout=60)
    assert caught.value.failures
    job = pinpoint.jobs.export_endpoints("s3://nobody-s/out", role_arn=ROLE)
    with pytest.raises(JobFailedError):
        pinpoint.jobs.wait(job, timeout=60)

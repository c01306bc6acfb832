"""The Developer Guide's own examples: its HTTP requests, and its commands with the real AWS CLI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from tests.contract.guide_examples import (
    GUIDE,
    answer_of,
    command_of,
    http_of,
    same_but_for,
)
from tests.contract.test_jobs import Jobs, finished

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.contract.doors import Answer, Door

ENDPOINT = "example_endpoint"
#: The guide's words for the place that a job reads.
PLACE = "s3://bucket-name/prefix/key"
#: A command with its exit status and what it wrote.
Completed: TypeAlias = "subprocess.CompletedProcess[str]"


def send(door: Door, app: str, example: str) -> Answer:
    """Send a request of the guide."""
    request = http_of(example, application_id=app, endpoint_id=ENDPOINT)
    return door.send(request.method, request.path, body=request.body, headers=request.headers)


@pytest.mark.not_signed
@pytest.mark.parametrize("example", ["http-put-endpoint", "http-put-endpoints"])
def test_requests_of_the_guide_are_accepted(door: Door, app: str, example: str) -> None:
    """PUT of one endpoint and of a batch answer what the guide prints."""
    answer = send(door, app, example)
    assert answer.status == 202
    assert answer.json == same_but_for(answer_of(example), answer.json)


@pytest.mark.not_signed
def test_the_endpoint_is_what_the_guide_prints(door: Door, app: str) -> None:
    """GET and DELETE answer the definition that the guide prints for what it has sent."""
    send(door, app, "http-put-endpoint")
    for example, status in (("http-get-endpoint", 200), ("http-delete-endpoint", 202)):
        answer = send(door, app, example)
        printed = answer_of("http-get-endpoint")
        assert answer.status == status
        assert answer.json == same_but_for(printed, answer.json, application_id=app)
    assert send(door, app, "http-get-endpoint").status == 404


@pytest.mark.parametrize("file_format", ["CSV", "JSON"])
def test_the_files_of_the_guide_can_be_imported(
    door: Door, app: str, file_format: str, tmp_path: Path
) -> None:
    """An import job of the guide's own file ends as the guide prints it, with three endpoints."""
    folder = GUIDE / "create-import-job"
    jobs = Jobs(door.client, app, tmp_path)
    url = (folder / f"endpoints.{file_format.lower()}").as_uri()
    job = jobs.imported(url, Format=file_format, RoleArn="iam-import-role-arn")
    placeholders = {"application_id": app, "job_id": job["Id"], PLACE: url}
    expected = same_but_for(answer_of("get-import-job")["ImportJobResponse"], job, **placeholders)
    expected["Definition"]["Format"] = file_format
    assert job == expected
    user = door.client.get_user_endpoints(ApplicationId=app, UserId="example-user-id-2")
    addresses = {item["Address"] for item in user["EndpointsResponse"]["Item"]}
    assert addresses == {"1a2b3c4d5e6f7g8h9i0j1a2b3c4d5e6f", "john.stiles@example.com"}


@pytest.fixture
def aws(http_port: int, tmp_path: Any) -> Callable[..., Completed]:
    """Run the AWS CLI, which finds our server by its environment alone."""

    def run(*words: str, example: str = "") -> Completed:
        return subprocess.run(  # noqa: S603 -- words of our own files
            [sys.executable, "-m", "awscli", *words],
            cwd=GUIDE / example,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ENDPOINT_URL_PINPOINT": f"http://127.0.0.1:{http_port}",
                "AWS_MAX_ATTEMPTS": "1",
                "AWS_EC2_METADATA_DISABLED": "true",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def printed(completed: Completed) -> Any:
    """Return what a command printed, which has to have succeeded."""
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)


@pytest.fixture
def guide(aws: Callable[..., Completed], http_app: str) -> Callable[..., Completed]:
    """Run a command of the guide in a new application."""

    def run(example: str, **placeholders: str) -> Completed:
        ours = {
            "application_id": http_app,
            "YourPinpointAppId": http_app,
            "endpoint_id": ENDPOINT,
            **placeholders,
        }
        return aws(*command_of(example, **ours), example=example)

    return run


@pytest.fixture
def http_app(http_door: Door) -> str:
    """Give a new application behind our server."""
    created = http_door.client.create_app(CreateApplicationRequest={"Name": "guide"})
    application_id: str = created["ApplicationResponse"]["Id"]
    return application_id


def test_the_cli_adds_an_endpoint_and_looks_it_up(
    guide: Callable[..., Completed], http_app: str
) -> None:
    """`update-endpoint` is accepted, and `get-endpoint` prints what the guide has over HTTP."""
    assert printed(guide("update-endpoint"))["MessageBody"]["Message"] == "Accepted"
    answer = printed(guide("get-endpoint"))["EndpointResponse"]
    assert answer == same_but_for(answer_of("http-get-endpoint"), answer, application_id=http_app)


@pytest.mark.slow
def test_the_cli_adds_a_user_to_an_endpoint(
    aws: Callable[..., Completed],
    guide: Callable[..., Completed],
    http_app: str,
) -> None:
    """`update-endpoint`, twice, and `get-endpoint` print what the guide prints."""
    for example in ("update-endpoint", "add-user"):
        assert printed(guide(example))["MessageBody"]["Message"] == "Accepted"
    # The guide's endpoint has opted out, which none of its examples does.
    one = ("--application-id", http_app, "--endpoint-id", ENDPOINT)
    printed(aws("pinpoint", "update-endpoint", *one, "--endpoint-request", "OptOut=ALL"))
    answer = printed(guide("get-endpoint"))
    assert answer == same_but_for(answer_of("get-endpoint"), answer, application_id=http_app)


@pytest.mark.slow
def test_the_cli_deletes_an_endpoint(
    guide: Callable[..., Completed],
) -> None:
    """`delete-endpoint` prints the definition; a second one fails with the service's error."""
    guide("update-endpoint")
    definition = printed(guide("get-endpoint"))
    assert printed(guide("delete-endpoint")) == definition
    again = guide("delete-endpoint")
    assert again.returncode != 0
    assert "(NotFoundException) when calling the DeleteEndpoint operation" in again.stderr


@pytest.mark.slow
def test_the_cli_adds_a_batch_and_looks_up_its_users(
    aws: Callable[..., Completed],
    guide: Callable[..., Completed],
    http_app: str,
) -> None:
    """`update-endpoints-batch` stores what its file holds; `get-user-endpoints` finds it."""
    assert printed(guide("update-endpoints-batch"))["MessageBody"]["Message"] == "Accepted"
    path = GUIDE / "update-endpoints-batch" / "endpoint_batch_request_file.json"
    for sent in json.loads(path.read_text("utf-8"))["Item"]:
        user = ("--application-id", http_app, "--user-id", sent["User"]["UserId"])
        found = printed(aws("pinpoint", "get-user-endpoints", *user))["EndpointsResponse"]["Item"]
        assert [{name: endpoint[name] for name in sent} for endpoint in found] == [sent]


@pytest.mark.slow
def test_the_cli_sets_an_event_stream_and_takes_it_away(
    aws: Callable[..., Completed],
    guide: Callable[..., Completed],
    http_app: str,
) -> None:
    """`put-event-stream` and `delete-event-stream` print the stream, and so does a look at it."""
    arn = "arn:aws:kinesis:us-east-1:111122223333:stream/events"
    role = "arn:aws:iam::111122223333:role/stream"
    stream = printed(guide("put-event-stream", stream_arn=arn, role_arn=role))
    assert stream["EventStream"]["DestinationStreamArn"] == arn
    assert stream["EventStream"]["RoleArn"] == role
    get = ("pinpoint", "get-event-stream", "--application-id", http_app)
    assert printed(aws(*get)) == stream
    assert printed(guide("delete-event-stream")) == stream
    assert "(NotFoundException)" in aws(*get).stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ADM", "Baidu"])
def test_the_cli_registers_push_channels(guide: Callable[..., Completed], kind: str) -> None:
    """The channel is there and enabled, and its keys are not printed."""
    completed = guide(f"update-{kind.lower()}-channel")
    channel = printed(completed)[f"{kind}ChannelResponse"]
    assert (channel["Platform"], channel["Enabled"]) == (kind.upper(), True)
    assert channel["HasCredential"] is True
    assert "_SECRET" not in completed.stdout


@pytest.mark.slow
def test_the_cli_puts_events(aws: Callable[..., Completed], http_app: str) -> None:
    """`put-events` prints an answer for the endpoint and for each event."""
    batch = {
        "e": {
            "Endpoint": {"ChannelType": "EMAIL", "Address": "richard_roe@example.com"},
            "Events": {
                "good": {"EventType": "_session.start", "Timestamp": "2018-06-06T00:58:19.865Z"},
                "bad": {"EventType": "level_up", "Timestamp": "yesterday"},
            },
        }
    }
    words = ("--application-id", http_app, "--events-request", json.dumps({"BatchItem": batch}))
    result = printed(aws("pinpoint", "put-events", *words))["EventsResponse"]["Results"]["e"]
    assert result["EndpointItemResponse"] == {"Message": "Accepted", "StatusCode": 202}
    statuses = {name: item["StatusCode"] for name, item in result["EventsItemResponse"].items()}
    assert statuses == {"good": 202, "bad": 400}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Import", "Export"])
def test_the_cli_runs_jobs(
    guide: Callable[..., Completed], http_app: str, tmp_path: Path, kind: str
) -> None:
    """`create-import-job` and `create-export-job` print the job, and a look at it its end."""
    member, verb = f"{kind}JobResponse", kind.lower()
    source = (GUIDE / "create-import-job" / "endpoints.json").as_uri()
    folder = f"{tmp_path.as_uri()}/"
    places = {PLACE: source, "s3://bucket-name/prefix/": folder, "format": "JSON"}
    created = printed(guide(f"create-{verb}-job", **places))[member]
    expected = same_but_for(answer_of(f"create-{verb}-job")[member], created, **places)
    assert created == {**expected, "ApplicationId": http_app}  # which the guide leaves out

    def get(job_id: str) -> Any:
        return printed(guide(f"get-{verb}-job", job_id=job_id))[member]

    job = finished(get, created["Id"])
    ids = {"application_id": http_app, "job_id": created["Id"]}
    end = same_but_for(answer_of(f"get-{verb}-job")[member], job, **ids, **places)
    # An export of the guide has other endpoints, and does not repeat its definition.
    differences = {"Definition", "TotalProcessed"} if kind == "Export" else set()
    assert {name: job[name] for name in job.keys() - differences} == {
        name: end[name] for name in end.keys() - differences
    }


@pytest.mark.slow
def test_the_command_line_reads_a_kpi(aws: Callable[..., Completed], http_app: str) -> None:
    """`aws pinpoint get-application-date-range-kpi`, as the guide has it."""
    answer = printed(
        aws(
            *("pinpoint", "get-application-date-range-kpi"),
            *("--application-id", http_app),
            *("--kpi-name", "daily-active-endpoints-grouped-by-date"),
        )
    )
    rows = answer["ApplicationDateRangeKpiResponse"]["KpiResult"]["Rows"]
    assert len(rows) == 32
    assert {row["Values"][0]["Key"] for row in rows} == {"DailyActiveEndpoints"}

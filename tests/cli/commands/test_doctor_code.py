"""`doctor --code`: which calls a code base makes, in each language, and what answers them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import botocore.session
import pytest
from botocore import xform_name

from pinpoint_kit import engine
from pinpoint_kit.cli.code_calls import calls_in, snake

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

OPERATIONS = [row.operation for row in engine.coverage()]

#: File -> its text, and what is found in it, as (operation, line).
CODE: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "bound.py": (
        """\
        import boto3

        class Shop:
            def __init__(self, session):
                self.client = session.client("pinpoint", region_name="eu-west-1")
                self.s3 = session.client("s3")

            def send(self):
                self.client.put_events(ApplicationId="x", EventsRequest={})
                self.s3.get_object(Bucket="pinpoint", Key="k")
                self.client.get_paginator("get_segments")

        boto3.client(service_name="pinpoint").get_apps()

        def elsewhere(pinpoint_client, other):
            pinpoint_client.update_endpoint()
            other.create_campaign()  # may be anything's
        """,
        [("PutEvents", 9), ("GetSegments", 11), ("GetApps", 13), ("UpdateEndpoint", 16)],
    ),
    "broken.py": (
        """\
        print "an older Python"
        pinpoint.get_endpoint(ApplicationId="x")
        """,
        [("GetEndpoint", 2)],
    ),
    "v3.ts": (
        """\
        import { PinpointClient, SendMessagesCommand } from "@aws-sdk/client-pinpoint";
        await client.send(new SendMessagesCommand({}));
        await client.send(new GetObjectCommand({}));
        """,
        [("SendMessages", 2)],
    ),
    "v2.js": (
        """\
        const pinpoint = new AWS.Pinpoint();
        pinpoint.updateEndpoint(params, done);
        """,
        [("UpdateEndpoint", 2)],
    ),
    "amplify.ts": (
        """\
        import { record, identifyUser } from 'aws-amplify/analytics';
        record({ name: 'level_up' });
        identifyUser({ userId });
        this.record(1);
        """,
        [("PutEvents", 2), ("UpdateEndpoint", 3)],
    ),
    "Shop.java": (
        """\
        import software.amazon.awssdk.services.pinpoint.model.*;
        var request = PutEventsRequest.builder().build();
        new GetEndpointRequest();
        """,
        [("PutEvents", 2), ("GetEndpoint", 3)],
    ),
    "shop.rb": (
        """\
        client = Aws::Pinpoint::Client.new
        client.get_user_endpoints({application_id: id})
        client.verify_otp_message(application_id: id)
        """,
        [("GetUserEndpoints", 2), ("VerifyOTPMessage", 3)],
    ),
    "shop.go": (
        """\
        import "github.com/aws/aws-sdk-go-v2/service/pinpoint"
        client.PutEvents(ctx, &pinpoint.PutEventsInput{})
        """,
        [("PutEvents", 2)],
    ),
    "main.tf": (
        """\
        resource "aws_pinpoint_app" "shop" {}
        resource "aws_pinpoint_event_stream" "stream" {}
        resource "aws_pinpoint_apns_voip_sandbox_channel" "voip" {}
        resource "aws_pinpointsmsvoicev2_pool" "other" {}
        """,
        [("CreateApp", 1), ("PutEventStream", 2), ("UpdateApnsVoipSandboxChannel", 3)],
    ),
    "stack.yaml": ("Type: AWS::Pinpoint::Segment\n", [("CreateSegment", 1)]),
    "run.sh": ("aws pinpoint create-import-job --application-id x\n", [("CreateImportJob", 1)]),
    "notes.txt": ("pinpoint.put_events()\n", []),
}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Write the code base."""
    folder = tmp_path / "code"
    for name, (text, _) in CODE.items():
        path = folder / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
    return folder


@pytest.mark.parametrize("name", CODE)
def test_the_calls_of_each_language(name: str, code: Path) -> None:
    """Those of Pinpoint, with their lines, and no others."""
    found = calls_in(code / "src" / name, OPERATIONS)
    assert [(call.operation, call.line) for call in found.calls] == CODE[name][1]


def test_names_are_those_of_boto3() -> None:
    """Every operation is known by the name of its method."""
    model = botocore.session.Session().get_service_model("pinpoint")
    assert sorted(OPERATIONS) == sorted(model.operation_names)
    assert [name for name in OPERATIONS if snake(name) != xform_name(name)] == []


def test_the_report_says_what_answers(run: Run, code: Path) -> None:
    """By operation, with the first place; nothing is connected to."""
    answer = run("doctor", "--code", str(code), "--json")
    assert answer.status == 0
    rows = {row["operation"]: row for row in answer.value["operations"]}
    status = {row.operation: str(row.status) for row in engine.coverage()}
    assert rows["PutEvents"]["answered_by"] == "pinpoint_kit"
    assert len(rows["PutEvents"]["calls"]) == 4
    assert rows["PutEvents"]["calls"][0]["file"].endswith("Shop.java")
    refused = [name for name in rows if status[name] == "refused"]
    assert {rows[name]["answered_by"] for name in refused} <= {"nothing here"}
    shown = run("doctor", "--code", str(code))
    assert "PutEvents" in shown.stdout
    assert f"calls of {len(rows)} operations in {answer.value['files']} files" in shown.stdout


def test_what_no_person_has_written_is_passed_over(tmp_path: Path) -> None:
    """Installed packages, links out of the folder, and files that are too long."""
    line = "pinpoint.put_events()\n"
    outside = tmp_path / "outside.py"
    outside.write_text(line)
    folder = tmp_path / "code"
    for name in ("node_modules", ".venv", ".git"):
        (folder / name).mkdir(parents=True)
        (folder / name / "x.py").write_text(line)
    (folder / "link.py").symlink_to(outside)
    (folder / "long.py").write_text(line * 100_000)
    (folder / "zero.py").write_bytes(b"\0\xff\n" + line.encode())
    (folder / "deep.py").write_text("pinpoint = " + "(" * 5_000 + "\n" + line)
    found = calls_in(folder, OPERATIONS)
    assert found.unread == ["long.py"]
    assert [(call.file, call.line) for call in found.calls] == [("deep.py", 2), ("zero.py", 2)]


def test_a_folder_that_is_not_there_is_refused(run: Run, tmp_path: Path) -> None:
    """With the status of a wrong use."""
    assert run("doctor", "--code", str(tmp_path / "nothing")).status == 2

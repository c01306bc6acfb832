"""The AWS SDK for JavaScript, unchanged, against our server: what the mobile and web SDKs share."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parent / "javascript" / "client.mjs"
PACKAGE = "@aws-sdk/client-pinpoint@3"
ACCEPTED = {"Message": "Accepted", "StatusCode": 202}

pytestmark = pytest.mark.slow


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Runs a program in a folder, without anybody's AWS account."""
    return subprocess.run(  # noqa: S603 -- words of our own
        words,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def seen(http_port: int, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the program saw, when it ran with a freshly installed SDK."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no Node.js here")
    folder = tmp_path_factory.mktemp("javascript")
    installed = run(folder, npm, "install", "--no-audit", "--no-fund", "--silent", PACKAGE)
    if installed.returncode != 0:
        pytest.skip("the npm registry cannot be reached, or has no such package")
    shutil.copy(PROGRAM, folder)
    completed = run(folder, node, PROGRAM.name, f"http://127.0.0.1:{http_port}")
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)


def test_update_endpoint_is_accepted(seen: Any) -> None:
    """UpdateEndpoint of an id with a slash answers 202 `Accepted`."""
    assert (seen["updated"]["status"], seen["updated"]["Message"]) == (202, "Accepted")


def test_put_events_answers_item_by_item(seen: Any) -> None:
    """The SDK sees an answer for the endpoint and for each event."""
    results = seen["results"]
    assert results["EndpointItemResponse"] == ACCEPTED
    assert results["EventsItemResponse"]["good"] == ACCEPTED
    assert results["EventsItemResponse"]["bad"]["StatusCode"] == 400


def test_get_endpoint_gives_what_was_sent(seen: Any) -> None:
    """The endpoint comes back with its id, its lists and its numbers."""
    endpoint = seen["endpoint"]
    assert endpoint["Id"] == "us east/1 é"
    assert endpoint["Attributes"] == {"interests": ["music"]}
    assert endpoint["Metrics"] == {"level": 3.5}
    assert endpoint["User"]["UserId"] == "u:1/2"


def test_errors_are_the_classes_of_the_sdk(seen: Any) -> None:
    """A missing endpoint is a NotFoundException with its message and request id."""
    refused = seen["refused"]
    assert (refused["name"], refused["status"]) == ("NotFoundException", 404)
    assert refused["message"] == "Endpoint not found"
    in_body, in_header = refused["requestIds"]
    assert in_body == in_header


def test_a_browser_would_send_the_requests_of_the_sdk(seen: Any) -> None:
    """The preflight allows the page, the method and each header that the SDK has sent."""
    preflight = seen["preflight"]
    assert preflight["ok"]
    assert preflight["origin"] == "*"
    assert "post" in preflight["methods"]
    assert {"authorization", "content-type", "x-amz-date"} <= set(preflight["headers"])
    assert preflight["refusedHeaders"] == []

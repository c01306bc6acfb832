"""The AWS SDK for JavaScript, unchanged, against our server: what the mobile and web SDKs share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.node import answer_of

PACKAGE = "@aws-sdk/client-pinpoint@3"
ACCEPTED = {"Message": "Accepted", "StatusCode": 202}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def seen(http_port: int, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give what the program saw, when it ran with a freshly installed SDK."""
    folder = tmp_path_factory.mktemp("javascript")
    return answer_of(folder, PACKAGE, "client.mjs", f"http://127.0.0.1:{http_port}")


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


def test_a_kpi_counts_what_was_sent(seen: Any) -> None:
    """The SDK asks with dates of its own form, and reads the rows."""
    (row,) = seen["kpi"]
    assert row["GroupedBys"] == [{"Key": "Type", "Type": "String", "Value": "_session.start"}]
    assert row["Values"] == [{"Key": "Events", "Type": "Double", "Value": "1.0"}]


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

"""AWS Amplify, unchanged, against our server: `record` and `identifyUser` of a web app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.contract.node import answer_of

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = "aws-amplify@6"
ACCEPTED = {"Message": "Accepted", "StatusCode": 202}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(http_port: int) -> Any:
    """Give a client of the same server, to look at what Amplify stored."""
    return boto3.client(
        "pinpoint",
        endpoint_url=f"http://127.0.0.1:{http_port}",
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(scope="module")
def app(client: Any) -> str:
    """Give an application of its own."""
    created = client.create_app(CreateApplicationRequest={"Name": "amplify"})
    return str(created["ApplicationResponse"]["Id"])


@pytest.fixture(scope="module")
def answers(app: str, http_port: int, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Every request of Amplify with its answer, in their order."""
    folder = tmp_path_factory.mktemp("amplify")
    url = f"http://127.0.0.1:{http_port}"
    return answer_of(folder, PACKAGE, "amplify.mjs", url, app)["answers"]


@pytest.fixture(scope="module")
def recorded(answers: Any) -> Callable[[str], list[tuple[dict[str, Any], dict[str, Any]]]]:
    """Events of a type, each with the answer to it."""

    def recorded(event_type: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        return [
            (event, answer["body"]["Results"][endpoint_id]["EventsItemResponse"][event_id])
            for answer in answers
            if answer["method"] == "POST"
            for endpoint_id, item in answer["request"]["BatchItem"].items()
            for event_id, event in item["Events"].items()
            if event["EventType"] == event_type
        ]

    return recorded


def test_every_request_is_accepted(answers: Any) -> None:
    """An endpoint update and batches of events, the empty one of a first flush too, get 202."""
    assert answers[0]["method"] == "PUT"
    assert {answer["status"] for answer in answers} == {202}


@pytest.mark.parametrize(
    ("event_type", "count"), [("level_up", 2), ("_session.start", 1), ("_session.stop", 1)]
)
def test_record_is_accepted_event_by_event(recorded: Any, event_type: str, count: int) -> None:
    """Custom events and those of a session are all taken; the stop has its duration."""
    found = recorded(event_type)
    assert [answer for _, answer in found] == [ACCEPTED] * count
    if event_type == "_session.stop":
        assert {"StopTimestamp", "Duration"} <= found[0][0]["Session"].keys()


def test_identify_user_is_stored(client: Any, app: str, answers: Any) -> None:
    """The endpoint has its user, what belongs to the user, and what `userProfile` said.

    Amplify sends no channel and no address; its events, with an empty endpoint, change nothing.
    """
    endpoint_id = answers[0]["path"].rpartition("/")[2]
    stored = client.get_endpoint(ApplicationId=app, EndpointId=endpoint_id)["EndpointResponse"]
    assert stored["User"] == {
        "UserId": "user-1",
        "UserAttributes": {"interests": ["music", "travel"]},
    }
    assert stored["Attributes"] == {"email": ["customer@example.com"], "plan": ["pro"]}
    assert stored["Location"] == {"City": "Lisbon", "Country": "PT"}
    assert stored["Metrics"] == {"level": 3.5}
    assert "ChannelType" not in stored

"""A real boto3 client, answered in process: the calls of the identity-ISV guide, unchanged."""

# ruff: noqa: ICN001, DTZ006 -- the guide's snippets stand here as they are printed

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from pinpoint_kit.engine import Engine, Request, handlers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.compat import HTTPHeaders


class Raw:
    """The body of an answer, as botocore reads it."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        """Yield the body."""
        yield self.body


@pytest.fixture
def client() -> Iterator[Any]:
    """Give a boto3 client whose requests an engine in memory answers."""
    with Engine.open("sqlite://") as engine:

        def answer(request: Any, **_: object) -> AWSResponse:
            url = urlsplit(request.url)
            body = request.body or b""
            response = engine.handle(
                Request(
                    request.method,
                    url.path,
                    query=url.query,
                    body=body.encode() if isinstance(body, str) else bytes(body),
                )
            )
            headers = cast("HTTPHeaders", dict(response.headers))
            return AWSResponse(request.url, response.status, headers, Raw(response.body))

        made = boto3.client(
            "pinpoint",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}),
        )
        hooks: Any = made.meta.events  # the stubs deny what botocore documents
        hooks.register("before-send.pinpoint", answer)
        yield made
        made.close()


@pytest.fixture
def app(client: Any) -> str:
    """Give an application."""
    result: str = client.create_app(
        CreateApplicationRequest={"Name": "shop", "tags": {"stage": "test"}}
    )["ApplicationResponse"]["Id"]
    return result


def test_the_sign_up_of_the_guide(client: Any, app: str) -> None:
    """The guide's first call, with its naive timestamp, creates the endpoint and its user."""
    response = client.put_events(
        ApplicationId=app,
        EventsRequest={
            "BatchItem": {
                "[UniqueEndpointID1ForUser]": {
                    "Endpoint": {
                        "Address": "customer@example.com",
                        "Attributes": {       # Custom Endpoint Attributes Defined
                            "EmailPreference_Newsletter": ["Subscribed"],
                            "EmailPreference_DailyDeals": ["Unsubscribed"]
                        },
                        "ChannelType": "EMAIL",
                        "OptOut": "NONE",
                        "User": {
                            "UserAttributes": {       # Custom User Attributes Defined
                                "FirstName": [ "John"],
                                "LastName": [ "Doe"]
                            },
                            "UserId": "[UserIdThatConnectsEndpoints]"
                        },
                    },
                    "Events": {
                        "[SomeUniqueEventId]": {
                            "EventType": "_userauth.sign_up",
                            "Timestamp": datetime.datetime.fromtimestamp(time.time()).isoformat()
                        }
                    }
                }
            }
        }
    )  # fmt: skip
    accepted = {"StatusCode": 202, "Message": "Accepted"}
    assert response["EventsResponse"]["Results"] == {"[UniqueEndpointID1ForUser]": {
        "EndpointItemResponse": accepted,
        "EventsItemResponse": {"[SomeUniqueEventId]": accepted},
    }}  # fmt: skip
    users = client.get_user_endpoints(ApplicationId=app, UserId="[UserIdThatConnectsEndpoints]")
    (endpoint,) = users["EndpointsResponse"]["Item"]
    assert endpoint["Id"] == "[UniqueEndpointID1ForUser]"
    assert endpoint["User"]["UserAttributes"] == {"FirstName": ["John"], "LastName": ["Doe"]}


def test_the_sign_in_of_the_guide(client: Any, app: str) -> None:
    """The guide's second call has neither address nor channel, and two events."""
    response = client.put_events(
        ApplicationId=app,
        EventsRequest={
            "BatchItem": {
                "[UniqueEndpointID1ForUser]": {
                    "Endpoint": {
                        "Demographic": {
                            "AppVersion": "1.0",
                            "Locale": "en_US",
                            "Make": "generic web browser",
                            "Model": "Unknown",
                            "ModelVersion": "Unknown",
                            "Platform": "android",
                            "PlatformVersion": "10.10",
                            "Timezone": "America/Los_Angeles"
                        },
                        "Location": {
                            "City": "Los Angeles",
                            "Country": "US",
                            "Latitude": 123.0,
                            "Longitude": 123.0,
                            "PostalCode": "90210",
                            "Region": "California"
                        },
                    },
                    "Events": {
                        "[SomeUniqueEventId1]": {
                            "EventType": "_userauth.sign_in",
                            "Timestamp": datetime.datetime.fromtimestamp(time.time()).isoformat()
                        },
                        "[SomeUniqueEventId2]": {
                            "EventType": "_session.start",
                            "Timestamp": datetime.datetime.fromtimestamp(time.time()).isoformat()
                        }
                    }
                }
            }
        }
    )  # fmt: skip
    (result,) = response["EventsResponse"]["Results"].values()
    statuses = [answer["StatusCode"] for answer in result["EventsItemResponse"].values()]
    assert statuses == [202, 202]
    got = client.get_endpoint(ApplicationId=app, EndpointId="[UniqueEndpointID1ForUser]")
    assert got["EndpointResponse"]["Location"]["Latitude"] == 123.0
    assert got["EndpointResponse"]["Demographic"]["Platform"] == "android"


def test_every_emulated_operation_through_boto3(client: Any, app: str) -> None:
    """The client parses the answers of all the other operations."""
    arn = client.get_app(ApplicationId=app)["ApplicationResponse"]["Arn"]
    client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"a": "b"}})
    client.untag_resource(ResourceArn=arn, TagKeys=["stage", "x"])
    assert client.list_tags_for_resource(ResourceArn=arn)["TagsModel"]["tags"] == {"a": "b"}
    assert len(client.get_apps(PageSize="1")["ApplicationsResponse"]["Item"]) == 1
    settings = client.update_application_settings(
        ApplicationId=app, WriteApplicationSettingsRequest={"Limits": {"Daily": 1}}
    )["ApplicationSettingsResource"]
    got = client.get_application_settings(ApplicationId=app)["ApplicationSettingsResource"]
    assert got == settings
    updated = client.update_endpoint(
        ApplicationId=app, EndpointId="us east/1", EndpointRequest={"Metrics": {"a": 6}}
    )
    assert updated["MessageBody"]["Message"] == "Accepted"
    assert updated["ResponseMetadata"]["HTTPStatusCode"] == 202
    client.update_endpoints_batch(
        ApplicationId=app,
        EndpointBatchRequest={"Item": [{"Id": "b", "User": {"UserId": "u:1/2"}}]},
    )
    removed = client.remove_attributes(
        ApplicationId=app,
        AttributeType="endpoint-custom-attributes",
        UpdateAttributesRequest={"Blacklist": ["x"]},
    )
    assert removed["AttributesResource"]["Attributes"] == ["x"]
    client.delete_user_endpoints(ApplicationId=app, UserId="u:1/2")
    client.delete_endpoint(ApplicationId=app, EndpointId="us east/1")
    client.delete_app(ApplicationId=app)


def test_refusals_are_typed_exceptions(
    client: Any, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error header gives botocore's typed exceptions, with message and request id."""
    with pytest.raises(client.exceptions.NotFoundException) as missing:
        client.get_endpoint(ApplicationId=app, EndpointId="none")
    assert missing.value.response["Message"] == "Endpoint not found"
    assert missing.value.response["RequestID"]
    with pytest.raises(client.exceptions.BadRequestException):
        client.update_endpoint(
            ApplicationId=app, EndpointId="e", EndpointRequest={"Address": "a@b"}
        )
    monkeypatch.delitem(handlers.OPERATIONS, "GetCampaigns")
    with pytest.raises(ClientError) as unimplemented:
        client.get_campaigns(ApplicationId=app)
    assert unimplemented.value.response["Error"]["Code"] == "NotImplementedException"
    assert unimplemented.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501

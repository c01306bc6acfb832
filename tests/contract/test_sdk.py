"""Our own SDK on the same client: what it writes is what anybody reads, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit import ChannelType, Endpoint, Event, Location, User

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pinpoint(client: Any, app: str) -> Iterator[pk.Pinpoint]:
    """Give the façade on the door's client."""
    with pk.Pinpoint(client, app) as opened:
        yield opened


def test_what_the_sdk_writes_boto3_reads(pinpoint: pk.Pinpoint, client: Any, app: str) -> None:
    """An endpoint of the models is the endpoint of the API."""
    pinpoint.endpoints.update(
        Endpoint(
            id="e",
            channel_type=ChannelType.EMAIL,
            address="customer@example.com",
            attributes={"interests": ["music"]},
            metrics={"level": 3.0},
            location=Location(country="PT"),
            user=User(id="u", attributes={"plan": ["pro"]}),
        )
    )
    got = client.get_endpoint(ApplicationId=app, EndpointId="e")["EndpointResponse"]
    assert (got["ChannelType"], got["Address"]) == ("EMAIL", "customer@example.com")
    assert (got["Attributes"], got["Metrics"]) == ({"interests": ["music"]}, {"level": 3.0})
    assert got["Location"] == {"Country": "PT"}
    assert got["User"] == {"UserId": "u", "UserAttributes": {"plan": ["pro"]}}


def test_what_boto3_writes_the_sdk_reads(pinpoint: pk.Pinpoint, client: Any, app: str) -> None:
    """The models hold what was sent with another client; what is missing is `NotFound`."""
    client.update_endpoint(
        ApplicationId=app,
        EndpointId="us east/1",
        EndpointRequest={"Metrics": {"level": 6}, "User": {"UserId": "u"}},
    )
    endpoint = pinpoint.endpoints.get("us east/1")
    assert (endpoint.id, endpoint.metrics) == ("us east/1", {"level": 6})
    assert pinpoint.users.endpoints("u") == [endpoint]
    with pytest.raises(pk.errors.NotFound):
        pinpoint.endpoints.get("nobody")


def test_recorded_events_are_accepted(pinpoint: pk.Pinpoint, client: Any, app: str) -> None:
    """Queued events go out in batches, and their endpoint with them."""
    for number in range(150):
        pinpoint.events.record("e", "level_up", metrics={"n": number})
    assert pinpoint.events.put("e", Event(type="done")).is_accepted
    report = pinpoint.flush(timeout=30.0)
    assert (report.accepted, report.rejected, report.dropped, report.pending) == (150, 0, 0, 0)
    assert client.get_endpoint(ApplicationId=app, EndpointId="e")["EndpointResponse"]["Id"] == "e"

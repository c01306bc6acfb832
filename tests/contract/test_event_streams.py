"""Event streams: one an application, kept and given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.doors import Door

pytestmark = pytest.mark.at_moto

ROLE = "arn:aws:iam::111122223333:role/stream"
KINESIS = "arn:aws:kinesis:us-east-1:111122223333:stream/events"
FIREHOSE = "arn:aws:firehose:us-east-1:111122223333:deliverystream/events"


def put(client: Any, app: str, destination: str = KINESIS) -> dict[str, Any]:
    """Set the stream of an application."""
    answer = client.put_event_stream(
        ApplicationId=app,
        WriteEventStream={"DestinationStreamArn": destination, "RoleArn": ROLE},
    )
    stream: dict[str, Any] = answer["EventStream"]
    return stream


def test_a_stream_is_given_back_as_it_was_sent(client: Any, app: str) -> None:
    """PutEventStream answers 200 with the stream, and GetEventStream the same."""
    stream = put(client, app)
    assert stream["ApplicationId"] == app
    assert (stream["DestinationStreamArn"], stream["RoleArn"]) == (KINESIS, ROLE)
    assert client.get_event_stream(ApplicationId=app)["EventStream"] == stream


def test_an_application_has_one_stream(client: Any, app: str) -> None:
    """A second PutEventStream replaces the first."""
    put(client, app)
    put(client, app, FIREHOSE)
    stream = client.get_event_stream(ApplicationId=app)["EventStream"]
    assert stream["DestinationStreamArn"] == FIREHOSE


def test_delete_event_stream_answers_with_what_it_deleted(client: Any, app: str) -> None:
    """The deleted stream is given back once more, and then not found."""
    stream = put(client, app)
    assert client.delete_event_stream(ApplicationId=app)["EventStream"] == stream
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_event_stream(ApplicationId=app)


def test_an_application_without_a_stream(door: Door, app: str) -> None:
    """There is nothing to get, nothing to delete."""
    not_found = door.client.exceptions.NotFoundException
    with pytest.raises(not_found):
        door.client.get_event_stream(ApplicationId=app)
    with door.unlike_moto("it fails with 500"), pytest.raises(not_found):
        door.client.delete_event_stream(ApplicationId=app)


def test_the_date_has_milliseconds(door: Door, app: str) -> None:
    """The date of the last change is a text like all dates."""
    stream = put(door.client, app)
    with door.unlike_moto("it writes microseconds"):
        assert len(stream["LastModifiedDate"]) == len("2018-05-07T19:03:29.963Z")

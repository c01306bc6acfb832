"""Event streams: put, get and delete, through a real boto3 client and on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Clock, Wire

STREAM = {
    "DestinationStreamArn": "arn:aws:kinesis:us-east-1:111122223333:stream/events",
    "RoleArn": "arn:aws:iam::111122223333:role/PinpointEventStreamRole",
}


def test_put_get_delete(client: Any, app: str) -> None:
    """A stream is given back as it was put, replaced by the next one, and gone when deleted."""
    client.put_event_stream(
        ApplicationId=app, WriteEventStream={**STREAM, "RoleArn": "arn:aws:iam::1:role/old"}
    )
    put = client.put_event_stream(ApplicationId=app, WriteEventStream=STREAM)["EventStream"]
    assert {name: put[name] for name in STREAM} == STREAM
    assert put["ApplicationId"] == app
    assert client.get_event_stream(ApplicationId=app)["EventStream"] == put
    assert client.delete_event_stream(ApplicationId=app)["EventStream"] == put
    for call in (client.get_event_stream, client.delete_event_stream):
        with pytest.raises(client.exceptions.NotFoundException):
            call(ApplicationId=app)


def test_the_members_of_a_stream(wire: Wire, clock: Clock) -> None:
    """A stream carries the date of its change, and placeholders for account and user."""
    wire.post(f"/v1/apps/{wire.app}/eventstream", STREAM)
    clock.advance(1)
    answer = wire.post(f"/v1/apps/{wire.app}/eventstream", {**STREAM, "Unknown": 1})
    assert (answer.status, answer.json) == (
        200,
        {
            **STREAM,
            "ApplicationId": wire.app,
            "ExternalId": "000000000000",
            "LastModifiedDate": "2026-01-02T03:04:06.678Z",
            "LastUpdatedBy": "arn:aws:iam::000000000000:root",
        },
    )


def test_each_application_has_its_own(wire: Wire) -> None:
    """A stream belongs to one application, and is deleted with it."""
    before = wire.dump()
    other = wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    wire.post(f"/v1/apps/{other}/eventstream", STREAM)
    assert wire.send("GET", f"/v1/apps/{wire.app}/eventstream").status == 404
    wire.send("DELETE", f"/v1/apps/{other}")
    assert wire.dump() == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RoleArn": None}, "Missing RoleArn"),
        ({"RoleArn": ""}, "Missing RoleArn"),
        ({"DestinationStreamArn": ""}, "Missing DestinationStreamArn"),
        ({"RoleArn": ["x"]}, "must be a string @ $.RoleArn"),
        (
            {"RoleArn": "arn:aws:iam::111122223333:user/x"},
            "must be arn:aws:iam::ACCOUNT:role/NAME @ $.RoleArn",
        ),
        *(
            (
                {"DestinationStreamArn": arn},
                (
                    "must be arn:aws:kinesis:REGION:ACCOUNT:stream/NAME or"
                    " arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME @ $.DestinationStreamArn"
                ),
            )
            for arn in (
                "events",
                "arn:aws:sqs:us-east-1:111122223333:queue",
                "arn:aws:kinesis:us-east-1:111122223333:deliverystream/events",
                "arn:aws:firehose:us-east-1:111122223333:stream/events",
                "arn:aws:kinesis:us-east-1:111122223333:stream/a b",
            )
        ),
    ],
)
def test_both_arns_are_needed(wire: Wire, change: dict[str, object], message: str) -> None:
    """A stream without a destination or a role is refused, and the old one stays."""
    path = f"/v1/apps/{wire.app}/eventstream"
    wire.post(path, STREAM)
    before = wire.dump()
    answer = wire.post(path, {**STREAM, **change})
    assert (answer.status, answer.message) == (400, message)
    assert wire.dump() == before

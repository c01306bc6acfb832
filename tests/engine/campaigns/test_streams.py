"""What event streams are told of campaigns: a record for each endpoint that has a status."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.records.message import NotSent, Sent
from tests.engine.campaigns.conftest import EMAIL, MESSAGE, Campaigns, FakeHook, FakeTransport

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire

STREAM = {
    "DestinationStreamArn": "arn:aws:kinesis:us-east-1:111122223333:stream/s",
    "RoleArn": "arn:aws:iam::111122223333:role/r",
}


def with_stream(wire: Wire, clock: Clock) -> Campaigns:
    """Return campaigns of an application that has a stream."""
    campaigns = Campaigns(wire, clock)
    wire.post(f"{campaigns.base}/eventstream", STREAM)
    return campaigns


def records(campaigns: Campaigns) -> list[Any]:
    """Return the records that wait for the stream."""
    rows = campaigns.wire.rows("SELECT records FROM stream_backlog ORDER BY number")
    return [json.loads(line) for row in rows for line in row["records"].split()]


def statuses(campaigns: Campaigns) -> dict[str, str]:
    """Return the status of each endpoint's record."""
    found = [each for each in records(campaigns) if each["event_type"] == "_campaign.send"]
    by_client = {
        each["client"]["client_id"]: each["attributes"]["campaign_send_status"] for each in found
    }
    assert len(by_client) == len(found)
    return by_client


def test_each_status_has_a_record(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """Who is sent to, held out or kept back has one; who is only counted has none."""
    campaigns = with_stream(make_wire(), clock)
    campaigns.people(100)
    campaigns.wire.update("out", ChannelType="GCM", Address="x", OptOut="ALL")
    campaign = campaigns.create(HoldoutPercent=50)
    campaigns.work()
    sends = campaigns.sends()
    assert statuses(campaigns) == sends
    assert set(sends.values()) == {"SUCCESS", "HOLDOUT"}
    (activity,) = campaigns.activities(campaign)
    attributes = next(
        each["attributes"]
        for each in records(campaigns)
        if sends[each["client"]["client_id"]] == "SUCCESS"
    )
    assert attributes["campaign_id"] == campaign
    assert attributes["campaign_activity_id"] == activity["Id"]
    assert attributes["treatment_id"] == "0"
    assert attributes["delivery_type"] == "GCM"


def test_mail_has_its_own_record_too(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """`_email.send` names the campaign."""
    campaigns = with_stream(make_wire(), clock)
    campaigns.wire.update("mail", ChannelType="EMAIL", Address="a@example.com")
    campaigns.create(MessageConfiguration=EMAIL)
    campaigns.work()
    kinds = Counter(each["event_type"] for each in records(campaigns))
    assert kinds == {"_campaign.send": 1, "_email.send": 1}


@pytest.mark.parametrize("fails", [False, True])
def test_a_custom_channel_is_recorded_as_custom(
    make_wire: Callable[..., Wire], clock: Clock, *, fails: bool
) -> None:
    """The delivery type is CUSTOM, whatever the endpoint's channel is."""
    hook = FakeHook(lambda _: 1 / 0 if fails else {})
    campaigns = with_stream(make_wire(hooks={"deliver": hook}), clock)
    campaigns.people(1)
    campaigns.create(
        MessageConfiguration={"CustomMessage": {"Data": "x"}, **MESSAGE},
        CustomDeliveryConfiguration={"DeliveryUri": "deliver", "EndpointTypes": ["GCM"]},
    )
    campaigns.work()
    (record,) = records(campaigns)
    assert record["attributes"]["delivery_type"] == "CUSTOM"
    status = record["attributes"]["campaign_send_status"]
    assert status == ("CUSTOM_DELIVERY_FAILURE" if fails else "SUCCESS")


def test_records_wait_for_the_result_of_a_transport(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """A record says what became of the message, so it is written after that."""

    def answer(message: Any) -> Any:
        return Sent() if message.address == "token-device-0" else NotSent("no", is_permanent=True)

    campaigns = with_stream(make_wire(transports={"PUSH": FakeTransport(answer)}), clock)
    campaigns.people(2)
    campaigns.create()
    campaigns.work()
    assert statuses(campaigns) == {"device-0": "SUCCESS", "device-1": "FAILURE_PERMANENT"}


def test_without_a_stream_nothing_is_written(campaigns: Campaigns) -> None:
    """An application without a stream has no records."""
    campaigns.people(2)
    campaigns.create()
    campaigns.work()
    assert records(campaigns) == []

"""The guide's two Java programs, transcribed: their campaigns run, and the right people get them.

Developer Guide, "Creating Campaigns With the AWS SDK for Java" and "Creating A/B Test Campaigns".
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE = 40
MESSAGE = {
    "DefaultMessage": {
        "Action": "OPEN_APP",
        "Body": "My message body.",
        "Title": "My message title.",
    }
}


def create_campaign(client: Any, app_id: str, segment_id: str) -> dict[str, Any]:
    """Do what `PinpointCampaignSample.createCampaign` does."""
    answer = client.create_campaign(
        ApplicationId=app_id,
        WriteCampaignRequest={
            "Description": "My description.",
            "Schedule": {"StartTime": "IMMEDIATE"},
            "SegmentId": segment_id,
            "Name": "MyCampaign",
            "MessageConfiguration": MESSAGE,
        },
    )
    campaign: dict[str, Any] = answer["CampaignResponse"]
    return campaign


def create_ab_campaign(client: Any, app_id: str, segment_id: str) -> dict[str, Any]:
    """Do what `PinpointCampaignSample.createAbCampaign` does."""
    schedule = {"StartTime": "IMMEDIATE"}
    treatment = {
        "MessageConfiguration": MESSAGE,
        "Schedule": schedule,
        "SizePercent": 40,
        "TreatmentDescription": "My treatment description.",
        "TreatmentName": "MyTreatment",
    }
    answer = client.create_campaign(
        ApplicationId=app_id,
        WriteCampaignRequest={
            "Description": "My description.",
            "Schedule": schedule,
            "SegmentId": segment_id,
            "Name": "MyCampaign",
            "MessageConfiguration": MESSAGE,
            "AdditionalTreatments": [treatment],
            "HoldoutPercent": 10,
        },
    )
    campaign: dict[str, Any] = answer["CampaignResponse"]
    return campaign


@pytest.fixture
def segment(client: Any, app: str) -> str:
    """Give a segment of endpoints with a push channel that is on."""
    client.update_gcm_channel(
        ApplicationId=app, GCMChannelRequest={"ApiKey": "key", "Enabled": True}
    )
    items = [
        {"Id": f"device-{number}", "ChannelType": "GCM", "Address": f"token-{number}"}
        for number in range(PEOPLE)
    ]
    client.update_endpoints_batch(ApplicationId=app, EndpointBatchRequest={"Item": items})
    answer = client.create_segment(ApplicationId=app, WriteSegmentRequest={"Name": "MySegment"})
    found: str = answer["SegmentResponse"]["Id"]
    return found


def completed(door: Any, app: str, campaign: str) -> dict[str, Any]:
    """Return a campaign once it is COMPLETED."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = door.client.get_campaign(ApplicationId=app, CampaignId=campaign)
        answer: dict[str, Any] = found["CampaignResponse"]
        if answer["State"]["CampaignStatus"] == "COMPLETED":
            return answer
        time.sleep(0.02)
    raise AssertionError(answer["State"])


def activities(client: Any, app: str, campaign: str) -> dict[str, dict[str, Any]]:
    """Return the activities of a campaign by treatment."""
    answer = client.get_campaign_activities(ApplicationId=app, CampaignId=campaign)
    return {each["TreatmentId"]: each for each in answer["ActivitiesResponse"]["Item"]}


def cohorts(client: Any, app: str, is_one: Callable[[int], bool]) -> int:
    """Return how many of the endpoints are in cohorts of a kind."""
    found = [
        client.get_endpoint(ApplicationId=app, EndpointId=f"device-{number}")["EndpointResponse"]
        for number in range(PEOPLE)
    ]
    return sum(is_one(int(each["CohortId"])) for each in found)


def test_the_guides_standard_campaign(door: Any, app: str, segment: str) -> None:
    """It is SCHEDULED when it is made, and everybody in the segment is sent the message."""
    campaign = create_campaign(door.client, app, segment)
    assert campaign["State"] == {"CampaignStatus": "SCHEDULED"}
    assert len(campaign["Id"]) == 32
    completed(door, app, campaign["Id"])
    activity = activities(door.client, app, campaign["Id"])["0"]
    assert (activity["State"], activity["Result"]) == ("COMPLETED", "SUCCESS")
    assert activity["SuccessfulEndpointCount"] == activity["TotalEndpointCount"] == PEOPLE


def test_the_guides_ab_campaign(door: Any, app: str, segment: str) -> None:
    """A tenth is held out, two fifths get the treatment, and the rest the default."""
    campaign = create_ab_campaign(door.client, app, segment)
    done = completed(door, app, campaign["Id"])
    assert done["DefaultState"] == {"CampaignStatus": "COMPLETED"}
    assert done["AdditionalTreatments"][0]["State"] == {"CampaignStatus": "COMPLETED"}
    found = activities(door.client, app, campaign["Id"])
    sent = {treatment: each["SuccessfulEndpointCount"] for treatment, each in found.items()}
    assert sent == {
        "0": cohorts(door.client, app, lambda cohort: cohort >= 50),
        "1": cohorts(door.client, app, lambda cohort: 10 <= cohort < 50),
    }

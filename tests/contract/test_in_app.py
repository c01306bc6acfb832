"""In-app messages by boto3, as an app reads them."""

from __future__ import annotations

from typing import Any


def test_a_message_for_an_endpoint(client: Any, app: str) -> None:
    """A campaign of events in the app is read by the endpoint that it is for."""
    client.update_endpoint(ApplicationId=app, EndpointId="device-1", EndpointRequest={})
    segment = client.create_segment(
        ApplicationId=app, WriteSegmentRequest={"Name": "all", "Dimensions": {}}
    )["SegmentResponse"]
    message = {"Content": [{"ImageUrl": "https://a.test/a.png"}], "Layout": "TOP_BANNER"}
    campaign = client.create_campaign(
        ApplicationId=app,
        WriteCampaignRequest={
            "Name": "banner",
            "SegmentId": segment["Id"],
            "Priority": 1,
            "Schedule": {
                "StartTime": "IMMEDIATE",
                "Frequency": "IN_APP_EVENT",
                "EventFilter": {
                    "FilterType": "ENDPOINT",
                    "Dimensions": {"EventType": {"Values": ["level_up"]}},
                },
            },
            "MessageConfiguration": {"InAppMessage": message},
        },
    )["CampaignResponse"]
    answer = client.get_in_app_messages(ApplicationId=app, EndpointId="device-1")
    (found,) = answer["InAppMessagesResponse"]["InAppMessageCampaigns"]
    assert (found["CampaignId"], found["InAppMessage"]) == (campaign["Id"], message)
    dimensions = found["Schedule"]["EventFilter"]["Dimensions"]
    assert dimensions["EventType"]["Values"] == ["level_up"]
